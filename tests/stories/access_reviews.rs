//! Who can do what, read on a schedule; and a page that stands by itself.

use std::fs;
use std::time::Duration;

use breakglass_domain::policy::STARTER;
use breakglass_tests::World;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Mia deployed, and support left.
async fn a_day() -> World {
    let world = World::with(STARTER, "client_certificate_days = 365").await;
    let incident = world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    world.closes("mia", &incident).await.unwrap();
    let founder = world.session("founder").await;
    founder.remove("support", "last day").await.unwrap();
    world
}

/// The same, and a hundred days since.
async fn a_quarter() -> World {
    let world = a_day().await;
    world.passes(DAY * 100).await;
    world
}

async fn read(world: &World, words: &[&str]) -> Value {
    let words = [&["review", "access", "-o", "json"], words].concat();
    let told = world.glass("designer", &words).await;
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told:?}");
    serde_json::from_str(&told.out).unwrap()
}

fn kinds(view: &Value, about: &str) -> Vec<String> {
    let findings = view["findings"].as_array().unwrap().iter();
    let of = findings.filter(|it| it["about"] == about);
    of.map(|it| it["kind"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_uses_and_who_left_is_read_from_the_ledger_and_writes_nothing() {
    let world = a_quarter().await;
    let before = world.entries().len();
    let view = read(&world, &[]).await;
    assert_eq!(world.entries().len(), before, "a reading is no entry");
    assert_eq!(view["ledger"]["entries"], before);
    assert_eq!(
        (&view["days"], &view["made_for"]),
        (&json!(90), &json!("designer"))
    );
    let loaded =
        &world.entries()[usize::try_from(view["policy"]["entry"].as_u64().unwrap()).unwrap()];
    assert_eq!(loaded["sha256"], view["policy"]["sha256"]);

    assert_eq!(kinds(&view, "support"), ["removed-but-named"]);
    assert_eq!(kinds(&view, "deploy-shop"), ["right-nobody-uses"]);
    assert_eq!(kinds(&view, "designer"), ["person-without-rights"]);
    let mut people = view["people"].as_array().unwrap().iter();
    let mia = people.find(|it| it["person"] == "mia").unwrap();
    let mut rights = mia["rights"].as_array().unwrap().iter();
    let deploys = rights.find(|it| it["right"] == "deploy-shop").unwrap();
    let used = &world.entries_of("credential.issued")[0];
    assert_eq!(deploys["last_used"]["entry"], used["index"]);
    assert_eq!(deploys["last_used"]["at"], used["at"]);
    assert_eq!(deploys["rule"], "engineers-fix");

    // A year is not over yet: of nothing it is known that nobody needed it.
    let year = read(&world, &["--days", "365"]).await;
    assert_eq!(kinds(&year, "deploy-shop"), Vec::<String>::new());
    assert_eq!(kinds(&year, "support"), ["removed-but-named"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_and_without_the_index_it_reads_the_same() {
    let mut world = a_day().await;
    let read = async |world: &World| {
        let view = read(world, &[]).await;
        ["people", "rights", "targets", "findings"].map(|part| view[part].clone())
    };
    let before = read(&world).await;
    world.restarts().await;
    assert_eq!(read(&world).await, before, "after a restart");
    world.stops().await;
    fs::remove_dir_all(world.config().index_dir()).unwrap();
    world.starts().await;
    assert_eq!(read(&world).await, before, "without the index");
}

/// What the page says of how to check it is done here, word by word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_checked_against_a_later_copy_of_the_ledger() {
    let world = a_quarter().await;
    let told = world
        .glass("mia", &["review", "access", "-o", "markdown"])
        .await;
    assert_eq!(told.code, 0, "{told:?}");
    let size = world.entries().len();
    assert!(
        told.out.contains(&format!("| entries | {size} |\n")),
        "{}",
        told.out
    );
    world.opens("mia", "something else, later").await;
    let folder = world.scratch("copy");
    let (copy, then) = (folder.to_str().unwrap(), world.scratch("then"));
    let exported = world.glass("founder", &["ledger", "export", copy]).await;
    assert_eq!(exported.code, 0, "{exported:?}");

    let lines: Vec<_> = told.out.lines().collect();
    let below = |title: &str| {
        let at = lines
            .iter()
            .position(|line| line.starts_with(title))
            .unwrap();
        let block = lines[at + 2..].iter();
        let block = block.take_while(|line| line.starts_with("    ") || line.is_empty());
        let block: Vec<_> = block.map(|line| line.trim_start()).collect();
        format!("{}\n", block.join("\n").trim_end())
    };
    let entries = fs::read_to_string(folder.join("entries.jsonl")).unwrap();
    let first: String = entries.split_inclusive('\n').take(size).collect();
    fs::create_dir(&then).unwrap();
    fs::write(then.join("entries.jsonl"), &first).unwrap();
    fs::write(then.join("checkpoint"), below("The checkpoint (C2SP")).unwrap();
    let vkey = below("The key");
    let then = then.to_str().unwrap();
    let words = ["ledger", "verify", "--from", then, "--vkey", vkey.trim()];
    let verified = world.glass("mia", &words).await;
    assert_eq!(verified.code, 0, "{verified:?}");

    let other = first.replacen("last day", "lost day", 1);
    assert_ne!(other, first);
    fs::write(format!("{then}/entries.jsonl"), other).unwrap();
    assert_eq!(world.glass("mia", &words).await.code, 86);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_this_command_answers_as_a_table_or_a_page() {
    let world = World::begins().await;
    for format in ["csv", "markdown"] {
        let told = world
            .glass("mia", &["review", "access", "-o", format])
            .await;
        assert_eq!(told.code, 0, "{told:?}");
        for words in [&["status"][..], &["review"], &["people", "list"]] {
            let told = world.glass("mia", &[words, &["-o", format]].concat()).await;
            assert_eq!((told.code, told.out.as_str()), (2, ""), "{told:?}");
            assert!(told.err.contains("glass review access"), "{told:?}");
        }
    }
    let table = world
        .glass("mia", &["review", "access", "-o", "csv"])
        .await
        .out;
    assert!(
        table.lines().count() > 10
            && table
                .split('\n')
                .all(|line| line.is_empty() || line.ends_with('\r'))
    );
    assert!(table.starts_with("row,kind,about,"), "{table}");
}
