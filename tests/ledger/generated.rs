//! Whatever the broker takes, both verifiers accept: random lists of what people do, through the
//! real rules and the real encoding.

use std::collections::BTreeMap;

use breakglass_client::audit::Auditor;
use breakglass_domain::event::CredentialKind;
use breakglass_domain::{Act, Grant, GrantId, IncidentId, Lifetime, Prose, Refusal, Severity};
use breakglass_proto::statement::Act as Said;
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::house::{House, TEAM, id, line};
use crate::night::{POLICY, verify, vkey};

/// How long nothing happens, in milliseconds: around every limit there is.
const WAITS: [i64; 12] = [
    0, 0, 1, 1_000, 60_000, 299_999, 300_001, 600_000, 900_000, 1_800_000, 3_600_000, 28_000_000,
];

/// What is drawn for one step: what, by whom, about what, how much.
type Step = (u8, u8, u8, u8);

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(any::<Step>(), 1..most)
}

fn written(steps: &[Step]) -> House {
    let mut house = House::burning();
    for step in steps {
        let _refused = takes(&mut house, *step);
    }
    house.passes(86_400_000);
    house
}

fn takes(house: &mut House, (what, who, about, much): Step) -> Result<(), Refusal> {
    let person = TEAM[usize::from(about) % TEAM.len()];
    match what % 32 {
        0..=3 => house.passes(WAITS[usize::from(much) % 12]),
        4 if much < 40 => house.passes(-[1_500, 60_000, 3_600_000][usize::from(about) % 3]),
        5 => house.loads(&changed(about)),
        6 => house.enrols(person),
        7 => return house.says_it_again(),
        8 => return lifts(house, TEAM[usize::from(who) % 3], much),
        9 if much < 90 => return about_person(house, TEAM[usize::from(who) % 3], about, much),
        10..=12 => return about_incident(house, TEAM[usize::from(who) % 3], about, much),
        13..=19 => return asks(house, TEAM[usize::from(who) % 2], about, much),
        _ => return about_grant(house, (what, who, about, much)),
    }
    Ok(())
}

/// What a team changes in a policy.
fn changed(which: u8) -> String {
    let changes = [
        ("job = \"designer\"", "job = \"engineer\""),
        ("name = \"database\"", "name = \"database-2\""),
        (
            "rights = [\"drop-db\"]",
            "rights = [\"drop-db\", \"restart\"]",
        ),
        ("rights = [\"read-secrets\"]", "rights = [\"drop-db\"]"),
        (
            "self_grant_longest = \"10m\"",
            "self_grant_longest = \"2m\"",
        ),
        ("longest = \"15m\"", "longest = \"20m\""),
        ("revoke = [\"job:engineer\"]", "revoke = [\"eve\"]"),
        ("[people.leon]\nname = \"Leon\"\njob = \"engineer\"\n", ""),
        (
            "[people.eve]\nname = \"Eve\"\njob = \"designer\"\n",
            "[people.eva]\nname = \"Eva\"\njob = \"founder\"\n",
        ),
    ];
    match changes.get(usize::from(which) % (2 * changes.len())) {
        Some((from, to)) => POLICY.replace(from, to),
        None => POLICY.to_owned(),
    }
}

/// The freeze of whoever is frozen, by somebody or by the operator.
fn lifts(house: &mut House, who: &str, much: u8) -> Result<(), Refusal> {
    let mut frozen = TEAM.iter().filter(|who| house.state.is_frozen(&id(who)));
    let person = (*frozen.next().unwrap_or(&"eve")).to_owned();
    let (of, reason) = (id(&person), "found".to_owned());
    let act = Act::Unfreeze {
        person: of,
        reason: line("found"),
    };
    match much % 3 {
        0 => house.broker_does(act),
        _ => house.does(who, Said::Unfreeze { person, reason }, act),
    }
}

fn about_person(house: &mut House, who: &str, about: u8, much: u8) -> Result<(), Refusal> {
    let person = TEAM[usize::from(about) % TEAM.len()].to_owned();
    let (of, why, reason) = (id(&person), line("stolen"), "stolen".to_owned());
    let (said, act) = match much % 6 {
        0 | 5 => (
            Said::Freeze { person, reason },
            Act::Freeze {
                person: of,
                reason: why,
            },
        ),
        1 => (
            Said::RemovePerson { person, reason },
            Act::Remove {
                person: of,
                reason: why,
            },
        ),
        2 => {
            let token = house.token();
            (Said::Invite { person }, Act::Invite { person: of, token })
        }
        3 => {
            let key = house.key_of(who);
            let serial = "0b".to_owned();
            let certificate_expires_at = house.now.plus(Lifetime::from_secs(60));
            let renew = Act::Renew {
                key,
                serial,
                certificate_expires_at,
            };
            return house.calls(who, renew);
        }
        _ => return house.calls(who, Act::Export { from: 0, to: 1 }),
    };
    house.does(who, said, act)
}

