//! What people signed: by whom, for which ledger, when, and each statement once.

use std::collections::HashSet;

use breakglass_proto::statement::{Act, DOMAIN, Statement};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};

use super::keys::Keys;
use crate::{
    entry::{Entry, SignedAct},
    limits::{STATEMENT_SKEW, STATEMENT_SKEW_BEHIND},
};

/// The statements heard so far.
pub(super) struct Statements {
    origin: String,
    heard: HashSet<Vec<u8>>,
}

/// The lines that every statement has, also one for an act this client does not know.
struct Head<'a> {
    act: &'a str,
    origin: &'a str,
    by: &'a str,
    at: Timestamp,
    nonce: &'a str,
}

impl Statements {
    pub(super) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            heard: HashSet::new(),
        }
    }

    /// How many verified.
    pub(super) fn verified(&self) -> u64 {
        self.heard.len() as u64
    }

    /// Checks the statement of an entry, and reads the act.
    pub(super) fn hear(&mut self, entry: &Entry, keys: &Keys) -> Result<Option<Act>, String> {
        let Some(signed) = &entry.signed else {
            return Ok(None);
        };
        let statement = Statement::parse(&signed.text).map_err(|error| error.to_string())?;
        self.hear_signed(entry, signed, keys)?;
        check_age(entry, &statement)?;
        Ok(Some(statement.act))
    }

    /// The same for an entry of a kind this client does not know, whose act it may not know either.
    pub(super) fn hear_unknown(&mut self, entry: &Entry, keys: &Keys) -> Result<(), String> {
        match &entry.signed {
            Some(signed) => self.hear_signed(entry, signed, keys),
            None => Ok(()),
        }
    }

    fn hear_signed(
        &mut self,
        entry: &Entry,
        signed: &SignedAct,
        keys: &Keys,
    ) -> Result<(), String> {
        keys.verify(entry, signed)?;
        let head = Head::read(&signed.text).ok_or("the statement has not the lines of one")?;
        self.check_meant(entry, signed, &head)?;
        // The same words twice by one key are one statement played twice, whatever the signature:
        // ECDSA has many for the same text.
        let heard = format!("{}\n{}", signed.key, signed.text);
        match self
            .heard
            .insert(digest(&SHA256, heard.as_bytes()).as_ref().to_vec())
        {
            true => Ok(()),
            false => Err("the statement was used before".to_owned()),
        }
    }

    /// The statement is for this ledger and by whom the entry says; what is repeated of it agrees.
    fn check_meant(
        &self,
        entry: &Entry,
        signed: &SignedAct,
        head: &Head<'_>,
    ) -> Result<(), String> {
        // Who enrols need not know yet which ledger it is and whom the token names.
        let is_open = |value: &str| head.act == "enroll" && value.is_empty();
        if head.origin != self.origin && !is_open(head.origin) {
            return Err(format!(
                "the statement is meant for the ledger `{}`",
                head.origin
            ));
        }
        if head.by != entry.by && !is_open(head.by) {
            return Err(format!("{} acts on a statement of `{}`", entry.by, head.by));
        }
        if signed.at != Some(head.at) {
            return Err("the statement's time is repeated wrongly".to_owned());
        }
        if signed.nonce.as_deref() != Some(head.nonce) {
            return Err("the statement's nonce is repeated wrongly".to_owned());
        }
        Ok(())
    }
}

impl<'a> Head<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let act = lines.next()?.strip_prefix(DOMAIN)?.strip_prefix(' ')?;
        let mut take = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let (origin, by, at) = (take("origin")?, take("by")?, take("at")?);
        Some(Self {
            act,
            origin,
            by,
            at: at.parse().ok()?,
            nonce: lines.next_back()?.strip_prefix("nonce: ")?,
        })
    }
}

/// A statement is taken while it is fresh. What only ends something may be older or from later: a
/// broker whose clock is behind its ledger takes both readings rather than leave a grant running.
fn check_age(entry: &Entry, statement: &Statement) -> Result<(), String> {
    let late = match starts(&statement.act) {
        true => STATEMENT_SKEW,
        false => STATEMENT_SKEW_BEHIND,
    };
    let since = entry.at.duration_since(statement.at);
    let is_stale = starts(&statement.act) && since > STATEMENT_SKEW;
    if is_stale || since < SignedDuration::ZERO - late {
        return Err(format!(
            "the statement was signed at {}, and taken at {}",
            statement.at, entry.at
        ));
    }
    Ok(())
}

/// Whether an act begins or widens something.
fn starts(act: &Act) -> bool {
    !matches!(
        act,
        Act::Note { .. }
            | Act::CloseIncident { .. }
            | Act::Deny { .. }
            | Act::Drop { .. }
            | Act::Revoke { .. }
            | Act::Veto { .. }
            | Act::Freeze { .. }
            | Act::RemovePerson { .. }
            | Act::AnswerReview { .. }
    )
}
