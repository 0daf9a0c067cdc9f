//! The one who answers: every service is a set of methods of the desk.

use std::sync::Arc;

use breakglass_domain::{Actor, Command, PersonId};
use breakglass_proto::v1;
use tonic::Request;

use super::error::Error;
use super::limits::Limits;
use super::rate::{OpenStream, Streams};
use super::statement::{self, Checked};
use super::stream::{Listener, Messages, Source, messages};
use crate::app::{App, Caller, Guard};

/// Answers every service.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) app: Arc<App>,
    streams: Streams,
}

impl Desk {
    pub(super) fn new(app: Arc<App>, limits: &Limits) -> Self {
        Self {
            app,
            streams: Streams::new(limits.streams_per_person),
        }
    }

    /// The caller whom the front let in, and what they sent. A service that the front does not
    /// stand before answers nobody.
    pub(super) fn admitted<T>(&self, mut request: Request<T>) -> Result<(Arc<Caller>, T), Error> {
        let caller = request.extensions_mut().remove::<Arc<Caller>>();
        Ok((caller.ok_or(Error::NoCertificate)?, request.into_inner()))
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
        let origin = &self.app.about().origin;
        let command = statement::command(caller, origin, signed, act);
        self.on_record(&caller.person, act, command).await
    }

    /// A statement that needs more than itself to become a command.
    pub(super) async fn checked(
        &self,
        caller: &Caller,
        signed: Option<v1::Signed>,
        act: &'static str,
    ) -> Result<Checked, Error> {
        let origin = &self.app.about().origin;
        let checked = statement::by_caller(caller, origin, signed, act);
        self.on_record(&caller.person, act, checked).await
    }

    async fn on_record<T>(
        &self,
        person: &PersonId,
        act: &str,
        result: Result<T, Error>,
    ) -> Result<T, Error> {
        if let Err(error) = &result {
            let (reason, text) = (error.reason(), error.to_string());
            self.app.note_refusal(person, act, reason, &text).await;
        }
        result
    }

    /// A stream for one caller.
    pub(super) fn stream<S: Source>(
        &self,
        caller: impl Into<Listener>,
        open: OpenStream,
        source: S,
    ) -> Messages<S::Message> {
        messages(source, &self.app, caller.into(), open)
    }

    pub(super) fn open_stream(&self, who: impl Into<Actor>) -> Result<OpenStream, Error> {
        self.streams.open(&who.into())
    }
}
