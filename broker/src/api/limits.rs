//! The limits of the gRPC side, each with its reason.

use std::time::Duration;

/// Bytes of one message from a caller. A statement has at most 16 KiB; this is room.
pub const MESSAGE_MAX: usize = 64 * 1024;

/// Bytes of one message to a caller. A page of entries has at most 3 MiB and a page of grants less;
/// closing an incident names every grant it ended, and the answer to what has happened must go out.
pub const ANSWER_MAX: usize = 32 * 1024 * 1024;

/// How long a call may take until its answer begins. Clients wait 20 s; the broker's own work is
/// one write to a disk, so beyond this the disk is stuck.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes before a message: compressed or not, and its length (gRPC over HTTP/2).
pub const MESSAGE_HEAD: usize = 5;

/// Calls of one person at once, out of [`Limits::in_flight`]: one stolen laptop that begins calls
/// and never sends them must not keep the others from freezing it.
pub const CALLS_AT_ONCE: usize = 128;

/// Calls of strangers at once, all of them together and beside [`Limits::in_flight`]: a few laptops
/// enrol at a time, and whoever has no certificate must not take a place from those who have.
pub const STRANGER_CALLS: usize = 64;

/// The same of one address (a /64 of IPv6): a team behind one router enrols one after the other
/// within milliseconds, and one network must not keep all others from enrolling.
pub const STRANGER_CALLS_PER_PEER: usize = 16;

/// How long a stranger's message may take from its head to its end: it has a thousand bytes, and
/// `glass` sends them at once.
pub const STRANGER_MESSAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// How often an open stream checks that its caller is still let in, beside each event it gives out.
pub const STREAM_CHECK: Duration = Duration::from_secs(1);

/// How long a stream that ends because its caller is no longer let in goes on giving out what was
/// committed before that, so that a holder hears who ended the grant and why.
pub const LAST_WORDS: Duration = Duration::from_millis(500);

/// Callers remembered for their rate at once: a team has at most 200 people, and strangers who
/// enrol come from somewhere. Beyond it the ones that have been quiet the longest are forgotten.
pub const CALLERS_REMEMBERED: usize = 1_000;

/// Streams of one person that begin with old entries: each reads the ledger until it has caught up,
/// and nobody looks at so many pasts at once. Held grants do not count: their past is short.
pub const OLD_STREAMS_PER_PERSON: usize = 8;

/// Bytes of a signature: an ECDSA P-256 signature in DER has at most 72.
pub const SIGNATURE_MAX: usize = 80;

/// Bytes of an uncompressed P-256 point (SEC 1 section 2.3.3).
pub const POINT_LEN: usize = 65;

/// Grants or incidents in one page, where the caller does not say, and at most.
pub const LIST_PAGE: Page = Page {
    usual: 50,
    most: 500,
};

/// Entries in one page, where the caller does not say, and at most.
pub const ENTRY_PAGE: Page = Page {
    usual: 100,
    most: 1_000,
};

/// The same where each is proven: a proof has a hash for each level of the tree, and reads some tiles.
pub const PROVEN_PAGE: Page = Page {
    usual: 100,
    most: 200,
};

/// Bytes of the word of a kind or of an outcome; the longest there are have half of it.
pub const NAME_MAX: usize = 40;

/// How long a page is.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    usual: usize,
    most: usize,
}

impl Page {
    /// What a caller who asks for `limit` gets; 0 means as usual.
    #[must_use]
    pub fn of(self, limit: u32) -> usize {
        match usize::try_from(limit).unwrap_or(self.most) {
            0 => self.usual,
            limit => limit.min(self.most),
        }
    }
}

/// What the operator may change.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls answered at once, of everybody on the team together; streams do not count once they run.
    /// More is turned away at once rather than made to wait: each holds memory.
    pub in_flight: usize,
    /// Calls of one person, in the long run. `glass exec` makes one a few minutes; a script in a
    /// loop makes this many.
    pub calls_per_second: u32,
    /// Calls of one person at once, after a quiet time.
    pub calls_burst: u32,
    /// Enrolments of one address, in the long run. A token of 192 bits cannot be guessed at any rate;
    /// this keeps a stranger from having signatures checked all day.
    pub enrolments_per_second: u32,
    /// Enrolments of one address at once: a whole team behind one router, with every laptop.
    pub enrolments_burst: u32,
    /// Open streams of one person: every live grant they may have is held, and some prompts.
    pub streams_per_person: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: 1_024,
            calls_per_second: 200,
            calls_burst: 400,
            enrolments_per_second: 10,
            enrolments_burst: 100,
            streams_per_person: 300,
        }
    }
}

/// Days that a review of access looks back where nothing else is asked for: a quarter.
pub const REVIEW_DAYS: u32 = 90;

/// The longest: ten years, as long as a ledger is kept.
pub const REVIEW_DAYS_MAX: u32 = 3_650;

/// How often a guard hears that the broker is there, and what holds. A guard takes its last tick for
/// fresh for its target's grace, which is 1 s at least.
pub const TICK_EVERY: Duration = Duration::from_secs(2);
