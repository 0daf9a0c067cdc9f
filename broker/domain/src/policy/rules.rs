//! `[[rules]]`: who gets what, on whose word.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::DeValue;

use super::report::{Problems, quoted};
use super::rights::Rights;
use super::section::Section;
use super::selectors::selectors;
use super::team::Team;
use super::value::id;
use super::{Risk, Rule, Selector, escalating, nearest, waiting};
use crate::id::RightId;
use crate::limits::RIGHTS_MAX;

const FIELDS: [&str; 11] = [
    "name",
    "who",
    "rights",
    "approvers",
    "call",
    "lapses_after",
    "if_nobody_answers",
    "self_grant_after",
    "self_grant_longest",
    "escalate_after",
    "then_approvers",
];

/// What rules may name.
pub(super) struct Known {
    /// People and jobs.
    pub(super) team: Team,
    /// Rights.
    pub(super) rights: Rights,
}

impl Known {
    /// The first of the rights that is a high risk.
    pub(super) fn risky<'r>(&self, rights: &'r [Spanned<RightId>]) -> Option<&'r RightId> {
        let is_high = |id: &&RightId| {
            let right = self.rights.rights.get(*id);
            right.is_some_and(|right| right.risk == Risk::High)
        };
        rights.iter().map(Spanned::get_ref).find(is_high)
    }
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
    let call = read_call(section, known, problems);
    let (lapses_after, if_nobody_answers) = waiting::read(section, &rights, known, problems);
    let rest = escalating::Rest {
        approvers: &approvers,
        lapses_after,
        if_nobody_answers,
    };
    let escalates = escalating::read(section, &rest, known, problems);
    Some(Rule {
        name: name?,
        who,
        rights: rights.into_iter().map(Spanned::into_inner).collect(),
        approvers,
        call,
        lapses_after,
        if_nobody_answers,
        escalates,
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
    if section.is_empty_list(field) {
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

fn read_rights(
    section: &Section<'_>,
    known: &Known,
    problems: &mut Problems,
) -> Vec<Spanned<RightId>> {
    let texts = some(section, "rights", "rights", problems);
    let right = |text| defined(section, &known.rights, text, problems);
    texts.iter().filter_map(right).collect()
}

/// A right that is named in a section; one that the policy does not define is a problem.
pub(super) fn defined(
    section: &Section<'_>,
    rights: &Rights,
    text: &Spanned<&str>,
    problems: &mut Problems,
) -> Option<Spanned<RightId>> {
    let word = *text.get_ref();
    if rights.ids.contains(word) {
        return word.parse().ok().map(|id| Spanned::new(text.span(), id));
    }
    problems.add(
        text.span(),
        format!(
            "{} gives the right {}, which is not defined",
            section.title(),
            quoted(word)
        ),
        "not in `rights`",
        nearest::help(word, rights.ids.iter().map(String::as_str), "the rights"),
    );
    None
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
    if let Some(risky) = known.risky(rights)
        && section.is_empty_list("approvers")
        && section.value("call").is_none()
    {
        problems.add(
            texts.span(),
            format!(
                "{} asks nobody, and `{risky}` is a high risk",
                section.title()
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

/// Whose call it needs; left out, nobody's.
fn read_call(section: &Section<'_>, known: &Known, problems: &mut Problems) -> Vec<Selector> {
    let Some(texts) = section.texts("call", problems) else {
        return Vec::new();
    };
    if section.is_empty_list("call") {
        problems.add(
            texts.span(),
            format!("{} is empty, so no call would do", section.field("call")),
            "empty",
            r#"name who must have been called, for example `call = ["job:engineer"]`, or remove it"#,
        );
    }
    selectors(&section.field("call"), texts.get_ref(), known, problems)
}
