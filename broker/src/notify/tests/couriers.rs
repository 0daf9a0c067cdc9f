//! In order, at least once, whatever the destination or the broker does. The clock is held, and
//! pauses pass by themselves.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use breakglass_domain::{Change, Lifetime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::feed::Told;
use crate::app::tests::world::{ORIGIN, World};
use crate::notify::courier::Span;
use crate::notify::{Courier, Failed, Outlet, Place, Standing};
use crate::ports::Later;

/// What a destination was told: an entry, or so many at once.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Entry(u64),
    Several(Vec<u64>),
    Folded {
        count: u64,
        loud: u64,
        first: u64,
        last: u64,
    },
}

/// How it answers next; it takes everything once nothing is left.
#[derive(Clone, Copy)]
enum Mood {
    Refuses,
    /// Takes it, and the broker falls before it hears so.
    TakesAndNeverAnswers,
}

/// A destination that wants to hear of openings and requests.
struct Desk {
    heard: watch::Sender<Vec<Heard>>,
    tries: watch::Sender<usize>,
    moods: Mutex<VecDeque<Mood>>,
    shut: watch::Sender<bool>,
    patience: Option<Lifetime>,
    most: u64,
}

impl Desk {
    fn open() -> Arc<Self> {
        Self::with_patience(Some(Lifetime::from_secs(3_600)))
    }

    fn with_patience(patience: Option<Lifetime>) -> Arc<Self> {
        Arc::new(Self {
            heard: watch::Sender::default(),
            tries: watch::Sender::default(),
            moods: Mutex::default(),
            shut: watch::Sender::default(),
            patience,
            most: 1,
        })
    }

    /// Takes up to so many together, and has no patience.
    fn of_many(most: u64) -> Arc<Self> {
        let mut desk = Self::with_patience(None);
        Arc::get_mut(&mut desk).unwrap().most = most;
        desk
    }

    fn will(&self, moods: &[Mood]) {
        self.moods.lock().unwrap().extend(moods);
    }

    async fn has_heard(&self, wanted: &[Heard]) {
        let mut heard = self.heard.subscribe();
        let all = heard.wait_for(|heard| heard.len() >= wanted.len()).await;
        assert_eq!(*all.unwrap(), wanted);
    }

    async fn was_tried(&self, times: usize) {
        let mut tries = self.tries.subscribe();
        tries.wait_for(|tries| *tries >= times).await.unwrap();
    }
}

impl Outlet for Desk {
    type Parcel = (Heard, bool);

    fn parcel(&self, told: &Arc<Told>) -> Option<Self::Parcel> {
        let is_loud = match told.change() {
            Change::IncidentOpened { .. } => true,
            Change::GrantRequested { .. } => false,
            _ => return None,
        };
        Some((Heard::Entry(told.index()), is_loud))
    }

    fn most(&self) -> u64 {
        self.most
    }

    fn joins(&self, parcel: &mut Self::Parcel, told: &Arc<Told>) -> bool {
        let mut all = match &parcel.0 {
            Heard::Entry(first) => vec![*first],
            Heard::Several(all) => all.clone(),
            Heard::Folded { .. } => return false,
        };
        // No room for what it does not want.
        let Some((Heard::Entry(index), _)) = self.parcel(told) else {
            return false;
        };
        all.push(index);
        parcel.0 = Heard::Several(all);
        true
    }

    fn patience(&self) -> Option<Lifetime> {
        self.patience
    }

    fn folded(&self, span: &Span) -> Option<Self::Parcel> {
        let Span {
            count,
            loud,
            first,
            last,
            ..
        } = *span;
        let folded = Heard::Folded {
            count,
            loud,
            first,
            last,
        };
        Some((folded, loud > 0))
    }

    fn is_loud(&self, parcel: &Self::Parcel) -> bool {
        parcel.1
    }

    fn deliver<'a>(&'a self, parcel: &'a Self::Parcel) -> Later<'a, Result<(), Failed>> {
        Box::pin(async move {
            self.tries.send_modify(|tries| *tries += 1);
            if *self.shut.borrow() {
                return Err(Failed("it is shut".into()));
            }
            let mood = self.moods.lock().unwrap().pop_front();
            if matches!(mood, Some(Mood::Refuses)) {
                return Err(Failed("not now".into()));
            }
            self.heard.send_modify(|heard| heard.push(parcel.0.clone()));
            match mood {
                Some(Mood::TakesAndNeverAnswers) => std::future::pending().await,
                _ => Ok(()),
            }
        })
    }
}

