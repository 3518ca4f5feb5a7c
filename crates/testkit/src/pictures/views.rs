//! Cars with their plates, and screens.

use liuhen_invented::Person;

use super::cards::portrait;
use super::dice::Dice;
use super::page::{BLACK, Box4, Fonts, Page, Style};

/// Sizes of the pages, in their units.
pub(super) const CAR: [f32; 2] = [1_500.0, 1_000.0];
pub(super) const MONITOR: [f32; 2] = [1_640.0, 1_040.0];

/// The back of a car, in millimetres, with its plate (GA 36: 440 by 140, new energy 480 by 140).
pub(super) fn plate<'f>(
    fonts: &'f Fonts,
    scale: f32,
    person: &Person,
    green: bool,
    dice: &mut Dice,
) -> Page<'f> {
    let body = dice.pick(&[
        [178, 182, 188],
        [40, 44, 52],
        [130, 30, 34],
        [226, 228, 230],
        [36, 62, 108],
    ]);
    let mut page = Page::new(fonts, CAR, scale, body);
    page.paint(Box4::new(0.0, 0.0, 1_500.0, 1_000.0), |_, v| {
        (
            [255, 255, 255],
            0.18 * (1.0 - (v - 180.0).abs() / 240.0).max(0.0),
        )
    });
    page.fill(Box4::new(160.0, 0.0, 1_180.0, 150.0), [46, 54, 62]);
    for left in [40.0, 1_200.0] {
        page.fill(Box4::new(left, 250.0, 260.0, 130.0), [150, 24, 28]);
        page.fill(Box4::new(left + 20.0, 330.0, 220.0, 34.0), [226, 150, 60]);
    }
    page.fill(Box4::new(0.0, 760.0, 1_500.0, 240.0), [30, 32, 36]);
    page.fill(Box4::new(120.0, 860.0, 1_260.0, 30.0), [58, 60, 66]);
    let wide = if green { 480.0 } else { 440.0 };
    let (left, top) = (750.0 - wide / 2.0, 470.0);
    page.fill(
        Box4::new(left - 40.0, top - 36.0, wide + 80.0, 212.0),
        [24, 26, 30],
    );
    let area = Box4::new(left, top, wide, 140.0);
    let (number, ink) = if green {
        page.paint(area, |_, v| {
            let share = ((v - top) / 140.0).clamp(0.0, 1.0);
            (
                [70, 190, 110]
                    .map(|c: u8| super::page::byte(f32::from(c) * share + 244.0 * (1.0 - share))),
                1.0,
            )
        });
        // Ningxia has five prefectures and so offices A to E: nobody has these.
        let office = dice.pick(&["K", "M", "R", "T", "X", "Z"]);
        let kind = dice.pick(&["D", "F"]);
        (format!("宁{office}{kind}{}", dice.digits(5)), BLACK)
    } else {
        page.fill(area, [22, 62, 160]);
        (person.plate.clone(), [250, 250, 250])
    };
    page.frame(
        Box4::new(left + 5.0, top + 5.0, wide - 10.0, 130.0),
        3.0,
        ink,
    );
    // GA 36: letters of 45 by 90, 12 apart; on green ones 43 by 90, 9 apart; a dot between the
    // second and the third.
    let (narrow, apart, middle) = if green {
        (43.0, 9.0, 49.0)
    } else {
        (45.0, 12.0, 34.0)
    };
    let mut at = left + 15.5;
    let mut around: Option<Box4> = None;
    for (index, letter) in number.chars().enumerate() {
        let wide = if index == 0 { 45.0 } else { narrow };
        let here = page.stencil(letter, Box4::new(at, top + 25.0, wide, 90.0), ink);
        around = Some(around.map_or(here, |all| all.with(here)));
        at += wide;
        if index == 1 {
            page.disc([at + middle / 2.0, top + 70.0], [6.0, 6.0], ink);
            at += middle;
        } else {
            at += apart;
        }
    }
    if let Some(around) = around {
        page.mark("plate", &number, vec![around]);
    }
    page.text(
        Style::new(48.0, [210, 214, 220]).bold(),
        [1_020.0, 680.0],
        dice.pick(&["1.8T", "HYBRID", "EV 600"]),
    );
    page
}

/// A monitor that shows a table of persons.
pub(super) fn screen<'f>(
    fonts: &'f Fonts,
    scale: f32,
    people: &[Person],
    dice: &mut Dice,
) -> Page<'f> {
    let mut page = Page::new(fonts, MONITOR, scale, [22, 22, 26]);
    page.fill(Box4::new(30.0, 30.0, 1_580.0, 950.0), [246, 248, 250]);
    page.fill(Box4::new(30.0, 30.0, 1_580.0, 64.0), [34, 78, 146]);
    page.text(
        Style::new(32.0, [255, 255, 255]).bold(),
        [60.0, 74.0],
        "客户信息管理系统",
    );
    portrait(&mut page, Box4::new(1_530.0, 36.0, 44.0, 52.0), dice);
    page.fill(Box4::new(30.0, 94.0, 210.0, 886.0), [230, 234, 240]);
    for (index, entry) in ["客户查询", "订单管理", "数据导出", "系统设置"]
        .iter()
        .enumerate()
    {
        let top = 160.0 + 70.0 * index as f32;
        page.text(Style::new(28.0, [60, 66, 76]), [60.0, top], entry);
    }
    let columns = [270.0, 360.0, 540.0, 830.0, 1_280.0];
    let heads = ["序号", "姓名", "手机号", "身份证号", "状态"];
    page.fill(Box4::new(254.0, 120.0, 1_340.0, 60.0), [216, 224, 236]);
    for (left, head) in columns.iter().zip(heads) {
        page.text(Style::new(28.0, BLACK).bold(), [*left, 160.0], head);
    }
    let style = Style::new(28.0, [40, 42, 48]);
    let step = (760.0 / people.len() as f32).min(72.0);
    for (index, person) in people.iter().enumerate() {
        let base = 180.0 + step * (index as f32 + 0.68);
        page.fill(
            Box4::new(254.0, base + step * 0.3, 1_340.0, 2.0),
            [214, 218, 224],
        );
        page.text(style, [columns[0], base], &(index + 1).to_string());
        page.field("person_name", style, [columns[1], base], &person.name);
        page.field("mobile", style, [columns[2], base], &person.mobile);
        page.field(
            "resident_id",
            style,
            [columns[3], base],
            &person.resident_id,
        );
        page.text(
            style,
            [columns[4], base],
            dice.pick(&["正常", "已停用", "待审核"]),
        );
    }
    page
}
