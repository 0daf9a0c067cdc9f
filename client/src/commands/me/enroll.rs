//! `glass enroll`

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use breakglass_proto::{
    statement::{Act, Seen, Statement},
    v1::{self, enroll_service_client::EnrollServiceClient},
};
use breakglass_tlog::{LedgerKeys, VerifierKey, succession::to_text};
use jiff::Unit;
use rustls_pki_types::CertificateDer;
use serde_json::json;

use crate::{
    certificate::Certificate,
    commands::{DONE, Seat},
    config::{Context, ContextName},
    connect::connect,
    entry::Entry,
    error::Error,
    files,
    invitation::Invitation,
    key::{self, PrivateKey},
    refusal, seen, show, text, time, tls,
    trust::{Trust, first_keys},
};

/// Make this laptop, or the guard on this host, known to a broker
///
/// Makes a key that never leaves this machine and trades the single-use token for a certificate on
/// it. The broker is recognised by the hash in the line, so nothing has to be compared by hand.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass enroll 'https://glass.example:7443#47DEQ...SuFU.AAECA...UFRYX'

The line comes from `glass people invite YOU` (run by somebody who may) or, for the first person,
from `glassd init`. It works once and for a day. Quote it: a shell takes # for a comment.

The line for a target's guard is used the same way, on the target's host; the context is called as
the target is.")]
pub struct Args {
    /// The whole line that was printed for you
    #[arg(value_name = "URL#TOKEN")]
    line: String,
    /// What to call this laptop; usually its host name
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// Take the place of the context of the same name; its old key is deleted
    #[arg(long)]
    replace: bool,
}

/// Writes the key, enrols it, checks what came, and only then makes the context.
///
/// # Errors
/// [`Error::Usage`] for a damaged line or a name in use, [`Error::File`] where nothing can be
/// written, [`Error::Refused`] for a token that was used, has expired or is unknown,
/// [`Error::Unverified`] where somebody else answers.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let invitation = Invitation::parse(&args.line)?;
    let name = seat.settings.new_context_name()?;
    let folder = seat.settings.home.context_folder(&name);
    if folder.exists() && !args.replace {
        return Err(Error::usage(
            format!("there is a context `{name}` already"),
            "add --context OTHER to keep both, or --replace to delete the old one",
        ));
    }
    let device = text::device(&args.device.unwrap_or_else(host_name))?;
    // The token works once: what cannot be written here must show before it is spent.
    let staged = Staged::begin(&folder)?;
    let seen = seen_before(seat, &name, &invitation);
    let enrolled = enrol(&invitation, &device, &staged, seen).await?;
    let name = enrolled.name(seat, name);
    let folder = seat.settings.home.context_folder(&name);
    let context = enrolled.context(&name, &device, folder);
    enrolled.save(&context, staged)?;
    let is_first = seat.settings.home.file()?.context.is_none();
    if is_first {
        seat.settings.home.use_context(&name)?;
    }
    say(seat, &context, &enrolled.certificate, is_first);
    Ok(DONE)
}

/// What came of it, checked.
struct Enrolled {
    server: crate::config::ServerUrl,
    key: String,
    ca: CertificateDer<'static>,
    certificate: Certificate,
    answer: v1::EnrollResponse,
}

/// What the context in this place has seen of the ledger of this very broker.
fn seen_before(seat: &Seat, name: &ContextName, invitation: &Invitation) -> Option<Seen> {
    let context = seat.settings.home.context(name).ok();
    let context = context.filter(|context| context.server == invitation.server)?;
    let trust = Trust::of(&context).ok()?;
    seen::of(&*trust.remembered().ok().flatten()?, &trust.keys())
}

async fn enrol(
    invitation: &Invitation,
    device: &str,
    staged: &Staged,
    seen: Option<Seen>,
) -> Result<Enrolled, Error> {
    let key = &staged.key;
    let pinned = tls::Pinned::default();
    let config = tls::enrolling(invitation.pin, pinned.clone());
    let channel = connect(&invitation.server, config)
        .await
        .map_err(|error| as_invited(invitation, error))?;
    let mut client = EnrollServiceClient::new(channel);
    let mut enroll = async |seen| {
        let signed = statement(invitation, key, device, seen)?;
        let request = v1::EnrollRequest {
            token: invitation.secret().to_owned(),
            public_key: key.public_key().to_vec(),
            signed: Some(signed.clone()),
        };
        let answer = client.enroll(request).await;
        let answer = answer.map_err(|status| refusal::explain(&invitation.server, &status))?;
        Ok((answer.into_inner(), signed))
    };
    let answer = match enroll(seen.clone()).await {
        // Another ledger is there now, with a key of its own: what was seen of the old one is not its.
        Err(Error::Refused(why)) if why.reason == "STATEMENT_INVALID" && seen.is_some() => {
            enroll(None).await
        }
        answer => answer,
    };
    let (answer, signed) = answer.map_err(|error| as_invited(invitation, error))?;

    let certificate = Certificate::from_pem(&answer.certificate)
        .filter(|certificate| certificate.key == key.id() && certificate.person == answer.person)
        .ok_or_else(|| Error::unverified("the certificate that came is for somebody else"))?;
    let ca = pinned
        .get()
        .cloned()
        .ok_or_else(|| Error::unverified("the broker sent no CA"))?;
    let enrolled = Enrolled {
        server: invitation.server.clone(),
        key: key.id(),
        ca,
        certificate,
        answer,
    };
    enrolled.check_receipt(&signed)?;
    Ok(enrolled)
}

