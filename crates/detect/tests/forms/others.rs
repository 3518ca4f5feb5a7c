//! Forms of telephones at home, mailboxes, plates, documents, devices and accounts.

use liuhen_kinds::{Kind, digits};

use super::table::Form;

pub(crate) fn contacts() -> Vec<Form> {
    let landline = |name, written: &str| Form::new(Kind::LANDLINE, name, written);
    let email = |name, written: &str| Form::new(Kind::EMAIL, name, written);
    vec![
        landline("bare", "01065529988").bare(0.5),
        landline("dashed", "010-65529988").bare(0.6),
        landline("spaced", "010 65529988").bare(0.5),
        landline("bracketed", "(010)65529988").bare(0.5),
        landline("full-width brackets", "（010）65529988").bare(0.5),
        landline("grouped", "010-6552-9988").bare(0.5),
        landline("+86", "+86-10-65529988").bare(0.5),
        landline("0086", "0086-10-65529988").bare(0.5),
        landline("full width", "０１０－６５５２９９８８").bare(0.5),
        landline("extension", "010-65529988-8001").bare(0.5),
        landline("extension in Chinese", "010-65529988转8001").bare(0.5),
        landline("four digits of area", "0571-87654321").bare(0.6),
        landline("zero width", "010-6552\u{200B}9988").bare(0.5),
        landline("numerals", "零一零六五五二九九八八").labelled(0.5),
        email("bare", "zhang.san@example.com")
            .labelled(0.9)
            .bare(0.9),
        email("capitals", "Zhang.San@Example.COM")
            .labelled(0.9)
            .bare(0.9),
        email("plus and subdomain", "z3+shop@mail.example.org")
            .labelled(0.9)
            .bare(0.9),
        email("digits", "10001@example.com").labelled(0.9).bare(0.8),
        email("full width", "ｚｈａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ")
            .labelled(0.7)
            .bare(0.7),
        email("full-width at", "zhang＠example.com")
            .labelled(0.7)
            .bare(0.7),
        email("zero width", "zhang\u{200B}san@example.com")
            .labelled(0.7)
            .bare(0.7),
    ]
}

pub(crate) fn documents() -> Vec<Form> {
    let form = Form::new;
    vec![
        form(Kind::PLATE, "bare", "京A12345").bare(0.8),
        form(Kind::PLATE, "dot", "京A·12345").bare(0.8),
        form(Kind::PLATE, "spaced", "京A 12345").bare(0.7),
        form(Kind::PLATE, "dashed", "京A-12345").bare(0.7),
        form(Kind::PLATE, "lower case", "京a12345").bare(0.5),
        form(Kind::PLATE, "full width", "京Ａ１２３４５").bare(0.7),
        form(Kind::PLATE, "new energy, small", "粤BD12345").bare(0.8),
        form(Kind::PLATE, "new energy, large", "粤B12345D").bare(0.8),
        form(Kind::PLATE, "learner's", "沪A1234学").bare(0.7),
        form(Kind::PLATE, "Hong Kong", "粤Z1234港").bare(0.7),
        form(Kind::PLATE, "zero width", "京A\u{200B}12345").bare(0.5),
        form(Kind::PASSPORT, "E", "E12345678"),
        form(Kind::PASSPORT, "EA", "EA1234567"),
        form(Kind::PASSPORT, "G", "G12345678"),
        form(Kind::PASSPORT, "lower case", "e12345678").labelled(0.6),
        form(Kind::PASSPORT, "full width", "Ｅ１２３４５６７８"),
        form(Kind::USCC, "bare", "91110000600037341L").bare(0.9),
        form(Kind::USCC, "digits at the end", "911101085923662400").bare(0.8),
        form(Kind::USCC, "lower case", "91110108772551611j").bare(0.8),
        form(
            Kind::USCC,
            "full width",
            "９１１１０１０８７７２５５１６１１Ｊ",
        )
        .bare(0.7),
        form(Kind::VIN, "bare", "LDC613P23A1305189").bare(0.8),
        form(Kind::VIN, "lower case", "lsja24u62jg269225").bare(0.5),
        form(
            Kind::VIN,
            "full width",
            "ＬＢＶ５Ｓ３１０２ＥＳＪ２５６５５",
        )
        .bare(0.5),
        form(Kind::HK_MO_TW_RESIDENCE, "Hong Kong", "810000199408230021").bare(0.9),
        form(Kind::HK_MO_TW_RESIDENCE, "Taiwan", "830000199201300022").bare(0.9),
        form(Kind::HK_MO_TW_RESIDENCE, "grouped", "810000 19940823 0021").bare(0.8),
        form(
            Kind::HK_MO_TW_RESIDENCE,
            "full width",
            "８１００００１９９４０８２３００２１",
        )
        .bare(0.8),
        form(Kind::FOREIGNER_ID, "bare", "931840199001010011").bare(0.8),
        form(Kind::FOREIGNER_ID, "grouped", "931840 19900101 0011").bare(0.7),
        form(Kind::FOREIGNER_ID, "old", "USA310090010123"),
    ]
}

