//! What is said where somebody goes on with what was another's.

use super::*;

/// What a holder signs who hands over to Leon.
fn handing(grant: &Grant) -> Act {
    Act::HandOver {
        grant: grant.of.grant,
        to: id("leon"),
        incident: grant.of.incident,
        right: grant.of.right.clone(),
        sentence: grant.sentence.clone(),
        reason: line("I have to sleep"),
        until: grant.active().unwrap().ends_at,
    }
}

#[tokio::test]
async fn who_goes_on_is_told_to_both_and_nobody_is_asked_twice() {
    let world = World::new().await;
    world.open_incident().await;
    let request = waits(&world).await;
    acts(&world, "founder", world.approving(&request)).await;
    let begun = world
        .live
        .read(|state| state.grants[&request.of.grant].clone());
    let before = notices(&world).len();
    acts(&world, "mia", handing(&begun)).await;
    let told = notices(&world).split_off(before);
    let titles: Vec<_> = told.iter().map(|it| it.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "leon may migrate the shop database until 2026-11-23 03:20 UTC (G-2, approved by mia)",
            "mia handed G-1 over to leon, who may now migrate the shop database instead (G-2)",
        ],
        "Mia is one who may agree, so nobody is asked"
    );
    assert_eq!(told[1].subject, Subject::Of(Occasion::HandedOver));
    assert_eq!(told[1].to, To::People(vec![id("mia"), id("leon")]));
    assert_eq!(told[1].next.as_deref(), Some("glass grants show G-2"));
}

#[tokio::test]
async fn who_has_to_agree_reads_who_hands_over_to_whom() {
    let world = World::new().await;
    world.open_incident().await;
    let request = world.request("mia", "deploy-shop", false).await.grant;
    world.asks_the_founder("deploy-shop").await;
    acts(&world, "mia", handing(&request)).await;
    let notice = notices(&world).pop().unwrap();
    assert_eq!(notice.subject, Subject::Of(Occasion::ApprovalWanted));
    assert_eq!(notice.to, To::People(vec![id("founder")]));
    assert_eq!(
        notice.title,
        "mia hands G-1 over to leon, who is to deploy the shop app (G-2): I have to sleep"
    );
    assert_eq!(notice.next.as_deref(), Some("glass approve G-2"));
}
