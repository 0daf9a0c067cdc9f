//! A mirror behind nginx is the ledger as the broker serves it: another mirror can be made of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use breakglass_client::config::{Context, ContextName, ServerUrl};
use breakglass_client::error::Error;
use breakglass_client::mirror::{self, Place, Reach, Source};
use breakglass_client::trust::{Prover, Trust};
use breakglass_tests::Playground;
use breakglass_tests::nginx::Nginx;
use breakglass_tlog::{ConsistencyProof, TileId, VerifierKey};

/// A web server with a mirror in it: files, and nobody who proves anything.
struct Static(Nginx);

impl Source for Static {
    async fn checkpoint(&self) -> Result<String, Error> {
        let answer = self.0.get("/checkpoint", &[]).await;
        assert_eq!(answer.status, 200);
        Ok(String::from_utf8(answer.body).unwrap())
    }

    async fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, Error> {
        let answer = self.0.get(&format!("/{tile}"), &[]).await;
        Ok((answer.status == 200).then_some(answer.body))
    }
}

impl Prover for Static {
    async fn prove(&self, _: u64, _: u64) -> Result<ConsistencyProof, Error> {
        panic!("somebody who has seen nothing needs no proof")
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            match path.is_dir() {
                true => folders.push(path),
                false if name.starts_with('.') => {}
                false => drop(files.insert(name, fs::read(path).unwrap())),
            }
        }
    }
    files
}

#[tokio::test]
async fn a_mirror_behind_any_web_server_is_a_complete_one() {
    let playground = Playground::begins();
    let incident = playground.opens("the worker floods");
    for number in 0..5 {
        let text = format!("seen, {number}");
        playground.done("mia", &["note", "--incident", &incident, &text]);
    }
    let size = playground.published();
    let first = playground.path("a mirror");
    playground.done("designer", &["ledger", "mirror", first.to_str().unwrap()]);

    let vkey = fs::read_to_string(first.join("vkey")).unwrap();
    let key = VerifierKey::parse(vkey.trim_end()).unwrap();
    let folder = playground.path("another host");
    let trust = Trust::of(&Context {
        name: ContextName::parse("another").unwrap(),
        server: ServerUrl::parse("https://localhost:1").unwrap(),
        person: "nobody".into(),
        device: "another host".into(),
        issuer: String::new(),
        ledger_vkey: key.to_string(),
        ca_file: folder.join("ca.pem"),
        folder: folder.clone(),
    });
    fs::create_dir(&folder).unwrap();
    let nginx = Static(Nginx::serves(&first));
    let second = folder.join("mirror");
    let place = Place::open(&second, &key.clone().into()).unwrap();
    let kept = mirror::keep(&nginx, &trust.unwrap(), &place, Reach::New, |_, _| ()).await;
    assert_eq!(kept.unwrap().entries, size);
    assert_eq!(files(&second), files(&first));

    // A part of a tile, as the broker itself gives it.
    let path = format!("tile/0/000.p/{size}");
    let range = [("range", "bytes=32-63")];
    let part = nginx.0.get(&format!("/{path}"), &range).await;
    let tile = fs::read(first.join(&path)).unwrap();
    assert_eq!((part.status, part.body.as_slice()), (206, &tile[32..64]));
}
