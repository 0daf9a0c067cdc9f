//! Credentials: each is that of its grant, and says what the policy lets it say.

use serde_json::{Value, json};

use super::grants::{Active, Grant, Scene};
use crate::entry::Entry;

impl Grant {
    /// Gives a credential.
    pub(super) fn issue(&mut self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        let active = *self.need_active(entry)?;
        scene.incidents.closes_at(&self.incident, entry.at)?;
        self.need_holder(entry)?;
        let number = active.credentials + 1;
        let id = format!("{}.{number}", self.id);
        self.need_pinned(entry, "credential", &id)?;
        self.need_pinned(entry, "audience", &self.audience)?;
        // Certificates are for a key that was made for them.
        if !matches!(entry.text("credential_kind"), Some("ssh" | "x509")) {
            match self.handed {
                None => self.need_pinned(entry, "key", &self.key)?,
                Some(_) => self.need_own_key(entry, scene)?,
            }
        }
        self.need_said(entry, scene)?;
        match entry.time("expires_at") {
            Some(expires) if expires <= active.ends_at => {}
            expires => {
                let expires = expires.map_or_else(|| "no time".to_owned(), |at| at.to_string());
                let ends = active.ends_at;
                return Err(format!(
                    "the credential expires at {expires}, after its grant at {ends}"
                ));
            }
        }
        self.active = Some(Active {
            credentials: number,
            ..active
        });
        Ok(())
    }

    /// Handed over: bound to the laptop of its holder that takes it.
    fn need_own_key(&self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        let key = entry.text("key").unwrap_or_default();
        match scene.people.keys.is_of(key, &self.person) {
            true => Ok(()),
            false => Err(format!(
                "the credential is for the key {key}, which is not enrolled to {}",
                self.person
            )),
        }
    }

    fn need_pinned(&self, entry: &Entry, name: &str, pinned: &str) -> Result<(), String> {
        if entry.text(name) == Some(pinned) {
            return Ok(());
        }
        Err(format!(
            "the credential says `{name}: {}`, and under {} it is {pinned}",
            entry.text(name).unwrap_or("nothing"),
            self.id
        ))
    }

    /// As whom, with which groups: what the policy in force says of this kind of credential.
    fn need_said(&self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        let kind = entry.text("credential_kind").unwrap_or_default();
        let said = scene.policies.said(&self.person, &self.right, kind);
        let Some(said) = said else {
            return Err(format!(
                "the policy in force gives no credential of kind {kind} under {}",
                self.id
            ));
        };
        let nothing = json!({"groups": []});
        let subject = entry.body.get("subject").unwrap_or(&nothing);
        for (name, value) in said.as_object().into_iter().flatten() {
            if subject.get(name) != Some(value) {
                return Err(format!(
                    "the credential says `{name}: {}`, and the policy in force says {value}",
                    subject.get(name).unwrap_or(&Value::Null)
                ));
            }
        }
        Ok(())
    }

    /// It is active, and the credential an entry names was issued under it.
    pub(super) fn need_issued(&self, entry: &Entry) -> Result<(), String> {
        self.need_active(entry)?;
        self.need_issued_once(entry)
    }

    /// The credential an entry names was issued under it, whenever that was.
    pub(super) fn need_issued_once(&self, entry: &Entry) -> Result<(), String> {
        let issued = self.active.map_or(0, |active| active.credentials);
        let named = entry.text("credential").unwrap_or_default();
        let number = named
            .strip_prefix(self.id.as_str())
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|number| number.parse::<u64>().ok());
        match number.is_some_and(|number| (1..=issued).contains(&number)) {
            true => Ok(()),
            false => Err(format!(
                "{} by the credential {named}, which was never issued",
                entry.kind
            )),
        }
    }
}
