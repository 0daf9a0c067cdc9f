//! Guards, sessions and roles that nobody invited, announced or opened.

use serde_json::{Value, json};

use crate::forgery::{each_is_found, forgeries};
use crate::night::{Night, with};
use crate::verifiers::verify;

impl Night {
    /// The guard of `web-1` is invited and enrolled, and Mia has a certificate for a login there.
    fn login(&mut self) -> Value {
        self.guard_enrols("web-1");
        let of = self.asks("G-1", "restart");
        self.begins_at_once(&of, json!({}));
        self.issues_but("mia", &of, certificate(&["deploy"]));
        of
    }

    fn opens_session(&mut self, by: &str, of: &Value, but: Value) {
        let session =
            json!({"session": "S-1", "target": "web-1", "credential": "G-1.1", "login": "deploy"});
        self.adds(
            "session.opened",
            by,
            with(with(of.clone(), session), but),
            None,
        );
    }
}

/// What a guard draws for a login.
const ONCE: &str = "CQkJCQkJCQkJCQkJCQkJCQ";

fn certificate(principals: &[&str]) -> Value {
    let extensions = ["permit-agent-forwarding", "permit-pty"];
    let subject = json!({"serial": 1, "principals": principals, "extensions": extensions, "source_addresses": []});
    json!({"credential_kind": "ssh", "key": "made-for-this-certificate", "subject": subject})
}

