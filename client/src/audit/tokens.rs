//! Enrolment tokens: made for one person, used once, for a while.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{BROKER, policies::Policies};
use crate::entry::Entry;

/// A token nobody has used yet.
struct Token {
    person: String,
    by: String,
    expires_at: Timestamp,
}

/// All of them, by the hash of their secret.
#[derive(Default)]
pub(super) struct Tokens {
    waiting: HashMap<String, Token>,
    /// Those whose inviter was stopped before anybody used them, with what stopped them.
    withdrawn: HashMap<String, String>,
    ever: HashSet<String>,
}

impl Tokens {
    pub(super) fn invite(&mut self, entry: &Entry, person: &str) -> Result<(), String> {
        let hash = entry.text("token").unwrap_or_default();
        let expires_at = entry.time("expires_at").unwrap_or(entry.at);
        if !self.ever.insert(hash.to_owned()) {
            return Err(format!(
                "the token for {person} was made before: each is new"
            ));
        }
        let token = Token {
            person: person.to_owned(),
            by: entry.by.clone(),
            expires_at,
        };
        self.waiting.insert(hash.to_owned(), token);
        Ok(())
    }

    /// Takes the token of an enrolment, which works no more.
    pub(super) fn redeem(&mut self, entry: &Entry, policies: &Policies) -> Result<(), String> {
        let (person, hash) = (&entry.by, entry.text("token").unwrap_or_default());
        if let Some(stopped) = self.withdrawn.get(hash) {
            return Err(format!(
                "{person} enrols with a token whose maker {stopped}"
            ));
        }
        let Some(token) = self.waiting.remove(hash) else {
            return Err(match self.ever.contains(hash) {
                true => format!("{person} enrols with a token that works no more"),
                false => format!("{person} enrols, and nobody invited them with this token"),
            });
        };
        if token.person != *person {
            return Err(format!(
                "{person} enrols with a token that was made for {}",
                token.person
            ));
        }
        if entry.at >= token.expires_at {
            return Err(format!(
                "{person} enrols with a token that expired at {}",
                token.expires_at
            ));
        }
        if token.by != BROKER && !policies.has_duty("invite", &token.by) {
            return Err(format!(
                "{person} enrols with a token by {}, to whom the policy in force does not give \
                 `invite`",
                token.by
            ));
        }
        Ok(())
    }

    /// Ends the tokens for somebody who is removed.
    pub(super) fn remove(&mut self, person: &str) {
        self.waiting.retain(|_, token| token.person != person);
    }

    /// Ends the tokens by somebody who is stopped.
    pub(super) fn withdraw(&mut self, by: &str, how: &str) {
        let stopped = format!("{by} was {how} before");
        let theirs = self.waiting.extract_if(|_, token| token.by == by);
        let theirs = theirs.map(|(hash, _)| (hash, stopped.clone()));
        self.withdrawn.extend(theirs);
    }

    /// Whose tokens still work at a time.
    pub(super) fn people(&self, at: Timestamp) -> impl Iterator<Item = &str> {
        let works = move |token: &&Token| at < token.expires_at;
        let tokens = self.waiting.values().filter(works);
        tokens.map(|token| token.person.as_str())
    }
}
