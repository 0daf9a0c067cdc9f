//! The reading as one page that an auditor takes away: what it is, made when, from what, and how to
//! check it without asking us.

use breakglass_proto::v1;

use super::{Reading, by_kind, certificate_until, held, title};
use crate::{show::counted, text::plain, view::at};

/// The lines of the page.
#[must_use]
pub fn page(reading: &Reading) -> Vec<String> {
    let mut page = Vec::new();
    begin(&mut page, reading);
    findings(&mut page, &reading.answer.findings);
    people(&mut page, &reading.answer.people);
    can(&mut page, &reading.answer.people);
    rights(&mut page, &reading.answer.rights);
    targets(&mut page, &reading.answer.targets);
    check(&mut page, reading);
    page
}

fn begin(page: &mut Vec<String>, reading: &Reading) {
    let answer = &reading.answer;
    let days = counted(answer.days, "day");
    say(page, &["# Review of access", ""]);
    page.push(format!(
        "Who can ask for emergency access today, on whose word, and what of it nobody has used for {days}. It was \
         read by the broker out of its append-only ledger and the policy in force; nobody wrote it, and reading it \
         changes nothing. Times are UTC."
    ));
    say(page, &["", "| | |", "|---|---|"]);
    for (name, value) in [
        ("made", time(answer.made_at.as_ref())),
        ("for", answer.made_for.clone()),
        ("ledger", reading.origin.clone()),
        ("begun", time(answer.ledger_since.as_ref())),
        ("entries", reading.size.to_string()),
        ("root", reading.root.clone()),
        ("policy", format!("entry {}", answer.policy_entry)),
        ("loaded", time(answer.policy_loaded_at.as_ref())),
        ("its SHA-256", answer.policy_sha256.clone()),
    ] {
        row(page, &[name.to_owned(), value]);
    }
    say(
        page,
        &[
            "",
            "**Used** means that something was made of a grant: a credential was issued, a guard let somebody in, or \
             `glass exec` said what it ran. **Entry** is a place in the ledger, where it can be read.",
            "",
        ],
    );
}

fn findings(page: &mut Vec<String>, findings: &[v1::AccessFinding]) {
    say(page, &["## To look at", ""]);
    if findings.is_empty() {
        say(
            page,
            &[
                "Nothing: everybody named is there, and every right is used.",
                "",
            ],
        );
    }
    for (kind, group) in by_kind(findings) {
        page.push(format!("### {}", escaped(title(kind))));
        page.push(String::new());
        for finding in group {
            let since = finding.since.as_ref();
            let since = since.map_or_else(String::new, |since| format!(" (entry {})", since.entry));
            page.push(format!("- {}.{since}\\", escaped(&finding.text)));
            page.push(format!("  To do: {}.", escaped(&finding.next)));
        }
        page.push(String::new());
    }
}

fn people(page: &mut Vec<String>, people: &[v1::PersonAccess]) {
    say(page, &["## People", ""]);
    head(
        page,
        &[
            "person",
            "name",
            "job",
            "standing",
            "certificate until",
            "last entry",
            "may also",
        ],
    );
    for person in people {
        row(
            page,
            &[
                person.person.clone(),
                person.name.clone(),
                person.job.clone(),
                person.standing.clone(),
                time(certificate_until(&person.devices)),
                last(person.acted.as_ref()),
                person.duties.join(", "),
            ],
        );
    }
    page.push(String::new());
}

/// Whose yes it takes, whose call, and whose yes when nobody has answered.
fn on_whose_word(verdict: &v1::Verdict) -> String {
    let parts = [
        ("", &verdict.approvers),
        ("a call with ", &verdict.callers),
        ("when nobody answers ", &verdict.then_approvers),
    ];
    let parts = parts.into_iter().filter(|(_, people)| !people.is_empty());
    let parts: Vec<_> = parts
        .map(|(what, people)| format!("{what}{}", people.join(", ")))
        .collect();
    parts.join("; ")
}

fn can(page: &mut Vec<String>, people: &[v1::PersonAccess]) {
    say(page, &["## Who can do what", ""]);
    head(
        page,
        &[
            "person",
            "right",
            "in words",
            "rule",
            "approvers",
            "last used",
        ],
    );
    for person in people {
        for (verdict, used) in held(person) {
            let used = last(used);
            row(
                page,
                &[
                    person.person.clone(),
                    verdict.right.clone(),
                    verdict.explanation.clone(),
                    verdict.rule.clone(),
                    on_whose_word(verdict),
                    if used.is_empty() {
                        "never".to_owned()
                    } else {
                        used
                    },
                ],
            );
        }
    }
    say(
        page,
        &[
            "",
            "Whoever is not `enrolled` above could do none of it today. Nothing at all is given while no incident is \
             open.",
            "",
        ],
    );
}

