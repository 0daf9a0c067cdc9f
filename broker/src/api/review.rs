//! `ReviewService`: what is looked at again once an incident is over.

use breakglass_domain::Lifetime;
use breakglass_proto::v1::{self, review_service_server::ReviewService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::limits::{REVIEW_DAYS, REVIEW_DAYS_MAX};

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

    async fn review_access(
        &self,
        request: Request<v1::ReviewAccessRequest>,
    ) -> Result<Response<v1::ReviewAccessResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let within = days(asked.days)?;
        let read = self.app.review_access(&caller.person, within).await?;
        Ok(Response::new(convert::access_read(&read)))
    }
}

fn days(days: u32) -> Result<Lifetime, Error> {
    let days = match days {
        0 => REVIEW_DAYS,
        days => days,
    };
    if days > REVIEW_DAYS_MAX {
        let why = format!("at most {REVIEW_DAYS_MAX} are looked back");
        return Err(Error::Argument { field: "days", why });
    }
    Ok(Lifetime::from_secs(days * 24 * 3_600))
}
