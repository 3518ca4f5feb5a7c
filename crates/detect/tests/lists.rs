//! Lists as they are passed on: fields divided by hyphens, tabs or nothing at all.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot read its own text should stop"
)]

use liuhen_detect::{Detector, Options};
use liuhen_invented::Generator;
use liuhen_kinds::Kind;

fn found(text: &str) -> Vec<(Kind, String)> {
    let detector = Detector::new(Options {
        model: false,
        ..Options::default()
    });
    let mut all = Vec::new();
    detector.hits(text, |found| {
        all.push((found.hit.kind, found.text.to_owned()));
    });
    all
}

#[test]
fn hyphens_divide_fields() {
    for index in 0..200 {
        let person = Generator::new(9).person_at(index);
        let text = format!(
            "{}----{}----{}----",
            index + 100,
            person.email,
            person.resident_id
        );
        let expected = [
            (Kind::EMAIL, person.email.clone()),
            (Kind::RESIDENT_ID, person.resident_id.clone()),
        ];
        assert_eq!(found(&text), expected);
    }
    let mailbox = "a@xn--fiq228c.xn--fiqs8s".to_owned();
    assert_eq!(
        found(&format!("{mailbox}----登录")),
        [(Kind::EMAIL, mailbox)]
    );
}

#[test]
fn labels_stand_before_tabs_and_before_nothing() {
    let rows = [
        ("QQ\t382108723\n", Kind::QQ, "382108723"),
        (
            "微信\tｗｘ－２９５７４\n",
            Kind::WECHAT_ID,
            "ｗｘ－２９５７４",
        ),
        ("微信ｃａｔ６１２８９", Kind::WECHAT_ID, "ｃａｔ６１２８９"),
        ("密码lan42521@6475，请查", Kind::PASSWORD, "lan42521@6475"),
        (
            "登录密码ｌａｎ３２＠４７",
            Kind::PASSWORD,
            "ｌａｎ３２＠４７",
        ),
    ];
    for (text, kind, value) in rows {
        assert_eq!(found(text), [(kind, value.to_owned())], "{text}");
    }
    // The label of a form's field that is no key.
    let field = "<input title=\"登录密码\" value=\"lan42521@6475\">";
    assert_eq!(found(field), [(Kind::PASSWORD, "lan42521@6475".to_owned())]);
    for text in ["输入密码后重启", "密码OK", "密码8位以上", "密码password"] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn a_masked_value_is_what_its_label_says_and_its_digits_allow() {
    let rows = [
        ("卡号:621700*********4426", Kind::BANK_CARD),
        ("账号 138***8000", Kind::MOBILE),
        ("电话：138******8000", Kind::MOBILE),
        ("联系电话：+86****8832", Kind::MOBILE),
    ];
    for (text, kind) in rows {
        let kinds: Vec<Kind> = found(text).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [kind], "{text}");
    }
}

#[test]
fn numbers_in_numerals_are_found_before_mixed_ones() {
    let text = "先打一三八零零一三八零零零，再打1三8零0一3八0零零。";
    let kinds: Vec<Kind> = found(text).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [Kind::MOBILE, Kind::MOBILE]);
}
