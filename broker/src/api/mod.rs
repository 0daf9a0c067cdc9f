//! gRPC: from messages to use cases and back.
//!
//! Every method reads the same: who is calling, text to typed value, ask `app`, turn the answer
//! into protobuf. What stands in front of all of them is in `front`; what a refusal becomes, in
//! `status`.

pub mod caller;
mod convert;
mod desk;
mod drill;
mod enroll;
pub mod error;
mod front;
mod grant;
mod guard;
mod hold;
mod identity;
mod incident;
mod ledger;
pub mod limits;
mod people;
mod policy;
mod rate;
mod review;
mod statement;
pub mod status;
mod status_service;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use breakglass_proto::DESCRIPTORS;
use breakglass_proto::v1::drill_service_server::DrillServiceServer;
use breakglass_proto::v1::enroll_service_server::EnrollServiceServer;
use breakglass_proto::v1::grant_service_server::GrantServiceServer;
use breakglass_proto::v1::guard_service_server::GuardServiceServer;
use breakglass_proto::v1::identity_service_server::IdentityServiceServer;
use breakglass_proto::v1::incident_service_server::IncidentServiceServer;
use breakglass_proto::v1::ledger_service_server::LedgerServiceServer;
use breakglass_proto::v1::people_service_server::PeopleServiceServer;
use breakglass_proto::v1::policy_service_server::PolicyServiceServer;
use breakglass_proto::v1::review_service_server::ReviewServiceServer;
use breakglass_proto::v1::status_service_server::StatusServiceServer;
use breakglass_proto::v1::target_service_server::TargetServiceServer;
use breakglass_proto::v1::watch_service_server::WatchServiceServer;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::app::App;
use desk::Desk;
use front::{Front, front};
use limits::{ANSWER_MAX, Limits, MESSAGE_MAX};

/// What the operator chooses.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether gRPC reflection is served, behind the client certificate like everything else.
    pub reflection: bool,
    /// How much of what.
    pub limits: Limits,
}

/// All services, with everything that belongs in front of them: hand it to a tonic server whose
/// connections say who their peer is (`TlsConnectInfo<TcpConnectInfo>` in the extensions).
///
/// Health says that all of them serve until [`App::stop`], and then that they do not.
#[must_use]
pub fn routes(app: Arc<App>, options: &Options) -> Routes {
    let reporter = HealthReporter::new();
    tokio::spawn(report_health(Arc::clone(&app), reporter.clone()));
    let desk = Desk::new(Arc::clone(&app), &options.limits);
    let mut services = served(&desk);
    let health = tonic_health::server::HealthService::from_health_reporter(reporter);
    services = services.add_service(tonic_health::pb::health_server::HealthServer::new(health));
    if options.reflection {
        services = reflected(services);
    }
    let front = from_fn_with_state(Front::new(app, &options.limits), front);
    Routes::from(services.into_axum_router().layer(front)).prepare()
}

/// Adds services that take messages of at most [`MESSAGE_MAX`] bytes, and names them for health.
macro_rules! services {
    ($($server:ident),* $(,)?) => {
        fn served(desk: &Desk) -> Routes {
            Routes::default()$(.add_service(
                $server::new(desk.clone())
                    .max_decoding_message_size(MESSAGE_MAX)
                    .max_encoding_message_size(ANSWER_MAX),
            ))*
        }

        const NAMES: &[&str] = &["", $(<$server<Desk> as NamedService>::NAME),*];
    };
}
services!(
    DrillServiceServer,
    EnrollServiceServer,
    GrantServiceServer,
    GuardServiceServer,
    IdentityServiceServer,
    IncidentServiceServer,
    LedgerServiceServer,
    PeopleServiceServer,
    PolicyServiceServer,
    ReviewServiceServer,
    StatusServiceServer,
    TargetServiceServer,
    WatchServiceServer,
);

/// Both versions: older tools ask for the first only.
fn reflected(services: Routes) -> Routes {
    let described = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    match (described().build_v1(), described().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => services.add_service(v1).add_service(v1alpha),
        (Err(error), _) | (_, Err(error)) => {
            tracing::error!(%error, "reflection is not served");
            services
        }
    }
}

async fn report_health(app: Arc<App>, reporter: HealthReporter) {
    for name in NAMES {
        reporter
            .set_service_status(name, ServingStatus::Serving)
            .await;
    }
    let mut stopping = app.stopping();
    drop(app);
    stopping.told().await;
    for name in NAMES {
        reporter
            .set_service_status(name, ServingStatus::NotServing)
            .await;
    }
}
