//! Good tokens, and tokens that are good somewhere else or some other time.

use super::*;

#[test]
fn a_good_token_says_who_what_and_why() {
    let night_ = Night::begins();
    let access = night_.says(&night_.token()).unwrap();
    assert_eq!(access.person.as_str(), "mia");
    assert_eq!(access.grant.as_str(), "G-45");
    assert_eq!(access.credential.as_str(), "G-45.1");
    assert_eq!(access.incident.as_str(), "INC-12");
    assert_eq!(access.right.as_str(), "deploy-shop");
    assert_eq!(access.sentence, "deploy the shop app");
    assert_eq!(access.groups, Vec::<String>::new());
    assert_eq!(access.expires_at, night() + seconds(900));
    assert_eq!(access.not_before, night() - seconds(60));
    let holder = thumbprint(night_.laptop.public_key());
    assert_eq!(Some(access.holder), holder);
    let entry = Entry {
        origin: ORIGIN.into(),
        index: 41,
    };
    assert_eq!(access.entry, entry);
}

#[test]
fn groups_are_passed_on_and_claims_of_next_year_are_not_in_the_way() {
    let night = Night::begins();
    let token = night.token_with(json!({"groups": ["shop-readers"], "drill": true}));
    assert_eq!(night.says(&token).unwrap().groups, ["shop-readers"]);
}

#[test]
fn a_token_is_good_from_its_start_and_before_its_end() {
    let night_ = Night::begins();
    let token = night_.token();
    let (from, until) = (night() - seconds(60), night() + seconds(900));
    let milli = SignedDuration::from_millis(1);
    for (time, wanted) in [
        (from - milli, Err(Denied::NotYet { from })),
        (from, Ok(())),
        (until - milli, Ok(())),
        (until, Err(Denied::Expired { at: until })),
        (until + seconds(999_999), Err(Denied::Expired { at: until })),
    ] {
        night_.clock.moves_to(time);
        assert_eq!(night_.says(&token).map(drop), wanted, "{time}");
    }
}

#[test]
fn a_leeway_moves_both_ends() {
    let night_ = Night::with(|builder| builder.leeway(Duration::from_secs(10)));
    let token = night_.token();
    for (offset, good) in [(-71, false), (-70, true), (909, true), (910, false)] {
        night_.clock.moves_to(night() + seconds(offset));
        assert_eq!(night_.says(&token).is_ok(), good, "{offset}");
    }
}

#[test]
fn a_token_of_another_broker_or_for_another_target_is_none() {
    let night = Night::begins();
    for (changes, wanted) in [
        (json!({"iss": "https://glass.example"}), Denied::Issuer),
        (
            json!({"iss": "https://glass.example:7444/"}),
            Denied::Issuer,
        ),
        (json!({"iss": ISSUER.to_uppercase()}), Denied::Issuer),
        (json!({"aud": "https://shop.example"}), Denied::Audience),
        (json!({"aud": format!("{AUDIENCE}/")}), Denied::Audience),
        (json!({"aud": ""}), Denied::Audience),
    ] {
        assert_eq!(night.says(&night.token_with(changes)), Err(wanted));
    }
}

#[test]
fn a_target_may_ask_for_certain_rights() {
    let night = Night::with(|builder| builder.right("restart-worker").right("deploy-shop"));
    assert!(night.says(&night.token()).is_ok());
    let other = night.token_with(json!({"right": "migrate-shop-db"}));
    let denied = night.says(&other).unwrap_err();
    assert_eq!(denied.reason(), "RIGHT");
    assert!(denied.to_string().contains("migrate-shop-db"), "{denied}");
}

#[test]
fn keys_are_exchanged_in_place() {
    let night = Night::begins();
    let (first, next) = (night.token(), IssuingKey::named("two"));
    let second = next.signs(&night.claims());
    assert_eq!(night.says(&second), Err(Denied::UnknownKey));
    let both = Keys::parse(&set(&[&night.key, &next])).unwrap();
    night.verifier.replace_keys(both);
    assert!(night.says(&first).is_ok() && night.says(&second).is_ok());
    let only = Keys::parse(&set(&[&next])).unwrap();
    night.verifier.replace_keys(only);
    assert_eq!(night.says(&first), Err(Denied::UnknownKey));
    assert!(night.says(&second).is_ok());
    night.verifier.replace_keys(Keys::default());
    assert_eq!(night.says(&second), Err(Denied::UnknownKey));
}

#[test]
fn a_key_under_anothers_name_signs_nothing() {
    let night = Night::begins();
    let forger = IssuingKey::named("one");
    assert_eq!(
        night.says(&forger.signs(&night.claims())),
        Err(Denied::Signature)
    );
}

#[test]
fn every_refusal_has_its_own_word_and_a_sentence_that_fits_a_header() {
    let (from, at) = (night(), night());
    let name = Name::parse("G-45").unwrap();
    let (grant, right) = (name.clone(), name.clone());
    let mut words = Vec::new();
    for denied in [
        Denied::TooLarge,
        Denied::Malformed("x"),
        Denied::Algorithm,
        Denied::UnknownKey,
        Denied::Signature,
        Denied::Claim("exp"),
        Denied::Issuer,
        Denied::Audience,
        Denied::NotYet { from },
        Denied::Expired { at },
        Denied::Right { right },
        Denied::NotLive { grant },
        Denied::NotHeard { grant: name },
        Denied::Stale {
            age: Some(seconds(75)),
        },
        Denied::NoProof,
        Denied::Proof("x"),
        Denied::Replayed,
        Denied::TooManyProofs,
        Denied::NoEntry,
        Denied::Entry("x"),
    ] {
        let text = denied.to_string();
        // RFC 6750 section 3: what `error_description` may have. Backticks are in it.
        let fits = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(text.bytes().all(fits), "{text}");
        words.push(denied.reason());
    }
    assert_eq!(words, Denied::REASONS);
}
