//! The exchange of C2SP tlog-witness, from plain HTTP files that any witness could be run against.
//!
//! `cargo test -p liuhen-tlog --test witness -- --ignored regenerate` writes the files anew.

use std::{collections::BTreeSet, fs, path::PathBuf};

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use liuhen_tlog::{
    SignedCheckpoint, Verifier, Witness, leaf_hash,
    note::{Signature, SignedNote},
    witness::Answer,
};
use sha2::{Digest, Sha256};
use signed_note::{Note, VerifierList};

use super::{NOW, ORIGIN, TestLog, cosigner, hash_of, lines_of, request, witness};

const OTHER: &str = "log.example/b";

/// One request, and the status it must get.
struct Step {
    name: &'static str,
    request: Vec<u8>,
    status: u16,
}

fn post(name: &'static str, status: u16, body: impl Into<Vec<u8>>) -> Step {
    let body = body.into();
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: witness.example\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.into_bytes(), body].concat();
    Step {
        name,
        request,
        status,
    }
}

fn get(name: &'static str, status: u16, origin_hash: &str) -> Step {
    let request = format!(
        "GET /{origin_hash}/checkpoint HTTP/1.1\r\nHost: witness.example\r\nConnection: close\r\n\r\n"
    );
    Step {
        name,
        request: request.into_bytes(),
        status,
    }
}

/// Adds a signature line that the log did not make.
fn with_line(checkpoint: &SignedCheckpoint, line: Signature) -> SignedNote {
    let mut note = checkpoint.note().clone();
    note.add(line).unwrap();
    note
}

fn flipped(checkpoint: &SignedCheckpoint) -> SignedNote {
    let good = &checkpoint.note().signatures()[0];
    let mut line = good.clone();
    line.bytes[40] ^= 1;
    SignedNote::parse(
        checkpoint
            .to_string()
            .replace(&good.to_string(), &line.to_string())
            .as_bytes(),
    )
    .unwrap()
}

