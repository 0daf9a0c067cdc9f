//! Every act is answered with a receipt that anybody can check. The verbs of the world check each
//! one as `glass` does; here it is checked once more by hand, and broken on purpose.

use breakglass_proto::statement::Act;
use breakglass_proto::v1::incident_service_client::IncidentServiceClient;
use breakglass_proto::v1::ledger_service_client::LedgerServiceClient;
use breakglass_proto::v1::{
    ExportEntriesRequest, GetEntryRequest, NoteIncidentRequest, OpenIncidentRequest, Receipt,
};
use breakglass_tests::World;

use super::reason_of;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_entry_says_what_was_asked_and_the_proof_holds() {
    let world = World::begins().await;
    let mut mia = IncidentServiceClient::new(world.channel("mia").await);
    let act = Act::OpenIncident {
        severity: "sev1".into(),
        title: "the shop is down".into(),
    };
    let signed = world.signed("mia", act).await;
    let request = OpenIncidentRequest {
        signed: Some(signed.clone()),
    };
    let receipt = mia
        .open_incident(request)
        .await
        .unwrap()
        .into_inner()
        .receipt
        .unwrap();
    let entry: serde_json::Value = serde_json::from_slice(&receipt.entry).unwrap();
    for (name, value) in [
        ("kind", "incident.opened"),
        ("by", "mia"),
        ("severity", "sev1"),
        ("title", "the shop is down"),
    ] {
        assert_eq!(entry[name], value);
    }
    assert_eq!(entry["signed"]["text"], signed.text);
    assert_eq!(entry["index"], receipt.index);
    let trust = world.session("mia").await.trust().clone();
    trust.verify_receipt(&receipt).unwrap();

    for broken in [
        Receipt {
            index: receipt.index - 1,
            ..receipt.clone()
        },
        Receipt {
            entry: with(&receipt.entry, b"down", b"fine"),
            ..receipt.clone()
        },
        Receipt {
            inclusion: receipt.inclusion[1..].to_vec(),
            ..receipt.clone()
        },
        Receipt {
            checkpoint: receipt.checkpoint.replacen('\n', "\n1", 1),
            ..receipt.clone()
        },
    ] {
        assert_eq!(trust.verify_receipt(&broken).unwrap_err().exit_code(), 86);
    }
}

fn with(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(old.len())
        .position(|part| part == old)
        .expect("it is there");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_old_entry_still_has_its_receipt() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    let grant = world.gets("mia", "deploy-shop").await;
    world.takes_jwt("mia", &grant.id).await.unwrap();
    world.closes("leon", &incident).await.unwrap();
    let session = world.session("designer").await;
    let entries = world.entries();
    for (index, entry) in (0_u64..).zip(&entries) {
        let receipt = session.entry(index).await.unwrap();
        let proven: serde_json::Value = serde_json::from_slice(&receipt.entry).unwrap();
        assert_eq!(proven, *entry);
    }
    let mut ledger = LedgerServiceClient::new(world.channel("designer").await);
    let index = entries.len() as u64;
    let beyond = ledger
        .get_entry(GetEntryRequest { index })
        .await
        .unwrap_err();
    assert_eq!(reason_of(&beyond), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_ledger_verifies_and_taking_it_is_on_record() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    world.gets("mia", "deploy-shop").await;
    world.closes("leon", &incident).await.unwrap();
    let folder = world.scratch("a copy");
    let folder = folder.to_str().unwrap();
    let taken = world.glass("founder", &["ledger", "export", folder]).await;
    assert_eq!(taken.code, 0, "{}", taken.err);
    let exported = world.entries_of("ledger.exported");
    assert_eq!(exported[0]["by"], "founder");
    let verified = world
        .glass("founder", &["ledger", "verify", "--from", folder])
        .await;
    assert_eq!(verified.code, 0, "{}", verified.err);

    let file = format!("{folder}/entries.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replacen("the worker floods", "nothing happens!!", 1),
    )
    .unwrap();
    let found = world
        .glass("founder", &["ledger", "verify", "--from", folder])
        .await;
    assert_eq!(found.code, 86, "{}{}", found.out, found.err);

    let mut designer = LedgerServiceClient::new(world.channel("designer").await);
    let refused = designer
        .export_entries(ExportEntriesRequest::default())
        .await
        .unwrap_err();
    assert_eq!(reason_of(&refused), "NOT_PERMITTED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_share_batches_and_each_has_a_receipt() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let channel = world.channel("mia").await;
    let trust = world.session("mia").await.trust().clone();
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..50 {
        let act = Act::Note {
            incident: "INC-1".into(),
            text: format!("note {number}"),
        };
        let request = NoteIncidentRequest {
            signed: Some(world.signed("mia", act).await),
        };
        let mut mia = IncidentServiceClient::new(channel.clone());
        asked.spawn(async move { mia.note_incident(request).await });
    }
    let mut places = std::collections::BTreeSet::new();
    while let Some(answer) = asked.join_next().await {
        let receipt = answer.unwrap().unwrap().into_inner().receipt.unwrap();
        trust.verify_receipt(&receipt).unwrap();
        assert!(places.insert(receipt.index), "each has a place of its own");
    }
    assert_eq!(places.len(), 50);
}
