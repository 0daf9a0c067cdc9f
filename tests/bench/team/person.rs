//! Somebody with a connection of their own, and what they do.

use breakglass_client::agent::LoginKey;
use breakglass_client::config::Context;
use breakglass_client::session::Session;
use breakglass_client::{connect, tls};
use breakglass_proto::statement::Act;
use breakglass_proto::v1::grant_service_client::GrantServiceClient;
use breakglass_proto::v1::{self, CredentialKind};
use jiff::SignedDuration;
use tonic::Streaming;
use tonic::transport::Channel;

use super::policy::{A_WHILE, Right};
use crate::Outcome;

pub(crate) struct Person {
    session: Session,
    grants: GrantServiceClient<Channel>,
    /// What SSH certificates are for.
    login: LoginKey,
}

impl Person {
    pub(super) async fn connect(context: Context) -> Outcome<Self> {
        let session = Session::open_context(context).await?;
        let grants = GrantServiceClient::new(another_connection(&session).await?);
        Ok(Self {
            session,
            grants,
            login: LoginKey::generate()?,
        })
    }

    /// One more.
    pub(super) async fn another_connection(&self) -> Outcome<Channel> {
        another_connection(&self.session).await
    }

    /// Asks for a right and takes a JWT along with it; the grant.
    pub(crate) async fn ask(
        &self,
        right: &Right,
        incident: &str,
        length: SignedDuration,
    ) -> Outcome<String> {
        let answer = self
            .request(right, incident, length, CredentialKind::Jwt)
            .await?;
        match (answer.grant, answer.credential) {
            (Some(grant), Some(credential)) if !credential.value.is_empty() => Ok(grant.id),
            _ => Err("no credential came back".into()),
        }
    }

    /// Asks for a right and takes an SSH certificate under it.
    pub(crate) async fn logs_in(&self, right: &Right, incident: &str) -> Outcome<String> {
        let nothing = CredentialKind::Unspecified;
        let answer = self.request(right, incident, A_WHILE, nothing).await?;
        let grant = answer.grant.ok_or("no grant came back")?.id;
        let kind = CredentialKind::SshCertificate;
        let key = self.login.public_key();
        let issued = self.session.issue_as(&grant, kind, key).await?;
        Ok(issued.value)
    }

    async fn request(
        &self,
        right: &Right,
        incident: &str,
        length: SignedDuration,
        credential: CredentialKind,
    ) -> Outcome<v1::RequestGrantResponse> {
        let signed = self.session.statement(Act::Request {
            right: right.id.into(),
            sentence: right.sentence.into(),
            incident: incident.to_owned(),
            reason: "the bench measures this".into(),
            length,
            held: false,
        })?;
        let request = v1::RequestGrantRequest {
            signed: Some(signed),
            credential: credential.into(),
        };
        let answer = self.grants.clone().request_grant(request).await?;
        Ok(answer.into_inner())
    }

    /// Ends a grant; the entry that says so.
    pub(crate) async fn revoke(&self, grant: &str) -> Outcome<u64> {
        let signed = self.session.statement(Act::Revoke {
            grant: grant.to_owned(),
            reason: "the bench measures this".into(),
        })?;
        let request = v1::RevokeGrantRequest {
            signed: Some(signed),
        };
        let answer = self.grants.clone().revoke_grant(request).await?;
        let receipt = answer.into_inner().receipt.ok_or("no receipt came back")?;
        Ok(receipt.index)
    }

    /// Makes the line that enrols a target's guard.
    pub(super) async fn invites_guard(&self, target: &str) -> Outcome<String> {
        Ok(self.session.invite_target(target).await?.enrolment)
    }

    /// Everything from now on.
    pub(crate) async fn follows_the_ledger(&self) -> Outcome<Streaming<v1::FollowEntriesResponse>> {
        Ok(self.session.follow(None).await?)
    }

    /// Ends an incident and every grant under it.
    pub(crate) async fn closes(&self, incident: &str) -> Outcome<()> {
        self.session.close_incident(incident, "measured").await?;
        Ok(())
    }

    /// Begins one; its id.
    pub(crate) async fn opens_an_incident(&self) -> Outcome<String> {
        let opened = self.session.open_incident("sev2", "the bench runs").await?;
        Ok(opened.id)
    }

    /// Reads who can do what.
    pub(super) async fn reviews_access(&self) -> Outcome<()> {
        self.session.review_access(90).await?;
        Ok(())
    }

    /// Lists a page of the ledger.
    pub(super) async fn lists(&self, filter: v1::ListEntriesRequest, most: usize) -> Outcome<()> {
        self.session.list_entries(filter, most).await?;
        Ok(())
    }

    /// Number of entries in the ledger.
    pub(super) async fn entries(&self) -> Outcome<u64> {
        Ok(self.session.next_index().await?)
    }
}

async fn another_connection(session: &Session) -> Outcome<Channel> {
    let context = session.context();
    let ca = std::fs::read_to_string(&context.ca_file)?;
    let config = tls::enrolled(&ca, session.identity())?;
    Ok(connect::connect(&context.server, config).await?)
}
