//! The log's side: asking witnesses that answer well, badly, late or not at all.

use std::sync::Mutex;

use liuhen_tlog::{
    Cosigner, Log, LogKey, NoteError, Options, Policy,
    policy::PolicyWitness,
    submit::{Asked, Courier, CourierError, MAX_REPLY_BYTES, Reply, Submission, merge},
    witness::{Answer, Witness},
};

use super::{ORIGIN, TestLog, cosigner, options, witness, write_logs};

/// Carries requests to witnesses of this process by the last part of their address.
struct ToWitnesses<'a>(&'a [(&'a str, &'a Witness)]);

impl Courier for ToWitnesses<'_> {
    fn post(&self, url: &str, body: &[u8]) -> Result<Reply, CourierError> {
        let prefix = url.strip_suffix("/add-checkpoint").unwrap();
        let found = self.0.iter().find(|(at, _)| *at == prefix);
        let (_, witness) = found.ok_or_else(|| CourierError("no route to host".into()))?;
        Ok(reply(&witness.add_checkpoint(body)))
    }
}

fn reply(answer: &Answer) -> Reply {
    Reply {
        status: answer.status(),
        content_type: answer.content_type().to_owned(),
        body: answer.body().into_bytes(),
    }
}

/// Gives these answers in turn, whatever is asked.
struct Scripted(Mutex<Vec<Reply>>);

impl Scripted {
    fn new(replies: &[Reply]) -> Self {
        Self(Mutex::new(replies.iter().rev().cloned().collect()))
    }
}

impl Courier for Scripted {
    fn post(&self, _: &str, _: &[u8]) -> Result<Reply, CourierError> {
        let next = self.0.lock().unwrap().pop();
        next.ok_or_else(|| CourierError("asked once too often".into()))
    }
}

fn one(url: Option<&str>) -> PolicyWitness {
    PolicyWitness {
        name: "w1".into(),
        key: cosigner().verifier().clone(),
        url: url.map(str::to_owned),
    }
}

/// A log on disk, two witnesses that live and one that is dead: two of three is a quorum.
#[test]
fn a_log_collects_a_quorum_while_one_witness_is_dead() {
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let key = LogKey::from_seed(&[1; 32]);
    Log::create(dirs[0].path(), &key, ORIGIN).unwrap();
    let (log, _) = Log::open(dirs[0].path(), key, Options::default()).unwrap();
    let mut lines = format!("log {}\n", log.verifier());
    let mut alive = Vec::new();
    for n in 1..=3u8 {
        let key = Cosigner::from_seed(&format!("w.example/{n}"), &[n; 32]).unwrap();
        lines += &format!("witness w{n} {} https://w{n}.example/\n", key.verifier());
        if let Some(dir) = dirs[1..].get(usize::from(n) - 1) {
            write_logs(dir.path(), &[log.verifier().clone()]);
            alive.push(Witness::open(dir.path(), key, options()).unwrap());
        }
    }
    let policy = format!("{lines}group two 2 w1 w2 w3\nquorum two\n");
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let courier = [
        ("https://w1.example", &alive[0]),
        ("https://w2.example", &alive[1]),
    ];
    let courier = ToWitnesses(&courier);
    let mut known = [0; 3];
    for round in 0..5u8 {
        for n in 0..=round {
            log.append_blocking(vec![round, n], Vec::new()).unwrap();
        }
        let checkpoint = log.checkpoint_now().unwrap();
        let submission = Submission {
            checkpoint: &checkpoint,
            prove: |old, new| log.consistency(old, new),
        };
        // A log that forgot what the first witness knows is told, and asks again.
        known[0] = 0;
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let asked = policy.witnesses().iter().zip(known);
            let asked = asked.map(|(w, known)| {
                let (submission, courier) = (&submission, &courier);
                scope.spawn(move || submission.ask(courier, w, known))
            });
            let threads: Vec<_> = asked.collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for (known, outcome) in known.iter_mut().zip(&outcomes) {
            *known = outcome.known;
        }
        assert_eq!(known, [checkpoint.size(), checkpoint.size(), 0]);
        assert!(matches!(outcomes[2].asked, Asked::Unreachable(_)));
        let merged = merge(&checkpoint, &outcomes).unwrap();
        // Asking again replaces the lines.
        assert_eq!(merge(&merged, &outcomes).unwrap(), merged);
        let (read, verdict) = policy.verify(merged.to_string().as_bytes()).unwrap();
        assert_eq!((read.size(), verdict.quorum), (checkpoint.size(), true));
        let names: Vec<_> = verdict.cosigned.iter().map(|w| w.name.as_str()).collect();
        assert_eq!((names, verdict.witnesses), (vec!["w1", "w2"], 3));
    }
}

