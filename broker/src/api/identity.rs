//! `IdentityService`: who the broker takes the caller for.

use breakglass_proto::v1::{self, identity_service_server::IdentityService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;

#[tonic::async_trait]
impl IdentityService for Desk {
    async fn who_am_i(
        &self,
        request: Request<v1::WhoAmIRequest>,
    ) -> Result<Response<v1::WhoAmIResponse>, Status> {
        let (caller, _) = self.admitted(request)?;
        let known = self.app.person(&caller.person)?;
        let about = self.app.about();
        Ok(Response::new(v1::WhoAmIResponse {
            person: caller.person.to_string(),
            name: known.person.name.to_string(),
            job: known.person.job.to_string(),
            key: caller.key.to_string(),
            certificate_expires_at: Some(convert::time(caller.certificate_expires_at)),
            broker_time: Some(convert::time(self.app.now())),
            origin: about.origin.clone(),
            ledger_vkey: about.ledger_vkey.clone(),
            issuer: about.issuer.clone(),
        }))
    }

    async fn renew_certificate(
        &self,
        request: Request<v1::RenewCertificateRequest>,
    ) -> Result<Response<v1::RenewCertificateResponse>, Status> {
        let (caller, _) = self.admitted(request)?;
        let certified = self.app.renew(&caller).await?;
        Ok(Response::new(v1::RenewCertificateResponse {
            certificate: certified.certificate,
            renew_at: Some(convert::time(certified.renew_at)),
            expires_at: Some(convert::time(certified.expires_at)),
            receipt: Some(convert::receipt(&certified.receipt)),
        }))
    }
}
