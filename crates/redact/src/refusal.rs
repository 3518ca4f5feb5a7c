//! Why a file has no copy.

use liuhen_kinds::Lang;

/// Why a file has no copy; never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A format that is not redacted, by its English name.
    Format(&'static str),
    /// A picture, by its English name, without anybody to look at it.
    NoEyes(&'static str),
    /// The file is not what its format demands; which part.
    Damaged(&'static str),
    /// It is locked.
    Encrypted,
    /// It, or a part of it, is larger than this many bytes.
    TooLarge(u64),
    /// A picture has, or says that it has, more pixels than this.
    TooManyPixels(u64),
    /// Files within files, deeper than this.
    TooDeep(usize),
    /// A part that may not be dropped and that this version does not know; which.
    Unknown(&'static str),
    /// What was hidden stands there still, in another guise.
    Left,
    /// Whoever gives tokens, or looks into pictures, refused; why, without a value.
    Port(&'static str),
}

impl Refusal {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "format_not_redacted",
            Self::NoEyes(_) => "no_models",
            Self::Damaged(_) => "damaged",
            Self::Encrypted => "encrypted",
            Self::TooLarge(_) | Self::TooManyPixels(_) => "too_large",
            Self::TooDeep(_) => "too_deep",
            Self::Unknown(_) => "unknown_part",
            Self::Left => "still_there",
            Self::Port(_) => "port",
        }
    }

    /// The reason in words.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Format(what), Lang::Zh) => format!("不支持脱敏的格式：{what}"),
            (Self::Format(what), Lang::En) => format!("not redacted: {what}"),
            (Self::NoEyes(what), Lang::Zh) => {
                format!("没有识读图片的模型，不能脱敏：{what}（运行 liuhen models install）")
            }
            (Self::NoEyes(what), Lang::En) => format!(
                "{what} is not redacted without models; `liuhen models install` fetches them"
            ),
            (Self::Damaged(what), Lang::Zh) => format!("已损坏：{what}"),
            (Self::Damaged(what), Lang::En) => format!("damaged: {what}"),
            (Self::Encrypted, Lang::Zh) => "已加密".to_owned(),
            (Self::Encrypted, Lang::En) => "encrypted".to_owned(),
            (Self::TooLarge(limit), Lang::Zh) => format!("超过 {limit} 字节"),
            (Self::TooLarge(limit), Lang::En) => format!("larger than {limit} bytes"),
            (Self::TooManyPixels(limit), Lang::Zh) => format!("图片超过 {limit} 像素"),
            (Self::TooManyPixels(limit), Lang::En) => {
                format!("a picture of more than {limit} pixels")
            }
            (Self::TooDeep(limit), Lang::Zh) => format!("嵌套超过 {limit} 层"),
            (Self::TooDeep(limit), Lang::En) => format!("nested more than {limit} deep"),
            (Self::Unknown(what), Lang::Zh) => format!("含有不认识的部分：{what}"),
            (Self::Unknown(what), Lang::En) => format!("holds a part that is not known: {what}"),
            (Self::Left, Lang::Zh) => "原值仍以其他形式存在".to_owned(),
            (Self::Left, Lang::En) => "a hidden value is still there in another guise".to_owned(),
            (Self::Port(why), _) => (*why).to_owned(),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl std::error::Error for Refusal {}
