use breakglass_domain::{Ending, GrantId, IncidentId, Lifetime, PersonId, Time};
use tonic_types::StatusExt as _;

use super::*;
use crate::ports::{DatabaseError, IndexError, IssueError, LedgerError};

/// What must never leave the broker.
const SECRET: &str = "/dev/sda1 at 10.0.0.7";

fn person() -> PersonId {
    "mia".parse().unwrap()
}

/// One of each; a new variant that is missing here fails `every_reason_is_tried`.
fn refusals() -> Vec<Refusal> {
    let (grant, incident, at) = (GrantId(45), IncidentId(12), Time::from_millis(0));
    let (five, ten) = (Lifetime::from_secs(300), Lifetime::from_secs(600));
    let right: breakglass_domain::RightId = "deploy-shop".parse().unwrap();
    let approvers = "fay, leon".to_owned();
    vec![
        Refusal::NoOpenIncident,
        Refusal::UnknownIncident(incident),
        Refusal::IncidentClosed(incident),
        Refusal::UnknownRight(right.clone()),
        Refusal::UnknownPerson(person()),
        Refusal::UnknownGrant(grant),
        Refusal::UnknownTarget("web-1".parse().unwrap()),
        Refusal::UnknownSession(breakglass_domain::SessionId(7)),
        Refusal::NoSuchLogin("web-1".parse().unwrap()),
        Refusal::NotThere {
            grant,
            target: "web-1".parse().unwrap(),
        },
        Refusal::NoSuchCredential {
            right: "deploy-shop".parse().unwrap(),
            kind: breakglass_domain::CredentialKind::Ssh,
        },
        Refusal::NotAllowed {
            person: person(),
            right,
            sentence: "deploy".to_owned(),
        },
        Refusal::NotPermitted {
            person: person(),
            duty: "open incidents",
        },
        Refusal::NotYours {
            grant,
            holder: person(),
        },
        Refusal::NotApprover {
            person: person(),
            grant,
            approvers: approvers.clone(),
        },
        Refusal::CallInstead {
            person: person(),
            grant,
            requester: person(),
            callers: approvers.clone(),
        },
        Refusal::NotCaller {
            person: person(),
            grant,
            callers: approvers.clone(),
        },
        Refusal::NoCallWanted(grant),
        Refusal::ApprovalTooEarly {
            person: person(),
            grant,
            approvers: approvers.clone(),
            from: at,
        },
        Refusal::CallRecorded(grant),
        Refusal::CallTime { spoke_at: at },
        Refusal::NobodyToCall {
            person: person(),
            rule: "founder".parse().unwrap(),
        },
        Refusal::ApprovedAlready(grant),
        Refusal::Vetoed(grant),
        Refusal::AloneAlready { grant, runs: grant },
        Refusal::NothingToVeto {
            grant,
            person: person(),
            revokers: "founder, leon".into(),
        },
        Refusal::OpenedTooMany {
            person: person(),
            limit: 10,
            again_at: at,
        },
        Refusal::TitleOfDrill,
        Refusal::NotAllowedToReceive {
            person: person(),
            grant,
            sentence: "deploy the shop app".into(),
            others: "leon".into(),
        },
        Refusal::TooLongHandedOver {
            grant,
            asked: Lifetime::from_secs(1_500),
            longest: Lifetime::from_secs(900),
            since: at,
        },
        Refusal::OwnVeto(grant),
        Refusal::OwnHandover(grant),
        Refusal::HoldsAlready {
            person: person(),
            grant,
        },
        Refusal::HasNoKey(person()),
        Refusal::VetoedReceiver {
            person: person(),
            grant,
        },
        Refusal::HandedOver(grant),
        Refusal::SelfApproval(grant),
        Refusal::GrantWaiting(grant),
        Refusal::GrantActive(grant),
        Refusal::GrantEnded {
            grant,
            ended: Some((Ending::Revoked, at)),
        },
        Refusal::GrantEnded { grant, ended: None },
        Refusal::EndedAlready { grant, ended: None },
        Refusal::TooLong {
            asked: ten,
            longest: five,
        },
        Refusal::TooShort {
            asked: five,
            shortest: ten,
        },
        Refusal::NeedsApprover {
            grant,
            approvers,
            more: ten,
        },
        Refusal::HolderExtends {
            grant,
            holder: person(),
            more: ten,
        },
        Refusal::SentenceChanged("the policy says otherwise".to_owned()),
        Refusal::Closing {
            incident: breakglass_domain::IncidentId(8),
            closes_at: at,
        },
        Refusal::PolicyChanged {
            grant,
            holder: person(),
            right: "deploy-shop".parse().unwrap(),
            differs: "it was to `a`, and is to `b`".into(),
        },
        Refusal::SelfGrantDenied(grant),
        Refusal::SelfGrantTooEarly { grant, from: at },
        Refusal::PersonFrozen(person()),
        Refusal::FrozenAlready(person()),
        Refusal::NotFrozen(person()),
        Refusal::OwnFreeze,
        Refusal::NotEnrolled(person()),
        Refusal::TokenUnknown,
        Refusal::TokenExpired(at),
        Refusal::TokenWithdrawn("founder, who made it, was removed since".into()),
        Refusal::KeyEnrolled,
        Refusal::StatementMissing,
        Refusal::StatementStale {
            signed_at: at,
            now: at,
        },
        Refusal::StatementReplayed,
        Refusal::TooOften {
            budget: breakglass_domain::limits::NOTES,
            again_at: at,
        },
        Refusal::TooMany {
            what: "live grants",
            limit: 256,
        },
        Refusal::ClockBehind {
            now: at,
            newest: at,
        },
        Refusal::UnknownSource("pager".parse().unwrap()),
        Refusal::UnknownSeverity {
            alert_source: "pager".parse().unwrap(),
            words: "`page`".into(),
        },
        Refusal::Unconfirmed {
            incident,
            alert_source: "pager".parse().unwrap(),
            sentence: "change the shop database".into(),
        },
        Refusal::NothingToHold(incident),
        Refusal::NotWitnessed {
            right: "deploy-shop".parse().unwrap(),
        },
        Refusal::ReviewDebt {
            incident,
            closed_at: at,
            grants: 1,
        },
        Refusal::IncidentOpen(incident),
        Refusal::NothingToReview { incident, grant },
        Refusal::NoDrills,
        Refusal::DrillRight {
            incident,
            right: "read-secrets".parse().expect("an id"),
        },
        Refusal::DrillRecord("it is still open".into()),
        Refusal::LedgerBehind { seen: 9, size: 8 },
        Refusal::LedgerForked { seen: 9 },
        Refusal::SeenUnsigned(9),
    ]
}

