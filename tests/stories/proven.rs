//! Credentials of the real broker prove that they were recorded; those of a thief with its issuing keys do
//! not, whatever they copy.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use breakglass_broker::ports::Clock as _;
use breakglass_client::agent::LoginKey;
use breakglass_client::verify::{Denied, Ledger, Recorded, Verifier};
use breakglass_domain::policy::STARTER;
use breakglass_proto::v1::{Credential, CredentialKind};
use breakglass_tests::papers::Papers;
use breakglass_tests::stolen::{SshCertificate, TokenKey, UserKey};
use breakglass_tests::world::ISSUER;
use breakglass_tests::{World, https};
use breakglass_tlog::VerifierKey;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer,
    KeyPair, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

const SERVICE: &str = "https://deploy.shop.example";

const WAYS: &str = r#"
[targets.web-1]
kind = "ssh"
address = "127.0.0.1"
[targets.cluster]
kind = "kubernetes"
address = "https://k8s.shop.example:6443"
ca = """
CA"""
[rights.shell-web]
sentence = "open a shell on the web servers"
risk = "low"
longest = "30m"
[rights.shell-web.ssh]
targets = ["web-1"]
principals = ["deploy", "app"]
extensions = ["permit-pty", "permit-agent-forwarding"]
source_addresses = ["10.0.0.0/8", "127.0.0.1"]
[rights.pods]
sentence = "look after the pods"
risk = "low"
longest = "30m"
[rights.pods.kubernetes]
target = "cluster"
way = "certificate"
groups = ["shop-readers"]
[[rules]]
name = "ways"
who = ["job:engineer"]
rights = ["shell-web", "pods"]
approvers = []
"#;

/// A night on which somebody has stolen the keys that credentials are signed with.
struct Night {
    world: World,
}

impl Night {
    async fn begins() -> Self {
        let world = {
            let ways = WAYS.replace("CA", &Papers::of("cluster").pem());
            World::with_policy(&format!("{STARTER}{ways}")).await
        };
        world.opens("support", "the worker floods").await;
        Self { world }
    }

    fn ledger(&self) -> Ledger {
        let vkey = self.world.context("mia").ledger_vkey;
        Ledger::of(VerifierKey::parse(&vkey).unwrap())
    }

    /// A credential for a key of its own.
    async fn takes(&self, who: &str, right: &str, kind: CredentialKind) -> (Credential, LoginKey) {
        let grant = self.world.gets(who, right).await;
        let key = LoginKey::generate().unwrap();
        let session = self.world.session(who).await;
        let issued = session.issue_as(&grant.id, kind, key.public_key()).await;
        (issued.unwrap(), key)
    }

    async fn certificate(&self, who: &str) -> String {
        let kind = CredentialKind::SshCertificate;
        self.takes(who, "shell-web", kind).await.0.value.clone()
    }

    fn keys(&self) -> PathBuf {
        self.world.data().join("keys")
    }
}

fn blob(line: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
}

fn why(denied: Result<Recorded, Denied>) -> String {
    match denied {
        Err(Denied::Entry(why)) => why.to_owned(),
        other => format!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_the_broker_is_taken_offline_and_none_of_its_stolen_key() {
    let night = Night::begins().await;
    let world = &night.world;
    let keys = https::get(world.web(), &world.ca_pem().await, "/jwks.json").await;
    let now = world.clock().now().timestamp();
    let verifier = Verifier::builder(ISSUER, SERVICE)
        .keys(&String::from_utf8(keys.body).unwrap())
        .clock(move || now)
        .demand_entry(night.ledger())
        .build()
        .unwrap();
    let grant = world.gets("mia", "deploy-shop").await;
    let mias = world.takes_jwt("mia", &grant.id).await.unwrap().value;
    assert_eq!(verifier.verify(&mias).unwrap().person.as_str(), "mia");

    let thief = TokenKey::taken(&night.keys());
    assert!(
        verifier.verify(&thief.signs(&mias, |_| {})).is_ok(),
        "the same once more"
    );
    let bare = thief.signs(&mias, |claims| {
        claims.as_object_mut().unwrap().remove("tlog_proof");
    });
    assert_eq!(verifier.verify(&bare), Err(Denied::NoEntry));
    let longer = thief.signs(&mias, |claims| {
        claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 86_400);
    });
    let another_end = Err(Denied::Entry("it is about a token with another end"));
    assert_eq!(verifier.verify(&longer), another_end);
    let founder = thief.signs(&mias, |claims| claims["sub"] = json!("founder"));
    assert_eq!(
        verifier.verify(&founder),
        Err(Denied::Entry("it is about somebody else"))
    );
}

/// What a reader in another language, written from the format's page alone, says to a token.
fn python_says(vkey: &str, token: &str) -> (bool, String) {
    let mut python = Command::new("/usr/bin/python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/verify_credential.py"));
    python.arg(vkey).stdin(Stdio::piped());
    python.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut python = python.spawn().unwrap();
    python
        .stdin
        .take()
        .unwrap()
        .write_all(token.as_bytes())
        .unwrap();
    let said = python.wait_with_output().unwrap();
    let text = [said.stdout, said.stderr].concat();
    (said.status.success(), String::from_utf8(text).unwrap())
}

