//! The review of access, as it was read by the broker: for people, for scripts, for a spreadsheet, and
//! as one page that an auditor takes away.

mod csv;
mod markdown;
mod say;
mod view;

use breakglass_proto::v1;

pub use self::{csv::csv, markdown::page, say::say, view::view};

/// The reading, and what this laptop knows of the ledger it was made from.
#[derive(Debug, Clone)]
pub struct Reading {
    /// As the broker answered.
    pub answer: v1::ReviewAccessResponse,
    /// The ledger's name.
    pub origin: String,
    /// Its verifier key.
    pub vkey: String,
    /// Entries that the checkpoint covers.
    pub size: u64,
    /// The root over them, base64.
    pub root: String,
}

/// When something was made, and from what, in one line.
fn made(reading: &Reading) -> String {
    let answer = &reading.answer;
    format!(
        "{}, {} entries with the root {}; the policy of entry {}, sha256 {}",
        reading.origin, reading.size, reading.root, answer.policy_entry, answer.policy_sha256
    )
}

/// What a kind of finding is called; a kind of a newer broker as it is.
fn title(kind: &str) -> &str {
    match kind {
        "removed-but-named" => "Removed, and still named in the policy",
        "certificate-lapsed" => "No certificate that works any more",
        "never-enrolled" => "No laptop enrolled",
        "frozen" => "Frozen",
        "nobody-there" => "Nobody of a list could act",
        "right-without-rule" => "Rights that no rule gives",
        "right-nobody-uses" => "Rights that nobody uses",
        "right-unused" => "Rights that somebody does not use",
        "person-without-rights" => "No right and no duty",
        "target-without-guard" => "Targets without a guard",
        "guard-lapsed" => "Guards without a certificate that works",
        "guard-away" => "Guards that do not attend",
        other => other,
    }
}

/// Findings of the same kind together, in the order they came in.
fn by_kind(findings: &[v1::AccessFinding]) -> Vec<(&str, Vec<&v1::AccessFinding>)> {
    let mut groups: Vec<(&str, Vec<&v1::AccessFinding>)> = Vec::new();
    for finding in findings {
        match groups.iter_mut().find(|(kind, _)| *kind == finding.kind) {
            Some((_, group)) => group.push(finding),
            None => groups.push((&finding.kind, vec![finding])),
        }
    }
    groups
}

/// When the last of several certificates ends, or ended.
fn certificate_until(devices: &[v1::AccessDevice]) -> Option<&prost_types::Timestamp> {
    let ends = devices
        .iter()
        .filter_map(|device| device.certificate_expires_at.as_ref());
    ends.max_by_key(|at| (at.seconds, at.nanos))
}

/// The verdicts of somebody, each with when it was last used.
fn held(person: &v1::PersonAccess) -> impl Iterator<Item = (&v1::Verdict, Option<&v1::LastEntry>)> {
    let rights = person.rights.iter();
    rights.filter_map(|held| Some((held.verdict.as_ref()?, held.used.as_ref())))
}

#[cfg(test)]
mod tests;
