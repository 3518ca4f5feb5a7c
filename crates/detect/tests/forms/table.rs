//! The forms of the main kinds: how people, programs and machines write them.
//!
//! Values are published examples of the fact sheet, section 4, of the standards
//! they come from, or numbers that belong to nobody.

use liuhen_invented::Generator;
use liuhen_kinds::Kind;

use super::carriers::Label;
use super::others::{contacts, devices, documents, label_only};

/// A value in one written form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) written: String,
    /// Confidence that must be reached beside a label and, where the form
    /// speaks for itself, without.
    pub(crate) labelled: f32,
    pub(crate) bare: Option<f32>,
    /// The plain form of the same value, whose confidence must be greater.
    pub(crate) weaker_than: Option<&'static str>,
    /// Found as what is left of a value, and said to be.
    pub(crate) residual: bool,
}

impl Form {
    pub(crate) fn new(kind: Kind, name: &'static str, written: &str) -> Form {
        Form {
            kind,
            name,
            written: written.to_owned(),
            labelled: 0.8,
            bare: None,
            weaker_than: None,
            residual: false,
        }
    }

    pub(crate) const fn labelled(mut self, least: f32) -> Form {
        self.labelled = least;
        self
    }

    pub(crate) const fn bare(mut self, least: f32) -> Form {
        self.bare = Some(least);
        self
    }

    pub(crate) const fn weaker(mut self, than: &'static str) -> Form {
        self.weaker_than = Some(than);
        self.labelled = 0.5;
        self
    }

    pub(crate) const fn residual(mut self) -> Form {
        self.residual = true;
        self.labelled = 0.5;
        self
    }
}

pub(crate) const ID: &str = "440308199901101512";
pub(crate) const MOBILE: &str = "13800138000";
pub(crate) const CARD: &str = "6222021234567890128";

/// How texts name a kind.
pub(crate) fn label(kind: Kind) -> Label {
    let (zh, en) = match kind {
        Kind::RESIDENT_ID => ("身份证号", "id_card"),
        Kind::MOBILE => ("手机号", "mobile"),
        Kind::BANK_CARD => ("银行卡号", "bank_card"),
        Kind::LANDLINE => ("座机", "home_phone"),
        Kind::EMAIL => ("邮箱", "email"),
        Kind::PLATE => ("车牌号", "plate_no"),
        Kind::PASSPORT => ("护照号", "passport_no"),
        Kind::USCC => ("统一社会信用代码", "credit_code"),
        Kind::VIN => ("车架号", "vin"),
        Kind::HK_MO_TW_RESIDENCE => ("居住证号", "residence_permit"),
        Kind::FOREIGNER_ID => ("外国人永久居留身份证号", "foreigner_id"),
        Kind::IP => ("IP地址", "ip"),
        Kind::MAC => ("MAC地址", "mac"),
        Kind::IMEI => ("IMEI", "imei"),
        Kind::ICCID => ("ICCID", "iccid"),
        Kind::WALLET_ADDRESS => ("钱包地址", "wallet_address"),
        Kind::QQ => ("QQ号", "qq"),
        Kind::WECHAT_ID => ("微信号", "wechat_id"),
        Kind::PASSWORD => ("登录密码", "password"),
        Kind::OTP => ("验证码", "otp"),
        Kind::CVV => ("安全码", "cvv"),
        Kind::DATE_OF_BIRTH => ("出生日期", "birthday"),
        Kind::GPS => ("坐标", "location"),
        other => panic!("no label for {other}"),
    };
    Label { zh, en }
}

pub(crate) fn forms() -> Vec<Form> {
    let mut all = resident_id();
    all.extend(mobile());
    all.extend(bank_card());
    all.extend(contacts());
    all.extend(documents());
    all.extend(devices());
    all.extend(label_only());
    all
}

/// An ID number that ends with X and belongs to nobody.
fn id_with_x() -> String {
    let people = Generator::new(5);
    let mut ids = (0..2000).map(|index| people.person_at(index).resident_id);
    ids.find(|id| id.ends_with('X'))
        .expect("one in eleven does")
}

fn resident_id() -> Vec<Form> {
    let form = |name, written: &str| Form::new(Kind::RESIDENT_ID, name, written);
    let x = id_with_x();
    vec![
        form("bare", ID).labelled(0.95).bare(0.9),
        form("a minor's", "310101201506010034")
            .labelled(0.95)
            .bare(0.9),
        form("29 February", "110101201202290017")
            .labelled(0.95)
            .bare(0.9),
        form("X", &x).labelled(0.95).bare(0.9),
        form("lower-case x", &x.to_lowercase())
            .labelled(0.95)
            .bare(0.9),
        form("full-width x", &x.replace('X', "ｘ")).bare(0.8),
        form("grouped 6-4-4-4", "440308 1999 0110 1512").bare(0.8),
        form("grouped 6-8-4", "440308 19990110 1512").bare(0.8),
        form("dashed", "440308-19990110-1512").bare(0.8),
        form("dotted", "440308.19990110.1512").bare(0.8),
        form("full width", "４４０３０８１９９９０１１０１５１２").bare(0.8),
        form("mixed width", "440308１９９９０１１０1512").bare(0.8),
        form("15 digits", "610104620927690").labelled(0.7),
        form("numerals", "四四零三零八一九九九零一一零一五一二").bare(0.5),
        form("formal numerals", "肆肆零叁零捌壹玖玖玖零壹壹零壹伍壹贰").bare(0.5),
        form("circled", "④④⓪③⓪⑧①⑨⑨⑨⓪①①⓪①⑤①②").bare(0.5),
        form("superscript", "⁴⁴⁰³⁰⁸¹⁹⁹⁹⁰¹¹⁰¹⁵¹²").bare(0.5),
        form("zero width", "440308\u{200B}19990110\u{200B}1512").bare(0.8),
        form("byte-order mark", "4403\u{FEFF}08199901101512").bare(0.8),
        form("line break", "440308199901\n101512").labelled(0.5),
        form("carriage return", "44030819990110\r\n1512").labelled(0.5),
        form("O and l", "44O3O81999O1lO1512").weaker("bare"),
        form("S and B", "44030B19990110lSl2").weaker("bare"),
        form("masked birth", "110101********8531")
            .residual()
            .bare(0.5),
        form("masked but ends", "4***************12").residual(),
        form("masked, full width", "110101＊＊＊＊＊＊＊＊8531")
            .residual()
            .bare(0.5),
    ]
}

