//! Acts and questions about grants.

use breakglass_proto::{
    statement::Act,
    v1::{
        self, grant_service_client::GrantServiceClient, watch_service_client::WatchServiceClient,
    },
};
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use tonic::{Streaming, transport::Channel};

use super::Session;
use crate::{error::Error, grant::late_error, limits, time};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The right, with the sentence the person was shown.
    pub right: &'a v1::Verdict,
    /// Under which incident.
    pub incident: &'a str,
    /// Why.
    pub reason: &'a str,
    /// For how long, counted from the approval.
    pub length: SignedDuration,
    /// Whether it lives only while this client holds it.
    pub held: bool,
    /// The credential to send along where the grant begins at once.
    pub credential: v1::CredentialKind,
}

impl Session {
    /// Asks for a grant.
    ///
    /// # Errors
    /// [`Error::Refused`] where the policy, the incident or the ledger says no.
    pub async fn request(&self, asked: &Asked<'_>) -> Result<v1::RequestGrantResponse, Error> {
        let act = Act::Request {
            right: asked.right.right.clone(),
            sentence: asked.right.sentence.clone(),
            incident: asked.incident.to_owned(),
            reason: asked.reason.to_owned(),
            length: asked.length,
            held: asked.held,
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let credential = asked.credential.into();
            let request = v1::RequestGrantRequest { signed, credential };
            async move { client.request_grant(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        let grant = present(answer.grant.as_ref())?;
        if let Some(credential) = &answer.credential {
            self.check_credential(credential, &grant.id, None).await?;
        }
        Ok(answer)
    }

    /// Says yes to a request, to exactly what was shown.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn approve(&self, shown: &v1::Grant) -> Result<v1::Grant, Error> {
        let length = time::length_from_proto(shown.length.as_ref()).unwrap_or_default();
        let until = self
            .now()
            .saturating_add(length + APPROVAL_SLACK)
            .unwrap_or(self.now());
        let act = Act::Approve {
            grant: shown.id.clone(),
            incident: shown.incident.clone(),
            requester: shown.person.clone(),
            right: shown.right.clone(),
            sentence: shown.sentence.clone(),
            until,
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::ApproveGrantRequest { signed };
            async move { client.approve_grant(request).await }
        };
        let acted = self.act(act, send).await;
        let (answer, _) = self.in_time(&shown.id, acted).await?;
        taken(answer.grant)
    }

    /// Says no to a request.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn deny(&self, grant: &str, reason: &str) -> Result<v1::Grant, Error> {
        let act = Act::Deny {
            grant: grant.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::DenyGrantRequest { signed };
            async move { client.deny_grant(request).await }
        };
        let acted = self.act(act, send).await;
        let (answer, _) = self.in_time(grant, acted).await?;
        taken(answer.grant)
    }

    /// Begins one's own grant when nobody answered.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn self_grant(&self, shown: &v1::Grant) -> Result<v1::Grant, Error> {
        let act = Act::SelfGrant {
            grant: shown.id.clone(),
            incident: shown.incident.clone(),
            right: shown.right.clone(),
            sentence: shown.sentence.clone(),
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::SelfGrantRequest { signed };
            async move { client.self_grant(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        taken(answer.grant)
    }

    /// Says that one spoke with who asked, for exactly what was shown.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn record_call(
        &self,
        shown: &v1::Grant,
        spoke_at: Timestamp,
    ) -> Result<v1::Grant, Error> {
        // A statement is written in whole milliseconds, and this must not round up past its own time.
        let whole = TimestampRound::new()
            .smallest(Unit::Millisecond)
            .mode(RoundMode::Trunc);
        let spoke_at = spoke_at.round(whole).unwrap_or(spoke_at);
        let act = Act::RecordCall {
            grant: shown.id.clone(),
            incident: shown.incident.clone(),
            requester: shown.person.clone(),
            right: shown.right.clone(),
            sentence: shown.sentence.clone(),
            spoke_at,
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::RecordCallRequest { signed };
            async move { client.record_call(request).await }
        };
        let acted = self.act(act, send).await;
        let (answer, _) = self.in_time(&shown.id, acted).await?;
        taken(answer.grant)
    }

    /// Asks for a later end.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn extend(
        &self,
        grant: &str,
        by: SignedDuration,
        reason: &str,
    ) -> Result<v1::Grant, Error> {
        let act = Act::Extend {
            grant: grant.to_owned(),
            by,
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::ExtendGrantRequest { signed };
            async move { client.extend_grant(request).await }
        };
        let acted = self.act(act, send).await;
        let (answer, _) = self.in_time(grant, acted).await?;
        taken(answer.grant)
    }

    /// Hands one's own grant over to somebody, as it was shown and to its end.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn hand_over(
        &self,
        shown: &v1::Grant,
        to: &str,
        reason: &str,
    ) -> Result<v1::Grant, Error> {
        let until = time::from_proto(shown.ends_at.as_ref());
        let until = until.ok_or_else(|| Error::broken_answer("an active grant has no end"))?;
        let act = Act::HandOver {
            grant: shown.id.clone(),
            to: to.to_owned(),
            incident: shown.incident.clone(),
            right: shown.right.clone(),
            sentence: shown.sentence.clone(),
            reason: reason.to_owned(),
            until,
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::HandOverGrantRequest { signed };
            async move { client.hand_over_grant(request).await }
        };
        let acted = self.act(act, send).await;
        let (answer, _) = self.in_time(&shown.id, acted).await?;
        taken(answer.grant)
    }

