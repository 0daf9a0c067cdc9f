//! The numbers of `glass guard ssh`, each with its reason.

use std::time::Duration;

use jiff::SignedDuration;

pub(super) use crate::guard::attend::TICK_TIMEOUT;

/// Most bytes read of what sshd tells of a login: a certificate is about 3 KiB with the proof that it
/// was recorded, and one with the longest lists of principals and addresses still below 16.
pub(super) const MAX_AUTH_INFO_BYTES: usize = 64 * 1024;

/// Most bytes of a key id: four words of at most 48 bytes with their names.
pub(super) const MAX_KEY_ID_BYTES: usize = 256;

/// Most bytes of a file of authorities: a hundred keys, the longest of which are RSA's.
pub(super) const MAX_DAILY_CA_BYTES: usize = 64 * 1024;

/// Most bytes of one line over the doorbell: what sshd and PAM tell, once more as JSON.
pub(super) const MAX_RING_BYTES: u64 = 80 * 1024;

/// Most bytes of a login's name, or of where it comes from, that are kept: what the broker takes of
/// an origin. The longest address has 45.
pub(super) const MAX_NAME_BYTES: usize = 64;

/// Most bytes of `SSH_CONNECTION`: two addresses with their zones, two ports.
pub(super) const MAX_MARKER_BYTES: usize = 256;

/// Logins that wait at the doorbell at once; sshd's own `MaxStartups` is 100.
pub(super) const MAX_WAITING: usize = 128;

/// How long a login's hook may take to say who rings: it is on this machine and has it at hand.
pub(super) const RING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the broker may take to answer for a login before it counts as out of reach: somebody
/// waits at their prompt, and its own work is one disk write.
pub(super) const OPEN_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a login's hook waits for the guard to come back, as it does within a second after a
/// crash or an update, and for its answer. More than [`OPEN_TIMEOUT`] and [`RING_TIMEOUT`].
pub(super) const HOOK_TIMEOUT: Duration = Duration::from_secs(8);

/// The pause between two knocks of the hook at a guard that is not there.
pub(super) const KNOCK_PAUSE: Duration = Duration::from_millis(100);

/// How far the clocks of this host and of the broker may be apart. A certificate begins 60 s before
/// its grant, so a host that is further off refuses logins anyway.
pub(super) const MAX_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// How long access outlives the contact where neither the broker nor the command line says.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(60);

/// The longest grace, as the policy has it.
pub const MAX_GRACE: Duration = Duration::from_secs(3_600);

/// How long a guard that has just started may take to find the broker, though the grace be over:
/// connecting takes less than a second.
pub(super) const START_GRACE: Duration = Duration::from_secs(10);

/// How long a session may be missing from the standing after the broker let it in: the standing
/// that names its grant may be on its way.
pub(super) const SETTLE: Duration = Duration::from_secs(1);

/// How long after the end of a grant the broker's own word for it is waited for.
pub(super) const EXPIRY_SLACK: SignedDuration = SignedDuration::from_secs(1);

/// How long the processes of a session may take to end after SIGTERM, before SIGKILL. Access is
/// over: what is not done within this is not done.
pub(super) const GRACE: Duration = Duration::from_millis(200);

/// How much of that sshd itself gets to carry the last line to the other end and to leave when its
/// session is dead: it takes it a few milliseconds.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(100);

/// How often SIGKILL is sent again while somebody of a session still lives: each round reaches
/// those forked during the one before.
pub(super) const FORCE_ROUNDS: u32 = 20;

/// How long a round waits for the dead: a killed process is gone within a few milliseconds.
pub(super) const FORCE_PAUSE: Duration = Duration::from_millis(50);

/// The pause before those that SIGKILL did not end are tried again: they hang in the kernel.
pub(super) const AGAIN_PAUSE: Duration = Duration::from_secs(1);

/// How often the descendants of open sessions are looked for.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look may take one part in so many of the time between two looks, so that a host with very many
/// processes does not spend itself on it.
pub(super) const LOOK_SHARE: u32 = 20;

/// Most bytes read of a process's environment: the kernel allows more, but the marker stands where
/// sshd put it, among the first.
pub(super) const MAX_ENVIRON_BYTES: u64 = 64 * 1024;

/// Most bytes of a line written to a session's terminal.
pub(super) const MAX_SCREEN_BYTES: usize = 1_000;

/// Most sessions known at once, those not yet reported as ended among them. Each is about 1 KiB in
/// the state file; a host with more people on duty than this has another problem.
pub(super) const MAX_SESSIONS: usize = 4_096;

/// Reports on their way to the broker at once.
pub(super) const REPORTS_AT_ONCE: usize = 16;

/// The first pause before reports that did not get through are tried again; it doubles from here.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between tries; they never stop.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How much older the contact in the state file may be than the real one: a guard that restarts
/// while the broker is away counts from the one in the file.
pub(super) const CONTACT_SAVED_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Why grants ended is remembered for so many: for the sessions' screens, not for the record.
pub(super) const MAX_ENDED: usize = 1_024;

/// Largest KRL taken: one of a million serials in ranges is far below.
pub const MAX_KRL_BYTES: usize = 16 * 1024 * 1024;
