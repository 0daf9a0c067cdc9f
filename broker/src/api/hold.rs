//! `HoldGrant`: a grant lives while its holder listens.

use breakglass_proto::v1;
use tonic::Request;

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::stream::{Messages, Source};
use crate::app::{Hold, HoldNews};

impl Desk {
    pub(super) async fn held(
        &self,
        request: Request<v1::HoldGrantRequest>,
    ) -> Result<Messages<v1::HoldGrantResponse>, Error> {
        let (caller, asked) = self.admitted(request)?;
        let grant = convert::required("grant", &asked.grant)?;
        let open = self.open_stream(&caller.person)?;
        let hold = self.app.hold(&caller, grant, asked.from_index).await?;
        Ok(self.stream(caller, open, hold))
    }
}

impl Source for Hold {
    type Message = v1::HoldGrantResponse;

    const LAST_WORDS: bool = true;

    async fn next(&mut self) -> Result<Option<Self::Message>, Error> {
        Ok(Self::next(self).await?.as_ref().map(message))
    }

    fn is_behind(&self) -> bool {
        Self::is_behind(self)
    }
}

fn message(news: &HoldNews) -> v1::HoldGrantResponse {
    let event = news.told.event();
    v1::HoldGrantResponse {
        index: news.told.index(),
        at: Some(convert::time(event.at)),
        kind: news.told.kind().to_owned(),
        by: event.by.to_string(),
        text: news.text.clone(),
        grant: Some(convert::grant(&news.grant, &news.asked, event.at)),
    }
}
