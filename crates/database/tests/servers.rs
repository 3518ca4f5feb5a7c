//! Real servers, begun for the tests in directories of their own: Debian's `postgresql` and
//! `mariadb-server`. Where one is not installed its tests say so and pass; `LIUHEN_REQUIRE_DATABASES`
//! makes them fail instead.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "helpers of tests"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use liuhen_database::{Address, DatabaseError, Password, Server, TableName};
use liuhen_document::TableSource as _;
use liuhen_reading::Limits;
use tempfile::TempDir;

/// A server that ends with the test.
struct Begun {
    server: Child,
    dir: TempDir,
}

impl Drop for Begun {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The first of these programs that is there.
fn program(candidates: &[PathBuf]) -> Option<PathBuf> {
    let found = candidates.iter().find(|path| path.exists()).cloned();
    let required = std::env::var_os("LIUHEN_REQUIRE_DATABASES").is_some();
    assert!(
        found.is_some() || !required,
        "not installed: {candidates:?}"
    );
    if found.is_none() {
        eprintln!("skipped: not installed: {candidates:?}");
    }
    found
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    id == b"0\n"
}

/// Runs a program as somebody the server allows: PostgreSQL refuses root.
fn as_user(user: &str, program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]);
        command.arg(program);
        return command;
    }
    Command::new(program)
}

fn owned(user: &str) -> TempDir {
    let dir = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        let status = Command::new("chown").arg(user).arg(dir.path()).status();
        assert!(status.unwrap().success());
    }
    dir
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

fn wait_for(path: &Path, answers: impl Fn() -> bool) {
    for _ in 0..1200 {
        if path.exists() && answers() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("no server came at {}", path.display());
}

const SECRET: &str = "tiger, 老虎";

fn postgres() -> Option<(Begun, u16)> {
    let bins = std::fs::read_dir("/usr/lib/postgresql").ok();
    let bins = bins
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    let bin = bins
        .last()
        .unwrap_or_else(|| "/usr/lib/postgresql/bin".into());
    program(&[bin.join("postgres")])?;
    let dir = owned("postgres");
    let data = dir.path().join("data");
    let word = dir.path().join("word");
    std::fs::write(&word, SECRET).unwrap();
    std::fs::set_permissions(&word, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut init = as_user("postgres", &bin.join("initdb"));
    done(
        init.args([
            "-U",
            "owner",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-A",
            "scram-sha-256",
        ])
        .arg("--pwfile")
        .arg(&word)
        .arg("-D")
        .arg(&data),
    );
    let port = free_port();
    let mut command = as_user("postgres", &bin.join("postgres"));
    let server = command
        .args([
            "-F",
            "-c",
            "listen_addresses=127.0.0.1",
            "-p",
            &port.to_string(),
        ])
        .arg("-k")
        .arg(dir.path())
        .arg("-D")
        .arg(&data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Begun { server, dir };
    let psql = |text: &str| {
        let mut command = Command::new(bin.join("psql"));
        command
            .env("PGPASSWORD", SECRET)
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-U",
                "owner",
                "-d",
                "postgres",
            ])
            .args(["-v", "ON_ERROR_STOP=1", "-q", "-c", text]);
        command
    };
    let socket = begun.dir.path().join(format!(".s.PGSQL.{port}"));
    wait_for(&socket, || {
        psql("SELECT 1").output().unwrap().status.success()
    });
    done(&mut psql(
        "CREATE TABLE members (id bigint PRIMARY KEY, name text, phone text, born date, face bytea);
         INSERT INTO members SELECT n * 10, '某甲' || n, '1380013' || lpad(n::text, 4, '0'), '2000-01-02', '\\x00ff' FROM generate_series(1, 3000) n;
         CREATE TABLE \"odd \"\"name\" (a text, b int, c text, PRIMARY KEY (a, b));
         INSERT INTO \"odd \"\"name\" VALUES ('z', 1, NULL), ('a', 2, E'two\\nlines'), ('a', 1, '');
         CREATE TABLE negative (id int PRIMARY KEY, t text); INSERT INTO negative VALUES (-1, 'x'), (5, 'y');
         CREATE TABLE hidden (t text); INSERT INTO hidden VALUES ('13800138000'); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
         CREATE TABLE empty (t text); CREATE VIEW seen AS SELECT * FROM members;
         CREATE TABLE parted (n int) PARTITION BY RANGE (n); CREATE TABLE part_one PARTITION OF parted FOR VALUES FROM (0) TO (9); INSERT INTO parted VALUES (3);
         CREATE TABLE large (n int); INSERT INTO large SELECT generate_series(1, 30000);
         CREATE ROLE reader LOGIN PASSWORD 'tiger, 老虎';
         GRANT SELECT ON members, \"odd \"\"name\", hidden, empty, large, part_one, negative TO reader;
         CREATE TABLE forbidden (id int PRIMARY KEY)",
    ));
    Some((begun, port))
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn rows(server: &Server, name: &TableName, sample: Option<u64>) -> Vec<(u64, Vec<String>)> {
    let mut table = server.table(name, sample, &Limits::default()).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = table.next_row() {
        let row = row.unwrap();
        let cells = row.cells.iter().map(|cell| cell.as_str().to_owned());
        rows.push((row.number, cells.collect()));
    }
    assert!(table.failure().is_none());
    rows
}

fn password() -> Password {
    SECRET.to_owned().into()
}

fn named<'t>(tables: &'t [TableName], name: &str) -> &'t TableName {
    tables.iter().find(|table| table.name == name).unwrap()
}