struct Post {
    standing: Arc<Standing>,
    task: JoinHandle<()>,
}

/// A broker has a courier for the desk, with its place in a folder.
fn courier(world: &World, desk: &Arc<Desk>, folder: &Path) -> Post {
    let place = Place::open(folder, "desk", ORIGIN).unwrap();
    let standing = Arc::new(Standing::new("desk"));
    let courier = Courier::new(desk.clone(), world.app.clone(), place, standing.clone());
    let task = tokio::spawn(courier.run());
    Post { standing, task }
}

/// The broker falls.
async fn falls(post: Post) {
    post.task.abort();
    let _ = post.task.await;
}

async fn asks(world: &World) -> u64 {
    world.request("mia", "deploy-shop", false).await;
    last(world, "grant.requested")
}

async fn opens(world: &World) -> u64 {
    world.open_incident().await;
    last(world, "incident.opened")
}

fn last(world: &World, kind: &str) -> u64 {
    let kinds = world.kinds();
    kinds.iter().rposition(|it| it == kind).unwrap() as u64
}

fn kept(folder: &Path) -> Option<u64> {
    Place::open(folder, "desk", ORIGIN).unwrap().next()
}

#[tokio::test(start_paused = true)]
async fn a_new_destination_begins_now_and_hears_everything_in_order() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    opens(&world).await;
    let size = world.size();
    let desk = Desk::open();
    let post = courier(&world, &desk, folder.path());
    assert_eq!(
        kept(folder.path()),
        Some(size),
        "written before anything happens"
    );
    let first = asks(&world).await;
    let second = asks(&world).await;
    desk.has_heard(&[Heard::Entry(first), Heard::Entry(second)])
        .await;
    assert_eq!(post.standing.count_delivered(), 2);
    let place = stops(&world, post, folder.path()).await;
    assert_eq!(
        place,
        Some(world.size()),
        "what was passed over is written, too"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_again_and_what_comes_behind_waits_its_turn() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (desk, other) = (Desk::open(), Desk::open());
    desk.will(&[Mood::Refuses; 9]);
    let post = courier(&world, &desk, folder.path());
    let elsewhere = tempfile::tempdir().unwrap();
    courier(&world, &other, elsewhere.path());
    let began = tokio::time::Instant::now();
    let opened = opens(&world).await;
    let asked = asks(&world).await;
    other
        .has_heard(&[Heard::Entry(opened), Heard::Entry(asked)])
        .await;
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "a slow one holds nobody up"
    );
    desk.has_heard(&[Heard::Entry(opened), Heard::Entry(asked)])
        .await;
    assert_eq!(
        began.elapsed(),
        Duration::from_secs(1 + 2 + 4 + 8 + 16 + 32 + 60 * 3)
    );
    assert_eq!(post.standing.count_failed(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_falls_repeats_one_and_loses_none() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open();
    desk.will(&[Mood::TakesAndNeverAnswers]);
    let post = courier(&world, &desk, folder.path());
    let opened = opens(&world).await;
    desk.has_heard(&[Heard::Entry(opened)]).await;
    falls(post).await;
    let asked = asks(&world).await;
    courier(&world, &desk, folder.path());
    let all = [opened, opened, asked].map(Heard::Entry);
    desk.has_heard(&all).await;
}

#[tokio::test(start_paused = true)]
async fn what_got_too_old_is_one_parcel_and_what_is_fresh_comes_after_it() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open();
    desk.shut.send_replace(true);
    let post = courier(&world, &desk, folder.path());
    let first = opens(&world).await;
    desk.was_tried(1).await;
    for _ in 0..3 {
        asks(&world).await;
    }
    let last = opens(&world).await;
    world.clock.advance(3_601);
    let fresh = asks(&world).await;
    desk.shut.send_replace(false);
    let folded = Heard::Folded {
        count: 5,
        loud: 2,
        first,
        last,
    };
    desk.has_heard(&[folded, Heard::Entry(fresh)]).await;
    let place = stops(&world, post, folder.path()).await;
    assert_eq!(place, Some(world.size()));
}

