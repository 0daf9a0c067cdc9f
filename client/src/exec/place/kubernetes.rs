//! A cluster: a `KUBECONFIG` of its own, which names the files that are renewed.
//!
//! It is written as JSON, which is YAML too, so that no name can be read as anything else.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{Given, Laid, Need, Unfit};

const CONFIG: &str = "kubeconfig";
const TOKEN: &str = "kubernetes-token";
const CERTIFICATE: &str = "kubernetes.crt";
const KEY: &str = "kubernetes.key";

/// The name of the one user in the file.
const USER: &str = "glass";

/// A cluster and the way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubernetes {
    /// The target's id: the name of cluster and context.
    pub target: String,
    /// The API server's URL, `https://`.
    pub server: String,
    /// The authority of its certificate, PEM; without one the system's are asked.
    pub authority: Option<String>,
    /// The namespace to begin in.
    pub namespace: Option<String>,
    /// How one gets in.
    pub way: Way,
}

/// How one gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A JWT in a file. `kubectl` and client-go read it again, within a minute of a renewal.
    Token,
    /// A client certificate.
    Certificate,
}

impl Kubernetes {
    pub(super) fn need(&self) -> Need {
        match self.way {
            Way::Token => Need::Jwt,
            Way::Certificate => Need::X509,
        }
    }

    pub(super) fn lay(&self, folder: &Path, given: Given<'_>) -> Result<Laid, Unfit> {
        if !self.server.starts_with("https://") {
            return Err(Unfit(format!(
                "the cluster's address `{}` does not begin with https://, and a credential is not \
                 sent there in the clear",
                self.server
            )));
        }
        let mut laid = Laid::default();
        // A relative path would be looked for beside the file, and ours never is one.
        let user = match (self.way, given) {
            (Way::Token, Given::Jwt(token)) => {
                json!({ "tokenFile": shown(&laid.file(folder, TOKEN, token))? })
            }
            (Way::Certificate, Given::X509 { chain, key, .. }) => json!({
                "client-certificate": shown(&laid.file(folder, CERTIFICATE, chain))?,
                "client-key": shown(&laid.file(folder, KEY, key))?,
            }),
            _ => return Err(Unfit::kind("this cluster")),
        };
        let config = laid.file(folder, CONFIG, format!("{:#}\n", self.config(user)));
        laid.set("KUBECONFIG", config);
        Ok(laid)
    }

    fn config(&self, user: Value) -> Value {
        let mut cluster = Map::from_iter([("server".to_owned(), json!(self.server))]);
        if let Some(pem) = &self.authority {
            let data = json!(STANDARD.encode(pem));
            cluster.insert("certificate-authority-data".to_owned(), data);
        }
        let mut context = Map::from_iter([
            ("cluster".to_owned(), json!(self.target)),
            ("user".to_owned(), json!(USER)),
        ]);
        if let Some(namespace) = &self.namespace {
            context.insert("namespace".to_owned(), json!(namespace));
        }
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": self.target, "cluster": cluster }],
            "users": [{ "name": USER, "user": user }],
            "contexts": [{ "name": self.target, "context": context }],
            "current-context": self.target,
        })
    }
}

fn shown(path: &std::ffi::OsStr) -> Result<&str, Unfit> {
    path.to_str().ok_or_else(|| {
        Unfit("the private folder's path is not UTF-8, and a kubeconfig cannot name it".into())
    })
}
