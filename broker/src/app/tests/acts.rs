//! Asking, approving, ending.

use std::sync::atomic::Ordering;

use breakglass_domain::command::Act;
use breakglass_domain::grant::Phase;
use breakglass_domain::{Basis, Ending, GrantId, IncidentId, Lifetime, Refusal};

use super::world::{World, line};
use crate::app::{Error, Wish};

fn entry_of(receipt: &breakglass_tlog::receipt::Receipt) -> String {
    String::from_utf8(receipt.entry().to_vec()).unwrap()
}

#[tokio::test]
async fn a_low_risk_right_begins_at_once_with_its_credential_in_one_trip() {
    let world = World::new().await;
    world.open_incident().await;
    let before = world.sequencer.submitted.load(Ordering::Relaxed);
    let asked = world.index.asked.load(Ordering::Relaxed);

    let requested = world.request("mia", "deploy-shop", false).await;

    assert_eq!(
        world.sequencer.submitted.load(Ordering::Relaxed),
        before + 1
    );
    assert_eq!(
        world.index.asked.load(Ordering::Relaxed),
        asked,
        "the index is not on this way"
    );
    assert_eq!(requested.grant.active().unwrap().basis, Basis::FastPath);
    assert_eq!(requested.grant.credentials, 1);
    let credential = requested.credential.unwrap();
    let key = world.caller("mia").key;
    assert_eq!(*credential.credential.value, format!("jwt G-1.1 for {key}"));
    assert!(entry_of(&credential.receipt).contains("credential.issued"));
    assert!(entry_of(&requested.receipt).contains("grant.requested"));
    assert_eq!(world.app.grant(GrantId(1)).await.unwrap(), requested.grant);
}

#[tokio::test]
async fn a_risky_right_waits_for_its_approver_and_then_issues() {
    let world = World::new().await;
    world.open_incident().await;
    let requested = world.request("mia", "migrate-shop-db", false).await;
    assert!(requested.grant.is_waiting());
    assert!(requested.credential.is_none());
    let mia = world.caller("mia");
    let waiting = world
        .app
        .issue(&mia, GrantId(1), &Wish::Jwt)
        .await
        .unwrap_err();
    assert!(matches!(waiting, Error::Refused(Refusal::GrantWaiting(_))));

    let approve = world.command("leon", world.approving(&requested.grant));
    let approved = world.app.act_on_grant(approve).await.unwrap();
    assert_eq!(approved.grant.active().unwrap().basis, Basis::Approved);
    assert!(entry_of(&approved.receipt).contains("\"signed\""));

    let (issued, grant) = world.app.issue(&mia, GrantId(1), &Wish::Jwt).await.unwrap();
    assert_eq!(
        (issued.id.to_string().as_str(), grant.credentials),
        ("G-1.1", 1)
    );
    let program = line("psql");
    let receipt = world
        .app
        .report_use(&mia, GrantId(1), program)
        .await
        .unwrap();
    assert!(entry_of(&receipt).contains("grant.used"));
}

#[tokio::test]
async fn closing_an_incident_answers_with_everything_it_ended() {
    let world = World::new().await;
    let incident = world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    world.request("leon", "migrate-shop-db", false).await;

    let reason = line("worker reverted");
    let close = world.command("leon", Act::Close { incident, reason });
    let ended = world.app.close(close).await.unwrap();

    assert!(ended.incident.closed.is_some());
    assert_eq!(ended.incident.grants, [GrantId(1), GrantId(2)]);
    let endings: Vec<_> = ended
        .grants
        .iter()
        .map(|grant| match &grant.phase {
            Phase::Ended(over) => (grant.of.grant.0, over.ending, over.was.is_some()),
            phase => panic!("{phase:?}"),
        })
        .collect();
    let closed = Ending::IncidentClosed;
    assert_eq!(endings, [(1, closed, true), (2, closed, false)]);
    assert!(entry_of(&ended.receipt).contains("\"signed\""));
}

