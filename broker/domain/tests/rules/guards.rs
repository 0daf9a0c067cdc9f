//! What one guard may write within a time: a host that somebody took over fills no ledger.

use std::sync::Arc;

use breakglass_domain::budget::{Budgets, Spending};
use breakglass_domain::command::Wanted;
use breakglass_domain::event::SessionEnd;
use breakglass_domain::limits::{RENEWALS_OF_KEY, SESSIONS_AT_TARGET};
use breakglass_domain::{
    Act, Actor, Command, CredentialId, GrantId, KeyId, Policy, SessionId, TargetId,
};

use crate::acts::open;
use crate::world::{Outcome, POLICY, World, key_of, line, millis};

const WAYS: &str = r#"
[targets.web-1]
kind = "ssh"
address = "web-1.shop.example"
[targets.web-2]
kind = "ssh"
address = "web-2.shop.example"
[rights.shell-web]
sentence = "open a shell on the web servers"
risk = "low"
longest = "30m"
[rights.shell-web.ssh]
targets = ["web-1", "web-2"]
principals = ["deploy"]
[[rules]]
name = "shell"
who = ["mia"]
rights = ["shell-web"]
approvers = []
"#;

/// Two hosts with a guard each, and Mia with a credential for both.
struct Fleet {
    world: World,
    grant: GrantId,
    keys: [KeyId; 2],
}

const HOSTS: [&str; 2] = ["web-1", "web-2"];

impl Fleet {
    fn begins() -> Self {
        let mut world = World::team();
        let policy = Policy::parse("policy.toml", &format!("{POLICY}{WAYS}"));
        world.loads(policy.unwrap()).unwrap();
        world.does("mia", open()).unwrap();
        let keys = HOSTS.map(|host| enrolled(&mut world, host));
        let mut wanted = world.request("mia", "shell-web", 30);
        if let Act::Request { credential, .. } = &mut wanted {
            *credential = false;
        }
        let events = world.does("mia", wanted).unwrap();
        let grant = events[0].change.grant().unwrap().grant;
        let mut fleet = Self { world, grant, keys };
        fleet.issues();
        fleet
    }

    fn issues(&mut self) {
        let key = key_of("mia", 99);
        let login = Act::Issue {
            grant: self.grant,
            wanted: Wanted::Ssh { key: key.clone() },
            key,
        };
        self.world.calls("mia", login).unwrap();
    }

    fn guard_does(&mut self, host: &str, act: Act) -> Outcome {
        self.world.submit(&Command {
            by: Actor::Target(target(host)),
            signed: None,
            act,
        })
    }

    fn somebody_comes(&mut self, host: &str) -> Outcome {
        let credential = CredentialId {
            grant: self.grant,
            number: 1,
        };
        let opening = Act::OpenSession {
            grant: self.grant,
            credential,
            login: line("deploy"),
            origin: "10.0.0.7".into(),
            once: None,
            let_in_at: None,
        };
        self.guard_does(host, opening)
    }

    fn goes(&mut self, host: &str, session: u64) -> Outcome {
        let ending = Act::EndSession {
            session: SessionId(session),
            how: SessionEnd::Closed,
            took: None,
        };
        self.guard_does(host, ending)
    }

    fn renews(&mut self, number: usize) -> Outcome {
        let renewal = Act::Renew {
            key: self.keys[number].clone(),
            serial: "0c".into(),
            certificate_expires_at: self.world.now.plus(crate::world::hours(24)),
        };
        self.guard_does(HOSTS[number], renewal)
    }
}

fn target(id: &str) -> TargetId {
    id.parse().unwrap()
}

fn enrolled(world: &mut World, host: &str) -> KeyId {
    let token = world.token();
    let invite = Act::InviteTarget {
        target: target(host),
        token: token.clone(),
    };
    world.broker_does(invite).unwrap();
    let key = key_of(host, 1);
    let signed = world.statement_by(key.clone());
    let act = world.enrolment(token, key.clone());
    let by = Actor::Broker;
    let signed = Some(Arc::clone(&signed));
    world.submit(&Command { by, signed, act }).unwrap();
    key
}

#[test]
fn a_host_that_reports_sessions_without_end_is_stopped_and_its_neighbour_is_not() {
    let mut fleet = Fleet::begins();
    for _ in 0..SESSIONS_AT_TARGET.most {
        fleet.somebody_comes("web-1").unwrap();
    }
    let refused = fleet.somebody_comes("web-1").unwrap_err();
    assert_eq!(refused.code(), "TOO_MANY");
    let told = "too many sessions at one target: at most 600 within 1m";
    assert_eq!(refused.to_string(), told);
    fleet.somebody_comes("web-2").unwrap();
    fleet.world.passes(millis(100));
    fleet.somebody_comes("web-1").unwrap();
    fleet.somebody_comes("web-1").unwrap_err();
}

#[test]
fn that_a_session_ended_is_never_counted() {
    let mut fleet = Fleet::begins();
    for _ in 0..SESSIONS_AT_TARGET.most {
        fleet.somebody_comes("web-1").unwrap();
    }
    fleet.somebody_comes("web-1").unwrap_err();
    for number in 1..=SESSIONS_AT_TARGET.most {
        fleet.goes("web-1", number.into()).unwrap();
    }
    assert!(fleet.world.state.targets.sessions.is_empty());
}

#[test]
fn certificates_for_one_guards_key_are_counted_as_everybodys() {
    let mut fleet = Fleet::begins();
    for _ in 0..RENEWALS_OF_KEY.most {
        fleet.renews(0).unwrap();
    }
    assert_eq!(fleet.renews(0).unwrap_err().code(), "TOO_MANY");
    fleet.renews(1).unwrap();
    fleet.somebody_comes("web-1").unwrap();

    // A target that leaves the policy takes what its key has spent along.
    fleet.world.loads(crate::world::policy()).unwrap();
    let spent = fleet.world.state.budgets.spent();
    let of_guards = spent.filter(|(of, _)| matches!(of, Spending::Renewals(_)));
    assert_eq!(of_guards.count(), 0);
}

#[test]
fn invitations_of_guards_are_changes_to_the_team() {
    let mut fleet = Fleet::begins();
    let of = Spending::TeamChanges(crate::world::id("founder"));
    let spent = |fleet: &Fleet| {
        fleet
            .world
            .state
            .budgets
            .spent()
            .any(|(spent, _)| *spent == of)
    };
    assert!(!spent(&fleet));
    let (target, token) = (target("web-1"), fleet.world.token());
    let invite = Act::InviteTarget { target, token };
    fleet.world.does("founder", invite).unwrap();
    assert!(spent(&fleet));
}

#[test]
fn a_snapshot_names_what_guards_have_spent() {
    let mut fleet = Fleet::begins();
    fleet.somebody_comes("web-1").unwrap();
    let spent = fleet.world.state.budgets.spent();
    let said: Vec<_> = spent.map(|(of, at)| (of.to_string(), at)).collect();
    assert!(
        said.iter().any(|(of, _)| of == "sessions web-1"),
        "{said:?}"
    );
    let back = said.iter().map(|(of, at)| (of.parse().unwrap(), *at));
    assert_eq!(Budgets::restored(back), fleet.world.state.budgets);
    assert!("sessions A B".parse::<Spending>().is_err());
}
