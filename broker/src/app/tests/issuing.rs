//! Better never than too late: what ended between the entry and the credential.

use breakglass_domain::command::Act;
use breakglass_domain::{Actor, Command, Ending, GrantId, IncidentId, Policy, Refusal};

use super::world::{POLICY, World, id, line};
use crate::app::{Error, Wish};

/// What can end a grant of Mia's while its credential is under way.
fn endings(world: &World) -> Vec<(Command, Ending)> {
    let (person, reason) = (id("mia"), line("enough"));
    let close = Act::Close {
        incident: IncidentId(1),
        reason: reason.clone(),
    };
    let freeze = Act::Freeze {
        person: person.clone(),
        reason: reason.clone(),
    };
    let remove = Act::Remove { person, reason };
    vec![
        (world.command("leon", close), Ending::IncidentClosed),
        (world.command("leon", freeze), Ending::PersonFrozen),
        (world.command("founder", remove), Ending::PersonLeft),
        (without_mia(), Ending::PersonLeft),
    ]
}

/// The policy is loaded again, and Mia is not in it.
fn without_mia() -> Command {
    let text = POLICY.replace("[people.mia]\nname = \"Mia\"\njob = \"engineer\"\n", "");
    let policy = Policy::parse("policy.toml", &text).unwrap().into();
    let sha256 = "1".repeat(64);
    Command {
        by: Actor::Broker,
        signed: None,
        act: Act::LoadPolicy { policy, sha256 },
    }
}

/// How the grant ended, as whoever asked is told.
fn told(error: &Error) -> Option<Ending> {
    match error {
        Error::Refused(Refusal::GrantEnded { ended, .. }) => ended.map(|(ending, _)| ending),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_request_whose_grant_ends_in_the_same_batch_brings_no_credential() {
    for number in 0..4 {
        let world = World::new().await;
        world.open_incident().await;
        let (ends, ending) = endings(&world).remove(number);
        *world.sequencer.behind_next.lock().unwrap() = Some(ends);
        let asking = world.command("mia", world.asking("mia", "deploy-shop", false));
        let mia = world.caller("mia");
        let refused = world.app.request(&mia, asking).await.unwrap_err();
        assert_eq!(told(&refused), Some(ending));
        let counts = world.app.refusal_counts();
        assert!(counts.contains(&("GRANT_ENDED", 1)), "{counts:?}");
    }
}

#[tokio::test]
async fn the_next_credential_of_a_grant_that_ends_in_the_same_batch_is_not_made() {
    for number in 0..4 {
        let world = World::new().await;
        world.open_incident().await;
        world.request("mia", "deploy-shop", false).await;
        let (ends, ending) = endings(&world).remove(number);
        *world.sequencer.behind_next.lock().unwrap() = Some(ends);
        let (mia, jwt) = (world.caller("mia"), &Wish::Jwt);
        let refused = world.app.issue(&mia, GrantId(1), jwt).await.unwrap_err();
        assert_eq!(told(&refused), Some(ending));
    }
}

#[tokio::test]
async fn what_ends_while_its_credential_is_signed_is_not_handed_out() {
    let world = World::new().await;
    world.open_incident().await;
    let (close, ending) = endings(&world).remove(0);
    let sequencer = world.sequencer.clone();
    *world.maker.while_signing.lock().unwrap() = Some(Box::new(move || sequencer.does(&close)));
    let asking = world.command("mia", world.asking("mia", "deploy-shop", false));
    let mia = world.caller("mia");
    let refused = world.app.request(&mia, asking).await.unwrap_err();
    assert_eq!(told(&refused), Some(ending));
}

#[tokio::test]
async fn a_grant_whose_time_is_over_gives_no_credential_though_nobody_wrote_its_end_yet() {
    let world = World::new().await;
    world.open_incident().await;
    let clock = world.clock.clone();
    let nap = move || clock.advance(15 * 60);
    *world.maker.while_signing.lock().unwrap() = Some(Box::new(nap));
    let asking = world.command("mia", world.asking("mia", "deploy-shop", false));
    let mia = world.caller("mia");
    let refused = world.app.request(&mia, asking).await.unwrap_err();
    assert_eq!(told(&refused), None, "its end is not on record yet");
    assert!(
        world
            .live
            .read(|state| state.grants[&GrantId(1)].active().is_some())
    );
}