/// What a thief changes of a token of mia's, and what that is found by.
type Claimed = (fn(&mut Value), &'static str);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_shares_no_code_with_ours_finds_the_same() {
    let night = Night::begins().await;
    let world = &night.world;
    let vkey = world.context("mia").ledger_vkey;
    let grant = world.gets("mia", "deploy-shop").await;
    let mias = world.takes_jwt("mia", &grant.id).await.unwrap().value;
    let (holds, said) = python_says(&vkey, &mias);
    assert!(holds && said.contains("announced this token"), "{said}");
    let thief = TokenKey::taken(&night.keys());
    let changes: [Claimed; 8] = [
        (
            |it| drop(it.as_object_mut().unwrap().remove("ledger")),
            "it does not say of which ledger it is",
        ),
        (
            |it| it["ledger"]["origin"] = json!("other.example/ledger"),
            "its ledger is not the token's",
        ),
        (
            |it| drop(it.as_object_mut().unwrap().remove("tlog_proof")),
            "it carries no proof",
        ),
        (
            |it| it["sub"] = json!("founder"),
            "its person is not the token's",
        ),
        (
            |it| it["exp"] = json!(4_000_000_000_u32),
            "its expires_at is not the token's",
        ),
        (
            |it| it["groups"] = json!(["admins"]),
            "its subject is not the token's",
        ),
        (
            |it| it["cnf"]["jwk"]["x"] = it["cnf"]["jwk"]["y"].clone(),
            "not that of the thumbprint",
        ),
        (
            |it| {
                let proof = it["tlog_proof"].as_str().unwrap();
                it["tlog_proof"] = json!(proof.replacen("\nindex ", "\nindex 1", 1));
            },
            "its place is not in the ledger",
        ),
    ];
    for (change, found) in changes {
        let (holds, said) = python_says(&vkey, &thief.signs(&mias, change));
        assert!(!holds && said.contains(found), "{found}: {said}");
    }
    let other = Night::begins().await;
    let (holds, said) = python_says(&other.world.context("mia").ledger_vkey, &mias);
    assert!(!holds && said.contains("is not signed by"), "{said}");
}

