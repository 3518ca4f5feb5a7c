//! Links between two offices' cases: how many persons both have, told without either list.
//!
//! Rule: private set intersection by commuting blinds (C. Meadows 1986; B. A. Huberman, M. Franklin
//! and T. Hogg, "Enhancing privacy and trust in electronic communities", ACM EC 1999), over
//! ristretto255 (RFC 9496) with its hash to the group of RFC 9380, appendix B
//! (`ristretto255_XMD:SHA-512_R255MAP_RO_`).
//!
//! ```text
//! ask     A → B   a·H(x) for each person x of A, sorted
//! answer  B → A   b·a·H(x), sorted again; b·H(y) for each person y of B, sorted
//! result  A       a·b·H(y) among the b·a·H(x): how many are in both
//! ```
//!
//! Told to the other: how many persons each has; to A alone: how many are common. Which of A's own
//! they are is told when both wish it: then the answer keeps the order of the ask. Assumes that both
//! follow the protocol (semi-honest) and that Diffie-Hellman decisions are hard in the group. One who
//! asks with another blind for each person learns which are common from one answer, in some n²
//! multiplications: sorting hides that from nobody but who follows the protocol, and no proof can
//! show it, since B does not know the H(x) that a proof would be about. B may answer what he likes. A
//! telephone or ID is easily guessed, so nothing here rests on hashing: without `a` or `b` no guess
//! can be tried on what is sent. Each exchange has blinds of its own.
//!
//! Whose keys these are belongs to the count; files and custody, to the caller.

use std::collections::HashSet;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity as _;
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::hash::HashKey;

/// The key under which persons are hashed, the same in every office: it hides nothing, the blinds do.
pub const PERSONS: HashKey = HashKey(*b"liuhen-case-link");

/// Separates these points from those of every other use.
const DOMAIN: &[u8] = b"liuhen-case-link-1-ristretto255_XMD:SHA-512_R255MAP_RO_";

const ASK: &str = "liuhen-link-ask-1";
const ANSWER: &str = "liuhen-link-answer-1";

/// A point as it travels.
type Wire = [u8; 32];

/// Why a link cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The file is no ask or answer of this program.
    #[error("not a file of this exchange")]
    NoFile,
    /// A line is no point of the group, or one too many or too few.
    #[error("line {0} is not what the file's head announces")]
    Line(usize),
    /// The offices count by different rules or versions, so that equal persons have different keys.
    #[error("the other office counts by {0}; both need the same version and rules")]
    OtherRules(String),
    /// The answer is to another ask.
    #[error("the answer is to another ask")]
    OtherAsk,
    /// The answer tells which persons, which nobody asked.
    #[error("the answer tells which persons, which was not asked")]
    NotAsked,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// A secret blind; wiped when dropped, shown by nothing.
pub struct Blind(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Blind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blind")
    }
}

impl Blind {
    /// A fresh one.
    ///
    /// # Errors
    ///
    /// [`LinkError::Random`].
    pub fn generate() -> Result<Self, LinkError> {
        let mut wide = Zeroizing::new([0; 64]);
        getrandom::fill(wide.as_mut_slice()).map_err(|_| LinkError::Random)?;
        let scalar = Scalar::from_bytes_mod_order_wide(&wide);
        Ok(Self(Zeroizing::new(scalar.to_bytes())))
    }

    /// As its file has it.
    #[must_use]
    pub fn hex(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXLOWER.encode(self.0.as_slice()))
    }

    /// Back from its file.
    ///
    /// # Errors
    ///
    /// [`LinkError::NoFile`].
    pub fn from_hex(text: &str) -> Result<Self, LinkError> {
        let bytes = Zeroizing::new(
            HEXLOWER
                .decode(text.as_bytes())
                .map_err(|_| LinkError::NoFile)?,
        );
        let bytes: [u8; 32] = bytes.as_slice().try_into().map_err(|_| LinkError::NoFile)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    fn scalar(&self) -> Scalar {
        Scalar::from_bytes_mod_order(*self.0)
    }

    /// The blinded points of keys, in their order.
    fn keys(&self, keys: &[u128], jobs: usize) -> Vec<Wire> {
        each(keys, jobs, |key| {
            Some(
                (hashed(&key.to_le_bytes(), DOMAIN) * self.scalar())
                    .compress()
                    .to_bytes(),
            )
        })
        .into_iter()
        .flatten()
        .collect()
    }

    /// The points of another, blinded once more, in their order; none for bytes that are no point.
    fn points(&self, points: &[Wire], jobs: usize) -> Vec<Option<Wire>> {
        each(points, jobs, |wire| {
            let point = CompressedRistretto(*wire).decompress()?;
            (!point.is_identity()).then(|| (point * self.scalar()).compress().to_bytes())
        })
    }
}

