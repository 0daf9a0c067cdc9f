//! Each refusal that may come, with who was refused, which act, and what has to come of asking why.

use breakglass_domain::{CredentialKind, Ending, Refusal, SessionId, Time};

use super::Comes::{self, Again, NotHeld, Wrong};
use super::words::*;

pub(super) type Row = (&'static str, &'static str, Refusal, Comes);

/// Who was refused, which act: what they were told => what comes of it.
macro_rules! rows {
    ($($who:literal, $act:literal: $refusal:expr => $comes:expr;)*) => {
        vec![$(($who, $act, $refusal, $comes)),*]
    };
}

/// All of them, asked at a time.
pub(super) fn all(now: Time) -> Vec<Row> {
    let each = [
        policy(),
        people(),
        incidents(),
        grants(),
        asking(now),
        alone(),
        changed_since(),
        counted(),
        unheld(),
    ];
    each.into_iter().flatten().collect()
}

/// What the policy refuses.
fn policy() -> Vec<Row> {
    rows! {
        "mia", "request": Refusal::UnknownRight("fly".parse().unwrap()) => Again("no `fly`");
        "mia", "request": Refusal::UnknownRight("restart".parse().unwrap()) => Wrong;
        "target:web-1", "attend": Refusal::UnknownTarget("gone-1".parse().unwrap()) => Again("no `gone-1`");
        "target:web-1", "attend": Refusal::UnknownTarget("web-1".parse().unwrap()) => Wrong;
        "target:web-1", "end-session": Refusal::UnknownSession(SessionId(7)) => NotHeld("which session was meant");
        "mia", "freeze": Refusal::UnknownPerson(id("sam")) => Again("no `sam`");
        "mia", "freeze": Refusal::UnknownPerson(id("leon")) => Wrong;
        "eve", "request": not_allowed("eve", "restart the shop") => Again("its rule `alone` (line ");
        "mia", "request": not_allowed("mia", "restart the shop") => Wrong;
        "mia", "request": nobody_to_call("mia", "keys") => Wrong;
        "mia", "handover": not_to_receive("eve", 2) => Again("gives `restart` to eve");
        "mia", "handover": not_to_receive("leon", 2) => Wrong;
        "target:web-1", "open-session": not_there(1, "web-1") => Again("lead elsewhere");
        "target:web-1", "open-session": not_there(2, "web-1") => Wrong;
        "eve", "close-incident": not_permitted("eve", "close incidents") => Again("`close_incidents`");
        "mia", "close-incident": not_permitted("mia", "close incidents") => Wrong;
        "source:pager", "alert-firing": Refusal::UnknownSource("other".parse().unwrap()) => Again("no `other`");
        "source:pager", "alert-firing": Refusal::UnknownSource("pager".parse().unwrap()) => Wrong;
        "source:pager", "alert-firing": unknown_severity("`low` or `none`") => Again("has no word for `low`");
        "source:pager", "alert-firing": unknown_severity("`low` or `page`") => Wrong;
        "mia", "open-drill": Refusal::NoDrills => Wrong;
        "mia", "issue-credential": no_such("restart", CredentialKind::Postgres) => Again("of the kind `postgres`");
        "mia", "issue-credential": no_such("restart", CredentialKind::Ssh) => Wrong;
        "mia", "issue-credential": not_witnessed() => Wrong;
    }
}

/// Who was frozen, and who had a laptop.
fn people() -> Vec<Row> {
    rows! {
        "eve", "unfreeze": Refusal::OwnFreeze => Again("leon had frozen eve");
        "mia", "unfreeze": Refusal::OwnFreeze => Wrong;
        "eve", "note": Refusal::PersonFrozen(id("eve")) => Again("leon had frozen eve");
        "leon", "freeze": Refusal::FrozenAlready(id("eve")) => Again("leon had frozen eve");
        "mia", "note": Refusal::PersonFrozen(id("mia")) => Wrong;
        "leon", "unfreeze": Refusal::NotFrozen(id("mia")) => Again("no entry before it freezes mia");
        "leon", "unfreeze": Refusal::NotFrozen(id("eve")) => Wrong;
        "mia", "request": Refusal::NotEnrolled(id("mia")) => NotHeld("which key it was");
        "leon", "approve": Refusal::NotEnrolled(id("dan")) => Again("no entry before it enrols a laptop of dan");
        "leon", "handover": Refusal::HasNoKey(id("dan")) => Again("no entry before it enrols a laptop of dan");
        "leon", "handover": Refusal::HasNoKey(id("mia")) => Wrong;
    }
}

