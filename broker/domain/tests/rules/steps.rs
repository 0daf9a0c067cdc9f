//! What random lists are made of.

use breakglass_domain::Policy;
use breakglass_domain::policy::IfNobodyAnswers;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::world::{DEPLOY, MIGRATE, RESTORE, ROTATE, SECRETS, TEAM, id, line, mins, policy};

/// What needs a call is there twice: few requests of it get that far.
pub(crate) const RIGHTS: [&str; 6] = [DEPLOY, MIGRATE, SECRETS, ROTATE, RESTORE, ROTATE];

/// How long nothing happens, in milliseconds: around every limit there is.
pub(crate) const WAITS: [i64; 12] = [
    0, 1, 1_000, 60_000, 120_000, 299_999, 300_001, 600_000, 899_999, 900_000, 3_600_000,
    30_000_000,
];

/// How many of them are shorter than a quarter of an hour.
const SHORT: usize = 9;

/// One step; numbers choose among what is there at that moment.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Waits(usize),
    ClockIsSet(i64),
    Person(Who, Deed),
    Abandons(Pick),
    Comes(usize),
    Loads(usize),
    OperatorLifts(usize),
    BrokerStarts,
    SaysItAgain(usize),
}

/// Somebody, or whoever can: the holder of the grant it is about, or one who may approve it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    Any(usize),
    Fitting,
}

#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Opens,
    Notes(u64),
    /// In the incident of a grant.
    NotesFor(Pick),
    Closes(u64),
    Asks(usize, u32, bool),
    Approves(Pick, u32, bool),
    Denies(Pick),
    Calls(Pick, i64),
    HandsOver(Pick, usize),
    Vetoes(Pick),
    SelfGrants(Pick),
    Extends(Pick, u32),
    Drops(Pick),
    Revokes(Pick),
    Issues(Pick),
    Uses(Pick),
    Freezes(usize),
    Unfreezes(usize),
    Removes(usize),
    Exports,
}

/// A live grant where there is one, or any number.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pick {
    Live(usize),
    Any(u64),
}

pub(crate) fn steps(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..longest)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        80 => (0..SHORT).prop_map(Step::Waits),
        2 => (SHORT..WAITS.len()).prop_map(Step::Waits),
        3 => prop_oneof![Just(-1_500), Just(-60_000), Just(-3_600_000)].prop_map(Step::ClockIsSet),
        500 => (who(), deed()).prop_map(|(who, deed)| Step::Person(who, deed)),
        10 => pick().prop_map(Step::Abandons),
        40 => (0..TEAM.len()).prop_map(Step::Comes),
        10 => (0..POLICIES).prop_map(Step::Loads),
        20 => (0..TEAM.len()).prop_map(Step::OperatorLifts),
        20 => any::<usize>().prop_map(Step::SaysItAgain),
        4 => Just(Step::BrokerStarts),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![(0..TEAM.len()).prop_map(Who::Any), Just(Who::Fitting),]
}

fn deed() -> impl Strategy<Value = Deed> {
    let person = 0..TEAM.len();
    prop_oneof![
        3 => Just(Deed::Opens),
        1 => (0..9_u64).prop_map(Deed::Notes),
        5 => pick().prop_map(Deed::NotesFor),
        1 => (0..9_u64).prop_map(Deed::Closes),
        14 => (0..RIGHTS.len(), 0..40_u32, any::<bool>())
            .prop_map(|(right, minutes, held)| Deed::Asks(right, minutes, held)),
        12 => (pick(), 0..70_u32, proptest::bool::weighted(0.1))
            .prop_map(|(pick, minutes, lies)| Deed::Approves(pick, minutes, lies)),
        2 => pick().prop_map(Deed::Denies),
        9 => (pick(), -6..36_i64).prop_map(|(pick, ago)| Deed::Calls(pick, ago)),
        10 => (pick(), person.clone()).prop_map(|(pick, to)| Deed::HandsOver(pick, to)),
        12 => pick().prop_map(Deed::SelfGrants),
        4 => (pick(), 0..70_u32).prop_map(|(pick, minutes)| Deed::Extends(pick, minutes)),
        1 => pick().prop_map(Deed::Drops),
        1 => pick().prop_map(Deed::Revokes),
        2 => pick().prop_map(Deed::Vetoes),
        3 => pick().prop_map(Deed::Issues),
        2 => pick().prop_map(Deed::Uses),
        1 => person.clone().prop_map(Deed::Freezes),
        3 => person.clone().prop_map(Deed::Unfreezes),
        1 => person.prop_map(Deed::Removes),
        1 => Just(Deed::Exports),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        9 => any::<usize>().prop_map(Pick::Live),
        1 => (0..40_u64).prop_map(Pick::Any),
    ]
}

const POLICIES: usize = 12;

/// The policy as it is most of the time, and what a team changes in one.
pub(crate) fn changed(which: usize) -> Policy {
    let mut policy = policy();
    match which {
        0 => drop(policy.people.remove(&id("leon"))),
        1 => policy.people.get_mut(&id("mia")).unwrap().job = line("designer"),
        2 => policy.rules[1].name = "database-2".parse().unwrap(),
        3 => {
            policy
                .rights
                .get_mut(&MIGRATE.parse().unwrap())
                .unwrap()
                .longest = mins(5)
        }
        4 => policy.rules[1].if_nobody_answers = IfNobodyAnswers::Deny,
        5 => policy.incident_longest = mins(40),
        7 => policy.rules[3].approvers = policy.rules[4].approvers.clone(),
        8 => policy.rules[3].call = policy.rules[4].who[..0].to_vec(),
        9 => policy.rules[5].escalates = None,
        6 => policy.people.get_mut(&id("support")).unwrap().job = line("engineer"),
        _ => {}
    }
    policy
}
