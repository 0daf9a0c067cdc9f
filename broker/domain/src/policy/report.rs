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
        let title = Level::ERROR.primary_title(finding.message.clone());
        let rendered = render(title.element(place.origin(name)), &finding.help);
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

/// Characters shown of a line: what a wide terminal holds.
const SHOWN_MAX: usize = 120;

/// Of these so many before what is meant, where the line is longer.
const SHOWN_BEFORE: usize = 30;

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
        let (shown, span, is_from_start) = self.window();
        let caret = AnnotationKind::Primary.span(span);
        let snippet = Snippet::source(shown)
            .line_start(self.line)
            .annotation(caret.label(finding.label.clone()));
        let title = Level::ERROR.primary_title(finding.message.clone());
        // A snippet with a path counts the column itself, within what is shown.
        let group = if is_from_start {
            title.element(snippet.path(printable(name)))
        } else {
            title.element(self.origin(name)).element(snippet)
        };
        render(group, &finding.help)
    }

    fn origin(&self, name: &str) -> Origin<'static> {
        Origin::path(printable(name))
            .line(self.line)
            .char_column(self.column)
    }

    /// The line, or of a long one the part around the span; where the span is in that; and whether
    /// it is from the start of the line. Cut here because annotate-snippets 0.12 does not cut lines
    /// of wide characters.
    fn window(&self) -> (String, Span, bool) {
        let skipped = match self.text.chars().count() {
            all if all <= SHOWN_MAX => 0,
            _ => (self.column - 1).saturating_sub(SHOWN_BEFORE),
        };
        let at = |count: usize| self.text.char_indices().nth(count).map(|(at, _)| at);
        let begin = at(skipped).unwrap_or(0);
        let end = at(skipped + SHOWN_MAX).unwrap_or(self.text.len());
        let before = if begin > 0 { "..." } else { "" };
        let after = if end < self.text.len() { "..." } else { "" };
        let shown = format!("{before}{}{after}", &self.text[begin..end]);
        let within = |at: usize| at.clamp(begin, end) - begin + before.len();
        let span = within(self.span.start)..within(self.span.end);
        (shown, span, begin == 0)
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
    // Wider than any line shown, so that nothing is cut a second time.
    Renderer::plain().term_width(8 * SHOWN_MAX).render(&report)
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
