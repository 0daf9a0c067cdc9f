//! What `glass exec` needs of the broker, so that its story can be told without one.

use std::{future::Future, pin::Pin};

use breakglass_proto::v1::{Credential, CredentialKind, Grant, HoldGrantResponse};
use jiff::Timestamp;
use tokio_stream::{Stream, StreamExt as _};

use super::{Order, papers::Wanted};
use crate::{
    error::Error,
    session::{Asked, Session},
    time,
};

/// The broker's desk, as seen by one holder. Every answer's receipt is checked before it comes
/// here.
pub(super) trait Desk: Send + Sync + 'static {
    /// What happens to a grant.
    type News: Stream<Item = Result<HoldGrantResponse, Error>> + Send + Unpin + 'static;

    /// The context that leads here, for the `glass` of the command.
    fn context(&self) -> &str;

    /// The broker's time now.
    fn now(&self) -> Timestamp;

    /// Asks for a held grant, and for a credential of this kind if it begins at once.
    fn request(
        &self,
        order: &Order,
        along: CredentialKind,
    ) -> impl Future<Output = Result<(Grant, Option<Credential>), Error>> + Send;

    /// The grant as it stands.
    fn look(&self, grant: &str) -> impl Future<Output = Result<Grant, Error>> + Send;

    /// What was vetoed of the same before, where that is why this cannot be begun alone.
    fn vetoed_before(
        &self,
        grant: &Grant,
    ) -> impl Future<Output = Result<Option<Grant>, Error>> + Send;

    /// Begins one's own grant, where nobody answered.
    fn self_grant(&self, grant: &Grant) -> impl Future<Output = Result<Grant, Error>> + Send;

    /// A credential under an active grant.
    fn issue(
        &self,
        grant: &str,
        wanted: &Wanted,
    ) -> impl Future<Output = Result<Credential, Error>> + Send;

    /// What happened to the grant since entry `from`, and what will.
    fn hold(
        &self,
        grant: &str,
        from: u64,
    ) -> impl Future<Output = Result<Self::News, Error>> + Send;

    /// Gives the grant back, or takes the request back.
    fn give_back(&self, grant: &str) -> impl Future<Output = Result<Grant, Error>> + Send;

    /// Records that the credential was put to use by this program.
    fn report_use(
        &self,
        grant: &str,
        program: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

impl Desk for Session {
    type News = Pin<Box<dyn Stream<Item = Result<HoldGrantResponse, Error>> + Send>>;

    fn context(&self) -> &str {
        Session::context(self).name.as_str()
    }

    /// The broker's clock as the session carries it on stands still while this laptop sleeps; the
    /// laptop's own does not, but can be set. The later one of both is never too late for an end.
    fn now(&self) -> Timestamp {
        let ours = time::now()
            .saturating_add(self.skew())
            .unwrap_or(Timestamp::MIN);
        Session::now(self).max(ours)
    }

    async fn request(
        &self,
        order: &Order,
        along: CredentialKind,
    ) -> Result<(Grant, Option<Credential>), Error> {
        let asked = Asked {
            right: &order.right,
            incident: &order.incident,
            reason: &order.reason,
            length: order.length,
            held: true,
            credential: along,
        };
        let answer = Session::request(self, &asked).await?;
        let grant = answer
            .grant
            .ok_or_else(|| Error::broken_answer("it has no grant"))?;
        Ok((grant, answer.credential))
    }

    async fn look(&self, grant: &str) -> Result<Grant, Error> {
        Session::grant(self, grant).await
    }

    async fn vetoed_before(&self, grant: &Grant) -> Result<Option<Grant>, Error> {
        Session::vetoed_before(self, grant).await
    }

    async fn self_grant(&self, grant: &Grant) -> Result<Grant, Error> {
        Session::self_grant(self, grant).await
    }

    async fn issue(&self, grant: &str, wanted: &Wanted) -> Result<Credential, Error> {
        self.issue_as(grant, wanted.kind, &wanted.key).await
    }

    async fn hold(&self, grant: &str, from: u64) -> Result<Self::News, Error> {
        let stream = Session::hold(self, grant, from).await?;
        let session = self.clone();
        Ok(Box::pin(stream.map(move |event| {
            event.map_err(|status| session.explain(&status))
        })))
    }

    async fn give_back(&self, grant: &str) -> Result<Grant, Error> {
        self.drop_grant(grant).await
    }

    async fn report_use(&self, grant: &str, program: &str) -> Result<(), Error> {
        Session::report_use(self, grant, program).await
    }
}

/// Whether an error means that the grant is not ours to use any more, so that the command has to
/// end; everything else may pass.
pub(super) fn ends_access(error: &Error) -> bool {
    match error {
        Error::Ended { .. } | Error::Denied { .. } | Error::Unverified { .. } => true,
        Error::Refused(refusal) => matches!(
            refusal.reason.as_str(),
            "GRANT_ENDED"
                | "UNKNOWN_GRANT"
                | "INCIDENT_CLOSED"
                | "NOT_YOURS"
                | "NOT_ALLOWED"
                | "NOT_PERMITTED"
                | "NOT_ENROLLED"
                | "PERSON_FROZEN"
        ),
        _ => false,
    }
}