#[tokio::test]
async fn giving_back_answers_without_the_index() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    world.index.broken.store(true, Ordering::Relaxed);
    let drop = world.command("mia", Act::Drop { grant: GrantId(1) });
    let dropped = world.app.act_on_grant(drop).await.unwrap();
    assert!(matches!(&dropped.grant.phase, Phase::Ended(over) if over.ending == Ending::Dropped));
}

#[tokio::test]
async fn what_is_over_says_how_and_when_it_ended() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    let drop = || world.command("mia", Act::Drop { grant: GrantId(1) });
    world.app.act_on_grant(drop()).await.unwrap();
    let at = world.app.now();
    world.clock.advance(30);

    let again = world.app.act_on_grant(drop()).await.unwrap_err();
    let Error::Refused(Refusal::GrantEnded { ended, .. }) = again else {
        panic!("{again:?}");
    };
    assert_eq!(ended, Some((Ending::Dropped, at)));

    // Without the index the refusal is the same, only shorter.
    world.index.broken.store(true, Ordering::Relaxed);
    let again = world.app.act_on_grant(drop()).await.unwrap_err();
    assert!(matches!(
        again,
        Error::Refused(Refusal::GrantEnded { ended: None, .. })
    ));
    assert_eq!(world.app.refusal_counts(), [("GRANT_ENDED", 2)]);
}

#[tokio::test]
async fn a_ledger_that_fails_issues_nothing() {
    let world = World::new().await;
    world.open_incident().await;
    world.sequencer.fails.store(true, Ordering::Relaxed);
    let command = world.command("mia", world.asking("mia", "deploy-shop", false));
    let error = world
        .app
        .request(&world.caller("mia"), command)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Ledger(_)));
}

#[tokio::test]
async fn a_credential_for_another_laptop_of_the_holder_is_bound_to_the_key_that_asked() {
    let world = World::new().await;
    world.open_incident().await;
    world.request("mia", "deploy-shop", false).await;
    let other_laptop = crate::app::Caller {
        person: world.caller("mia").person,
        ..world.somebody("mia").caller
    };
    let (issued, _) = world
        .app
        .issue(&other_laptop, GrantId(1), &Wish::Jwt)
        .await
        .unwrap();
    let key = world.caller("mia").key;
    assert_eq!(*issued.credential.value, format!("jwt G-1.2 for {key}"));
}

#[tokio::test]
async fn extending_and_revoking_answer_with_the_grant_as_it_stands() {
    let world = World::new().await;
    world.open_incident().await;
    let requested = world.request("mia", "deploy-shop", false).await.grant;
    let extend = Act::Extend {
        grant: GrantId(1),
        by: Lifetime::from_secs(300),
        reason: line("the build is slow"),
    };
    let extended = world
        .app
        .act_on_grant(world.command("mia", extend))
        .await
        .unwrap()
        .grant;
    let more = extended
        .active()
        .unwrap()
        .ends_at
        .since(requested.active().unwrap().ends_at);
    assert_eq!(more, Lifetime::from_secs(300));

    let reason = line("wrong laptop");
    let revoke = Act::Revoke {
        grant: GrantId(1),
        reason,
    };
    let revoked = world
        .app
        .act_on_grant(world.command("founder", revoke))
        .await
        .unwrap()
        .grant;
    let Phase::Ended(over) = revoked.phase else {
        panic!()
    };
    assert_eq!(
        (over.ending, over.by.to_string().as_str()),
        (Ending::Revoked, "founder")
    );
}

#[tokio::test]
async fn a_note_and_an_unknown_incident() {
    let world = World::new().await;
    let incident = world.open_incident().await;
    let text = breakglass_domain::Prose::parse("config 118 floods the worker").unwrap();
    let note = world.command("designer", Act::Note { incident, text });
    world.app.note(note).await.unwrap();
    assert_eq!(world.app.incident(incident).await.unwrap().notes.len(), 1);
    let unknown = world.app.incident(IncidentId(9)).await.unwrap_err();
    assert!(matches!(
        unknown,
        Error::Refused(Refusal::UnknownIncident(_))
    ));
}
