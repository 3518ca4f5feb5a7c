//! Whom to believe: the logs, the witnesses, and how many of them suffice.
//!
//! Rule: C2SP tlog-policy, read strictly: every line ends in a newline, and what
//! we do not understand is refused with its line. Names and addresses must be
//! UTF-8 (the specification recommends it), comments need not. Keys are Ed25519:
//! logs of type 0x01, witnesses of type 0x04.

use std::{collections::HashMap, fmt};

use crate::{
    checkpoint::{SignedCheckpoint, parse_decimal},
    cosignature::CosignerVerifier,
    note::{NoteError, SignedNote, Verifier},
};

/// Longest policy we read, in bytes.
pub const MAX_POLICY_BYTES: usize = 1 << 20;
/// Most logs, most witnesses and most groups; the specification asks for 32 of each.
pub const MAX_NAMES: usize = 1024;
const NONE: &str = "none";

/// Why a policy was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// Counted from one; one past the last when something is missing.
    pub line: usize,
    /// What is wrong there.
    pub fault: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// Longer than [`MAX_POLICY_BYTES`].
    #[error("the policy is longer than {MAX_POLICY_BYTES} bytes")]
    TooLong,
    /// A control character other than tab and newline.
    #[error("a control character other than tab and newline")]
    ControlCharacter,
    /// The last line has no newline: the file may have been cut.
    #[error("the last line does not end in a newline")]
    Unterminated,
    /// Bytes outside a comment that are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A first word we do not know.
    #[error("a line begins with log, witness, group or quorum")]
    UnknownWord,
    /// Too few or too many words.
    #[error("written as: {form}")]
    WrongForm {
        /// The form of such a line.
        form: &'static str,
    },
    /// A key of another type, or none at all.
    #[error(transparent)]
    Key(#[from] NoteError),
    /// An earlier line of the same sort gives the same public key.
    #[error("the same public key stands on an earlier line")]
    DuplicateKey,
    /// An earlier line defines the name, or it is `none`.
    #[error("the name is taken")]
    NameTaken,
    /// No earlier line defines the name.
    #[error("no line above defines {name}")]
    UnknownName {
        /// The name.
        name: String,
    },
    /// A name is a member of two groups, or twice of one.
    #[error("{name} is a member of a group already")]
    SecondMembership {
        /// The name.
        name: String,
    },
    /// A threshold that is not `all`, `any` or a number from one to the number of members.
    #[error("the threshold is not all, any or a number from 1 to {members}")]
    BadThreshold {
        /// Members of the group.
        members: usize,
    },
    /// More than [`MAX_NAMES`] logs, witnesses or groups.
    #[error("more than {MAX_NAMES} of a kind")]
    TooMany,
    /// A second line with a quorum.
    #[error("a second quorum")]
    SecondQuorum,
    /// No line with a quorum.
    #[error("no quorum")]
    NoQuorum,
}

/// A log that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the name is the log's origin.
    pub key: Verifier,
    /// Where to reach it.
    pub url: Option<String>,
}

/// A witness that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name within the policy.
    pub name: String,
    /// Its key.
    pub key: CosignerVerifier,
    /// Its submission prefix (C2SP tlog-witness).
    pub url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    /// From one to the number of members.
    threshold: usize,
    /// Groups among them stand before this one.
    members: Vec<Member>,
}

/// Logs, witnesses and the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    /// `None` when no cosignature is needed.
    quorum: Option<Member>,
}

/// A witness that cosigned a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The witness's name within the policy.
    pub name: String,
    /// When it cosigned, by its own clock: seconds since 1970.
    pub time: u64,
}

