//! Credentials made by the broker's own issuers, in a ledger of any size.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use breakglass_broker::edge::{self, SystemEntropy};
use breakglass_broker::issue::keys::{KeyFolder, Keyring};
use breakglass_broker::issue::ssh::{SshIssuer, SshUserCa};
use breakglass_broker::issue::{JwtIssuer, TargetCa, TargetIssuer, jwks};
use breakglass_broker::ledger::entry;
use breakglass_broker::ports::{CredentialOrder, Issuer, Witnessed};
use breakglass_client::key::PrivateKey;
use breakglass_domain::{CredentialId, GrantId, Lifetime, Line, Subject, Time};
use breakglass_tests::recorded::{announced, order};
use breakglass_tlog::{NoteSigner as _, Receipt, TlogProof, VerifierKey};
use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;

use super::shape;
use crate::Outcome;

pub(super) const ISSUER: &str = "https://glass.shop.example:7444";
pub(super) const SERVICE: &str = "https://deploy.shop.example";

/// A broker's keys.
pub(super) struct Maker {
    jwt: JwtIssuer,
    ssh: SshIssuer,
    x509: TargetIssuer,
    holder: PrivateKey,
    at: Time,
    _folder: tempfile::TempDir,
}

/// A credential, and the proof in it.
pub(super) struct Made {
    pub(super) value: String,
    pub(super) proof: String,
}

impl Maker {
    pub(super) fn new() -> Outcome<Self> {
        edge::install_crypto();
        let folder = tempfile::tempdir()?;
        let keys = KeyFolder::create(&folder.path().join("keys"))?;
        let at: Time = "2026-11-23T03:05:00.250Z".parse()?;
        let entropy = Arc::new(SystemEntropy::open()?);
        let made = Keyring::create(&keys, at.minus(Lifetime::from_secs(60)))?;
        let kid = made.keys().next().ok_or("a key")?.kid.clone();
        let ring = Keyring::recorded(&keys, &kid, 1)?;
        let users = Arc::new(SshUserCa::create(&keys)?);
        let targets = Arc::new(TargetCa::create(
            &keys,
            "glass.shop.example",
            at,
            &*entropy,
        )?);
        Ok(Self {
            jwt: JwtIssuer::new(ISSUER.to_owned(), entry::read, ring),
            ssh: SshIssuer::new(users, entry::read, entropy),
            x509: TargetIssuer::new(targets, entry::read),
            holder: PrivateKey::generate()?,
            at,
            _folder: folder,
        })
    }

    pub(super) fn jwks(&self) -> String {
        jwks(&self.jwt.keyring(), self.at)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.at.timestamp()
    }

    pub(super) fn ledger_key(&self) -> VerifierKey {
        // The name and the seed are ours.
        shape::ledger().expect("a key").verifier().clone()
    }

    pub(super) fn jwt(&self, entries: u64, witnesses: u8) -> Outcome<Made> {
        self.made(&self.jwt, self.tokens(Vec::new()), entries, witnesses)
    }

    pub(super) fn ssh(&self, entries: u64, witnesses: u8) -> Outcome<Made> {
        let id = id();
        let subject = Subject::Login {
            serial: id.serial(),
            principals: vec!["deploy".parse()?],
            extensions: vec!["permit-pty".parse()?],
            source_addresses: Vec::new(),
        };
        self.made(&self.ssh, self.ordered(subject), entries, witnesses)
    }

    pub(super) fn x509(&self, entries: u64, witnesses: u8) -> Outcome<Made> {
        let subject = Subject::Name {
            serial: "8f000000000000000000000000000045".to_owned(),
            common_name: Line::parse("mia")?,
            organizations: vec![Line::parse("shop-debuggers")?],
        };
        self.made(&self.x509, self.ordered(subject), entries, witnesses)
    }

    fn tokens(&self, groups: Vec<Line>) -> CredentialOrder {
        let mut order = self.ordered(Subject::Bearer { groups });
        // As the constant is written, it is a line.
        order.grant.audience = Line::parse(SERVICE).expect("a line");
        order
    }

    fn ordered(&self, subject: Subject) -> CredentialOrder {
        let end = self.at.plus(Lifetime::from_secs(900));
        order(id(), (self.at, end), self.holder.public_key(), subject)
    }

    fn made(
        &self,
        issuer: &dyn Issuer,
        mut order: CredentialOrder,
        entries: u64,
        witnesses: u8,
    ) -> Outcome<Made> {
        let index = shape::deepest(entries);
        let line = entry::encode(index, &announced(&order))?;
        let receipt = shape::receipt(&line, index, entries)?;
        if witnesses > 0 {
            order.witnessed = Some(Witnessed {
                cosigned: Arc::new(shape::cosigned(&receipt, witnesses)?),
                inclusion: receipt.proof().clone(),
            });
        }
        Ok(Made {
            value: issuer.issue(&receipt, &order)?.value.to_string(),
            proof: proof(&receipt, &order),
        })
    }
}

/// The same text as in the credential.
fn proof(receipt: &Receipt, order: &CredentialOrder) -> String {
    let mut proof = TlogProof::from(receipt);
    proof.extra = Some(receipt.entry().to_vec());
    if let Some(witnessed) = &order.witnessed {
        proof.checkpoint = witnessed.cosigned.note().to_owned();
    }
    proof.to_string()
}

/// A grant after some years.
fn id() -> CredentialId {
    CredentialId {
        grant: GrantId(24_518),
        number: 3,
    }
}

/// Bytes of a certificate without PEM around it.
pub(super) fn der_len(pem: &str) -> Outcome<usize> {
    Ok(CertificateDer::from_pem_slice(pem.as_bytes())?.len())
}

/// Bytes of the same token without its proof, and without the key that stands beside it.
pub(super) fn without_proof(token: &str) -> Outcome<usize> {
    let (header, rest) = token.split_once('.').ok_or("a token")?;
    let (claims, signature) = rest.split_once('.').ok_or("a token")?;
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?)?;
    let members = claims.as_object_mut().ok_or("claims")?;
    members.remove("tlog_proof");
    let holder = members.get_mut("cnf").and_then(Value::as_object_mut);
    holder.ok_or("a holder")?.remove("jwk");
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    Ok(header.len() + claims.len() + signature.len() + 2)
}
