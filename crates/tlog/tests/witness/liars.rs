//! Logs that fork, roll back and show different trees: refused, and convicted.

use std::fs;

use liuhen_tlog::{
    Cosigner, Log, Policy, Witness,
    proof::{prefix_root, verify_consistency},
    witness::{Answer, Evidence, Inconsistency, MAX_EVIDENCE, Misbehaviour, verify_evidence},
};

use super::{ORIGIN, TestLog, cosigned, cosigner, options, request, witness, write_logs};

fn evidence(witness: &Witness) -> Vec<String> {
    let files = witness.evidence().unwrap();
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

#[test]
fn a_fork_is_refused_and_convicts() {
    let dir = tempfile::tempdir().unwrap();
    let (log, fork) = (TestLog::new(ORIGIN, 1), TestLog::forked(ORIGIN, 1, 5, 1));
    let witness = witness(dir.path(), &[log.key()]);
    cosigned(
        witness.add_checkpoint(log.body(0, 13).as_bytes()),
        &log.checkpoint(13),
        witness.verifier(),
    );
    let other = request(13, vec![], fork.checkpoint(13).note());
    let refused = Answer::Unprocessable(Inconsistency::OtherRoot);
    assert_eq!(witness.add_checkpoint(other.as_bytes()), refused);
    let [text] = &evidence(&witness)[..] else {
        panic!("not one file");
    };
    let conviction = verify_evidence(text, &[&log.key()]).unwrap();
    assert_eq!(conviction.misbehaviour, Misbehaviour::Fork { size: 13 });
    assert_eq!(
        conviction.to_string(),
        "log.example/a signed two different trees of 13 entries"
    );
    // Nobody else is convicted by it, and telling it again adds nothing.
    let innocent = TestLog::new(ORIGIN, 7).key();
    assert!(verify_evidence(text, &[&innocent]).is_err());
    assert_eq!(witness.add_checkpoint(other.as_bytes()), refused);
    assert_eq!(evidence(&witness).len(), 1);
    // A conviction is no reason to forget: the true log goes on.
    cosigned(
        witness.add_checkpoint(log.body(13, 20).as_bytes()),
        &log.checkpoint(20),
        witness.verifier(),
    );
}

#[test]
fn a_fork_that_grew_convicts_by_its_own_proof() {
    for old in 1..=40 {
        let dir = tempfile::tempdir().unwrap();
        let (log, fork) = (TestLog::new(ORIGIN, 1), TestLog::forked(ORIGIN, 1, 0, 1));
        let witness = witness(dir.path(), &[log.key()]);
        witness.add_checkpoint(log.body(0, old).as_bytes());
        let answer = witness.add_checkpoint(fork.body(old, 41).as_bytes());
        assert_eq!(answer.status(), 422, "{old}");
        // From a power of two the proof does not hold the older root, so it shows nothing.
        let shown = usize::from(!old.is_power_of_two());
        let files = evidence(&witness);
        assert_eq!(files.len(), shown, "{old}");
        for text in files {
            let conviction = verify_evidence(&text, &[&log.key()]).unwrap();
            assert_eq!(
                conviction.misbehaviour,
                Misbehaviour::Rewrite { old, new: 41 }
            );
        }
        // Whoever has the fork's entries can show it in any case.
        let (known, grown) = (log.checkpoint(old), fork.checkpoint(41));
        let proof = fork.proof(old, 41);
        let prefix = prefix_root(old, 41, &proof, &fork.root(old), &grown.root()).unwrap();
        assert_eq!(
            verify_consistency(old, 41, &proof, &prefix, &grown.root()),
            Ok(())
        );
        let (known, grown) = (known.note().clone(), grown.note().clone());
        let shown = Evidence::rewrite(known, grown, prefix, proof).unwrap();
        let conviction = verify_evidence(&shown.to_string(), &[&log.key()]).unwrap();
        assert_eq!(
            conviction.misbehaviour,
            Misbehaviour::Rewrite { old, new: 41 }
        );
    }
}

#[test]
fn stale_and_unproved_is_not_false() {
    let dir = tempfile::tempdir().unwrap();
    let (log, fork) = (TestLog::new(ORIGIN, 1), TestLog::forked(ORIGIN, 1, 5, 1));
    let witness = witness(dir.path(), &[log.key()]);
    witness.add_checkpoint(log.body(0, 20).as_bytes());
    let wrong = vec![log.root(3); 4];
    let rows = [
        ("an older checkpoint", log.body(13, 13), 409),
        ("an older one of a fork", fork.body(13, 13), 409),
        (
            "a proof of nothing",
            request(20, wrong, log.checkpoint(30).note()),
            422,
        ),
        (
            "no proof",
            request(20, vec![], fork.checkpoint(30).note()),
            422,
        ),
        ("from the wrong size", fork.body(19, 30), 409),
    ];
    for (name, body, status) in rows {
        assert_eq!(
            witness.add_checkpoint(body.as_bytes()).status(),
            status,
            "{name}"
        );
        assert_eq!(evidence(&witness).len(), 0, "{name}");
    }
}

#[test]
fn a_log_that_forks_without_end_fills_no_disk() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(ORIGIN, 1);
    let witness = witness(dir.path(), &[log.key()]);
    witness.add_checkpoint(log.body(0, 20).as_bytes());
    for fork in 1..40 {
        let fork = TestLog::forked(ORIGIN, 1, 5, fork);
        witness.add_checkpoint(request(20, vec![], fork.checkpoint(20).note()).as_bytes());
    }
    assert_eq!(evidence(&witness).len(), MAX_EVIDENCE);
    // A stranger's signature is no evidence at all.
    let other = TestLog::new("log.example/b", 2);
    write_logs(dir.path(), &[log.key(), other.key()]);
    witness.reload().unwrap();
    witness.add_checkpoint(other.body(0, 20).as_bytes());
    let stranger = TestLog::forked("log.example/b", 8, 5, 1);
    let body = request(20, vec![], stranger.checkpoint(20).note());
    assert_eq!(witness.add_checkpoint(body.as_bytes()).status(), 403);
    assert_eq!(evidence(&witness).len(), MAX_EVIDENCE);
}

