//! Chats of QQ and WeChat, exported as text: the text as it is, and whoever speaks in it.
//!
//! The form, known from exports: a line of time and sender, `2025-01-02 3:04:05 某甲(10001)` or
//! `某甲<a@qq.com>` or without an account, then lines. The lines are running text; senders with an
//! account become a table behind it, each once, since an account between brackets is none that a
//! detector of running text may trust.

use std::collections::{HashSet, VecDeque};
use std::io::Read;

use liuhen_document::Text;

use crate::raw::RawRow;
use crate::unpack::{Flow, Step};
use crate::{ReadError, TextStream};

/// Senders that are told.
const MOST: usize = 1 << 16;
/// Bytes of a line that may name a sender.
const LONGEST: usize = 256;

/// Whether a text begins as a chat does: of its first lines, some say when somebody spoke.
pub(crate) fn is_export(head: &[u8]) -> bool {
    let mut text = String::new();
    let mut stream = TextStream::new(head, None);
    // Bytes at hand never fail to be read.
    while stream
        .pump(&mut |piece| text.push_str(piece))
        .unwrap_or(false)
    {}
    let lines: Vec<&str> = text
        .lines()
        .take(200)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let spoken = lines.iter().filter(|line| sender(line).is_some()).count();
    let titled = lines
        .iter()
        .take(12)
        .any(|line| line.starts_with("消息对象") || line.starts_with("消息记录"));
    spoken >= 1 && titled || spoken >= 3 && spoken * 4 >= lines.len()
}

/// Name and account of whoever speaks, when a line says so.
fn sender(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.len() > LONGEST {
        return None;
    }
    let (day, rest) = line.split_once(' ')?;
    let (time, who) = rest.trim_start().split_once(' ')?;
    let digits = |text: &str, between: char, least: usize| {
        let parts: Vec<&str> = text.split(between).collect();
        (least..=3).contains(&parts.len())
            && parts.iter().all(|part| {
                (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
            })
    };
    let dated = digits(day, '-', 3) || digits(day, '/', 3);
    if !dated || !digits(time, ':', 2) {
        return None;
    }
    // The form of logs goes on behind a level or a thread; a name stands alone.
    let who = who.trim();
    let in_brackets = |open: char, close: char| {
        let (name, account) = who.strip_suffix(close)?.rsplit_once(open)?;
        Some((name.trim(), account.trim()))
    };
    let named = in_brackets('(', ')')
        .or_else(|| in_brackets('<', '>'))
        .or_else(|| in_brackets('（', '）'));
    let (name, account) = named.unwrap_or((who, ""));
    (!who.is_empty() && name.chars().count() <= 40 && !name.contains(": "))
        .then_some((name, account))
}

/// A chat being read.
pub(crate) struct Chat<R> {
    stream: TextStream<R>,
    rest: String,
    known: HashSet<(String, String)>,
    senders: Vec<(String, String)>,
    ready: VecDeque<Step>,
    over: bool,
}

impl<R: Read> Chat<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            stream: TextStream::new(source, None),
            rest: String::new(),
            known: HashSet::new(),
            senders: Vec::new(),
            ready: VecDeque::new(),
            over: false,
        }
    }

    fn advance(&mut self) -> Result<(), ReadError> {
        let mut text = String::new();
        let more = self.stream.pump(&mut |piece| text.push_str(piece));
        self.over = !more.as_ref().is_ok_and(|more| *more);
        self.rest.push_str(&text);
        let whole = match self.over {
            true => self.rest.len(),
            false => self.rest.rfind('\n').map_or(0, |at| at + 1),
        };
        let told = self.rest[..whole].to_owned();
        for (name, account) in told.lines().filter_map(sender) {
            let one = (name.to_owned(), account.to_owned());
            if !account.is_empty() && self.known.len() < MOST && self.known.insert(one.clone()) {
                self.senders.push(one);
            }
        }
        self.rest.drain(..whole);
        // A line without end is passed on as it comes.
        if self.rest.len() > 64 << 10 {
            self.ready.push_back(Step::Text(told));
            self.ready
                .push_back(Step::Text(std::mem::take(&mut self.rest)));
        } else if !told.is_empty() {
            self.ready.push_back(Step::Text(told));
        }
        if self.over {
            self.told_senders();
        }
        more.map(drop).map_err(ReadError::of)
    }

    fn told_senders(&mut self) {
        if self.senders.is_empty() {
            return;
        }
        let columns = ["昵称", "QQ号", "微信号", "邮箱"]
            .map(str::to_owned)
            .to_vec();
        self.ready.push_back(Step::Table {
            name: Some("senders".to_owned()),
            columns: Some(columns),
            placed: true,
        });
        for (number, (name, account)) in (2..).zip(std::mem::take(&mut self.senders)) {
            let digits = account.bytes().all(|byte| byte.is_ascii_digit());
            let column = match (digits, account.contains('@')) {
                (true, _) => 1,
                (_, false) => 2,
                (_, true) => 3,
            };
            let mut cells = [name, String::new(), String::new(), String::new()];
            cells[column] = account;
            let cells = cells.into_iter().map(Text::from).collect();
            self.ready.push_back(Step::Row(RawRow { number, cells }));
        }
    }
}

impl<R: Read + Send> Flow for Chat<R> {
    fn step(&mut self) -> Result<Option<Step>, ReadError> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Ok(Some(step));
            }
            if self.over {
                return Ok(None);
            }
            self.advance()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_speaks_is_told_once() {
        let text = "消息记录（此消息记录为文本格式，不支持重新导入）\n\n消息对象:群\n\n2025-01-02 3:04:05 某甲(10001)\n我的电话 13800000000\n\n2025-01-02 3:05:06 某乙<wxid_ab>\n好\n2025-01-02 3:06:00 某甲(10001)\n再见";
        for bytes in [
            text.as_bytes().to_vec(),
            encoding_rs::GB18030.encode(text).0.into_owned(),
        ] {
            assert!(is_export(&bytes));
            let mut chat = Chat::new(bytes.as_slice());
            let (mut said, mut rows) = (String::new(), Vec::new());
            while let Some(step) = chat.step().unwrap() {
                match step {
                    Step::Text(text) => said.push_str(&text),
                    Step::Row(row) => {
                        rows.push(
                            row.cells
                                .iter()
                                .map(Text::as_str)
                                .collect::<Vec<_>>()
                                .join("|"),
                        );
                    }
                    _ => {}
                }
            }
            assert_eq!(said, text);
            assert_eq!(rows, ["某甲|10001||", "某乙||wxid_ab|"]);
        }
    }

    #[test]
    fn logs_are_no_chats() {
        let log =
            "2025-01-02 03:04:05 INFO main: started\n2025-01-02 03:04:06 WARN x: y\n".repeat(9);
        assert!(!is_export(log.as_bytes()));
        assert!(!is_export(b"2025-01-02,03:04\n"));
    }
}