/// Works on all items, on several threads, keeping their order.
fn each<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(jobs.max(1)).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = items
            .chunks(share)
            .map(|chunk| scope.spawn(|| chunk.iter().map(&work).collect::<Vec<R>>()))
            .collect();
        threads
            .into_iter()
            // Fewer points than there are items would be false numbers.
            .flat_map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|fault| std::panic::resume_unwind(fault))
            })
            .collect()
    })
}

/// Hash to ristretto255: RFC 9380, appendix B, `expand_message_xmd` with SHA-512 for 64 bytes
/// (section 5.3.1), then the map of RFC 9496, section 4.3.4.
fn hashed(message: &[u8], domain: &[u8]) -> RistrettoPoint {
    let length = [u8::try_from(domain.len()).unwrap_or(u8::MAX)];
    let first = Sha512::new()
        .chain_update([0; 128])
        .chain_update(message)
        .chain_update([0, 64, 0])
        .chain_update(domain)
        .chain_update(length)
        .finalize();
    let bytes = Sha512::new()
        .chain_update(first)
        .chain_update([1])
        .chain_update(domain)
        .chain_update(length)
        .finalize();
    RistrettoPoint::from_uniform_bytes(&bytes.into())
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskHead {
    rules: String,
    which: bool,
    persons: usize,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerHead {
    ask: String,
    which: bool,
    asked: usize,
    persons: usize,
}

/// What is asked: the file, and in which order the asker's persons stand in it.
#[derive(Debug)]
pub struct Ask {
    /// To be sent.
    pub text: String,
    /// By line: the place in the list of keys.
    pub order: Vec<usize>,
}

/// Asks which of these persons another office has; `rules` names what keys are made by.
#[must_use]
pub fn ask(keys: &[u128], blind: &Blind, rules: &str, which: bool, jobs: usize) -> Ask {
    let points = blind.keys(keys, jobs);
    let mut order: Vec<usize> = (0..points.len()).collect();
    // Sorted by points that nobody can foresee without the blind: shuffled.
    order.sort_unstable_by_key(|at| points[*at]);
    let head = AskHead {
        rules: rules.to_owned(),
        which,
        persons: points.len(),
    };
    let lines = order.iter().map(|at| points[*at]);
    Ask {
        text: written(ASK, &head, lines),
        order,
    }
}

/// What the answering office learns beside sending the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// To be sent.
    #[serde(skip)]
    pub text: String,
    /// Persons of the asking office.
    pub asked: usize,
    /// Whether the answer tells which.
    pub which: bool,
}

/// Answers an ask with one's own persons; the order is kept only when both wish it.
///
/// # Errors
///
/// [`LinkError`] when the file is no ask, or was made by other rules.
pub fn answer(
    asked: &str,
    keys: &[u128],
    blind: &Blind,
    rules: &str,
    which: bool,
    jobs: usize,
) -> Result<Answered, LinkError> {
    let (head, points): (AskHead, Vec<Wire>) = read(ASK, asked)?;
    if head.rules != rules {
        return Err(LinkError::OtherRules(head.rules));
    }
    if points.len() != head.persons {
        return Err(LinkError::Line(points.len() + 3));
    }
    ascending(&points, 0)?;
    let which = which && head.which;
    let mut twice = blinded(blind, &points, jobs, 0)?;
    if !which {
        twice.sort_unstable();
    }
    let mut own = blind.keys(keys, jobs);
    own.sort_unstable();
    let answer = AnswerHead {
        ask: sum(asked),
        which,
        asked: twice.len(),
        persons: own.len(),
    };
    Ok(Answered {
        text: written(ANSWER, &answer, twice.into_iter().chain(own)),
        asked: head.persons,
        which,
    })
}

/// What came of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Linked {
    /// Persons that were asked for.
    pub asked: usize,
    /// Persons of the other office.
    pub other: usize,
    /// Persons in both.
    pub common: usize,
    /// The lines of the ask that are in both, from 0, where both wished it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub which: Option<Vec<usize>>,
}

