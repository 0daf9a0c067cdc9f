//! A role goes, and what it made stays: whatever happens meanwhile.

use std::time::Duration;

use super::{Made, Shop, group};
use breakglass_broker::effects::postgres::PostgresError;

/// What a migration leaves behind, some of it owned by the role itself: `SET ROLE NONE` makes it so.
fn migrates(shop: &Shop, made: &Made) {
    let names = made.role.to_string();
    shop.done(
        made,
        "shop",
        &format!("CREATE TABLE as_group_{names} (a int)"),
    );
    shop.done(
        made,
        "shop",
        &format!(
            "SET ROLE NONE; CREATE SCHEMA s_{names}; CREATE TABLE s_{names}.t (id serial, a int);
             INSERT INTO s_{names}.t (a) VALUES (7); CREATE VIEW s_{names}.v AS SELECT a FROM s_{names}.t;
             CREATE FUNCTION s_{names}.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
             CREATE TYPE s_{names}.e AS ENUM ('x');
             GRANT SELECT ON s_{names}.t TO shop_reader;
             ALTER DEFAULT PRIVILEGES IN SCHEMA s_{names} GRANT SELECT ON TABLES TO shop_reader"
        ),
    );
    shop.done(
        made,
        "stock",
        &format!("SET ROLE NONE; CREATE TABLE public.t_{names} (a int)"),
    );
}

