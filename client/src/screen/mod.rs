//! `glass watch`: a small screen for the person on duty.
//!
//! `model` is what there is to see, `press` what keys do to it, `paint` how it looks; none knows a terminal, a
//! clock or a broker. `live` brings them together, and `terminal` is given back on every way out.

mod errand;
mod keys;
mod live;
mod model;
mod paint;
mod press;
mod terminal;
#[cfg(test)]
mod tests;

use crate::{error::Error, output::Printer, session::Session};

/// Shows it until somebody quits; the exit code.
///
/// # Errors
/// [`Error::Usage`] where there is no terminal; what waiting does not mend.
pub async fn run(session: &Session) -> Result<u8, Error> {
    let terminal = terminal::Terminal::take()?;
    let outcome = live::until_quit(session, &terminal).await;
    drop(terminal);
    outcome
}

/// Says early that there is no terminal, before anybody is called.
///
/// # Errors
/// [`Error::Usage`], also where the answer is for a script.
pub fn demand(printer: &Printer) -> Result<(), Error> {
    match printer.is_json() {
        true => Err(terminal::none()),
        false => terminal::demand(),
    }
}
