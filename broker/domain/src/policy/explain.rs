//! What the policy means, in sentences.

use std::fmt::Write as _;

use super::{IfNobodyAnswers, Person, Policy, Right, Rule};
use crate::id::{PersonId, RightId, RuleName};
use crate::time::Lifetime;

/// Whether somebody can have a right, and the rule that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The right.
    pub right: RightId,
    /// In plain language.
    pub sentence: String,
    /// The rule that gives it, if any.
    pub rule: Option<RuleName>,
    /// Who may approve; empty where none needs to, and where nobody else can.
    pub approvers: Vec<PersonId>,
    /// With whom they must have spoken; empty where no call is needed.
    pub callers: Vec<PersonId>,
    /// Who may approve as well when nobody has answered; empty where it goes to nobody else.
    pub then_approvers: Vec<PersonId>,
    /// The longest a grant may last.
    pub longest: Lifetime,
    /// One sentence that says all of this: "Mia can deploy the shop app for up to 30m; no approval
    /// needed (rule engineers-ship)."
    pub explanation: String,
}

/// What one person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonCan {
    /// Who.
    pub person: PersonId,
    /// What people say.
    pub name: String,
    /// One verdict for each right of the policy.
    pub verdicts: Vec<Verdict>,
    /// What they can do besides, for example "open incidents".
    pub duties: Vec<&'static str>,
}

impl Policy {
    /// What the person can and cannot do; `None` for somebody the policy does not know.
    #[must_use]
    pub fn can(&self, person: &PersonId) -> Option<PersonCan> {
        let known = self.people.get(person)?;
        let verdicts = self
            .rights
            .keys()
            .filter_map(|right| self.verdict(person, right));
        let duties = self.duties.listed().into_iter();
        Some(PersonCan {
            person: person.clone(),
            name: known.name.to_string(),
            verdicts: verdicts.collect(),
            duties: duties
                .filter(|(_, who)| self.selects(who, person))
                .map(|(duty, _)| duty)
                .collect(),
        })
    }

    /// One verdict; `None` where person or right is unknown.
    #[must_use]
    pub fn verdict(&self, person: &PersonId, right: &RightId) -> Option<Verdict> {
        let somebody = self.people.get(person)?;
        let something = self.rights.get(right)?;
        let rule = self.rule_for(person, right);
        let approvers = rule
            .map(|rule| self.approvers(rule, person))
            .unwrap_or_default();
        let explanation = match rule {
            Some(rule) if !rule.call.is_empty() => {
                self.explain_call(person, somebody, something, rule)
            }
            Some(rule) => self.explain((person, somebody), something, rule, &approvers),
            None => format!(
                "{} cannot {}: no rule gives it.",
                somebody.name, something.sentence
            ),
        };
        let callers = rule.map(|rule| self.callers(rule, person));
        let then = rule.map(|rule| self.then_approvers(rule, person));
        Some(Verdict {
            right: right.clone(),
            sentence: something.sentence.to_string(),
            rule: rule.map(|rule| rule.name.clone()),
            approvers,
            callers: callers.unwrap_or_default(),
            then_approvers: then.unwrap_or_default(),
            longest: something.longest,
            explanation,
        })
    }

