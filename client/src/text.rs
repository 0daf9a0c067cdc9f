//! Words of other people on the way to a screen, and words of this person on the way to a
//! signature.

use std::fmt::Write as _;

use crate::{error::Error, limits};

/// One line that is safe on any terminal: control characters, line ends, and the invisible
/// characters that reorder or hide text are written as `\n` or `\u{202e}`.
#[must_use]
pub fn plain(text: &str) -> String {
    escape(text, false)
}

/// Like [`plain`], and line ends stay what they are.
#[must_use]
pub fn plain_lines(text: &str) -> String {
    escape(text, true)
}

/// A text that no spreadsheet takes for a formula: an apostrophe in front of what would begin one, as
/// OWASP's "CSV Injection" says. Also behind each `;`: where the system's list separator is that one, a
/// spreadsheet may end the cell there.
#[must_use]
pub fn no_formula(text: &str) -> String {
    let mut cells = text.split(';').map(|cell| {
        let formula = cell
            .trim_start_matches(' ')
            .starts_with(['=', '+', '-', '@']);
        [if formula { "'" } else { "" }, cell].concat()
    });
    let first = cells.next().unwrap_or_default();
    cells.fold(first, |text, cell| text + ";" + &cell)
}

fn escape(text: &str, keep_newlines: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if keep_newlines => out.push('\n'),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => {
                write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a String takes every write");
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether a character can move the cursor, start a terminal sequence, reorder its neighbours or
/// hide: the controls (Cc), line and paragraph separators, and the format characters (Cf) of
/// Unicode that do so (UAX #9 section 2, UTR #36 section 3).
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Makes JSON safe to print: what [`is_unsafe`] can only stand inside strings, where it may as
/// well be written as `\u`.
#[must_use]
pub fn safe_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").expect("a String takes every write");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The number in an id, so that `G-2` stands before `G-10`; what has none stands last.
#[must_use]
pub fn number(id: &str) -> u64 {
    let digits = id.rsplit_once('-').map(|(_, digits)| digits.parse());
    digits.and_then(Result::ok).unwrap_or(u64::MAX)
}

/// Checks a reason, `-m`: one line of 1 to 500 bytes.
///
/// # Errors
/// [`Error::Usage`] that says what is wrong and where.
pub fn reason(text: &str) -> Result<String, Error> {
    if text.trim() == "-" {
        return Err(Error::usage(
            "a reason is not read from standard input, and `-` says nothing to whoever reads it",
            "say why in a few words: -m \"...\"; what a program says belongs in `glass note -`",
        ));
    }
    one_line("the reason", text, limits::MAX_LINE_BYTES)
}

/// Any text as one line that can be signed: escaped, and cut where it is longer than a reason may be.
#[must_use]
pub fn cut(text: &str) -> String {
    let mut line = plain(text.trim());
    let mut end = limits::MAX_LINE_BYTES.min(line.len());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line.trim_end().to_owned()
}

/// Checks a text to look for: one line of 1 to 500 bytes, as long as a reason gets.
///
/// # Errors
/// [`Error::Usage`].
pub fn looked_for(text: &str) -> Result<String, Error> {
    let text = text.trim();
    let wrong = match text.chars().find(|c| is_unsafe(*c)) {
        _ if text.is_empty() => "is empty".to_owned(),
        _ if text.len() > limits::MAX_LINE_BYTES => {
            let (len, most) = (text.len(), limits::MAX_LINE_BYTES);
            format!("is {len} bytes long; at most {most} are looked for")
        }
        Some(c) => format!(
            "has the character U+{:04X}, which nothing in the ledger has",
            u32::from(c)
        ),
        None => return Ok(text.to_owned()),
    };
    Err(Error::usage(
        format!("the text to look for {wrong}"),
        "a word or two of one line are enough: --text 'black friday'",
    ))
}

/// Checks an incident's title: one line of 1 to 500 bytes.
///
/// # Errors
/// [`Error::Usage`].
pub fn title(text: &str) -> Result<String, Error> {
    one_line("the title", text, limits::MAX_LINE_BYTES)
}

/// Checks a device's name: one line of 1 to 64 bytes.
///
/// # Errors
/// [`Error::Usage`].
pub fn device(text: &str) -> Result<String, Error> {
    one_line("the device name", text, limits::MAX_DEVICE_BYTES).map_err(|error| {
        let next = "a short name that others know it by: --device \"mia's laptop\"";
        Error::usage(error.to_string(), next)
    })
}

/// Checks an id that was typed (`what` names it: "the incident"): 1 to 48 bytes without
/// spaces.
///
/// # Errors
/// [`Error::Usage`].
pub fn id(what: &str, text: &str) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Err(Error::usage(
            format!("{what} is empty"),
            "ids are short words such as INC-12, G-45, mia or deploy-shop",
        ));
    }
    let id = one_line(what, text, limits::MAX_ID_BYTES)?;
    if id.contains(char::is_whitespace) {
        return Err(Error::usage(
            format!("{what} `{}` has a space in it", plain(&id)),
            "ids are short words such as INC-12, G-45, mia or deploy-shop",
        ));
    }
    Ok(id)
}

