//! Grants and credentials.

use breakglass_domain::grant::{Active, Ended, HandedOver, Phase};
use breakglass_domain::unlock::{Call, Missing, Unlock};
use breakglass_domain::{Basis, CredentialKind, Ending, Grant, Subject, Time};
use breakglass_proto::v1;

use super::super::caller::key_id;
use super::super::error::Error;
use super::super::limits::POINT_LEN;
use super::{length, receipt, time};
use crate::app::{App, Asked, Issued, NewKey, Wish};

/// As it stands now.
pub(in crate::api) fn grant(grant: &Grant, asked: &Asked, now: Time) -> v1::Grant {
    let asked = v1::Grant {
        gone: asked.gone.iter().map(ToString::to_string).collect(),
        nobody_left: asked.nobody_left,
        id: grant.of.grant.to_string(),
        person: grant.of.person.to_string(),
        right: grant.of.right.to_string(),
        sentence: grant.sentence.to_string(),
        incident: grant.of.incident.to_string(),
        reason: grant.reason.to_string(),
        state: v1::GrantState::Waiting.into(),
        rule: grant.rule.to_string(),
        approvers: grant.approvers.iter().map(ToString::to_string).collect(),
        requested_at: Some(time(grant.requested_at)),
        length: Some(length(grant.length)),
        lapses_at: Some(time(grant.lapses_at)),
        self_grant_at: grant.self_grant.map(|allowed| time(allowed.from)),
        held: grant.held,
        drill: grant.of.drill,
        credentials: grant.credentials,
        credentials_until: grant.credentials_until.map(time),
        still_needed: grant.missing_at(now).map(still_needed),
        escalation: escalation(grant),
        ..v1::Grant::default()
    };
    let asked = match &grant.unlock {
        Some(unlock) => unlocking(asked, unlock),
        None => asked,
    };
    let asked = match &grant.handed {
        Some(handed) => handed_over(asked, handed),
        None => asked,
    };
    match &grant.phase {
        Phase::Waiting => asked,
        Phase::Active(active) => begun(asked, active),
        Phase::Ended(over) => ended(asked, over),
    }
}

/// Several.
pub(in crate::api) fn grants<'a>(
    list: impl IntoIterator<Item = &'a Grant>,
    app: &App,
) -> Vec<v1::Grant> {
    list.into_iter().map(|one| as_of_now(one, app)).collect()
}

/// One, as it stands now.
pub(in crate::api) fn as_of_now(one: &Grant, app: &App) -> v1::Grant {
    grant(one, &app.asked(one), app.now())
}

fn unlocking(asked: v1::Grant, unlock: &Unlock) -> v1::Grant {
    let call = |call: &Call| v1::Call {
        by: call.by.to_string(),
        spoke_at: Some(time(call.spoke_at)),
        recorded_at: Some(time(call.at)),
    };
    let agreed: Vec<_> = unlock.yes.iter().map(|yes| yes.by.to_string()).collect();
    v1::Grant {
        callers: unlock.callers.iter().map(ToString::to_string).collect(),
        calls: unlock.calls.iter().map(call).collect(),
        approved_by: agreed.first().cloned().unwrap_or_default(),
        agreed,
        ..asked
    }
}

fn handed_over(asked: v1::Grant, handed: &HandedOver) -> v1::Grant {
    v1::Grant {
        from_grant: handed.from.to_string(),
        from_person: handed.by.to_string(),
        until: Some(time(handed.until)),
        ..asked
    }
}

fn escalation(grant: &Grant) -> Option<v1::Escalation> {
    let pinned = grant.escalation.as_ref()?;
    Some(v1::Escalation {
        at: Some(time(pinned.at)),
        approvers: pinned.to.iter().map(ToString::to_string).collect(),
        escalated_at: grant.escalated_at.map(time),
    })
}

fn still_needed(missing: Missing) -> v1::StillNeeded {
    v1::StillNeeded {
        approval: missing.approval,
        call: missing.call,
        note: missing.note,
    }
}

fn begun(asked: v1::Grant, active: &Active) -> v1::Grant {
    let by = active.by.person().map(ToString::to_string);
    v1::Grant {
        state: v1::GrantState::Active.into(),
        begins_at: Some(time(active.begins_at)),
        ends_at: Some(time(active.ends_at)),
        basis: basis(active.basis).into(),
        approved_by: by.unwrap_or_else(|| asked.approved_by.clone()),
        ..asked
    }
}

