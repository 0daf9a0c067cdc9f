//! Where the ledger is copied to as it grows: whoever reads all of it is on record, once.

use std::collections::BTreeMap;

use breakglass_domain::stream::{Stream, StreamKind, WantedStream};
use breakglass_domain::{Act, Refusal};
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::house::{House, line};
use crate::night::{Night, with};
use crate::verifiers::verify;

impl Night {
    /// The ledger is sent to a SIEM from its first entry on.
    fn streams(&mut self, but: Value) {
        let began = json!({"stream": "siem", "stream_kind": "syslog",
            "destination": "siem.example:6514", "from": 0});
        self.by_broker("stream.began", with(began, but));
    }

    fn stops_streaming(&mut self, but: Value) {
        let ended = json!({"stream": "siem", "stream_kind": "syslog"});
        self.by_broker("stream.ended", with(ended, but));
    }
}

/// The broker is started with other streams in its config.
pub(crate) fn changes(house: &mut House, about: u8, much: u8) -> Result<(), Refusal> {
    let size = house.lines.len() as u64;
    let wanted = |kind, host: &str| WantedStream {
        stream: Stream {
            kind,
            destination: line(host),
        },
        from: size / (1 + u64::from(much % 3)),
        anew: about.is_multiple_of(7),
    };
    let host = ["siem.example:6514", "\"other\" \\:1"][usize::from(about) % 2];
    let mut streams = BTreeMap::new();
    if !about.is_multiple_of(3) {
        streams.insert("siem".parse().unwrap(), wanted(StreamKind::Syslog, host));
    }
    if about % 5 > 1 {
        streams.insert("lake".parse().unwrap(), wanted(StreamKind::Ocsf, host));
    }
    house.broker_does(Act::NoteStreams { streams })
}

#[test]
fn streams_begin_and_end_and_begin_again() {
    let mut night = Night::begins();
    night.streams(json!({}));
    night.streams(json!({"stream": "lake", "stream_kind": "ocsf", "from": night.last() + 1}));
    night.stops_streaming(json!({}));
    night.streams(json!({"stream_kind": "ocsf"}));
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}

#[test]
fn no_stream_begins_twice_or_ends_without_beginning() {
    each_is_found(forgeries! {
        "a stream that goes on begins again", |night| {
            night.streams(json!({}));
            night.streams(json!({"destination": "other.example:6514"}));
        } => "the stream siem begins, and goes on already", "the stream siem goes on already";
        "a stream that never began ends", |night| {
            night.stops_streaming(json!({}));
        } => "the stream siem of syslog ends, and does not go on", "ends, and does not go on";
        "a stream ends twice", |night| {
            night.streams(json!({}));
            night.stops_streaming(json!({}));
            night.stops_streaming(json!({}));
        } => "the stream siem of syslog ends, and does not go on", "ends, and does not go on";
        "a stream ends as one of another kind", |night| {
            night.streams(json!({}));
            night.stops_streaming(json!({"stream_kind": "ocsf"}));
        } => "the stream siem of ocsf ends, and does not go on", "ends, and does not go on";
        "a stream begins in the future", |night| {
            let from = night.last() + 2;
            night.streams(json!({"from": from}));
        } => "the stream siem begins after this entry", "the stream siem begins later";
        "a stream that a person began", |night| {
            let began = json!({"stream": "siem", "stream_kind": "syslog",
                "destination": "siem.example:6514", "from": 0});
            night.adds("stream.began", "eve", began, None);
        } => "no stream.began is ever by eve", "no stream.began is ever by eve";
        "a stream to nobody knows where", |night| {
            let began = json!({"stream": "siem", "stream_kind": "syslog", "from": 0});
            night.by_broker("stream.began", began);
        } => "the stream.began has no `destination`", "the stream.began has no `destination`";
    });
}
