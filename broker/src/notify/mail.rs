//! E-mail over SMTP submission (RFC 6409), never without TLS. Each recipient gets a message of their
//! own, some at once: one whose mailbox is gone, full or slow keeps nobody else waiting, and nobody reads who
//! else was told.

mod progress;
mod queue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use breakglass_domain::{Line, PersonId};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{Address, Tokio1Executor};

use super::channel::Way;
use super::courier::Failed;
use super::dial::Host;
use super::limits::{MAIL, MAIL_TRIES, SUBJECT_CHARS};
use super::notice::{Notice, To};
use super::{roots, secret};
use crate::config::notify::{Smtp, SmtpTls};
use progress::Progress;
use queue::{Queue, Sent};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// A server that takes e-mail in, and who has got the newest notices already.
pub(super) struct Mail {
    smtp: Smtp,
    progress: Mutex<Progress>,
}

/// Who did not get a notice in one try, and why: the last of each.
#[derive(Default)]
struct Missed {
    waited_for: Option<String>,
    passed: Option<String>,
}

impl Mail {
    pub(super) fn new(smtp: Smtp) -> Self {
        let progress = Mutex::default();
        Self { smtp, progress }
    }

    pub(super) async fn check(&self, way: &Way<'_>) -> Result<String, Failed> {
        self.login(way)?;
        self.tls(way)?;
        let addresses = self.host(way).addresses().await?;
        let people = self.recipients(&To::Everybody, false, &(way.setting.contacts)());
        if people.is_empty() {
            return Err(Failed(
                "it has no `to`, and no `contact` in the policy is an e-mail address".into(),
            ));
        }
        let (server, port, ip) = (&self.smtp.server, self.smtp.port, addresses[0].ip());
        let told = format!("{server}:{port} at {ip}, for {}", counted(people.len()));
        let contacts = (way.setting.contacts)();
        let unreached = contacts
            .iter()
            .filter(|(_, contact)| address_of(contact).is_none());
        let unreached: Vec<_> = unreached.map(|(person, _)| person.as_str()).collect();
        Ok(match self.smtp.to.is_empty() && !unreached.is_empty() {
            true => format!(
                "{told}; the `contact` of {} is no e-mail address",
                unreached.join(", ")
            ),
            false => told,
        })
    }

    pub(super) async fn tell(&self, notice: &Notice, way: &Way<'_>) -> Result<String, Failed> {
        let contacts = (way.setting.contacts)();
        let mut people = self.recipients(&notice.to, notice.loud, &contacts);
        let mut for_others = None;
        if let (true, To::People(unreached)) = (people.is_empty(), &notice.to) {
            // Better that somebody hears it who can call them.
            people = self.recipients(&To::Everybody, true, &contacts);
            for_others = Some(notice.clone().for_whom_nobody_reaches(unreached));
        }
        if people.is_empty() {
            let id = &notice.id;
            tracing::warn!(%id, "a notice is for people without an e-mail address");
            return Ok("nobody has an e-mail address".into());
        }
        let notice = for_others.as_ref().unwrap_or(notice);
        let everybody = self.recipients(&To::Everybody, true, &contacts);
        let everybody: BTreeSet<_> = everybody.into_iter().map(|it| it.email).collect();
        self.progress().begins(&notice.id, &everybody);
        let sent = self.send_all(notice, &people, way).await;
        let told = sent.and_then(|missed| self.outcome(notice, missed));
        self.progress().ends(&notice.id, told.is_ok());
        told
    }

    /// To whoever has not got it. What is one recipient's keeps none of the others waiting; anything else
    /// ends the try.
    async fn send_all(
        &self,
        notice: &Notice,
        people: &[Mailbox],
        way: &Way<'_>,
    ) -> Result<Missed, Failed> {
        let transport = self.transport(way).await?;
        let mut queue = Queue::default();
        for to in self.due(&notice.id, people) {
            let message = self.message(notice, &to, way)?;
            queue.waits(to, message);
        }
        let (mut missed, mut failed) = (Missed::default(), None);
        loop {
            queue.fill(&transport, self.smtp.server.as_str());
            let Some((to, sent)) = queue
                .next(|those| self.may_be_left(&notice.id, those))
                .await
            else {
                break;
            };
            match sent {
                Ok(sent) => self.note(&notice.id, &to, sent, &mut missed),
                Err(why) => {
                    queue.sends_no_more();
                    failed.get_or_insert(why);
                }
            }
        }
        failed.map_or(Ok(missed), Err)
    }

