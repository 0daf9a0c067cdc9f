//! A server that is not set up as it should be: said in a sentence, with what to run.

use breakglass_broker::effects::postgres::{GroupRole, PostgresError};

use super::{Shop, broker_of};

async fn says(server: breakglass_broker::effects::postgres::Server, what: &str) {
    let wrong = broker_of(server).check(&[]).await.unwrap_err();
    assert!(
        matches!(wrong, PostgresError::Misconfigured { .. }),
        "{wrong:?}"
    );
    let text = wrong.to_string();
    assert!(text.contains(what), "{text}\nlacks: {what}");
    assert!(!text.contains("own password"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_missing_is_named() {
    let shop = Shop::alone();
    shop.broker.check(&[]).await.unwrap();
    let right = shop.server.for_broker();

    let mut server = right.clone();
    server.database = "stock".into();
    says(server, "run: psql -d stock -f deploy/postgres/setup.sql").await;

    let mut server = right.clone();
    server.database = "stok".into();
    says(server, "there is no database stok").await;

    let mut server = right.clone();
    server.user = "leon".into();
    says(server, "see deploy/postgres/pg_hba.conf").await;

    let mut server = right.clone();
    server.ca = breakglass_tests::postgres::Server::another_ca().into();
    says(
        server,
        "its certificate is not the one that the policy's `ca` leads to",
    )
    .await;

    let mut server = right.clone();
    server.host = "127.0.0.2".into();
    shop.server.listens_also_on("127.0.0.2");
    says(
        server,
        "its certificate is not the one that the policy's `ca` leads to",
    )
    .await;

    std::fs::write(&right.password_file, "another password").unwrap();
    says(right.clone(), "run: psql -c '\\password breakglass'").await;

    // Changed on both sides while the broker runs: it reads the file again.
    shop.server
        .admin("shop", "ALTER ROLE breakglass PASSWORD 'another password'");
    shop.broker.check(&[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_could_not_be_handed_out_is_named_before_somebody_asks_for_it() {
    let shop = Shop::alone();
    let handed_out = ["shop_migrator", "shop_reader"].map(|role| GroupRole::parse(role).unwrap());
    shop.broker.check(&handed_out).await.unwrap();

    shop.server
        .admin("shop", "REVOKE shop_reader FROM breakglass_owner");
    let wrong = shop.broker.check(&handed_out).await.unwrap_err();
    let run = "GRANT \"shop_reader\" TO breakglass_owner WITH ADMIN OPTION;";
    assert!(
        wrong.to_string().ends_with(&format!("; run: {run}")),
        "{wrong}"
    );
    shop.server.admin("shop", run);
    shop.broker.check(&handed_out).await.unwrap();

    let misspelt = [GroupRole::parse("shop_migrater").unwrap()];
    let wrong = shop.broker.check(&misspelt).await.unwrap_err();
    let text = wrong.to_string();
    assert!(
        text.contains("there is no role shop_migrater; run: "),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_take_the_password_otherwise_does_not_get_it() {
    let shop = Shop::alone();
    let right = shop.server.for_broker();
    for method in ["password", "trust"] {
        shop.server
            .lets_in(&format!("hostssl all breakglass all {method}"));
        says(right.clone(), "by SCRAM with channel binding").await;
    }
    shop.server.lets_in("host all all all scram-sha-256");
    shop.broker.check(&[]).await.unwrap();
    shop.server.admin("shop", "ALTER SYSTEM SET ssl = off");
    shop.server.admin("shop", "SELECT pg_reload_conf()");
    breakglass_tests::wait::until("it has no TLS", "it reads its settings at leisure", || {
        (shop.server.admin("shop", "SHOW ssl") == "off").then_some(())
    });
    let mut wrong = broker_of(right.clone())
        .check(&[])
        .await
        .unwrap_err()
        .to_string();
    if !wrong.contains("it has no TLS") {
        wrong = broker_of(right).check(&[]).await.unwrap_err().to_string();
    }
    assert!(
        wrong.contains("it has no TLS; run: ALTER SYSTEM SET ssl = on;"),
        "{wrong}"
    );
}

#[test]
fn what_is_shipped_can_be_run_again_and_the_server_understands_the_lines() {
    let shop = Shop::opens();
    shop.server.runs_setup("shop");
    shop.server.runs_setup("shop");
    let errors = "SELECT (SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL)
                       + (SELECT count(*) FROM pg_ident_file_mappings WHERE error IS NOT NULL)";
    assert_eq!(shop.server.admin("shop", errors), "0");
    let lines = "SELECT count(*) FROM pg_hba_file_rules";
    assert_eq!(shop.server.admin("shop", lines), "6");
}
