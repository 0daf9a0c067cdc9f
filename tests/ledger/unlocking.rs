//! Grants that need a call, and began without one, or not with the right one.

use breakglass_proto::statement::Act;
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::night::{Night, with};
use crate::verifiers::verify;

impl Night {
    /// Somebody spoke with Mia a minute before they say so.
    pub(crate) fn calls(&mut self, who: &str, of: &Value) {
        let spoke_at = self.minutes(-1);
        self.calls_but(who, of, &spoke_at, |_| {});
    }

    fn calls_but(&mut self, who: &str, of: &Value, at: &str, words: impl FnOnce(&mut Act)) {
        let text = |name: &str| of[name].as_str().unwrap().to_owned();
        let mut act = Act::RecordCall {
            grant: text("grant"),
            incident: text("incident"),
            requester: text("person"),
            right: text("right"),
            sentence: sentence(of).to_owned(),
            spoke_at: at.parse().unwrap(),
        };
        words(&mut act);
        let body = with(of.clone(), json!({"spoke_at": at}));
        self.does(who, act, "call.recorded", body);
    }

    /// A yes that begins nothing.
    pub(crate) fn agrees(&mut self, who: &str, of: &Value, until: &str) {
        let text = |name: &str| of[name].as_str().unwrap().to_owned();
        let act = Act::Approve {
            grant: text("grant"),
            incident: text("incident"),
            requester: text("person"),
            right: text("right"),
            sentence: sentence(of).to_owned(),
            until: until.parse().unwrap(),
        };
        let body = with(of.clone(), json!({"until": until}));
        self.does(who, act, "grant.approved", body);
    }

    /// What the broker writes at once behind what came last.
    pub(crate) fn unlocks(&mut self, of: &Value, but: Value) {
        let ends_at = self.minutes(9);
        let body = with(of.clone(), json!({"basis": "called", "ends_at": ends_at}));
        self.follows("grant.started", "breakglass", with(body, but));
    }
}

fn sentence(of: &Value) -> &'static str {
    match of["right"].as_str() {
        Some("open-vault") => "open the vault",
        _ => "rotate the keys",
    }
}

fn is_whole(night: &Night) {
    let verdicts = verify(&night.lines);
    assert_eq!(verdicts.glass, None, "glass");
    assert_eq!(verdicts.python, None, "python");
}

#[test]
fn a_call_and_a_note_and_it_begins() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "rotate-keys");
    night.calls("leon", &of);
    night.does_note("mia", "leon and I spoke");
    night.unlocks(&of, json!({}));
    night.issues(&of);
    let ends_at = night.minutes(12);
    night.extends("leon", &of, 600, ends_at);
    is_whole(&night);
}

#[test]
fn a_yes_as_well_where_the_rule_names_approvers() {
    let mut night = Night::begins();
    let of = night.asks("G-1", "open-vault");
    let until = night.minutes(11);
    night.agrees("leon", &of, &until);
    night.does_note("leon", "mia called");
    night.calls("leon", &of);
    night.unlocks(&of, json!({"ends_at": night.minutes(7)}));
    is_whole(&night);
}

#[test]
fn nothing_begins_without_its_call_its_note_and_its_yes() {
    each_is_found(forgeries! {
        "no call", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.does_note("mia", "nobody answers");
            night.unlocks(&of, json!({}));
        } => "G-1 began without a call", "G-1 begins without a call";
        "no note", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.unlocks(&of, json!({}));
        } => "G-1 began without a note", "G-1 begins without a note";
        "a note of somebody else", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.does_note("eve", "I heard of it");
            night.unlocks(&of, json!({}));
        } => "G-1 began without a note", "nothing was done for G-1 just then";
        "a note from before it was asked for", |night| {
            night.does_note("mia", "look");
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.unlocks(&of, json!({}));
        } => "G-1 began without a note", "G-1 begins without a note";
        "no yes", |night| {
            let of = night.asks("G-1", "open-vault");
            night.calls("leon", &of);
            night.does_note("mia", "leon and I spoke");
            night.unlocks(&of, json!({}));
        } => "G-1 began without a yes, and needed one", "G-1 begins without a yes";
        "a yes and no call", |night| {
            let of = night.asks("G-1", "open-vault");
            night.approves_but("leon", &of, json!({}), |act| {
                if let Act::Approve { sentence, .. } = act { *sentence = "open the vault".into(); }
            });
        } => "G-1 began without a call, and needed one", "G-1 begins without a call";
        "longer than the yes was said for", |night| {
            let of = night.asks("G-1", "open-vault");
            let until = night.minutes(5);
            night.agrees("leon", &of, &until);
            night.calls("leon", &of);
            night.does_note("mia", "leon and I spoke");
            night.unlocks(&of, json!({}));
        } => "and may last until", "G-1 lasts longer than it may";
        "longer than was asked for", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.does_note("mia", "leon and I spoke");
            night.unlocks(&of, json!({"ends_at": night.minutes(20)}));
        } => "and may last until", "G-1 lasts longer than it may";
        "not with what came last", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.does_note("mia", "leon and I spoke");
            night.minutes_pass(1);
            night.unlocks(&of, json!({}));
        } => "nothing was done for it just then", "nothing was done for G-1 just then";
        "the call of somebody frozen since", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.about("mia", "person.frozen", "leon");
            night.does_note("mia", "leon and I spoke");
            night.unlocks(&of, json!({}));
        } => "G-1 began without a call", "G-1 begins without a call";
        "where none is needed", |night| {
            let of = night.asks("G-1", "drop-db");
            night.does_note("mia", "leon and I spoke");
            night.unlocks(&of, json!({}));
        } => "is no request for one", "nothing was done for G-1 just then";
    });
}

