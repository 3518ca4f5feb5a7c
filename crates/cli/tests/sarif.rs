//! `liuhen scan --sarif` by the rules of SARIF 2.1.0.
//!
//! Rule: SARIF 2.1.0 (OASIS, 2020-03-27); each check names its section. Members and types are
//! those of the standard's JSON schema, for the objects that we write; like the schema, the check
//! refuses any member it does not know. Beyond the schema, regions must slice the file.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a failed test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use liuhen_testkit::Encoding;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a member may hold.
#[derive(Clone, Copy)]
enum Holds {
    /// A string of at least one character.
    Text,
    /// A string that is a reference (RFC 3986).
    Uri,
    /// An integer from this one up.
    From(u64),
    /// A number from 0 to 100.
    Percent,
    /// Whether something is so.
    Bool,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// An object of the table.
    One(&'static str),
    /// Objects of the table.
    Many(&'static str),
    /// A property bag, which is free (section 3.8).
    Bag,
    /// Strings under versioned names (sections 3.27.17 and 3.5.4.2).
    Fingerprints,
}

use Holds::{Bag, Bool, Fingerprints, From, Many, One, OneOf, Percent, Text, Uri};

const LEVELS: Holds = OneOf(&["none", "note", "warning", "error"]);

/// A member: its name, whether it must be there, and what it holds.
type Member = (&'static str, bool, Holds);

/// The objects that we write, their sections, and their members.
const OBJECTS: [(&str, &str, &[Member]); 14] = [
    (
        "sarifLog",
        "3.13",
        &[
            ("$schema", false, Uri),
            ("version", true, OneOf(&["2.1.0"])),
            ("runs", true, Many("run")),
        ],
    ),
    (
        "run",
        "3.14",
        &[
            ("tool", true, One("tool")),
            ("invocations", false, Many("invocation")),
            // Where results are, the log says that all of them are there, or that none came.
            ("results", true, Many("result")),
            (
                "columnKind",
                true,
                OneOf(&["utf16CodeUnits", "unicodeCodePoints"]),
            ),
        ],
    ),
    ("tool", "3.18", &[("driver", true, One("toolComponent"))]),
    (
        "toolComponent",
        "3.19",
        &[
            ("name", true, Text),
            ("version", false, Text),
            ("rules", false, Many("reportingDescriptor")),
        ],
    ),
    (
        "reportingDescriptor",
        "3.49",
        &[
            ("id", true, Text),
            ("shortDescription", false, One("message")),
            ("fullDescription", false, One("message")),
            ("defaultConfiguration", false, One("reportingConfiguration")),
        ],
    ),
    (
        "reportingConfiguration",
        "3.50",
        &[("level", false, LEVELS)],
    ),
    ("message", "3.11", &[("text", true, Text)]),
    (
        "invocation",
        "3.20",
        &[
            ("executionSuccessful", true, Bool),
            ("toolExecutionNotifications", false, Many("notification")),
        ],
    ),
    (
        "notification",
        "3.58",
        &[
            ("message", true, One("message")),
            ("level", false, LEVELS),
            ("locations", false, Many("location")),
        ],
    ),
    (
        "result",
        "3.27",
        &[
            // Required where there is a rule, by 3.27.5.
            ("ruleId", true, Text),
            ("ruleIndex", true, From(0)),
            ("level", true, LEVELS),
            ("message", true, One("message")),
            ("locations", true, Many("location")),
            ("partialFingerprints", true, Fingerprints),
            ("rank", false, Percent),
            ("properties", false, Bag),
        ],
    ),
    (
        "location",
        "3.28",
        &[
            ("physicalLocation", true, One("physicalLocation")),
            ("logicalLocations", false, Many("logicalLocation")),
        ],
    ),
    (
        "physicalLocation",
        "3.29",
        &[
            ("artifactLocation", true, One("artifactLocation")),
            ("region", false, One("region")),
        ],
    ),
    (
        "region",
        "3.30",
        &[
            ("startLine", true, From(1)),
            ("startColumn", true, From(1)),
            ("endLine", true, From(1)),
            ("endColumn", true, From(1)),
            ("charOffset", true, From(0)),
            ("charLength", true, From(1)),
        ],
    ),
    (
        "logicalLocation",
        "3.33",
        &[("name", true, Text), ("fullyQualifiedName", false, Text)],
    ),
];

/// `artifactLocation` has a section of its own far from the others.
const ARTIFACT: (&str, &str, &[Member]) = ("artifactLocation", "3.4", &[("uri", true, Uri)]);

/// Everything about a log that the standard forbids.
fn complaints(log: &Value) -> Vec<String> {
    let mut out = Vec::new();
    object("sarifLog", log, "", &mut out);
    for run in log["runs"].as_array().into_iter().flatten() {
        rules(run, &mut out);
    }
    out
}

fn object(name: &str, value: &Value, at: &str, out: &mut Vec<String>) {
    let mut table = OBJECTS.iter().chain([&ARTIFACT]);
    let (_, section, members) = table.find(|(known, ..)| *known == name).unwrap();
    let Some(object) = value.as_object() else {
        out.push(format!("{at}: no {name} (section {section})"));
        return;
    };
    for (member, required, _) in *members {
        if *required && !object.contains_key(*member) {
            out.push(format!("{at}: {name} lacks {member} (section {section})"));
        }
    }
    for (member, value) in object {
        let at = format!("{at}/{member}");
        match members.iter().find(|(known, ..)| known == member) {
            Some((.., holds)) => holds_what_it_should(*holds, value, &at, out),
            None => out.push(format!("{at}: unknown in {name} (section {section})")),
        }
    }
}

fn holds_what_it_should(holds: Holds, value: &Value, at: &str, out: &mut Vec<String>) {
    let text = value.as_str();
    let right = match holds {
        Text => text.is_some_and(|text| !text.is_empty()),
        Uri => text.is_some_and(is_reference),
        From(least) => value.as_u64().is_some_and(|value| value >= least),
        Percent => value
            .as_f64()
            .is_some_and(|value| (0.0..=100.0).contains(&value)),
        Bool => value.is_boolean(),
        OneOf(words) => text.is_some_and(|text| words.contains(&text)),
        Bag => value.is_object(),
        Fingerprints => value.as_object().is_some_and(|all| {
            all.iter().all(|(name, value)| {
                let version = name.rsplit_once("/v").map(|(_, version)| version);
                value.is_string() && version.is_some_and(|v| v.parse::<u32>().is_ok())
            })
        }),
        One(name) => return object(name, value, at, out),
        Many(name) => {
            for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                object(name, value, &format!("{at}/{index}"), out);
            }
            value.is_array()
        }
    };
    if !right {
        out.push(format!("{at}: {value}"));
    }
}

/// RFC 3986, section 4.1: no character but those of a reference, and a colon only behind a scheme.
fn is_reference(text: &str) -> bool {
    let bytes = text.as_bytes();
    let legal = bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes
            .get(at + 1..at + 3)
            .is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)),
        _ => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    });
    let first = text.split('/').next().unwrap_or("");
    legal && !text.is_empty() && (!first.contains(':') || text.contains("://"))
}

