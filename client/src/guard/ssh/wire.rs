//! The real broker.

use breakglass_proto::v1;

use super::broker::{Broker, Ending, How, Once, Opening};
use crate::{error::Error, guard::attend::Post, time};

impl Broker for Post {
    async fn open(&self, opening: &Opening) -> Result<String, Error> {
        let request = v1::OpenSessionRequest {
            grant: opening.grant.clone(),
            credential: opening.credential.clone(),
            login: opening.login.clone(),
            origin: opening.origin.clone(),
            once: opening.once.map(|once| once.0.to_vec()).unwrap_or_default(),
            let_in_at: let_in_at(opening),
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
            once: Vec::new(),
        };
        self.ends(request).await
    }

    async fn refused(&self, once: &Once) -> Result<(), Error> {
        let request = v1::EndSessionRequest {
            how: how(How::Gone).into(),
            once: once.0.to_vec(),
            ..v1::EndSessionRequest::default()
        };
        self.ends(request).await
    }
}

impl Post {
    async fn ends(&self, request: v1::EndSessionRequest) -> Result<(), Error> {
        let ended = self.session()?.end_session(request).await;
        match self.loud(ended) {
            // It was on record already, or never: the answer was lost, or the question.
            Err(Error::Refused(refusal)) if refusal.reason == "UNKNOWN_SESSION" => Ok(()),
            ended => ended,
        }
    }
}

/// Without what it is told again by the broker would not know whether it was told before.
fn let_in_at(opening: &Opening) -> Option<prost_types::Timestamp> {
    let is_late = opening.late && opening.once.is_some();
    is_late.then(|| time::to_proto(opening.at))
}

fn how(how: How) -> v1::SessionEnd {
    match how {
        How::Closed => v1::SessionEnd::Closed,
        How::Killed => v1::SessionEnd::Killed,
        How::Gone => v1::SessionEnd::Gone,
    }
}
