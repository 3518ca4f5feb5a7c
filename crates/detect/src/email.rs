//! E-mail addresses.
//!
//! Rule: the common part of RFC 5321: a dot-atom of at most 64 characters, `@`,
//! labels of letters, digits and hyphens, the last of letters. Compared in lower
//! case, as every large provider does.

use crate::fold;
use crate::verdict::{ReasonCode, Verdict};

pub(crate) fn check(text: &str) -> Verdict {
    let folded = fold::fold(text);
    let text = folded.strip_prefix("mailto:").unwrap_or(&folded).trim();
    if text.is_empty() {
        return Verdict::Invalid(ReasonCode::Empty);
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Verdict::Invalid(ReasonCode::Form);
    };
    if local.contains('*') {
        return Verdict::Invalid(ReasonCode::Masked);
    }
    if is_local(local) && is_domain(domain) {
        Verdict::Valid(text.to_ascii_lowercase().into())
    } else {
        Verdict::Invalid(ReasonCode::Form)
    }
}

fn is_local(local: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-/=?^_`{|}~".contains(&b))
    };
    local.len() <= 64 && local.split('.').all(atom)
}

fn is_domain(domain: &str) -> bool {
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let Some((_, top)) = domain.rsplit_once('.') else {
        return false;
    };
    domain.len() <= 253
        && domain.split('.').all(label)
        && top.len() >= 2
        && top.bytes().all(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            (
                "plain",
                "zhang.san@example.com",
                Some("zhang.san@example.com"),
            ),
            ("upper case", "Zhang@Example.COM", Some("zhang@example.com")),
            ("full width", "ａ＠example．com", Some("a@example.com")),
            (
                "digits and a plus",
                "10001+x@example.cn",
                Some("10001+x@example.cn"),
            ),
            ("link", "mailto:a@example.com", Some("a@example.com")),
            ("no top", "a@localhost", None),
            ("numeric top", "a@1.2", None),
            ("two dots", "a..b@example.com", None),
            ("hyphen at the edge", "a@-example.com", None),
            ("no local part", "@example.com", None),
            ("masked", "z***@example.com", None),
            ("words", "没有", None),
            ("empty", "", None),
        ];
        for (name, text, expected) in rows {
            let found = check(text).normalised().map(|value| value.into_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