/// Reads the answer to one's own ask.
///
/// # Errors
///
/// [`LinkError`] when it is none, or the answer to another.
pub fn result(
    asked: &str,
    answered: &str,
    blind: &Blind,
    jobs: usize,
) -> Result<Linked, LinkError> {
    let (question, own): (AskHead, Vec<Wire>) = read(ASK, asked)?;
    let (head, points): (AnswerHead, Vec<Wire>) = read(ANSWER, answered)?;
    if head.ask != sum(asked) || head.asked != own.len() {
        return Err(LinkError::OtherAsk);
    }
    if head.which && !question.which {
        return Err(LinkError::NotAsked);
    }
    let announced = head.asked.checked_add(head.persons);
    let (Some((twice, theirs)), true) = (
        points.split_at_checked(head.asked),
        announced == Some(points.len()),
    ) else {
        return Err(LinkError::Line(points.len() + 3));
    };
    // The same point twice would count a person twice.
    if head.which {
        let mut sorted = twice.to_vec();
        sorted.sort_unstable();
        let same = sorted.windows(2).find(|two| two[0] == two[1]);
        let at = same.and_then(|two| twice.iter().rposition(|point| *point == two[0]));
        if let Some(at) = at {
            return Err(LinkError::Line(at + 3));
        }
    } else {
        ascending(twice, 0)?;
    }
    ascending(theirs, head.asked)?;
    let theirs: HashSet<Wire> = blinded(blind, theirs, jobs, head.asked)?
        .into_iter()
        .collect();
    let common = twice
        .iter()
        .enumerate()
        .filter(|(_, point)| theirs.contains(*point));
    let lines: Vec<usize> = common.map(|(line, _)| line).collect();
    Ok(Linked {
        asked: head.asked,
        other: head.persons,
        common: lines.len(),
        which: head.which.then_some(lines),
    })
}

/// Refuses points that are out of order or repeated, which would tell, or claim, how often one was
/// met; `before` lines stand before them.
fn ascending(points: &[Wire], before: usize) -> Result<(), LinkError> {
    match points.windows(2).position(|two| two[0] >= two[1]) {
        Some(at) => Err(LinkError::Line(before + at + 4)),
        None => Ok(()),
    }
}

/// Another's points, blinded once more; `before` lines stand before them.
fn blinded(
    blind: &Blind,
    points: &[Wire],
    jobs: usize,
    before: usize,
) -> Result<Vec<Wire>, LinkError> {
    let points = blind.points(points, jobs).into_iter().enumerate();
    let checked = points.map(|(at, point)| point.ok_or(LinkError::Line(before + at + 3)));
    checked.collect()
}

