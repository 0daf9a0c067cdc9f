//! Guards, sessions, and roles that are made outside and dropped again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use breakglass_domain::command::Act;
use breakglass_domain::event::SessionEnd;
use breakglass_domain::{
    CredentialId, GrantId, IncidentId, Lifetime, Nonce, Policy, Refusal, SessionId, Signed, Subject,
};

use super::world::{POLICY, World, line};
use crate::app::{Enrolling, Error, Guard, Login, NewKey, SessionName, Wish, token};
use crate::jobs::keep_databases;
use crate::ports::{Clock as _, Sequencer as _};

const WAYS: &str = r#"
[targets.web-1]
kind = "ssh"
address = "web-1.shop.example"
[targets.web-2]
kind = "ssh"
address = "web-2.shop.example"
[targets.shop-db]
kind = "postgres"
address = "db.shop.example:5432"
database = "shop"
ca = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
[rights.way-in]
sentence = "go in"
risk = "low"
longest = "30m"
[rights.way-in.ssh]
targets = ["web-1"]
principals = ["deploy"]
[rights.way-in.postgres]
target = "shop-db"
way = "role"
role = "shop_migrator"
[rights.read-db]
sentence = "read the database"
risk = "low"
longest = "30m"
[rights.read-db.postgres]
target = "shop-db"
way = "certificate"
role = "shop_reader"
[[rules]]
name = "in"
who = ["mia", "leon"]
rights = ["way-in", "read-db"]
approvers = []
"#;

/// Mia and Leon each have a grant that leads in, and the hosts have guards.
async fn world() -> World {
    let world = World::new().await;
    load(&world, WAYS).await;
    world.open_incident().await;
    for person in ["mia", "leon"] {
        ask(&world, person, "way-in").await;
    }
    world
}

async fn ask(world: &World, person: &str, right: &str) {
    let mut asking = world.asking(person, right, false);
    if let Act::Request { credential, .. } = &mut asking {
        *credential = false;
    }
    let command = world.command(person, asking);
    let caller = world.caller(person);
    world.app.request(&caller, command).await.unwrap();
}

async fn load(world: &World, ways: &str) {
    static LOADS: AtomicUsize = AtomicUsize::new(0);
    let policy = Policy::parse("policy.toml", &format!("{POLICY}{ways}"));
    let policy = Arc::new(policy.unwrap_or_else(|wrong| panic!("{wrong}")));
    let sha256 = format!("{:064}", LOADS.fetch_add(1, Ordering::Relaxed) + 1);
    world.by_itself(Act::LoadPolicy { policy, sha256 }).await;
}

/// A guard that enrolled.
async fn guard(world: &World, target: &str) -> Guard {
    let somebody = world.somebody("mia").caller;
    let token = token::hash(target);
    let invite = Act::InviteTarget {
        target: target.parse().unwrap(),
        token: token.clone(),
    };
    world.by_itself(invite).await;
    let mut signed = Signed::clone(&world.signed_by("mia"));
    signed.key = somebody.key.clone();
    let enrolling = Enrolling {
        token,
        key: somebody.key.clone(),
        public: somebody.public.clone(),
        device: line(target),
        signed: Arc::new(signed),
    };
    let certified = world.app.enroll(enrolling).await.unwrap();
    assert_eq!(certified.holder.to_string(), format!("target:{target}"));
    Guard {
        target: target.parse().unwrap(),
        key: somebody.key,
        public: somebody.public,
        certificate_expires_at: certified.expires_at,
    }
}

async fn drop_grant(world: &World, person: &str, grant: u64) {
    let grant = GrantId(grant);
    let command = world.command(person, Act::Drop { grant });
    world.app.act_on_grant(command).await.unwrap();
}

async fn close(world: &World) {
    let closing = Act::Close {
        incident: IncidentId(1),
        reason: line("the worker is well"),
    };
    world
        .app
        .close(world.command("leon", closing))
        .await
        .unwrap();
}

