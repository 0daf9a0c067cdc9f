//! A session with a broker in memory, over real TLS: what it accepts, and what it does not.

mod keys;

use std::sync::{Mutex, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_proto::v1::{
    identity_service_server::{IdentityService, IdentityServiceServer},
    incident_service_server::{IncidentService, IncidentServiceServer},
    ledger_service_server::{LedgerService, LedgerServiceServer},
};
use breakglass_tlog::{
    Checkpoint, Ed25519Signer, Hash, KeyName, NoteSigner as _, SignedCheckpoint, StoredHashes,
    Succession,
    tree::{prove_consistency, prove_inclusion, tree_hash},
};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, transport::Server};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;
use crate::{
    config::{ContextName, ServerUrl},
    fixtures,
    story::Proven,
};

const ORIGIN: &str = "glass.example/ledger";

/// How the broker behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Honest,
    /// Records another note than the one that was signed.
    Forging,
    /// Says no.
    Refusing,
    /// Lists the second entry as another than it is.
    Misquoting,
    /// Is older than proofs of what is listed.
    Older,
    /// Gives the same page for ever.
    Circling,
}

/// A broker with a ledger in memory.
#[derive(Clone)]
struct Broker(Arc<Mutex<Inside>>);

struct Inside {
    lines: Vec<Vec<u8>>,
    manner: Manner,
    vkey: Option<String>,
    /// Who signs the ledger, by the seed of the key.
    seed: u8,
    /// The entries that handed it over.
    handed_over_at: Vec<u64>,
}

impl Broker {
    fn new() -> Self {
        let lines = vec![b"{}".to_vec()];
        Self(Arc::new(Mutex::new(Inside {
            lines,
            manner: Manner::Honest,
            vkey: None,
            seed: 3,
            handed_over_at: Vec::new(),
        })))
    }

    fn inside<T>(&self, see: impl FnOnce(&mut Inside) -> T) -> T {
        see(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Listens on a free port of this machine until the test ends.
    async fn listen(&self) -> ServerUrl {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(server_tls()));
        let (sender, streams) = tokio::sync::mpsc::channel(4);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                if sender.send(acceptor.accept(tcp).await).await.is_err() {
                    return;
                }
            }
        });
        let server = Server::builder()
            .add_service(IdentityServiceServer::new(self.clone()))
            .add_service(IncidentServiceServer::new(self.clone()))
            .add_service(LedgerServiceServer::new(self.clone()))
            .serve_with_incoming(ReceiverStream::new(streams));
        tokio::spawn(server);
        ServerUrl::parse(&format!("https://127.0.0.1:{port}")).unwrap()
    }

    fn head(&self) -> SignedCheckpoint {
        let tree = self.tree();
        let root = tree_hash(tree.size(), &tree).unwrap();
        let checkpoint = Checkpoint::new(ORIGIN, tree.size(), root).unwrap();
        let seed = self.inside(|inside| inside.seed);
        SignedCheckpoint::sign(&checkpoint, &signer_of(seed)).unwrap()
    }

    fn tree(&self) -> StoredHashes {
        self.inside(|inside| {
            inside
                .lines
                .iter()
                .map(|line| Hash::of_leaf(line))
                .collect()
        })
    }

    /// Appends the entry of a note and gives its receipt.
    fn record(&self, signed: &v1::Signed, key: &str) -> v1::Receipt {
        let index = self.tree().size();
        let text = match self.inside(|inside| inside.manner) {
            Manner::Forging => signed.text.replace("queue at 40k", "all is well"),
            _ => signed.text.clone(),
        };
        let signature = STANDARD.encode(&signed.signature);
        let entry = json!({
            "v": 1, "index": index, "at": "2026-11-23T03:05:00.000Z", "kind": "incident.noted",
            "by": "mia", "incident": "INC-1",
            "signed": {"text": text, "key": key, "signature": signature},
        });
        self.inside(|inside| inside.lines.push(serde_json::to_vec(&entry).unwrap()));
        self.receipt(index)
    }

    fn receipt(&self, index: u64) -> v1::Receipt {
        let (tree, head) = (self.tree(), self.head());
        let proof = prove_inclusion(index, head.size(), &tree).unwrap();
        let place = usize::try_from(index).unwrap();
        v1::Receipt {
            index,
            entry: self.inside(|inside| inside.lines[place].clone()),
            inclusion: proof
                .hashes
                .iter()
                .map(|hash| hash.as_bytes().to_vec())
                .collect(),
            checkpoint: head.note().to_owned(),
        }
    }
}

