//! Every limit of the rules, each with its reason.

use crate::budget::Budget;
use crate::time::Lifetime;

/// Bytes of a reason, a title or a closing reason: more than anybody reads at three in the morning,
/// and ten of them still fit an entry.
pub const LINE_MAX: usize = 500;

/// Bytes of an incident note: a pasted error fits.
pub const PROSE_MAX: usize = 4_000;

/// Bytes of a device's name.
pub const DEVICE_MAX: usize = 64;

/// Bytes of a program's name in `grant.used`.
pub const PROGRAM_MAX: usize = 200;

/// Bytes of a person's, a right's or a rule's id: people type them.
pub const ID_MAX: usize = 48;

/// Bytes of a policy: it is an entry with its whole text, and an entry holds at most 60 KiB.
pub const POLICY_MAX: usize = 24 * 1024;

/// People in a policy. The product is for two to twenty; this is room, not a target.
pub const PEOPLE_MAX: usize = 200;

/// Rights in a policy, and rules.
pub const RIGHTS_MAX: usize = 200;

/// Waiting and active grants of one person: more is a broken script.
pub const LIVE_GRANTS_PER_PERSON: usize = 256;

/// Incidents open at once: every person sees all of them.
pub const OPEN_INCIDENTS: usize = 50;

/// Of these, how many alert sources may have opened: a storm of alerts must not keep people from
/// opening one.
pub const OPEN_FOR_ALERTS: usize = 30;

/// Bytes of what a source calls an alert: longer ones are cut, and told apart by their hash.
pub const ALERT_KEY_MAX: usize = 300;

/// Bytes of a word for how bad an alert is.
pub const ALERT_WORD_MAX: usize = 64;

/// Incidents one person may open in [`OPENINGS_WINDOW`]: each is announced to everybody.
pub const OPENINGS: usize = 10;

/// See [`OPENINGS`].
pub const OPENINGS_WINDOW: Lifetime = Lifetime::from_secs(3_600);

/// Notes one incident keeps in memory, and one more of each person who has none among them; later ones
/// are only in the ledger.
pub const NOTES_IN_MEMORY: usize = 200;

/// Grants one incident names in memory; later ones are found through the index. Without it one long
/// incident with a busy script would grow for ever.
pub const GRANTS_IN_MEMORY: usize = 1_000;

/// Enrolment tokens that wait at once.
pub const TOKENS: usize = 100;

/// Keys one person may have enrolled.
pub const DEVICES_PER_PERSON: usize = 10;

/// The shortest grant.
pub const LENGTH_MIN: Lifetime = Lifetime::from_secs(1);

/// The longest a policy may allow a grant to be: emergency access is not daily access.
pub const LENGTH_MAX: Lifetime = Lifetime::from_secs(12 * 3_600);

/// How long ago a call may have been when it is recorded: time to open an incident and to ask, and not
/// a word that was given for another night.
pub const CALL_WITHIN: Lifetime = Lifetime::from_secs(30 * 60);

/// How far the clock of a person's laptop may be from the broker's: a statement outside of this is
/// stale, and inside of it its nonce is remembered, so that none is played twice.
pub const STATEMENT_SKEW: Lifetime = Lifetime::from_secs(300);

/// While the broker's clock is behind the ledger it does not know what time it is; what ends
/// something is then taken with a statement up to this much later than the newest entry.
pub const STATEMENT_SKEW_BEHIND: Lifetime = Lifetime::from_secs(24 * 3_600);

/// Statements of notes, freezes and removals that are known however old they are, so that none is
/// played again after the clock was set back. Half a year of a busy team; twenty who type without end
/// need four hours. Once older ones are forgotten and while the clock is behind, a note, a freeze or a
/// removal that was signed before those is refused as stale. What ends a grant or an incident never is.
pub const PLAYED: usize = 10_000;

/// How long an enrolment token works.
pub const TOKEN_LIFE: Lifetime = Lifetime::from_secs(24 * 3_600);

/// How long a request waits where its rule does not say.
pub const LAPSES_AFTER: Lifetime = Lifetime::from_secs(15 * 60);

/// Sessions open at once: more is a broken script.
pub const SESSIONS: usize = 10_000;