    /// The whole policy as people would say it: for each person what they can do and cannot, one
    /// sentence a line.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut told = String::from("Everybody named here can read everything and add notes.\n");
        for (id, person) in &self.people {
            let Some(can) = self.can(id) else { continue };
            // Writing to a String cannot fail.
            let _ = write!(told, "\n{} ({id}, {})\n", person.name, person.job);
            for verdict in &can.verdicts {
                let _ = writeln!(told, "  {}", verdict.explanation);
            }
            let _ = writeln!(told, "  {}", besides(&can));
        }
        if let Some(drills) = &self.drills {
            let rights: Vec<_> = drills.rights.iter().map(RightId::as_str).collect();
            let rights = listed(&rights, "and");
            let _ = writeln!(told, "\nA drill unlocks {rights}, and nothing else.");
        }
        told
    }

    fn explain(
        &self,
        (id, Person { name, .. }): (&PersonId, &Person),
        right: &Right,
        rule: &Rule,
        approvers: &[PersonId],
    ) -> String {
        let Right {
            sentence, longest, ..
        } = right;
        let by = format!("(rule {})", rule.name);
        if rule.approvers.is_empty() {
            return format!("{name} can {sentence} for up to {longest}; no approval needed {by}.");
        }
        let alone = match rule.if_nobody_answers {
            IfNobodyAnswers::Deny => None,
            IfNobodyAnswers::SelfGrant { after, longest } => Some((after, longest)),
        };
        let (approvers, then) = self.asked_in_turn(id, rule, approvers);
        if approvers.is_empty() {
            return match alone {
                Some((after, up_to)) => format!(
                    "{name} can {sentence} for up to {up_to}, alone and {after} after asking, \
                     because nobody else may approve it {by}."
                ),
                None => format!(
                    "{name} cannot {sentence}: nobody else may approve it, and nobody approves \
                     their own request {by}."
                ),
            };
        }
        let yes = listed(&self.named(&approvers), "or");
        let whoever = if then.is_empty() {
            "they"
        } else {
            name.as_str()
        };
        let alone = alone.map_or_else(String::new, |(after, up_to)| {
            format!(
                "; if nobody answers within {after} {whoever} may start it alone for up to {up_to}"
            )
        });
        format!("{name} can {sentence} for up to {longest} if {yes} approves{then}{alone} {by}.")
    }
}

impl Policy {
    /// Who is asked first, and in words who is asked after how long: where nobody else is asked first, the
    /// others are at once.
    fn asked_in_turn(
        &self,
        id: &PersonId,
        rule: &Rule,
        approvers: &[PersonId],
    ) -> (Vec<PersonId>, String) {
        let then = self.then_approvers(rule, id);
        match &rule.escalates {
            Some(_) if approvers.is_empty() => (then, String::new()),
            Some(escalates) if !then.is_empty() => {
                let (then, after) = (listed(&self.named(&then), "or"), escalates.after);
                let later = format!(", or {then} after {after} without an answer");
                (approvers.to_vec(), later)
            }
            _ => (approvers.to_vec(), String::new()),
        }
    }

    /// The same for a rule that asks for a call.
    fn explain_call(&self, id: &PersonId, who: &Person, right: &Right, rule: &Rule) -> String {
        let (name, sentence, longest) = (&who.name, &right.sentence, right.longest);
        let by = format!("(rule {})", rule.name);
        let callers = self.named(&self.callers(rule, id));
        let (approvers, then) = self.asked_in_turn(id, rule, &self.approvers(rule, id));
        let approvers = self.named(&approvers);
        if callers.is_empty() {
            return format!(
                "{name} cannot {sentence}: it needs a call, and nobody else could have it {by}."
            );
        }
        if approvers.is_empty() && !rule.approvers.is_empty() {
            return format!(
                "{name} cannot {sentence}: nobody else may approve it, and nobody approves their own \
                 request {by}."
            );
        }
        let yes = match approvers.as_slice() {
            [] => String::new(),
            approvers => format!(" if {} approves{then},", listed(approvers, "or")),
        };

        let call = listed(&callers, "or");
        format!(
            "{name} can {sentence} for up to {longest}{yes} after a call with {call} and a note in \
             the incident {by}."
        )
    }

    fn named(&self, ids: &[PersonId]) -> Vec<&str> {
        let known = ids.iter().filter_map(|id| self.people.get(id));
        known.map(|person| person.name.as_str()).collect()
    }
}

fn besides(can: &PersonCan) -> String {
    if can.duties.is_empty() {
        return format!("{} has no duties besides.", can.name);
    }
    format!("{} can also {}.", can.name, listed(&can.duties, "and"))
}

/// "A", "A or B", "A, B or C".
pub(crate) fn listed(words: &[impl AsRef<str>], last: &str) -> String {
    let mut said = String::new();
    for (index, word) in words.iter().enumerate() {
        let before = match words.len() - index {
            _ if index == 0 => String::new(),
            1 => format!(" {last} "),
            _ => ", ".into(),
        };
        said.push_str(&before);
        said.push_str(word.as_ref());
    }
    said
}