/// What does not fit a laptop that has no context yet, said so that it does.
fn as_invited(invitation: &Invitation, error: Error) -> Error {
    match error {
        Error::Unverified { .. } => Error::unverified(format!(
            "{} is not the broker this line is for: it has no certificate with the line's hash",
            invitation.server
        )),
        Error::Refused(mut refusal) if refusal.reason == "STATEMENT_STALE" => {
            refusal.next =
                Some("set this laptop's clock, or the broker's, then run the line again".into());
            Error::Refused(refusal)
        }
        other => other,
    }
}

/// The statement of the act. Whom the token is for and which ledger this is, the broker knows and
/// this laptop does not yet: both lines are empty, and the token's hash binds the statement.
fn statement(
    invitation: &Invitation,
    key: &PrivateKey,
    device: &str,
    seen: Option<Seen>,
) -> Result<v1::Signed, Error> {
    let now = time::now();
    key.sign(&Statement {
        origin: String::new(),
        by: String::new(),
        at: now.round(Unit::Millisecond).unwrap_or(now),
        act: Act::Enroll {
            token_sha256: invitation.secret_sha256(),
            key: key.id(),
            device: device.to_owned(),
        },
        seen,
        nonce: key::random()?,
    })
}

impl Enrolled {
    /// The key it hands out, and those that the ledger had before.
    fn ledger_keys(&self) -> Result<LedgerKeys, Error> {
        let newest = VerifierKey::parse(&self.answer.ledger_vkey)
            .map_err(|error| Error::broken_answer(&format!("the ledger key: {error}")))?;
        first_keys(&newest, &self.answer.ledger_keys)
    }

    /// The ledger must have recorded exactly what was signed, under the key it hands out.
    fn check_receipt(&self, signed: &v1::Signed) -> Result<(), Error> {
        let keys = self.ledger_keys()?;
        let receipt = self.answer.receipt.as_ref();
        let receipt = receipt.ok_or_else(|| Error::broken_answer("it has no receipt"))?;
        let receipt = Trust::verify_first(keys.newest(), receipt)?;
        let entry = Entry::parse(receipt.entry()).map_err(|why| Error::broken_answer(&why))?;
        let kind = match self.certificate.target() {
            Some(_) => "target.enrolled",
            None => "person.enrolled",
        };
        if entry.kind != kind {
            return Err(Error::unverified(
                "the enrolment is not what the ledger recorded",
            ));
        }
        entry.check_signed(&self.certificate.person, &self.key, signed)
    }

    /// What the context is called: what was typed; for a guard that nobody named, as its target,
    /// where that can be a name and is free or its own. Whom a line is for is known only now.
    fn name(&self, seat: &Seat, name: ContextName) -> ContextName {
        let target = self.certificate.target();
        let of_target = target.and_then(|target| ContextName::parse(target).ok());
        let is_free = |name: &ContextName| match seat.settings.home.context(name) {
            Ok(there) => there.person == self.certificate.person,
            Err(_) => !seat.settings.home.context_folder(name).exists(),
        };
        let unnamed = seat.settings.named_context().is_none();
        of_target
            .filter(|name| unnamed && is_free(name))
            .unwrap_or(name)
    }

    fn context(&self, name: &ContextName, device: &str, folder: PathBuf) -> Context {
        Context {
            name: name.clone(),
            server: self.server.clone(),
            person: self.certificate.person.clone(),
            device: device.to_owned(),
            issuer: self.answer.issuer.clone(),
            ledger_vkey: self.answer.ledger_vkey.clone(),
            ca_file: Context::own_ca_file(&folder),
            folder,
        }
    }

    /// Writes the rest beside the place it belongs, then moves it there whole.
    fn save(&self, context: &Context, mut place: Staged) -> Result<(), Error> {
        let staged = Context {
            folder: place.folder.clone(),
            ..context.clone()
        };
        files::write(
            &staged.certificate_file(),
            self.answer.certificate.as_bytes(),
        )?;
        files::write(
            &Context::own_ca_file(&staged.folder),
            pem(&self.ca).as_bytes(),
        )?;
        if let Some(receipt) = &self.answer.receipt {
            files::write(&staged.checkpoint_file(), receipt.checkpoint.as_bytes())?;
        }
        let keys = self.ledger_keys()?;
        if !keys.successions().is_empty() {
            let text = to_text(keys.successions());
            files::write(&staged.successions_file(), text.as_bytes())?;
        }
        keep_seen(context, &staged, &keys)?;
        staged.save(&staged.folder)?;
        // From here on it is the only copy of what it takes from the old one.
        place.is_kept = true;
        move_evidence(context, &staged)?;
        remove(&context.folder)?;
        fs::rename(&staged.folder, &context.folder)
            .map_err(|error| Error::file("create", &context.folder, error))
    }
}

