//! Texts of our domain with what stands in them, made from seeds.
//!
//! Messages, forms, logs, JSON, tables, links and prose about invented people,
//! among order numbers, hotlines, times, hashes and runs of digits that are
//! nobody's. Numbers look valid, live in memory and are written nowhere.

use liuhen_invented::Generator;
use liuhen_kinds::Kind;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::distractors;
use super::values::{Subject, written};

/// A text and the places of what is personal in it, in bytes.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) truth: Vec<(usize, usize, Kind)>,
}

/// Writes a text and remembers where values stand.
pub(super) struct Writer {
    pub(super) document: Document,
    pub(super) random: ChaCha8Rng,
}

impl Writer {
    pub(super) fn say(&mut self, text: &str) {
        self.document.text.push_str(text);
    }

    /// A value in the form given.
    fn value(&mut self, kind: Kind, text: &str) {
        let start = self.document.text.len();
        self.document.text.push_str(text);
        self.document
            .truth
            .push((start, self.document.text.len(), kind));
    }

    pub(super) fn one_of(&mut self, words: &[&'static str]) -> &'static str {
        words.choose(&mut self.random).copied().unwrap_or_default()
    }

    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.random.random_range(0..10_u8)))
            .collect()
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.random.random_bool(share)
    }
}

/// The kinds whose every occurrence is known in these texts.
pub(super) const KINDS: [Kind; 19] = [
    Kind::RESIDENT_ID,
    Kind::MOBILE,
    Kind::BANK_CARD,
    Kind::LANDLINE,
    Kind::EMAIL,
    Kind::PLATE,
    Kind::PASSPORT,
    Kind::USCC,
    Kind::VIN,
    Kind::IMEI,
    Kind::HK_MO_TW_RESIDENCE,
    Kind::FOREIGNER_ID,
    Kind::QQ,
    Kind::WECHAT_ID,
    Kind::PASSWORD,
    Kind::OTP,
    Kind::DATE_OF_BIRTH,
    Kind::IP,
    Kind::ICCID,
];

/// Words by which texts name a kind, Chinese and as programs write.
fn labels(kind: Kind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        Kind::RESIDENT_ID => (
            &["身份证号", "身份证", "证件号码"],
            &["id_card", "idNo", "cert_no"],
        ),
        Kind::MOBILE => (
            &["手机号", "手机", "联系电话", "电话"],
            &["mobile", "phone", "tel"],
        ),
        Kind::BANK_CARD => (&["银行卡号", "卡号", "收款卡号"], &["bank_card", "card_no"]),
        Kind::LANDLINE => (
            &["座机", "固定电话", "家庭电话"],
            &["home_phone", "landline"],
        ),
        Kind::EMAIL => (&["邮箱", "电子邮箱"], &["email", "mail"]),
        Kind::PLATE => (&["车牌号", "车牌"], &["plate_no", "car_no"]),
        Kind::PASSPORT => (&["护照号", "护照号码"], &["passport_no"]),
        Kind::QQ => (&["QQ", "QQ号", "扣扣"], &["qq"]),
        Kind::WECHAT_ID => (&["微信", "微信号"], &["wechat", "wx"]),
        Kind::PASSWORD => (&["密码", "登录密码"], &["password", "pwd"]),
        Kind::OTP => (&["验证码", "短信验证码"], &["otp", "sms_code"]),
        Kind::DATE_OF_BIRTH => (&["出生日期", "生日"], &["birthday", "dob"]),
        Kind::IP => (&["登录IP", "IP地址"], &["ip", "client_ip"]),
        _ => (&["备注"], &["note"]),
    }
}

/// Kinds in the shares in which texts about people hold them.
const COMMON: [(Kind, u32); 13] = [
    (Kind::MOBILE, 34),
    (Kind::RESIDENT_ID, 18),
    (Kind::BANK_CARD, 8),
    (Kind::EMAIL, 9),
    (Kind::LANDLINE, 4),
    (Kind::PLATE, 4),
    (Kind::PASSPORT, 2),
    (Kind::QQ, 4),
    (Kind::WECHAT_ID, 4),
    (Kind::PASSWORD, 3),
    (Kind::OTP, 3),
    (Kind::DATE_OF_BIRTH, 5),
    (Kind::IP, 2),
];

/// Kinds that are known without a label.
const SELF_EVIDENT: [Kind; 5] = [
    Kind::MOBILE,
    Kind::RESIDENT_ID,
    Kind::BANK_CARD,
    Kind::EMAIL,
    Kind::PLATE,
];

/// `count` texts; the same for the same seed.
pub(super) fn documents(seed: u64, count: u64) -> Vec<Document> {
    let people = Generator::new(seed);
    (0..count)
        .map(|index| {
            let mut writer = Writer {
                document: Document {
                    text: String::new(),
                    truth: Vec::new(),
                },
                random: ChaCha8Rng::seed_from_u64(seed ^ (index << 20)),
            };
            let subject = Subject::new(people.person_at(index % people.distinct()), &mut writer);
            write(&mut writer, &subject);
            writer.document
        })
        .collect()
}

