//! Words and deeds: which entries a statement led to, and that each says what was signed.
//!
//! One act may lead to several entries, next to each other with the same time; the statement stands
//! on the first.

use std::collections::HashSet;

use breakglass_proto::statement::{Act, NONCE_LEN, Statement};
use jiff::Timestamp;
use serde_json::Value;

use super::keys::Keys;
use crate::entry::{Entry, SignedAct};

/// The broker by itself, or its operator on its host.
const BROKER: &str = "breakglass";

/// A refusal: it may bear the very statement that was no good.
const REFUSED: &str = "refused";

/// The act the entries just read belong to.
pub(super) struct Current {
    pub(super) act: Act,
    by: String,
    at: Timestamp,
}

/// Statements made so far.
pub(super) struct Acts {
    origin: String,
    current: Option<Current>,
    nonces: HashSet<[u8; NONCE_LEN]>,
    verified: u64,
    not_understood: u64,
}

impl Acts {
    pub(super) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            current: None,
            nonces: HashSet::new(),
            verified: 0,
            not_understood: 0,
        }
    }

    pub(super) fn verified(&self) -> u64 {
        self.verified
    }

    pub(super) fn not_understood(&self) -> u64 {
        self.not_understood
    }

    /// The act of the entry read last, where it belongs to one.
    pub(super) fn current(&self) -> Option<&Act> {
        self.current.as_ref().map(|current| &current.act)
    }

    pub(super) fn check(&mut self, entry: &Entry, keys: &Keys) -> Result<(), String> {
        if entry.kind == REFUSED {
            self.current = None;
            return Ok(());
        }
        let is_known = is_known(&entry.kind);
        self.not_understood += u64::from(!is_known);
        match &entry.signed {
            Some(signed) => self.begin(entry, signed, keys)?,
            None if self
                .current
                .as_ref()
                .is_some_and(|current| current.goes_on(entry)) => {}
            None => self.current = None,
        }
        match &self.current {
            _ if !is_known => Ok(()),
            Some(current) => check_words(&current.act, entry),
            None if needs_statement(entry) => Err(format!(
                "{} by {} bears no statement of theirs",
                entry.kind, entry.by
            )),
            None => Ok(()),
        }
    }

    fn begin(&mut self, entry: &Entry, signed: &SignedAct, keys: &Keys) -> Result<(), String> {
        let statement = keys.verify(entry, signed)?;
        self.check_meant(entry, signed, &statement)?;
        if is_known(&entry.kind) && !leads_to(&statement.act, entry, true) {
            return Err(format!(
                "`{}` was signed, {} recorded",
                statement.act.name(),
                entry.kind
            ));
        }
        if !self.nonces.insert(statement.nonce) {
            return Err("the statement was used before".to_owned());
        }
        self.verified += 1;
        let (act, by, at) = (statement.act, entry.by.clone(), entry.at);
        self.current = Some(Current { act, by, at });
        Ok(())
    }

    /// The statement is for this ledger and by whom the entry says; what is repeated of it agrees.
    fn check_meant(
        &self,
        entry: &Entry,
        signed: &SignedAct,
        statement: &Statement,
    ) -> Result<(), String> {
        // Who enrols does not know yet which ledger it is and whom the token names.
        let enrols = matches!(statement.act, Act::Enroll { .. });
        let (origin, by) = if enrols {
            ("", "")
        } else {
            (self.origin.as_str(), &*entry.by)
        };
        if statement.origin != origin {
            return Err(format!(
                "the statement is meant for the ledger `{}`",
                statement.origin
            ));
        }
        if statement.by != by {
            return Err(format!(
                "{} acts on a statement of `{}`",
                entry.by, statement.by
            ));
        }
        if signed.at.is_some_and(|at| at != statement.at) {
            return Err("the statement's time is repeated wrongly".to_owned());
        }
        let nonce = signed
            .text
            .lines()
            .last()
            .and_then(|line| line.strip_prefix("nonce: "));
        if signed.nonce.is_some() && signed.nonce.as_deref() != nonce {
            return Err("the statement's nonce is repeated wrongly".to_owned());
        }
        Ok(())
    }
}

impl Current {
    /// Whether an entry without a statement of its own is of the same act. One that needs none may
    /// stand there by chance, within the same millisecond: it is of the act if it says the same.
    fn goes_on(&self, entry: &Entry) -> bool {
        let is_theirs = entry.by == self.by || entry.by == BROKER;
        entry.at == self.at
            && is_theirs
            && leads_to(&self.act, entry, false)
            && (needs_statement(entry) || check_words(&self.act, entry).is_ok())
    }
}