/// Checks a person's id that was typed: as [`id`], and in lower case, as all of them are.
///
/// # Errors
/// [`Error::Usage`].
pub fn person_id(text: &str) -> Result<String, Error> {
    let id = id("the person", text)?;
    let lower = id.to_lowercase();
    if lower != id {
        return Err(Error::usage(
            format!("there is no person `{}`", plain(&id)),
            format!("ids are lower-case: {}", plain(&lower)),
        ));
    }
    Ok(id)
}

/// Checks a grant's id that was typed: `G-` and a number.
///
/// # Errors
/// [`Error::Usage`].
pub fn grant_id(text: &str) -> Result<String, Error> {
    numbered(
        "grant",
        "G-",
        text,
        "it looks like G-45; see them: glass grants",
    )
}

/// Checks an incident's id that was typed: `INC-` and a number.
///
/// # Errors
/// [`Error::Usage`].
pub fn incident_id(text: &str) -> Result<String, Error> {
    let next = "it looks like INC-12; see them: glass incident list";
    numbered("incident", "INC-", text, next)
}

fn numbered(what: &str, before: &str, text: &str, next: &str) -> Result<String, Error> {
    let id = id(&format!("the {what}"), text)?.to_ascii_uppercase();
    let number = id.strip_prefix(before).unwrap_or_default();
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        let typed = plain(text.trim());
        return Err(Error::usage(format!("`{typed}` is no {what}'s id"), next));
    }
    Ok(id)
}

/// Checks a right's id that was typed: 1 to 48 of `a-z 0-9 . _ -`.
///
/// # Errors
/// [`Error::Usage`].
pub fn right_id(text: &str) -> Result<String, Error> {
    let id = id("the right", text)?;
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if !id.bytes().all(is_word) {
        return Err(Error::usage(
            format!("`{}` is no right's id", plain(&id)),
            "it looks like deploy-shop; see them: glass can",
        ));
    }
    Ok(id)
}

/// Checks a note: 1 to 4000 bytes, several lines. Line ends of other systems become newlines
/// and tabs become spaces, so that a pasted trace needs no editing.
///
/// # Errors
/// [`Error::Usage`].
pub fn note(text: &str) -> Result<String, Error> {
    let text = text.replace("\r\n", "\n").replace('\t', "    ");
    let text = text.trim_end();
    check("the note", text, limits::MAX_NOTE_BYTES, true)?;
    Ok(text.to_owned())
}

fn one_line(what: &str, text: &str, most: usize) -> Result<String, Error> {
    let text = text.trim();
    check(what, text, most, false)?;
    Ok(text.to_owned())
}