/// About half of all texts speak of a person at all.
fn write(writer: &mut Writer, subject: &Subject) {
    match writer.random.random_range(0..100) {
        0..12 => chat(writer, subject),
        12..22 => form(writer, subject),
        22..30 => record(writer, subject),
        30..36 => log(writer, subject),
        36..42 => table(writer, subject),
        42..46 => link(writer, subject),
        46..52 => prose(writer, subject),
        _ => distractors::write(writer),
    }
    if writer.chance(0.15) {
        writer.say("\n");
        distractors::write(writer);
    }
}

fn kind(writer: &mut Writer, among: &[(Kind, u32)]) -> Kind {
    let chosen = among.choose_weighted(&mut writer.random, |(_, share)| *share);
    chosen.map_or(Kind::MOBILE, |(kind, _)| *kind)
}

fn self_evident(writer: &mut Writer) -> Kind {
    let chosen = SELF_EVIDENT.choose(&mut writer.random);
    chosen.copied().unwrap_or(Kind::MOBILE)
}

fn put(writer: &mut Writer, subject: &Subject, kind: Kind, free: bool) {
    let text = written(kind, subject, &mut writer.random, free);
    writer.value(kind, &text);
}

fn chat(writer: &mut Writer, subject: &Subject) {
    let kind = kind(writer, &COMMON);
    let (zh, _) = labels(kind);
    let label = writer.one_of(zh);
    if SELF_EVIDENT.contains(&kind) && writer.chance(0.4) {
        let opening = writer.one_of(&["发你了", "", "就这个", "加一下", "记一下："]);
        writer.say(opening);
        put(writer, subject, kind, true);
        let closing = writer.one_of(&["，收到没", "找他", "", "，谢谢", "。"]);
        writer.say(closing);
    } else {
        let joint = writer.one_of(&["：", "是", ":", " ", "", "为"]);
        let opening = writer.one_of(&["你好，我的", "他的", "", "麻烦登记，"]);
        writer.say(&format!("{opening}{label}{joint}"));
        put(writer, subject, kind, true);
        let closing = writer.one_of(&["，麻烦了", "。", "\n", "，请查收", "！"]);
        writer.say(closing);
    }
}

fn form(writer: &mut Writer, subject: &Subject) {
    for _ in 0..writer.random.random_range(2..6) {
        let kind = kind(writer, &COMMON);
        let label = writer.one_of(labels(kind).0);
        let joint = writer.one_of(&["：", ":", "： ", "\t"]);
        writer.say(&format!("{label}{joint}"));
        put(writer, subject, kind, true);
        writer.say("\n");
    }
    if writer.chance(0.5) {
        let order = writer.digits(18);
        writer.say(&format!("订单编号：{order}\n"));
    }
}

fn record(writer: &mut Writer, subject: &Subject) {
    let id = writer.digits(9);
    writer.say(&format!("{{\"id\":{id}"));
    for _ in 0..writer.random.random_range(1..4) {
        let kind = kind(writer, &COMMON);
        let label = writer.one_of(labels(kind).1);
        writer.say(&format!(",\"{label}\":\""));
        put(writer, subject, kind, false);
        writer.say("\"");
    }
    let time = writer.digits(10);
    writer.say(&format!(",\"created\":17{}}}", &time[..8]));
}

fn log(writer: &mut Writer, subject: &Subject) {
    let (ms, trace) = (writer.digits(3), writer.digits(16));
    writer.say(&format!("2026-11-22 08:15:03.{ms} INFO trace={trace} "));
    let kind = kind(writer, &COMMON);
    if SELF_EVIDENT.contains(&kind) && writer.chance(0.3) {
        writer.say("lookup ");
    } else {
        let label = writer.one_of(labels(kind).1);
        writer.say(&format!("{label}="));
    }
    put(writer, subject, kind, false);
    writer.say(" ok\n");
}

fn table(writer: &mut Writer, subject: &Subject) {
    let joint = writer.one_of(&[",", "\t", " | ", "----"]);
    for _ in 0..writer.random.random_range(1..4) {
        let row = writer.digits(4);
        writer.say(&row);
        for _ in 0..2 {
            writer.say(joint);
            let kind = self_evident(writer);
            put(writer, subject, kind, false);
        }
        writer.say(joint);
        let serial = writer.digits(12);
        writer.say(&serial);
        writer.say("\n");
    }
}

fn link(writer: &mut Writer, subject: &Subject) {
    let kind = self_evident(writer);
    let label = writer.one_of(labels(kind).1);
    writer.say(&format!("GET /v2/u?{label}="));
    let text = written(kind, subject, &mut writer.random, false);
    let escaped: String = text
        .bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    writer.value(kind, &escaped);
    let sign = writer.digits(13);
    writer.say(&format!("&t={sign} HTTP/1.1\n"));
}

fn prose(writer: &mut Writer, subject: &Subject) {
    let kind = kind(writer, &COMMON);
    let label = writer.one_of(labels(kind).0);
    let opening = writer.one_of(&["据了解，当事人的", "经核实，其", "警方查明，该账户登记的"]);
    writer.say(&format!("{opening}{label}为"));
    put(writer, subject, kind, true);
    writer.say("，有关情况正在进一步调查中。");
}
