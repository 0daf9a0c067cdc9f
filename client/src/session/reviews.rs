//! Acts and questions about reviews.

use breakglass_proto::{
    statement::Act,
    v1::{self, review_service_client::ReviewServiceClient},
};
use tonic::transport::Channel;

use super::Session;
use crate::error::Error;

/// What somebody says of one grant afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whether it was needed.
    pub needed: bool,
    /// `right` or `too-wide`.
    pub width: &'static str,
    /// What was missing; empty where nothing was.
    pub missing: String,
}

impl Session {
    /// Answers for a grant of an incident that is over; the index of the entry is returned.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn answer_review(
        &self,
        incident: &str,
        grant: &str,
        said: &Said,
    ) -> Result<u64, Error> {
        let act = Act::AnswerReview {
            incident: incident.to_owned(),
            grant: grant.to_owned(),
            needed: said.needed,
            width: said.width.to_owned(),
            missing: said.missing.clone(),
        };
        let send = |signed| {
            let mut client = self.review_client();
            let signed = Some(signed);
            let request = v1::AnswerReviewRequest { signed };
            async move { client.answer_review(request).await }
        };
        let (_, entry) = self.act(act, send).await?;
        Ok(entry.index)
    }

    /// The answers that are owed, oldest incident first.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn reviews(&self) -> Result<Vec<v1::OwedReview>, Error> {
        let mut client = self.review_client();
        let owed = client.list_reviews(v1::ListReviewsRequest {}).await;
        Ok(self.answer(owed)?.owed)
    }

    /// Who can do what today, and what of it nobody has used for so many days. The checkpoint it was
    /// made at is checked and believed.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unverified`].
    pub async fn review_access(&self, days: u32) -> Result<v1::ReviewAccessResponse, Error> {
        let request = v1::ReviewAccessRequest { days };
        let answer = self.answer(self.review_client().review_access(request).await)?;
        self.accept_checkpoint(&answer.checkpoint).await?;
        Ok(answer)
    }

    fn review_client(&self) -> ReviewServiceClient<Channel> {
        ReviewServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}
