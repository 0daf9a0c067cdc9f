//! An answer to each call, and nothing behind it.

use breakglass_proto::v1::enroll_service_client::EnrollServiceClient;
use breakglass_proto::v1::enroll_service_server::EnrollService;
use breakglass_proto::v1::{EnrollRequest, EnrollResponse, Signed};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::fan_out::Fan;
use crate::load::{Call, in_turn};

/// Bytes of a request's statement and of an answer with a receipt and a JWT, as they are with us:
/// the ceiling carries what we carry.
const ASKED: usize = 450;
const ANSWERED: usize = 4_000;

/// One call, by each of the clients in turn.
pub(super) fn call(clients: Vec<EnrollServiceClient<Channel>>) -> Call {
    in_turn(clients, |mut client| async move {
        let signed = Signed {
            text: "x".repeat(ASKED),
            signature: vec![0; 71],
        };
        let request = EnrollRequest {
            signed: Some(signed),
            ..Default::default()
        };
        client.enroll(request).await?;
        Ok(())
    })
}

/// Answers.
pub(super) struct Echo(Fan);

impl Echo {
    /// Whoever sends a token rings the bell of the others.
    pub(super) fn beside(fan: Fan) -> Self {
        Self(fan)
    }
}

#[tonic::async_trait]
impl EnrollService for Echo {
    async fn enroll(
        &self,
        request: Request<EnrollRequest>,
    ) -> Result<Response<EnrollResponse>, Status> {
        let asked = request.into_inner();
        let told = match asked.token.as_str() {
            "" => String::new(),
            text => self.0.tell(text).to_string(),
        };
        Ok(Response::new(EnrollResponse {
            person: told,
            certificate: "x".repeat(ANSWERED),
            ..Default::default()
        }))
    }
}
