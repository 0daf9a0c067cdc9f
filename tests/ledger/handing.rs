//! Grants that are handed over: by whom, to whom, until when, and without a gap.

use breakglass_domain::{Act as Deed, Grant, Refusal};
use breakglass_proto::statement::Act;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::house::{House, id, line};
use crate::night::{Night, POLICY, with, written};
use crate::verifiers::{glass, lay_out, lay_out_tiles, python, python_of_export, verify};

/// Through the real rules: the holder signs what they see of the grant.
pub(crate) fn hands_over(
    house: &mut House,
    by: &str,
    grant: &Grant,
    to: &str,
) -> Result<(), Refusal> {
    let of = &grant.of;
    let until = grant.active().map_or(house.now, |active| active.ends_at);
    let said = Act::HandOver {
        grant: of.grant.to_string(),
        to: to.to_owned(),
        incident: of.incident.to_string(),
        right: of.right.to_string(),
        sentence: grant.sentence.to_string(),
        reason: "sleep".into(),
        until: until.timestamp(),
    };
    let act = Deed::HandOver {
        grant: of.grant,
        to: id(to),
        incident: of.incident,
        right: of.right.clone(),
        sentence: grant.sentence.clone(),
        reason: line("sleep"),
        until,
    };
    house.does(by, said, act)
}

/// Secrets are read on Eve's word.
fn on_eves_word() -> String {
    let rule = "rights = [\"read-secrets\"]\napprovers = [\"job:engineer\"]";
    assert!(POLICY.contains(rule));
    POLICY.replace(rule, "rights = [\"read-secrets\"]\napprovers = [\"eve\"]")
}

impl Night {
    /// When a grant began and when it ends, as its entry has it.
    fn begun(&self, of: &Value) -> (String, String) {
        let entries = self.lines.iter().map(|line| serde_json::from_str(line));
        let mut entries = entries.map(Result::<Value, _>::unwrap);
        let started =
            entries.find(|it| it["kind"] == "grant.started" && it["grant"] == of["grant"]);
        let started = started.unwrap();
        let text = |name: &str| started[name].as_str().unwrap().to_owned();
        (text("at"), text("ends_at"))
    }

    /// Mia hands a grant of hers over to Leon, as `G-2`.
    fn hands(&mut self, old: &Value) -> Value {
        self.hands_but("mia", old, json!({}), |_| {})
    }

    /// Somebody hands it over, with some fields of the entry and some words otherwise.
    fn hands_but(
        &mut self,
        who: &str,
        old: &Value,
        but: Value,
        words: impl FnOnce(&mut Act),
    ) -> Value {
        let of = with(old.clone(), json!({"grant": "G-2", "person": "leon"}));
        let text = |name: &str| of[name].as_str().unwrap().to_owned();
        let (since, until) = self.begun(old);
        let (sentence, rule, audience, approvers) = match &*text("right") {
            "restart" => ("restart the shop", "alone", "worker", json!([])),
            "drop-db" => ("drop the database", "database", "db", json!(["mia"])),
            "open-vault" => ("open the vault", "vault", "vault", json!(["mia"])),
            _ => ("read the secrets", "secrets", "vault", json!(["eve"])),
        };
        let risk = if rule == "alone" { "low" } else { "high" };
        let end: Timestamp = until.parse().unwrap();
        let left = end.duration_since(self.at + SignedDuration::from_mins(1));
        let mut body = json!({"sentence": sentence, "risk": risk, "reason": "sleep",
            "length_ms": left.as_millis() as i64, "rule": rule, "approvers": approvers,
            "lapses_at": until, "held": false, "audience": format!("https://{audience}.example"),
            "from": old["grant"], "since": since, "until": until});
        if rule == "vault" {
            body["call"] = json!(["mia"]);
        }
        let mut act = Act::HandOver {
            grant: old["grant"].as_str().unwrap().into(),
            to: "leon".into(),
            incident: text("incident"),
            right: text("right"),
            sentence: sentence.into(),
            reason: "sleep".into(),
            until: end,
        };
        words(&mut act);
        self.does(
            who,
            act,
            "grant.requested",
            with(with(of.clone(), body), but),
        );
        of
    }