/// What one object cannot say alone.
fn rules(run: &Value, out: &mut Vec<String>) {
    let rules = run["tool"]["driver"]["rules"].as_array();
    let ids: Vec<&Value> = rules
        .into_iter()
        .flatten()
        .map(|rule| &rule["id"])
        .collect();
    let mut told = BTreeSet::new();
    for (at, result) in run["results"].as_array().into_iter().flatten().enumerate() {
        // Section 3.27.6: the index is that of the rule with the result's id.
        let index = result["ruleIndex"]
            .as_u64()
            .and_then(|at| usize::try_from(at).ok());
        if index.and_then(|at| ids.get(at).copied()) != Some(&result["ruleId"]) {
            out.push(format!(
                "result {at}: its index names another rule (section 3.27.6)"
            ));
        }
        for location in result["locations"].as_array().into_iter().flatten() {
            // Section 3.27.2: fingerprints tell results apart that are not the same.
            let uri = &location["physicalLocation"]["artifactLocation"]["uri"];
            let known = format!(
                "{uri} {} {}",
                result["ruleId"], result["partialFingerprints"]
            );
            if !told.insert(known) {
                out.push(format!("result {at}: told before (section 3.27.17)"));
            }
            // Section 3.33.5: a top-level location has one name.
            for logical in location["logicalLocations"]
                .as_array()
                .into_iter()
                .flatten()
            {
                if logical["name"] != logical["fullyQualifiedName"] {
                    out.push(format!("result {at}: two names (section 3.33.5)"));
                }
            }
        }
    }
}

