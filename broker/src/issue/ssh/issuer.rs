//! User certificates against a receipt: no entry, no certificate.

use std::fmt;
use std::sync::Arc;

use breakglass_domain::{Line, Subject};
use breakglass_tlog::Receipt;
use zeroize::Zeroizing;

use super::ca::SshUserCa;
use super::certificate::UserCertificate;
use crate::issue::entry_proof::entry_proof;
use crate::issue::{BACK_DATED, demand_announced};
use crate::ports::{Credential, CredentialOrder, Decode, Entropy, IssueError, Issuer};

/// Makes the certificates that people log in with.
pub struct SshIssuer {
    ca: Arc<SshUserCa>,
    decode: Decode,
    entropy: Arc<dyn Entropy>,
}

impl SshIssuer {
    /// Issues by this authority.
    #[must_use]
    pub fn new(ca: Arc<SshUserCa>, decode: Decode, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            ca,
            decode,
            entropy,
        }
    }
}

impl Issuer for SshIssuer {
    fn issue(&self, receipt: &Receipt, order: &CredentialOrder) -> Result<Credential, IssueError> {
        demand_announced(self.decode, receipt, order)?;
        let not_before = order.at.minus(BACK_DATED);
        let Subject::Login {
            serial,
            principals,
            extensions,
            source_addresses,
        } = &order.subject
        else {
            return Err(IssueError::WrongReceipt);
        };
        // A grant is revoked by the range its serials come from, so there is no other.
        if *serial != order.id.serial() {
            return Err(IssueError::WrongReceipt);
        }
        let principals: Vec<&str> = principals.iter().map(|it| it.as_str()).collect();
        let extensions: Vec<&str> = extensions.iter().map(|it| it.as_str()).collect();
        let source_addresses: Vec<&str> = source_addresses.iter().map(Line::as_str).collect();
        let certificate = UserCertificate {
            point: &order.public,
            serial: *serial,
            key_id: &key_id_of(order),
            principals: &principals,
            extensions: &extensions,
            source_addresses: &source_addresses,
            valid_after: not_before,
            valid_before: order.expires_at,
            tlog_proof: Some(&entry_proof(receipt, order)?),
        };
        let value = self.ca.certify_user(&certificate, &*self.entropy)?;
        Ok(Credential {
            value: Zeroizing::new(value),
            not_before,
            expires_at: order.expires_at,
        })
    }
}

impl fmt::Debug for SshIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SshIssuer");
        shown.field("ca", &self.ca).finish_non_exhaustive()
    }
}

/// What sshd writes down at each login; every word of it is an id, so none has a space.
fn key_id_of(order: &CredentialOrder) -> String {
    let (of, id) = (&order.grant.of, order.id);
    let drill = if of.drill { " drill=yes" } else { "" };
    format!(
        "person={} grant={} incident={} credential={id}{drill}",
        of.person, of.grant, of.incident
    )
}

#[cfg(test)]
mod tests {
    use breakglass_domain::{Change, CredentialId, CredentialKind, Event};

    use super::*;
    use crate::issue::tests::{announcement_of, at, entropy, grant, holder, line, recorded};
    use crate::ledger::entry;

    fn issuer() -> SshIssuer {
        let ca = Arc::new(SshUserCa::from_seed(&[7; 32]));
        SshIssuer::new(ca, entry::read, Arc::new(entropy()))
    }

    fn order() -> CredentialOrder {
        let grant = grant(&holder());
        let id = CredentialId {
            grant: grant.of.grant,
            number: 1,
        };
        CredentialOrder {
            id,
            at: at("2026-11-23T03:05:00.250Z"),
            expires_at: at("2026-11-23T03:20:00.000Z"),
            public: holder(),
            grant,
            subject: Subject::Login {
                serial: id.serial(),
                principals: vec!["deploy".parse().unwrap()],
                extensions: vec!["permit-pty".parse().unwrap()],
                source_addresses: vec![line("10.0.0.0/8")],
            },
            witnessed: None,
        }
    }

    fn announcement(order: &CredentialOrder) -> Event {
        announcement_of(CredentialKind::Ssh, order)
    }

