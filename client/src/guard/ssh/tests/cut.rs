//! Ending what does not want to end.

use std::time::Duration;

use tokio::time::Instant;

use super::{Login, Mourner, Scene, cgroups, is_gone};
use crate::guard::ssh::{
    cgroup::Cgroup,
    cut::{Condemned, Fate, Outcome, cut},
    kin::{Crowd, Kin},
    limits::GRACE,
    roster::Roster,
};

fn roster(login: &Login, group: Option<Cgroup>) -> Roster {
    Roster {
        kin: Kin::new(login.id, []),
        group,
        marker: login.marker.clone(),
    }
}

async fn end(roster: Roster, others: Vec<Roster>) -> Fate {
    let condemned = Condemned {
        key: 1,
        roster,
        text: "leon closed INC-12".into(),
        heard: Instant::now(),
        lived: false,
    };
    fate_of(condemned, others).await
}

async fn fate_of(condemned: Condemned, others: Vec<Roster>) -> Fate {
    let outcomes = cut(vec![condemned], others).await;
    let [Outcome { key: 1, fate }] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    fate.clone()
}

fn killed(fate: &Fate) -> Duration {
    match fate {
        Fate::Killed(took) => *took,
        fate => panic!("{fate:?}"),
    }
}

/// A child, one that called `setsid`, one under `nohup`.
const FAMILY: &str = "
    sh -c 'echo $$ > $W; exec sleep 1000' &
    setsid sh -c 'echo $$ > $W; exec sleep 1000' &
    nohup sh -c 'echo $$ > $W; exec sleep 1000' > /dev/null 2>&1 &
    wait";

#[tokio::test]
async fn the_whole_tree_ends_within_the_grace() {
    let mut scene = Scene::set();
    let login = scene.shell(FAMILY, 1);
    let mut family = Vec::new();
    for _ in 0..3 {
        family.push(scene.mourner().await);
    }
    let took = killed(&end(roster(&login, None), vec![]).await);
    assert!(family.iter().all(Mourner::is_dead));
    assert!(took < GRACE, "sleep and sh hear SIGTERM: {took:?}");
}

#[tokio::test]
async fn who_ignores_every_signal_is_killed_after_the_grace() {
    let mut scene = Scene::set();
    let login = scene.shell(
        "trap '' HUP TERM
         setsid sh -c 'echo $$ > $W; while :; do sleep 1000; done' &
         while :; do sleep 1000; done",
        1,
    );
    let deaf = scene.mourner().await;
    let took = killed(&end(roster(&login, None), vec![]).await);
    assert!(deaf.is_dead());
    assert!((GRACE..GRACE * 10).contains(&took), "{took:?}");
}

#[tokio::test]
async fn who_is_stopped_ends_too() {
    let mut scene = Scene::set();
    let login = scene.shell("sh -c 'echo $$ > $W; kill -STOP $$; sleep 1000' & wait", 1);
    let stopped = scene.mourner().await;
    killed(&end(roster(&login, None), vec![]).await);
    assert!(stopped.is_dead());
}

#[tokio::test]
async fn who_forked_twice_is_found_by_the_marker() {
    let mut scene = Scene::set();
    let login = scene.shell(
        "(setsid sh -c 'echo $$ > $W; exec sleep 1000' &) & wait; sleep 1000",
        1,
    );
    let detached = scene.mourner().await;
    killed(&end(roster(&login, None), vec![]).await);
    assert!(detached.is_dead());
}

#[tokio::test]
async fn who_also_emptied_its_environment_is_found_where_it_was_seen_before() {
    let mut scene = Scene::set();
    let mut login = scene.shell(
        "sh -c 'env -i sh -c \"echo \\$\\$ > $W; exec sleep 1000\" & echo $$ > $W; sleep 1000' & wait",
        1,
    );
    let (one, other) = (scene.word().await, scene.word().await);
    let mut roster = roster(&login, None);
    roster.look(&Crowd::of(crate::processes::all()));
    // sshd's process and the shell die, and what is left hangs below process 1.
    login.child.kill().await.unwrap();
    let family = [one, other].map(|pid| Mourner::of(pid.parse().unwrap()));
    killed(&end(roster, vec![]).await);
    assert!(family.iter().all(Mourner::is_dead));
}

#[tokio::test]
async fn the_control_group_knows_who_was_never_seen() {
    // Where none can be made there is nothing to try: see the tests above.
    let Some(cgroups) = cgroups() else { return };
    let mut scene = Scene::set();
    let mut login = scene.shell(
        "echo $$ > $W; while ! grep -q breakglass /proc/$$/cgroup; do :; done
         env -i W=$W setsid sh -c \"trap '' HUP TERM; echo \\$\\$ > $W
            while :; do sleep 1000; done\" & wait",
        1,
    );
    scene.word().await;
    let group = cgroups.make(login.id).unwrap();
    let hidden = scene.mourner().await;
    login.child.kill().await.unwrap();
    let path = group.path().to_owned();
    let roster = roster(&login, Some(group.clone()));
    killed(&end(roster, vec![]).await);
    assert!(hidden.is_dead());
    group.remove();
    assert!(is_gone(&path));
}

