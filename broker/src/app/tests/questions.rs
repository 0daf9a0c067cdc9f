//! Lists, entries, proofs, exports, status.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use breakglass_domain::command::Act;
use breakglass_domain::{GrantId, IncidentId, Prose, Refusal};

use super::world::{World, id, line};
use crate::app::{Error, GrantQuery, Place};
use crate::ports::{EntryFilter, GrantFilter};

fn ids(grants: &[breakglass_domain::Grant]) -> Vec<u64> {
    grants.iter().map(|grant| grant.of.grant.0).collect()
}

async fn story() -> World {
    let world = World::new().await;
    world.open_incident().await;
    for _ in 0..3 {
        world.request("mia", "deploy-shop", false).await;
        world.request("leon", "migrate-shop-db", false).await;
    }
    for grant in [GrantId(1), GrantId(3)] {
        let drop = world.command("mia", Act::Drop { grant });
        world.app.act_on_grant(drop).await.unwrap();
    }
    world
}

#[tokio::test]
async fn live_grants_come_first_then_what_is_over_page_by_page() {
    let world = story().await;
    let mut query = GrantQuery {
        include_ended: true,
        max: 2,
        ..GrantQuery::default()
    };
    let mut pages = Vec::new();
    loop {
        let page = world.app.grants(&query).await.unwrap();
        pages.push(ids(&page.grants));
        match page.next {
            Some(next) => query.after = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(pages.concat(), [6, 5, 4, 2, 3, 1]);
    assert!(pages.iter().all(|page| page.len() <= 2));
}

#[tokio::test]
async fn filters_narrow() {
    let world = story().await;
    let list = async |query: GrantQuery| {
        let query = GrantQuery { max: 50, ..query };
        ids(&world.app.grants(&query).await.unwrap().grants)
    };
    let of_mia = GrantFilter {
        person: Some(id("mia")),
        ..GrantFilter::default()
    };
    let query = GrantQuery {
        filter: of_mia.clone(),
        ..GrantQuery::default()
    };
    assert_eq!(list(query).await, [5]);
    let query = GrantQuery {
        filter: of_mia,
        include_ended: true,
        ..GrantQuery::default()
    };
    assert_eq!(list(query).await, [5, 3, 1]);
    let awaiting = |person| GrantQuery {
        awaiting: Some(id(person)),
        include_ended: true,
        ..GrantQuery::default()
    };
    assert_eq!(list(awaiting("mia")).await, [6, 4, 2]);
    assert_eq!(
        list(awaiting("leon")).await,
        [0; 0],
        "nobody approves their own"
    );
}

#[test]
fn cursors_are_read_back_and_made_up_ones_refused() {
    for place in [Place::Live(7), Place::Over(0)] {
        assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
    }
    for made_up in ["", "live", "live--1", "over-x", "\u{1b}"] {
        assert!(made_up.parse::<Place>().is_err(), "{made_up:?}");
    }
}

#[tokio::test]
async fn what_lives_is_answered_while_the_index_is_broken() {
    let world = story().await;
    world.index.broken.store(true, Ordering::Relaxed);
    assert!(world.app.grant(GrantId(2)).await.is_ok());
    let query = GrantQuery {
        max: 50,
        ..GrantQuery::default()
    };
    assert_eq!(
        ids(&world.app.grants(&query).await.unwrap().grants),
        [6, 5, 4, 2]
    );
    let standing = world.app.status();
    assert_eq!((standing.waiting.len(), standing.active.len()), (3, 1));
    assert_eq!(standing.incidents.len(), 1);
    assert!(matches!(
        world.app.grant(GrantId(1)).await,
        Err(Error::Index(_))
    ));
    let unknown = world.app.grant(GrantId(70)).await;
    assert!(matches!(
        unknown,
        Err(Error::Refused(Refusal::UnknownGrant(_)))
    ));
}

#[tokio::test]
async fn incidents_are_listed_open_ones_first() {
    let world = World::new().await;
    for _ in 0..3 {
        world.open_incident().await;
    }
    let incident = breakglass_domain::IncidentId(3);
    let close = world.command(
        "mia",
        Act::Close {
            incident,
            reason: line("done"),
        },
    );
    world.app.close(close).await.unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = world.app.incidents(true, after, 2).await.unwrap();
        seen.extend(page.incidents.iter().map(|incident| incident.id.0));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [2, 1, 3]);
    let open = world.app.incidents(false, None, 50).await.unwrap();
    assert_eq!(open.incidents.len(), 2);
    let whole = world.app.incident_with_grants(incident).await.unwrap();
    assert!(whole.incident.closed.is_some() && whole.grants.is_empty());
}

#[tokio::test]
async fn every_entry_comes_with_its_proof() {
    let world = story().await;
    let size = world.size();
    for index in 0..size {
        assert_eq!(world.app.entry(index).await.unwrap().index(), index);
    }
    let beyond = world.app.entry(size).await.unwrap_err();
    assert!(matches!(beyond, Error::NoSuchEntry { .. }));
    let grown = world.app.prove_consistency(3, 0).await.unwrap();
    let newest = grown.checkpoint.unwrap();
    assert_eq!((grown.proof.new, newest.size()), (size, size));
    assert!(world.app.prove_consistency(5, 4).await.is_err());
    let longer = world.app.prove_consistency(1, size + 3).await.unwrap_err();
    let said = format!(
        "the ledger has {size} entries, and {} were asked for",
        size + 3
    );
    assert_eq!(longer.to_string(), said, "a size, and no place");
}

#[tokio::test]
async fn entries_are_found_by_filter_page_by_page() {
    let world = story().await;
    let filter = EntryFilter {
        kind: Some("grant".to_owned()),
        oldest_first: true,
        ..EntryFilter::default()
    };
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = world.app.entries(&filter, after, 4).await.unwrap();
        found.extend(page.entries.iter().map(|(place, _)| *place));
        after = page.more_after;
        if after.is_none() {
            break;
        }
    }
    let kinds = world.kinds();
    let wanted = (0..)
        .zip(&kinds)
        .filter(|(_, kind)| kind.starts_with("grant."));
    assert_eq!(found, wanted.map(|(place, _)| place).collect::<Vec<u64>>());
}

