//! Tracing: what the broker does, for whoever looks after it.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::config::{Directives, Format};

/// Sends tracing to standard error from here on. Colours only on a terminal, and not with
/// `NO_COLOR`; control characters in fields are escaped. The first call in a process counts.
pub fn trace_to_stderr(format: Format, filter: &Directives) {
    let filter = EnvFilter::new(filter.to_string());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    // An error says that tracing goes somewhere already: a test's own.
    let _ = match format {
        Format::Json => subscriber
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .try_init(),
        Format::Text => subscriber.with_ansi(coloured()).try_init(),
    };
}

fn coloured() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
