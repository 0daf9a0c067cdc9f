//! What OpenSSH makes of what is made here, and the bytes that never change.

use std::path::Path;
use std::process::{Command, Output};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_domain::{GrantId, Lifetime, Time};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use super::certificate::UserCertificate;
use super::{HostCertificate, SerialRange, SshHostCa, SshUserCa, krl};
use crate::issue::keys::{KeyError, KeyFolder};
use crate::ports::{Entropy, IssueError};

const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f root@web-1";

/// Chance that is not chance.
struct Fixed;

impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
}

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

/// The base point of P-256 (SEC 2 section 2.4.2): a key whose private half is one.
fn base_point() -> Vec<u8> {
    let x = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296";
    let y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let hex = format!("04{x}{y}");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn mias(point: &[u8]) -> UserCertificate<'_> {
    UserCertificate {
        point,
        serial: (45 << 20) + 1,
        key_id: "person=mia grant=G-45 incident=INC-12 credential=G-45.1",
        principals: &["deploy", "root@web"],
        extensions: &[
            "permit-pty",
            "permit-agent-forwarding",
            "permit-X11-forwarding",
        ],
        source_addresses: &["10.0.0.0/8", "2001:db8::/32"],
        valid_after: at("2026-11-23T03:04:00.250Z"),
        valid_before: at("2026-11-23T03:20:00.999Z"),
        tlog_proof: None,
    }
}

fn webs() -> HostCertificate<'static> {
    HostCertificate {
        public_line: HOST_KEY,
        serial: 7,
        key_id: "target=web-1",
        address: "Web-1.shop.example:2222",
        valid_after: at("2026-11-23T03:04:00.000Z"),
        valid_before: at("2026-12-23T03:04:00.000Z"),
    }
}

fn user_ca() -> SshUserCa {
    SshUserCa::from_seed(&[7; 32])
}

fn ssh_keygen(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("ssh-keygen");
    // It prints local times.
    command.args(arguments).current_dir(folder).env("TZ", "UTC");
    command
        .output()
        .expect("Debian's openssh-client is installed")
}

