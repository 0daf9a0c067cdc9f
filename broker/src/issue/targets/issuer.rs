//! Client certificates against a receipt: no entry, no certificate.

use std::sync::Arc;

use breakglass_domain::{Line, Subject};
use breakglass_tlog::Receipt;
use zeroize::Zeroizing;

use super::{TargetCa, TargetCertificate};
use crate::issue::entry_proof::entry_proof;
use crate::issue::{BACK_DATED, demand_announced};
use crate::ports::{Credential, CredentialOrder, Decode, IssueError, Issuer};

/// Makes the client certificates that targets accept.
#[derive(Debug)]
pub struct TargetIssuer {
    ca: Arc<TargetCa>,
    decode: Decode,
}

impl TargetIssuer {
    /// Issues by this authority.
    #[must_use]
    pub fn new(ca: Arc<TargetCa>, decode: Decode) -> Self {
        Self { ca, decode }
    }
}

impl Issuer for TargetIssuer {
    fn issue(&self, receipt: &Receipt, order: &CredentialOrder) -> Result<Credential, IssueError> {
        demand_announced(self.decode, receipt, order)?;
        let Subject::Name {
            serial,
            common_name,
            organizations,
        } = &order.subject
        else {
            return Err(IssueError::WrongReceipt);
        };
        let organizations: Vec<&str> = organizations.iter().map(Line::as_str).collect();
        let value = self.ca.make(&TargetCertificate {
            grant: order.grant.of.grant,
            drill: order.grant.of.drill,
            public: &order.public,
            common_name: common_name.as_str(),
            organizations: &organizations,
            serial,
            at: order.at,
            not_after: order.expires_at,
            tlog_proof: Some(&entry_proof(receipt, order)?),
        })?;
        Ok(Credential {
            value: Zeroizing::new(value),
            not_before: order.at.minus(BACK_DATED),
            expires_at: order.expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use breakglass_domain::{CredentialId, CredentialKind};
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;
    use crate::issue::keys::KeyFolder;
    use crate::issue::ssh::{SshIssuer, SshUserCa};
    use crate::issue::tests::{announcement_of, at, entropy, grant, holder, line, recorded};
    use crate::issue::{Issuers, JwtIssuer, keys::Keyring};
    use crate::ledger::entry;

    const SERIAL: &str = "8f000000000000000000000000000045";

    struct House {
        issuers: Issuers,
        _folder: tempfile::TempDir,
    }

    fn house() -> House {
        crate::edge::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::create(&folder.path().join("keys")).unwrap();
        let now = at("2026-11-01T00:00:00.000Z");
        let ca = TargetCa::create(&keys, "glass.example", now, &entropy()).unwrap();
        let ring = Keyring::create(&keys, now).unwrap();
        let users = Arc::new(SshUserCa::create(&keys).unwrap());
        let issuers = Issuers {
            jwt: JwtIssuer::new("https://glass.example".into(), entry::read, ring).into(),
            ssh: SshIssuer::new(users, entry::read, Arc::new(entropy())),
            targets: TargetIssuer::new(Arc::new(ca), entry::read),
        };
        House {
            issuers,
            _folder: folder,
        }
    }

    fn named(common_name: &str, organization: &str) -> Subject {
        Subject::Name {
            serial: SERIAL.into(),
            common_name: line(common_name),
            organizations: vec![line(organization)],
        }
    }

    fn order() -> CredentialOrder {
        let grant = grant(&holder());
        CredentialOrder {
            id: CredentialId {
                grant: grant.of.grant,
                number: 1,
            },
            at: at("2026-11-23T03:05:00.250Z"),
            expires_at: at("2026-11-23T03:20:00.000Z"),
            public: holder(),
            grant,
            subject: named("shop_reader", "postgres:shop-db:shop_reader"),
            witnessed: None,
        }
    }

    #[test]
    fn the_dispatcher_has_it_made_by_the_authority_for_targets() {
        let (house, order) = (house(), order());
        let receipt = recorded(&announcement_of(CredentialKind::X509, &order));
        let credential = house.issuers.issue(&receipt, &order).unwrap();
        assert_eq!(credential.expires_at, order.expires_at);
        assert_eq!(credential.not_before, at("2026-11-23T03:04:00.250Z"));
        let (_, pem) = x509_parser::pem::parse_x509_pem(credential.value.as_bytes()).unwrap();
        let (_, read) = X509Certificate::from_der(&pem.contents).unwrap();
        let subject = read.subject().to_string();
        assert_eq!(subject, "O=postgres:shop-db:shop_reader, CN=shop_reader");
        assert_eq!(
            read.issuer().to_string(),
            "CN=breakglass targets of glass.example"
        );
        assert_eq!(format!("{:032x}", read.serial), SERIAL);
    }

    /// One change to an order.
    type Changed = fn(&mut CredentialOrder);

    #[test]
    fn nothing_is_certified_that_its_entry_does_not_say() {
        let (house, order) = (house(), order());
        let receipt = recorded(&announcement_of(CredentialKind::X509, &order));
        let changes: [(&str, Changed); 8] = [
            ("another id", |order| order.id.number = 2),
            ("later", |order| order.at = order.at.plus(BACK_DATED)),
            ("longer", |order| {
                order.expires_at = order.expires_at.plus(BACK_DATED);
            }),
            ("another key", |order| order.public = holder()),
            ("another name", |order| {
                order.subject = named("postgres", "postgres:shop-db:shop_reader");
            }),
            ("another organization", |order| {
                order.subject = named("shop_reader", "system:masters");
            }),
            ("another kind", |order| {
                order.subject = Subject::Bearer { groups: Vec::new() };
            }),
            ("another grant", |order| order.grant.of.grant.0 = 46),
        ];
        for (what, change) in changes {
            let mut changed = order.clone();
            change(&mut changed);
            let refused = house.issuers.issue(&receipt, &changed);
            assert!(matches!(refused, Err(IssueError::WrongReceipt)), "{what}");
        }
        let lie = recorded(&announcement_of(CredentialKind::Jwt, &order));
        let refused = house.issuers.issue(&lie, &order);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)), "its kind");
    }

    #[test]
    fn a_role_is_nothing_that_an_issuer_makes() {
        let house = house();
        let mut order = order();
        order.subject = Subject::Role {
            target: "shop-db".parse().unwrap(),
            role: line("breakglass_g45_1"),
            member_of: line("shop_migrator"),
        };
        let receipt = recorded(&announcement_of(CredentialKind::Postgres, &order));
        let refused = house.issuers.issue(&receipt, &order);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)));
    }
}
