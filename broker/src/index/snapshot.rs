//! The live state as of one entry, so that a start needs no history. In `meta`:
//! `snapshot` -> number of parts, and their [`seal`](super::seal); `part` number -> a slice of the JSON.

mod deliveries;
mod drills;
mod invitations;
mod reviews;
mod targets;

use std::sync::Arc;

use breakglass_domain::budget::Budgets;
use breakglass_domain::people::{Device, Freeze, Member};
use breakglass_domain::played::Played;
use breakglass_domain::stream::{Stream, Streams};
use breakglass_domain::witnessing::Witnessing;
use breakglass_domain::{GrantId, IncidentId, Line, Nonce, Policy, State, StreamName, Time};
use serde::{Deserialize, Serialize};

use super::record::{GrantRecord, IncidentRecord, from_bytes, to_bytes, word};
use super::seal::{self, Sealer};
use super::store::{Store, broken};
use crate::ports::{IndexError, LedgerReader};
use deliveries::DeliveriesRecord;
use drills::DrillsRecord;
use invitations::InvitationRecord;
use reviews::ReviewsRecord;
use targets::TargetsRecord;

/// sled moves values above a quarter segment to side files that our fdatasync does not cover.
const PART_BYTES: usize = 32 * 1024;

const MARK: &[u8] = b"snapshot";

#[derive(Serialize, Deserialize)]
struct Mark {
    parts: u32,
    /// Missing in what was written before there were any.
    #[serde(default)]
    seal: String,
}

/// Everything of [`State`] that is not derived from the rest.
#[derive(Serialize, Deserialize)]
struct StateRecord {
    policy: String,
    policy_sha256: String,
    policy_loaded_ms: i64,
    members: Vec<MemberRecord>,
    tokens: Vec<InvitationRecord>,
    incidents: Vec<(IncidentRecord, Vec<u64>)>,
    grants: Vec<GrantRecord>,
    next_incident: u64,
    next_grant: u64,
    nonces: Vec<([u8; 16], i64)>,
    /// Without a default: who does not know them reads the ledger again.
    played: Vec<([u8; 16], i64)>,
    played_forgotten_ms: Option<i64>,
    openings: Vec<(String, Vec<i64>)>,
    budgets: Vec<(String, i64)>,
    newest_ms: i64,
    #[serde(default)]
    targets: TargetsRecord,
    /// Not in what was written before there were any: that is made again from the ledger.
    reviews: ReviewsRecord,
    /// How far witnesses have signed, and since when too few do. Before there were any: nothing.
    #[serde(default)]
    witnessing: (u64, Option<i64>),
    /// Name, kind, destination. There were none where it is missing.
    #[serde(default)]
    streams: Vec<(String, String, String)>,
    /// The same.
    deliveries: DeliveriesRecord,
    /// Before there were any there was nothing to remember.
    #[serde(default)]
    drills: DrillsRecord,
}

#[derive(Serialize, Deserialize)]
struct MemberRecord {
    person: String,
    devices: Vec<(String, String, Vec<u8>, i64, i64)>,
    frozen: Option<(String, i64, String)>,
}

/// The newest snapshot, where the ledger's key has signed it for this ledger; the empty state where
/// there is none.
pub(super) fn load(
    store: &Store,
    sealer: &Sealer,
    reader: &dyn LedgerReader,
) -> Result<(u64, State), IndexError> {
    let Some(mark) = store.meta.get(MARK).map_err(broken)? else {
        return Ok((0, State::default()));
    };
    let mark: Mark = from_bytes(&mark)?;
    if mark.seal.is_empty() {
        return Err(IndexError(
            "its snapshot is not signed by the ledger's key".into(),
        ));
    }
    let mut bytes = Vec::new();
    for part in 0..mark.parts {
        let found = store.meta.get(part_key(part)).map_err(broken)?;
        bytes.extend_from_slice(&found.ok_or_else(|| IndexError("a snapshot is torn".into()))?);
    }
    let up_to = seal::open(&mark.seal, sealer, reader, &bytes)?;
    let record: StateRecord = from_bytes(&bytes)?;
    Ok((up_to, record.into_state()?))
}

/// Replaces the snapshot. Everything before it is durable first; then the parts and their mark
/// change in one sled batch, which is atomic. Answers how many bytes it takes.
pub(super) fn save(
    store: &Store,
    sealer: &Sealer,
    reader: &dyn LedgerReader,
    (up_to, state): (u64, &State),
) -> Result<u64, IndexError> {
    store.sync()?;
    let bytes = to_bytes(&StateRecord::from(state));
    let seal = seal::seal(sealer, reader, up_to, &bytes)?;
    let mut batch = sled::Batch::default();
    let mut parts = 0;
    for part in bytes.chunks(PART_BYTES) {
        batch.insert(part_key(parts), part);
        parts += 1;
    }
    batch.insert(MARK, to_bytes(&Mark { parts, seal }));
    store.meta.apply_batch(batch).map_err(broken)?;
    store.sync()?;
    Ok(bytes.len() as u64)
}

fn part_key(part: u32) -> Vec<u8> {
    [b"part".as_slice(), &part.to_be_bytes()].concat()
}