#[test]
fn a_witness_ahead_of_the_log_is_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    let witness = witness(dir.path(), &[log.key()]);
    witness.add_checkpoint(log.body(0, 30).as_bytes());
    let checkpoint = log.checkpoint(20);
    let submission = Submission {
        checkpoint: &checkpoint,
        prove: |old, new| Ok::<_, NoteError>(log.proof(old, new)),
    };
    let courier = [("https://w", &witness)];
    for known in [0, 20, 25] {
        let outcome = submission.ask(&ToWitnesses(&courier), &one(Some("https://w")), known);
        assert_eq!(
            (outcome.asked, outcome.known),
            (Asked::Ahead { size: 30 }, 30)
        );
    }
}

#[test]
fn bad_answers_are_told_apart_and_add_nothing() {
    let log = TestLog::new(ORIGIN, 1);
    let checkpoint = log.checkpoint(20);
    let submission = Submission {
        checkpoint: &checkpoint,
        prove: |old, new| Ok::<_, NoteError>(log.proof(old, new)),
    };
    let ok = |body: String| reply(&Answer::Checkpoint(body));
    let size = |size| reply(&Answer::Conflict { size });
    let typed = |content_type: &str, body: &str| Reply {
        status: 409,
        content_type: content_type.into(),
        body: body.into(),
    };
    let line = |at: &liuhen_tlog::Checkpoint| cosigner().cosign(at, 77).unwrap();
    let good = line(checkpoint.checkpoint());
    let of_other = line(log.checkpoint(21).checkpoint());
    let stranger = Cosigner::from_seed("witness.example/w2", &[3; 32]).unwrap();
    let stranger = stranger.cosign(checkpoint.checkpoint(), 5).unwrap();
    let name = "witness.example/w1".to_owned();
    let cosigned = Asked::Cosigned {
        signature: good.clone(),
        time: 77,
    };
    let sizes = "text/x.tlog.size";
    let rows: Vec<(&str, Vec<Reply>, Asked, u64)> = vec![
        ("good", vec![ok(format!("{good}\n"))], cosigned.clone(), 20),
        (
            "beside a stranger's",
            vec![ok(format!("{stranger}\n{good}\n"))],
            cosigned.clone(),
            20,
        ),
        (
            "told once",
            vec![size(8), ok(format!("{good}\n"))],
            cosigned.clone(),
            20,
        ),
        (
            "with a parameter",
            vec![
                typed("text/x.tlog.size; charset=utf-8", "8\n"),
                ok(format!("{good}\n")),
            ],
            cosigned,
            20,
        ),
        (
            "told twice",
            vec![size(8), size(9)],
            Asked::Refused { status: 409 },
            8,
        ),
        (
            "other type",
            vec![typed("text/plain", "8\n")],
            Asked::BadReply,
            5,
        ),
        ("no newline", vec![typed(sizes, "8")], Asked::BadReply, 5),
        ("no number", vec![typed(sizes, "08\n")], Asked::BadReply, 5),
        (
            "not found",
            vec![reply(&Answer::NotFound)],
            Asked::Refused { status: 404 },
            5,
        ),
        (
            "of another tree",
            vec![ok(format!("{of_other}\n"))],
            Asked::BadSignature(NoteError::BadSignature { name }),
            5,
        ),
        (
            "only a stranger's",
            vec![ok(format!("{stranger}\n"))],
            Asked::BadSignature(NoteError::Unsigned),
            5,
        ),
        ("no line", vec![ok("hello\n".into())], Asked::BadReply, 5),
        ("nothing", vec![ok(String::new())], Asked::BadReply, 5),
        ("no end", vec![ok(good.to_string())], Asked::BadReply, 5),
        (
            "too much",
            vec![ok("x".repeat(MAX_REPLY_BYTES + 1))],
            Asked::BadReply,
            5,
        ),
        (
            "no answer",
            vec![],
            Asked::Unreachable(CourierError("asked once too often".into())),
            5,
        ),
    ];
    for (name, replies, asked, known) in rows {
        let added = usize::from(matches!(asked, Asked::Cosigned { .. }));
        let outcome = submission.ask(&Scripted::new(&replies), &one(Some("https://w/")), 5);
        assert_eq!((&outcome.asked, outcome.known), (&asked, known), "{name}");
        let merged = merge(&checkpoint, std::slice::from_ref(&outcome)).unwrap();
        assert_eq!(merged.note().signatures().len(), 1 + added, "{name}");
        // Too late, for another checkpoint: left out.
        let later = log.checkpoint(21);
        assert_eq!(merge(&later, &[outcome]).unwrap(), later, "{name}");
    }
    let outcome = submission.ask(&Scripted::new(&[]), &one(None), 5);
    assert_eq!(outcome.asked, Asked::NoAddress);
    let blind = Submission {
        checkpoint: &checkpoint,
        prove: |_, _| Err("tiles are gone"),
    };
    let outcome = blind.ask(&Scripted::new(&[]), &one(Some("https://w")), 5);
    assert_eq!(outcome.asked, Asked::NoProof("tiles are gone".into()));
}
