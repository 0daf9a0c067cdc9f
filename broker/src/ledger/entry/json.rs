//! JSON on one line that no terminal can be restyled with.

use std::io;

use breakglass_domain::text::restyles;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::EntryError;

/// Room for a usual entry with its statement.
const USUAL_BYTES: usize = 1_024;

/// Writes a value as one line.
pub(super) fn write(value: &impl Serialize) -> Result<Vec<u8>, EntryError> {
    let mut line = Vec::with_capacity(USUAL_BYTES);
    let mut serializer = Serializer::with_formatter(&mut line, Plain);
    value
        .serialize(&mut serializer)
        .map_err(|e| EntryError::Malformed(e.to_string()))?;
    Ok(line)
}

/// Reads a value; what follows it on the line is an error.
pub(super) fn read<T: DeserializeOwned>(line: &[u8]) -> Result<T, EntryError> {
    serde_json::from_slice(line).map_err(|e| EntryError::Malformed(e.to_string()))
}

/// Compact, with every character that [`restyles`] escaped: serde_json by itself escapes only those
/// below U+0020, but U+009B begins a terminal's commands as well, and U+202E turns text around.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| restyles(c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}
