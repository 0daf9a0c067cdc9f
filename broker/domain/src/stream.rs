//! Where the ledger is copied to as it grows. Whoever reads all of it is on record, like whoever takes
//! a copy.

use std::collections::BTreeMap;

use crate::event::{Change, Event};
use crate::id::StreamName;
use crate::text::Line;
use crate::word::words;

words! {
    /// What a destination takes.
    StreamKind {
        /// Syslog, as RFC 5424 has it.
        Syslog = "syslog",
        /// Events of the Open Cybersecurity Schema Framework, in signed webhooks.
        Ocsf = "ocsf",
    }
}

/// A destination that is sent every entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// What it takes.
    pub kind: StreamKind,
    /// Where it is, without anything that is a secret.
    pub destination: Line,
}

/// A stream that the broker is to have from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedStream {
    /// Which.
    pub stream: Stream,
    /// The first entry that it is sent.
    pub from: u64,
    /// Whether it begins there although it had come further: its place was taken away.
    pub anew: bool,
}

/// The streams there are, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Streams(pub BTreeMap<StreamName, Stream>);

impl Streams {
    /// Folds one event in.
    pub(crate) fn apply(&mut self, event: &Event) {
        match &event.change {
            Change::StreamBegan {
                stream,
                kind,
                destination,
                ..
            } => {
                let begun = Stream {
                    kind: *kind,
                    destination: destination.clone(),
                };
                self.0.insert(stream.clone(), begun);
            }
            Change::StreamEnded { stream, .. } => {
                self.0.remove(stream);
            }
            _ => {}
        }
    }

    /// What has to be put on record so that there are exactly those: endings first. What goes on as it
    /// was is nothing.
    pub(crate) fn become_these(&self, wanted: &BTreeMap<StreamName, WantedStream>) -> Vec<Change> {
        let goes_on = |name: &StreamName, wanted: &WantedStream| {
            !wanted.anew && self.0.get(name) == Some(&wanted.stream)
        };
        let ended = self.0.iter().filter(|(name, _)| {
            let wanted = wanted.get(*name);
            !wanted.is_some_and(|wanted| goes_on(name, wanted))
        });
        let ended = ended.map(|(name, stream)| Change::StreamEnded {
            stream: name.clone(),
            kind: stream.kind,
        });
        let begun = wanted
            .iter()
            .filter(|(name, wanted)| !goes_on(name, wanted));
        let begun = begun.map(|(name, wanted)| Change::StreamBegan {
            stream: name.clone(),
            kind: wanted.stream.kind,
            destination: wanted.stream.destination.clone(),
            from: wanted.from,
        });
        ended.chain(begun).collect()
    }
}
