//! Markup as a browser reads it: tags, attributes and the text between, with their places, so that
//! all else can stay byte for byte.
//!
//! Lenient: what is no tag is text. References are undone (XML 1.0, section 4.1, and `nbsp`); others
//! stay as they are written.

use std::ops::Range;

/// The longest tag that is looked into.
const TAG: usize = 1 << 20;

/// Something of a text of markup.
pub(crate) enum Token {
    /// Text between tags.
    Text(Range<usize>),
    /// Text in which nothing is a reference: a comment, a section of CDATA, an instruction, a
    /// document type.
    Raw(Range<usize>),
    /// What a script or a style sheet says.
    Code {
        name: &'static str,
        range: Range<usize>,
    },
    /// A tag.
    Tag(Tag),
}

/// A tag: where it stands, what it is called, in small letters where it is HTML.
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) closing: bool,
    pub(crate) attributes: Vec<Attribute>,
}

pub(crate) struct Attribute {
    pub(crate) name: String,
    /// The value, without quotes.
    pub(crate) value: Range<usize>,
    pub(crate) quoted: bool,
}

/// The tokens of a text.
pub(crate) fn tokens(text: &str, html: bool) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let open = rest.find('<').unwrap_or(rest.len());
        if open > 0 {
            tokens.push(Token::Text(at..at + open));
            at += open;
            continue;
        }
        let marks = [
            ("<!--", "-->"),
            ("<![CDATA[", "]]>"),
            ("<?", "?>"),
            ("<!", ">"),
        ];
        if let Some((begin, end)) = marks.iter().find(|(begin, _)| rest.starts_with(begin)) {
            let inner = rest.get(begin.len()..).unwrap_or_default();
            let length = inner.find(end).unwrap_or(inner.len());
            tokens.push(Token::Raw(at + begin.len()..at + begin.len() + length));
            at = (at + begin.len() + length + end.len()).min(text.len());
            continue;
        }
        let Some((tag, end)) = tag(text, at, html) else {
            tokens.push(Token::Text(at..at + 1));
            at += 1;
            continue;
        };
        let code = ["script", "style"]
            .into_iter()
            .find(|name| html && !tag.closing && *name == tag.name);
        tokens.push(Token::Tag(tag));
        at = end;
        if let Some(name) = code {
            let rest = text.get(at..).unwrap_or_default().to_ascii_lowercase();
            let length = rest.find(&format!("</{name}")).unwrap_or(rest.len());
            tokens.push(Token::Code {
                name,
                range: at..at + length,
            });
            at += length;
        }
    }
    tokens
}

/// The tag that begins at `at`, and where it ends.
fn tag(text: &str, at: usize, html: bool) -> Option<(Tag, usize)> {
    let bytes = text.as_bytes();
    let mut here = at + 1;
    let closing = bytes.get(here) == Some(&b'/');
    here += usize::from(closing);
    let begin = here;
    let of_name = |byte: u8| !byte.is_ascii_whitespace() && !b"/>=\"'<".contains(&byte);
    while bytes.get(here).is_some_and(|byte| of_name(*byte)) {
        here += 1;
    }
    let name = text.get(begin..here)?;
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let name = if html {
        name.to_ascii_lowercase()
    } else {
        name.to_owned()
    };
    let mut attributes = Vec::new();
    loop {
        let byte = *bytes.get(here)?;
        if here - at > TAG {
            return None;
        }
        match byte {
            b'>' => {
                let tag = Tag {
                    name,
                    closing,
                    attributes,
                };
                return Some((tag, here + 1));
            }
            b'<' => return None,
            byte if byte.is_ascii_whitespace() || b"/=\"'".contains(&byte) => here += 1,
            _ => {
                let begin = here;
                while bytes.get(here).is_some_and(|byte| of_name(*byte)) {
                    here += 1;
                }
                let name = text.get(begin..here)?.to_ascii_lowercase();
                let (value, quoted, after) = value(bytes, here)?;
                attributes.push(Attribute {
                    name,
                    value,
                    quoted,
                });
                here = after;
            }
        }
    }
}

/// The value behind a name, whether it stands in quotes, and what follows it.
fn value(bytes: &[u8], at: usize) -> Option<(Range<usize>, bool, usize)> {
    let blank = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    };
    let sign = blank(at);
    if bytes.get(sign) != Some(&b'=') {
        return Some((at..at, true, at));
    }
    let begin = blank(sign + 1);
    match bytes.get(begin)? {
        quote @ (b'"' | b'\'') => {
            let length = bytes
                .get(begin + 1..)?
                .iter()
                .position(|byte| byte == quote)?;
            let value = begin + 1..begin + 1 + length;
            let after = value.end + 1;
            Some((value, true, after))
        }
        _ => {
            let ends = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'>';
            let length = bytes.get(begin..)?.iter().position(ends)?;
            Some((begin..begin + length, false, begin + length))
        }
    }
}

/// A text with its references undone.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let end = rest
            .char_indices()
            .take(12)
            .find(|(_, c)| *c == ';')
            .map(|(at, _)| at);
        let c = end.and_then(|end| referred(rest.get(1..end)?));
        match (c, end) {
            (Some(c), Some(end)) => {
                out.push(c);
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push('&');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character that a reference stands for.
pub(crate) fn referred(name: &str) -> Option<char> {
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        "nbsp" => return Some('\u{a0}'),
        _ => {}
    }
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code)
}

/// A text as it stands between tags or in double quotes.
pub(crate) fn escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let mut out = String::new();
        for token in tokens(text, true) {
            match token {
                Token::Text(range) => out += &format!("T({})", &text[range]),
                Token::Raw(range) => out += &format!("R({})", &text[range]),
                Token::Code { range, .. } => out += &format!("C({})", &text[range]),
                Token::Tag(tag) => {
                    out += &format!("<{}{}", if tag.closing { "/" } else { "" }, tag.name);
                    for attribute in tag.attributes {
                        out += &format!(" {}={}", attribute.name, &text[attribute.value]);
                    }
                    out += ">";
                }
            }
        }
        out
    }

    #[test]
    fn markup_comes_apart() {
        let rows = [
            (
                "a<B class=x HREF='y z'>c</b >",
                "T(a)<b class=x href=y z>T(c)</b>",
            ),
            ("1 < 2<br/>", "T(1 )T(<)T( 2)<br>"),
            ("<!-- <p> -->x", "R( <p> )T(x)"),
            ("<script>a<b</script>", "<script>C(a<b)</script>"),
            ("<a b", "T(<)T(a b)"),
            ("<![CDATA[a]]>", "R(a)"),
            ("<!--", "R()"),
            ("<input disabled>", "<input disabled=>"),
        ];
        for (text, expected) in rows {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn references_are_undone() {
        assert_eq!(plain("&#x5F20;&#19977;&amp;&copy; & b"), "张三&&copy; & b");
    }
}