/// The whole exchange, in order. Log a has two keys (seeds 1 and 2), log b one (seed 3).
fn steps() -> Vec<Step> {
    let a = TestLog::new(ORIGIN, 1);
    let rotated = TestLog::new(ORIGIN, 2);
    let b = TestLog::new(OTHER, 3);
    let stranger = TestLog::new(ORIGIN, 4);
    let unknown = TestLog::new("log.example/c", 1);
    let fork = TestLog::forked(ORIGIN, 1, 5, 1);
    let wrong = |n: usize| vec![leaf_hash(b"wrong"); n];
    let junk = Signature {
        name: "someone.example/else".into(),
        id: 0x0606_0606,
        bytes: vec![6; 2428],
    };
    let body = a.body(8, 13);
    let change = |from: &str, to: &str| body.replacen(from, to, 1);
    let hash_line = format!("{}\n", leaf_hash(b"a line"));
    let empty_wrong = {
        let mut checkpoint = b.checkpoint(0).checkpoint().clone();
        checkpoint.root = leaf_hash(b"");
        checkpoint.sign(&b.signer).unwrap()
    };
    let extended = {
        let mut checkpoint = b.checkpoint(9).checkpoint().clone();
        checkpoint.extensions = vec!["an extension".into()];
        checkpoint.sign(&b.signer).unwrap()
    };
    vec![
        get("checkpoint-of-unknown-log", 404, &hash_of("log.example/c")),
        get("checkpoint-never-cosigned", 404, &hash_of(ORIGIN)),
        post("old-size-of-nothing", 409, a.body(3, 8)),
        post("first", 200, a.body(0, 8)),
        get("checkpoint", 200, &hash_of(ORIGIN)),
        post("same-again", 200, a.body(8, 8)),
        post("grown", 200, a.body(8, 13)),
        get("checkpoint-grown", 200, &hash_of(ORIGIN)),
        post("old-size-unknown-to-client", 409, a.body(0, 13)),
        post("old-size-stale", 409, a.body(8, 20)),
        post("rolled-back", 409, a.body(8, 8)),
        post("old-size-ahead", 409, a.body(14, 20)),
        post(
            "old-size-above-checkpoint",
            400,
            request(13, vec![], a.checkpoint(8).note()),
        ),
        post(
            "fork-of-same-size",
            422,
            request(13, vec![], fork.checkpoint(13).note()),
        ),
        post("fork-that-grew", 422, fork.body(13, 20)),
        post(
            "proof-wrong",
            422,
            request(13, wrong(4), a.checkpoint(20).note()),
        ),
        post(
            "proof-missing",
            422,
            request(13, vec![], a.checkpoint(20).note()),
        ),
        post(
            "proof-too-long-for-tree",
            422,
            request(13, wrong(63), a.checkpoint(20).note()),
        ),
        post(
            "proof-though-sizes-are-equal",
            422,
            request(13, wrong(1), a.checkpoint(13).note()),
        ),
        post("unknown-log", 404, unknown.body(0, 8)),
        post("no-known-signature", 403, stranger.body(13, 20)),
        post(
            "false-signature",
            403,
            request(13, a.proof(13, 20), &flipped(&a.checkpoint(20))),
        ),
        post(
            "false-signature-beside-good",
            403,
            request(
                13,
                a.proof(13, 20),
                &with_line(
                    &a.checkpoint(20),
                    flipped(&rotated.checkpoint(20)).signatures()[0].clone(),
                ),
            ),
        ),
        // The order of the checks: origin, signature, sizes, conflict, proof.
        post(
            "unknown-log-and-old-above",
            404,
            request(9, vec![], unknown.checkpoint(8).note()),
        ),
        post(
            "false-signature-and-old-above",
            403,
            request(21, vec![], &flipped(&a.checkpoint(20))),
        ),
        post(
            "old-above-and-conflict",
            400,
            request(30, vec![], a.checkpoint(20).note()),
        ),
        post(
            "conflict-and-wrong-proof",
            409,
            request(8, wrong(4), a.checkpoint(20).note()),
        ),
        post(
            "conflict-and-fork",
            409,
            request(0, vec![], fork.checkpoint(13).note()),
        ),
        post("second-key-of-log", 200, rotated.body(13, 20)),
        post(
            "unknown-signatures-ignored",
            200,
            request(20, a.proof(20, 64), &with_line(&a.checkpoint(64), junk)),
        ),
        get(
            "checkpoint-without-unknown-signatures",
            200,
            &hash_of(ORIGIN),
        ),
        post("grown-from-power-of-two", 200, a.body(64, 100)),
        post(
            "empty-tree-with-wrong-root",
            422,
            request(0, vec![], empty_wrong.note()),
        ),
        post(
            "proof-from-nothing",
            422,
            request(0, wrong(1), b.checkpoint(7).note()),
        ),
        post("empty-tree", 200, b.body(0, 0)),
        post("grown-from-empty-tree", 200, b.body(0, 7)),
        post(
            "extension-lines",
            200,
            request(7, b.proof(7, 9), extended.note()),
        ),
        post("nothing", 400, ""),
        post("no-old-size", 400, change("old 8\n", "")),
        post("old-size-with-leading-zero", 400, change("old 8", "old 08")),
        post("old-size-negative", 400, change("old 8", "old -8")),
        post(
            "old-size-past-64-bits",
            400,
            change("old 8", "old 18446744073709551616"),
        ),
        post("carriage-returns", 400, body.replace('\n', "\r\n")),
        post("hash-too-short", 400, change("old 8\n", "old 8\nAAAA\n")),
        post("hash-unpadded", 400, body.replacen("=\n", "\n", 1)),
        post(
            "proof-of-64",
            400,
            format!("old 8\n{}\n{}", hash_line.repeat(64), a.checkpoint(13)),
        ),
        post("no-blank-line", 400, change("\n\n", "\n")),
        post("no-signature", 400, body.split("— ").next().unwrap()),
        post("no-final-newline", 400, body.trim_end()),
        post("size-with-leading-zero", 400, change("\n13\n", "\n013\n")),
        post(
            "not-utf-8",
            400,
            [&b"old 8\n\xff\n\n"[..], body.as_bytes()].concat(),
        ),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/witness")
}

/// Log a with its two keys, and log b.
fn keys() -> [Verifier; 3] {
    [(ORIGIN, 1), (ORIGIN, 2), (OTHER, 3)].map(|(origin, seed)| TestLog::new(origin, seed).key())
}

fn a_witness() -> (tempfile::TempDir, Witness) {
    let dir = tempfile::tempdir().unwrap();
    let witness = witness(dir.path(), &keys());
    (dir, witness)
}

/// The files beside the exchange: the logs to be known, and the key that made the answers.
fn key_files() -> [(&'static str, String); 2] {
    let logs = keys().map(|key| format!("{key}\n")).concat();
    let cosigner = cosigner();
    let secret = cosigner.secret();
    [
        ("logs", logs),
        (
            "witness-key",
            format!("{}\n{}\n", cosigner.verifier(), *secret),
        ),
    ]
}

/// What a server does with a request: the two paths of the specification.
fn serve(witness: &Witness, request: &[u8]) -> Answer {
    let at = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&request[..at]).unwrap();
    let body = &request[at + 4..];
    let line: Vec<&str> = head.lines().next().unwrap().split(' ').collect();
    match line[..] {
        ["POST", "/add-checkpoint", "HTTP/1.1"] => {
            assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())));
            witness.add_checkpoint(body)
        }
        ["GET", path, "HTTP/1.1"] => {
            let hash = path.strip_prefix('/').unwrap().strip_suffix("/checkpoint");
            witness.checkpoint(hash.unwrap())
        }
        _ => panic!("{head}"),
    }
}

