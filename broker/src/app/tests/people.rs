//! Invitations, certificates, removals, freezes, and refusals at the edge.

use breakglass_domain::command::Act;
use breakglass_domain::{Actor, Lifetime, Refusal};

use super::world::{World, id, line};
use crate::app::limits::CERTIFICATE_BACKDATED;
use crate::app::{Enrolling, Error, token};

#[tokio::test]
async fn an_invitation_is_shown_once_and_works_once() {
    let world = World::new().await;
    let by = Actor::Person(id("founder"));
    let invited = world
        .app
        .invite(by, world.signed_by("founder"), id("mia"))
        .await
        .unwrap();
    let (place, secret) = invited.invitation.rsplit_once('.').unwrap();
    assert_eq!(place, "https://glass.example:7443#PIN");
    assert_eq!(secret.len(), 32, "24 bytes in base64url");
    assert!(!format!("{invited:?}").contains(secret));
    let entry = String::from_utf8_lossy(invited.receipt.entry()).into_owned();
    assert!(!entry.contains(secret) && entry.contains(token::hash(secret).as_str()));

    let new = world.somebody("mia");
    let enrolling = |signed| Enrolling {
        token: token::hash(secret),
        key: new.caller.key.clone(),
        public: new.caller.public.clone(),
        device: line("thinkpad"),
        signed,
    };
    let mut signed = (*world.signed_by("mia")).clone();
    signed.key = new.caller.key.clone();
    let certified = world
        .app
        .enroll(enrolling(signed.clone().into()))
        .await
        .unwrap();
    assert_eq!(certified.holder.to_string(), "mia");
    assert!(certified.certificate.ends_with("of mia"));
    let life = certified.expires_at.since(certified.renew_at).as_millis() * 3;
    let whole = certified
        .expires_at
        .since(world.app.now().minus(CERTIFICATE_BACKDATED));
    assert!(
        (life - whole.as_millis()).abs() < 10,
        "renewed at two thirds"
    );

    signed.nonce.0[15] ^= 1;
    let again = world
        .app
        .enroll(enrolling(signed.into()))
        .await
        .unwrap_err();
    assert!(matches!(again, Error::Refused(Refusal::TokenUnknown)));
}

#[tokio::test]
async fn a_renewal_certifies_the_same_key() {
    let world = World::new().await;
    world.clock.advance(3_600);
    let certified = world.app.renew(&world.caller("leon")).await.unwrap();
    assert_eq!(
        certified.expires_at,
        world.app.now().plus(Lifetime::from_secs(30 * 86_400))
    );
    assert_eq!(world.kinds().last().unwrap(), "certificate.renewed");
}

#[tokio::test]
async fn removing_somebody_says_all_that_ended() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    world.request("mia", "migrate-shop-db", false).await;
    let by = Actor::Person(id("founder"));
    world
        .app
        .invite(by, world.signed_by("founder"), id("mia"))
        .await
        .unwrap();
    let (person, reason) = (id("mia"), line("left the team"));
    let remove = world.command("founder", Act::Remove { person, reason });
    let removed = world.app.remove(remove).await.unwrap();
    assert_eq!(
        (
            removed.grants.len(),
            removed.works.keys,
            removed.works.tokens
        ),
        (2, 1, 1)
    );
    let mia = world.caller("mia");
    let refused = world.app.admit(&mia.person, &mia.key).unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::NotEnrolled(_))));
}

#[tokio::test]
async fn the_frozen_are_told_so_and_strangers_are_not() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    let (person, reason) = (id("mia"), line("laptop stolen"));
    let freeze = world.command("leon", Act::Freeze { person, reason });
    let ended = world.app.freeze(freeze).await.unwrap().grants;
    assert_eq!(ended.len(), 1);
    let mia = world.caller("mia");
    let frozen = world.app.admit(&mia.person, &mia.key).unwrap_err();
    assert!(matches!(frozen, Error::Refused(Refusal::PersonFrozen(_))));
    let stranger = world
        .app
        .admit(&mia.person, &world.caller("leon").key)
        .unwrap_err();
    assert!(matches!(stranger, Error::Refused(Refusal::NotEnrolled(_))));
    assert_eq!(world.app.status().frozen, [id("mia")]);

    let (person, reason) = (id("mia"), line("found it"));
    let lift = world.command("leon", Act::Unfreeze { person, reason });
    world.app.unfreeze(lift).await.unwrap();
    world.app.admit(&mia.person, &mia.key).unwrap();
}

#[tokio::test]
async fn refusals_at_the_edge_are_entries_and_fold() {
    let world = World::new().await;
    let mia = id("mia");
    for _ in 0..5 {
        world
            .app
            .note_refusal(
                &Actor::from(&mia),
                "approve",
                "WRONG_BROKER",
                "another ledger",
            )
            .await;
    }
    let refused = || {
        world
            .kinds()
            .iter()
            .filter(|kind| *kind == "refused")
            .count()
    };
    assert_eq!(refused(), 1);
    world.clock.advance(61);
    world.app.tick().await.unwrap();
    assert_eq!(refused(), 2);
    let last = world.reader().entries(world.size() - 1, 1).unwrap();
    let last = String::from_utf8_lossy(&last[0]).into_owned();
    assert!(
        last.contains("\"count\":4") && last.contains("\"by\":\"mia\""),
        "{last}"
    );
    assert_eq!(world.app.refusal_counts(), [("WRONG_BROKER", 5)]);
}

#[tokio::test]
async fn who_can_do_what() {
    let world = World::new().await;
    let can = world.app.can(&id("mia"), None).unwrap();
    assert_eq!(can.verdicts.len(), 3);
    let right = "deploy-shop".parse().unwrap();
    let can = world.app.can(&id("designer"), Some(&right)).unwrap();
    assert_eq!(
        (can.verdicts.len(), can.verdicts[0].rule.is_none()),
        (1, true)
    );
    assert!(world.app.can(&id("nobody"), None).is_err());
    assert!(
        world
            .app
            .can(&id("mia"), Some(&"fly".parse().unwrap()))
            .is_err()
    );
    let policy = world.app.policy().await.unwrap();
    assert_eq!(
        (policy.entry, &*policy.policy.text),
        (0, super::world::POLICY)
    );
    assert_eq!(world.app.people().len(), 4);
}
