//! The reading for a spreadsheet: one table (RFC 4180), in which the first column says what a row is.

use breakglass_proto::v1;

use super::{Reading, certificate_until, held, made};
use crate::{
    text::{no_formula, plain},
    view::at,
};

const COLUMNS: [&str; 18] = [
    "row",
    "kind",
    "about",
    "name",
    "job",
    "standing",
    "right",
    "sentence",
    "rule",
    "approvers",
    "certificate_until",
    "last_at",
    "last_entry",
    "policy_line",
    "text",
    "next",
    "callers",
    "then_approvers",
];

/// One line of the table: what is not set is empty.
#[derive(Default)]
struct Row<'a> {
    row: &'a str,
    kind: &'a str,
    about: &'a str,
    name: &'a str,
    job: &'a str,
    standing: &'a str,
    right: &'a str,
    sentence: &'a str,
    rule: String,
    approvers: String,
    callers: String,
    then_approvers: String,
    certificate_until: Option<&'a prost_types::Timestamp>,
    last: Option<&'a v1::LastEntry>,
    policy_line: u32,
    text: String,
    next: &'a str,
}

/// The lines of the table without their ends, the names of the columns first.
#[must_use]
pub fn csv(reading: &Reading) -> Vec<String> {
    let answer = &reading.answer;
    let mut lines = vec![COLUMNS.join(",")];
    let made_at = v1::LastEntry {
        at: answer.made_at,
        entry: reading.size,
    };
    lines.push(line(&Row {
        row: "made",
        about: &answer.made_for,
        last: Some(&made_at),
        text: format!("{}; {} days", made(reading), answer.days),
        ..Row::default()
    }));
    lines.extend(answer.findings.iter().map(|it| line(&finding(it))));
    for person in &answer.people {
        lines.push(line(&of_person(person)));
        lines.extend(held(person).map(|(verdict, used)| line(&can(person, verdict, used))));
    }
    lines.extend(answer.rights.iter().map(|it| line(&right(it))));
    lines.extend(answer.targets.iter().map(|it| line(&target(it))));
    lines
}

fn finding(finding: &v1::AccessFinding) -> Row<'_> {
    Row {
        row: "finding",
        kind: &finding.kind,
        about: &finding.about,
        right: &finding.right,
        last: finding.since.as_ref(),
        policy_line: finding.policy_line,
        text: finding.text.clone(),
        next: &finding.next,
        ..Row::default()
    }
}

fn of_person(person: &v1::PersonAccess) -> Row<'_> {
    Row {
        row: "person",
        about: &person.person,
        name: &person.name,
        job: &person.job,
        standing: &person.standing,
        certificate_until: certificate_until(&person.devices),
        last: person.acted.as_ref(),
        text: person.duties.join("; "),
        ..Row::default()
    }
}

fn can<'a>(
    person: &'a v1::PersonAccess,
    verdict: &'a v1::Verdict,
    used: Option<&'a v1::LastEntry>,
) -> Row<'a> {
    Row {
        row: "can",
        right: &verdict.right,
        sentence: &verdict.sentence,
        rule: verdict.rule.clone(),
        approvers: verdict.approvers.join("; "),
        callers: verdict.callers.join("; "),
        then_approvers: verdict.then_approvers.join("; "),
        last: used,
        text: verdict.explanation.clone(),
        certificate_until: None,
        ..of_person(person)
    }
}

fn right(right: &v1::RightAccess) -> Row<'_> {
    Row {
        row: "right",
        kind: &right.risk,
        about: &right.right,
        right: &right.right,
        sentence: &right.sentence,
        rule: right.rules.join("; "),
        last: right.used.as_ref(),
        ..Row::default()
    }
}

fn target(target: &v1::TargetAccess) -> Row<'_> {
    Row {
        row: "target",
        kind: &target.kind,
        about: &target.target,
        name: &target.address,
        standing: &target.standing,
        certificate_until: certificate_until(&target.guards),
        last: target.acted.as_ref(),
        text: match target.attended {
            true => "its guard attends".to_owned(),
            false => String::new(),
        },
        ..Row::default()
    }
}

fn line(row: &Row<'_>) -> String {
    let time = |time: Option<&prost_types::Timestamp>| at(time).unwrap_or_default();
    let number = |number: u64| Some(number).filter(|it| *it > 0).map(|it| it.to_string());
    let entry = row.last.map(|last| last.entry.to_string());
    let fields = [
        row.row,
        row.kind,
        row.about,
        row.name,
        row.job,
        row.standing,
        row.right,
        row.sentence,
        &row.rule,
        &row.approvers,
        &time(row.certificate_until),
        &time(row.last.and_then(|last| last.at.as_ref())),
        &entry.unwrap_or_default(),
        &number(row.policy_line.into()).unwrap_or_default(),
        &row.text,
        row.next,
        &row.callers,
        &row.then_approvers,
    ];
    fields.map(field).join(",")
}

/// A field, quoted where it has to be, and no formula.
fn field(text: &str) -> String {
    let text = no_formula(&plain(text));
    let special = text.contains(['"', ',', ';', '\'']);
    if special || text.trim() != text {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_a_formula_or_ends_early() {
        for (text, written) in [
            ("deploy the shop", "deploy the shop"),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =1", "\"'  =1\""),
            ("note; =1+1;ok;@x", "\"note;' =1+1;ok;'@x\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines\r", "two\\nlines\\r"),
            ("\t=1", "\\t=1"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("", ""),
        ] {
            assert_eq!(field(text), written, "{text:?}");
        }
    }
}
