//! Any event there could be.

mod made;

use std::sync::Arc;

use breakglass_domain::drill::{Step, StepTime};
use breakglass_domain::event::{CredentialKind, KeyPurpose, RoleStep, SessionEnd};
use breakglass_domain::grant::{Escalation, Handed, HandedTo, SelfGrant};
use breakglass_domain::policy::Risk;
use breakglass_domain::policy::access::SshExtension;
use breakglass_domain::stream::StreamKind;
use breakglass_domain::{
    Actor, Basis, Change, CredentialId, Ending, Event, GrantId, GrantRef, IncidentId, KeyId,
    Lifetime, Line, Nonce, PersonId, Policy, Prose, SessionId, Severity, Signed, SourceId, Subject,
    TargetId, Time, TokenHash, Width, WitnessWord,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use made::{role, session};

const POLICY: &str = r#"version = 1
[people.mia]
name = "Mia"
job = "engineer"
[people.designer]
name = "Dee"
job = "designer"
[rights.deploy-shop]
sentence = "deploy the shop app"   # "quoted", and a tab:	.
risk = "low"
longest = "30m"
audience = "https://deploy.shop.example"
[[rules]]
name = "engineers-ship"
who = ["job:engineer"]
rights = ["deploy-shop"]
approvers = []
"#;

/// The policy of the golden entries.
pub(super) fn golden_policy() -> Change {
    let policy = Policy::parse("policy.toml", POLICY).unwrap_or_else(|error| panic!("{error}"));
    Change::PolicyLoaded {
        policy: Arc::new(policy),
        sha256: "c0".repeat(32),
    }
}

pub(super) fn an_event() -> impl Strategy<Value = Event> {
    let signed = option::of(signed().prop_map(Arc::new));
    let event = (time(), actor(), change(), signed, any::<bool>());
    event.prop_map(|(at, by, change, signed, drill)| Event {
        at,
        by,
        // One mark for both.
        drill: change.grant().map_or(drill, |of| of.drill),
        change,
        signed,
    })
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        broker(),
        team(),
        incident(),
        request(),
        grant(),
        guard(),
        session(),
        role(),
        drill()
    ]
}

fn drill() -> impl Strategy<Value = Change> {
    let step = (select(Step::ALL), length(), length());
    let step = step.prop_map(|(step, took, budget)| StepTime { step, took, budget });
    let recorded = (
        any::<u64>(),
        any::<bool>(),
        vec(step, 0..9),
        option::of(line()),
    );
    recorded.prop_map(|(incident, good, steps, failed)| Change::DrillRecorded {
        incident: IncidentId(incident),
        good,
        steps,
        failed,
    })
}

fn time() -> impl Strategy<Value = Time> {
    // From the year 0 to the end of 9999.
    (-62_167_219_200_000_i64..253_402_207_200_000).prop_map(Time::from_millis)
}

fn length() -> impl Strategy<Value = Lifetime> {
    (0..i64::MAX).prop_map(Lifetime::from_millis)
}

fn name<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>() -> impl Strategy<Value = T>
{
    "[a-z0-9][a-z0-9._-]{0,47}"
        .prop_filter("nobody is called so", |name| name != "breakglass")
        .prop_map(|name| name.parse().expect("a name"))
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Broker),
        name::<TargetId>().prop_map(Actor::Target),
        name::<SourceId>().prop_map(Actor::Source),
        name::<PersonId>().prop_map(Actor::Person)
    ]
}

fn line() -> impl Strategy<Value = Line> {
    any::<String>().prop_filter_map("not a line", |text| Line::parse(&text).ok())
}

fn prose() -> impl Strategy<Value = Prose> {
    let text = vec(any::<String>(), 1..5).prop_map(|lines| lines.join("\n"));
    text.prop_filter_map("not a note", |text| Prose::parse(&text).ok())
}

