//! Revocation lists that sshd reads at each login (PROTOCOL.krl in OpenSSH's sources).

use breakglass_domain::{GrantId, Time};

use super::ca::SshUserCa;
use super::wire::Wire;

/// `KRL_MAGIC`.
const MAGIC: &[u8] = b"SSHKRL\n\0";

/// `KRL_FORMAT_VERSION`.
const FORMAT: u32 = 1;

/// `KRL_SECTION_CERTIFICATES`.
const CERTIFICATES: u8 = 1;

/// `KRL_SECTION_CERT_SERIAL_RANGE`.
const SERIAL_RANGE: u8 = 0x21;

/// What stands in the list for whoever prints it with `ssh-keygen -Ql`.
const COMMENT: &str = "breakglass";

/// Bits of a serial that number a grant's credentials; the bits above them number the grant.
const CREDENTIAL_BITS: u32 = 20;

/// Serials from the first to the last, both counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SerialRange {
    first: u64,
    last: u64,
}

impl SerialRange {
    /// `None` where it ends before it begins, or holds zero, which OpenSSH revokes by no list.
    #[must_use]
    pub fn new(first: u64, last: u64) -> Option<Self> {
        (first >= 1 && first <= last).then_some(Self { first, last })
    }

    /// Every credential a grant has or can have; `None` for a number no grant has.
    #[must_use]
    pub fn of_grant(grant: GrantId) -> Option<Self> {
        let first = grant.0.checked_mul(1 << CREDENTIAL_BITS)?;
        Self::new(first, first | ((1 << CREDENTIAL_BITS) - 1))
    }
}

/// The list of what this authority has revoked, as `RevokedKeys` of sshd_config(5) takes it.
///
/// The same ranges at the same time give the same bytes, in whatever order they come. `version`
/// counts up (the ledger's size does); sshd ignores it, whoever compares two lists does not.
#[must_use]
pub fn krl(
    ca: &SshUserCa,
    version: u64,
    made_at: Time,
    revoked: impl IntoIterator<Item = SerialRange>,
) -> Vec<u8> {
    let list = Wire::default()
        .raw(MAGIC)
        .u32(FORMAT)
        .u64(version)
        .u64(u64::try_from(made_at.as_secs()).unwrap_or(0))
        .u64(0) // flags
        .string(b"") // reserved
        .string(COMMENT);
    let ranges = merged(revoked);
    if ranges.is_empty() {
        return list.done();
    }
    let section = Wire::default().string(ca.public_key()).string(b""); // reserved
    let section = ranges.iter().fold(section, |section, range| {
        let range = Wire::default().u64(range.first).u64(range.last).done();
        section.byte(SERIAL_RANGE).string(range)
    });
    list.byte(CERTIFICATES).string(section.done()).done()
}

/// In order, and those that touch as one.
fn merged(ranges: impl IntoIterator<Item = SerialRange>) -> Vec<SerialRange> {
    let mut sorted: Vec<SerialRange> = ranges.into_iter().collect();
    sorted.sort_unstable();
    let mut merged: Vec<SerialRange> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match merged.last_mut() {
            Some(before) if range.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> SerialRange {
        SerialRange::new(first, last).unwrap()
    }

    #[test]
    fn ranges_are_put_in_order_and_together() {
        let given = [
            range(9, 9),
            range(1, 3),
            range(4, 5),
            range(2, 2),
            range(7, 7),
        ];
        assert_eq!(merged(given), [range(1, 5), range(7, 7), range(9, 9)]);
        assert_eq!(
            merged([range(1, u64::MAX), range(u64::MAX, u64::MAX)]),
            [range(1, u64::MAX)]
        );
    }

    #[test]
    fn a_grant_has_a_range_of_its_own() {
        let of = |grant| SerialRange::of_grant(GrantId(grant));
        assert_eq!(of(45), Some(range(45 << 20, (46 << 20) - 1)));
        assert_eq!(of(0), None);
        assert_eq!(of((1 << 44) - 1).unwrap().last, u64::MAX);
        assert_eq!(of(1 << 44), None);
    }
}