    /// What stands at once behind the handing over, where Mia is one who may agree.
    fn agrees_along(&mut self, of: &Value, until: &str) {
        let started = json!({"basis": "approved", "ends_at": until});
        self.follows("grant.started", "mia", with(of.clone(), started));
    }

    /// The end of the old one.
    fn swaps(&mut self, old: &Value, but: Value) {
        let ended = json!({"ending": "handed-over", "to": "G-2", "to_person": "leon"});
        let body = with(with(old.clone(), ended), but);
        self.follows("grant.ended", "breakglass", body);
    }

    /// Mia has the database on Leon's word, and hands it over to him with her own.
    fn handed(&mut self) -> (Value, Value) {
        let old = self.approved("G-1");
        let new = self.hands(&old);
        let (_, until) = self.begun(&old);
        self.agrees_along(&new, &until);
        self.swaps(&old, json!({}));
        (old, new)
    }

    /// Mia reads secrets on Eve's word, and Leon is to go on: it waits for Eve.
    fn waits(&mut self) -> (Value, Value) {
        self.loads(&on_eves_word());
        let old = self.asks_but("G-1", "read-secrets", json!({"approvers": ["eve"]}));
        self.approves_but("eve", &old, json!({}), |_| {});
        let new = self.hands(&old);
        (old, new)
    }

    /// Eve says yes to Leon's.
    fn eve_agrees(&mut self, old: &Value, new: &Value, but: Value) {
        let (_, until) = self.begun(old);
        self.approves_but("eve", new, with(json!({"ends_at": until}), but), |_| {});
    }
}

fn is_whole(night: &Night) {
    let verdicts = verify(&night.lines);
    assert_eq!(verdicts.glass, None, "glass");
    assert_eq!(verdicts.python, None, "python");
}

#[test]
fn at_once_where_nobody_has_to_agree() {
    let mut night = Night::begins();
    let old = night.asks("G-1", "restart");
    night.begins_at_once(&old, json!({}));
    let new = night.hands(&old);
    let (_, ends_at) = night.begun(&old);
    night.begins_at_once(&new, json!({"ends_at": ends_at}));
    night.swaps(&old, json!({}));
    let key = night.key("leon").id();
    night.issues_but(
        "leon",
        &new,
        json!({"key": key, "audience": "https://worker.example",
        "expires_at": ends_at, "credential": "G-2.1"}),
    );
    is_whole(&night);
}

#[test]
fn with_the_yes_of_who_hands_over_and_with_that_of_another() {
    let mut night = Night::begins();
    night.handed();
    is_whole(&night);
    let mut night = Night::begins();
    let (old, new) = night.waits();
    night.eve_agrees(&old, &new, json!({}));
    night.swaps(&old, json!({}));
    is_whole(&night);
}