impl Broker {
    /// It was restarted with another key, while a session was open.
    fn hands_over_to(&self, seed: u8) {
        let (index, old) = (self.tree().size(), self.inside(|inside| inside.seed));
        let new = signer_of(seed);
        let succession = Succession::sign(index + 1, &signer_of(old), &new).unwrap();
        let entry = json!({
            "v": 1, "index": index, "at": "2026-11-23T03:05:00.000Z", "kind": "key.added",
            "by": "breakglass", "purpose": "ledger", "id": new.verifier().to_string(),
            "public": STANDARD.encode(new.verifier().public_key()), "succession": succession.note(),
        });
        let started = json!({
            "v": 1, "index": index + 1, "at": "2026-11-23T03:05:00.000Z", "kind": "broker.started",
            "by": "breakglass", "version": "0.1.0",
        });
        self.inside(|inside| {
            for line in [entry, started] {
                inside.lines.push(serde_json::to_vec(&line).unwrap());
            }
            inside.seed = seed;
            inside.handed_over_at.push(index);
        });
    }
}

type Answer<T> = Result<Response<T>, Status>;

fn not_here<T>() -> Answer<T> {
    Err(Status::unimplemented("not part of this story"))
}

#[tonic::async_trait]
impl IdentityService for Broker {
    async fn who_am_i(&self, call: Request<v1::WhoAmIRequest>) -> Answer<v1::WhoAmIResponse> {
        if call.peer_certs().is_none() {
            return Err(Status::unauthenticated("no certificate"));
        }
        let vkey = self.inside(|inside| inside.vkey.clone());
        let seed = self.inside(|inside| inside.seed);
        let places = self.inside(|inside| inside.handed_over_at.clone());
        Ok(Response::new(v1::WhoAmIResponse {
            person: "mia".into(),
            broker_time: Some(time::to_proto("2031-01-01T00:00:00Z".parse().unwrap())),
            origin: ORIGIN.into(),
            ledger_vkey: vkey.unwrap_or_else(|| signer_of(seed).verifier().to_string()),
            ledger_keys: places
                .into_iter()
                .map(|place| self.receipt(place))
                .collect(),
            ..v1::WhoAmIResponse::default()
        }))
    }

    async fn renew_certificate(
        &self,
        _: Request<v1::RenewCertificateRequest>,
    ) -> Answer<v1::RenewCertificateResponse> {
        not_here()
    }
}

#[tonic::async_trait]
impl IncidentService for Broker {
    async fn note_incident(
        &self,
        call: Request<v1::NoteIncidentRequest>,
    ) -> Answer<v1::NoteIncidentResponse> {
        if self.inside(|inside| inside.manner) == Manner::Refusing {
            let next = ("next".to_owned(), "glass incident list".to_owned());
            let next = std::collections::HashMap::from([next]);
            let details = ErrorDetails::with_error_info("INCIDENT_CLOSED", "breakglass", next);
            let code = Code::FailedPrecondition;
            return Err(Status::with_error_details(code, "INC-1 is closed", details));
        }
        let signed = call.into_inner().signed.unwrap();
        let receipt = Some(self.record(&signed, &mia().key.id()));
        Ok(Response::new(v1::NoteIncidentResponse { receipt }))
    }

    async fn open_incident(
        &self,
        _: Request<v1::OpenIncidentRequest>,
    ) -> Answer<v1::OpenIncidentResponse> {
        not_here()
    }

    async fn close_incident(
        &self,
        _: Request<v1::CloseIncidentRequest>,
    ) -> Answer<v1::CloseIncidentResponse> {
        not_here()
    }

    async fn hold_incident(
        &self,
        _: Request<v1::HoldIncidentRequest>,
    ) -> Answer<v1::HoldIncidentResponse> {
        not_here()
    }

    async fn get_incident(
        &self,
        _: Request<v1::GetIncidentRequest>,
    ) -> Answer<v1::GetIncidentResponse> {
        not_here()
    }

    async fn list_incidents(
        &self,
        _: Request<v1::ListIncidentsRequest>,
    ) -> Answer<v1::ListIncidentsResponse> {
        not_here()
    }
}

#[tonic::async_trait]
impl LedgerService for Broker {
    type FollowEntriesStream = ReceiverStream<Result<v1::FollowEntriesResponse, Status>>;
    type ExportEntriesStream = ReceiverStream<Result<v1::ExportEntriesResponse, Status>>;

