//! What a broker serves that is not the ledger, or no longer.

use super::*;

#[tokio::test]
async fn a_changed_byte_in_any_file_is_found_and_not_kept() {
    let honest = Served::of(70_000);
    let tiles = breakglass_tlog::tile::grown_tiles(65_000, 70_000)
        .chain(breakglass_tlog::tile::grown_bundles(65_000, 70_000));
    let host = Host::new();
    host.keeps(&Served::of(65_000)).await.unwrap();
    let before = host.files();
    let mut served = honest;
    // The last of each row and the first, so that each level's way of being proven is met.
    let tiles: Vec<_> = tiles.map(|tile| tile.to_string()).collect();
    let chosen = tiles.iter().enumerate().filter(|(at, name)| {
        *at < 2 || name.contains(".p/") || at % 7 == 0 || name.starts_with("tile/1")
    });
    for (_, name) in chosen {
        served.tampered = Some(name.clone());
        let error = host.keeps(&served).await.unwrap_err();
        assert_eq!(error.exit_code(), 86, "{name}: {error}");
        assert_eq!(host.is_whole_for_quickly(), 65_000, "{name}");
        for (name, bytes) in host.files() {
            let honest = TileId::parse(&name)
                .ok()
                .and_then(|tile| served.bytes(tile, 70_000));
            let is_old = before.get(&name) == Some(&bytes);
            assert!(is_old || honest == Some(bytes), "{name} is in the mirror");
        }
    }
    served.tampered = None;
    assert_eq!(
        host.keeps(&served).await.unwrap().mended,
        Vec::<String>::new()
    );
    assert_eq!(host.is_whole_for(), 70_000);
}

impl Host {
    /// What the checkpoint says, without reading everything.
    fn is_whole_for_quickly(&self) -> u64 {
        let place = Place::open(&self.mirror(), &key().into()).unwrap();
        place.checkpoint(&key().into()).unwrap().unwrap().size()
    }
}

/// Told to a laptop that has seen nothing, so that it is the mirror that knows better.
#[tokio::test]
async fn another_history_and_one_that_went_back_are_evidence_and_nothing_of_them_is_kept() {
    let other = |size| {
        Served::telling(size, |number| match number {
            150 => "nothing happened here".to_owned(),
            number => format!("entry {number}"),
        })
    };
    for (served, says) in [
        (other(700), "its first 300 entries, which this mirror holds"),
        (other(300), "of another history"),
        (Served::of(299), "it went back"),
        (other(299), "it went back"),
    ] {
        let host = Host::new();
        host.keeps(&Served::of(300)).await.unwrap();
        let before = host.files();
        let place = Place::open(&host.mirror(), &key().into()).unwrap();
        let told = keep(&served, &host.trust("two"), &place, Reach::New, |_, _| ()).await;
        let error = told.unwrap_err();
        assert_eq!(error.exit_code(), 86);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(host.evidence("two"), 1);
        assert_eq!(host.files(), before);
        // A laptop that has seen it does not get as far.
        assert_eq!(
            keep(&served, &host.trust("one"), &place, Reach::New, |_, _| ())
                .await
                .unwrap_err()
                .exit_code(),
            86
        );
        assert_eq!(host.files(), before);
    }
}