/// What the specification fixes of an answer: status, the type of a size, bodies of 200 and 409.
fn answer_file(answer: &Answer) -> String {
    let reason = match answer.status() {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        422 => "Unprocessable Entity",
        _ => "Internal Server Error",
    };
    let head = format!("HTTP/1.1 {} {reason}\r\n", answer.status());
    match answer.status() {
        200 => format!("{head}\r\n{}", answer.body()),
        409 => format!(
            "{head}Content-Type: {}\r\n\r\n{}",
            answer.content_type(),
            answer.body()
        ),
        _ => format!("{head}\r\n"),
    }
}

fn file_names() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".http")).collect()
}

fn names(at: usize, step: &Step) -> [String; 2] {
    let stem = format!("{:02}-{}", at + 1, step.name);
    [format!("{stem}.http"), format!("{stem}.expected.http")]
}

#[test]
#[ignore = "writes the files that the other tests read"]
fn regenerate() {
    for name in file_names() {
        fs::remove_file(folder().join(name)).unwrap();
    }
    for (name, text) in key_files() {
        fs::write(folder().join(name), text).unwrap();
    }
    let (_dir, witness) = a_witness();
    for (at, step) in steps().iter().enumerate() {
        let [asked, expected] = names(at, step);
        fs::write(folder().join(asked), &step.request).unwrap();
        let answer = serve(&witness, &step.request);
        fs::write(folder().join(expected), answer_file(&answer)).unwrap();
    }
}

#[test]
fn the_files_are_answered_as_beside_them() {
    let (_dir, witness) = a_witness();
    let mut statuses = BTreeSet::new();
    let mut expected_names = BTreeSet::new();
    for (at, step) in steps().iter().enumerate() {
        let [asked, expected] = names(at, step);
        let request = fs::read(folder().join(&asked)).unwrap();
        assert!(request == step.request, "{asked} is not the one made here");
        let answer = serve(&witness, &request);
        assert_eq!(answer.status(), step.status, "{asked}: {answer:?}");
        let file = fs::read_to_string(folder().join(&expected)).unwrap();
        assert_eq!(answer_file(&answer), file, "{asked}");
        statuses.insert(answer.status());
        expected_names.extend([asked, expected]);
    }
    assert_eq!(Vec::from_iter(statuses), [200, 400, 403, 404, 409, 422]);
    assert_eq!(file_names(), expected_names, "files left over or lacking");
    for (name, text) in key_files() {
        assert_eq!(fs::read_to_string(folder().join(name)).unwrap(), text);
    }
}