/// What was open, and what a drill was.
fn incidents() -> Vec<Row> {
    rows! {
        "mia", "request": Refusal::NoOpenIncident => Wrong;
        "mia", "note": Refusal::UnknownIncident(inc(99)) => Again("no entry before it opens INC-99");
        "mia", "note": Refusal::UnknownIncident(inc(1)) => Wrong;
        "mia", "note": Refusal::IncidentClosed(inc(2)) => Again("leon had closed INC-2");
        "mia", "note": Refusal::IncidentClosed(inc(1)) => Wrong;
        "mia", "note": Refusal::IncidentClosed(inc(77)) => NotHeld("passed over");
        "mia", "request": unconfirmed(3) => Again("is a note by somebody who may open incidents");
        "mia", "request": unconfirmed(1) => Wrong;
        "mia", "hold-incident": Refusal::NothingToHold(inc(1)) => Again("mia opened INC-1");
        "mia", "hold-incident": Refusal::NothingToHold(inc(3)) => Wrong;
        "mia", "request": drill_right(4, "read-secrets") => Again("does not list `read-secrets`");
        "mia", "request": drill_right(4, "restart") => Wrong;
        "mia", "request": drill_right(1, "read-secrets") => Wrong;
        "leon", "record-drill": record("INC-4 was walked by mia") => Again("mia opened INC-4");
        "mia", "record-drill": record("INC-4 was walked by mia") => Wrong;
        "mia", "record-drill": record("INC-4 is still open") => Again("nobody had closed it");
        "mia", "record-drill": record("INC-2 is still open") => Wrong;
        "mia", "record-drill": record("how INC-4 went is on record already") => Wrong;
        "mia", "record-drill": record("INC-1 is no drill, or too many others came after it") => Again("as no drill");
        "mia", "record-drill": record("INC-4 is no drill, or too many others came after it") => Wrong;
        "mia", "record-drill": record("it was not good, and nothing failed") => NotHeld("what was said of the drill");
        "mia", "answer-review": Refusal::IncidentOpen(inc(1)) => Again("nobody had closed it");
        "mia", "answer-review": Refusal::IncidentOpen(inc(2)) => Wrong;
    }
}

/// Whose a grant was, and how it stood.
fn grants() -> Vec<Row> {
    rows! {
        "mia", "drop": Refusal::UnknownGrant(g(99)) => Again("no entry before it asks for G-99");
        "mia", "drop": Refusal::UnknownGrant(g(1)) => Wrong;
        "mia", "veto": Refusal::OwnVeto(g(3)) => Again("G-3 is mia's own");
        "leon", "veto": Refusal::OwnVeto(g(3)) => Wrong;
        "leon", "drop": yours(2, "mia") => Again("G-2 is of mia");
        "mia", "drop": yours(2, "mia") => Wrong;
        "leon", "extend": holder_extends(2) => Again("it began without a yes");
        "leon", "extend": holder_extends(9) => Wrong;
        "eve", "approve": not_approver("eve", 1) => Again("(entry ");
        "leon", "approve": not_approver("leon", 1) => Wrong;
        "mia", "extend": needs_approver(9) => Again("began on the word of others");
        "mia", "extend": needs_approver(2) => Wrong;
        "mia", "issue-credential": Refusal::GrantWaiting(g(1)) => Again("no entry before the refusal began");
        "mia", "issue-credential": Refusal::GrantWaiting(g(2)) => Wrong;
        "leon", "approve": Refusal::GrantActive(g(2)) => Again("it had begun in entry");
        "leon", "approve": Refusal::GrantActive(g(1)) => Wrong;
        "leon", "revoke": over(6, Ending::Vetoed) => Again("leon vetoed it: no");
        "mia", "drop": Refusal::GrantEnded { grant: g(6), ended: None, } => Again("leon vetoed it: no");
        "leon", "revoke": over(6, Ending::Revoked) => Wrong;
        "leon", "revoke": ended(6, (Ending::Vetoed, at("09:00:00"))) => Wrong;
        "leon", "revoke": over(1, Ending::Lapsed) => Wrong;
        "leon", "revoke": over(99, Ending::Lapsed) => Wrong;
        "mia", "handover": Refusal::OwnHandover(g(2)) => Again("G-2 is mia's own");
        "leon", "handover": Refusal::OwnHandover(g(2)) => Wrong;
        "mia", "handover": holds_already("leon", 8) => Again("G-8 was leon's");
        "mia", "handover": holds_already("leon", 6) => Wrong;
    }
}

