//! A period of the ledger, from the broker into a folder.

use std::path::Path;

use breakglass_proto::v1;
use breakglass_tlog::SignedCheckpoint;
use jiff::Timestamp;
use tonic::Streaming;

use crate::{
    audit::Report,
    error::Error,
    export::{Joint, Period, Start, Writer},
    session::Session,
    time,
    trust::Prover as _,
};

/// Which period.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
}

/// How it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To be taken away, which the ledger records.
    Export,
    /// To be looked at, as anybody with a certificate may.
    Follow,
}

/// Reads it, checks it from the ledger's first entry on, and writes the folder.
pub(super) async fn take(
    session: &Session,
    folder: &Path,
    asked: Asked,
    way: Way,
    progress: impl Fn(u64),
) -> Result<Report, Error> {
    // Before the copy is made, so that it is of no more than is in it.
    let (_, cosigned) = session.heads().await?;
    let (start, end) = ends(session, asked).await?;
    let mut entries = Entries::open(session, end, way).await?;
    let end = session.trust().verify_checkpoint(&entries.end)?;
    let start = match start {
        None => None,
        Some(checkpoint) => Some(Start {
            proof: Joint(session.prove(checkpoint.size(), end.size()).await?),
            checkpoint,
        }),
    };
    let period = Period {
        since: asked.since,
        until: asked.until,
        start,
        cosigned,
    };
    let mut writer = Writer::begin(folder, session.trust().keys(), period)?;
    let (mut count, mut last) = (0, None);
    while count < end.size() {
        for entry in entries.page().await? {
            if count < end.size() {
                last = Some(writer.entry(&entry.line)?.at);
                count += 1;
            }
        }
        progress(count);
    }
    let is_cut = asked.until.is_some_and(|until| last < Some(until));
    if is_cut && entries.is_older {
        return Err(Error::unverified(
            "the broker lets the period end too early: entries of it may follow",
        ));
    }
    writer.finish(&entries.end)
}

/// The checkpoint before the period, and the one after it: nothing where it begins with the ledger, or goes
/// to its newest entry.
async fn ends(
    session: &Session,
    asked: Asked,
) -> Result<(Option<SignedCheckpoint>, Option<String>), Error> {
    let until = match asked.until {
        Some(until) => first_since(session, until).await?,
        None => None,
    };
    let end = match until {
        // The first entry behind the period shows that nothing of it is missing.
        Some(index) => Some(session.checkpoints_around(index + 1).await?),
        None => None,
    };
    let first = match asked.since {
        None => return Ok((None, end.map(|[_, after]| after))),
        Some(since) => first_since(session, since).await?.ok_or_else(|| {
            Error::usage(
                format!("nothing happened since {since}"),
                "glass ledger list says when the newest entry was",
            )
        })?,
    };
    if first == 0 {
        return Ok((None, end.map(|[_, after]| after)));
    }
    let [before, _] = session.checkpoints_around(first).await?;
    let before = session.trust().verify_checkpoint(&before)?;
    let start = (before.size() > 0).then(|| SignedCheckpoint::clone(&before));
    Ok((start, end.map(|[_, after]| after)))
}

/// The first entry from a time on.
async fn first_since(session: &Session, since: Timestamp) -> Result<Option<u64>, Error> {
    let request = v1::ListEntriesRequest {
        since: Some(time::to_proto(since)),
        oldest_first: true,
        ..v1::ListEntriesRequest::default()
    };
    let found = session.list_entries(request, 1).await?;
    Ok(found.first().map(|entry| entry.index))
}

/// Entries from the first on.
struct Entries<'a> {
    session: &'a Session,
    /// The checkpoint over all of them.
    end: String,
    /// Whether there are newer ones.
    is_older: bool,
    stream: Stream,
}

enum Stream {
    Export(Streaming<v1::ExportEntriesResponse>),
    Follow(Streaming<v1::FollowEntriesResponse>),
}

impl<'a> Entries<'a> {
    async fn open(session: &'a Session, end: Option<String>, way: Way) -> Result<Self, Error> {
        let is_older = end.is_some();
        let (end, stream) = match way {
            Way::Export => {
                let size = match &end {
                    Some(note) => session.trust().verify_checkpoint(note)?.size(),
                    None => 0,
                };
                let mut stream = session.export(size).await?;
                let first = stream.message().await;
                let first = first.map_err(|status| session.explain(&status))?;
                let first = first.ok_or_else(|| Error::broken_answer("the export is empty"))?;
                session.accept_checkpoint(&first.checkpoint).await?;
                (end.unwrap_or(first.checkpoint), Stream::Export(stream))
            }
            Way::Follow => {
                let end = match end {
                    Some(end) => end,
                    None => session.checkpoint().await?,
                };
                (end, Stream::Follow(session.follow(Some(0)).await?))
            }
        };
        Ok(Self {
            session,
            end,
            is_older,
            stream,
        })
    }

    /// The next ones; there is always one until the checkpoint's size is reached.
    async fn page(&mut self) -> Result<Vec<v1::Entry>, Error> {
        let page = match &mut self.stream {
            Stream::Export(stream) => stream
                .message()
                .await
                .map(|page| page.map(|page| page.entries)),
            Stream::Follow(stream) => stream
                .message()
                .await
                .map(|item| item.map(|item| item.entry.into_iter().collect())),
        };
        let page = page.map_err(|status| self.session.explain(&status))?;
        page.filter(|page| !page.is_empty())
            .ok_or_else(|| Error::broken_answer("the entries end before the checkpoint"))
    }
}
