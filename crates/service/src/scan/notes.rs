//! What could not be read, and why: told for every path, never in silence.

use std::io;

use liuhen_kinds::Lang;
use liuhen_reading::ReadError;

/// A path that was not read, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The path, as it is shown.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// Why a path was not read, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A format that this version does not read, by its English name.
    Format(&'static str),
    /// A picture, by its English name, that could be looked at if there were models.
    NoModels(&'static str),
    /// A symbolic link, which is not followed.
    Link,
    /// A symbolic link that leads nowhere.
    BrokenLink,
    /// A pipe, socket or device found in a folder.
    Special,
    /// Named outright, but `.liuhenignore` leaves it out.
    Ignored,
    /// A pattern of `.liuhenignore` that cannot be understood.
    BadPattern,
    /// There is no such file or folder.
    Missing,
    /// A folder that contains itself.
    Loop,
    /// The system refused, in its own words.
    System(String),
    /// Read in part: what the format's reader says.
    Broken(String),
    /// A password is needed that was not given.
    Locked,
    /// It was read up to a bound, which can be raised: what the reader says.
    Bound(String),
    /// Rows of a workbook that could not be read, and how many.
    Rows(u64),
    /// It changed while it was read.
    Changed,
    /// This program failed on it.
    Fault,
}

impl Reason {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "format_not_read",
            Self::NoModels(_) => "no_models",
            Self::Link => "link_not_followed",
            Self::BrokenLink => "broken_link",
            Self::Special => "special_file",
            Self::Ignored => "ignored",
            Self::BadPattern => "bad_ignore_pattern",
            Self::Missing => "missing",
            Self::Loop => "loop",
            Self::System(_) => "unreadable",
            Self::Broken(_) => "damaged",
            Self::Locked => "locked",
            Self::Bound(_) => "bound_met",
            Self::Rows(_) => "rows_unreadable",
            Self::Changed => "changed",
            Self::Fault => "internal",
        }
    }

    /// Whether something that should have been read was not: the scan then is incomplete.
    ///
    /// Formats that are not read, links and the like are no failure: they are what they are at
    /// every scan.
    #[must_use]
    pub const fn is_failure(&self) -> bool {
        !matches!(
            self,
            Self::Format(_)
                | Self::NoModels(_)
                | Self::Link
                | Self::Special
                | Self::Ignored
                | Self::Locked
        )
    }

    /// Whether it is a picture that was not looked into.
    pub(super) fn is_picture(&self) -> bool {
        matches!(self, Self::Format(what) | Self::NoModels(what) if what.ends_with(" picture"))
    }

    /// The reason in words.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let zh = matches!(lang, Lang::Zh);
        let say = |chinese: &str, english: &str| (if zh { chinese } else { english }).to_owned();
        match self {
            Self::Format(what) if zh => format!("未读：{}", format_zh(what)),
            Self::Format(what) => format!("not read: {what}"),
            Self::NoModels(what) if zh => {
                format!(
                    "未读：{}（运行 liuhen models install 后可读）",
                    format_zh(what)
                )
            }
            Self::NoModels(what) => {
                format!("not read: {what}; `liuhen models install` fetches what reads it")
            }
            Self::Link => say("符号链接，不跟随", "a symbolic link, not followed"),
            Self::BrokenLink => say(
                "符号链接指向不存在的位置",
                "a symbolic link that leads nowhere",
            ),
            Self::Special => say(
                "管道、套接字或设备，不读",
                "a pipe, socket or device, not read",
            ),
            Self::Ignored => say("被 .liuhenignore 排除", "left out by .liuhenignore"),
            Self::BadPattern => say(
                "有无法理解的模式",
                "holds a pattern that cannot be understood",
            ),
            Self::Missing => say("不存在", "no such file or folder"),
            Self::Loop => say("目录包含自身", "a folder that contains itself"),
            Self::System(why) if zh => format!("无法读取：{why}"),
            Self::System(why) => format!("cannot be read: {why}"),
            Self::Broken(why) if zh => format!("未能读完：{why}"),
            Self::Broken(why) => format!("not read to its end: {why}"),
            Self::Locked => say(
                "有密码保护，给出的密码都打不开（--password-file）",
                "locked; no password given opens it (--password-file)",
            ),
            Self::Bound(why) if zh => format!("达到上限后停止（可用 --max-… 提高）：{why}"),
            Self::Bound(why) => format!("stopped at a bound that --max-… raises: {why}"),
            Self::Rows(rows) if zh => format!("有 {rows} 行无法读取"),
            Self::Rows(rows) => format!("{rows} rows could not be read"),
            Self::Changed => say("读取期间发生了变化", "changed while it was read"),
            Self::Fault => say(
                "本程序处理它时出错，请报告",
                "this program failed on it; please report it",
            ),
        }
    }
}