pub(super) fn read_by_ssh_keygen(line: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cert.pub"), line).unwrap();
    let output = ssh_keygen(folder.path(), &["-L", "-f", "cert.pub"]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn ssh_keygen_reads_a_user_certificate_as_it_was_meant() {
    let line = user_ca()
        .certify_user(&mias(&base_point()), &Fixed)
        .unwrap();
    let read = read_by_ssh_keygen(&line);
    let expected = format!(
        r#"cert.pub:
        Type: ecdsa-sha2-nistp256-cert-v01@openssh.com user certificate
        Public key: ECDSA-CERT SHA256:SFMVDOrhOSBssOVH9hIcK/Z2XVf1oSVMjNCL8u2aICY
        Signing CA: ED25519 {} (using ssh-ed25519)
        Key ID: "person=mia grant=G-45 incident=INC-12 credential=G-45.1"
        Serial: 47185921
        Valid: from 2026-11-23T03:04:00 to 2026-11-23T03:20:00
        Principals: 
                deploy
                root@web
        Critical Options: 
                source-address 10.0.0.0/8,2001:db8::/32
        Extensions: 
                permit-X11-forwarding
                permit-agent-forwarding
                permit-pty
"#,
        user_ca().fingerprint()
    );
    assert_eq!(read, expected);
}

#[test]
fn ssh_keygen_reads_a_host_certificate_as_it_was_meant() {
    let ca = SshHostCa::from_seed(&[8; 32]);
    let read = read_by_ssh_keygen(&ca.certify_host(&webs(), &Fixed).unwrap());
    for part in [
        "Type: ssh-ed25519-cert-v01@openssh.com host certificate\n",
        &format!(
            "Signing CA: ED25519 {} (using ssh-ed25519)\n",
            ca.fingerprint()
        ),
        "Key ID: \"target=web-1\"\n        Serial: 7\n",
        "Valid: from 2026-11-23T03:04:00 to 2026-12-23T03:04:00\n",
        "Principals: \n                web-1.shop.example\n",
        "Critical Options: (none)\n        Extensions: (none)\n",
    ] {
        assert!(read.contains(part), "{part}\nis not in\n{read}");
    }
}

#[test]
fn what_is_signed_never_changes() {
    let line = user_ca()
        .certify_user(&mias(&base_point()), &Fixed)
        .unwrap();
    insta::assert_snapshot!("user_certificate", hex_dump(&blob(&line)));
    let ca = SshHostCa::from_seed(&[8; 32]);
    let line = ca.certify_host(&webs(), &Fixed).unwrap();
    insta::assert_snapshot!("host_certificate", hex_dump(&blob(&line)));
}

#[test]
fn a_certificate_with_its_proof_never_changes_and_ssh_keygen_reads_it() {
    let point = base_point();
    let user = UserCertificate {
        tlog_proof: Some("c2sp.org/tlog-proof@v1\nindex 0\n\n"),
        ..mias(&point)
    };
    let line = user_ca().certify_user(&user, &Fixed).unwrap();
    insta::assert_snapshot!("user_certificate_with_proof", hex_dump(&blob(&line)));
    let read = read_by_ssh_keygen(&line);
    let (_, extensions) = read.split_once("permit-pty\n").unwrap();
    assert!(extensions.contains("tlog-proof@breakglass.dev"), "{read}");
}

#[test]
fn a_revocation_list_never_changes_while_the_time_stands_still() {
    let grants = [46, 12, 45].map(|grant| SerialRange::of_grant(GrantId(grant)).unwrap());
    let list = krl(&user_ca(), 815, at("2026-11-23T03:05:00.250Z"), grants);
    insta::assert_snapshot!("krl", hex_dump(&list));
    let mut other_order = grants;
    other_order.reverse();
    let again = krl(&user_ca(), 815, at("2026-11-23T03:05:00.250Z"), other_order);
    assert_eq!(list, again);
}

#[test]
fn nothing_is_signed_that_would_let_in_more_than_it_says() {
    let point = base_point();
    let good = mias(&point);
    let (shifted, long) = (&point[1..], [&point[..], &[0]].concat());
    let compressed = [&[2], &point[1..]].concat();
    for (what, wrong) in [
        (
            "everybody",
            UserCertificate {
                principals: &[],
                ..good
            },
        ),
        (
            "nobody",
            UserCertificate {
                principals: &[""],
                ..good
            },
        ),
        (
            "two in one",
            UserCertificate {
                principals: &["deploy,root"],
                ..good
            },
        ),
        (
            "a pattern",
            UserCertificate {
                principals: &["deploy", "*"],
                ..good
            },
        ),
        (
            "a line end",
            UserCertificate {
                principals: &["deploy\nroot"],
                ..good
            },
        ),
        (
            "for ever revocable by nothing",
            UserCertificate { serial: 0, ..good },
        ),
        (
            "unknown extension",
            UserCertificate {
                extensions: &["permit-all"],
                ..good
            },
        ),
        (
            "two addresses in one",
            UserCertificate {
                source_addresses: &["10.0.0.0/8,0/0"],
                ..good
            },
        ),
        (
            "no address",
            UserCertificate {
                source_addresses: &[""],
                ..good
            },
        ),
        (
            "no time",
            UserCertificate {
                valid_before: good.valid_after,
                ..good
            },
        ),
        (
            "before 1970",
            UserCertificate {
                valid_after: Time::from_millis(-1),
                ..good
            },
        ),
        (
            "half a key",
            UserCertificate {
                point: shifted,
                ..good
            },
        ),
        (
            "too much key",
            UserCertificate {
                point: &long,
                ..good
            },
        ),
        (
            "another form of key",
            UserCertificate {
                point: &compressed,
                ..good
            },
        ),
    ] {
        let refused = user_ca().certify_user(&wrong, &Fixed);
        assert!(matches!(refused, Err(IssueError::Signing(_))), "{what}");
    }
}

#[test]
fn a_host_certificate_names_one_host_and_its_own_key() {
    let ca = SshHostCa::from_seed(&[8; 32]);
    let ecdsa = format!("ecdsa-sha2-nistp256 {} x", STANDARD.encode(p256_key()));
    let named_otherwise = HOST_KEY.replace("ssh-ed25519 ", "ssh-rsa ");
    let public = |public_line| HostCertificate {
        public_line,
        ..webs()
    };
    assert!(ca.certify_host(&public(&ecdsa), &Fixed).is_ok());
    for (what, wrong) in [
        (
            "every host",
            HostCertificate {
                address: "*:22",
                ..webs()
            },
        ),
        (
            "no host",
            HostCertificate {
                address: "",
                ..webs()
            },
        ),
        ("no key", public("")),
        ("no base64", public("ssh-ed25519 ....")),
        (
            "a key that ends too early",
            public("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"),
        ),
        ("another name", public(&named_otherwise)),
        (
            "a certificate already",
            public("ssh-ed25519-cert-v01@openssh.com AAAA"),
        ),
    ] {
        let refused = ca.certify_host(&wrong, &Fixed);
        assert!(matches!(refused, Err(IssueError::Signing(_))), "{what}");
    }
}

#[test]
fn the_keys_come_back_and_are_two() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFolder::create(&folder.path().join("keys")).unwrap();
    assert!(matches!(SshUserCa::load(&keys), Err(KeyError::Missing(_))));
    let made = SshUserCa::create(&keys).unwrap();
    assert!(matches!(SshUserCa::create(&keys), Err(KeyError::Exists(_))));
    let loaded = SshUserCa::load_or_create(&keys).unwrap();
    assert_eq!(loaded.public_line(), made.public_line());
    let hosts = SshHostCa::load_or_create(&keys).unwrap();
    assert_ne!(hosts.fingerprint(), made.fingerprint());
    assert!(hosts.public_line().ends_with(" breakglass-host-ca"));
    assert_eq!(
        format!("{made:?}"),
        format!("SshCa(breakglass-user-ca {})", made.fingerprint())
    );
    assert_eq!(
        fingerprint_by_ssh_keygen(&made.public_line()),
        made.fingerprint()
    );
    let path = keys.path().join("ssh-user.pem");
    std::fs::copy(keys.path().join("ssh-host.pem"), &path).unwrap();
    let moved = SshUserCa::load(&keys).unwrap();
    assert_eq!(
        moved.fingerprint(),
        hosts.fingerprint(),
        "a file is what its name says"
    );
    keys.replace("ssh-user.pem", b"nonsense").unwrap();
    assert!(matches!(
        SshUserCa::load(&keys),
        Err(KeyError::Unusable { .. })
    ));
}

#[test]
fn ssh_keygen_finds_in_the_list_what_is_revoked_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let point = base_point();
    let is_revoked = |ca: &SshUserCa, list: &[u8], serial| {
        let user = UserCertificate {
            serial,
            ..mias(&point)
        };
        let line = ca.certify_user(&user, &Fixed).unwrap();
        std::fs::write(folder.path().join("cert.pub"), line).unwrap();
        std::fs::write(folder.path().join("krl"), list).unwrap();
        let output = ssh_keygen(folder.path(), &["-Q", "-f", "krl", "cert.pub"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.ends_with("ok\n") || said.ends_with("REVOKED\n"),
            "{said}"
        );
        said.ends_with("REVOKED\n")
    };
    let now = at("2026-11-23T03:05:00.000Z");
    let ranges = [45, 12].map(|grant| SerialRange::of_grant(GrantId(grant)).unwrap());
    let ranges = ranges
        .into_iter()
        .chain(SerialRange::new(u64::MAX, u64::MAX));
    let list = krl(&user_ca(), 1, now, ranges);
    for (serial, revoked) in [
        ((12 << 20) - 1, false),
        (12 << 20, true),
        ((13 << 20) - 1, true),
        (13 << 20, false),
        ((45 << 20) + 1, true),
        (46 << 20, false),
        (u64::MAX - 1, false),
        (u64::MAX, true),
    ] {
        assert_eq!(is_revoked(&user_ca(), &list, serial), revoked, "{serial}");
    }
    let other = SshUserCa::from_seed(&[9; 32]);
    assert!(
        !is_revoked(&other, &list, 45 << 20),
        "another authority's serials"
    );
    let empty = krl(&user_ca(), 1, now, []);
    assert!(!is_revoked(&user_ca(), &empty, 45 << 20));
    std::fs::write(folder.path().join("krl"), &list).unwrap();
    let shown = ssh_keygen(folder.path(), &["-Q", "-l", "-f", "krl"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(
        shown.contains("# KRL version 1\n# Generated at 20261123T030500\n"),
        "{shown}"
    );
    assert!(shown.contains("serial: 12582912-13631487\n"), "{shown}");
}

#[test]
fn a_list_of_many_grants_is_still_read() {
    let folder = tempfile::tempdir().unwrap();
    let grants = (1..=20_000).map(|grant| SerialRange::of_grant(GrantId(grant * 2)).unwrap());
    let list = krl(&user_ca(), 1, at("2026-11-23T03:05:00.000Z"), grants);
    std::fs::write(folder.path().join("krl"), list).unwrap();
    let point = base_point();
    let user = UserCertificate {
        serial: 40_000 << 20,
        ..mias(&point)
    };
    let line = user_ca().certify_user(&user, &Fixed).unwrap();
    std::fs::write(folder.path().join("cert.pub"), line).unwrap();
    let output = ssh_keygen(folder.path(), &["-Q", "-f", "krl", "cert.pub"]);
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .ends_with("REVOKED\n")
    );
}

#[test]
fn a_certificate_ends_with_its_grant_and_never_later() {
    let point = base_point();
    let later = mias(&point).valid_before.plus(Lifetime::from_millis(1));
    let user = UserCertificate {
        valid_before: later,
        ..mias(&point)
    };
    let read = read_by_ssh_keygen(&user_ca().certify_user(&user, &Fixed).unwrap());
    assert!(read.contains(" to 2026-11-23T03:20:01\n"), "{read}");
    let read = read_by_ssh_keygen(&user_ca().certify_user(&mias(&point), &Fixed).unwrap());
    assert!(read.contains(" to 2026-11-23T03:20:00\n"), "{read}");
}

fn fingerprint_by_ssh_keygen(line: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pub"), line).unwrap();
    let output = ssh_keygen(folder.path(), &["-l", "-f", "ca.pub"]);
    let said = String::from_utf8(output.stdout).unwrap();
    said.split(' ').nth(1).unwrap().to_owned()
}

/// A fresh public key on the wire.
fn p256_key() -> Vec<u8> {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref(), &random);
    super::wire::Wire::default()
        .string("ecdsa-sha2-nistp256")
        .string("nistp256")
        .string(pair.unwrap().public_key())
        .done()
}

fn blob(line: &str) -> Vec<u8> {
    STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
}

/// Sixteen bytes a line, and what of them is text.
fn hex_dump(bytes: &[u8]) -> String {
    let line = |chunk: &[u8]| {
        let hex: String = chunk.iter().map(|byte| format!("{byte:02x} ")).collect();
        let shown = |byte: &u8| {
            if byte.is_ascii_graphic() {
                char::from(*byte)
            } else {
                '.'
            }
        };
        format!("{hex:48} {}", chunk.iter().map(shown).collect::<String>())
    };
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}
