//! Texts of an alert become lines here, whatever is in them: a strange title must not lose an alert.

use breakglass_domain::Line;
use breakglass_domain::limits::{ALERT_KEY_MAX, ALERT_WORD_MAX, LINE_MAX};
use breakglass_domain::text::restyles;
use ring::digest::{SHA256, digest};

/// What stands where a text was cut.
const CUT: &str = "…";

/// A title; `None` where there is nothing in it.
pub(super) fn title(text: &str) -> Option<Line> {
    cleaned(text, LINE_MAX)
}

/// A word for how bad it is.
pub(super) fn word(text: &str) -> Option<Line> {
    cleaned(text, ALERT_WORD_MAX)
}

/// What the source calls the alert. Two that differ stay different: what cannot stand as it is carries
/// the hash of what it was.
pub(super) fn key(text: &str) -> Option<Line> {
    if text.trim().is_empty() {
        return None;
    }
    if let Ok(line) = Line::parse_up_to(text, ALERT_KEY_MAX) {
        return Some(line);
    }
    let hash = digest(&SHA256, text.as_bytes());
    let hash: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let ending = format!(" sha256:{hash}");
    let begins = cleaned(text, ALERT_KEY_MAX - ending.len());
    let begins = begins.as_ref().map_or("", Line::as_str);
    Line::parse_up_to(&format!("{begins}{ending}"), ALERT_KEY_MAX).ok()
}

/// On one line: white space is a blank, what could restyle a terminal is spelled out, and the end is cut
/// off where it is too long.
fn cleaned(text: &str, max: usize) -> Option<Line> {
    let mut line = String::new();
    for c in text.trim().chars() {
        let before = line.len();
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if restyles(c) => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
        if line.len() > max {
            let room = before.min(max - CUT.len());
            line.truncate(line.floor_char_boundary(room));
            line.push_str(CUT);
            break;
        }
    }
    Line::parse_up_to(line.trim(), max).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_title_is_it_stays_a_title() {
        for (text, becomes) in [
            ("checkout answers 502", "checkout answers 502"),
            ("  two\nlines\tand\r\nmore ", "two lines and  more"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"),
            ("zero\0byte", "zero\\u{0}byte"),
        ] {
            assert_eq!(title(text).unwrap().as_str(), becomes, "{text:?}");
        }
        assert_eq!(title(" \n\t "), None);
    }

    #[test]
    fn a_long_title_is_cut_between_characters() {
        for text in ["ä".repeat(10_000), "\u{7}".repeat(10_000), "🔥".repeat(200)] {
            let cut = title(&text).unwrap();
            assert!(cut.as_str().len() <= LINE_MAX, "{}", cut.as_str().len());
            assert!(cut.as_str().len() > LINE_MAX - 16, "{}", cut.as_str().len());
            assert!(cut.as_str().ends_with(CUT));
        }
        let fits = "x".repeat(LINE_MAX);
        assert_eq!(title(&fits).unwrap().as_str(), fits);
    }

    #[test]
    fn keys_that_differ_stay_different() {
        let plain = r#"{}:{alertname="Checkout502"}"#;
        assert_eq!(key(plain).unwrap().as_str(), plain);
        let long = "x".repeat(10_000);
        let other = format!("{long}y");
        let strange = "a\u{1b}b";
        let spelled = "a\\u{1b}b";
        let keys = [&long, &other, strange, spelled].map(|text| key(text).unwrap());
        for (place, one) in keys.iter().enumerate() {
            assert!(one.as_str().len() <= ALERT_KEY_MAX);
            assert!(!keys[place + 1..].contains(one), "{one:?}");
        }
        assert_eq!(key(" \n"), None);
    }
}
