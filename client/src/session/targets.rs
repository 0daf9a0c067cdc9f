//! Acts and questions about targets.

use breakglass_proto::{
    statement::Act,
    v1::{self, target_service_client::TargetServiceClient},
};
use tonic::transport::Channel;

use super::Session;
use crate::error::Error;

impl Session {
    /// Every target of the policy, its guard and who is in there.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn targets(&self) -> Result<Vec<v1::Target>, Error> {
        let answer = self.answer(
            self.target_client()
                .list_targets(v1::ListTargetsRequest {})
                .await,
        )?;
        Ok(answer.targets)
    }

    /// Makes an enrolment token for the guard of a target.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn invite_target(&self, target: &str) -> Result<v1::InviteTargetResponse, Error> {
        let act = Act::InviteTarget {
            target: target.to_owned(),
        };
        let send = |signed| {
            let mut client = self.target_client();
            let signed = Some(signed);
            let request = v1::InviteTargetRequest { signed };
            async move { client.invite_target(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        Ok(answer)
    }

    fn target_client(&self) -> TargetServiceClient<Channel> {
        TargetServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}
