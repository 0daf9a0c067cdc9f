//! `glass guard ssh` beside an unchanged sshd with an unchanged PAM: sessions open, and end with their
//! grants. The broker is one that says what the test says, and certificates are made by `ssh-keygen`.

mod broker;
mod fleet;
mod host;
mod proven;
mod real;

use std::time::{Duration, Instant};

use breakglass_client::guard::ssh::broker::How;
use broker::Act;
use host::Host;

/// The longest a revoked session may live: what the product promises.
const PROMISE: Duration = Duration::from_secs(1);

/// Leaves somebody behind in each of the usual ways, and stays. All say their id.
const BUSY: &str = "
    sh -c 'echo $$; exec sleep 1000' &
    nohup sh -c 'echo $$; exec sleep 1000' 2> /dev/null &
    (setsid sh -c 'trap \"\" HUP TERM; echo $$; while :; do sleep 1000; done' &)
    (env -i setsid sh -c 'echo $$; exec sleep 1000' &)
    wait; exec sleep 1000";

macro_rules! host_or_return {
    () => {
        match Host::begins().await {
            Some(host) => host,
            // sshd with PAM, and a service of PAM's of our own, are root's alone.
            None => return,
        }
    };
}

#[tokio::test]
async fn a_session_and_all_it_left_behind_ends_with_its_grant() {
    let mut host = host_or_return!();
    host.broker.stand(&["G-45"], &[]);
    let mut mia = host.logs_in(45, BUSY).await;
    let mut family = Vec::new();
    for _ in 0..4 {
        family.push(mia.says_process().await);
    }
    let opening = host.opened().await;
    assert_eq!(
        (opening.grant.as_str(), opening.credential.as_str()),
        ("G-45", "G-45.1")
    );
    assert_eq!(
        (opening.login.as_str(), opening.origin.as_str()),
        (host.login(), "127.0.0.1")
    );

    let closed = Instant::now();
    host.broker
        .stand(&[], &[("G-45", "leon closed INC-12: fixed")]);
    let ending = host.ended().await;
    let took = closed.elapsed();
    assert_eq!((ending.session.as_str(), ending.how), ("S-7", How::Killed));
    assert!(took < PROMISE, "{took:?}");
    for process in family {
        process.is_dead();
    }
    mia.is_out().await;
}

#[tokio::test]
async fn of_two_people_on_one_login_only_the_one_whose_grant_ended_is_out() {
    let mut host = host_or_return!();
    host.broker.stand(&["G-45", "G-46"], &[]);
    let mut mia = host.logs_in(45, "echo mia; cat").await;
    assert_eq!(mia.says().await, "mia");
    let mut leon = host.logs_in(46, "echo leon; cat").await;
    assert_eq!(leon.says().await, "leon");
    host.broker.stand(&["G-46"], &[("G-45", "revoked")]);
    mia.is_out().await;
    leon.hears("still here\n").await;
    assert_eq!(leon.says().await, "still here");
    host.opened().await;
    host.opened().await;
    assert_eq!(host.ended().await.session, "S-7");
}

#[tokio::test]
async fn the_screen_says_who_closed_what() {
    let host = host_or_return!();
    host.broker.stand(&["G-45"], &[]);
    let mut mia = host.logs_in_with_terminal(45).await;
    mia.hears("echo u''p; exec sleep 1000\n").await;
    let screen = mia.says_until("up").await;
    assert!(
        screen.contains("glass: emergency access under INC-12: this session ends with grant G-45"),
        "{screen}"
    );
    host.broker
        .stand(&[], &[("G-45", "leon closed INC-12: fixed")]);
    mia.says_until("glass: leon closed INC-12: fixed").await;
    mia.is_out().await;
}

#[tokio::test]
async fn a_connection_that_runs_nothing_ends_too() {
    let mut host = host_or_return!();
    host.broker.stand(&["G-45"], &[]);
    let mut mia = host.connects(45).await;
    host.opened().await;
    host.broker.stand(&[], &[("G-45", "revoked")]);
    assert_eq!(host.ended().await.how, How::Killed);
    assert_eq!(mia.is_out().await, Some(255));
}

#[tokio::test]
async fn whose_grant_is_not_live_runs_nothing_and_reads_why() {
    let mut host = host_or_return!();
    host.broker.refuses("grant G-45 has ended");
    let mut mia = host.logs_in(45, "echo in").await;
    let said = mia.says().await;
    assert!(
        said.starts_with("glass: grant G-45 has ended. Next: "),
        "{said}"
    );
    assert_eq!(mia.is_out().await, Some(254));
    host.opened().await;
}

#[tokio::test]
async fn daily_access_does_not_know_of_the_guard() {
    let host = host_or_return!();
    let mut ops = host.logs_in_daily("echo in").await;
    assert_eq!(ops.says().await, "in");
    assert_eq!(ops.is_out().await, Some(0));
    assert_eq!(host.acts().await, Vec::<Act>::new());
}

#[tokio::test]
async fn who_logs_out_is_reported_as_such_and_who_leaves_somebody_behind_is_still_in() {
    let mut host = host_or_return!();
    host.broker.stand(&["G-45", "G-46"], &[]);
    let mut mia = host.logs_in(45, "exit 3").await;
    assert_eq!(mia.is_out().await, Some(3));
    host.opened().await;
    assert_eq!(host.ended().await.how, How::Closed);

    let leaves = "setsid sh -c 'echo $$; exec sleep 1000 > /dev/null 2>&1' < /dev/null &";
    let mut leon = host.logs_in(46, leaves).await;
    let left = leon.says_process().await;
    leon.is_out().await;
    host.opened().await;
    host.broker.stand(&[], &[("G-46", "revoked")]);
    assert_eq!(host.ended().await.how, How::Killed);
    left.is_dead();
}

#[tokio::test]
async fn sshd_goes_by_the_list_the_guard_keeps() {
    let mut host = host_or_return!();
    host.broker.stand(&["G-45"], &[]);
    assert_eq!(host.logs_in(45, "exit 3").await.is_out().await, Some(3));
    host.opened().await;
    host.ended().await;
    host.broker.revokes(host.krl_of(45));
    // What is said next is heard after it: a session ends.
    let mut leon = host.logs_in(46, "exec sleep 1000").await;
    host.opened().await;
    host.broker.stand(&[], &[("G-46", "revoked")]);
    host.ended().await;
    leon.is_out().await;
    let mut mia = host.logs_in(45, "echo in").await;
    assert_eq!(mia.is_out().await, Some(255), "sshd does not even ask PAM");
    assert_eq!(host.acts().await, Vec::<Act>::new());
}

#[tokio::test]
async fn a_guard_that_was_killed_finds_the_session_again() {
    let mut host = host_or_return!();
    host.broker.stand(&["G-45"], &[]);
    let mut mia = host.logs_in(45, BUSY).await;
    let mut family = Vec::new();
    for _ in 0..4 {
        family.push(mia.says_process().await);
    }
    host.opened().await;
    host.guard_is_killed_and_starts_again().await;
    host.broker.stand(&[], &[("G-45", "revoked")]);
    assert_eq!(host.ended().await.session, "S-7");
    for process in family {
        process.is_dead();
    }
    mia.is_out().await;
}
