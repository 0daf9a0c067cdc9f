//! A whole screen at once, for [`crate::screen`]: what [`super::Printer`] is for lines. Every text is
//! made safe here, on its way out.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar as _;

use crate::text::plain;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As any other.
    Plain,
    /// What a part is about.
    Strong,
    /// Beside the point.
    Quiet,
    /// All is well.
    Good,
    /// Something is not well.
    Bad,
    /// Where the keys act.
    Chosen,
}

/// One line of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub text: String,
    /// How it looks.
    pub tone: Tone,
}

impl Line {
    /// A line.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { text, tone }
    }
}

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// The bytes that show these lines and nothing else, whatever stood there before.
#[must_use]
pub fn frame(lines: &[Line], size: Size, coloured: bool) -> String {
    let mut out = String::new();
    for row in 0..size.height {
        // Erased before it is written: behind a full line the cursor still stands on its last column.
        write!(out, "\u{1b}[{};1H\u{1b}[2K", row + 1).expect("a String takes every write");
        let Some(line) = lines.get(row) else { continue };
        let text = cut(&plain(&line.text), size.width);
        match coloured {
            true => {
                let style = style(line.tone);
                write!(out, "{style}{text}{style:#}").expect("a String takes every write");
            }
            false => out.push_str(&text),
        }
    }
    out
}

/// The columns a text takes. A character that has none of its own stands on the one before it.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// As much of a safe text as fits; where something is left out it ends with an ellipsis.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = head(text, width.saturating_sub(1)).to_owned();
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// A safe text on as many lines as it needs, cut at spaces where there are some. Nothing is left out.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let mut lines = Vec::new();
    let mut rest = text;
    while columns(rest) > width {
        let fits = head(rest, width);
        let fits = match fits.rfind(' ').filter(|at| !fits[..*at].trim().is_empty()) {
            Some(space) if !rest[fits.len()..].starts_with(' ') => &fits[..=space],
            _ => fits,
        };
        lines.push(fits.trim_end().to_owned());
        rest = rest[fits.len()..].trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

/// The longest beginning that takes at most so many columns.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Strong => Style::new().bold(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Bad => AnsiColor::Red.on_default().bold(),
        Tone::Chosen => Style::new().invert(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 10,
        height: 3,
    };

    #[test]
    fn nothing_typed_moves_the_cursor_or_leaves_its_line() {
        let hostile = Line::new(Tone::Plain, "a\u{1b}[2J\nb\u{202e}");
        let shown = frame(&[hostile], SIZE, false);
        let rows: Vec<_> = shown.split("\u{1b}[2K").collect();
        assert_eq!(rows[1], "a\\u{1b}[2…\u{1b}[2;1H");
        assert_eq!(shown.matches('\u{1b}').count(), 6, "two a row: {shown:?}");
        assert!(!shown.contains('\n'));
    }

    #[test]
    fn colours_are_left_out_where_nobody_wants_them() {
        let line = [Line::new(Tone::Bad, "trouble")];
        assert!(frame(&line, SIZE, true).contains("\u{1b}[1m"));
        assert!(!frame(&line, SIZE, false).contains('m'));
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(columns("日本"), 4);
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(cut("e\u{301}e\u{301}", 2), "e\u{301}e\u{301}");
    }

    #[test]
    fn wrapping_leaves_nothing_out() {
        assert_eq!(wrap("drop the bad index", 9), ["drop the", "bad index"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("  x abcdefgh", 6), ["  x", "abcdef", "gh"]);
        assert_eq!(wrap("", 4), [""]);
        for width in 0..12 {
            let all: String = wrap("日本語 in one of several lines", width).concat();
            assert_eq!(all.replace(' ', ""), "日本語inoneofseverallines", "{width}");
        }
    }
}
