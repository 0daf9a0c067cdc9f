//! `PeopleService`: who is on the team, and their laptops.

use breakglass_domain::Actor;
use breakglass_proto::statement::Act as Said;
use breakglass_proto::v1::{self, people_service_server::PeopleService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::statement::person_id;

#[tonic::async_trait]
impl PeopleService for Desk {
    async fn list_people(
        &self,
        request: Request<v1::ListPeopleRequest>,
    ) -> Result<Response<v1::ListPeopleResponse>, Status> {
        self.admitted(request)?;
        let people = self.app.people();
        Ok(Response::new(v1::ListPeopleResponse {
            people: people.iter().map(convert::person).collect(),
        }))
    }

    async fn invite_person(
        &self,
        request: Request<v1::InvitePersonRequest>,
    ) -> Result<Response<v1::InvitePersonResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let checked = self.checked(&caller, asked.signed, "invite").await?;
        let Said::Invite { person } = &checked.said else {
            return Err(Error::Statement("it invites nobody".to_owned()).into());
        };
        let person = person_id("person", person)?;
        let by = Actor::from(&caller.person);
        let invited = self.app.invite(by, checked.signed, person).await?;
        Ok(Response::new(v1::InvitePersonResponse {
            enrolment: invited.invitation.to_string(),
            expires_at: Some(convert::time(invited.expires_at)),
            receipt: Some(convert::receipt(&invited.receipt)),
        }))
    }

    async fn remove_person(
        &self,
        request: Request<v1::RemovePersonRequest>,
    ) -> Result<Response<v1::RemovePersonResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "remove-person").await?;
        let removed = self.app.remove(command).await?;
        Ok(Response::new(v1::RemovePersonResponse {
            ended: convert::grants(&removed.grants, &self.app),
            keys: u32::try_from(removed.works.keys).unwrap_or(u32::MAX),
            tokens: u32::try_from(removed.works.tokens).unwrap_or(u32::MAX),
            receipt: Some(convert::receipt(&removed.receipt)),
            doomed: convert::doomed(&removed.left.doomed),
            left_waiting: convert::grants(&removed.left.waiting, &self.app),
            withdrawn: removed.works.made,
        }))
    }

    async fn freeze_person(
        &self,
        request: Request<v1::FreezePersonRequest>,
    ) -> Result<Response<v1::FreezePersonResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "freeze").await?;
        let frozen = self.app.freeze(command).await?;
        Ok(Response::new(v1::FreezePersonResponse {
            ended: convert::grants(&frozen.grants, &self.app),
            receipt: Some(convert::receipt(&frozen.receipt)),
            left_waiting: convert::grants(&frozen.left.waiting, &self.app),
            withdrawn: frozen.works.made,
            doomed: convert::doomed(&frozen.left.doomed),
        }))
    }

    async fn unfreeze_person(
        &self,
        request: Request<v1::UnfreezePersonRequest>,
    ) -> Result<Response<v1::UnfreezePersonResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "unfreeze").await?;
        let receipt = self.app.unfreeze(command).await?;
        Ok(Response::new(v1::UnfreezePersonResponse {
            receipt: Some(convert::receipt(&receipt)),
        }))
    }
}
