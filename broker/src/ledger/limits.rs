//! Every limit of the ledger, each with its reason.

/// Commands that wait for the sequencer: more than a team sends in a second. Whoever comes later
/// waits to be let in, so memory stays bounded.
pub const QUEUE: usize = 1_024;

/// Commands of one batch: a batch's latency is shared by all of them.
pub const BATCH_COMMANDS: usize = 256;

/// Entries after which a batch takes no further command. One command may lead to more.
pub const BATCH_ENTRIES: usize = 256;

/// Bytes after which a batch takes no further command: one write of a few milliseconds.
pub const BATCH_BYTES: usize = 1 << 20;

/// Entries after which the journal goes on in a new file; start-up reads the last two files.
pub const SEGMENT_ENTRIES: u64 = 4_096;

/// Bytes after which it does, where entries are long.
pub const SEGMENT_BYTES: u64 = 8 << 20;

/// Tiles and bundles that wait to be written beside the ones at hand: some ten megabytes. A disk that
/// takes the journal faster than the tiles makes the journal wait then.
pub const TILES_WAITING: usize = 64;

/// Bytes kept aside for endings once the disk is full: some three thousand of them.
pub const RESERVE_BYTES: u64 = 4 << 20;

/// Free bytes below which only endings are written: the reserve eight times, so that somebody has
/// time to make room before endings need it.
pub const FREE_LOW: u64 = 32 << 20;

/// Entries read at a time when the state is replayed: one bundle.
pub const REPLAY_ENTRIES: usize = 256;
