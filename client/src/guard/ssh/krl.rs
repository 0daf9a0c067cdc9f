//! The list of revoked certificates that sshd reads (`RevokedKeys`).
//!
//! sshd reads the file anew at each login, and where it cannot, it refuses every key, ours or not:
//! so it is written whole or not at all, and is there before sshd is told of it. It never goes back:
//! the broker counts its lists up (PROTOCOL.krl of OpenSSH, section 1), and an older one than the
//! one in place is left out.

use std::path::Path;

use super::limits::MAX_KRL_BYTES;
use crate::{error::Error, files};

/// `SSHKRL\n\0` as a number (PROTOCOL.krl, section 1).
const MAGIC: u64 = 0x5353_484b_524c_0a00;

/// The only version of the format.
const FORMAT: u32 = 1;

/// What became of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is in place.
    Written,
    /// The one in place is as new.
    Same,
    /// The one in place is newer.
    Older,
}

/// How new a list is: its number, then the time it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    number: u64,
    made: u64,
}

impl Age {
    /// Reads magic, format, number and time; `None` for what is no KRL.
    fn of(krl: &[u8]) -> Option<Self> {
        let (magic, rest) = krl.split_first_chunk()?;
        let (format, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (made, _) = rest.split_first_chunk()?;
        let is_one = u64::from_be_bytes(*magic) == MAGIC && u32::from_be_bytes(*format) == FORMAT;
        is_one.then(|| Self {
            number: u64::from_be_bytes(*number),
            made: u64::from_be_bytes(*made),
        })
    }
}

/// Bytes of magic, format, number and time: what follows is what is revoked.
const HEAD: usize = 8 + 4 + 8 + 8;

/// Whether two lists revoke the same, whenever they were made.
#[must_use]
pub fn revoke_the_same(one: &[u8], other: &[u8]) -> bool {
    let are_lists = Age::of(one).is_some() && Age::of(other).is_some();
    are_lists && one.get(HEAD..) == other.get(HEAD..)
}

/// Puts a list in place.
///
/// # Errors
/// [`Error::Setup`] where it is none or too large, [`Error::File`].
pub fn keep(path: &Path, krl: &[u8]) -> Result<Kept, Error> {
    let new = Age::of(krl).filter(|_| krl.len() <= MAX_KRL_BYTES);
    let new =
        new.ok_or_else(|| Error::broken_answer("the list of revoked certificates is none"))?;
    let there = files::read_up_to(path, MAX_KRL_BYTES as u64)?;
    match there.as_deref().and_then(Age::of) {
        Some(old) if new < old => return Ok(Kept::Older),
        Some(old) if new == old && there.as_deref() == Some(krl) => return Ok(Kept::Same),
        _ => {}
    }
    files::write_for_all(path, krl)?;
    Ok(Kept::Written)
}

/// Makes an empty list where there is none, which revokes nothing.
///
/// # Errors
/// [`Error::File`].
pub fn prepare(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    files::write_for_all(path, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn krl(number: u64, made: u64, rest: &[u8]) -> Vec<u8> {
        let mut krl = b"SSHKRL\n\0\0\0\0\x01".to_vec();
        krl.extend(number.to_be_bytes());
        krl.extend(made.to_be_bytes());
        krl.extend(rest);
        krl
    }

    #[test]
    fn it_only_goes_forward_and_sshd_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        prepare(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        for (list, kept) in [
            (krl(7, 100, b"a"), Kept::Written),
            (krl(7, 100, b"a"), Kept::Same),
            (krl(6, 200, b"b"), Kept::Older),
            (krl(7, 99, b"c"), Kept::Older),
            (krl(7, 101, b"d"), Kept::Written),
            (krl(8, 50, b"e"), Kept::Written),
        ] {
            assert_eq!(keep(&path, &list).unwrap(), kept, "{list:?}");
        }
        assert_eq!(std::fs::read(&path).unwrap(), krl(8, 50, b"e"));
        assert_eq!(files::mode(&path), Some(0o644));
        prepare(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), krl(8, 50, b"e"));
    }

    #[test]
    fn what_is_no_list_never_reaches_sshd() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        for none in [
            &b""[..],
            b"SSHKRL\n\0",
            b"ssh-ed25519 AAAA",
            &krl(1, 1, b"")[1..],
        ] {
            assert!(keep(&path, none).is_err());
        }
        assert!(!path.exists());
    }
}
