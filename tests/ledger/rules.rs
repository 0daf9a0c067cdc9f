//! What the rules themselves write in corners that random lists seldom reach: both verifiers take it.

use breakglass_domain::command::Wanted;
use breakglass_domain::{Act, Grant, GrantId, IncidentId, Lifetime, Prose, Refusal};
use breakglass_proto::statement::Act as Said;

use crate::house::House;
use crate::night::POLICY;
use crate::steps::{about_incident, approves, asks, speaks};
use crate::verifiers::verify;

/// Which of the rights of `steps`, as its lists name them.
const DROP_DB: u8 = 1;
const ROTATE_KEYS: u8 = 3;
const OPEN_VAULT: u8 = 4;

impl House {
    fn with_an_incident() -> Self {
        let mut house = Self::burning();
        about_incident(&mut house, "mia", 0, 7).unwrap();
        house
    }

    /// Mia asks for ten minutes.
    fn asked(&mut self, right: u8) -> GrantId {
        asks(self, "mia", right, 10).unwrap();
        *self.state.grants.keys().last().unwrap()
    }

    fn grant(&self, id: GrantId) -> Grant {
        self.state.grants[&id].clone()
    }

    fn notes(&mut self, who: &str) {
        let note = Act::Note {
            incident: IncidentId(1),
            text: Prose::parse("look").unwrap(),
        };
        let (incident, text) = ("INC-1".into(), "look".into());
        self.does(who, Said::Note { incident, text }, note).unwrap();
    }

    pub(crate) fn is_whole(&self) {
        let verdicts = verify(&self.lines);
        assert_eq!(verdicts.glass, None, "glass");
        assert_eq!(verdicts.python, None, "python");
    }
}

#[test]
fn a_client_certificate_for_postgresql_names_its_server() {
    let mut house = House::with_an_incident();
    house.loads(&POLICY.replace(r#"way = "role""#, r#"way = "certificate""#));
    let id = house.asked(DROP_DB);
    let grant = house.grant(id);
    approves(&mut house, "leon", &grant, 20).unwrap();
    let key = house.key_of("eve");
    let serial = "0a".repeat(16);
    let wanted = Wanted::X509 { key, serial };
    let issue = Act::Issue {
        grant: id,
        wanted,
        key: house.key_of("mia"),
    };
    house.calls("mia", issue).unwrap();
    house.is_whole();
}

/// While the clock was behind the last of it came and began nothing. What somebody else writes later
/// does not begin it either: nothing was done for it just then.
#[test]
fn a_note_of_somebody_else_begins_nothing_that_the_clock_held_up() {
    let mut house = House::with_an_incident();
    let id = house.asked(ROTATE_KEYS);
    let grant = house.grant(id);
    speaks(&mut house, "leon", &grant, 10).unwrap();
    let (now, minute) = (house.now, Lifetime::from_secs(60));
    house.now = now.minus(minute);
    house.notes("leon");
    assert!(house.grant(id).is_waiting(), "nobody knows what time it is");
    house.now = now.plus(minute);
    house.notes("eve");
    assert!(house.grant(id).is_waiting(), "eve's word is not asked for");
    house.notes("mia");
    assert!(house.grant(id).active().is_some());
    house.is_whole();
}

#[test]
fn a_yes_that_has_run_out_is_given_again() {
    let mut house = House::with_an_incident();
    let id = house.asked(OPEN_VAULT);
    let grant = house.grant(id);
    approves(&mut house, "leon", &grant, 2).unwrap();
    let again = approves(&mut house, "leon", &grant, 20);
    assert_eq!(again, Err(Refusal::ApprovedAlready(id)));
    house.passes(61_000);
    let missing = house.grant(id).missing_at(house.now).unwrap();
    assert!(missing.approval, "a minute was all that leon said yes to");
    speaks(&mut house, "leon", &grant, 10).unwrap();
    house.notes("mia");
    assert!(house.grant(id).is_waiting());
    approves(&mut house, "leon", &grant, 20).unwrap();
    assert!(house.grant(id).active().is_some());
    house.is_whole();
}
