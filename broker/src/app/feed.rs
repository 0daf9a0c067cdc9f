//! What happens, as it happens, for everybody who follows.
//!
//! Every committed event is one `Arc` in a ring that all followers share, and one number says how
//! far the ledger is: a follower has a place in the ledger and no queue of its own, so thousands
//! are cheap and a slow one holds nobody up. Whoever is further behind than the ring reads the
//! ledger itself, so no event is ever lost, whatever the connection, the follower or the broker
//! did.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use breakglass_domain::{Change, Event, Grant, GrantId, Incident, IncidentId, Line, State};
use breakglass_tlog::checkpoint::SignedCheckpoint;
use tokio::sync::{Semaphore, watch};

use super::Error;
use super::ledger::blocking;
use super::limits::{FEED_EVENTS, FEED_PAGE, PAGES_AT_ONCE};
use crate::ports::{Decode, LedgerReader, Projection, Recorded};

/// An event that was told, and what it ended: that is in no live state any more.
#[derive(Debug, Clone)]
pub struct Told {
    /// The event, its place and its bytes.
    pub recorded: Recorded,
    /// The grant as it ended, where the event ended one while this broker ran.
    pub grant: Option<Arc<Grant>>,
    /// The incident as it closed, where the event closed one while this broker ran.
    pub incident: Option<Arc<Incident>>,
    /// What the incident that the event is about is called, where this broker saw it open.
    pub title: Option<Line>,
}

impl Told {
    /// Its place.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.recorded.index
    }

    /// What happened.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.recorded.event
    }

    /// What happened.
    #[must_use]
    pub fn change(&self) -> &Change {
        &self.recorded.event.change
    }

    /// The entry's kind, for example `grant.ended`, as it stands in its bytes.
    ///
    /// What stands before it in an entry is a number and a time, so the first `"kind":"` is it.
    #[must_use]
    pub fn kind(&self) -> &str {
        const NAME: &[u8] = b"\"kind\":\"";
        let line = &*self.recorded.line;
        let start = line.windows(NAME.len()).position(|part| part == NAME);
        let rest = start.map_or(&[][..], |start| &line[start + NAME.len()..]);
        let end = rest.iter().position(|byte| *byte == b'"').unwrap_or(0);
        std::str::from_utf8(&rest[..end]).unwrap_or_default()
    }
}

/// The newest events, and everybody who waits for the next.
pub struct Feed {
    ring: RwLock<Ring>,
    /// Number of entries told: the place of the next event.
    tip: watch::Sender<u64>,
    reader: Arc<dyn LedgerReader>,
    decode: Decode,
    watchers: AtomicUsize,
    /// Who reads old entries waits for one, in order of coming.
    pub(crate) turns: Semaphore,
}

/// The newest events without a gap, and what they will end.
struct Ring {
    told: VecDeque<Arc<Told>>,
    capacity: usize,
    grants: BTreeMap<GrantId, Asked>,
    incidents: BTreeMap<IncidentId, Incident>,
}

/// A live grant, and the entry that asked for it where this broker was there.
struct Asked {
    grant: Grant,
    entry: Option<u64>,
}

impl Feed {
    /// Goes on from the newest entry; `state` is the live state as of then. Give it to the
    /// sequencer as a projection.
    #[must_use]
    pub fn new(reader: Arc<dyn LedgerReader>, decode: Decode, state: &State) -> Arc<Self> {
        Self::holding(FEED_EVENTS, reader, decode, state)
    }

    /// With another number of events in memory.
    #[must_use]
    pub fn holding(
        events: usize,
        reader: Arc<dyn LedgerReader>,
        decode: Decode,
        state: &State,
    ) -> Arc<Self> {
        let asked = |grant: &Grant| Asked {
            grant: grant.clone(),
            entry: None,
        };
        let grants = state.grants.iter().map(|(id, grant)| (*id, asked(grant)));
        let ring = Ring {
            told: VecDeque::new(),
            capacity: events,
            grants: grants.collect(),
            incidents: state.incidents.clone(),
        };
        Arc::new(Self {
            ring: RwLock::new(ring),
            tip: watch::Sender::new(reader.checkpoint().size()),
            reader,
            decode,
            watchers: AtomicUsize::new(0),
            turns: Semaphore::new(PAGES_AT_ONCE),
        })
    }

