//! What happened at targets that night, for the golden bytes.

use breakglass_domain::event::{RoleStep, SessionEnd};
use breakglass_domain::{Change, CredentialKind, Lifetime, Nonce, SessionId, Subject};

use super::golden::{at, key, line, of};

pub(super) fn changes() -> Vec<(&'static str, Change)> {
    [
        guards(),
        credentials(),
        sessions(),
        roles(),
        vec![host(), let_in_unasked()],
    ]
    .concat()
}

fn guards() -> Vec<(&'static str, Change)> {
    let web = || "web-1".parse().expect("an id");
    let token = || "cd".repeat(32).parse().expect("64 digits");
    vec![
        (
            "founder",
            Change::TargetInvited {
                target: web(),
                token: token(),
                expires_at: at(60),
            },
        ),
        (
            "target:web-1",
            Change::TargetEnrolled {
                target: web(),
                token: token(),
                key: key(),
                public: vec![4; 65],
                device: line("web-1"),
                serial: "0c".repeat(16),
                certificate_expires_at: at(90),
            },
        ),
        (
            "target:web-1",
            Change::TargetRenewed {
                target: web(),
                key: key(),
                serial: "0d".repeat(16),
                certificate_expires_at: at(120),
            },
        ),
        (
            "breakglass",
            Change::TargetRemoved {
                target: web(),
                reason: line("no longer in the policy"),
            },
        ),
    ]
}

/// Somebody who came in while the broker was out of reach.
fn let_in_unasked() -> (&'static str, Change) {
    let opened = Change::SessionOpened {
        of: of(),
        session: SessionId(8),
        target: "web-1".parse().expect("an id"),
        credential: "G-45.2".parse().expect("an id"),
        login: line("deploy"),
        origin: "10.1.2.3".to_owned(),
        once: Some(Nonce([9; 16])),
        let_in_at: Some(at(7)),
    };
    ("target:web-1", opened)
}

/// A host's own key.
fn host() -> (&'static str, Change) {
    let certified = Change::HostCertified {
        target: "web-1".parse().expect("an id"),
        host: line("web-1.shop.example"),
        key: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".to_owned(),
        serial: "00c0ffee00c0ffee".to_owned(),
        expires_at: at(90),
    };
    ("breakglass", certified)
}

fn credentials() -> Vec<(&'static str, Change)> {
    let issued = |kind, subject| Change::CredentialIssued {
        of: of(),
        credential: "G-45.2".parse().expect("an id"),
        kind,
        audience: line("right:migrate-shop-db"),
        expires_at: at(20),
        key: key(),
        subject,
        witnesses: None,
    };
    let groups = Subject::Bearer {
        groups: vec![line("shop-readers")],
    };
    let login = Subject::Login {
        serial: 47_185_922,
        principals: vec!["deploy".parse().expect("fits")],
        extensions: vec!["permit-pty".parse().expect("known")],
        source_addresses: vec![line("10.0.0.0/8")],
    };
    let name = Subject::Name {
        serial: "0e".repeat(16),
        common_name: line("mia"),
        organizations: vec![line("shop-readers")],
    };
    let role = Subject::Role {
        target: "shop-db".parse().expect("an id"),
        role: line("breakglass_g45_2"),
        member_of: line("shop_migrator"),
    };
    vec![
        ("mia", issued(CredentialKind::Jwt, groups)),
        ("mia", issued(CredentialKind::Ssh, login)),
        ("mia", issued(CredentialKind::X509, name)),
        ("mia", issued(CredentialKind::Postgres, role)),
    ]
}

fn sessions() -> Vec<(&'static str, Change)> {
    let (session, web) = (SessionId(7), || "web-1".parse().expect("an id"));
    let ended = |how, took| Change::SessionEnded {
        of: of(),
        session,
        target: web(),
        how,
        took,
    };
    let killed = Some(Lifetime::from_millis(212));
    vec![
        (
            "target:web-1",
            Change::SessionOpened {
                of: of(),
                session,
                target: web(),
                credential: "G-45.2".parse().expect("an id"),
                login: line("deploy"),
                origin: "10.1.2.3:50022".into(),
                once: None,
                let_in_at: None,
            },
        ),
        ("target:web-1", ended(SessionEnd::Killed, killed)),
        ("target:web-1", ended(SessionEnd::Closed, None)),
        (
            "breakglass",
            Change::SessionUnconfirmed {
                of: of(),
                session,
                target: web(),
            },
        ),
    ]
}

fn roles() -> Vec<(&'static str, Change)> {
    let (target, role) = (
        || "shop-db".parse().expect("an id"),
        || line("breakglass_g45_2"),
    );
    let changes = [
        Change::RoleCreated {
            of: of(),
            target: target(),
            role: role(),
        },
        Change::RoleFailed {
            of: of(),
            target: target(),
            role: role(),
            step: RoleStep::Drop,
            text: "the server cannot be reached".into(),
        },
        Change::RoleDropped {
            of: of(),
            target: target(),
            role: role(),
            sessions: 1,
            took: Lifetime::from_millis(38),
        },
    ];
    changes.map(|change| ("breakglass", change)).to_vec()
}
