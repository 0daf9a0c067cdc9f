//! Invitations that nobody has used.

use std::fmt::Display;
use std::str::FromStr;

use breakglass_domain::Time;
use breakglass_domain::invitation::{Invitation, Invitations, Withdrawn};
use serde::{Deserialize, Serialize};

use super::super::record::word;
use crate::ports::IndexError;

/// One of them. Who does not know by whom it was made reads the ledger again.
#[derive(Serialize, Deserialize)]
pub(super) struct InvitationRecord {
    token: String,
    whom: String,
    by: String,
    expires_ms: i64,
    withdrawn: Option<String>,
}

impl InvitationRecord {
    pub(super) fn of<Whom: Display>(all: &Invitations<Whom>) -> Vec<Self> {
        let record = all.iter().map(|(token, it)| Self {
            token: token.as_str().to_owned(),
            whom: it.whom.to_string(),
            by: it.by.to_string(),
            expires_ms: it.expires_at.as_millis(),
            withdrawn: it.withdrawn.map(|why| why.as_str().to_owned()),
        });
        record.collect()
    }

    pub(super) fn restore<Whom>(all: Vec<Self>) -> Result<Invitations<Whom>, IndexError>
    where
        Whom: FromStr,
        Whom::Err: Display,
    {
        let restored = all.into_iter().map(|it| {
            let withdrawn = it.withdrawn.as_deref().map(word::<Withdrawn>);
            let invitation = Invitation {
                whom: word(&it.whom)?,
                by: word(&it.by)?,
                expires_at: Time::from_millis(it.expires_ms),
                withdrawn: withdrawn.transpose()?,
            };
            Ok((word(&it.token)?, invitation))
        });
        restored.collect()
    }
}