impl From<&State> for StateRecord {
    fn from(state: &State) -> Self {
        let numbers = |ids: &[GrantId]| ids.iter().map(|id| id.0).collect();
        Self {
            policy: state.policy.text.to_string(),
            policy_sha256: state.policy_sha256.clone(),
            policy_loaded_ms: state.policy_loaded_at.as_millis(),
            members: state
                .members
                .iter()
                .map(|(person, member)| member_record(person.to_string(), member))
                .collect(),
            tokens: InvitationRecord::of(&state.tokens),
            incidents: state
                .incidents
                .values()
                .map(|incident| (incident.into(), numbers(&incident.grants)))
                .collect(),
            grants: state.grants.values().map(GrantRecord::from).collect(),
            next_incident: state.next_incident.0,
            next_grant: state.next_grant.0,
            nonces: state
                .nonces
                .iter()
                .map(|(nonce, at)| (nonce.0, at.as_millis()))
                .collect(),
            played: state
                .played
                .kept()
                .map(|(at, nonce)| (nonce.0, at.as_millis()))
                .collect(),
            played_forgotten_ms: state.played.forgotten_up_to().map(Time::as_millis),
            openings: state
                .openings
                .iter()
                .map(|(who, at)| (who.to_string(), at.iter().map(|t| t.as_millis()).collect()))
                .collect(),
            budgets: state
                .budgets
                .spent()
                .map(|(of, whole_at)| (of.to_string(), whole_at.as_millis()))
                .collect(),
            newest_ms: state.newest.as_millis(),
            targets: (&state.targets).into(),
            reviews: (&state.reviews).into(),
            witnessing: {
                let lost = state.witnessing.lost_since;
                (state.witnessing.size, lost.map(Time::as_millis))
            },
            streams: state.streams.0.iter().map(stream_record).collect(),
            deliveries: (&state.deliveries).into(),
            drills: (&state.drills).into(),
        }
    }
}

fn member_record(person: String, member: &Member) -> MemberRecord {
    let device = |(key, device): (_, &Device)| {
        let (at, ends) = (device.enrolled_at, device.certificate_expires_at);
        let name = device.name.to_string();
        (
            ToString::to_string(key),
            name,
            device.public.clone(),
            at.as_millis(),
            ends.as_millis(),
        )
    };
    let freeze = |it: &Freeze| (it.by.to_string(), it.at.as_millis(), it.reason.to_string());
    MemberRecord {
        person,
        devices: member.devices.iter().map(device).collect(),
        frozen: member.frozen.as_ref().map(freeze),
    }
}

impl StateRecord {
    fn into_state(self) -> Result<State, IndexError> {
        let mut state = State {
            policy_sha256: self.policy_sha256,
            policy_loaded_at: Time::from_millis(self.policy_loaded_ms),
            next_incident: IncidentId(self.next_incident),
            next_grant: GrantId(self.next_grant),
            newest: Time::from_millis(self.newest_ms),
            targets: self.targets.restore()?,
            reviews: self.reviews.restore()?,
            witnessing: Witnessing {
                size: self.witnessing.0,
                lost_since: self.witnessing.1.map(Time::from_millis),
            },
            deliveries: self.deliveries.restore()?,
            drills: self.drills.restore()?,
            ..State::default()
        };
        if !state.policy_sha256.is_empty() {
            let policy = Policy::parse("the snapshot", &self.policy);
            state.policy = Arc::new(policy.map_err(|e| IndexError(e.to_string()))?);
        }
        for member in self.members {
            restore_member(&mut state, member)?;
        }
        state.tokens = InvitationRecord::restore(self.tokens)?;
        for (record, grants) in self.incidents {
            let incident = record.into_incident(grants.into_iter().map(GrantId).collect())?;
            state.incidents.insert(incident.id, incident);
        }
        for record in self.grants {
            let grant = record.into_grant()?;
            state.grants.insert(grant.of.grant, grant);
        }
        for (nonce, at) in self.nonces {
            state.nonces.insert(Nonce(nonce), Time::from_millis(at));
        }
        let played = self.played.into_iter();
        state.played = Played::restored(
            played.map(|(nonce, at)| (Time::from_millis(at), Nonce(nonce))),
            self.played_forgotten_ms.map(Time::from_millis),
        );
        for (person, at) in self.openings {
            let times = at.into_iter().map(Time::from_millis).collect();
            state.openings.insert(word(&person)?, times);
        }
        let mut spent = Vec::new();
        for (of, whole_at) in self.budgets {
            spent.push((word(&of)?, Time::from_millis(whole_at)));
        }
        state.budgets = Budgets::restored(spent);
        state.streams = restored_streams(self.streams)?;
        Ok(state.reindexed())
    }
}

fn stream_record((name, stream): (&StreamName, &Stream)) -> (String, String, String) {
    let Stream { kind, destination } = stream;
    (name.to_string(), kind.to_string(), destination.to_string())
}

fn restored_streams(records: Vec<(String, String, String)>) -> Result<Streams, IndexError> {
    let mut streams = Streams::default();
    for (name, kind, destination) in records {
        let stream = Stream {
            kind: word(&kind)?,
            destination: Line::recorded(&destination),
        };
        streams.0.insert(word(&name)?, stream);
    }
    Ok(streams)
}

fn restore_member(state: &mut State, record: MemberRecord) -> Result<(), IndexError> {
    let person: breakglass_domain::PersonId = word(&record.person)?;
    let mut member = Member::default();
    for (key, name, public, at, ends) in record.devices {
        let key: breakglass_domain::KeyId = word(&key)?;
        let device = Device {
            name: Line::recorded(&name),
            public,
            enrolled_at: Time::from_millis(at),
            certificate_expires_at: Time::from_millis(ends),
        };
        member.devices.insert(key, device);
    }
    if let Some((by, at, reason)) = record.frozen {
        let (by, at, reason) = (word(&by)?, Time::from_millis(at), Line::recorded(&reason));
        member.frozen = Some(Freeze { by, at, reason });
    }
    state.members.insert(person, member);
    Ok(())
}
