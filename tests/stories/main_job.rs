//! The main job: an incident, a grant, a credential, and the end of it.

use breakglass_proto::v1::{GrantBasis, GrantEnding, GrantState};
use breakglass_tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_change_floods_a_worker_and_mia_reverts_it() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "revert-config").await;
    assert_eq!(grant.basis(), GrantBasis::FastPath);
    assert_eq!(grant.incident, incident);
    let token = world.takes_jwt("mia", &grant.id).await.unwrap();
    assert_eq!(token.audience, "https://config.shop.example");
    world.drops("mia", &grant.id).await.unwrap();
    let ended = world.grant(&grant.id).await;
    assert_eq!(
        (ended.state(), ended.ending()),
        (GrantState::Ended, GrantEnding::Dropped)
    );
    world.closes("leon", &incident).await.unwrap();
    let kinds = world.kinds_from(10);
    assert!(
        kinds.ends_with(&["incident.closed".to_owned()]),
        "{kinds:?}"
    );
}
