//! The last words on a session's screen.

use std::{fs::OpenOptions, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

use rustix::fs::OFlags;

use super::limits::MAX_SCREEN_BYTES;
use crate::text::plain;

/// Writes one line to each of these terminals (device numbers of `/proc/PID/stat`). Nobody is
/// waited for: a terminal that takes nothing (Ctrl-S, gone) is left out.
pub(super) fn tell(terminals: impl IntoIterator<Item = i32>, text: &str) {
    let line = line(text);
    for path in terminals.into_iter().filter_map(pseudo_terminal) {
        let flags = (OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::NOFOLLOW).bits();
        let opened = OpenOptions::new()
            .write(true)
            .custom_flags(flags.cast_signed())
            .open(path);
        if let Ok(mut terminal) = opened {
            let _ = terminal.write(line.as_bytes());
        }
    }
}

/// A program may have the terminal in raw mode, so that a newline alone would only go down.
fn line(text: &str) -> String {
    let mut text = plain(text);
    if text.len() > MAX_SCREEN_BYTES {
        let cut = (0..=MAX_SCREEN_BYTES)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(cut.unwrap_or_default());
    }
    format!("\r\nglass: {text}\r\n")
}

/// The path of a pseudo-terminal: majors 136 to 143 (devices.txt of the kernel), the number coded
/// as proc_pid_stat(5) says. Others are no session's of sshd.
fn pseudo_terminal(device: i32) -> Option<PathBuf> {
    let device = device.cast_unsigned();
    let major = (device >> 8) & 0xfff;
    let minor = (device & 0xff) | ((device >> 12) & 0xf_ff00);
    let number = (136..=143)
        .contains(&major)
        .then(|| (major - 136) * 256 + minor)?;
    Some(PathBuf::from(format!("/dev/pts/{number}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_found_by_their_number() {
        assert_eq!(pseudo_terminal(0x8800), Some("/dev/pts/0".into()));
        assert_eq!(pseudo_terminal(0x8807), Some("/dev/pts/7".into()));
        assert_eq!(pseudo_terminal(0x10_8800), Some("/dev/pts/256".into()));
        assert_eq!(pseudo_terminal(0), None);
        assert_eq!(pseudo_terminal(0x0401), None, "a console");
        assert_eq!(pseudo_terminal(-1), None);
    }

    #[test]
    fn hostile_words_stay_words_on_one_line() {
        assert_eq!(line("a\u{1b}[2J\nb"), "\r\nglass: a\\u{1b}[2J\\nb\r\n");
        assert!(line(&"é".repeat(5_000)).len() < MAX_SCREEN_BYTES + 20);
    }
}
