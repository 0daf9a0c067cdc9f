//! What random lists are made of: what people do to each other, to incidents and to grants, each as
//! a statement and as the command it becomes.

use breakglass_domain::command::{RoleOutcome, Wanted};
use breakglass_domain::event::{RoleStep, SessionEnd};
use breakglass_domain::{
    Act, Delivery, Grant, GrantId, IncidentId, Lifetime, Nonce, Prose, Refusal, Severity, Time,
};
use breakglass_proto::statement::Act as Said;
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::house::{House, TEAM, id, line};
use crate::night::POLICY;
use crate::witnesses::WITNESSED;

/// How long nothing happens, in milliseconds: around every limit there is.
const WAITS: [i64; 12] = [
    0, 0, 1, 1_000, 60_000, 299_999, 300_001, 600_000, 900_000, 1_800_000, 3_600_000, 28_000_000,
];

/// What is drawn for one step: what, by whom, about what, how much.
pub(crate) type Step = (u8, u8, u8, u8);

pub(crate) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(any::<Step>(), 1..most)
}

pub(crate) fn written(steps: &[Step]) -> House {
    let mut house = House::burning();
    for step in steps {
        let _refused = takes(&mut house, *step);
    }
    house.passes(86_400_000);
    house
}

fn takes(house: &mut House, (what, who, about, much): Step) -> Result<(), Refusal> {
    let person = TEAM[usize::from(about) % TEAM.len()];
    match what % 40 {
        0..=3 => house.passes(WAITS[usize::from(much) % 12]),
        4 if much < 40 => house.passes(-[1_500, 60_000, 3_600_000][usize::from(about) % 3]),
        4 => return crate::reviews::answers(house, TEAM[usize::from(who) % 3], much),
        5 => house.loads(&changed(about)),
        6 if much < 40 => house.enrols_guard(["web-1", "shop-db"][usize::from(about) % 2]),
        6 => house.enrols(person),
        7 => return house.says_it_again(usize::from(much) / 8),
        8 if much > 150 => witnesses(house, about),
        8 => return lifts(house, TEAM[usize::from(who) % 3], much),
        9 if much >= 180 => return crate::drills::records(house, much),
        9 => return about_person(house, TEAM[usize::from(who) % 3], about, much),
        10..=12 => return about_incident(house, TEAM[usize::from(who) % 3], about, much),
        13..=19 => return asks(house, TEAM[usize::from(who) % 2], about, much),
        32..=35 => return at_target(house, about, much),
        36..=38 => return alerts(house, about, much),
        39 if much > 230 => return crate::restored::happens(house, about, much),
        39 if much < 40 => return crate::streams::changes(house, about, much),
        39 if much > 220 => crate::heads::is_shown_another(house, TEAM[usize::from(who) % 3]),
        39 if much > 180 => {
            return crate::heads::ends_all_the_same(house, TEAM[usize::from(who) % 3]);
        }
        39 => return holds(house, TEAM[usize::from(who) % 3]),
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
        (
            "[people.leon]\nname = \"Leon\"\njob = \"engineer\"\n",
            "[review]\ndays = 1\n",
        ),
        (
            "[people.eve]\nname = \"Eve\"\njob = \"designer\"\n",
            "[people.eva]\nname = \"Eva\"\njob = \"founder\"\n",
        ),
        (
            "rights = [\"restart\", \"drop-db\"]",
            "rights = [\"restart\"]",
        ),
        (
            "[drills]\nrights = [\"restart\", \"drop-db\"]\n[drills.budgets]\napprove = \"2m\"\n",
            "",
        ),
    ];
    let asks = |right: &str| {
        let refuses = POLICY.replace(right, &format!("{right}{REFUSING}"));
        refuses.replace("grace = \"5m\"\n", WITNESSED)
    };
    let which = usize::from(which) % (2 * changes.len());
    match (changes.get(which), which % changes.len()) {
        (Some((from, to)), _) => POLICY.replace(from, to),
        (None, 0) => POLICY.replace("grace = \"5m\"\n", WITNESSED),
        (None, 1..=3) => asks("[rights.restart]\n"),
        (None, 4) => asks("[rights.drop-db]\n"),
        (None, _) => POLICY.to_owned(),
    }
}

const REFUSING: &str = "without_witnesses = \"refuse\"\n";

