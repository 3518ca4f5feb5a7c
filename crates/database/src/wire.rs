//! A connection, and messages of bounded length on it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::address::{Address, Way};
use crate::error::DatabaseError;

/// How long a silent server is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of a message that is no row.
const LONGEST: usize = 16 << 20;
/// Bytes read from the system at a time.
const CHUNK: usize = 64 << 10;

/// How long for the first row: a server that sorts a large table says nothing meanwhile.
const PATIENCE_WITH_SORTING: Duration = Duration::from_secs(3600);

trait Both: Read + Write + Send {
    fn wait(&self, patience: Duration) -> io::Result<()>;
}

impl Both for UnixStream {
    fn wait(&self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))
    }
}

impl Both for TcpStream {
    fn wait(&self, patience: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(patience))
    }
}

/// A connection to a server.
pub(crate) struct Connection {
    stream: Box<dyn Both>,
    chunk: Vec<u8>,
    at: usize,
    /// Nobody on the way can listen.
    pub(crate) is_private: bool,
    /// The message under way.
    pub(crate) message: Vec<u8>,
    /// The message was longer than its bound and was passed over.
    pub(crate) too_long: bool,
    longest: usize,
    /// MySQL's number of the next packet.
    pub(crate) sequence: u8,
    /// An answer is being read.
    pub(crate) is_answering: bool,
    /// An answer was left in its midst: nothing can be asked any more.
    pub(crate) is_left: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    pub(crate) fn open(address: &Address) -> Result<Self, DatabaseError> {
        let (stream, is_private): (Box<dyn Both>, bool) = match &address.way {
            Way::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                (Box::new(stream), true)
            }
            Way::Tcp(host, port) => {
                let stream = TcpStream::connect((host.as_str(), *port))?;
                stream.set_nodelay(true)?;
                if !stream.peer_addr()?.ip().is_loopback() && !address.in_clear {
                    return Err(DatabaseError::InClear);
                }
                (Box::new(stream), false)
            }
        };
        stream.wait(PATIENCE)?;
        Ok(Self::over(stream, is_private))
    }

    fn over(stream: Box<dyn Both>, is_private: bool) -> Self {
        Self {
            stream,
            chunk: Vec::new(),
            at: 0,
            is_private,
            message: Vec::new(),
            too_long: false,
            longest: LONGEST,
            sequence: 0,
            is_answering: false,
            is_left: false,
        }
    }

    /// Rows that follow may have so many bytes.
    pub(crate) fn begin_rows(&mut self, longest: usize) {
        self.longest = longest.max(LONGEST);
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), DatabaseError> {
        if self.is_left {
            return Err(DatabaseError::Protocol(
                "a table before this one was left in its midst",
            ));
        }
        self.stream.write_all(bytes)?;
        Ok(self.stream.flush()?)
    }

    /// Whether the server may take its time before it answers.
    pub(crate) fn may_sort(&mut self, is_sorting: bool) -> Result<(), DatabaseError> {
        Ok(self.stream.wait(match is_sorting {
            true => PATIENCE_WITH_SORTING,
            false => PATIENCE,
        })?)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.chunk.resize(CHUNK, 0);
        let count = loop {
            match self.stream.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.chunk.truncate(count);
        self.at = 0;
        match count {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Hands out the next `length` bytes in pieces.
    fn pieces(
        &mut self,
        mut length: usize,
        told: &mut dyn FnMut(&mut Vec<u8>, &[u8]),
    ) -> io::Result<()> {
        while length > 0 {
            if self.at >= self.chunk.len() {
                self.fill()?;
            }
            let waiting = self.chunk.get(self.at..).unwrap_or_default();
            let piece = waiting.get(..length).unwrap_or(waiting);
            told(&mut self.message, piece);
            self.at += piece.len();
            length -= piece.len();
        }
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DatabaseError> {
        let (mut array, mut at) = ([0; N], 0);
        self.pieces(N, &mut |_, piece| {
            if let Some(slot) = array.get_mut(at..at + piece.len()) {
                slot.copy_from_slice(piece);
            }
            at += piece.len();
        })?;
        Ok(array)
    }

    pub(crate) fn begin_message(&mut self) {
        self.message.clear();
        self.too_long = false;
    }

    /// Appends so many bytes to the message, or passes over them where it would grow past its bound.
    pub(crate) fn append(&mut self, length: usize) -> Result<(), DatabaseError> {
        self.too_long |= self.message.len() + length > self.longest;
        if self.too_long {
            self.message.clear();
            self.pieces(length, &mut |_, _| {})?;
        } else {
            self.pieces(length, &mut |message, piece| {
                message.extend_from_slice(piece)
            })?;
        }
        Ok(())
    }
}

/// A message being taken apart; whatever is missing is a fault of the server's.
pub(crate) struct Parts<'a>(pub(crate) &'a [u8]);

impl<'a> Parts<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], DatabaseError> {
        let (head, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(DatabaseError::Protocol("a message is cut short"))?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DatabaseError> {
        let taken = self.take(N)?;
        taken
            .try_into()
            .map_err(|_| DatabaseError::Protocol("a message is cut short"))
    }

    /// Bytes up to a zero, which is taken too.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], DatabaseError> {
        let end = self
            .0
            .iter()
            .position(|byte| *byte == 0)
            .ok_or(DatabaseError::Protocol("a text never ends"))?;
        let text = self.take(end)?;
        self.take(1)?;
        Ok(text)
    }
}

/// A value as a cell shows it; bytes that are no text are counted.
pub(crate) fn shown(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => text.into(),
        _ => format!("({} bytes)", bytes.len()).into(),
    }
}

/// A connection whose server says what a test has written.
#[cfg(test)]
pub(crate) fn said(bytes: Vec<u8>) -> Connection {
    struct Said(io::Cursor<Vec<u8>>);
    impl Both for Said {
        fn wait(&self, _: Duration) -> io::Result<()> {
            Ok(())
        }
    }
    impl Read for Said {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Said {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            Ok(buffer.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    Connection::over(Box::new(Said(io::Cursor::new(bytes))), false)
}
