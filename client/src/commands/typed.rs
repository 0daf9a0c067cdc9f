//! Words that several commands take.

use jiff::SignedDuration;

use super::Seat;
use crate::{error::Error, text};

/// Reads a length of time: `15m`, `1h30m`, `PT20M`; whole seconds, at least one, at most a day.
///
/// # Errors
/// What is wrong with it.
pub fn length(typed: &str) -> Result<SignedDuration, String> {
    const DAY: SignedDuration = SignedDuration::from_hours(24);
    let length: SignedDuration = typed
        .parse()
        .map_err(|_| "a length looks like 15m, 90s or 1h30m".to_owned())?;
    if length.subsec_nanos() != 0 {
        return Err("a length has whole seconds".to_owned());
    }
    if length < SignedDuration::from_secs(1) || length > DAY {
        return Err("a length is between 1s and 24h".to_owned());
    }
    Ok(length)
}

/// The reason that was typed behind `-m`; asked for where it was left out and somebody is there.
///
/// # Errors
/// [`Error::Usage`] where there is none or it cannot be taken.
pub fn reason(seat: &Seat, typed: Option<&str>) -> Result<String, Error> {
    match typed {
        Some(reason) => text::reason(reason),
        None => {
            let otherwise = "say why in a few words: -m \"...\"";
            let asked = seat.printer.ask("Why", "a reason is missing", otherwise)?;
            text::reason(&asked)
        }
    }
}
