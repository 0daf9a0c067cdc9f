use super::*;

#[test]
fn who_may_begin_alone_is_said_before_they_do() {
    let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
    let mut grant = Grant {
        person: "mia".into(),
        state: GrantState::Waiting.into(),
        ..Grant::default()
    };
    assert_eq!(alone_from(&grant, now), None);
    grant.self_grant_at = Some(time::to_proto("2026-11-23T03:10:00Z".parse().unwrap()));
    let told = alone_from(&grant, now).unwrap();
    assert!(told.starts_with("mia may begin it alone from "), "{told}");
    assert!(told.ends_with("(in 5m)"), "{told}");
    let later = "2026-11-23T03:10:00Z".parse().unwrap();
    let told = alone_from(&grant, later).unwrap();
    assert_eq!(told, "mia may begin it alone now");
    grant.set_state(GrantState::Active);
    assert_eq!(alone_from(&grant, later), None, "it has begun");
}

fn ended(ending: GrantEnding, by: &str, reason: &str) -> Grant {
    Grant {
        id: "G-45".into(),
        person: "mia".into(),
        right: "deploy-shop".into(),
        incident: "INC-12".into(),
        state: GrantState::Ended.into(),
        ending: ending.into(),
        ended_by: by.into(),
        ending_reason: reason.into(),
        approvers: vec!["leon".into(), "founder".into()],
        ..Grant::default()
    }
}

#[test]
fn an_ending_says_who_why_and_what() {
    let grant = ended(GrantEnding::IncidentClosed, "leon", "shop is back");
    assert_eq!(
        ending_sentence(&grant),
        "leon closed INC-12, which ended G-45: shop is back"
    );
    let grant = ended(GrantEnding::Expired, "breakglass", "");
    assert_eq!(ending_sentence(&grant), "the time of G-45 ran out");
    let grant = Grant {
        to_person: "leon".into(),
        to_grant: "G-46".into(),
        ..ended(GrantEnding::HandedOver, "breakglass", "")
    };
    assert_eq!(
        ending_sentence(&grant),
        "G-45 was handed over to leon, as G-46"
    );
}

#[test]
fn a_request_is_not_called_access() {
    let mut ended = Grant {
        id: "G-1".into(),
        person: "mia".into(),
        sentence: "deploy the shop app".into(),
        ..Grant::default()
    };
    assert_eq!(
        ended_line(&ended),
        "G-1  mia no longer asks to deploy the shop app"
    );
    ended.set_basis(GrantBasis::FastPath);
    assert_eq!(
        ended_line(&ended),
        "G-1  mia can no longer deploy the shop app"
    );
    ended.drill = true;
    assert!(ended_line(&ended).starts_with("DRILL G-1  mia"));
}

#[test]
fn who_was_removed_reads_by_whom_and_nobody_talks_to_a_broker() {
    let grant = ended(GrantEnding::PersonLeft, "founder", "left");
    assert_eq!(
        ending_sentence(&grant),
        "founder removed mia, which ended G-45: left"
    );
    let next = ended_error(&grant).unwrap().next().unwrap();
    assert_eq!(next, "talk to founder");
    let grant = ended(
        GrantEnding::PersonLeft,
        "breakglass",
        "no longer in the policy",
    );
    let error = ended_error(&grant).unwrap();
    assert!(error.to_string().contains("with a new policy"), "{error}");
    assert!(!error.next().unwrap().contains("the broker"));
}

#[test]
fn who_did_not_get_a_handover_reads_who_did() {
    let grant = Grant {
        from_grant: "G-16".into(),
        from_person: "leon".into(),
        ..ended(
            GrantEnding::Lapsed,
            "breakglass",
            "G-16 went to otto, as G-17",
        )
    };
    let error = ended_error(&grant).unwrap();
    assert_eq!(
        error.to_string(),
        "G-45 is not handed over any more: G-16 went to otto, as G-17"
    );
    assert!(
        error
            .next()
            .unwrap()
            .starts_with("talk to leon, or ask again")
    );
}

