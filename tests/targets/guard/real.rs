//! The whole way: a broker that issues, a guard that attends, and the ledger that has it all.

use std::time::Instant;

use serde_json::Value;

use super::fleet::Fleet;
use super::{BUSY, PROMISE};

macro_rules! fleet_or_return {
    ($grace:literal) => {
        match Fleet::begins($grace) {
            Some(fleet) => fleet,
            // sshd with PAM, and a service of PAM's of our own, are root's alone.
            None => return,
        }
    };
}

fn text<'a>(entry: &'a Value, field: &str) -> &'a str {
    entry[field].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_the_incident_ends_a_session_that_has_just_begun_and_all_it_left_behind() {
    let fleet = fleet_or_return!("1m");
    let way = fleet.asks("mia", "shell-web").await;
    let mut mia = fleet.logs_in(&way, BUSY);
    let mut family = Vec::new();
    for _ in 0..4 {
        family.push(mia.says_process().await);
    }
    let opened = fleet.records("session.opened", 1).remove(0);
    assert_eq!(text(&opened, "by"), "target:web-1");
    assert_eq!(text(&opened, "credential"), format!("{}.1", way.grant));
    assert_eq!(text(&opened, "origin"), "127.0.0.1");
    assert_eq!(fleet.target()["sessions"][0]["person"], "mia");

    let closing = fleet
        .playground
        .spawns("leon", &["incident", "close", "-m", "reverted"]);
    let ended = fleet.records("session.ended", 1).remove(0);
    for process in &family {
        process.is_dead();
    }
    mia.is_out().await;
    assert_eq!(text(&ended, "how"), "killed");
    let took = ended["took_ms"].as_u64().unwrap();
    assert!(u128::from(took) < PROMISE.as_millis(), "{took} ms");
    let closed = fleet.records("incident.closed", 1).remove(0);
    let at = |entry: &Value| text(entry, "at").parse::<jiff::Timestamp>().unwrap();
    let took = at(&ended).duration_since(at(&closed)).unsigned_abs();
    assert!(took < PROMISE, "from the closing to the record: {took:?}");
    assert_eq!(closing.finishes().code, 0);
    assert_eq!(fleet.target()["sessions"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_cuts_what_its_command_left_behind_and_says_that_it_is_one() {
    let fleet = fleet_or_return!("1m");
    let leaves = "'(setsid sleep 1000 >/dev/null 2>&1 </dev/null &) ; echo in'";
    let look = format!("{} {leaves}", fleet.way_in());
    let look = fleet.playground.script("look", &look);
    let look = look.to_str().unwrap();
    let words = ["-o", "json", "drill", "access", "shell-web", "--", look];
    let said = fleet.playground.done("mia", &words);
    let drill = said.json();
    assert_eq!(drill["good"], true, "{said}");
    assert!(said.err.contains("in\n"), "it was in: {said}");
    let kill = &drill["kills"][0];
    assert_eq!(
        (text(kill, "target"), text(kill, "fate")),
        ("web-1", "over")
    );
    let opened = fleet.records("session.opened", 1).remove(0);
    let ended = fleet.records("session.ended", 1).remove(0);
    assert_eq!(text(&ended, "how"), "killed");
    for entry in [&opened, &ended] {
        assert_eq!(text(entry, "incident"), text(&drill, "incident"));
        assert_eq!(entry["drill"], true, "{entry}");
    }
    let took = drill["steps"][6]["took_ms"].as_u64().unwrap();
    assert_eq!(text(&drill["steps"][6], "step"), "kill");
    assert!(u128::from(took) < PROMISE.as_millis(), "{took} ms");
    fleet.playground.done("designer", &["ledger", "verify"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_people_on_one_login_only_the_one_who_is_revoked_is_out() {
    let fleet = fleet_or_return!("1m");
    let hers = fleet.asks("mia", "shell-web").await;
    let mut mia = fleet.logs_in(&hers, "echo mia; cat");
    assert_eq!(mia.says().await, "mia");
    let his = fleet.asks("leon", "shell-web").await;
    let mut leon = fleet.logs_in(&his, "echo leon; cat");
    assert_eq!(leon.says().await, "leon");

    let words = ["revoke", &hers.grant, "-m", "wrong host"];
    fleet.playground.done("leon", &words);
    mia.is_out().await;
    let ended = fleet.records("session.ended", 1);
    assert_eq!((ended.len(), text(&ended[0], "person")), (1, "mia"));
    leon.hears("still here\n").await;
    assert_eq!(leon.says().await, "still here");

    // Her certificate lives on for minutes, and opens nothing: sshd knows it by the list.
    let revoked = fleet.revoked();
    assert!(revoked.starts_with(b"SSHKRL\n\0"), "a list is in place");
    let mut again = fleet.logs_in(&hers, "echo in");
    assert_eq!(again.is_out().await, Some(255));
    assert_eq!(fleet.records("session.opened", 2).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_removed_while_she_holds_a_shell_is_out_and_the_receipt_says_when() {
    let fleet = fleet_or_return!("1m");
    let way = fleet.asks("mia", "shell-web").await;
    let mut mia = fleet.logs_in(&way, BUSY);
    let mut family = Vec::new();
    for _ in 0..4 {
        family.push(mia.says_process().await);
    }
    let opened = fleet.records("session.opened", 1).remove(0);

    let words = [
        "people", "remove", "mia", "--yes", "-m", "last day", "-o", "json",
    ];
    let receipt = fleet.playground.done("founder", &words).json();
    for process in &family {
        process.is_dead();
    }
    mia.is_out().await;
    assert_eq!(receipt["keys"], 1);
    assert_eq!(receipt["ended"][0]["id"], way.grant.as_str());
    let kill = &receipt["kills"][0];
    assert_eq!(text(kill, "id"), text(&opened, "session"));
    assert_eq!(
        (text(kill, "target"), text(kill, "fate")),
        ("web-1", "over")
    );
    let after = kill["after_ms"].as_u64().unwrap();
    assert!(u128::from(after) < PROMISE.as_millis(), "{after} ms");
    assert_eq!(receipt["settled"], true);
    let mut again = fleet.logs_in(&way, "echo in");
    assert_eq!(again.is_out().await, Some(255));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_for_another_host_opens_nothing_and_the_screen_says_why() {
    let fleet = fleet_or_return!("1m");
    let way = fleet.asks("mia", "shell-other").await;
    let mut mia = fleet.logs_in(&way, "echo in");
    let said = mia.says().await;
    assert!(
        said.starts_with("glass: ") && said.contains("web-1"),
        "{said}"
    );
    assert_eq!(mia.is_out().await, Some(254));
    assert_eq!(fleet.playground.entries_of("session.opened").len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_gone_for_longer_than_the_grace_takes_access_with_it() {
    let mut fleet = fleet_or_return!("1s");
    let way = fleet.asks("mia", "shell-web").await;
    let mut mia = fleet.logs_in(&way, "echo in; exec sleep 1000");
    assert_eq!(mia.says().await, "in");
    fleet.records("session.opened", 1);

    fleet.playground.is_killed();
    let lost = Instant::now();
    mia.is_out().await;
    // The grace, but no less than what a late tick may take; and the time to end a session.
    assert!(lost.elapsed().as_secs() <= 8, "{:?}", lost.elapsed());
    let mut again = fleet.logs_in(&way, "echo in");
    let said = again.says().await;
    assert!(said.contains("the broker cannot be reached"), "{said}");
    again.is_out().await;

    // What it could not tell it tells when there is somebody to tell.
    fleet.playground.serves();
    let ended = fleet.records("session.ended", 1);
    assert_eq!(text(&ended[0], "how"), "killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_came_in_while_the_broker_was_away_is_on_record_though_the_grant_is_over_by_then() {
    let mut fleet = fleet_or_return!("1m");
    let way = fleet.asks("mia", "shell-web").await;
    let mut first = fleet.logs_in(&way, "echo in; exec sleep 1000");
    assert_eq!(first.says().await, "in");
    fleet.records("session.opened", 1);
    fleet.playground.is_killed();
    let mut mia = fleet.logs_in(&way, "echo in; exec sleep 1000");
    assert_eq!(mia.says().await, "in");

    // The broker is back, and the grant over, before the guard can say anything.
    fleet.guard_is_killed();
    fleet.playground.serves();
    fleet.playground.done("mia", &["drop", &way.grant]);
    fleet.guard_starts();
    let opened = fleet.records("session.opened", 2).remove(1);
    assert_eq!(text(&opened, "grant"), way.grant);
    let at = |name: &str| text(&opened, name).parse::<jiff::Timestamp>().unwrap();
    let dropped = fleet.records("grant.ended", 1).remove(0);
    assert!(text(&dropped, "at").parse::<jiff::Timestamp>().unwrap() <= at("at"));
    assert!(at("let_in_at") < at("at"));
    for ended in fleet.records("session.ended", 2) {
        assert_eq!(text(&ended, "how"), "killed");
    }
    mia.is_out().await;
    first.is_out().await;
    fleet.playground.done("leon", &["ledger", "verify"]);
    let checked = fleet.playground.glassd(&["fsck"]);
    assert_eq!(checked.code, 0, "{checked}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_that_was_killed_goes_on_with_the_sessions_of_before() {
    let mut fleet = fleet_or_return!("1m");
    let way = fleet.asks("mia", "shell-web").await;
    let mut mia = fleet.logs_in(&way, BUSY);
    let mut family = Vec::new();
    for _ in 0..4 {
        family.push(mia.says_process().await);
    }
    fleet.records("session.opened", 1);
    fleet.guard_is_killed();
    fleet.playground.done("mia", &["drop", &way.grant]);
    fleet.guard_starts();
    let ended = fleet.records("session.ended", 1);
    assert_eq!(text(&ended[0], "how"), "killed");
    for process in family {
        process.is_dead();
    }
    mia.is_out().await;
    assert!(fleet.guard().says("has ended, in").contains("mia"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_knows_what_sshd_goes_by() {
    let mut fleet = fleet_or_return!("1m");
    let says = |fleet: &Fleet, what: &str| {
        let checks = fleet.doctor();
        let found = checks
            .iter()
            .find(|check| text(check, "what").contains(what));
        let found = found.unwrap_or_else(|| panic!("no `{what}` in {checks:#?}"));
        (found["ok"] == true, text(found, "fix").to_owned())
    };
    for good in [
        "the ledger's key signs the broker's ticks",
        "names the broker's authority",
        "names what the broker has revoked",
        "UsePAM yes",
        "ExposeAuthInfo yes",
    ] {
        assert!(says(&fleet, good).0, "{good}");
    }
    let (ok, fix) = says(&fleet, "PAM: /etc/pam.d/sshd");
    assert!(!ok && fix.contains("deploy/ssh/pam-sshd"), "{fix}");

    // As where the broker was set up anew, and the host was not.
    fleet.trusts(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f old",
    );
    let (ok, fix) = says(&fleet, "names another authority than the broker's");
    let line = fleet.playground.glassd(&["ssh-ca", "--users"]).out;
    assert!(!ok && fix.ends_with(line.trim()), "{fix}");

    // A list that nobody keeps any more.
    let way = fleet.asks("mia", "shell-web").await;
    fleet.guard_is_killed();
    fleet.playground.done("mia", &["drop", &way.grant]);
    let (ok, fix) = says(&fleet, "does not name what the broker has revoked");
    assert!(
        !ok && fix.contains("systemctl restart glass-guard"),
        "{fix}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn glass_ssh_ends_with_the_incident_and_says_who_closed_it() {
    let fleet = fleet_or_return!("1m");
    // This host has no certificate of its own.
    let unknown = [
        "--ssh-option=-oStrictHostKeyChecking=no",
        "--ssh-option=-oUserKnownHostsFile=/dev/null",
    ];
    let words = [
        &["ssh", "-m", "what fills the disk"][..],
        &unknown,
        &["web-1", "echo in; exec sleep 1000"],
    ];
    let mut mia = fleet.playground.spawns("mia", &words.concat());
    mia.says("in");
    let opened = fleet.records("session.opened", 1).remove(0);
    assert_eq!(text(&opened, "person"), "mia");
    let close = ["incident", "close", "-m", "reverted"];
    fleet.playground.done("leon", &close);
    let said = mia.finishes();
    assert_eq!(said.code, 83, "{said}");
    assert!(said.err.contains("leon"), "{said}");
    assert_eq!(fleet.records("session.ended", 1).len(), 1);
}