/// A head that was signed between the beginning of the one and the end of the other: both have it.
#[test]
fn a_ledger_that_ends_in_the_middle_of_it_is_found_in_every_form() {
    let mut night = Night::begins();
    let (old, new) = night.waits();
    night.eve_agrees(&old, &new, json!({}));
    let verdicts = verify(&night.lines);
    assert!(verdicts.glass.is_some(), "glass");
    let (export, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    lay_out(export.path(), &night.lines);
    lay_out_tiles(mirror.path(), &night.lines);
    assert!(glass(mirror.path()).is_err(), "glass, of a mirror");
    for (form, told) in [
        ("journal", verdicts.python),
        ("mirror", python(mirror.path()).err()),
        ("export", python_of_export(export.path()).err()),
    ] {
        let told = told.unwrap_or_default();
        assert!(told.contains("handed over by half"), "{form}: {told}");
    }
    night.swaps(&old, json!({}));
    is_whole(&night);
}

#[test]
fn what_waits_ends_with_the_other_one() {
    let mut night = Night::begins();
    let (old, new) = night.waits();
    night.drops(&old);
    let lapsed = json!({"ending": "lapsed", "reason": "G-1 is over: dropped"});
    night.follows("grant.ended", "breakglass", with(new, lapsed));
    night.does_note("mia", "later");
    is_whole(&night);
}

/// The real rules with all three of it: a yes along, a call, a note.
#[test]
fn after_a_call_and_a_note() {
    let mut house = House::burning();
    crate::steps::about_incident(&mut house, "mia", 0, 7).unwrap();
    crate::steps::asks(&mut house, "mia", 0, 10).unwrap();
    let find = |house: &House, who: &str| {
        let mut grants = house.state.grants.values();
        grants.find(|it| it.of.person == id(who)).unwrap().clone()
    };
    let old = find(&house, "mia");
    let stricter = POLICY.replace(
        "rights = [\"restart\"]\napprovers = []",
        "rights = [\"restart\"]\napprovers = [\"job:engineer\"]\ncall = [\"job:engineer\"]",
    );
    house.loads(&stricter);
    hands_over(&mut house, "mia", &old, "leon").unwrap();
    house.passes(60_000);
    let new = find(&house, "leon");
    assert!(new.is_waiting(), "Mia has agreed, and a call is wanted");
    crate::steps::speaks(&mut house, "mia", &new, 10).unwrap();
    crate::steps::about_incident(&mut house, "mia", 0, 1).unwrap();
    assert!(find(&house, "leon").active().is_some());
    assert!(!house.state.grants.contains_key(&old.of.grant));
    let verdicts = verify(&house.lines);
    assert_eq!(verdicts.glass, None, "glass");
    assert_eq!(verdicts.python, None, "python");
}

#[test]
fn it_is_its_holders_to_hand_over_and_somebody_elses_to_have() {
    each_is_found(forgeries! {
        "nobody signed it", |night| {
            let old = night.approved("G-1");
            night.hands(&old);
            night.leaves_out("signed");
        } => "grant.requested by mia bears no statement", "without a statement";
        "by somebody else", |night| {
            let old = night.approved("G-1");
            night.hands_but("eve", &old, json!({}), |_| {});
        } => "eve hands over G-1, which is of mia", "G-1 is handed over by eve to leon";
        "asked for with another act", |night| {
            let old = night.approved("G-1");
            let of = night.hands(&old);
            let act = Act::Request {
                right: "drop-db".into(), sentence: "drop the database".into(), incident: "INC-1".into(),
                reason: "sleep".into(), length: SignedDuration::from_mins(9), held: false,
            };
            let signed = night.signs_as("leon", act, crate::night::ORIGIN, "leon");
            night.changes(night.last(), |entry| { entry["by"] = json!("leon"); entry["signed"] = signed; });
            assert_eq!(of["person"], "leon");
        } => "`request` was signed, grant.requested recorded", "`request` was signed";
        "to themselves", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({"person": "mia", "approvers": ["leon"]}), |act| {
                if let Act::HandOver { to, .. } = act { *to = "mia".into(); }
            });
        } => "mia hands G-1 over to themselves", "G-1 is handed over by mia to mia";
        "to another than was signed", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({}), |act| {
                if let Act::HandOver { to, .. } = act { *to = "eve".into(); }
            });
        } => "`person: eve` was signed, and leon recorded", "`to: eve` was signed";
        "to somebody whom no rule gives it", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({"person": "eve"}), |act| {
                if let Act::HandOver { to, .. } = act { *to = "eve".into(); }
            });
        } => "the policy in force does not give eve the right drop-db", "the policy does not give eve drop-db";
        "to somebody who is frozen", |night| {
            let old = night.approved("G-1");
            night.about("leon", "person.frozen", "leon");
            night.hands(&old);
        } => "G-1 is handed over to leon, who is frozen or has no key", "leon is frozen or has no key";
        "to somebody without a laptop", |night| {
            let old = night.approved("G-1");
            night.about("mia", "person.removed", "leon");
            night.hands(&old);
        } => "G-1 is handed over to leon, who is frozen or has no key", "leon is frozen or has no key";
        "with approvers the policy does not name", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({"approvers": ["mia", "eve"]}), |_| {});
        } => "`approvers: mia, eve`, and the policy in force says mia", "the policy says `approvers: ['mia']`";
        "twice to the same", |night| {
            let (old, new) = night.waits();
            night.hands_but("mia", &old, json!({"grant": "G-3"}), |_| {});
            assert_eq!(new["grant"], "G-2");
        } => "G-1 is handed over to leon, who has G-2 for that", "leon has ['G-2']";
    });
}