/// A context that is being made, with its key in it already: a folder no context can have, because
/// its name begins with a dot. Dropped before it is whole, it is removed.
struct Staged {
    folder: PathBuf,
    key: PrivateKey,
    is_kept: bool,
}

impl Staged {
    /// Beside the place of the context; one that was cut short before makes way.
    fn begin(place: &Path) -> Result<Self, Error> {
        let folder = staging(place);
        remove(&folder)?;
        let key = PrivateKey::generate()?;
        files::create_folder(&folder)?;
        let staged = Self {
            folder,
            key,
            is_kept: false,
        };
        staged.key.save(&Context::own_key_file(&staged.folder))?;
        Ok(staged)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.is_kept {
            // Why the enrolment failed is what is told.
            let _ = remove(&self.folder);
        }
    }
}

/// Evidence is kept whatever ledger it is of.
fn move_evidence(place: &Context, staged: &Context) -> Result<(), Error> {
    let (from, to) = (place.evidence_folder(), staged.evidence_folder());
    match fs::rename(&from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("move", from, error))
        }
        _ => Ok(()),
    }
}

/// What the context in this place had seen of the same ledger is not forgotten by enrolling again:
/// the next call compares with it. Any of its keys may have signed that: it may be of another history.
fn keep_seen(place: &Context, staged: &Context, keys: &LedgerKeys) -> Result<(), Error> {
    let seen = files::read_text(&place.checkpoint_file())?;
    match seen.filter(|note| keys.verify_any(note).is_ok()) {
        Some(note) => files::write(&staged.checkpoint_file(), note.as_bytes()),
        None => Ok(()),
    }
}

fn staging(folder: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".new-");
    name.push(folder.file_name().unwrap_or_default());
    folder.with_file_name(name)
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", folder, error))
        }
        _ => Ok(()),
    }
}

/// RFC 7468 section 5.
fn pem(certificate: &CertificateDer<'_>) -> String {
    let body = STANDARD.encode(certificate);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

/// The host name, as far as this system tells it without being asked twice.
fn host_name() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .find_map(|name| text::device(&name).ok())
        .unwrap_or_else(|| "laptop".to_owned())
}

fn say(seat: &Seat, context: &Context, certificate: &Certificate, is_in_use: bool) {
    let view = json!({
        "context": context.name,
        "server": context.server,
        "person": context.person,
        "device": context.device,
        "key": certificate.key,
        "certificate_expires_at": time::rfc3339(certificate.expires_at),
        "in_use": is_in_use,
    });
    seat.printer.answer(&view, |printer| {
        printer.good(match certificate.target() {
            Some(target) => format!("This is the guard of {target} at {}.", context.server),
            None => format!(
                "This laptop speaks for {} at {}.",
                context.person, context.server
            ),
        });
        show::fact(printer, "context", context.name.as_str());
        show::fact(printer, "device", &context.device);
        show::fact(printer, "files", &context.folder.display().to_string());
        let renew = time::local(certificate.renew_at(), time::now());
        show::fact(printer, "renews", &format!("by itself, from {renew} on"));
        if certificate.target().is_some() {
            printer.line(format!(
                "See that the broker knows it: glass whoami --context {}",
                context.name
            ));
        } else if is_in_use {
            printer.line("Look around: glass status, glass can");
        } else {
            printer.line(format!(
                "To use it from now on: glass context use {}",
                context.name
            ));
        }
    });
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::pem::PemObject as _;

    use super::*;
    use crate::fixtures;

    #[test]
    fn a_certificate_survives_its_pem() {
        let der = CertificateDer::from_pem_slice(fixtures::CA_CERTIFICATE.as_bytes()).unwrap();
        assert_eq!(
            CertificateDer::from_pem_slice(pem(&der).as_bytes()).unwrap(),
            der
        );
    }

    #[test]
    fn the_statement_binds_the_key_to_the_token() {
        let line = format!(
            "https://glass.example#{}.{}",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
        );
        let invitation = Invitation::parse(&line).unwrap();
        let key = PrivateKey::generate().unwrap();
        let signed = statement(&invitation, &key, "old laptop", None).unwrap();
        let read = Statement::parse(&signed.text).unwrap();
        let wanted = Act::Enroll {
            token_sha256: invitation.secret_sha256(),
            key: key.id(),
            device: "old laptop".into(),
        };
        assert_eq!(read.act, wanted);
        assert!(!signed.text.contains(invitation.secret()));
    }

    #[test]
    fn what_is_being_written_is_no_context_yet() {
        let staged = staging(Path::new("/x/contexts/work"));
        assert_eq!(staged, Path::new("/x/contexts/.new-work"));
        let name = staged.file_name().unwrap().to_str().unwrap();
        assert!(ContextName::parse(name).is_err());
    }
}
