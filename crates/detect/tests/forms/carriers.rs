//! What a value is met in: chats, forms, logs, JSON, SQL, XML, URLs, prose.
//!
//! A carrier writes the value as such texts do (escapes included) and says what
//! stretch of the text the value takes there.

use std::fmt::Write as _;

/// How a kind is called in Chinese texts and by programs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Label {
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
}

/// One way in which values are met.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carrier {
    pub(crate) name: &'static str,
    /// `{zh}` and `{en}` stand for the label, `{}` for the value.
    template: &'static str,
    escape: fn(&str) -> String,
    /// The most that a label counts here: markup stands between it and the value.
    pub(crate) most: f32,
}

impl Carrier {
    const fn new(
        name: &'static str,
        template: &'static str,
        escape: fn(&str) -> String,
    ) -> Carrier {
        Carrier {
            name,
            template,
            escape,
            most: 1.0,
        }
    }

    const fn apart(mut self, most: f32) -> Carrier {
        self.most = most;
        self
    }

    /// The text with the value in it, and the value as it stands there.
    pub(crate) fn carry(&self, label: Label, written: &str) -> (String, String) {
        let slice = (self.escape)(written);
        let text = self
            .template
            .replace("{zh}", label.zh)
            .replace("{en}", label.en)
            .replace("{}", &slice);
        (text, slice)
    }
}

/// A label stands beside the value.
pub(crate) const LABELLED: [Carrier; 12] = [
    Carrier::new("chat", "A 20:15\n你好，我的{zh}是{}，麻烦登记一下\n", plain),
    Carrier::new("form", "登记表\n{zh}：{}\n备注：无\n", plain),
    Carrier::new(
        "log",
        "2026-11-22T08:15:03.120Z INFO [svc-7] user.updated {en}={} status=200\n",
        plain,
    ),
    Carrier::new("json", r#"{"id":7,"{en}":"{}","active":true}"#, json),
    Carrier::new("json zh", r#"{"序":7, "{zh}": "{}"}"#, json),
    Carrier::new("sql", "UPDATE member SET {en} = '{}' WHERE id = 7;\n", sql),
    Carrier::new("xml", r#"<user id="7"><{en}>{}</{en}></user>"#, xml),
    Carrier::new("html", r#"<input name="{en}" value="{}" size=20>"#, xml).apart(0.7),
    Carrier::new(
        "url",
        "GET https://example.com/u/edit?step=2&{en}={}&lang=zh HTTP/1.1\n",
        percent,
    ),
    Carrier::new(
        "prose",
        "据了解，当事人登记的{zh}为{}，工作人员当天就作了核实。",
        plain,
    ),
    Carrier::new(
        "markdown",
        "| 项目 | 内容 |\n|---|---|\n| {zh} | {} |\n",
        plain,
    )
    .apart(0.7),
    Carrier::new("yaml", "member:\n  {en}: \"{}\"\n  active: true\n", plain),
];

/// Nothing beside the value says what it is; Chinese text and markup touch it.
pub(crate) const BARE: [Carrier; 10] = [
    Carrier::new("bare chat", "收到，发{}就行", plain),
    Carrier::new("bare form", "1、{}\n2、（空）\n", plain),
    Carrier::new(
        "bare log",
        "2026-11-22 08:15:03 DEBUG worker-2 got {} from peer\n",
        plain,
    ),
    Carrier::new("bare json", r#"["a","{}",null]"#, json),
    Carrier::new("bare sql", "INSERT INTO t VALUES ('{}', NULL);\n", sql),
    Carrier::new("bare xml", "<tr><td>{}</td><td>否</td></tr>", xml),
    Carrier::new("bare url", "https://example.com/r?q={}", percent),
    Carrier::new("bare prose", "他把{}写在了黑板上。", plain),
    Carrier::new("bare csv", "7,{},ok\n", plain),
    Carrier::new("bare brackets", "（{}）；“{}”", plain),
];

pub(crate) fn plain(value: &str) -> String {
    value.to_owned()
}

pub(crate) fn json(value: &str) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out
}

/// As serialisers write JSON that keep to ASCII: Python's by default.
pub(crate) fn json_ascii(value: &str) -> String {
    let mut out = String::new();
    let mut units = [0; 2];
    for c in json(value).chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

pub(crate) fn sql(value: &str) -> String {
    value.replace('\'', "''")
}

pub(crate) fn xml(value: &str) -> String {
    value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

pub(crate) fn percent(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte as char);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// RFC 4648, section 4, with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0_u32, |word, (at, byte)| {
            word | u32::from(*byte) << (16 - 8 * at)
        });
        for place in 0..4 {
            if place <= chunk.len() {
                out.push(ALPHABET[(word >> (18 - 6 * place)) as usize & 63] as char);
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// RFC 4648, section 5, without padding, as tokens of the web have it.
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    base64(bytes)
        .replace('+', "-")
        .replace('/', "_")
        .replace('=', "")
}
