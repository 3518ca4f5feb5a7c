//! A program that only pretends to be `liuhen serve`, so that the harness can be tested where the
//! real one is not built: it prints an address, answers every request with an empty 200, and
//! misbehaves as `PRETEND` says.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it stands in for a program"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn main() -> std::io::Result<ExitCode> {
    eprintln!("{:?}", std::env::args().skip(1).collect::<Vec<_>>());
    match std::env::var("PRETEND").as_deref() {
        Ok("to be refused") => return Ok(ExitCode::from(3)),
        Ok("to be silent") => std::thread::sleep(Duration::from_secs(60)),
        _ => {}
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("open http://{}/setup/abc.", listener.local_addr()?);
    for stream in listener.incoming() {
        let (mut stream, mut ask) = (stream?, [0; 4096]);
        let _length = stream.read(&mut ask)?;
        stream.write_all(ANSWER)?;
    }
    Ok(ExitCode::SUCCESS)
}
