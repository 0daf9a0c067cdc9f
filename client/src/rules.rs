//! The policy, read by the very parser that decides on the broker: the one file of the client that
//! names the domain (decision 0002).

use breakglass_domain::{
    Ending, Line, PersonId, RightId, SourceId, TargetId,
    drill::Step,
    policy::{
        Duties, IfNobodyAnswers, Places, Policy, Right, Rule, Selector, Source, WithoutWitnesses,
        access::{KubernetesWay, PostgresWay},
    },
};
use serde_json::{Value, json};

pub use breakglass_domain::{limits::POLICY_MAX, policy::PolicyError as Mistakes};

/// The rules of one policy.
#[derive(Debug, Clone)]
pub struct Rules(Policy);

/// What the rules say of one right for one person. Lengths are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The rule that decides.
    pub rule: String,
    /// In plain language.
    pub sentence: String,
    /// `low` or `high`.
    pub risk: String,
    /// The longest a grant may last.
    pub longest: i64,
    /// Who credentials are for.
    pub audience: String,
    /// Who may say yes; never the person.
    pub approvers: Vec<String>,
    /// Whether the rule asks somebody to approve, be it nobody but the person.
    pub asks: bool,
    /// Whose call it needs; never the person.
    pub callers: Vec<String>,
    /// Whether the rule asks for a call.
    pub calls: bool,
    /// What the person may begin alone if nobody answers.
    pub alone: Option<Alone>,
    /// Who may say yes as well when nobody has answered; never the person, and empty where nobody.
    pub then: Vec<String>,
    /// How long the others have until then, in milliseconds.
    pub then_after: i64,
}

/// A list of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Whom it gives something.
    Who,
    /// Who may say yes.
    Approvers,
    /// Whose call counts.
    Call,
    /// Who may say yes as well when nobody has answered.
    ThenApprovers,
}

/// How long approvers have, and how long it may last then, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alone {
    /// How long approvers have.
    pub after: i64,
    /// The longest it may last.
    pub longest: i64,
}

