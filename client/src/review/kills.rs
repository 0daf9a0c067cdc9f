//! What had to be cut at targets, from the entries about it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::entry::Entry;

/// Something that was to be over with its grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kill {
    /// A session's id, or a role's name.
    pub what: String,
    /// Where.
    pub target: String,
    /// Whose.
    pub person: String,
    /// Under which grant.
    pub grant: String,
    /// Whether its end was confirmed.
    pub confirmed: bool,
    /// How long that took, where it was cut.
    pub took_ms: Option<i64>,
}

/// Those so far, in order of what they are called.
#[derive(Default)]
pub(super) struct Kills {
    cut: BTreeMap<String, Kill>,
}

impl Kills {
    pub(super) fn take(&mut self, entry: &Entry) {
        let text = |name| entry.text(name).unwrap_or_default().to_owned();
        let confirmed = match entry.kind.as_str() {
            "session.ended" => {
                // Who logs out before is not cut.
                if entry.text("how") != Some("killed") && !self.cut.contains_key(&text("session")) {
                    return;
                }
                true
            }
            "session.unconfirmed" => false,
            "role.dropped" => true,
            "role.failed" if entry.text("step") == Some("drop") => false,
            _ => return,
        };
        let what = entry.text("session").or(entry.text("role"));
        let what = what.unwrap_or_default().to_owned();
        let kill = Kill {
            what: what.clone(),
            target: text("target"),
            person: text("person"),
            grant: text("grant"),
            confirmed,
            took_ms: entry.number("took_ms"),
        };
        self.cut.insert(what, kill);
    }

    pub(super) fn told(self) -> Vec<Kill> {
        self.cut.into_values().collect()
    }
}
