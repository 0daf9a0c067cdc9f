//! What is in the broker's folders: who can read and write it, and what is said where it is damaged.

use std::os::unix::fs::PermissionsExt as _;

use super::{Place, block_on, glassd};

#[test]
fn keys_that_others_can_read_keep_the_broker_from_starting() {
    let place = Place::new();
    place.init(&[]);
    let key = place.path("glass/keys/ledger.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let checked = place.glassd(&["check"]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.out.contains(&format!("chmod 600 {key}")),
        "{}",
        checked.out
    );
    let error = block_on(place.start()).unwrap_err().to_string();
    assert!(error.contains("has mode 0644"), "{error}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let folder = place.path("glass");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let failure = block_on(place.start()).unwrap_err();
    assert_eq!(failure.next(), Some(&*format!("chmod 700 {folder}")));
}

#[test]
fn what_root_makes_beside_the_data_can_be_read_by_the_brokers_own_user() {
    use std::os::unix::fs::MetadataExt as _;
    let place = Place::new();
    let (etc, data) = (place.path("etc"), place.path("data"));
    std::fs::create_dir(&etc).unwrap();
    // Only root can give it to a group that it is not in; for others it is their own.
    let _ = std::os::unix::fs::chown(&etc, None, Some(65_534));
    let config = format!("{etc}/glassd.toml");
    let made = glassd(&["init", &data, "--config", &config]);
    assert_eq!(made.code, 0, "{}", made.err);
    let group = std::fs::metadata(&etc).unwrap().gid();
    for name in ["glassd.toml", "policy.toml"] {
        let file = std::fs::metadata(format!("{etc}/{name}")).unwrap();
        assert_eq!((file.gid(), file.mode() & 0o777), (group, 0o640), "{name}");
    }
    let key = std::fs::metadata(format!("{data}/keys/ledger.pem")).unwrap();
    assert_eq!(key.mode() & 0o777, 0o600);
}

#[test]
fn a_policy_that_anybody_can_change_is_pointed_at() {
    let place = Place::new();
    place.init(&[]);
    let policy = place.path("glass/policy.toml");
    std::fs::set_permissions(&policy, std::fs::Permissions::from_mode(0o666)).unwrap();
    let checked = place.glassd(&["check"]);
    assert_eq!(checked.code, 1);
    let fix = format!("chmod o-w {policy}");
    assert!(checked.out.contains(&fix), "{}", checked.out);
    std::fs::set_permissions(&policy, std::fs::Permissions::from_mode(0o664)).unwrap();
    assert_eq!(
        place.glassd(&["check"]).code,
        0,
        "a team's git may share it"
    );
}

/// Whoever cuts it says so in the ledger, and `fsck` cuts nothing.
#[test]
fn a_torn_tail_is_on_record_whoever_comes_first() {
    let place = Place::new();
    place.init(&[]);
    let journal = place.config().ledger_dir().join("journal");
    let journal = std::fs::read_dir(journal).unwrap().next().unwrap();
    let journal = journal.unwrap().path();
    let torn = std::fs::read_to_string(&journal).unwrap() + "{\"v\":1,";
    std::fs::write(&journal, &torn).unwrap();

    let checked = place.glassd(&["fsck"]);
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert!(
        checked.out.contains("index is left out until"),
        "{}",
        checked.out
    );
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), torn);

    let invited = place.glassd(&["invite", "mia"]);
    assert_eq!(invited.code, 0, "{}", invited.err);
    let text = std::fs::read_to_string(&journal).unwrap();
    assert!(text.contains("\"kind\":\"ledger.repaired\""), "{text}");
    let checked = place.glassd(&["fsck"]);
    assert!(checked.out.contains("the index is what"), "{}", checked.out);
}

/// A proposed command can be typed as it stands, also where the config is not in its default place.
#[test]
fn a_damaged_ledger_says_which_command_looks_into_it() {
    let place = Place::new();
    place.init(&[]);
    let config = place.config();
    let mut journals = std::fs::read_dir(config.ledger_dir().join("journal")).unwrap();
    let journal = journals.next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&journal).unwrap();
    std::fs::write(&journal, text.replacen("\"index\":0", "\"index\":7", 1)).unwrap();
    let served = place.glassd(&["serve"]);
    let next = format!("next:  glassd fsck --config {}", place.path("glass"));
    assert_eq!(served.code, 1);
    assert!(served.err.contains(&next), "{}", served.err);
    let checked = place.glassd(&["check"]);
    assert!(checked.out.contains(&next[7..]), "{}", checked.out);
}
