//! `IdentityService`: who the broker takes the caller for.

use std::sync::Arc;

use breakglass_domain::Actor;
use breakglass_proto::v1::{self, identity_service_server::IdentityService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use crate::app::Guard;

#[tonic::async_trait]
impl IdentityService for Desk {
    async fn who_am_i(
        &self,
        request: Request<v1::WhoAmIRequest>,
    ) -> Result<Response<v1::WhoAmIResponse>, Status> {
        if let Some(guard) = request.extensions().get::<Arc<Guard>>() {
            return Ok(Response::new(self.guard(guard).await?));
        }
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
            ledger_keys: self.ledger_keys().await?,
        }))
    }

    async fn renew_certificate(
        &self,
        request: Request<v1::RenewCertificateRequest>,
    ) -> Result<Response<v1::RenewCertificateResponse>, Status> {
        let certified = match request.extensions().get::<Arc<Guard>>().cloned() {
            Some(guard) => self.app.renew_guard(&guard).await?,
            None => {
                let (caller, _) = self.admitted(request)?;
                self.app.renew(&caller).await?
            }
        };
        Ok(Response::new(v1::RenewCertificateResponse {
            certificate: certified.certificate,
            renew_at: Some(convert::time(certified.renew_at)),
            expires_at: Some(convert::time(certified.expires_at)),
            receipt: Some(convert::receipt(&certified.receipt)),
        }))
    }
}

impl Desk {
    /// A guard as the broker sees it: `target:ID` where people have their id.
    async fn guard(&self, guard: &Guard) -> Result<v1::WhoAmIResponse, Status> {
        let about = self.app.about();
        Ok(v1::WhoAmIResponse {
            person: Actor::from(&guard.target).to_string(),
            name: guard.target.to_string(),
            job: "target".to_owned(),
            key: guard.key.to_string(),
            certificate_expires_at: Some(convert::time(guard.certificate_expires_at)),
            broker_time: Some(convert::time(self.app.now())),
            origin: about.origin.clone(),
            ledger_vkey: about.ledger_vkey.clone(),
            issuer: about.issuer.clone(),
            ledger_keys: self.ledger_keys().await?,
        })
    }

    /// The entries that handed the ledger over, for whoever follows its key.
    pub(super) async fn ledger_keys(&self) -> Result<Vec<v1::Receipt>, Status> {
        let receipts = self.app.ledger_keys().await?;
        Ok(receipts.iter().map(convert::receipt).collect())
    }
}