fn ended(asked: v1::Grant, over: &Ended) -> v1::Grant {
    let begun = match &over.was {
        Some(active) => begun(asked, active),
        None => asked,
    };
    let reason = over.reason.as_ref();
    let to = over.to.as_ref();
    v1::Grant {
        state: v1::GrantState::Ended.into(),
        ending: ending(over.ending).into(),
        ended_at: Some(time(over.at)),
        ended_by: over.by.to_string(),
        ending_reason: reason.map(ToString::to_string).unwrap_or_default(),
        to_grant: to.map(|to| to.grant.to_string()).unwrap_or_default(),
        to_person: to.map(|to| to.person.to_string()).unwrap_or_default(),
        ..begun
    }
}

fn basis(basis: Basis) -> v1::GrantBasis {
    match basis {
        Basis::FastPath => v1::GrantBasis::FastPath,
        Basis::Approved => v1::GrantBasis::Approved,
        Basis::SelfGranted => v1::GrantBasis::SelfGranted,
        Basis::Called => v1::GrantBasis::Called,
    }
}

fn ending(ending: Ending) -> v1::GrantEnding {
    match ending {
        Ending::Denied => v1::GrantEnding::Denied,
        Ending::Lapsed => v1::GrantEnding::Lapsed,
        Ending::Dropped => v1::GrantEnding::Dropped,
        Ending::Revoked => v1::GrantEnding::Revoked,
        Ending::Expired => v1::GrantEnding::Expired,
        Ending::IncidentClosed => v1::GrantEnding::IncidentClosed,
        Ending::PersonLeft => v1::GrantEnding::PersonLeft,
        Ending::PersonFrozen => v1::GrantEnding::PersonFrozen,
        Ending::Abandoned => v1::GrantEnding::Abandoned,
        Ending::Vetoed => v1::GrantEnding::Vetoed,
        Ending::HandedOver => v1::GrantEnding::HandedOver,
    }
}

/// A credential with the entry that was written before it.
pub(in crate::api) fn credential(issued: &Issued) -> v1::Credential {
    let kind = match issued.kind {
        CredentialKind::Jwt => v1::CredentialKind::Jwt,
        CredentialKind::Ssh => v1::CredentialKind::SshCertificate,
        CredentialKind::X509 => v1::CredentialKind::X509Certificate,
        CredentialKind::Postgres => v1::CredentialKind::PostgresRole,
    };
    v1::Credential {
        kind: kind.into(),
        value: issued.credential.value.to_string(),
        id: issued.id.to_string(),
        not_before: Some(time(issued.credential.not_before)),
        expires_at: Some(time(issued.credential.expires_at)),
        audience: issued.audience.to_string(),
        receipt: Some(receipt(&issued.receipt)),
        login: login(&issued.subject),
    }
}

/// The name it logs in as, where it has one.
fn login(subject: &Subject) -> String {
    match subject {
        Subject::Role { role, .. } => role.to_string(),
        Subject::Name { common_name, .. } => common_name.to_string(),
        Subject::Login { principals, .. } => principals
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
        Subject::Bearer { .. } => String::new(),
    }
}

/// Whether the credential of a request is wanted along with it: only a JWT needs nothing more.
pub(in crate::api) fn wants_jwt(kind: i32) -> Result<bool, Error> {
    match v1::CredentialKind::try_from(kind) {
        Ok(v1::CredentialKind::Unspecified) => Ok(false),
        Ok(v1::CredentialKind::Jwt) => Ok(true),
        Ok(_) => Err(Error::Argument {
            field: "credential",
            why: "only a JWT comes along with a request; ask for others with IssueCredential"
                .into(),
        }),
        Err(_) => Err(unknown(kind)),
    }
}

/// What is wanted, with the key it is for.
pub(in crate::api) fn wish(kind: i32, public: &[u8]) -> Result<Wish, Error> {
    match v1::CredentialKind::try_from(kind) {
        Ok(v1::CredentialKind::Jwt) => Ok(Wish::Jwt),
        Ok(v1::CredentialKind::SshCertificate) => Ok(Wish::Ssh(new_key(public)?)),
        Ok(v1::CredentialKind::X509Certificate) => Ok(Wish::X509(new_key(public)?)),
        Ok(v1::CredentialKind::PostgresRole) => Ok(Wish::Postgres),
        Ok(v1::CredentialKind::Unspecified) => Err(Error::Argument {
            field: "kind",
            why: "it names no kind of credential".to_owned(),
        }),
        Err(_) => Err(unknown(kind)),
    }
}

fn new_key(public: &[u8]) -> Result<NewKey, Error> {
    if public.len() != POINT_LEN || public.first() != Some(&4) {
        return Err(Error::Argument {
            field: "public_key",
            why: format!("it is not an uncompressed P-256 point of {POINT_LEN} bytes"),
        });
    }
    Ok(NewKey {
        id: key_id(public),
        public: public.to_vec(),
    })
}

fn unknown(kind: i32) -> Error {
    Error::Argument {
        field: "credential",
        why: format!("this broker makes no credentials of kind {kind}"),
    }
}