fn new_key(byte: u8) -> NewKey {
    let mut public = vec![byte; 65];
    public[0] = 4;
    NewKey {
        id: super::world::key_id(&public),
        public,
    }
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, Error>, as_what: &Refusal) {
    match result {
        Err(Error::Refused(refusal)) => assert_eq!(refusal, *as_what),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_credential_is_bound_to_a_key_of_its_own() {
    let world = world().await;
    let mia = world.caller("mia");
    let wish = Wish::Ssh(new_key(7));
    let (issued, _) = world.app.issue(&mia, GrantId(1), &wish).await.unwrap();
    assert_eq!(issued.id.to_string(), "G-1.1");
    let entry = String::from_utf8_lossy(issued.receipt.entry()).into_owned();
    assert!(entry.contains("\"serial\":1048577"), "{entry}");
    assert!(entry.contains(new_key(7).id.as_str()), "{entry}");
    // It leads there by SSH and by a role, and by nothing else.
    let wish = Wish::X509(new_key(8));
    let refused = world.app.issue(&mia, GrantId(1), &wish).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`way-in` comes with no credential of kind `x509`"
    );
    let refused = world
        .app
        .issue(&mia, GrantId(1), &Wish::Jwt)
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`way-in` comes with no credential of kind `jwt`"
    );
}

fn login(credential: CredentialId) -> Login {
    Login {
        credential,
        login: line("deploy"),
        origin: "10.1.2.3".into(),
        once: None,
        let_in_at: None,
    }
}

#[tokio::test]
async fn a_guard_whose_answer_was_lost_hears_it_again() {
    let world = world().await;
    let (mia, web) = (world.caller("mia"), guard(&world, "web-1").await);
    let wish = Wish::Ssh(new_key(7));
    let (issued, _) = world.app.issue(&mia, GrantId(1), &wish).await.unwrap();
    let drawn = |byte| Login {
        once: Some(Nonce([byte; 16])),
        ..login(issued.id)
    };
    // Several at the same moment, to find the right one among.
    let mut opened = Vec::new();
    for byte in 1..=3 {
        opened.push(world.app.open_session(&web, drawn(byte)).await.unwrap());
    }
    let size = world.app.checkpoint().size();
    for (byte, (session, receipt)) in (1..).zip(&opened) {
        let (again, same) = world.app.open_session(&web, drawn(byte)).await.unwrap();
        assert_eq!((again, same.entry()), (*session, receipt.entry()));
    }
    assert_eq!(
        world.app.checkpoint().size(),
        size,
        "nothing new is on record"
    );

    // Nobody came in after all, and the guard never heard what the session is called.
    let name = SessionName::Once(Nonce([2; 16]));
    let end = world.app.end_session(&web, name, SessionEnd::Gone, None);
    let receipt = end.await.unwrap();
    assert!(String::from_utf8_lossy(receipt.entry()).contains("\"session\":\"S-2\""));
    let end = world.app.end_session(&web, name, SessionEnd::Gone, None);
    is_refused(end.await, &Refusal::NoSuchLogin("web-1".parse().unwrap()));

    // The grant is over: whom the guard let in by itself goes on record, and is doomed at once.
    drop_grant(&world, "mia", 1).await;
    let late = Login {
        let_in_at: Some(world.clock.now()),
        ..drawn(9)
    };
    let (session, receipt) = world.app.open_session(&web, late).await.unwrap();
    assert!(String::from_utf8_lossy(receipt.entry()).contains("\"let_in_at\":\"20"));
    let mut attend = world.app.attend(&web).unwrap();
    assert!(attend.changed().await.unwrap().doomed.contains(&session));
}