#[tokio::test]
async fn what_somebody_typed_is_looked_for_so_many_entries_at_a_time() {
    let world = story().await;
    for text in ["the Worker floods", "nothing yet", "it was the wörker"] {
        let incident = IncidentId(1);
        let text = Prose::parse(text).unwrap();
        let note = world.command("mia", Act::Note { incident, text });
        world.app.note(note).await.unwrap();
    }
    let looks = async |text: &str, max: usize, texts: usize| {
        let filter = EntryFilter {
            text: Some(line(text)),
            ..EntryFilter::default()
        };
        let (mut found, mut read, mut pages, mut after) = (Vec::new(), 0, 0, None);
        loop {
            let page = world
                .app
                .entries_of(&filter, after, max, texts)
                .await
                .unwrap();
            assert!(page.read <= texts as u64 && page.entries.len() <= max);
            found.extend(page.entries.into_iter().map(|(place, _)| place));
            (read, pages, after) = (read + page.read, pages + 1, page.more_after);
            if after.is_none() {
                return (found, read, pages);
            }
        }
    };
    let size = world.size();
    assert_eq!(looks("WORKER FLOODS", 100, 100).await.0, [size - 3]);
    assert_eq!(looks("WÖRK", 100, 100).await.0, [size - 1]);
    let whole = looks("t", 100, 100).await;
    let typed = whole.1;
    assert_eq!(whole.2, 1);
    assert!(whole.0.len() > 8 && typed < size, "{typed} of {size}");
    for (max, texts) in [(1, 100), (100, 1), (2, 3), (1, 1)] {
        let (found, read, _) = looks("t", max, texts).await;
        assert_eq!(found, whole.0, "{max} of {texts}");
        assert_eq!(read, typed, "nothing is read twice");
    }
    let (found, read, pages) = looks("never typed by anybody", 100, 2).await;
    assert_eq!((found, read), (Vec::new(), typed));
    assert!(pages >= typed / 2, "a page ends though it is empty");
}

#[tokio::test]
async fn each_entry_of_a_page_is_proven_under_one_checkpoint() {
    let world = story().await;
    let filter = EntryFilter {
        person: Some(id("mia")),
        ..EntryFilter::default()
    };
    let page = world.app.entries(&filter, None, 100).await.unwrap();
    let proven = world.app.prove(&page).await.unwrap();
    assert_eq!(proven.checkpoint.size(), world.size());
    assert!(page.entries.len() > 5);
    assert_eq!(proven.proofs.len(), page.entries.len());
    for ((_, line), proof) in page.entries.into_iter().zip(proven.proofs) {
        breakglass_tlog::receipt::Receipt::verify(line, proof, &proven.checkpoint).unwrap();
    }
}

#[tokio::test]
async fn an_export_is_recorded_first_and_covers_just_what_its_checkpoint_says() {
    let world = story().await;
    let size = world.size();
    let fay = world.caller("founder");
    let mut export = world.app.export(&fay, 0, 0).await.unwrap();
    assert_eq!(world.kinds().last().unwrap(), "ledger.exported");
    assert_eq!(export.checkpoint.size(), size);
    let mut lines: Vec<Arc<[u8]>> = Vec::new();
    loop {
        let page = export.next_page().await.unwrap();
        if page.is_empty() {
            break;
        }
        lines.extend(page.into_iter().map(|(_, line)| line));
    }
    let mut frontier = breakglass_tlog::StoredHashes::new();
    lines
        .iter()
        .for_each(|line| frontier.push(breakglass_tlog::Hash::of_leaf(line)));
    let root = breakglass_tlog::tree::tree_hash(size, &frontier).unwrap();
    assert_eq!(root, export.checkpoint.root());

    let refused = world
        .app
        .export(&world.caller("mia"), 0, 0)
        .await
        .err()
        .unwrap();
    assert!(matches!(
        refused,
        Error::Refused(Refusal::NotPermitted { .. })
    ));
    assert!(world.app.export(&fay, 5, 4).await.is_err());
    assert!(world.app.export(&fay, 0, 10_000).await.is_err());
}