/// Three witnesses, two needed: a log cannot have two trees confirmed, and is found out when views meet.
#[test]
fn a_split_view_has_no_second_quorum_and_convicts() {
    let dirs = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let (log, fork) = (TestLog::new(ORIGIN, 1), TestLog::forked(ORIGIN, 1, 15, 1));
    let mut lines = format!("log {}\n", log.key());
    let mut witnesses = Vec::new();
    for (n, dir) in (1u8..).zip(&dirs) {
        write_logs(dir.path(), &[log.key()]);
        let name = format!("witness.example/w{n}");
        let key = Cosigner::from_seed(&name, &[100 + n; 32]).unwrap();
        lines += &format!("witness w{n} {}\n", key.verifier());
        witnesses.push(Witness::open(dir.path(), key, options()).unwrap());
    }
    let policy = format!("{lines}group two 2 w1 w2 w3\nquorum two\n");
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    let mut views = [log.checkpoint(20), fork.checkpoint(20)];
    let shown = [(&log, 0), (&log, 0), (&fork, 1)];
    for (witness, (log, view)) in witnesses.iter().zip(shown) {
        let answer = witness.add_checkpoint(log.body(0, 20).as_bytes());
        let Answer::Cosigned(lines) = answer else {
            panic!("{answer:?}");
        };
        lines
            .into_iter()
            .for_each(|line| views[view].put(line).unwrap());
    }
    let verdicts = views.map(|view| policy.check(&view).unwrap());
    assert_eq!(
        verdicts.map(|v| (v.quorum, v.cosigned.len())),
        [(true, 2), (false, 1)]
    );
    let meet = request(20, vec![], fork.checkpoint(20).note());
    assert_eq!(witnesses[0].add_checkpoint(meet.as_bytes()).status(), 422);
    let meet = request(20, vec![], log.checkpoint(20).note());
    assert_eq!(witnesses[2].add_checkpoint(meet.as_bytes()).status(), 422);
    for at in [0, 2] {
        let text = &evidence(&witnesses[at])[0];
        assert!(verify_evidence(text, &[&log.key()]).is_ok());
    }
}

