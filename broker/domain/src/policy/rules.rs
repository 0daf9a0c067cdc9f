//! `[[rules]]`: who gets what, on whose word.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::DeValue;

use super::limits::INCIDENT_MAX;
use super::report::{Problems, Span, quoted};
use super::rights::Rights;
use super::section::Section;
use super::team::Team;
use super::value::{Ceiling, id, length};
use super::{IfNobodyAnswers, Risk, Rule, Selector, nearest};
use crate::id::RightId;
use crate::limits::{LAPSES_AFTER, RIGHTS_MAX};
use crate::text::Line;
use crate::time::Lifetime;

const FIELDS: [&str; 8] = [
    "name",
    "who",
    "rights",
    "approvers",
    "lapses_after",
    "if_nobody_answers",
    "self_grant_after",
    "self_grant_longest",
];

/// A request that waits longer than an incident can last waits for nothing.
const WAITING: Ceiling = Ceiling {
    longest: INCIDENT_MAX,
    why: "a request ends with its incident",
};

/// What rules may name.
pub(super) struct Known {
    /// People and jobs.
    pub(super) team: Team,
    /// Rights.
    pub(super) rights: Rights,
}

pub(super) fn read(root: &Section<'_>, known: &Known, problems: &mut Problems) -> Vec<Rule> {
    let Some(value) = root.value("rules") else {
        return Vec::new();
    };
    let DeValue::Array(tables) = value.get_ref() else {
        problems.add(
            value.span(),
            "`rules` is not a list of rules",
            "not a list",
            "begin each rule with `[[rules]]`, in two brackets",
        );
        return Vec::new();
    };
    if tables.len() > RIGHTS_MAX {
        problems.add(
            value.span(),
            format!("the policy has {} rules", tables.len()),
            format!("at most {RIGHTS_MAX} are allowed"),
            "put rights that the same people may have into one rule",
        );
    }
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let title = match table
            .get_ref()
            .get("name")
            .and_then(|name| name.get_ref().as_str())
        {
            Some(name) => format!("rule {}", quoted(name)),
            None => format!("rule {}", index + 1),
        };
        let section = Section::open(title, table.span(), table, problems);
        rules.extend(section.and_then(|rule| read_rule(&rule, known, &mut names, problems)));
    }
    rules
}

fn read_rule(
    section: &Section<'_>,
    known: &Known,
    names: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> Option<Rule> {
    section.refuse_others(&FIELDS, problems);
    let name = section.required_text("name", problems);
    if let Some(text) = &name
        && !names.insert((*text.get_ref()).to_owned())
    {
        problems.add(
            text.span(),
            format!("two rules are called {}", quoted(text.get_ref())),
            "a rule above is called so",
            "give this one another name",
        );
    }
    let name = name.and_then(|text| id(&text, problems));
    let who = some(section, "who", "people", problems);
    let who = selectors(&section.field("who"), &who, known, problems);
    let rights = read_rights(section, known, problems);
    let approvers = read_approvers(section, &rights, known, problems);
    let (lapses_after, if_nobody_answers) = read_waiting(section, &rights, known, problems);
    Some(Rule {
        name: name?,
        who,
        rights: rights.into_iter().map(Spanned::into_inner).collect(),
        approvers,
        lapses_after,
        if_nobody_answers,
    })
}

/// The texts of a list that must be there and may not be empty.
fn some<'t>(
    section: &Section<'t>,
    field: &str,
    of: &str,
    problems: &mut Problems,
) -> Vec<Spanned<&'t str>> {
    section.required(field, problems);
    let Some(texts) = section.texts(field, problems) else {
        return Vec::new();
    };
    let empty = section
        .value(field)
        .and_then(|value| value.get_ref().as_array());
    if empty.is_some_and(|elements| elements.is_empty()) {
        problems.add(
            texts.span(),
            format!(
                "{} is empty, so the rule gives nothing",
                section.field(field)
            ),
            "empty",
            format!("name {of}, or remove the rule"),
        );
    }
    texts.into_inner()
}

