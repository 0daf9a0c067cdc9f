//! What is typed, out of the bytes a terminal sends (ECMA-48 control sequences, xterm's keys).

/// One thing typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Char(char),
    Enter,
    /// Backspace.
    Erase,
    /// Ctrl-U.
    EraseAll,
    Up,
    Down,
    Escape,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-L.
    Redraw,
    /// Several characters at once, from a clipboard: never a command.
    Pasted(String),
}

/// Reads bytes as they come; a sequence may come in parts.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pending: Vec<u8>,
    pasting: bool,
}

const ESCAPE: u8 = 0x1b;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Longest control sequence waited for: those of keys have ten bytes at most.
const LONGEST_SEQUENCE: usize = 32;

/// Most bytes of what is pasted at once: more than anything that is asked for may have.
const LONGEST_PASTE: usize = 16 * 1024;

impl Keys {
    /// The keys that these bytes complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.pending.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while !self.pending.is_empty() {
            let step = match self.pasting {
                true => self.pasted(),
                false => self.one(),
            };
            let Some((used, key)) = step else { break };
            self.pending.drain(..used);
            keys.extend(key);
        }
        keys
    }

    /// Whether a lone Escape waits for what may come behind it.
    pub(super) fn is_waiting(&self) -> bool {
        self.pending == [ESCAPE]
    }

    /// Nothing came behind it: it was the key.
    pub(super) fn settle(&mut self) -> Option<Key> {
        self.is_waiting().then(|| {
            self.pending.clear();
            Key::Escape
        })
    }

    /// How many bytes the next key has, and which it is, if any; `None` until more comes.
    fn one(&mut self) -> Option<(usize, Option<Key>)> {
        match self.pending[0] {
            ESCAPE => self.sequence(),
            b'\r' | b'\n' => Some((1, Some(Key::Enter))),
            0x7f | 0x08 => Some((1, Some(Key::Erase))),
            0x03 => Some((1, Some(Key::Interrupt))),
            0x0c => Some((1, Some(Key::Redraw))),
            0x15 => Some((1, Some(Key::EraseAll))),
            0..0x20 => Some((1, None)),
            first => self.character(first),
        }
    }

    fn character(&self, first: u8) -> Option<(usize, Option<Key>)> {
        let length = match first {
            0..0x80 => 1,
            0xc2..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..0xf5 => 4,
            _ => return Some((1, None)),
        };
        let bytes = self.pending.get(..length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Some((length, text.chars().next().map(Key::Char))),
            Err(_) => Some((1, None)),
        }
    }

    fn sequence(&mut self) -> Option<(usize, Option<Key>)> {
        match self.pending.get(1)? {
            b'O' => {
                let last = *self.pending.get(2)?;
                Some((3, arrow(last)))
            }
            b'[' => {
                let is_last = |byte: &u8| (0x40..=0x7e).contains(byte);
                let Some(at) = self.pending[2..].iter().position(is_last) else {
                    let is_none = self.pending.len() > LONGEST_SEQUENCE;
                    return is_none.then_some((self.pending.len(), None));
                };
                let used = at + 3;
                self.pasting = self.pending[..used] == *b"\x1b[200~";
                let plain = at == 0;
                Some((used, arrow(self.pending[used - 1]).filter(|_| plain)))
            }
            // Escape and then something else, or Alt and something: Escape comes first in both.
            _ => Some((1, Some(Key::Escape))),
        }
    }

    fn pasted(&mut self) -> Option<(usize, Option<Key>)> {
        let end = self
            .pending
            .windows(PASTE_ENDS.len())
            .position(|part| part == PASTE_ENDS);
        let Some(end) = end else {
            // What is beyond is forgotten, and its end still found.
            if self.pending.len() > LONGEST_PASTE + PASTE_ENDS.len() {
                let keep = self.pending.len() - PASTE_ENDS.len();
                self.pending.drain(LONGEST_PASTE..keep);
            }
            return None;
        };
        self.pasting = false;
        let text = String::from_utf8_lossy(&self.pending[..end]).into_owned();
        Some((end + PASTE_ENDS.len(), Some(Key::Pasted(text))))
    }
}

fn arrow(last: u8) -> Option<Key> {
    match last {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        Keys::default().feed(bytes)
    }

    #[test]
    fn keys_are_told_apart() {
        use Key::{Char, Down, Enter, Erase, EraseAll, Interrupt, Redraw, Up};
        assert_eq!(keys(b"aY\r"), [Char('a'), Char('Y'), Enter]);
        assert_eq!(keys("é日".as_bytes()), [Char('é'), Char('日')]);
        assert_eq!(keys(b"\x1b[A\x1bOB"), [Up, Down]);
        assert_eq!(keys(b"\x7f\x08\x15"), [Erase, Erase, EraseAll]);
        assert_eq!(keys(b"\x03\x0c"), [Interrupt, Redraw]);
    }

    #[test]
    fn other_sequences_are_no_letters() {
        for bytes in [
            &b"\x1b[1;5A"[..],
            b"\x1b[3~",
            b"\x1b[15~",
            b"\x1bOP",
            b"\x1b[<0;3;4M",
            b"\x00\x01\xff\xc3(",
        ] {
            let heard = keys(bytes);
            let letters = heard.iter().filter(|key| **key != Key::Char('('));
            assert_eq!(letters.count(), 0, "{bytes:?}: {heard:?}");
        }
        assert_eq!(keys(&[b"\x1b["[..].to_vec(), vec![b'1'; 40]].concat()), []);
    }

    #[test]
    fn a_sequence_may_come_in_parts() {
        let whole = "\u{1b}[A日\u{1b}[200~y\n\u{1b}[201~q".as_bytes();
        let mut parts = Keys::default();
        let heard: Vec<_> = whole.iter().flat_map(|byte| parts.feed(&[*byte])).collect();
        assert_eq!(heard, keys(whole));
        assert_eq!(heard[2], Key::Pasted("y\n".into()));
    }

    #[test]
    fn a_lone_escape_is_told_when_nothing_follows() {
        let mut keys = Keys::default();
        assert_eq!(keys.feed(b"\x1b"), []);
        assert!(keys.is_waiting());
        assert_eq!(keys.settle(), Some(Key::Escape));
        assert_eq!(keys.settle(), None);
        assert_eq!(keys.feed(b"\x1by"), [Key::Escape, Key::Char('y')]);
    }

    #[test]
    fn an_endless_paste_is_cut_and_ends() {
        let mut keys = Keys::default();
        keys.feed(b"\x1b[200~");
        for _ in 0..100 {
            assert_eq!(keys.feed(&[b'y'; 4096]), []);
        }
        let heard = keys.feed(b"\x1b[201~q");
        let [Key::Pasted(text), Key::Char('q')] = &heard[..] else {
            panic!("{heard:?}")
        };
        assert!(text.len() <= LONGEST_PASTE + PASTE_ENDS.len());
    }
}
