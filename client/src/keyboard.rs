//! What somebody types at a question: one whole line, typed after the question was asked.

use std::io::{self, BufRead as _, Read as _};

use rustix::termios::{QueueSelector, tcflush};

/// Longest line a terminal gives in its usual mode (Linux: 4096 bytes with the newline).
const LONGEST_LINE: u64 = 4096;

/// Forgets what was typed so far: it is no answer to what nobody has read yet. Where standard
/// input is no terminal nothing is forgotten.
pub(crate) fn forget_typed_ahead() {
    let _ = tcflush(io::stdin(), QueueSelector::IFlush);
}

/// The next whole line without its newline; `None` where the input ends before it (Ctrl-D).
pub(crate) fn line() -> io::Result<Option<String>> {
    whole_line(&mut io::stdin().lock())
}

/// Whether a line says yes, with its newline or without; everything else is no.
pub(crate) fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_lowercase().as_str(), "y" | "yes")
}

fn whole_line(from: &mut impl io::BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    from.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y", "Y", "yes", " YES \n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in [
            "",
            "n",
            "maybe",
            "why do you need it?",
            "yesterday",
            "\u{1b}[A",
        ] {
            assert!(!is_yes(no), "{no:?}");
        }
    }

    #[test]
    fn a_line_that_was_not_finished_is_none() {
        let typed = |text: &str| whole_line(&mut text.as_bytes()).unwrap();
        assert_eq!(typed("yes\nand more\n").as_deref(), Some("yes"));
        assert_eq!(typed("\n").as_deref(), Some(""));
        assert_eq!(typed(""), None);
        assert_eq!(typed("y"), None);
        assert_eq!(typed(&"y".repeat(10_000)), None);
    }
}
