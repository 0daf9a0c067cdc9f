//! What is said of a grant afterwards: once, of one that began, when its incident is over.

use breakglass_domain::{Act, Answer, Refusal, Width};
use breakglass_proto::statement::Act as Said;
use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::house::{House, line};
use crate::night::{Night, with};
use crate::verifiers::verify;

impl Night {
    /// Eve says of a grant that it was needed and too wide.
    fn answers(&mut self, of: &Value, but: Value) {
        let text = |name: &str| of[name].as_str().unwrap().to_owned();
        let act = Said::AnswerReview {
            incident: text("incident"),
            grant: text("grant"),
            needed: true,
            width: "too-wide".into(),
            missing: String::new(),
        };
        let body = with(
            with(of.clone(), json!({"needed": true, "width": "too-wide"})),
            but,
        );
        self.does("eve", act, "review.answered", body);
    }

    /// A grant, and the end of its incident.
    fn is_over(&mut self) -> Value {
        let of = self.approved("G-1");
        self.closes("leon", &[&of]);
        of
    }
}

/// Somebody answers for the oldest grant that is owed an answer, in one of several ways.
pub(crate) fn answers(house: &mut House, who: &str, much: u8) -> Result<(), Refusal> {
    let owed = house.state.reviews.owed.values().next();
    let Some(of) = owed.and_then(|owed| owed.grants.values().next()).cloned() else {
        return Ok(());
    };
    let (needed, width) = (
        much.is_multiple_of(2),
        Width::ALL[usize::from(much / 2) % 2],
    );
    let missing = much
        .is_multiple_of(5)
        .then(|| "a \"rollback\" \\".to_owned());
    let said = Said::AnswerReview {
        incident: of.incident.to_string(),
        grant: of.grant.to_string(),
        needed,
        width: width.to_string(),
        missing: missing.clone().unwrap_or_default(),
    };
    let missing = missing.map(|missing| line(&missing));
    let act = Act::AnswerReview {
        incident: of.incident,
        grant: of.grant,
        answer: Answer {
            needed,
            width,
            missing,
        },
    };
    house.does(who, said, act)
}

#[test]
fn each_grant_is_answered_for_by_anybody() {
    let mut night = Night::begins();
    let of = night.is_over();
    night.answers(&of, json!({}));
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}

#[test]
fn no_answer_is_what_nobody_said_or_of_what_was_not() {
    each_is_found(forgeries! {
        "an answer while it is open", |night| {
            let of = night.approved("G-1");
            night.answers(&of, json!({}));
        } => "G-1 is reviewed, and INC-1 is open", "INC-1 is reviewed, and open";
        "a second answer", |night| {
            let of = night.is_over();
            night.answers(&of, json!({}));
            night.answers(&of, json!({}));
        } => "G-1 is reviewed, and it never began or was reviewed before", "G-1 is reviewed, and never began";
        "an answer for what never began", |night| {
            let of = night.asks("G-1", "drop-db");
            night.closes("leon", &[&of]);
            night.answers(&of, json!({}));
        } => "G-1 is reviewed, and it never began", "G-1 is reviewed, and never began";
        "an answer for another's", |night| {
            let of = night.is_over();
            night.answers(&of, json!({"person": "leon"}));
        } => "G-1 is reviewed as somebody else's", "G-1 is reviewed, and never began";
        "no where yes was signed", |night| {
            let of = night.is_over();
            night.answers(&of, json!({"needed": false}));
        } => "`needed` was signed as true, and false recorded", "`needed: yes` was signed";
        "as it should be where too wide was signed", |night| {
            let of = night.is_over();
            night.answers(&of, json!({"width": "right"}));
        } => "`width: too-wide` was signed, and right recorded", "`width: too-wide` was signed";
        "something missing that nobody named", |night| {
            let of = night.is_over();
            night.answers(&of, json!({"missing": "more rights"}));
        } => "nothing was signed as `missing`", "`missing: ` was signed";
        "an answer nobody signed", |night| {
            let of = night.is_over();
            let body = with(of, json!({"needed": true, "width": "right"}));
            night.adds("review.answered", "eve", body, None);
        } => "bears no statement of theirs", "without a statement";
        "an answer of the broker's own", |night| {
            let of = night.is_over();
            let body = with(of, json!({"needed": true, "width": "right"}));
            night.by_broker("review.answered", body);
        } => "no review.answered is ever by breakglass", "by breakglass";
    });
}