/// What the witnesses of a policy say of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Those that cosigned, in the order of the policy.
    pub cosigned: Vec<Witnessed>,
    /// Witnesses in the policy.
    pub witnesses: usize,
    /// Whether those that cosigned suffice.
    pub quorum: bool,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] with the first line that breaks C2SP tlog-policy.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let at = |line, fault| PolicyError { line, fault };
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(at(1, PolicyFault::TooLong));
        }
        let mut reader = Reader::default();
        let mut count = 0;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            count += 1;
            reader.line(line).map_err(|fault| at(count, fault))?;
        }
        let quorum = reader.quorum.ok_or(at(count + 1, PolicyFault::NoQuorum))?;
        Ok(Self {
            logs: reader.logs,
            witnesses: reader.witnesses,
            groups: reader.groups,
            quorum,
        })
    }

    /// The logs, in the order of the file.
    #[must_use]
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the order of the file; to be asked where a URL is given.
    #[must_use]
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// Reads a checkpoint that one of the policy's logs must have signed, and asks its witnesses.
    ///
    /// The verdict may be that the quorum is not reached: that is no error.
    ///
    /// # Errors
    ///
    /// Those of [`SignedCheckpoint::verify_note`] and [`Policy::check`].
    pub fn verify(&self, bytes: &[u8]) -> Result<(SignedCheckpoint, Verdict), NoteError> {
        let logs: Vec<&Verifier> = self.logs.iter().map(|log| &log.key).collect();
        let signed = SignedCheckpoint::verify_note(SignedNote::parse(bytes)?, &logs)?;
        let verdict = self.check(&signed)?;
        Ok((signed, verdict))
    }

    /// Says which witnesses cosigned a checkpoint and whether they suffice.
    ///
    /// The log's own signature was checked when `signed` was made; whether that
    /// log is one of the policy's is asked by [`Policy::verify`].
    ///
    /// # Errors
    ///
    /// [`NoteError::BadSignature`] and [`NoteError::BadTime`] of a cosignature
    /// that names a witness of the policy: such a note is to be refused whole
    /// (C2SP signed-note).
    pub fn check(&self, signed: &SignedCheckpoint) -> Result<Verdict, NoteError> {
        let mut by = vec![false; self.witnesses.len()];
        let mut cosigned = Vec::new();
        for (witness, by) in self.witnesses.iter().zip(&mut by) {
            if let Some(time) = witness.key.verify(signed.note())? {
                *by = true;
                let name = witness.name.clone();
                cosigned.push(Witnessed { name, time });
            }
        }
        Ok(Verdict {
            cosigned,
            witnesses: self.witnesses.len(),
            quorum: self.suffices(&by),
        })
    }

    /// How many of all the witnesses suffice, where the policy is as simple as that; none for nested or partial groups.
    #[must_use]
    pub fn threshold(&self) -> Option<usize> {
        match self.quorum {
            None => Some(0),
            Some(Member::Witness(_)) => (self.witnesses.len() == 1).then_some(1),
            Some(Member::Group(at)) => {
                let group = self.groups.get(at)?;
                let plain = |member: &Member| matches!(member, Member::Witness(_));
                let all = group.members.len() == self.witnesses.len();
                (all && group.members.iter().all(plain)).then_some(group.threshold)
            }
        }
    }

    fn suffices(&self, by: &[bool]) -> bool {
        let mut groups = Vec::with_capacity(self.groups.len());
        let has = |member: &Member, groups: &[bool]| match *member {
            Member::Witness(at) => by.get(at) == Some(&true),
            Member::Group(at) => groups.get(at) == Some(&true),
        };
        for group in &self.groups {
            let have = group.members.iter().filter(|m| has(m, &groups)).count();
            groups.push(have >= group.threshold);
        }
        self.quorum
            .as_ref()
            .is_none_or(|member| has(member, &groups))
    }

    fn name(&self, member: Member) -> &str {
        let found = match member {
            Member::Witness(at) => self.witnesses.get(at).map(|w| &w.name),
            Member::Group(at) => self.groups.get(at).map(|g| &g.name),
        };
        found.map_or(NONE, String::as_str)
    }
}

