//! Words: each entry of an act says what was signed.

use breakglass_proto::statement::Act;

use super::drills;
use crate::entry::Entry;

/// Every line of the statement that the entry repeats says the same there.
pub(crate) fn check(act: &Act, entry: &Entry) -> Result<(), String> {
    for (name, value) in texts(act) {
        match entry.text(name) {
            Some(recorded) if recorded == value => {}
            Some(recorded) => {
                return Err(format!(
                    "`{name}: {value}` was signed, and {recorded} recorded"
                ));
            }
            // It stands in the request, and is compared with what was pinned there.
            None if name == "sentence" && PINNED.contains(&entry.kind.as_str()) => {}
            None => return Err(format!("`{name}: {value}` was signed, and is not recorded")),
        }
    }
    match act {
        Act::Request { length, held, .. } => {
            let length = length.as_millis();
            check_value(
                "length_ms",
                &length,
                &entry.number("length_ms").map(i128::from),
            )?;
            check_value("held", held, &entry.body["held"].as_bool())
        }
        Act::HandOver { until, .. } => check_value("until", until, &entry.time("until")),
        Act::Approve { until, .. } if entry.kind == "grant.approved" => {
            check_value("until", until, &entry.time("until"))
        }
        Act::RecordCall { spoke_at, .. } => {
            check_value("spoke_at", spoke_at, &entry.time("spoke_at"))
        }
        Act::Approve { until, .. } => match entry.time("ends_at") {
            Some(ends_at) if ends_at <= *until => Ok(()),
            ends_at => Err(format!(
                "yes was said until {until}, and it ends at {}",
                ends_at.map_or_else(|| "no time".to_owned(), |at| at.to_string())
            )),
        },
        Act::AnswerReview {
            needed, missing, ..
        } => {
            if missing.is_empty() && entry.body.contains_key("missing") {
                return Err("nothing was signed as `missing`, and something recorded".to_owned());
            }
            check_value("needed", needed, &entry.body["needed"].as_bool())
        }
        Act::RecordDrill {
            good,
            steps,
            failed,
            ..
        } => {
            if failed.is_empty() && entry.body.contains_key("failed") {
                return Err("nothing was signed as `failed`, and something recorded".to_owned());
            }
            check_value("good", good, &entry.body["good"].as_bool())?;
            check_value("steps", steps, &Some(drills::steps_line(entry)))
        }
        _ => Ok(()),
    }
}

/// Kinds that do not repeat the sentence.
const PINNED: [&str; 3] = ["grant.started", "grant.approved", "call.recorded"];

fn check_value<T: PartialEq + std::fmt::Display>(
    name: &str,
    signed: &T,
    recorded: &Option<T>,
) -> Result<(), String> {
    match recorded {
        Some(recorded) if recorded == signed => Ok(()),
        Some(recorded) => Err(format!(
            "`{name}` was signed as {signed}, and {recorded} recorded"
        )),
        None => Err(format!(
            "`{name}` was signed as {signed}, and is not recorded"
        )),
    }
}

/// What an act says and its entries repeat, by the entries' names.
fn texts(act: &Act) -> Vec<(&'static str, &str)> {
    match act {
        Act::Enroll {
            token_sha256,
            key,
            device,
        } => vec![("token", token_sha256), ("key", key), ("device", device)],
        Act::OpenIncident { severity, title } => vec![("severity", severity), ("title", title)],
        Act::OpenDrill { title } => vec![("title", title)],
        Act::RecordDrill {
            incident, failed, ..
        } => {
            let mut texts = vec![("incident", incident.as_str())];
            texts.extend((!failed.is_empty()).then_some(("failed", failed.as_str())));
            texts
        }
        Act::Note { incident, text } => vec![("incident", incident), ("text", text)],
        Act::CloseIncident { incident, reason } | Act::HoldIncident { incident, reason } => {
            vec![("incident", incident), ("reason", reason)]
        }
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
        }
        | Act::RecordCall {
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
        Act::HandOver {
            grant,
            to,
            incident,
            right,
            sentence,
            reason,
            ..
        } => vec![
            ("from", grant),
            ("person", to),
            ("incident", incident),
            ("right", right),
            ("sentence", sentence),
            ("reason", reason),
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
        | Act::Veto { grant, reason }
        | Act::Extend { grant, reason, .. } => vec![("grant", grant), ("reason", reason)],
        Act::Drop { grant } => vec![("grant", grant)],
        Act::Freeze { person, reason }
        | Act::Unfreeze { person, reason }
        | Act::RemovePerson { person, reason } => vec![("person", person), ("reason", reason)],
        Act::Invite { person } => vec![("person", person)],
        Act::InviteTarget { target } => vec![("target", target)],
        Act::AnswerReview {
            incident,
            grant,
            width,
            missing,
            ..
        } => {
            let mut texts = vec![("incident", incident), ("grant", grant), ("width", width)];
            texts.extend((!missing.is_empty()).then_some(("missing", missing)));
            texts
                .into_iter()
                .map(|(name, it)| (name, it.as_str()))
                .collect()
        }
    }
}
