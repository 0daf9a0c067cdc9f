//! How one destination is reached.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use breakglass_domain::{Line, PersonId, Time};
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

use super::courier::Failed;
use super::limits::{CONTENT_TRIES, TOLD_AT_ONCE};
use super::mail::Mail;
use super::notice::Notice;
use super::post::Target;
use super::{secret, slack, webhook};
use crate::config::notify::{Destination, Medium, Where};

/// How people are reached, as the policy says now.
pub type Contacts = Arc<dyn Fn() -> BTreeMap<PersonId, Line> + Send + Sync>;

/// What a channel is made with, beside its destination.
#[derive(Clone)]
pub struct Setting {
    /// The private folder of secrets.
    pub keys_dir: PathBuf,
    /// The folder of the config file.
    pub config_dir: PathBuf,
    /// The ledger's name: where events come from.
    pub ledger: String,
    /// What this host calls itself.
    pub host: String,
    /// How people are reached.
    pub contacts: Contacts,
}

/// How one destination is reached. Files with secrets are read at each delivery.
pub struct Channel {
    destination: Destination,
    setting: Setting,
    mail: Option<Mail>,
    /// How often a notice was refused for what it says, by its id.
    refused: Mutex<BTreeMap<String, u32>>,
}

impl Channel {
    /// Nothing is read or looked up yet.
    #[must_use]
    pub fn new(destination: Destination, setting: Setting) -> Self {
        let mail = match &destination.medium {
            Medium::Smtp(smtp) => Some(Mail::new(smtp.clone())),
            _ => None,
        };
        Self {
            destination,
            setting,
            mail,
            refused: Mutex::default(),
        }
    }

    /// Reads what it needs and looks its host up, and sends nothing; says where it would go.
    ///
    /// # Errors
    /// [`Failed`] says what is in the way.
    pub async fn check(&self) -> Result<String, Failed> {
        if let Some(mail) = &self.mail {
            return mail.check(&self.way()).await;
        }
        let (target, _) = self.target()?;
        let addresses = target.host().addresses().await?;
        Ok(format!("{} at {}", target.shown(), addresses[0].ip()))
    }

    /// Tells it; says who took it.
    ///
    /// # Errors
    /// [`Failed`]; may be tried again.
    pub async fn tell(&self, notice: &Notice, now: Time) -> Result<String, Failed> {
        if let Some(mail) = &self.mail {
            return mail.tell(notice, &self.way()).await;
        }
        let (target, secret) = self.target()?;
        let withheld = self.is_unshowable(&notice.id).then(|| notice.withheld());
        let notice = withheld.as_ref().unwrap_or(notice);
        let (headers, body) = match secret {
            None => (json_headers(), slack::body(notice)),
            Some(secret) => {
                let body = webhook::body(notice, &self.setting.ledger);
                (webhook::headers(&notice.id, &body, &secret, now)?, body)
            }
        };
        let answer = target.ask(headers, body).await?;
        self.remembers(&notice.id, answer.is_of_the_content());
        let answer = target.judge(answer)?;
        Ok(format!("{} answered {}", target.shown(), answer.status))
    }

    /// Whether a notice was refused so often for what it says that only its place is sent: what somebody
    /// typed must not keep later notices from arriving.
    fn is_unshowable(&self, id: &str) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(id).is_some_and(|times| *times >= CONTENT_TRIES)
    }

    fn remembers(&self, id: &str, is_of_the_content: bool) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_of_the_content {
            refused.remove(id);
            return;
        }
        // Whatever is not told now was told or is too old by now: a courier and a herald tell one each.
        if !refused.contains_key(id) && refused.len() >= TOLD_AT_ONCE {
            refused.clear();
        }
        *refused.entry(id.to_owned()).or_default() += 1;
    }

    /// Where a POST goes, and what it is signed with.
    fn target(&self) -> Result<(Target, Option<Zeroizing<String>>), Failed> {
        let of_keys = |file: &Path| self.setting.keys_dir.join(file);
        let (url, signed) = match &self.destination.medium {
            Medium::Webhook { url, secret_file } => {
                let secret = secret::read(&of_keys(secret_file))?;
                webhook::key(&secret)?;
                let url = match url {
                    Where::Url(url) => Zeroizing::new(url.clone()),
                    Where::File(file) => secret::read(&of_keys(file))?,
                };
                (url, Some(secret))
            }
            Medium::Slack { url_file } => (secret::read(&of_keys(url_file))?, None),
            Medium::Smtp(_) => return Err(Failed("e-mail is not posted".into())),
        };
        let way = self.way();
        let target = Target::new(&url, way.allow_private, way.ca_file.as_deref())?;
        Ok((target, signed))
    }

    fn way(&self) -> Way<'_> {
        let ca_file = self.destination.ca_file.as_ref();
        Way {
            setting: &self.setting,
            allow_private: self.destination.allow_private,
            ca_file: ca_file.map(|file| self.setting.config_dir.join(file)),
        }
    }
}

/// What all media need.
pub(super) struct Way<'a> {
    pub(super) setting: &'a Setting,
    pub(super) allow_private: bool,
    pub(super) ca_file: Option<PathBuf>,
}

fn json_headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json)])
}