fn about_incident(house: &mut House, who: &str, about: u8, much: u8) -> Result<(), Refusal> {
    let number = newest(house).0.saturating_sub(u64::from(about % 2));
    let (id, incident) = (IncidentId(number), format!("INC-{number}"));
    let (said, act) = match much % 8 {
        0 => {
            let reason = "reverted".to_owned();
            (
                Said::CloseIncident { incident, reason },
                Act::Close {
                    incident: id,
                    reason: line("reverted"),
                },
            )
        }
        1..=3 => {
            let text = "two customers wrote\nboth \\ see the old price".to_owned();
            let prose = Prose::parse(&text).unwrap();
            (
                Said::Note { incident, text },
                Act::Note {
                    incident: id,
                    text: prose,
                },
            )
        }
        _ => {
            let (severity, title) = ("sev2".to_owned(), "\"it\" \u{1f525}".to_owned());
            let known = line(&title);
            (
                Said::OpenIncident { severity, title },
                Act::Open {
                    severity: Severity::Sev2,
                    title: known,
                },
            )
        }
    };
    house.does(who, said, act)
}

fn newest(house: &House) -> IncidentId {
    let newest = house.state.incidents.keys().last();
    newest.copied().unwrap_or(IncidentId(1))
}

fn asks(house: &mut House, who: &str, about: u8, much: u8) -> Result<(), Refusal> {
    let right = ["restart", "drop-db", "read-secrets"][usize::from(about) % 3];
    let known = house.state.policy.rights.get(&right.parse().unwrap());
    let sentence = known
        .map_or("do it", |right| right.sentence.as_str())
        .to_owned();
    let incident = newest(house);
    let minutes = u32::from(much) % 35;
    let held = about >= 128;
    let said = Said::Request {
        right: right.to_owned(),
        sentence: sentence.clone(),
        incident: incident.to_string(),
        reason: "flood".into(),
        length: SignedDuration::from_mins(minutes.into()),
        held,
    };
    let act = Act::Request {
        right: right.parse().unwrap(),
        sentence: line(&sentence),
        incident,
        reason: line("flood"),
        length: Lifetime::from_secs(minutes * 60),
        held,
        key: house.key_of(who),
        credential: (much >= 128).then_some(CredentialKind::Jwt),
    };
    house.does(who, said, act)
}

/// By whoever can where there is one, or by anybody.
fn about_grant(house: &mut House, (what, who, about, much): Step) -> Result<(), Refusal> {
    let grants: Vec<_> = house.state.grants.values().cloned().collect();
    let Some(grant) = grants.get(usize::from(about) % grants.len().max(1)) else {
        return Ok(());
    };
    let holder = grant.of.person.as_str();
    let approver = grant.approvers.first().map_or("leon", |who| who.as_str());
    let anybody = who % 8 == 7;
    let by = |fitting: &str| match anybody {
        true => TEAM[usize::from(much) % 3].to_owned(),
        false => fitting.to_owned(),
    };
    let id = grant.of.grant;
    match what % 32 {
        20..=23 => approves(house, &by(approver), grant, much),
        24 | 25 => begins_alone(house, &by(holder), grant),
        26 => house.calls(
            &by(holder),
            Act::Issue {
                grant: id,
                kind: CredentialKind::Jwt,
            },
        ),
        27 => house.calls(
            &by(holder),
            Act::Use {
                grant: id,
                program: line("psql"),
            },
        ),
        28 | 29 => {
            let extender = [holder, approver][usize::from(who) % 2];
            extends(house, &by(extender), id, u32::from(much) % 20 * 60)
        }
        30 => ends(
            house,
            &by([holder, approver][usize::from(who) % 2]),
            id,
            much,
        ),
        _ if much < 60 => house.broker_does(Act::Abandon { grant: id }),
        _ => lifts(house, TEAM[usize::from(who) % 2], much),
    }
}

