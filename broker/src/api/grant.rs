//! `GrantService`: requests, grants and the credentials made under them.

use breakglass_domain::Line;
use breakglass_domain::command::Act;
use breakglass_domain::limits::PROGRAM_MAX;
use breakglass_proto::v1::{self, grant_service_server::GrantService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::limits::LIST_PAGE;
use super::statement::not_taken;
use super::stream::Messages;
use crate::app::{Caller, GrantQuery};
use crate::ports::GrantFilter;

#[tonic::async_trait]
impl GrantService for Desk {
    async fn request_grant(
        &self,
        request: Request<v1::RequestGrantRequest>,
    ) -> Result<Response<v1::RequestGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let wanted = convert::wants_jwt(asked.credential)?;
        let mut command = self.command(&caller, asked.signed, "request").await?;
        if let Act::Request { credential, .. } = &mut command.act {
            *credential = wanted;
        }
        let requested = self.app.request(&caller, command).await?;
        Ok(Response::new(v1::RequestGrantResponse {
            grant: Some(convert::as_of_now(&requested.grant, &self.app)),
            receipt: Some(convert::receipt(&requested.receipt)),
            credential: requested.credential.as_ref().map(convert::credential),
        }))
    }

    async fn approve_grant(
        &self,
        request: Request<v1::ApproveGrantRequest>,
    ) -> Result<Response<v1::ApproveGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self.act_on_grant(&caller, asked.signed, "approve").await?;
        Ok(Response::new(v1::ApproveGrantResponse { grant, receipt }))
    }

    async fn deny_grant(
        &self,
        request: Request<v1::DenyGrantRequest>,
    ) -> Result<Response<v1::DenyGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self.act_on_grant(&caller, asked.signed, "deny").await?;
        Ok(Response::new(v1::DenyGrantResponse { grant, receipt }))
    }

    async fn self_grant(
        &self,
        request: Request<v1::SelfGrantRequest>,
    ) -> Result<Response<v1::SelfGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self
            .act_on_grant(&caller, asked.signed, "self-grant")
            .await?;
        Ok(Response::new(v1::SelfGrantResponse { grant, receipt }))
    }

    async fn record_call(
        &self,
        request: Request<v1::RecordCallRequest>,
    ) -> Result<Response<v1::RecordCallResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self
            .act_on_grant(&caller, asked.signed, "record-call")
            .await?;
        Ok(Response::new(v1::RecordCallResponse { grant, receipt }))
    }

    async fn extend_grant(
        &self,
        request: Request<v1::ExtendGrantRequest>,
    ) -> Result<Response<v1::ExtendGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self.act_on_grant(&caller, asked.signed, "extend").await?;
        Ok(Response::new(v1::ExtendGrantResponse { grant, receipt }))
    }

    async fn hand_over_grant(
        &self,
        request: Request<v1::HandOverGrantRequest>,
    ) -> Result<Response<v1::HandOverGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self.act_on_grant(&caller, asked.signed, "handover").await?;
        Ok(Response::new(v1::HandOverGrantResponse { grant, receipt }))
    }

    async fn drop_grant(
        &self,
        request: Request<v1::DropGrantRequest>,
    ) -> Result<Response<v1::DropGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self.act_on_grant(&caller, asked.signed, "drop").await?;
        Ok(Response::new(v1::DropGrantResponse { grant, receipt }))
    }

    async fn revoke_grant(
        &self,
        request: Request<v1::RevokeGrantRequest>,
    ) -> Result<Response<v1::RevokeGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let (grant, receipt) = self.act_on_grant(&caller, asked.signed, "revoke").await?;
        Ok(Response::new(v1::RevokeGrantResponse { grant, receipt }))
    }

    async fn veto_grant(
        &self,
        request: Request<v1::VetoGrantRequest>,
    ) -> Result<Response<v1::VetoGrantResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "veto").await?;
        let acted = self.app.act_on_grant(command).await?;
        let ended = acted.also_ended.iter();
        Ok(Response::new(v1::VetoGrantResponse {
            grant: Some(convert::as_of_now(&acted.grant, &self.app)),
            receipt: Some(convert::receipt(&acted.receipt)),
            also_ended: ended.map(|it| convert::as_of_now(it, &self.app)).collect(),
        }))
    }

    async fn issue_credential(
        &self,
        request: Request<v1::IssueCredentialRequest>,
    ) -> Result<Response<v1::IssueCredentialResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let grant = convert::required("grant", &asked.grant)?;
        let wish = convert::wish(asked.kind, &asked.public_key)?;
        let (issued, grant) = self.app.issue(&caller, grant, &wish).await?;
        Ok(Response::new(v1::IssueCredentialResponse {
            credential: Some(convert::credential(&issued)),
            grant: Some(convert::as_of_now(&grant, &self.app)),
        }))
    }

    async fn report_use(
        &self,
        request: Request<v1::ReportUseRequest>,
    ) -> Result<Response<v1::ReportUseResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let grant = convert::required("grant", &asked.grant)?;
        let program = Line::parse_up_to(&asked.program, PROGRAM_MAX);
        let program = program.map_err(|why| not_taken("program", why))?;
        let receipt = self.app.report_use(&caller, grant, program).await?;
        Ok(Response::new(v1::ReportUseResponse {
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    type HoldGrantStream = Messages<v1::HoldGrantResponse>;

    async fn hold_grant(
        &self,
        request: Request<v1::HoldGrantRequest>,
    ) -> Result<Response<Self::HoldGrantStream>, Status> {
        Ok(Response::new(self.held(request).await?))
    }

    async fn get_grant(
        &self,
        request: Request<v1::GetGrantRequest>,
    ) -> Result<Response<v1::GetGrantResponse>, Status> {
        let (_, asked) = self.admitted(request)?;
        let grant = convert::required("grant", &asked.grant)?;
        let grant = self.app.grant(grant).await?;
        Ok(Response::new(v1::GetGrantResponse {
            grant: Some(convert::as_of_now(&grant, &self.app)),
            broker_time: Some(convert::time(self.app.now())),
        }))
    }

    async fn list_grants(
        &self,
        request: Request<v1::ListGrantsRequest>,
    ) -> Result<Response<v1::ListGrantsResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let query = GrantQuery {
            include_ended: asked.include_ended,
            filter: GrantFilter {
                person: convert::optional("person", &asked.person)?,
                right: convert::optional("right", &asked.right)?,
                incident: convert::optional("incident", &asked.incident)?,
            },
            awaiting: asked.awaiting_me.then(|| caller.person.clone()),
            after: convert::optional("cursor", &asked.cursor)?,
            max: LIST_PAGE.of(asked.limit),
        };
        let page = self.app.grants(&query).await?;
        Ok(Response::new(v1::ListGrantsResponse {
            grants: convert::grants(&page.grants, &self.app),
            next_cursor: page.next.map(|next| next.to_string()).unwrap_or_default(),
            broker_time: Some(convert::time(self.app.now())),
        }))
    }
}

impl Desk {
    /// One signed act on one grant.
    async fn act_on_grant(
        &self,
        caller: &Caller,
        signed: Option<v1::Signed>,
        act: &'static str,
    ) -> Result<(Option<v1::Grant>, Option<v1::Receipt>), Error> {
        let command = self.command(caller, signed, act).await?;
        let acted = self.app.act_on_grant(command).await?;
        let (grant, receipt) = (
            convert::as_of_now(&acted.grant, &self.app),
            convert::receipt(&acted.receipt),
        );
        Ok((Some(grant), Some(receipt)))
    }
}