#[test]
fn it_is_the_same_right_to_the_same_end() {
    each_is_found(forgeries! {
        "of one that waits", |night| {
            let mut old = night.approved("G-1");
            night.asks("G-3", "read-secrets");
            old["right"] = json!("drop-db");
            night.hands_but("mia", &old, json!({"from": "G-3"}), |act| {
                if let Act::HandOver { grant, .. } = act { *grant = "G-3".into(); }
            });
        } => "grant.requested of G-3, which waits", "G-3 is not active";
        "of one that is over", |night| {
            let old = night.approved("G-1");
            night.drops(&old);
            night.hands(&old);
        } => "G-1 has ended before: handing over", "G-1 does not live";
        "of one that never was", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({"from": "G-9"}), |act| {
                if let Act::HandOver { grant, .. } = act { *grant = "G-9".into(); }
            });
        } => "G-9 was never asked for: handing over", "G-9 does not live";
        "another right", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({"right": "restart", "sentence": "restart the shop",
                "risk": "low", "rule": "alone", "approvers": [], "audience": "https://worker.example"}), |act| {
                if let Act::HandOver { right, sentence, .. } = act {
                    *right = "restart".into();
                    *sentence = "restart the shop".into();
                }
            });
        } => "G-2 is of another right or incident than G-1", "G-2 is of another right or incident";
        "another incident", |night| {
            let old = night.approved("G-1");
            night.opens("mia", "INC-2");
            night.hands_but("mia", &old, json!({"incident": "INC-2"}), |act| {
                if let Act::HandOver { incident, .. } = act { *incident = "INC-2".into(); }
            });
        } => "G-2 is of another right or incident than G-1", "G-2 is of another right or incident";
        "a later end", |night| {
            let old = night.approved("G-1");
            let later = night.minutes(15);
            let until = later.parse().unwrap();
            night.hands_but("mia", &old, json!({"until": later}), |act| {
                if let Act::HandOver { until: end, .. } = act { *end = until; }
            });
        } => "G-2 may last or wait longer than G-1", "G-2 may last or wait longer than G-1";
        "a later end than was signed", |night| {
            let old = night.approved("G-1");
            let sooner = night.minutes(3).parse().unwrap();
            night.hands_but("mia", &old, json!({}), |act| {
                if let Act::HandOver { until: end, .. } = act { *end = sooner; }
            });
        } => "`until` was signed as", "`until: ";
        "that waits longer", |night| {
            let old = night.approved("G-1");
            let later = night.minutes(15);
            night.hands_but("mia", &old, json!({"lapses_at": later}), |_| {});
        } => "G-2 may last or wait longer than G-1", "G-2 may last or wait longer than G-1";
        "counted anew", |night| {
            let old = night.approved("G-1");
            let now = night.minutes(0);
            night.hands_but("mia", &old, json!({"since": now}), |_| {});
        } => "G-2 counts from another time than G-1", "G-2 counts from another time than G-1";
        "with a self-grant", |night| {
            let old = night.approved("G-1");
            let from = night.minutes(10);
            night.hands_but("mia", &old, json!({"self_grant": {"from": from, "longest_ms": 60_000}}), |_| {});
        } => "or may be begun alone", "or may be begun alone";
        "bound to the key of who hands over", |night| {
            let old = night.approved("G-1");
            let key = night.key("mia").id();
            night.hands_but("mia", &old, json!({"key": key}), |_| {});
        } => "bound to a key", "bound to a key";
        "held", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({"held": true}), |_| {});
        } => "is held", "is held";
        "without saying until when", |night| {
            let old = night.approved("G-1");
            night.hands_but("mia", &old, json!({"since": null}), |_| {});
        } => "or where it comes from", "is handed over, and is held";
        "no key where nobody hands over", |night| {
            night.asks_but("G-1", "drop-db", json!({"key": null}));
        } => "does not say for which key", "cannot be read";
        "to somebody whose self-grant was vetoed", |night| {
            let old = night.approved("G-1");
            let theirs = night.asks_of_leon("G-3");
            night.vetoes("eve", &theirs);
            night.hands(&old);
        } => "leon, whose self-grant of it was vetoed", "a self-grant of leon was vetoed";
    });
}

