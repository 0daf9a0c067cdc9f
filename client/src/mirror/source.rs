//! Where the files of a mirror come from, and what is made of one that came.

use breakglass_tlog::{
    Hash, TileId,
    hash::HASH_BYTES,
    limits::{MAX_ENTRY_BYTES, TILE_WIDTH},
    tile::{decode_bundle, encode_bundle},
};

use crate::error::Error;

/// Serves a ledger as files.
pub trait Source: Sync {
    /// The newest published checkpoint.
    ///
    /// # Errors
    /// Whatever kept it from coming.
    fn checkpoint(&self) -> impl Future<Output = Result<String, Error>> + Send;

    /// A tile; `None` where it is not served.
    ///
    /// # Errors
    /// Whatever kept it from coming.
    fn tile(&self, tile: TileId) -> impl Future<Output = Result<Option<Vec<u8>>, Error>> + Send;
}

/// Bytes of the largest tile there is: a bundle of the longest entries.
pub(crate) const LARGEST: usize = TILE_WIDTH as usize * (MAX_ENTRY_BYTES + 2);

/// The hashes of a tile; not proven yet.
pub(super) async fn hashes(source: &impl Source, tile: TileId) -> Result<Vec<Hash>, Error> {
    let (bytes, came) = fetch(source, tile).await?;
    to_hashes(&bytes, came)
        .map(|mut hashes| {
            hashes.truncate(tile.width().into());
            hashes
        })
        .ok_or_else(|| wrong(tile, "it has another length than its name says"))
}

/// The bundle of the entries with these leaf hashes.
pub(super) async fn bundle(
    source: &impl Source,
    tile: TileId,
    leaves: &[Hash],
) -> Result<Vec<u8>, Error> {
    let (bytes, came) = fetch(source, tile).await?;
    let entries = decode_bundle(&bytes).map_err(|error| wrong(tile, error))?;
    if entries.len() != usize::from(came.width()) {
        return Err(wrong(
            tile,
            "it has another number of entries than its name says",
        ));
    }
    let first = u64::from(TILE_WIDTH) * tile.index();
    let entries = &entries[..leaves.len().min(entries.len())];
    for (number, (entry, leaf)) in (first..).zip(entries.iter().zip(leaves)) {
        if Hash::of_leaf(entry) != *leaf {
            let what = format!("entry {number} is not the one that was signed");
            return Err(wrong(tile, what));
        }
    }
    // The same bytes, but where a wider bundle came.
    encode_bundle(entries).map_err(|error| wrong(tile, error))
}

/// The hashes in the bytes of a tile, where there are as many as its name says.
pub(super) fn to_hashes(bytes: &[u8], tile: TileId) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<HASH_BYTES>();
    let is_whole = rest.is_empty() && hashes.len() == usize::from(tile.width());
    is_whole.then(|| hashes.iter().copied().map(Hash::from_bytes).collect())
}

/// The root over the hashes of a tile.
pub(super) fn root_of(hashes: &[Hash]) -> Hash {
    let mut tree = breakglass_tlog::Frontier::new();
    hashes.iter().for_each(|hash| tree.push(*hash));
    tree.root()
}

/// That what is served is not what was signed.
pub(super) fn wrong(tile: TileId, why: impl std::fmt::Display) -> Error {
    Error::unverified(format!("{tile}, as it is served, does not hold: {why}"))
}

/// The bytes, and of which tile they are: a partial one may have gone when the full one came (C2SP
/// tlog-tiles, "Partial Tiles").
async fn fetch(source: &impl Source, tile: TileId) -> Result<(Vec<u8>, TileId), Error> {
    for wanted in [tile, tile.full()] {
        if let Some(bytes) = source.tile(wanted).await? {
            return Ok((bytes, wanted));
        }
        if tile.is_full() {
            break;
        }
    }
    Err(Error::setup(
        format!("{tile} is not served, and the checkpoint says that it is there"),
        "run it again; if it stays so, ask whoever runs the broker: glassd fsck",
    ))
}