fn approves(house: &mut House, by: &str, grant: &Grant, much: u8) -> Result<(), Refusal> {
    let until = house.now.plus(Lifetime::from_secs(u32::from(much) * 30));
    let of = &grant.of;
    let said = Said::Approve {
        grant: of.grant.to_string(),
        incident: of.incident.to_string(),
        requester: of.person.to_string(),
        right: of.right.to_string(),
        sentence: grant.sentence.to_string(),
        until: until.timestamp(),
    };
    let act = Act::Approve {
        grant: of.grant,
        incident: of.incident,
        requester: of.person.clone(),
        right: of.right.clone(),
        sentence: grant.sentence.clone(),
        until,
    };
    house.does(by, said, act)
}

fn begins_alone(house: &mut House, by: &str, grant: &Grant) -> Result<(), Refusal> {
    let of = &grant.of;
    let said = Said::SelfGrant {
        grant: of.grant.to_string(),
        incident: of.incident.to_string(),
        right: of.right.to_string(),
        sentence: grant.sentence.to_string(),
    };
    let act = Act::SelfGrant {
        grant: of.grant,
        incident: of.incident,
        right: of.right.clone(),
        sentence: grant.sentence.clone(),
    };
    house.does(by, said, act)
}

fn extends(house: &mut House, by: &str, id: GrantId, secs: u32) -> Result<(), Refusal> {
    let (grant, reason) = (id.to_string(), "not done".to_owned());
    let more = SignedDuration::from_secs(secs.into());
    let said = Said::Extend {
        grant,
        by: more,
        reason,
    };
    let act = Act::Extend {
        grant: id,
        by: Lifetime::from_secs(secs),
        reason: line("not done"),
    };
    house.does(by, said, act)
}

fn ends(house: &mut House, by: &str, id: GrantId, much: u8) -> Result<(), Refusal> {
    let (grant, reason, why) = (id.to_string(), "no".to_owned(), line("no"));
    let (said, act) = match much % 3 {
        0 => (Said::Drop { grant }, Act::Drop { grant: id }),
        1 => (
            Said::Deny { grant, reason },
            Act::Deny {
                grant: id,
                reason: why,
            },
        ),
        _ => (
            Said::Revoke { grant, reason },
            Act::Revoke {
                grant: id,
                reason: why,
            },
        ),
    };
    house.does(by, said, act)
}

/// What `glass` says of it.
fn complaint(house: &House) -> Option<String> {
    let mut auditor = Auditor::new(vkey());
    let wrong = house
        .lines
        .iter()
        .find_map(|line| auditor.check(line).err());
    wrong.map(|error| error.to_string())
}

proptest! {
    #![proptest_config(Config {
        cases: 128,
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn whatever_the_broker_takes_glass_accepts(steps in steps(150)) {
        let house = written(&steps);
        prop_assert_eq!(complaint(&house), None);
    }
}

/// The same for both verifiers, over lists that are the same each time, and long enough to reach
/// everything that can happen: what was never written was never accepted.
#[test]
fn both_verifiers_accept_lists_that_reach_everything() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..16 {
        let list = vec(any::<Step>(), 300)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        let house = written(&list);
        let verdicts = verify(&house.lines);
        assert_eq!(verdicts.glass, None, "glass");
        assert_eq!(verdicts.python, None, "python");
        for line in &house.lines {
            let entry: Value = serde_json::from_slice(line).unwrap();
            let more = entry["basis"].as_str().or(entry["ending"].as_str());
            let what = format!(
                "{} {}",
                entry["kind"].as_str().unwrap(),
                more.unwrap_or_default()
            );
            *seen.entry(what.trim().to_owned()).or_default() += 1;
        }
    }
    for what in [
        "policy.loaded",
        "person.invited",
        "person.enrolled",
        "person.removed",
        "person.frozen",
        "person.unfrozen",
        "certificate.renewed",
        "incident.opened",
        "incident.noted",
        "incident.warned",
        "incident.closed",
        "grant.requested",
        "grant.started fast-path",
        "grant.started approved",
        "grant.started self-granted",
        "grant.extended",
        "credential.issued",
        "grant.used",
        "grant.ended denied",
        "grant.ended lapsed",
        "grant.ended dropped",
        "grant.ended revoked",
        "grant.ended expired",
        "grant.ended incident-closed",
        "grant.ended person-left",
        "grant.ended person-frozen",
        "grant.ended abandoned",
        "refused",
        "ledger.exported",
    ] {
        let count = seen.get(what).copied().unwrap_or_default();
        assert!(count >= 2, "{what} only {count} times: {seen:#?}");
    }
}
