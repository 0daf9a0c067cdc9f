//! What is being waited for, shown while it lasts.

use std::{fmt::Display, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};

use crate::text::plain;

/// Shown on standard error until dropped; nothing where there is no terminal.
#[must_use = "a spinner that is dropped is gone"]
pub struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// One that turns.
    pub(crate) fn turning(text: String) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::new_spinner()
            .with_style(style)
            .with_message(text);
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(Some(bar))
    }

    /// One that shows nothing.
    pub(crate) fn still() -> Self {
        Self(None)
    }

    /// Says something else from now on.
    pub fn say(&self, text: impl Display) {
        if let Some(bar) = &self.0 {
            bar.set_message(plain(&text.to_string()));
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}