#[test]
fn no_is_82_and_over_is_83() {
    for (ending, code) in [
        (GrantEnding::Denied, 82),
        (GrantEnding::Lapsed, 82),
        (GrantEnding::Dropped, 83),
        (GrantEnding::Revoked, 83),
        (GrantEnding::Expired, 83),
        (GrantEnding::IncidentClosed, 83),
        (GrantEnding::PersonLeft, 83),
        (GrantEnding::PersonFrozen, 83),
        (GrantEnding::Abandoned, 83),
        (GrantEnding::Vetoed, 83),
        (GrantEnding::HandedOver, 83),
    ] {
        let error = Error::of_ended(&ended(ending, "leon", "")).unwrap();
        assert_eq!(error.exit_code(), code, "{ending:?}");
        assert!(error.next().is_some(), "{ending:?}");
    }
    let active = Grant {
        state: GrantState::Active.into(),
        ..Grant::default()
    };
    assert!(Error::of_ended(&active).is_none());
}

#[test]
fn whom_it_goes_to_next_is_said_until_it_has() {
    let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
    let mut grant = Grant {
        id: "G-45".into(),
        state: GrantState::Waiting.into(),
        approvers: vec!["leon".into()],
        escalation: Some(Escalation {
            at: Some(time::to_proto("2026-11-23T03:10:00Z".parse().unwrap())),
            approvers: vec!["founder".into(), "support".into()],
            escalated_at: None,
        }),
        ..Grant::default()
    };
    let next = next_asked(&grant, now).unwrap();
    assert!(
        next.starts_with("goes to founder or support too at "),
        "{next}"
    );
    assert!(next.ends_with("(in 5m)"), "{next}");
    assert_eq!(asked_in_turn(&grant), "leon, then founder or support");
    let waits = waiting_error(&grant, now).to_string();
    assert!(
        waits.starts_with("G-45 waits for leon, and goes to founder"),
        "{waits}"
    );
    assert!(
        waits.ends_with(" too at 2026-11-23 03:10:00 UTC (in 5m)"),
        "{waits}"
    );
    grant.set_state(GrantState::Ended);
    assert_eq!(next_asked(&grant, now), None, "it is over");
    grant.set_state(GrantState::Waiting);
    grant.escalation.as_mut().unwrap().escalated_at = Some(time::to_proto(now));
    grant.approvers.push("founder".into());
    assert_eq!(next_asked(&grant, now), None, "it has");
    assert_eq!(asked_in_turn(&grant), "leon or founder");
}

#[test]
fn who_is_gone_is_told_so_and_where_nobody_is_left_what_to_do() {
    let now: Timestamp = "2026-11-23T03:05:00Z".parse().unwrap();
    let mut grant = Grant {
        id: "G-45".into(),
        state: GrantState::Waiting.into(),
        approvers: vec!["leon".into(), "mia".into()],
        gone: vec!["mia".into()],
        ..Grant::default()
    };
    assert_eq!(asked_in_turn(&grant), "leon or mia (gone)");
    assert_eq!(hopeless(&grant), None);
    grant.approvers = vec!["mia".into()];
    grant.nobody_left = true;
    assert_eq!(
        asked_in_turn(&grant),
        "mia (gone); nobody can answer: drop it and ask again"
    );
    let waits = waiting_error(&grant, now);
    assert_eq!(
        waits.to_string(),
        "G-45 waits for mia (gone), and nobody can answer: drop it and ask again"
    );
    assert_eq!(waits.next().unwrap(), "take it back: glass drop G-45");
    grant.self_grant_at = Some(time::to_proto(now));
    assert_eq!(asked_in_turn(&grant), "mia (gone); nobody can answer");
    grant.set_state(GrantState::Active);
    assert_eq!(hopeless(&grant), None, "it waits no more");
}

#[test]
fn lists_read_aloud() {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(listed(&[], "or"), "nobody");
    assert_eq!(listed(&names(&["a"]), "or"), "a");
    assert_eq!(listed(&names(&["a", "b", "c"]), "or"), "a, b or c");
}
