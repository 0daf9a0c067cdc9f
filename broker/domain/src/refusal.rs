//! Why something did not happen: a reason a person can act on, never a code alone.

mod code;
mod next;

use std::fmt::Display;

use crate::budget::Budget;
use crate::credential::CredentialKind;
use crate::grant::Ending;
use crate::id::{GrantId, IncidentId, PersonId, RightId, RuleName, SessionId, SourceId, TargetId};
use crate::limits::CALL_WITHIN;
use crate::time::{Lifetime, Time};

/// One reason for one command.
///
/// The text says what happened and why; [`Refusal::next`] says what to do; [`Refusal::code`] is the
/// stable word for programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is open, so nothing can be asked for.
    #[error("no incident is open, and production access exists only while one is")]
    NoOpenIncident,
    /// There never was such an incident.
    #[error("there is no incident {0}")]
    UnknownIncident(IncidentId),
    /// It is over.
    #[error("{0} is closed")]
    IncidentClosed(IncidentId),
    /// The policy has no such right.
    #[error("the policy has no right `{0}`")]
    UnknownRight(RightId),
    /// The policy has no such person.
    #[error("the policy has nobody called `{0}`")]
    UnknownPerson(PersonId),
    /// There never was such a grant.
    #[error("there is no grant {0}")]
    UnknownGrant(GrantId),
    /// No rule gives the right.
    #[error("no rule lets {person} {sentence}")]
    NotAllowed {
        /// Who.
        person: PersonId,
        /// Which.
        right: RightId,
        /// In plain language.
        sentence: String,
    },
    /// The policy does not give the duty.
    #[error("the policy does not let {person} {duty}")]
    NotPermitted {
        /// Who.
        person: PersonId,
        /// In plain language, for example "close incidents".
        duty: &'static str,
    },
    /// Only its holder may.
    #[error("{grant} belongs to {holder}, and only {holder} can do that")]
    NotYours {
        /// Which.
        grant: GrantId,
        /// Whose.
        holder: PersonId,
    },
    /// The pinned rule names others.
    #[error("{person} is not an approver of {grant}; {}", whose_yes(approvers))]
    NotApprover {
        /// Who tried.
        person: PersonId,
        /// Which.
        grant: GrantId,
        /// Who may, comma separated.
        approvers: String,
    },
    /// Not their yes is asked for, but a call.
    #[error(
        "{grant} waits for no yes of {person}, but for a call of {requester} with one of these people: \
         {callers}"
    )]
    CallInstead {
        /// Who tried.
        person: PersonId,
        /// Which.
        grant: GrantId,
        /// Who asks.
        requester: PersonId,
        /// Whose call counts, comma separated.
        callers: String,
    },
    /// The pinned rule asks others first.
    #[error(
        "{grant} is asked of these people until {}: {approvers}; of {person} only from then on",
        moment(*from)
    )]
    ApprovalTooEarly {
        /// Who tried.
        person: PersonId,
        /// Which.
        grant: GrantId,
        /// Who may, comma separated.
        approvers: String,
        /// From when.
        from: Time,
    },
    /// The pinned rule names others whose call counts.
    #[error("a call with {person} does not unlock {grant}; one with these people does: {callers}")]
    NotCaller {
        /// Who tried.
        person: PersonId,
        /// Which.
        grant: GrantId,
        /// Whose does, comma separated.
        callers: String,
    },
    /// It begins without one.
    #[error("{0} needs no call")]
    NoCallWanted(GrantId),
    /// The same person again.
    #[error("your call for {0} is on record already")]
    CallRecorded(GrantId),
    /// Not lately, or not yet.
    #[error(
        "the call is said to have been at {}; it must have been within the last {CALL_WITHIN}, and \
         before it is recorded",
        moment(*spoke_at)
    )]
    CallTime {
        /// When they say they spoke.
        spoke_at: Time,
    },
    /// The rule wants a call, and there is nobody to have one with.
    #[error("the rule {rule} asks for a call, and nobody but {person} could have it")]
    NobodyToCall {
        /// Who asks.
        person: PersonId,
        /// The rule.
        rule: RuleName,
    },
    /// The same approver again.
    #[error("you said yes to {0} already; it waits for more than that")]
    ApprovedAlready(GrantId),
    /// Nobody approves their own request.
    #[error("{0} is your own request; nobody approves their own")]
    SelfApproval(GrantId),
    /// It has not begun.
    #[error("{0} still waits for an approver")]
    GrantWaiting(GrantId),
    /// It has begun already.
    #[error("{0} has begun already")]
    GrantActive(GrantId),
    /// It is over.
    #[error("{grant} is over{}", told(ended))]
    GrantEnded {
        /// Which.
        grant: GrantId,
        /// Why and when; the rules keep only live grants, so a use case that reads the index says it.
        ended: Option<(Ending, Time)>,
    },
    /// The same, to somebody who would not ask for it again: an approver, or whoever may revoke.
    #[error("{grant} is over already{}", told(ended))]
    EndedAlready {
        /// Which.
        grant: GrantId,
        /// As of [`Refusal::GrantEnded`].
        ended: Option<(Ending, Time)>,
    },
    /// Longer than the right allows.
    #[error("asked for {asked}, and {}", at_most(longest))]
    TooLong {
        /// How long was asked for; for an extension, how much more.
        asked: Lifetime,
        /// How long is allowed; zero where a grant can have nothing more.
        longest: Lifetime,
    },
    /// Its alert is over, and so is it soon.
    #[error(
        "the alert of {incident} is over, so it closes at {}, and nothing under it lasts longer",
        moment(*closes_at)
    )]
    Closing {
        /// Which.
        incident: IncidentId,
        /// When.
        closes_at: Time,
    },
    /// The same for more time of what was handed over.
    #[error(
        "asked for {asked}, and {}: {grant} was handed over, and its longest time counts from where \
         the first of them began, at {}",
        at_most(longest),
        moment(*since)
    )]
    TooLongHandedOver {
        /// Which.
        grant: GrantId,
        /// How much more was asked for.
        asked: Lifetime,
        /// How much is allowed; zero for nothing more.
        longest: Lifetime,
        /// From when it counts.
        since: Time,
    },
    /// Too short to be of use.
    #[error("asked for {asked}, and the shortest is {shortest}")]
    TooShort {
        /// How long was asked for.
        asked: Lifetime,
        /// The shortest allowed.
        shortest: Lifetime,
    },
    /// What an approver agreed to, the holder does not stretch alone.
    #[error("{grant} was approved, so an approver extends it; these people can: {approvers}")]
    NeedsApprover {
        /// Which.
        grant: GrantId,
        /// Who may, comma separated.
        approvers: String,
        /// How much was asked for.
        more: Lifetime,
    },
    /// What nobody else agreed to, only its holder stretches.
    #[error("{grant} belongs to {holder}, and began without a yes, so only {holder} extends it")]
    HolderExtends {
        /// Which.
        grant: GrantId,
        /// Whose.
        holder: PersonId,
        /// How much was asked for.
        more: Lifetime,
    },
    /// What was signed is no longer what stands in the policy or the request.
    #[error("what you signed is not what stands here: {0}")]
    SentenceChanged(String),
    /// The policy gives it under other words than were asked for and signed; it never will again under
    /// the old ones.
    #[error("the policy changed since {holder} asked for {grant}: {differs}")]
    PolicyChanged {
        /// Which.
        grant: GrantId,
        /// Who asked.
        holder: PersonId,
        /// For what.
        right: RightId,
        /// What it said, and says.
        differs: String,
    },
    /// The rule says deny.
    #[error("the rule of {0} does not allow a self-grant")]
    SelfGrantDenied(GrantId),
    /// Approvers still have time.
    #[error("approvers of {grant} have until {} to answer", moment(*from))]
    SelfGrantTooEarly {
        /// Which.
        grant: GrantId,
        /// From when.
        from: Time,
    },
    /// Somebody did not want it.
    #[error("a self-grant of this right was vetoed under this incident, so {0} needs an approver")]
    Vetoed(GrantId),
    /// One at a time.
    #[error(
        "{runs}, which you began alone, still runs, and one of a right does at a time: {grant} needs an \
         approver, or waits until approvers have had as long again after it"
    )]
    AloneAlready {
        /// What they would begin.
        grant: GrantId,
        /// What runs.
        runs: GrantId,
    },
    /// It was not begun alone, and cannot be.
    #[error("{grant} was not begun alone, and cannot be: there is nothing to veto")]
    NothingToVeto {
        /// Which.
        grant: GrantId,
        /// Who tried.
        person: PersonId,
        /// Who may end it all the same, comma separated.
        revokers: String,
    },
    /// Nobody vetoes their own.
    #[error("{0} is your own; a veto is somebody else's")]
    OwnVeto(GrantId),
    /// It is theirs.
    #[error("{0} is yours already: there is nothing to hand over")]
    OwnHandover(GrantId),
    /// They have the like.
    #[error("{person} has {grant} for that already, under the same incident")]
    HoldsAlready {
        /// Who.
        person: PersonId,
        /// What they have, or have asked for.
        grant: GrantId,
    },
    /// No rule gives it to them.
    #[error(
        "the policy does not let {person} {sentence}, so {grant} is not handed over to them; these \
         people could go on: {others}"
    )]
    NotAllowedToReceive {
        /// To whom.
        person: PersonId,
        /// Which.
        grant: GrantId,
        /// In plain language.
        sentence: String,
        /// Who could have it, comma separated.
        others: String,
    },
    /// Nobody could use it.
    #[error("{0} has no laptop enrolled, and could not use it")]
    HasNoKey(PersonId),
    /// Somebody did not want them to have it alone.
    #[error(
        "a self-grant of {person} for this right was vetoed under this incident, so {grant} is not \
         handed over to them: they ask for it, and an approver looks"
    )]
    VetoedReceiver {
        /// To whom.
        person: PersonId,
        /// Which.
        grant: GrantId,
    },
    /// Nobody begins alone what was another's.
    #[error("{0} waits to be handed over, and that is not begun alone")]
    HandedOver(GrantId),
    /// Stopped from everything.
    #[error("{0} is frozen")]
    PersonFrozen(PersonId),
    /// A second freeze would change nothing.
    #[error("{0} is frozen already")]
    FrozenAlready(PersonId),
    /// There is no freeze to lift.
    #[error("{0} is not frozen")]
    NotFrozen(PersonId),
    /// A freeze is lifted by somebody else.
    #[error("nobody lifts their own freeze")]
    OwnFreeze,
    /// The key is not enrolled, or no longer.
    #[error("this key is not enrolled for {0}")]
    NotEnrolled(PersonId),
    /// No such token, or it was used or taken back.
    #[error("this enrolment token is not known; it may have been used already")]
    TokenUnknown,
    /// Too late.
    #[error("this enrolment token expired at {}", moment(*.0))]
    TokenExpired(Time),
    /// It was not used, and who made it or whom it was for is not what they were.
    #[error("this enrolment token works no more: {0}")]
    TokenWithdrawn(String),
    /// The same key again.
    #[error("this key is enrolled already")]
    KeyEnrolled,
    /// The act needs a statement and has none.
    #[error("this act needs a signed statement")]
    StatementMissing,
    /// The laptop's clock and the broker's are too far apart.
    #[error(
        "the statement is from {}, and the broker's clock says {}",
        moment(*signed_at),
        moment(*now)
    )]
    StatementStale {
        /// In the statement.
        signed_at: Time,
        /// Here.
        now: Time,
    },
    /// Seen before.
    #[error("this exact statement was used already")]
    StatementReplayed,
    /// The policy has no such target.
    #[error("the policy has no target `{0}`")]
    UnknownTarget(TargetId),
    /// Nobody is in there under that number, or no longer.
    #[error("there is no session {0} at this target")]
    UnknownSession(SessionId),
    /// Nobody is in there whom the guard called so, or no longer.
    #[error("no open session of `{0}` was reported so")]
    NoSuchLogin(TargetId),
    /// The right leads elsewhere.
    #[error("{grant} does not lead to {target}")]
    NotThere {
        /// Which grant.
        grant: GrantId,
        /// Where somebody came in.
        target: TargetId,
    },
    /// The right comes with other credentials.
    #[error("`{right}` comes with no credential of kind `{kind}`")]
    NoSuchCredential {
        /// Which right.
        right: RightId,
        /// What was wanted.
        kind: CredentialKind,
    },
    /// More than the limit of anything.
    #[error("too many {what}: at most {limit}")]
    TooMany {
        /// Of what, for example "live grants of one person".
        what: &'static str,
        /// How many.
        limit: usize,
    },
    /// One person opened many of them just now.
    #[error("{person} opened {limit} incidents within an hour, and that is the most")]
    OpenedTooMany {
        /// Who.
        person: PersonId,
        /// How many.
        limit: usize,
        /// When they can open one again.
        again_at: Time,
    },
    /// An incident that is none is not to look like one.
    #[error("a title that begins with DRILL is a drill's, and this would be a real incident")]
    TitleOfDrill,
    /// More than so many within a time.
    #[error("too many {}: at most {} within {}", budget.what, budget.most, budget.within)]
    TooOften {
        /// Of what, and how many there are.
        budget: Budget,
        /// When there is one again.
        again_at: Time,
    },
    /// Answers are owed for too long, so nothing begins without a yes.
    #[error(
        "{incident} closed at {} and {} of it {} not reviewed; until then nothing begins without \
         an approver, but under a sev1",
        moment(*closed_at),
        counted(*grants),
        if *grants == 1 { "is" } else { "are" }
    )]
    ReviewDebt {
        /// The oldest that is late.
        incident: IncidentId,
        /// When it closed.
        closed_at: Time,
        /// How many of its grants nobody has answered for.
        grants: usize,
    },
    /// A review is of what is over.
    #[error("{0} is still open, and is reviewed when it is over")]
    IncidentOpen(IncidentId),
    /// It never began under that incident, or somebody has answered.
    #[error(
        "no answer is owed for {grant} of {incident}: somebody has answered, or it never began there"
    )]
    NothingToReview {
        /// As typed.
        incident: IncidentId,
        /// As typed.
        grant: GrantId,
    },
    /// The wall clock fell behind the ledger.
    #[error(
        "the broker's clock says {}, but the newest entry is from {}",
        moment(*now),
        moment(*newest)
    )]
    ClockBehind {
        /// The clock.
        now: Time,
        /// The ledger.
        newest: Time,
    },
    /// The policy has no such alert source.
    #[error("the policy has no alert source `{0}`")]
    UnknownSource(SourceId),
    /// The policy gives no severity to what the source says.
    #[error("the policy gives alerts of {alert_source} no severity for {words}")]
    UnknownSeverity {
        /// Who told.
        alert_source: SourceId,
        /// What it said of how bad it is.
        words: String,
    },
    /// Only an alert says that something is broken.
    #[error(
        "{incident} was opened by {alert_source}, and nobody who may open incidents has confirmed it; \
         until then nobody can {sentence} under it"
    )]
    Unconfirmed {
        /// Which.
        incident: IncidentId,
        /// Who told.
        alert_source: SourceId,
        /// In plain language.
        sentence: String,
    },
    /// The policy wants witnesses for this right, and too few of them have signed.
    #[error(
        "too few witnesses sign the ledger, and the policy gives no credential of `{right}` without \
         them"
    )]
    NotWitnessed {
        /// Which right.
        right: RightId,
    },
    /// No alert opened it, so none closes it.
    #[error("{0} was not opened by an alert, so none closes it: it stays open to its usual age")]
    NothingToHold(IncidentId),
    /// The policy does not say what one may unlock.
    #[error("the policy has no `[drills]`, so there is nothing that a drill may unlock")]
    NoDrills,
    /// A drill unlocks little.
    #[error("{incident} is a drill, and the policy lets no drill unlock `{right}`")]
    DrillRight {
        /// Which.
        incident: IncidentId,
        /// What was asked for.
        right: RightId,
    },
    /// What is said of how a drill went cannot be.
    #[error("that is not how the drill went: {0}")]
    DrillRecord(String),
    /// The ledger's key has signed more than there is here.
    #[error(
        "this laptop has seen {seen} entries that the ledger's key has signed, and this broker has \
         {size}: its ledger was set back, or it is a copy"
    )]
    LedgerBehind {
        /// Entries that were seen.
        seen: u64,
        /// Entries there are.
        size: u64,
    },
    /// The ledger's key has signed something else than there is here.
    #[error(
        "this laptop has seen another history: the ledger's key has signed {seen} entries that are not \
         the first {seen} of this broker"
    )]
    LedgerForked {
        /// Entries that were seen.
        seen: u64,
    },
    /// Somebody made up what was seen.
    #[error(
        "the {0} entries that this statement says were seen are not signed by the key of this ledger"
    )]
    SeenUnsigned(u64),
}

