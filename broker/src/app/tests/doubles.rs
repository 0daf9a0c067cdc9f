//! What stands in for the machine: a clock, chance, the sequencer, and the makers of credentials.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakglass_domain::decide::decide;
use breakglass_domain::due::due;
use breakglass_domain::{Command, Event, Lifetime, Time};
use breakglass_tlog::SignedCheckpoint;
use breakglass_tlog::receipt::Receipt;

use super::world::key_id;
use crate::ledger::{MemoryLedger, entry};
use crate::ports::{
    Authority, CertificateOrder, Clock, Credential, CredentialOrder, Decided, Declined, Entropy,
    IssueError, Issuer, Later, Ledger as _, LedgerError, LedgerReader, Live, Projection, Recorded,
    Sequencer, Witnessed,
};

/// Stands still until it is moved.
pub(crate) struct HeldClock(Mutex<(Time, Duration)>);

impl HeldClock {
    pub(crate) fn at(text: &str) -> Self {
        Self(Mutex::new((text.parse().unwrap(), Duration::ZERO)))
    }

    pub(crate) fn advance(&self, secs: u32) {
        let mut now = self.0.lock().unwrap();
        now.0 = now.0.plus(Lifetime::from_secs(secs));
        now.1 += Duration::from_secs(secs.into());
    }

    /// Somebody set the wall clock; the monotonic one does not care.
    pub(crate) fn set_back(&self, secs: u32) {
        let mut now = self.0.lock().unwrap();
        now.0 = now.0.minus(Lifetime::from_secs(secs));
    }
}

impl Clock for HeldClock {
    fn now(&self) -> Time {
        self.0.lock().unwrap().0
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

/// Never the same twice, for a while.
pub(super) struct Counting(pub(super) AtomicUsize);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        bytes.fill(u8::try_from(number % 251).unwrap());
    }
}

/// Decides with the real rules, and records in memory.
pub(crate) struct FakeSequencer {
    pub(super) ledger: Mutex<MemoryLedger>,
    pub(super) clock: Arc<HeldClock>,
    pub(super) live: Live,
    pub(super) projections: Vec<Arc<dyn Projection>>,
    pub(crate) submitted: AtomicUsize,
    pub(crate) fails: AtomicBool,
    /// What somebody else wants done, and gets right behind the next command, before its caller
    /// hears anything: as in one batch.
    pub(crate) behind_next: Mutex<Option<Command>>,
    /// What happens between the next entry and its caller's hearing of it.
    pub(crate) once_recorded: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl FakeSequencer {
    fn decide_with_company(&self, command: &Command) -> Result<Decided, Declined> {
        let behind = self.behind_next.lock().unwrap().take();
        let decided = self.decide(command)?;
        if let Some(behind) = behind {
            self.decide(&behind)?;
        }
        Ok(decided)
    }

    fn decide(&self, command: &Command) -> Result<Decided, Declined> {
        self.submitted.fetch_add(1, Ordering::Relaxed);
        if self.fails.load(Ordering::Relaxed) {
            return Err(LedgerError::Unavailable("/dev/sda is gone".to_owned()).into());
        }
        let mut ledger = self.ledger.lock().unwrap();
        let now = self.clock.now();
        let overdue = self.live.read(|state| due(state, now));
        self.record(&mut ledger, overdue);
        let events = self.live.read(|state| decide(state, command, now))?;
        Ok(self.record(&mut ledger, events))
    }

    fn record(&self, ledger: &mut MemoryLedger, events: Vec<Event>) -> Decided {
        if events.is_empty() {
            return Decided::default();
        }
        let recorded: Vec<_> = (ledger.size()..)
            .zip(events)
            .map(|(index, event)| Recorded {
                index,
                line: entry::encode(index, &event).unwrap(),
                event: Arc::new(event),
            })
            .collect();
        let lines: Vec<_> = recorded
            .iter()
            .map(|recorded| recorded.line.clone())
            .collect();
        let checkpoint = ledger.append(&lines).unwrap();
        self.live
            .apply(recorded.iter().map(|recorded| &*recorded.event));
        for projection in &self.projections {
            projection.committed(&recorded, &checkpoint);
        }
        let receipts = receipts(&*ledger.reader(), &recorded, &checkpoint);
        Decided { recorded, receipts }
    }
}

fn receipts(
    reader: &dyn LedgerReader,
    recorded: &[Recorded],
    checkpoint: &Arc<SignedCheckpoint>,
) -> Vec<Receipt> {
    let receipt = |recorded: &Recorded| {
        let proof = reader
            .prove_inclusion(recorded.index, checkpoint.size())
            .unwrap();
        Receipt::verify(recorded.line.clone(), proof, checkpoint).unwrap()
    };
    recorded.iter().map(receipt).collect()
}

impl FakeSequencer {
    /// For what happens where nobody can wait.
    pub(super) fn does(&self, command: &Command) {
        self.decide(command).unwrap();
    }
}

impl Sequencer for FakeSequencer {
    fn submit(&self, command: Command) -> Later<'_, Result<Decided, Declined>> {
        Box::pin(async move {
            let decided = self.decide_with_company(&command);
            if let Some(happens) = self.once_recorded.lock().unwrap().take() {
                happens();
            }
            decided
        })
    }
}

/// Makes what the receipt's entry announces, and nothing else.
#[derive(Default)]
pub(crate) struct FakeMaker {
    /// What happens while it signs the next credential.
    pub(crate) while_signing: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// What witnesses had signed of the last one.
    pub(crate) witnessed: Mutex<Option<Witnessed>>,
}

fn announces(receipt: &Receipt, what: &str) -> Result<(), IssueError> {
    let entry = String::from_utf8_lossy(receipt.entry());
    entry
        .contains(&format!("\"{what}\""))
        .then_some(())
        .ok_or(IssueError::WrongReceipt)
}

impl Issuer for FakeMaker {
    fn issue(&self, receipt: &Receipt, order: &CredentialOrder) -> Result<Credential, IssueError> {
        announces(receipt, &order.id.to_string())?;
        self.witnessed.lock().unwrap().clone_from(&order.witnessed);
        if let Some(happens) = self.while_signing.lock().unwrap().take() {
            happens();
        }
        let holder = key_id(&order.public);
        Ok(Credential {
            value: format!("jwt {} for {holder}", order.id).into(),
            not_before: order.at,
            expires_at: order.expires_at,
        })
    }
}

impl Authority for FakeMaker {
    fn certify(&self, receipt: &Receipt, order: &CertificateOrder) -> Result<String, IssueError> {
        announces(receipt, &order.serial)?;
        Ok(format!("certificate {} of {}", order.serial, order.holder))
    }
}
