//! Every command that a refusal proposes is a command of `glass`.

use breakglass_broker::api::error::Error as ApiError;
use breakglass_broker::app::Error as AppError;
use breakglass_broker::ports::{DatabaseError, IndexError, IssueError, LedgerError};
use breakglass_client::cli::Cli;
use breakglass_domain::{Ending, Lifetime, Refusal, Time};
use clap::{CommandFactory as _, Parser as _};

/// One of each.
fn refusals() -> Vec<Refusal> {
    let person = || "mia".parse().unwrap();
    let (grant, incident) = ("G-45".parse().unwrap(), "INC-12".parse().unwrap());
    let right = || "deploy-shop".parse().unwrap();
    let (now, time) = (Time::from_millis(0), Lifetime::from_secs(600));
    let approvers = || "leon, founder".to_owned();
    vec![
        Refusal::NoOpenIncident,
        Refusal::UnknownIncident(incident),
        Refusal::IncidentClosed(incident),
        Refusal::UnknownRight(right()),
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
            right: right(),
            kind: breakglass_domain::CredentialKind::Ssh,
        },
        Refusal::NotAllowed {
            person: person(),
            right: right(),
            sentence: "deploy".into(),
        },
        Refusal::NotPermitted {
            person: person(),
            duty: "close incidents",
        },
        Refusal::NotYours {
            grant,
            holder: person(),
        },
        Refusal::NotApprover {
            person: person(),
            grant,
            approvers: approvers(),
        },
        Refusal::ApprovalTooEarly {
            person: person(),
            grant,
            approvers: approvers(),
            from: now,
        },
        Refusal::SelfApproval(grant),
        Refusal::GrantWaiting(grant),
        Refusal::GrantActive(grant),
        Refusal::GrantEnded {
            grant,
            ended: Some((Ending::Expired, now)),
        },
        Refusal::EndedAlready { grant, ended: None },
        Refusal::TooLong {
            asked: time,
            longest: time,
        },
        Refusal::TooLong {
            asked: time,
            longest: Lifetime::ZERO,
        },
        Refusal::TooShort {
            asked: time,
            shortest: time,
        },
        Refusal::NeedsApprover {
            grant,
            approvers: approvers(),
            more: time,
        },
        Refusal::HolderExtends {
            grant,
            holder: person(),
            more: time,
        },
        Refusal::SentenceChanged("it is other".into()),
        Refusal::Closing {
            incident: breakglass_domain::IncidentId(8),
            closes_at: now,
        },
        Refusal::PolicyChanged {
            grant,
            holder: person(),
            right: "deploy-shop".parse().unwrap(),
            differs: "it was to `a`, and is to `b`".into(),
        },
        Refusal::SelfGrantDenied(grant),
        Refusal::SelfGrantTooEarly { grant, from: now },
        Refusal::PersonFrozen(person()),
        Refusal::FrozenAlready(person()),
        Refusal::NotFrozen(person()),
        Refusal::OwnFreeze,
        Refusal::NotEnrolled(person()),
        Refusal::TokenUnknown,
        Refusal::TokenExpired(now),
        Refusal::TokenWithdrawn("founder, who made it, was removed since".into()),
        Refusal::KeyEnrolled,
        Refusal::StatementMissing,
        Refusal::StatementStale {
            signed_at: now,
            now,
        },
        Refusal::StatementReplayed,
        Refusal::TooMany {
            what: "live grants",
            limit: 3,
        },
        Refusal::ClockBehind { now, newest: now },
        Refusal::CallInstead {
            person: person(),
            grant,
            requester: person(),
            callers: approvers(),
        },
        Refusal::NotCaller {
            person: person(),
            grant,
            callers: approvers(),
        },
        Refusal::NoCallWanted(grant),
        Refusal::CallRecorded(grant),
        Refusal::CallTime { spoke_at: now },
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
            again_at: now,
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
            since: now,
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
            closed_at: now,
            grants: 2,
        },
        Refusal::IncidentOpen(incident),
        Refusal::NothingToReview { incident, grant },
        Refusal::NoDrills,
        Refusal::DrillRight {
            incident,
            right: right(),
        },
        Refusal::DrillRecord("it is still open".into()),
        Refusal::LedgerBehind { seen: 9, size: 8 },
        Refusal::LedgerForked { seen: 9 },
        Refusal::SeenUnsigned(9),
    ]
}

