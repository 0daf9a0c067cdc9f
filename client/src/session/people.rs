//! Acts and questions about people.

use breakglass_proto::{
    statement::Act,
    v1::{self, people_service_client::PeopleServiceClient},
};
use tonic::transport::Channel;

use super::Session;
use crate::error::Error;

impl Session {
    /// Everybody in the policy.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn people(&self) -> Result<Vec<v1::Person>, Error> {
        let answer = self.answer(
            self.people_client()
                .list_people(v1::ListPeopleRequest {})
                .await,
        )?;
        Ok(answer.people)
    }

    /// Makes an enrolment token for somebody in the policy.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn invite(&self, person: &str) -> Result<v1::InvitePersonResponse, Error> {
        let act = Act::Invite {
            person: person.to_owned(),
        };
        let send = |signed| {
            let mut client = self.people_client();
            let signed = Some(signed);
            let request = v1::InvitePersonRequest { signed };
            async move { client.invite_person(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        Ok(answer)
    }

    /// Ends every key, token and grant of somebody. Who removes themselves has no key any more to ask for
    /// the proof with that the ledger only grew: then what was recorded is checked, and not that.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn remove(
        &self,
        person: &str,
        reason: &str,
    ) -> Result<v1::RemovePersonResponse, Error> {
        let act = Act::RemovePerson {
            person: person.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.people_client();
            let signed = Some(signed);
            let request = v1::RemovePersonRequest { signed };
            async move { client.remove_person(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        Ok(answer)
    }

    /// Stops somebody from everything; what ended with it is returned.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn freeze(
        &self,
        person: &str,
        reason: &str,
    ) -> Result<v1::FreezePersonResponse, Error> {
        let act = Act::Freeze {
            person: person.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.people_client();
            let signed = Some(signed);
            let request = v1::FreezePersonRequest { signed };
            async move { client.freeze_person(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        Ok(answer)
    }

    /// Lifts a freeze.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn unfreeze(&self, person: &str, reason: &str) -> Result<(), Error> {
        let act = Act::Unfreeze {
            person: person.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.people_client();
            let signed = Some(signed);
            let request = v1::UnfreezePersonRequest { signed };
            async move { client.unfreeze_person(request).await }
        };
        self.act(act, send).await.map(drop)
    }

    fn people_client(&self) -> PeopleServiceClient<Channel> {
        PeopleServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}
