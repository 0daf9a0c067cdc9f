//! What is made under a grant at targets: sessions and roles.

use super::*;

pub(super) fn session() -> impl Strategy<Value = Change> {
    let id = || any::<u64>().prop_map(SessionId);
    let unasked = (
        option::of(any::<[u8; 16]>().prop_map(Nonce)),
        option::of(time()),
    );
    let opened = (of(), id(), name(), any::<u32>(), line(), text(), unasked);
    prop_oneof![
        opened.prop_map(|(of, session, target, number, login, origin, unasked)| {
            let (once, let_in_at) = unasked;
            let credential = CredentialId {
                grant: of.grant,
                number,
            };
            Change::SessionOpened {
                of,
                session,
                target,
                credential,
                login,
                origin,
                once,
                let_in_at,
            }
        }),
        (
            of(),
            id(),
            name(),
            select(SessionEnd::ALL),
            option::of(length())
        )
            .prop_map(|(of, session, target, how, took)| Change::SessionEnded {
                of,
                session,
                target,
                how,
                took
            }),
        (of(), id(), name()).prop_map(|(of, session, target)| Change::SessionUnconfirmed {
            of,
            session,
            target
        }),
    ]
}

pub(super) fn role() -> impl Strategy<Value = Change> {
    prop_oneof![
        (of(), name(), line()).prop_map(|(of, target, role)| Change::RoleCreated {
            of,
            target,
            role
        }),
        (of(), name(), line(), select(RoleStep::ALL), text()).prop_map(
            |(of, target, role, step, text)| Change::RoleFailed {
                of,
                target,
                role,
                step,
                text
            }
        ),
        (of(), name(), line(), any::<u32>(), length()).prop_map(
            |(of, target, role, sessions, took)| Change::RoleDropped {
                of,
                target,
                role,
                sessions,
                took
            }
        ),
    ]
}
