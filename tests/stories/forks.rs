//! Two histories of one ledger, signed by the same key, and how those who were shown one and the other find out.

use breakglass_client::error::Error;
use breakglass_proto::statement::{Act, Statement};
use breakglass_proto::v1::grant_service_client::GrantServiceClient;
use breakglass_proto::v1::incident_service_client::IncidentServiceClient;
use breakglass_proto::v1::{
    ApproveGrantRequest, Grant, ListEntriesRequest, NoteIncidentRequest, Signed,
};
use breakglass_tests::World;
use breakglass_tests::backup::copied;
use breakglass_tlog::SignedCheckpoint;

use super::reason_of;

/// Mia's request waits. Leon alone has seen what happened since the copy was made; then the broker is set back
/// to it. What Leon signed before is at hand.
async fn set_back() -> (World, Grant, Signed) {
    let mut world = World::begins().await;
    world.opens("support", "the worker floods").await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.stops().await;
    let (data, before) = (world.data().to_owned(), world.scratch("a backup"));
    copied(&data, &before);
    world.starts().await;
    let leon = world.session("leon").await;
    for number in 0..3 {
        let text = format!("what really happened, {number}");
        leon.note_incident(&request.incident, &text).await.unwrap();
    }
    let signed = leon.statement(yes_to(&request, &world)).unwrap();
    world.stops().await;
    std::fs::remove_dir_all(&data).unwrap();
    copied(&before, &data);
    world.starts().await;
    (world, request, signed)
}

fn yes_to(request: &Grant, world: &World) -> Act {
    use breakglass_broker::ports::Clock as _;
    let now = world.clock().now().timestamp();
    Act::Approve {
        grant: request.id.clone(),
        incident: request.incident.clone(),
        requester: request.person.clone(),
        right: request.right.clone(),
        sentence: request.sentence.clone(),
        until: now + jiff::SignedDuration::from_mins(11),
    }
}

/// Somebody plays a statement to the broker; what comes back does not reach who signed it.
async fn is_played(world: &World, who: &str, signed: Signed) -> String {
    let mut client = GrantServiceClient::new(world.channel(who).await);
    let signed = Some(signed);
    let played = client.approve_grant(ApproveGrantRequest { signed }).await;
    reason_of(&played.unwrap_err())
}

