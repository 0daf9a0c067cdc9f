//! The numbers of `glass exec`, each with its reason.

use std::time::Duration;

use jiff::SignedDuration;

/// How long a command may take to end after SIGTERM, before SIGKILL: an editor saves its file, a
/// database client cancels its query, and the access is over all the same.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How often SIGKILL is sent again while somebody of the family still lives: each round reaches
/// those forked during the one before.
pub(super) const FORCE_ROUNDS: u32 = 40;

/// The pause between these rounds: a killed process is gone within a few milliseconds.
pub(super) const FORCE_PAUSE: Duration = Duration::from_millis(50);

/// How long we wait to be stopped after asking for it (Ctrl-Z). Where nobody could wake us again
/// (an orphaned process group) the kernel does not stop us, and we go on.
pub(super) const SUSPEND_PAUSE: Duration = Duration::from_millis(200);

/// The longest time between two looks at the clock: timers stand still while a laptop sleeps, so
/// without looking again a grant that ended meanwhile would be noticed that much too late.
pub(super) const LONGEST_NAP: Duration = Duration::from_secs(10);

/// When to warn of the end of a grant: time to extend it, then time to save and leave.
pub(super) const WARNINGS: [SignedDuration; 2] =
    [SignedDuration::from_mins(5), SignedDuration::from_mins(1)];

/// The first pause after a renewal that failed; it doubles from here.
pub(super) const FIRST_RENEWAL_PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// The longest pause between two tries to renew: a third of a credential's life is five minutes,
/// so there are at least nine tries before it runs out.
pub(super) const LONGEST_RENEWAL_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How long giving back may take: whoever pressed Ctrl-C wants their prompt, and the broker ends a
/// held grant by itself.
pub(super) const GIVE_BACK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before asking for a self-grant again that the broker called too early.
pub(super) const SELF_GRANT_PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// Longest answer read from somebody asked for yes or no.
pub(super) const MAX_ANSWER: usize = 64;

/// How often the first credential is asked for again while the broker is out of reach, the pauses
/// doubling from a quarter of a second: about half a minute in all, within which a broker restarts.
pub(super) const ISSUE_TRIES: u32 = 7;

/// How long after a request's lapse a broker that is out of reach is still waited for, so that a
/// script does not wait for ever.
pub(super) const LAPSE_SLACK: SignedDuration = SignedDuration::from_mins(1);
