//! Waiting for the kill receipt of a closing, and showing it.

use std::time::Duration;

use breakglass_proto::v1::{self, Grant};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::{
    commands::Seat,
    entry::Entry,
    error::Error,
    kill::{Kill, Kills},
    limits::AWS_SESSION,
    session::Session,
    stream::{News, Resumed},
    text, time,
    watching::Following,
};

/// How long the answers are waited for: the broker itself puts it on record after ten seconds that
/// an end could not be confirmed, and that takes a moment to arrive.
const PATIENCE: Duration = Duration::from_secs(12);

/// What became of everything that a closing is to end, as far as it is said in time.
///
/// # Errors
/// Where the broker cannot be trusted; that it cannot be reached only ends the waiting.
pub(in crate::commands) async fn settled(
    seat: &Seat,
    session: &Session,
    mut kills: Kills,
    receipt: Option<&v1::Receipt>,
) -> Result<Kills, Error> {
    if kills.is_settled() {
        return Ok(kills);
    }
    seat.printer.note(format!(
        "waiting for the end of {} at their targets",
        counted(kills.all())
    ));
    let after = receipt.map(|receipt| receipt.index + 1);
    let mut entries = Resumed::new(session, Following, after);
    let deadline = Instant::now() + PATIENCE;
    while !kills.is_settled() {
        let Ok(news) = timeout_at(deadline, entries.next()).await else {
            break;
        };
        let News::Came(followed) = news? else {
            continue;
        };
        let entry = followed.entry.map(|entry| Entry::parse(&entry.line));
        if let Some(entry) = entry {
            kills.heard(&entry.map_err(|why| Error::broken_answer(&why))?);
        }
    }
    Ok(kills)
}

fn counted(kills: &[Kill]) -> String {
    match kills.len() {
        1 => "what is open".to_owned(),
        many => format!("{many} things that are open"),
    }
}

/// Prints it: each end, the slowest, and what nobody can take back.
pub(super) fn show(seat: &Seat, kills: &Kills, ended: &[Grant], kept: &[Kept], now: Timestamp) {
    let printer = &seat.printer;
    for kill in kills.all() {
        printer.line(format!("  {}", kill.sentence()));
    }
    if let Some(slowest) = kills.slowest_ms() {
        printer.line(format!(
            "The slowest was over {slowest} ms after the closing."
        ));
    }
    if !kills.is_settled() {
        printer.line("What is not confirmed yet is tried again until it is: glass status");
    }
    for grant in ended {
        if let Some(until) = lasts_until(grant, now) {
            printer.line(format!(
                "  {}: a copy of {}'s credential may be taken until {}, by who checks nothing else",
                grant.id,
                grant.person,
                time::local_and_relative(until, now)
            ));
        }
    }
    for kept in kept {
        printer.line(format!("  {}", kept.sentence(now)));
    }
}

/// What a cloud gave somebody for a grant that is over, and keeps.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Kept {
    grant: String,
    person: String,
    role_arn: String,
    expires_by: String,
}

/// The sessions that AWS may keep. It is asked where rights lead; what cannot be heard any more, after
/// the closing, is left out.
pub(super) async fn kept(session: &Session, ended: &[Grant], now: Timestamp) -> Vec<Kept> {
    let mut kept = Vec::new();
    for grant in ended {
        let Some(until) = lasts_until(grant, now) else {
            continue;
        };
        let verdict = session.right(&grant.right).await;
        let access = verdict.ok().and_then(|verdict| verdict.access);
        if let Some(aws) = access.and_then(|access| access.aws) {
            kept.push(Kept {
                grant: grant.id.clone(),
                person: grant.person.clone(),
                role_arn: aws.role_arn,
                // Until its end the token can be traded for one more.
                expires_by: time::rfc3339(until.saturating_add(AWS_SESSION).unwrap_or(until)),
            });
        }
    }
    kept
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
pub(super) fn lasts_until(grant: &Grant, now: Timestamp) -> Option<Timestamp> {
    time::from_proto(grant.credentials_until.as_ref()).filter(|until| *until > now)
}
