//! What a person typed: data, never a command to a terminal.

use std::fmt;
use std::sync::Arc;

use crate::limits::{LINE_MAX, PROSE_MAX};

/// Why a text was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Longer than the field allows.
    #[error("it has {len} bytes and may have at most {max}")]
    TooLong {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A control character, or one that changes how the text around it is shown.
    #[error("it has the character U+{0:04X}, which can change what a terminal shows")]
    Unprintable(u32),
}

/// One line: a reason, a title. No control characters, nothing that reorders or hides text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(Arc<str>);

impl Line {
    /// A line of at most [`LINE_MAX`] bytes.
    ///
    /// # Errors
    /// [`TextError`] where it is empty, too long, or could restyle a terminal.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        Self::parse_up_to(text, LINE_MAX)
    }

    /// A line of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Line::parse`].
    pub fn parse_up_to(text: &str, max: usize) -> Result<Self, TextError> {
        check(text, max, |_| false).map(Self)
    }

    /// A line that was taken when it was recorded. What was taken once is read for ever, whatever is
    /// refused today: only for reading entries and what is made of them.
    #[must_use]
    pub fn recorded(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Several lines: an incident's note. As a [`Line`], but newlines are allowed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prose(Arc<str>);

impl Prose {
    /// A text of at most [`PROSE_MAX`] bytes.
    ///
    /// # Errors
    /// [`TextError`] where it is empty, too long, or could restyle a terminal.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        check(text, PROSE_MAX, |c| c == '\n').map(Self)
    }

    /// A text that was taken when it was recorded, as [`Line::recorded`].
    #[must_use]
    pub fn recorded(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str, max: usize, allowed: fn(char) -> bool) -> Result<Arc<str>, TextError> {
    if text.len() > max {
        return Err(TextError::TooLong {
            len: text.len(),
            max,
        });
    }
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    match text.chars().find(|&c| restyles(c) && !allowed(c)) {
        Some(c) => Err(TextError::Unprintable(c.into())),
        None => Ok(text.into()),
    }
}

/// Controls (Unicode Cc), line and paragraph separators, and the bidirectional and invisible format
/// characters with which one text can be made to look like another (Unicode TR 36, "Trojan Source").
#[must_use]
pub fn restyles(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

/// Whether nothing that shows it to people may let it through as it is: what [`restyles`], and what is
/// invisible or unassigned among format characters and fillers besides (Unicode `Default_Ignorable_Code_Point`,
/// but for the variation selectors of emoji, and U+FFF0 to U+FFF8). Texts with the latter are taken.
#[must_use]
pub fn hides(c: char) -> bool {
    restyles(c)
        || matches!(c,
            '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{3164}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    )*};
}
shown!(Line, Prose);

/// A number in an order: `1st`, `2nd`, `11th`.
#[must_use]
pub fn nth(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