/// How long after the end of a grant its guards may report whom they let in under it while the broker
/// was out of reach. Sessions end with the grace, so this is for reports alone: a night, and the
/// morning after it.
pub const LATE_WITHIN: Lifetime = Lifetime::from_secs(24 * 3_600);

/// Grants that are remembered for that: two megabytes, and more than the largest team has in a day.
pub const LATE_GRANTS: usize = 10_000;

/// Bytes of where a session comes from, as its target says it: an address and a port.
pub const ORIGIN_MAX: usize = 64;

/// How long after the end of its grant a session's end has to be confirmed, before it is on record
/// that it was not. Guards end one within a second.
pub const CONFIRMED_WITHIN: Lifetime = Lifetime::from_secs(10);

/// Bytes kept of what a database says when it refuses something.
pub const SERVER_TEXT_MAX: usize = 300;

/// How old an incident gets where the policy does not say.
pub const INCIDENT_LONGEST: Lifetime = Lifetime::from_secs(8 * 3_600);

/// How long before an incident closes by itself people are warned.
pub const INCIDENT_WARNING: Lifetime = Lifetime::from_secs(15 * 60);

/// How far the wall clock may fall behind the newest entry before nothing is issued (DESIGN 5).
pub const CLOCK_BEHIND: Lifetime = Lifetime::from_secs(2);

/// Refusals of one person for one reason within this time become one entry with a count.
pub const REFUSAL_WINDOW: Lifetime = Lifetime::from_secs(60);

/// People and reasons whose refusals are counted apart at once; beyond it one person's refusals are
/// counted together, so that memory stays bounded whatever they try.
pub const REFUSAL_KEYS: usize = 1_000;

/// The longest life of one credential, whatever its grant's length: a leaked one dies soon.
pub const CREDENTIAL_LIFE: Lifetime = Lifetime::from_secs(15 * 60);

/// How long after its end a client certificate may still be taken, or somebody be in who came by it,
/// where a server's clock is behind.
pub const CERTIFICATE_OUTLASTS: Lifetime = Lifetime::from_secs(60);

const DAY: Lifetime = Lifetime::from_secs(24 * 3_600);
const HOUR: Lifetime = Lifetime::from_secs(3_600);
const MINUTE: Lifetime = Lifetime::from_secs(60);

/// Grants that one person asks for. A script that runs `glass exec` on each of two hundred hosts may
/// do so twenty-five times; who asks and gives back without end is stopped after twenty megabytes,
/// and has one every 17 s from then on. A day, so that what comes back is little.
pub const REQUESTS: Budget = Budget {
    what: "requests of one person",
    most: 5_000,
    within: DAY,
};

/// Credentials and uses under all grants of one person, but for the first credential of each: 200
/// `glass exec` at once for a whole incident of eight hours take 9,600. Without it the budgets of 256
/// live grants would add up to half a gigabyte an hour.
pub const UNDER_GRANTS: Budget = Budget {
    what: "credentials and uses of one person",
    most: 50_000,
    within: DAY,
};

/// Sessions that one person opens at one target: a playbook of two hundred tasks that logs in for
/// each, twenty-five times. Not over all targets, or the guard of one could keep them out of others.
pub const SESSIONS_OF_PERSON: Budget = Budget {
    what: "sessions of one person at one target",
    most: 5_000,
    within: DAY,
};

/// Notes of one person: two a minute for a whole hour is more than anybody types, and a script that
/// writes each of its lines is stopped after half a megabyte.
pub const NOTES: Budget = Budget {
    what: "notes of one person",
    most: 120,
    within: HOUR,
};

/// Times that one person gives more time: a grant of half an hour, minute by minute, four at once.
pub const EXTENSIONS: Budget = Budget {
    what: "extensions by one person",
    most: 120,
    within: HOUR,
};

/// Copies of the ledger that one person takes: a mirror takes one a minute, and each is an entry.
pub const EXPORTS: Budget = Budget {
    what: "exports by one person",
    most: 120,
    within: HOUR,
};

/// Invitations, lifted freezes, and removals of somebody who has nothing: the whole of the largest
/// team once, and half of it again.
pub const TEAM_CHANGES: Budget = Budget {
    what: "changes to the team by one person",
    most: 300,
    within: HOUR,
};