impl Rules {
    /// Reads a policy; `name` is what mistakes call the file.
    ///
    /// # Errors
    /// Every line that is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self, Mistakes> {
        Policy::parse(name, text).map(Self)
    }

    /// Before any policy was loaded: nobody, nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Policy::nothing())
    }

    /// Whether the person is on the team; for `target:ID` and `source:NAME`, whether the policy has
    /// that target or that alert source.
    #[must_use]
    pub fn knows(&self, who: &str) -> bool {
        if let Some(name) = who.strip_prefix("source:") {
            return self.source(name).is_some();
        }
        let target = |id: TargetId| self.0.targets.contains_key(&id);
        match who.strip_prefix("target:") {
            Some(id) => id.parse().is_ok_and(target),
            None => {
                let person = |id: PersonId| self.0.people.contains_key(&id);
                who.parse().is_ok_and(person)
            }
        }
    }

    /// How long after an alert of a source was resolved its incident stays open, in milliseconds.
    #[must_use]
    pub fn grace(&self, source: &str) -> Option<i64> {
        Some(self.source(source)?.grace.as_millis())
    }

    /// Whether a right can be asked for on the word of an alert source alone.
    #[must_use]
    pub fn unlocks(&self, source: &str, right: &str) -> bool {
        let unlocked = || {
            let id: RightId = right.parse().ok()?;
            Some(self.source(source)?.unlocks(&id, self.0.rights.get(&id)?))
        };
        unlocked().unwrap_or(false)
    }

    fn source(&self, name: &str) -> Option<&Source> {
        let id: SourceId = name.parse().ok()?;
        self.0.sources.get(&id)
    }

    /// What the first rule says that gives the person the right.
    #[must_use]
    pub fn given(&self, person: &str, right: &str) -> Option<Given> {
        let (person, id): (PersonId, RightId) = (person.parse().ok()?, right.parse().ok()?);
        let right = self.0.rights.get(&id)?;
        let rule = self.0.rule_for(&person, &id)?;
        let approvers = self.0.approvers(rule, &person);
        let callers = self.0.callers(rule, &person);
        let then_after = rule.escalates.as_ref().map(|then| then.after.as_millis());
        Some(Given {
            rule: rule.name.to_string(),
            sentence: right.sentence.to_string(),
            risk: right.risk.to_string(),
            longest: right.longest.as_millis(),
            audience: right.audience.to_string(),
            approvers: texts(&approvers),
            asks: !rule.approvers.is_empty(),
            callers: texts(&callers),
            calls: !rule.call.is_empty(),
            alone: match rule.if_nobody_answers {
                IfNobodyAnswers::Deny => None,
                IfNobodyAnswers::SelfGrant { after, longest } => Some(Alone {
                    after: after.as_millis(),
                    longest: longest.as_millis(),
                }),
            },
            then: texts(&self.0.then_approvers(rule, &person)),
            then_after: then_after.unwrap_or_default(),
        })
    }

    /// What a credential of a kind says under a right, by the names of an entry's `subject`; nothing
    /// where the right comes with none of that kind.
    #[must_use]
    pub fn said(&self, person: &str, right: &str, kind: &str) -> Option<Value> {
        let id: RightId = right.parse().ok()?;
        let right = self.0.rights.get(&id)?;
        match kind {
            "jwt" => right
                .has_audience
                .then(|| json!({"groups": texts(right.groups())})),
            "ssh" => right.ssh.as_ref().map(|ssh| {
                json!({
                    "principals": texts(&ssh.principals),
                    "extensions": texts(&ssh.extensions),
                    "source_addresses": texts(&ssh.source_addresses),
                })
            }),
            "x509" => named(right, person),
            "postgres" => {
                let postgres = right.postgres.as_ref();
                let postgres = postgres.filter(|it| it.way == PostgresWay::Role)?;
                Some(json!({
                    "target": postgres.target.to_string(),
                    "member_of": postgres.role.to_string(),
                }))
            }
            _ => None,
        }
    }

    /// Whether a right leads to a target.
    #[must_use]
    pub fn reaches(&self, right: &str, target: &str) -> bool {
        let (Ok(right), Ok(id)) = (right.parse::<RightId>(), target.parse::<TargetId>()) else {
            return false;
        };
        let leads = self.0.rights.get(&right).zip(self.0.targets.get(&id));
        leads.is_some_and(|(right, target)| right.reaches(&id, target))
    }

    /// Whether a drill may unlock a right.
    #[must_use]
    pub fn drills_unlock(&self, right: &str) -> bool {
        let id = right.parse();
        id.is_ok_and(|id| self.0.drills_unlock(&id))
    }

    /// What the steps of a drill are called, in order.
    pub fn drill_steps() -> impl Iterator<Item = &'static str> {
        Step::ALL.iter().map(|step| step.as_str())
    }

    /// How long each step of a drill may take, in milliseconds; nothing where there are no drills.
    #[must_use]
    pub fn drill_budgets(&self) -> Option<Vec<(&'static str, i64)>> {
        let drills = self.0.drills.as_ref()?;
        let budgets = Step::ALL.iter();
        let budgets = budgets.map(|step| (step.as_str(), drills.budget(*step).as_millis()));
        Some(budgets.collect())
    }

    /// Whether the person has a duty, by its name in the file: `open_incidents`.
    #[must_use]
    pub fn has_duty(&self, duty: &str, person: &str) -> bool {
        let Ok(person) = person.parse() else {
            return false;
        };
        let listed = self.0.duties.listed();
        let given = Duties::FIELDS.iter().zip(listed);
        given
            .filter(|(name, _)| **name == duty)
            .any(|(_, (_, who))| self.0.selects(who, &person))
    }

    /// How old an incident gets, in milliseconds.
    #[must_use]
    pub fn incident_longest(&self) -> i64 {
        self.0.incident_longest.as_millis()
    }

    /// How many witnesses have to sign the ledger, and the verifier key of each by its name; nothing
    /// where nobody is asked.
    #[must_use]
    pub fn witnesses(&self) -> Option<(usize, Vec<(String, String)>)> {
        let asked = self.0.witnesses.as_ref()?;
        let keys = asked.keys.iter();
        let keys = keys.map(|(id, vkey)| (id.to_string(), vkey.to_string()));
        Some((asked.need, keys.collect()))
    }

    /// Whether a credential of a right is given only when enough witnesses have signed.
    #[must_use]
    pub fn needs_witnesses(&self, right: &str) -> bool {
        let right = right
            .parse()
            .ok()
            .and_then(|id: RightId| self.0.rights.get(&id));
        let refuses = right.is_some_and(|it| it.without_witnesses == WithoutWitnesses::Refuse);
        refuses && self.0.witnesses.is_some()
    }

    /// How long answers about an incident may be owed, in milliseconds; nothing where for ever.
    #[must_use]
    pub fn review_within(&self) -> Option<i64> {
        self.0.review_within.map(|within| within.as_millis())
    }

    /// The line in which a rule begins, counted from 1.
    #[must_use]
    pub fn line_of_rule(&self, name: &str) -> Option<usize> {
        Places::of(&self.0).rule(name)
    }

    /// The whole text, as it was loaded.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Why a list of a rule means somebody: "`job:engineer` in its `approvers`, and leon's job is engineer";
    /// nothing where it does not.
    #[must_use]
    pub fn why_meant(&self, rule: &str, list: List, who: &str) -> Option<String> {
        let person: PersonId = who.parse().ok()?;
        let job = &self.0.people.get(&person)?.job;
        let rule = self.0.rules.iter().find(|it| it.name.as_str() == rule)?;
        let (name, selectors) = match list {
            List::Who => ("who", &rule.who),
            List::Approvers => ("approvers", &rule.approvers),
            List::Call => ("call", &rule.call),
            List::ThenApprovers => ("then_approvers", &rule.escalates.as_ref()?.to),
        };
        selectors.iter().find_map(|selector| match selector {
            Selector::Person(id) if *id == person => Some(format!("`{id}` stands in its `{name}`")),
            Selector::Job(wanted) if wanted == job => Some(format!(
                "`job:{wanted}` stands in its `{name}`, and that is {who}'s job"
            )),
            _ => None,
        })
    }

    /// Whether a rule asks for a call that nobody but the person could have; nothing where there is no such rule.
    #[must_use]
    pub fn has_nobody_to_call(&self, rule: &str, person: &str) -> Option<bool> {
        let person: PersonId = person.parse().ok()?;
        let rule = self.0.rules.iter().find(|it| it.name.as_str() == rule)?;
        Some(!rule.call.is_empty() && self.0.callers(rule, &person).is_empty())
    }

    /// How bad the words of an alert are, by what the policy says of its source; nothing where it does not.
    #[must_use]
    pub fn severity(&self, source: &str, words: &[&str]) -> Option<String> {
        let words: Result<Vec<Line>, _> = words.iter().map(|word| Line::parse(word)).collect();
        let severity = self.source(source)?.severity.of(&words.ok()?)?;
        Some(severity.to_string())
    }

    /// The rights that somebody may ask for, and how long each lasts, in milliseconds.
    #[must_use]
    pub fn rights_of(&self, person: &str) -> Vec<(String, i64)> {
        let Ok(person) = person.parse::<PersonId>() else {
            return Vec::new();
        };
        let rights = self.0.rights.iter();
        let theirs = rights.filter(|(id, _)| self.0.rule_for(&person, id).is_some());
        let lasts = theirs.map(|(id, right)| (id.to_string(), right.longest.as_millis()));
        lasts.collect()
    }

    /// The rights that are to do what a sentence says.
    #[must_use]
    pub fn rights_to(&self, sentence: &str) -> Vec<String> {
        let rights = self.0.rights.iter();
        let such = rights.filter(|(_, right)| right.sentence.as_str() == sentence);
        such.map(|(id, _)| id.to_string()).collect()
    }

    /// The rules that give a right to somebody.
    #[must_use]
    pub fn rules_for(&self, right: &str) -> Vec<String> {
        let gives = |rule: &&Rule| rule.rights.iter().any(|it| it.as_str() == right);
        let rules = self.0.rules.iter().filter(gives);
        rules.map(|rule| rule.name.to_string()).collect()
    }

    /// Whether there is a right of that id.
    #[must_use]
    pub fn has_right(&self, right: &str) -> bool {
        right
            .parse()
            .is_ok_and(|id: RightId| self.0.rights.contains_key(&id))
    }

    /// How many people, rights and rules there are.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let Policy {
            people,
            rights,
            rules,
            ..
        } = &self.0;
        [people.len(), rights.len(), rules.len()]
    }

    /// What can be loaded and would be strange all the same.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.0.warnings()
    }

    /// For each person, what they can and cannot do, in sentences.
    #[must_use]
    pub fn describe(&self) -> String {
        self.0.describe()
    }
}

/// An ending as refusals tell it, by its word in an entry.
#[must_use]
pub fn ending_in_words(ending: &str) -> Option<&'static str> {
    ending.parse().ok().map(Ending::in_words)
}

/// PostgreSQL takes the common name for the role, and the organization says in which server; Kubernetes
/// takes it for the user, and organizations for its groups.
fn named(right: &Right, person: &str) -> Option<Value> {
    let postgres = right.postgres.as_ref();
    if let Some(postgres) = postgres.filter(|it| it.way == PostgresWay::Certificate) {
        let (target, role) = (&postgres.target, postgres.role.to_string());
        let organization = format!("postgres:{target}:{role}");
        return Some(json!({"common_name": role, "organizations": [organization]}));
    }
    let kubernetes = right.kubernetes.as_ref();
    let kubernetes = kubernetes.filter(|it| it.way == KubernetesWay::Certificate)?;
    Some(json!({"common_name": person, "organizations": texts(&kubernetes.groups)}))
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
