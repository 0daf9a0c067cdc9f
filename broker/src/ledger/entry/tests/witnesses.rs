//! What is frozen of witnesses: the checkpoint is that of `docs/ledger-format.md`, and its
//! cosignature was made apart from this program, with Python's `cryptography`.

use std::sync::Arc;

use breakglass_domain::event::CredentialKind;
use breakglass_domain::{Change, Event, Signed, Subject, WitnessWord};
use breakglass_tlog::{Cosigned, Quorum, VerifierKey};

use super::golden::{at, key, line, of};

const LEDGER: &str = "glass.example/ledger+67ab6134+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";
const WITNESS: &str = "witness.example/otto+73b0cf55+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";
const COSIGNED: &str = "\
glass.example/ledger
3
jAkpihwgk+p2WdY0oYgPOE1hn9CagmCKn4rVw9551LE=

\u{2014} glass.example/ledger Z6thNAjf4Xl3bN0KwkASEabLHuYQ/z0up3ROIttso2MoEaIZJzxcbmvxu+Recda+TaU2NKKM9TzI3DTWT7PLymrIqQ0=
\u{2014} witness.example/otto c7DPVQAAAABrA6nYWKObyTDZ1uTpvXJ6X8+yAycSAG1ZjfoSyC3aMVc8bqwwW6rbWSuyqoLtfJyLPW38Fu6/ecX2H1ODHxpFGYCdAQ==
";

#[test]
fn the_frozen_checkpoint_is_cosigned() {
    let [ledger, witness] = [LEDGER, WITNESS].map(|vkey| VerifierKey::parse(vkey).unwrap());
    let quorum = Quorum::new(1, vec![witness]).unwrap();
    let cosigned = Cosigned::verify(COSIGNED, &ledger, &quorum).unwrap();
    assert_eq!(cosigned.size(), 3);
    // 2026-11-23 02:50:00 UTC.
    assert_eq!(cosigned.cosignatures()[0].seconds, 1_795_402_200);
}

pub(super) fn changes() -> Vec<(&'static str, Change)> {
    let issued = |number: u32, witnesses| Change::CredentialIssued {
        of: of(),
        credential: format!("G-45.{number}").parse().expect("an id"),
        kind: CredentialKind::Jwt,
        audience: line("https://db.shop.example"),
        expires_at: at(20),
        key: key(),
        subject: Subject::Bearer { groups: Vec::new() },
        witnesses: Some(witnesses),
    };
    vec![
        ("mia", issued(6, WitnessWord::Needed)),
        (
            "breakglass",
            Change::LedgerWitnessed {
                size: 3,
                checkpoint: COSIGNED.to_owned(),
            },
        ),
        ("breakglass", Change::LedgerUnwitnessed { witnessed: 3 }),
        ("mia", issued(7, WitnessWord::Missing)),
    ]
}

/// The frozen checkpoint as that of a history that was lost.
pub(super) fn restored() -> Vec<(&'static str, Change)> {
    let lost = Change::LedgerRestored {
        kept: 2,
        size: 3,
        checkpoint: COSIGNED.to_owned(),
        operator: line("Olaf"),
        reason: line("the disk died; from the copy of 02:46"),
    };
    vec![("breakglass", lost)]
}

/// Leon's laptop had seen another ledger, signed by the same key.
pub(super) fn other_history() -> Vec<(&'static str, Change)> {
    let (checkpoint, _) = COSIGNED
        .split_once("\u{2014} witness")
        .expect("two signatures");
    let refused = Change::Refused {
        act: "approve".into(),
        reason: "LEDGER_FORKED".into(),
        text: "this laptop has seen another history".into(),
        count: 1,
        incident: None,
        checkpoint: Some(checkpoint.to_owned()),
    };
    vec![("leon", refused)]
}

/// The same by somebody whose laptop had seen another history, and who says so.
pub(super) fn had_seen_another(event: Event) -> Event {
    let signed = event.signed.map(|signed| {
        let text = "breakglass statement v1\nby: founder\nseen: 9 root signature\n".to_owned();
        Arc::new(Signed {
            text,
            other_history: true,
            ..(*signed).clone()
        })
    });
    Event { signed, ..event }
}
