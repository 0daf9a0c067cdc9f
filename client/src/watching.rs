//! Events and entries, as they happen.

use breakglass_proto::v1;
use tonic::Streaming;

use crate::{error::Error, session::Session, stream::Source};

/// Events, filtered; all empty means all of them.
#[derive(Debug, Clone, Default)]
pub struct Watching {
    /// Only this incident's.
    pub incident: String,
    /// Only this grant's.
    pub grant: String,
    /// Only what concerns this person.
    pub person: String,
}

impl Source for Watching {
    type Item = v1::WatchResponse;

    async fn open(
        &self,
        session: &Session,
        from: Option<u64>,
    ) -> Result<Streaming<Self::Item>, Error> {
        let Self {
            incident,
            grant,
            person,
        } = self.clone();
        session
            .watch(v1::WatchRequest {
                from_index: from,
                incident,
                grant,
                person,
            })
            .await
    }

    fn index(event: &Self::Item) -> Option<u64> {
        Some(event.index)
    }
}

/// Every entry.
#[derive(Debug, Clone, Copy)]
pub struct Following;

impl Source for Following {
    type Item = v1::FollowEntriesResponse;

    async fn open(
        &self,
        session: &Session,
        from: Option<u64>,
    ) -> Result<Streaming<Self::Item>, Error> {
        session.follow(from).await
    }

    fn index(item: &Self::Item) -> Option<u64> {
        item.entry.as_ref().map(|entry| entry.index)
    }
}
