//! What is not given without witnesses, and what is marked.

use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::command::Act;
use breakglass_domain::{Change, Refusal, WitnessWord};
use breakglass_tlog::cosigned::{Cosigned, Quorum};
use breakglass_tlog::{CosignatureSigner, Ed25519Signer, KeyName, NoteSigner as _, Receipt};

use super::world::{ORIGIN, POLICY, World};
use crate::app::{Error, Requested, Wish};

fn witness() -> CosignatureSigner {
    let name = KeyName::parse("witness.example/otto").unwrap();
    CosignatureSigner::from_seed(name, &[9; 32]).unwrap()
}

/// One witness; deploying needs it, the database does not.
fn policy() -> String {
    let refuses = POLICY.replace(
        "audience = \"https://deploy.shop.example\"\n",
        "audience = \"https://deploy.shop.example\"\nwithout_witnesses = \"refuse\"\n",
    );
    let vkey = witness().verifier().to_string();
    format!("{refuses}[witnesses]\nneed = 1\n[witnesses.keys]\notto = \"{vkey}\"\n")
}

async fn world() -> World {
    let world = World::new().await;
    world.load(&policy()).await;
    world.open_incident().await;
    world
}

/// The witness signs what is there.
fn signs(world: &World) {
    let key = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[7; 32]).unwrap();
    let note = world.reader().checkpoint().note().to_owned();
    let text = note.rsplit_once("\n\n").unwrap().0;
    let line = witness().cosign(&format!("{text}\n"), 1).unwrap();
    let quorum = Quorum::new(1, vec![witness().verifier().clone()]).unwrap();
    let cosigned = Cosigned::verify(&format!("{note}{line}\n"), key.verifier(), &quorum);
    world.witnesses.sign(cosigned.unwrap());
}

async fn asks(world: &World, right: &str) -> Result<Requested, Error> {
    let asking = world.command("mia", world.asking("mia", right, false));
    world.app.request(&world.caller("mia"), asking).await
}

fn last_words(world: &World) -> Vec<Option<WitnessWord>> {
    let entries = world.reader().entries(0, usize::MAX).unwrap();
    let decoded = entries
        .iter()
        .map(|line| crate::ledger::entry::decode(line).unwrap().1.change);
    decoded
        .filter_map(|change| match change {
            Change::CredentialIssued { witnesses, .. } => Some(witnesses),
            _ => None,
        })
        .collect()
}

/// The issuer was told how the entry is in what the witness signed, which was over more than its batch.
fn is_proven_to_witnesses(world: &World, receipt: &Receipt) {
    let witnessed = world.maker.witnessed.lock().unwrap().take().unwrap();
    assert!(witnessed.cosigned.size() > receipt.checkpoint().size());
    let under = Arc::new(witnessed.cosigned.checkpoint().clone());
    let proven = Receipt::verify(receipt.shared_entry(), witnessed.inclusion, &under).unwrap();
    assert_eq!(proven.index(), receipt.index());
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_needs_witnesses_waits_for_its_own_entry_to_be_signed() {
    let world = world().await;
    signs(&world);
    let asking = asks(&world, "deploy-shop");
    tokio::pin!(asking);
    // What they have signed is older than the entry that announces it.
    let waiting = tokio::time::timeout(Duration::from_secs(1), &mut asking).await;
    assert!(waiting.is_err(), "it did not wait");
    assert_eq!(last_words(&world), [Some(WitnessWord::Needed)]);
    // Something else happens meanwhile.
    world.by_itself(Act::NoteUnwitnessed { witnessed: 0 }).await;
    signs(&world);
    let given = asking.await.unwrap();
    is_proven_to_witnesses(&world, &given.credential.unwrap().receipt);
    let kinds = world.kinds();
    assert_eq!(kinds.last().map(String::as_str), Some("ledger.witnessed"));
    // Under what is on record already, no more is written.
    let before = world.size();
    world
        .by_itself(Act::NoteWitnessed {
            size: before - 1,
            checkpoint: "the same again".into(),
        })
        .await;
    assert_eq!(world.size(), before);
}

#[tokio::test(start_paused = true)]
async fn without_them_it_is_refused_and_that_is_on_record() {
    let world = world().await;
    // The grant has begun, and who asked learns which one it is.
    let asked = asks(&world, "deploy-shop").await.unwrap();
    assert!(asked.credential.is_none());
    let kinds = world.kinds();
    assert_eq!(kinds[kinds.len() - 2..], ["ledger.unwitnessed", "refused"]);
    let problems = world.app.status().problems;
    assert!(problems[0].starts_with("TOO FEW WITNESSES"), "{problems:?}");

    // From here on it is known, and refused at once: nothing is announced any more.
    let grant = world.app.status().active[0].of.grant;
    assert_eq!(grant, asked.grant.of.grant);
    let mia = world.caller("mia");
    let announced = last_words(&world).len();
    for _ in 0..2 {
        let again = world.app.issue(&mia, grant, &Wish::Jwt).await.unwrap_err();
        let Error::Refused(refusal) = again else {
            panic!("{again}");
        };
        assert!(matches!(refusal, Refusal::NotWitnessed { .. }));
        assert!(refusal.next().contains("glass status"));
    }
    assert_eq!(last_words(&world).len(), announced);

    // They sign again, which is on record, and it is given.
    signs(&world);
    let cosigned = world.app.witnessed().unwrap();
    world.app.note_witnessed(&cosigned).await.unwrap();
    assert!(world.app.unwitnessed_since().is_none());
    let issue = world.app.issue(&mia, grant, &Wish::Jwt);
    tokio::pin!(issue);
    let waiting = tokio::time::timeout(Duration::from_secs(1), &mut issue).await;
    assert!(waiting.is_err());
    signs(&world);
    issue.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_does_not_need_them_is_given_at_once_and_marked() {
    let world = world().await;
    let asked = asks(&world, "migrate-shop-db").await.unwrap();
    let yes = world.command("leon", world.approving(&asked.grant));
    world.app.act_on_grant(yes).await.unwrap();
    let (mia, grant) = (world.caller("mia"), asked.grant.of.grant);
    world.app.issue(&mia, grant, &Wish::Jwt).await.unwrap();
    world.app.note_unwitnessed().await.unwrap();
    world.app.note_unwitnessed().await.unwrap();
    world.app.issue(&mia, grant, &Wish::Jwt).await.unwrap();
    assert_eq!(last_words(&world), [None, Some(WitnessWord::Missing)]);
    let lost = world
        .kinds()
        .iter()
        .filter(|kind| *kind == "ledger.unwitnessed")
        .count();
    assert_eq!(lost, 1, "it is lost once");
    // A policy without witnesses loses none.
    world.load(POLICY).await;
    assert!(world.app.status().problems.is_empty());
    world.app.issue(&mia, grant, &Wish::Jwt).await.unwrap();
    assert_eq!(last_words(&world)[2], None);
}