/// Anything at all, also what no field of a person lets in.
fn text() -> impl Strategy<Value = String> {
    let hostile = select(vec![
        "\u{1b}]0;x\u{7}",
        "\u{202e}",
        "\r\n\0",
        "\"\\",
        "\u{e0041}",
    ]);
    (any::<String>(), hostile, any::<String>()).prop_map(|(a, b, c)| a + b + &c)
}

fn key() -> impl Strategy<Value = KeyId> {
    "[A-Za-z0-9_-]{43}".prop_map(|id| id.parse().expect("43 characters"))
}

fn token() -> impl Strategy<Value = TokenHash> {
    "[0-9a-f]{64}".prop_map(|hash| hash.parse().expect("64 digits"))
}

fn signed() -> impl Strategy<Value = Signed> {
    let parts = (
        text(),
        key(),
        any::<Vec<u8>>(),
        any::<[u8; 16]>(),
        time(),
        any::<bool>(),
    );
    parts.prop_map(|(text, key, signature, nonce, at, other_history)| Signed {
        text,
        key,
        signature,
        nonce: Nonce(nonce),
        at,
        other_history,
    })
}

fn of() -> impl Strategy<Value = GrantRef> {
    let of = (any::<u64>(), name(), name(), any::<u64>(), any::<bool>());
    of.prop_map(|(grant, person, right, incident, drill)| GrantRef {
        grant: GrantId(grant),
        person,
        right,
        incident: IncidentId(incident),
        drill,
    })
}

fn broker() -> impl Strategy<Value = Change> {
    let purpose = || select(KeyPurpose::ALL);
    prop_oneof![
        (text(), 0..3_u32).prop_map(|(version, rules)| Change::BrokerStarted { version, rules }),
        (purpose(), text(), text(), option::of(text())).prop_map(
            |(purpose, id, public, succession)| Change::KeyAdded {
                purpose,
                id,
                public,
                succession,
            }
        ),
        (purpose(), text()).prop_map(|(purpose, id)| Change::KeyRetired { purpose, id }),
        Just(golden_policy()),
        any::<u64>().prop_map(|cut_bytes| Change::LedgerRepaired { cut_bytes }),
        Just(Change::LedgerLost {}),
        (any::<u64>(), text())
            .prop_map(|(size, checkpoint)| Change::LedgerWitnessed { size, checkpoint }),
        any::<u64>().prop_map(|witnessed| Change::LedgerUnwitnessed { witnessed }),
        (any::<u64>(), any::<u64>()).prop_map(|(from, to)| Change::LedgerExported { from, to }),
        (any::<u64>(), any::<u64>(), text(), line(), line()).prop_map(
            |(kept, size, checkpoint, operator, reason)| Change::LedgerRestored {
                kept,
                size,
                checkpoint,
                operator,
                reason,
            }
        ),
        (name(), select(StreamKind::ALL), line(), any::<u64>()).prop_map(
            |(stream, kind, destination, from)| Change::StreamBegan {
                stream,
                kind,
                destination,
                from,
            }
        ),
        (name(), select(StreamKind::ALL))
            .prop_map(|(stream, kind)| Change::StreamEnded { stream, kind }),
        (
            text(),
            text(),
            text(),
            any::<u32>(),
            proptest::option::of(any::<u64>()),
            proptest::option::of(text())
        )
            .prop_map(
                |(act, reason, text, count, incident, checkpoint)| Change::Refused {
                    act,
                    reason,
                    text,
                    count,
                    incident: incident.map(IncidentId),
                    checkpoint,
                }
            ),
    ]
}