/// Writes the policy so that it reads back the same: logs, witnesses, groups, quorum.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = |url: &Option<String>| url.as_ref().map_or(String::new(), |u| format!(" {u}"));
        for log in &self.logs {
            writeln!(f, "log {}{}", log.key, url(&log.url))?;
        }
        for witness in &self.witnesses {
            let PolicyWitness { name, key, .. } = witness;
            writeln!(f, "witness {name} {key}{}", url(&witness.url))?;
        }
        for Group {
            name,
            threshold,
            members,
        } in &self.groups
        {
            match *threshold {
                all if all == members.len() => write!(f, "group {name} all")?,
                1 => write!(f, "group {name} any")?,
                k => write!(f, "group {name} {k}")?,
            }
            for member in members {
                write!(f, " {}", self.name(*member))?;
            }
            writeln!(f)?;
        }
        let quorum = self.quorum.map_or(NONE, |member| self.name(member));
        writeln!(f, "quorum {quorum}")
    }
}

/// A policy as far as it was read.
#[derive(Default)]
struct Reader {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Option<Member>>,
    /// What each name means, and whether it is a member of a group already.
    names: HashMap<String, (Member, bool)>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        let line = line.strip_suffix(b"\n").ok_or(PolicyFault::Unterminated)?;
        if line
            .iter()
            .any(|b| (*b < 0x20 && *b != b'\t') || *b == 0x7f)
        {
            return Err(PolicyFault::ControlCharacter);
        }
        let blank = |b: &u8| matches!(b, b' ' | b'\t');
        let mut words = line.split(blank).filter(|word| !word.is_empty()).peekable();
        if words.peek().is_none_or(|word| word.starts_with(b"#")) {
            return Ok(());
        }
        let words: Result<Vec<&str>, _> = words.map(std::str::from_utf8).collect();
        let words = words.map_err(|_| PolicyFault::NotUtf8)?;
        match words[..] {
            ["log", ref rest @ ..] => self.log(rest),
            ["witness", ref rest @ ..] => self.witness(rest),
            ["group", ref rest @ ..] => self.group(rest),
            ["quorum", ref rest @ ..] => self.quorum(rest),
            _ => Err(PolicyFault::UnknownWord),
        }
    }

    fn log(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let form = "log VKEY [URL]";
        let (key, url) = match *words {
            [key] => (key, None),
            [key, url] => (key, Some(url.to_owned())),
            _ => return Err(PolicyFault::WrongForm { form }),
        };
        let key = Verifier::parse(key)?;
        let public = key.public_key();
        if self.logs.iter().any(|l| l.key.public_key() == public) {
            return Err(PolicyFault::DuplicateKey);
        }
        check_room(self.logs.len())?;
        self.logs.push(PolicyLog { key, url });
        Ok(())
    }

    fn witness(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let form = "witness NAME VKEY [URL]";
        let (name, key, url) = match *words {
            [name, key] => (name, key, None),
            [name, key, url] => (name, key, Some(url.to_owned())),
            _ => return Err(PolicyFault::WrongForm { form }),
        };
        let key = CosignerVerifier::parse(key)?;
        let public = key.public_key();
        if self.witnesses.iter().any(|w| w.key.public_key() == public) {
            return Err(PolicyFault::DuplicateKey);
        }
        check_room(self.witnesses.len())?;
        self.define(name, Member::Witness(self.witnesses.len()))?;
        let name = name.to_owned();
        self.witnesses.push(PolicyWitness { name, key, url });
        Ok(())
    }

    fn group(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let form = "group NAME all|any|NUMBER MEMBER...";
        let [name, threshold, members @ ..] = words else {
            return Err(PolicyFault::WrongForm { form });
        };
        if members.is_empty() {
            return Err(PolicyFault::WrongForm { form });
        }
        let threshold = parse_threshold(threshold, members.len())?;
        check_room(self.groups.len())?;
        let members: Result<_, _> = members.iter().map(|m| self.take(m)).collect();
        self.define(name, Member::Group(self.groups.len()))?;
        self.groups.push(Group {
            name: (*name).to_owned(),
            threshold,
            members: members?,
        });
        Ok(())
    }

    fn quorum(&mut self, words: &[&str]) -> Result<(), PolicyFault> {
        let form = "quorum NAME|none";
        let [name] = *words else {
            return Err(PolicyFault::WrongForm { form });
        };
        if self.quorum.is_some() {
            return Err(PolicyFault::SecondQuorum);
        }
        let member = match name {
            NONE => None,
            name => Some(self.known(name)?.0),
        };
        self.quorum = Some(member);
        Ok(())
    }

    fn define(&mut self, name: &str, member: Member) -> Result<(), PolicyFault> {
        if name == NONE || self.names.contains_key(name) {
            return Err(PolicyFault::NameTaken);
        }
        self.names.insert(name.to_owned(), (member, false));
        Ok(())
    }

    fn known(&mut self, name: &str) -> Result<&mut (Member, bool), PolicyFault> {
        let unknown = || PolicyFault::UnknownName { name: name.into() };
        self.names.get_mut(name).ok_or_else(unknown)
    }

    /// Takes a name as a member of a group; each can be taken once.
    fn take(&mut self, name: &str) -> Result<Member, PolicyFault> {
        let (member, taken) = self.known(name)?;
        if std::mem::replace(taken, true) {
            return Err(PolicyFault::SecondMembership { name: name.into() });
        }
        Ok(*member)
    }
}