/// Witnesses are lost, or sign again.
fn witnesses(house: &mut House, about: u8) {
    match about % 2 {
        0 => {
            let witnessed = house.state.witnessing.size;
            let _nobody = house.broker_does(Act::NoteUnwitnessed { witnessed });
        }
        _ => house.witnesses_sign(),
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

pub(crate) fn about_incident(
    house: &mut House,
    who: &str,
    about: u8,
    much: u8,
) -> Result<(), Refusal> {
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
        6 => {
            let title = "\"practice\" \\".to_owned();
            let known = line(&title);
            (Said::OpenDrill { title }, Act::OpenDrill { title: known })
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

/// One of two alerts of the pager fires, or is over.
fn alerts(house: &mut House, about: u8, much: u8) -> Result<(), Refusal> {
    let key = line(["queue", "checkout"][usize::from(about) % 2]);
    let words = vec![line(["page", "ticket", "else"][usize::from(much) % 3])];
    let title = line("\"the queue\" is full");
    let delivery = (!much.is_multiple_of(5)).then(|| Delivery {
        id: line(&format!("\"delivery\" {}", much % 64)),
        signed_at: Time::from_millis(house.now.as_millis() - i64::from(much % 3) * 60_000),
    });
    house.source_says(
        "pager",
        match much {
            0..=110 => Act::Resolve { key, delivery },
            _ => Act::Fire {
                key,
                title,
                words,
                delivery,
            },
        },
    )
}

fn holds(house: &mut House, who: &str) -> Result<(), Refusal> {
    let (id, reason) = (newest(house), "not over".to_owned());
    let act = Act::Hold {
        incident: id,
        reason: line(&reason),
    };
    let incident = id.to_string();
    house.does(who, Said::HoldIncident { incident, reason }, act)
}

fn newest(house: &House) -> IncidentId {
    let newest = house.state.incidents.keys().last();
    newest.copied().unwrap_or(IncidentId(1))
}

pub(crate) fn asks(house: &mut House, who: &str, about: u8, much: u8) -> Result<(), Refusal> {
    let rights = [
        "restart",
        "drop-db",
        "read-secrets",
        "rotate-keys",
        "open-vault",
        "restore",
    ];
    let right = rights[usize::from(about) % rights.len()];
    let known = house.state.policy.rights.get(&right.parse().unwrap());
    let sentence = known
        .map_or("do it", |right| right.sentence.as_str())
        .to_owned();
    // Most of what is asked for under an incident that an alert opened is refused.
    let people = |of: &&breakglass_domain::Incident| of.alert.is_none();
    let by_people = house.state.incidents.values().rev().find(people);
    let incident = match by_people {
        Some(of_people) if !much.is_multiple_of(4) => of_people.id,
        _ => newest(house),
    };
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
        credential: much >= 128,
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
    let has_key = |who: &&breakglass_domain::PersonId| TEAM.contains(&who.as_str());
    let approver = grant.approvers.iter().rev().find(has_key);
    let approver = approver.map_or("leon", |who| who.as_str());
    let caller = grant.unlock.as_ref().and_then(|it| it.callers.first());
    let caller = caller.map_or("leon", |who| who.as_str());
    let anybody = who % 8 == 7;
    let by = |fitting: &str| match anybody {
        true => TEAM[usize::from(much) % 3].to_owned(),
        false => fitting.to_owned(),
    };
    let id = grant.of.grant;
    match what % 36 {
        // Few requests wait for a call, and it takes a yes and a note beside.
        20..=30 if grant.is_waiting() && grant.unlock.is_some() => match who.is_multiple_of(2) {
            true => calls(house, &by(caller), grant, much % 160),
            false => approves(house, &by(approver), grant, much),
        },
        20..=23 => approves(house, &by(approver), grant, much),
        24 | 25 => begins_alone(house, &by(holder), grant),
        26 | 31..=34 => issues(house, &by(holder), id, much),
        27 => house.calls(
            &by(holder),
            Act::Use {
                grant: id,
                program: line("psql"),
            },
        ),
        4..=6 => {
            let to = TEAM[usize::from(who) % TEAM.len()];
            crate::handing::hands_over(house, &by(holder), grant, to)
        }
        28 => {
            let extender = [holder, approver][usize::from(who) % 2];
            extends(house, &by(extender), id, u32::from(much) % 20 * 60)
        }
        29 | 30 => {
            let ender = if much.is_multiple_of(4) {
                holder
            } else {
                approver
            };
            ends(house, &by(ender), id, much)
        }
        _ if much < 60 => house.broker_does(Act::Abandon { grant: id }),
        _ => lifts(house, TEAM[usize::from(who) % 2], much),
    }
}

fn issues(house: &mut House, by: &str, grant: GrantId, much: u8) -> Result<(), Refusal> {
    let key = house.key_of("eve");
    let right = house.state.grants.get(&grant).map(|it| &it.of.right);
    let right = right.and_then(|right| house.state.policy.rights.get(right));
    let wanted = match much % 4 {
        // Few rights lead to a database.
        1.. if right.is_some_and(|right| right.postgres.is_some()) => Wanted::Postgres,
        0 | 1 => Wanted::Jwt,
        2 => Wanted::Ssh { key },
        _ => Wanted::Postgres,
    };
    let key = house.key_of(by);
    house.calls(by, Act::Issue { grant, wanted, key })
}

/// What a guard reports, and what became of a role.
fn at_target(house: &mut House, about: u8, much: u8) -> Result<(), Refusal> {
    let targets = &house.state.targets;
    let session = targets.sessions.keys().next().copied();
    let role = targets.roles.keys().next().cloned();
    let issued = house.state.grants.values().find(|it| it.credentials > 0);
    match (about % 4, session, role) {
        (0, Some(session), _) | (1, Some(session), None) => {
            let how = SessionEnd::Killed;
            let took = Some(Lifetime::from_millis(much.into()));
            house.guard_says("web-1", Act::EndSession { session, how, took })
        }
        (1 | 2, _, Some(role)) => {
            let outcome = match much % 3 {
                0 => RoleOutcome::Created,
                1 => RoleOutcome::Failed {
                    step: RoleStep::Drop,
                    text: "the server cannot be reached".into(),
                },
                _ => RoleOutcome::Dropped {
                    sessions: 1,
                    took: Lifetime::from_millis(38),
                },
            };
            house.broker_does(Act::NoteRole { role, outcome })
        }
        _ => {
            // Under one that lives, or lived: a guard may have been alone meanwhile.
            let over = targets.over.keys().next_back().copied();
            let live = issued.map(|grant| grant.of.grant);
            let grant = if much.is_multiple_of(3) {
                over.or(live)
            } else {
                live
            };
            let Some(grant) = grant else { return Ok(()) };
            let open = Act::OpenSession {
                grant,
                credential: format!("{grant}.1").parse().unwrap(),
                login: line("deploy"),
                origin: "10.1.2.3:50022".into(),
                once: (much % 4 != 1).then_some(Nonce([much % 8; 16])),
                let_in_at: much.is_multiple_of(2).then_some(house.now),
            };
            house.guard_says("web-1", open)
        }
    }
}

pub(crate) fn approves(
    house: &mut House,
    by: &str,
    grant: &Grant,
    much: u8,
) -> Result<(), Refusal> {
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

/// Speaks with who asks, and notes it.
fn calls(house: &mut House, by: &str, grant: &Grant, much: u8) -> Result<(), Refusal> {
    speaks(house, by, grant, much)?;
    let (incident, text) = (grant.of.incident.to_string(), "we spoke".to_owned());
    let noted = Act::Note {
        incident: grant.of.incident,
        text: Prose::parse(&text).unwrap(),
    };
    house.does(by, Said::Note { incident, text }, noted)
}

pub(crate) fn speaks(house: &mut House, by: &str, grant: &Grant, much: u8) -> Result<(), Refusal> {
    let ago = i64::from(much) * 12_000 - 60_000;
    let spoke_at = Time::from_millis(house.now.as_millis() - ago);
    let of = &grant.of;
    let said = Said::RecordCall {
        grant: of.grant.to_string(),
        incident: of.incident.to_string(),
        requester: of.person.to_string(),
        right: of.right.to_string(),
        sentence: grant.sentence.to_string(),
        spoke_at: spoke_at.timestamp(),
    };
    let act = Act::RecordCall {
        grant: of.grant,
        incident: of.incident,
        requester: of.person.clone(),
        right: of.right.clone(),
        sentence: grant.sentence.clone(),
        spoke_at,
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
    let (said, act) = match much % 4 {
        3 => (
            Said::Veto { grant, reason },
            Act::Veto {
                grant: id,
                reason: why,
            },
        ),
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
