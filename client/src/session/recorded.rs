//! What the ledger recorded, held against what the broker says: a credential against the entry that
//! announced it, and a request against what its requester signed.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use breakglass_proto::{
    statement::{Act, Statement},
    v1,
};

use super::Session;
use crate::{
    audit,
    entry::{Entry, SignedAct},
    error::Error,
    json,
    key::{key_id, verify_statement},
    time,
};

impl Session {
    /// Checks that a credential was recorded before it was made, as what it is. `key` is the one it is
    /// for, where it has one of its own.
    pub(super) async fn check_credential(
        &self,
        credential: &v1::Credential,
        grant: &str,
        key: Option<&[u8]>,
    ) -> Result<(), Error> {
        let entry = self.accept(credential.receipt.as_ref()).await?;
        entry.check_grant("credential.issued", self.person(), grant)?;
        let expires_at = time::from_proto(credential.expires_at.as_ref());
        let recorded = |name| entry.text(name).unwrap_or_default();
        let is_same = recorded("credential") == credential.id
            && recorded("audience") == credential.audience
            && entry.time("expires_at") == expires_at
            && key.is_none_or(|point| recorded("key") == key_id(point));
        if !is_same {
            return Err(not_as_recorded(&entry, "id, audience, end or key"));
        }
        match credential.kind() {
            v1::CredentialKind::Jwt => check_token(&credential.value, &entry),
            _ => Ok(()),
        }
    }

    /// Checks what an approver is shown of a request against what the requester signed, as it stands
    /// in the ledger. The broker's word alone could show one request and let another be approved.
    ///
    /// # Errors
    /// [`Error::Unverified`] where they differ, or the signature is not by a key enrolled to them.
    pub async fn check_request(&self, shown: &v1::Grant) -> Result<(), Error> {
        let asked = v1::ListEntriesRequest {
            grant: shown.id.clone(),
            kind: "grant.requested".to_owned(),
            ..v1::ListEntriesRequest::default()
        };
        let entry = self.proven(asked, |_| true).await?;
        let entry = entry.ok_or_else(|| {
            Error::unverified(format!("the ledger has no request that is {}", shown.id))
        })?;
        check_shown(shown, &entry)?;
        let signed = entry.signed.as_ref().ok_or_else(|| unsigned(&entry))?;
        let enrolments = v1::ListEntriesRequest {
            person: asks(shown).to_owned(),
            kind: "person.enrolled".to_owned(),
            ..v1::ListEntriesRequest::default()
        };
        let of_key = |entry: &Entry| entry.text("key") == Some(&signed.key);
        let enrolled = self.proven(enrolments, of_key).await?;
        let enrolled = enrolled.ok_or_else(|| unsigned(&entry))?;
        check_signed(shown, &entry, signed, &enrolled, &self.trust().origin())
    }

    /// The first entry of a list that is such, with its receipt checked.
    async fn proven(
        &self,
        request: v1::ListEntriesRequest,
        is_such: impl Fn(&Entry) -> bool,
    ) -> Result<Option<Entry>, Error> {
        let listed = self.list_entries(request, ENROLMENTS).await?;
        let found = listed.iter().find(|listed| {
            let entry = Entry::parse(&listed.line);
            entry.is_ok_and(|entry| is_such(&entry))
        });
        let Some(found) = found else { return Ok(None) };
        let receipt = self.entry(found.index).await?;
        let entry = Entry::parse(&receipt.entry).map_err(|why| {
            Error::broken_answer(&format!("entry {} cannot be read: {why}", found.index))
        })?;
        Ok(is_such(&entry).then_some(entry))
    }
}

/// Most entries looked through for the one that enrolled a key: a person has ten keys at once.
const ENROLMENTS: usize = 200;

/// A token says what its entry said that it would.
fn check_token(token: &str, entry: &Entry) -> Result<(), Error> {
    let no_token = || Error::broken_answer("the token is no JWT");
    let payload = token.split('.').nth(1).ok_or_else(no_token)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| no_token())?;
    let claims = json::read(&payload).map_err(|_| no_token())?;
    let text = |name: &str| claims[name].as_str();
    let expires = entry.time("expires_at").map(jiff::Timestamp::as_second);
    let is_same = text("jti") == entry.text("credential")
        && text("aud") == entry.text("audience")
        && text("grant") == entry.text("grant")
        && text("right") == entry.text("right")
        && claims["exp"].as_i64() == expires
        && (claims["drill"] == true) == entry.is_drill()
        && claims["ledger"]["index"] == entry.index;
    match is_same {
        true => Ok(()),
        false => Err(not_as_recorded(entry, "claims")),
    }
}

fn not_as_recorded(entry: &Entry, what: &str) -> Error {
    Error::unverified(format!(
        "the credential has other {what} than entry {} of the ledger announced",
        entry.index
    ))
}

/// What is shown of a request is what its entry says.
fn check_shown(shown: &v1::Grant, entry: &Entry) -> Result<(), Error> {
    let length = time::length_from_proto(shown.length.as_ref()).map(|it| it.as_secs() * 1_000);
    let is_same = entry.kind == "grant.requested"
        && entry.by == asks(shown)
        && entry.text("from").unwrap_or_default() == shown.from_grant
        && entry.time("until") == time::from_proto(shown.until.as_ref())
        && entry.text("grant") == Some(&shown.id)
        && entry.text("person") == Some(&shown.person)
        && entry.text("right") == Some(&shown.right)
        && entry.text("incident") == Some(&shown.incident)
        && entry.text("sentence") == Some(&shown.sentence)
        && entry.text("reason") == Some(&shown.reason)
        && entry.is_drill() == shown.drill
        && entry.number("length_ms") == length;
    match is_same {
        true => Ok(()),
        false => Err(Error::unverified(format!(
            "the broker shows {} otherwise than entry {} of the ledger has it",
            shown.id, entry.index
        ))),
    }
}

/// Who signed the request: its holder, or whoever hands it over to them.
fn asks(shown: &v1::Grant) -> &str {
    match shown.from_person.as_str() {
        "" => &shown.person,
        hands_over => hands_over,
    }
}

/// The entry is what its requester signed, with a key that was enrolled to them.
fn check_signed(
    shown: &v1::Grant,
    entry: &Entry,
    signed: &SignedAct,
    enrolled: &Entry,
    origin: &str,
) -> Result<(), Error> {
    let point = enrolled
        .text("public")
        .and_then(|it| STANDARD.decode(it).ok());
    let point = point.filter(|point| enrolled.by == asks(shown) && key_id(point) == signed.key);
    let signature = STANDARD.decode(&signed.signature).ok();
    let (Some(point), Some(signature)) = (point, signature) else {
        return Err(unsigned(entry));
    };
    let statement = Statement::parse(&signed.text).map_err(|_| unsigned(entry))?;
    let is_theirs = verify_statement(&point, &signed.text, &signature)
        && statement.by == asks(shown)
        && statement.origin == origin
        && match statement.act {
            Act::Request { .. } => shown.from_grant.is_empty(),
            Act::HandOver { .. } => !shown.from_grant.is_empty(),
            _ => false,
        };
    if !is_theirs {
        return Err(unsigned(entry));
    }
    audit::check_words(&statement.act, entry)
        .map_err(|why| Error::unverified(format!("entry {} of the ledger: {why}", entry.index)))
}

fn unsigned(entry: &Entry) -> Error {
    Error::unverified(format!(
        "entry {} of the ledger asks in the name of {}, and they did not sign it",
        entry.index, entry.by
    ))
}

#[cfg(test)]
mod tests;
