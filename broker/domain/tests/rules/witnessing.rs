//! What is given without witnesses, and what is not.

use breakglass_domain::command::Act;
use breakglass_domain::policy::Policy;
use breakglass_domain::{Actor, Change, Event, Refusal, WitnessWord};

use crate::acts::issue;
use crate::world::{DEPLOY, World, mins, policy};

const OTTO: &str = "witness.example/otto+73b0cf55+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

/// The policy with one witness; what is said of deploying without it.
fn with_witness(without: &str) -> Policy {
    let text = policy().text.to_string();
    let right = format!("[rights.{DEPLOY}]\n");
    assert!(text.contains(&right), "{text}");
    let text = text.replace(
        &right,
        &format!("{right}without_witnesses = \"{without}\"\n"),
    );
    let text = format!("{text}\n[witnesses]\nneed = 1\nkeys = {{ otto = \"{OTTO}\" }}\n");
    Policy::parse("policy.toml", &text).unwrap_or_else(|why| panic!("{why}"))
}

fn signed(size: u64) -> Act {
    Act::NoteWitnessed {
        size,
        checkpoint: format!("a note over {size}"),
    }
}

fn lost() -> Act {
    Act::NoteUnwitnessed { witnessed: 0 }
}

fn word(events: &[Event]) -> Option<WitnessWord> {
    let word = events.iter().find_map(|event| match &event.change {
        Change::CredentialIssued { witnesses, .. } => Some(*witnesses),
        _ => None,
    });
    word.expect("a credential")
}

#[test]
fn a_right_that_refuses_says_that_it_needs_them_and_is_refused_while_they_are_lost() {
    let mut world = World::burning();
    world.loads(with_witness("refuse")).unwrap();
    let grant = world.asks("mia", DEPLOY, 30);
    let given = world.calls("mia", issue(grant)).unwrap();
    assert_eq!(word(&given), Some(WitnessWord::Needed));
    world.broker_does(lost()).unwrap();
    let refusal = world.calls("mia", issue(grant)).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::NotWitnessed {
            right: DEPLOY.parse().unwrap()
        }
    );
    assert!(world.is_live(grant), "the grant itself goes on");
    let Act::Request { .. } = world.request("leon", DEPLOY, 10) else {
        panic!("no request")
    };
    // Who asks for the credential along with the grant gets neither, and learns why.
    let asked = world.request("leon", DEPLOY, 10);
    assert_eq!(
        world.does("leon", asked).unwrap_err().code(),
        "NOT_WITNESSED"
    );
    world.broker_does(signed(9)).unwrap();
    world.calls("mia", issue(grant)).unwrap();
}

#[test]
fn a_right_that_marks_is_given_and_marked_while_they_are_lost() {
    let mut world = World::burning();
    world.loads(with_witness("mark")).unwrap();
    let grant = world.asks("mia", DEPLOY, 30);
    assert_eq!(word(&world.calls("mia", issue(grant)).unwrap()), None);
    world.broker_does(lost()).unwrap();
    world.passes(mins(1));
    let given = world.calls("mia", issue(grant)).unwrap();
    assert_eq!(word(&given), Some(WitnessWord::Missing));
    world.broker_does(signed(9)).unwrap();
    assert_eq!(word(&world.calls("mia", issue(grant)).unwrap()), None);
}

#[test]
fn what_is_known_is_not_written_again() {
    let mut world = World::burning();
    assert!(
        world.broker_does(lost()).unwrap().is_empty(),
        "nobody is asked"
    );
    assert!(world.broker_does(signed(3)).unwrap().is_empty());
    world.loads(with_witness("mark")).unwrap();
    assert_eq!(world.broker_does(signed(3)).unwrap().len(), 1);
    assert!(world.broker_does(signed(3)).unwrap().is_empty());
    assert!(world.broker_does(signed(2)).unwrap().is_empty());
    assert_eq!(world.broker_does(lost()).unwrap().len(), 1);
    assert!(world.broker_does(lost()).unwrap().is_empty());
    // The same size once more says that they sign again.
    assert!(world.broker_does(signed(2)).unwrap().is_empty());
    assert_eq!(world.broker_does(signed(3)).unwrap().len(), 1);
}

#[test]
fn a_policy_without_witnesses_has_lost_none() {
    let mut world = World::burning();
    world.loads(with_witness("mark")).unwrap();
    world.broker_does(lost()).unwrap();
    world.loads(policy()).unwrap();
    assert_eq!(world.state.witnessing.lost_since, None);
    let grant = world.asks("mia", DEPLOY, 30);
    assert_eq!(word(&world.calls("mia", issue(grant)).unwrap()), None);
}

#[test]
fn only_the_broker_says_what_witnesses_did() {
    let mut world = World::burning();
    world.loads(with_witness("mark")).unwrap();
    for act in [lost(), signed(3)] {
        assert_eq!(world.does("mia", act).unwrap_err().code(), "NOT_PERMITTED");
    }
    assert_eq!(world.broker_does(lost()).unwrap()[0].by, Actor::Broker);
}
