//! Waybills, tickets, forms.

use liuhen_invented::Person;

use super::cards::CARD;
use super::dice::Dice;
use super::page::{BLACK, Box4, Fonts, Page, Style};

/// Sizes of the pages, in their units.
pub(super) const WAYBILL: [f32; 2] = [760.0, 1_000.0];
pub(super) const BOARDING: [f32; 2] = [1_900.0, 780.0];
pub(super) const FORM: [f32; 2] = [1_050.0, 1_050.0];

const PAPER: [u8; 3] = [250, 249, 246];
const GREY: [u8; 3] = [110, 110, 116];

/// A waybill of 76 by 100 millimetres, in tenths. Its carrier and so its number do not exist.
pub(super) fn waybill<'f>(
    fonts: &'f Fonts,
    scale: f32,
    people: [&Person; 2],
    dice: &mut Dice,
) -> Page<'f> {
    let mut page = Page::new(fonts, WAYBILL, scale, PAPER);
    let number = format!("LH{}", dice.digits(13));
    let plain = Style::new(30.0, BLACK);
    page.frame(Box4::new(12.0, 12.0, 736.0, 976.0), 3.0, BLACK);
    page.text(Style::new(44.0, BLACK).bold(), [34.0, 76.0], "示例快递");
    page.text(Style::new(26.0, BLACK), [230.0, 74.0], "标准快递");
    page.text(Style::new(22.0, GREY), [560.0, 72.0], "2026-11-23 08:41");
    page.fill(Box4::new(12.0, 96.0, 736.0, 3.0), BLACK);
    page.bars(
        Some("waybill"),
        Box4::new(90.0, 110.0, 580.0, 96.0),
        &number,
    );
    let area = page.text(plain, [240.0, 240.0], &format!("运单号：{number}"));
    page.mark(
        "waybill",
        &number,
        vec![tail(&page, plain, area, "运单号：")],
    );
    page.fill(Box4::new(12.0, 256.0, 736.0, 3.0), BLACK);
    let code = format!(
        "{}-{}-{:03}",
        100 + dice.below(900),
        dice.pick(&["A", "B", "C"]),
        dice.below(999)
    );
    page.text(Style::new(76.0, BLACK).bold(), [40.0, 336.0], &code);
    page.fill(Box4::new(12.0, 360.0, 736.0, 3.0), BLACK);
    let [to, from] = people;
    let spelled = dice.chance(0.5);
    let mut top = 360.0;
    for (person, short, long, large) in [(to, "收", "收件人", 32.0), (from, "寄", "寄件人", 28.0)]
    {
        let style = Style::new(large, BLACK);
        let left = if spelled {
            let label = page.text(style, [34.0, top + 52.0], &format!("{long}："));
            label.right + 16.0
        } else {
            page.disc([58.0, top + 42.0], [28.0, 28.0], BLACK);
            let white = Style::new(32.0, [255, 255, 255]).bold();
            page.text(white, [42.0, top + 54.0], short);
            106.0
        };
        let name = page.field("person_name", style, [left, top + 52.0], &person.name);
        page.field(
            "mobile",
            style,
            [name.right + 36.0, top + 52.0],
            &person.mobile,
        );
        let left = if spelled { 34.0 } else { 106.0 };
        let shift = if spelled {
            page.text(style, [left, top + 100.0], "地址：").right + 10.0
        } else {
            left
        };
        page.field_in(
            "address",
            style,
            [shift, top + 100.0],
            720.0 - shift,
            &person.address,
        );
        top += 196.0;
        page.fill(Box4::new(12.0, top - 4.0, 736.0, 3.0), BLACK);
    }
    let goods = dice.pick(&["日用品", "书籍", "服装", "文件", "食品"]);
    page.text(plain, [34.0, 804.0], &format!("品名：{goods}  件数：1"));
    page.text(
        plain,
        [34.0, 852.0],
        &format!("重量：{}.{}kg", 1 + dice.below(9), dice.below(10)),
    );
    page.text(Style::new(24.0, GREY), [34.0, 900.0], "已验视  签收人：");
    page.text(
        Style::new(22.0, GREY),
        [34.0, 950.0],
        "本次服务适用快递服务合同条款",
    );
    page.qr(
        Some("waybill"),
        Box4::new(548.0, 772.0, 190.0, 190.0),
        &number,
    );
    page
}

