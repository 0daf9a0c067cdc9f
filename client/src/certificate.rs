//! The certificate that says who this laptop speaks for, or which target this guard.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use crate::{
    error::Error,
    files,
    key::{self, key_id},
    time,
};

/// How a person's certificate names them, in a URI of the subject alternative names.
const PERSON_URI: &str = "breakglass:person:";

/// How the certificate of a guard names its target.
const TARGET_URI: &str = "breakglass:target:";

/// What stands before a target's id where people have theirs: in answers and in entries.
const TARGET: &str = "target:";

/// A client certificate, read. Its chain was built by the broker, who checks it on every call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    /// The person it names; for a guard `target:` and the id of its target.
    pub person: String,
    /// The name of the key it is for, see [`key_id`].
    pub key: String,
    /// From when it is valid.
    pub begins_at: Timestamp,
    /// Until when it is valid.
    pub expires_at: Timestamp,
}

impl Certificate {
    /// Reads the first certificate of a PEM text; `None` where there is none of ours in it.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let (rest, parsed) = X509Certificate::from_der(&der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let validity = parsed.validity();
        let begins_at = Timestamp::from_second(validity.not_before.timestamp()).ok()?;
        let expires_at = Timestamp::from_second(validity.not_after.timestamp()).ok()?;
        let person = person_of(&parsed)?;
        let key = key_id(&parsed.public_key().subject_public_key.data);
        Some(Self {
            der: der.clone(),
            person,
            key,
            begins_at,
            expires_at,
        })
    }

    /// Reads the certificate of a context.
    ///
    /// # Errors
    /// [`Error::Setup`] where it is missing or not one of ours.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let pem = files::read_text(path)?.ok_or_else(|| {
            let what = format!("the certificate {} is missing", path.display());
            Error::setup(what, key::enrol_again())
        })?;
        Self::from_pem(&pem).ok_or_else(|| {
            let what = format!(
                "{} is not a certificate for a person or a guard",
                path.display()
            );
            Error::setup(what, key::enrol_again())
        })
    }

    /// The target whose guard it names; `None` where it names a person.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        target(&self.person)
    }

    /// The certificate for TLS.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// When to renew it: at two thirds of its life.
    #[must_use]
    pub fn renew_at(&self) -> Timestamp {
        let life = self.expires_at.duration_since(self.begins_at);
        let two_thirds = SignedDuration::from_secs(life.as_secs() / 3 * 2);
        self.begins_at
            .saturating_add(two_thirds)
            .unwrap_or(self.expires_at)
    }

    /// Checks that it has not expired by this laptop's clock.
    ///
    /// # Errors
    /// [`Error::Setup`] that says what to ask whom.
    pub fn check_alive(&self, now: Timestamp) -> Result<(), Error> {
        if now < self.expires_at {
            return Ok(());
        }
        Err(Error::setup(
            format!(
                "the certificate of {} expired on {}; this {} was not used in time to renew it \
                 (the clock here says {})",
                self.person,
                time::local(self.expires_at, now),
                if self.target().is_some() {
                    "guard"
                } else {
                    "laptop"
                },
                time::rfc3339(now),
            ),
            format!(
                "ask somebody who may invite to run `glass {}`, then run the `glass enroll ...` \
                 line it prints, with `--replace`",
                match self.target() {
                    Some(target) => format!("targets invite {target}"),
                    None => format!("people invite {}", self.person),
                }
            ),
        ))
    }
}

/// The target whose guard goes by this name; `None` for a person.
#[must_use]
pub fn target(person: &str) -> Option<&str> {
    person.strip_prefix(TARGET)
}

/// The one person or target a certificate names.
fn person_of(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    let mut people = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => named(uri),
            _ => None,
        });
    match (people.next(), people.next()) {
        (Some(person), None) => Some(person),
        _ => None,
    }
}

fn named(uri: &str) -> Option<String> {
    let (before, id) = match uri.strip_prefix(TARGET_URI) {
        Some(target) => (TARGET, target),
        None => ("", uri.strip_prefix(PERSON_URI)?),
    };
    // Nobody's id has a colon in it, so that no person can pass for a target.
    let is_id = !id.is_empty() && !id.contains(':');
    is_id.then(|| format!("{before}{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_certificate_names_a_person_a_key_and_its_life() {
        let certificate = Certificate::from_pem(fixtures::CLIENT_CERTIFICATE).unwrap();
        assert_eq!(certificate.person, "mia");
        assert_eq!(certificate.key.len(), 43);
        let life = certificate.expires_at.duration_since(certificate.begins_at);
        let young = certificate.renew_at().duration_since(certificate.begins_at);
        assert_eq!(young.as_secs(), life.as_secs() / 3 * 2);
    }

    #[test]
    fn a_guards_certificate_names_its_target() {
        let certificate = Certificate::from_pem(fixtures::GUARD_CERTIFICATE).unwrap();
        assert_eq!(certificate.person, "target:web-1");
        assert_eq!(certificate.target(), Some("web-1"));
        let error = certificate.check_alive(certificate.expires_at).unwrap_err();
        assert!(error.next().unwrap().contains("glass targets invite web-1"));
        let mia = Certificate::from_pem(fixtures::CLIENT_CERTIFICATE).unwrap();
        assert_eq!(mia.target(), None);
    }

    #[test]
    fn no_person_passes_for_a_target() {
        assert_eq!(named("breakglass:person:mia").as_deref(), Some("mia"));
        for other in [
            "breakglass:person:target:web-1",
            "breakglass:person:",
            "breakglass:target:",
            "breakglass:target:a:b",
            "https://glass.example/mia",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn an_expired_certificate_says_what_to_ask_whom() {
        let certificate = Certificate::from_pem(fixtures::CLIENT_CERTIFICATE).unwrap();
        assert!(certificate.check_alive(certificate.begins_at).is_ok());
        let error = certificate
            .check_alive(at("2999-01-01T00:00:00Z"))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the certificate of mia expired on"),
            "{error}"
        );
        assert!(error.next().unwrap().contains("glass people invite mia"));
    }

    #[test]
    fn other_certificates_are_not_ours() {
        assert!(Certificate::from_pem(fixtures::CA_CERTIFICATE).is_none());
        assert!(Certificate::from_pem(fixtures::SERVER_CERTIFICATE).is_none());
        assert!(Certificate::from_pem("").is_none());
        assert!(Certificate::from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n").is_none());
    }
}
