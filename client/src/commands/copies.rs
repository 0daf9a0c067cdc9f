//! What nobody can take back of access that is over: credentials that were copied, sessions that a cloud
//! keeps. It is said until when they last, and never that they are revoked.

use breakglass_proto::v1::{Grant, GrantState};
use jiff::Timestamp;
use serde::Serialize;

use crate::{limits::AWS_SESSION, output::Printer, session::Session, text, time};

/// What is left of grants that ended.
#[derive(Debug, Default)]
pub(super) struct Copies {
    lines: Vec<String>,
    kept: Vec<Kept>,
}

/// What a cloud gave somebody for a grant that is over, and keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Kept {
    grant: String,
    person: String,
    role_arn: String,
    expires_by: String,
}

impl Copies {
    /// Of grants that ended. Where their rights lead is asked of the broker; what cannot be heard any more
    /// is left out.
    pub(super) async fn of(session: &Session, ended: &[Grant]) -> Self {
        let now = session.now();
        let mut copies = Self::unasked(ended, now);
        for grant in ended {
            let Some(until) = lasts_until(grant, now) else {
                continue;
            };
            let verdict = session.right(&grant.right).await;
            let access = verdict.ok().and_then(|verdict| verdict.access);
            if let Some(aws) = access.and_then(|access| access.aws) {
                copies.kept.push(Kept {
                    grant: grant.id.clone(),
                    person: grant.person.clone(),
                    role_arn: aws.role_arn,
                    // Until its end the token can be traded for one more.
                    expires_by: time::rfc3339(until.saturating_add(AWS_SESSION).unwrap_or(until)),
                });
            }
        }
        copies
    }

    /// Of what a grant was handed over from, where that is over because this one began. It is read
    /// again: a credential may have been renewed meanwhile. What was done is done, even where that
    /// cannot be heard.
    pub(super) async fn of_handover(session: &Session, new: &Grant) -> Self {
        if new.from_grant.is_empty() || new.state() != GrantState::Active {
            return Self::default();
        }
        match session.grant(&new.from_grant).await {
            Ok(old) => Self::of(session, &[old]).await,
            Err(_) => Self::default(),
        }
    }

    /// Of grants that ended, for who may ask nothing any more.
    pub(super) fn unasked(ended: &[Grant], now: Timestamp) -> Self {
        let lasting = |grant: &Grant| Some(sentence(grant, lasts_until(grant, now)?, now));
        Self {
            lines: ended.iter().filter_map(lasting).collect(),
            kept: Vec::new(),
        }
    }

    /// What a cloud keeps.
    pub(super) fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// A line for each.
    pub(super) fn say(&self, printer: &Printer, now: Timestamp) {
        for line in &self.lines {
            printer.line(format!("  {line}"));
        }
        for kept in &self.kept {
            printer.line(format!("  {}", kept.sentence(now)));
        }
    }
}

fn sentence(grant: &Grant, until: Timestamp, now: Timestamp) -> String {
    format!(
        "{}: a copy of {}'s credential may be taken until {}, by who checks nothing else",
        grant.id,
        grant.person,
        time::local_and_relative(until, now)
    )
}

impl Kept {
    fn sentence(&self, now: Timestamp) -> String {
        let until = self.expires_by.parse();
        format!(
            "{}: what AWS may have given {} for it, {}, expires by {}; AWS can deny it before that \
             (docs/targets/aws.md)",
            self.grant,
            self.person,
            text::plain(&self.role_arn),
            until.map_or_else(
                |_| self.expires_by.clone(),
                |until| time::local_and_relative(until, now)
            )
        )
    }
}

/// Until when a copied credential of a grant may be taken; `None` where that is over.
fn lasts_until(grant: &Grant, now: Timestamp) -> Option<Timestamp> {
    time::from_proto(grant.credentials_until.as_ref()).filter(|until| *until > now)
}
