//! People, and the guards of targets: who may act at all, and how they come, stop and go.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{BROKER, freezes::Freezes, keys::Keys, policies::Policies, tokens::Tokens};
use crate::entry::Entry;

/// What is known of everybody.
#[derive(Default)]
pub(super) struct People {
    pub(super) keys: Keys,
    tokens: Tokens,
    freezes: Freezes,
}

impl People {
    /// What has to be known before the entry's statement can be checked: the key that it enrols.
    pub(super) fn arrive(&mut self, entry: &Entry, policies: &Policies) -> Result<(), String> {
        if !matches!(entry.kind.as_str(), "person.enrolled" | "target.enrolled") {
            return Ok(());
        }
        self.tokens.redeem(entry, policies)?;
        self.keys.enrol(entry, &subject(entry))
    }

    /// Whether the person could answer: a key of theirs works, and they are not frozen.
    pub(super) fn is_there(&self, person: &str) -> bool {
        self.keys.people().any(|known| known == person) && !self.freezes.holds(person)
    }

    /// Whoever acts is on the team and not frozen. That they have a key shows in what they sign, and in
    /// the grant they have.
    pub(super) fn may_act(&self, entry: &Entry, policies: &Policies) -> Result<(), String> {
        let by = entry.by.as_str();
        if by == BROKER {
            return Ok(());
        }
        if self.freezes.holds(by) {
            return Err(format!("{by} is frozen, and {} is by them", entry.kind));
        }
        if !policies.know(by) {
            return Err(format!(
                "{by} is not in the policy in force, and {} is by them",
                entry.kind
            ));
        }
        Ok(())
    }

    /// Checks and folds what happens to people.
    pub(super) fn take(&mut self, entry: &Entry, policies: &Policies) -> Result<(), String> {
        let person = subject(entry);
        let person = person.as_str();
        let may = |duty| policies.need_duty(duty, entry);
        match entry.kind.as_str() {
            "person.invited" | "target.invited" => {
                may("invite")?;
                if !policies.know(person) {
                    return Err(format!("{person} is invited and not in the policy"));
                }
                self.tokens.invite(entry, person)
            }
            "certificate.renewed" | "target.renewed" => self.renew(entry, person),
            "person.removed" | "target.removed" => {
                may("invite")?;
                if entry.by == BROKER && policies.know(person) {
                    return Err(format!(
                        "{person} is removed by the broker, and the policy in force names them"
                    ));
                }
                self.keys.remove(person);
                self.tokens.remove(person);
                self.tokens.withdraw(person, "removed");
                Ok(())
            }
            "person.frozen" => {
                if entry.by != person {
                    may("freeze")?;
                }
                self.tokens.withdraw(person, "frozen");
                self.freezes.freeze(person)
            }
            "person.unfrozen" => {
                may("freeze")?;
                self.freezes.lift(person)
            }
            "ledger.exported" => may("export_ledger"),
            _ => Ok(()),
        }
    }

    fn renew(&self, entry: &Entry, person: &str) -> Result<(), String> {
        let key = entry.text("key").unwrap_or_default();
        if person != entry.by || !self.keys.is_of(key, person) {
            return Err(format!(
                "{} renews a certificate of a key that is not theirs",
                entry.by
            ));
        }
        Ok(())
    }

    /// Somebody with a key or a token whom the policy does not know.
    pub(super) fn stranger(&self, at: Timestamp, policies: &Policies) -> Option<&str> {
        let people: BTreeSet<_> = self.keys.people().chain(self.tokens.people(at)).collect();
        people.into_iter().find(|person| !policies.know(person))
    }
}

/// Whom an entry is about: a person, or `target:ID` for the guard of a target.
fn subject(entry: &Entry) -> String {
    match entry.text("target") {
        Some(target) if entry.kind.starts_with("target.") => format!("target:{target}"),
        _ => entry.text("person").unwrap_or_default().to_owned(),
    }
}
