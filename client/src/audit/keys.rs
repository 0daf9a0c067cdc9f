//! Keys as they are enrolled, and until they are removed.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    entry::{Entry, SignedAct},
    key::{key_id, verify_statement},
};

/// A key that works.
struct Key {
    person: String,
    public: Vec<u8>,
}

/// All of them, by their id.
#[derive(Default)]
pub(super) struct Keys {
    working: HashMap<String, Key>,
    enrolled: u64,
}

impl Keys {
    /// How many were ever enrolled.
    pub(super) fn enrolled(&self) -> u64 {
        self.enrolled
    }

    /// Takes the key of an enrolment. That its holder signed is checked like any statement.
    pub(super) fn enrol(&mut self, entry: &Entry, person: &str) -> Result<(), String> {
        let id = entry.text("key").unwrap_or_default();
        if person != entry.by {
            return Err(format!("{} enrolled a key for {person}", entry.by));
        }
        let public = entry
            .text("public")
            .and_then(|text| STANDARD.decode(text).ok());
        let public = public
            .filter(|public| key_id(public) == id)
            .ok_or("the public key is not the one its id names")?;
        if entry.signed.as_ref().is_some_and(|signed| signed.key != id) {
            return Err(format!(
                "the enrolment of the key {id} is signed with another"
            ));
        }
        let person = person.to_owned();
        let key = Key { person, public };
        if self.working.insert(id.to_owned(), key).is_some() {
            return Err(format!("the key {id} is enrolled a second time"));
        }
        self.enrolled += 1;
        Ok(())
    }

    /// Ends every key of somebody who is removed.
    pub(super) fn remove(&mut self, person: &str) {
        self.working.retain(|_, key| key.person != person);
    }

    /// Whether a key works and is this person's.
    pub(super) fn is_of(&self, id: &str, person: &str) -> bool {
        self.working.get(id).is_some_and(|key| key.person == person)
    }

    /// Who has a key that works.
    pub(super) fn people(&self) -> impl Iterator<Item = &str> {
        self.working.values().map(|key| key.person.as_str())
    }

    /// Checks that the entry's person signed with a key that works.
    pub(super) fn verify(&self, entry: &Entry, signed: &SignedAct) -> Result<(), String> {
        let Some(key) = self.working.get(&signed.key) else {
            return Err(format!(
                "the key {} is not enrolled at this place",
                signed.key
            ));
        };
        if key.person != entry.by {
            return Err(format!("{} acts with the key of {}", entry.by, key.person));
        }
        let signature = STANDARD
            .decode(&signed.signature)
            .map_err(|_| "the signature is damaged")?;
        match verify_statement(&key.public, &signed.text, &signature) {
            true => Ok(()),
            false => Err(format!("the signature of {} does not verify", entry.by)),
        }
    }
}
