//! `WatchService`: what happens, as it happens.

use breakglass_proto::v1::{self, watch_service_server::WatchService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::stream::{Messages, Source};
use crate::app::{Watch, WatchFilter, WatchNews};

#[tonic::async_trait]
impl WatchService for Desk {
    type WatchStream = Messages<v1::WatchResponse>;

    async fn watch(
        &self,
        request: Request<v1::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let filter = WatchFilter {
            incident: convert::optional("incident", &asked.incident)?,
            grant: convert::optional("grant", &asked.grant)?,
            person: convert::optional("person", &asked.person)?,
        };
        let open = self.open_stream_from(&caller, asked.from_index)?;
        let watch = self.app.watch(asked.from_index, filter)?;
        Ok(Response::new(self.stream(caller, open, watch)))
    }
}

impl Source for Watch {
    type Message = v1::WatchResponse;

    async fn next(&mut self) -> Result<Option<Self::Message>, Error> {
        Ok(Some(message(&Self::next(self).await?)))
    }

    fn reads_old_entries(&self) -> bool {
        Self::reads_old_entries(self)
    }
}

fn message(news: &WatchNews) -> v1::WatchResponse {
    let event = news.told.event();
    v1::WatchResponse {
        index: news.told.index(),
        at: Some(convert::time(event.at)),
        kind: news.told.kind().to_owned(),
        by: event.by.to_string(),
        text: news.text.clone(),
        grant: news
            .grant
            .as_ref()
            .map(|grant| convert::grant(grant, &news.asked, event.at)),
        incident: news.incident.as_ref().map(convert::incident_in_brief),
    }
}