fn of_app() -> Vec<app::Error> {
    use app::Error as E;
    let secret = || SECRET.to_owned();
    let refused = refusals().into_iter().map(E::Refused);
    let others = [
        E::Ledger(LedgerError::Unavailable(secret())),
        E::Ledger(LedgerError::Full(secret())),
        E::Ledger(LedgerError::Damaged(secret())),
        E::Ledger(LedgerError::OutOfRange(secret())),
        E::Index(IndexError(secret())),
        E::Issue(IssueError::WrongReceipt),
        E::Issue(IssueError::Signing(secret())),
        E::NoSuchEntry { index: 9, size: 4 },
        E::NoSuchSize { asked: 9, size: 4 },
        E::NoSuchRange { from: 9, to: 4 },
        E::Broken(SECRET),
        E::Database(DatabaseError::Unreachable {
            target: "shop-db".parse().unwrap(),
            why: "it does not answer".into(),
        }),
        E::ShuttingDown,
    ];
    refused.chain(others).collect()
}

fn all() -> Vec<Error> {
    let why = || "it is empty".to_owned();
    let of_the_edge = [
        Error::NoCertificate,
        Error::Certificate("it has expired"),
        Error::Statement(why()),
        Error::Signature,
        Error::WrongBroker {
            ours: "glass.example/ledger".to_owned(),
        },
        Error::Text {
            field: "reason",
            why: why(),
        },
        Error::Argument {
            field: "grant",
            why: why(),
        },
        Error::TooLarge { limit: 65_536 },
        Error::Unreadable,
        Error::TooMany {
            what: "calls",
            limit: "at most 200 a second".to_owned(),
        },
        Error::Busy,
        Error::Late { seconds: 2 },
        Error::Slow { seconds: 15 },
        Error::Panicked,
        Error::ShuttingDown,
    ];
    of_app()
        .into_iter()
        .map(Error::App)
        .chain(of_the_edge)
        .collect()
}

