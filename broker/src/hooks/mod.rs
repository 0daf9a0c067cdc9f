//! Alert sources: `POST /hooks/NAME` on the HTTPS listener.
//!
//! A delivery is read up to a limit, proven by one of the source's secrets, and only then understood.
//! Which sources there are, how each proves itself, and what it may open is the policy's; its secrets are
//! the config's. Whoever proves nothing is counted, never recorded, and told the same whatever was wrong; only
//! a body that is too large, too slow or one too many is answered as such before anything is proven, where
//! a source has this name and the header that proves it is there. A source that has proven itself and is
//! refused is put on record, folded where it repeats.
//!
//! Nothing here decides: the rules know an alert by its key, so that a delivery that comes twice, or two at
//! once, open one incident. What was delivered is remembered for as long as it would be taken again: what
//! changed something by its entry, the rest in memory (see `breakglass_domain::deliveries` for what a
//! restart leaves of that).

mod answer;
mod body;
pub mod limits;
mod pace;
mod proof;
mod secret;
mod text;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::routing::post;
use breakglass_domain::policy::SourceKind;
use breakglass_domain::{Actor, Delivery, Lifetime, SourceId, Time};
use http::header::CONTENT_LENGTH;
use http::{Extensions, HeaderMap, Request};
use tokio::time::timeout;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};

use crate::app::App;

pub use secret::{Secret, Secrets, TooShort};

use answer::{Answer, trace, trace_unproven};
use body::Said;
use limits::{BODY_MAX, BODY_PATIENCE, PAGERDUTY_SKEW, SKEW};
use pace::{Delivered, Pace, Places};
use proof::{Arrived, Proven};

/// What a delivery passes on its way in.
struct Hooks {
    app: Arc<App>,
    secrets: Secrets,
    places: Places,
    pace: Pace,
    peer_of: PeerOf,
}

/// Whom an address stands for.
pub type PeerOf = fn(IpAddr) -> IpAddr;

/// The routes, for the HTTPS listener.
pub fn routes(app: Arc<App>, secrets: Secrets, peer_of: PeerOf) -> Router {
    let hooks = Hooks {
        app,
        secrets,
        peer_of,
        places: Places::default(),
        pace: Pace::default(),
    };
    Router::new()
        .route("/hooks/{source}", post(deliver))
        .with_state(Arc::new(hooks))
}

async fn deliver(
    State(hooks): State<Arc<Hooks>>,
    Path(source): Path<String>,
    request: Request<Body>,
) -> Answer {
    let Ok(source) = source.parse::<SourceId>() else {
        hooks.app.count_refusal(STRANGER);
        return Answer::Stranger;
    };
    let answer = match hooks.take(&source, request).await {
        Ok(answer) => answer,
        Err(Early(answer)) => {
            hooks.app.count_refusal(STRANGER);
            trace_unproven(&source, &answer);
            return answer;
        }
    };
    trace(&source, &answer);
    if answer.is_for_good() {
        hooks.app.note_unheard(&source, answer.text());
    }
    if let Some(reason) = answer.refusal() {
        let by = Actor::from(&source);
        let text = answer.text();
        hooks.app.note_refusal(&by, "alert", reason, &text).await;
    }
    answer
}

/// What is answered before anything is proven, so perhaps to a stranger.
struct Early(Answer);

/// What strangers, and whoever may be one, are counted under.
const STRANGER: &str = "ALERT_UNPROVEN";

impl Hooks {
    async fn take(&self, source: &SourceId, request: Request<Body>) -> Result<Answer, Early> {
        let (parts, body) = request.into_parts();
        let known = self.app.source_kind(source).zip(self.secrets.of(source));
        let Some((kind, secrets)) = known else {
            return Err(Early(Answer::Stranger));
        };
        if !proof::has_proof(kind, &parts.headers) {
            return Err(Early(Answer::Stranger));
        }
        if let Some(Err(_)) = proof::proves_alone(kind, &parts.headers, &secrets) {
            return Err(Early(Answer::Stranger));
        }
        let body = self.read(&parts.headers, &parts.extensions, body).await?;
        let arrived = Arrived {
            source,
            headers: &parts.headers,
            body: &body,
        };
        let Ok(proven) = proof::prove(kind, &arrived, &secrets) else {
            return Err(Early(Answer::Stranger));
        };
        if let Some(peer) = self.peer(&parts.extensions) {
            self.places.proved(peer, self.app.monotonic());
        }
        Ok(self.understand(source, kind, proven, &body).await)
    }

