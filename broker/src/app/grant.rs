//! Approve, deny, self-grant, record a call, extend, hand over, drop, revoke, veto: one signed act on one grant, each decided by
//! the rules; what is different between them stands in the command.

use breakglass_domain::{Command, Grant, GrantId, Refusal};

use super::act::{self, Acted};
use super::{App, Error};

impl App {
    /// Does one act on one grant: `approve`, `deny`, `self-grant`, `record-call`, `extend`, `handover`, `drop`, `revoke` or `veto`.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules; [`Error::Ledger`] where it could not be written.
    pub async fn act_on_grant(&self, command: Command) -> Result<Acted, Error> {
        let decided = self.submit(command).await?;
        let receipt = act::receipt(&decided)?;
        let recorded = decided.recorded.first();
        let recorded = recorded.ok_or(Error::Broken("an act on a grant changed nothing"))?;
        let grant = self.grant_after(recorded).await?;
        let grant = grant.ok_or(Error::Broken("an act on a grant changed another thing"))?;
        let mut also_ended = self.ended_by(&decided).await?;
        also_ended.retain(|ended| ended.of.grant != grant.of.grant);
        Ok(Acted {
            grant,
            receipt,
            also_ended,
        })
    }

    /// One grant, live or over.
    ///
    /// # Errors
    /// [`Error::Refused`] where there never was one; [`Error::Index`].
    pub async fn grant(&self, id: GrantId) -> Result<Grant, Error> {
        if let Some(live) = self.live_grant(id) {
            return Ok(live);
        }
        if id == GrantId(0) || self.live.read(|state| id >= state.next_grant) {
            return Err(Error::Refused(Refusal::UnknownGrant(id)));
        }
        let over = self.grant_over(id).await?;
        // It may have begun to live since the first look.
        over.or_else(|| self.live_grant(id))
            .ok_or(Error::Refused(Refusal::UnknownGrant(id)))
    }
}