#[test]
fn postgres_is_read_whole_and_sampled() {
    let Some((begun, port)) = postgres() else {
        return;
    };
    let socket = begun.dir.path().display();
    for address in [
        format!("postgres://reader@127.0.0.1:{port}/postgres"),
        format!("postgresql://reader@:{port}/postgres?host={socket}"),
    ] {
        let address = Address::parse(&address).unwrap();
        let server = Server::connect(&address, Some(&password())).unwrap();
        let tables = server.tables(&address).unwrap();
        let names: Vec<String> = tables
            .iter()
            .map(|table| format!("{table} {}", table.is_read))
            .collect();
        let expected = [
            "postgres.public.empty true",
            "postgres.public.forbidden by id true",
            "postgres.public.hidden true",
            "postgres.public.large true",
            "postgres.public.members by id true",
            "postgres.public.negative by id true",
            "postgres.public.odd \"name by a, b true",
            "postgres.public.part_one true",
            "postgres.public.seen false",
        ];
        assert_eq!(names, expected);
        let members = rows(&server, named(&tables, "members"), None);
        assert_eq!(members.len(), 3000);
        let (number, cells) = &members[4];
        assert_eq!(*number, 5);
        let numbers: Vec<u64> = members.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=3000).collect::<Vec<u64>>());
        assert_eq!(
            cells[..],
            ["50", "某甲5", "13800130005", "2000-01-02", "(2 bytes)"]
        );
        assert_eq!(rows(&server, named(&tables, "members"), Some(7)).len(), 7);
        let odd = rows(&server, named(&tables, "odd \"name"), None);
        let cells = |number, cells: [&str; 3]| (number, cells.map(str::to_owned).to_vec());
        // The row of the key ('a', 1) has an empty cell and stays a row.
        assert_eq!(
            odd,
            [
                cells(1, ["a", "1", ""]),
                cells(2, ["a", "2", "two\nlines"]),
                cells(3, ["z", "1", ""])
            ]
        );
        assert_eq!(rows(&server, named(&tables, "negative"), None)[0].0, 1);
        assert!(rows(&server, named(&tables, "empty"), None).is_empty());
        // What may not be read is told and costs nothing else.
        for (name, code) in [("forbidden", "42501"), ("hidden", "42501")] {
            let error = server
                .table(named(&tables, name), None, &Limits::default())
                .unwrap_err();
            assert!(
                matches!(&error, DatabaseError::Refused(said) if said == code),
                "{name} {error}"
            );
        }
        // A table left in its midst does not spoil the next.
        drop(
            server
                .table(named(&tables, "members"), None, &Limits::default())
                .unwrap(),
        );
        assert_eq!(rows(&server, named(&tables, "part_one"), None).len(), 1);
        // A large one is not read to its end for that: the connection is of no more use.
        drop(
            server
                .table(named(&tables, "large"), None, &Limits::default())
                .unwrap(),
        );
        let left = server.tables(&address).unwrap_err();
        assert!(matches!(left, DatabaseError::Protocol(_)), "{left}");
    }
    let address = Address::parse(&format!("postgres://reader@127.0.0.1:{port}/postgres")).unwrap();
    let wrong = Server::connect(&address, Some(&"lion".to_owned().into())).unwrap_err();
    assert_eq!(wrong.to_string(), "the server refused, code 28P01");
    let none = Server::connect(&address, None).unwrap_err();
    assert!(matches!(none, DatabaseError::NoPassword));
}

