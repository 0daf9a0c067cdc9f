//! The team as the ledger knows it: enrolled keys and freezes.
//!
//! Who is on the team, and with which job, stands in the [`Policy`](crate::Policy); this is what
//! happened since.

use std::collections::BTreeMap;

use crate::id::KeyId;
use crate::text::Line;
use crate::time::Time;

/// What is known of one person beside the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// Enrolled keys that still work.
    pub devices: BTreeMap<KeyId, Device>,
    /// Set while frozen.
    pub frozen: Option<Freeze>,
}

/// One enrolled key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What the person called it.
    pub name: Line,
    /// The public key: uncompressed SEC 1 point, 65 bytes.
    pub public: Vec<u8>,
    /// When it was enrolled.
    pub enrolled_at: Time,
    /// When its newest certificate expires.
    pub certificate_expires_at: Time,
}

/// Somebody is stopped from everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// By whom.
    pub by: crate::event::Actor,
    /// When.
    pub at: Time,
    /// Why.
    pub reason: Line,
}
