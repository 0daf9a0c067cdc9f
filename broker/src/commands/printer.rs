//! The one printer: answers to standard output, what is wrong to standard error, and nothing that
//! could restyle a terminal.

use std::fmt::Display;
use std::io::{self, Write};

use breakglass_domain::text::hides;

use super::Failure;

/// Prints lines.
pub struct Printer {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
}

impl Printer {
    /// To this process's own output.
    #[must_use]
    pub fn to_standard() -> Self {
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
        }
    }

    /// To two writers.
    pub fn to(out: impl Write + 'static, err: impl Write + 'static) -> Self {
        Self {
            out: Box::new(out),
            err: Box::new(err),
        }
    }

    /// An answer; perhaps of several lines.
    pub fn line(&mut self, text: impl Display) {
        put(&mut self.out, &text.to_string());
    }

    /// Bytes as they are: a script for a shell, a manual page.
    pub fn bytes(&mut self, bytes: &[u8]) {
        // Where nobody reads (a closed pipe), there is nobody to tell.
        let _ = self.out.write_all(bytes).and_then(|()| self.out.flush());
    }

    /// Something beside the answer.
    pub fn note(&mut self, text: impl Display) {
        put(&mut self.err, &text.to_string());
    }

    /// Why the command did not do it.
    pub fn failure(&mut self, failure: &Failure) {
        let text = failure.to_string();
        // The policy's mistakes bring the word with them, one each.
        let said = match text.starts_with("error: ") {
            true => text,
            false => format!("error: {text}"),
        };
        put(&mut self.err, &said);
        if let Some(next) = failure.next() {
            put(&mut self.err, &format!("next:  {next}"));
        }
    }
}

fn put(writer: &mut dyn Write, text: &str) {
    let safe = |c| {
        if c != '\n' && hides(c) { '\u{FFFD}' } else { c }
    };
    let text: String = text.trim_end_matches('\n').chars().map(safe).collect();
    // Where nobody reads (a closed pipe), there is nobody to tell.
    let _ = writeln!(writer, "{text}").and_then(|()| writer.flush());
}