#[test]
fn a_new_key_does_not_free_a_log_from_its_old_word() {
    let dir = tempfile::tempdir().unwrap();
    let (log, rotated) = (TestLog::new(ORIGIN, 1), TestLog::forked(ORIGIN, 2, 5, 1));
    let witness = witness(dir.path(), &[log.key()]);
    witness.add_checkpoint(log.body(0, 20).as_bytes());
    write_logs(dir.path(), &[rotated.key()]);
    assert_eq!(witness.reload().unwrap(), 1);
    let body = request(20, vec![], rotated.checkpoint(20).note());
    assert_eq!(witness.add_checkpoint(body.as_bytes()).status(), 422);
    let text = &evidence(&witness)[0];
    let keys = [&log.key(), &rotated.key()];
    assert!(verify_evidence(text, &keys).is_ok());
    assert!(verify_evidence(text, &keys[..1]).is_err());
    // Its old key no longer counts, and taking the log off the list forgets nothing.
    assert_eq!(
        witness.add_checkpoint(log.body(20, 21).as_bytes()).status(),
        403
    );
    write_logs(dir.path(), &[]);
    witness.reload().unwrap();
    assert_eq!(
        witness.add_checkpoint(log.body(20, 21).as_bytes()).status(),
        404
    );
    write_logs(dir.path(), &[log.key()]);
    witness.reload().unwrap();
    assert_eq!(
        witness
            .add_checkpoint(rotated.body(0, 30).as_bytes())
            .status(),
        403
    );
    assert_eq!(
        witness.add_checkpoint(log.body(0, 21).as_bytes()),
        Answer::Conflict { size: 20 }
    );
    cosigned(
        witness.add_checkpoint(log.body(20, 21).as_bytes()),
        &log.checkpoint(21),
        cosigner().verifier(),
    );
}

/// A real log's receipt, and a checkpoint by the same key over other entries.
#[test]
fn a_receipt_convicts_a_log_that_replaced_the_leaf() {
    let dir = tempfile::tempdir().unwrap();
    let key = liuhen_tlog::LogKey::from_seed(&[1; 32]);
    Log::create(dir.path(), &key, ORIGIN).unwrap();
    let (log, _) = Log::open(dir.path(), key, Default::default()).unwrap();
    let appended = (0..3u8).map(|i| log.append_blocking(vec![i; 9], Vec::new()).unwrap());
    let last = appended.last().unwrap();
    let receipt = log.sign_receipt(&last).unwrap();
    let honest = log.checkpoint_now().unwrap();
    let path = log.inclusion(2, 3).unwrap();
    let own = Evidence::replaced(
        receipt.clone(),
        honest.note().clone(),
        receipt.leaf_hash(),
        path,
    );
    assert!(own.is_err(), "an honest log is convicted of nothing");

    let liar = TestLog::new(ORIGIN, 1);
    let Ok(path) = liuhen_tlog::proof::prove_inclusion(&liar.tree, 2, 50);
    let Ok(leaf) = liuhen_tlog::proof::Nodes::node(&liar.tree, 0, 2);
    let note = liar.checkpoint(50).note().clone();
    let shown = Evidence::replaced(receipt.clone(), note, leaf, path.clone()).unwrap();
    let text = shown.to_string();
    let conviction = verify_evidence(&text, &[log.verifier()]).unwrap();
    assert_eq!(
        conviction.misbehaviour,
        Misbehaviour::Replaced { index: 2, size: 50 }
    );
    // A checkpoint by another key under the same name convicts nobody.
    let stranger = TestLog::new(ORIGIN, 2).checkpoint(50).note().clone();
    let shown = Evidence::replaced(receipt, stranger, leaf, path).unwrap();
    assert!(verify_evidence(&shown.to_string(), &[log.verifier()]).is_err());
}
