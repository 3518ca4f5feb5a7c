//! One message held whole, for whoever writes it anew.

use std::io::{BufReader, Read};

use super::DEPTH;
use super::decode::Body;
use super::head::Head;
use super::lines::{Ended, Lines};

/// A message, or a part of one: its head, and its parts or what it holds.
///
/// Rules: RFC 5322, RFC 2045 to 2047, RFC 2231. Its `Debug` is a count.
#[derive(Default)]
pub struct Message {
    /// Fields in order: the name in small letters, the value with encoded words undone.
    pub fields: Vec<(String, String)>,
    /// The type of what it holds, in small letters; empty when it says none.
    pub kind: String,
    /// The encoding of its text, by its own word.
    pub charset: Option<String>,
    /// The name of the file it is.
    pub name: Option<String>,
    /// Whether it is said to be an attachment.
    pub attached: bool,
    /// Its parts; none where it holds something itself.
    pub parts: Vec<Message>,
    /// What it holds, base64 and quoted-printable undone.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("fields", &self.fields.len())
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

impl Message {
    /// Reads one message. Safe on any bytes; what lies deeper than 32 parts within parts stays a body.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let mut lines = Lines::new(BufReader::new(bytes), false);
        let (head, ended) = Head::read(&mut lines);
        entity(&mut lines, &head, ended, 0).0
    }
}

type Source<'a> = Lines<BufReader<&'a [u8]>>;

fn entity(
    lines: &mut Source<'_>,
    head: &Head,
    ended: Option<Ended>,
    depth: usize,
) -> (Message, Ended) {
    let mut message = Message {
        fields: head.all(),
        kind: head.kind(),
        charset: head.charset(),
        name: head.name(),
        attached: head.is_attached(),
        ..Message::default()
    };
    if let Some(ended) = ended {
        return (message, ended);
    }
    match head.boundary() {
        Some(boundary) if message.kind.starts_with("multipart/") && depth < DEPTH => {
            let ended = parts(lines, boundary, depth, &mut message.parts);
            (message, ended)
        }
        _ => {
            let mut body = Body::new(lines, head.encoding());
            // Bytes at hand never fail to be read.
            let _ = body.read_to_end(&mut message.body);
            (message, body.ended())
        }
    }
}

fn parts(lines: &mut Source<'_>, boundary: Vec<u8>, depth: usize, out: &mut Vec<Message>) -> Ended {
    let level = lines.enter(boundary);
    let mut ended = lines.skip();
    while let Ended::Boundary { level: at, last } = ended {
        if at != level {
            break;
        }
        if last {
            lines.leave(level);
            return lines.skip();
        }
        let (head, early) = Head::read(lines);
        let (part, after) = entity(lines, &head, early, depth + 1);
        out.push(part);
        ended = after;
    }
    lines.leave(level);
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_apart() {
        let text = "Subject: =?utf-8?B?5L2g5aW9?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Type: text/plain; charset=gbk\r\nContent-Transfer-Encoding: base64\r\n\r\nxOO6ww==\r\n\
            --b\r\nContent-Type: image/png; name=a.png\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--\r\n";
        let message = Message::read(text.as_bytes());
        assert_eq!(message.fields[0], ("subject".into(), "你好".into()));
        let [first, second] = &message.parts[..] else {
            panic!("two parts")
        };
        assert_eq!(
            (first.charset.as_deref(), first.body.as_slice()),
            (Some("gbk"), &b"\xC4\xE3\xBA\xC3"[..])
        );
        assert!(second.attached && second.name.as_deref() == Some("a.png"));
    }

    #[test]
    fn whatever_it_is_given_it_ends() {
        for text in [
            "",
            "\r\n",
            "a: b",
            "Content-Type: multipart/x; boundary=b\n\n--b\n--b",
        ] {
            let message = Message::read(text.as_bytes());
            assert!(message.parts.len() < 3);
        }
    }
}
