//! `TargetService`: what accepts credentials, for people.

use breakglass_domain::{Actor, TargetId};
use breakglass_proto::statement::Act as Said;
use breakglass_proto::v1::{self, target_service_server::TargetService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::statement::not_taken;

#[tonic::async_trait]
impl TargetService for Desk {
    async fn list_targets(
        &self,
        request: Request<v1::ListTargetsRequest>,
    ) -> Result<Response<v1::ListTargetsResponse>, Status> {
        self.admitted(request)?;
        let targets = self.app.targets();
        Ok(Response::new(v1::ListTargetsResponse {
            targets: targets.iter().map(convert::target).collect(),
        }))
    }

    async fn invite_target(
        &self,
        request: Request<v1::InviteTargetRequest>,
    ) -> Result<Response<v1::InviteTargetResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let checked = self.checked(&caller, asked.signed, "invite-target").await?;
        let Said::InviteTarget { target } = &checked.said else {
            return Err(Error::Statement("it invites no target".to_owned()).into());
        };
        let target: TargetId = target.parse().map_err(|why| not_taken("target", why))?;
        let by = Actor::from(&caller.person);
        let invited = self.app.invite_target(by, checked.signed, target).await?;
        Ok(Response::new(v1::InviteTargetResponse {
            enrolment: invited.invitation.to_string(),
            expires_at: Some(convert::time(invited.expires_at)),
            receipt: Some(convert::receipt(&invited.receipt)),
        }))
    }
}