    #[test]
    fn a_certificate_says_what_its_entry_says() {
        let order = order();
        let credential = issuer().issue(&recorded(&announcement(&order)), &order);
        let credential = credential.unwrap();
        let read = super::super::tests::read_by_ssh_keygen(&credential.value);
        for part in [
            "Key ID: \"person=mia grant=G-45 incident=INC-12 credential=G-45.1\"",
            "Serial: 47185921\n",
            "Valid: from 2026-11-23T03:04:00 to 2026-11-23T03:20:00\n",
            "Principals: \n                deploy\n        Critical",
            "source-address 10.0.0.0/8\n",
            "Extensions: \n                permit-pty\n",
        ] {
            assert!(read.contains(part), "{part}\nis not in\n{read}");
        }
        assert_eq!(credential.not_before, at("2026-11-23T03:04:00.250Z"));
        assert_eq!(credential.expires_at, order.expires_at);
    }

    #[test]
    fn a_certificate_of_a_drill_says_so_in_what_sshd_writes_down() {
        let mut order = order();
        order.grant.of.drill = true;
        let announced = Event {
            drill: true,
            ..announcement(&order)
        };
        let credential = issuer().issue(&recorded(&announced), &order).unwrap();
        let read = super::super::tests::read_by_ssh_keygen(&credential.value);
        let key_id =
            "Key ID: \"person=mia grant=G-45 incident=INC-12 credential=G-45.1 drill=yes\"";
        assert!(read.contains(key_id), "{read}");
    }

    /// One change to an order.
    type Changed = fn(&mut CredentialOrder);

    fn login(order: &mut CredentialOrder, serial: u64, principal: &str, from: &str) {
        order.subject = Subject::Login {
            serial,
            principals: vec![principal.parse().unwrap()],
            extensions: vec!["permit-pty".parse().unwrap()],
            source_addresses: vec![line(from)],
        };
    }

    #[test]
    fn nothing_is_certified_that_its_entry_does_not_say() {
        let order = order();
        let receipt = recorded(&announcement(&order));
        let changes: [(&str, Changed); 10] = [
            ("another id", |order| order.id.number = 2),
            ("later", |order| order.at = order.at.plus(BACK_DATED)),
            ("longer", |order| {
                order.expires_at = order.expires_at.plus(BACK_DATED)
            }),
            ("somebody else", |order| {
                order.grant.of.person = "leon".parse().unwrap()
            }),
            ("another right", |order| {
                order.grant.of.right = "billing".parse().unwrap()
            }),
            ("another key", |order| order.public = holder()),
            ("as root", |order| {
                login(order, order.id.serial(), "root", "10.0.0.0/8")
            }),
            ("from elsewhere", |order| {
                login(order, order.id.serial(), "deploy", "0.0.0.0/0")
            }),
            ("another serial", |order| {
                login(order, 7, "deploy", "10.0.0.0/8")
            }),
            ("no login", |order| {
                order.subject = Subject::Bearer { groups: Vec::new() }
            }),
        ];
        for (what, change) in changes {
            let mut changed = order.clone();
            change(&mut changed);
            let refused = issuer().issue(&receipt, &changed);
            assert!(matches!(refused, Err(IssueError::WrongReceipt)), "{what}");
        }
    }

    #[test]
    fn a_serial_from_another_grants_range_is_refused_even_where_it_is_announced() {
        let mut order = order();
        login(&mut order, (46 << 20) + 1, "deploy", "10.0.0.0/8");
        let refused = issuer().issue(&recorded(&announcement(&order)), &order);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)));
    }

    #[test]
    fn an_entry_for_another_kind_of_credential_is_not_enough() {
        let order = order();
        let mut event = announcement(&order);
        if let Change::CredentialIssued { kind, .. } = &mut event.change {
            *kind = CredentialKind::X509;
        }
        let refused = issuer().issue(&recorded(&event), &order);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)));
        event.change = Change::BrokerStarted {
            version: "1".into(),
            rules: 0,
        };
        let refused = issuer().issue(&recorded(&event), &order);
        assert!(matches!(refused, Err(IssueError::WrongReceipt)));
    }
}
