//! The part of a rule about whom it asks when those it asks first do not answer.

use super::report::{Problems, Span};
use super::rules::Known;
use super::section::Section;
use super::selectors::selectors;
use super::value::length;
use super::waiting::WAITING;
use super::{Escalates, IfNobodyAnswers, Selector};
use crate::time::Lifetime;

const AFTER: &str = "escalate_after";
const TO: &str = "then_approvers";

/// What the rule says of the rest, that this has to fit.
pub(super) struct Rest<'r> {
    pub(super) approvers: &'r [Selector],
    pub(super) lapses_after: Lifetime,
    pub(super) if_nobody_answers: IfNobodyAnswers,
}

/// Whom it asks later; nothing where it says neither when nor whom.
pub(super) fn read(
    section: &Section<'_>,
    rest: &Rest<'_>,
    known: &Known,
    problems: &mut Problems,
) -> Option<Escalates> {
    if section.value(AFTER).is_none() && section.value(TO).is_none() {
        return None;
    }
    refuse_half(section, problems);
    refuse_unasked(section, problems);
    let after = section.text(AFTER, problems).and_then(|text| {
        let after = length(&section.field(AFTER), &text, &WAITING, problems)?;
        refuse_late(section, text.span(), after, rest, problems);
        Some(after)
    });
    let to = read_to(section, rest, known, problems);
    Some(Escalates {
        after: after?,
        to: to?,
    })
}

/// When without whom means nothing, and whom without when neither.
fn refuse_half(section: &Section<'_>, problems: &mut Problems) {
    for (there, missing) in [(AFTER, TO), (TO, AFTER)] {
        if let Some(value) = section.value(there)
            && section.value(missing).is_none()
        {
            problems.add(
                value.span(),
                format!("{} has `{there}`, and no `{missing}`", section.title()),
                format!("nothing without `{missing}`"),
                format!("add `{}`, or remove it", section.example(missing)),
            );
        }
    }
}

/// Where nobody is asked first, nobody can fail to answer.
fn refuse_unasked(section: &Section<'_>, problems: &mut Problems) {
    if let Some(value) = section.value(TO).or_else(|| section.value(AFTER))
        && section.is_empty_list("approvers")
    {
        problems.add(
            value.span(),
            format!(
                "{} asks nobody first, so nobody is asked after them",
                section.title()
            ),
            "has no effect",
            "name them in `approvers`, or remove it",
        );
    }
}

/// Those who are asked later need time of their own.
fn refuse_late(
    section: &Section<'_>,
    at: Span,
    after: Lifetime,
    rest: &Rest<'_>,
    problems: &mut Problems,
) {
    let field = section.field(AFTER);
    let (end, then) = match rest.if_nobody_answers {
        IfNobodyAnswers::SelfGrant { after: alone, .. } if alone <= rest.lapses_after => {
            (alone, format!("a self-grant is possible after {alone}"))
        }
        _ => (
            rest.lapses_after,
            format!("a request lapses after {}", rest.lapses_after),
        ),
    };
    if after >= end {
        problems.add(
            at,
            format!("{field} is {after}, and {then}"),
            format!("must be less than {end}"),
            "write less: who is asked later needs time to answer",
        );
    }
}

fn read_to(
    section: &Section<'_>,
    rest: &Rest<'_>,
    known: &Known,
    problems: &mut Problems,
) -> Option<Vec<Selector>> {
    let texts = section.texts(TO, problems)?;
    let field = section.field(TO);
    if section.is_empty_list(TO) {
        problems.add(
            texts.span(),
            format!("{field} is empty, so nobody is asked later"),
            "empty",
            format!("name people, for example `{}`", section.example(TO)),
        );
        return None;
    }
    let to = selectors(&field, texts.get_ref(), known, problems);
    let are_known = to.len() == texts.get_ref().len();
    let first = known.team.meant(rest.approvers);
    if are_known && known.team.meant(&to).is_subset(&first) {
        problems.add(
            texts.span(),
            format!("{field} adds nobody: all of them are asked from the beginning"),
            "named by `approvers`",
            "name somebody else, or take them out of `approvers`",
        );
    }
    Some(to)
}
