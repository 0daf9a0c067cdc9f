//! A client certificate for a role that several people share.

use std::process::Stdio;

use breakglass_tests::playground::{Output, Process};
use breakglass_tests::postgres::ClientCertificate;

use super::{Shop, group};

/// What the certificate of a grant for this target says: as `deploy/postgres/pg_ident.conf` has it.
const FOR_THE_SHOP: &str = "postgres:shop-db:shop_reader";

fn psql(shop: &Shop, certificate: &ClientCertificate, user: &str, sql: &str) -> Output {
    let mut psql = shop.server.psql("shop");
    certificate.shown_by(&mut psql, user);
    psql.args(["-c", sql]);
    Process::spawn(psql).finishes()
}

fn session(shop: &Shop, certificate: &ClientCertificate) -> Process {
    let mut psql = shop.server.psql("shop");
    certificate.shown_by(&mut psql, "shop_reader");
    psql.stdin(Stdio::piped());
    let mut session = Process::spawn(psql);
    session.hears("SELECT 'here I am';\n");
    session.says("here I am");
    session
}

#[test]
fn a_certificate_for_this_role_is_taken_and_no_other() {
    let shop = Shop::opens();
    let mia = shop
        .server
        .client_certificate("mia", FOR_THE_SHOP, 1 << 100);
    let said = psql(&shop, &mia, "shop_reader", "SELECT name FROM customers");
    assert_eq!(
        (said.code, said.out.trim_end()),
        (0, "a customer"),
        "{said}"
    );
    let identity = "identity=\"CN=mia,O=postgres:shop-db:shop_reader\"";
    assert!(
        shop.server.said().contains(identity),
        "who it was is written down"
    );

    let refused = [
        (mia.clone(), "shop_migrator"),
        (mia, "postgres"),
        (
            shop.server.client_certificate("mia", "kubernetes:prod", 2),
            "shop_reader",
        ),
        (
            shop.server
                .client_certificate("mia", "postgres:stock-db:shop_reader", 3),
            "shop_reader",
        ),
        (
            shop.server
                .client_certificate("mia,O=x", "kubernetes:prod", 4),
            "shop_reader",
        ),
        (
            // A common name that tries to bring its own organization.
            shop.server.client_certificate(
                "mia,O=postgres:shop-db:shop_reader",
                "kubernetes:prod",
                5,
            ),
            "shop_reader",
        ),
        (
            shop.server.forged_certificate("mia", FOR_THE_SHOP),
            "shop_reader",
        ),
    ];
    for (certificate, user) in refused {
        let said = psql(&shop, &certificate, user, "SELECT 1");
        assert_ne!(said.code, 0, "{certificate:?} as {user}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_of_one_certificate_end_and_no_others() {
    let shop = Shop::opens();
    // Above 2^63 and 2^127: serial numbers are unsigned, and PostgreSQL has no integer that long.
    let (mias, leons) = (u128::MAX - 12, (1 << 64) + 7);
    let mia = shop.server.client_certificate("mia", FOR_THE_SHOP, mias);
    let leon = shop.server.client_certificate("leon", FOR_THE_SHOP, leons);
    let mut open = session(&shop, &mia);
    let also_open = session(&shop, &mia);
    let mut stays = session(&shop, &leon);
    let role = group("shop_reader");
    assert_eq!(shop.broker.end_certificate(&role, mias).await, Ok(2));
    open.hears("SELECT 'and now?';\n");
    let said = open.finishes();
    assert!(said.err.contains("terminating connection"), "{said}");
    stays.hears("SELECT 'not me';\n");
    stays.says("not me");
    assert_eq!(shop.broker.end_certificate(&role, mias).await, Ok(0));
    let refused = shop.broker.end_certificate(&group("postgres"), mias).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("may not end sessions of the role")
    );
    drop(also_open);
}
