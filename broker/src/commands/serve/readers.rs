//! Who may read the ledger's entries as files: whoever may follow them over gRPC.

use std::sync::Arc;

use breakglass_domain::Actor;
use http::Extensions;

use crate::api::caller::{self, Who};
use crate::api::error::Error;
use crate::app::App;
use crate::web::{NotRead, Readers};

/// What a refusal is recorded as an attempt at.
const ACT: &str = "read-entries";

/// People of the policy in force, with an enrolled key, who are not frozen.
pub(super) struct People(pub(super) Arc<App>);

impl Readers for People {
    fn admit(&self, connection: &Extensions) -> Result<(), NotRead> {
        self.ask(connection).map_err(|error| NotRead {
            what: match &error {
                Error::NoCertificate => {
                    "entries are for people with a client certificate, and the \
                     connection has none; the checkpoint and the hash tiles are for anybody"
                        .to_owned()
                }
                error => error.to_string(),
            },
            next: error.next(),
        })
    }
}

impl People {
    fn ask(&self, connection: &Extensions) -> Result<(), Error> {
        let Self(app) = self;
        let who = caller::of_connection(connection, app.now())
            .inspect_err(|error| app.count_refusal(error.reason()))?;
        let caller = match who {
            Who::Person(caller) => caller,
            Who::Guard(_) => {
                let error = Error::Certificate("it is for a guard, and entries are for people");
                app.count_refusal(error.reason());
                return Err(error);
            }
        };
        let admitted = app.admit(&caller.person, &caller.key).map_err(Error::App);
        admitted.inspect_err(|error| self.record(&Actor::from(&caller.person), error))
    }

    /// Who has a certificate and is not let in is put on record; they do not wait for it.
    fn record(&self, who: &Actor, error: &Error) {
        let (app, who) = (Arc::clone(&self.0), who.clone());
        let (reason, text) = (error.reason(), error.to_string());
        tokio::spawn(async move { app.note_refusal(&who, ACT, reason, &text).await });
    }
}
