//! Who can do what, what of it nobody uses, and who is named and gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use breakglass_domain::access_review::{AccessReview, Asked, FindingKind, Roster, Standing};
use breakglass_domain::last::{Last, Mark};
use breakglass_domain::policy::Rule;
use breakglass_domain::{Act, Change, Event, IncidentId, Lifetime, Policy, Time};

use crate::acts::{freeze, open};
use crate::targets::guard;
use crate::world::{DEPLOY, MIGRATE, POLICY, World, hours, id, line, policy};

const QUARTER: u32 = 90 * 24;

impl World {
    /// As an index keeps it.
    fn lasts(&self) -> BTreeMap<Last, Mark> {
        let mut lasts = BTreeMap::new();
        for (entry, event) in (0..).zip(&self.ledger) {
            for last in Last::of(event) {
                lasts.insert(
                    last,
                    Mark {
                        at: event.at,
                        entry,
                    },
                );
            }
        }
        lasts
    }

    fn policy_before(&self, now: Time, within: Lifetime) -> Option<Arc<Policy>> {
        let long_ago = |event: &&Event| now.since(event.at) >= within;
        let mut loaded = self.ledger.iter().filter(long_ago).rev();
        loaded.find_map(|event| match &event.change {
            Change::PolicyLoaded { policy, .. } => Some(Arc::clone(policy)),
            _ => None,
        })
    }

    fn reviewed(&self, attended: &[&str]) -> AccessReview {
        let roster = Roster::of(&self.state);
        let asked = Asked {
            within: hours(QUARTER),
            now: self.now,
            ledger_since: self.ledger[0].at,
            before: self.policy_before(self.now, hours(QUARTER)),
            attended: attended.iter().map(|id| id.parse().unwrap()).collect(),
        };
        let wanted: BTreeSet<_> = roster.lasts().into_iter().collect();
        let mut lasts = self.lasts();
        lasts.retain(|last, _| wanted.contains(last));
        AccessReview::read(&roster, &lasts, &asked)
    }

    fn renews(&mut self, person: &str) {
        let renew = Act::Renew {
            key: self.keys[&id(person)].clone(),
            serial: "0b".into(),
            certificate_expires_at: self.now.plus(hours(24)),
        };
        self.calls(person, renew).unwrap();
    }

    fn removes(&mut self, person: &str) {
        let removal = Act::Remove {
            person: id(person),
            reason: line("last day"),
        };
        self.does("founder", removal).unwrap();
    }
}

fn found(review: &AccessReview) -> Vec<(FindingKind, &str)> {
    let findings = review.findings.iter();
    findings.map(|it| (it.kind, it.about.as_str())).collect()
}

fn told(review: &AccessReview, kind: FindingKind, about: &str) -> (String, String, Option<usize>) {
    let mut findings = review.findings.iter();
    let it = findings.find(|it| it.kind == kind && it.about == about);
    let it = it.unwrap_or_else(|| panic!("no {kind} of {about}: {:#?}", review.findings));
    (it.text.clone(), it.next.clone(), it.line)
}

/// The line of the policy that begins with this, counted from 1.
fn line_with(begin: &str) -> Option<usize> {
    let at = POLICY.lines().position(|line| line.starts_with(begin));
    at.map(|at| at + 1)
}

/// A hundred days: support left, the designer was away, Mia deploys and Leon never did.
fn a_quarter_later() -> World {
    let mut world = World::burning();
    world.asks("mia", DEPLOY, 10);
    world.removes("support");
    world.passes(hours(100 * 24));
    for person in ["mia", "leon", "founder"] {
        world.renews(person);
    }
    world.does("mia", open()).unwrap();
    let mut wanted = world.request("mia", DEPLOY, 10);
    if let Act::Request { incident, .. } = &mut wanted {
        *incident = IncidentId(2);
    }
    world.does("mia", wanted).unwrap();
    world
}

