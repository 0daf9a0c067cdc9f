//! Where something stands in the file, so that whoever is to change it finds the line.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Policy;

/// Lines of a policy's text, counted from 1, by what begins there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    people: BTreeMap<String, usize>,
    rights: BTreeMap<String, usize>,
    targets: BTreeMap<String, usize>,
    rules: BTreeMap<String, usize>,
}

impl Places {
    /// Of a policy that was parsed.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let text = policy.text.strip_prefix('\u{FEFF}').unwrap_or(&policy.text);
        let Ok(table) = DeTable::parse(text) else {
            return Self::default();
        };
        let table = table.get_ref();
        let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        let keys = |section: &str| {
            let section = table.get(section).map(Spanned::get_ref);
            let entries = section.and_then(DeValue::as_table).into_iter().flatten();
            let placed =
                entries.map(|(key, _)| (key.get_ref().to_string(), line(key.span().start)));
            placed.collect()
        };
        let rules = table.get("rules").map(Spanned::get_ref);
        let rules = rules.and_then(DeValue::as_array).into_iter().flatten();
        let named = rules.filter_map(|rule| {
            let name = rule.get_ref().get("name")?.get_ref().as_str()?;
            Some((name.to_owned(), line(rule.span().start)))
        });
        Self {
            people: keys("people"),
            rights: keys("rights"),
            targets: keys("targets"),
            rules: named.collect(),
        }
    }

    /// The line of `[people.ID]`.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<usize> {
        self.people.get(id).copied()
    }

    /// The line of `[rights.ID]`.
    #[must_use]
    pub fn right(&self, id: &str) -> Option<usize> {
        self.rights.get(id).copied()
    }

    /// The line of `[targets.ID]`.
    #[must_use]
    pub fn target(&self, id: &str) -> Option<usize> {
        self.targets.get(id).copied()
    }

    /// The line in which a rule begins.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<usize> {
        self.rules.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::STARTER;

    #[test]
    fn each_thing_is_found_in_the_line_it_begins_in() {
        for text in [STARTER.to_owned(), format!("\u{FEFF}{STARTER}")] {
            let policy = Policy::parse("policy.toml", &text).unwrap();
            let places = Places::of(&policy);
            let line = |number: Option<usize>| text.lines().nth(number.unwrap() - 1).unwrap();
            for id in policy.people.keys() {
                assert!(line(places.person(id.as_str())).contains(&format!("people.{id}")));
            }
            for id in policy.rights.keys() {
                assert!(line(places.right(id.as_str())).contains(&format!("rights.{id}")));
            }
            for rule in &policy.rules {
                let begins = places.rule(rule.name.as_str()).unwrap();
                let named = text.lines().skip(begins - 1).take(3);
                let wanted = format!("name = \"{}\"", rule.name);
                assert!(
                    named.into_iter().any(|line| line == wanted),
                    "{begins}: {wanted}"
                );
            }
            assert_eq!(places.person("nobody"), None);
        }
    }
}
