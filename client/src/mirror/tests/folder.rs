//! The folder: whose it is, who is in it, who may read it.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[tokio::test]
async fn one_run_at_a_time() {
    let host = Host::new();
    let place = Place::open(&host.mirror(), &key().into()).unwrap();
    let error = host.keeps(&Served::of(3)).await.unwrap_err();
    assert!(error.to_string().contains("is at work in"), "{error}");
    assert_eq!(error.exit_code(), 1);
    drop(place);
    host.keeps(&Served::of(3)).await.unwrap();
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let host = Host::new();
    fs::create_dir(host.mirror()).unwrap();
    fs::write(host.mirror().join("thesis.tex"), "x").unwrap();
    let error = Place::open(&host.mirror(), &key().into()).err().unwrap();
    assert!(error.to_string().contains("it is no mirror"), "{error}");
    assert_eq!(fs::read_dir(host.mirror()).unwrap().count(), 1);

    let host = Host::new();
    drop(Place::open(&host.mirror(), &key().into()).unwrap());
    let other = Ed25519Signer::from_seed(KeyName::parse("other/ledger").unwrap(), &[1; 32]);
    let error = Place::open(&host.mirror(), &other.unwrap().verifier().clone().into())
        .err()
        .unwrap();
    assert!(
        error.to_string().contains("mirrors another ledger"),
        "{error}"
    );
}

#[tokio::test]
async fn a_damaged_checkpoint_is_said_and_kept() {
    let host = Host::new();
    host.keeps(&Served::of(3)).await.unwrap();
    let path = host.mirror().join("checkpoint");
    fs::write(&path, "garbage").unwrap();
    let error = host.keeps(&Served::of(5)).await.unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"garbage");
}

#[tokio::test]
async fn a_mirror_is_as_readable_as_its_folder() {
    for (folder, file) in [(None, 0o600), (Some(0o755), 0o644), (Some(0o750), 0o640)] {
        let host = Host::new();
        if let Some(mode) = folder {
            fs::create_dir(host.mirror()).unwrap();
            fs::set_permissions(host.mirror(), fs::Permissions::from_mode(mode)).unwrap();
        }
        host.keeps(&Served::of(3)).await.unwrap();
        let mode = |name: &str| crate::files::mode(&host.mirror().join(name));
        assert_eq!(mode("checkpoint"), Some(file));
        assert_eq!(mode("tile/entries/000.p/3"), Some(file));
        assert_eq!(mode("tile"), Some(folder.unwrap_or(0o700)));
    }
}
