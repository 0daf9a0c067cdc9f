//! What happens by itself: `jobs` asks for it again and again, and it never gives up.

use std::time::Duration;

use breakglass_domain::command::Act;
use breakglass_domain::{Actor, Command, GrantId, Refusal, Time};

use super::{App, Error};
use crate::ports::Declined;

impl App {
    /// Ends what is due: grants, requests and incidents whose time has come, held grants whose
    /// holder is gone; and writes folded refusals. Doing it twice does nothing twice.
    ///
    /// # Errors
    /// The first thing that could not be written; it is still due.
    pub async fn tick(&self) -> Result<(), Error> {
        let ended = self.end_due().await;
        let abandoned = self.abandon_gone().await;
        self.write_folded_refusals().await;
        ended.and(abandoned)
    }

    /// How long until something is next due by itself; `None` where nothing is.
    #[must_use]
    pub fn until_next_deadline(&self) -> Option<Duration> {
        let now = self.clock.now();
        let at = self.live.read(breakglass_domain::State::next_deadline)?;
        let millis = at.since(now).as_millis();
        Some(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
    }

    async fn end_due(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let is_due = |at: Time, newest: Time| at <= now.max(newest);
        let due = self.live.read(|state| {
            let next = state.next_deadline();
            next.is_some_and(|at| is_due(at, state.newest))
        });
        if due {
            self.by_itself(Act::Tick).await?;
        }
        Ok(())
    }

    async fn abandon_gone(&self) -> Result<(), Error> {
        let living: Vec<GrantId> = self.live.read(|state| {
            let held = state.grants.values().filter(|grant| grant.held);
            held.map(|grant| grant.of.grant).collect()
        });
        let now = self.clock.monotonic();
        for grant in self.presence.gone(living, now, self.settings.hold_grace) {
            tracing::info!(%grant, "the holder has been gone for longer than the grace");
            self.by_itself(Act::Abandon { grant }).await?;
        }
        Ok(())
    }

    async fn by_itself(&self, act: Act) -> Result<(), Error> {
        let command = Command {
            by: Actor::Broker,
            signed: None,
            act,
        };
        match self.sequencer.submit(command).await {
            // It ended in another way meanwhile.
            Ok(_) | Err(Declined::Refused(Refusal::GrantEnded { .. })) => Ok(()),
            Err(declined) => Err(declined.into()),
        }
    }
}
