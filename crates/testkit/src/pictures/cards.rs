//! ID cards and bank cards, in tenths of a millimetre (ISO/IEC 7810, ID-1).

use liuhen_invented::Person;

use super::dice::Dice;
use super::page::{BLACK, Box4, Fonts, Page, Style};

pub(super) const CARD: [f32; 2] = [856.0, 540.0];

const LABEL: [u8; 3] = [62, 122, 176];
/// Peoples as the card names them, most often the largest.
const PEOPLES: [&str; 9] = ["汉", "汉", "汉", "汉", "回", "满", "壮", "土家", "蒙古"];

/// Fine waves over two colours, as safety paper has them.
fn safety_paper(page: &mut Page<'_>, from: [u8; 3], to: [u8; 3]) {
    let [wide, high] = CARD;
    page.paint(Box4::new(0.0, 0.0, wide, high), |u, v| {
        let along = (u / wide + v / high) / 2.0;
        let mix = |a: u8, b: u8| f32::from(a) * (1.0 - along) + f32::from(b) * along;
        let wave = ((v + 18.0 * (u / 47.0).sin() + 9.0 * (u / 13.0).sin()) / 2.6).sin();
        let shade = 1.0 - 0.035 * wave.max(0.0);
        let colour = [0, 1, 2].map(|at| super::page::byte(mix(from[at], to[at]) * shade));
        (colour, 1.0)
    });
}

/// A drawn head and shoulders that resemble nobody.
pub(super) fn portrait(page: &mut Page<'_>, area: Box4, dice: &mut Dice) {
    let (wide, high) = (area.right - area.left, area.bottom - area.top);
    let at = |x: f32, y: f32| [area.left + wide * x, area.top + high * y];
    let by = |x: f32, y: f32| [wide * x, high * y];
    page.fill(area, [236, 240, 243]);
    let skin = dice.pick(&[[226, 190, 165], [214, 176, 148], [235, 202, 180]]);
    let coat = dice.pick(&[[48, 52, 66], [96, 40, 44], [40, 70, 60], [210, 212, 216]]);
    page.disc_within(area, at(0.5, 1.06), by(0.46, 0.30), coat);
    page.fill(
        Box4::new(
            area.left + wide * 0.41,
            area.top + high * 0.58,
            wide * 0.18,
            high * 0.2,
        ),
        skin,
    );
    page.disc(at(0.5, 0.37), by(0.275, 0.28), [38, 32, 30]);
    page.disc(at(0.5, 0.42), by(0.235, 0.255), skin);
    for side in [0.41, 0.59] {
        page.disc(at(side, 0.40), by(0.035, 0.014), [40, 32, 30]);
        page.disc(at(side, 0.365), by(0.05, 0.008), [60, 48, 42]);
    }
    page.disc(at(0.5, 0.475), by(0.028, 0.022), [198, 154, 132]);
    page.disc(at(0.5, 0.555), by(0.07, 0.014), [178, 104, 98]);
}

pub(super) fn id_front<'f>(
    fonts: &'f Fonts,
    scale: f32,
    person: &Person,
    dice: &mut Dice,
) -> Page<'f> {
    let mut page = Page::new(fonts, CARD, scale, [235, 241, 245]);
    safety_paper(&mut page, [226, 238, 246], [246, 234, 238]);
    portrait(&mut page, Box4::new(560.0, 75.0, 230.0, 300.0), dice);
    let label = Style::new(29.0, LABEL);
    let value = Style::new(35.0, BLACK);
    page.text(label, [62.0, 100.0], "姓  名");
    page.field(
        "person_name",
        value.apart(4.0),
        [165.0, 102.0],
        &person.name,
    );
    page.text(label, [62.0, 168.0], "性  别");
    page.field("gender", value, [165.0, 170.0], person.sex.label());
    page.text(label, [262.0, 168.0], "民  族");
    let people = dice.pick(&PEOPLES);
    page.field("ethnicity", value, [362.0, 170.0], people);
    page.text(label, [62.0, 236.0], "出  生");
    let birth = person.birth;
    let mut boxes = page.text(value, [165.0, 238.0], &birth.year.to_string());
    let pieces = [
        (250.0, "年".to_owned(), label),
        (300.0, birth.month.to_string(), value),
        (348.0, "月".to_owned(), label),
        (398.0, birth.day.to_string(), value),
        (446.0, "日".to_owned(), label),
    ];
    for (left, text, style) in pieces {
        boxes = boxes.with(page.text(style, [left, 237.0], &text));
    }
    let text = format!("{}年{}月{}日", birth.year, birth.month, birth.day);
    page.mark("date_of_birth", &text, vec![boxes]);
    page.text(label, [62.0, 304.0], "住  址");
    let small = Style::new(32.0, BLACK);
    page.field_in("address", small, [165.0, 306.0], 362.0, &person.address);
    page.text(label, [62.0, 476.0], "公民身份号码");
    let number = Style::new(40.0, BLACK).apart(4.5);
    page.field("resident_id", number, [288.0, 480.0], &person.resident_id);
    page
}

