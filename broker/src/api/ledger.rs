//! `LedgerService`: entries, proofs and checkpoints.

use breakglass_domain::Line;
use breakglass_proto::v1::{self, ledger_service_server::LedgerService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::limits::{ENTRY_PAGE, NAME_MAX, PROVEN_PAGE};
use super::stream::{Messages, Source};
use crate::app::Export;
use crate::app::feed::Subscription;
use crate::ports::EntryFilter;

#[tonic::async_trait]
impl LedgerService for Desk {
    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let (_, asked) = self.admitted(request)?;
        // First: what is newer than the checkpoint beside it would be of no use to anybody.
        let cosigned = self.app.witnessed();
        let cosigned = cosigned.map(|cosigned| cosigned.note().to_owned());
        let cosigned = cosigned.unwrap_or_default();
        if asked.around_size == 0 {
            return Ok(Response::new(v1::GetCheckpointResponse {
                checkpoint: self.app.checkpoint().note().to_owned(),
                before: String::new(),
                cosigned,
            }));
        }
        let around = self.app.checkpoints_around(asked.around_size).await?;
        Ok(Response::new(v1::GetCheckpointResponse {
            checkpoint: around.after,
            before: around.before,
            cosigned: String::new(),
        }))
    }

    async fn get_entry(
        &self,
        request: Request<v1::GetEntryRequest>,
    ) -> Result<Response<v1::GetEntryResponse>, Status> {
        let (_, asked) = self.admitted(request)?;
        let receipt = self.app.entry(asked.index).await?;
        Ok(Response::new(v1::GetEntryResponse {
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Result<Response<v1::ListEntriesResponse>, Status> {
        let (_, asked) = self.admitted(request)?;
        let filter = filter(&asked)?;
        let after = convert::optional("cursor", &asked.cursor)?;
        let limit = match asked.proven {
            true => PROVEN_PAGE.of(asked.limit),
            false => ENTRY_PAGE.of(asked.limit),
        };
        let page = self.app.entries(&filter, after, limit).await?;
        let entries = page.entries.iter();
        let mut entries: Vec<_> = entries
            .map(|(place, line)| convert::entry(*place, line))
            .collect();
        if asked.told {
            let told = self.app.told(&page).await?;
            for (entry, text) in entries.iter_mut().zip(told) {
                entry.text = text;
            }
        }
        let mut checkpoint = String::new();
        if asked.proven {
            let proven = self.app.prove(&page).await?;
            proven.checkpoint.note().clone_into(&mut checkpoint);
            for (entry, proof) in entries.iter_mut().zip(&proven.proofs) {
                entry.inclusion = convert::hashes(&proof.hashes);
            }
        }
        Ok(Response::new(v1::ListEntriesResponse {
            entries,
            read: page.read,
            checkpoint,
            next_cursor: page
                .more_after
                .map(|last| last.to_string())
                .unwrap_or_default(),
        }))
    }

    type FollowEntriesStream = Messages<v1::FollowEntriesResponse>;

    async fn follow_entries(
        &self,
        request: Request<v1::FollowEntriesRequest>,
    ) -> Result<Response<Self::FollowEntriesStream>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let open = self.open_stream_from(&caller, asked.from_index)?;
        let events = self.app.follow(asked.from_index)?;
        Ok(Response::new(self.stream(caller, open, events)))
    }

    type ExportEntriesStream = Messages<v1::ExportEntriesResponse>;

    async fn export_entries(
        &self,
        request: Request<v1::ExportEntriesRequest>,
    ) -> Result<Response<Self::ExportEntriesStream>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let open = self.open_stream(&caller.person)?;
        let export = self
            .app
            .export(&caller, asked.from_index, asked.to_index)
            .await?;
        let checkpoint = export.checkpoint.note().to_owned();
        let copy = Copy {
            checkpoint: Some(checkpoint),
            export,
        };
        Ok(Response::new(self.stream(caller, open, copy)))
    }

    async fn prove_consistency(
        &self,
        request: Request<v1::ProveConsistencyRequest>,
    ) -> Result<Response<v1::ProveConsistencyResponse>, Status> {
        let asked = self.let_in(request)?;
        let grown = self
            .app
            .prove_consistency(asked.old_size, asked.new_size)
            .await?;
        Ok(Response::new(convert::consistency(&grown)))
    }
}

fn filter(asked: &v1::ListEntriesRequest) -> Result<EntryFilter, Error> {
    let since = asked.since.map(|since| convert::time_from("since", since));
    let until = asked.until.map(|until| convert::time_from("until", until));
    Ok(EntryFilter {
        person: convert::optional("person", &asked.person)?,
        right: convert::optional("right", &asked.right)?,
        incident: convert::optional("incident", &asked.incident)?,
        grant: convert::optional("grant", &asked.grant)?,
        kind: kind(&asked.kind)?,
        target: convert::optional("target", &asked.target)?,
        outcome: outcome(&asked.outcome)?,
        text: text(&asked.text)?,
        since: since.transpose()?,
        until: until.transpose()?,
        oldest_first: asked.oldest_first,
    })
}

/// A kind, or the part before its dot: `grant.ended`, `grant`.
fn kind(text: &str) -> Result<Option<String>, Error> {
    let proper = |b: u8| b.is_ascii_lowercase() || b == b'.' || b == b'-';
    if text.len() > NAME_MAX || !text.bytes().all(proper) {
        let why = "a kind reads like `grant.ended`, or `grant` for all of them".to_owned();
        return Err(Error::Argument { field: "kind", why });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A word as it stands in an entry: `expired`, `NOT_ALLOWED`.
fn outcome(text: &str) -> Result<Option<String>, Error> {
    let proper = |b: u8| b.is_ascii_alphabetic() || b == b'-' || b == b'_';
    if text.len() > NAME_MAX || !text.bytes().all(proper) {
        let why = "an outcome reads like `expired`, `approved`, or `NOT_ALLOWED`".to_owned();
        let field = "outcome";
        return Err(Error::Argument { field, why });
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn text(text: &str) -> Result<Option<Line>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let line = Line::parse(text).map_err(|why| Error::Argument {
        field: "text",
        why: why.to_string(),
    })?;
    Ok(Some(line))
}

impl Source for Subscription {
    type Message = v1::FollowEntriesResponse;

    async fn next(&mut self) -> Result<Option<Self::Message>, Error> {
        let told = Self::next(self).await?;
        let entry = convert::entry(told.index(), &told.recorded.line);
        Ok(Some(v1::FollowEntriesResponse { entry: Some(entry) }))
    }

    fn reads_old_entries(&self) -> bool {
        Self::reads_old_entries(self)
    }
}

/// The checkpoint, then what it covers.
struct Copy {
    checkpoint: Option<String>,
    export: Export,
}

impl Source for Copy {
    type Message = v1::ExportEntriesResponse;

    async fn next(&mut self) -> Result<Option<Self::Message>, Error> {
        if let Some(checkpoint) = self.checkpoint.take() {
            let entries = Vec::new();
            return Ok(Some(v1::ExportEntriesResponse {
                checkpoint,
                entries,
            }));
        }
        let page = self.export.next_page().await?;
        let entries = page
            .iter()
            .map(|(place, line)| convert::entry(*place, line));
        Ok((!page.is_empty()).then(|| v1::ExportEntriesResponse {
            checkpoint: String::new(),
            entries: entries.collect(),
        }))
    }
}