fn team() -> impl Strategy<Value = Change> {
    let enrolled = (
        name(),
        token(),
        key(),
        any::<Vec<u8>>(),
        line(),
        text(),
        time(),
    )
        .prop_map(
            |(person, token, key, public, device, serial, certificate_expires_at)| {
                Change::PersonEnrolled {
                    person,
                    token,
                    key,
                    public,
                    device,
                    serial,
                    certificate_expires_at,
                }
            },
        );
    let renewed = (name(), key(), text(), time()).prop_map(
        |(person, key, serial, certificate_expires_at)| Change::CertificateRenewed {
            person,
            key,
            serial,
            certificate_expires_at,
        },
    );
    prop_oneof![
        (name(), token(), time()).prop_map(|(person, token, expires_at)| {
            Change::PersonInvited {
                person,
                token,
                expires_at,
            }
        }),
        enrolled,
        renewed,
        (name(), line()).prop_map(|(person, reason)| Change::PersonRemoved { person, reason }),
        (name(), line()).prop_map(|(person, reason)| Change::PersonFrozen { person, reason }),
        (name(), line()).prop_map(|(person, reason)| Change::PersonUnfrozen { person, reason }),
    ]
}

fn incident() -> impl Strategy<Value = Change> {
    let id = || any::<u64>().prop_map(IncidentId);
    prop_oneof![
        (
            (id(), select(&Severity::ALL[..]), line(), time()),
            option::of(name()),
            option::of(line()),
            option::of(line()),
            option::of(time())
        )
            .prop_map(
                |((incident, severity, title, closes_at), source, alert, delivery, said_at)| {
                    Change::IncidentOpened {
                        incident,
                        severity,
                        title,
                        closes_at,
                        source,
                        alert,
                        delivery,
                        said_at,
                    }
                }
            ),
        (id(), prose()).prop_map(|(incident, text)| Change::IncidentNoted { incident, text }),
        (id(), time()).prop_map(|(incident, closes_at)| Change::IncidentWarned {
            incident,
            closes_at
        }),
        (id(), line()).prop_map(|(incident, reason)| Change::IncidentClosed { incident, reason }),
        (id(), time(), option::of(line()), option::of(time())).prop_map(
            |(incident, closes_at, delivery, said_at)| {
                Change::IncidentResolved {
                    incident,
                    closes_at,
                    delivery,
                    said_at,
                }
            }
        ),
        (id(), time(), option::of(line()), option::of(time())).prop_map(
            |(incident, closes_at, delivery, said_at)| {
                Change::IncidentRefired {
                    incident,
                    closes_at,
                    delivery,
                    said_at,
                }
            }
        ),
        (id(), line()).prop_map(|(incident, reason)| Change::IncidentHeld { incident, reason }),
    ]
}

fn request() -> impl Strategy<Value = Change> {
    let self_grant =
        option::of((time(), length()).prop_map(|(from, longest)| SelfGrant { from, longest }));
    let what = (of(), line(), select(Risk::ALL), line(), length());
    let how = (
        name(),
        vec(name(), 0..4),
        time(),
        self_grant,
        any::<bool>(),
        option::of(key()),
        line(),
        vec(name(), 0..3),
        option::of(handed()),
    );
    let escalation =
        option::of((time(), vec(name(), 0..3)).prop_map(|(at, to)| Escalation { at, to }));
    (what, how, escalation).prop_map(
        |(
            (of, sentence, risk, reason, length),
            (rule, approvers, lapses_at, self_grant, held, key, audience, call, handed),
            escalation,
        )| Change::GrantRequested {
            of,
            sentence,
            risk,
            reason,
            length,
            rule,
            approvers,
            lapses_at,
            self_grant,
            held,
            key,
            audience,
            call,
            escalation,
            handed,
        },
    )
}

fn handed() -> impl Strategy<Value = Handed> {
    (grant_id(), time(), time()).prop_map(|(from, since, until)| Handed { from, since, until })
}

fn to() -> impl Strategy<Value = HandedTo> {
    (grant_id(), name()).prop_map(|(grant, person)| HandedTo { grant, person })
}

fn grant_id() -> impl Strategy<Value = GrantId> {
    any::<u64>().prop_map(GrantId)
}