fn mobile() -> Vec<Form> {
    let form = |name, written: &str| Form::new(Kind::MOBILE, name, written);
    vec![
        form("bare", MOBILE).labelled(0.9).bare(0.8),
        form("grouped 3-4-4", "138 0013 8000").labelled(0.9).bare(0.8),
        form("dashed", "138-0013-8000").labelled(0.9).bare(0.8),
        form("dotted", "138.0013.8000").bare(0.7),
        form("middle dots", "138·0013·8000").bare(0.5),
        form("grouped 4-3-4", "1380 013 8000").bare(0.5),
        form("full-width spaces", "138　0013　8000").bare(0.7),
        form("+86", "+8613800138000").labelled(0.9).bare(0.8),
        form("+86 spaced", "+86 138 0013 8000").labelled(0.9).bare(0.8),
        form("+86 dashed", "+86-138-0013-8000").labelled(0.9).bare(0.8),
        form("(+86)", "(+86)13800138000").bare(0.8),
        form("（+86）", "（+86）13800138000").bare(0.8),
        form("0086", "008613800138000").bare(0.8),
        form("0086 spaced", "0086 138 0013 8000").bare(0.8),
        form("86", "8613800138000").bare(0.7),
        form("full width", "１３８００１３８０００").bare(0.8),
        form("mixed width", "138００13８000").bare(0.7),
        form("full width, dashed", "１３８－００１３－８０００").bare(0.7),
        form("numerals", "一三八零零一三八零零零").bare(0.5),
        form("round numerals", "一三八〇〇一三八〇〇〇").bare(0.5),
        form("yao", "幺三八零零幺三八零零零").bare(0.5),
        form("formal numerals", "壹叁捌零零壹叁捌零零零").bare(0.5),
        form("mixed numerals", "1三8零零1三8000").bare(0.5),
        form("circled", "①③⑧⓪⓪①③⑧⓪⓪⓪").bare(0.5),
        form("superscript", "¹³⁸⁰⁰¹³⁸⁰⁰⁰").bare(0.5),
        form("zero width", "138\u{200B}0013\u{200B}8000").bare(0.7),
        form("zero width everywhere", "1\u{200D}3\u{200D}8\u{200D}0\u{200D}0\u{200D}1\u{200D}3\u{200D}8\u{200D}0\u{200D}0\u{200D}0").bare(0.5),
        form("word joiner", "138\u{2060}00138000").bare(0.7),
        form("soft hyphen", "1380013\u{00AD}8000").bare(0.7),
        form("line break", "1380013\n8000").labelled(0.5),
        form("carriage return", "138\r\n00138000").labelled(0.5),
        form("O", "138OO138OOO").weaker("bare"),
        form("l", "l38001380O0").weaker("bare"),
        form("B", "13B0013B000").weaker("bare"),
        form("masked middle", "138****8000").residual().bare(0.5),
        form("masked, spaced", "138 **** 8000").residual().bare(0.5),
        form("masked, full width", "138＊＊＊＊8000").residual().bare(0.5),
        form("masked tail", "1380013****").residual(),
        form("masked +86", "+86138****8000").residual(),
    ]
}

fn bank_card() -> Vec<Form> {
    let form = |name, written: &str| Form::new(Kind::BANK_CARD, name, written);
    vec![
        form("bare", CARD).labelled(0.9).bare(0.8),
        form("grouped 4-4-4-4-3", "6222 0212 3456 7890 128")
            .labelled(0.9)
            .bare(0.8),
        form("dashed", "6222-0212-3456-7890-128").bare(0.8),
        form("dotted", "6222.0212.3456.7890.128").bare(0.5),
        form("grouped 6-13", "622202 1234567890128").bare(0.5),
        form("full width", "６２２２０２１２３４５６７８９０１２８").bare(0.7),
        form("mixed width", "6222０２１２34567890128").bare(0.7),
        form(
            "full width, grouped",
            "６２２２　０２１２　３４５６　７８９０　１２８",
        )
        .bare(0.5),
        form("numerals", "六二二二零二一二三四五六七八九零一二八").bare(0.5),
        form("formal numerals", "陆贰贰贰零贰壹贰叁肆伍陆柒捌玖零壹贰捌").bare(0.5),
        form("circled", "⑥②②②⓪②①②③④⑤⑥⑦⑧⑨⓪①②⑧").bare(0.5),
        form(
            "zero width",
            "6222\u{200B}0212\u{200B}3456\u{200B}7890\u{200B}128",
        )
        .bare(0.7),
        form("line break", "6222021234\n567890128").labelled(0.5),
        form("O and l", "6222O2l23456789Ol28").weaker("bare"),
        form("S", "6222021234S67890128").weaker("bare"),
        form("masked", "6222***********0128").residual().bare(0.5),
        form("masked, grouped", "6222 **** **** 0128")
            .residual()
            .bare(0.5),
        form("masked 6-4", "622202*********0128")
            .residual()
            .bare(0.5),
    ]
}