/// Everything of it is there and the group's.
fn is_the_groups(shop: &Shop, made: &Made) {
    let names = made.role.to_string();
    let owners = shop.server.admin(
        "shop",
        &format!(
            "SELECT string_agg(DISTINCT owner::regrole::text, ',') FROM (
               SELECT relowner AS owner FROM pg_class WHERE relname = 'as_group_{names}'
                 OR relnamespace = 's_{names}'::regnamespace
               UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname = 's_{names}'
               UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 's_{names}'::regnamespace
               UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = 's_{names}'::regnamespace
             ) AS owned"
        ),
    );
    assert_eq!(owners, "shop_migrator");
    assert_eq!(
        shop.server
            .admin("shop", &format!("SELECT a FROM s_{names}.v")),
        "7"
    );
    let stock = format!("SELECT relowner::regrole FROM pg_class WHERE relname = 't_{names}'");
    assert_eq!(shop.server.admin("stock", &stock), "shop_migrator");
    let granted = format!("SELECT has_table_privilege('shop_reader', 's_{names}.t', 'SELECT')");
    assert_eq!(
        shop.server.admin("shop", &granted),
        "t",
        "what others were given stays"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_made_belongs_to_the_group_in_every_database() {
    let shop = Shop::opens();
    let made = shop.makes().await;
    migrates(&shop, &made);
    let heir = group("shop_migrator");
    let dropped = shop.broker.drop_role(made.role, &heir).await.unwrap();
    assert!(dropped.cut.was_there);
    assert!(!shop.knows(made.role));
    is_the_groups(&shop, &made);
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_twice_or_what_never_was_is_fine() {
    let shop = Shop::opens();
    let made = shop.makes().await;
    let heir = group("shop_migrator");
    let first = shop.broker.drop_role(made.role, &heir).await.unwrap();
    let again = shop.broker.drop_role(made.role, &heir).await.unwrap();
    assert!(first.cut.was_there);
    assert!(!again.cut.was_there);
    assert_eq!(again.cut.sessions, 0);
    assert!(!shop.broker.cut(made.role).await.unwrap().was_there);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_died_on_the_way_goes_on_from_there() {
    let shop = Shop::opens();
    let (group, ledger) = ("shop_migrator", "glass.example/ledger");
    // What a broker has done of it when it dies, as it does it itself.
    let close = |role: &str| format!("SELECT breakglass.close_role('{role}', '{ledger}')");
    let hand_over = |role: &str| {
        format!(
            "BEGIN; SET LOCAL ROLE {role}; REASSIGN OWNED BY {role} TO {group};
             DROP OWNED BY {role}; COMMIT"
        )
    };
    for steps in 0..=3 {
        let made = shop.makes().await;
        migrates(&shop, &made);
        let role = made.role.to_string();
        let all = [
            ("shop", close(&role)),
            ("shop", hand_over(&role)),
            ("stock", hand_over(&role)),
        ];
        for (database, sql) in &all[..steps] {
            let said = shop.server.as_broker(database, sql);
            assert_eq!(said.code, 0, "{sql}: {said}");
        }
        let dropped = shop.broker.drop_role(made.role, &super::group(group)).await;
        assert!(dropped.unwrap().cut.was_there, "after {steps} steps");
        assert!(!shop.knows(made.role), "after {steps} steps");
        is_the_groups(&shop, &made);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_are_no_trouble() {
    let shop = Shop::opens();
    let made = shop.makes().await;
    migrates(&shop, &made);
    let heir = group("shop_migrator");
    let both = tokio::join!(
        shop.broker.drop_role(made.role, &heir),
        shop.broker.drop_role(made.role, &heir),
    );
    // One may be told to come back; it is gone then.
    for dropped in [both.0, both.1] {
        if let Err(why) = dropped {
            assert!(matches!(why, PostgresError::Refused { .. }), "{why}");
            shop.broker.drop_role(made.role, &heir).await.unwrap();
        }
    }
    assert!(!shop.knows(made.role));
    is_the_groups(&shop, &made);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_it_cannot_be_reached_and_later_it_works() {
    let shop = Shop::alone();
    let made = shop.makes().await;
    let session = shop.session(&made);
    let heir = group("shop_migrator");
    shop.server.stops();
    let away = shop.broker.drop_role(made.role, &heir).await.unwrap_err();
    assert!(
        matches!(away, PostgresError::Unreachable { .. }),
        "{away:?}"
    );
    drop(session);
    shop.server.starts();
    assert!(shop.knows(made.role), "nothing has happened yet");
    let dropped = shop.broker.drop_role(made.role, &heir).await.unwrap();
    assert!(dropped.cut.was_there);
    assert!(!shop.knows(made.role));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_use_keeps_the_role_but_not_the_access() {
    let shop = Shop::alone();
    let made = shop.makes().await;
    migrates(&shop, &made);
    let session = shop.session(&made);
    // Somebody else reads one of its tables, and does not finish.
    let mut reader = shop.server.psql("shop");
    reader
        .env("PGHOST", shop.server.path(""))
        .env("PGUSER", "postgres");
    reader
        .env_remove("PGHOSTADDR")
        .stdin(std::process::Stdio::piped());
    let mut reader = breakglass_tests::playground::Process::spawn(reader);
    reader.hears(&format!(
        "BEGIN; SELECT 'reads', a FROM s_{}.t;\n",
        made.role
    ));
    reader.says("reads");
    let heir = group("shop_migrator");
    let held_up = shop.broker.drop_role(made.role, &heir).await.unwrap_err();
    let PostgresError::Refused { sqlstate, .. } = &held_up else {
        panic!("{held_up:?}");
    };
    assert_eq!(sqlstate, "55P03", "{held_up}");
    assert_eq!(
        shop.sessions_of(&made.role.to_string()),
        "0",
        "access has ended"
    );
    let said = shop.psql(&made, "shop", "SELECT 1");
    assert_ne!(said.code, 0, "{said}");
    drop((reader, session));
    let dropped = shop.broker.drop_role(made.role, &heir).await.unwrap();
    assert!(dropped.took < Duration::from_secs(2), "{dropped:?}");
    is_the_groups(&shop, &made);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_others_gave_it_are_named_with_what_takes_them_away() {
    let shop = Shop::opens();
    let made = shop.makes().await;
    let role = made.role;
    let gave =
        format!("GRANT INSERT ON customers TO {role}; GRANT TEMP ON DATABASE shop TO {role}");
    shop.server.admin("shop", &gave);
    let heir = group("shop_migrator");
    let held = shop.broker.drop_role(role, &heir).await.unwrap_err();
    assert!(
        matches!(held, PostgresError::Misconfigured { .. }),
        "{held:?}"
    );
    let text = held.to_string();
    let run = format!("run: DROP OWNED BY {role};");
    assert!(text.contains("(in shop)") && text.ends_with(&run), "{text}");
    let said = shop.psql(&made, "shop", "SELECT 1");
    assert_ne!(said.code, 0, "{said}");
    shop.server.admin("shop", &format!("DROP OWNED BY {role};"));
    shop.broker.drop_role(role, &heir).await.unwrap();
    assert!(!shop.knows(role));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_finds_its_own_roles_and_leaves_anothers_alone() {
    let shop = Shop::alone();
    let (known, orphan) = (shop.makes().await, shop.makes().await);
    let mut elsewhere = shop.server.for_broker();
    elsewhere.ledger = "glass.example/ledger2".into();
    let elsewhere = super::broker_of(elsewhere);
    let there = shop.broker.roles().await.unwrap();
    let names: Vec<_> = there.iter().map(|found| found.name).collect();
    assert_eq!(names, [known.role, orphan.role]);
    let heir = there[1].member_of.clone().expect("it belongs to its group");
    assert_eq!(heir, group("shop_migrator"));
    assert_eq!(elsewhere.roles().await.unwrap(), []);
    let refused = elsewhere.drop_role(orphan.role, &heir).await.unwrap_err();
    assert!(
        matches!(refused, PostgresError::Misconfigured { .. }),
        "{refused:?}"
    );
    assert!(
        refused
            .to_string()
            .contains("was not made by the broker of the ledger")
    );
    shop.broker.drop_role(orphan.role, &heir).await.unwrap();
    let left = shop.broker.roles().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].name, known.role);
}
