//! The tick: what the broker signs every few seconds, so that a guard knows that it still hears.
//!
//! A guard lets somebody in only while its newest tick is fresh. The text, each line ended by one
//! newline:
//!
//! ```text
//! breakglass.dev/tick/v1
//! glass.example/ledger
//! 2026-11-23T03:05:00.000Z
//! 4711
//! Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=
//! incidents e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
//! grants e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
//! ```
//!
//! It is signed as a C2SP signed note by the ledger's key, the one that signs checkpoints. The two
//! cannot be taken for each other: the third line of a checkpoint is a hash (C2SP `tlog-checkpoint`),
//! that of a tick is a time. There is exactly one text for each tick.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::digest;

/// The first line of every tick.
pub const DOMAIN: &str = "breakglass.dev/tick/v1";

/// The longest text accepted, in bytes: an origin of 1.5 KiB, and there are none.
pub const MAX_TEXT: usize = 2 * 1024;

/// Bytes of a SHA-256.
pub const HASH_LEN: usize = 32;

/// What holds at one moment, in seven lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Which ledger; the name of the key that signs.
    pub origin: String,
    /// When, by the broker's clock, to the millisecond.
    pub at: Timestamp,
    /// Entries in the ledger.
    pub size: u64,
    /// The root over them (RFC 6962).
    pub root: [u8; HASH_LEN],
    /// [`hash_of_ids`] of the open incidents.
    pub incidents: [u8; HASH_LEN],
    /// [`hash_of_ids`] of the live grants.
    pub grants: [u8; HASH_LEN],
}

/// Why a text is not a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TickError {
    /// Longer than [`MAX_TEXT`].
    #[error("the tick is longer than {MAX_TEXT} bytes")]
    TooLong,
    /// The first line is not ours.
    #[error("the text does not begin with the line `{DOMAIN}`")]
    NotOurs,
    /// A line is missing or left over, or cannot be read.
    #[error("the tick has no proper line for its {0}")]
    Line(&'static str),
}

impl Tick {
    /// The exact text to sign.
    ///
    /// # Errors
    /// [`TickError::Line`] where the origin cannot be the name of a key, [`TickError::TooLong`].
    pub fn encode(&self) -> Result<String, TickError> {
        check_origin(&self.origin)?;
        let text = format!(
            "{DOMAIN}\n{}\n{:.3}\n{}\n{}\nincidents {}\ngrants {}\n",
            self.origin,
            self.at,
            self.size,
            STANDARD.encode(self.root),
            hex(&self.incidents),
            hex(&self.grants),
        );
        if text.len() > MAX_TEXT {
            return Err(TickError::TooLong);
        }
        Ok(text)
    }

    /// Reads a text back. It proves nothing: verify the note around it first.
    ///
    /// # Errors
    /// [`TickError`] for anything but the one text [`Tick::encode`] writes.
    pub fn decode(text: &str) -> Result<Self, TickError> {
        if text.len() > MAX_TEXT {
            return Err(TickError::TooLong);
        }
        let mut lines = text.split('\n');
        if lines.next() != Some(DOMAIN) {
            return Err(TickError::NotOurs);
        }
        let tick = Self {
            origin: take(&mut lines, "origin", |line| Some(line.to_owned()))?,
            at: take(&mut lines, "time", |line| line.parse().ok())?,
            size: take(&mut lines, "size", |line| line.parse().ok())?,
            root: take(&mut lines, "root", |line| {
                STANDARD.decode(line).ok()?.try_into().ok()
            })?,
            incidents: take(&mut lines, "incidents", |line| {
                unhex(line.strip_prefix("incidents ")?)
            })?,
            grants: take(&mut lines, "grants", |line| {
                unhex(line.strip_prefix("grants ")?)
            })?,
        };
        // One text for each tick: what reads the same and is written otherwise is refused, whatever
        // the readers of times and numbers let through.
        if tick.encode()? == text {
            Ok(tick)
        } else {
            Err(TickError::Line("end"))
        }
    }
}

/// SHA-256 of ids, one a line, ascending byte by byte, each once: what `LC_ALL=C sort -u | sha256sum`
/// says of them.
#[must_use]
pub fn hash_of_ids<S: AsRef<str>>(ids: impl IntoIterator<Item = S>) -> [u8; HASH_LEN] {
    let mut ids: Vec<_> = ids.into_iter().collect();
    ids.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
    ids.dedup_by(|a, b| a.as_ref() == b.as_ref());
    let mut hash = digest::Context::new(&digest::SHA256);
    for id in &ids {
        hash.update(id.as_ref().as_bytes());
        hash.update(b"\n");
    }
    let mut out = [0; HASH_LEN];
    out.copy_from_slice(hash.finish().as_ref());
    out
}