/// Two guards in PID namespaces of their own count the same ids.
#[tokio::test]
async fn a_control_group_that_others_are_in_is_not_ours() {
    let Some(cgroups) = cgroups() else { return };
    let scene = Scene::set();
    let (hers, his) = (
        scene.shell("exec sleep 1000", 1),
        scene.shell("exec sleep 1000", 2),
    );
    let group = cgroups.make(his.id).unwrap();
    assert_eq!(cgroups.make(his.id).unwrap(), group, "he is in it already");
    let of_her_name = group.path().with_file_name(hers.id.to_string());
    std::fs::create_dir(&of_her_name).unwrap();
    let pid = his.id.pid().unwrap().as_raw_pid().to_string();
    std::fs::write(of_her_name.join("cgroup.procs"), pid).unwrap();
    cgroups.make(hers.id).unwrap_err();
    assert_eq!(Cgroup::at(&of_her_name).unwrap().members().len(), 1);
    // One that nobody is in any more is made anew.
    let his_again = cgroups.make(his.id).unwrap();
    let hers_now = cgroups.make(hers.id).unwrap();
    for (login, group) in [(&hers, hers_now), (&his, his_again)] {
        killed(&end(roster(login, Some(group.clone())), vec![]).await);
        group.remove();
        assert!(is_gone(group.path()));
    }
}

#[tokio::test]
async fn who_lived_through_the_last_try_was_killed_and_is_not_just_gone() {
    let scene = Scene::set();
    let mut login = scene.shell("exit 0", 1);
    login.child.wait().await.unwrap();
    let heard = Instant::now() - Duration::from_secs(3);
    let condemned = Condemned {
        key: 1,
        roster: roster(&login, None),
        text: "leon closed INC-12".into(),
        heard,
        lived: true,
    };
    assert!(killed(&fate_of(condemned, vec![]).await) >= Duration::from_secs(3));
}

#[tokio::test]
async fn the_other_session_of_the_same_login_lives_on() {
    let mut scene = Scene::set();
    let hers = scene.shell(FAMILY, 1);
    let mut family = Vec::new();
    for _ in 0..3 {
        family.push(scene.mourner().await);
    }
    // His has a process that carries her marker: it is his all the same.
    let script = format!(
        "SSH_CONNECTION='{}' sh -c 'echo $$ > $W; exec sleep 1000' & wait",
        hers.marker
    );
    let his = scene.shell(&script, 2);
    let borrowed = scene.mourner().await;
    killed(&end(roster(&hers, None), vec![roster(&his, None)]).await);
    assert!(family.iter().all(Mourner::is_dead));
    assert!(!borrowed.is_dead());
    killed(&end(roster(&his, None), vec![]).await);
    assert!(borrowed.is_dead());
}

#[tokio::test]
async fn who_is_gone_was_not_killed_and_its_id_belongs_to_nobody_else() {
    let scene = Scene::set();
    let mut login = scene.shell("exit 0", 1);
    login.child.wait().await.unwrap();
    assert_eq!(end(roster(&login, None), vec![]).await, Fate::Gone);
    // As if its id had gone to somebody else since.
    let mut other = scene.shell("exec sleep 1000", 2);
    let pid = i32::try_from(other.child.id().unwrap()).unwrap();
    let before = crate::processes::ProcessId::new(pid, other.id.started() - 1).unwrap();
    let gone = Roster {
        kin: Kin::new(before, []),
        group: None,
        marker: String::new(),
    };
    assert_eq!(end(gone, vec![]).await, Fate::Gone);
    assert_eq!(other.child.try_wait().unwrap(), None, "it lives");
}

#[tokio::test]
async fn neither_we_nor_those_above_us_are_ever_touched() {
    let _scene = Scene::set();
    let me = crate::processes::of(rustix::process::getpid())
        .unwrap()
        .id();
    let init = crate::processes::of(rustix::process::Pid::INIT)
        .unwrap()
        .id();
    for id in [me, init] {
        let roster = Roster {
            kin: Kin::new(id, []),
            group: None,
            marker: String::new(),
        };
        // Whoever is a child of process 1 on this machine would be hit too: so only ourselves.
        if id == me {
            assert_eq!(end(roster, vec![]).await, Fate::Gone);
        }
    }
}

#[tokio::test]
async fn many_end_together() {
    let mut scene = Scene::set();
    let logins: Vec<Login> = (0..20).map(|number| scene.shell(FAMILY, number)).collect();
    let mut family = Vec::new();
    for _ in 0..60 {
        family.push(scene.mourner().await);
    }
    let heard = Instant::now();
    let condemned = logins.iter().enumerate().map(|(number, login)| Condemned {
        key: number as u64,
        roster: roster(login, None),
        text: "leon closed INC-12".into(),
        heard,
        lived: false,
    });
    let outcomes = cut(condemned.collect(), vec![]).await;
    assert!(family.iter().all(Mourner::is_dead));
    let keys: Vec<_> = outcomes.iter().map(|outcome| outcome.key).collect();
    assert_eq!(keys, (0..20).collect::<Vec<u64>>());
    for outcome in &outcomes {
        killed(&outcome.fate);
    }
}
