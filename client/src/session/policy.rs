//! Questions about the policy in force.

use breakglass_proto::v1::{self, policy_service_client::PolicyServiceClient};
use tonic::transport::Channel;

use super::Session;
use crate::error::Error;

impl Session {
    /// The policy in force.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn policy(&self) -> Result<v1::GetPolicyResponse, Error> {
        self.answer(
            self.policy_client()
                .get_policy(v1::GetPolicyRequest {})
                .await,
        )
    }

    /// What somebody can do; an empty person is the caller, an empty right is every right.
    ///
    /// # Errors
    /// [`Error::Refused`] for an unknown person or right.
    pub async fn can(&self, person: &str, right: &str) -> Result<v1::PersonCan, Error> {
        let request = v1::CanRequest {
            person: person.to_owned(),
            right: right.to_owned(),
        };
        let answer = self.answer(self.policy_client().can(request).await)?;
        answer
            .person
            .ok_or_else(|| Error::broken_answer("it says nothing about the person"))
    }

    /// One right as the caller has it, with the sentence to sign. Also where no rule gives it:
    /// asking for it all the same leaves a refusal in the ledger, which is wanted.
    ///
    /// # Errors
    /// [`Error::Refused`] for an unknown right.
    pub async fn right(&self, right: &str) -> Result<v1::Verdict, Error> {
        let can = self.can("", right).await?;
        let verdict = can
            .verdicts
            .into_iter()
            .find(|verdict| verdict.right == right);
        verdict.ok_or_else(|| Error::broken_answer("it says nothing about the right"))
    }

    fn policy_client(&self) -> PolicyServiceClient<Channel> {
        PolicyServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}
