//! A role for each grant in a real PostgreSQL server, and client certificates for a role that is
//! shared. The broker's own role has there what `deploy/postgres/setup.sql` gives it, and no more.

mod broker;
mod certificates;
mod dropping;
mod hostile;
mod rights;
mod setup;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use breakglass_broker::edge::{SystemClock, SystemEntropy};
use breakglass_broker::effects::postgres::{
    GroupRole, NewRole, Password, Postgres, Purpose, RoleName,
};
use breakglass_broker::ports::Clock as _;
use breakglass_domain::{CredentialId, GrantId, Lifetime, Time};
use breakglass_tests::playground::{Output, Process};
use breakglass_tests::postgres::Server;

/// The shop's database, and the broker.
struct Shop {
    server: Arc<Server>,
    broker: Postgres,
}

/// A role that the broker has made, and the password that only the person has.
struct Made {
    role: RoleName,
    password: Password,
}

impl Shop {
    fn opens() -> Self {
        Self::with(Server::shared())
    }

    /// With a server that nobody else uses.
    fn alone() -> Self {
        Self::with(Arc::new(Server::start()))
    }

    fn with(server: Arc<Server>) -> Self {
        let broker = broker_of(server.for_broker());
        Self { server, broker }
    }

    async fn makes(&self) -> Made {
        self.makes_until(now().plus(Lifetime::from_secs(1_800)))
            .await
    }

    async fn makes_until(&self, valid_until: Time) -> Made {
        let order = order("shop_migrator", valid_until);
        let password = Password::draw(&entropy());
        self.broker.create_role(&order, &password).await.unwrap();
        Made {
            role: order.name,
            password,
        }
    }

    /// `psql -c` as somebody with a role of a grant.
    fn psql(&self, made: &Made, database: &str, sql: &str) -> Output {
        let (user, password) = (made.role.to_string(), made.password.expose());
        let mut psql = self.server.psql_as(database, &user, password);
        psql.args(["-c", sql]);
        Process::spawn(psql).finishes()
    }

    /// The same; it has to work.
    fn done(&self, made: &Made, database: &str, sql: &str) -> String {
        let said = self.psql(made, database, sql);
        assert_eq!(said.code, 0, "{sql}: {said}");
        said.out.trim_end().to_owned()
    }

    /// A session that stays open.
    fn session(&self, made: &Made) -> Process {
        let (user, password) = (made.role.to_string(), made.password.expose());
        let mut psql = self.server.psql_as("shop", &user, password);
        psql.stdin(Stdio::piped());
        let mut session = Process::spawn(psql);
        session.hears("SELECT 'here I am';\n");
        session.says("here I am");
        session
    }

    /// Whether the server has a role.
    fn knows(&self, role: RoleName) -> bool {
        let sql = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}'");
        self.server.admin("shop", &sql) == "1"
    }

    /// How many sessions a user has.
    fn sessions_of(&self, user: &str) -> String {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'");
        self.server.admin("shop", &sql)
    }
}

fn broker_of(server: breakglass_broker::effects::postgres::Server) -> Postgres {
    Postgres::new(server, Arc::new(SystemClock::start()), Arc::new(entropy())).unwrap()
}

fn group(name: &str) -> GroupRole {
    GroupRole::parse(name).unwrap()
}

fn order(member_of: &str, valid_until: Time) -> NewRole {
    // Stories share a server, so each grant is another one.
    static GRANTS: AtomicU64 = AtomicU64::new(45);
    let grant = GrantId(GRANTS.fetch_add(1, Ordering::Relaxed));
    NewRole {
        name: RoleName::of(CredentialId { grant, number: 1 }),
        member_of: group(member_of),
        valid_until,
        purpose: Purpose {
            grant,
            person: "mia".parse().unwrap(),
            incident: "INC-12".parse().unwrap(),
        },
    }
}

fn entropy() -> SystemEntropy {
    SystemEntropy::open().unwrap()
}

fn now() -> Time {
    SystemClock::start().now()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_a_grant_works_with_psql_and_says_whose_it_is() {
    let shop = Shop::opens();
    let made = shop.makes().await;
    let who = shop.done(&made, "shop", "SELECT session_user, current_user");
    assert_eq!(who, format!("{}|shop_migrator", made.role));
    let read = shop.done(&made, "shop", "SELECT name FROM customers");
    assert_eq!(read, "a customer");
    let grant = made.role.credential().grant;
    let note = shop.server.admin(
        "shop",
        &format!(
            "SELECT shobj_description('{}'::regrole, 'pg_authid')",
            made.role
        ),
    );
    assert_eq!(
        note,
        format!("breakglass ledger=glass.example/ledger grant={grant} person=mia incident=INC-12")
    );
    let said = shop.psql(&made, "shop", "INSERT INTO customers VALUES ('mia')");
    assert!(said.err.contains("permission denied"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_reaches_the_servers_log() {
    let shop = Shop::opens();
    let made = shop.makes().await;
    shop.done(&made, "shop", "SELECT 'everything is written down'");
    let said = shop.server.said();
    assert!(said.contains("everything is written down"), "it logs all");
    assert!(said.contains("SCRAM-SHA-256$4096:"), "the verifier, too");
    assert!(!said.contains(made.password.expose()));
    assert!(!said.contains("the broker's own password"));
    let other = Made {
        role: made.role,
        password: Password::draw(&entropy()),
    };
    let said = shop.psql(&other, "shop", "SELECT 1");
    assert!(
        said.err.contains("password authentication failed"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_time_is_over_nobody_logs_in_and_what_is_open_is_cut() {
    let shop = Shop::opens();
    let valid_until = now().plus(Lifetime::from_secs(3));
    let made = shop.makes_until(valid_until).await;
    let mut session = shop.session(&made);
    breakglass_tests::wait::until("its time is over", "time passes", || {
        (now() > valid_until).then_some(())
    });
    let said = shop.psql(&made, "shop", "SELECT 1");
    assert!(
        said.err.contains("password authentication failed"),
        "{said}"
    );
    // VALID UNTIL does nothing to a session that is open: this is why there is a cut.
    session.hears("SELECT 'still here';\n");
    session.says("still here");
    let cut = shop.broker.cut(made.role).await.unwrap();
    assert!(cut.was_there);
    assert_eq!(cut.sessions, 1);
    session.hears("SELECT 'and now?';\n");
    let said = session.finishes();
    assert!(said.err.contains("terminating connection"), "{said}");
    assert!(shop.knows(made.role), "only cut off, not dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_session_is_dead_within_a_second_and_only_that_persons() {
    let shop = Shop::opens();
    let (mia, leon) = (shop.makes().await, shop.makes().await);
    let idle = shop.session(&mia);
    let mut busy = shop.session(&mia);
    busy.hears("SELECT 'busy'; SELECT pg_sleep(600);\n");
    let mut leons = shop.session(&leon);
    let heir = group("shop_migrator");
    let dropped = shop.broker.drop_role(mia.role, &heir).await.unwrap();
    assert_eq!(dropped.cut.sessions, 2);
    assert!(dropped.cut.took < Duration::from_secs(1), "{dropped:?}");
    assert!(dropped.took < Duration::from_secs(1), "{dropped:?}");
    assert_eq!(shop.sessions_of(&mia.role.to_string()), "0");
    let said = busy.finishes();
    assert!(said.err.contains("terminating connection"), "{said}");
    assert!(!shop.knows(mia.role));
    leons.hears("SELECT 'not me';\n");
    leons.says("not me");
    drop(idle);
}