/// Certificates for one key: one lives weeks, and some `glass` that start at once may each renew it.
pub const RENEWALS_OF_KEY: Budget = Budget {
    what: "certificates for one key",
    most: 10,
    within: HOUR,
};

/// Credentials under one grant after its first: `glass exec` takes one every ten minutes; a script
/// that takes one for each of its calls gets one every two seconds.
pub const CREDENTIALS_OF_GRANT: Budget = Budget {
    what: "credentials under one grant",
    most: 30,
    within: MINUTE,
};

/// Uses of one grant: `glass exec` tells of one.
pub const USES_OF_GRANT: Budget = Budget {
    what: "reported uses of one grant",
    most: 30,
    within: MINUTE,
};

/// Sessions that open at one target: ten a second for a whole minute is a fleet's worth of `ansible`
/// under one grant. That one ends is never counted, and a login that is refused is none.
pub const SESSIONS_AT_TARGET: Budget = Budget {
    what: "sessions at one target",
    most: 600,
    within: MINUTE,
};

/// Incidents that one source opens, and alerts that it calls resolved: each is told to everybody. That an
/// alert fires again is not counted: it was resolved before.
pub const ALERTS: Budget = Budget {
    what: "alerts of one source",
    most: 60,
    within: HOUR,
};

/// The same of one alert: one that flaps must not use up what its source may open for others.
pub const ALERTS_OF_ONE: Budget = Budget {
    what: "changes of one alert",
    most: 10,
    within: HOUR,
};

/// How long a delivery of an alert source is remembered: for as long as it would be taken. The longest
/// that its time may be away from the broker's clock is an hour, before and after.
pub const DELIVERY_REMEMBERED: Lifetime = Lifetime::from_secs(2 * 3_600);

/// Grants of one incident that are answered for: more than anybody looks at one by one. A script that
/// asks again and again is seen in the ledger, and in the first of them.
pub const REVIEWED_GRANTS: usize = 100;

/// Closed incidents of which answers are owed: what is older than so many is read in the ledger.
pub const REVIEWED_INCIDENTS: usize = 200;

/// Drills that one person opens: each is told to everybody. Ten an hour are enough to mend what the
/// first one found, and they count apart from incidents, so that practising keeps nobody from the real
/// thing.
pub const DRILLS: Budget = Budget {
    what: "drills opened by one person",
    most: 10,
    within: HOUR,
};

/// Drills open at once: more than two people in turn is no practice any more.
pub const OPEN_DRILLS: usize = 5;

/// How old a drill gets that nobody closes: it takes minutes, and its approver may be slow.
pub const DRILL_LONGEST: Lifetime = HOUR;

/// Drills that are remembered, so that how they went can be recorded, and what still comes of them is
/// marked: as many as five people may open in an hour, and some.
pub const RECENT_DRILLS: usize = 64;

/// Lost histories that are remembered, so that a head of one is known: who restores more often than that
/// has other worries. All of them are in the ledger.
pub const RESTORATIONS_REMEMBERED: usize = 64;

/// Entries that a restored copy may lack without being asked about: each of them takes an id of each sort out of
/// use for ever, and people type ids. A team writes some hundreds of entries on a bad day, so that more is a slip of
/// the keyboard, or a head that somebody signed who should not have.
pub const LOST_UNASKED: u64 = 65_536;

/// Places that a restored copy passes over, up to where its ledger's key was followed: they are one batch, of some four
/// megabytes, and verifiers look back at twice as many entries for what is lost.
pub const PASSED_OVER: u64 = 32_768;

/// A broker that runs asks others within a fraction of a second of the time it was to; within so long, a
/// busy disk is no reason to let anybody wait for longer. One that was away takes more.
pub const ESCALATES_WITHIN: Lifetime = Lifetime::from_secs(10);

/// How many of the rules this broker holds that ledgers written before them need not: verifiers hold a
/// ledger to what it has said at a start. 1: one self-grant of a person for a right under an incident
/// runs at a time, and a veto ends each that does. 2: everybody has the policy's time to answer since
/// they could be told, and again since the last such grant was over; and they are counted.
pub const RULES: u32 = 2;