#[test]
fn nothing_at_a_target_is_there_without_its_grant_and_guard() {
    each_is_found(forgeries! {
        "a guard nobody invited", |night| {
            night.guard_redeems("web-1", &"cd".repeat(32));
        } => "nobody invited them with this token", "no invitation that works";
        "a guard with a person's invitation", |night| {
            let token = night.invites("leon");
            night.guard_redeems("web-1", &token);
        } => "with a token that was made for leon", "no invitation that works";
        "a guard of a target the policy does not have", |night| {
            let body = json!({"target": "web-2", "token": "ab".repeat(32), "expires_at": night.minutes(9)});
            night.by_broker("target.invited", body);
        } => "target:web-2 is invited and not in the policy", "target:web-2 is not in the policy";
        "a guard removed by nobody", |night| {
            night.guard_enrols("web-1");
            night.by_broker("target.removed", json!({"target": "web-1", "reason": "gone"}));
        } => "no policy was loaded just then that would take web-1 away", "no policy was loaded";
        "a login as somebody else", |night| {
            let of = night.asks("G-1", "restart");
            night.begins_at_once(&of, json!({}));
            night.issues_but("mia", &of, certificate(&["root"]));
        } => "`principals: [\"root\"]`, and the policy in force says [\"deploy\"]", "the credential says `principals: ['root']`";
        "a kind of credential the right does not have", |night| {
            let of = night.approved("G-1");
            night.issues_but("mia", &of, certificate(&["deploy"]));
        } => "the policy in force gives no credential of kind ssh under G-1", "the policy gives no credential of kind ssh";
        "a role of another owner", |night| {
            let of = night.approved("G-1");
            let subject = json!({"target": "shop-db", "role": "breakglass_g1_1", "member_of": "postgres"});
            night.issues_but("mia", &of, json!({"credential_kind": "postgres", "subject": subject}));
        } => "`member_of: \"postgres\"`, and the policy in force says \"shop_owner\"", "the credential says `member_of: postgres`";
        "a session by a credential that was never issued", |night| {
            let of = night.login();
            night.opens_session("target:web-1", &of, json!({"credential": "G-1.2"}));
        } => "by the credential G-1.2, which was never issued", "G-1.2 was never issued";
        "a session after the grant's time", |night| {
            let of = night.login();
            night.minutes_pass(20);
            night.opens_session("target:web-1", &of, json!({}));
        } => "session.opened of G-1, whose time ran out", "G-1 is not active";
        "a session after the grant's end that nobody let in before", |night| {
            let of = night.login();
            night.minutes_pass(20);
            night.ends(&of, "expired");
            night.opens_session("target:web-1", &of, json!({"once": ONCE}));
        } => "G-1 has ended before: session.opened", "G-1 is not active";
        "one that was let in, reported more than a day after the end", |night| {
            let of = night.login();
            night.minutes_pass(20);
            night.ends(&of, "expired");
            night.minutes_pass(24 * 60);
            let late = json!({"once": ONCE, "let_in_at": "2026-11-23T03:00:00.000Z"});
            night.opens_session("target:web-1", &of, late);
        } => "G-1 has ended before: session.opened", "G-1 is not active";
        "one that was let in under a grant that nobody had", |night| {
            let of = night.login();
            let late = json!({"once": ONCE, "let_in_at": "2026-11-23T03:00:00.000Z", "grant": "G-9", "credential": "G-9.1"});
            night.opens_session("target:web-1", &of, late);
        } => "G-9 was never asked for: session.opened", "G-9 is not active";
        "one that was let in by a credential that was never issued", |night| {
            let of = night.login();
            night.minutes_pass(20);
            night.ends(&of, "expired");
            let late = json!({"once": ONCE, "let_in_at": "2026-11-23T03:00:00.000Z", "credential": "G-1.2"});
            night.opens_session("target:web-1", &of, late);
        } => "by the credential G-1.2, which was never issued", "G-1.2 was never issued";
        "one that was let in at no time", |night| {
            let of = night.login();
            night.opens_session("target:web-1", &of, json!({"once": ONCE, "let_in_at": "soon"}));
        } => "the `let_in_at` of the session.opened cannot be read", "soon is no time";
        "one login twice", |night| {
            let of = night.login();
            night.opens_session("target:web-1", &of, json!({"once": ONCE}));
            night.opens_session("target:web-1", &of, json!({"once": ONCE, "session": "S-2"}));
        } => "S-2 is the same login as S-1", "S-2 is a login that is open already";
        "a session that another guard speaks of", |night| {
            let of = night.login();
            night.guard_enrols("shop-db");
            night.opens_session("target:shop-db", &of, json!({}));
        } => "target:shop-db speaks for the target web-1", "target:shop-db speaks for web-1";
        "a session where the right does not lead", |night| {
            let of = night.login();
            night.guard_enrols("shop-db");
            night.opens_session("target:shop-db", &of, json!({"target": "shop-db"}));
        } => "S-1 is opened at shop-db, where the right restart does not lead", "restart does not lead to shop-db";
        "a session that a person speaks of", |night| {
            let of = night.login();
            night.opens_session("leon", &of, json!({}));
        } => "no session.opened is ever by leon", "no session.opened is ever by leon";
        "a session that ends and never was", |night| {
            let of = night.login();
            let ended = json!({"session": "S-9", "target": "web-1", "how": "closed"});
            night.adds("session.ended", "target:web-1", with(of, ended), None);
        } => "session.ended of the session S-9, which is over or never was", "session.ended of S-9";
        "a role nobody announced", |night| {
            let of = night.approved("G-1");
            night.by_broker("role.created", with(of, json!({"target": "shop-db", "role": "root"})));
        } => "role.created of the role root, which is over or never was", "role.created of root";
    });
}

/// What the guard could not report while the broker was away, it reports when that is back.
#[test]
fn who_was_let_in_during_an_outage_is_accepted_though_the_grant_is_over() {
    let mut night = Night::begins();
    let of = night.login();
    let late = json!({"once": ONCE, "let_in_at": "2026-11-23T03:00:00.000Z"});
    night.opens_session("target:web-1", &of, late.clone());
    let ended = json!({"session": "S-1", "target": "web-1", "how": "gone"});
    night.adds(
        "session.ended",
        "target:web-1",
        with(of.clone(), ended),
        None,
    );
    night.minutes_pass(20);
    night.ends(&of, "expired");
    night.minutes_pass(23 * 60);
    night.opens_session("target:web-1", &of, with(late, json!({"session": "S-2"})));
    let verdicts = verify(&night.lines);
    assert_eq!((verdicts.glass, verdicts.python), (None, None));
}