fn take<'a, T>(
    lines: &mut impl Iterator<Item = &'a str>,
    name: &'static str,
    read: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, TickError> {
    let line = lines.next().and_then(read);
    line.ok_or(TickError::Line(name))
}

/// What a key's name may be (C2SP `signed-note`): not empty, no white space, no plus sign.
fn check_origin(origin: &str) -> Result<(), TickError> {
    let unfit = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if origin.is_empty() || origin.contains(unfit) {
        return Err(TickError::Line("origin"));
    }
    Ok(())
}

fn hex(bytes: &[u8; HASH_LEN]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Also takes capitals: [`Tick::decode`] compares with the one spelling afterwards.
fn unhex(text: &str) -> Option<[u8; HASH_LEN]> {
    let mut out = [0; HASH_LEN];
    if text.len() != 2 * HASH_LEN || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick() -> Tick {
        Tick {
            origin: "glass.example/ledger".into(),
            at: "2026-11-23T03:05:00Z".parse().unwrap(),
            size: 4711,
            root: [7; HASH_LEN],
            incidents: hash_of_ids(["INC-12"]),
            grants: hash_of_ids(["G-45", "G-9"]),
        }
    }

    const GOLDEN: &str = "breakglass.dev/tick/v1\n\
        glass.example/ledger\n\
        2026-11-23T03:05:00.000Z\n\
        4711\n\
        BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\
        incidents 389a9dce190d0cf6b80c8439f1a0e0dd41ce4445871bcd6170c58c0b305dea8e\n\
        grants f73ae42be5a1d4e5303fa253aff2a59c8942f12f620470ed3818d9b1c679f0a3\n";

    #[test]
    fn the_signed_bytes_are_frozen() {
        assert_eq!(tick().encode().unwrap(), GOLDEN);
        assert_eq!(Tick::decode(GOLDEN), Ok(tick()));
    }

    /// `printf 'G-45\nG-9\n' | sha256sum`
    #[test]
    fn ids_are_hashed_as_sort_and_sha256sum_do() {
        assert_eq!(hash_of_ids(["G-9", "G-45", "G-9"]), tick().grants);
        assert_eq!(hex(&hash_of_ids::<&str>([])), EMPTY);
    }

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn every_other_spelling_is_refused() {
        for (from, to) in [
            ("tick/v1", "tick/v2"),
            ("breakglass.dev", "Breakglass.dev"),
            ("glass.example/ledger", ""),
            ("glass.example/ledger", "glass example"),
            ("glass.example/ledger", "glass+example"),
            ("glass.example/ledger", "glass.example/\u{85}ledger"),
            ("glass.example/ledger\n", "glass.example/ledger\r\n"),
            ("00.000Z", "00Z"),
            ("00.000Z", "00.0001Z"),
            ("00.000Z", "00.000+00:00"),
            ("T03", " 03"),
            ("4711", "+4711"),
            ("4711", "04711"),
            ("4711", "-1"),
            ("4711", "18446744073709551616"),
            ("4711\n", ""),
            ("Bwc=", "Bwd="),
            ("Bwc=", "Bwc"),
            ("Bwc=", "Bw=="),
            ("incidents ", "incidents  "),
            ("incidents ", "incident "),
            ("incidents", "grants"),
            ("grants ", "grants\t"),
            ("grants ", "grants A"),
        ] {
            let text = GOLDEN.replacen(from, to, 1);
            assert_ne!(text, GOLDEN, "{from}");
            assert!(Tick::decode(&text).is_err(), "{from:?} -> {to:?}");
        }
        for text in [
            String::new(),
            GOLDEN.trim_end().to_owned(),
            format!("{GOLDEN}\n"),
            format!("{GOLDEN}more\n"),
            format!("\n{GOLDEN}"),
            GOLDEN.replace("incidents 3", "incidents A"),
            GOLDEN.to_uppercase(),
        ] {
            assert!(Tick::decode(&text).is_err(), "{text:?}");
        }
        let long = GOLDEN.replace("glass.example", &"x".repeat(MAX_TEXT));
        assert_eq!(Tick::decode(&long), Err(TickError::TooLong));
    }

    #[test]
    fn every_byte_counts() {
        for place in 0..GOLDEN.len() {
            for bit in 0..7 {
                let mut bytes = GOLDEN.as_bytes().to_vec();
                bytes[place] ^= 1 << bit;
                let text = String::from_utf8(bytes).unwrap();
                assert_ne!(Tick::decode(&text), Ok(tick()), "byte {place}, bit {bit}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_back_is_not_written() {
        for origin in ["", "a b", "a\nb", "a+b", "a\u{2028}b"] {
            let origin = origin.to_owned();
            assert!(Tick { origin, ..tick() }.encode().is_err());
        }
        let origin = "x".repeat(MAX_TEXT);
        let long = Tick { origin, ..tick() };
        assert_eq!(long.encode(), Err(TickError::TooLong));
    }
}
