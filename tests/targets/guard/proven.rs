//! A host that takes no certificate that does not prove that it was recorded, and a thief who has the
//! broker's key for users of SSH.

use breakglass_tests::stolen::{SshCertificate, UserKey};

use super::fleet::Fleet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_a_stolen_authority_made_without_an_entry_is_out_before_it_is_in() {
    let Some(mut fleet) = Fleet::demanding("1m") else {
        return;
    };
    let way = fleet.asks("mia", "shell-web").await;
    let mut mia = fleet.logs_in(&way, "echo in; cat");
    assert_eq!(mia.says().await, "in");
    fleet.records("session.opened", 1);

    // sshd takes all of these: the signature is the broker's, the grant lives, the principal is right.
    let thief = UserKey::taken(&fleet.keys());
    let mias = way.certificate.clone();
    type Forgery = (&'static str, fn(&mut SshCertificate), &'static str);
    let forgeries: [Forgery; 4] = [
        (
            "bare",
            SshCertificate::forgets_its_proof,
            "carries no proof that it was recorded",
        ),
        ("copied", |_| {}, "does not hold: it is about another key"),
        (
            "daily",
            |it| it.key_id = "mia".into(),
            "does not say whose grant it is for",
        ),
        (
            "daily-and-bare",
            |it| {
                it.key_id = "mia".into();
                it.forgets_its_proof();
            },
            "does not say whose grant it is for",
        ),
    ];
    for (name, change, says) in forgeries {
        let forged = fleet.forges(name, |point| {
            thief.signs(&mias, |it| {
                it.point = point.to_vec();
                change(it);
            })
        });
        let mut somebody = fleet.logs_in(&forged, "echo in");
        let said = somebody.says().await;
        assert!(
            said.starts_with("glass: ") && said.contains(says),
            "{name}: {said}"
        );
        assert_eq!(somebody.is_out().await, Some(254), "{name}");
    }
    fleet.guard().says("its key for users is stolen");
    assert_eq!(fleet.playground.entries_of("session.opened").len(), 1);
    mia.hears("still here\n").await;
    assert_eq!(mia.says().await, "still here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_demanded_a_stolen_authority_is_enough() {
    let Some(fleet) = Fleet::begins("1m") else {
        return;
    };
    let way = fleet.asks("mia", "shell-web").await;
    let thief = UserKey::taken(&fleet.keys());
    let forged = fleet.forges("bare", |point| {
        thief.signs(&way.certificate, |it| {
            it.point = point.to_vec();
            it.forgets_its_proof();
        })
    });
    let mut somebody = fleet.logs_in(&forged, "echo in");
    assert_eq!(somebody.says().await, "in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daily_access_is_by_plain_keys_and_by_the_authorities_that_are_named() {
    let Some(fleet) = Fleet::demanding("1m") else {
        return;
    };
    let mut plain = fleet.logs_in_daily(None, "echo in");
    assert_eq!(plain.says().await, "in");
    let mut named = fleet.logs_in_daily(Some("daily-ca"), "echo in");
    assert_eq!(named.says().await, "in");
    let mut another = fleet.logs_in_daily(Some("another-ca"), "echo in");
    let said = another.says().await;
    assert!(said.contains("--daily-ca FILE"), "{said}");
    assert_eq!(another.is_out().await, Some(254));
}