#[test]
fn one_begins_where_the_other_ends() {
    each_is_found(forgeries! {
        "nothing ends", |night| {
            let old = night.approved("G-1");
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            night.agrees_along(&new, &until);
            night.does_note("mia", "leon has it");
        } => "G-2 began by handing over, and the end of G-1 does not stand behind it", "G-2 began, and the end of G-1 does not stand behind it";
        "it ends later", |night| {
            let old = night.approved("G-1");
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            night.agrees_along(&new, &until);
            night.minutes_pass(1);
            night.swaps(&old, json!({}));
        } => "G-2 began by handing over", "G-2 began, and the end of G-1 does not stand behind it";
        "it ends for another", |night| {
            let old = night.approved("G-1");
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            night.agrees_along(&new, &until);
            night.swaps(&old, json!({"to": "G-3"}));
        } => "G-2 began by handing over", "G-2 began, and the end of G-1 does not stand behind it";
        "another person has it", |night| {
            let old = night.approved("G-1");
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            night.agrees_along(&new, &until);
            night.swaps(&old, json!({"to_person": "eve"}));
        } => "G-2 began by handing over", "G-2 began, and the end of G-1 does not stand behind it";
        "another ends", |night| {
            let third = night.approved("G-3");
            let old = night.approved("G-1");
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            night.agrees_along(&new, &until);
            night.swaps(&third, json!({}));
        } => "G-2 began by handing over", "G-2 began, and the end of G-1 does not stand behind it";
        "it ends, and nothing began", |night| {
            let (old, _) = night.waits();
            night.swaps(&old, json!({}));
        } => "G-1 ends as handed over, and no other grant began just then", "G-1 ends as handed over, and nothing began just then";
        "it goes on after it was handed over", |night| {
            let (old, _) = night.handed();
            night.issues(&old);
        } => "G-1 has ended before", "G-1 does not live";
    });
}