fn parse_threshold(text: &str, members: usize) -> Result<usize, PolicyFault> {
    let threshold = match text {
        "all" => Some(members),
        "any" => Some(1),
        number => parse_decimal(number).and_then(|k| usize::try_from(k).ok()),
    };
    threshold
        .filter(|k| (1..=members).contains(k))
        .ok_or(PolicyFault::BadThreshold { members })
}

fn check_room(have: usize) -> Result<(), PolicyFault> {
    if have < MAX_NAMES {
        return Ok(());
    }
    Err(PolicyFault::TooMany)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Checkpoint, Hash, LogKey, cosignature::Cosigner};

    const ORIGIN: &str = "log.example/a";
    const NAMES: [&str; 6] = ["X1", "X2", "X3", "Y1", "Y2", "Y3"];

    fn cosigner(at: usize) -> Cosigner {
        let seed = [u8::try_from(at).unwrap() + 1; 32];
        Cosigner::from_seed(&format!("witness.example/w{at}"), &seed).unwrap()
    }

    fn witness_lines() -> String {
        let line =
            |(at, name): (usize, &&str)| format!("witness {name} {}\n", cosigner(at).verifier());
        NAMES.iter().enumerate().map(line).collect()
    }

    fn log_key() -> LogKey {
        LogKey::from_seed(&[99; 32])
    }

    fn signed(by: &[usize]) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            origin: ORIGIN.into(),
            size: 5,
            root: Hash([1; 32]),
            extensions: Vec::new(),
        };
        let signer = log_key().signer(ORIGIN).unwrap();
        let mut signed = checkpoint.clone().sign(&signer).unwrap();
        for at in by {
            let time = 1000 + *at as u64;
            signed
                .put(cosigner(*at).cosign(&checkpoint, time).unwrap())
                .unwrap();
        }
        signed
    }

    /// The example of C2SP tlog-policy, with keys of ours.
    fn example() -> String {
        let log = log_key().verifier(ORIGIN).unwrap();
        let groups = "group X-witnesses 2 X1 X2 X3\n\ngroup Y-witnesses any Y1 Y2 Y3\n\
            # both organisations\n\t group X-and-Y \t all X-witnesses Y-witnesses \nquorum X-and-Y\n";
        format!(
            "log {log} https://log.example/a/\n\n{}{groups}",
            witness_lines()
        )
    }

    #[test]
    fn the_published_example_is_judged_as_it_says() {
        let policy = Policy::parse(example().as_bytes()).unwrap();
        let rows: [(&[usize], bool); 7] = [
            (&[], false),
            (&[0, 1, 2], false),
            (&[0, 3], false),
            (&[3, 4, 5], false),
            (&[0, 1, 3], true),
            (&[2, 1, 5], true),
            (&[0, 1, 2, 3, 4, 5], true),
        ];
        for (by, quorum) in rows {
            let bytes = signed(by).to_string();
            let (_, verdict) = policy.verify(bytes.as_bytes()).unwrap();
            assert_eq!((verdict.quorum, verdict.witnesses), (quorum, 6), "{by:?}");
            let mut expected: Vec<_> = by
                .iter()
                .map(|at| (NAMES[*at], 1000 + *at as u64))
                .collect();
            expected.sort_unstable();
            let found: Vec<_> = verdict
                .cosigned
                .iter()
                .map(|w| (w.name.as_str(), w.time))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn quorums_of_one_and_of_none() {
        let one = format!("{}quorum Y2\n", witness_lines());
        let one = Policy::parse(one.as_bytes()).unwrap();
        assert!(!one.check(&signed(&[0, 1, 2, 3, 5])).unwrap().quorum);
        assert!(one.check(&signed(&[4])).unwrap().quorum);
        let none = Policy::parse(b"quorum none\n").unwrap();
        assert!(none.check(&signed(&[])).unwrap().quorum);
        // Nobody to believe: an empty list of logs trusts no log.
        let bytes = signed(&[]).to_string();
        assert_eq!(none.verify(bytes.as_bytes()), Err(NoteError::Unsigned));
    }

    #[test]
    fn refuses_a_note_with_a_false_cosignature() {
        let policy = Policy::parse(example().as_bytes()).unwrap();
        let mut note = signed(&[0, 1, 3]);
        let mut forged = note.note().signatures()[1].clone();
        forged.bytes[20] ^= 1;
        note.put(forged).unwrap();
        assert!(matches!(
            policy.check(&note),
            Err(NoteError::BadSignature { .. })
        ));
    }

    #[test]
    fn cosignatures_of_unknown_types_are_carried() {
        let policy = Policy::parse(example().as_bytes()).unwrap();
        let mut note = signed(&[0, 1, 3]);
        let ml_dsa = crate::note::Signature {
            name: "witness.example/w0".into(),
            id: 0x0606_0606,
            bytes: vec![6; 2428],
        };
        note.put(ml_dsa.clone()).unwrap();
        let (read, verdict) = policy.verify(note.to_string().as_bytes()).unwrap();
        assert!(verdict.quorum && read.note().signatures().contains(&ml_dsa));
    }

    #[test]
    fn refuses_malformed_policies() {
        use PolicyFault::*;
        let log = log_key().verifier(ORIGIN).unwrap().to_string();
        let renamed = log_key().verifier("log.example/b").unwrap();
        let w = cosigner(0).verifier().to_string();
        let same = Cosigner::from_seed("other.example", &[1; 32]).unwrap();
        let unknown = |name: &str| UnknownName { name: name.into() };
        let member = |name: &str| SecondMembership { name: name.into() };
        let ws = witness_lines();
        let form = "log VKEY [URL]";
        let key_type = || Key(NoteError::BadKey { part: "key type" });
        let rows = [
            ("empty", String::new(), 1, NoQuorum),
            ("no quorum", format!("log {log}\n"), 2, NoQuorum),
            ("cut short", format!("{ws}quorum X1"), 7, Unterminated),
            ("return", "quorum none\r\n".into(), 1, ControlCharacter),
            (
                "delete",
                "# \x7f\nquorum none\n".into(),
                1,
                ControlCharacter,
            ),
            ("word", "\nlogs x\n".into(), 2, UnknownWord),
            ("no key", "log\n".into(), 1, WrongForm { form }),
            (
                "a word too many",
                format!("log {log} a b\n"),
                1,
                WrongForm { form },
            ),
            (
                "witness's key for a log",
                format!("log {w}\n"),
                1,
                key_type(),
            ),
            (
                "log's key for a witness",
                format!("witness a {log}\n"),
                1,
                key_type(),
            ),
            (
                "same log key renamed",
                format!("log {log}\nlog {renamed}\n"),
                2,
                DuplicateKey,
            ),
            (
                "same witness key",
                format!("witness a {w}\nwitness b {}\n", same.verifier()),
                2,
                DuplicateKey,
            ),
            ("named none", format!("witness none {w}\n"), 1, NameTaken),
            (
                "group named as a witness",
                format!("{ws}group X1 all X2\n"),
                7,
                NameTaken,
            ),
            (
                "group of itself",
                format!("{ws}group g all g\n"),
                7,
                unknown("g"),
            ),
            (
                "none as a member",
                format!("{ws}group g all none\n"),
                7,
                unknown("none"),
            ),
            (
                "quorum before its group",
                format!("{ws}quorum g\ngroup g all X1\n"),
                7,
                unknown("g"),
            ),
            (
                "member twice",
                format!("{ws}group g any X1 X1\n"),
                7,
                member("X1"),
            ),
            (
                "member of two",
                format!("{ws}group g any X1\ngroup h any X1\n"),
                8,
                member("X1"),
            ),
            (
                "none of one",
                format!("{ws}group g 0 X1\n"),
                7,
                BadThreshold { members: 1 },
            ),
            (
                "three of two",
                format!("{ws}group g 3 X1 X2\n"),
                7,
                BadThreshold { members: 2 },
            ),
            (
                "leading zero",
                format!("{ws}group g 01 X1\n"),
                7,
                BadThreshold { members: 1 },
            ),
            (
                "two quorums",
                "quorum none\nquorum none\n".into(),
                2,
                SecondQuorum,
            ),
        ];
        for (name, text, line, fault) in rows {
            let expected = Err(PolicyError { line, fault });
            assert_eq!(Policy::parse(text.as_bytes()), expected, "{name}");
        }
        let empty = format!("{ws}group g any\n");
        assert!(matches!(
            Policy::parse(empty.as_bytes()).unwrap_err().fault,
            WrongForm { .. }
        ));
        assert!(Policy::parse(b"# \xff\xfe is no UTF-8\nquorum none\n").is_ok());
        let other = Policy::parse(b"witness \xff x\nquorum none\n").unwrap_err();
        assert_eq!(other.fault, NotUtf8);
    }

    /// Groups at random over the six witnesses, each name used once, as the rule demands.
    fn any_groups() -> impl Strategy<Value = String> {
        proptest::collection::vec((1usize..4, any::<u8>()), 0..4).prop_map(|cuts| {
            let mut free: Vec<String> = NAMES.iter().map(|n| (*n).to_owned()).collect();
            let mut text = String::new();
            for (at, (take, k)) in cuts.into_iter().enumerate() {
                let members: Vec<String> = free.drain(..take.min(free.len())).collect();
                if members.is_empty() {
                    break;
                }
                let threshold = 1 + usize::from(k) % members.len();
                text += &format!("group g{at} {threshold} {}\n", members.join(" "));
                free.push(format!("g{at}"));
            }
            let last = free.pop().unwrap_or("none".into());
            format!("{text}quorum {last}\n")
        })
    }

    proptest! {
        #[test]
        fn policies_come_back_and_more_cosignatures_never_harm(groups in any_groups(), by in any::<u8>(), more in 0usize..6) {
            let text = format!("{}{groups}", witness_lines());
            let policy = Policy::parse(text.as_bytes()).unwrap();
            let again = Policy::parse(policy.to_string().as_bytes()).unwrap();
            prop_assert_eq!(&again, &policy);
            prop_assert_eq!(again.to_string(), policy.to_string());
            let mut by: Vec<bool> = (0..6).map(|at| by >> at & 1 == 1).collect();
            let before = policy.suffices(&by);
            by[more] = true;
            prop_assert!(policy.suffices(&by) || !before);
            prop_assert!(policy.suffices(&[true; 6]));
        }

        #[test]
        fn any_bytes_are_parsed_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(log|group|witness|quorum|any|all|none|[ \t\n#a0-9]){0,20}") {
            let _ = Policy::parse(&bytes);
            let _ = Policy::parse(text.as_bytes());
        }
    }
}
