//! What `glassd check` says of targets: whether each database can be used, and who guards a host.

use std::sync::Arc;

use breakglass_domain::policy::access::{Target, TargetKind};
use breakglass_domain::{Policy, State, TargetId};

use super::check::Finding;
use super::databases::server;
use super::invite::entropy;
use super::serve::explained;
use super::{Failure, runtime};
use crate::config::Config;
use crate::edge::SystemClock;
use crate::effects::postgres::{GroupRole, Postgres};

/// Databases first, of the policy and of the config; then hosts and services with their guards.
pub(super) fn look(config: &Config, policy: &Policy, state: &State) -> Vec<Finding> {
    let in_config = config.settings.postgres.keys().map(|name| name.id());
    let of_kind = |kind| move |(_, target): &(&TargetId, &Target)| target.kind == kind;
    let in_policy = policy.targets.iter().filter(of_kind(TargetKind::Postgres));
    let mut databases: Vec<_> = in_config.chain(in_policy.map(|(id, _)| id)).collect();
    databases.sort();
    databases.dedup();
    let databases = databases.into_iter().map(|id| {
        let found = database(config, policy, id);
        Finding::of(format!("postgres.{id}"), found)
    });
    let guarded = policy.targets.iter();
    let guarded = guarded.filter(|(_, it)| matches!(it.kind, TargetKind::Ssh | TargetKind::Http));
    let guarded = guarded.map(|(id, _)| Finding::of(format!("target {id}"), Ok(guard(state, id))));
    databases.chain(guarded).collect()
}

/// Asks it, as the broker does.
fn database(config: &Config, policy: &Policy, id: &TargetId) -> Result<String, Failure> {
    let server = server(config, policy, id).map_err(Failure::new)?;
    let told = format!(
        "{} on {}:{}, as {}",
        server.database, server.host, server.port, server.user
    );
    let clock = Arc::new(SystemClock::start());
    let (postgres, runtime) = (
        Postgres::new(server, clock, Arc::new(entropy()?)),
        runtime()?,
    );
    let groups = handed_out(policy, id);
    let asked = postgres.and_then(|postgres| runtime.block_on(postgres.check(&groups)));
    match asked {
        Ok(()) => Ok(told),
        Err(why) => Err(Failure::new(explained(id, why).to_string())),
    }
}

/// The roles of a database that the policy's rights lead to. It refuses names that are none.
fn handed_out(policy: &Policy, id: &TargetId) -> Vec<GroupRole> {
    let leads = policy
        .rights
        .values()
        .filter_map(|right| right.postgres.as_ref());
    let leads = leads.filter(|leads| leads.target == *id);
    let mut roles: Vec<_> = leads
        .filter_map(|leads| GroupRole::parse(leads.role.as_str()).ok())
        .collect();
    roles.sort();
    roles.dedup();
    roles
}

/// A target without a guard is no mistake: its credentials end by themselves. What is open there is
/// not ended with them.
fn guard(state: &State, id: &TargetId) -> String {
    match state.targets.guards.get(id).map_or(0, |keys| keys.len()) {
        0 => format!(
            "no guard is enrolled, so open sessions outlive their grant: glass targets invite {id}"
        ),
        1 => "a guard is enrolled".into(),
        count => format!("{count} keys of its guard are enrolled"),
    }
}
