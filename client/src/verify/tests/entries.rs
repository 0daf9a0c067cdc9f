//! Tokens that prove that they were recorded, and what a thief makes with the broker's key for tokens.

use breakglass_tlog::cosigned::Quorum;
use breakglass_tlog::{Ed25519Signer, KeyName, LedgerKeys, NoteSigner as _, Succession, TlogProof};

use super::*;
use crate::verify::fixtures::entry::{INDEX, cosigned, entry, proof, proof_by, witness};

fn ours() -> Ledger {
    Ledger::of(ledger().verifier().clone())
}

fn demanding() -> Night {
    Night::with(|builder| builder.demand_entry(ours()))
}

#[test]
fn a_token_with_its_entry_is_taken_where_it_is_demanded_and_where_it_is_not() {
    let night = demanding();
    let access = night.says(&night.proven_token()).unwrap();
    assert_eq!(access.entry.index, INDEX);
    let undemanding = Night::begins();
    assert!(undemanding.says(&undemanding.proven_token()).is_ok());
    assert!(undemanding.says(&undemanding.token()).is_ok(), "as before");
}

/// The ledger is handed over to another key when it had 60 entries, and the one before gets into other hands.
#[test]
fn a_key_that_was_followed_proves_nothing_that_is_newer_than_its_time() {
    let next = Ed25519Signer::from_seed(ledger().verifier().name().clone(), &[9; 32]).unwrap();
    let mut keys = LedgerKeys::from(ledger().verifier().clone());
    let over = Succession::sign(60, &ledger(), &next).unwrap();
    keys.join([over]).unwrap();
    let says = |signer: &Ed25519Signer, size: u64, handed_over: Option<&str>| {
        let mut ours = Ledger::of(keys.clone());
        if let Some(at) = handed_over {
            ours = ours.handed_over_at([(60, at.parse().unwrap())].into_iter().collect());
        }
        let night = Night::with(|builder| builder.demand_entry(ours));
        let proof = proof_by(signer, &entry(&night).to_string(), size).to_string();
        let token = night.key.signs(&night.proven_claims(&proof));
        night.says(&token).map(|access| access.entry.index)
    };
    let refused = |said: Result<u64, Denied>| said.unwrap_err().reason();
    // The entry is of 03:05:00.250, and its credential good until 03:20:00.999.
    let after = Some("2026-11-23T03:05:01Z");
    assert_eq!(says(&ledger(), 60, after), Ok(INDEX), "it was its turn");
    assert_eq!(says(&next, 61, after), Ok(INDEX));
    assert_eq!(
        refused(says(&ledger(), 61, None)),
        "ENTRY",
        "beyond its turn"
    );
    assert_eq!(
        refused(says(&ledger(), 60, Some("2026-11-23T03:05:00.249Z"))),
        "ENTRY"
    );
    assert_eq!(says(&next, 61, Some("2026-11-23T03:05:00.249Z")), Ok(INDEX));
    // One that says it is from before, and is good for longer than anything from then.
    assert_eq!(
        refused(says(&ledger(), 60, Some("2026-11-23T03:05:00.500Z"))),
        "ENTRY"
    );
    assert_eq!(
        says(&ledger(), 60, None),
        Ok(INDEX),
        "nobody knows when it was"
    );
}

#[test]
fn a_stolen_issuing_key_without_the_ledger_makes_nothing_that_is_taken() {
    let night = demanding();
    assert_eq!(night.says(&night.token()), Err(Denied::NoEntry));
    assert_eq!(night.says(&night.token()).unwrap_err().reason(), "NO_ENTRY");
}

/// What a thief changes, and of which two the proof is then.
type Change = (&'static str, Value, &'static str);

