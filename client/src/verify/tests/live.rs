//! Standings: what is live, and how lately that was heard.

use breakglass_proto::tick::Tick;
use breakglass_tlog::note::NoteError;
use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Hash, KeyName, Note, NoteSigner as _, SignedCheckpoint,
};

use super::*;

fn standing(grants: &[&str], at: Timestamp) -> Standing {
    Standing::new(grants.iter().map(|grant| live(grant)), verified(at, 100))
}

#[test]
fn a_live_grant_gets_in_and_one_that_is_over_does_not() {
    let night_ = Night::begins();
    let token = night_.token();
    let both = standing(&["G-45", "G-46"], night());
    assert_eq!(
        night_.verifier.verify_live(&token, &both),
        night_.says(&token)
    );
    let one = standing(&["G-46"], night());
    let denied = night_.verifier.verify_live(&token, &one).unwrap_err();
    assert_eq!(denied.reason(), "NOT_LIVE");
    // A guard is told of the grants of its own target alone, and cannot say that it is over.
    let said = denied.to_string();
    assert!(
        said.starts_with("G-45 is not among the grants that open this target now"),
        "{said}"
    );
    assert!(said.contains("its right leads to another target"), "{said}");
    assert!(!denied.is_passing());
}

#[test]
fn what_the_token_and_the_standing_say_must_agree() {
    let night_ = Night::begins();
    let token = night_.token();
    let changes: [fn(&mut Live); 4] = [
        |live| live.person = Name::parse("leon").unwrap(),
        |live| live.right = Name::parse("restart-worker").unwrap(),
        |live| live.incident = Name::parse("INC-13").unwrap(),
        |live| live.ends_at = night(),
    ];
    for change in changes {
        let mut grant = live("G-45");
        change(&mut grant.1);
        let standing = Standing::new([grant], verified(night(), 100));
        let denied = night_.verifier.verify_live(&token, &standing).unwrap_err();
        assert_eq!(denied.reason(), "NOT_LIVE");
    }
    let other = night_.token_with(json!({"ledger": {"origin": "other/ledger", "index": 41}}));
    let denied = night_
        .verifier
        .verify_live(&other, &standing(&["G-45"], night()));
    assert_eq!(denied, Err(Denied::Claim("ledger")));
}

#[test]
fn a_grant_younger_than_what_was_heard_is_told_apart() {
    let night_ = Night::begins();
    let young = night_.token_with(json!({"ledger": {"origin": ORIGIN, "index": 100}}));
    let denied = night_
        .verifier
        .verify_live(&young, &standing(&[], night()))
        .unwrap_err();
    assert_eq!(denied.reason(), "NOT_HEARD");
    assert!(denied.is_passing());
}

#[test]
fn a_standing_grows_old() {
    let night_ = Night::with(|builder| builder.fresh_for(Duration::from_secs(30)));
    let token = night_.token();
    for (offset, good) in [
        (0, true),
        (30, true),
        (31, false),
        (-60, true),
        (-61, false),
    ] {
        let heard = standing(&["G-45"], night() - seconds(offset));
        let answer = night_.verifier.verify_live(&token, &heard);
        let fresh = night_.verifier.demand_fresh(&heard);
        assert_eq!((answer.is_ok(), fresh.is_ok()), (good, good), "{offset}");
        if let Err(denied) = answer {
            assert_eq!(
                denied,
                Denied::Stale {
                    age: Some(seconds(offset))
                }
            );
            assert!(denied.is_passing());
        }
    }
}

#[test]
fn a_bad_token_is_told_as_such_however_old_the_standing_is() {
    let night_ = Night::begins();
    let old = standing(&[], night() - seconds(9_999));
    let denied = night_.verifier.verify_live("x", &old).unwrap_err();
    assert_eq!(denied.reason(), "MALFORMED");
}

