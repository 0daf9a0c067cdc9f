//! `GuardService`: what runs beside targets.

use std::collections::BTreeSet;
use std::sync::Arc;

use breakglass_domain::event::SessionEnd;
use breakglass_domain::limits::{LINE_MAX, ORIGIN_MAX};
use breakglass_domain::{CredentialId, GrantId, Lifetime, Line, Nonce, TargetId};
use breakglass_proto::tick::{Tick, hash_of_ids};
use breakglass_proto::v1::{self, guard_service_server::GuardService};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::limits::TICK_EVERY;
use super::statement::not_taken;
use super::stream::{Messages, Source};
use crate::app::{App, AtTarget, Attend, Guard, Login, SessionName};

#[tonic::async_trait]
impl GuardService for Desk {
    type AttendStream = Messages<v1::AttendResponse>;

    async fn attend(
        &self,
        request: Request<v1::AttendRequest>,
    ) -> Result<Response<Self::AttendStream>, Status> {
        let (guard, _) = self.attending(request)?;
        let open = self.open_stream(&guard.target)?;
        let told = Told::begin(&self.app, &guard)?;
        Ok(Response::new(self.stream(guard, open, told)))
    }

    async fn open_session(
        &self,
        request: Request<v1::OpenSessionRequest>,
    ) -> Result<Response<v1::OpenSessionResponse>, Status> {
        let (guard, asked) = self.attending(request)?;
        let credential: CredentialId = convert::required("credential", &asked.credential)?;
        if asked.grant != credential.grant.to_string() {
            let why = "it is of another grant".to_owned();
            let field = "credential";
            return Err(Error::Argument { field, why }.into());
        }
        let login = Line::parse_up_to(&asked.login, LINE_MAX);
        let login = login.map_err(|why| not_taken("login", why))?;
        let (once, let_in_at) = (once(&asked.once)?, asked.let_in_at);
        if let_in_at.is_some() && once.is_none() {
            let why = "it is needed where `let_in_at` is set".to_owned();
            return Err(Error::Argument { field: "once", why }.into());
        }
        let login = Login {
            credential,
            login,
            origin: origin(asked.origin)?,
            once,
            let_in_at: let_in_at
                .map(|at| convert::time_from("let_in_at", at))
                .transpose()?,
        };
        let (session, receipt) = self.app.open_session(&guard, login).await?;
        Ok(Response::new(v1::OpenSessionResponse {
            session: session.to_string(),
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    async fn end_session(
        &self,
        request: Request<v1::EndSessionRequest>,
    ) -> Result<Response<v1::EndSessionResponse>, Status> {
        let (guard, asked) = self.attending(request)?;
        let session = match once(&asked.once)? {
            Some(once) => SessionName::Once(once),
            None => SessionName::Id(convert::required("session", &asked.session)?),
        };
        let how = how(asked.how)?;
        let took = asked.took.map(|took| took_from(&took)).transpose()?;
        let receipt = self.app.end_session(&guard, session, how, took).await?;
        Ok(Response::new(v1::EndSessionResponse {
            receipt: Some(convert::receipt(&receipt)),
        }))
    }
}

/// What a guard drew for a login, where it did.
fn once(bytes: &[u8]) -> Result<Option<Nonce>, Error> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let once = bytes.try_into().map(|once| Some(Nonce(once)));
    once.map_err(|_| Error::Argument {
        field: "once",
        why: format!("it has {} bytes and not 16", bytes.len()),
    })
}

/// Where a session comes from; no person typed it, but a target may be anybody's.
fn origin(text: String) -> Result<String, Error> {
    if text.is_empty() {
        return Ok(text);
    }
    let line = Line::parse_up_to(&text, ORIGIN_MAX).map_err(|why| not_taken("origin", why))?;
    Ok(line.to_string())
}

fn how(how: i32) -> Result<SessionEnd, Error> {
    match v1::SessionEnd::try_from(how) {
        Ok(v1::SessionEnd::Closed) => Ok(SessionEnd::Closed),
        Ok(v1::SessionEnd::Killed) => Ok(SessionEnd::Killed),
        Ok(v1::SessionEnd::Gone) => Ok(SessionEnd::Gone),
        Ok(v1::SessionEnd::Unspecified) | Err(_) => Err(Error::Argument {
            field: "how",
            why: "it does not say how the session ended".to_owned(),
        }),
    }
}

fn took_from(took: &prost_types::Duration) -> Result<Lifetime, Error> {
    let millis = took.seconds.checked_mul(1_000);
    let millis = millis.and_then(|millis| millis.checked_add(i64::from(took.nanos) / 1_000_000));
    let millis = millis.filter(|millis| *millis >= 0);
    millis.map(Lifetime::from_millis).ok_or(Error::Argument {
        field: "took",
        why: "it is not a length of time".to_owned(),
    })
}

/// What one guard is told.
struct Told {
    app: Arc<App>,
    attend: Attend,
    ticks: Interval,
    /// What was sent last, and is sent again only where it is another. Of the revocation list what it
    /// names: it has the time in it, so the list itself is always another.
    revoked: Option<BTreeSet<GrantId>>,
    jwks: String,
    user_ca: String,
}

impl Told {
    fn begin(app: &Arc<App>, guard: &Guard) -> Result<Self, Error> {
        let mut ticks = interval(TICK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            app: Arc::clone(app),
            attend: app.attend(guard)?,
            ticks,
            revoked: None,
            jwks: String::new(),
            user_ca: String::new(),
        })
    }

    fn message(&mut self, standing: Option<AtTarget>) -> Result<v1::AttendResponse, Error> {
        let target = self.attend.target().clone();
        let jwks = self.app.published_keys(&target);
        let user_ca = self.app.user_ca(&target);
        Ok(v1::AttendResponse {
            standing: standing.as_ref().map(convert::standing),
            tick: self.tick(&target)?,
            krl: self.krl(&target),
            jwks: changed(&mut self.jwks, jwks.unwrap_or_default()),
            user_ca: changed(&mut self.user_ca, user_ca.unwrap_or_default()),
        })
    }

    /// Empty where there is nothing new in it. One that revokes nothing is not empty.
    fn krl(&mut self, target: &TargetId) -> Vec<u8> {
        let revoked = self.app.revoked_at(target);
        match changed(&mut self.revoked, revoked) {
            Some(revoked) => self.app.revocation_list(&revoked),
            None => Vec::new(),
        }
    }

    /// Signed anew for each message, so that it is as fresh as can be.
    fn tick(&self, target: &TargetId) -> Result<String, Error> {
        let now = self.app.moment(target);
        let tick = Tick {
            origin: self.app.about().origin.clone(),
            at: now.at.timestamp(),
            size: now.size,
            root: now.root,
            incidents: hash_of_ids(now.incidents.iter().map(ToString::to_string)),
            grants: hash_of_ids(now.grants.iter().map(ToString::to_string)),
        };
        let text = tick.encode().map_err(|_| Error::Panicked)?;
        Ok(self.app.notarize(&text)?)
    }
}

/// The new one where it is another than the old one, and nothing else.
fn changed<T: Default + PartialEq + Clone>(old: &mut T, new: T) -> T {
    if *old == new {
        return T::default();
    }
    old.clone_from(&new);
    new
}

impl Source for Told {
    type Message = v1::AttendResponse;

    async fn next(&mut self) -> Result<Option<Self::Message>, Error> {
        let standing = tokio::select! {
            biased;
            standing = self.attend.changed() => Some(standing?),
            _ = self.ticks.tick() => None,
        };
        self.message(standing).map(Some)
    }
}
