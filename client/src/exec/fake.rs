//! A broker's desk that does what a test says, on a clock the test holds.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_proto::v1::{
    Credential, CredentialKind, Escalation, Grant, GrantBasis, GrantEnding, GrantState,
    HoldGrantResponse, Verdict,
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{
    mpsc::{UnboundedSender, unbounded_channel},
    oneshot,
};
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::{Order, Task, desk::Desk, papers::Wanted, place::Need};
use crate::{
    agent::wire::Wire,
    error::{Error, Refusal},
    time,
};

/// What the broker says on the hold stream.
pub(super) enum Said {
    /// An entry that changes nothing: its index and kind.
    Event(u64, &'static str),
    Escalated(&'static str),
    /// Leon is gone.
    Gone(&'static str),
    Approved(&'static str),
    Denied(&'static str, &'static str),
    Closed(&'static str, &'static str),
    ExtendedTo(SignedDuration),
}

pub(super) struct FakeDesk(Mutex<State>);

struct State {
    now: Timestamp,
    grant: Grant,
    events: Vec<HoldGrantResponse>,
    listeners: Vec<Listener>,
    away: bool,
    refuse_to_hold: Option<Error>,
    refuse_to_issue: VecDeque<Error>,
    self_grants: VecDeque<Result<(), Error>>,
    held_from: Vec<u64>,
    diary: Vec<String>,
    vetoed: Option<Grant>,
    looks: u32,
    issued: u32,
    /// Answers about the use when this comes.
    report_when: Option<oneshot::Receiver<()>>,
}

type Listener = UnboundedSender<Result<HoldGrantResponse, Error>>;

pub(super) fn start() -> Timestamp {
    "2026-11-23T03:00:00Z".parse().unwrap()
}

pub(super) fn after(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

pub(super) fn order(command: &[&str]) -> Order {
    Order {
        right: Verdict {
            right: "deploy-shop".into(),
            sentence: "deploy the shop app".into(),
            ..Verdict::default()
        },
        incident: "INC-12".into(),
        reason: "revert the flooded worker".into(),
        length: SignedDuration::from_mins(30),
        handed: None,
        task: Task::Run(command.iter().map(Into::into).collect()),
        no_wait: false,
        self_grant_if_nobody: false,
        drill: None,
    }
}

pub(super) fn refused(reason: &str) -> Error {
    Error::Refused(Box::new(Refusal {
        reason: reason.into(),
        message: format!("the broker says {reason}"),
        next: None,
    }))
}

fn unreachable() -> Error {
    Error::Unreachable {
        what: "the broker does not answer".into(),
        next: String::new(),
    }
}

impl FakeDesk {
    /// Where requests begin at once, for half an hour.
    pub(super) fn active() -> Arc<Self> {
        let desk = Self::waiting();
        desk.state().begin(GrantBasis::FastPath, "");
        desk
    }

    /// Where Leon has to say yes within 15 minutes, and after 10 one may do so oneself.
    pub(super) fn waiting() -> Arc<Self> {
        let grant = Grant {
            id: "G-45".into(),
            person: "mia".into(),
            right: "deploy-shop".into(),
            sentence: "deploy the shop app".into(),
            incident: "INC-12".into(),
            state: GrantState::Waiting.into(),
            approvers: vec!["leon".into()],
            lapses_at: Some(time::to_proto(after(15))),
            self_grant_at: Some(time::to_proto(after(10))),
            ..Grant::default()
        };
        Arc::new(Self(Mutex::new(State {
            now: start(),
            grant,
            events: Vec::new(),
            listeners: Vec::new(),
            away: false,
            refuse_to_hold: None,
            refuse_to_issue: VecDeque::new(),
            self_grants: VecDeque::new(),
            held_from: Vec::new(),
            diary: Vec::new(),
            vetoed: None,
            looks: 0,
            issued: 0,
            report_when: None,
        })))
    }

    /// Moves the clock, and wakes whoever listens with an entry of no importance.
    pub(super) fn pass(&self, minutes: i64) {
        let mut state = self.state();
        state.now += SignedDuration::from_mins(minutes);
        let next = state.next_index();
        state.say(Said::Event(next, "incident.noted"));
    }

    pub(super) fn say(&self, said: Said) {
        self.state().say(said);
    }

    pub(super) fn go_away(&self) {
        let mut state = self.state();
        state.away = true;
        for listener in state.listeners.drain(..) {
            let _ = listener.send(Err(unreachable()));
        }
    }

    pub(super) fn come_back(&self) {
        self.state().away = false;
    }

    /// Refuses the next hold.
    pub(super) fn refuse_to_hold(&self, why: Error) {
        self.state().refuse_to_hold = Some(why);
    }

    /// Refuses the next credential.
    pub(super) fn refuse_to_issue(&self, why: Error) {
        self.state().refuse_to_issue.push_back(why);
    }

    /// After so many minutes it goes to somebody else as well.
    pub(super) fn escalates(&self, minutes: i64, to: &str) {
        self.state().grant.escalation = Some(Escalation {
            at: Some(time::to_proto(after(minutes))),
            approvers: vec![to.into()],
            escalated_at: None,
        });
    }

    /// What the next self-grants meet.
    pub(super) fn allows_no_self_grant(&self) {
        self.state().grant.self_grant_at = None;
    }

    /// Support vetoed one of the same before.
    pub(super) fn vetoed_one_before(&self) {
        let mut state = self.state();
        state.grant.self_grant_at = None;
        state.vetoed = Some(Grant {
            id: "G-21".into(),
            ended_by: "support".into(),
            ..state.grant.clone()
        });
    }

    pub(super) fn looks(&self) -> u32 {
        self.state().looks
    }

    /// The broker was away: everybody has their time anew.
    pub(super) fn gives_time_until(&self, minutes: i64) {
        let mut state = self.state();
        state.grant.self_grant_at = Some(time::to_proto(after(minutes)));
        state.grant.lapses_at = Some(time::to_proto(after(minutes + 5)));
    }

    pub(super) fn answer_self_grant(&self, answer: Result<(), Error>) {
        self.state().self_grants.push_back(answer);
    }

    pub(super) fn held_from(&self) -> Vec<u64> {
        self.state().held_from.clone()
    }

    /// What was asked, in order, since this was last looked at.
    pub(super) fn diary(&self) -> Vec<String> {
        std::mem::take(&mut self.state().diary)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Is slow to hear of the use, until told.
    pub(super) fn hears_of_use_when(&self) -> oneshot::Sender<()> {
        let (tell, when) = oneshot::channel();
        self.state().report_when = Some(when);
        tell
    }

    fn at_desk(&self, line: &str) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.state();
        let line = format!("{line} at {}", &time::rfc3339(state.now)[11..16]);
        state.diary.push(line);
        if state.away {
            Err(unreachable())
        } else {
            Ok(state)
        }
    }
}

impl State {
    fn next_index(&self) -> u64 {
        self.events.last().map_or(1, |event| event.index + 1)
    }

    fn begin(&mut self, basis: GrantBasis, by: &str) {
        self.grant.set_state(GrantState::Active);
        self.grant.set_basis(basis);
        self.grant.approved_by = by.into();
        self.grant.begins_at = Some(time::to_proto(self.now));
        self.grant.ends_at = Some(time::to_proto(self.now + SignedDuration::from_mins(30)));
    }

    fn end(&mut self, ending: GrantEnding, by: &str, reason: &str) {
        self.grant.set_state(GrantState::Ended);
        self.grant.set_ending(ending);
        self.grant.ended_by = by.into();
        self.grant.ending_reason = reason.into();
    }

    fn say(&mut self, said: Said) {
        let index = self.next_index();
        let (index, kind) = match said {
            Said::Event(index, kind) => (index, kind),
            Said::Escalated(to) => {
                self.grant.approvers.push(to.into());
                if let Some(escalation) = &mut self.grant.escalation {
                    escalation.escalated_at = Some(time::to_proto(self.now));
                }
                (index, "grant.escalated")
            }
            Said::Gone(who) => {
                self.grant.gone.push(who.into());
                self.grant.nobody_left = true;
                (index, "person.frozen")
            }
            Said::Approved(by) => {
                self.begin(GrantBasis::Approved, by);
                (index, "grant.started")
            }
            Said::Denied(by, why) => {
                self.end(GrantEnding::Denied, by, why);
                (index, "grant.ended")
            }
            Said::Closed(by, why) => {
                self.end(GrantEnding::IncidentClosed, by, why);
                (index, "grant.ended")
            }
            Said::ExtendedTo(length) => {
                self.grant.ends_at = Some(time::to_proto(start() + length));
                (index, "grant.extended")
            }
        };
        let event = HoldGrantResponse {
            index,
            at: Some(time::to_proto(self.now)),
            kind: kind.into(),
            grant: Some(self.grant.clone()),
            ..HoldGrantResponse::default()
        };
        self.listeners
            .retain(|listener| listener.send(Ok(event.clone())).is_ok());
        self.events.push(event);
    }

    fn token(&mut self) -> Credential {
        self.credential(&Wanted {
            need: Need::Jwt,
            kind: CredentialKind::Jwt,
            key: Vec::new(),
        })
    }

    fn credential(&mut self, wanted: &Wanted) -> Credential {
        self.issued += 1;
        let number = self.issued;
        let ends_at = time::from_proto(self.grant.ends_at.as_ref()).unwrap();
        let short = ends_at.min(self.now + SignedDuration::from_mins(15));
        let (value, login, expires_at) = match wanted.need {
            Need::Jwt => (format!("token-{number}"), String::new(), short),
            Need::X509 => (format!("chain-{number}"), "shop_migrator".into(), short),
            Need::Password => (
                format!("password-{number}"),
                format!("breakglass_g45_{number}"),
                ends_at,
            ),
            Need::Ssh => (certified(&wanted.key, number), "deploy".into(), short),
        };
        Credential {
            kind: wanted.kind.into(),
            value,
            login,
            expires_at: Some(time::to_proto(expires_at)),
            ..Credential::default()
        }
    }
}

/// As much of a certificate as the agent looks at (PROTOCOL.certkeys): the algorithm, the nonce, the
/// curve and the key; and a number.
fn certified(key: &[u8], number: u32) -> String {
    const ALGORITHM: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com";
    let wire = Wire::default().string(ALGORITHM).string("nonce");
    let wire = wire
        .string("nistp256")
        .string(key)
        .string(number.to_string());
    format!("{ALGORITHM} {}", STANDARD.encode(wire.done()))
}

impl Desk for FakeDesk {
    type News = UnboundedReceiverStream<Result<HoldGrantResponse, Error>>;

    fn context(&self) -> &str {
        "work"
    }

    fn now(&self) -> Timestamp {
        self.state().now
    }

    async fn request(
        &self,
        _order: &Order,
        along: CredentialKind,
    ) -> Result<(Grant, Option<Credential>), Error> {
        let mut state = self.at_desk("requested")?;
        let begun = state.grant.state() == GrantState::Active && along == CredentialKind::Jwt;
        let credential = begun.then(|| state.token());
        Ok((state.grant.clone(), credential))
    }

    async fn look(&self, _grant: &str) -> Result<Grant, Error> {
        let mut state = self.state();
        state.looks += 1;
        Ok(state.grant.clone())
    }

    async fn vetoed_before(&self, _grant: &Grant) -> Result<Option<Grant>, Error> {
        Ok(self.state().vetoed.clone())
    }

    async fn self_grant(&self, _grant: &Grant) -> Result<Grant, Error> {
        let mut state = self.at_desk("self-granted")?;
        state.self_grants.pop_front().unwrap_or(Ok(()))?;
        state.begin(GrantBasis::SelfGranted, "mia");
        Ok(state.grant.clone())
    }

    async fn issue(&self, _grant: &str, wanted: &Wanted) -> Result<Credential, Error> {
        let line = match wanted.kind {
            CredentialKind::Jwt => "issued",
            CredentialKind::SshCertificate => "issued ssh",
            CredentialKind::X509Certificate => "issued x509",
            CredentialKind::PostgresRole => "issued role",
            CredentialKind::Unspecified => panic!("what kind?"),
        };
        let mut state = self.at_desk(line)?;
        match state.refuse_to_issue.pop_front() {
            Some(why) => Err(why),
            None => Ok(state.credential(wanted)),
        }
    }

    async fn hold(&self, _grant: &str, from: u64) -> Result<Self::News, Error> {
        let mut state = self.state();
        state.held_from.push(from);
        if let Some(why) = state.refuse_to_hold.take() {
            return Err(why);
        }
        if state.away {
            return Err(unreachable());
        }
        let (tell, stream) = unbounded_channel();
        for event in state.events.iter().filter(|event| event.index >= from) {
            tell.send(Ok(event.clone())).unwrap();
        }
        state.listeners.push(tell);
        Ok(UnboundedReceiverStream::new(stream))
    }

    async fn give_back(&self, _grant: &str) -> Result<Grant, Error> {
        let mut state = self.at_desk("given back")?;
        state.end(GrantEnding::Dropped, "mia", "");
        Ok(state.grant.clone())
    }

    async fn report_use(&self, _grant: &str, program: &str) -> Result<(), Error> {
        let when = self.state().report_when.take();
        if let Some(when) = when {
            when.await.unwrap();
        }
        self.at_desk(&format!("used by {program}")).map(drop)
    }
}
