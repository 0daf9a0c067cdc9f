//! What a source is told: one line of text, and a status that says whether to try again.
//!
//! Alertmanager, Grafana and PagerDuty try again after 5xx and not after 4xx, so what may be taken later
//! is 503, also where a source is too fast.

use axum::response::{IntoResponse, Response};
use breakglass_domain::{Refusal, SourceId, Time};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};

use super::body::Unread;
use super::limits::{AGAIN_SECONDS, BODY_MAX, BODY_PATIENCE};
use crate::app::{Error, Heard};

/// How it went.
#[derive(Debug)]
pub(super) enum Answer {
    Heard(Heard),
    Nothing(&'static str),
    DeliveredBefore,
    /// No such source, or not proven: whoever it is learns no more.
    Stranger,
    TooLarge,
    Unread(Unread),
    /// Out of the time in which it is taken.
    Old {
        at: Time,
        now: Time,
    },
    Busy,
    /// Its body came too slowly.
    Slow,
    Failed(Error),
}

impl Answer {
    /// The stable word, where a source that has proven itself is refused.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Unread(Unread::Malformed { .. }) => Some("ALERT_MALFORMED"),
            Self::Unread(Unread::Unknown { .. }) => Some("ALERT_UNKNOWN"),
            Self::Old { .. } => Some("ALERT_STALE"),
            _ => None,
        }
    }

    /// Whether an alert of a source that has proven itself was refused for good: it is not sent again.
    pub(super) fn is_for_good(&self) -> bool {
        match self {
            Self::Unread(_) | Self::Old { .. } => true,
            Self::Failed(Error::Refused(refusal)) => !passes(refusal),
            _ => false,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Heard(heard) => told(heard),
            Self::Nothing(what) => format!("{what}: nothing to do"),
            Self::DeliveredBefore => "this delivery was taken before: nothing to do".into(),
            Self::Stranger => "no alert source proves itself like this here".into(),
            Self::TooLarge => format!(
                "the body has more than {BODY_MAX} bytes; send fewer alerts at once (Alertmanager: \
                 max_alerts)"
            ),
            Self::Unread(unread) => unread.to_string(),
            Self::Old { at, now } => format!(
                "the delivery is from {at}, and the broker's clock says {now}; set the clock, or \
                 send it anew"
            ),
            Self::Busy => "too many deliveries at once; try again".into(),
            Self::Slow => format!(
                "the body did not come within {} seconds; try again",
                BODY_PATIENCE.as_secs()
            ),
            Self::Failed(Error::Refused(Refusal::TooOften { budget, again_at })) => format!(
                "too many {}: at most {} within {}; sent again after {again_at} it is taken",
                budget.what, budget.most, budget.within
            ),
            Self::Failed(Error::Refused(refusal)) => format!("{refusal}; {}", refusal.next()),
            Self::Failed(Error::ShuttingDown) => "the broker is shutting down; try again".into(),
            Self::Failed(_) => "nothing can be recorded just now; try again".into(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Heard(_) | Self::Nothing(_) | Self::DeliveredBefore => StatusCode::OK,
            Self::Stranger => StatusCode::UNAUTHORIZED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unread(Unread::Malformed { .. }) | Self::Old { .. } => StatusCode::BAD_REQUEST,
            Self::Unread(Unread::Unknown { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failed(Error::Refused(refusal)) if !passes(refusal) => StatusCode::FORBIDDEN,
            Self::Busy | Self::Slow | Self::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Whether the same may be taken later.
fn passes(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::TooMany { .. } | Refusal::TooOften { .. } | Refusal::ClockBehind { .. }
    )
}

fn told(heard: &Heard) -> String {
    match heard {
        Heard::Opened(incident) => format!("opened {incident}"),
        Heard::Refired(incident) => format!("{incident} stays open: it fires again"),
        Heard::Resolved {
            incident,
            closes_at,
        } => format!("{incident} closes at {closes_at}, unless somebody holds it open"),
        Heard::AsBefore(Some(incident)) => format!("{incident} is known already: nothing to do"),
        Heard::AsBefore(None) => "no incident is open for it: nothing to do".into(),
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (status, text) = (self.status(), format!("{}\n", self.text()));
        let plain = (CONTENT_TYPE, "text/plain; charset=utf-8");
        let mut response = (status, [plain, (CACHE_CONTROL, "no-store")], text).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let again = http::HeaderValue::from_static(AGAIN_SECONDS);
            response.headers_mut().insert(RETRY_AFTER, again);
        }
        response
    }
}

/// For the tracing, of what may be a stranger's: anybody on the network can cause as many as they like.
pub(super) fn trace_unproven(source: &SourceId, answer: &Answer) {
    let status = answer.status();
    tracing::debug!(%source, %status, "a delivery that proves nothing: {}", answer.text());
}

/// For the tracing, of a source that has proven itself.
pub(super) fn trace(source: &SourceId, answer: &Answer) {
    match answer {
        Answer::Heard(Heard::AsBefore(_)) | Answer::Nothing(_) | Answer::DeliveredBefore => {}
        Answer::Heard(heard) => tracing::info!(%source, "{}", told(heard)),
        answer => {
            tracing::warn!(%source, status = %answer.status(), "an alert was not taken: {}", answer.text())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::LedgerError;

    /// Sources try again after 5xx alone: what may be taken later must be one of these.
    #[test]
    fn what_may_be_taken_later_is_asked_for_again() {
        let source = || "pager".parse::<SourceId>().unwrap();
        let at = Time::from_millis(0);
        for (answer, status) in [
            (Answer::Busy, 503),
            (Answer::Slow, 503),
            (Answer::Failed(LedgerError::Full(String::new()).into()), 503),
            (
                Answer::Failed(LedgerError::Unavailable(String::new()).into()),
                503,
            ),
            (Answer::Failed(Error::ShuttingDown), 503),
            (
                Answer::Failed(
                    Refusal::TooMany {
                        what: "open incidents",
                        limit: 50,
                    }
                    .into(),
                ),
                503,
            ),
            (
                Answer::Failed(
                    Refusal::TooOften {
                        budget: breakglass_domain::limits::ALERTS,
                        again_at: at,
                    }
                    .into(),
                ),
                503,
            ),
            (
                Answer::Failed(
                    Refusal::ClockBehind {
                        now: at,
                        newest: at,
                    }
                    .into(),
                ),
                503,
            ),
            (Answer::Failed(Refusal::UnknownSource(source()).into()), 403),
            (Answer::TooLarge, 413),
            (Answer::Stranger, 401),
            (Answer::Old { at, now: at }, 400),
        ] {
            let told = answer.text();
            assert!(!told.is_empty() && !told.contains('\n'), "{told}");
            let response = answer.into_response();
            assert_eq!(response.status().as_u16(), status, "{told}");
            let again = response.headers().contains_key(RETRY_AFTER);
            assert_eq!(again, status == 503, "{told}");
        }
    }

    /// A source has no terminal, and the broker's room says nothing of a body that is slow.
    #[test]
    fn what_is_told_is_for_a_source_and_of_what_it_did() {
        let often = Refusal::TooOften {
            budget: breakglass_domain::limits::ALERTS,
            again_at: "2026-11-23T03:05:00Z".parse().unwrap(),
        };
        let told = Answer::Failed(often.into()).text();
        assert!(!told.contains("command"), "{told}");
        assert!(
            told.ends_with("sent again after 2026-11-23T03:05:00.000Z it is taken"),
            "{told}"
        );
        let slow = Answer::Slow.text();
        assert!(slow.starts_with("the body did not come within"), "{slow}");
    }
}
