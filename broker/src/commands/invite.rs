//! `glassd invite`: an enrolment line, while no broker runs.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::event::Change;
use breakglass_domain::{PersonId, Policy, TargetId, Time};
use zeroize::Zeroizing;

use super::stores::{Keys, Stores, act_offline, read_policy};
use super::{Failure, Printer, running};
use crate::app::token::{Token, invitation};
use crate::config::Config;
use crate::edge::{SystemClock, SystemEntropy, install_crypto};
use crate::ports::{Decided, Entropy};

/// Invite somebody in the policy, or the guard of a target, while the broker does not run
///
/// Prints the one command that enrols a laptop or a guard; it works once, and for a day. While the
/// broker runs, somebody whom the policy lets invite does it from their laptop: glass people invite
/// PERSON, glass targets invite TARGET.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glassd invite founder --config /etc/breakglass/glassd.toml
  glassd invite web-1 --config /etc/breakglass/glassd.toml")]
pub(super) struct Invite {
    /// Their id in the policy: of a person, or of a target where no person is called so
    #[arg(required = true, value_name = "ID")]
    invited: Vec<PersonId>,
}

impl Invite {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        demand_stopped(config, &instead(&self.invited[0], config))?;
        let keys = Keys::load(config)?;
        let stores = Stores::open(config, keys.ledger.clone())?;
        let invited = stores
            .live
            .read(|state| invited(&self.invited, &state.policy));
        let invitations = Invitations::of(invited, &entropy()?);
        let decided = act_offline(stores, Arc::new(SystemClock::start()), invitations.acts())?;
        let url = config.public_url(config.settings.listen.port());
        for text in invitations.lines(&decided, &url, &keys.authority.pin()) {
            printer.line(&*text);
        }
        Ok(())
    }
}

/// What somebody with a laptop runs while the broker does; of which kind the id is, the policy says.
fn instead(id: &PersonId, config: &Config) -> String {
    let (person, target) = (
        format!("glass people invite {id}"),
        format!("glass targets invite {id}"),
    );
    let Ok(policy) = read_policy(&config.policy_file) else {
        return format!("{person}, or where it is a target, {target}");
    };
    match invited(std::slice::from_ref(id), &policy).as_slice() {
        [Invited::Guard(_)] => target,
        _ => person,
    }
}

/// Only while no broker runs can somebody else write to its ledger.
pub(super) fn demand_stopped(config: &Config, instead: &str) -> Result<(), Failure> {
    let Some(process) = running::process(config) else {
        return Ok(());
    };
    let what = format!(
        "the broker runs (process {}), and only it writes to its ledger",
        process.as_raw_nonzero()
    );
    Err(Failure::new(what).then(format!("on a laptop that may: {instead}")))
}

pub(super) fn entropy() -> Result<SystemEntropy, Failure> {
    SystemEntropy::open().map_err(|e| Failure::new(e.to_string()))
}

/// Who is invited: whom the policy knows as a target and not as a person is a target.
fn invited(ids: &[PersonId], policy: &Policy) -> Vec<Invited> {
    let one = |id: &PersonId| {
        let target = id.as_str().parse::<TargetId>();
        let target = target.ok().filter(|id| policy.targets.contains_key(id));
        match target {
            Some(target) if !policy.people.contains_key(id) => Invited::Guard(target),
            _ => Invited::Person(id.clone()),
        }
    };
    ids.iter().map(one).collect()
}

/// Who an invitation is for.
#[derive(Clone)]
enum Invited {
    /// Somebody on the team.
    Person(PersonId),
    /// What runs beside this target.
    Guard(TargetId),
}

/// Secrets for some people and guards, before their hashes are on record.
pub(super) struct Invitations(Vec<(Invited, Token)>);

impl Invitations {
    pub(super) fn draw(people: &[PersonId], entropy: &dyn Entropy) -> Self {
        Self::of(people.iter().cloned().map(Invited::Person), entropy)
    }

    fn of(invited: impl IntoIterator<Item = Invited>, entropy: &dyn Entropy) -> Self {
        let with_token = |invited| (invited, Token::draw(entropy));
        Self(invited.into_iter().map(with_token).collect())
    }

    /// What puts them on record, in order.
    pub(super) fn acts(&self) -> Vec<Act> {
        let act = |(invited, token): &(Invited, Token)| {
            let token = token.hash().clone();
            match invited.clone() {
                Invited::Person(person) => Act::Invite { person, token },
                Invited::Guard(target) => Act::InviteTarget { target, token },
            }
        };
        self.0.iter().map(act).collect()
    }

    /// What to hand over, once they are.
    pub(super) fn lines(
        &self,
        decided: &[Decided],
        url: &str,
        pin: &str,
    ) -> Vec<Zeroizing<String>> {
        let line = |((invited, token), decided): (&(Invited, Token), &Decided)| {
            let until = expiry(decided)
                .map(|at| format!(", until {at}"))
                .unwrap_or_default();
            let place = match invited {
                Invited::Person(person) => format!("On the laptop of {person}"),
                Invited::Guard(target) => format!("For the guard of {target}"),
            };
            Zeroizing::new(format!(
                "\n{place} (works once{until}):\n\n  glass enroll '{}'",
                *invitation(url, pin, token)
            ))
        };
        self.0.iter().zip(decided).map(line).collect()
    }
}

fn expiry(decided: &Decided) -> Option<Time> {
    decided
        .recorded
        .iter()
        .find_map(|recorded| match &recorded.event.change {
            Change::PersonInvited { expires_at, .. } | Change::TargetInvited { expires_at, .. } => {
                Some(*expires_at)
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_invited_where_no_person_is_called_so() {
        let targets = "[targets.web-1]\nkind = \"ssh\"\naddress = \"web-1.shop.example\"\n\
                       [targets.mia]\nkind = \"ssh\"\naddress = \"mia.shop.example\"\n";
        let text = format!("{}\n{targets}", breakglass_domain::policy::STARTER);
        let policy = Policy::parse("policy.toml", &text).unwrap();
        let ids = ["web-1", "mia", "nobody"].map(|id| id.parse().unwrap());
        let who: Vec<_> = invited(&ids, &policy)
            .into_iter()
            .map(|invited| match invited {
                Invited::Person(person) => person.to_string(),
                Invited::Guard(target) => format!("the guard of {target}"),
            })
            .collect();
        assert_eq!(who, ["the guard of web-1", "mia", "nobody"]);
    }
}
