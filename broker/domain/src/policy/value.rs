//! Texts of the file become ids, lines and lengths here, or problems.

use std::str::FromStr;

use jiff::fmt::friendly::SpanParser;
use toml::Spanned;

use super::nearest;
use super::report::{Problems, printable, quoted};
use crate::id::{BROKER, IdError};
use crate::limits::LENGTH_MIN;
use crate::text::{Line, TextError};
use crate::time::Lifetime;
use crate::word::Words;

/// An id or a rule's name.
pub(super) fn id<T>(text: &Spanned<&str>, problems: &mut Problems) -> Option<T>
where
    T: FromStr<Err = IdError>,
{
    let wrong = match text.get_ref().parse::<T>() {
        Ok(id) => return Some(id),
        Err(wrong) => wrong,
    };
    let (message, label) = if *text.get_ref() == BROKER {
        let message = format!("nothing can be called `{BROKER}`: in the ledger that is the broker");
        (message, "taken".to_owned())
    } else {
        let message = format!("{} cannot be used: {wrong}", quoted(text.get_ref()));
        (message, "not allowed here".to_owned())
    };
    let proper = properly(text.get_ref()).filter(|proper| proper.parse::<T>().is_ok());
    let help = match proper {
        Some(proper) => format!("write `{proper}`"),
        None => "choose another, for example `mia` or `deploy-shop`".to_owned(),
    };
    problems.add(text.span(), message, label, help);
    None
}

/// The nearest text that could be an id: "Deploy Shop" is `deploy-shop`.
fn properly(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let kept: String = lower
        .chars()
        .map(|c| if proper(c) { c } else { '-' })
        .collect();
    let kept = kept.trim_matches(['.', '_', '-']);
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// One line; `field` is how problems call it.
pub(super) fn line(
    field: &str,
    text: &Spanned<&str>,
    max: usize,
    problems: &mut Problems,
) -> Option<Line> {
    let trimmed = text.get_ref().trim();
    let (message, help) = match Line::parse_up_to(text.get_ref(), max) {
        Ok(line) if line.as_str() == trimmed => return Some(line),
        Ok(_) => (
            format!("{field} begins or ends with white space"),
            format!("write `\"{}\"`", printable(trimmed)),
        ),
        Err(wrong) => (format!("{field} cannot be used: {wrong}"), mend(&wrong)),
    };
    problems.add(text.span(), message, "not allowed here", help);
    None
}

/// One line without white space in it: a name, an address.
pub(super) fn token(
    field: &str,
    text: &Spanned<&str>,
    max: usize,
    problems: &mut Problems,
) -> Option<Line> {
    let line = line(field, text, max, problems)?;
    if !line.as_str().contains(char::is_whitespace) {
        return Some(line);
    }
    problems.add(
        text.span(),
        format!("{field} has white space in it"),
        "white space",
        "write it as it is called, without blanks",
    );
    None
}

/// One of a few words; `all` is how problems call them together.
pub(super) fn word<T: Words>(
    field: &str,
    text: &Spanned<&str>,
    all: &str,
    problems: &mut Problems,
) -> Option<T> {
    let word = text.get_ref().parse();
    if word.is_err() {
        problems.add(
            text.span(),
            format!("{field} is {}", quoted(text.get_ref())),
            "not known here",
            nearest::help(text.get_ref(), T::all(), &format!("the {all}")),
        );
    }
    word.ok()
}

fn mend(wrong: &TextError) -> String {
    match wrong {
        TextError::Empty => "write something between the quotes".into(),
        TextError::TooLong { max, .. } => format!("write at most {max} bytes"),
        TextError::Unprintable(_) => "remove it; plain text on one line is all that fits".into(),
    }
}

/// The longest a length may be, and why.
pub(super) struct Ceiling {
    /// Inclusive.
    pub(super) longest: Lifetime,
    /// Completes "at most 12h: ...".
    pub(super) why: &'static str,
}

/// A length of time such as `15m` or `1h 30m`, in whole seconds.
pub(super) fn length(
    field: &str,
    text: &Spanned<&str>,
    ceiling: &Ceiling,
    problems: &mut Problems,
) -> Option<Lifetime> {
    let Ceiling { longest, why } = ceiling;
    let shown = quoted(text.get_ref());
    let (message, label, help) = match written(text.get_ref()) {
        Some(length) if (LENGTH_MIN..=*longest).contains(&length) => return Some(length),
        Some(length) if length > *longest => (
            format!("{field} is {length}, and at most {longest} is allowed"),
            format!("longer than {longest}"),
            format!("write `\"{longest}\"` or less: {why}"),
        ),
        Some(_) => (
            format!("{field} is {shown}, and at least {LENGTH_MIN} is needed"),
            "too short".to_owned(),
            r#"write for example `"15m"`"#.to_owned(),
        ),
        None => (
            format!("{field} is {shown}, which is not a length of time in whole seconds"),
            "not a length of time".to_owned(),
            r#"write for example `"45s"`, `"15m"` or `"1h 30m"`"#.to_owned(),
        ),
    };
    problems.add(text.span(), message, label, help);
    None
}

/// As jiff's "friendly" format has it; nothing for a negative length or a part of a second.
fn written(text: &str) -> Option<Lifetime> {
    static PARSER: SpanParser = SpanParser::new();
    let length = PARSER.parse_duration(text).ok()?;
    if length.subsec_nanos() != 0 {
        return None;
    }
    Lifetime::from_duration(length)
}
