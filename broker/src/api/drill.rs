//! `DrillService`: walking the emergency path on purpose.

use breakglass_proto::v1::{self, drill_service_server::DrillService};
use tonic::{Request, Response, Status};

use super::convert;
use super::desk::Desk;

#[tonic::async_trait]
impl DrillService for Desk {
    async fn open_drill(
        &self,
        request: Request<v1::OpenDrillRequest>,
    ) -> Result<Response<v1::OpenDrillResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "open-drill").await?;
        let (opened, receipt) = self.app.open(command).await?;
        Ok(Response::new(v1::OpenDrillResponse {
            incident: Some(convert::incident(&opened)),
            receipt: Some(convert::receipt(&receipt)),
        }))
    }

    async fn record_drill(
        &self,
        request: Request<v1::RecordDrillRequest>,
    ) -> Result<Response<v1::RecordDrillResponse>, Status> {
        let (caller, asked) = self.admitted(request)?;
        let command = self.command(&caller, asked.signed, "record-drill").await?;
        let receipt = self.app.record_drill(command).await?;
        Ok(Response::new(v1::RecordDrillResponse {
            receipt: Some(convert::receipt(&receipt)),
        }))
    }
}