    /// Who has not got it; behind all others those that took nothing for long.
    fn due(&self, id: &str, people: &[Mailbox]) -> Vec<Mailbox> {
        let progress = self.progress();
        let due = people.iter().filter(|to| progress.is_due(id, &to.email));
        let mut due: Vec<_> = due.cloned().collect();
        due.sort_by_key(|to| progress.is_known_to_wait(&to.email));
        due
    }

    /// Whether nobody is left but addresses that took nothing for long, and somebody else has it.
    fn may_be_left(&self, id: &str, those: &BTreeSet<Address>) -> bool {
        let progress = self.progress();
        let known = |address: &Address| progress.is_known_to_wait(address);
        progress.count(id) > 0 && those.iter().all(known)
    }

    fn note(&self, id: &str, to: &Mailbox, sent: Sent, missed: &mut Missed) {
        let (why, times) = match sent {
            Sent::Taken => return self.progress().takes(id, &to.email),
            Sent::Refused(why) => {
                missed.passed = Some(why);
                return;
            }
            Sent::PutOff(why) => (why, 1),
            // It has had as long as several tries.
            Sent::Slow(why) => (why, MAIL_TRIES / 2),
        };
        match self.progress().puts_off(id, &to.email, times) {
            true => missed.passed = Some(why),
            false => missed.waited_for = Some(why),
        }
    }

    /// It is told where somebody has it, and nobody is waited for.
    fn outcome(&self, notice: &Notice, missed: Missed) -> Result<String, Failed> {
        let (server, id) = (&self.smtp.server, &notice.id);
        let taken = self.progress().count(id);
        let Missed { waited_for, passed } = missed;
        match (taken, waited_for, passed) {
            (0, Some(why), _) | (0, None, Some(why)) => {
                Err(Failed(format!("{server} refuses everybody: {why}")))
            }
            (_, Some(why), _) => Err(Failed(format!(
                "{server} took it for {}, and wants to be asked again for one: {why}",
                counted(taken)
            ))),
            (_, None, Some(why)) => {
                tracing::warn!(%id, %server, "an address did not take a notice; others got it");
                Ok(format!(
                    "{server} took it for {}, and not for one: {why}",
                    counted(taken)
                ))
            }
            (_, None, None) => Ok(format!("{server} took it for {}", counted(taken))),
        }
    }

    /// Who gets it: the fixed list, else people by their contact. A loud one goes to all of both.
    fn recipients(&self, to: &To, loud: bool, contacts: &BTreeMap<PersonId, Line>) -> Vec<Mailbox> {
        let everybody = || contacts.values().filter_map(address_of).collect::<Vec<_>>();
        let people = match (self.smtp.to.is_empty(), to) {
            (_, To::Everybody) if loud => everybody(),
            (false, _) => Vec::new(),
            (true, To::Everybody) => everybody(),
            (true, To::People(people)) => {
                let theirs = people.iter().filter_map(|person| contacts.get(person));
                theirs.filter_map(address_of).collect()
            }
        };
        let people = people.into_iter().map(|email| Mailbox::new(None, email));
        let mut seen = BTreeSet::new();
        let all = self.smtp.to.iter().cloned().chain(people);
        all.filter(|it| seen.insert(it.email.clone())).collect()
    }