fn grant() -> impl Strategy<Value = Change> {
    let issued = (
        of(),
        any::<u32>(),
        select(CredentialKind::ALL),
        line(),
        time(),
        key(),
        subject(),
        proptest::option::of(select(WitnessWord::ALL)),
    )
        .prop_map(
            |(of, number, kind, audience, expires_at, key, subject, witnesses)| {
                Change::CredentialIssued {
                    credential: CredentialId {
                        grant: of.grant,
                        number,
                    },
                    of,
                    kind,
                    audience,
                    expires_at,
                    key,
                    subject,
                    witnesses,
                }
            },
        );
    prop_oneof![
        (of(), select(Basis::ALL), time(), any::<u32>()).prop_map(
            |(of, basis, ends_at, alone_before)| Change::GrantStarted {
                of,
                basis,
                ends_at,
                alone_before,
            }
        ),
        (of(), time(), line()).prop_map(|(of, ends_at, reason)| Change::GrantExtended {
            of,
            ends_at,
            reason
        }),
        issued,
        (of(), time()).prop_map(|(of, spoke_at)| Change::CallRecorded { of, spoke_at }),
        (of(), time()).prop_map(|(of, until)| Change::GrantApproved { of, until }),
        (of(), vec(name(), 0..3)).prop_map(|(of, to)| Change::GrantEscalated { of, to }),
        (of(), line()).prop_map(|(of, program)| Change::GrantUsed { of, program }),
        (of(), any::<bool>(), select(Width::ALL), option::of(line())).prop_map(
            |(of, needed, width, missing)| Change::ReviewAnswered {
                of,
                needed,
                width,
                missing
            }
        ),
        (
            of(),
            select(Ending::ALL),
            option::of(line()),
            option::of(to())
        )
            .prop_map(|(of, ending, reason, to)| Change::GrantEnded {
                of,
                ending,
                reason,
                to
            }),
    ]
}

fn subject() -> impl Strategy<Value = Subject> {
    let principal = || "[a-z0-9._@][a-z0-9._@-]{0,31}".prop_map(|it| it.parse().expect("fits"));
    let login = (
        any::<u64>(),
        vec(principal(), 0..3),
        vec(select(SshExtension::ALL), 0..3),
        vec(line(), 0..3),
    );
    prop_oneof![
        vec(line(), 0..3).prop_map(|groups| Subject::Bearer { groups }),
        login.prop_map(
            |(serial, principals, extensions, source_addresses)| Subject::Login {
                serial,
                principals,
                extensions,
                source_addresses,
            }
        ),
        (text(), line(), vec(line(), 0..3)).prop_map(|(serial, common_name, organizations)| {
            Subject::Name {
                serial,
                common_name,
                organizations,
            }
        }),
        (name(), line(), line()).prop_map(|(target, role, member_of)| Subject::Role {
            target,
            role,
            member_of
        }),
    ]
}

fn guard() -> impl Strategy<Value = Change> {
    let enrolled = (
        name(),
        token(),
        key(),
        any::<Vec<u8>>(),
        line(),
        text(),
        time(),
    );
    prop_oneof![
        (name(), token(), time()).prop_map(|(target, token, expires_at)| Change::TargetInvited {
            target,
            token,
            expires_at
        }),
        enrolled.prop_map(
            |(target, token, key, public, device, serial, certificate_expires_at)| {
                Change::TargetEnrolled {
                    target,
                    token,
                    key,
                    public,
                    device,
                    serial,
                    certificate_expires_at,
                }
            }
        ),
        (name(), key(), text(), time()).prop_map(
            |(target, key, serial, certificate_expires_at)| Change::TargetRenewed {
                target,
                key,
                serial,
                certificate_expires_at
            }
        ),
        (name(), line()).prop_map(|(target, reason)| Change::TargetRemoved { target, reason }),
        (name(), line(), text(), text(), time()).prop_map(
            |(target, host, key, serial, expires_at)| Change::HostCertified {
                target,
                host,
                key,
                serial,
                expires_at
            }
        ),
    ]
}