#[test]
fn a_proof_copied_from_another_token_proves_that_one_only() {
    let now = night().as_second();
    let night = demanding();
    let good = night.proven_claims(&proof(&entry(&night).to_string()).to_string());
    let changes: [Change; 12] = [
        ("sub", json!("leon"), "it is about somebody else"),
        (
            "right",
            json!("migrate-shop-db"),
            "it is about another right",
        ),
        ("incident", json!("INC-13"), "it is about another incident"),
        ("jti", json!("G-45.2"), "it is about another credential"),
        ("groups", json!(["admins"]), "it is about other groups"),
        ("drill", json!(true), "one of the two is a drill"),
        ("iat", json!(now + 1), "it is about a token of another time"),
        (
            "exp",
            json!(now + 901),
            "it is about a token with another end",
        ),
        (
            "exp",
            json!(now + 86_400),
            "it is about a token with another end",
        ),
        (
            "ledger",
            json!({"origin": ORIGIN, "index": 42}),
            "it is about another entry",
        ),
        (
            "ledger",
            json!({"origin": "b/ledger", "index": 41}),
            "it is about another entry",
        ),
        (
            "cnf",
            json!({"jkt": good["cnf"]["jkt"]}),
            "it is about another key",
        ),
    ];
    for (claim, value, why) in changes {
        let mut claims = good.clone();
        claims[claim] = value;
        let denied = night.says(&night.key.signs(&claims));
        assert_eq!(denied, Err(Denied::Entry(why)), "{claim}");
    }
    let mut claims = good.clone();
    (claims["grant"], claims["jti"]) = (json!("G-46"), json!("G-46.1"));
    let denied = night.says(&night.key.signs(&claims)).unwrap_err();
    assert_eq!(denied.reason(), "ENTRY");
    assert!(night.says(&night.key.signs(&good)).is_ok());
}

#[test]
fn a_token_for_the_thiefs_own_key_is_none() {
    let night = demanding();
    let thief = Night::begins();
    let proof = proof(&entry(&night).to_string()).to_string();
    // All of it is mia's but the key: with that the thief would make proofs of possession.
    let claims = thief.proven_claims(&proof);
    let another = Err(Denied::Entry("it is about another key"));
    assert_eq!(night.says(&night.key.signs(&claims)), another);
    // Mia's thumbprint, and the thief's key beside it.
    let mut mixed = night.proven_claims(&proof);
    mixed["cnf"]["jwk"] = claims["cnf"]["jwk"].clone();
    assert_eq!(night.says(&night.key.signs(&mixed)), another);
    // The thief's thumbprint, and mia's key beside it.
    let mut mixed = claims;
    mixed["cnf"]["jwk"] = night.proven_claims(&proof)["cnf"]["jwk"].clone();
    assert_eq!(night.says(&night.key.signs(&mixed)), another);
}

#[test]
fn an_entry_that_announces_something_else_proves_nothing() {
    let night = demanding();
    let good = entry(&night);
    let says = |entry: &Value| {
        let proof = proof(&entry.to_string()).to_string();
        night.says(&night.key.signs(&night.proven_claims(&proof)))
    };
    assert!(says(&good).is_ok());
    let nothing = "the entry announces no credential";
    for (field, value, why) in [
        ("kind", json!("grant.requested"), nothing),
        ("v", json!(2), nothing),
        ("index", json!(40), nothing),
        ("grant", json!("G-45\n"), nothing),
        ("at", json!("yesterday"), nothing),
        ("key", json!(null), nothing),
        (
            "credential_kind",
            json!("ssh"),
            "it is about a credential of another kind",
        ),
        (
            "audience",
            json!("https://shop.example"),
            "it is about another audience",
        ),
        (
            "subject",
            json!({"groups": ["readers"]}),
            "it is about other groups",
        ),
        ("grant", json!("G-44"), "it is about another grant"),
        (
            "key",
            json!(key_of(&Night::begins())),
            "it is about another key",
        ),
    ] {
        let mut other = good.clone();
        other[field] = value;
        assert_eq!(says(&other).map(drop), Err(Denied::Entry(why)), "{field}");
    }
    let mut newer = good;
    newer["something_of_next_year"] = json!([1, 2]);
    assert!(says(&newer).is_ok(), "fields are only ever added");
}

fn key_of(night: &Night) -> String {
    crate::key::key_id(night.laptop.public_key())
}

