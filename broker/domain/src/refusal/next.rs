//! The next command of each refusal.

use super::{Refusal, SECOND, moment, typed};
use crate::time::Lifetime;

impl Refusal {
    /// What to do now: a command where there is one.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::NoOpenIncident => "glass incident open \"what is broken\"".into(),
            Self::UnknownIncident(_) | Self::IncidentClosed(_) => {
                "glass incident list --all".into()
            }
            Self::UnknownRight(_) | Self::NotAllowed { .. } => "glass can".into(),
            Self::UnknownPerson(_) | Self::NotFrozen(_) | Self::FrozenAlready(_) => {
                "glass people list".into()
            }
            Self::UnknownGrant(_) => "glass grants".into(),
            Self::NotYours { grant, holder } => {
                format!("ask {holder}, or end it for them: glass revoke {grant} -m \"why\"")
            }
            Self::GrantWaiting(grant) => format!("wait for an approver: glass grants show {grant}"),
            Self::GrantActive(grant) | Self::EndedAlready { grant, .. } => {
                format!("glass grants show {grant}")
            }
            Self::GrantEnded { .. } => "ask again: glass request RIGHT -m \"why\"".into(),
            Self::NotPermitted { .. } => "glass policy show".into(),
            Self::NotApprover {
                grant, approvers, ..
            } if approvers == "nobody" => {
                format!("whoever asked takes it back, then asks again: glass drop {grant}")
            }
            Self::NotApprover { grant, .. } | Self::SelfApproval(grant) => {
                format!("ask an approver to run: glass approve {grant}")
            }
            Self::CallInstead {
                person,
                grant,
                requester,
                callers,
            } => match callers.split(", ").any(|caller| caller == person.as_str()) {
                true => format!("call {requester}, then: glass call {grant} {requester}"),
                false => format!("ask one of them to run: glass call {grant} {requester}"),
            },
            Self::ApprovalTooEarly { grant, from, .. } => format!(
                "call one of them, or after {}: glass approve {grant}",
                moment(*from)
            ),
            Self::NotCaller { grant, .. } => {
                format!("ask one of them to run: glass call {grant} PERSON")
            }
            Self::NoCallWanted(grant)
            | Self::CallRecorded(grant)
            | Self::ApprovedAlready(grant) => {
                format!("see what it waits for: glass grants show {grant}")
            }
            Self::CallTime { .. } => "call now, then say when: glass call GRANT PERSON".into(),
            Self::NobodyToCall { .. } => "glass policy show".into(),
            Self::TooLong { longest, .. } | Self::TooLongHandedOver { longest, .. }
                if *longest == Lifetime::ZERO =>
            {
                "when it is over, ask again: glass request RIGHT -m \"why\"".into()
            }
            Self::TooLong { longest, .. } | Self::TooLongHandedOver { longest, .. } => {
                format!("ask for less: --for {}", typed(*longest))
            }
            Self::Closing { incident, .. } => {
                format!("if it is not over: glass incident hold {incident} -m \"why\"")
            }
            Self::TooShort { shortest, .. } => format!("ask for more: --for {}", typed(*shortest)),
            Self::NeedsApprover { grant, more, .. } => {
                let more = typed(*more);
                format!("ask an approver to run: glass extend {grant} --for {more} -m \"why\"")
            }
            Self::HolderExtends {
                grant,
                holder,
                more,
            } => {
                let more = typed(*more);
                format!("ask {holder} to run: glass extend {grant} --for {more} -m \"why\"")
            }
            Self::PolicyChanged {
                grant,
                holder,
                right,
                ..
            } => format!(
                "{holder} runs glass drop {grant}, and asks again: glass request {right} -m \"why\""
            ),
            Self::SentenceChanged(_) => "look again: glass status".into(),
            Self::SelfGrantDenied(_) | Self::Vetoed(_) => {
                "call an approver: glass people list".into()
            }
            Self::AloneAlready { grant, runs } => {
                format!(
                    "use {runs}, or call an approver; or glass drop {runs}, and when approvers have had as long \
                     again after it: glass self-grant {grant}"
                )
            }
            Self::NothingToVeto {
                grant,
                person,
                revokers,
            } => match revokers.split(", ").any(|it| it == person.as_str()) {
                true => format!("to end it all the same: glass revoke {grant} -m \"why\""),
                false => {
                    format!("to end it all the same, ask {revokers}: glass revoke {grant} -m \"why\"")
                }
            },
            Self::NotAllowedToReceive { grant, others, .. } => match others.as_str() {
                "nobody" => format!("give it back when you cannot go on: glass drop {grant}"),
                _ => format!("name one of them: glass handover {grant} PERSON"),
            },
            Self::OwnVeto(grant) => format!("give it back: glass drop {grant}"),
            Self::OwnHandover(grant) => {
                format!("name somebody else: glass handover {grant} PERSON")
            }
            Self::HoldsAlready { grant, .. } => {
                format!("see how it stands: glass grants show {grant}")
            }
            Self::HasNoKey(person) => format!("glass people invite {person}"),
            Self::VetoedReceiver { .. } => "they run: glass request RIGHT -m \"why\"".into(),
            Self::HandedOver(grant) => format!("ask an approver to run: glass approve {grant}"),
            Self::SelfGrantTooEarly { grant, from } => {
                format!(
                    "call an approver, or after {}: glass self-grant {grant}",
                    moment(*from)
                )
            }
            Self::PersonFrozen(person) => {
                format!("ask somebody who may: glass freeze {person} --lift -m \"why\"")
            }
            Self::OwnFreeze => "ask somebody else to lift it".into(),
            Self::TokenUnknown => {
                "if you never used it, somebody else may have: look at once, glass people list. \
                 If you did: glass people invite PERSON"
                    .into()
            }
            Self::NotEnrolled(_) | Self::TokenExpired(_) | Self::TokenWithdrawn(_) => {
                "ask for a new invitation: glass people invite PERSON".into()
            }
            Self::KeyEnrolled => "glass whoami".into(),
            Self::LedgerBehind { .. } | Self::LedgerForked { .. } => {
                "tell whoever runs the broker, and everybody else: docs/operating/troubleshooting.md; if they \
                 say that it was restored from a copy: glass ledger accept"
                    .into()
            }
            Self::SeenUnsigned(_) => "see which ledger this laptop knows: glass doctor".into(),
            Self::StatementMissing | Self::StatementReplayed => "run the command again".into(),
            Self::StatementStale { .. } => "set this laptop's clock: glass doctor".into(),
            Self::UnknownTarget(_) => "glass targets list".into(),
            Self::UnknownSession(_) | Self::NoSuchLogin(_) => "glass status".into(),
            Self::NotThere { .. } | Self::NoSuchCredential { .. } => "glass can".into(),
            Self::OpenedTooMany { again_at, .. } => format!(
                "somebody else opens it; or wait until {}, then run the command again",
                moment(again_at.plus(SECOND))
            ),
            Self::TitleOfDrill => {
                "say what is broken: glass incident open \"what is broken\". To practise: glass drill \
                 access -- COMMAND"
                    .into()
            }
            Self::TooMany { what, .. } if what.starts_with("open incidents") => {
                "close what is over: glass incident list".into()
            }
            Self::TooMany { .. } => "end what is not needed: glass grants".into(),
            Self::TooOften { again_at, .. } => {
                format!(
                    "wait until {}, then run the command again",
                    moment(again_at.plus(SECOND))
                )
            }
            Self::ReviewDebt { incident, .. } => format!("glass review {incident}"),
            Self::IncidentOpen(incident) => {
                format!("glass incident close {incident} -m \"what was done\"")
            }
            Self::NothingToReview { incident, .. } => format!("glass review {incident}"),
            Self::ClockBehind { .. } => "set the clock of the broker's host, then ask again".into(),
            Self::UnknownSource(source) => {
                format!("add `[sources.{source}]` to the policy, and reload it")
            }
            Self::UnknownSeverity { alert_source, .. } => {
                format!("add the word to `severity` of `[sources.{alert_source}]`")
            }
            Self::Unconfirmed { incident, .. } => format!(
                "if it is real, somebody who may open incidents runs: glass incident note \
                 --incident {incident} \"what you see\""
            ),
            Self::NotWitnessed { .. } => {
                "see which of them does not answer: glass status; then run the command again".into()
            }
            Self::NothingToHold(_) => "glass incident list".into(),
            Self::NoDrills => {
                "add `[drills]` with `rights` to the policy, and reload it: docs/operating/drills.md"
                    .into()
            }
            Self::DrillRight { .. } => {
                "if something is broken, ask under a real incident: glass incident list".into()
            }
            Self::DrillRecord(_) => "walk another: glass drill access -- COMMAND".into(),
        }
    }
}