#[test]
fn the_tick_vouches_for_the_whole_list() {
    assert!(standing(&["G-45"], night()).is_whole());
    assert!(!standing(&[], night()).is_whole());
    assert!(!standing(&["G-45", "G-46"], night()).is_whole());
}

#[test]
fn only_the_ledgers_key_makes_ticks() {
    let key = ledger().verifier().clone();
    let note = signed(&tick(night(), 100));
    assert!(SignedTick::verify(&note, &key).is_ok());
    for place in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[place] ^= 1;
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(SignedTick::verify(&changed, &key).is_err(), "{place}");
        }
    }
    let stranger = KeyName::parse(ORIGIN).unwrap();
    let stranger = Ed25519Signer::from_seed(stranger, &[8; 32]).unwrap();
    let forged = Note::sign(&tick(night(), 100).encode().unwrap(), &stranger).unwrap();
    let denied = SignedTick::verify(&forged.to_string(), &key).unwrap_err();
    assert!(matches!(
        denied,
        TickError::Note(NoteError::NotSigned { .. })
    ));
    let other = ledger_named("other.example/ledger");
    let elsewhere = Note::sign(&tick(night(), 100).encode().unwrap(), &other).unwrap();
    let denied = SignedTick::verify(&elsewhere.to_string(), other.verifier());
    assert_eq!(denied, Err(TickError::Origin));
}

/// One key signs both; neither is ever the other, whatever the ledger is called.
#[test]
fn a_tick_is_no_checkpoint_and_a_checkpoint_is_no_tick() {
    for name in [ORIGIN, "breakglass.dev/tick/v1", "100", "grants"] {
        let ledger = ledger_named(name);
        let tick = Tick {
            origin: name.into(),
            ..tick(night(), 100)
        };
        let note = Note::sign(&tick.encode().unwrap(), &ledger)
            .unwrap()
            .to_string();
        assert!(SignedTick::verify(&note, ledger.verifier()).is_ok());
        assert!(
            SignedCheckpoint::verify(&note, ledger.verifier()).is_err(),
            "{name}"
        );

        let head = Checkpoint::new(name, 100, Hash::from_bytes([7; 32])).unwrap();
        let lines = tick.encode().unwrap();
        let lines = lines.lines().skip(1).map(str::to_owned);
        for head in [head.clone(), head.with_extensions(lines).unwrap()] {
            let note = SignedCheckpoint::sign(&head, &ledger).unwrap();
            assert!(
                SignedTick::verify(note.note(), ledger.verifier()).is_err(),
                "{name}"
            );
        }
    }
}

#[test]
fn what_was_heard_never_goes_back() {
    let newest = Newest::new(ledger().verifier().clone());
    assert!(newest.standing().is_none());
    newest.hears_tick(&signed(&tick(night(), 100))).unwrap();
    assert!(
        newest.standing().is_none(),
        "a tick alone says nothing of grants"
    );
    newest.hears_live([live("G-45")]);
    let hears = |at, size| newest.hears_tick(&signed(&tick(at, size))).map(drop);
    assert_eq!(
        hears(night(), 100),
        Ok(()),
        "the same once more, by another relay"
    );
    assert_eq!(hears(night() + seconds(2), 100), Ok(()));
    assert_eq!(hears(night() + seconds(1), 100), Err(TickError::Older));
    assert_eq!(hears(night() + seconds(3), 99), Err(TickError::Rewritten));
    let forked = Tick {
        root: [9; 32],
        ..tick(night() + seconds(3), 100)
    };
    assert_eq!(
        newest.hears_tick(&signed(&forked)),
        Err(TickError::Rewritten)
    );
    assert!(newest.hears_tick("nonsense").is_err());
    let standing = newest.standing().unwrap();
    assert_eq!(standing.tick().tick().at, night() + seconds(2));
    assert_eq!(standing.live().count(), 1);
    newest.hears_live([]);
    assert_eq!(newest.standing().unwrap().live().count(), 0);
}
