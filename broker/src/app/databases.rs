//! What is in databases beside the roles of the ledger: sessions of client certificates, and roles that
//! nobody knows; and what is wrong with a database.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use breakglass_domain::{CredentialId, TargetId};

use super::{App, Error};
use crate::ports::{DatabaseError, DoomedCertificate, DoomedRole, RoleThere};

/// What is wrong at the moment, in plain sentences.
#[derive(Debug, Default)]
pub(super) struct Wrong(Mutex<BTreeMap<Place, String>>);

/// With what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Server(TargetId),
    Certificate(CredentialId),
}

impl Wrong {
    pub(super) fn all(&self) -> Vec<String> {
        let wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.values().cloned().collect()
    }

    /// How many databases do not do what they should.
    fn servers(&self) -> usize {
        let wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let servers = wrong.keys();
        servers
            .filter(|place| matches!(place, Place::Server(_)))
            .count()
    }

    fn note(&self, place: Place, text: Option<String>) {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match text {
            Some(text) => wrong.insert(place, text),
            None => wrong.remove(&place),
        };
    }

    /// What is over is wrong no more.
    fn forget_certificates_but(&self, doomed: &[DoomedCertificate]) {
        let mut wrong = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|place, _| match place {
            Place::Server(_) => true,
            Place::Certificate(id) => doomed.iter().any(|it| it.credential == *id),
        });
    }
}

impl App {
    /// Databases that the broker knows the way to.
    #[must_use]
    pub fn databases(&self) -> Vec<TargetId> {
        self.databases.known()
    }

    /// How many of them cannot be used now.
    #[must_use]
    pub fn databases_down(&self) -> usize {
        self.wrong.servers()
    }

    /// Client certificates whose grant is over, and which a server still takes.
    #[must_use]
    pub fn doomed_certificates(&self) -> Vec<DoomedCertificate> {
        let now = self.clock.now();
        let doomed: Vec<_> = self.live.read(|state| {
            let certificates = state.targets.certificates_at(now);
            let over = certificates.filter(|(id, _)| state.active_at(id.grant, now).is_none());
            let doomed = over.map(|(credential, it)| DoomedCertificate {
                credential,
                target: it.target.clone(),
                role: it.role.clone(),
                serial: it.serial.clone(),
            });
            doomed.collect()
        });
        self.wrong.forget_certificates_but(&doomed);
        doomed
    }

    /// Ends the sessions of one; answers how many there were.
    ///
    /// # Errors
    /// [`Error::Database`] where it has to be tried again.
    pub async fn end_certificate(&self, doomed: &DoomedCertificate) -> Result<u64, Error> {
        let ended = self.databases.end_certificate(doomed).await;
        let DoomedCertificate {
            credential, target, ..
        } = doomed;
        let text = ended.as_ref().err().map(|why| {
            format!(
                "Sessions at {target} by the certificate {credential} could not be ended, although \
                 its grant is over; it is tried again until it has expired: {why}"
            )
        });
        self.wrong.note(Place::Certificate(*credential), text);
        Ok(ended?)
    }

    /// Drops what a broker has made in a database and the ledger does not know: it was restored from a
    /// backup, or an answer came after everybody had given up. Whether it can be reached is noted.
    ///
    /// # Errors
    /// [`Error::Database`] where it has to be tried again.
    pub async fn sweep(&self, target: &TargetId) -> Result<(), Error> {
        let swept = self.sweep_unknown(target).await;
        let text = swept.as_ref().err().map(|why| {
            format!("The database {target} is not in order, and nobody comes in there now: {why}")
        });
        self.wrong.note(Place::Server(target.clone()), text);
        Ok(swept?)
    }

    async fn sweep_unknown(&self, target: &TargetId) -> Result<(), DatabaseError> {
        for there in self.databases.roles(target).await? {
            // Looked for after it was seen: whatever is being made was announced before.
            let is_known =
                |state: &breakglass_domain::State| state.targets.roles.contains_key(&there.role);
            if self.live.read(is_known) {
                continue;
            }
            self.drop_unknown(target, there).await?;
        }
        Ok(())
    }

    async fn drop_unknown(&self, target: &TargetId, there: RoleThere) -> Result<(), DatabaseError> {
        let RoleThere { role, member_of } = there;
        let Some(heir) = member_of else {
            let why =
                format!("{role} is no member of a role any more, to whom its objects would go");
            let target = target.clone();
            return Err(DatabaseError::Refused { target, why });
        };
        let target = target.clone();
        let doomed = DoomedRole { target, role, heir };
        let cut = self.cut_and_drop(&doomed).await?;
        tracing::warn!(
            target = %doomed.target, role = %doomed.role, sessions = cut.sessions,
            "a role that the ledger does not know was in a database, and is dropped"
        );
        Ok(())
    }
}
