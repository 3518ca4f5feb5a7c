//! Texts that are more than a value in a frame: each with what stands in it.

use liuhen_kinds::Kind;

use super::encoded::encoded;
use super::table::{CARD, ID, MOBILE};

/// A text and a stretch of it that must be found.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) kind: Kind,
    pub(crate) slice: String,
    pub(crate) least: f32,
}

pub(crate) fn row(name: &'static str, text: &str, kind: Kind, slice: &str, least: f32) -> Row {
    assert!(
        text.contains(slice),
        "{name}: the text does not hold what it should"
    );
    Row {
        name,
        text: text.to_owned(),
        kind,
        slice: slice.to_owned(),
        least,
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let mut all = messages();
    all.extend(encoded());
    all.extend(devices_and_places());
    all
}

/// Chats, short messages, tables, lists.
fn messages() -> Vec<Row> {
    vec![
        row(
            "name touches number",
            "张三13800138000李四",
            Kind::MOBILE,
            MOBILE,
            0.7,
        ),
        row(
            "number after a comma of two",
            "440308199901101512,13800138000",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "number before a comma of two",
            "440308199901101512,13800138000",
            Kind::RESIDENT_ID,
            ID,
            0.9,
        ),
        row(
            "tab between",
            "张三\t440308199901101512\t6222021234567890128",
            Kind::BANK_CARD,
            CARD,
            0.8,
        ),
        row(
            "both sides of a slash",
            "ID/手机：440308199901101512/13800138000",
            Kind::RESIDENT_ID,
            ID,
            0.8,
        ),
        row(
            "tel link",
            "<a href=\"tel:+8613800138000\">拨打</a>",
            Kind::MOBILE,
            "+8613800138000",
            0.8,
        ),
        row(
            "mailto link",
            "<a href=\"mailto:zhang@example.com\">写信</a>",
            Kind::EMAIL,
            "zhang@example.com",
            0.8,
        ),
        row(
            "e-mail after Chinese",
            "邮箱zhang@example.com谢谢",
            Kind::EMAIL,
            "zhang@example.com",
            0.8,
        ),
        row(
            "e-mail in angle brackets",
            "张三 <zhang@example.com>；",
            Kind::EMAIL,
            "zhang@example.com",
            0.8,
        ),
        row(
            "e-mail before a full stop",
            "Write to zhang@example.com.",
            Kind::EMAIL,
            "zhang@example.com",
            0.8,
        ),
        row(
            "vCard",
            "BEGIN:VCARD\nTEL;TYPE=CELL:+86 138 0013 8000\nEND:VCARD",
            Kind::MOBILE,
            "+86 138 0013 8000",
            0.8,
        ),
        row(
            "code first",
            "【某银行】482913（登录验证码），5分钟内有效，请勿告诉他人。",
            Kind::OTP,
            "482913",
            0.6,
        ),
        row(
            "code last",
            "【某银行】您的验证码是482913，5分钟内有效。",
            Kind::OTP,
            "482913",
            0.8,
        ),
        row(
            "code in English",
            "Your verification code is 482913.",
            Kind::OTP,
            "482913",
            0.7,
        ),
        row(
            "password in English",
            "login: zhang  password: Tr0ub4dor&3\n",
            Kind::PASSWORD,
            "Tr0ub4dor&3",
            0.8,
        ),
        row(
            "pwd=",
            "mysql -u root --pwd=Tr0ub4dor3 db",
            Kind::PASSWORD,
            "Tr0ub4dor3",
            0.6,
        ),
        row(
            "add me",
            "加我微信zhang_san2026详聊",
            Kind::WECHAT_ID,
            "zhang_san2026",
            0.7,
        ),
        row("QQ without a colon", "QQ10001找我", Kind::QQ, "10001", 0.7),
        row(
            "QQ called penguin",
            "扣扣：123456789",
            Kind::QQ,
            "123456789",
            0.7,
        ),
        row(
            "born in",
            "张某，男，1990年1月2日出生，汉族",
            Kind::DATE_OF_BIRTH,
            "1990年1月2日",
            0.6,
        ),
        row(
            "date of birth in English",
            "Date of birth: 1990-01-02",
            Kind::DATE_OF_BIRTH,
            "1990-01-02",
            0.8,
        ),
        row(
            "security code beside a card",
            "卡号6222021234567890128，CVV2：739",
            Kind::CVV,
            "739",
            0.7,
        ),
        row(
            "quoted in Chinese marks",
            "「13800138000」",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "two of a kind",
            "13800138000、13800138000",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "leading apostrophe of a spreadsheet",
            "'440308199901101512",
            Kind::RESIDENT_ID,
            ID,
            0.9,
        ),
        row(
            "at the very beginning",
            "13800138000",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "emoji touches",
            "📱13800138000📞",
            Kind::MOBILE,
            MOBILE,
            0.8,
        ),
        row(
            "letters with a mark touch",
            "tél. 13800138000 à midi",
            Kind::MOBILE,
            MOBILE,
            0.7,
        ),
        row(
            "line of a quotation",
            "> 我的身份证：440308199901101512\n> 谢谢",
            Kind::RESIDENT_ID,
            ID,
            0.9,
        ),
        row(
            "broken inside a quotation",
            "> 身份证：440308199901\n> 101512\n",
            Kind::RESIDENT_ID,
            "440308199901\n> 101512",
            0.5,
        ),
        row(
            "broken inside a comment",
            "// 身份证：440308199901\n// 101512\n",
            Kind::RESIDENT_ID,
            "440308199901\n// 101512",
            0.5,
        ),
        row(
            "indented after the break",
            "身份证：440308199901\n        101512\n",
            Kind::RESIDENT_ID,
            "440308199901\n        101512",
            0.5,
        ),
    ]
}

fn devices_and_places() -> Vec<Row> {
    vec![
        row(
            "address and port",
            "client 223.5.5.5:52144 connected",
            Kind::IP,
            "223.5.5.5",
            0.5,
        ),
        row(
            "address in brackets",
            "from [2400:3200::1]:443",
            Kind::IP,
            "2400:3200::1",
            0.5,
        ),
        row(
            "access log",
            "223.5.5.5 - - [22/Nov/2026:08:15:03 +0800] \"GET / HTTP/1.1\" 200 512",
            Kind::IP,
            "223.5.5.5",
            0.6,
        ),
        row(
            "point of a map",
            "POINT(116.397470 39.908823)",
            Kind::GPS,
            "116.397470 39.908823",
            0.5,
        ),
        row(
            "degrees, minutes, seconds",
            "位于39°54′32″N，116°23′51″E附近",
            Kind::GPS,
            "39°54′32″N，116°23′51″E",
            0.5,
        ),
        row(
            "named latitude",
            "{\"lat\":39.908823,\"lng\":116.397470}",
            Kind::GPS,
            "39.908823,\"lng\":116.397470",
            0.5,
        ),
        row(
            "IMEI said in words",
            "手机串号：490154203237518",
            Kind::IMEI,
            "490154203237518",
            0.8,
        ),
        row(
            "payment address",
            "USDT收款地址：T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
            Kind::WALLET_ADDRESS,
            "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb",
            0.9,
        ),
        row(
            "parked",
            "车主请挪车，粤BD12345挡住出口了",
            Kind::PLATE,
            "粤BD12345",
            0.8,
        ),
    ]
}
