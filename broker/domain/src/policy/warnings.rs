//! What a policy allows and its author may not have meant.

use std::collections::{BTreeMap, BTreeSet};

use super::explain::listed;
use super::nearest::nearest;
use super::{IfNobodyAnswers, Person, Policy, Risk, Rule, Selector};
use crate::id::{PersonId, RightId};

impl Selector {
    fn job(&self) -> Option<&str> {
        match self {
            Self::Person(_) => None,
            Self::Job(job) => Some(job.as_str()),
        }
    }
}

impl Policy {
    /// Sentences about what is allowed but looks like an oversight; none of them stops a load.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        self.warn_of_incidents(&mut warnings);
        self.warn_of_unused_rights(&mut warnings);
        self.warn_of_shared_audiences(&mut warnings);
        for (index, rule) in self.rules.iter().enumerate() {
            self.warn_of_shadows(index, rule, &mut warnings);
            self.warn_of_nobody_to_ask(rule, &mut warnings);
            self.warn_of_nobody_to_call(rule, &mut warnings);
        }
        self.warn_of_namesakes(&mut warnings);
        self.warn_of_sources(&mut warnings);
        self.warn_of_misspelt_jobs(&mut warnings);
        warnings
    }

    fn warn_of_incidents(&self, warnings: &mut Vec<String>) {
        let nobody = |who| !self.people.keys().any(|person| self.selects(who, person));
        if nobody(&self.duties.open_incidents) {
            warnings.push(
                "nobody can open incidents, and without an open one nothing is granted \
                 (`open_incidents` in `[duties]`)"
                    .into(),
            );
        }
        if nobody(&self.duties.close_incidents) {
            warnings.push(format!(
                "nobody can close incidents, so each stays open for {} \
                 (`close_incidents` in `[duties]`)",
                self.incident_longest
            ));
        }
    }

    /// An alert may be false, or made up by whoever has its source's secret.
    fn warn_of_sources(&self, warnings: &mut Vec<String>) {
        for (source, of_source) in &self.sources {
            if of_source.severity.refuses_some() {
                warnings.push(format!(
                    "an alert of `{source}` with another severity, or none, opens nothing and is not \
                     sent again (add `\"*\" = \"sev2\"` to `severity` in `[sources.{source}]`)"
                ));
            }
            for (id, right) in &self.rights {
                if right.risk == Risk::High && of_source.unlocks(id, right) {
                    warnings.push(format!(
                        "an alert of `{source}` alone is enough to ask for `{id}`, a high risk \
                         (`rights` in `[sources.{source}]`)"
                    ));
                }
            }
        }
    }

    fn warn_of_unused_rights(&self, warnings: &mut Vec<String>) {
        for (id, right) in &self.rights {
            if !self.rules.iter().any(|rule| rule.rights.contains(id)) {
                let sentence = &right.sentence;
                warnings.push(format!("nobody can {sentence}: no rule gives `{id}`"));
            }
        }
    }

    /// A target that looks at the audience alone takes a credential of the one for the other.
    fn warn_of_shared_audiences(&self, warnings: &mut Vec<String>) {
        let risky = self
            .rights
            .iter()
            .filter(|(_, right)| right.risk == Risk::High);
        for (high, right) in risky {
            let shared = self
                .rights
                .iter()
                .filter(|(_, other)| other.risk == Risk::Low && other.audience == right.audience);
            let low: Vec<_> = shared.map(|(id, _)| format!("`{id}`")).collect();
            if !low.is_empty() {
                warnings.push(format!(
                    "`{high}` is a high risk and has the audience of {}: a target that does not \
                     look at the claim `right` takes the one for the other",
                    listed(&low, "and")
                ));
            }
        }
    }

    /// Earlier rules that decide what this one gives too.
    fn warn_of_shadows(&self, index: usize, rule: &Rule, warnings: &mut Vec<String>) {
        let mut shadows: BTreeMap<usize, (BTreeSet<&PersonId>, BTreeSet<&RightId>)> =
            BTreeMap::new();
        let mut decides = false;
        for (person, right) in self.given_by(rule) {
            match self.deciding(person, right) {
                Some(above) if above < index => {
                    let (people, rights) = shadows.entry(above).or_default();
                    people.insert(person);
                    rights.insert(right);
                }
                _ => decides = true,
            }
        }
        let name = &rule.name;
        if !decides {
            warnings.push(format!(
                "rule {name} never decides: rules above it give the same people the same rights"
            ));
            return;
        }
        for (above, (people, rights)) in shadows {
            let people: Vec<_> = people.iter().map(|id| id.as_str()).collect();
            let rights: Vec<_> = rights.iter().map(|id| id.as_str()).collect();
            warnings.push(format!(
                "rule {name} does not decide about {} for {}: rule {} stands above it and does",
                listed(&rights, "and"),
                listed(&people, "and"),
                self.rules[above].name,
            ));
        }
    }

    /// People whose only approver would be themselves.
    fn warn_of_nobody_to_ask(&self, rule: &Rule, warnings: &mut Vec<String>) {
        if rule.approvers.is_empty() {
            return;
        }
        let then = match rule.if_nobody_answers {
            IfNobodyAnswers::Deny => "every request lapses".to_owned(),
            IfNobodyAnswers::SelfGrant { after, .. } => {
                format!("the only way is alone, {after} after asking")
            }
        };
        for (id, Person { name, .. }) in &self.people {
            let decides = rule.rights.iter().any(|right| {
                let decides = self.rule_for(id, right);
                decides.is_some_and(|deciding| deciding.name == rule.name)
            });
            let nobody =
                self.approvers(rule, id).is_empty() && self.then_approvers(rule, id).is_empty();
            if decides && nobody {
                warnings.push(format!(
                    "rule {}: nobody but {name} could approve for {name}, so {then}",
                    rule.name
                ));
            }
        }
    }

    /// People who would have to call themselves.
    fn warn_of_nobody_to_call(&self, rule: &Rule, warnings: &mut Vec<String>) {
        if rule.call.is_empty() {
            return;
        }
        for (id, Person { name, .. }) in &self.people {
            let decides = rule.rights.iter().any(|right| {
                let decides = self.rule_for(id, right);
                decides.is_some_and(|deciding| deciding.name == rule.name)
            });
            if decides && self.callers(rule, id).is_empty() {
                warnings.push(format!(
                    "rule {}: nobody but {name} could have the call that {name} needs, so every \
                     request is refused",
                    rule.name
                ));
            }
        }
    }

    fn warn_of_namesakes(&self, warnings: &mut Vec<String>) {
        let mut called: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (id, person) in &self.people {
            let name = person.name.as_str().to_lowercase();
            called.entry(name).or_default().push(id.as_str());
        }
        for ids in called.values().filter(|ids| ids.len() > 1) {
            warnings.push(format!(
                "{} have the same name, and sentences cannot tell them apart",
                listed(ids, "and")
            ));
        }
    }

    /// A job is whatever somebody's is called, so a slip makes a new one, which nothing is given to.
    fn warn_of_misspelt_jobs(&self, warnings: &mut Vec<String>) {
        let named: BTreeSet<_> = self.selectors().filter_map(Selector::job).collect();
        for (id, person) in &self.people {
            let job = person.job.as_str();
            if named.contains(job) {
                continue;
            }
            if let Some(near) = nearest(job, named.iter().copied()) {
                warnings.push(format!(
                    "nothing is given to {id}'s job `{job}`; did you mean `{near}`?"
                ));
            }
        }
    }

    /// Everybody that a rule or a duty names.
    fn selectors(&self) -> impl Iterator<Item = &Selector> {
        let duties = self.duties.listed().into_iter();
        let duties = duties.flat_map(|(_, given_to)| given_to);
        let rules = self
            .rules
            .iter()
            .flat_map(|rule| rule.who.iter().chain(&rule.approvers).chain(&rule.call));
        let later = self.rules.iter().filter_map(|rule| rule.escalates.as_ref());
        let later = later.flat_map(|escalates| &escalates.to);
        rules.chain(later).chain(duties)
    }

    fn given_by<'p>(&'p self, rule: &'p Rule) -> impl Iterator<Item = (&'p PersonId, &'p RightId)> {
        let people = self.people.keys();
        let people = people.filter(|person| self.selects(&rule.who, person));
        people.flat_map(|person| rule.rights.iter().map(move |right| (person, right)))
    }

    /// Which rule decides, counted from the top.
    fn deciding(&self, person: &PersonId, right: &RightId) -> Option<usize> {
        let decides = self.rule_for(person, right)?;
        self.rules.iter().position(|rule| rule.name == decides.name)
    }
}
