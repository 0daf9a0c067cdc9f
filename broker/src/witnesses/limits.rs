//! The limits of asking witnesses, each with its reason.

use std::time::Duration;

/// How long one exchange may take, from looking the name up to the last byte: below what a credential
/// waits for (`app::limits::WITNESS_PATIENCE`).
pub(super) const EXCHANGE: Duration = Duration::from_secs(4);

/// How long it has to connect.
pub(super) const CONNECT: Duration = Duration::from_secs(2);

/// Exchanges for one checkpoint: a witness that is at another size says so, and is asked once more;
/// the third is for one that moved in between.
pub(super) const TRIES: usize = 3;

/// Bytes of an answer: some signature lines, the longest of 5 kB.
pub(super) const ANSWER_BYTES: usize = 64 * 1024;

/// How soon a witness is asked again after it has signed: four times a second at most, however many
/// entries there are.
pub(super) const SPACING: Duration = Duration::from_millis(250);

/// The pause after the first failure.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: who has mended a witness sees it sign within half a minute.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How long enough of them have not signed what is newest before that is an entry: longer than a
/// restart of one of them.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(10);

/// How often the task looks at the policy and the time where nothing happens.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// How long one of them fails before `glass status` names it; what somebody has to mend by hand is named at once.
pub(super) const FAILURE_TOLD: Duration = Duration::from_secs(60);