#[test]
fn nobody_has_it_longer_or_without_the_yes_their_rule_asks_for() {
    each_is_found(forgeries! {
        "past the end of the old one", |night| {
            let old = night.approved("G-1");
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            let later: Timestamp = until.parse().unwrap();
            let later = written(later + SignedDuration::from_mins(1));
            night.agrees_along(&new, &later);
        } => "and may last until", "G-2 lasts longer than it may";
        "past it on somebody else's yes", |night| {
            let (old, new) = night.waits();
            let later = night.minutes(10);
            night.eve_agrees(&old, &new, json!({"ends_at": later}));
        } => "and may last until", "G-2 lasts longer than it may";
        "on the yes of who hands over, and is no approver", |night| {
            let (old, new) = night.waits();
            let (_, until) = night.begun(&old);
            night.agrees_along(&new, &until);
        } => "mia, who is not among the approvers of G-2", "mia is no approver of G-2";
        "on that yes later", |night| {
            let old = night.approved("G-1");
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            night.does_note("mia", "wait");
            night.agrees_along(&new, &until);
        } => "grant.started by mia bears no statement", "without a statement";
        "at once where somebody has to agree", |night| {
            let (old, new) = night.waits();
            let (_, ends_at) = night.begun(&old);
            night.begins_at_once(&new, json!({"ends_at": ends_at}));
        } => "G-2 began without a yes, and needed one", "G-2 needs a yes";
        "a yes along that is until another time", |night| {
            let old = night.vault();
            let new = night.hands(&old);
            let until = night.minutes(2);
            night.follows("grant.approved", "mia", with(new, json!({"until": until})));
        } => "the yes to G-2 is until another time than signed", "another end was signed";
        "without the call", |night| {
            let old = night.vault();
            let new = night.hands(&old);
            let (_, until) = night.begun(&old);
            night.agrees_along(&new, &until);
        } => "G-2 began without a call, and needed one", "G-2 begins without a call";
        "when the old one is over", |night| {
            let (old, new) = night.waits();
            night.drops(&old);
            night.eve_agrees(&old, &new, json!({}));
        } => "G-2 waits on, and the grant it was to be handed over from is over", "waits on, and what it was to be handed over from is over";
        "it lapses, and the old one lives", |night| {
            let (_, new) = night.waits();
            night.by_broker("grant.ended", with(new, json!({"ending": "lapsed"})));
        } => "G-2 ends as lapsed by breakglass", "G-2 cannot end as lapsed by breakglass";
        "more time than the first could have had", |night| {
            let (_, new) = night.handed();
            let ends_at = night.minutes(30);
            let act = Act::Extend { grant: "G-2".into(), by: SignedDuration::from_mins(25), reason: "not done".into() };
            let body = with(new, json!({"ends_at": ends_at, "reason": "not done"}));
            night.does("mia", act, "grant.extended", body);
        } => "and may last until", "G-2 lasts longer than it may";
        "a credential for the laptop of who handed over", |night| {
            let (_, new) = night.handed();
            let (key, until) = (night.key("mia").id(), night.minutes(1));
            night.issues_but("leon", &new, json!({"key": key, "audience": "https://db.example",
                "credential": "G-2.1", "expires_at": until}));
        } => "which is not enrolled to leon", "the credential has another key than G-2";
        "dropped by somebody else while it waits", |night| {
            let (_, new) = night.waits();
            let act = Act::Drop { grant: "G-2".into() };
            night.does("eve", act, "grant.ended", with(new, json!({"ending": "dropped"})));
        } => "G-2 ends as dropped by eve", "G-2 cannot end as dropped by eve";
    });
}

impl Night {
    /// Mia gives hers back.
    fn drops(&mut self, of: &Value) {
        let grant = of["grant"].as_str().unwrap().to_owned();
        let body = with(of.clone(), json!({"ending": "dropped"}));
        self.does("mia", Act::Drop { grant }, "grant.ended", body);
    }

    /// Leon asks for the database.
    fn asks_of_leon(&mut self, grant: &str) -> Value {
        let key = self.key("leon").id();
        let of = self.asks_but(
            grant,
            "drop-db",
            json!({"person": "leon", "approvers": ["mia"], "key": key}),
        );
        let text: Value = serde_json::from_str(self.lines.last().unwrap()).unwrap();
        assert_eq!(text["grant"], grant);
        let act = Act::Request {
            right: "drop-db".into(),
            sentence: "drop the database".into(),
            incident: "INC-1".into(),
            reason: "flood".into(),
            length: SignedDuration::from_mins(10),
            held: false,
        };
        self.at -= SignedDuration::from_mins(1);
        let signed = self.signs("leon", act);
        self.at += SignedDuration::from_mins(1);
        self.changes(self.last(), |entry| {
            entry["by"] = json!("leon");
            entry["signed"] = signed;
        });
        with(of, json!({"person": "leon"}))
    }

    /// Mia has the vault, after a call with Leon, a note, and his yes.
    fn vault(&mut self) -> Value {
        let of = self.asks("G-1", "open-vault");
        let until = self.minutes(11);
        self.agrees("leon", &of, &until);
        self.does_note("leon", "mia called");
        self.calls("leon", &of);
        self.unlocks(&of, json!({"ends_at": self.minutes(6)}));
        of
    }
}