fn check(what: &str, text: &str, most: usize, newlines: bool) -> Result<(), Error> {
    if text.is_empty() {
        return Err(Error::usage(
            format!("{what} is empty"),
            "say it in a few words",
        ));
    }
    if text.len() > most {
        return Err(Error::usage(
            format!(
                "{what} is {} bytes long; at most {most} are kept",
                text.len()
            ),
            match newlines {
                true => "shorten it, or make two notes of it",
                false => "shorten it; details belong in `glass note`",
            },
        ));
    }
    let bad = text
        .chars()
        .enumerate()
        .find(|(_, c)| is_unsafe(*c) && !(newlines && *c == '\n'));
    match bad {
        None => Ok(()),
        Some((_, '\n')) => Err(Error::usage(
            format!("{what} has more than one line"),
            "put it on one line; longer text belongs in `glass note -`",
        )),
        Some((place, c)) => Err(Error::usage(
            format!(
                "{what} has a control or invisible character at position {}: {}",
                place + 1,
                plain(&c.to_string())
            ),
            without(c),
        )),
    }
}

/// How to leave out a character that cannot be taken.
fn without(c: char) -> String {
    let what = match c {
        '\u{1b}' => {
            return "it begins a colour of a terminal: leave colours out, or send it through `glass note -`, which \
                    does"
                .to_owned();
        }
        '\u{200d}' => "a zero width joiner, as some emoji have it",
        '\u{200c}' => "a zero width non-joiner",
        '\u{200b}' => "a zero width space",
        '\u{feff}' => "a byte order mark",
        '\u{ad}' => "a soft hyphen",
        c if c.is_control() => "a control character",
        _ => "seen by nobody, or turns others round",
    };
    let code = u32::from(c);
    format!(
        "leave it out: it is U+{code:04X}, {what}; sent by a program: perl -CS -pe 's/\\x{{{code:x}}}//g'"
    )
}

/// A text without the colours of a terminal (ECMA-48 section 8.3.117, SGR), and whether it had any.
#[must_use]
pub fn without_colours(text: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let parameters = &rest[at + 2..];
        let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':');
        let Some(end) = end.filter(|end| parameters[*end..].starts_with('m')) else {
            out.push_str(&rest[..at + 2]);
            rest = parameters;
            continue;
        };
        out.push_str(&rest[..at]);
        rest = &parameters[end + 1..];
    }
    out.push_str(rest);
    let had_any = out.len() < text.len();
    (out, had_any)
}

