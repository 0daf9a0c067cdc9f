//! A yes-or-no question that can be left unanswered: while it stands on the screen, the answer of
//! the approver may come first, and then nothing may go on reading the keyboard that soon belongs
//! to the command. So the thread that listens does not block in a read but waits for a line or for
//! the question to be dropped, whichever is first.

use std::{
    io::{self, PipeReader, PipeWriter},
    os::fd::{AsFd as _, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    termios::{QueueSelector, tcflush},
};
use tokio::sync::oneshot;

use super::{limits::MAX_ANSWER, terminal::Terminal};
use crate::keyboard::is_yes;

/// The question on the screen.
#[derive(Debug)]
pub(super) struct Question {
    answer: oneshot::Receiver<bool>,
    /// Closing it calls the listening thread back.
    _open: PipeWriter,
}

impl Question {
    /// Gets ready to hear the answer; `None` where nobody is there, or `glass` is in the
    /// background. What was typed before the question is no answer to it.
    pub(super) fn open() -> Option<Self> {
        Terminal::of_stdin().filter(Terminal::is_ours)?;
        let tty = io::stdin().as_fd().try_clone_to_owned().ok()?;
        tcflush(&tty, QueueSelector::IFlush).ok()?;
        let (closed, open) = io::pipe().ok()?;
        let (tell, answer) = oneshot::channel();
        std::thread::Builder::new()
            .name("question".to_owned())
            .spawn(move || {
                // Nobody hears it where the question was dropped.
                let _ = tell.send(hears_yes(&tty, &closed).unwrap_or(false));
            })
            .ok()?;
        Some(Self {
            answer,
            _open: open,
        })
    }

    /// Whether the answer is yes; everything else is no. Can be dropped and called again.
    pub(super) async fn is_yes(&mut self) -> bool {
        (&mut self.answer).await.unwrap_or(false)
    }
}

fn hears_yes(tty: &OwnedFd, closed: &PipeReader) -> io::Result<bool> {
    let mut both = [
        PollFd::new(tty, PollFlags::IN),
        PollFd::new(closed, PollFlags::IN),
    ];
    while let Err(why) = poll(&mut both, None) {
        if why != rustix::io::Errno::INTR {
            return Err(why.into());
        }
    }
    if !both[1].revents().is_empty() {
        return Ok(false);
    }
    // A terminal in its usual mode is readable when it has a whole line.
    let mut line = [0; MAX_ANSWER];
    let length = rustix::io::read(tty, &mut line)?;
    Ok(is_yes(&String::from_utf8_lossy(&line[..length])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe stands in for the keyboard.
    fn answer_to(typed: &[u8]) -> bool {
        let (keyboard, mut keys) = io::pipe().unwrap();
        let (closed, _open) = io::pipe().unwrap();
        io::Write::write_all(&mut keys, typed).unwrap();
        hears_yes(&keyboard.into(), &closed).unwrap()
    }

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "Y\n", "yes\n", " YES \n"] {
            assert!(answer_to(yes.as_bytes()), "{yes:?}");
        }
        for no in [
            "\n",
            "n\n",
            "yesterday\n",
            "\u{1b}[A\n",
            &"y".repeat(10_000),
        ] {
            assert!(!answer_to(no.as_bytes()), "{no:?}");
        }
    }

    #[test]
    fn a_question_taken_back_reads_nothing() {
        let (keyboard, mut keys) = io::pipe().unwrap();
        let (closed, open) = io::pipe().unwrap();
        let keyboard = OwnedFd::from(keyboard);
        drop(open);
        io::Write::write_all(&mut keys, b"ls\n").unwrap();
        assert!(!hears_yes(&keyboard, &closed).unwrap());
        let mut left = [0; 8];
        assert_eq!(
            rustix::io::read(&keyboard, &mut left).unwrap(),
            3,
            "it is the command's"
        );
    }
}