/// What stands behind a label that was drawn in one line with it.
fn tail(page: &Page<'_>, style: Style, area: Box4, label: &str) -> Box4 {
    Box4 {
        left: area.left + page.wide(style, label) - style.size * 0.06,
        ..area
    }
}

/// An ID number as tickets print it.
fn covered(id: &str) -> String {
    let at = |from: usize, to: usize| id.get(from..to).unwrap_or_default();
    format!("{}****{}", at(0, 10), at(14, 18))
}

const STATIONS: [&str; 8] = [
    "北京南",
    "上海虹桥",
    "广州南",
    "成都东",
    "武汉",
    "西安北",
    "杭州东",
    "长沙南",
];

pub(super) fn train<'f>(
    fonts: &'f Fonts,
    scale: f32,
    person: &Person,
    dice: &mut Dice,
) -> Page<'f> {
    let ground = dice.pick(&[[196, 222, 238], [240, 208, 208]]);
    let mut page = Page::new(fonts, CARD, scale, ground);
    page.paint(Box4::new(0.0, 0.0, 856.0, 540.0), |u, v| {
        let wave = ((u + 26.0 * (v / 61.0).sin()) / 5.0).sin().max(0.0);
        ([255, 255, 255], 0.25 * wave)
    });
    page.fill(Box4::new(0.0, 500.0, 856.0, 40.0), [120, 180, 214]);
    let number = format!("{}{}", dice.pick(&["E", "K", "Z"]), dice.digits(6));
    page.field(
        "ticket",
        Style::new(38.0, [190, 40, 44]),
        [50.0, 62.0],
        &number,
    );
    page.text(
        Style::new(28.0, BLACK),
        [600.0, 58.0],
        &format!("检票：{}A", 1 + dice.below(20)),
    );
    let (one, two) = (dice.below(4), 4 + dice.below(4));
    let large = Style::new(46.0, BLACK);
    page.text(large, [60.0, 130.0], &format!("{}站", STATIONS[one]));
    page.text(large, [560.0, 130.0], &format!("{}站", STATIONS[two]));
    let train = format!("{}{}", dice.pick(&["G", "D"]), 10 + dice.below(980));
    page.text(large, [370.0, 118.0], &train);
    page.fill(Box4::new(340.0, 130.0, 180.0, 3.0), BLACK);
    let plain = Style::new(30.0, BLACK);
    let when = format!(
        "2026年{:02}月{:02}日 {:02}:{:02}开",
        1 + dice.below(12),
        1 + dice.below(28),
        6 + dice.below(16),
        dice.below(60)
    );
    page.text(plain, [50.0, 200.0], &when);
    let seat = format!(
        "{:02}车{:02}{}号",
        1 + dice.below(16),
        1 + dice.below(18),
        dice.pick(&["A", "C", "F"])
    );
    page.text(plain, [560.0, 200.0], &seat);
    page.text(
        plain,
        [50.0, 248.0],
        &format!("￥{}.5元", 40 + dice.below(900)),
    );
    page.text(plain, [560.0, 248.0], "二等座");
    page.text(Style::new(26.0, BLACK), [50.0, 294.0], "限乘当日当次车");
    let style = Style::new(34.0, BLACK);
    let full = dice.chance(0.4);
    let id = if full {
        person.resident_id.clone()
    } else {
        covered(&person.resident_id)
    };
    let area = page.field("resident_id", style, [50.0, 356.0], &id);
    page.field(
        "person_name",
        style,
        [area.right + 16.0, 356.0],
        &person.name,
    );
    page.frame(Box4::new(80.0, 376.0, 480.0, 96.0), 2.0, GREY);
    page.text(
        Style::new(24.0, BLACK),
        [120.0, 416.0],
        "买票请到12306 发货请到95306",
    );
    page.text(
        Style::new(24.0, BLACK),
        [160.0, 456.0],
        "中国铁路祝您旅途愉快",
    );
    let long = format!("{}{number}", dice.digits(14));
    page.field("ticket", Style::new(26.0, BLACK), [50.0, 530.0], &long);
    page.qr(Some("ticket"), Box4::new(640.0, 300.0, 180.0, 180.0), &long);
    page
}