/// The contract's list.
const REASONS: &str = "NO_OPEN_INCIDENT UNKNOWN_INCIDENT INCIDENT_CLOSED UNKNOWN_RIGHT \
    UNKNOWN_PERSON UNKNOWN_GRANT NOT_ALLOWED NOT_PERMITTED NOT_YOURS NOT_APPROVER SELF_APPROVAL \
    NOT_CALLER NO_CALL_WANTED CALL_RECORDED CALL_TIME APPROVED_ALREADY NOTHING_TO_VETO \
    NOTHING_TO_HAND_OVER \
    GRANT_WAITING GRANT_ACTIVE GRANT_ENDED TOO_LONG_A_TIME SENTENCE_CHANGED SELF_GRANT_DENIED \
    SELF_GRANT_TOO_EARLY PERSON_FROZEN NOT_FROZEN NOT_ENROLLED TOKEN_UNKNOWN TOKEN_EXPIRED \
    TOKEN_WITHDRAWN TOKEN_USED STATEMENT_INVALID STATEMENT_STALE STATEMENT_REPLAYED SIGNATURE_INVALID WRONG_BROKER \
    INVALID_TEXT TOO_MANY CLOCK_BEHIND LEDGER_UNAVAILABLE LEDGER_FULL NO_CERTIFICATE \
    CERTIFICATE_INVALID INVALID_ARGUMENT NOT_FOUND INTERNAL SHUTTING_DOWN \
    INCIDENT_UNCONFIRMED NOTHING_TO_HOLD NOT_WITNESSED UNKNOWN_SOURCE UNKNOWN_SEVERITY \
    REVIEW_DEBT INCIDENT_OPEN NOTHING_TO_REVIEW APPROVAL_TOO_EARLY NO_DRILLS DRILL_RIGHT \
    DRILL_RECORD LEDGER_BEHIND LEDGER_FORKED UNKNOWN_TARGET UNKNOWN_SESSION NO_SUCH_CREDENTIAL \
    TARGET_UNAVAILABLE";

#[test]
fn every_variant_goes_out_and_comes_back() {
    for error in all() {
        let (reason, next, text) = (error.reason(), error.next(), error.to_string());
        let sent = Status::from(error).into_http::<()>();
        let came = Status::from_header_map(sent.headers()).unwrap();
        let info = came.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (reason, DOMAIN)
        );
        assert_eq!(
            (came.message(), info.metadata["next"].as_str()),
            (text.as_str(), &*next)
        );
        assert!(
            text.contains(' ') && next.contains(' '),
            "{reason}: {text:?}, {next:?}"
        );
        assert_ne!(came.code(), Code::Unknown);
    }
}

#[test]
fn what_is_for_the_operator_stays_inside() {
    for error in all() {
        let reason = error.reason();
        let status = Status::from(error);
        let details = String::from_utf8_lossy(status.details()).into_owned();
        assert!(
            !status.message().contains(SECRET) && !details.contains(SECRET),
            "{reason}"
        );
    }
}

#[test]
fn every_reason_of_the_contract_is_used_and_no_other() {
    let mut used: Vec<_> = all().iter().map(Error::reason).collect();
    used.sort_unstable();
    used.dedup();
    let mut contract: Vec<_> = REASONS.split_whitespace().collect();
    contract.sort_unstable();
    assert_eq!(used, contract);
}

#[test]
fn only_what_is_ours_to_mend_is_internal() {
    for error in all() {
        let is_internal = code(&error) == Code::Internal;
        assert_eq!(
            is_internal,
            error.reason() == "INTERNAL",
            "{}",
            error.reason()
        );
    }
}

#[test]
fn programs_find_the_ids() {
    let grant = GrantId(45);
    let ended = Some((Ending::Revoked, Time::from_millis(0)));
    let error = app::Error::Refused(Refusal::GrantEnded { grant, ended });
    let metadata = Status::from(error)
        .get_details_error_info()
        .unwrap()
        .metadata;
    let found = ["grant", "ending", "ended_at"].map(|name| metadata[name].as_str());
    assert_eq!(found, ["G-45", "revoked", "1970-01-01T00:00:00.000Z"]);
}
