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
        let (request, entities) = self.question(caller, ask, facts)?;
        let response = self
            .authorizer
            .is_authorized(&request, &self.set, &entities);
        let diagnostics = response.diagnostics();
        let failed: Vec<String> = diagnostics.errors().map(ToString::to_string).collect();
        if !failed.is_empty() {
            tracing::warn!(policies = %self.version, errors = failed.len(), "a policy could not be evaluated");
            return Ok(BTreeSet::from([evaluation_failed()]));
        }
        if response.decision() == Decision::Allow {
            return Ok(BTreeSet::new());
        }
        let named: BTreeSet<Reason> = diagnostics
            .reason()
            .filter_map(|id| self.reasons.get(&id.to_string()).cloned())
            .collect();
        Ok(if named.is_empty() {
            BTreeSet::from([nothing_permits()])
        } else {
            named
        })
    }

    fn question(
        &self,
        caller: &Caller,
        ask: Ask,
        facts: &Facts<'_>,
    ) -> Result<(Request, Entities)> {
        let principal =
            EntityUid::from_type_name_and_id(self.names.caller.clone(), EntityId::new(&caller.id));
        let resource =
            EntityUid::from_type_name_and_id(self.names.record.clone(), EntityId::new("asked"));
        let action = self
            .names
            .actions
            .get(ask.action())
            .cloned()
            .ok_or(ServiceError::Damaged("action table"))?;
        let failed = |error: &dyn std::fmt::Display| ServiceError::Policy(error.to_string());
        let caller_entity =
            Entity::new(principal.clone(), caller_attributes(caller), HashSet::new())
                .map_err(|error| failed(&error))?;
        let record_entity = Entity::new(resource.clone(), record_attributes(facts), HashSet::new())
            .map_err(|error| failed(&error))?;
        let entities = Entities::from_entities([caller_entity, record_entity], None)
            .map_err(|error| failed(&error))?;
        let context = Context::from_pairs(context(facts)).map_err(|error| failed(&error))?;
        let request = Request::new(principal, action, resource, context, None)
            .map_err(|error| failed(&error))?;
        Ok((request, entities))
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
        zh: "有策略无法求值,按拒绝处理".to_owned(),
        en: "a policy could not be evaluated, which counts as a refusal".to_owned(),
    }
}

fn strings<'a>(items: impl IntoIterator<Item = &'a str>) -> RestrictedExpression {
    RestrictedExpression::new_set(
        items
            .into_iter()
            .map(|item| RestrictedExpression::new_string(item.to_owned())),
    )
}

fn caller_attributes(caller: &Caller) -> HashMap<String, RestrictedExpression> {
    let kind = match caller.kind {
        CallerKind::Staff => "staff",
        CallerKind::Service => "service",
        CallerKind::Person => "person",
        CallerKind::Local => "local",
    };
    let assurance = match caller.assurance {
        Assurance::Password => 1,
        Assurance::Key => 2,
        Assurance::TwoFactor => 3,
    };
    HashMap::from([
        (
            "roles".to_owned(),
            strings(caller.roles.iter().map(|role| role.name())),
        ),
        (
            "kind".to_owned(),
            RestrictedExpression::new_string(kind.to_owned()),
        ),
        (
            "assurance".to_owned(),
            RestrictedExpression::new_long(assurance),
        ),
        (
            "site".to_owned(),
            RestrictedExpression::new_string(caller.site.clone().unwrap_or_default()),
        ),
    ])
}

fn record_attributes(facts: &Facts<'_>) -> HashMap<String, RestrictedExpression> {
    HashMap::from([
        (
            "collection".to_owned(),
            RestrictedExpression::new_string(facts.collection.to_owned()),
        ),
        (
            "objectsMarketing".to_owned(),
            RestrictedExpression::new_bool(facts.objects_marketing),
        ),
    ])
}

fn context(facts: &Facts<'_>) -> Vec<(String, RestrictedExpression)> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let fields = |names: &[String]| strings(names.iter().map(String::as_str));
    let count = i64::try_from(facts.count).unwrap_or(i64::MAX);
    vec![
        ("purpose".to_owned(), text(facts.purpose)),
        (
            "basis".to_owned(),
            RestrictedExpression::new_long(i64::from(facts.basis)),
        ),
        (
            "marketing".to_owned(),
            RestrictedExpression::new_bool(facts.marketing),
        ),
        ("purposeFields".to_owned(), fields(facts.purpose_fields)),
        ("fields".to_owned(), fields(facts.fields)),
        (
            "level".to_owned(),
            RestrictedExpression::new_long(facts.level),
        ),
        ("consent".to_owned(), text(facts.consent)),
        (
            "retentionOver".to_owned(),
            RestrictedExpression::new_bool(facts.retention_over),
        ),
        ("count".to_owned(), RestrictedExpression::new_long(count)),
    ]
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