#[test]
fn only_what_the_trusted_ledger_signed_is_believed() {
    let night = demanding();
    let line = entry(&night).to_string();
    let says = |proof: &str| {
        let claims = night.proven_claims(proof);
        night.says(&night.key.signs(&claims)).map(drop)
    };
    let good = proof(&line);
    let no_proof = "it is no proof as C2SP tlog-proof has them";
    let not_ours = "its checkpoint is not signed by the ledger trusted here";
    let not_there = "the entry is not in the ledger there";
    let with = |change: &dyn Fn(&mut TlogProof)| {
        let mut changed = good.clone();
        change(&mut changed);
        changed.to_string()
    };
    // The thief's own ledger under the same name.
    let thief = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[8; 32]).unwrap();
    let elsewhere = ledger_named("other.example/ledger");
    let changed = line.replace("G-45.1", "G-45.7");
    for (what, proof, why) in [
        ("nonsense", "proof".to_owned(), no_proof),
        ("nothing", String::new(), no_proof),
        (
            "another version",
            good.to_string().replace("@v1", "@v2"),
            no_proof,
        ),
        ("very long", "x".repeat(8_000), no_proof),
        (
            "no entry",
            with(&|it| it.extra = None),
            "the entry itself is not in it",
        ),
        (
            "another entry",
            with(&|it| it.extra = Some(changed.clone().into())),
            not_there,
        ),
        ("another place", with(&|it| it.index = 40), not_there),
        (
            "hashes missing",
            with(&|it| it.hashes.truncate(1)),
            not_there,
        ),
        (
            "another key",
            proof_by(&thief, &line, 100).to_string(),
            not_ours,
        ),
        (
            "another ledger",
            proof_by(&elsewhere, &line, 100).to_string(),
            not_ours,
        ),
        (
            "a root of their own",
            with(&|it| it.checkpoint = it.checkpoint.replacen("\n100\n", "\n101\n", 1)),
            not_ours,
        ),
        (
            "a checkpoint of the same ledger, of another size",
            with(&|it| it.checkpoint = proof_by(&ledger(), &line, 60).checkpoint),
            not_there,
        ),
    ] {
        assert_eq!(says(&proof), Err(Denied::Entry(why)), "{what}");
    }
    for size in [42, 43, 64, 100, 1_000] {
        let proof = proof_by(&ledger(), &line, size).to_string();
        assert_eq!(says(&proof), Ok(()), "an older or a newer checkpoint");
    }
}

#[test]
fn witnesses_stand_against_a_ledger_key_that_was_stolen_too() {
    let (otto, nora) = (witness("otto", 9), witness("nora", 10));
    let quorum = |need| {
        let keys = [&otto, &nora].map(|it| it.verifier().clone());
        Quorum::new(need, keys.to_vec()).unwrap()
    };
    let night = Night::with(|it| it.demand_entry(ours().witnessed_by(quorum(2))));
    let says = |proof: &TlogProof| {
        let claims = night.proven_claims(&proof.to_string());
        night.says(&night.key.signs(&claims)).map(drop)
    };
    let bare = proof(&entry(&night).to_string());
    let few = Denied::Entry("too few of the witnesses have signed its checkpoint");
    assert_eq!(says(&bare), Err(few.clone()));
    let one = cosigned(&bare, &otto);
    assert_eq!(says(&one), Err(few.clone()));
    assert_eq!(says(&cosigned(&one, &otto)), Err(few.clone()), "one twice");
    assert_eq!(says(&cosigned(&one, &witness("eve", 11))), Err(few));
    assert_eq!(says(&cosigned(&one, &nora)), Ok(()));
    let forged = Denied::Entry("what stands there as signed by a witness is not");
    let other = cosigned(&proof_by(&ledger(), "another", 100), &nora).checkpoint;
    let line = other.lines().last().unwrap();
    let forgery = TlogProof {
        checkpoint: format!("{}{line}\n", one.checkpoint),
        ..one
    };
    assert_eq!(says(&forgery), Err(forged));
}

#[test]
fn a_claim_that_is_no_text_is_refused_wherever_it_stands() {
    let night = Night::begins();
    let token = night.token_with(json!({"tlog_proof": 7}));
    assert_eq!(night.says(&token).unwrap_err().reason(), "MALFORMED");
}
