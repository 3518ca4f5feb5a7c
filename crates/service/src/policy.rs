//! Decisions: may this caller see these fields of this person, for this purpose, in this view?
//!
//! The policies are Cedar text that the administrator edits; their meaning is Cedar's published semantics (forbid overrides permit, default deny).
//! What a policy may speak of is fixed by `policies/schema.cedarschema`; text that does not fit it is refused before it is stored.
//! Each policy may carry `@id`, `@zh` and `@en`: the name and the reasons shown to whoever is refused.
//! Where the facts of a decision come from (purpose, consent, retention) is the use-cases' business.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision, Effect, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    Policy, PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::caller::{Assurance, Caller, CallerKind};
use crate::error::{Result, ServiceError};
use crate::ids;

/// The policies a new vault begins with.
pub(crate) const DEFAULT: &str = include_str!("../policies/default.cedar");

/// What policies may speak of.
const SCHEMA: &str = include_str!("../policies/schema.cedarschema");

/// What is asked of a person's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The values themselves.
    Plain,
    /// The values with most characters hidden.
    Masked,
    /// Yes or no to a question.
    Answer,
}

/// What the policies are asked about: a view of a record, or its place in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ask {
    View(View),
    Export,
}

impl Ask {
    fn action(self) -> &'static str {
        match self {
            Self::View(View::Plain) => "readPlain",
            Self::View(View::Masked) => "readMasked",
            Self::View(View::Answer) => "answer",
            Self::Export => "export",
        }
    }
}

/// The facts of one decision, beside the caller.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    pub(crate) collection: &'a str,
    pub(crate) objects_marketing: bool,
    pub(crate) purpose: &'a str,
    pub(crate) basis: u8,
    pub(crate) marketing: bool,
    pub(crate) purpose_fields: &'a [String],
    pub(crate) fields: &'a [String],
    /// 1 low … 4 very high.
    pub(crate) level: i64,
    pub(crate) consent: &'static str,
    pub(crate) retention_over: bool,
    pub(crate) count: usize,
}

/// Why something was refused, from the policy that refused it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// The policy's `@id`, or `no-policy-permits`.
    pub policy: String,
    /// The reason in Chinese.
    pub zh: String,
    /// The reason in English.
    pub en: String,
}

/// One policy as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLine {
    /// Its `@id`, or the one Cedar gave it.
    pub id: String,
    /// `permit` or `forbid`.
    pub effect: String,
    /// The reason in Chinese.
    pub zh: String,
    /// The reason in English.
    pub en: String,
}

/// What is wrong with a policy text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyProblem {
    /// Line of the text, counted from one; zero where the checker gives none.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// A parsed, validated set of policies.
pub(crate) struct PolicyBook {
    set: PolicySet,
    authorizer: Authorizer,
    reasons: HashMap<String, Reason>,
    names: Names,
    /// Answers given before; they go with the policies that gave them.
    decided: Mutex<HashMap<Box<[u8]>, BTreeSet<Reason>>>,
    /// SHA-256 of the text, first 16 bytes in hexadecimal.
    pub(crate) version: String,
    pub(crate) text: String,
}

impl std::fmt::Debug for PolicyBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyBook")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Names parsed once: parsing them for every decision would cost more than the decision.
struct Names {
    caller: EntityTypeName,
    record: EntityTypeName,
    actions: HashMap<&'static str, EntityUid>,
}

impl Names {
    fn new() -> Result<Self> {
        let name = |text: &str| {
            EntityTypeName::from_str(text).map_err(|error| ServiceError::Policy(error.to_string()))
        };
        let action = name("Action")?;
        let actions = ["readPlain", "readMasked", "answer", "export"]
            .into_iter()
            .map(|id| {
                (
                    id,
                    EntityUid::from_type_name_and_id(action.clone(), EntityId::new(id)),
                )
            })
            .collect();
        Ok(Self {
            caller: name("Caller")?,
            record: name("Record")?,
            actions,
        })
    }
}

