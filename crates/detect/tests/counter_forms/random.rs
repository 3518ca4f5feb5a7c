//! Texts made from seeds: numbers of orders, hashes, codes, scripts, tables.

use std::fmt::Write as _;

/// SplitMix64: the same texts on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }

    pub(crate) fn digits(&mut self, count: u64) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.below(10) as u8))
            .collect()
    }

    pub(crate) fn hex(&mut self, count: u64) -> String {
        (0..count)
            .map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize]))
            .collect()
    }

    pub(crate) fn letters(&mut self, count: u64) -> String {
        (0..count)
            .map(|_| char::from(b'a' + self.below(26) as u8))
            .collect()
    }
}

/// The day and second of a time between 2001 and 2033, in the proleptic calendar.
pub(crate) struct Moment {
    pub(crate) epoch: u64,
    pub(crate) ymd: (u64, u64, u64),
    pub(crate) hms: (u64, u64, u64),
}

pub(crate) fn moment(random: &mut Random) -> Moment {
    let ymd = (
        2001 + random.below(32),
        1 + random.below(12),
        1 + random.below(28),
    );
    let hms = (random.below(24), random.below(60), random.below(60));
    Moment {
        epoch: 1_000_000_000 + random.below(1_000_000_000),
        ymd,
        hms,
    }
}

impl Moment {
    /// The fourteen digits that order numbers begin with.
    pub(crate) fn compact(&self) -> String {
        let ((y, m, d), (h, n, s)) = (self.ymd, self.hms);
        format!("{y}{m:02}{d:02}{h:02}{n:02}{s:02}")
    }

    /// Every form in which programs write a time.
    pub(crate) fn forms(&self, random: &mut Random) -> Vec<String> {
        let ((y, m, d), (h, n, s)) = (self.ymd, self.hms);
        let e = self.epoch;
        let (ms, us, ns) = (random.digits(3), random.digits(6), random.digits(9));
        vec![
            format!("{e}"),
            format!("{e}{ms}"),
            format!("{e}{us}"),
            format!("{e}{ns}"),
            format!("{e}.{us}"),
            self.compact(),
            format!("{}{ms}", self.compact()),
            format!("{y}{m:02}{d:02}"),
            format!("{y}-{m:02}-{d:02}T{h:02}:{n:02}:{s:02}.{ms}Z"),
            format!("{y}-{m:02}-{d:02} {h:02}:{n:02}:{s:02},{ms}"),
            format!("{y}/{m:02}/{d:02} {h:02}:{n:02}:{s:02}"),
            format!("{y}年{m}月{d}日{h}时{n}分"),
            format!("{d:02}/Nov/{y}:{h:02}:{n:02}:{s:02} +0800"),
            format!("Sun, {d:02} Nov {y} {h:02}:{n:02}:{s:02} GMT"),
            format!("{y}{m:02}{d:02}T{h:02}{n:02}{s:02}Z"),
            format!("{y}-W{:02}-{}", 1 + d, 1 + d % 7),
        ]
    }
}

pub(crate) fn uuid(random: &mut Random) -> String {
    let parts = [8, 4, 4, 4, 12].map(|count| random.hex(count));
    parts.join("-")
}

/// Bytes of no meaning, as base64 carries pictures and keys.
pub(crate) fn blob(random: &mut Random, characters: u64) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..characters / 4 * 4)
        .map(|_| ALPHABET[random.below(64) as usize] as char)
        .collect()
}

