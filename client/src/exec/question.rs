//! A yes-or-no question that can be left unanswered: while it stands on the screen, the answer of
//! the approver may come first, and then nothing may go on reading the keyboard that soon belongs
//! to the command. So no thread blocks in a read; the terminal is read only when it has a line.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use rustix::termios::{QueueSelector, tcflush};
use tokio::io::{Interest, unix::AsyncFd};

use super::{limits::MAX_ANSWER, terminal::Terminal};

/// The question on the screen.
#[derive(Debug)]
pub(super) struct Question(AsyncFd<OwnedFd>);

impl Question {
    /// Gets ready to hear the answer; `None` where nobody is there, or `glass` is in the
    /// background. What was typed before the question is no answer to it.
    pub(super) fn open() -> Option<Self> {
        Terminal::of_stdin().filter(Terminal::is_ours)?;
        let tty = io::stdin().as_fd().try_clone_to_owned().ok()?;
        tcflush(&tty, QueueSelector::IFlush).ok()?;
        AsyncFd::with_interest(tty, Interest::READABLE).ok().map(Self)
    }

    /// Whether the answer is yes; everything else is no. Can be dropped and called again.
    pub(super) async fn is_yes(&mut self) -> bool {
        let mut line = [0; MAX_ANSWER];
        let Ok(mut ready) = self.0.readable().await else { return false };
        // A terminal in its usual mode is readable when it has a whole line.
        let length = rustix::io::read(self.0.get_ref(), &mut line).unwrap_or(0);
        ready.clear_ready();
        let answer = String::from_utf8_lossy(&line[..length]);
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}