    /// Gives a grant back, or takes a request back.
    ///
    /// # Errors
    /// [`Error::Refused`]; with reason `GRANT_ENDED` it was over already, which is as good.
    pub async fn drop_grant(&self, grant: &str) -> Result<v1::Grant, Error> {
        let act = Act::Drop {
            grant: grant.to_owned(),
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::DropGrantRequest { signed };
            async move { client.drop_grant(request).await }
        };
        let (answer, _) = self.act(act, send).await?;
        taken(answer.grant)
    }

    /// Ends somebody's grant.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn revoke(&self, grant: &str, reason: &str) -> Result<v1::Grant, Error> {
        let act = Act::Revoke {
            grant: grant.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::RevokeGrantRequest { signed };
            async move { client.revoke_grant(request).await }
        };
        let acted = self.act(act, send).await;
        let (answer, _) = self.in_time(grant, acted).await?;
        taken(answer.grant)
    }

    /// Ends what somebody began alone, or may begin alone; and answers what else of theirs ended with it,
    /// behind it.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn veto(&self, grant: &str, reason: &str) -> Result<Vec<v1::Grant>, Error> {
        let act = Act::Veto {
            grant: grant.to_owned(),
            reason: reason.to_owned(),
        };
        let send = |signed| {
            let mut client = self.grants();
            let signed = Some(signed);
            let request = v1::VetoGrantRequest { signed };
            async move { client.veto_grant(request).await }
        };
        let acted = self.act(act, send).await;
        let (answer, _) = self.in_time(grant, acted).await?;
        let mut ended = vec![taken(answer.grant)?];
        ended.extend(answer.also_ended);
        Ok(ended)
    }

    /// The answer to an act on a grant; where it came too late, what became of that grant.
    async fn in_time<T>(&self, grant: &str, answer: Result<T, Error>) -> Result<T, Error> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if !matches!(error.reason(), "GRANT_ENDED" | "GRANT_ACTIVE") {
            return Err(error);
        }
        let now_is = self.grant(grant).await.ok();
        let late = now_is.and_then(|it| late_error(&it, self.person(), self.now()));
        Err(late.unwrap_or(error))
    }

    /// A JWT under one's own active grant.
    ///
    /// # Errors
    /// [`Error::Refused`]; [`Error::Unverified`] where it was made without its entry.
    pub async fn issue(&self, grant: &str) -> Result<v1::Credential, Error> {
        self.issue_as(grant, v1::CredentialKind::Jwt, &[]).await
    }

    /// A credential of any kind; `public_key` is the key it is for, where it has one of its own.
    ///
    /// # Errors
    /// As [`Session::issue`].
    pub async fn issue_as(
        &self,
        grant: &str,
        kind: v1::CredentialKind,
        public_key: &[u8],
    ) -> Result<v1::Credential, Error> {
        let request = v1::IssueCredentialRequest {
            grant: grant.to_owned(),
            kind: kind.into(),
            public_key: public_key.to_vec(),
        };
        let answer = self.answer(self.grants().issue_credential(request).await)?;
        let credential = answer
            .credential
            .ok_or_else(|| Error::broken_answer("it has no credential"))?;
        let own = (!public_key.is_empty()).then_some(public_key);
        self.check_credential(&credential, grant, own).await?;
        Ok(credential)
    }

    /// Records that a credential was put to use by a program, named without its arguments.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn report_use(&self, grant: &str, program: &str) -> Result<(), Error> {
        let program = program_name(program);
        let request = v1::ReportUseRequest {
            grant: grant.to_owned(),
            program,
        };
        let answer = self.answer(self.grants().report_use(request).await)?;
        let entry = self.accept(answer.receipt.as_ref()).await?;
        entry.check_grant("grant.used", self.person(), grant)
    }

    /// Holds one's own grant: it lives while this stream is open, and for the broker's grace after.
    /// Events come from entry `from_index` on; 0 means from the request.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`].
    pub async fn hold(
        &self,
        grant: &str,
        from_index: u64,
    ) -> Result<Streaming<v1::HoldGrantResponse>, Error> {
        let request = v1::HoldGrantRequest {
            grant: grant.to_owned(),
            from_index,
        };
        self.answer(self.grants().hold_grant(request).await)
    }

    /// What happens from now on, or from an entry on.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Unreachable`].
    pub async fn watch(
        &self,
        request: v1::WatchRequest,
    ) -> Result<Streaming<v1::WatchResponse>, Error> {
        let mut client = WatchServiceClient::new(self.channel());
        self.answer(client.watch(request).await)
    }

    /// One grant as it stands now.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn grant(&self, grant: &str) -> Result<v1::Grant, Error> {
        let request = v1::GetGrantRequest {
            grant: grant.to_owned(),
        };
        let answer = self.answer(self.grants().get_grant(request).await)?;
        taken(answer.grant)
    }

    /// The newest that was vetoed of the same person, right and incident, where a request waits that may
    /// not be begun alone.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn vetoed_before(&self, asked: &v1::Grant) -> Result<Option<v1::Grant>, Error> {
        if asked.state() != v1::GrantState::Waiting || asked.self_grant_at.is_some() {
            return Ok(None);
        }
        let request = v1::ListGrantsRequest {
            include_ended: true,
            person: asked.person.clone(),
            right: asked.right.clone(),
            incident: asked.incident.clone(),
            ..v1::ListGrantsRequest::default()
        };
        let grants = self.list_grants(request, LOOKED_THROUGH).await?;
        let is_vetoed = |grant: &v1::Grant| grant.ending() == v1::GrantEnding::Vetoed;
        Ok(grants.into_iter().find(is_vetoed))
    }

    /// Grants, up to `most` of them, page by page.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn list_grants(
        &self,
        mut request: v1::ListGrantsRequest,
        most: usize,
    ) -> Result<Vec<v1::Grant>, Error> {
        let mut grants = Vec::new();
        loop {
            let left = most - grants.len();
            request.limit = u32::try_from(left).unwrap_or(u32::MAX).min(GRANTS_PAGE);
            let page = self.answer(self.grants().list_grants(request.clone()).await)?;
            grants.extend(page.grants.into_iter().take(left));
            if page.next_cursor.is_empty() || grants.len() >= most {
                return Ok(grants);
            }
            request.cursor = page.next_cursor;
        }
    }

    fn grants(&self) -> GrantServiceClient<Channel> {
        GrantServiceClient::new(self.channel())
    }
}