    /// Follows every event from entry `from` on.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, from: u64) -> Subscription {
        self.watchers.fetch_add(1, Ordering::Relaxed);
        Subscription {
            feed: Arc::clone(self),
            tip: self.tip.subscribe(),
            next: from,
            page: VecDeque::new(),
        }
    }

    /// Number of entries told: the place of the next event.
    #[must_use]
    pub fn tip(&self) -> u64 {
        *self.tip.borrow()
    }

    /// The events of entries that were read, in a turn of those who look at the past.
    ///
    /// # Errors
    /// [`Error::Ledger`] where one of them is no entry.
    pub async fn read_back(&self, lines: Vec<Arc<[u8]>>) -> Result<Vec<Arc<Told>>, Error> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| Error::ShuttingDown)?;
        let decode = self.decode;
        blocking(&self.reader, move |_| {
            let lines = lines.into_iter();
            lines.map(|line| read_back(decode, line)).collect()
        })
        .await
    }

    /// How many follow right now.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.watchers.load(Ordering::Relaxed)
    }

    /// The event of a committed entry, where it is among the newest. Waits until it was told.
    pub async fn at(&self, index: u64) -> Option<Arc<Told>> {
        let mut tip = self.tip.subscribe();
        tip.wait_for(|tip| *tip > index).await.ok()?;
        self.look(|ring| ring.told.get(ring.offset(index)?).cloned())
    }

    /// What was told at a place, in memory or read back.
    ///
    /// # Errors
    /// [`Error::Ledger`] where it cannot be read.
    pub(super) async fn told_at(&self, index: u64) -> Result<Option<Arc<Told>>, Error> {
        Ok(self.page(index).await?.pop_front())
    }

    /// The entry in which a live grant was asked for, where this broker was there.
    #[must_use]
    pub fn asked_at(&self, grant: GrantId) -> Option<u64> {
        self.look(|ring| ring.grants.get(&grant)?.entry)
    }

    /// The oldest entry in memory.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.look(Ring::first).unwrap_or_else(|| self.tip())
    }

    /// A page of events from a place that was told.
    async fn page(&self, from: u64) -> Result<VecDeque<Arc<Told>>, Error> {
        let in_memory = self.look(|ring| {
            let start = ring.offset(from)?;
            Some(ring.told.range(start..).take(FEED_PAGE).cloned().collect())
        });
        match in_memory {
            Some(page) => Ok(page),
            None => self.read(from).await,
        }
    }

    async fn read(&self, from: u64) -> Result<VecDeque<Arc<Told>>, Error> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|_| Error::ShuttingDown)?;
        let decode = self.decode;
        blocking(&self.reader, move |reader| {
            let lines = reader.entries(from, FEED_PAGE)?;
            lines
                .into_iter()
                .map(|line| read_back(decode, line))
                .collect()
        })
        .await
    }

    fn look<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        look(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read_back(decode: Decode, line: Arc<[u8]>) -> Result<Arc<Told>, Error> {
    let (index, event) = decode(&line)?;
    let event = Arc::new(event);
    Ok(Arc::new(Told {
        recorded: Recorded { index, event, line },
        grant: None,
        incident: None,
        title: None,
    }))
}

impl Projection for Feed {
    fn committed(&self, batch: &[Recorded], _checkpoint: &Arc<SignedCheckpoint>) {
        let Some(last) = batch.last() else { return };
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        batch.iter().for_each(|recorded| ring.push(recorded));
        drop(ring);
        self.tip.send_replace(last.index + 1);
    }
}

impl Ring {
    fn first(&self) -> Option<u64> {
        self.told.front().map(|told| told.index())
    }

    fn offset(&self, index: u64) -> Option<usize> {
        let offset = usize::try_from(index.checked_sub(self.first()?)?).ok()?;
        (offset < self.told.len()).then_some(offset)
    }

    fn push(&mut self, recorded: &Recorded) {
        // Followers find events by their distance from the first, so a gap would mislead them.
        if self
            .told
            .back()
            .is_some_and(|last| last.index() + 1 != recorded.index)
        {
            self.told.clear();
        }
        if self.told.len() == self.capacity {
            self.told.pop_front();
        }
        let title = self.title_of(&recorded.event);
        let (grant, incident) = self.fold(recorded);
        self.told.push_back(Arc::new(Told {
            recorded: recorded.clone(),
            grant,
            incident,
            title,
        }));
    }

    /// What the open incident is called that an event is about.
    fn title_of(&self, event: &Event) -> Option<Line> {
        let about = event.change.incident()?;
        let open = self.incidents.get(&about);
        open.map(|incident| incident.title.clone())
    }

    /// Keeps what lives, and answers what this event ended.
    fn fold(&mut self, recorded: &Recorded) -> (Option<Arc<Grant>>, Option<Arc<Incident>>) {
        let event = &*recorded.event;
        if let Some(grant) = Grant::requested(event) {
            let entry = Some(recorded.index);
            self.grants.insert(grant.of.grant, Asked { grant, entry });
        } else if let Some(incident) = Incident::opened(event) {
            self.incidents.insert(incident.id, incident);
        }
        let about = event.change.incident();
        if let Some(incident) = about.and_then(|id| self.incidents.get_mut(&id)) {
            incident.apply(event);
        }
        let about = event.change.grant().map(|of| of.grant);
        if let Some(asked) = about.and_then(|id| self.grants.get_mut(&id)) {
            asked.grant.apply(event);
        }
        let ended = match &event.change {
            Change::GrantEnded { of, .. } => self.grants.remove(&of.grant),
            _ => None,
        };
        let closed = match &event.change {
            Change::IncidentClosed { incident, .. } => self.incidents.remove(incident),
            _ => None,
        };
        (
            ended.map(|asked| Arc::new(asked.grant)),
            closed.map(Arc::new),
        )
    }
}

/// One follower: a place in the ledger.
pub struct Subscription {
    feed: Arc<Feed>,
    tip: watch::Receiver<u64>,
    next: u64,
    page: VecDeque<Arc<Told>>,
}

impl Subscription {
    /// The next event, each exactly once and in order; waits until there is one. Safe to cancel.
    ///
    /// # Errors
    /// [`Error::Ledger`] where the follower is behind and the ledger cannot be read; may be tried
    /// again.
    pub async fn next(&mut self) -> Result<Arc<Told>, Error> {
        loop {
            if let Some(told) = self.page.pop_front() {
                self.next = told.index() + 1;
                return Ok(told);
            }
            let tip = *self.tip.borrow_and_update();
            if self.next < tip {
                let page = self.feed.page(self.next).await?;
                if page.is_empty() {
                    return Err(Error::Broken("the ledger ends before its checkpoint"));
                }
                self.page = page;
            } else if self.tip.changed().await.is_err() {
                // Cannot be: the feed is held here, and the sender with it.
                return Err(Error::ShuttingDown);
            }
        }
    }

    /// The place of the next event.
    #[must_use]
    pub fn place(&self) -> u64 {
        self.next
    }

    /// Whether there is nothing more to read right now.
    #[must_use]
    pub fn is_caught_up(&self) -> bool {
        self.next >= *self.tip.borrow()
    }

    /// Whether what comes next has to be read from the ledger.
    #[must_use]
    pub fn reads_old_entries(&self) -> bool {
        self.next < self.feed.oldest()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.feed.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}