/// Whom a request asks.
fn asking(now: Time) -> Vec<Row> {
    rows! {
        "mia", "approve": call_instead("mia", 4) => Again("asks nobody");
        "mia", "approve": call_instead("mia", 1) => Wrong;
        "eve", "approve": too_early("eve", 7) => Again("only if nobody answers");
        "leon", "approve": too_early("leon", 7) => Wrong;
        "mia", "approve": Refusal::SelfApproval(g(1)) => Again("G-1 is mia's own");
        "leon", "approve": Refusal::SelfApproval(g(1)) => Wrong;
        "leon", "record-call": not_caller("leon", 4) => Again("a call with mia");
        "mia", "record-call": not_caller("mia", 4) => Wrong;
        "leon", "record-call": Refusal::NoCallWanted(g(1)) => Again("asks for no call");
        "leon", "record-call": Refusal::NoCallWanted(g(4)) => Wrong;
        "mia", "record-call": Refusal::CallRecorded(g(4)) => Again("mia had recorded it");
        "mia", "record-call": Refusal::CallRecorded(g(5)) => Wrong;
        "mia", "record-call": call_time(now, -60) => Again("more than 30 minutes ago");
        "mia", "record-call": call_time(now, 60) => Again("yet to come");
        "mia", "record-call": call_time(now, -15) => Wrong;
        "mia", "record-call": call_time(now, -2) => NotHeld("clock of the statement");
        "mia", "approve": Refusal::ApprovedAlready(g(5)) => Again("mia had said yes");
        "mia", "approve": Refusal::ApprovedAlready(g(4)) => Wrong;
    }
}

/// What was begun alone, or vetoed.
fn alone() -> Vec<Row> {
    rows! {
        "leon", "self-grant": Refusal::SelfGrantDenied(g(4)) => Again("begun by nobody alone");
        "mia", "self-grant": Refusal::SelfGrantDenied(g(1)) => Wrong;
        "mia", "self-grant": Refusal::Vetoed(g(7)) => Again("leon had vetoed mia's G-6");
        "mia", "self-grant": Refusal::Vetoed(g(1)) => Wrong;
        "mia", "self-grant": alone_already(1, 3) => Again("mia had begun G-3 alone");
        "mia", "self-grant": alone_already(1, 2) => Wrong;
        "leon", "handover": vetoed_receiver("mia", 6) => Again("leon had vetoed mia's G-6");
        "leon", "handover": vetoed_receiver("eve", 6) => Wrong;
        "leon", "self-grant": Refusal::HandedOver(g(8)) => Again("mia had handed G-2 over");
        "leon", "self-grant": Refusal::HandedOver(g(1)) => Wrong;
        "mia", "self-grant": self_too_early(1) => Again("begun alone from");
        "mia", "self-grant": self_too_early(4) => Wrong;
        "leon", "veto": nothing_to_veto(2) => Again("it began as `fast-path`");
        "leon", "veto": nothing_to_veto(4) => Again("begun by nobody alone");
        "leon", "veto": nothing_to_veto(3) => Wrong;
        "leon", "veto": nothing_to_veto(1) => Wrong;
    }
}