#[tokio::test]
async fn who_comes_in_is_on_record_until_they_are_out() {
    let world = world().await;
    let (mia, web) = (world.caller("mia"), guard(&world, "web-1").await);
    let wish = Wish::Ssh(new_key(7));
    let (issued, _) = world.app.issue(&mia, GrantId(1), &wish).await.unwrap();
    let mut attend = world.app.attend(&web).unwrap();
    let live = |at: &crate::app::AtTarget| at.live.iter().map(|it| it.grant.0).collect::<Vec<_>>();
    assert_eq!(live(&attend.changed().await.unwrap()), [1, 2]);

    let open = |guard: Guard, id| {
        let app = Arc::clone(&world.app);
        async move { app.open_session(&guard, login(id)).await }
    };
    let (session, _) = open(web.clone(), issued.id).await.unwrap();
    assert_eq!(session, SessionId(1));
    // Not at a host the right does not name, and not by a credential nobody was given.
    let elsewhere = guard(&world, "web-2").await;
    let not_there = |target: &str| Refusal::NotThere {
        grant: GrantId(1),
        target: target.parse().unwrap(),
    };
    is_refused(
        open(elsewhere.clone(), issued.id).await,
        &not_there("web-2"),
    );
    is_refused(
        open(web.clone(), "G-1.9".parse().unwrap()).await,
        &not_there("web-1"),
    );

    // The incident closes: the guard hears who, why and what, and says when it is done.
    close(&world).await;
    let at = attend.changed().await.unwrap();
    assert!(live(&at).is_empty());
    assert!(
        at.ended[0].2.contains("Mia can no longer go in"),
        "{:?}",
        at.ended
    );
    let at = if at.doomed.is_empty() {
        attend.changed().await.unwrap()
    } else {
        at
    };
    assert_eq!(at.doomed.into_iter().collect::<Vec<_>>(), [session]);
    assert_eq!(at.revoked.into_iter().collect::<Vec<_>>(), [GrantId(1)]);
    let (took, name) = (Some(Lifetime::from_millis(210)), SessionName::Id(session));
    let end = world
        .app
        .end_session(&elsewhere, name, SessionEnd::Killed, took);
    is_refused(end.await, &Refusal::UnknownSession(session));
    let end = world.app.end_session(&web, name, SessionEnd::Killed, took);
    let receipt = end.await.unwrap();
    assert!(String::from_utf8_lossy(receipt.entry()).contains("\"took_ms\":210"));
    let end = world.app.end_session(&web, name, SessionEnd::Killed, took);
    is_refused(end.await, &Refusal::UnknownSession(session));
    assert!(world.app.status().problems.is_empty());
    // What guards told nobody tells them again, however many they are.
    tokio::select! {
        biased;
        at = attend.changed() => panic!("nothing is news: {at:?}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn an_end_that_nobody_confirms_is_on_record_and_in_the_status() {
    let world = world().await;
    let (mia, web) = (world.caller("mia"), guard(&world, "web-1").await);
    let wish = Wish::Ssh(new_key(7));
    let (issued, _) = world.app.issue(&mia, GrantId(1), &wish).await.unwrap();
    let (session, _) = world
        .app
        .open_session(&web, login(issued.id))
        .await
        .unwrap();
    drop_grant(&world, "mia", 1).await;
    world.clock.advance(9);
    world.app.tick().await.unwrap();
    assert!(
        world.app.status().problems.is_empty(),
        "guards have ten seconds"
    );
    world.clock.advance(1);
    world.app.tick().await.unwrap();
    world.app.tick().await.unwrap();
    let problems = world.app.status().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("mia's session S-1 at web-1 should be over with G-1"));
    // It is told for as long as it is so, and the guard can still say that it is over.
    let name = SessionName::Id(session);
    let end = world.app.end_session(&web, name, SessionEnd::Gone, None);
    end.await.unwrap();
    assert!(world.app.status().problems.is_empty());
}

#[tokio::test]
async fn a_guard_is_nobody_once_the_policy_does_not_name_its_target() {
    let world = world().await;
    let web = guard(&world, "web-1").await;
    world.app.admit_guard(&web).unwrap();
    let another = Guard {
        target: "web-2".parse().unwrap(),
        ..web.clone()
    };
    assert!(
        world.app.admit_guard(&another).is_err(),
        "its key is another's"
    );
    load(&world, "").await;
    let refused = world.app.admit_guard(&web).unwrap_err();
    assert_eq!(refused.to_string(), "the policy has no target `web-1`");
    // And not again by the same key when it is named again.
    load(&world, WAYS).await;
    assert!(world.app.admit_guard(&web).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_role_lives_as_long_as_its_grant_and_is_dropped_until_it_is_gone() {
    let world = world().await;
    let mia = world.caller("mia");
    let (issued, grant) = world
        .app
        .issue(&mia, GrantId(1), &Wish::Postgres)
        .await
        .unwrap();
    assert_eq!(
        issued.credential.expires_at,
        grant.active().unwrap().ends_at
    );
    let role = line("breakglass_g1_1");
    assert!(world.databases.roles.lock().unwrap().contains(&role));
    assert!(world.app.doomed_roles().is_empty());

    world.databases.away.store(true, Ordering::SeqCst);
    let job = tokio::spawn(keep_databases(Arc::clone(&world.app)));
    drop_grant(&world, "mia", 1).await;
    let problems = loop {
        tokio::time::advance(std::time::Duration::from_millis(100)).await;
        let problems = world.app.status().problems;
        if !problems.is_empty() {
            break problems;
        }
    };
    assert!(
        problems[0].contains("cannot be reached: connection refused"),
        "{problems:?}"
    );
    world.databases.away.store(false, Ordering::SeqCst);
    while !world.app.status().problems.is_empty() {
        tokio::time::advance(std::time::Duration::from_millis(100)).await;
    }
    assert!(world.databases.roles.lock().unwrap().is_empty());
    assert!(world.app.doomed_roles().is_empty());
    job.abort();
}

#[tokio::test]
async fn a_role_that_is_being_made_is_not_taken_for_left_behind() {
    let world = world().await;
    let (mia, app) = (world.caller("mia"), Arc::clone(&world.app));
    let looks = Arc::new(AtomicUsize::new(0));
    let looked = Arc::clone(&looks);
    let look = move || {
        assert!(
            app.doomed_roles().is_empty(),
            "it is announced, and not there yet"
        );
        looked.fetch_add(1, Ordering::SeqCst);
    };
    *world.sequencer.once_recorded.lock().unwrap() = Some(Box::new(look));
    let issue = world.app.issue(&mia, GrantId(1), &Wish::Postgres);
    issue.await.unwrap();
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    // Whoever hangs up meanwhile leaves something behind.
    let role = line("breakglass_g1_2");
    world.databases.hangs.store(true, Ordering::SeqCst);
    let made = async {
        while !world.databases.roles.lock().unwrap().contains(&role) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = world.app.issue(&mia, GrantId(1), &Wish::Postgres) => panic!("{answer:?}"),
        () = made => {}
    }
    assert_eq!(world.app.doomed_roles()[0].role, role);
}

#[tokio::test]
async fn a_role_that_cannot_be_dropped_has_nobody_in_it_all_the_same() {
    let world = world().await;
    let mia = world.caller("mia");
    let issue = world.app.issue(&mia, GrantId(1), &Wish::Postgres);
    issue.await.unwrap();
    drop_grant(&world, "mia", 1).await;
    let doomed = world.app.doomed_roles().remove(0);
    world.databases.locked.store(true, Ordering::SeqCst);
    let failed = world.app.drop_role(&doomed).await.unwrap_err();
    assert!(failed.to_string().contains("a table is locked"), "{failed}");
    world.databases.locked.store(false, Ordering::SeqCst);
    // What is on record is when the last session died: at the first try.
    let cut = world.app.drop_role(&doomed).await.unwrap();
    assert_eq!((cut.sessions, cut.took), (1, Lifetime::from_millis(7)));
    assert!(world.app.doomed_roles().is_empty());
}

#[tokio::test]
async fn a_role_that_the_ledger_does_not_know_is_dropped_and_the_others_are_left_alone() {
    let world = world().await;
    let mia = world.caller("mia");
    let issue = world.app.issue(&mia, GrantId(1), &Wish::Postgres);
    issue.await.unwrap();
    let (known, orphan) = (line("breakglass_g1_1"), line("breakglass_g77_1"));
    world.databases.roles.lock().unwrap().insert(orphan);
    let target = &world.app.databases()[0];
    world.databases.away.store(true, Ordering::SeqCst);
    world.app.sweep(target).await.unwrap_err();
    assert_eq!(
        world.app.status().problems,
        [
            "The database shop-db is not in order, and nobody comes in there now: the database \
          `shop-db` cannot be reached: connection refused"
        ]
    );
    assert_eq!(world.app.databases_down(), 1);
    world.databases.away.store(false, Ordering::SeqCst);
    world.app.sweep(target).await.unwrap();
    assert!(world.app.status().problems.is_empty());
    let roles = world.databases.roles.lock().unwrap().clone();
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), [known]);
}

#[tokio::test(start_paused = true)]
async fn sessions_of_a_certificate_are_ended_from_the_end_of_its_grant_until_it_has_expired() {
    let world = world().await;
    ask(&world, "mia", "read-db").await;
    let (mia, wish) = (world.caller("mia"), Wish::X509(new_key(8)));
    let (issued, _) = world.app.issue(&mia, GrantId(3), &wish).await.unwrap();
    let Subject::Name {
        common_name,
        organizations,
        ..
    } = &issued.subject
    else {
        panic!("{:?}", issued.subject);
    };
    assert_eq!(common_name.as_str(), "shop_reader");
    assert_eq!(organizations[..], [line("postgres:shop-db:shop_reader")]);
    assert!(
        world.app.doomed_certificates().is_empty(),
        "its grant lives"
    );

    let job = tokio::spawn(keep_databases(Arc::clone(&world.app)));
    drop_grant(&world, "mia", 3).await;
    let ended = || world.databases.ended.lock().unwrap().len();
    let passes = || tokio::time::advance(std::time::Duration::from_millis(100));
    while ended() < 3 {
        passes().await;
    }
    let doomed = world.app.doomed_certificates();
    assert_eq!(doomed.len(), 1);
    assert_eq!(doomed[0].credential.to_string(), "G-3.1");
    assert_eq!(world.databases.ended.lock().unwrap()[0], doomed[0]);
    // What cannot be ended is in the status for as long as it matters.
    world.databases.away.store(true, Ordering::SeqCst);
    let told = |problem: &String| problem.contains("by the certificate G-3.1");
    while !world.app.status().problems.iter().any(told) {
        passes().await;
    }
    // A minute for a server whose clock is behind.
    world.clock.advance(15 * 60 + 59);
    assert_eq!(world.app.doomed_certificates().len(), 1);
    world.clock.advance(1);
    assert!(world.app.doomed_certificates().is_empty());
    assert!(!world.app.status().problems.iter().any(told));
    job.abort();
}

#[tokio::test]
async fn a_role_that_was_begun_and_never_said_to_be_there_is_dropped() {
    let world = world().await;
    let mia = world.caller("mia");
    world.databases.lies.store(true, Ordering::SeqCst);
    let failed = world
        .app
        .issue(&mia, GrantId(1), &Wish::Postgres)
        .await
        .unwrap_err();
    assert!(
        failed.to_string().contains("the connection broke"),
        "{failed}"
    );
    let doomed = world.app.doomed_roles();
    assert_eq!(doomed.len(), 1, "although its grant lives");
    world.app.drop_role(&doomed[0]).await.unwrap();
    assert!(world.databases.roles.lock().unwrap().is_empty());
    // What was announced by a broker that fell is just the same: recorded, and nobody makes it.
    let wanted = breakglass_domain::command::Wanted::Postgres;
    let issue = Act::Issue {
        grant: GrantId(1),
        wanted,
        key: mia.key.clone(),
    };
    world.sequencer.submit(mia.command(issue)).await.unwrap();
    assert_eq!(world.app.doomed_roles()[0].role, line("breakglass_g1_2"));
}
