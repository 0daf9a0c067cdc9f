//! Alertmanager's webhook (`webhook_config`, version 4), and Grafana's webhook contact point, which has
//! the same form and a title of its own: one delivery a group of alerts.

use std::collections::BTreeMap;

use breakglass_domain::Line;
use breakglass_domain::policy::SourceKind;
use serde::Deserialize;

use super::super::limits::WORDS;
use super::super::text;
use super::{Read, Said, Unread, key, parsed, titled, unknown};
use crate::app::Alarm;

/// The fields that matter; more are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    group_key: String,
    status: String,
    #[serde(default)]
    group_labels: BTreeMap<String, String>,
    #[serde(default)]
    common_labels: BTreeMap<String, String>,
    #[serde(default)]
    common_annotations: BTreeMap<String, String>,
    #[serde(default)]
    alerts: Vec<One>,
    /// Grafana alone.
    #[serde(default)]
    title: String,
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    status: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

pub(super) fn read(kind: SourceKind, body: &[u8]) -> Result<Read, Unread> {
    let group: Group = parsed(kind, body)?;
    let key = key(kind, "groupKey", &group.group_key)?;
    let said = match group.status.as_str() {
        "firing" => Alarm::Fires {
            key,
            title: group.titled(),
            words: group.words(),
        },
        "resolved" => Alarm::Over { key },
        other => return Err(unknown("the status", other, "`firing` and `resolved`")),
    };
    Ok(Read {
        said: Said::Alarm(said),
        delivery: None,
    })
}

impl Group {
    /// What people wrote for people comes first.
    fn titled(&self) -> Line {
        let firing = || self.alerts.iter().filter(|one| one.status == "firing");
        let common = |name| self.common_annotations.get(name).map(String::as_str);
        let first = |name| firing().find_map(|one| one.annotations.get(name));
        let labels: Vec<_> = self.group_labels.values().map(String::as_str).collect();
        let labels = labels.join(", ");
        titled([
            common("summary"),
            first("summary").map(String::as_str),
            Some(self.title.as_str()),
            common("description"),
            Some(labels.as_str()),
        ])
    }

    /// The severities of what fires; alerts of one group may have several.
    fn words(&self) -> Vec<Line> {
        let firing = self.alerts.iter().filter(|one| one.status == "firing");
        let labels = firing.map(|one| &one.labels).chain([&self.common_labels]);
        let mut words = Vec::new();
        for word in labels.filter_map(|labels| text::word(labels.get("severity")?)) {
            if words.len() < WORDS && !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }
}