fn mariadb() -> Option<(Begun, u16)> {
    let daemon = program(&["/usr/sbin/mariadbd".into(), "/usr/sbin/mysqld".into()])?;
    let dir = owned("mysql");
    let data = dir.path().join("data");
    let mut install = Command::new("mariadb-install-db");
    if is_root() {
        install.arg("--user=mysql");
    }
    let data_arg = format!("--datadir={}", data.display());
    done(install.args([
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        &data_arg,
    ]));
    let port = free_port();
    let socket = dir.path().join("my.sock");
    let server = as_user("mysql", &daemon)
        .args([
            "--no-defaults",
            "--bind-address=127.0.0.1",
            "--skip-log-bin",
            "--max-allowed-packet=64M",
            &data_arg,
        ])
        .args([
            format!("--port={port}"),
            format!("--socket={}", socket.display()),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Begun { server, dir };
    let client = |text: &str| {
        let mut command = Command::new("mariadb");
        command.args([
            "--no-defaults",
            "-u",
            "root",
            "--default-character-set=utf8mb4",
        ]);
        command
            .arg(format!("--socket={}", socket.display()))
            .args(["-e", text]);
        command
    };
    wait_for(&socket, || {
        client("SELECT 1").output().unwrap().status.success()
    });
    done(&mut client(
        "CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
         CREATE TABLE members (id INT UNSIGNED PRIMARY KEY, name VARCHAR(20), phone CHAR(11), face BLOB, note TEXT);
         INSERT INTO members SELECT seq * 10, CONCAT('某甲', seq), CONCAT('1380013', LPAD(seq, 4, '0')), x'00ff', NULL FROM seq_1_to_3000;
         CREATE TABLE `odd ``name` (a VARCHAR(9), b INT, c TEXT, PRIMARY KEY (a, b));
         INSERT INTO `odd ``name` VALUES ('z', 1, NULL), ('a', 2, 'two\\nlines'), ('a', 1, '');
         CREATE TABLE wide (t LONGTEXT); INSERT INTO wide VALUES (REPEAT('某', 6000000)), ('13800138000');
         CREATE VIEW seen AS SELECT * FROM members;
         CREATE TABLE forbidden (id INT PRIMARY KEY);
         CREATE TABLE `it's \\ hidden` (id BIGINT PRIMARY KEY, phone CHAR(11) INVISIBLE DEFAULT '', name TEXT);
         INSERT INTO `it's \\ hidden` (id, phone, name) VALUES (9007199254740993, '13800130001', '某甲'), (-5, '13800130002', '某乙');
         CREATE USER reader IDENTIFIED VIA mysql_native_password USING PASSWORD('tiger, 老虎');
         GRANT SELECT ON shop.members TO reader; GRANT SELECT ON shop.`odd ``name` TO reader; GRANT SELECT ON shop.wide TO reader; GRANT SELECT ON shop.`it's \\ hidden` TO reader; GRANT SHOW VIEW, SELECT ON shop.seen TO reader; GRANT INSERT ON shop.forbidden TO reader; GRANT INSERT ON shop.members TO reader",
    ));
    Some((begun, port))
}

#[test]
fn mariadb_is_read_whole_and_sampled() {
    let Some((begun, port)) = mariadb() else {
        return;
    };
    let socket = begun.dir.path().join("my.sock");
    for address in [
        format!("mysql://reader@127.0.0.1:{port}/shop"),
        format!("mariadb://reader@/shop?socket={}", socket.display()),
        format!("mysql://reader@127.0.0.1:{port}"),
    ] {
        let address = Address::parse(&address).unwrap();
        let server = Server::connect(&address, Some(&password())).unwrap();
        let tables = server.tables(&address).unwrap();
        let names: Vec<String> = tables
            .iter()
            .map(|table| format!("{table} {}", table.is_read))
            .collect();
        let expected = [
            "shop.forbidden by id true",
            "shop.it's \\ hidden by id true",
            "shop.members by id true",
            "shop.odd `name by a, b true",
            "shop.seen false",
            "shop.wide true",
        ];
        assert_eq!(names, expected);
        let members = rows(&server, named(&tables, "members"), None);
        assert_eq!((members.len(), members[4].0), (3000, 5));
        assert_eq!(
            members[4].1,
            ["50", "某甲5", "13800130005", "(2 bytes)", ""]
        );
        assert_eq!(rows(&server, named(&tables, "members"), Some(7)).len(), 7);
        let odd = rows(&server, named(&tables, "odd `name"), None);
        assert_eq!(
            odd.iter()
                .map(|(number, cells)| (*number, cells[1].as_str()))
                .collect::<Vec<_>>(),
            [(1, "1"), (2, "2"), (3, "1")]
        );
        // What `*` leaves out is read too, and keys of any size are places in their order.
        let hidden = rows(&server, named(&tables, "it's \\ hidden"), None);
        let cells = |number, cells: [&str; 3]| (number, cells.map(str::to_owned).to_vec());
        assert_eq!(
            hidden,
            [
                cells(1, ["-5", "某乙", "13800130002"]),
                cells(2, ["9007199254740993", "某甲", "13800130001"])
            ]
        );
        // A cell of several packets is past the bound of a cell; the next row is read.
        let mut wide = server
            .table(named(&tables, "wide"), None, &Limits::default())
            .unwrap();
        let read: Vec<Option<u64>> = std::iter::from_fn(|| wide.next_row())
            .map(|row| row.ok().map(|row| row.number))
            .collect();
        assert_eq!(read, [None, Some(2)]);
        drop(wide);
        let error = server
            .table(named(&tables, "forbidden"), None, &Limits::default())
            .unwrap_err();
        assert!(
            matches!(&error, DatabaseError::Refused(code) if code == "1142"),
            "{error}"
        );
        drop(
            server
                .table(named(&tables, "members"), None, &Limits::default())
                .unwrap(),
        );
        assert_eq!(rows(&server, named(&tables, "odd `name"), None).len(), 3);
    }
    let address = Address::parse(&format!("mysql://reader@127.0.0.1:{port}/shop")).unwrap();
    let wrong = Server::connect(&address, Some(&"lion".to_owned().into())).unwrap_err();
    assert_eq!(wrong.to_string(), "the server refused, code 1045");
}
