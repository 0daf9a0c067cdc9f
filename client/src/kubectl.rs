//! What kubectl asks of a credential plugin and takes from it: `ExecCredential`, in the versions
//! `client.authentication.k8s.io/v1` (Kubernetes 1.22 and later) and `v1beta1` (1.11 and later).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::{error::Error, limits::MAX_EXEC_INFO_BYTES};

/// The variable kubectl tells a plugin in what it wants.
pub const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

/// A version of the answer. kubectl takes only the one it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// `client.authentication.k8s.io/v1`
    V1,
    /// `client.authentication.k8s.io/v1beta1`
    V1Beta1,
}

/// What lets somebody in.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// A JWT.
    Token(&'a str),
    /// A client certificate and its key, both PEM.
    Certificate {
        /// The certificate first.
        chain: &'a str,
        /// PKCS#8.
        key: &'a str,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecInfo {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
}

impl Version {
    /// Reads what kubectl asks. Run by hand, without kubectl, the newest is spoken.
    ///
    /// # Errors
    /// [`Error::Usage`] where it asks for something we do not speak.
    pub fn asked(exec_info: Option<&str>) -> Result<Self, Error> {
        let Some(text) = exec_info.filter(|text| !text.is_empty()) else {
            return Ok(Self::V1);
        };
        let info: Option<ExecInfo> = (text.len() <= MAX_EXEC_INFO_BYTES)
            .then(|| serde_json::from_str(text).ok())
            .flatten();
        let Some(info) = info.filter(|info| info.kind == "ExecCredential") else {
            return Err(Error::usage(
                format!("{EXEC_INFO} does not hold what kubectl tells a plugin"),
                "this command is run by kubectl, see docs/targets/kubernetes.md",
            ));
        };
        [Self::V1, Self::V1Beta1]
            .into_iter()
            .find(|version| version.name() == info.api_version)
            .ok_or_else(|| {
                Error::usage(
                    format!(
                        "kubectl asks for `{}`, and `glass` speaks {} and {}",
                        info.api_version,
                        Self::V1.name(),
                        Self::V1Beta1.name()
                    ),
                    format!("write in the kubeconfig: apiVersion: {}", Self::V1.name()),
                )
            })
    }

    /// As it stands in `apiVersion`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }

    /// The answer, one JSON object. kubectl keeps it until its end, or until the server says 401.
    #[must_use]
    pub fn answer(self, proof: Proof<'_>, expires_at: Timestamp) -> Zeroizing<String> {
        // Whole seconds, cut and not rounded: it must not seem to live longer.
        let expires_at = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
        let expires_at = format!("{expires_at:.0}");
        let status = match proof {
            Proof::Token(token) => json!({
                "token": token,
                "expirationTimestamp": expires_at,
            }),
            Proof::Certificate { chain, key } => json!({
                "clientCertificateData": chain,
                "clientKeyData": key,
                "expirationTimestamp": expires_at,
            }),
        };
        let answer = json!({
            "apiVersion": self.name(),
            "kind": "ExecCredential",
            "status": status,
        });
        Zeroizing::new(answer.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str) -> String {
        format!(
            r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/{version}",
               "spec":{{"interactive":false,"cluster":{{"server":"https://x"}}}}}}"#
        )
    }

    #[test]
    fn the_version_that_is_asked_for_is_spoken() {
        assert_eq!(Version::asked(Some(&info("v1"))).unwrap(), Version::V1);
        assert_eq!(
            Version::asked(Some(&info("v1beta1"))).unwrap(),
            Version::V1Beta1
        );
        for none in [None, Some("")] {
            assert_eq!(Version::asked(none).unwrap(), Version::V1);
        }
    }

    #[test]
    fn an_unknown_version_is_named_with_what_to_write_instead() {
        let why = Version::asked(Some(&info("v1alpha1"))).unwrap_err();
        assert_eq!(
            why.to_string(),
            "kubectl asks for `client.authentication.k8s.io/v1alpha1`, and `glass` speaks \
             client.authentication.k8s.io/v1 and client.authentication.k8s.io/v1beta1"
        );
        assert_eq!(why.exit_code(), 2);
        assert_eq!(
            why.next().as_deref(),
            Some("write in the kubeconfig: apiVersion: client.authentication.k8s.io/v1")
        );
        let long = format!("{}{}", info("v1"), " ".repeat(MAX_EXEC_INFO_BYTES));
        for wrong in ["{}", "[]", "nonsense", r#"{"kind":"Pod"}"#, &long] {
            let why = Version::asked(Some(wrong)).unwrap_err().to_string();
            assert!(why.contains("does not hold"), "{why}");
        }
    }

    #[test]
    fn answers_are_to_the_letter() {
        let end: Timestamp = "2026-11-23T03:19:59.900Z".parse().unwrap();
        assert_eq!(
            *Version::V1Beta1.answer(Proof::Token("a.b.c"), end),
            r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","#
                .to_owned()
                + r#""status":{"expirationTimestamp":"2026-11-23T03:19:59Z","token":"a.b.c"}}"#
        );
        let proof = Proof::Certificate {
            chain: "CHAIN\n",
            key: "KEY\n",
        };
        assert_eq!(
            *Version::V1.answer(proof, end),
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","#
                .to_owned()
                + r#""status":{"clientCertificateData":"CHAIN\n","clientKeyData":"KEY\n","#
                + r#""expirationTimestamp":"2026-11-23T03:19:59Z"}}"#
        );
    }
}
