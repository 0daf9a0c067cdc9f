//! `StatusService`: one screen for everybody.

use breakglass_proto::v1::{self, status_service_server::StatusService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;

#[tonic::async_trait]
impl StatusService for Desk {
    async fn get_status(
        &self,
        request: Request<v1::GetStatusRequest>,
    ) -> Result<Response<v1::GetStatusResponse>, Status> {
        self.admitted(request)?;
        let standing = self.app.status();
        let incidents = standing.incidents.iter();
        Ok(Response::new(v1::GetStatusResponse {
            version: self.app.about().version.clone(),
            broker_time: Some(convert::time(standing.now)),
            started_at: Some(convert::time(standing.started_at)),
            checkpoint: standing.checkpoint.note().to_owned(),
            policy_sha256: standing.policy_sha256,
            incidents: incidents.map(convert::incident_in_brief).collect(),
            waiting: convert::grants(&standing.waiting, &self.app),
            active: convert::grants(&standing.active, &self.app),
            frozen: standing.frozen.iter().map(ToString::to_string).collect(),
            problems: standing.problems,
            drills: standing.drills.as_ref().map(convert::drills),
            reviews: standing.reviews.iter().map(convert::owed_review).collect(),
        }))
    }
}
