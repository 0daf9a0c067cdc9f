//! What a program said, and how it ended.

use std::fmt;

use serde_json::Value;

/// What a program said, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Its exit code, or 128 + the signal that ended it, as a shell says it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Output {
    /// Standard output as one JSON value.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {self}"))
    }

    /// Standard output as JSON lines.
    ///
    /// # Panics
    /// Where a line is no JSON.
    #[must_use]
    pub fn json_lines(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {self}"));
        self.out.lines().map(read).collect()
    }

    /// The reason in the error that `-o json` prints.
    ///
    /// # Panics
    /// Where standard error has no such error.
    #[must_use]
    pub fn reason(&self) -> String {
        let last = self.err.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(last).unwrap_or_else(|why| panic!("{why}: {self}"));
        error["error"]["reason"]
            .as_str()
            .expect("a reason")
            .to_owned()
    }

    /// Who is invited by which line, from what `glassd init` and `glassd invite` print.
    #[must_use]
    pub fn invitations(&self) -> Vec<(String, String)> {
        invitations(&self.out)
    }
}

/// Who is invited by which line, in order.
pub(crate) fn invitations(printed: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut who = String::new();
    for line in printed.lines() {
        if let Some(rest) = line.strip_prefix("On the laptop of ") {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            who = rest[..end].to_owned();
        }
        let quoted = line.trim().strip_prefix("glass enroll '");
        if let Some(line) = quoted.and_then(|line| line.strip_suffix('\'')) {
            found.push((std::mem::take(&mut who), line.to_owned()));
        }
    }
    found
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit {}\n--- out\n{}\n--- err\n{}",
            self.code, self.out, self.err
        )
    }
}