/// What a region covers: by lines and columns, and by offset and length.
fn sliced(text: &str, region: &Value) -> (String, String) {
    let number = |name: &str| usize::try_from(region[name].as_u64().unwrap()).unwrap();
    let chars: Vec<char> = text.chars().collect();
    let start = |line: usize| {
        let ends = chars.iter().enumerate().filter(|(_, c)| **c == '\n');
        ends.map(|(at, _)| at + 1)
            .nth(line.wrapping_sub(2))
            .unwrap_or(0)
    };
    let from = start(number("startLine")) + number("startColumn") - 1;
    let to = start(number("endLine")) + number("endColumn") - 1;
    let (offset, length) = (number("charOffset"), number("charLength"));
    (
        chars[from..to].iter().collect(),
        chars[offset..offset + length].iter().collect(),
    )
}

fn unescaped(uri: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let code: Vec<u8> = rest.by_ref().take(2).collect();
            let code = std::str::from_utf8(&code).unwrap();
            bytes.push(u8::from_str_radix(code, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn log(dir: &Path, args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_liuhen"))
        .args(["scan", "--sarif"])
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().unwrap()
}

/// Texts whose names and contents try every rule, and the values in them.
fn tree() -> (TempDir, Vec<(&'static str, String)>) {
    const TEXT: &str = "𠮷先生，您好：\n手机号：13800138000，身份证号：440308199901101512\r\n邮箱 zhang@example.com 完\n";
    const TABLE: &str = "姓名,手机号,备注\r\n张三,13800138000,\"甲\r\n乙\"\r\n李四,13900139000,\"说\"\"好\"\"，住址：浙江省杭州市西湖区文三路\n90号\"\r\n";
    let dir = TempDir::new().unwrap();
    let texts = [
        ("名单 1.txt", TEXT),
        ("a:b#c%41.txt", TEXT),
        ("表.csv", TABLE),
        ("sub/国标.csv", TABLE),
        ("sub/有标记.txt", TEXT),
        ("13800138000.txt", "nobody"),
    ];
    fs::create_dir(dir.path().join("sub")).unwrap();
    for (name, text) in texts {
        let bytes = match name {
            "sub/国标.csv" => Encoding::Gbk.encode(text),
            "sub/有标记.txt" => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            _ => text.as_bytes().to_vec(),
        };
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    fs::write(dir.path().join("a.pdf"), b"%PDF-1.7").unwrap();
    let texts = texts.map(|(name, text)| (name, text.to_owned()));
    (dir, texts.to_vec())
}

#[test]
fn a_log_keeps_every_rule_of_the_standard() {
    let (dir, _) = tree();
    let absolute = dir.path().to_str().unwrap();
    let rows: [(&str, &[&str]); 6] = [
        ("a folder", &["."]),
        ("with samples", &[".", "--show"]),
        ("an absolute path", &[absolute]),
        ("something missing", &[".", "nothing here"]),
        ("nothing found", &["a.pdf"]),
        ("the model left out", &[".", "--no-model"]),
    ];
    for (name, args) in rows {
        let log = log(dir.path(), args);
        assert_eq!(complaints(&log), Vec::<String>::new(), "{name}");
        assert_eq!(results(&log).is_empty(), name == "nothing found", "{name}");
    }
    let missing = log(dir.path(), &["nothing here"]);
    let invocation = &missing["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(
        invocation["toolExecutionNotifications"][0]["level"],
        "error"
    );
}

#[test]
fn both_forms_of_a_region_slice_the_value() {
    let (dir, texts) = tree();
    let log = log(dir.path(), &["."]);
    let mut seen = BTreeSet::new();
    for result in results(&log) {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = unescaped(place["artifactLocation"]["uri"].as_str().unwrap());
        let (_, text) = texts.iter().find(|(name, _)| *name == uri).unwrap();
        if place["region"].is_null() {
            assert_eq!(
                (uri.as_str(), &result["ruleId"]),
                ("13800138000.txt", &"mobile".into())
            );
            continue;
        }
        // Section 3.30.2: a region that is told twice is told the same.
        let (by_lines, by_offset) = sliced(text, &place["region"]);
        assert_eq!(by_lines, by_offset, "{uri}");
        seen.insert((uri, by_lines));
    }
    let texts = ["名单 1.txt", "a:b#c%41.txt", "sub/有标记.txt"].map(|name| {
        (
            name,
            ["13800138000", "440308199901101512", "zhang@example.com"].as_slice(),
        )
    });
    let tables = ["表.csv", "sub/国标.csv"].map(|name| {
        (
            name,
            ["张三", "13800138000", "李四", "13900139000"].as_slice(),
        )
    });
    for (name, values) in texts.into_iter().chain(tables) {
        for value in values {
            assert!(
                seen.contains(&(name.to_owned(), (*value).to_owned())),
                "{name}: {value}"
            );
        }
    }
}

#[test]
fn broken_logs_are_refused() {
    let (dir, _) = tree();
    let whole = log(dir.path(), &[".", "nothing here"]);
    let result = "/runs/0/results/0";
    let rows: [(&str, String, Value); 12] = [
        ("another version", "/version".into(), "2.0.0".into()),
        (
            "no driver's name",
            "/runs/0/tool/driver/name".into(),
            Value::Null,
        ),
        ("a level of ours", format!("{result}/level"), "high".into()),
        ("no message", format!("{result}/message"), Value::Null),
        (
            "an unknown member",
            format!("{result}/message"),
            json!({ "text": "a", "html": "b" }),
        ),
        ("another rule", format!("{result}/ruleIndex"), 99.into()),
        ("a rank above all", format!("{result}/rank"), 101.into()),
        (
            "a rule without id",
            "/runs/0/tool/driver/rules/0/id".into(),
            Value::Null,
        ),
        (
            "another unit of columns",
            "/runs/0/columnKind".into(),
            "bytes".into(),
        ),
        (
            "a path as it is",
            format!("{result}/locations/0/physicalLocation/artifactLocation/uri"),
            "名单 1.txt".into(),
        ),
        (
            "a fingerprint without version",
            format!("{result}/partialFingerprints"),
            json!({ "ordinal": "1" }),
        ),
        (
            "a note without words",
            "/runs/0/invocations/0/toolExecutionNotifications/0/message".into(),
            json!({}),
        ),
    ];
    for (name, pointer, value) in rows {
        let mut broken = whole.clone();
        *broken.pointer_mut(&pointer).unwrap() = value;
        assert!(!complaints(&broken).is_empty(), "{name}");
    }
    let mut twice = whole;
    let first = results(&twice)[0].clone();
    twice["runs"][0]["results"]
        .as_array_mut()
        .unwrap()
        .push(first);
    assert!(!complaints(&twice).is_empty(), "a result told twice");
}
