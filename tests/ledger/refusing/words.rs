//! What people were told, in few words.

use breakglass_domain::budget::Budget;
use breakglass_domain::{
    CredentialKind, Ending, GrantId, IncidentId, Lifetime, PersonId, Refusal, Time,
};

pub(super) fn g(number: u64) -> GrantId {
    GrantId(number)
}

pub(super) fn inc(number: u64) -> IncidentId {
    IncidentId(number)
}

pub(super) fn id(person: &str) -> PersonId {
    person.parse().unwrap()
}

/// In the night of the table.
pub(super) fn at(time: &str) -> Time {
    let time: jiff::Timestamp = format!("2026-11-23T{time}Z").parse().unwrap();
    Time::from_millis(time.as_millisecond())
}

pub(super) fn mins(minutes: u32) -> Lifetime {
    Lifetime::from_secs(minutes * 60)
}

pub(super) fn not_allowed(person: &str, sentence: &str) -> Refusal {
    Refusal::NotAllowed {
        person: id(person),
        right: "restart".parse().unwrap(),
        sentence: sentence.into(),
    }
}

pub(super) fn nobody_to_call(person: &str, rule: &str) -> Refusal {
    Refusal::NobodyToCall {
        person: id(person),
        rule: rule.parse().unwrap(),
    }
}

pub(super) fn not_to_receive(person: &str, grant: u64) -> Refusal {
    Refusal::NotAllowedToReceive {
        person: id(person),
        grant: g(grant),
        sentence: "restart the shop".into(),
        others: "leon".into(),
    }
}

pub(super) fn not_there(grant: u64, target: &str) -> Refusal {
    Refusal::NotThere {
        grant: g(grant),
        target: target.parse().unwrap(),
    }
}

pub(super) fn not_permitted(person: &str, duty: &'static str) -> Refusal {
    Refusal::NotPermitted {
        person: id(person),
        duty,
    }
}

pub(super) fn yours(grant: u64, holder: &str) -> Refusal {
    Refusal::NotYours {
        grant: g(grant),
        holder: id(holder),
    }
}

pub(super) fn holder_extends(grant: u64) -> Refusal {
    Refusal::HolderExtends {
        grant: g(grant),
        holder: id("mia"),
        more: mins(5),
    }
}

pub(super) fn over(grant: u64, ending: Ending) -> Refusal {
    ended(grant, (ending, at("02:20:00")))
}

pub(super) fn ended(grant: u64, ended: (Ending, Time)) -> Refusal {
    Refusal::EndedAlready {
        grant: g(grant),
        ended: Some(ended),
    }
}

pub(super) fn not_approver(person: &str, grant: u64) -> Refusal {
    Refusal::NotApprover {
        person: id(person),
        grant: g(grant),
        approvers: "leon".into(),
    }
}

pub(super) fn call_instead(person: &str, grant: u64) -> Refusal {
    Refusal::CallInstead {
        person: id(person),
        grant: g(grant),
        requester: id("leon"),
        callers: "mia".into(),
    }
}

pub(super) fn needs_approver(grant: u64) -> Refusal {
    Refusal::NeedsApprover {
        grant: g(grant),
        approvers: "leon".into(),
        more: mins(5),
    }
}

pub(super) fn too_early(person: &str, grant: u64) -> Refusal {
    Refusal::ApprovalTooEarly {
        person: id(person),
        grant: g(grant),
        approvers: "leon".into(),
        from: at("10:00:00"),
    }
}

pub(super) fn not_caller(person: &str, grant: u64) -> Refusal {
    Refusal::NotCaller {
        person: id(person),
        grant: g(grant),
        callers: "mia".into(),
    }
}

pub(super) fn call_time(now: Time, minutes: i64) -> Refusal {
    let spoke_at = Time::from_millis(now.as_millis() + minutes * 60_000);
    Refusal::CallTime { spoke_at }
}

pub(super) fn self_too_early(grant: u64) -> Refusal {
    Refusal::SelfGrantTooEarly {
        grant: g(grant),
        from: at("10:00:00"),
    }
}