/// Every cosignature of the files, made again by another path: the standard's words, and the bare cipher.
#[test]
fn the_cosignatures_of_the_files_are_those_of_the_standard() {
    let key = SigningKey::from_bytes(&[9; 32]);
    let public = key.verifying_key();
    let name = b"witness.example/w1";
    let id = Sha256::digest([&name[..], b"\n\x04", public.as_bytes()].concat());
    let mut seen = 0;
    for asked in file_names() {
        let Some(stem) = asked.strip_suffix(".expected.http") else {
            continue;
        };
        let file = fs::read_to_string(folder().join(&asked)).unwrap();
        let request = fs::read_to_string(folder().join(format!("{stem}.http"))).unwrap_or_default();
        if !file.starts_with("HTTP/1.1 200") || !request.starts_with("POST") {
            continue;
        }
        let body = file.split_once("\r\n\r\n").unwrap().1;
        let body_of_request = request.split_once("\r\n\r\n").unwrap().1;
        let text = body_of_request.split_once("\n\n").unwrap().1;
        let text = text.rsplit_once("\n\n").unwrap().0;
        let message = format!("cosignature/v1\ntime 1700000000\n{text}\n");
        let signature = key.sign(message.as_bytes()).to_bytes();
        let expected = [&NOW.to_be_bytes()[..], &signature].concat();
        let [line] = &lines_of(body)[..] else {
            panic!("{stem}")
        };
        assert_eq!(line.bytes, expected, "{stem}");
        assert_eq!(line.id.to_be_bytes(), id[..4], "{stem}");
        seen += 1;
    }
    assert!(seen >= 9, "only {seen} cosignatures");
}

/// The crate `signed_note`, taught the message of a cosignature and nothing of ours.
struct Theirs {
    vkey: String,
    key: VerifyingKey,
}

impl signed_note::Verifier for Theirs {
    fn name(&self) -> &str {
        self.vkey.split('+').next().unwrap()
    }

    fn key_id(&self) -> u32 {
        let id = self.vkey.split('+').nth(1).unwrap();
        u32::from_str_radix(id, 16).unwrap()
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, bytes)) = signature.split_first_chunk() else {
            return false;
        };
        let time = u64::from_be_bytes(*time);
        let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat();
        let bytes = ed25519_dalek::Signature::from_slice(bytes);
        bytes.is_ok_and(|bytes| self.key.verify_strict(&message, &bytes).is_ok())
    }
}

/// As the specification advises a client: answer behind checkpoint, read by a library of notes.
#[test]
fn their_notes_verify_our_cosignatures() {
    let (_dir, witness) = a_witness();
    let log = TestLog::new(ORIGIN, 1);
    let answer = witness.add_checkpoint(log.body(0, 21).as_bytes());
    let whole = format!("{}{}", log.checkpoint(21), answer.body());
    let theirs = || {
        let vkey = witness.verifier().to_string();
        let key = VerifyingKey::from_bytes(&witness.verifier().public_key()).unwrap();
        VerifierList::new(vec![Box::new(Theirs { vkey, key })])
    };
    let note = Note::from_bytes(whole.as_bytes()).unwrap();
    let (good, unknown) = note.verify(&theirs()).unwrap();
    assert_eq!((good.len(), unknown.len()), (1, 1));
    let other = whole.replace("\n21\n", "\n22\n");
    assert!(
        Note::from_bytes(other.as_bytes())
            .unwrap()
            .verify(&theirs())
            .is_err()
    );
}

#[test]
fn the_checkpoint_served_bears_both_signatures() {
    let (_dir, witness) = a_witness();
    let log = TestLog::new(ORIGIN, 1);
    witness.add_checkpoint(log.body(0, 8).as_bytes());
    let Answer::Checkpoint(note) = witness.checkpoint(&hash_of(ORIGIN)) else {
        panic!("no checkpoint")
    };
    let signed = SignedCheckpoint::verify(note.as_bytes(), &log.key()).unwrap();
    assert_eq!((signed.size(), signed.root()), (8, log.root(8)));
    assert_eq!(cosigner().verifier().verify(signed.note()), Ok(Some(NOW)));
    assert_eq!(signed.note().signatures().len(), 2);
}