fn rights(page: &mut Vec<String>, rights: &[v1::RightAccess]) {
    say(page, &["## Rights", ""]);
    head(
        page,
        &["right", "in words", "risk", "rules", "last used by anybody"],
    );
    for right in rights {
        let used = last(right.used.as_ref());
        row(
            page,
            &[
                right.right.clone(),
                right.sentence.clone(),
                right.risk.clone(),
                right.rules.join(", "),
                if used.is_empty() {
                    "never".to_owned()
                } else {
                    used
                },
            ],
        );
    }
    page.push(String::new());
}

fn targets(page: &mut Vec<String>, targets: &[v1::TargetAccess]) {
    if targets.is_empty() {
        return;
    }
    say(page, &["## Targets", ""]);
    head(
        page,
        &[
            "target",
            "kind",
            "address",
            "guard",
            "certificate until",
            "attends",
            "last entry",
        ],
    );
    for target in targets {
        let attends = if target.attended { "yes" } else { "no" };
        row(
            page,
            &[
                target.target.clone(),
                target.kind.clone(),
                target.address.clone(),
                target.standing.clone(),
                time(certificate_until(&target.guards)),
                attends.to_owned(),
                last(target.acted.as_ref()),
            ],
        );
    }
    page.push(String::new());
}

fn check(page: &mut Vec<String>, reading: &Reading) {
    let (size, policy) = (reading.size, reading.answer.policy_entry);
    say(page, &["## How to check it", ""]);
    page.push(format!(
        "The checkpoint below is signed by the ledger's key and covers the first {size} entries. Take a copy of the \
         ledger (`glass ledger export FOLDER`, or one that was taken since), cut it there, and check all of it with the \
         key from somebody you trust, without the broker:"
    ));
    page.push(String::new());
    for command in [
        format!("mkdir then; head -n {size} FOLDER/entries.jsonl > then/entries.jsonl"),
        "cat > then/checkpoint       the lines below, and an empty line where one stands"
            .to_owned(),
        "glass ledger verify --from then --vkey KEY".to_owned(),
    ] {
        page.push(format!("    {command}"));
    }
    page.push(String::new());
    page.push(format!(
        "The policy stands whole in entry {policy} (`glass ledger show {policy}`). When somebody last used a right: \
         `glass ledger list --person PERSON --right RIGHT`, newest first."
    ));
    say(page, &["", "The key, to be compared with theirs:", ""]);
    page.push(format!("    {}", plain(&reading.vkey)));
    say(page, &["", "The checkpoint (C2SP tlog-checkpoint):", ""]);
    let note = reading.answer.checkpoint.trim_end().split('\n');
    page.extend(note.map(|line| format!("    {}", plain(line)).trim_end().to_owned()));
}

fn say(page: &mut Vec<String>, lines: &[&str]) {
    page.extend(lines.iter().map(ToString::to_string));
}

fn head(page: &mut Vec<String>, names: &[&str]) {
    page.push(format!("| {} |", names.join(" | ")));
    page.push(format!("|{}", "---|".repeat(names.len())));
}

fn row(page: &mut Vec<String>, cells: &[String]) {
    let cells: Vec<_> = cells.iter().map(|cell| escaped(cell)).collect();
    page.push(format!("| {} |", cells.join(" | ")));
}

fn time(time: Option<&prost_types::Timestamp>) -> String {
    at(time).unwrap_or_default()
}

fn last(last: Option<&v1::LastEntry>) -> String {
    last.map_or_else(String::new, |last| {
        format!("{} (entry {})", time(last.at.as_ref()), last.entry)
    })
}

/// A text that stays a text: no markup, no link, no cell or list of its own (CommonMark 0.31, and
/// GitHub's tables and links).
fn escaped(text: &str) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len());
    let marker = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = (marker.len() < text.len() && marker.starts_with(['.', ')']))
        .then_some(text.len() - marker.len());
    for (at, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' => out.extend(['\\', c]),
            '-' | '+' | '=' if at == 0 => out.extend(['\\', c]),
            '.' | ')' if numbered == Some(at) => out.extend(['\\', c]),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            ':' if text[at..].starts_with("://") => out.push_str("&#58;"),
            '.' if text[..at].to_lowercase().ends_with("www") => out.push_str("&#46;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        for (text, written) in [
            ("deploy the shop app", "deploy the shop app"),
            ("a | b", "a \\| b"),
            ("<img src=x onerror=y>", "&lt;img src=x onerror=y&gt;"),
            (
                "[click](https://evil.example)",
                "\\[click\\](https&#58;//evil.example)",
            ),
            ("www.evil.example", "www&#46;evil.example"),
            ("a@b.example", "a&#64;b.example"),
            ("# big", "\\# big"),
            ("- x", "\\- x"),
            ("2026-11-27", "2026-11-27"),
            ("1. first", "1\\. first"),
            (
                "**bold** `code` ~~gone~~",
                "\\*\\*bold\\*\\* \\`code\\` \\~\\~gone\\~\\~",
            ),
            ("&lt;", "&amp;lt;"),
            ("two\nlines", "two\\\\nlines"),
            ("\u{1b}[2J", "\\\\u{1b}\\[2J"),
        ] {
            assert_eq!(escaped(text), written, "{text:?}");
        }
    }
}