/// Whether an act leads to such an entry; `first` is the one that bears the statement.
fn leads_to(act: &Act, entry: &Entry, first: bool) -> bool {
    let kind = entry.kind.as_str();
    let ends_by = |ending| kind == "grant.ended" && entry.text("ending") == Some(ending);
    let starts_by = |basis| kind == "grant.started" && entry.text("basis") == Some(basis);
    match act {
        Act::Enroll { .. } => first && kind == "person.enrolled",
        Act::OpenIncident { .. } => first && kind == "incident.opened",
        Act::Note { .. } => first && kind == "incident.noted",
        Act::CloseIncident { .. } => kind == "incident.closed" || ends_by("incident-closed"),
        Act::Request { .. } => match first {
            true => kind == "grant.requested",
            false => starts_by("fast-path") || kind == "credential.issued",
        },
        Act::Approve { .. } => first && starts_by("approved"),
        Act::SelfGrant { .. } => first && starts_by("self-granted"),
        Act::Deny { .. } => first && ends_by("denied"),
        Act::Drop { .. } => first && ends_by("dropped"),
        Act::Revoke { .. } => first && ends_by("revoked"),
        Act::Extend { .. } => first && kind == "grant.extended",
        Act::Freeze { .. } => kind == "person.frozen" || ends_by("person-frozen"),
        Act::Unfreeze { .. } => first && kind == "person.unfrozen",
        Act::Invite { .. } => first && kind == "person.invited",
        Act::InviteTarget { .. } => first && kind == "target.invited",
        Act::RemovePerson { .. } => kind == "person.removed" || ends_by("person-left"),
    }
}

/// Whether an entry is something only a person can do, and only by signing. What the broker may do
/// by itself (closing an old incident, ending what ran out) is not.
fn needs_statement(entry: &Entry) -> bool {
    match (entry.kind.as_str(), entry.by.as_str()) {
        // Made by the operator on the broker's host, or at the end of an incident's time.
        ("person.invited" | "person.unfrozen" | "incident.closed", BROKER) => false,
        ("grant.started", _) => true,
        ("grant.ended", BROKER) => {
            matches!(entry.text("ending"), Some("denied" | "dropped" | "revoked"))
        }
        (kind, _) => matches!(
            kind,
            "person.enrolled"
                | "person.invited"
                | "person.removed"
                | "person.frozen"
                | "person.unfrozen"
                | "incident.opened"
                | "incident.noted"
                | "incident.closed"
                | "grant.requested"
                | "grant.extended"
                | "grant.ended"
        ),
    }
}

/// Every line of the statement that the entry repeats says the same there.
fn check_words(act: &Act, entry: &Entry) -> Result<(), String> {
    for (name, value) in words(act) {
        if let Some(recorded) = entry.text(name).filter(|recorded| *recorded != value) {
            return Err(format!(
                "`{name}: {value}` was signed, and {recorded} recorded"
            ));
        }
    }
    let differs = |name: &str, signed: Value| {
        entry
            .body
            .get(name)
            .filter(|recorded| **recorded != signed)
            .map(|recorded| format!("`{name}` was signed as {signed}, and {recorded} recorded"))
    };
    let wrong = match act {
        Act::Request { length, held, .. } => {
            let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
            differs("length_ms", millis.into()).or_else(|| differs("held", (*held).into()))
        }
        Act::Approve { until, .. } => entry
            .time("ends_at")
            .filter(|ends_at| ends_at > until)
            .map(|ends_at| format!("yes was said until {until}, and it ends at {ends_at}")),
        _ => None,
    };
    wrong.map_or(Ok(()), Err)
}

/// What an act says and its entries repeat, by the entries' names.
fn words(act: &Act) -> Vec<(&'static str, &str)> {
    match act {
        Act::Enroll {
            token_sha256,
            key,
            device,
        } => {
            vec![("token", token_sha256), ("key", key), ("device", device)]
        }
        Act::OpenIncident { severity, title } => vec![("severity", severity), ("title", title)],
        Act::Note { incident, text } => vec![("incident", incident), ("text", text)],
        Act::CloseIncident { incident, reason } => vec![("incident", incident), ("reason", reason)],
        Act::Request {
            right,
            sentence,
            incident,
            reason,
            ..
        } => vec![
            ("right", right),
            ("sentence", sentence),
            ("incident", incident),
            ("reason", reason),
        ],
        Act::Approve {
            grant,
            incident,
            requester,
            right,
            sentence,
            ..
        } => vec![
            ("grant", grant),
            ("incident", incident),
            ("person", requester),
            ("right", right),
            ("sentence", sentence),
        ],
        Act::SelfGrant {
            grant,
            incident,
            right,
            sentence,
        } => vec![
            ("grant", grant),
            ("incident", incident),
            ("right", right),
            ("sentence", sentence),
        ],
        Act::Deny { grant, reason }
        | Act::Revoke { grant, reason }
        | Act::Extend { grant, reason, .. } => vec![("grant", grant), ("reason", reason)],
        Act::Drop { grant } => vec![("grant", grant)],
        Act::Freeze { person, reason }
        | Act::Unfreeze { person, reason }
        | Act::RemovePerson { person, reason } => vec![("person", person), ("reason", reason)],
        Act::Invite { person } => vec![("person", person)],
        Act::InviteTarget { target } => vec![("target", target)],
    }
}

/// The kinds of `docs/ledger-format.md`.
fn is_known(kind: &str) -> bool {
    const KINDS: [&str; 23] = [
        "broker.started",
        "key.added",
        "key.retired",
        "policy.loaded",
        "person.invited",
        "person.enrolled",
        "certificate.renewed",
        "person.removed",
        "person.frozen",
        "person.unfrozen",
        "incident.opened",
        "incident.noted",
        "incident.warned",
        "incident.closed",
        "grant.requested",
        "grant.started",
        "grant.extended",
        "credential.issued",
        "grant.used",
        "grant.ended",
        "refused",
        "ledger.exported",
        "ledger.repaired",
    ];
    KINDS.contains(&kind)
}