/// What a thief changes of a certificate of mia's, and what that is found by.
type Forgery = (fn(&mut SshCertificate), &'static str);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ssh_certificate_of_the_broker_is_known_and_none_of_its_stolen_authority() {
    let night = Night::begins().await;
    let ledger = night.ledger();
    let mias = night.certificate("mia").await;
    let recorded = ledger.ssh_certificate(&blob(&mias)).unwrap();
    let last = night.world.entries_of("credential.issued").pop().unwrap();
    assert_eq!(recorded.credential.as_str(), last["credential"]);
    assert_eq!(recorded.entry.index, last["index"].as_u64().unwrap());
    assert_eq!((recorded.person.as_str(), recorded.drill), ("mia", false));

    let thief = UserKey::taken(&night.keys());
    let same = thief.signs(&mias, |_| {});
    assert!(
        ledger.ssh_certificate(&blob(&same)).is_ok(),
        "the same once more"
    );
    let bare = thief.signs(&mias, SshCertificate::forgets_its_proof);
    assert_eq!(ledger.ssh_certificate(&blob(&bare)), Err(Denied::NoEntry));
    let forgeries: [Forgery; 12] = [
        (|it| it.point[64] ^= 1, "it is about another key"),
        (|it| it.serial += 1, "it is about another serial"),
        (
            |it| it.valid_before += 1,
            "it is about a certificate with another end",
        ),
        (
            |it| it.valid_before = u64::MAX,
            "it is about a certificate with another end",
        ),
        (
            |it| it.key_id = it.key_id.replace("mia", "leon"),
            "it is about another credential",
        ),
        (
            |it| it.key_id = "mia".into(),
            "it is about another credential",
        ),
        (
            |it| it.key_id += " drill=yes",
            "it is about another credential",
        ),
        (
            |it| it.principals.push(b"root".to_vec()),
            "it is about other principals",
        ),
        (|it| it.principals.clear(), "it is about other principals"),
        (
            |it| it.critical_options.clear(),
            "it is about other critical options",
        ),
        (
            |it| {
                it.extensions
                    .insert(0, (b"permit-X11-forwarding".to_vec(), Vec::new()))
            },
            "it is about other extensions",
        ),
        (
            |it| {
                let proof = it.extensions.last().unwrap().clone();
                it.extensions.push(proof);
            },
            "there are two of them",
        ),
    ];
    for (change, found) in forgeries {
        let forged = thief.signs(&mias, change);
        assert_eq!(why(ledger.ssh_certificate(&blob(&forged))), found);
    }
    // The proof of another certificate of hers.
    let other = SshCertificate::read(&night.certificate("mia").await);
    let swapped = thief.signs(&mias, |it| it.extensions = other.extensions);
    let found = "it is about another credential";
    assert_eq!(why(ledger.ssh_certificate(&blob(&swapped))), found);
    // Nothing that is cut off or turned is believed, and nothing panics.
    let whole = blob(&mias);
    for length in 0..whole.len() {
        assert!(
            ledger.ssh_certificate(&whole[..length]).is_err(),
            "{length}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_the_thiefs_own_proves_nothing_here() {
    let (night, other) = (Night::begins().await, Night::begins().await);
    let elsewhere = other.certificate("mia").await;
    assert!(other.ledger().ssh_certificate(&blob(&elsewhere)).is_ok());
    let found = "its checkpoint is not signed by the ledger trusted here";
    assert_eq!(
        why(night.ledger().ssh_certificate(&blob(&elsewhere))),
        found
    );
    let plain = LoginKey::generate().unwrap();
    let none = night.ledger().ssh_certificate(plain.public_key());
    assert_eq!(none.unwrap_err().reason(), "MALFORMED");
}

/// What a thief writes into a client certificate: at first what stands in mia's.
struct Forged {
    organization: &'static str,
    common_name: &'static str,
    names: Vec<&'static str>,
    point: Vec<u8>,
    serial: Vec<u8>,
    not_after: i64,
    proofs: Vec<String>,
    authority: bool,
}

const OID: [u64; 14] = [
    1, 2, 840, 113_556, 1, 8000, 2554, 29_860, 52_861, 30_974, 17_912, 40_010, 3_433_860,
    14_340_444,
];

impl Forged {
    /// Signs with the broker's key for targets.
    fn signed(&self, keys: &Path) -> Vec<u8> {
        let pem = |name: &str| std::fs::read_to_string(keys.join(name)).unwrap();
        let key = KeyPair::from_pem(&pem("targets.pem")).unwrap();
        let mut of_authority = CertificateParams::default();
        of_authority.distinguished_name = DistinguishedName::new();
        let stolen = Issuer::new(of_authority, key);
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, self.organization);
        params
            .distinguished_name
            .push(DnType::CommonName, self.common_name);
        let uri = |name: &&str| SanType::URI((*name).try_into().unwrap());
        params.subject_alt_names = self.names.iter().map(uri).collect();
        params.serial_number = Some(SerialNumber::from_slice(&self.serial));
        let end = u64::try_from(self.not_after).unwrap();
        params.not_after = (SystemTime::UNIX_EPOCH + Duration::from_secs(end)).into();
        params.is_ca = match self.authority {
            true => IsCa::Ca(BasicConstraints::Unconstrained),
            false => IsCa::ExplicitNoCa,
        };
        let proofs = self.proofs.iter().map(|proof| {
            let length = u16::try_from(proof.len()).unwrap().to_be_bytes();
            let value = [&[0x0c, 0x82][..], &length, proof.as_bytes()].concat();
            CustomExtension::from_oid_content(&OID, value)
        });
        params.custom_extensions = proofs.collect();
        let made = params.signed_by(&Holder(&self.point), &stolen).unwrap();
        made.der().to_vec()
    }
}

/// A public key somebody has.
struct Holder<'a>(&'a [u8]);