impl PolicyBook {
    /// Parses and validates policy text.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Policy`] with every problem found.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let problems = check(text);
        if !problems.is_empty() {
            let lines: Vec<String> = problems
                .iter()
                .map(|problem| format!("line {}: {}", problem.line, problem.message))
                .collect();
            return Err(ServiceError::Policy(lines.join("; ")));
        }
        let set =
            PolicySet::from_str(text).map_err(|error| ServiceError::Policy(error.to_string()))?;
        let reasons = set
            .policies()
            .map(|policy| (policy.id().to_string(), reason(policy)))
            .collect();
        let version = ids::hex(
            Sha256::digest(text.as_bytes())
                .get(..16)
                .unwrap_or_default(),
        );
        Ok(Self {
            set,
            authorizer: Authorizer::new(),
            reasons,
            names: Names::new()?,
            decided: Mutex::default(),
            version,
            text: text.to_owned(),
        })
    }

    /// The policies, in the order of their ids.
    pub(crate) fn lines(&self) -> Vec<PolicyLine> {
        let mut lines: Vec<PolicyLine> = self
            .set
            .policies()
            .map(|policy| {
                let Reason { policy: id, zh, en } = reason(policy);
                let effect = match policy.effect() {
                    Effect::Permit => "permit",
                    Effect::Forbid => "forbid",
                };
                PolicyLine {
                    id,
                    effect: effect.to_owned(),
                    zh,
                    en,
                }
            })
            .collect();
        lines.sort_by(|a, b| a.id.cmp(&b.id));
        lines
    }

    /// Decides one question. Empty reasons mean yes.
    ///
    /// An error while a policy is evaluated counts as a refusal: with it, a forbid might have applied.
    pub(crate) fn decide(
        &self,
        caller: &Caller,
        ask: Ask,
        facts: &Facts<'_>,
    ) -> Result<BTreeSet<Reason>> {
        let question = Question::new(caller, ask, facts);
        let key = question.key();
        if let Some(known) = self.decided.lock().get(key.as_slice()) {
            return Ok(known.clone());
        }
        let (request, entities) = self.request(&question)?;
        let response = self
            .authorizer
            .is_authorized(&request, &self.set, &entities);
        let diagnostics = response.diagnostics();
        let failed = diagnostics.errors().count();
        if failed > 0 {
            tracing::warn!(policies = %self.version, errors = failed, "a policy could not be evaluated");
            return Ok(BTreeSet::from([evaluation_failed()]));
        }
        let mut reasons = BTreeSet::new();
        if response.decision() != Decision::Allow {
            reasons.extend(
                diagnostics
                    .reason()
                    .filter_map(|id| self.reasons.get(&id.to_string()).cloned()),
            );
            if reasons.is_empty() {
                reasons.insert(nothing_permits());
            }
        }
        let mut decided = self.decided.lock();
        if decided.len() >= DECIDED_AT_MOST {
            decided.clear();
        }
        decided.insert(key.into(), reasons.clone());
        Ok(reasons)
    }

    fn request(&self, question: &Question<'_>) -> Result<(Request, Entities)> {
        let failed = |error: &dyn std::fmt::Display| ServiceError::Policy(error.to_string());
        let entity = |kind: &EntityTypeName, id: &str, attributes: &[Attribute<'_>]| {
            let uid = EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id));
            Entity::new(uid.clone(), pairs(attributes).collect(), HashSet::new())
                .map(|entity| (uid, entity))
                .map_err(|error| failed(&error))
        };
        let (principal, caller) = entity(&self.names.caller, question.principal, &question.caller)?;
        let (resource, record) = entity(&self.names.record, "asked", &question.record)?;
        let action = self
            .names
            .actions
            .get(question.action)
            .cloned()
            .ok_or(ServiceError::Damaged("action table"))?;
        let entities =
            Entities::from_entities([caller, record], None).map_err(|error| failed(&error))?;
        let context =
            Context::from_pairs(pairs(&question.context)).map_err(|error| failed(&error))?;
        let request = Request::new(principal, action, resource, context, None)
            .map_err(|error| failed(&error))?;
        Ok((request, entities))
    }
}

