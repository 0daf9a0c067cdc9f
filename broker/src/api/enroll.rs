//! `EnrollService`: the only one that strangers may call.

use breakglass_domain::limits::DEVICE_MAX;
use breakglass_domain::{Line, TokenHash};
use breakglass_proto::statement::Act as Said;
use breakglass_proto::v1::{self, enroll_service_server::EnrollService};
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::caller::key_id;
use super::convert;
use super::desk::Desk;
use super::error::Error;
use super::limits::POINT_LEN;
use super::statement::{self, Checked};
use crate::app::{Enrolling, Seen, token};

#[tonic::async_trait]
impl EnrollService for Desk {
    async fn enroll(
        &self,
        request: Request<v1::EnrollRequest>,
    ) -> Result<Response<v1::EnrollResponse>, Status> {
        let asked = request.into_inner();
        let refused = |error: &Error| self.app.count_refusal(error.reason());
        let (enrolling, seen) = self.enrolling(asked).inspect_err(refused)?;
        self.app.need_same_history(None, "enroll", seen).await?;
        let certified = self.app.enroll(enrolling).await?;
        let about = self.app.about();
        Ok(Response::new(v1::EnrollResponse {
            person: certified.holder.to_string(),
            certificate: certified.certificate,
            renew_at: Some(convert::time(certified.renew_at)),
            expires_at: Some(convert::time(certified.expires_at)),
            ledger_vkey: about.ledger_vkey.clone(),
            issuer: about.issuer.clone(),
            receipt: Some(convert::receipt(&certified.receipt)),
            ledger_keys: self.ledger_keys().await?,
        }))
    }
}

impl Desk {
    fn enrolling(&self, asked: v1::EnrollRequest) -> Result<(Enrolling, Option<Seen>), Error> {
        let secret = Zeroizing::new(asked.token);
        let token = token::hash(&secret);
        let public = asked.public_key;
        if public.len() != POINT_LEN {
            let why = format!("it is not an uncompressed P-256 point of {POINT_LEN} bytes");
            let field = "public_key";
            return Err(Error::Argument { field, why });
        }
        let key = key_id(&public);
        let checked = statement::check(&public, &key, asked.signed, "enroll")?;
        need_no_names(&checked)?;
        let device = device(&checked.said, &token, key.as_str())?;
        let seen = checked.seen(&self.app.about().origin);
        let enrolling = Enrolling {
            token,
            key,
            public,
            device,
            signed: checked.signed,
        };
        Ok((enrolling, seen))
    }
}

/// The token says which ledger and which person it is for, so nothing beside it may: what is in an
/// entry is read by programs that take no other.
fn need_no_names(checked: &Checked) -> Result<(), Error> {
    for (line, said) in [("origin", &checked.origin), ("by", &checked.by)] {
        if !said.is_empty() {
            let why = format!("an enrolment leaves `{line}` empty, for the token says it");
            return Err(Error::Statement(why));
        }
    }
    Ok(())
}

/// The statement binds this key to this token.
fn device(said: &Said, token: &TokenHash, key: &str) -> Result<Line, Error> {
    let Said::Enroll {
        token_sha256,
        key: signed_key,
        device,
    } = said
    else {
        return Err(Error::Statement("it is for another call".to_owned()));
    };
    if !token::same(token_sha256, token.as_str()) || !token::same(signed_key, key) {
        return Err(Error::Statement(
            "it names another token or another key".to_owned(),
        ));
    }
    let line = Line::parse_up_to(device, DEVICE_MAX);
    line.map_err(|why| statement::not_taken("device", why))
}