impl PublicKeyData for Holder<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// The proof in a certificate: a `UTF8String` with a length of two bytes.
fn proof_in(der: &[u8]) -> String {
    let head = b"c2sp.org/tlog-proof@v1";
    let start = der.windows(head.len()).position(|it| it == head).unwrap();
    assert_eq!(der[start - 4..start - 2], [0x0c, 0x82]);
    let length = u16::from_be_bytes([der[start - 2], der[start - 1]]);
    String::from_utf8(der[start..start + usize::from(length)].to_vec()).unwrap()
}

/// What a thief changes in a client certificate, and what that is found by.
type Change = (fn(&mut Forged), &'static str);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_x509_certificate_of_the_broker_is_known_and_none_of_its_stolen_authority() {
    let night = Night::begins().await;
    let ledger = night.ledger();
    let kind = CredentialKind::X509Certificate;
    let (mias, key) = night.takes("mia", "pods", kind).await;
    let der = CertificateDer::from_pem_slice(mias.value.as_bytes()).unwrap();
    let recorded = ledger.x509_certificate(&der).unwrap();
    assert_eq!(recorded.credential.as_str(), mias.id);
    assert_eq!(
        (recorded.person.as_str(), recorded.right.as_str()),
        ("mia", "pods")
    );
    for length in 0..der.len() {
        assert!(ledger.x509_certificate(&der[..length]).is_err(), "{length}");
    }

    let entry = night.world.entries_of("credential.issued").pop().unwrap();
    let serial = entry["subject"]["serial"].as_str().unwrap();
    let serial = u128::from_str_radix(serial, 16).unwrap().to_be_bytes();
    let like_mias = || Forged {
        organization: "shop-readers",
        common_name: "mia",
        names: vec!["breakglass:grant:G-1"],
        point: key.public_key().to_vec(),
        serial: serial.to_vec(),
        not_after: recorded.expires_at.as_second(),
        proofs: vec![proof_in(&der)],
        authority: false,
    };
    let same = like_mias().signed(&night.keys());
    assert_eq!(
        ledger.x509_certificate(&same).as_ref(),
        Ok(&recorded),
        "the same once more"
    );
    let changes: [Change; 11] = [
        (
            |it| it.common_name = "founder",
            "it is about another subject",
        ),
        (
            |it| it.organization = "system:masters",
            "it is about another subject",
        ),
        (
            |it| it.names = vec!["breakglass:grant:G-2"],
            "it is about another grant",
        ),
        (
            |it| it.names.push("breakglass:drill"),
            "it is about another grant",
        ),
        (|it| it.names.clear(), "it is about another grant"),
        (|it| it.point[64] ^= 1, "it is about another key"),
        (|it| it.serial[15] ^= 1, "it is about another serial"),
        (
            |it| it.not_after += 1,
            "it is about a certificate with another end",
        ),
        (|it| it.authority = true, "it is about no authority"),
        (
            |it| it.proofs.push(it.proofs[0].clone()),
            "there are two of them",
        ),
        (
            |it| it.proofs[0].insert(0, ' '),
            "it is no proof as C2SP tlog-proof has them",
        ),
    ];
    for (change, found) in changes {
        let mut forged = like_mias();
        change(&mut forged);
        assert_eq!(
            why(ledger.x509_certificate(&forged.signed(&night.keys()))),
            found
        );
    }
    let mut bare = like_mias();
    bare.proofs.clear();
    let bare = ledger.x509_certificate(&bare.signed(&night.keys()));
    assert_eq!(bare, Err(Denied::NoEntry));
}
