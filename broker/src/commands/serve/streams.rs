//! Puts together where the ledger is sent as it grows; and puts on record who reads all of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::stream::{Stream, WantedStream};
use breakglass_domain::{Line, StreamName};

use super::super::Failure;
use super::super::stores::record;
use super::super::streams::streamer;
use super::made::Made;
use super::tasks::Tasks;
use crate::config::Config;
use crate::config::stream::Begin;
use crate::notify::courier::PlaceError;
use crate::notify::{Courier, Place, Standing};
use crate::ports::{Clock, LedgerReader};
use crate::telemetry::Labelled;

/// Where a stream goes on.
pub(super) struct Begun {
    place: Place,
    /// The first entry that it is sent by this broker.
    from: u64,
    /// Whether its place was not known.
    anew: bool,
}

/// How each stream of the config fares.
pub(super) fn standings(config: &Config) -> Vec<Arc<Standing>> {
    let names = config.settings.stream.keys();
    names
        .map(|key| Arc::new(Standing::of_stream(key.name().as_str())))
        .collect()
}

/// Those that have failed for too long or are far behind, for `glass status`.
pub(super) fn problems(
    standings: &[Arc<Standing>],
    clock: &dyn Clock,
    reader: &dyn LedgerReader,
) -> Vec<String> {
    let (now, ticks, size) = (clock.now(), clock.monotonic(), reader.checkpoint().size());
    let each = standings.iter();
    each.filter_map(|it| it.problem(ticks).or_else(|| it.behind(now, size)))
        .collect()
}

/// What is counted, by stream.
pub(super) fn counted(
    standings: &[Arc<Standing>],
    reader: &Arc<dyn LedgerReader>,
    clock: &Arc<dyn Clock>,
) -> Vec<Labelled> {
    let all = |read: Box<dyn Fn(&Standing) -> f64 + Send + Sync>| {
        let standings = standings.to_vec();
        move || {
            let each = standings.iter();
            let each = each.map(|it| (it.name().to_owned(), read(it)));
            each.collect()
        }
    };
    let (reader, clock, label) = (reader.clone(), clock.clone(), "stream");
    let entries = move |it: &Standing| {
        let size = reader.checkpoint().size();
        size.saturating_sub(it.place()) as f64
    };
    vec![
        Labelled::total(
            "stream_batches_sent",
            "Batches of entries that a stream's destination took",
            label,
            all(Box::new(|it| it.count_delivered() as f64)),
        ),
        Labelled::total(
            "stream_batches_failed",
            "Times a stream's destination did not take a batch",
            label,
            all(Box::new(|it| it.count_failed() as f64)),
        ),
        Labelled::of(
            "stream_lag_entries",
            "Entries that a stream's destination has not taken yet",
            label,
            all(Box::new(entries)),
        ),
        Labelled::of(
            "stream_lag_seconds",
            "Age of the oldest entry that a stream's destination has not taken yet",
            label,
            all(Box::new(move |it| it.lag(clock.now()).as_secs_f64())),
        ),
    ]
}

impl Made {
    /// The place of each stream; a new one begins where the config says, and its place is on the disk
    /// before anything of this start is recorded, so that no entry is between the two. One whose place
    /// cannot be used stands still, rather than leave entries out; the broker starts all the same.
    pub(super) fn find_places(&mut self) {
        let mut found = BTreeMap::new();
        let streams = self.core.config.settings.stream.iter();
        for ((key, stream), standing) in streams.zip(&self.streams) {
            match self.place(key.name(), stream.from) {
                Ok(place) => {
                    found.insert(key.name().clone(), place);
                }
                Err(why) => {
                    tracing::error!(name = %key.name(), %why, "the stream stands still");
                    standing.stands_still(&why.to_string(), self.core.clock.now());
                }
            }
        }
        self.places = found;
    }

    /// Puts on record which streams there are from now on.
    ///
    /// # Errors
    /// [`Failure`] where nothing can be recorded.
    pub(super) async fn record_streams(&self) -> Result<(), Failure> {
        let all = &self.core.config.settings.stream;
        let found = all.iter().filter_map(|(key, stream)| {
            let Begun { from, anew, .. } = *self.places.get(key.name())?;
            let destination = Line::recorded(&stream.sink.destination());
            let kind = stream.sink.kind();
            let stream = Stream { kind, destination };
            Some((key.name().clone(), WantedStream { stream, from, anew }))
        });
        let streams = found.collect();
        record(&self.core.sequence, Act::NoteStreams { streams }).await?;
        Ok(())
    }

    fn place(&self, name: &StreamName, begin: Begin) -> Result<Begun, PlaceError> {
        let config = &self.core.config;
        let (folder, ledger) = (config.stream_dir(), config.ledger_origin());
        let mut place = Place::open(&folder, name.as_str(), &ledger)?;
        let (anew, size) = (place.next().is_none(), self.reader.checkpoint().size());
        place.begin(match begin {
            Begin::Now => size,
            Begin::Entry(index) => index.min(size),
        })?;
        // What this start writes is among what is sent, also where the place was of a longer ledger.
        let anew = place.at_most(size)? || anew;
        let from = place.next().unwrap_or(size);
        Ok(Begun { place, from, anew })
    }

    /// One courier for each.
    pub(super) fn spawn_streams(&mut self, tasks: &mut Tasks) {
        let core = self.core.clone();
        let mut places = std::mem::take(&mut self.places);
        let streams = core.config.settings.stream.iter();
        for ((key, stream), standing) in streams.zip(&self.streams) {
            let Some(Begun { place, .. }) = places.remove(key.name()) else {
                continue;
            };
            let streamer = Arc::new(streamer(&core.config, stream, core.clock.clone()));
            let courier = Courier::new(streamer, core.app.clone(), place, standing.clone());
            tasks.spawn("streaming the ledger", courier.run());
        }
    }
}
