//! Every limit of the verifier, each with its reason.

use std::time::Duration;

/// Most bytes of a token: ours have about 3 KiB with the proof that they were recorded, 900 without; a
/// hundred groups of 100 bytes fit still. nginx and Envoy take no header field beyond 8 and 60 KiB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Most bytes of a proof: a proof has no groups and about 500 bytes, most of the rest is its URL.
pub const MAX_PROOF_BYTES: usize = 8 * 1024;

/// Most bytes of a proof that a credential was recorded. Of a billion entries it has 2 KiB, the entry
/// with all that a policy can say of one less than 20, fifteen witnesses 2.
pub const MAX_ENTRY_PROOF_BYTES: usize = 64 * 1024;

/// Most bytes of a JWK set: a hundred keys of 250 bytes, and room.
pub const MAX_KEYS_BYTES: usize = 64 * 1024;

/// Most keys in a set; a broker publishes two or three.
pub const MAX_KEYS: usize = 100;

/// Most bytes of a key's id. The broker's are thumbprints of 43.
pub const MAX_KID_BYTES: usize = 128;

/// Most bytes of an id, as in the policy; a credential's has a grant's and a number.
pub const MAX_NAME_BYTES: usize = 64;

/// Most bytes of a sentence or a group, as in the policy.
pub const MAX_LINE_BYTES: usize = 500;

/// Most groups of a token: what fits into one anyway.
pub const MAX_GROUPS: usize = 100;

/// The most leeway that can be asked for. The broker dates the start of its tokens back by a minute
/// already, and a leeway lets an ended token live on for as long.
pub const MAX_LEEWAY: Duration = Duration::from_secs(60);

/// The longest a standing may count as fresh: the longest grace the policy knows.
pub const MAX_FRESH_FOR: Duration = Duration::from_secs(60 * 60);

/// How far the broker's clock may be ahead of ours, as seen in a tick. Beyond that one of the two is
/// wrong, and how old the tick is cannot be said.
pub const MAX_CLOCK_SKEW: Duration = Duration::from_secs(60);

/// How old a proof may be: a laptop's clock that is behind by half a minute, and a slow network.
pub const PROOF_LIFE: Duration = Duration::from_secs(60);

/// How far in the future a proof may be made: a laptop's clock that is ahead.
pub const PROOF_AHEAD: Duration = Duration::from_secs(30);

/// Most bytes of a proof's `jti`. RFC 9449 section 4.2 asks for 96 bits of chance, 16 characters.
pub const MAX_JTI_BYTES: usize = 128;

/// Most proofs remembered at once, 48 bytes each. Only who holds a good token gets one in, and at
/// 90 seconds each this is 700 requests a second.
pub const MAX_PROOFS: usize = 65_536;
