//! What only the guard of a target asks and tells.

use breakglass_proto::v1::{self, guard_service_client::GuardServiceClient};
use tonic::{Streaming, transport::Channel};

use super::Session;
use crate::{entry::Entry, error::Error};

impl Session {
    /// How things stand at this guard's target: at once, at each change, and a tick every two
    /// seconds.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`].
    pub async fn attend(&self) -> Result<Streaming<v1::AttendResponse>, Error> {
        let request = v1::AttendRequest {};
        self.answer(self.guard_client().attend(request).await)
    }

    /// Puts on record that somebody came in; the session's id.
    ///
    /// # Errors
    /// [`Error::Refused`] where their grant does not lead there or is over, [`Error::Unverified`].
    pub async fn open_session(&self, request: v1::OpenSessionRequest) -> Result<String, Error> {
        let (grant, credential) = (request.grant.clone(), request.credential.clone());
        let answer = self.answer(self.guard_client().open_session(request).await)?;
        let entry = self.accept(answer.receipt.as_ref()).await?;
        entry.check_grant("session.opened", self.person(), &grant)?;
        says(&entry, "credential", &credential)?;
        says(&entry, "session", &answer.session)?;
        Ok(answer.session)
    }

    /// Puts on record that a session is over.
    ///
    /// # Errors
    /// [`Error::Refused`] where nobody knows it, or no longer; [`Error::Unverified`].
    pub async fn end_session(&self, request: v1::EndSessionRequest) -> Result<(), Error> {
        let session = request.session.clone();
        let answer = self.answer(self.guard_client().end_session(request).await)?;
        let entry = self.accept(answer.receipt.as_ref()).await?;
        if entry.kind != "session.ended" || entry.by != self.person() {
            return Err(not_that(&entry));
        }
        match session.as_str() {
            // It was named by what was drawn for it; its entry has the number.
            "" => Ok(()),
            session => says(&entry, "session", session),
        }
    }

    fn guard_client(&self) -> GuardServiceClient<Channel> {
        GuardServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}

fn says(entry: &Entry, field: &str, wanted: &str) -> Result<(), Error> {
    match entry.text(field) == Some(wanted) {
        true => Ok(()),
        false => Err(not_that(entry)),
    }
}

fn not_that(entry: &Entry) -> Error {
    Error::unverified(format!(
        "entry {} of the ledger ({} by {}) does not say what this guard told",
        entry.index, entry.kind, entry.by
    ))
}