pub(super) fn alone_already(grant: u64, runs: u64) -> Refusal {
    Refusal::AloneAlready {
        grant: g(grant),
        runs: g(runs),
    }
}

pub(super) fn vetoed_receiver(person: &str, grant: u64) -> Refusal {
    Refusal::VetoedReceiver {
        person: id(person),
        grant: g(grant),
    }
}

pub(super) fn nothing_to_veto(grant: u64) -> Refusal {
    Refusal::NothingToVeto {
        grant: g(grant),
        person: id("leon"),
        revokers: "leon".into(),
    }
}

pub(super) fn holds_already(person: &str, grant: u64) -> Refusal {
    Refusal::HoldsAlready {
        person: id(person),
        grant: g(grant),
    }
}

pub(super) fn too_long(asked: u32, longest: u32) -> Refusal {
    Refusal::TooLong {
        asked: mins(asked),
        longest: mins(longest),
    }
}

pub(super) fn handed_over(grant: u64, since: &str) -> Refusal {
    Refusal::TooLongHandedOver {
        grant: g(grant),
        asked: mins(20),
        longest: mins(5),
        since: at(since),
    }
}

pub(super) fn closing(incident: u64) -> Refusal {
    Refusal::Closing {
        incident: inc(incident),
        closes_at: at("10:00:00"),
    }
}

pub(super) fn changed(what: &str) -> Refusal {
    Refusal::SentenceChanged(what.to_owned())
}

pub(super) fn policy_changed(grant: u64) -> Refusal {
    Refusal::PolicyChanged {
        grant: g(grant),
        holder: id("mia"),
        right: "drop-db".parse().unwrap(),
        differs: "the rule was database, and is secrets".into(),
    }
}

pub(super) fn unconfirmed(incident: u64) -> Refusal {
    Refusal::Unconfirmed {
        incident: inc(incident),
        alert_source: "pager".parse().unwrap(),
        sentence: "drop the database".into(),
    }
}

pub(super) fn unknown_severity(words: &str) -> Refusal {
    Refusal::UnknownSeverity {
        alert_source: "pager".parse().unwrap(),
        words: words.into(),
    }
}

pub(super) fn drill_right(incident: u64, right: &str) -> Refusal {
    Refusal::DrillRight {
        incident: inc(incident),
        right: right.parse().unwrap(),
    }
}

pub(super) fn record(what: &str) -> Refusal {
    Refusal::DrillRecord(what.to_owned())
}

pub(super) fn no_such(right: &str, kind: CredentialKind) -> Refusal {
    Refusal::NoSuchCredential {
        right: right.parse().unwrap(),
        kind,
    }
}

pub(super) fn not_witnessed() -> Refusal {
    Refusal::NotWitnessed {
        right: "restart".parse().unwrap(),
    }
}

pub(super) fn debt(incident: u64, closed_at: Time, grants: usize) -> Refusal {
    Refusal::ReviewDebt {
        incident: inc(incident),
        closed_at,
        grants,
    }
}

pub(super) fn nothing_to_review(incident: u64, grant: u64) -> Refusal {
    Refusal::NothingToReview {
        incident: inc(incident),
        grant: g(grant),
    }
}

pub(super) fn opened_too_many(person: &str, limit: usize) -> Refusal {
    Refusal::OpenedTooMany {
        person: id(person),
        limit,
        again_at: at("10:00:00"),
    }
}

pub(super) fn often(what: &'static str) -> Refusal {
    let within = Lifetime::from_secs(3_600);
    let budget = Budget {
        what,
        most: 120,
        within,
    };
    let again_at = at("10:00:00");
    Refusal::TooOften { budget, again_at }
}

pub(super) fn many(what: &'static str, limit: usize) -> Refusal {
    Refusal::TooMany { what, limit }
}

pub(super) fn live(limit: usize) -> Refusal {
    many("waiting and active grants of one person", limit)
}

pub(super) fn stale() -> Refusal {
    Refusal::StatementStale {
        signed_at: at("01:00:00"),
        now: at("02:00:00"),
    }
}

pub(super) fn clock_behind() -> Refusal {
    Refusal::ClockBehind {
        now: at("01:00:00"),
        newest: at("02:00:00"),
    }
}
