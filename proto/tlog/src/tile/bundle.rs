//! Entry bundles: entries, each after its length in two bytes, big-endian (C2SP `tlog-tiles`,
//! "Log entries").

use crate::limits::{MAX_ENTRY_BYTES, TILE_WIDTH};

/// Bytes of the length in front of each entry.
const LENGTH_BYTES: usize = 2;

/// Why entries make no bundle, or bytes are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry is longer than its length field can say.
    #[error("an entry of {0} bytes is too long")]
    EntryTooLong(usize),
    /// The bundle ends within an entry.
    #[error("the entry bundle is cut short")]
    CutShort,
    /// A bundle has at most 256 entries.
    #[error("the bundle has more than 256 entries")]
    TooManyEntries,
}

/// Appends one entry to the bytes of a bundle; the caller counts to 256.
///
/// # Errors
///
/// [`BundleError::EntryTooLong`] above [`MAX_ENTRY_BYTES`]; the bundle is then unchanged.
pub fn append_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Writes a bundle of up to 256 entries.
///
/// # Errors
///
/// [`BundleError::EntryTooLong`] or [`BundleError::TooManyEntries`].
pub fn encode_bundle<E: AsRef<[u8]>>(
    entries: impl IntoIterator<Item = E>,
) -> Result<Vec<u8>, BundleError> {
    let mut bundle = Vec::new();
    for (count, entry) in entries.into_iter().enumerate() {
        if count >= usize::from(TILE_WIDTH) {
            return Err(BundleError::TooManyEntries);
        }
        append_entry(&mut bundle, entry.as_ref())?;
    }
    Ok(bundle)
}

/// Reads a bundle back into its entries, whose number is the width of the tile.
///
/// # Errors
///
/// [`BundleError::CutShort`] or [`BundleError::TooManyEntries`].
pub fn decode_bundle(bundle: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        if entries.len() >= usize::from(TILE_WIDTH) {
            return Err(BundleError::TooManyEntries);
        }
        let (length, after) = rest
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or(BundleError::CutShort)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after
            .split_at_checked(length)
            .ok_or(BundleError::CutShort)?;
        entries.push(entry);
        rest = after;
    }
    Ok(entries)
}

// The length field says what the limit says.
const _: () = assert!(MAX_ENTRY_BYTES == u16::MAX as usize);
