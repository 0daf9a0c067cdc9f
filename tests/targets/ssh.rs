//! SSH: the unchanged OpenSSH client, told by `glass` what to use, and an unchanged sshd.

mod fleet;

use std::path::Path;
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_broker::issue::keys::KeyFolder;
use breakglass_broker::issue::ssh::SshUserCa;
use breakglass_client::agent::LoginKey;
use breakglass_domain::{CredentialId, GrantId, Lifetime};
use breakglass_tests::sshd::user;
use tokio::process::Command;

use self::fleet::{Fleet, Login, MINUTE, Output, SERIAL, now};

/// A certificate with one bit of it turned.
fn turned(certificate: &str, bit: usize) -> String {
    let (algorithm, encoded) = certificate.split_once(' ').unwrap();
    let mut blob = STANDARD.decode(encoded).unwrap();
    blob[bit / 8] ^= 1 << (bit % 8);
    format!("{algorithm} {}", STANDARD.encode(blob))
}

fn position(certificate: &str, what: &[u8]) -> usize {
    let blob = STANDARD
        .decode(certificate.split_once(' ').unwrap().1)
        .unwrap();
    blob.windows(what.len())
        .position(|window| window == what)
        .unwrap()
}

#[tokio::test]
async fn ssh_logs_in_without_a_question_and_sshd_writes_down_who() {
    for kind in ["ed25519", "ecdsa"] {
        let fleet = Fleet::with_host_key(kind);
        let mia = fleet.mia(|_| {});
        mia.logs_in().await.is_let_in(&fleet.sshd);
        let accepted = fleet.sshd.says("Accepted publickey for ");
        for part in [
            "ECDSA-CERT",
            "ID person=mia grant=G-45 incident=INC-12 credential=G-45.1 (serial 47185921)",
            &format!("CA ED25519 {}", fleet.users.fingerprint()),
        ] {
            assert!(accepted.contains(part), "{part} is not in {accepted}");
        }
    }
}

