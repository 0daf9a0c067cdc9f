//! How large credentials are with the proof that they were recorded, and how long it takes to check one.
//!
//! A ledger of a billion entries cannot be made here, and need not be: the shape of a proof depends on the
//! place and the number of entries alone. So the hashes beside the way up are any hashes, and the root is
//! what they lead to.

mod made;
mod shape;

use std::hint::black_box;
use std::time::{Duration, Instant};

use breakglass_client::verify::{Ledger, Verifier};
use breakglass_tlog::{Hash, SignedCheckpoint, TlogProof};

use crate::Outcome;
use made::{ISSUER, Maker, SERVICE};

/// How often.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Size {
    /// How many are checked
    #[arg(default_value_t = USUAL.rounds)]
    rounds: u32,
}

pub(crate) const USUAL: Size = Size { rounds: 5_000 };

/// Entries in the ledger, and what that is called.
const LEDGERS: [(u64, &str); 3] = [
    (1_000, "a thousand"),
    (1_000_000, "a million"),
    (1_000_000_000, "a billion"),
];

/// Bytes, then times.
pub(crate) fn report(size: Size) -> Outcome<()> {
    let maker = Maker::new()?;
    println!("bytes of a credential with its proof, the longest there is at that size");
    println!();
    println!("entries    | witnesses | proof | JWT   | SSH line | X.509 DER");
    for (entries, name) in LEDGERS {
        for witnesses in [0, 3] {
            let jwt = maker.jwt(entries, witnesses)?;
            let (ssh, x509) = (
                maker.ssh(entries, witnesses)?,
                maker.x509(entries, witnesses)?,
            );
            let proof = jwt.proof.len();
            println!(
                "{name:10} | {witnesses:9} | {proof:5} | {:5} | {:8} | {:9}",
                jwt.value.len(),
                ssh.value.len(),
                made::der_len(&x509.value)?
            );
        }
    }
    let bare = made::without_proof(&maker.jwt(1_000, 0)?.value)?;
    println!("no proof   |         - |     - | {bare:5} |        - |         -");
    println!();
    times(&maker, size.rounds)
}

fn times(maker: &Maker, rounds: u32) -> Outcome<()> {
    println!("microseconds to check a JWT, the middle of {rounds}");
    println!();
    println!("entries    | demanding | not demanding | bare hashes and Ed25519 | ratio");
    for (entries, name) in LEDGERS {
        let token = maker.jwt(entries, 0)?;
        let key = maker.ledger_key();
        let (demanding, trusting) = (verifier(maker, true)?, verifier(maker, false)?);
        let demanded = middle(rounds, || demanding.verify(&token.value).is_ok())?;
        let trusted = middle(rounds, || trusting.verify(&token.value).is_ok())?;
        let proof = TlogProof::parse(&token.proof)?;
        let entry = proof.extra.clone().unwrap_or_default();
        let bare = middle(rounds, || {
            let leaf = Hash::of_leaf(&entry);
            let up = |root, other| Hash::of_node(&root, other);
            black_box(proof.hashes.iter().fold(leaf, up));
            SignedCheckpoint::verify(&proof.checkpoint, &key).is_ok()
        })?;
        let extra = demanded.saturating_sub(trusted);
        println!(
            "{name:10} | {:9.1} | {:13.1} | {:23.1} | {:.2}",
            micros(demanded),
            micros(trusted),
            micros(bare),
            extra.as_secs_f64() / bare.as_secs_f64()
        );
    }
    println!();
    println!("ratio: what the demand adds, against the bare hashes and the one signature");
    Ok(())
}

fn verifier(maker: &Maker, demanding: bool) -> Outcome<Verifier> {
    let now = maker.now();
    let builder = Verifier::builder(ISSUER, SERVICE)
        .keys(&maker.jwks())
        .clock(move || now);
    let ledger = Ledger::of(maker.ledger_key());
    let builder = if demanding {
        builder.demand_entry(ledger)
    } else {
        builder
    };
    Ok(builder.build()?)
}

/// The middle of the times that it takes; it must always hold.
fn middle(rounds: u32, mut act: impl FnMut() -> bool) -> Outcome<Duration> {
    let mut took = Vec::new();
    for _ in 0..rounds.max(1) {
        let began = Instant::now();
        let holds = black_box(act());
        took.push(began.elapsed());
        if !holds {
            return Err("a proof that was just made does not hold".into());
        }
    }
    took.sort_unstable();
    Ok(took[took.len() / 2])
}

fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000_000.0
}