/// Names a place's police as a card does; the place is the first of the person's address.
pub(super) fn id_back<'f>(
    fonts: &'f Fonts,
    scale: f32,
    person: &Person,
    dice: &mut Dice,
) -> Page<'f> {
    let mut page = Page::new(fonts, CARD, scale, [238, 240, 238]);
    safety_paper(&mut page, [240, 232, 236], [226, 240, 240]);
    // In place of the emblem, a plain red disc.
    page.disc([125.0, 125.0], [72.0, 76.0], [186, 52, 48]);
    page.disc([125.0, 125.0], [56.0, 60.0], [206, 92, 72]);
    let title = Style::new(47.0, BLACK).apart(6.0);
    page.text(title, [270.0, 120.0], "中华人民共和国");
    page.text(
        Style::new(67.0, BLACK).bold().apart(14.0),
        [246.0, 216.0],
        "居民身份证",
    );
    let label = Style::new(30.0, BLACK).bold();
    let value = Style::new(33.0, BLACK);
    page.text(label, [180.0, 412.0], "签发机关");
    let place = place(&person.address);
    page.field(
        "organisation",
        value,
        [328.0, 413.0],
        &format!("{place}公安局"),
    );
    page.text(label, [180.0, 484.0], "有效期限");
    let year = 2012 + dice.below(12);
    let (month, day) = (1 + dice.below(12), 1 + dice.below(28));
    let until = format!(
        "{year}.{month:02}.{day:02}-{}.{month:02}.{day:02}",
        year + 20
    );
    page.text(value, [328.0, 485.0], &until);
    page
}

/// The second place an address names, as `成都市` of `四川省成都市武侯区`, or its only one.
fn place(address: &str) -> &str {
    let mut places = address.split_inclusive(['省', '市', '州', '盟', '区', '县', '旗']);
    let first = places.next().unwrap_or_default();
    places.next().unwrap_or(first)
}

const HOLDERS: [&str; 10] = [
    "WANG XIAOMING",
    "LI NA",
    "ZHANG WEI",
    "CHEN JING",
    "ZHAO LEI",
    "SUN YUE",
    "ZHOU TIAN",
    "WU HAORAN",
    "XU DAN",
    "LIN KE",
];

pub(super) fn bank<'f>(fonts: &'f Fonts, scale: f32, person: &Person, dice: &mut Dice) -> Page<'f> {
    let (dark, light) = dice.pick(&[
        ([24, 60, 120], [70, 128, 196]),
        ([120, 24, 32], [204, 70, 64]),
        ([20, 88, 74], [76, 164, 132]),
        ([42, 42, 48], [104, 104, 116]),
        ([190, 150, 70], [232, 208, 150]),
        ([214, 220, 228], [244, 246, 250]),
    ]);
    let mut page = Page::new(fonts, CARD, scale, dark);
    let [wide, high] = CARD;
    page.paint(Box4::new(0.0, 0.0, wide, high), |u, v| {
        let ring = ((u - 700.0).hypot(v - 60.0) / 90.0).sin() * 0.06;
        (
            light,
            (u / wide * 0.6 + (1.0 - v / high) * 0.4 + ring).clamp(0.0, 1.0),
        )
    });
    let bright = dark.iter().map(|&c| u32::from(c)).sum::<u32>() > 400;
    let ink = if bright {
        [60, 50, 36]
    } else {
        [246, 246, 240]
    };
    page.text(Style::new(46.0, ink).bold(), [60.0, 92.0], "示例银行");
    page.text(Style::new(22.0, ink), [262.0, 88.0], "DEMO BANK");
    page.text(
        Style::new(28.0, ink),
        [660.0, 84.0],
        dice.pick(&["借记卡", "信用卡", "储蓄卡"]),
    );
    // The chip.
    page.fill(Box4::new(70.0, 180.0, 112.0, 86.0), [214, 184, 108]);
    page.frame(Box4::new(70.0, 180.0, 112.0, 86.0), 4.0, [160, 130, 70]);
    page.fill(Box4::new(70.0, 221.0, 112.0, 4.0), [160, 130, 70]);
    page.fill(Box4::new(124.0, 180.0, 4.0, 86.0), [160, 130, 70]);
    let card = &person.bank_card;
    let grouped = if dice.chance(0.6) {
        let groups: Vec<&str> = (0..card.len())
            .step_by(4)
            .map(|at| &card[at..(at + 4).min(card.len())])
            .collect();
        groups.join(" ")
    } else {
        format!("{} {}", &card[..6], &card[6..])
    };
    let style = Style::new(56.0, ink).apart(2.0);
    if dice.chance(0.6) {
        // Embossed: a dark edge below, a bright one above.
        page.text(style.coloured([30, 30, 34]), [62.5, 366.5], &grouped);
        page.text(style.coloured([255, 255, 255]), [59.0, 363.0], &grouped);
    }
    page.field("bank_card", style, [60.0, 364.0], &grouped);
    page.text(Style::new(18.0, ink), [330.0, 420.0], "VALID THRU");
    let until = format!("{:02}/{}", 1 + dice.below(12), 27 + dice.below(9));
    page.text(Style::new(30.0, ink), [450.0, 424.0], &until);
    if dice.chance(0.6) {
        let style = Style::new(32.0, ink).apart(2.0);
        page.field("person_name", style, [60.0, 478.0], dice.pick(&HOLDERS));
    }
    page.fill(Box4::new(690.0, 430.0, 120.0, 76.0), [230, 236, 240]);
    page.fill(Box4::new(694.0, 434.0, 40.0, 68.0), [200, 40, 52]);
    page.fill(Box4::new(730.0, 434.0, 40.0, 68.0), [24, 80, 140]);
    page.fill(Box4::new(766.0, 434.0, 40.0, 68.0), [20, 120, 110]);
    page.text(
        Style::new(30.0, [255, 255, 255]).bold(),
        [712.0, 478.0],
        "银联",
    );
    page
}