/// A script as minifiers leave it: one line, short names, many numbers.
pub(crate) fn minified(random: &mut Random, statements: usize) -> String {
    let mut out = String::from("!function(e,t){\"use strict\";");
    for _ in 0..statements {
        let name = random.letters(2);
        let (a, b) = (random.below(4_294_967_296), random.below(65_536));
        let _ = match random.below(8) {
            0 => write!(
                out,
                "var {name}={a},n{b}=[{b},{},{}];",
                random.below(4_294_967_296),
                a / 7
            ),
            1 => write!(
                out,
                "function {name}(e){{return e>>>{}^{a}&0x{}}}",
                b % 32,
                random.hex(8)
            ),
            2 => write!(
                out,
                "t.{name}=e.{name}||{{id:{b},v:\"{}.{}.{}\"}};",
                b % 20,
                b % 13,
                b % 97
            ),
            3 => write!(out, "for(var i={b};i<{a};i+={})r[i&255]^={a};", 1 + b % 9),
            4 => write!(
                out,
                "e.exports={{k:\"{}\",h:{}e{}}};",
                random.hex(32),
                b,
                b % 300
            ),
            5 => write!(out, "if({name}.length>{b})throw Error(\"E{a}\");"),
            6 => write!(
                out,
                "M{name}=\"M{}.{} {}.{}L{}-{}z\";",
                b % 100,
                b % 1000,
                a % 90,
                a % 997,
                b % 24,
                a % 24
            ),
            _ => write!(
                out,
                "setTimeout({name},{});x=+new Date-{}{};",
                b,
                a,
                random.digits(3)
            ),
        };
    }
    out.push_str("}(window,document);\n");
    out
}

/// A table of measurements.
pub(crate) fn measurements(random: &mut Random, rows: usize) -> String {
    let mut out = String::from("time_s\tvoltage_mV\tcurrent_A\tcount\tenergy_J\tp\n");
    for row in 0..rows {
        let _ = writeln!(
            out,
            "{}.{:03}\t{}.{:04}\t-{}.{:05}\t{}\t{}.{:03}E+{:02}\t0.{:06}",
            row,
            random.below(1000),
            random.below(500),
            random.below(10_000),
            random.below(9),
            random.below(100_000),
            random.below(10_000_000_000),
            1 + random.below(9),
            random.below(1000),
            random.below(20),
            random.below(1_000_000),
        );
    }
    out
}

/// The path of a drawing.
pub(crate) fn svg(random: &mut Random, points: usize) -> String {
    let mut out = String::from("<svg viewBox=\"0 0 1024 768\"><path fill=\"#1a2b3c\" d=\"M0 0");
    for _ in 0..points {
        let _ = write!(
            out,
            "{}{}.{:03},{}.{:04} {}-{}.{}",
            random.of(&["L", "C", "c", "s", "Q"]),
            random.below(1024),
            random.below(1000),
            random.below(768),
            random.below(10_000),
            random.below(99),
            random.below(99),
            random.below(99_999),
        );
    }
    out.push_str("Z\"/></svg>\n");
    out
}

/// Lines of a service's log that speak of nobody.
pub(crate) fn log(random: &mut Random, lines: usize) -> String {
    let mut out = String::new();
    for _ in 0..lines {
        let at = moment(random);
        let ((y, m, d), (h, n, s)) = (at.ymd, at.hms);
        let level = random.of(&["INFO", "WARN", "DEBUG", "ERROR"]);
        let _ = write!(
            out,
            "{y}-{m:02}-{d:02} {h:02}:{n:02}:{s:02}.{:03} {level} [worker-{}] ",
            random.below(1000),
            random.below(64)
        );
        let (big, small) = (random.next() >> 8, random.below(100_000));
        let _ = match random.below(7) {
            0 => writeln!(
                out,
                "trace_id={} span_id={} took={small}us",
                random.hex(32),
                random.hex(16)
            ),
            1 => writeln!(
                out,
                "gc pause {}.{:03}ms heap={big} objects={}",
                small % 90,
                small % 1000,
                big >> 24
            ),
            2 => writeln!(
                out,
                "order_no={}{} state=PAID amount={}.{:02}",
                at.compact(),
                random.digits(4),
                small,
                small % 100
            ),
            3 => writeln!(out, "offset={big} partition={} lag={small}", small % 128),
            4 => writeln!(
                out,
                "connected 10.{}.{}.{}:{}",
                small % 250,
                small % 99,
                small % 200,
                1024 + small % 60_000
            ),
            5 => writeln!(
                out,
                "req {} sha256={} bytes={}",
                uuid(random),
                random.hex(64),
                random.below(9_999_999_999)
            ),
            _ => writeln!(
                out,
                "retry in {small}ms seq={} build {}.{}.{}+{}",
                random.digits(16),
                small % 9,
                small % 31,
                small % 77,
                random.hex(7)
            ),
        };
    }
    out
}