/// What was signed, and how long it may last.
fn changed_since() -> Vec<Row> {
    rows! {
        "mia", "request": too_long(20, 15) => Again("`restart`");
        "mia", "request": too_long(20, 17) => Wrong;
        "mia", "request": too_long(15, 15) => Wrong;
        "mia", "extend": too_long(20, 10) => NotHeld("which grant was to have more time");
        "mia", "extend": handed_over(8, "02:05:00") => Again("it counts from");
        "mia", "extend": handed_over(8, "02:06:00") => Wrong;
        "mia", "extend": closing(1) => Wrong;
        "mia", "extend": closing(3) => Again("the alert is over");
        "mia", "request": changed("the policy says `restart the shop`") => Again("told by the broker");
        "mia", "request": changed("the policy says `restart it`") => Wrong;
        "leon", "approve": changed("G-1 is under INC-1") => Again("told by the broker");
        "leon", "approve": changed("G-1 is under INC-2") => Wrong;
        "leon", "approve": changed("G-1 was asked for by eve") => Wrong;
        "leon", "approve": changed("G-1 is for the right drop-db") => Again("told by the broker");
        "leon", "approve": changed("G-1 is to `drop the database`") => Again("told by the broker");
        "leon", "approve": changed("the end that you agreed to, 2026-11-23T02:00:00Z, has passed")
            => NotHeld("the end that was signed");
        "leon", "approve": changed("G-1 was asked for without a call, and the rule database now asks for one")
            => Wrong;
        "mia", "extend": changed("G-2 began without a yes, and the rule alone now asks for one") => Wrong;
        "leon", "approve": policy_changed(9) => Again("does not say of `read-secrets`");
        "leon", "approve": policy_changed(1) => Wrong;
    }
}

/// What was counted, and what was owed.
fn counted() -> Vec<Row> {
    rows! {
        "mia", "answer-review": nothing_to_review(2, 11) => Again("leon had answered for G-11");
        "mia", "answer-review": nothing_to_review(2, 9) => Again("G-9 began under INC-1");
        "mia", "answer-review": nothing_to_review(2, 1) => Again("no entry before it begins G-1");
        "mia", "answer-review": nothing_to_review(2, 10) => NotHeld("nobody has answered");
        "mia", "open-incident": opened_too_many("mia", 10) => Wrong;
        "mia", "open-incident": opened_too_many("mia", 1) => Again("mia opened within an hour");
        "mia", "note": often("notes of one person") => Wrong;
        "mia", "report-use": often("reported uses of one grant") => NotHeld("in the broker's memory");
        "mia", "open-incident": many("open incidents", 50) => Wrong;
        "mia", "open-incident": many("open incidents", 2) => Again("open incidents: 2");
        "mia", "open-drill": many("open drills", 1) => Again("open drills: 1");
        "mia", "request": live(5) => Again("at most 5 may be");
        "mia", "request": live(256) => Wrong;
        "mia", "handover": live(256) => NotHeld("to whom it was to be handed over");
    }
}

/// What the ledger does not hold.
fn unheld() -> Vec<Row> {
    rows! {
        "mia", "request": Refusal::StatementMissing => NotHeld("the statement that was refused");
        "mia", "request": Refusal::SeenUnsigned(4) => NotHeld("the statement that was refused");
        "mia", "request": Refusal::StatementReplayed => NotHeld("nonce");
        "mia", "request": stale() => NotHeld("what the broker's clock said");
        "mia", "open-incident": Refusal::TitleOfDrill => NotHeld("what was sent");
        "mia", "enroll": Refusal::TokenUnknown => NotHeld("enrolment token");
        "mia", "enroll": Refusal::TokenExpired(at("02:00:00")) => NotHeld("enrolment token");
        "mia", "enroll": Refusal::TokenWithdrawn("it was".into()) => NotHeld("enrolment token");
        "mia", "enroll": Refusal::KeyEnrolled => NotHeld("the key that was presented");
        "mia", "request": clock_behind() => NotHeld("the broker's clock");
        "mia", "request": Refusal::LedgerForked { seen: 4 } => NotHeld("the head that was seen");
        "mia", "request": Refusal::LedgerBehind { seen: 400, size: 9 } => NotHeld("the head that was seen");
    }
}
