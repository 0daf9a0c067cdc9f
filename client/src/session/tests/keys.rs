//! Keys that change, and keys of somebody else.

use super::*;

#[tokio::test]
async fn another_ledger_key_ends_the_session_before_it_begins() {
    let broker = Broker::new();
    let other = Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[4; 32]).unwrap();
    broker.inside(|inside| inside.vkey = Some(other.verifier().to_string()));
    let laptop = Laptop::enrolled(broker.listen().await);
    let error = laptop.session().await.unwrap_err();
    assert_eq!(error.exit_code(), 86);
    assert!(
        error.to_string().contains("this laptop is pinned to"),
        "{error}"
    );
}

#[tokio::test]
async fn a_session_that_is_open_follows_the_ledger_to_its_next_key() {
    let broker = Broker::new();
    let laptop = Laptop::enrolled(broker.listen().await);
    let session = laptop.session().await.unwrap();
    session.checkpoint().await.unwrap();
    broker.hands_over_to(4);
    session.note_incident("INC-1", "still here").await.unwrap();
    broker.hands_over_to(5);
    session.checkpoint().await.unwrap();
    assert_eq!(session.trust().key(), *signer_of(5).verifier());
    // The next one knows the way already, and whoever signs without being handed it is refused.
    let next = laptop.session().await.unwrap();
    assert_eq!(next.trust().keys().successions().len(), 2);
    broker.inside(|inside| inside.seed = 6);
    let error = next.checkpoint().await.unwrap_err();
    assert_eq!(error.exit_code(), 86);
    assert!(error.to_string().contains("does not verify"), "{error}");
}

#[tokio::test]
async fn another_ca_is_not_spoken_to() {
    let laptop = Laptop::enrolled(Broker::new().listen().await);
    let other = fixtures::OTHER_CA_CERTIFICATE;
    files::write(&laptop.context.ca_file, other.as_bytes()).unwrap();
    let error = laptop.session().await.unwrap_err();
    assert_eq!(error.exit_code(), 86);
    assert!(
        error
            .to_string()
            .contains("is not the broker this laptop is enrolled with")
    );
}
