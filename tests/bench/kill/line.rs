//! What a guard needs of the broker, over gRPC.

use std::collections::BTreeMap;

use breakglass_client::error::Error;
use breakglass_client::guard::ssh::broker::{
    Attending, Broker, EndedGrant, Ending, How, Live, News, Opening, Standing,
};
use breakglass_client::session::Session;
use breakglass_client::verify::SignedTick;
use breakglass_proto::v1;
use breakglass_proto::v1::guard_service_client::GuardServiceClient;
use breakglass_tlog::VerifierKey;
use jiff::Timestamp;
use prost_types::Duration;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// One guard's.
pub(super) struct Line {
    session: Session,
    client: GuardServiceClient<Channel>,
    vkey: VerifierKey,
}

impl Line {
    pub(super) fn new(session: Session, channel: Channel, vkey: VerifierKey) -> Self {
        let client = GuardServiceClient::new(channel);
        Self {
            session,
            client,
            vkey,
        }
    }

    fn explained(&self, status: &Status) -> Error {
        self.session.explain(status)
    }
}

impl Broker for Line {
    type Attending = Stream;

    async fn attend(&self) -> Result<Stream, Error> {
        let mut client = self.client.clone();
        let answer = client.attend(v1::AttendRequest {}).await;
        let answer = answer.map_err(|status| self.explained(&status))?;
        Ok(Stream(answer.into_inner(), self.vkey.clone()))
    }

    async fn open(&self, opening: &Opening) -> Result<String, Error> {
        let request = v1::OpenSessionRequest {
            grant: opening.grant.clone(),
            credential: opening.credential.clone(),
            login: opening.login.clone(),
            origin: opening.origin.clone(),
        };
        let answer = self.client.clone().open_session(request).await;
        let answer = answer.map_err(|status| self.explained(&status))?;
        Ok(answer.into_inner().session)
    }

    async fn end(&self, ending: &Ending) -> Result<(), Error> {
        let how = match ending.how {
            How::Closed => v1::SessionEnd::Closed,
            How::Killed => v1::SessionEnd::Killed,
            How::Gone => v1::SessionEnd::Gone,
        };
        let request = v1::EndSessionRequest {
            session: ending.session.clone(),
            how: how.into(),
            took: ending.took.and_then(|took| Duration::try_from(took).ok()),
        };
        let answer = self.client.clone().end_session(request).await;
        answer.map_err(|status| self.explained(&status))?;
        Ok(())
    }
}

pub(super) struct Stream(Streaming<v1::AttendResponse>, VerifierKey);

impl Attending for Stream {
    async fn next(&mut self) -> Result<News, Error> {
        let message = self.0.message().await;
        let message = message.map_err(|status| broken(status.message()))?;
        let message = message.ok_or_else(|| broken("it ended"))?;
        let tick = SignedTick::verify(&message.tick, &self.1);
        let tick = tick.map_err(|why| broken(&why.to_string()))?;
        Ok(News {
            standing: message.standing.map(standing),
            tick: Some(tick.tick().at),
            ..News::default()
        })
    }
}

fn broken(why: &str) -> Error {
    Error::Unreachable {
        what: format!("the stream broke: {why}"),
        next: String::new(),
    }
}

fn standing(standing: v1::Standing) -> Standing {
    let live = |live: v1::LiveGrant| {
        let ends_at = live
            .ends_at
            .and_then(|at| Timestamp::from_second(at.seconds).ok());
        let one = Live {
            person: live.person,
            right: live.right,
            incident: live.incident,
            ends_at: ends_at.unwrap_or(Timestamp::MAX),
        };
        (live.grant, one)
    };
    let ended = |ended: v1::EndedGrant| EndedGrant {
        grant: ended.grant,
        text: ended.text,
    };
    Standing {
        live: standing
            .live
            .into_iter()
            .map(live)
            .collect::<BTreeMap<_, _>>(),
        ended: standing.ended.into_iter().map(ended).collect(),
        doomed: standing.doomed,
    }
}
