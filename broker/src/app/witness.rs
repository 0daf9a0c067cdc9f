//! Witnesses: what is on record of them, and what waits for them.
//!
//! It stands between the receipt and the making of a credential: the entry that announces it is
//! durable, and so in the checkpoint that witnesses are asked to sign. The sequencer waits for none
//! of it.

use std::sync::Arc;

use breakglass_domain::command::Act;
use breakglass_domain::policy;
use breakglass_domain::{Actor, Command, GrantRef, Refusal, Time};
use breakglass_tlog::cosigned::Cosigned;

use super::{App, Caller, Error};
use crate::ports::Witnessed;

/// What a refusal's entry calls it: the act that could not be carried through.
const ISSUE: &str = "issue-credential";

impl App {
    /// Who co-signs the ledger, and how many of them have to, by the policy in force.
    #[must_use]
    pub fn asked_witnesses(&self) -> Option<policy::Witnesses> {
        self.live.read(|state| state.policy.witnesses.clone())
    }

    /// The newest checkpoint that enough of them have signed.
    #[must_use]
    pub fn witnessed(&self) -> Option<Arc<Cosigned>> {
        self.witnesses.newest()
    }

    /// Since when it is on record that too few of them sign.
    #[must_use]
    pub fn unwitnessed_since(&self) -> Option<Time> {
        self.live.read(|state| state.witnessing.lost_since)
    }

    /// Puts on record that enough of them have signed; what is on record already is not written again.
    ///
    /// # Errors
    /// [`Error::Ledger`] where it could not be written.
    pub async fn note_witnessed(&self, cosigned: &Cosigned) -> Result<(), Error> {
        self.broker_notes(Act::NoteWitnessed {
            size: cosigned.size(),
            checkpoint: cosigned.note().to_owned(),
        })
        .await
    }

    /// Puts on record that too few of them sign, once.
    ///
    /// # Errors
    /// [`Error::Ledger`] where it could not be written.
    pub async fn note_unwitnessed(&self) -> Result<(), Error> {
        let witnessed = self.witnesses.newest().map_or(0, |newest| newest.size());
        self.broker_notes(Act::NoteUnwitnessed { witnessed }).await
    }

    /// Waits until enough witnesses have signed the ledger with this entry in it, and until that is on
    /// record; answers how it is in there.
    ///
    /// # Errors
    /// [`Refusal::NotWitnessed`] where they do not in time, which is an entry; [`Error::Ledger`].
    pub(super) async fn until_witnessed(
        &self,
        caller: &Caller,
        of: &GrantRef,
        index: u64,
    ) -> Result<Witnessed, Error> {
        let reached = self.witnesses.reached(index + 1);
        match tokio::time::timeout(self.settings.witness_patience, reached).await {
            Ok(cosigned) => {
                self.note_witnessed(&cosigned).await?;
                let inclusion = self.reader.prove_inclusion(index, cosigned.size())?;
                Ok(Witnessed {
                    cosigned,
                    inclusion,
                })
            }
            Err(_) => Err(self.not_witnessed(caller, of).await),
        }
    }

    async fn not_witnessed(&self, caller: &Caller, of: &GrantRef) -> Error {
        let right = of.right.clone();
        let refusal = Refusal::NotWitnessed { right };
        let noted = Act::NoteRefusal {
            by: Actor::Person(caller.person.clone()),
            act: ISSUE.to_owned(),
            reason: refusal.code().to_owned(),
            text: refusal.to_string(),
            count: 1,
            incident: Some(of.incident),
            checkpoint: None,
        };
        let lost = self.note_unwitnessed().await;
        match lost.and(self.broker_notes(noted).await) {
            Ok(()) => self.told_in_full(refusal.into()).await,
            Err(error) => error,
        }
    }

    async fn broker_notes(&self, act: Act) -> Result<(), Error> {
        let command = Command {
            by: Actor::Broker,
            signed: None,
            act,
        };
        self.submit(command).await.map(drop)
    }
}