#[test]
fn who_left_who_lapsed_and_what_nobody_uses_is_found() {
    use FindingKind as Kind;
    let review = a_quarter_later().reviewed(&[]);
    assert_eq!(
        found(&review),
        [
            (Kind::RemovedButNamed, "support"),
            (Kind::CertificateLapsed, "designer"),
            (Kind::RightNobodyUses, "migrate-shop-db"),
            (Kind::RightNobodyUses, "read-secrets"),
            (Kind::RightNobodyUses, "restore-backup"),
            (Kind::RightNobodyUses, "rotate-keys"),
            (Kind::RightUnused, "leon"),
            (Kind::PersonWithoutRights, "designer"),
        ]
    );
    let (text, next, line) = told(&review, Kind::RemovedButNamed, "support");
    assert_eq!(
        text,
        "Sam (support) was removed on 2026-11-23, and the policy still names them: in \
         [people.support], then_approvers of rule backups and the duty to open incidents"
    );
    assert_eq!(line, line_with("[people.support]"));
    assert!(
        next.contains(&format!("(policy line {})", line.unwrap())),
        "{next}"
    );
    let (text, next, _) = told(&review, Kind::CertificateLapsed, "designer");
    assert!(text.ends_with("the last one ended on 2026-11-24"), "{text}");
    assert!(next.contains("glass people remove designer -m"), "{next}");
    let (text, ..) = told(&review, Kind::RightNobodyUses, "read-secrets");
    assert_eq!(
        text,
        "Nobody has used read-secrets (read the shop's secrets) at all"
    );
    let (text, next, line) = told(&review, Kind::RightUnused, "leon");
    assert_eq!(
        text,
        "Leon (leon) has not used deploy-shop (deploy the shop app) at all"
    );
    assert!(next.contains("who of rule engineers-ship"), "{next}");
    let rule = line_with("name = \"engineers-ship\"").unwrap();
    assert!(line.is_some_and(|line| rule - line <= 1), "{line:?} {rule}");
}

#[test]
fn each_row_says_who_could_act_and_what_they_used_last() {
    let world = a_quarter_later();
    let review = world.reviewed(&[]);
    let standing = |person: &str| {
        let mut people = review.people.iter();
        people.find(|it| it.id == id(person)).unwrap().standing
    };
    assert_eq!(
        ["designer", "mia", "support"].map(standing),
        [Standing::Lapsed, Standing::Enrolled, Standing::Removed]
    );
    let mia = review.people.iter().find(|it| it.id == id("mia")).unwrap();
    let used = mia
        .rights
        .iter()
        .find(|it| it.verdict.right.as_str() == DEPLOY);
    let used = used.unwrap().used.unwrap();
    assert_eq!(used.at, world.now);
    let event = &world.ledger[usize::try_from(used.entry).unwrap()];
    assert_eq!(event.change.grant().unwrap().right.as_str(), DEPLOY);
    let rights: Vec<_> = mia
        .rights
        .iter()
        .map(|it| it.verdict.right.as_str())
        .collect();
    assert_eq!(
        rights,
        [
            "deploy-shop",
            "migrate-shop-db",
            "read-secrets",
            "restore-backup",
            "rotate-keys"
        ]
    );
}

/// A grant that began and had no credential was not used, whoever said yes to it.
#[test]
fn asking_is_not_using() {
    let mut world = World::burning();
    world.approved(10);
    let used = Last::UsedByAnybody(MIGRATE.parse().unwrap());
    assert_eq!(world.lasts().get(&used), None);
}

#[test]
fn what_is_younger_than_asked_for_is_held_against_nobody() {
    let mut world = World::burning();
    world.passes(hours(20));
    let findings = world.reviewed(&[]).findings;
    let kinds: Vec<_> = findings.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [FindingKind::PersonWithoutRights], "{findings:#?}");

    // Leon comes back on a new laptop; that he did nothing with it yet is no news.
    let mut world = a_quarter_later();
    world.removes("leon");
    world.enrolls("leon").unwrap();
    let unused = world.reviewed(&[]).findings;
    assert!(unused.iter().all(|it| it.kind != FindingKind::RightUnused));
}

#[test]
fn a_right_that_was_not_there_so_long_ago_is_held_against_nobody() {
    use FindingKind as Kind;
    let mut world = a_quarter_later();
    let before = world.reviewed(&[]);
    let wider = POLICY.replace(
        "rights = [\"deploy-shop\"]\n",
        "rights = [\"deploy-shop\", \"read-logs\"]\n",
    );
    let right = "[rights.read-logs]\nsentence = \"read the logs\"\nrisk = \"low\"\nlongest = \"30m\"\naudience = \"https://logs.shop.example\"\n\n";
    let first = "[rights.deploy-shop]\n";
    let wider = wider.replace(first, &format!("{right}{first}"));
    world
        .loads(Policy::parse("policy.toml", &wider).unwrap())
        .unwrap();
    let review = world.reviewed(&[]);
    assert!(review.rights.iter().any(|it| it.id.as_str() == "read-logs"));
    assert_eq!(found(&review), found(&before), "it is a day old");

    // Mia reads them; that Leon has not yet, who could not before, is no news either.
    let mut wanted = world.request("mia", "read-logs", 10);
    if let Act::Request { incident, .. } = &mut wanted {
        *incident = IncidentId(2);
    }
    world.does("mia", wanted).unwrap();
    assert_eq!(found(&world.reviewed(&[])), found(&before));

    world.passes(hours(QUARTER + 1));
    world.renews("mia");
    let later = world.reviewed(&[]);
    assert!(found(&later).contains(&(Kind::RightNobodyUses, "read-logs")));
}