/// What an approver allows on top of the length shown, so that the moment between signing and
/// arriving does not cut the grant short.
const APPROVAL_SLACK: SignedDuration = SignedDuration::from_secs(30);

/// The most the contract gives in one page.
/// How many grants of one person for one right under one incident are looked through for a veto.
const LOOKED_THROUGH: usize = 100;

const GRANTS_PAGE: u32 = 500;

fn present(grant: Option<&v1::Grant>) -> Result<&v1::Grant, Error> {
    grant.ok_or_else(|| Error::broken_answer("it has no grant"))
}

fn taken(grant: Option<v1::Grant>) -> Result<v1::Grant, Error> {
    grant.ok_or_else(|| Error::broken_answer("it has no grant"))
}

/// The last part of a path, safe and short enough for the contract.
fn program_name(program: &str) -> String {
    let name = program.rsplit('/').next().unwrap_or(program);
    let mut name = crate::text::plain(name);
    let mut end = limits::MAX_PROGRAM_BYTES.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_named_without_path_and_not_at_length() {
        assert_eq!(program_name("/usr/bin/psql"), "psql");
        assert_eq!(program_name("a\u{1b}b"), "a\\u{1b}b");
        assert_eq!(program_name(&"é".repeat(200)).len(), 200);
    }
}
