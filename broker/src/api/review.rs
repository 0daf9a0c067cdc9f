//! `ReviewService`: what is looked at again once an incident is over.

use breakglass_proto::v1::{self, review_service_server::ReviewService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;

#[tonic::async_trait]
impl ReviewService for Desk {
    async fn answer_review(
        &self,
        request: Request<v1::AnswerReviewRequest>,
    ) -> Result<Response<v1::AnswerReviewResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "answer-review").await?;
        let receipt = self.app.answer_review(command).await?;
        Ok(Response::new(v1::AnswerReviewResponse {
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    async fn list_reviews(
        &self,
        request: Request<v1::ListReviewsRequest>,
    ) -> Result<Response<v1::ListReviewsResponse>, Status> {
        self.admitted(request)?;
        let owed = self.app.reviews();
        Ok(Response::new(v1::ListReviewsResponse {
            owed: owed.iter().map(convert::owed_review).collect(),
        }))
    }
}