/// The people and jobs named; unknown ones are problems and left out. `field` is how problems call
/// the list.
pub(super) fn selectors(
    field: &str,
    texts: &[Spanned<&str>],
    known: &Known,
    problems: &mut Problems,
) -> Vec<Selector> {
    let mut selected = Vec::new();
    for text in texts {
        let word = *text.get_ref();
        selected.extend(match word.strip_prefix("job:") {
            // Where a job or an id is not fit to be one, that was said where it is defined.
            Some(job) if known.team.jobs.contains(job) => Line::parse(job).ok().map(Selector::Job),
            None if known.team.ids.contains(word) => word.parse().ok().map(Selector::Person),
            Some(_) => {
                unknown_selector(field, text, "nobody has this job", known, problems);
                None
            }
            None => {
                unknown_selector(field, text, "not in `people`", known, problems);
                None
            }
        });
    }
    selected
}

fn unknown_selector(
    field: &str,
    text: &Spanned<&str>,
    label: &str,
    known: &Known,
    problems: &mut Problems,
) {
    let word = *text.get_ref();
    let jobs: Vec<String> = known
        .team
        .jobs
        .iter()
        .map(|job| format!("job:{job}"))
        .collect();
    let job = jobs
        .iter()
        .find(|job| job.strip_prefix("job:") == Some(word));
    let person = word
        .strip_prefix("job:")
        .filter(|id| known.team.ids.contains(*id));
    let help = match (job.map(String::as_str), person) {
        (Some(meant), _) | (None, Some(meant)) => format!("did you mean {}?", quoted(meant)),
        (None, None) => {
            let ids = known.team.ids.iter().map(String::as_str);
            let all = jobs.iter().map(String::as_str).chain(ids);
            nearest::help(word, all, "the people and jobs")
        }
    };
    let message = format!(
        "{field} names {}, which the policy does not know",
        quoted(word)
    );
    problems.add(text.span(), message, label, help);
}

fn read_rights(
    section: &Section<'_>,
    known: &Known,
    problems: &mut Problems,
) -> Vec<Spanned<RightId>> {
    let mut rights = Vec::new();
    for text in some(section, "rights", "rights", problems) {
        let word = *text.get_ref();
        if !known.rights.ids.contains(word) {
            problems.add(
                text.span(),
                format!(
                    "{} gives the right {}, which is not defined",
                    section.title(),
                    quoted(word)
                ),
                "not in `rights`",
                nearest::help(
                    word,
                    known.rights.ids.iter().map(String::as_str),
                    "the rights",
                ),
            );
        } else if let Ok(id) = word.parse() {
            rights.push(Spanned::new(text.span(), id));
        }
    }
    rights
}

fn read_approvers(
    section: &Section<'_>,
    rights: &[Spanned<RightId>],
    known: &Known,
    problems: &mut Problems,
) -> Vec<Selector> {
    section.required("approvers", problems);
    let Some(texts) = section.texts("approvers", problems) else {
        return Vec::new();
    };
    let asks_nobody = section
        .value("approvers")
        .and_then(|value| value.get_ref().as_array())
        .is_some_and(|elements| elements.is_empty());
    let risky = rights.iter().find(|id| {
        let right = known.rights.rights.get(id.get_ref());
        right.is_some_and(|right| right.risk == Risk::High)
    });
    if let Some(risky) = risky.filter(|_| asks_nobody) {
        problems.add(
            texts.span(),
            format!(
                "{} asks nobody, and `{}` is a high risk",
                section.title(),
                risky.get_ref()
            ),
            "nobody approves",
            r#"name who may approve, for example `approvers = ["founder"]`"#,
        );
    }
    selectors(
        &section.field("approvers"),
        texts.get_ref(),
        known,
        problems,
    )
}