/// Checks what was missing, as a review says it: one line of 1 to 500 bytes; `-` is nothing.
///
/// # Errors
/// [`Error::Usage`].
pub fn missing(text: &str) -> Result<String, Error> {
    match text.trim() {
        "" | "-" => Ok(String::new()),
        text => one_line("what was missing", text, limits::MAX_LINE_BYTES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_named_in_lower_case() {
        assert_eq!(person_id("leon").unwrap(), "leon");
        let refused = person_id("Leon").unwrap_err();
        assert_eq!(refused.to_string(), "there is no person `Leon`");
        assert_eq!(refused.next().as_deref(), Some("ids are lower-case: leon"));
        assert_eq!(refused.exit_code(), 2);
    }

    #[test]
    fn whatever_failed_is_one_line_that_can_be_signed() {
        assert_eq!(cut(" a\nb\u{1b}[2J "), "a\\nb\\u{1b}[2J");
        let long = cut(&"\u{e9}".repeat(10_000_000 / 2));
        assert_eq!(long.len(), limits::MAX_LINE_BYTES);
        assert!(reason(&long).is_ok());
    }

    #[test]
    fn an_empty_id_is_not_asked_for_in_a_few_words() {
        for typed in ["", "  "] {
            let error = grant_id(typed).unwrap_err();
            assert_eq!(error.to_string(), "the grant is empty");
            assert!(error.next().unwrap().contains("G-45"));
        }
        let error = device("").unwrap_err();
        assert!(error.next().unwrap().contains("--device"));
    }

    #[test]
    fn an_id_that_cannot_be_one_is_told_before_anybody_is_called() {
        assert_eq!(grant_id(" g-45 ").unwrap(), "G-45");
        assert_eq!(incident_id("INC-12").unwrap(), "INC-12");
        assert_eq!(right_id("deploy-shop").unwrap(), "deploy-shop");
        for (error, said) in [
            (grant_id("banana"), "`banana` is no grant's id"),
            (grant_id("G-"), "`G-` is no grant's id"),
            (incident_id("G-1"), "`G-1` is no incident's id"),
            (right_id("G-1"), "`G-1` is no right's id"),
        ] {
            let error = error.unwrap_err();
            assert_eq!((error.to_string().as_str(), error.exit_code()), (said, 2));
        }
    }

    #[test]
    fn a_hostile_reason_cannot_touch_the_terminal() {
        assert_eq!(plain("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(plain("a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(plain("\u{202e}txt.exe"), "\\u{202e}txt.exe");
        assert_eq!(
            plain("pay\u{200b}pal \u{9b}31m"),
            "pay\\u{200b}pal \\u{9b}31m"
        );
        assert_eq!(
            plain("\u{e0041}\u{2066}\u{feff}"),
            "\\u{e0041}\\u{2066}\\u{feff}"
        );
        assert_eq!(plain("Zoë läuft 走る 🚒"), "Zoë läuft 走る 🚒");
        assert_eq!(plain_lines("a\nb\u{7}"), "a\nb\\u{7}");
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({"t": "a\u{1b}\u{9b}\u{202e}\u{e0041}é\n"});
        let safe = safe_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!safe.chars().any(|c| c != '\n' && is_unsafe(c)), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
    }

    #[test]
    fn reasons_are_one_line_of_sensible_length() {
        assert_eq!(reason("  revert the worker ").unwrap(), "revert the worker");
        assert_eq!(reason(&"é".repeat(250)).unwrap().len(), 500);
        let says = |text: &str| reason(text).unwrap_err().to_string();
        assert_eq!(says(" "), "the reason is empty");
        assert_eq!(
            says(&"x".repeat(501)),
            "the reason is 501 bytes long; at most 500 are kept"
        );
        assert_eq!(says("a\nb"), "the reason has more than one line");
        assert_eq!(
            says("a\u{1b}[0m"),
            "the reason has a control or invisible character at position 2: \\u{1b}"
        );
    }

    #[test]
    fn ten_megabytes_are_refused() {
        let error = reason(&"x".repeat(10 << 20)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the reason is 10485760 bytes long; at most 500 are kept"
        );
        assert_eq!(error.exit_code(), 2);
        assert!(note(&"x".repeat(10 << 20)).is_err());
    }

    #[test]
    fn a_character_that_is_refused_is_named_with_how_to_leave_it_out() {
        let next = |text: &str| note(text).unwrap_err().next().unwrap();
        let family = next("\u{1f468}\u{200d}\u{1f469}");
        assert!(family.contains("U+200D, a zero width joiner"), "{family}");
        assert!(family.contains(r"perl -CS -pe 's/\x{200d}//g'"), "{family}");
        assert!(next("\u{645}\u{200c}").contains("U+200C"));
        assert!(next("a\u{7}").contains("U+0007, a control character"));
        assert!(next("\u{1b}[31mred").contains("colour"));
    }

    #[test]
    fn colours_are_left_out_and_nothing_else_is() {
        for (text, plain) in [
            ("\u{1b}[31mERROR\u{1b}[0m worker", "ERROR worker"),
            ("\u{1b}[38;5;208mx\u{1b}[m", "x"),
            ("\u{1b}[2J\u{1b}[1mx", "\u{1b}[2Jx"),
            ("\u{1b}[31", "\u{1b}[31"),
            ("\u{1b}[\u{1b}[1m", "\u{1b}["),
            ("日\u{1b}[1m本", "日本"),
        ] {
            assert_eq!(without_colours(text), (plain.to_owned(), plain != text));
        }
    }

    #[test]
    fn notes_keep_their_lines() {
        assert_eq!(note("one\r\n\ttwo\n\n").unwrap(), "one\n    two");
        assert!(note(&"x".repeat(4_000)).is_ok());
        assert!(note(&"x".repeat(4_001)).is_err());
        assert!(note("bell\u{7}").is_err());
    }

    #[test]
    fn ids_have_no_spaces() {
        assert_eq!(id("the incident", "INC-12").unwrap(), "INC-12");
        assert!(id("the incident", "INC 12").is_err());
        assert!(id("the incident", "").is_err());
    }
}