/// SHA-256 in hexadecimal.
fn sum(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

/// A line that names the form, one of JSON, then a point a line.
fn written(form: &str, head: &impl Serialize, points: impl Iterator<Item = Wire>) -> String {
    // Strings and numbers always serialise.
    let head = serde_json::to_string(head).unwrap_or_default();
    let mut text = format!("{form}\n{head}\n");
    for point in points {
        BASE64.encode_append(&point, &mut text);
        text.push('\n');
    }
    text
}

fn read<H: serde::de::DeserializeOwned>(
    form: &str,
    text: &str,
) -> Result<(H, Vec<Wire>), LinkError> {
    let mut lines = text.lines();
    if lines.next() != Some(form) {
        return Err(LinkError::NoFile);
    }
    let head = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok());
    let head = head.ok_or(LinkError::NoFile)?;
    let point = |(at, line): (usize, &str)| {
        let bytes = BASE64.decode(line.as_bytes()).ok();
        let wire = bytes.and_then(|bytes| bytes.try_into().ok());
        wire.ok_or(LinkError::Line(at + 3))
    };
    let points = lines.enumerate().map(point).collect::<Result<_, _>>()?;
    Ok((head, points))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 9497, appendix A.1.1 (OPRF(ristretto255, SHA-512), test vector 1): the blinded element
    /// is the blind times the hash to the group.
    #[test]
    fn hash_to_group_is_the_standards() {
        let blind = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706";
        let blind = Blind::from_hex(blind).unwrap();
        let domain = b"HashToGroup-OPRFV1-\x00-ristretto255-SHA512";
        let point = hashed(&[0], domain) * blind.scalar();
        assert_eq!(
            HEXLOWER.encode(point.compress().as_bytes()),
            "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c"
        );
    }

    fn blinds() -> [Blind; 2] {
        [Blind::generate().unwrap(), Blind::generate().unwrap()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn as_many_as_are_in_both(
            mine in prop::collection::btree_set(0_u128..60, 0..40),
            theirs in prop::collection::btree_set(0_u128..60, 0..40),
            which in any::<bool>(),
        ) {
            let [a, b] = blinds();
            let keys: Vec<u128> = mine.iter().copied().collect();
            let others: Vec<u128> = theirs.iter().copied().collect();
            let asked = ask(&keys, &a, "r", which, 3);
            let answered = answer(&asked.text, &others, &b, "r", true, 2).unwrap();
            let linked = result(&asked.text, &answered.text, &a, 2).unwrap();
            let common: Vec<u128> = mine.intersection(&theirs).copied().collect();
            prop_assert_eq!(linked.common, common.len());
            prop_assert_eq!((linked.asked, linked.other), (keys.len(), others.len()));
            let told = linked.which.map(|lines| {
                let mut told: Vec<u128> = lines.iter().map(|line| keys[asked.order[*line]]).collect();
                told.sort_unstable();
                told
            });
            prop_assert_eq!(told, which.then_some(common));
        }
    }

    #[test]
    fn refuses_what_is_not_of_this_exchange() {
        let [a, b] = blinds();
        let asked = ask(&[1, 2], &a, "r", true, 1).text;
        let ok = answer(&asked, &[2], &b, "r", false, 1).unwrap();
        assert!(!ok.which, "both must wish it");
        let refused = |text: &str| answer(text, &[2], &b, "r", false, 1).unwrap_err();
        assert_eq!(refused("x"), LinkError::NoFile);
        assert_eq!(refused(&ok.text), LinkError::NoFile);
        let mut lines: Vec<&str> = asked.lines().collect();
        assert_eq!(refused(&lines[..3].join("\n")), LinkError::Line(4));
        lines[3] = lines[2];
        assert_eq!(refused(&lines.join("\n")), LinkError::Line(4));
        // The identity would come back as itself, whatever the blind.
        let zero = BASE64.encode(&[0; 32]);
        lines[2] = &zero;
        lines[3] = asked.lines().next_back().unwrap();
        assert_eq!(refused(&lines.join("\n")), LinkError::Line(3));
        let other = answer(&asked, &[2], &b, "s", false, 1).unwrap_err();
        assert_eq!(other, LinkError::OtherRules("r".to_owned()));
        let again = ask(&[1, 2], &b, "r", true, 1).text;
        assert_eq!(
            result(&again, &ok.text, &a, 1).unwrap_err(),
            LinkError::OtherAsk
        );
    }

    #[test]
    fn a_hostile_answer_is_refused_and_no_panic() {
        let [a, b] = blinds();
        let asked = ask(&[1, 2, 3], &a, "r", false, 1).text;
        let honest = answer(&asked, &[2, 3, 4], &b, "r", true, 1).unwrap().text;
        let lines: Vec<&str> = honest.lines().collect();
        let of = |head: serde_json::Value, points: &[&str]| {
            let text = format!("{ANSWER}\n{head}\n{}\n", points.join("\n"));
            result(&asked, &text, &a, 1)
        };
        let head = |which: bool, asked_for: u64, persons: u64| serde_json::json!({ "ask": sum(&asked), "which": which, "asked": asked_for, "persons": persons });
        let points = &lines[2..];
        assert_eq!(of(head(false, 3, 3), points).unwrap().common, 2);
        for (asked_for, persons) in [(u64::MAX, 7), (u64::MAX - 2, 9), (4, 2), (2, 4), (0, 6)] {
            let refused = of(head(false, asked_for, persons), points).unwrap_err();
            assert_eq!(refused, LinkError::OtherAsk, "{asked_for} {persons}");
        }
        let refused = of(head(false, 3, u64::MAX), points).unwrap_err();
        assert_eq!(refused, LinkError::Line(9));
        assert_eq!(
            of(head(true, 3, 3), points).unwrap_err(),
            LinkError::NotAsked
        );
        // One of B's points three times over, among what was asked and among his own.
        let one = points[3];
        let repeated = [one, one, one, points[3], points[4], points[5]];
        assert_eq!(
            of(head(false, 3, 3), &repeated).unwrap_err(),
            LinkError::Line(4)
        );
        let repeated = [points[0], points[1], points[2], one, one, one];
        assert_eq!(
            of(head(false, 3, 3), &repeated).unwrap_err(),
            LinkError::Line(7)
        );
        let which = ask(&[1, 2, 3], &a, "r", true, 1).text;
        let text = answer(&which, &[2, 3, 4], &b, "r", true, 1).unwrap().text;
        let mut lines: Vec<&str> = text.lines().collect();
        lines[4] = lines[2];
        let refused = result(&which, &lines.join("\n"), &a, 1).unwrap_err();
        assert_eq!(refused, LinkError::Line(5));
    }

    #[test]
    fn an_exchange_cannot_be_recognised_in_another() {
        let [a, b] = blinds();
        let lines = |blind| {
            let text = ask(&[7, 8], blind, "r", false, 1).text;
            text.lines()
                .skip(2)
                .map(str::to_owned)
                .collect::<HashSet<_>>()
        };
        assert!(lines(&a).is_disjoint(&lines(&b)));
    }
}
