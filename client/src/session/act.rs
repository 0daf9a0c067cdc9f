//! One act: signed, sent as it was signed, and its receipt checked on the way back.

use breakglass_proto::{statement::Act, v1};
use tonic::{Response, Status};

use super::Session;
use crate::{
    entry::Entry,
    error::{Error, Refusal},
};

/// An answer to an act: it brings the receipt of the entry with the statement.
pub(super) trait Receipted {
    /// The receipt, where there is one.
    fn receipt(&self) -> Option<&v1::Receipt>;
}

macro_rules! receipted {
    ($($answer:ident)*) => {$(
        impl Receipted for v1::$answer {
            fn receipt(&self) -> Option<&v1::Receipt> {
                self.receipt.as_ref()
            }
        }
    )*};
}
receipted!(
    AnswerReviewResponse
    ApproveGrantResponse
    CloseIncidentResponse
    DenyGrantResponse
    DropGrantResponse
    ExtendGrantResponse
    FreezePersonResponse
    HandOverGrantResponse
    HoldIncidentResponse
    InvitePersonResponse
    InviteTargetResponse
    NoteIncidentResponse
    OpenDrillResponse
    OpenIncidentResponse
    RecordCallResponse
    RecordDrillResponse
    RemovePersonResponse
    RequestGrantResponse
    RevokeGrantResponse
    SelfGrantResponse
    UnfreezePersonResponse
    VetoGrantResponse
);

const DONE: &str = "What was asked for is done all the same, because it only ends something";

impl Session {
    /// Signs an act with what this laptop has seen of the ledger, sends it, and checks that the ledger
    /// recorded it.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Unverified`], also where the broker says that its ledger is another one
    /// than this laptop has seen: what only ends something is done all the same.
    pub(super) async fn act<T: Receipted, F>(
        &self,
        act: Act,
        send: impl Fn(v1::Signed) -> F,
    ) -> Result<(T, Entry), Error>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let signed = self.statement(act.clone())?;
        let refused = match send(signed.clone()).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let entry = self.accepted(&act, answer.receipt(), &signed).await?;
                return Ok((answer, entry));
            }
            Err(status) => self.explain(&status),
        };
        let Error::Refused(refusal) = refused else {
            return Err(refused);
        };
        if !is_another_history(&refusal) {
            return Err(Error::Refused(refusal));
        }
        let found = self.another_history(&refusal).await;
        if !act.only_ends() {
            return Err(found);
        }
        // A broker of before does not do it yet, and has told of it. Access must end all the same, wherever it is.
        let again = send(self.sign(act, None)?).await;
        Err(found.and(&match again {
            Ok(_) => DONE.to_owned(),
            Err(status) => format!("It was not done: {}", self.explain(&status)),
        }))
    }

    /// The entry of an act that the broker has done.
    async fn accepted(
        &self,
        act: &Act,
        receipt: Option<&v1::Receipt>,
        signed: &v1::Signed,
    ) -> Result<Entry, Error> {
        // Who stops themselves is proven no more than the receipt: whatever they asked next would be refused.
        if stops(act, self.person()) {
            let entry = self.check_act(receipt, signed)?;
            return match entry.has_seen_another() {
                true => Err(Error::unverified(format!(
                    "the broker has another ledger than this laptop has seen, and says so in entry {}. {DONE}",
                    entry.index
                ))),
                false => Ok(entry),
            };
        }
        let why = match self.accept_act(receipt, signed).await {
            Ok(entry) => return Ok(entry),
            Err(why) => why,
        };
        let is_unverified = matches!(why, Error::Unverified { .. });
        Err(match self.check_act(receipt, signed) {
            Ok(entry) if is_unverified && entry.has_seen_another() => why.and(DONE),
            _ => why,
        })
    }

    /// What it is where the broker has another ledger than this laptop has seen: its newest checkpoint
    /// shows it, and both are kept.
    async fn another_history(&self, refusal: &Refusal) -> Error {
        let told = &refusal.message;
        match self.checkpoint().await {
            Err(found @ Error::Unverified { .. }) => {
                found.and(&format!("The broker refuses for it: {told}"))
            }
            Err(error) => Error::unverified(format!(
                "the broker has another ledger than this laptop has seen ({told}), and its newest \
                 checkpoint could not be compared: {error}"
            )),
            Ok(_) => Error::unverified(format!(
                "the broker says that it has another ledger than this laptop has seen ({told}), and shows \
                 a checkpoint of the same one: acts and answers go to two brokers"
            )),
        }
    }
}

/// Whether the broker's ledger is not the one this laptop has seen.
fn is_another_history(refusal: &Refusal) -> bool {
    matches!(&*refusal.reason, "LEDGER_BEHIND" | "LEDGER_FORKED")
}

/// Whether somebody is removed or frozen by this, and may ask nothing more.
fn stops(act: &Act, who: &str) -> bool {
    matches!(act, Act::RemovePerson { person, .. } | Act::Freeze { person, .. } if person == who)
}
