//! Client certificates: renewed by themselves, and checked at every call.

use std::time::Duration;

use breakglass_proto::v1::{self, identity_service_client::IdentityServiceClient};
use breakglass_tests::World;
use breakglass_tests::wait::soon;

use super::{reason, reason_of};

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn glass_renews_at_two_thirds_of_the_life() {
    let world = World::begins().await;
    let first = world.session("mia").await.identity().certificate.expires_at;
    world.clock().passes(DAY * 19);
    world.session("mia").await;
    assert_eq!(
        world.identity("mia").await.certificate.expires_at,
        first,
        "not yet"
    );
    world.clock().passes(DAY * 2);
    world.session("mia").await;
    let renewed = world.identity("mia").await.certificate;
    assert!(renewed.expires_at > first);
    let entries = world.entries_of("certificate.renewed");
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["by"], &entries[0]["key"]),
        (&"mia".into(), &(*renewed.key).into())
    );
    world.session("mia").await.status().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_opens_nothing() {
    let world = World::begins().await;
    let mut open = IdentityServiceClient::new(world.channel("mia").await);
    open.who_am_i(v1::WhoAmIRequest {}).await.unwrap();
    world.clock().passes(DAY * 31);
    let refused = open.who_am_i(v1::WhoAmIRequest {}).await.unwrap_err();
    assert_eq!(
        reason_of(&refused),
        "CERTIFICATE_INVALID",
        "not even an open connection"
    );
    let refused = open
        .renew_certificate(v1::RenewCertificateRequest {})
        .await
        .unwrap_err();
    assert_eq!(
        reason_of(&refused),
        "CERTIFICATE_INVALID",
        "too late to renew"
    );
    world.try_session("mia").await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_certificate() {
    let world = World::begins().await;
    let session = world.session("mia").await;
    let mut watch = session.watch(v1::WatchRequest::default()).await.unwrap();
    world.clock().passes(DAY * 31);
    let refused = soon("the stream ends", async {
        loop {
            match watch.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ends without a word"),
                Err(status) => return reason_of(&status),
            }
        }
    })
    .await;
    assert_eq!(refused, "CERTIFICATE_INVALID");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_removed_cannot_renew() {
    let world = World::begins().await;
    let mut mia = IdentityServiceClient::new(world.channel("mia").await);
    world
        .session("founder")
        .await
        .remove("mia", "last day")
        .await
        .unwrap();
    let refused = mia
        .renew_certificate(v1::RenewCertificateRequest {})
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "NOT_ENROLLED");
    assert_eq!(reason(world.try_session("mia").await), "NOT_ENROLLED");
}
