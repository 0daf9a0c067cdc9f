//! The real broker.

use breakglass_proto::v1;

use super::broker::{Broker, Ending, How, Opening};
use crate::{error::Error, guard::attend::Post};

impl Broker for Post {
    async fn open(&self, opening: &Opening) -> Result<String, Error> {
        let request = v1::OpenSessionRequest {
            grant: opening.grant.clone(),
            credential: opening.credential.clone(),
            login: opening.login.clone(),
            origin: opening.origin.clone(),
        };
        let opened = self.session()?.open_session(request).await;
        self.loud(opened)
    }

    async fn end(&self, ending: &Ending) -> Result<(), Error> {
        let took = ending.took.map(prost_types::Duration::try_from);
        let request = v1::EndSessionRequest {
            session: ending.session.clone(),
            how: how(ending.how).into(),
            took: took.and_then(Result::ok),
        };
        let ended = self.session()?.end_session(request).await;
        match self.loud(ended) {
            // It was on record already: the answer was lost.
            Err(Error::Refused(refusal)) if refusal.reason == "UNKNOWN_SESSION" => Ok(()),
            ended => ended,
        }
    }
}

fn how(how: How) -> v1::SessionEnd {
    match how {
        How::Closed => v1::SessionEnd::Closed,
        How::Killed => v1::SessionEnd::Killed,
        How::Gone => v1::SessionEnd::Gone,
    }
}
