//! Request: ask, and where the rule needs nobody, begin and receive the credential at once.

use breakglass_domain::{Change, Command, Event, Grant, Refusal};
use breakglass_tlog::receipt::Receipt;

use super::act;
use super::{App, Caller, Error, Issued, Wish};
use crate::ports::Decided;

/// What a request led to.
#[derive(Debug)]
pub struct Requested {
    /// Waiting or active.
    pub grant: Grant,
    /// The entry of the request.
    pub receipt: Receipt,
    /// Where one was asked for and the grant began at once. Nothing also where the grant began and too
    /// few witnesses have signed: whoever asked has to know the grant, to try again or to give it back.
    pub credential: Option<Issued>,
}

impl App {
    /// Asks for a grant. One trip through the sequencer; the answer is built from what it recorded.
    ///
    /// # Errors
    /// [`Error::Refused`] by the rules, also where the grant ended while its credential was being
    /// recorded; [`Error::Ledger`] where it could not be written; [`Error::Issue`] where it is
    /// recorded and no credential could be made.
    pub async fn request(&self, caller: &Caller, command: Command) -> Result<Requested, Error> {
        let decided = self.submit(command).await?;
        let receipt = act::receipt(&decided)?;
        let grant = requested(&decided).ok_or(Error::Broken("a request made no grant"))?;
        let issued = self.issue_recorded(caller, &decided, &Wish::Jwt).await;
        let (grant, credential) = match issued {
            Ok(Some((issued, now))) => (now, Some(issued)),
            Ok(None) | Err(Error::Refused(Refusal::NotWitnessed { .. })) => (grant, None),
            Err(why) => return Err(why),
        };
        Ok(Requested {
            grant,
            receipt,
            credential,
        })
    }
}

/// The grant that a batch asked for, as the batch leaves it.
fn requested(decided: &Decided) -> Option<Grant> {
    let mut events = decided.recorded.iter().map(|recorded| &*recorded.event);
    let is_request = |event: &&Event| matches!(event.change, Change::GrantRequested { .. });
    let mut grant = events.find(is_request).and_then(Grant::requested)?;
    events.for_each(|event| grant.apply(event));
    Some(grant)
}