impl From<&io::Error> for Reason {
    fn from(error: &io::Error) -> Self {
        // Bounds and damage are met while bytes come out of an archive.
        if let Some(ours) = ReadError::within(error) {
            return ours.into();
        }
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            // The system's words name no value; text made by libraries may.
            _ if error.raw_os_error().is_some() => Self::System(error.to_string()),
            kind => Self::System(kind.to_string()),
        }
    }
}

impl From<&ReadError> for Reason {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::UnknownFormat { looks_like } => {
                Self::Format(looks_like.unwrap_or("a ZIP archive"))
            }
            ReadError::Encrypted => Self::Format("an encrypted Office file"),
            ReadError::NoPassword => Self::Locked,
            ReadError::UnknownMethod { .. } => Self::Format("a method of packing that is not read"),
            ReadError::Fault => Self::Fault,
            ReadError::TooLarge { .. }
            | ReadError::RatioTooHigh { .. }
            | ReadError::TooDeep { .. }
            | ReadError::TooManyFiles { .. }
            | ReadError::TooMuchMemory { .. } => Self::Bound(error.to_string()),
            ReadError::EncryptedPdf => Self::Format("an encrypted PDF"),
            ReadError::Source(error) => error.into(),
            other => Self::Broken(other.to_string()),
        }
    }
}

/// The name of a format in Chinese; its English name where it has none of its own.
fn format_zh(english: &'static str) -> &'static str {
    const NAMES: [(&str, &str); 33] = [
        ("a picture of a page", "页面上的图片"),
        (
            "a view, or a table whose rows lie elsewhere",
            "视图，或数据在别处的表",
        ),
        ("a link inside an archive", "压缩包里的链接"),
        ("a device or pipe", "设备或管道"),
        ("a binary workbook (XLSB)", "二进制工作簿（XLSB）"),
        ("a method of packing that is not read", "不支持的压缩方法"),
        (
            "Arrow with a type that is not read",
            "含有不支持的类型的 Arrow 文件",
        ),
        (
            "a journal of an SQLite database, read with it where it lies beside it",
            "SQLite 数据库的日志，与旁边的数据库一起读",
        ),
        ("a PNG picture", "PNG 图片"),
        ("a JPEG picture", "JPEG 图片"),
        ("a GIF picture", "GIF 图片"),
        ("a WebP picture", "WebP 图片"),
        ("a BMP picture", "BMP 图片"),
        ("a TIFF picture", "TIFF 图片"),
        ("a HEIC picture", "HEIC 图片"),
        ("video", "视频"),
        ("sound", "音频"),
        ("sound or video", "音频或视频"),
        ("binary data", "二进制数据"),
        ("a program", "程序"),
        ("a font", "字体"),
        ("a ZIP archive", "ZIP 压缩包"),
        ("a 7z archive", "7z 压缩包"),
        ("a RAR archive", "RAR 压缩包"),
        ("a TAR archive", "TAR 归档"),
        ("a Java archive", "Java 归档"),
        ("a Word document", "Word 文档"),
        ("a presentation", "演示文稿"),
        ("an OpenDocument file", "OpenDocument 文件"),
        ("an SQLite database", "SQLite 数据库"),
        ("an encrypted PDF", "加密的 PDF"),
        ("an encrypted Office file", "加密的 Office 文件"),
        (
            "an old Office file (DOC, XLS, PPT) or an encrypted one",
            "旧版 Office 文件（DOC、XLS、PPT）或加密文件",
        ),
    ];
    let known = NAMES.iter().find(|(name, _)| *name == english);
    known.map_or(english, |(_, chinese)| chinese)
}