/// The broker stops once everything was looked at; how far the place says it came.
async fn stops(world: &World, post: Post, folder: &Path) -> Option<u64> {
    // Nothing tells that what concerns nobody was passed over. In time that is held: an hour of it is
    // over at once where nothing goes on.
    let passed = async {
        while post.standing.place() < world.size() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let passed = tokio::time::timeout(Duration::from_secs(3_600), passed).await;
    passed.expect("the courier looks at every entry");
    world.app.stop();
    post.task.await.unwrap();
    kept(folder)
}

#[tokio::test(start_paused = true)]
async fn what_goes_on_failing_grows_while_it_waits() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open();
    desk.shut.send_replace(true);
    courier(&world, &desk, folder.path());
    let first = opens(&world).await;
    desk.was_tried(2).await;
    world.clock.advance(3_601);
    let last = asks(&world).await;
    let tried = *desk.tries.borrow();
    desk.was_tried(tried + 2).await;
    world.clock.advance(3_601);
    desk.shut.send_replace(false);
    let folded = Heard::Folded {
        count: 2,
        loud: 1,
        first,
        last,
    };
    desk.has_heard(&[folded]).await;
}

#[tokio::test(start_paused = true)]
async fn who_archives_everything_is_told_each_however_late() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::with_patience(None);
    desk.shut.send_replace(true);
    courier(&world, &desk, folder.path());
    let opened = opens(&world).await;
    desk.was_tried(1).await;
    let asked = asks(&world).await;
    world.clock.advance(30 * 86_400);
    desk.shut.send_replace(false);
    desk.has_heard(&[opened, asked].map(Heard::Entry)).await;
}

#[tokio::test(start_paused = true)]
async fn a_place_beyond_the_ledger_is_of_a_backup_and_it_begins_now() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{{\"ledger\":\"{ORIGIN}\",\"next\":99999}}\n");
    std::fs::write(folder.path().join("desk.place"), line).unwrap();
    let desk = Desk::open();
    courier(&world, &desk, folder.path());
    assert_eq!(kept(folder.path()), Some(world.size()));
    let opened = opens(&world).await;
    desk.has_heard(&[Heard::Entry(opened)]).await;
}

#[tokio::test(start_paused = true)]
async fn who_reads_far_behind_reads_the_ledger_and_misses_nothing() {
    let world = World::with_feed_of(4).await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open();
    falls(courier(&world, &desk, folder.path())).await;
    let mut all = vec![Heard::Entry(opens(&world).await)];
    for _ in 0..20 {
        all.push(Heard::Entry(asks(&world).await));
    }
    courier(&world, &desk, folder.path());
    desk.has_heard(&all).await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_goes_together_up_to_a_limit_and_nothing_is_left_out() {
    let world = World::with_feed_of(4).await;
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::of_many(3);
    falls(courier(&world, &desk, folder.path())).await;
    let opened = opens(&world).await;
    let mut asked = Vec::new();
    for _ in 0..7 {
        asked.push(asks(&world).await);
    }
    desk.will(&[Mood::Refuses, Mood::TakesAndNeverAnswers]);
    let post = courier(&world, &desk, folder.path());
    desk.was_tried(2).await;
    falls(post).await;
    // A request on the fast path has an entry behind it that it does not want: no room in any parcel.
    let post = courier(&world, &desk, folder.path());
    let heard = {
        let mut heard = desk.heard.subscribe();
        let last = *asked.last().unwrap();
        let all = heard.wait_for(|heard| heard.iter().flat_map(entries).any(|it| it == last));
        all.await.unwrap().clone()
    };
    assert_eq!(
        heard[0], heard[1],
        "what was taken and not answered comes again"
    );
    let told: Vec<u64> = heard[1..].iter().flat_map(entries).collect();
    let mut wanted = vec![opened];
    wanted.extend(asked);
    assert_eq!(told, wanted);
    assert!(heard.iter().all(|it| entries(it).len() <= 3));
    let place = stops(&world, post, folder.path()).await;
    assert_eq!(place, Some(world.size()));
}

fn entries(heard: &Heard) -> Vec<u64> {
    match heard {
        Heard::Entry(index) => vec![*index],
        Heard::Several(all) => all.clone(),
        Heard::Folded { .. } => panic!("nothing is folded"),
    }
}
