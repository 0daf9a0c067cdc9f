//! The terminal itself: taken for a whole screen, and given back as it was on every way out.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anstream::{AutoStream, ColorChoice};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::{
    error::Error,
    output::canvas::{Line, Size, frame},
};

/// The other screen (xterm's 1049), no cursor, and what is pasted marked as such (2004).
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[?2004h\u{1b}[2J";
const LEAVE: &str = "\u{1b}[?2004l\u{1b}[?25h\u{1b}[?1049l";

/// What a terminal has that does not say: the smallest usual one.
const USUAL: Size = Size {
    width: 80,
    height: 24,
};

/// A terminal that shows a whole screen until this is dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    before: Before,
    coloured: bool,
}

/// How it was.
#[derive(Debug, Clone)]
struct Before {
    modes: Termios,
    is_taken: Arc<AtomicBool>,
}

impl Terminal {
    /// Takes it.
    ///
    /// # Errors
    /// [`Error::Usage`] where standard input or output is none, [`Error::Setup`] where it cannot be
    /// taken.
    pub(super) fn take() -> Result<Self, Error> {
        demand()?;
        let modes = tcgetattr(io::stdin()).map_err(|why| broken(&why.into()))?;
        let before = Before {
            modes,
            is_taken: Arc::default(),
        };
        before.give_back_before_a_panic_is_told();
        let terminal = Self {
            before,
            coloured: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        };
        terminal.enter().map_err(|why| broken(&why))?;
        Ok(terminal)
    }

    /// Takes it, also again after `glass` was stopped and goes on.
    pub(super) fn enter(&self) -> io::Result<()> {
        let mut raw = self.before.modes.clone();
        raw.make_raw();
        self.before.is_taken.store(true, Ordering::SeqCst);
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        put(ENTER)
    }

    /// Shows these lines.
    pub(super) fn show(&self, lines: &[Line], size: Size) -> io::Result<()> {
        put(&frame(lines, size, self.coloured))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.before.give_back();
    }
}

impl Before {
    /// Once; what was typed meanwhile is forgotten, so that no shell runs it. A terminal that is gone
    /// needs nothing.
    fn give_back(&self) {
        if self.is_taken.swap(false, Ordering::SeqCst) {
            let _ = put(LEAVE);
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.modes);
        }
    }

    /// Else the words of a panic would be on a screen that is gone a moment later.
    fn give_back_before_a_panic_is_told(&self) {
        let (before, tell) = (self.clone(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            before.give_back();
            tell(panic);
        }));
    }
}

/// Says where there is no terminal that can show a screen.
///
/// # Errors
/// [`Error::Usage`].
pub(super) fn demand() -> Result<(), Error> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb {
        true => Ok(()),
        false => Err(none()),
    }
}

pub(super) fn none() -> Error {
    Error::usage(
        "`glass watch` is a screen, and there is no terminal to show it on",
        "use: glass status, glass incident watch, or glass ledger follow -o json",
    )
}

/// Its size now.
pub(super) fn size() -> Size {
    let told = tcgetwinsize(io::stdout()).ok();
    let told = told.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    told.map_or(USUAL, |size| Size {
        width: size.ws_col.into(),
        height: size.ws_row.into(),
    })
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn broken(why: &io::Error) -> Error {
    Error::setup(
        format!("the terminal cannot be taken for a screen: {why}"),
        "use: glass status, or glass incident watch",
    )
}
