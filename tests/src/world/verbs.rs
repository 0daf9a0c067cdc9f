//! What people do, in the words of the domain. Each verb opens a session as a `glass` would, so
//! every answer was checked by the client: receipt, proof, checkpoint, and that the entry says what
//! was signed.

use breakglass_client::error::Error;
use breakglass_client::session::Asked;
use breakglass_proto::v1::{self, CredentialKind, GrantState};
use jiff::SignedDuration;

use super::World;

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    who: &'a str,
    right: &'a str,
    incident: Option<&'a str>,
    reason: &'a str,
    length: SignedDuration,
    held: bool,
    credential: CredentialKind,
}

impl<'a> Ask<'a> {
    /// For ten minutes, under the open incident, not held, without a credential.
    #[must_use]
    pub fn of(who: &'a str, right: &'a str) -> Self {
        Self {
            who,
            right,
            incident: None,
            reason: "the worker floods",
            length: SignedDuration::from_mins(10),
            held: false,
            credential: CredentialKind::Unspecified,
        }
    }

    /// Under this incident.
    #[must_use]
    pub fn under(self, incident: &'a str) -> Self {
        Self {
            incident: Some(incident),
            ..self
        }
    }

    /// For that reason.
    #[must_use]
    pub fn because(self, reason: &'a str) -> Self {
        Self { reason, ..self }
    }

    /// For so long.
    #[must_use]
    pub fn minutes(self, minutes: i64) -> Self {
        Self {
            length: SignedDuration::from_mins(minutes),
            ..self
        }
    }

    /// As `glass exec` does: it lives while it is held.
    #[must_use]
    pub fn held(self) -> Self {
        Self { held: true, ..self }
    }

    /// With a JWT in the same answer.
    #[must_use]
    pub fn with_jwt(self) -> Self {
        Self {
            credential: CredentialKind::Jwt,
            ..self
        }
    }
}

impl World {
    /// Somebody opens an incident; its id.
    ///
    /// # Panics
    /// Where they may not.
    pub async fn opens(&self, who: &str, title: &str) -> String {
        let session = self.session(who).await;
        session
            .open_incident("sev2", title)
            .await
            .expect("the incident opens")
            .id
    }

    /// Somebody closes an incident.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn closes(
        &self,
        who: &str,
        incident: &str,
    ) -> Result<v1::CloseIncidentResponse, Error> {
        self.session(who)
            .await
            .close_incident(incident, "reverted to 41f")
            .await
    }

    /// Somebody asks for a right, as [`Ask::of`].
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn asks(&self, who: &str, right: &str) -> Result<v1::Grant, Error> {
        self.asks_for(&Ask::of(who, right)).await.and_then(grant_of)
    }

    /// Somebody asks for something.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn asks_for(&self, ask: &Ask<'_>) -> Result<v1::RequestGrantResponse, Error> {
        let session = self.session(ask.who).await;
        let right = session.right(ask.right).await?;
        let open = session.list_incidents(false, 1).await?;
        let open = open
            .first()
            .map_or("INC-1", |incident| incident.id.as_str());
        let asked = Asked {
            right: &right,
            incident: ask.incident.unwrap_or(open),
            reason: ask.reason,
            length: ask.length,
            held: ask.held,
            credential: ask.credential,
        };
        session.request(&asked).await
    }

    /// Somebody asks for a low-risk right and has it.
    ///
    /// # Panics
    /// Where it does not begin at once.
    pub async fn gets(&self, who: &str, right: &str) -> v1::Grant {
        let grant = self
            .asks(who, right)
            .await
            .unwrap_or_else(|why| panic!("{who}: {why}"));
        assert_eq!(
            grant.state(),
            GrantState::Active,
            "{right} needs no approver"
        );
        grant
    }

    /// Somebody asks for a right that needs a yes, and waits.
    ///
    /// # Panics
    /// Where it does not wait.
    pub async fn waits_for(&self, who: &str, right: &str) -> v1::Grant {
        let grant = self
            .asks(who, right)
            .await
            .unwrap_or_else(|why| panic!("{who}: {why}"));
        assert_eq!(
            grant.state(),
            GrantState::Waiting,
            "{right} needs an approver"
        );
        grant
    }

    /// Somebody looks at a request and says yes to what they see.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn approves(&self, who: &str, grant: &str) -> Result<v1::Grant, Error> {
        let session = self.session(who).await;
        let shown = session.grant(grant).await?;
        session.approve(&shown).await
    }

    /// Somebody says no.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn denies(&self, who: &str, grant: &str) -> Result<v1::Grant, Error> {
        self.session(who)
            .await
            .deny(grant, "not before the backup")
            .await
    }

    /// Somebody looks at a request and says that they spoke with who asks, just now.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn records_call(&self, who: &str, grant: &str) -> Result<v1::Grant, Error> {
        let session = self.session(who).await;
        let shown = session.grant(grant).await?;
        let now = session.now();
        session.record_call(&shown, now).await
    }

    /// Somebody begins their own request because nobody answered.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn grants_themselves(&self, who: &str, grant: &str) -> Result<v1::Grant, Error> {
        let session = self.session(who).await;
        let shown = session.grant(grant).await?;
        session.self_grant(&shown).await
    }

    /// Somebody looks at their grant and hands it over.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn hands_over(&self, who: &str, grant: &str, to: &str) -> Result<v1::Grant, Error> {
        let session = self.session(who).await;
        let shown = session.grant(grant).await?;
        session.hand_over(&shown, to, "I have to sleep").await
    }

    /// Somebody gives a grant back.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn drops(&self, who: &str, grant: &str) -> Result<v1::Grant, Error> {
        self.session(who).await.drop_grant(grant).await
    }

    /// Somebody asks for more time.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn extends(&self, who: &str, grant: &str, minutes: i64) -> Result<v1::Grant, Error> {
        let by = SignedDuration::from_mins(minutes);
        self.session(who)
            .await
            .extend(grant, by, "the deploy still runs")
            .await
    }

    /// Somebody ends somebody's grant.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn revokes(&self, who: &str, grant: &str) -> Result<v1::Grant, Error> {
        self.session(who)
            .await
            .revoke(grant, "wrong database")
            .await
    }

    /// Somebody stops somebody from everything; what ended with it.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn freezes(&self, who: &str, person: &str) -> Result<Vec<v1::Grant>, Error> {
        let session = self.session(who).await;
        let frozen = session.freeze(person, "laptop stolen").await?;
        Ok(frozen.ended)
    }

    /// Somebody asks for a token under their grant.
    ///
    /// # Errors
    /// What `glass` would say.
    pub async fn takes_jwt(&self, who: &str, grant: &str) -> Result<v1::Credential, Error> {
        self.session(who).await.issue(grant).await
    }

    /// A grant as somebody sees it now.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn grant(&self, grant: &str) -> v1::Grant {
        // The designer has no part in anything and sees everything.
        self.session("designer")
            .await
            .grant(grant)
            .await
            .expect("the grant is known")
    }
}

/// The grant of an answer.
///
/// # Errors
/// Never for an answer of a broker of ours; the type fits the verbs.
fn grant_of(answer: v1::RequestGrantResponse) -> Result<v1::Grant, Error> {
    answer
        .grant
        .ok_or_else(|| Error::broken_answer("it has no grant"))
}