#[test]
fn a_policy_of_strangers_has_nobody_who_could_act() {
    use FindingKind as Kind;
    let review = World::empty().reviewed(&[]);
    let of = |kind| found(&review).iter().filter(|(it, _)| *it == kind).count();
    let named = |rule: &Rule| {
        let then = rule.escalates.as_ref().map_or(0, |then| then.to.len());
        let lists = [rule.who.len(), rule.approvers.len(), rule.call.len(), then];
        lists.into_iter().filter(|length| *length > 0).count()
    };
    let lists: usize = policy().rules.iter().map(named).sum();
    let duties = policy().duties;
    let urgent = [duties.revoke, duties.freeze, duties.invite];
    let urgent = urgent.iter().filter(|who| !who.is_empty()).count();
    let counted = (of(Kind::NeverEnrolled), of(Kind::NobodyThere));
    assert_eq!(counted, (5, lists + urgent));
    assert!(urgent > 0);
    let (text, ..) = told(&review, Kind::NobodyThere, "invite");
    assert!(
        text.starts_with("Nobody whom the duty `invite` means could act today: "),
        "{text}"
    );
    let (text, ..) = told(&review, Kind::NobodyThere, "secrets");
    assert_eq!(
        text,
        "Nobody whom who of rule secrets means could act today: founder, leon and mia"
    );
}

#[test]
fn who_is_invited_again_is_not_gone_and_who_is_frozen_is_told_of() {
    let mut world = World::team();
    world.removes("support");
    let token = world.token();
    let person = id("support");
    world.broker_does(Act::Invite { person, token }).unwrap();
    world.does("mia", freeze("leon")).unwrap();
    let review = world.reviewed(&[]);
    let (text, ..) = told(&review, FindingKind::NeverEnrolled, "support");
    assert!(text.contains("is invited until 2026-11-"), "{text}");
    let (text, next, _) = told(&review, FindingKind::Frozen, "leon");
    assert!(
        text.starts_with("Leon (leon) is frozen since 2026-11-23 by mia: "),
        "{text}"
    );
    assert!(next.starts_with("glass freeze leon --lift"), "{next}");
}

#[test]
fn rights_no_rule_gives_and_targets_without_a_guard_are_found() {
    use FindingKind as Kind;
    let text = format!(
        "{POLICY}\n[rights.lonely]\nsentence = \"do nothing\"\nrisk = \"low\"\nlongest = \"5m\"\n\
         audience = \"https://x.example\"\n[targets.web-1]\nkind = \"ssh\"\naddress = \"web-1\"\n"
    );
    let mut world = World::team();
    world
        .loads(Policy::parse("policy.toml", &text).unwrap())
        .unwrap();
    let review = world.reviewed(&[]);
    let (told_of, ..) = told(&review, Kind::RightWithoutRule, "lonely");
    assert_eq!(
        told_of,
        "No rule gives lonely (do nothing), so nobody can have it"
    );
    let (_, next, _) = told(&review, Kind::TargetWithoutGuard, "web-1");
    assert_eq!(next, "glass targets invite web-1");

    guard(&mut world, "web-1").unwrap();
    let (text, ..) = told(&world.reviewed(&[]), Kind::GuardAway, "web-1");
    assert!(text.contains("its last entry is of 2026-11-23"), "{text}");
    assert!(
        world
            .reviewed(&["web-1"])
            .findings
            .iter()
            .all(|it| it.about != "web-1")
    );
    world.passes(hours(25));
    told(&world.reviewed(&["web-1"]), Kind::GuardLapsed, "web-1");
}

#[test]
fn the_policy_that_is_reviewed_is_the_one_in_force() {
    let mut world = World::team();
    let mut without = policy();
    without.people.remove(&id("designer"));
    world.loads(without).unwrap();
    let people = world.reviewed(&[]).people;
    assert!(people.iter().all(|it| it.id != id("designer")));
}