/// One change to a certificate, and what sshd says to it.
type Wrong = (fn(&mut Login<'_>), &'static str);

#[tokio::test]
async fn sshd_refuses_what_is_not_for_it_or_not_for_now() {
    let fleet = Fleet::begins();
    let wrong: [Wrong; 5] = [
        (
            |login| login.principals = &["root-of-another"],
            "does not contain an authorized principal",
        ),
        (
            |login| login.expires_at = now(),
            "Certificate invalid: expired",
        ),
        (
            // The certificate would begin in half a minute.
            |login| {
                login.at = now().plus(Lifetime::from_secs(90));
                login.expires_at = login.at.plus(MINUTE);
            },
            "Certificate invalid: not yet valid",
        ),
        (
            |login| login.source_addresses = &["10.0.0.0/8"],
            "not from a permitted source address",
        ),
        (
            |login| login.principals = &["deploy2", "xdeploy", "deplo"],
            "does not contain an authorized principal",
        ),
    ];
    for (number, (change, says)) in wrong.into_iter().enumerate() {
        let mia = fleet.mia(|login| {
            login.id.number += u32::try_from(number).unwrap();
            change(login);
        });
        mia.logs_in().await.is_refused(says, &fleet.sshd);
        let _ = fleet.sshd.says(says);
    }
    let mia = fleet.mia(|login| login.source_addresses = &["10.0.0.0/8", "127.0.0.0/8"]);
    mia.logs_in().await.is_let_in(&fleet.sshd);
}

#[tokio::test]
async fn sshd_refuses_another_authority() {
    let fleet = Fleet::begins();
    let other = Fleet::begins();
    let key = LoginKey::generate().unwrap();
    let certificate = other.issues(&key, |_| {});
    let mia = fleet.mia_with(key, &certificate);
    mia.logs_in()
        .await
        .is_refused("another authority", &fleet.sshd);
    let _ = fleet.sshd.says("Failed publickey for ");

    // The authority for hosts, under the name of the one for users.
    let folder = fleet.keys.path().join("swapped");
    let swapped = KeyFolder::create(&folder).unwrap();
    let host_key = fleet.keys.path().join("keys/ssh-host.pem");
    std::fs::copy(host_key, folder.join("ssh-user.pem")).unwrap();
    let key = LoginKey::generate().unwrap();
    let users = Arc::new(SshUserCa::load(&swapped).unwrap());
    let certificate = Login::good().is_issued(&users, &key);
    let mia = fleet.mia_with(key, &certificate);
    mia.logs_in()
        .await
        .is_refused("the hosts' authority", &fleet.sshd);
}

#[tokio::test]
async fn a_turned_bit_makes_a_certificate_worthless() {
    let fleet = Fleet::begins();
    let certificate = fleet.issues(&LoginKey::generate().unwrap(), |_| {});
    let serial = position(&certificate, &SERIAL.to_be_bytes());
    let id = position(&certificate, b"person=mia");
    let principal = position(&certificate, b"deploy");
    let last = STANDARD
        .decode(certificate.split_once(' ').unwrap().1)
        .unwrap()
        .len()
        - 1;
    for byte in [serial, id, principal + 5, principal + 8, last] {
        let key = LoginKey::generate().unwrap();
        let certificate = fleet.issues(&key, |_| {});
        let mia = fleet.mia_with(key, &turned(&certificate, byte * 8));
        mia.logs_in().await.is_refused("a turned bit", &fleet.sshd);
    }
    assert!(!fleet.sshd.said().contains("Accepted"));
}

#[tokio::test]
async fn a_revoked_grant_is_refused_and_its_neighbours_are_not() {
    let fleet = Fleet::begins();
    let of = |grant: u64| {
        fleet.mia(|login| {
            login.id = CredentialId {
                grant: GrantId(grant),
                number: 3,
            }
        })
    };
    let (before, revoked, after) = (of(44), of(45), of(46));
    fleet.sshd.revokes(&fleet.revokes(&[]));
    revoked.logs_in().await.is_let_in(&fleet.sshd);
    fleet.sshd.revokes(&fleet.revokes(&[12, 45]));
    revoked.logs_in().await.is_refused("revoked", &fleet.sshd);
    let _ = fleet.sshd.says("revoked by file ");
    before.logs_in().await.is_let_in(&fleet.sshd);
    after.logs_in().await.is_let_in(&fleet.sshd);
}

#[tokio::test]
async fn a_list_that_was_torn_lets_nobody_in() {
    let fleet = Fleet::begins();
    let mia = fleet.mia(|_| {});
    let list = fleet.revokes(&[12, 44]);
    for cut in [8, 40, list.len() / 2, list.len() - 1] {
        fleet.sshd.revokes(&list[..cut]);
        let refused = mia.logs_in().await;
        assert_ne!(refused.code, 0, "{cut}: {}", fleet.sshd.said());
    }
    fleet.sshd.revokes(&list);
    mia.logs_in().await.is_let_in(&fleet.sshd);
}

#[tokio::test]
async fn a_renewed_certificate_is_used_by_the_next_login() {
    let fleet = Fleet::begins();
    let key = LoginKey::generate().unwrap();
    let first = fleet.issues(&key, |_| {});
    let second = fleet.issues(&key, |login| login.id.number += 1);
    let mia = fleet.mia_with(key, &first);
    mia.logs_in().await.is_let_in(&fleet.sshd);
    let _ = fleet.sshd.says(&format!("(serial {SERIAL})"));
    mia.agent.renew(&second).unwrap();
    mia.logs_in().await.is_let_in(&fleet.sshd);
    let _ = fleet.sshd.says(&format!("(serial {})", SERIAL + 1));
}

#[tokio::test]
async fn ssh_goes_only_to_a_host_of_the_fleet_with_its_own_name() {
    let fleet = Fleet::begins();
    let mia = fleet.mia(|_| {});
    let other = Fleet::begins();
    for (what, certificate) in [
        (
            "another host's name",
            fleet.certifies(&fleet.hosts, "web-2:22", MINUTE),
        ),
        (
            "another authority",
            fleet.certifies(&other.hosts, "127.0.0.1", MINUTE),
        ),
        (
            "expired",
            fleet.certifies(&fleet.hosts, "127.0.0.1", Lifetime::ZERO),
        ),
        ("none", String::new()),
    ] {
        let life_is_long = fleet.certifies(&fleet.hosts, "127.0.0.1", MINUTE);
        fleet.sshd.shows(&certificate);
        let refused = mia.logs_in().await;
        let said = refused.err.contains("Host key verification failed.");
        assert!(refused.code == 255 && said, "{what}: {}", refused.err);
        fleet.sshd.shows(&life_is_long);
    }
    mia.logs_in().await.is_let_in(&fleet.sshd);
    assert_eq!(fleet.sshd.said().matches("Accepted publickey").count(), 1);
}

#[tokio::test]
async fn a_configuration_of_ones_own_does_not_get_in_the_way() {
    let fleet = Fleet::begins();
    let mia = fleet.mia(|_| {});
    let control = mia.path("control");
    let config = format!(
        "Host *\nIdentitiesOnly yes\nIdentityFile {0}/id\nCertificateFile {0}/id-cert.pub\n\
         IdentityAgent none\nForwardAgent yes\nPubkeyAuthentication no\nControlMaster auto\n\
         ControlPath {1}\nControlPersist 60\nUserKnownHostsFile /dev/null\nUser nobody\nPort 1\n\
         StrictHostKeyChecking ask\nAddKeysToAgent yes\n",
        mia.folder.path().display(),
        control.display(),
    );
    std::fs::write(mia.path("ssh_config"), config).unwrap();
    let output = mia.runs(&["-A"], &["echo", "hello"]).await;
    output.is_let_in(&fleet.sshd);
    assert!(!control.exists(), "nothing stays open");
    let output = mia.runs(&[], &["echo", "[$SSH_AUTH_SOCK]"]).await;
    assert_eq!(output.out, "[]\n", "our agent is not lent to the host");
}

#[tokio::test]
async fn a_key_on_the_disk_is_not_taken_instead() {
    let fleet = Fleet::begins();
    let mia = fleet.mia(|login| login.expires_at = now());
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(mia.path("id"));
    assert_eq!(Output::of(keygen).await.code, 0);
    let authorized = mia.path("id.pub");
    fleet
        .sshd
        .is_configured(&format!("AuthorizedKeysFile {}", authorized.display()));
    let config = format!("IdentityFile {}\n", mia.path("id").display());
    std::fs::write(mia.path("ssh_config"), config).unwrap();
    mia.logs_in().await.is_refused("expired", &fleet.sshd);
    // And it would have opened the door.
    let config = mia.path("ssh_config");
    let mut plain = plain("ssh", &fleet, &config);
    plain
        .arg(format!("{}@127.0.0.1", user()))
        .args(["echo", "hello"]);
    Output::of(plain).await.is_let_in(&fleet.sshd);
}

#[tokio::test]
async fn a_certificate_allows_what_its_right_names() {
    let fleet = Fleet::begins();
    let bare = fleet.mia(|login| login.extensions = &[]);
    let output = bare.runs(&["-tt"], &["echo", "hello"]).await;
    assert!(
        output.err.contains("PTY allocation request failed"),
        "{}",
        output.err
    );
    let with_pty = fleet.mia(|_| {});
    let output = with_pty.runs(&["-tt"], &["tty"]).await;
    let said = fleet.sshd.said();
    // An sshd that is not root cannot give the terminal to the group `tty` where the mount of
    // /dev/pts has not done so (option `gid`, as containers leave it out), and ends there.
    let given = output.out.starts_with("/dev/pts/") || said.contains("chown(/dev/pts/");
    assert!(given, "{}{said}", output.err);
    let forward = format!("127.0.0.1:{}", fleet.sshd.port());
    let output = with_pty.runs(&["-W", &forward], &[]).await;
    assert!(
        output.err.contains("administratively prohibited"),
        "{}",
        output.err
    );
    let with_ports = fleet.mia(|login| login.extensions = &["permit-port-forwarding"]);
    let output = with_ports.runs(&["-W", &forward], &[]).await;
    assert!(output.out.starts_with("SSH-2.0-OpenSSH"), "{}", output.err);
}

#[tokio::test]
async fn the_principal_is_the_login_where_a_host_maps_none() {
    let fleet = Fleet::begins();
    fleet.sshd.is_configured("AuthorizedPrincipalsFile none");
    let deploy = fleet.mia(|_| {});
    deploy
        .logs_in()
        .await
        .is_refused("not their login", &fleet.sshd);
    let key = LoginKey::generate().unwrap();
    let name = user();
    let principals = [name.as_str()];
    let mut login = Login::good();
    login.principals = &principals;
    let certificate = login.is_issued(&fleet.users, &key);
    let mia = fleet.mia_with(key, &certificate);
    mia.logs_in().await.is_let_in(&fleet.sshd);
}

#[tokio::test]
async fn other_tools_need_nothing_but_the_agent() {
    let fleet = Fleet::begins();
    let mia = fleet.mia(|_| {});
    std::fs::write(mia.path("here"), "a file").unwrap();
    let mut scp = plain("scp", &fleet, &mia.path("ssh_config"));
    let there = format!("{}@127.0.0.1:{}", user(), mia.path("there").display());
    scp.arg(mia.path("here")).arg(there);
    scp.env("SSH_AUTH_SOCK", mia.agent.path());
    let output = Output::of(scp).await;
    assert_eq!(output.code, 0, "{}\n{}", output.err, fleet.sshd.said());
    assert_eq!(
        std::fs::read_to_string(mia.path("there")).unwrap(),
        "a file"
    );
}

/// A program as people call it by themselves, here with hosts it does not ask about.
fn plain(program: &str, fleet: &Fleet, config: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .arg("-F")
        .arg(config)
        .args(["-o", &format!("Port={}", fleet.sshd.port())]);
    command.args([
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
    ]);
    command
}
