//! Acts of a drill, and the proof that all of it is in the ledger.

use breakglass_proto::{
    statement::Act,
    v1::{self, drill_service_client::DrillServiceClient},
};
use tonic::transport::Channel;

use super::Session;
use crate::{entry::Entry, error::Error};

/// How a drill went, as it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Went {
    /// Every step was taken, within its budget.
    pub good: bool,
    /// `open 14/5000, ask 21/5000`: how long each took, and may take, in milliseconds.
    pub steps: String,
    /// What failed, or was slow; empty where nothing was.
    pub failed: String,
}

impl Session {
    /// Opens a drill; its entry comes with it.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn open_drill(&self, title: &str) -> Result<(v1::Incident, Entry), Error> {
        let title = title.to_owned();
        let act = Act::OpenDrill { title };
        let send = |signed| {
            let mut client = self.drills();
            let signed = Some(signed);
            let request = v1::OpenDrillRequest { signed };
            async move { client.open_drill(request).await }
        };
        let (answer, entry) = self.act(act, send).await?;
        let opened = answer.incident;
        let opened = opened.ok_or_else(|| Error::broken_answer("it has no incident"))?;
        Ok((opened, entry))
    }

    /// Records how a drill went; the index of the entry is returned.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn record_drill(&self, incident: &str, went: &Went) -> Result<u64, Error> {
        let act = Act::RecordDrill {
            incident: incident.to_owned(),
            good: went.good,
            steps: went.steps.clone(),
            failed: went.failed.clone(),
        };
        let send = |signed| {
            let mut client = self.drills();
            let signed = Some(signed);
            let request = v1::RecordDrillRequest { signed };
            async move { client.record_drill(request).await }
        };
        let (_, entry) = self.act(act, send).await?;
        Ok(entry.index)
    }

    /// Proves that every entry of a drill is in the ledger and says that it belongs to one, and that the
    /// ledger only grew meanwhile. How many there are.
    ///
    /// # Errors
    /// [`Error::Unverified`]; [`Error::Setup`] where the list does not yet name the entry `until`.
    pub async fn prove_drill(&self, incident: &str, until: u64) -> Result<usize, Error> {
        let asked = v1::ListEntriesRequest {
            incident: incident.to_owned(),
            ..v1::ListEntriesRequest::default()
        };
        let listed = self.list_entries(asked, ENTRIES).await?;
        let mut kinds = Vec::new();
        for listed in &listed {
            let receipt = self.entry(listed.index).await?;
            let entry = Entry::parse(&receipt.entry).map_err(|why| Error::broken_answer(&why))?;
            if entry.text("incident") != Some(incident) || !entry.is_drill() {
                return Err(Error::unverified(format!(
                    "entry {} of the ledger is listed as of {incident}, a drill, and does not say so",
                    entry.index
                )));
            }
            kinds.push(entry.kind);
        }
        // It is listed in order, so that nothing before it is missing.
        if !listed.iter().any(|entry| entry.index == until) {
            return Err(Error::broken_answer(&format!(
                "entry {until} is not among those of {incident}"
            )));
        }
        for kind in PROVEN {
            if !kinds.iter().any(|it| it == kind) {
                return Err(Error::unverified(format!(
                    "the ledger has no {kind} of {incident}, which was walked"
                )));
            }
        }
        Ok(listed.len())
    }

    fn drills(&self) -> DrillServiceClient<Channel> {
        DrillServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}

/// Entries of one drill that are proven one by one: a command that logs in a hundred times has some
/// hundreds.
const ENTRIES: usize = 2_000;

/// What every drill that was walked to its end has left in the ledger.
const PROVEN: [&str; 5] = [
    "incident.opened",
    "grant.requested",
    "grant.started",
    "credential.issued",
    "incident.closed",
];