fn errors() -> Vec<ApiError> {
    let app = |error: AppError| ApiError::App(error);
    let mut all: Vec<_> = refusals().into_iter().map(|why| app(why.into())).collect();
    all.extend([
        app(LedgerError::Unavailable(String::new()).into()),
        app(LedgerError::Full(String::new()).into()),
        app(LedgerError::Damaged(String::new()).into()),
        app(LedgerError::OutOfRange(String::new()).into()),
        app(IndexError(String::new()).into()),
        app(IssueError::WrongReceipt.into()),
        app(AppError::NoSuchEntry { index: 9, size: 3 }),
        app(AppError::NoSuchRange { from: 3, to: 1 }),
        app(AppError::Broken("")),
        app(AppError::Database(DatabaseError::Unknown(String::new()))),
        app(AppError::ShuttingDown),
        ApiError::NoCertificate,
        ApiError::Certificate("it has expired"),
        ApiError::Statement(String::new()),
        ApiError::Signature,
        ApiError::WrongBroker {
            ours: String::new(),
        },
        ApiError::Text {
            field: "reason",
            why: String::new(),
        },
        ApiError::Argument {
            field: "kind",
            why: String::new(),
        },
        ApiError::TooLarge { limit: 3 },
        ApiError::Unreadable,
        ApiError::TooMany {
            what: "calls",
            limit: String::new(),
        },
        ApiError::Busy,
        ApiError::Slow { seconds: 3 },
        ApiError::Panicked,
        ApiError::ShuttingDown,
    ]);
    all
}

/// The commands in a hint: from each `glass` to the end of the words that belong to it.
fn commands(hint: &str) -> Vec<Vec<String>> {
    let starts = hint.match_indices("glass ").map(|(at, _)| at);
    let starts = starts.filter(|at| *at == 0 || !hint.as_bytes()[at - 1].is_ascii_alphanumeric());
    starts.map(|at| words(&hint[at..])).collect()
}

/// Shell words up to a sign that ends a command in a sentence.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            ',' | ';' | '`' | '.' if !quoted => break,
            _ => word.push(c),
        }
        // A command that another sentence goes on after: "glass --version and glass status".
        if !quoted && text[at..].starts_with(" and ") {
            break;
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Words that stand for something in prose after a command: they end it.
fn without_prose(words: &[String]) -> Option<Vec<String>> {
    let known = Cli::command();
    let first = words.get(1)?;
    let is_command = known.get_subcommands().any(|sub| sub.get_name() == first);
    (is_command || first.starts_with('-')).then(|| {
        let prose = ["with", "line", "the", "to", "then"];
        words
            .iter()
            .take_while(|word| !prose.contains(&word.as_str()))
            .cloned()
            .collect()
    })
}

fn is_understood(hint: &str) -> Result<(), String> {
    for found in commands(hint) {
        let Some(words) = without_prose(&found) else {
            return Err(format!("`{}` is no command of glass", found.join(" ")));
        };
        // `glass enroll` is proposed together with the line of an invitation.
        let words = match words.as_slice() {
            [_, enroll] if enroll == "enroll" => continue,
            _ => words,
        };
        if let Err(why) = Cli::try_parse_from(&words) {
            use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
            if ![DisplayHelp, DisplayVersion].contains(&why.kind()) {
                let why = why.to_string();
                let why = why.lines().next().unwrap_or_default().to_owned();
                return Err(format!("`{}`: {why}", words.join(" ")));
            }
        }
    }
    Ok(())
}

#[test]
fn every_next_command_of_the_client_is_one_of_glass() {
    use breakglass_client::error::{Error, Refusal as Refused};
    let reasons = errors().into_iter().map(|error| error.reason());
    let mut wrong = Vec::new();
    for reason in reasons {
        let (reason, message) = (reason.to_owned(), String::new());
        let error = Error::Refused(Box::new(Refused {
            reason,
            message,
            next: None,
        }));
        let Some(next) = error.next() else { continue };
        if let Err(why) = is_understood(&next) {
            wrong.push(format!("{}: {next:?}: {why}", error.reason()));
        }
    }
    assert!(
        wrong.is_empty(),
        "hints that glass does not understand:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_reason_is_missing_here() {
    // The list of the contract; the documentation's is compared with it in tests/docs.rs.
    let known: std::collections::BTreeSet<_> =
        errors().into_iter().map(|error| error.reason()).collect();
    let listed: std::collections::BTreeSet<_> = breakglass_tests::REASONS.into_iter().collect();
    assert_eq!(known, listed);
}

#[test]
fn hints_are_read_as_people_read_them() {
    assert_eq!(
        commands("ask again: glass request RIGHT")[0],
        ["glass", "request", "RIGHT"]
    );
    let two = commands("compare the versions: glass --version and glass status");
    assert_eq!(two, [vec!["glass", "--version"], vec!["glass", "status"]]);
    let quoted = commands("glass freeze mia --lift -m \"why, oh why\"");
    assert_eq!(quoted[0].last().unwrap(), "why, oh why");
    assert!(commands("glassd check").is_empty());
    assert!(is_understood("glass incident explode").is_err());
    assert!(is_understood("glass dance").is_err());
}
