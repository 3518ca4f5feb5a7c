//! The server harness against a program that pretends.

use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use liuhen_testkit::Server;

const PRETEND: &str = env!("CARGO_BIN_EXE_pretend");

#[test]
fn starts_and_stops_politely() {
    let server = Server::plan(PRETEND).arg("--demo").start();
    assert!(server.link("/setup/").unwrap().starts_with(server.url()));
    let args = server.line("--demo");
    assert!(
        args.contains("serve") && args.contains("127.0.0.1:0"),
        "{args}"
    );
    assert!(args.contains(server.data().to_str().unwrap()), "{args}");
    assert_eq!(server.stop().signal(), Some(2));
}

#[test]
fn kills_at_once_and_when_dropped() {
    for explicitly in [true, false] {
        let server = Server::start(PRETEND);
        let address = server.url().trim_start_matches("http://").to_owned();
        assert!(TcpStream::connect(&address).is_ok());
        if explicitly {
            server.kill()
        } else {
            drop(server)
        }
        assert!(
            TcpStream::connect(&address).is_err(),
            "explicitly: {explicitly}"
        );
    }
}

#[test]
fn keeps_the_data_of_a_named_folder() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::plan(PRETEND).data(folder.path()).start();
    assert_eq!(server.data(), folder.path());
    server.kill();
    assert!(folder.path().exists());
}

#[test]
fn refuses_a_program_that_ends() {
    let failure = Server::plan(PRETEND)
        .env("PRETEND", "to be refused")
        .try_start()
        .unwrap_err();
    assert_eq!(failure.status.unwrap().code(), Some(3));
    assert!(failure.printed[0].contains("serve"), "{failure}");
}

#[test]
fn refuses_a_program_that_stays_silent() {
    let plan = Server::plan(PRETEND).env("PRETEND", "to be silent");
    assert!(
        plan.patience(Duration::from_millis(300))
            .try_start()
            .unwrap_err()
            .status
            .is_none()
    );
}
