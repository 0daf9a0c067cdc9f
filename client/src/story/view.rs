//! A story and its reasons on a screen, and as scripts read them.

use serde::Serialize;

use super::{
    MarkView, Moment, Signature, Story, Voice, Wrong, told,
    why::{Decision, Why},
};
use crate::{
    output::Printer,
    show::{self, counted},
    text::plain,
    time,
};

/// A story as JSON.
#[derive(Debug, Serialize)]
pub struct StoryView<'a> {
    grant: &'a str,
    person: &'a str,
    right: &'a str,
    sentence: &'a str,
    incident: &'a str,
    drill: bool,
    entries: Vec<MomentView<'a>>,
    signatures: &'a [Signature],
    entries_read: usize,
    statements_checked: u64,
    holds: bool,
    marks: Vec<MarkView>,
    wrong: Option<&'a Wrong>,
}

/// An entry of a story.
#[derive(Debug, Serialize)]
struct MomentView<'a> {
    entry: u64,
    at: String,
    kind: &'a str,
    by: &'a str,
    text: String,
    policy: Option<u64>,
}

impl<'a> From<&'a Story> for StoryView<'a> {
    fn from(story: &'a Story) -> Self {
        let text = |name| story.asked.text(name).unwrap_or_default();
        let moment = |moment: &'a Moment| MomentView {
            entry: moment.entry.index,
            at: time::rfc3339(moment.entry.at),
            kind: &moment.entry.kind,
            by: &moment.entry.by,
            text: told::sentence(&moment.entry, Voice::ToScripts),
            policy: moment.policy.as_deref().map(|policy| policy.entry),
        };
        Self {
            grant: &story.grant,
            person: text("person"),
            right: text("right"),
            sentence: text("sentence"),
            incident: text("incident"),
            drill: story.asked.is_drill(),
            entries: story.moments.iter().map(moment).collect(),
            signatures: &story.signatures,
            entries_read: story.read,
            statements_checked: story.statements,
            holds: story.wrong.is_none(),
            marks: story.marked(Voice::ToScripts),
            wrong: story.wrong.as_ref(),
        }
    }
}

/// Prints a story.
pub fn story(printer: &Printer, story: &Story, voice: Voice) {
    let text = |name| story.asked.text(name).unwrap_or_default();
    printer.heading(format!(
        "{}{}  {} to {}, under {}",
        show::drill_mark(story.asked.is_drill()),
        story.grant,
        text("person"),
        plain(text("sentence")),
        text("incident")
    ));
    for moment in &story.moments {
        let entry = &moment.entry;
        let wrong = story.wrong.as_ref();
        let line = format!(
            "{:>7}  {}  {}",
            entry.index,
            voice.at(entry.at),
            plain(&told::sentence(entry, voice))
        );
        match wrong.is_some_and(|wrong| wrong.entry == Some(entry.index)) {
            true => printer.bad(line),
            false => printer.line(line),
        }
    }
    signed(printer, &story.signatures);
    marked(printer, &story.marked(voice));
    printer.line("");
    if story.wrong.is_some() {
        return printer.bad("It does not hold.");
    }
    printer.good(format!(
        "It holds: {}.",
        checked(story.read, story.statements)
    ));
    printer.aside(format!(
        "Why each decision was as it was: glass ledger why {}",
        story.grant
    ));
}

/// Prints why.
pub fn why(printer: &Printer, why: &Why) {
    for (number, decision) in why.decisions.iter().enumerate() {
        if number > 0 {
            printer.line("");
        }
        say(printer, decision);
    }
    signed(printer, &why.signatures);
    marked(printer, &why.marks);
    printer.line("");
    match why.follows {
        Some(true) => printer.good(format!(
            "It follows: {}.",
            checked(why.entries_read, why.statements_checked)
        )),
        Some(false) => printer.bad("It does not follow."),
        None => printer.line("Nothing was decided again."),
    }
    printer.aside(
        "Whether the broker left anything out is seen by reading all of it: glass ledger verify",
    );
}

fn say(printer: &Printer, decision: &Decision) {
    printer.heading(format!(
        "entry {}: {}",
        decision.entry,
        plain(&decision.what)
    ));
    for because in &decision.because {
        printer.line(format!("  - {}", plain(because)));
    }
    if let Some(rule) = &decision.rule {
        printer.line("");
        for (at, line) in (rule.first_line..).zip(rule.text.lines()) {
            printer.aside(format!("  {at:>5} | {}", plain(line)));
        }
    }
}

fn signed(printer: &Printer, signatures: &[Signature]) {
    if signatures.is_empty() {
        return;
    }
    printer.line("");
    printer.line("Signed");
    for signature in signatures {
        printer.line(format!(
            "{:>7}  {}",
            signature.entry,
            plain(&signature.words())
        ));
    }
}

fn marked(printer: &Printer, marks: &[MarkView]) {
    if marks.is_empty() {
        return;
    }
    printer.line("");
    printer.line("Lost");
    for mark in marks {
        printer.line(format!("  {}", mark.text));
    }
}

/// What was done to say so.
fn checked(read: usize, statements: u64) -> String {
    let signatures = match statements {
        0 => String::new(),
        some => format!(", with {} that verify", counted(some, "signature")),
    };
    let entries = if read == 1 { "entry" } else { "entries" };
    format!(
        "{read} {entries} read, each proven to be in the ledger{signatures}; the rules were run again"
    )
}