/// Everybody who does something writes a little more of the second story.
async fn goes_on(world: &World, incident: &str, by: &str) {
    let session = world.session(by).await;
    for number in 0..6 {
        let text = format!("what somebody wants to be believed, {number}");
        session.note_incident(incident, &text).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_tells_a_restored_broker_that_it_is_one() {
    let (world, request, signed) = set_back().await;
    assert_eq!(is_played(&world, "leon", signed).await, "LEDGER_BEHIND");
    assert!(world.entries_of("grant.started").is_empty());
    let refused = world.entries_of("refused").pop().unwrap();
    assert_eq!(
        (&refused["by"], &refused["act"], &refused["reason"]),
        (&"leon".into(), &"approve".into(), &"LEDGER_BEHIND".into())
    );
    let key = world.session("leon").await.trust().key().clone();
    let note = refused["checkpoint"].as_str().unwrap();
    let head = SignedCheckpoint::verify(note, &key).unwrap();
    assert!(head.size() > refused["index"].as_u64().unwrap());
    // Support has seen nothing of it, and is told all the same.
    let problems = world.session("support").await.status().await.unwrap();
    let problems = problems.problems.join("\n");
    assert!(problems.contains("ANOTHER HISTORY"), "{problems}");
    let metrics = world.broker().telemetry().metrics();
    let counted = "breakglass_refusals_total{reason=\"LEDGER_BEHIND\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    // It grows past what Leon has seen, with another story.
    goes_on(&world, &request.incident, "mia").await;
    let leon = world.session("leon").await;
    let again = leon.statement(yes_to(&request, &world)).unwrap();
    assert_eq!(is_played(&world, "leon", again).await, "LEDGER_FORKED");
    assert!(world.entries_of("grant.started").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_what_was_refused_finds_out_too() {
    let (world, request, signed) = set_back().await;
    is_played(&world, "leon", signed).await;
    goes_on(&world, &request.incident, "mia").await;
    let support = world.session("support").await;
    let refused = ListEntriesRequest {
        kind: "refused".into(),
        ..ListEntriesRequest::default()
    };
    let found = support.list_entries(refused, 50).await.unwrap_err();
    let Error::Unverified { what, evidence } = &found else {
        panic!("{found}")
    };
    assert!(what.contains("by leon"), "{what}");
    assert!(what.contains("rewritten or forked"), "{what}");
    let evidence = evidence.as_ref().expect("it is kept");
    let key = support.trust().key().clone();
    let [remembered, received] = ["remembered", "received"].map(|name| {
        let note = std::fs::read_to_string(evidence.join(format!("{name}.checkpoint")));
        SignedCheckpoint::verify(&note.unwrap(), &key).unwrap()
    });
    // What it knew itself, and what Leon had seen.
    let refused = world.entries_of("refused").pop().unwrap();
    assert_eq!(received.note(), refused["checkpoint"].as_str().unwrap());
    assert_ne!(remembered.size(), received.size());
    assert_eq!(found.exit_code(), 86);
}

/// What Leon has seen is lost, and what Mia had seen when she wrote is of both histories: it accuses nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_shown_another_history_blames_no_entry_for_it() {
    let (world, request, _) = set_back().await;
    let mia = world.session("mia").await;
    mia.note_incident(&request.incident, "hello").await.unwrap();
    let notes = ListEntriesRequest {
        kind: "incident.noted".into(),
        ..ListEntriesRequest::default()
    };
    let leon = world.session("leon").await;
    let found = leon.list_entries(notes, 50).await.unwrap_err();
    let Error::Unverified { what, evidence } = &found else {
        panic!("{found}")
    };
    assert!(what.contains("rewritten or forked"), "{what}");
    assert!(!what.contains("mia"), "{what}");
    // The two that contradict each other.
    let evidence = evidence.as_ref().expect("it is kept");
    let kept =
        |name: &str| std::fs::read_to_string(evidence.join(format!("{name}.checkpoint"))).unwrap();
    let remembered = leon.trust().remembered().unwrap().unwrap();
    assert_eq!(kept("remembered"), remembered.note());
    let newest = world.session("support").await.checkpoint().await.unwrap();
    assert_eq!(kept("received"), newest);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_ends_something_is_done_all_the_same() {
    let (world, request, _) = set_back().await;
    let leon = world.session("leon").await;
    let found = leon.approve(&request).await.unwrap_err();
    assert_eq!(found.exit_code(), 86, "{found}");
    assert!(!found.to_string().contains("all the same"), "{found}");
    assert!(world.entries_of("grant.started").is_empty());
    let found = leon.deny(&request.id, "not now").await.unwrap_err();
    assert_eq!(found.exit_code(), 86, "{found}");
    assert!(found.to_string().contains("done all the same"), "{found}");
    let ended = world.entries_of("grant.ended").pop().unwrap();
    assert_eq!(ended["ending"], "denied");
    // One act, one truth: it was done, and by somebody who had seen another history.
    let signed = ended["signed"]["text"].as_str().unwrap();
    assert!(signed.contains("\nseen: "), "{signed}");
    assert_eq!(ended["signed"]["other_history"], true);
    let denials = world.entries_of("refused");
    let denials = denials.iter().filter(|it| it["act"] == "deny");
    assert_eq!(denials.count(), 0);
    let metrics = world.broker().telemetry().metrics();
    let counted = "breakglass_other_history_acts_total 1";
    assert!(metrics.contains(counted), "{metrics}");
}

/// Also where somebody can ask nothing more afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_freezes_themselves_is_told_of_the_other_history() {
    let (world, _, _) = set_back().await;
    let leon = world.session("leon").await;
    let found = leon.freeze("leon", "stolen").await.unwrap_err();
    assert_eq!(found.exit_code(), 86, "{found}");
    assert!(found.to_string().contains("done all the same"), "{found}");
    let frozen = world.entries_of("person.frozen").pop().unwrap();
    assert_eq!(frozen["signed"]["other_history"], true);
    assert!(world.entries_of("refused").is_empty());
}

/// The first that a restored broker hears of it is an act that only ends something.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ends_something_tells_of_the_other_history_too() {
    let (world, request, _) = set_back().await;
    let leon = world.session("leon").await;
    let found = leon.deny(&request.id, "not now").await.unwrap_err();
    assert!(found.to_string().contains("done all the same"), "{found}");
    assert!(world.entries_of("refused").is_empty());
    let problems = world.session("support").await.status().await.unwrap();
    let problems = problems.problems.join("\n");
    assert!(problems.contains("ANOTHER HISTORY"), "{problems}");
    // What he does next is refused, with the head, as if he had done nothing before.
    let found = leon.note_incident(&request.incident, "hello").await;
    assert_eq!(found.unwrap_err().exit_code(), 86);
    let refused = world.entries_of("refused").pop().unwrap();
    assert!(refused["checkpoint"].is_string(), "{refused}");
    // Whoever reads what he did holds it against what they know.
    goes_on(&world, &request.incident, "mia").await;
    let support = world.session("support").await;
    let ended = ListEntriesRequest {
        kind: "grant.ended".into(),
        ..ListEntriesRequest::default()
    };
    let found = support.list_entries(ended, 50).await.unwrap_err();
    assert!(matches!(found, Error::Unverified { .. }), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_act_brings_what_its_laptop_has_seen() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    let request = world.waits_for("mia", "migrate-shop-db").await;
    world.approves("leon", &request.id).await.unwrap();
    goes_on(&world, &incident, "mia").await;
    let acts = world.entries();
    let texts = acts.iter().filter_map(|it| it["signed"]["text"].as_str());
    let (with, without): (Vec<_>, Vec<_>) = texts.partition(|text| text.contains("\nseen: "));
    assert!(with.len() >= 9, "{with:#?}");
    let is_enrolment = |text: &&str| text.starts_with("breakglass/v1 enroll\n");
    assert!(without.iter().all(is_enrolment), "{without:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_up_what_they_have_seen() {
    let world = World::begins().await;
    let incident = world.opens("support", "the worker floods").await;
    goes_on(&world, &incident, "mia").await;
    let act = Act::Note {
        incident,
        text: "look".into(),
    };
    let session = world.session("mia").await;
    let signed = session.statement(act).unwrap();
    let honest = Statement::parse(&signed.text).unwrap();
    let mut client = IncidentServiceClient::new(world.channel("mia").await);
    for byte in [0, 4, 67] {
        let mut forged = honest.clone();
        forged.seen.as_mut().unwrap().signature[byte] ^= 1;
        let signed = Some(session.identity().key.sign(&forged).unwrap());
        let told = client.note_incident(NoteIncidentRequest { signed }).await;
        assert_eq!(reason_of(&told.unwrap_err()), "STATEMENT_INVALID");
    }
    let refused = world.entries_of("refused").pop().unwrap();
    assert!(refused["checkpoint"].is_null(), "{refused}");
    let signed = Some(signed);
    client
        .note_incident(NoteIncidentRequest { signed })
        .await
        .expect("what is true is taken");
}