#[test]
fn a_call_is_that_of_one_whose_call_counts() {
    each_is_found(forgeries! {
        "nobody signed it", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.leaves_out("signed");
        } => "call.recorded by leon bears no statement", "without a statement";
        "one's own", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("mia", &of);
        } => "mia is not one whose call counts for G-1", "another's";
        "by somebody the rule does not name", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("eve", &of);
        } => "eve is not one whose call counts for G-1", "the call of eve does not count for G-1";
        "twice", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.calls("leon", &of);
        } => "the call of leon for G-1 is recorded twice", "the call of leon does not count for G-1";
        "before it was", |night| {
            let of = night.asks("G-1", "rotate-keys");
            let at = night.minutes(3);
            night.calls_but("leon", &of, &at, |_| {});
        } => "leon signed at", "the call was not just before";
        "of the day before", |night| {
            let of = night.asks("G-1", "rotate-keys");
            let at = night.minutes(-1_440);
            night.calls_but("leon", &of, &at, |_| {});
        } => "leon signed at", "the call was not just before";
        "recorded at another time than was signed", |night| {
            let of = night.asks("G-1", "rotate-keys");
            let (at, other) = (night.minutes(-1), night.minutes(-20).parse().unwrap());
            night.calls_but("leon", &of, &at, |act| {
                if let Act::RecordCall { spoke_at, .. } = act { *spoke_at = other; }
            });
        } => "`spoke_at` was signed as", "another time was signed";
        "about another sentence", |night| {
            let of = night.asks("G-1", "rotate-keys");
            let at = night.minutes(-1);
            night.calls_but("leon", &of, &at, |act| {
                if let Act::RecordCall { sentence, .. } = act { *sentence = "look at them".into(); }
            });
        } => "leon signed another sentence than that of G-1", "of another sentence";
        "with somebody else", |night| {
            let of = night.asks("G-1", "rotate-keys");
            let at = night.minutes(-1);
            night.calls_but("leon", &of, &at, |act| {
                if let Act::RecordCall { requester, .. } = act { *requester = "eve".into(); }
            });
        } => "`person: eve` was signed, and mia recorded", "`requester: eve` was signed";
        "callers the policy does not name", |night| {
            night.asks_but("G-1", "rotate-keys", json!({"call": ["eve"]}));
        } => "`call: eve`, and the policy in force says leon", "the policy has `call: ['leon']`";
        "no callers where the policy names some", |night| {
            night.asks_but("G-1", "rotate-keys", json!({"call": null}));
        } => "`call: nobody`, and the policy in force says leon", "the policy has `call: ['leon']`";
        "a yes recorded twice", |night| {
            let of = night.asks("G-1", "open-vault");
            let until = night.minutes(10);
            night.agrees("leon", &of, &until);
            night.agrees("leon", &of, &until);
        } => "leon says yes to G-1 twice", "leon is no approver of G-1";
        "a yes on the way of a request that needs no call", |night| {
            let of = night.asks("G-1", "drop-db");
            let until = night.minutes(10);
            night.agrees("leon", &of, &until);
        } => "grant.approved of G-1, which needs no call", "G-1 waits for no call";
        "more time by the holder", |night| {
            let of = night.asks("G-1", "rotate-keys");
            night.calls("leon", &of);
            night.does_note("mia", "leon and I spoke");
            night.unlocks(&of, json!({}));
            let ends_at = night.minutes(15);
            night.extends("mia", &of, 600, ends_at);
        } => "mia extended G-1 alone", "mia may not extend G-1";
    });
}
