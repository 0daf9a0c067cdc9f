//! The kill receipt: what became of every session and role that was to be over, by the entries that
//! say so.
//!
//! What nobody can cut (a token that was copied, a session that a cloud keeps) is not among them: it
//! is said until when it lasts, and never that it is revoked.

use breakglass_proto::v1;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{entry::Entry, time};

/// One thing that is to be over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kill {
    /// A session's id, or a role's name.
    pub id: String,
    /// Whose.
    pub person: String,
    /// Where.
    pub target: String,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "kebab-case")]
pub enum Fate {
    /// Nobody has said.
    Open,
    /// Over: from the closing to the entry that says so, by the broker's clock; and how long the
    /// guard took, where it ended it.
    Over {
        /// Milliseconds.
        after_ms: i64,
        /// Milliseconds.
        took_ms: Option<i64>,
    },
    /// It is on record that it could not be confirmed, or not be done; it is tried again.
    Unconfirmed {
        /// In the target's words.
        why: String,
    },
}

/// All of them, while they are waited for.
#[derive(Debug)]
pub struct Kills {
    closed_at: Timestamp,
    kills: Vec<Kill>,
}

impl Kills {
    /// What a closing says is to be over.
    #[must_use]
    pub fn of(closed: &v1::CloseIncidentResponse) -> Self {
        let closed_at = closed.incident.as_ref();
        let closed_at = closed_at.and_then(|it| time::from_proto(it.closed_at.as_ref()));
        let closed_at = closed_at.unwrap_or(Timestamp::UNIX_EPOCH);
        let sessions = closed.sessions.iter().map(|session| Kill {
            id: session.id.clone(),
            person: session.person.clone(),
            target: session.target.clone(),
            fate: Fate::Open,
        });
        let roles = closed.roles.iter().map(|role| Kill {
            id: role.name.clone(),
            person: role.person.clone(),
            target: role.target.clone(),
            fate: Fate::Open,
        });
        Self {
            closed_at,
            kills: sessions.chain(roles).collect(),
        }
    }

    /// What a removal at a time says is to be over.
    #[must_use]
    pub fn of_removal(removed_at: Timestamp, doomed: &[v1::Doomed]) -> Self {
        let kills = doomed.iter().map(|doomed| Kill {
            id: doomed.id.clone(),
            person: doomed.person.clone(),
            target: doomed.target.clone(),
            fate: Fate::Open,
        });
        Self {
            closed_at: removed_at,
            kills: kills.collect(),
        }
    }

    /// Hears an entry that came after the closing.
    pub fn heard(&mut self, entry: &Entry) {
        let (field, what) = match entry.kind.as_str() {
            "session.ended" => ("session", true),
            "session.unconfirmed" => ("session", false),
            "role.dropped" => ("role", true),
            "role.failed" => ("role", false),
            _ => return,
        };
        let Some(id) = entry.text(field) else {
            return;
        };
        let Some(kill) = self.kills.iter_mut().find(|kill| kill.id == id) else {
            return;
        };
        kill.fate = if what {
            let after = entry.at.duration_since(self.closed_at);
            Fate::Over {
                after_ms: millis(after),
                took_ms: entry
                    .body
                    .get("took_ms")
                    .and_then(serde_json::Value::as_i64),
            }
        } else {
            let why = entry
                .text("text")
                .unwrap_or("its guard has not said that it is over");
            Fate::Unconfirmed {
                why: why.to_owned(),
            }
        };
    }

    /// Whether something is said of everything.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.kills.iter().all(|kill| kill.fate != Fate::Open)
    }

    /// Whether everything is over.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let mut kills = self.kills.iter();
        kills.all(|kill| matches!(kill.fate, Fate::Over { .. }))
    }

    /// In the order of the closing: sessions, then roles.
    #[must_use]
    pub fn all(&self) -> &[Kill] {
        &self.kills
    }

    /// The longest time from the closing to an end that was confirmed.
    #[must_use]
    pub fn slowest_ms(&self) -> Option<i64> {
        let over = |kill: &Kill| match kill.fate {
            Fate::Over { after_ms, .. } => Some(after_ms),
            _ => None,
        };
        self.kills.iter().filter_map(over).max()
    }
}

impl Kill {
    /// One line for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self {
            id, person, target, ..
        } = self;
        match &self.fate {
            Fate::Over {
                after_ms,
                took_ms: Some(took_ms),
            } => format!(
                "{id} of {person} at {target}: over after {after_ms} ms ({took_ms} ms there)"
            ),
            Fate::Over { after_ms, .. } => {
                format!("{id} of {person} at {target}: over after {after_ms} ms")
            }
            Fate::Unconfirmed { why } => {
                format!("{id} of {person} at {target}: COULD NOT BE CONFIRMED: {why}")
            }
            Fate::Open => {
                format!(
                    "{id} of {person} at {target}: NOT CONFIRMED YET, and tried again until it is"
                )
            }
        }
    }
}

fn millis(length: SignedDuration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closing() -> v1::CloseIncidentResponse {
        v1::CloseIncidentResponse {
            incident: Some(v1::Incident {
                closed_at: Some(prost_types::Timestamp {
                    seconds: 1_763_866_800,
                    nanos: 0,
                }),
                ..Default::default()
            }),
            sessions: ["S-7", "S-8"]
                .map(|id| v1::Session {
                    id: id.into(),
                    person: "mia".into(),
                    target: "web-1".into(),
                    ..Default::default()
                })
                .to_vec(),
            roles: vec![v1::Role {
                name: "breakglass_g45_1".into(),
                target: "shop-db".into(),
                person: "leon".into(),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    fn entry(kind: &str, fields: &str) -> Entry {
        let line = format!(
            "{{\"v\":1,\"index\":9,\"at\":\"2025-11-23T03:00:00.212Z\",\"kind\":\"{kind}\",\
             \"by\":\"target:web-1\",{fields}}}"
        );
        Entry::parse(line.as_bytes()).unwrap()
    }

    #[test]
    fn each_end_is_told_by_its_entry_and_none_is_guessed() {
        let mut kills = Kills::of(&closing());
        kills.heard(&entry(
            "session.ended",
            "\"session\":\"S-7\",\"how\":\"killed\",\"took_ms\":180",
        ));
        kills.heard(&entry(
            "session.ended",
            "\"session\":\"S-99\",\"how\":\"closed\"",
        ));
        kills.heard(&entry(
            "role.failed",
            "\"role\":\"breakglass_g45_1\",\"text\":\"unreachable\"",
        ));
        assert!(!kills.is_said(), "nobody has said anything of S-8");
        kills.heard(&entry("session.unconfirmed", "\"session\":\"S-8\""));
        assert!(kills.is_said());
        assert!(!kills.is_settled(), "not confirmed is not over");
        assert_eq!(kills.slowest_ms(), Some(212));
        let lines: Vec<_> = kills.all().iter().map(Kill::sentence).collect();
        assert_eq!(
            lines[0],
            "S-7 of mia at web-1: over after 212 ms (180 ms there)"
        );
        assert!(lines[1].contains("COULD NOT BE CONFIRMED"), "{}", lines[1]);
        assert!(lines[2].ends_with("unreachable"), "{}", lines[2]);
        // What failed once may be done a moment later.
        kills.heard(&entry(
            "role.dropped",
            "\"role\":\"breakglass_g45_1\",\"took_ms\":90",
        ));
        assert!(kills.all()[2].sentence().contains("over after 212 ms"));
        kills.heard(&entry(
            "session.ended",
            "\"session\":\"S-8\",\"how\":\"gone\"",
        ));
        assert!(kills.is_settled());
    }
}
