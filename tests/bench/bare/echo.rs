//! An answer to each call, and nothing behind it but, where it is asked for, the signatures that every
//! signed request costs whoever serves it.

use std::sync::Arc;

use breakglass_proto::v1::enroll_service_client::EnrollServiceClient;
use breakglass_proto::v1::enroll_service_server::EnrollService;
use breakglass_proto::v1::{EnrollRequest, EnrollResponse, Signed};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, UnparsedPublicKey,
};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use super::fan_out::Fan;
use crate::Outcome;
use crate::load::{Call, in_turn};

/// Bytes of a request's statement and of an answer with a receipt and a JWT, as they are with us:
/// the ceiling carries what we carry.
const ASKED: usize = 450;
const ANSWERED: usize = 4_000;

/// One call, by each of the clients in turn.
pub(super) fn call(clients: Vec<EnrollServiceClient<Channel>>) -> Call {
    in_turn(clients, |mut client| async move {
        let signed = Signed {
            text: "x".repeat(ASKED),
            signature: vec![0; 71],
        };
        let request = EnrollRequest {
            signed: Some(signed),
            ..Default::default()
        };
        client.enroll(request).await?;
        Ok(())
    })
}

/// The same, with the client's signature over what it asks, which the server checks before it signs
/// its answer as a JWT is signed (ES256).
pub(super) fn signed_call(clients: Vec<EnrollServiceClient<Channel>>) -> Outcome<Call> {
    let key = Arc::new(new_key(&ECDSA_P256_SHA256_ASN1_SIGNING)?);
    let clients = clients.into_iter().map(|it| (it, Arc::clone(&key)));
    Ok(in_turn(clients.collect(), |(mut client, key)| async move {
        let text = "x".repeat(ASKED);
        let signature = key.sign(&SystemRandom::new(), text.as_bytes());
        let signature = signature.map_err(|_| "no signature")?.as_ref().to_vec();
        let request = EnrollRequest {
            public_key: key.public_key().as_ref().to_vec(),
            signed: Some(Signed { text, signature }),
            ..Default::default()
        };
        client.enroll(request).await?;
        Ok(())
    }))
}

fn new_key(algorithm: &'static EcdsaSigningAlgorithm) -> Outcome<EcdsaKeyPair> {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| "no key")?;
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random);
    Ok(key.map_err(|_| "no key")?)
}

/// Answers.
pub(super) struct Echo {
    fan: Fan,
    key: EcdsaKeyPair,
}

impl Echo {
    /// Whoever sends a token rings the bell of the others.
    pub(super) fn beside(fan: Fan) -> Outcome<Self> {
        let key = new_key(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        Ok(Self { fan, key })
    }

    /// Checks what was signed; signs what is answered.
    fn check_and_sign(&self, asked: &EnrollRequest) -> Result<(), ring::error::Unspecified> {
        let signed = asked.signed.as_ref().ok_or(ring::error::Unspecified)?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &asked.public_key);
        public.verify(signed.text.as_bytes(), &signed.signature)?;
        let claims = &signed.text.as_bytes()[..ASKED];
        self.key.sign(&SystemRandom::new(), claims).map(drop)
    }
}

#[tonic::async_trait]
impl EnrollService for Echo {
    async fn enroll(
        &self,
        request: Request<EnrollRequest>,
    ) -> Result<Response<EnrollResponse>, Status> {
        let asked = request.into_inner();
        if !asked.public_key.is_empty() {
            let signed = self.check_and_sign(&asked);
            signed.map_err(|_| Status::unauthenticated("the signature is wrong"))?;
        }
        let told = match asked.token.as_str() {
            "" => String::new(),
            text => self.fan.tell(text).to_string(),
        };
        Ok(Response::new(EnrollResponse {
            person: told,
            certificate: "x".repeat(ANSWERED),
            ..Default::default()
        }))
    }
}