    fn message(&self, notice: &Notice, to: &Mailbox, way: &Way<'_>) -> Result<Message, Failed> {
        let (setting, at) = (way.setting, notice.at.as_secs());
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at.try_into().unwrap_or(0));
        let subject: String = format!("[breakglass] {}", notice.title);
        let auto = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = Message::builder()
            .from(self.smtp.from.clone())
            .to(to.clone())
            .subject(subject.chars().take(SUBJECT_CHARS).collect::<String>())
            .date(at)
            .message_id(Some(message_id(&notice.id, &setting.ledger, &setting.host)))
            .raw_header(HeaderValue::new(auto, "auto-generated".into()))
            .header(ContentType::TEXT_PLAIN);
        let message = message.body(text(notice, &setting.ledger));
        message.map_err(|why| Failed(format!("a message cannot be made: {why}")))
    }

    /// To the address that was judged; TLS is with the name.
    async fn transport(&self, way: &Way<'_>) -> Result<Transport, Failed> {
        let (host, login) = (self.host(way), self.login(way)?);
        let tls = self.tls(way)?;
        let addresses = host.addresses().await?;
        let address = match addresses.as_slice() {
            [only] => *only,
            _ => {
                let found = host.connect().await?.peer_addr();
                found.map_err(|why| Failed(format!("{} hangs up: {why}", self.smtp.server)))?
            }
        };
        let tls = match self.smtp.tls {
            SmtpTls::StartTls => Tls::Required(tls),
            SmtpTls::Tls => Tls::Wrapper(tls),
        };
        let transport = Transport::builder_dangerous(address.ip().to_string())
            .port(self.smtp.port)
            .tls(tls)
            .timeout(Some(MAIL))
            .hello_name(ClientId::Domain(way.setting.host.clone()));
        Ok(match login {
            None => transport.build(),
            Some(login) => transport
                .credentials(login)
                .authentication(vec![Mechanism::Plain, Mechanism::Login])
                .build(),
        })
    }

    /// The library keeps a copy of the password in its own memory, and does not wipe it.
    fn login(&self, way: &Way<'_>) -> Result<Option<Credentials>, Failed> {
        let Some((user, file)) = &self.smtp.login else {
            return Ok(None);
        };
        let password = secret::read(&way.setting.keys_dir.join(file))?;
        Ok(Some(Credentials::new(user.clone(), password.to_string())))
    }

    fn tls(&self, way: &Way<'_>) -> Result<TlsParameters, Failed> {
        let broken = |why: Error| Failed(format!("TLS with {}: {why}", self.smtp.server));
        let mut tls = TlsParameters::builder(self.smtp.server.to_string())
            .certificate_store(CertificateStore::None);
        for root in roots::read(way.ca_file.as_deref())? {
            tls = tls.add_root_certificate(Certificate::from_der(root.to_vec()).map_err(broken)?);
        }
        tls.build_rustls().map_err(broken)
    }

    fn host<'a>(&'a self, way: &Way<'_>) -> Host<'a> {
        Host {
            name: self.smtp.server.as_str(),
            port: self.smtp.port,
            allow_private: way.allow_private,
            tls: true,
        }
    }

    fn progress(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address_of(contact: &Line) -> Option<Address> {
    contact.as_str().trim().parse().ok()
}

fn counted(addresses: usize) -> String {
    match addresses {
        1 => "1 address".to_owned(),
        many => format!("{many} addresses"),
    }
}

/// The same at each try, so that a mail program knows what it has already.
fn message_id(notice: &str, ledger: &str, host: &str) -> String {
    let plain = |text: &str| {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        text.replace(|c| !safe(c), ".")
    };
    format!("<{}.{}@{}>", plain(notice), plain(ledger), plain(host))
}

fn text(notice: &Notice, ledger: &str) -> String {
    let mut text = format!("{}\n", notice.title);
    for (number, (name, value)) in notice.shown_facts().enumerate() {
        let gap = if number == 0 { "\n" } else { "" };
        text.push_str(&format!("{gap}{name}: {value}\n"));
    }
    if let Some(next) = &notice.next {
        text.push_str(&format!("\n  {next}\n"));
    }
    let at = notice.at;
    text.push_str(&format!("\n-- \n{ledger}, {}, {at}\n", notice.id));
    text
}
