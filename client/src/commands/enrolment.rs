//! An enrolment line, as it is handed to whoever asked for it.

use jiff::Timestamp;
use serde_json::json;
use zeroize::Zeroizing;

use crate::{commands::Seat, error::Error, invitation::Invitation, show, view};

/// A line that was just made. Whoever has it first is let in by it.
pub(super) struct EnrolmentLine {
    /// `person` or `target`, and which.
    pub(super) whose: (&'static str, String),
    pub(super) line: Zeroizing<String>,
    pub(super) expires_at: Option<prost_types::Timestamp>,
}

impl EnrolmentLine {
    /// Answers with it; `said` is what is said above it, given until when it works.
    ///
    /// # Errors
    /// Where the broker gave something else.
    pub(super) fn answer(
        &self,
        seat: &Seat,
        now: Timestamp,
        said: impl FnOnce(&str, &str) -> String,
    ) -> Result<(), Error> {
        // It is printed for copying, so it has to be exactly what `glass enroll` reads.
        Invitation::parse(&self.line)
            .map_err(|_| Error::broken_answer("it has no enrolment line"))?;
        let (what, id) = &self.whose;
        let expires_at = self.expires_at.as_ref();
        let view = json!({
            (*what): id,
            "enrolment": *self.line,
            "expires_at": view::at(expires_at),
        });
        seat.printer.answer(&view, |printer| {
            printer.note(said(id, &show::when(expires_at, now)));
            printer.line(format!("glass enroll '{}'", *self.line));
        });
        Ok(())
    }
}