pub(super) fn boarding<'f>(
    fonts: &'f Fonts,
    scale: f32,
    person: &Person,
    dice: &mut Dice,
) -> Page<'f> {
    let mut page = Page::new(fonts, BOARDING, scale, PAPER);
    let blue = [28, 72, 140];
    page.fill(Box4::new(0.0, 0.0, 1_900.0, 110.0), blue);
    let white = Style::new(54.0, [255, 255, 255]).bold();
    page.text(white, [60.0, 76.0], "示例航空");
    page.text(white, [640.0, 76.0], "登机牌 BOARDING PASS");
    page.text(Style::new(42.0, [255, 255, 255]), [1_440.0, 74.0], "登机牌");
    for at in 0..26_u8 {
        page.fill(
            Box4::new(1_398.0, 120.0 + 26.0 * f32::from(at), 4.0, 14.0),
            GREY,
        );
    }
    let label = Style::new(30.0, GREY);
    let value = Style::new(46.0, BLACK);
    let flight = format!("LH{}", 1_000 + dice.below(9_000));
    let seat = format!("{}{}", 10 + dice.below(50), dice.pick(&["A", "C", "K"]));
    let day = format!("{:02}月{:02}日", 1 + dice.below(12), 1 + dice.below(28));
    page.text(label, [60.0, 176.0], "姓名 NAME");
    page.field("person_name", value, [60.0, 240.0], &person.name);
    page.text(label, [460.0, 176.0], "航班 FLIGHT");
    page.text(value, [460.0, 240.0], &flight);
    page.text(label, [800.0, 176.0], "日期 DATE");
    page.text(value, [800.0, 240.0], &day);
    page.text(label, [1_120.0, 176.0], "座位 SEAT");
    page.text(value, [1_120.0, 240.0], &seat);
    page.text(label, [60.0, 322.0], "始发 FROM");
    page.text(
        value,
        [60.0, 386.0],
        dice.pick(&["北京首都", "上海浦东", "深圳宝安"]),
    );
    page.text(label, [460.0, 322.0], "到达 TO");
    page.text(
        value,
        [460.0, 386.0],
        dice.pick(&["成都天府", "昆明长水", "西安咸阳"]),
    );
    page.text(label, [800.0, 322.0], "登机口 GATE");
    page.text(value, [800.0, 386.0], &format!("C{}", 10 + dice.below(60)));
    page.text(label, [1_120.0, 322.0], "登机时间");
    page.text(
        value,
        [1_120.0, 386.0],
        &format!("{:02}:{:02}", 6 + dice.below(16), dice.below(60)),
    );
    page.text(label, [60.0, 468.0], "证件号 ID NO.");
    let id = if dice.chance(0.5) {
        person.resident_id.clone()
    } else {
        covered(&person.resident_id)
    };
    page.field("resident_id", value, [60.0, 532.0], &id);
    page.text(label, [60.0, 616.0], "电子客票号 ETKT NO.");
    let ticket = format!("999-{}", dice.digits(10));
    page.field("ticket", value, [60.0, 680.0], &ticket);
    let says = format!("M1{flight}{seat} {}", ticket.replace('-', ""));
    page.qr(
        Some("ticket"),
        Box4::new(1_050.0, 440.0, 290.0, 290.0),
        &says,
    );
    let small = Style::new(40.0, BLACK);
    page.text(label, [1_440.0, 176.0], "姓名 NAME");
    page.field("person_name", small, [1_440.0, 232.0], &person.name);
    page.text(label, [1_440.0, 300.0], "航班 / 日期");
    page.text(small, [1_440.0, 356.0], &format!("{flight} {day}"));
    page.text(label, [1_440.0, 424.0], "座位 SEAT");
    page.text(small, [1_440.0, 480.0], &seat);
    page.text(label, [1_440.0, 560.0], "票号 ETKT");
    page.field("ticket", Style::new(34.0, BLACK), [1_440.0, 612.0], &ticket);
    page
}

/// A cell of a form: label, kind (none for what says nothing about a person), value, and
/// whether it takes a whole row.
type Cell = (&'static str, Option<&'static str>, String, bool);

const ILLS: [&str; 6] = [
    "高血压二级",
    "2型糖尿病",
    "急性支气管炎",
    "慢性胃炎",
    "腰椎间盘突出",
    "过敏性鼻炎",
];

