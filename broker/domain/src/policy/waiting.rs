//! The part of a rule about a request nobody answers.

use toml::Spanned;

use super::limits::INCIDENT_MAX;
use super::report::{Problems, Span, quoted};
use super::rules::Known;
use super::section::Section;
use super::value::{Ceiling, length};
use super::{IfNobodyAnswers, nearest};
use crate::id::RightId;
use crate::limits::LAPSES_AFTER;
use crate::time::Lifetime;

/// A request that waits longer than an incident can last waits for nothing.
pub(super) const WAITING: Ceiling = Ceiling {
    longest: INCIDENT_MAX,
    why: "a request ends with its incident",
};

/// How long a request waits, and what then.
pub(super) fn read(
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
        refuse_alone_after_call(section, problems);
        refuse_unasked(section, rights, known, problems);
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

/// Whoever begins alone has called nobody: one of the two would mean nothing.
fn refuse_alone_after_call(section: &Section<'_>, problems: &mut Problems) {
    if section.value("call").is_some()
        && let Some(value) = section.value("if_nobody_answers")
    {
        problems.add(
            value.span(),
            format!(
                "{} asks for a call, and allows to begin alone",
                section.title()
            ),
            "not beside `call`",
            r#"remove it, or `call`: a self-grant would begin without the call"#,
        );
    }
}

/// Where nobody is asked, nobody can fail to answer. Where somebody should have been asked, that
/// was said.
fn refuse_unasked(
    section: &Section<'_>,
    rights: &[Spanned<RightId>],
    known: &Known,
    problems: &mut Problems,
) {
    if let Some(value) = section.value("if_nobody_answers")
        && section.is_empty_list("approvers")
        && section.value("call").is_none()
        && known.risky(rights).is_none()
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
            format!(
                "{} is {after}, and a request lapses after {lapses_after}",
                section.field("self_grant_after")
            ),
            format!("must be less than {lapses_after}"),
            "write less, or a longer `lapses_after`: a self-grant needs a request that still waits",
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