/// A card of a telephone, with its check digit.
fn iccid() -> String {
    let payload = "8986001234567890123";
    let check = digits::luhn(payload.as_bytes()).expect("digits");
    format!("{payload}{}", check as char)
}

pub(crate) fn devices() -> Vec<Form> {
    let form = Form::new;
    vec![
        form(Kind::IP, "IPv4", "223.5.5.5").bare(0.5),
        form(Kind::IP, "IPv6", "2400:3200::1").bare(0.5),
        form(Kind::IP, "full width", "２２３．５．５．５").labelled(0.5),
        form(Kind::MAC, "colons", "3C:22:FB:12:34:56").bare(0.8),
        form(Kind::MAC, "dashes", "3C-22-FB-12-34-56").bare(0.8),
        form(Kind::MAC, "lower case", "3c:22:fb:12:34:56").bare(0.8),
        form(Kind::IMEI, "bare", "490154203237518"),
        form(Kind::IMEI, "synthetic", "864203040000007"),
        form(Kind::IMEI, "dashed", "49-015420-323751-8").labelled(0.5),
        form(Kind::ICCID, "20 digits", &iccid()).bare(0.8),
        form(
            Kind::WALLET_ADDRESS,
            "Bitcoin",
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        )
        .bare(0.8),
        form(
            Kind::WALLET_ADDRESS,
            "Bitcoin, bech32",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        )
        .bare(0.8),
        form(
            Kind::WALLET_ADDRESS,
            "Ethereum",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        )
        .bare(0.8),
        form(
            Kind::WALLET_ADDRESS,
            "Tron",
            "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
        )
        .bare(0.8),
    ]
}

pub(crate) fn label_only() -> Vec<Form> {
    let form = Form::new;
    vec![
        form(Kind::QQ, "bare", "10001"),
        form(Kind::QQ, "nine digits", "123456789"),
        form(Kind::QQ, "full width", "１２３４５６７８９").labelled(0.6),
        form(Kind::WECHAT_ID, "chosen", "zhang_san-2026"),
        form(Kind::WECHAT_ID, "given", "wxid_a1b2c3d4e5f6g7"),
        form(Kind::PASSWORD, "mixed", "Hunter2!x9"),
        form(Kind::PASSWORD, "letters and digits", "qwe123rty"),
        form(Kind::OTP, "six digits", "482913"),
        form(Kind::OTP, "four digits", "4829"),
        form(Kind::CVV, "three digits", "739"),
        form(Kind::DATE_OF_BIRTH, "ISO", "1990-01-02"),
        form(Kind::DATE_OF_BIRTH, "Chinese", "1990年1月2日"),
        form(Kind::DATE_OF_BIRTH, "slashes", "1990/1/2"),
        form(Kind::DATE_OF_BIRTH, "dots", "1990.01.02"),
        form(Kind::DATE_OF_BIRTH, "eight digits", "19900102"),
        form(Kind::DATE_OF_BIRTH, "full width", "１９９０年１月２日").labelled(0.6),
        form(Kind::DATE_OF_BIRTH, "numerals", "一九九〇年一月二日").labelled(0.5),
        form(Kind::GPS, "latitude first", "39.908823,116.397470").bare(0.5),
        form(Kind::GPS, "longitude first", "116.397470,39.908823").bare(0.5),
        form(Kind::GPS, "spaced", "39.908823, 116.397470").bare(0.5),
    ]
}
