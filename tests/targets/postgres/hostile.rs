//! Names that would be commands, and people who do not want to leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use breakglass_broker::effects::postgres::Password;
use breakglass_domain::Lifetime;
use breakglass_tests::playground::Process;

use super::{Made, Shop, broker_of, entropy, group, now, order};

/// As an administrator would have to write it, by hand, in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_names_whatever_is_in_them() {
    let shop = Shop::alone();
    let names = [
        "Shop Migrator",
        "shop\"; DROP TABLE customers; --",
        "shop'; DROP TABLE customers; --",
        "%s%I%L$1\\",
        "$$; DROP TABLE customers; $$",
        "g\u{e4}rtner \u{1f333}",
        "user",
        &"x".repeat(63),
    ];
    for name in names {
        let role = quoted(name);
        shop.server.admin(
            "shop",
            &format!(
                "CREATE ROLE {role}; GRANT {role} TO breakglass_owner WITH ADMIN OPTION;
                 GRANT SELECT ON customers TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
            ),
        );
        shop.server.lets_in("hostssl all all all scram-sha-256");
        let order = order(name, now().plus(Lifetime::from_secs(600)));
        let password = Password::draw(&entropy());
        shop.broker.create_role(&order, &password).await.unwrap();
        let made = Made {
            role: order.name,
            password,
        };
        assert_eq!(shop.done(&made, "shop", "SELECT current_user"), name);
        shop.done(&made, "shop", "SET ROLE NONE; CREATE TABLE t (a int)");
        let there = shop.broker.roles().await.unwrap();
        let found = there.iter().find(|found| found.name == made.role).unwrap();
        assert_eq!(found.member_of, Some(group(name)));
        shop.broker
            .drop_role(made.role, &group(name))
            .await
            .unwrap();
        let owner = "SELECT rolname FROM pg_class c JOIN pg_roles r ON r.oid = relowner \
                     WHERE relname = 't' AND relkind = 'r'";
        assert_eq!(shop.server.admin("shop", owner), name);
        shop.server.admin("shop", "DROP TABLE t");
    }
    assert_eq!(
        shop.server.admin("shop", "SELECT name FROM customers"),
        "a customer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_with_quotes_in_its_name_is_a_name() {
    let shop = Shop::alone();
    let mut server = shop.server.for_broker();
    server.ledger = "o'brien%s\\'; DROP TABLE customers; --".into();
    let broker = broker_of(server);
    let order = order("shop_migrator", now().plus(Lifetime::from_secs(600)));
    broker
        .create_role(&order, &Password::draw(&entropy()))
        .await
        .unwrap();
    assert_eq!(broker.roles().await.unwrap().len(), 1);
    assert_eq!(shop.broker.roles().await.unwrap(), []);
    broker
        .drop_role(order.name, &order.member_of)
        .await
        .unwrap();
    assert!(!shop.knows(order.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_their_own_role_outlive_the_grant() {
    let shop = Shop::alone();
    let made = shop.makes().await;
    let role = made.role;
    for sql in [
        format!("ALTER ROLE {role} VALID UNTIL 'infinity'"),
        format!("SET ROLE NONE; ALTER ROLE {role} VALID UNTIL 'infinity'"),
        format!("SET ROLE NONE; ALTER ROLE {role} CREATEROLE"),
        "SET ROLE NONE; CREATE ROLE later LOGIN".into(),
        "SET ROLE NONE; GRANT shop_migrator TO leon".into(),
        format!("SET ROLE NONE; GRANT {role} TO leon"),
        "GRANT shop_migrator TO leon".into(),
        format!("COMMENT ON ROLE {role} IS 'not of breakglass'"),
        format!("SET ROLE NONE; SELECT breakglass.drop_role('{role}', 'x')"),
        "SET ROLE breakglass_owner".into(),
    ] {
        let said = shop.psql(&made, "shop", &sql);
        assert_ne!(said.code, 0, "{sql}: {said}");
    }
    // What PostgreSQL lets everybody do with their own role, and what an administrator may have done.
    let password = format!("SET ROLE NONE; ALTER ROLE {role} PASSWORD 'mine'");
    shop.done(&made, "shop", &password);
    shop.server.admin("shop", &format!("GRANT {role} TO leon"));
    let leon = "SELECT has_table_privilege('leon', 'customers', 'SELECT')";
    assert_eq!(shop.server.admin("shop", leon), "t");
    shop.broker.cut(role).await.unwrap();
    assert_eq!(
        shop.server.admin("shop", leon),
        "f",
        "cut off with the role"
    );
    let mut psql = shop.server.psql_as("shop", &role.to_string(), "mine");
    psql.args(["-c", "SELECT 1"]);
    let said = Process::spawn(psql).finishes();
    assert_ne!(said.code, 0, "{said}");
    shop.broker
        .drop_role(role, &group("shop_migrator"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_logs_in_again_and_again_is_out_all_the_same() {
    let shop = Arc::new(Shop::alone());
    let made = Arc::new(shop.makes().await);
    let over = Arc::new(AtomicBool::new(false));
    let stubborn: Vec<_> = (0..4)
        .map(|_| {
            let (shop, made, over) = (shop.clone(), made.clone(), over.clone());
            std::thread::spawn(move || {
                let mut came_in = 0;
                while !over.load(Ordering::Relaxed) {
                    let said = shop.psql(&made, "shop", "SELECT pg_sleep(30)");
                    came_in += u32::from(said.err.contains("terminating connection"));
                }
                came_in
            })
        })
        .collect();
    breakglass_tests::wait::until("they are in", "their sessions are counted", || {
        (shop.sessions_of(&made.role.to_string()) == "4").then_some(())
    });
    let heir = group("shop_migrator");
    let dropped = shop.broker.drop_role(made.role, &heir).await.unwrap();
    assert!(dropped.cut.sessions >= 4, "{dropped:?}");
    over.store(true, Ordering::Relaxed);
    let left = "SELECT count(*) FROM pg_stat_activity
                WHERE backend_type = 'client backend' AND usename IS DISTINCT FROM 'postgres'";
    assert_eq!(
        shop.server.admin("shop", left),
        "0",
        "nobody, not even without a role"
    );
    for thread in stubborn {
        assert!(thread.join().unwrap() > 0, "each was in, and was cut");
    }
}