pub(super) fn hospital<'f>(
    fonts: &'f Fonts,
    scale: f32,
    person: &Person,
    dice: &mut Dice,
) -> Page<'f> {
    let cells: Vec<Cell> = vec![
        ("姓名", Some("person_name"), person.name.clone(), false),
        ("性别", Some("gender"), person.sex.label().to_owned(), false),
        (
            "出生日期",
            Some("date_of_birth"),
            person.birth.to_string(),
            false,
        ),
        (
            "病历号",
            Some("medical_record"),
            format!("M{}", dice.digits(8)),
            false,
        ),
        (
            "身份证号",
            Some("resident_id"),
            person.resident_id.clone(),
            true,
        ),
        ("联系电话", Some("mobile"), person.mobile.clone(), false),
        (
            "就诊科室",
            None,
            dice.pick(&["内科", "外科", "骨科"]).to_owned(),
            false,
        ),
        ("家庭住址", Some("address"), person.address.clone(), true),
        ("诊断", Some("diagnosis"), dice.pick(&ILLS).to_owned(), true),
        ("处理意见", None, "注意休息，两周后复查".to_owned(), true),
    ];
    form(fonts, scale, "示例市人民医院门诊病历", &cells)
}

pub(super) fn school<'f>(
    fonts: &'f Fonts,
    scale: f32,
    [child, parent]: [&Person; 2],
    dice: &mut Dice,
) -> Page<'f> {
    let class = format!(
        "{}年级{}班",
        dice.pick(&["一", "三", "五", "六"]),
        1 + dice.below(9)
    );
    let cells: Vec<Cell> = vec![
        ("学生姓名", Some("person_name"), child.name.clone(), false),
        ("性别", Some("gender"), child.sex.label().to_owned(), false),
        (
            "出生日期",
            Some("date_of_birth"),
            child.birth.to_string(),
            false,
        ),
        ("班级", Some("school_class"), class, false),
        (
            "身份证号",
            Some("resident_id"),
            child.resident_id.clone(),
            true,
        ),
        (
            "学号",
            Some("student_id"),
            format!("2026{}", dice.digits(6)),
            false,
        ),
        (
            "民族",
            Some("ethnicity"),
            dice.pick(&["汉族", "回族", "满族"]).to_owned(),
            false,
        ),
        ("监护人", Some("person_name"), parent.name.clone(), false),
        ("联系电话", Some("mobile"), parent.mobile.clone(), false),
        ("家庭住址", Some("address"), child.address.clone(), true),
        (
            "兴趣爱好",
            None,
            dice.pick(&["游泳", "绘画", "围棋"]).to_owned(),
            true,
        ),
    ];
    form(fonts, scale, "示例小学学生信息登记表", &cells)
}

/// A ruled form, in fifths of a millimetre.
fn form<'f>(fonts: &'f Fonts, scale: f32, title: &str, cells: &[Cell]) -> Page<'f> {
    const LEFT: f32 = 60.0;
    const WIDE: f32 = 930.0;
    const LABEL: f32 = 150.0;
    let mut page = Page::new(fonts, FORM, scale, PAPER);
    let head = Style::new(46.0, BLACK).bold();
    let shift = (1_050.0 - page.wide(head, title)) / 2.0;
    page.text(head, [shift, 100.0], title);
    let style = Style::new(30.0, BLACK);
    let mut top = 150.0;
    let mut second = false;
    for (label, kind, value, whole) in cells {
        let wide = if *whole { WIDE } else { WIDE / 2.0 };
        let left = if second { LEFT + WIDE / 2.0 } else { LEFT };
        let high = if *whole && page.wide(style, value) > WIDE - LABEL - 30.0 {
            124.0
        } else {
            84.0
        };
        page.frame(Box4::new(left, top, LABEL, high), 2.0, GREY);
        page.frame(
            Box4::new(left + LABEL - 2.0, top, wide - LABEL + 2.0, high),
            2.0,
            GREY,
        );
        page.text(style, [left + 16.0, top + 52.0], label);
        let at = [left + LABEL + 16.0, top + 52.0];
        match kind {
            Some(kind) => {
                page.field_in(kind, style, at, wide - LABEL - 26.0, value);
            }
            None => {
                page.text(style, at, value);
            }
        }
        if *whole || second {
            top += high - 2.0;
        }
        second = !*whole && !second;
    }
    page.text(style, [LEFT, top + 70.0], "填表日期：2026年11月23日");
    page
}
