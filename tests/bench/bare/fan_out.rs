//! One message to everybody who watches: a channel that all streams share, and nothing before it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use breakglass_proto::v1::enroll_service_client::EnrollServiceClient;
use breakglass_proto::v1::watch_service_server::WatchService;
use breakglass_proto::v1::{EnrollRequest, WatchRequest, WatchResponse};
use prost::Message as _;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::Outcome;

/// Messages on their way at once.
const ON_THE_WAY: usize = 16;

/// The shared channel.
#[derive(Clone)]
pub(super) struct Fan {
    watchers: broadcast::Sender<WatchResponse>,
    told: Arc<AtomicU64>,
}

impl Default for Fan {
    fn default() -> Self {
        let (watchers, told) = (broadcast::Sender::new(ON_THE_WAY), Arc::default());
        Self { watchers, told }
    }
}

impl Fan {
    /// Tells this text to everybody; the number of the message.
    pub(super) fn tell(&self, text: &str) -> u64 {
        let index = self.told.fetch_add(1, Ordering::Relaxed) + 1;
        let text = text.to_owned();
        // Nobody watches while only echoes are measured.
        let _ = self.watchers.send(WatchResponse {
            index,
            text,
            ..Default::default()
        });
        index
    }
}

#[tonic::async_trait]
impl WatchService for Fan {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let told = BroadcastStream::new(self.watchers.subscribe());
        let told = told.map(|told| told.map_err(|_| Status::data_loss("too slow")));
        Ok(Response::new(Box::pin(told)))
    }
}

/// Rings for all of them.
pub(crate) struct Bell(EnrollServiceClient<Channel>);

impl Bell {
    pub(super) fn new(channel: Channel) -> Self {
        Self(EnrollServiceClient::new(channel))
    }

    /// Has everybody told a message of so many bytes; its number.
    pub(crate) async fn ring(&mut self, bytes: usize) -> Outcome<u64> {
        let request = EnrollRequest {
            token: text_for(bytes),
            ..Default::default()
        };
        let answer = self.0.enroll(request).await?;
        Ok(answer.into_inner().person.parse()?)
    }
}

/// A text that makes the whole message so long.
fn text_for(bytes: usize) -> String {
    let mut message = WatchResponse {
        index: 1,
        text: "x".repeat(bytes),
        ..Default::default()
    };
    let over = message.encoded_len().saturating_sub(bytes);
    message.text.truncate(bytes.saturating_sub(over).max(1));
    message.text
}
