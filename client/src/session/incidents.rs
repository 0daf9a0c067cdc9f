//! Acts and questions about incidents.

use breakglass_proto::{
    statement::Act,
    v1::{
        self, incident_service_client::IncidentServiceClient,
        status_service_client::StatusServiceClient,
    },
};
use tonic::transport::Channel;

use super::Session;
use crate::{error::Error, time};

impl Session {
    /// Opens an incident; `severity` is `sev1`, `sev2` or `sev3`.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn open_incident(&self, severity: &str, title: &str) -> Result<v1::Incident, Error> {
        let act = Act::OpenIncident {
            severity: severity.to_owned(),
            title: title.to_owned(),
        };
        let send = |signed| {
            let mut client = self.incidents();
            let signed = Some(signed);
            let request = v1::OpenIncidentRequest { signed };
            async move { client.open_incident(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        answer
            .incident
            .ok_or_else(|| Error::broken_answer("it has no incident"))
    }

    /// Adds a note; the index of its entry is returned.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn note_incident(&self, incident: &str, text: &str) -> Result<u64, Error> {
        let act = Act::Note {
            incident: incident.to_owned(),
            text: text.to_owned(),
        };
        let send = |signed| {
            let mut client = self.incidents();
            let signed = Some(signed);
            let request = v1::NoteIncidentRequest { signed };
            async move { client.note_incident(request).await }
        };
        let (_, entry) = self.act(act, send).await?;
        Ok(entry.index)
    }

    /// Closes an incident, which ends every grant under it.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn close_incident(
        &self,
        incident: &str,
        reason: &str,
    ) -> Result<v1::CloseIncidentResponse, Error> {
        let act = Act::CloseIncident {
            incident: incident.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.incidents();
            let signed = Some(signed);
            let request = v1::CloseIncidentRequest { signed };
            async move { client.close_incident(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        Ok(answer)
    }

    /// Keeps an incident open until its usual end that its alert would close.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn hold_incident(&self, incident: &str, reason: &str) -> Result<v1::Incident, Error> {
        let act = Act::HoldIncident {
            incident: incident.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.incidents();
            let signed = Some(signed);
            let request = v1::HoldIncidentRequest { signed };
            async move { client.hold_incident(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        answer
            .incident
            .ok_or_else(|| Error::broken_answer("it has no incident"))
    }

    /// One incident with its notes and grants.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn incident(&self, incident: &str) -> Result<v1::GetIncidentResponse, Error> {
        let request = v1::GetIncidentRequest {
            incident: incident.to_owned(),
        };
        self.answer(self.incidents().get_incident(request).await)
    }

    /// Incidents, open ones first, up to `most`, page by page.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn list_incidents(
        &self,
        include_closed: bool,
        most: usize,
    ) -> Result<Vec<v1::Incident>, Error> {
        let mut incidents = Vec::new();
        let mut cursor = String::new();
        loop {
            let left = most - incidents.len();
            let limit = u32::try_from(left).unwrap_or(u32::MAX).min(INCIDENTS_PAGE);
            let request = v1::ListIncidentsRequest {
                include_closed,
                limit,
                cursor,
            };
            let page = self.answer(self.incidents().list_incidents(request).await)?;
            incidents.extend(page.incidents.into_iter().take(left));
            if page.next_cursor.is_empty() || incidents.len() >= most {
                return Ok(incidents);
            }
            cursor = page.next_cursor;
        }
    }

    /// The whole screen, its checkpoint checked.
    ///
    /// # Errors
    /// [`Error::Unverified`], [`Error::Unreachable`].
    pub async fn status(&self) -> Result<v1::GetStatusResponse, Error> {
        let mut client =
            StatusServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST);
        let stopwatch = time::stopwatch();
        let status = self.answer(client.get_status(v1::GetStatusRequest {}).await)?;
        self.hears_the_time(status.broker_time.as_ref(), stopwatch());
        self.accept_checkpoint(&status.checkpoint).await?;
        Ok(status)
    }

    fn incidents(&self) -> IncidentServiceClient<Channel> {
        IncidentServiceClient::new(self.channel()).max_decoding_message_size(super::LARGEST)
    }
}

/// The most the contract gives in one page.
const INCIDENTS_PAGE: u32 = 500;
