//! Names of entries: their bytes as text, whatever wrote them.

use crate::charset::Evidence;

/// Characters of a name that are kept; no file system allows as many.
const LONGEST: usize = 1_024;

/// A name as text: UTF-8 where it is that, else judged as any text is, GBK being the likeliest.
pub(crate) fn decoded(name: &[u8]) -> String {
    let text = match std::str::from_utf8(name) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let judged = Evidence::of(name).judge();
            judged.0.decode_without_bom_handling(name).0.into_owned()
        }
    };
    shortened(text)
}

/// A name of at most so many characters.
pub(crate) fn shortened(mut name: String) -> String {
    if let Some((end, _)) = name.char_indices().nth(LONGEST) {
        name.truncate(end);
        name.push('…');
    }
    name
}

/// The last part of a path with either slash: what a file is called.
pub(crate) fn last(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_encoding() {
        let gbk = encoding_rs::GBK.encode("名单/身份证号.xlsx").0.into_owned();
        assert_eq!(decoded(&gbk), "名单/身份证号.xlsx");
        assert_eq!(decoded("名单.csv".as_bytes()), "名单.csv");
        assert_eq!(decoded(b"../../etc/passwd"), "../../etc/passwd");
        assert_eq!(decoded(&[b'a'; 5_000]).chars().count(), LONGEST + 1);
        assert_eq!(
            (last("a/b\\c.txt"), last("c"), last("a/")),
            ("c.txt", "c", "")
        );
    }
}
