//! Who is let in, and what everybody else is told.

use std::future::poll_fn;

use breakglass_domain::command::Act as DomainAct;
use breakglass_proto::statement::Act;
use breakglass_proto::v1;
use breakglass_proto::v1::enroll_service_client::EnrollServiceClient;
use breakglass_proto::v1::grant_service_client::GrantServiceClient;
use breakglass_proto::v1::identity_service_client::IdentityServiceClient;
use breakglass_proto::v1::incident_service_client::IncidentServiceClient;
use breakglass_proto::v1::people_service_client::PeopleServiceClient;
use breakglass_proto::v1::status_service_client::StatusServiceClient;
use tonic::Code;
use tonic::body::Body;
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use tower::Service as _;

use super::house::{House, reason};
use crate::api::{Options, limits::Limits};
use crate::app::tests::world::{ORIGIN, World, id, line};

async fn whoami(channel: Channel) -> Result<v1::WhoAmIResponse, tonic::Status> {
    let answer = IdentityServiceClient::new(channel)
        .who_am_i(v1::WhoAmIRequest {})
        .await;
    answer.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn nothing_but_enrolment_answers_without_a_certificate() {
    let house = House::open().await;
    let stranger = || house.stranger();
    let refused = whoami(stranger()).await.unwrap_err();
    assert_eq!(
        (reason(&refused).as_str(), refused.code()),
        ("NO_CERTIFICATE", Code::Unauthenticated)
    );
    let health = HealthClient::new(stranger())
        .check(HealthCheckRequest::default())
        .await;
    assert_eq!(reason(&health.unwrap_err()), "NO_CERTIFICATE");
    let status = StatusServiceClient::new(stranger())
        .get_status(v1::GetStatusRequest {})
        .await;
    assert_eq!(reason(&status.unwrap_err()), "NO_CERTIFICATE");
    let enroll = EnrollServiceClient::new(stranger())
        .enroll(v1::EnrollRequest::default())
        .await;
    assert_eq!(
        reason(&enroll.unwrap_err()),
        "INVALID_ARGUMENT",
        "it is at least looked at"
    );
    let counts = house.world.app.refusal_counts();
    assert!(counts.contains(&("NO_CERTIFICATE", 3)), "{counts:?}");
}

#[tokio::test]
async fn a_teammate_is_recognised_and_health_answers_them() {
    let house = House::open().await;
    let who = whoami(house.channel("mia")).await.unwrap();
    assert_eq!((who.person.as_str(), who.name.as_str()), ("mia", "Mia"));
    assert_eq!(who.key, house.world.caller("mia").key.to_string());
    let mut health = HealthClient::new(house.channel("mia"));
    let ask = || HealthCheckRequest {
        service: "breakglass.v1.GrantService".to_owned(),
    };
    let status = async |health: &mut HealthClient<Channel>| {
        health
            .check(ask())
            .await
            .map(|answer| answer.into_inner().status())
    };
    use tonic_health::pb::health_check_response::ServingStatus;
    assert_eq!(status(&mut health).await.unwrap(), ServingStatus::Serving);
    house.world.app.stop();
    while status(&mut health).await.unwrap() != ServingStatus::NotServing {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_certificate_alone_opens_nothing() {
    let house = House::open().await;
    let world = &house.world;
    let never_enrolled = world.somebody("mia");
    let refused = whoami(house.channel_of(&never_enrolled, "mia", "never"))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENROLLED");
    let posing = whoami(house.channel_of(&world.team["leon"], "mia", "never"))
        .await
        .unwrap_err();
    assert_eq!(reason(&posing), "NOT_ENROLLED");
    let nameless = whoami(house.channel_of(&world.team["mia"], "..", "never"))
        .await
        .unwrap_err();
    assert_eq!(reason(&nameless), "CERTIFICATE_INVALID");

    let expiring = house.channel_of(&world.team["mia"], "mia", "soon");
    whoami(expiring.clone()).await.unwrap();
    world.clock.advance(4 * 366 * 86_400);
    let expired = whoami(expiring).await.unwrap_err();
    assert_eq!(
        reason(&expired),
        "CERTIFICATE_INVALID",
        "on an open connection"
    );
    let refused = world
        .kinds()
        .iter()
        .filter(|kind| *kind == "refused")
        .count();
    assert_eq!(
        refused, 1,
        "who holds a certificate of ours is on record, folded"
    );
}

#[tokio::test]
async fn a_freeze_works_at_the_next_call() {
    let house = House::open().await;
    let channel = house.channel("mia");
    whoami(channel.clone()).await.unwrap();
    let act = Act::Freeze {
        person: "mia".into(),
        reason: "laptop stolen".into(),
    };
    let signed = house.signed("leon", act);
    let mut people = PeopleServiceClient::new(house.channel("leon"));
    people
        .freeze_person(v1::FreezePersonRequest { signed })
        .await
        .unwrap();
    let frozen = whoami(channel).await.unwrap_err();
    assert_eq!(
        (reason(&frozen).as_str(), frozen.code()),
        ("PERSON_FROZEN", Code::PermissionDenied)
    );
    assert_eq!(house.world.kinds().last().unwrap(), "refused");
}

#[tokio::test]
async fn one_call_asks_and_brings_the_credential() {
    let house = House::open().await;
    house.world.open_incident().await;
    let mut grants = GrantServiceClient::new(house.channel("mia"));
    let answer = grants
        .request_grant(house.asking("revert"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(answer.grant.unwrap().state(), v1::GrantState::Active);
    let credential = answer.credential.unwrap();
    assert_eq!(
        (credential.id.as_str(), credential.kind()),
        ("G-1.1", v1::CredentialKind::Jwt)
    );
    assert!(credential.receipt.unwrap().index > answer.receipt.unwrap().index);
    assert!(
        !format!(
            "{:?}",
            v1::Credential {
                value: "jwt".into(),
                ..Default::default()
            }
        )
        .contains("jwt")
    );

    let signed = house.signed(
        "leon",
        Act::CloseIncident {
            incident: "INC-1".into(),
            reason: "reverted".into(),
        },
    );
    let mut incidents = IncidentServiceClient::new(house.channel("leon"));
    let request = v1::CloseIncidentRequest { signed };
    let closed = incidents
        .close_incident(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(closed.ended[0].ending(), v1::GrantEnding::IncidentClosed);
    let ask = v1::IssueCredentialRequest {
        grant: "G-1".into(),
        kind: 1,
        public_key: Vec::new(),
    };
    let over = grants.issue_credential(ask).await.unwrap_err();
    assert_eq!(reason(&over), "GRANT_ENDED");
    assert!(
        over.message().contains("its incident closed at"),
        "{}",
        over.message()
    );
}

#[tokio::test]
async fn ten_megabytes_of_reason_and_escapes_get_a_clear_answer() {
    let house = House::open().await;
    house.world.open_incident().await;
    let mut grants = GrantServiceClient::new(house.channel("mia"));
    let size = house.world.size();
    let huge = grants
        .request_grant(house.asking(&"x".repeat(10 << 20)))
        .await
        .unwrap_err();
    assert_eq!(reason(&huge), "INVALID_TEXT", "{huge:?}");
    assert_eq!(house.world.size(), size, "nobody fills the disk with it");
    let long = grants
        .request_grant(house.asking(&"x".repeat(5_000)))
        .await
        .unwrap_err();
    assert_eq!(reason(&long), "INVALID_TEXT");
    assert!(
        long.message().contains("the reason is not taken"),
        "{}",
        long.message()
    );
    let hidden = grants
        .request_grant(house.asking("a\u{202E}b"))
        .await
        .unwrap_err();
    assert!(hidden.message().contains("U+202E"), "{}", hidden.message());
    let made_up = v1::GetGrantRequest {
        grant: "G-01".into(),
    };
    assert_eq!(
        reason(&grants.get_grant(made_up).await.unwrap_err()),
        "INVALID_ARGUMENT"
    );
    whoami(house.channel("mia")).await.unwrap();
}

#[tokio::test]
async fn too_many_calls_of_one_person_do_not_keep_others_out() {
    let limits = Limits {
        calls_per_second: 1,
        calls_burst: 3,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let house = House::with(World::new().await, &options).await;
    for _ in 0..3 {
        whoami(house.channel("mia")).await.unwrap();
    }
    let fast = whoami(house.channel("mia")).await.unwrap_err();
    assert_eq!(
        (reason(&fast).as_str(), fast.code()),
        ("TOO_MANY", Code::ResourceExhausted)
    );
    whoami(house.channel("leon")).await.unwrap();
    house.world.clock.advance(1);
    whoami(house.channel("mia")).await.unwrap();
}

#[tokio::test]
async fn a_broker_without_room_says_so_at_once() {
    let limits = Limits {
        in_flight: 0,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let house = House::with(World::new().await, &options).await;
    let busy = whoami(house.channel("mia")).await.unwrap_err();
    assert_eq!(
        (reason(&busy).as_str(), busy.code()),
        ("TOO_MANY", Code::Unavailable)
    );
}

/// A call to enrol whose message never comes.
async fn begins_to_enrol_and_says_nothing(mut channel: Channel) -> tonic::Status {
    let nothing = tokio_stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let request = http::Request::post("/breakglass.v1.EnrollService/Enroll")
        .header("content-type", "application/grpc")
        .body(Body::new(axum::body::Body::from_stream(nothing)))
        .unwrap();
    poll_fn(|context| channel.poll_ready(context))
        .await
        .unwrap();
    let response = channel.call(request).await.unwrap();
    tonic::Status::from_header_map(response.headers()).unwrap()
}

#[tokio::test]
async fn strangers_who_never_finish_leave_the_team_served() {
    let limits = Limits {
        in_flight: 8,
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let house = House::with(World::new().await, &options).await;
    let mut strangers = tokio::task::JoinSet::new();
    for _ in 0..24 {
        strangers.spawn(begins_to_enrol_and_says_nothing(house.stranger()));
    }
    // The first refusal says that they have all the places they can have.
    let refused = strangers.join_next().await.unwrap().unwrap();
    assert_eq!(reason(&refused), "TOO_MANY");
    whoami(house.channel("leon")).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_with_a_statement_goes_on_record() {
    let house = House::open().await;
    house.world.open_incident().await;
    let mut asking = house.asking("revert");
    asking.signed.as_mut().unwrap().text.push(' ');
    let mut grants = GrantServiceClient::new(house.channel("mia"));
    let refused = grants.request_grant(asking).await.unwrap_err();
    assert_eq!(reason(&refused), "SIGNATURE_INVALID");
    assert_eq!(house.world.kinds().last().unwrap(), "refused");
}

#[tokio::test]
async fn enrolling_needs_the_token_the_key_and_a_statement_that_binds_them() {
    let house = House::open().await;
    let world = &house.world;
    let person = id("mia");
    let token = crate::app::token::hash("SECRET");
    world.by_itself(DomainAct::Invite { person, token }).await;
    let new = world.somebody("mia");
    let request_of = |(origin, by): (&str, &str), token: &str, signed_token: &str, device: &str| {
        let statement = breakglass_proto::statement::Statement {
            origin: origin.to_owned(),
            by: by.to_owned(),
            at: world.app.now().timestamp(),
            act: Act::Enroll {
                token_sha256: crate::app::token::hash(signed_token).as_str().to_owned(),
                key: new.caller.key.to_string(),
                device: device.to_owned(),
            },
            seen: None,
            nonce: [9; 16],
        };
        let text = statement.to_text();
        let signature = new
            .pair
            .sign(&ring::rand::SystemRandom::new(), text.as_bytes())
            .unwrap();
        v1::EnrollRequest {
            token: token.to_owned(),
            public_key: new.caller.public.clone(),
            signed: Some(v1::Signed {
                text,
                signature: signature.as_ref().to_vec(),
            }),
        }
    };
    let request = |token: &str, signed_token: &str, device: &str| {
        request_of(("", ""), token, signed_token, device)
    };
    let mut enrol = EnrollServiceClient::new(house.stranger());
    // Also where they are right: an auditor takes no others than empty ones.
    for (names, line) in [((ORIGIN, ""), "origin"), (("", "mia"), "by")] {
        let named = request_of(names, "SECRET", "SECRET", "thinkpad");
        let named = enrol.enroll(named).await.unwrap_err();
        assert_eq!(reason(&named), "STATEMENT_INVALID");
        let told = format!(
            "the statement is not taken: an enrolment leaves `{line}` empty, for the token says it"
        );
        assert_eq!(named.message(), told);
    }
    let unknown = enrol
        .enroll(request("GUESS", "GUESS", "thinkpad"))
        .await
        .unwrap_err();
    assert_eq!(reason(&unknown), "TOKEN_UNKNOWN");
    let unbound = enrol
        .enroll(request("SECRET", "OTHER", "thinkpad"))
        .await
        .unwrap_err();
    assert_eq!(reason(&unbound), "STATEMENT_INVALID");
    let unnamed = enrol
        .enroll(request("SECRET", "SECRET", &"x".repeat(65)))
        .await
        .unwrap_err();
    assert_eq!(reason(&unnamed), "INVALID_TEXT");
    let size = world.size();
    let enrolled = enrol
        .enroll(request("SECRET", "SECRET", "thinkpad"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((enrolled.person.as_str(), world.size()), ("mia", size + 1));
    assert!(enrolled.renew_at.unwrap().seconds < enrolled.expires_at.unwrap().seconds);
    whoami(house.channel_of(&new, "mia", "never"))
        .await
        .unwrap();
    let again = enrol
        .enroll(request("SECRET", "SECRET", "thinkpad"))
        .await
        .unwrap_err();
    assert_eq!(reason(&again), "TOKEN_UNKNOWN");
}

#[tokio::test]
async fn an_unknown_call_is_unimplemented_and_reflection_is_behind_the_certificate() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    let house = House::open().await;
    let ask = || {
        let message_request = Some(MessageRequest::ListServices(String::new()));
        tokio_stream::iter([ServerReflectionRequest {
            message_request,
            ..Default::default()
        }])
    };
    let mut stranger = ServerReflectionClient::new(house.stranger());
    let refused = stranger.server_reflection_info(ask()).await.unwrap_err();
    assert_eq!(reason(&refused), "NO_CERTIFICATE");
    let mut mia = ServerReflectionClient::new(house.channel("mia"));
    let answer = mia
        .server_reflection_info(ask())
        .await
        .unwrap()
        .into_inner()
        .message()
        .await;
    assert!(format!("{answer:?}").contains("breakglass.v1.GrantService"));

    let quiet = House::with(World::new().await, &Options::default()).await;
    let mut mia = ServerReflectionClient::new(quiet.channel("mia"));
    let off = mia.server_reflection_info(ask()).await.unwrap_err();
    assert_eq!(off.code(), Code::Unimplemented);
}

#[tokio::test]
async fn removing_somebody_counts_what_ended() {
    let house = House::open().await;
    let act = Act::RemovePerson {
        person: "mia".into(),
        reason: line("left").to_string(),
    };
    let signed = house.signed("founder", act);
    let mut people = PeopleServiceClient::new(house.channel("founder"));
    let removed = people
        .remove_person(v1::RemovePersonRequest { signed })
        .await
        .unwrap();
    assert_eq!(removed.into_inner().keys, 1);
    let refused = whoami(house.channel("mia")).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_ENROLLED");
    let list = people
        .list_people(v1::ListPeopleRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(list.people.len(), 4, "the policy still names them");
}
