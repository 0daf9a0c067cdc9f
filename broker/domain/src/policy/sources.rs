//! `[sources.NAME]`: what may open incidents beside people.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::DeValue;

use super::limits::{INCIDENT_MAX, SEVERITY_WORDS_MAX, SOURCE_GRACE, SOURCES_MAX};
use super::report::{Problems, quoted};
use super::rights::Rights;
use super::section::Section;
use super::value::{Ceiling, id, length, line, word};
use super::{Right, Risk, nearest, rules};
use crate::id::{RightId, SourceId};
use crate::incident::Severity;
use crate::limits::ALERT_WORD_MAX;
use crate::text::Line;
use crate::time::Lifetime;
use crate::word::words;

const FIELDS: [&str; 4] = ["kind", "severity", "rights", "grace"];

/// In a table of severities: for every word that is not in it.
const ANY: &str = "*";

words! {
    /// How a source tells of alerts, and proves that it is the source.
    SourceKind {
        /// Prometheus Alertmanager's webhook, with a bearer token.
        Alertmanager = "alertmanager",
        /// PagerDuty's webhooks, version 3, signed.
        PagerDuty = "pagerduty",
        /// Grafana's webhook contact point, with a bearer token or signed.
        Grafana = "grafana",
        /// Anything else: JSON, signed as `docs/operating/alerts.md` says.
        Webhook = "webhook",
    }
}

/// Something that tells of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How.
    pub kind: SourceKind,
    /// How bad the incidents are that it opens.
    pub severity: Severities,
    /// What can be asked for under such an incident before somebody has confirmed it; `None` for the
    /// rights of low risk.
    pub rights: Option<BTreeSet<RightId>>,
    /// How long after its alert was resolved an incident closes.
    pub grace: Lifetime,
}

/// How bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Severities {
    /// Whatever the source says.
    Always(Severity),
    /// By the source's own words.
    Words {
        /// What each means.
        known: BTreeMap<Line, Severity>,
        /// What any other means, or none at all; nothing where such alerts are refused.
        any: Option<Severity>,
    },
}

impl Severities {
    /// What the source's words mean together: the worst of them that is known. `Critical` is
    /// `critical`: nobody looks at how a label is written.
    #[must_use]
    pub fn of(&self, words: &[Line]) -> Option<Severity> {
        match self {
            Self::Always(severity) => Some(*severity),
            Self::Words { known, any } => {
                let told: BTreeSet<_> = words
                    .iter()
                    .map(|word| word.as_str().to_lowercase())
                    .collect();
                let meant = known
                    .iter()
                    .filter(|(word, _)| told.contains(&word.as_str().to_lowercase()));
                meant.map(|(_, severity)| *severity).min().or(*any)
            }
        }
    }
}

impl Severities {
    /// Whether an alert may have none of it, and be refused.
    #[must_use]
    pub fn refuses_some(&self) -> bool {
        matches!(self, Self::Words { any: None, .. })
    }
}

impl Source {
    /// Whether a right can be asked for on the source's word alone.
    #[must_use]
    pub fn unlocks(&self, id: &RightId, right: &Right) -> bool {
        match &self.rights {
            Some(rights) => rights.contains(id),
            None => right.risk == Risk::Low,
        }
    }
}

pub(super) fn read(
    root: &Section<'_>,
    rights: &Rights,
    problems: &mut Problems,
) -> BTreeMap<SourceId, Source> {
    let mut read = BTreeMap::new();
    let Some(sources) = root.tables("sources", problems) else {
        return read;
    };
    for (count, (key, value)) in sources.entries().enumerate() {
        if count == SOURCES_MAX {
            problems.add(
                key.span(),
                format!("the policy has more than {SOURCES_MAX} alert sources"),
                "one too many",
                "let what tells of the same alerts share one source",
            );
            break;
        }
        let source = read_source(&key, value, rights, problems);
        if let (Some(id), Some(source)) = (id(&key, problems), source) {
            read.insert(id, source);
        }
    }
    read
}

fn read_source<'t>(
    key: &Spanned<&str>,
    value: &'t Spanned<DeValue<'t>>,
    rights: &Rights,
    problems: &mut Problems,
) -> Option<Source> {
    let title = format!("alert source {}", quoted(key.get_ref()));
    let section = Section::open(title, key.span(), value, problems)?;
    section.refuse_others(&FIELDS, problems);
    let kind = section.required_text("kind", problems);
    let kind = kind.and_then(|text| word(&section.field("kind"), &text, "kinds", problems));
    let severity = read_severities(&section, problems);
    let ceiling = Ceiling {
        longest: INCIDENT_MAX,
        why: "what takes longer is a new incident",
    };
    let grace = section.text("grace", problems);
    let grace = grace.and_then(|text| length(&section.field("grace"), &text, &ceiling, problems));
    let unlocked = section.texts("rights", problems).map(|texts| {
        let right = |text| rules::defined(&section, rights, text, problems);
        let rights = texts.get_ref().iter().filter_map(right);
        rights.map(Spanned::into_inner).collect()
    });
    Some(Source {
        kind: kind?,
        severity: severity?,
        rights: unlocked,
        grace: grace.unwrap_or(SOURCE_GRACE),
    })
}

fn read_severities(section: &Section<'_>, problems: &mut Problems) -> Option<Severities> {
    let value = section.required("severity", problems)?;
    if !value.get_ref().is_table() {
        let text = section.required_text("severity", problems)?;
        let severity = read_severity(&section.field("severity"), &text, problems);
        return severity.map(Severities::Always);
    }
    let table = section.table("severity", problems)?;
    let (mut known, mut any) = (BTreeMap::new(), None);
    for (key, value) in table.entries() {
        let name = *key.get_ref();
        let Some(text) = value.get_ref().as_str() else {
            table.wrong_type(name, value, "a text", problems);
            continue;
        };
        let text = Spanned::new(value.span(), text);
        let severity = read_severity(&table.field(name), &text, problems);
        if name == ANY {
            any = severity;
        } else if let Some(word) = line("a word for a severity", &key, ALERT_WORD_MAX, problems) {
            known.extend(severity.map(|severity| (word, severity)));
        }
    }
    let count = table.entries().count();
    if !(1..=SEVERITY_WORDS_MAX).contains(&count) {
        problems.add(
            table.at(),
            format!("{} has {count} words", table.title()),
            format!("between 1 and {SEVERITY_WORDS_MAX} are allowed"),
            r#"write `severity = "sev2"`, or a word of the source and ours on each line"#,
        );
    }
    Some(Severities::Words { known, any })
}

fn read_severity(field: &str, text: &Spanned<&str>, problems: &mut Problems) -> Option<Severity> {
    let severity = text.get_ref().parse();
    if severity.is_err() {
        let words = Severity::ALL.iter().map(|severity| severity.as_str());
        problems.add(
            text.span(),
            format!("{field} is {}", quoted(text.get_ref())),
            "not a severity",
            nearest::help(text.get_ref(), words, "the severities"),
        );
    }
    severity.ok()
}
