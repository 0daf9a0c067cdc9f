//! The one who answers: every service is a set of methods of the desk.

use std::sync::Arc;

use breakglass_domain::{Actor, Command, PersonId};
use breakglass_proto::v1;
use tonic::Request;

use super::error::Error;
use super::limits::{Limits, OLD_STREAMS_PER_PERSON};
use super::rate::AtOnce;
use super::statement::{self, Checked};
use super::stream::{Listener, Messages, Open, Source, messages};
use crate::app::{App, Caller, Guard};

/// Answers every service.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) app: Arc<App>,
    streams: AtOnce,
    reading_old: AtOnce,
}

impl Desk {
    pub(super) fn new(app: Arc<App>, limits: &Limits) -> Self {
        let old = "streams of one person that read old entries";
        Self {
            app,
            reading_old: AtOnce::new(OLD_STREAMS_PER_PERSON, old),
            streams: AtOnce::new(limits.streams_per_person, "open streams of one person"),
        }
    }

    /// The caller whom the front let in, and what they sent. A service that the front does not
    /// stand before answers nobody.
    pub(super) fn admitted<T>(&self, mut request: Request<T>) -> Result<(Arc<Caller>, T), Error> {
        let caller = request.extensions_mut().remove::<Arc<Caller>>();
        Ok((caller.ok_or(Error::NoCertificate)?, request.into_inner()))
    }

    /// What somebody sent whom the front let in, a person or a guard.
    pub(super) fn let_in<T>(&self, request: Request<T>) -> Result<T, Error> {
        let extensions = request.extensions();
        let is_guard = extensions.get::<Arc<Guard>>().is_some();
        if !is_guard && extensions.get::<Arc<Caller>>().is_none() {
            return Err(Error::NoCertificate);
        }
        Ok(request.into_inner())
    }

    /// The guard whom the front let in.
    pub(super) fn attending<T>(&self, mut request: Request<T>) -> Result<(Arc<Guard>, T), Error> {
        let guard = request.extensions_mut().remove::<Arc<Guard>>();
        let nobody = Error::Certificate("it is for a person, and this call is for guards");
        Ok((guard.ok_or(nobody)?, request.into_inner()))
    }

    /// The command that a caller signed; what is wrong with it goes on record.
    pub(super) async fn command(
        &self,
        caller: &Caller,
        signed: Option<v1::Signed>,
        act: &'static str,
    ) -> Result<Command, Error> {
        let checked = self.checked(caller, signed, act).await?;
        let command = statement::command(caller, checked);
        self.on_record(&caller.person, act, command).await
    }

    /// A statement that needs more than itself to become a command; its signer has seen this ledger, or it only ends
    /// something.
    pub(super) async fn checked(
        &self,
        caller: &Caller,
        signed: Option<v1::Signed>,
        act: &'static str,
    ) -> Result<Checked, Error> {
        let origin = &self.app.about().origin;
        let checked = statement::by_caller(caller, origin, signed, act);
        let mut checked = self.on_record(&caller.person, act, checked).await?;
        let (by, seen) = (Actor::from(&caller.person), checked.seen(origin));
        if !checked.said.only_ends() {
            self.app.need_same_history(Some(&by), act, seen).await?;
        } else if self.app.has_seen_another(&by, act, seen).await? {
            Arc::make_mut(&mut checked.signed).other_history = true;
        }
        Ok(checked)
    }

    async fn on_record<T>(
        &self,
        person: &PersonId,
        act: &str,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        if let Err(error) = &result {
            let (reason, text) = (error.reason(), error.to_string());
            let by = Actor::from(person);
            self.app.note_refusal(&by, act, reason, &text).await;
        }
        result
    }

    /// A stream for one caller.
    pub(super) fn stream<S: Source>(
        &self,
        caller: impl Into<Listener>,
        open: Open,
        source: S,
    ) -> Messages<S::Message> {
        messages(source, &self.app, caller.into(), open)
    }

    pub(super) fn open_stream(&self, who: impl Into<Actor>) -> Result<Open, Error> {
        Ok(Open::new(self.streams.take(&who.into())?))
    }

    /// A stream of events from `from` on.
    pub(super) fn open_stream_from(
        &self,
        caller: &Caller,
        from: Option<u64>,
    ) -> Result<Open, Error> {
        let open = self.open_stream(&caller.person)?;
        if !self.app.reads_old_entries(from) {
            return Ok(open);
        }
        Ok(open.reading_old(self.reading_old.take(&Actor::from(&caller.person))?))
    }
}
