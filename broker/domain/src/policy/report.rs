//! Errors that show the line, a caret, and the fix.

use std::fmt::{self, Write as _};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::limits::PROBLEMS_MAX;
use crate::text::restyles;

/// Why a text is not a policy: one or more problems, each drawn under its line.
///
/// [`Display`](fmt::Display) is plain text of several lines without colour, and holds no character
/// that could restyle a terminal, whatever the policy held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    rendered: String,
    problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; 1 for what concerns the whole file.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl PolicyError {
    /// What is wrong, in order of the file; never empty, at most [`PROBLEMS_MAX`].
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// A problem whose line is named but not shown, because it is not fit to be.
    pub(super) fn undrawn(name: &str, text: &str, finding: Finding) -> Self {
        let place = Place::of(text, &finding.span);
        let origin = Origin::path(printable(name))
            .line(place.line)
            .char_column(place.column);
        let title = Level::ERROR.primary_title(finding.message.clone());
        let rendered = render(title.element(origin), &finding.help);
        Self {
            rendered,
            problems: vec![place.problem(finding)],
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rendered)
    }
}

impl std::error::Error for PolicyError {}

/// Bytes of the text, from the first to one past the last.
pub(super) type Span = Range<usize>;

/// What is wrong, before it is known which line that is.
#[derive(Debug)]
pub(super) struct Finding {
    /// Where.
    pub(super) span: Span,
    /// What is wrong.
    pub(super) message: String,
    /// What stands beside the caret.
    pub(super) label: String,
    /// What to do.
    pub(super) help: String,
}

/// Everything found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Finding>,
    untold: usize,
}

impl Problems {
    /// Notes one more.
    pub(super) fn add(
        &mut self,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.found.len() == PROBLEMS_MAX {
            self.untold += 1;
            return;
        }
        self.found.push(Finding {
            span,
            message: message.into(),
            label: label.into(),
            help: help.into(),
        });
    }

    /// The error to report, if anything was wrong.
    pub(super) fn into_error(mut self, name: &str, text: &str) -> Option<PolicyError> {
        if self.found.is_empty() {
            return None;
        }
        self.found.sort_by_key(|finding| finding.span.start);
        let mut rendered = String::new();
        let mut problems = Vec::new();
        for finding in self.found {
            let place = Place::of(text, &finding.span);
            if !rendered.is_empty() {
                rendered.push_str("\n\n");
            }
            rendered.push_str(&place.draw(name, &finding));
            problems.push(place.problem(finding));
        }
        if self.untold > 0 {
            // Writing to a String cannot fail.
            let _ = write!(rendered, "\n\nand {} more problems", self.untold);
        }
        Some(PolicyError { rendered, problems })
    }
}

/// One line of the text and the part of it that is meant.
struct Place<'t> {
    line: usize,
    column: usize,
    text: &'t str,
    span: Span,
}

impl<'t> Place<'t> {
    /// The line a span begins on. What goes on over its end is cut there; any span is taken, also
    /// one past the end or inside of a character, because a reporter must not fail on a report.
    fn of(text: &'t str, span: &Span) -> Self {
        let start = text.floor_char_boundary(span.start);
        let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let rest = &text[begin..];
        let line = rest.split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let from = (start - begin).min(line.len());
        let to = line.floor_char_boundary(span.end.saturating_sub(begin));
        Self {
            line: text[..begin].matches('\n').count() + 1,
            column: line[..from].chars().count() + 1,
            text: line,
            span: from..to.max(from),
        }
    }

    fn draw(&self, name: &str, finding: &Finding) -> String {
        let caret = AnnotationKind::Primary.span(self.span.clone());
        let snippet = Snippet::source(self.text)
            .path(printable(name))
            .line_start(self.line)
            .annotation(caret.label(finding.label.clone()));
        let title = Level::ERROR.primary_title(finding.message.clone());
        render(title.element(snippet), &finding.help)
    }

    fn problem(&self, finding: Finding) -> Problem {
        Problem {
            line: self.line,
            column: self.column,
            message: finding.message,
            help: finding.help,
        }
    }
}

fn render(group: Group<'_>, help: &str) -> String {
    let report = [group.element(Level::HELP.message(help))];
    Renderer::plain().render(&report)
}

/// The text with every character that could restyle a terminal written as its number. A file's name
/// and a decoded `"\u001b"` come from outside as much as the file's lines do.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if restyles(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Characters of something quoted: a longer one would hide the sentence around it.
const QUOTED_MAX: usize = 60;

/// Something from the file within a sentence: in backticks, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_MAX) {
        Some((cut, _)) => format!("`{}...`", printable(&text[..cut])),
        None => format!("`{}`", printable(text)),
    }
}