    async fn get_checkpoint(
        &self,
        _: Request<v1::GetCheckpointRequest>,
    ) -> Answer<v1::GetCheckpointResponse> {
        let checkpoint = self.head().note().to_owned();
        Ok(Response::new(v1::GetCheckpointResponse {
            checkpoint,
            cosigned: String::new(),
            before: String::new(),
        }))
    }

    async fn prove_consistency(
        &self,
        call: Request<v1::ProveConsistencyRequest>,
    ) -> Answer<v1::ProveConsistencyResponse> {
        let asked = call.into_inner();
        let proof = prove_consistency(asked.old_size, asked.new_size, &self.tree())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let hashes = proof
            .hashes
            .iter()
            .map(|hash| hash.as_bytes().to_vec())
            .collect();
        let checkpoint = String::new();
        Ok(Response::new(v1::ProveConsistencyResponse {
            hashes,
            checkpoint,
        }))
    }

    async fn get_entry(&self, _: Request<v1::GetEntryRequest>) -> Answer<v1::GetEntryResponse> {
        not_here()
    }

    /// Pages of two entries, each proven.
    async fn list_entries(
        &self,
        call: Request<v1::ListEntriesRequest>,
    ) -> Answer<v1::ListEntriesResponse> {
        let from: u64 = call.into_inner().cursor.parse().unwrap_or(1);
        let (tree, head) = (self.tree(), self.head());
        let (lines, manner) = self.inside(|inside| (inside.lines.clone(), inside.manner));
        let places = (from..head.size()).take(2);
        let entry = |index: u64| {
            let text = String::from_utf8(lines[usize::try_from(index).unwrap()].clone()).unwrap();
            let lies = manner == Manner::Misquoting && index == 2;
            let line = if lies {
                text.replace("INC-1", "INC-2")
            } else {
                text
            };
            let proof = prove_inclusion(index, head.size(), &tree).unwrap();
            v1::Entry {
                index,
                line: line.into_bytes(),
                text: String::new(),
                inclusion: proof
                    .hashes
                    .iter()
                    .map(|hash| hash.as_bytes().to_vec())
                    .collect(),
            }
        };
        let next = from + 2;
        Ok(Response::new(v1::ListEntriesResponse {
            entries: places.map(entry).collect(),
            next_cursor: match manner {
                Manner::Circling => from.to_string(),
                _ if next < head.size() => next.to_string(),
                _ => String::new(),
            },
            read: 0,
            checkpoint: match manner {
                Manner::Older => String::new(),
                _ => head.note().to_owned(),
            },
        }))
    }

    async fn follow_entries(
        &self,
        _: Request<v1::FollowEntriesRequest>,
    ) -> Answer<Self::FollowEntriesStream> {
        not_here()
    }

    async fn export_entries(
        &self,
        _: Request<v1::ExportEntriesRequest>,
    ) -> Answer<Self::ExportEntriesStream> {
        not_here()
    }
}

fn signer() -> Ed25519Signer {
    signer_of(3)
}