impl Refusal {
    /// Whether the rules know all that is to be told. Why a grant is over they do not keep: whoever asked
    /// them looks it up, and puts on record what is told then.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !matches!(
            self,
            Self::GrantEnded { ended: None, .. } | Self::EndedAlready { ended: None, .. }
        )
    }
}

/// What is told in whole seconds must not be told too early.
const SECOND: Lifetime = Lifetime::from_secs(1);

fn told(ended: &Option<(Ending, Time)>) -> String {
    ended
        .map(|(ending, at)| format!(": {} at {}", ending.in_words(), moment(at)))
        .unwrap_or_default()
}

fn whose_yes(approvers: &str) -> String {
    match approvers {
        "nobody" => "nobody who is there now is".to_owned(),
        approvers => format!("these people are: {approvers}"),
    }
}

fn at_most(longest: &Lifetime) -> String {
    match *longest {
        Lifetime::ZERO => "it already has the longest time that is allowed".to_owned(),
        longest => format!("at most {longest} is allowed"),
    }
}

fn counted(grants: usize) -> String {
    match grants {
        1 => "1 grant".to_owned(),
        many => format!("{many} grants"),
    }
}

/// As people read it: `2026-11-24 00:02:23 UTC`, without the milliseconds an entry has.
fn moment(at: Time) -> impl Display {
    at.timestamp().strftime("%Y-%m-%d %H:%M:%S UTC")
}

/// As one word of a command: `1h30m`.
fn typed(length: Lifetime) -> String {
    length.to_string().replace(' ', "")
}
