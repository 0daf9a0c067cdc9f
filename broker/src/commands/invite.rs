//! `glassd invite`: an enrolment line, while no broker runs.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::event::Change;
use breakglass_domain::{PersonId, Time};
use zeroize::Zeroizing;

use super::stores::{Keys, Stores, act_offline};
use super::{Failure, Printer, running};
use crate::app::token::{Token, invitation};
use crate::config::Config;
use crate::edge::{SystemClock, SystemEntropy, install_crypto};
use crate::ports::{Decided, Entropy};

/// Invite somebody in the policy, while the broker does not run
///
/// Prints the one command that enrols a laptop; it works once, and for a day. While the broker runs,
/// somebody whom the policy lets invite does it from their laptop: glass people invite PERSON.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd invite founder --config /etc/breakglass/glassd.toml")]
pub(super) struct Invite {
    /// Their id in the policy
    #[arg(required = true)]
    people: Vec<PersonId>,
}

impl Invite {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        demand_stopped(config, &format!("glass people invite {}", self.people[0]))?;
        let keys = Keys::load(config)?;
        let stores = Stores::open(config, keys.ledger.clone())?;
        let invitations = Invitations::draw(&self.people, &entropy()?);
        let decided = act_offline(stores, Arc::new(SystemClock::start()), invitations.acts())?;
        let url = config.public_url(config.settings.listen.port());
        for text in invitations.lines(&decided, &url, &keys.authority.pin()) {
            printer.line(&*text);
        }
        Ok(())
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

/// Secrets for some people, before their hashes are on record.
pub(super) struct Invitations(Vec<(PersonId, Token)>);

impl Invitations {
    pub(super) fn draw(people: &[PersonId], entropy: &dyn Entropy) -> Self {
        Self(
            people
                .iter()
                .map(|person| (person.clone(), Token::draw(entropy)))
                .collect(),
        )
    }

    /// What puts them on record, in order.
    pub(super) fn acts(&self) -> Vec<Act> {
        let act = |(person, token): &(PersonId, Token)| Act::Invite {
            person: person.clone(),
            token: token.hash().clone(),
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
        let line = |((person, token), decided): (&(PersonId, Token), &Decided)| {
            let until = expiry(decided)
                .map(|at| format!(", until {at}"))
                .unwrap_or_default();
            Zeroizing::new(format!(
                "\nOn the laptop of {person} (works once{until}):\n\n  glass enroll '{}'",
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
            Change::PersonInvited { expires_at, .. } => Some(*expires_at),
            _ => None,
        })
}
