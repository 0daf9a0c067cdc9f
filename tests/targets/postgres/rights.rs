//! What the broker's own role can do in a server is what it needs, and that is all.

use breakglass_broker::effects::postgres::{Password, PostgresError};
use breakglass_domain::Lifetime;

use super::{Shop, entropy, now, order};

#[test]
fn the_brokers_role_is_nobody_special() {
    let shop = Shop::opens();
    let attributes =
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolinherit
                      FROM pg_roles WHERE rolname = 'breakglass'";
    assert_eq!(shop.server.admin("shop", attributes), "f|f|f|f|f|f");
    let memberships = "SELECT count(*) FROM pg_auth_members WHERE member = 'breakglass'::regrole
                       AND roleid::regrole::text NOT LIKE 'breakglass_g%'";
    assert_eq!(shop.server.admin("shop", memberships), "0");
    let owner = "SELECT rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'breakglass_owner'";
    assert_eq!(shop.server.admin("shop", owner), "f|f");
}

#[test]
fn whoever_steals_the_brokers_password_gets_nothing_else() {
    let shop = Shop::alone();
    for sql in [
        "SELECT * FROM customers",
        "CREATE ROLE thief LOGIN",
        "ALTER ROLE postgres PASSWORD 'x'",
        "ALTER ROLE shop_reader PASSWORD 'x'",
        "ALTER ROLE breakglass SUPERUSER",
        "ALTER ROLE breakglass CONNECTION LIMIT 1000",
        "SET ROLE breakglass_owner",
        "SET ROLE shop_migrator",
        "GRANT shop_migrator TO breakglass",
        "GRANT pg_execute_server_program TO breakglass",
        "GRANT pg_read_all_data TO breakglass",
        "COPY customers FROM PROGRAM 'id'",
        "CREATE TABLE t (a int)",
        "CREATE SCHEMA s",
        "CREATE OR REPLACE FUNCTION breakglass.drop_role(role text, ledger text) RETURNS boolean
           LANGUAGE sql AS 'SELECT true'",
        "DO $$ BEGIN ASSERT (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE usename = 'postgres' LIMIT 1); END $$",
        "SELECT breakglass.drop_role('shop_reader', 'glass.example/ledger')",
        "SELECT breakglass.close_role('postgres', 'glass.example/ledger')",
        "SELECT breakglass.end_certificate('postgres', 1)",
        "SELECT breakglass.create_role('thief', 'shop_migrator', now() + '1 day', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'shop_owner', now() + '1 day', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'pg_read_all_data', now() + '1 day', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'postgres', now() + '1 day', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'shop_migrator', 'infinity', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'shop_migrator', now() + '1 day', 'a password', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'shop_migrator', now() + '1 day', NULL, 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'shop_migrator', NULL, 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role(NULL, 'shop_migrator', now() + '1 day', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', NULL, now() + '1 day', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, 'breakglass ledger=x ')",
        "SELECT breakglass.create_role('breakglass_g1_1', 'shop_migrator', now() + '1 day', 'SCRAM-SHA-256$4096:AA==$AA==:AA==', 1, NULL)",
    ] {
        let said = shop.server.as_broker("shop", sql);
        assert_ne!(said.code, 0, "{sql}: {said}");
    }
    let made = "SELECT count(*) FROM pg_roles WHERE rolname ~ 'thief|breakglass_g'";
    assert_eq!(shop.server.admin("shop", made), "0");
}

#[test]
fn nobody_else_can_call_the_brokers_functions() {
    let shop = Shop::opens();
    let everybody = "SELECT count(*) FROM pg_proc p, pg_roles r
        WHERE pronamespace = 'breakglass'::regnamespace AND NOT rolsuper
          AND rolname NOT IN ('breakglass', 'breakglass_owner')
          AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
          AND has_schema_privilege(r.oid, 'breakglass', 'USAGE')";
    assert_eq!(shop.server.admin("shop", everybody), "0");
    // Each of them looks names up in pg_catalog only.
    let paths = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'breakglass'::regnamespace
        AND proconfig IS DISTINCT FROM ARRAY['search_path=pg_catalog, pg_temp']";
    assert_eq!(shop.server.admin("shop", paths), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_may_not_hand_out_comes_with_the_sql_that_allows_it() {
    let shop = Shop::alone();
    shop.server.admin(
        "shop",
        "CREATE ROLE too_strong CREATEROLE; CREATE ROLE behind; GRANT too_strong TO behind;
         CREATE ROLE shut_out; REVOKE CONNECT ON DATABASE shop FROM PUBLIC;
         GRANT CONNECT ON DATABASE shop TO breakglass, too_strong;
         GRANT behind, shut_out TO breakglass_owner WITH ADMIN OPTION",
    );
    for (role, why, run) in [
        ("nobody", "there is no role nobody", "CREATE ROLE nobody;"),
        (
            "shop_owner",
            "the broker may not hand out the role shop_owner",
            "GRANT shop_owner TO breakglass_owner WITH ADMIN OPTION;",
        ),
        (
            "behind",
            "the role behind can become too_strong, which can make roles that outlive a grant",
            "ALTER ROLE too_strong NOSUPERUSER NOCREATEROLE;",
        ),
        (
            "shut_out",
            "the role shut_out may not connect to the database shop",
            "GRANT CONNECT ON DATABASE shop TO shut_out;",
        ),
    ] {
        let order = order(role, now().plus(Lifetime::from_secs(600)));
        let password = Password::draw(&entropy());
        let refused = shop
            .broker
            .create_role(&order, &password)
            .await
            .unwrap_err();
        let PostgresError::Misconfigured { server, .. } = &refused else {
            panic!("{refused:?}");
        };
        assert_eq!(
            refused.to_string(),
            format!("the PostgreSQL server {server} cannot be used: {why}; run: {run}")
        );
        assert!(!shop.knows(order.name), "nothing is half made");
    }
    // And a time that is over by the server's clock.
    let late = order("shop_migrator", now().minus(Lifetime::from_secs(60)));
    let refused = shop
        .broker
        .create_role(&late, &Password::draw(&entropy()))
        .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("valid until some time to come")
    );
}
