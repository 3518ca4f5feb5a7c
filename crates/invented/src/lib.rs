//! People who do not exist.
//!
//! For canaries in exports, for demonstrations and for tests. A generated
//! person is consistent (sex, birth, region, name, address and plate agree),
//! and every number of theirs looks right and belongs to nobody:
//!
//! | number | why nobody has it | why it looks right |
//! |---|---|---|
//! | resident ID | its region code went out of use years before the birth, and a code is given at first registration, which follows birth; or it is a rural county's and went out of use years before anybody had a number | valid check digit, a real place of the past, possible date |
//! | mobile | its head is in an unassigned segment | 11 digits, `1[5-9]…` |
//! | landline | no place has its area code | 0, three digits, seven digits |
//! | bank card | no issuer is known for its prefix, within UnionPay's range | 19 digits, passes Luhn |
//! | e-mail | its domain is reserved by RFC 2606 | a name in pinyin and digits |
//! | plate | its serial has three letters, and at most two are issued | the province's character and five characters |
//!
//! The ranges are data (`numbers.toml` of `kinds`), each with its mark. The
//! segment, the area codes, the issuers and the plates are our reading of public
//! lists and not a promise of those who assign them; look them up anew at each
//! release of the rule pack. Who knows this page can tell a generated person
//! from a real one by the numbers: a canary is a trap for the careless, and the
//! other marks of an export must hold without it.
//!
//! ```
//! use liuhen_invented::{Generator, belongs_to_nobody};
//! use liuhen_kinds::Kind;
//!
//! let people = Generator::new(7);
//! let person = people.person_at(42);
//! assert_eq!(person, Generator::new(7).person_at(42));
//! assert!(belongs_to_nobody(Kind::RESIDENT_ID, &person.resident_id));
//! assert!(belongs_to_nobody(Kind::MOBILE, &person.mobile));
//! ```
//!
//! A [`Generator`] gives a crowd of one sort; a [`Cast`] gives people who look like those of a
//! table, by counts that a [`Profile`] holds.
//!
//! Same seed, same people, on every machine. Which person stands in which
//! export belongs to `fingerprint` and `service`.

mod generator;
mod identity;
mod nobody;
mod permutation;
mod profile;
mod words;

pub use generator::{Birth, Generator, Person, Sex};
pub use nobody::{belongs_to_nobody, is_invented};
pub use profile::{Cast, Profile, Traits, province_of};