fn signer_of(seed: u8) -> Ed25519Signer {
    Ed25519Signer::from_seed(KeyName::parse(ORIGIN).unwrap(), &[seed; 32]).unwrap()
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn server_tls() -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(certificate(fixtures::CA_CERTIFICATE)).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let chain = [fixtures::SERVER_CERTIFICATE, fixtures::CA_CERTIFICATE].map(certificate);
    let key = PrivateKeyDer::from_pem_slice(fixtures::SERVER_KEY.as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain.to_vec(), key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// A laptop enrolled as mia.
struct Laptop {
    _folder: tempfile::TempDir,
    context: Context,
}

impl Laptop {
    fn enrolled(server: ServerUrl) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().to_owned();
        let context = Context {
            name: ContextName::parse("work").unwrap(),
            server,
            person: "mia".into(),
            device: "laptop".into(),
            issuer: String::new(),
            ledger_vkey: signer().verifier().to_string(),
            ca_file: Context::own_ca_file(&folder),
            folder,
        };
        files::write(&context.key_file(), fixtures::CLIENT_KEY.as_bytes()).unwrap();
        files::write(
            &context.certificate_file(),
            fixtures::CLIENT_CERTIFICATE.as_bytes(),
        )
        .unwrap();
        files::write(&context.ca_file, fixtures::CA_CERTIFICATE.as_bytes()).unwrap();
        Self {
            _folder: temporary,
            context,
        }
    }

    async fn session(&self) -> Result<Session, Error> {
        Session::open_context(self.context.clone()).await
    }
}

fn mia() -> Identity {
    Laptop::enrolled(ServerUrl::parse("https://localhost").unwrap()).identity()
}

impl Laptop {
    fn identity(&self) -> Identity {
        Identity::load(&self.context).unwrap()
    }
}

#[tokio::test]
async fn an_act_is_signed_recorded_and_checked() {
    let broker = Broker::new();
    let laptop = Laptop::enrolled(broker.listen().await);
    let session = laptop.session().await.unwrap();
    assert_eq!(session.person(), "mia");
    assert_eq!(
        session
            .note_incident("INC-1", "queue at 40k")
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        session
            .note_incident("INC-1", "queue at 40k")
            .await
            .unwrap(),
        2
    );
    assert_eq!(session.trust().remembered().unwrap().unwrap().size(), 3);

    let line = broker.inside(|inside| inside.lines[1].clone());
    let text = Entry::parse(&line).unwrap().signed.unwrap().text;
    let statement = Statement::parse(&text).unwrap();
    assert_eq!(
        (statement.origin.as_str(), statement.by.as_str()),
        (ORIGIN, "mia")
    );
    // By the broker's clock, however wrong this laptop's is.
    assert!(statement.at >= "2031-01-01T00:00:00Z".parse::<Timestamp>().unwrap());
}

#[tokio::test]
async fn a_receipt_for_other_words_is_refused() {
    let broker = Broker::new();
    broker.inside(|inside| inside.manner = Manner::Forging);
    let laptop = Laptop::enrolled(broker.listen().await);
    let session = laptop.session().await.unwrap();
    let error = session
        .note_incident("INC-1", "queue at 40k")
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 86);
    assert!(
        error
            .to_string()
            .contains("does not say what was asked for"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_arrives_with_its_reason() {
    let broker = Broker::new();
    broker.inside(|inside| inside.manner = Manner::Refusing);
    let laptop = Laptop::enrolled(broker.listen().await);
    let session = laptop.session().await.unwrap();
    let error = session
        .note_incident("INC-1", "queue at 40k")
        .await
        .unwrap_err();
    assert_eq!((error.exit_code(), error.reason()), (80, "INCIDENT_CLOSED"));
    assert_eq!(error.to_string(), "INC-1 is closed");
    assert_eq!(error.next().as_deref(), Some("glass incident list"));
}

#[tokio::test]
async fn a_rewritten_history_is_caught_by_the_next_session() {
    let broker = Broker::new();
    let laptop = Laptop::enrolled(broker.listen().await);
    let session = laptop.session().await.unwrap();
    session
        .note_incident("INC-1", "queue at 40k")
        .await
        .unwrap();
    session.note_incident("INC-1", "draining").await.unwrap();

    broker.inside(|inside| inside.lines[1] = b"{\"never\":\"happened\"}".to_vec());
    broker.inside(|inside| inside.lines.push(b"{}".to_vec()));
    let error = laptop
        .session()
        .await
        .unwrap()
        .checkpoint()
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), 86);
    let Error::Unverified {
        evidence: Some(folder),
        ..
    } = error
    else {
        panic!("no evidence")
    };
    assert!(folder.join("consistency-proof.txt").exists());
}

#[tokio::test]
async fn what_is_listed_with_proofs_is_in_the_ledger_or_is_not_believed() {
    let broker = Broker::new();
    let laptop = Laptop::enrolled(broker.listen().await);
    let session = laptop.session().await.unwrap();
    for text in ["one", "two", "three"] {
        session.note_incident("INC-1", text).await.unwrap();
    }
    let list = async |most: usize| {
        let all = v1::ListEntriesRequest::default();
        Proven::entries(&session, all, most).await
    };
    let places = |entries: Vec<Entry>| entries.iter().map(|it| it.index).collect::<Vec<_>>();
    assert_eq!(places(list(10).await.unwrap()), [1, 2, 3]);
    assert_eq!(places(list(1).await.unwrap()), [1]);
    for (manner, code, why) in [
        (Manner::Misquoting, 86, "the receipt for entry 2 is false"),
        (Manner::Older, 1, "older than this glass"),
        (Manner::Circling, 1, "its next page begins where it began"),
    ] {
        broker.inside(|inside| inside.manner = manner);
        let error = list(10).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(error.exit_code() == 86, code == 86, "{error}");
    }
}