/// How many decisions one set of policies remembers. Answers repeat: a counter clerk asks the same question of every patient.
const DECIDED_AT_MOST: usize = 8192;

/// Everything one decision depends on, and nothing else: what Cedar sees is built from this, and so is the key under which the answer is remembered.
struct Question<'a> {
    principal: &'a str,
    action: &'static str,
    caller: [Attribute<'a>; 4],
    record: [Attribute<'a>; 2],
    context: [Attribute<'a>; 9],
}

/// A named attribute of the schema and its value.
type Attribute<'a> = (&'static str, Value<'a>);

enum Value<'a> {
    Text(&'a str),
    Long(i64),
    Bool(bool),
    Set(Vec<&'a str>),
}

impl<'a> Question<'a> {
    fn new(caller: &'a Caller, ask: Ask, facts: &Facts<'a>) -> Self {
        use Value::{Bool, Long, Set, Text};
        let names = |names: &'a [String]| Set(names.iter().map(String::as_str).collect());
        Self {
            principal: &caller.id,
            action: ask.action(),
            caller: [
                (
                    "roles",
                    Set(caller.roles.iter().map(|role| role.name()).collect()),
                ),
                ("kind", Text(kind_name(caller.kind))),
                ("assurance", Long(assurance_level(caller.assurance))),
                ("site", Text(caller.site.as_deref().unwrap_or_default())),
            ],
            record: [
                ("collection", Text(facts.collection)),
                ("objectsMarketing", Bool(facts.objects_marketing)),
            ],
            context: [
                ("purpose", Text(facts.purpose)),
                ("basis", Long(i64::from(facts.basis))),
                ("marketing", Bool(facts.marketing)),
                ("purposeFields", names(facts.purpose_fields)),
                ("fields", names(facts.fields)),
                ("level", Long(facts.level)),
                ("consent", Text(facts.consent)),
                ("retentionOver", Bool(facts.retention_over)),
                (
                    "count",
                    Long(i64::try_from(facts.count).unwrap_or(i64::MAX)),
                ),
            ],
        }
    }

    /// An injective encoding: every text is preceded by its length, and the order is fixed.
    fn key(&self) -> Vec<u8> {
        fn text(key: &mut Vec<u8>, text: &str) {
            key.extend_from_slice(&text.len().to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
        let mut key = Vec::with_capacity(512);
        text(&mut key, self.principal);
        text(&mut key, self.action);
        let attributes = self.caller.iter().chain(&self.record).chain(&self.context);
        for (_, value) in attributes {
            match value {
                Value::Text(value) => text(&mut key, value),
                Value::Long(value) => key.extend_from_slice(&value.to_le_bytes()),
                Value::Bool(value) => key.push(u8::from(*value)),
                Value::Set(values) => {
                    key.extend_from_slice(&values.len().to_le_bytes());
                    values.iter().for_each(|value| text(&mut key, value));
                }
            }
        }
        key
    }
}

impl Value<'_> {
    fn expression(&self) -> RestrictedExpression {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        match self {
            Self::Text(value) => text(value),
            Self::Long(value) => RestrictedExpression::new_long(*value),
            Self::Bool(value) => RestrictedExpression::new_bool(*value),
            Self::Set(values) => {
                RestrictedExpression::new_set(values.iter().map(|value| text(value)))
            }
        }
    }
}

fn pairs(attributes: &[Attribute<'_>]) -> impl Iterator<Item = (String, RestrictedExpression)> {
    attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.expression()))
}

fn kind_name(kind: CallerKind) -> &'static str {
    match kind {
        CallerKind::Staff => "staff",
        CallerKind::Service => "service",
        CallerKind::Person => "person",
        CallerKind::Local => "local",
    }
}

fn assurance_level(assurance: Assurance) -> i64 {
    match assurance {
        Assurance::Password => 1,
        Assurance::Key => 2,
        Assurance::TwoFactor => 3,
    }
}

/// What is wrong with `text`, by Cedar's parser and strict validation against the schema.
pub(crate) fn check(text: &str) -> Vec<PolicyProblem> {
    let set = match PolicySet::from_str(text) {
        Ok(set) => set,
        Err(errors) => {
            return errors
                .iter()
                .map(|error| PolicyProblem {
                    line: line_of(text, error),
                    message: error.to_string(),
                })
                .collect();
        }
    };
    let schema = match Schema::from_cedarschema_str(SCHEMA) {
        Ok((schema, _warnings)) => schema,
        Err(error) => {
            return vec![PolicyProblem {
                line: 0,
                message: error.to_string(),
            }];
        }
    };
    let mut problems = missing_names(&set);
    problems.extend(
        Validator::new(schema)
            .validate(&set, ValidationMode::default())
            .validation_errors()
            .map(|error| PolicyProblem {
                line: line_of(text, error),
                message: error.to_string(),
            }),
    );
    problems
}

/// A policy without a name cannot be cited to whoever it refuses.
fn missing_names(set: &PolicySet) -> Vec<PolicyProblem> {
    set.policies()
        .filter(|policy| policy.annotation("id").is_none_or(str::is_empty))
        .map(|_| PolicyProblem {
            line: 0,
            message: "every policy needs a name: @id(\"…\") above it".to_owned(),
        })
        .collect()
}

fn line_of(text: &str, error: &dyn miette::Diagnostic) -> u32 {
    let first = error.labels().and_then(|mut labels| labels.next());
    first.map_or(0, |label| {
        let before = text.get(..label.offset().min(text.len())).unwrap_or(text);
        u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
    })
}

fn reason(policy: &Policy) -> Reason {
    let annotation = |key: &str| policy.annotation(key).unwrap_or_default().to_owned();
    let id = policy
        .annotation("id")
        .map_or_else(|| policy.id().to_string(), ToOwned::to_owned);
    let (zh, en) = (annotation("zh"), annotation("en"));
    Reason {
        zh: if zh.is_empty() {
            format!("策略“{id}”")
        } else {
            zh
        },
        en: if en.is_empty() {
            format!("policy “{id}”")
        } else {
            en
        },
        policy: id,
    }
}

fn nothing_permits() -> Reason {
    Reason {
        policy: "no-policy-permits".to_owned(),
        zh: "没有策略允许这样查看".to_owned(),
        en: "no policy permits this".to_owned(),
    }
}

fn evaluation_failed() -> Reason {
    Reason {
        policy: "policy-failed".to_owned(),
        zh: "有策略无法求值，按拒绝处理".to_owned(),
        en: "a policy could not be evaluated, which counts as a refusal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(fields: &'a [String], purpose_fields: &'a [String]) -> Facts<'a> {
        Facts {
            collection: "patients",
            objects_marketing: false,
            purpose: "care",
            basis: 2,
            marketing: false,
            purpose_fields,
            fields,
            level: 3,
            consent: "none",
            retention_over: false,
            count: 1,
        }
    }

    #[test]
    fn default_policies() {
        let book = PolicyBook::parse(DEFAULT).unwrap();
        let caller = Caller::local();
        let two = ["name".to_owned(), "mobile".to_owned()];
        let one = ["name".to_owned()];
        let plain = Ask::View(View::Plain);
        let rows: [(&str, Ask, Facts<'_>, Option<&str>); 7] = [
            ("within the purpose", plain, facts(&one, &two), None),
            (
                "beyond the purpose",
                plain,
                facts(&two, &one),
                Some("fields-within-purpose"),
            ),
            (
                "consent missing",
                plain,
                Facts {
                    basis: 1,
                    ..facts(&one, &two)
                },
                Some("consent-needed"),
            ),
            (
                "consent given",
                plain,
                Facts {
                    basis: 1,
                    consent: "given",
                    ..facts(&one, &two)
                },
                None,
            ),
            (
                "marketing, objected",
                Ask::View(View::Masked),
                Facts {
                    marketing: true,
                    objects_marketing: true,
                    ..facts(&one, &two)
                },
                Some("objection-to-marketing"),
            ),
            (
                "retention over",
                Ask::Export,
                Facts {
                    retention_over: true,
                    ..facts(&one, &two)
                },
                Some("retention-over"),
            ),
            (
                "many at once",
                plain,
                Facts {
                    count: 51,
                    ..facts(&one, &two)
                },
                Some("many-at-once-only-masked"),
            ),
        ];
        for (name, ask, facts, refused_by) in rows {
            let reasons = book.decide(&caller, ask, &facts).unwrap();
            let first = reasons.first().map(|reason| reason.policy.as_str());
            assert_eq!(first, refused_by, "{name}");
        }
    }

    #[test]
    fn refuses_a_caller_without_the_role() {
        let book = PolicyBook::parse(DEFAULT).unwrap();
        let mut caller = Caller::local();
        caller.roles.clear();
        let fields = ["name".to_owned()];
        let reasons = book
            .decide(&caller, Ask::View(View::Masked), &facts(&fields, &fields))
            .unwrap();
        assert_eq!(reasons.first().unwrap().policy, "no-policy-permits");
    }

    #[test]
    fn remembers_answers_by_everything_they_depend_on() {
        let caller = Caller::local();
        let (ab, a_b) = (["ab".to_owned()], ["a".to_owned(), "b".to_owned()]);
        let base = || facts(&ab, &ab);
        let plain = Ask::View(View::Plain);
        let elsewhere = Caller {
            site: Some("shop".to_owned()),
            ..Caller::local()
        };
        let other = Caller {
            id: "other".to_owned(),
            ..Caller::local()
        };
        let mut roleless = Caller::local();
        roleless.roles.clear();
        let asked: [(&Caller, Ask, Facts<'_>); 16] = [
            (&caller, plain, base()),
            (&elsewhere, plain, base()),
            (&other, plain, base()),
            (&roleless, plain, base()),
            (&caller, Ask::Export, base()),
            (&caller, plain, facts(&a_b, &ab)),
            (&caller, plain, facts(&ab, &a_b)),
            (
                &caller,
                plain,
                Facts {
                    collection: "b",
                    ..base()
                },
            ),
            (
                &caller,
                plain,
                Facts {
                    objects_marketing: true,
                    ..base()
                },
            ),
            (
                &caller,
                plain,
                Facts {
                    purpose: "b",
                    ..base()
                },
            ),
            (&caller, plain, Facts { basis: 1, ..base() }),
            (
                &caller,
                plain,
                Facts {
                    marketing: true,
                    ..base()
                },
            ),
            (&caller, plain, Facts { level: 4, ..base() }),
            (
                &caller,
                plain,
                Facts {
                    consent: "given",
                    ..base()
                },
            ),
            (
                &caller,
                plain,
                Facts {
                    retention_over: true,
                    ..base()
                },
            ),
            (
                &caller,
                plain,
                Facts {
                    count: 51,
                    ..base()
                },
            ),
        ];
        let book = PolicyBook::parse(DEFAULT).unwrap();
        for (n, (caller, ask, facts)) in asked.iter().enumerate() {
            let first = book.decide(caller, *ask, facts).unwrap();
            assert_eq!(book.decided.lock().len(), n + 1, "question {n} is its own");
            assert_eq!(book.decide(caller, *ask, facts).unwrap(), first);
            assert_eq!(
                book.decided.lock().len(),
                n + 1,
                "question {n} is remembered"
            );
        }
    }

    #[test]
    fn refuses_policies_that_do_not_fit_the_schema() {
        let rows = [
            ("not Cedar", "permit (", 1),
            (
                "unknown attribute",
                "@id(\"a\")\npermit (principal, action, resource)\nwhen { context.weather == 1 };",
                3,
            ),
            ("no name", "permit (principal, action, resource);", 0),
            (
                "comparing text with a number",
                "@id(\"a\")\npermit (principal, action, resource) when { context.purpose < 3 };",
                2,
            ),
        ];
        for (name, text, line) in rows {
            let problems = check(text);
            assert!(!problems.is_empty(), "{name}");
            assert_eq!(problems[0].line, line, "{name}: {problems:?}");
        }
    }
}
