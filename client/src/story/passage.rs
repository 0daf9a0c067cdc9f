//! The lines of a policy that a decision stands on.

use serde::Serialize;

use super::InForce;

/// A rule, where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// The rule's name.
    pub rule: String,
    /// Its first line, counted from 1.
    pub first_line: usize,
    /// Its last line.
    pub last_line: usize,
    /// These lines.
    pub text: String,
}

impl Passage {
    /// Of a rule of the policy in force; nothing where it has none of that name.
    pub(super) fn of(policy: &InForce, rule: &str) -> Option<Self> {
        let first_line = policy.rules.line_of_rule(rule)?;
        let text = policy.rules.text();
        let lines: Vec<&str> = text.lines().skip(first_line - 1).collect();
        // The next table begins the next thing.
        let is_head = |line: &&str| line.starts_with('[');
        let end = lines.iter().skip(1).position(is_head);
        let mut lines = &lines[..end.map_or(lines.len(), |at| at + 1)];
        while let [before @ .., last] = lines
            && (last.trim().is_empty() || last.starts_with('#'))
        {
            lines = before;
        }
        Some(Self {
            rule: rule.to_owned(),
            first_line,
            last_line: first_line + lines.len().saturating_sub(1),
            text: lines.join("\n"),
        })
    }

    /// `lines 12 to 18`.
    pub(super) fn lines(&self) -> String {
        match self.last_line == self.first_line {
            true => format!("line {}", self.first_line),
            false => format!("lines {} to {}", self.first_line, self.last_line),
        }
    }
}
