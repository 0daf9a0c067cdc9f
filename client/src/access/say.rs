//! The reading for people: what to look at, and what to do about it, first.

use breakglass_proto::v1;
use jiff::Timestamp;

use super::{Reading, by_kind, certificate_until, held, title};
use crate::{
    output::Printer,
    show::{counted, when},
    text::plain,
    time,
};

/// Shows all of it.
pub fn say(printer: &Printer, reading: &Reading, now: Timestamp) {
    let answer = &reading.answer;
    printer.heading(format!(
        "Who can do what today, and what nobody has used for {}",
        counted(answer.days, "day")
    ));
    printer.aside(format!(
        "read for {} at {}, from {} entries of {} and the policy of entry {}",
        answer.made_for,
        when(answer.made_at.as_ref(), now),
        reading.size,
        reading.origin,
        answer.policy_entry
    ));
    say_findings(printer, &answer.findings);
    say_people(printer, &answer.people, now);
    for person in answer.people.iter().filter(|it| !it.rights.is_empty()) {
        say_rights(printer, person, now);
    }
    say_tables(printer, answer, now);
}

fn say_findings(printer: &Printer, findings: &[v1::AccessFinding]) {
    printer.line("");
    if findings.is_empty() {
        printer.good("Nothing to look at: everybody named is there, and every right is used.");
        return;
    }
    printer.heading(format!("To look at: {}", findings.len()));
    for (kind, group) in by_kind(findings) {
        printer.line("");
        printer.line(format!("  {}", title(kind)));
        for finding in group {
            printer.line(format!("    {}.", plain(&finding.text)));
            printer.aside(format!("      next: {}", plain(&finding.next)));
        }
    }
}

fn say_people(printer: &Printer, people: &[v1::PersonAccess], now: Timestamp) {
    printer.line("");
    let row = |person: &v1::PersonAccess| {
        vec![
            person.person.clone(),
            person.name.clone(),
            person.job.clone(),
            person.standing.clone(),
            when(certificate_until(&person.devices), now),
            ago(person.acted.as_ref(), now),
            person.duties.join(", "),
        ]
    };
    let rows: Vec<_> = people.iter().map(row).collect();
    printer.table(
        &[
            "PERSON",
            "NAME",
            "JOB",
            "STANDING",
            "CERTIFICATE UNTIL",
            "LAST ENTRY",
            "MAY ALSO",
        ],
        &rows,
    );
}

fn say_rights(printer: &Printer, person: &v1::PersonAccess, now: Timestamp) {
    printer.line("");
    let today = match person.standing.as_str() {
        "enrolled" => String::new(),
        standing => format!(", {standing}: not today"),
    };
    printer.heading(format!(
        "{} ({}{today})",
        plain(&person.name),
        person.person
    ));
    for (verdict, used) in held(person) {
        printer.line(format!("  {}", plain(&verdict.explanation)));
        let used = match used {
            Some(used) => format!("last used {} (entry {})", ago(Some(used), now), used.entry),
            None => "never used".to_owned(),
        };
        printer.aside(format!("    {}: {used}", verdict.right));
    }
}

fn say_tables(printer: &Printer, answer: &v1::ReviewAccessResponse, now: Timestamp) {
    printer.line("");
    let right = |right: &v1::RightAccess| {
        let used = ago(right.used.as_ref(), now);
        vec![
            right.right.clone(),
            right.risk.clone(),
            right.rules.join(", "),
            if used.is_empty() {
                "never".to_owned()
            } else {
                used
            },
        ]
    };
    let rows: Vec<_> = answer.rights.iter().map(right).collect();
    printer.table(&["RIGHT", "RISK", "RULES", "LAST USED BY ANYBODY"], &rows);
    if answer.targets.is_empty() {
        return;
    }
    printer.line("");
    let target = |target: &v1::TargetAccess| {
        vec![
            target.target.clone(),
            target.kind.clone(),
            target.standing.clone(),
            when(certificate_until(&target.guards), now),
            if target.attended { "yes" } else { "no" }.to_owned(),
            ago(target.acted.as_ref(), now),
        ]
    };
    let rows: Vec<_> = answer.targets.iter().map(target).collect();
    printer.table(
        &[
            "TARGET",
            "KIND",
            "GUARD",
            "CERTIFICATE UNTIL",
            "ATTENDS",
            "LAST ENTRY",
        ],
        &rows,
    );
}

fn ago(last: Option<&v1::LastEntry>, now: Timestamp) -> String {
    let at = time::from_proto(last.and_then(|last| last.at.as_ref()));
    at.map(|at| time::relative(at, now)).unwrap_or_default()
}
