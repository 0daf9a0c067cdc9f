//! `IncidentService`: nothing is issued without an open one.

use breakglass_proto::v1::{self, incident_service_server::IncidentService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;
use super::limits::LIST_PAGE;

#[tonic::async_trait]
impl IncidentService for Desk {
    async fn open_incident(
        &self,
        request: Request<v1::OpenIncidentRequest>,
    ) -> Result<Response<v1::OpenIncidentResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "open-incident").await?;
        let (opened, receipt) = self.app.open(command).await?;
        Ok(Response::new(v1::OpenIncidentResponse {
            incident: Some(convert::incident(&opened)),
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    async fn note_incident(
        &self,
        request: Request<v1::NoteIncidentRequest>,
    ) -> Result<Response<v1::NoteIncidentResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "note").await?;
        let receipt = self.app.note(command).await?;
        Ok(Response::new(v1::NoteIncidentResponse {
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    async fn close_incident(
        &self,
        request: Request<v1::CloseIncidentRequest>,
    ) -> Result<Response<v1::CloseIncidentResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self
            .command(&caller, asked.signed, "close-incident")
            .await?;
        let ended = self.app.close(command).await?;
        let doomed = &ended.doomed;
        Ok(Response::new(v1::CloseIncidentResponse {
            incident: Some(convert::incident(&ended.incident)),
            ended: convert::grants(&ended.grants, &self.app),
            receipt: Some(convert::receipt(&ended.receipt)),
            sessions: doomed
                .sessions
                .iter()
                .map(|(id, it)| convert::session(*id, it))
                .collect(),
            roles: doomed
                .roles
                .iter()
                .map(|(name, it)| convert::role(name, it))
                .collect(),
        }))
    }

    async fn hold_incident(
        &self,
        request: Request<v1::HoldIncidentRequest>,
    ) -> Result<Response<v1::HoldIncidentResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "hold-incident").await?;
        let (held, receipt) = self.app.hold_incident(command).await?;
        Ok(Response::new(v1::HoldIncidentResponse {
            incident: Some(convert::incident(&held)),
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    async fn get_incident(
        &self,
        request: Request<v1::GetIncidentRequest>,
    ) -> Result<Response<v1::GetIncidentResponse>, Status> {
        let (_, asked) = self.admitted(request)?;
        let id = convert::required("incident", &asked.incident)?;
        let found = self.app.incident_with_grants(id).await?;
        Ok(Response::new(v1::GetIncidentResponse {
            incident: Some(convert::incident(&found.incident)),
            grants: convert::grants(&found.grants, &self.app),
        }))
    }

    async fn list_incidents(
        &self,
        request: Request<v1::ListIncidentsRequest>,
    ) -> Result<Response<v1::ListIncidentsResponse>, Status> {
        let (_, asked) = self.admitted(request)?;
        let after = convert::optional("cursor", &asked.cursor)?;
        let max = LIST_PAGE.of(asked.limit);
        let page = self.app.incidents(asked.include_closed, after, max).await?;
        Ok(Response::new(v1::ListIncidentsResponse {
            incidents: page
                .incidents
                .iter()
                .map(convert::incident_in_brief)
                .collect(),
            next_cursor: page.next.map(|next| next.to_string()).unwrap_or_default(),
        }))
    }
}