/// How long a request waits, and what then.
fn read_waiting(
    section: &Section<'_>,
    rights: &[Spanned<RightId>],
    known: &Known,
    problems: &mut Problems,
) -> (Lifetime, IfNobodyAnswers) {
    let lapses_after = section
        .text("lapses_after", problems)
        .and_then(|text| length(&section.field("lapses_after"), &text, &WAITING, problems));
    let lapses_after = lapses_after.unwrap_or(LAPSES_AFTER);
    let self_grant = if self_grants(section, problems) {
        refuse_unasked(section, problems);
        read_self_grant(section, lapses_after, rights, known, problems)
    } else {
        refuse_leftovers(section, problems);
        None
    };
    (lapses_after, self_grant.unwrap_or(IfNobodyAnswers::Deny))
}

fn self_grants(section: &Section<'_>, problems: &mut Problems) -> bool {
    const WORDS: [&str; 2] = ["deny", "self-grant"];
    let Some(text) = section.text("if_nobody_answers", problems) else {
        return false;
    };
    let word = *text.get_ref();
    if !WORDS.contains(&word) {
        problems.add(
            text.span(),
            format!("{} is {}", section.field("if_nobody_answers"), quoted(word)),
            "not an answer",
            nearest::help(word, WORDS.into_iter(), "the answers"),
        );
    }
    word == "self-grant"
}

/// Where nobody is asked, nobody can fail to answer.
fn refuse_unasked(section: &Section<'_>, problems: &mut Problems) {
    let asked = section
        .value("approvers")
        .and_then(|value| value.get_ref().as_array());
    if let Some(value) = section.value("if_nobody_answers")
        && asked.is_some_and(|asked| asked.is_empty())
    {
        problems.add(
            value.span(),
            format!(
                "{} asks nobody, so there is no answer to wait for",
                section.title()
            ),
            "has no effect",
            "remove it, or name approvers",
        );
    }
}

/// Without a self-grant its fields would do nothing, and somebody thinks they do.
fn refuse_leftovers(section: &Section<'_>, problems: &mut Problems) {
    // A misspelt answer has been noted, and these fields may well be right.
    let answer = section.value("if_nobody_answers").map(Spanned::get_ref);
    if answer.is_some_and(|answer| answer.as_str() != Some("deny")) {
        return;
    }
    for field in ["self_grant_after", "self_grant_longest"] {
        if let Some(value) = section.value(field) {
            problems.add(
                value.span(),
                format!(
                    "{} has no effect: the rule allows no self-grant",
                    section.field(field)
                ),
                "has no effect",
                r#"remove it, or add `if_nobody_answers = "self-grant"`"#,
            );
        }
    }
}

fn read_self_grant(
    section: &Section<'_>,
    lapses_after: Lifetime,
    rights: &[Spanned<RightId>],
    known: &Known,
    problems: &mut Problems,
) -> Option<IfNobodyAnswers> {
    let mut read = |field: &str| {
        let text = section.required_text(field, problems)?;
        let length = length(&section.field(field), &text, &WAITING, problems)?;
        Some((text.span(), length))
    };
    let (after, longest) = (read("self_grant_after"), read("self_grant_longest"));
    let (after_at, after) = after?;
    let (longest_at, longest) = longest?;
    if after >= lapses_after {
        problems.add(
            after_at,
            format!("the request lapses after {lapses_after}, before a self-grant after {after}"),
            format!("must be less than {lapses_after}"),
            "write less, or a longer `lapses_after`",
        );
    }
    refuse_long(longest_at, longest, rights, known, problems);
    Some(IfNobodyAnswers::SelfGrant { after, longest })
}

/// What somebody begins alone is shorter than what somebody else agreed to.
fn refuse_long(
    at: Span,
    longest: Lifetime,
    rights: &[Spanned<RightId>],
    known: &Known,
    problems: &mut Problems,
) {
    let lengths = rights.iter().filter_map(|id| {
        let right = known.rights.rights.get(id.get_ref())?;
        Some((right.longest, id.get_ref()))
    });
    let Some((shortest, right)) = lengths.min() else {
        return;
    };
    if longest >= shortest {
        problems.add(
            at,
            format!("a self-grant of {longest} is not shorter than `{right}` with an approver"),
            format!("must be less than {shortest}"),
            "write less: what somebody begins alone is to be over sooner",
        );
    }
}
