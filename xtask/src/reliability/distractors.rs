//! What stands in texts and is nobody's: orders, hotlines, times, codes, runs of digits.

use rand::RngExt as _;

use super::domain::Writer;

/// Words that say what a number is, when it is no person's.
const THINGS: [&str; 18] = [
    "订单号",
    "订单编号",
    "流水号",
    "工单号",
    "设备编号",
    "合同编号",
    "批次号",
    "商品编码",
    "发票号码",
    "快照编号",
    "任务ID",
    "版本号",
    "序列号",
    "资产编号",
    "order_no",
    "trace_id",
    "seq",
    "serial",
];

/// One of them, in the shares in which logs, tables and advertisements hold them.
pub(super) fn write(writer: &mut Writer) {
    match writer.random.random_range(0..100) {
        0..20 => labelled(writer),
        20..38 => runs(writer),
        38..48 => hotline(writer),
        48..60 => times(writer),
        60..68 => hashes(writer),
        68..76 => amounts(writer),
        76..92 => misleading(writer),
        _ => code(writer),
    }
}

/// A length that numbers of systems have; those of people's numbers among them.
fn length(writer: &mut Writer) -> usize {
    let lengths = [
        8, 9, 10, 10, 11, 11, 12, 13, 14, 15, 16, 16, 17, 18, 18, 19, 20,
    ];
    lengths[writer.random.random_range(0..lengths.len())]
}

/// A number of a system: any digits, or a day and a running number.
fn number(writer: &mut Writer) -> String {
    let length = length(writer);
    if length > 11 && writer.chance(0.5) {
        let day = day(writer);
        return format!("{day}{}", writer.digits(length - day.len()));
    }
    let first = writer.random.random_range(1..10);
    format!("{first}{}", writer.digits(length - 1))
}

fn day(writer: &mut Writer) -> String {
    let random = &mut writer.random;
    let (y, m, d) = (
        random.random_range(2015..2027),
        random.random_range(1..13),
        random.random_range(1..29),
    );
    format!("{y}{m:02}{d:02}")
}

fn labelled(writer: &mut Writer) {
    let label = writer.one_of(&THINGS);
    let joint = writer.one_of(&["：", ":", "=", " ", "为"]);
    let number = number(writer);
    let closing = writer.one_of(&["，已发货", "\n", "。", " ok", ""]);
    writer.say(&format!("{label}{joint}{number}{closing}"));
}

/// A word of a kind beside what is not of it: the hardest of all.
fn misleading(writer: &mut Writer) {
    let number = number(writer);
    let (four, eleven) = (writer.digits(4), writer.digits(11));
    let text = match writer.random.random_range(0..16) {
        0 => format!("会员卡号：{number}"),
        1 => format!("卡号 8{four}{eleven}"),
        2 => format!("\"phone_id\":1{}", &eleven[..10]),
        3 => format!("contact_seq={number} ok"),
        4 => format!("联系电话：400{}", &eleven[..7]),
        5 => format!("手机型号：A{four}，手机壳{four}款"),
        6 => "密码：见短信，密码强度：高，password: null".to_owned(),
        7 => format!("password=${{DB_PASS}} pwd_len={four}"),
        8 => format!("验证码错误，错误码{four}，验证码有效期300秒"),
        9 => format!("QQ音乐{}人在听，微信支付{number}", &eleven[..7]),
        10 => format!("微信公众号：news_{four}"),
        11 => format!("固件版本 58.{}.{}.{}", &four[..1], &four[1..2], &four[2..3]),
        12 => "git@code.example:team/app.git image@2x.png".to_owned(),
        13 => format!("护照有效期10年，护照办理编号{number}"),
        14 => format!("生日优惠截至2027-10-01，满{four}减100"),
        _ => format!("身份证办理进度查询号：{number}"),
    };
    let closing = writer.one_of(&["\n", "。", "，", ""]);
    writer.say(&format!("{text}{closing}"));
}

/// Digits of which nothing says what they are.
fn runs(writer: &mut Writer) {
    let joint = writer.one_of(&[",", " ", "\t", "\n", "|"]);
    for _ in 0..writer.random.random_range(1..8) {
        let number = number(writer);
        writer.say(&number);
        writer.say(joint);
    }
}

fn hotline(writer: &mut Writer) {
    let opening = writer.one_of(&[
        "服务热线",
        "客服电话",
        "咨询热线：",
        "全国统一热线",
        "投诉请拨打",
        "预约电话",
    ]);
    let number = match writer.random.random_range(0..4) {
        0 => format!("400-{}-{}", writer.digits(3), writer.digits(4)),
        1 => format!("400{}", writer.digits(7)),
        2 => format!("95{}", writer.digits(3)),
        _ => writer
            .one_of(&["12345", "10086", "12315", "110", "12306"])
            .to_owned(),
    };
    let price = writer.random.random_range(99..9999);
    writer.say(&format!(
        "{opening}{number}，种植牙{price}元起，10月1日至7日到店有礼。"
    ));
}

fn times(writer: &mut Writer) {
    let day = day(writer);
    let text = match writer.random.random_range(0..5) {
        0 => format!("ts=17{}", writer.digits(8)),
        1 => format!("17{}", writer.digits(11)),
        2 => format!("{day}{}", writer.digits(6)),
        3 => format!(
            "{}-{}-{}T08:15:03.{}Z",
            &day[..4],
            &day[4..6],
            &day[6..],
            writer.digits(6)
        ),
        _ => format!("{}年{}月{}日", &day[..4], &day[4..6], &day[6..]),
    };
    let closing = writer.one_of(&[" done\n", "，", "\n", " "]);
    writer.say(&format!("{text}{closing}"));
}

fn hashes(writer: &mut Writer) {
    let length = [8, 16, 32, 40, 64][writer.random.random_range(0..5)];
    let hex: String = (0..length)
        .map(|_| char::from(b"0123456789abcdef"[writer.random.random_range(0..16)]))
        .collect();
    let opening = writer.one_of(&["", "sha256:", "etag=", "commit "]);
    writer.say(&format!("{opening}{hex}\n"));
}

fn amounts(writer: &mut Writer) {
    let (a, b) = (writer.digits(7), writer.digits(2));
    let text = match writer.random.random_range(0..4) {
        0 => format!("金额：{a}.{b}元"),
        1 => format!("总投资1{a}000元，同比增长{b}%"),
        2 => format!("共{a}条，第{b}页"),
        _ => format!("{b}.{a}e+{b} {b}.{a} -0.{a}"),
    };
    writer.say(&text);
}

fn code(writer: &mut Writer) {
    let (a, b) = (writer.digits(10), writer.digits(4));
    let text = match writer.random.random_range(0..5) {
        0 => format!("const N: u64 = 1{a};"),
        1 => format!("v{}.{}.{b}", &a[..1], &a[1..2]),
        2 => "if password.len() < 8 { return Err(\"密码太短\"); }".to_owned(),
        3 => "mobile VARCHAR(11) NOT NULL COMMENT '手机号',".to_owned(),
        _ => format!("M{b} {}L{a},{b}z", &a[..3]),
    };
    writer.say(&text);
    writer.say("\n");
}