    fn peer(&self, extensions: &Extensions) -> Option<IpAddr> {
        address(extensions).map(self.peer_of)
    }

    /// The body, as far as it is not too large, too slow or too much at once.
    async fn read(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        body: Body,
    ) -> Result<axum::body::Bytes, Early> {
        let length = headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > BODY_MAX as u64) {
            return Err(Early(Answer::TooLarge));
        }
        let place = self
            .places
            .take(self.peer(extensions), self.app.monotonic())
            .ok_or(Early(Answer::Busy))?;
        let read = timeout(BODY_PATIENCE, to_bytes(body, BODY_MAX)).await;
        drop(place);
        match read {
            Ok(Ok(body)) => Ok(body),
            // Where it broke off there is nobody to answer.
            Ok(Err(_)) => Err(Early(Answer::TooLarge)),
            Err(_) => Err(Early(Answer::Slow)),
        }
    }

    async fn understand(
        &self,
        source: &SourceId,
        kind: SourceKind,
        proven: Proven,
        body: &[u8],
    ) -> Answer {
        let now = self.app.now();
        if let Some(at) = proven.signed_at
            && !is_near(at, now, SKEW)
        {
            return Answer::Old { at, now };
        }
        let read = match body::read(kind, body) {
            Ok(read) => read,
            Err(unread) => return Answer::Unread(unread),
        };
        let delivery = match self.fresh(source, proven, read.delivery, now) {
            Ok(delivery) => delivery,
            Err(answer) => return answer,
        };
        // Not before: whoever plays an old delivery again takes nothing of what the source may send.
        if !self.pace.may(source, self.app.monotonic()) {
            return Answer::Busy;
        }
        let alarm = match read.said {
            Said::Alarm(alarm) => alarm,
            Said::Nothing(what) => return Answer::Nothing(what),
        };
        let (id, until) = delivery.map_or((None, now), |(id, until)| (Some(id), until));
        let key = alarm.key().clone();
        // The rules know of what changed something; what found its alert as it was stands here alone.
        let took_newer = |it: &Delivery| self.pace.took_newer(source, &key, it.signed_at);
        if id.as_ref().is_some_and(took_newer) {
            return Answer::Nothing("something newer of this alert was taken");
        }
        match self.app.hear(source, alarm, id.clone()).await {
            Ok(heard) => {
                if let Some(Delivery { id, signed_at }) = id {
                    let said = Some((key, signed_at.min(now)));
                    self.pace.took(source, id, until, said);
                }
                Answer::Heard(heard)
            }
            Err(error) => Answer::Failed(error),
        }
    }

    /// What tells the delivery from any other, and until when it would be taken, where it has an id.
    fn fresh(
        &self,
        source: &SourceId,
        proven: Proven,
        in_body: Option<Delivery>,
        now: Time,
    ) -> Result<Option<(Delivery, Time)>, Answer> {
        let nonce = proven.nonce.and_then(|nonce| text::key(&nonce));
        let by_header = nonce.zip(proven.signed_at);
        let by_header = by_header.map(|(id, signed_at)| Delivery { id, signed_at });
        let skew = if by_header.is_some() {
            SKEW
        } else {
            PAGERDUTY_SKEW
        };
        let Some(delivery) = by_header.or(in_body) else {
            return Ok(None);
        };
        let at = delivery.signed_at;
        if !is_near(at, now, skew) {
            return Err(Answer::Old { at, now });
        }
        match self.pace.delivered(source, &delivery.id, now) {
            Delivered::New if self.app.was_delivered(source, &delivery.id) => {
                Err(Answer::DeliveredBefore)
            }
            Delivered::New => Ok(Some((delivery, at.plus(skew)))),
            Delivered::Before => Err(Answer::DeliveredBefore),
            Delivered::NoRoom => Err(Answer::Busy),
        }
    }
}

fn is_near(at: Time, now: Time, skew: Lifetime) -> bool {
    at.plus(skew) >= now && at <= now.plus(skew)
}

fn address(extensions: &Extensions) -> Option<IpAddr> {
    let info = extensions.get::<TlsConnectInfo<TcpConnectInfo>>()?;
    info.get_ref().remote_addr().map(|address| address.ip())
}
