//! The line somebody is handed to enrol with: `https://HOST:PORT#PIN.SECRET`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;
use zeroize::Zeroizing;

use crate::{config::ServerUrl, error::Error, tls::Pin};

/// Where to enrol, whom to expect there, and the secret that lets one in once.
pub struct Invitation {
    /// The broker.
    pub server: ServerUrl,
    /// The hash of its CA.
    pub pin: Pin,
    secret: Zeroizing<String>,
}

/// Bytes of a secret before base64url.
const SECRET_BYTES: usize = 24;

impl Invitation {
    /// Reads an enrolment line.
    ///
    /// # Errors
    /// [`Error::Usage`] that says which part is damaged, without showing the secret.
    pub fn parse(line: &str) -> Result<Self, Error> {
        let damaged = |why: &str| {
            Error::usage(
                format!("this is not a whole enrolment line: {why}"),
                "copy all of https://HOST:PORT#PIN.SECRET, in quotes, as it was printed",
            )
        };
        let (url, token) = line.trim().split_once('#').ok_or_else(|| {
            damaged("there is no `#` in it (a shell takes that for a comment: use quotes)")
        })?;
        let server = ServerUrl::parse(url)?;
        let (pin, secret) = token
            .split_once('.')
            .ok_or_else(|| damaged("behind the `#` there is no `.`"))?;
        let pin = Pin::parse(pin).ok_or_else(|| damaged("the part before the `.` is damaged"))?;
        let bytes = URL_SAFE_NO_PAD.decode(secret).map(Zeroizing::new);
        if !bytes.is_ok_and(|bytes| bytes.len() == SECRET_BYTES) {
            return Err(damaged("the part behind the `.` is damaged"));
        }
        Ok(Self {
            server,
            pin,
            secret: Zeroizing::new(secret.to_owned()),
        })
    }

    /// The secret, for the one call it is for.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// SHA-256 of the secret's text, lower-case hex: what the statement names it by.
    #[must_use]
    pub fn secret_sha256(&self) -> String {
        let digest = digest::digest(&digest::SHA256, self.secret.as_bytes());
        digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIN: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

    #[test]
    fn a_line_is_taken_apart() {
        let line = format!(" https://glass.example:7443#{PIN}.{SECRET}\n");
        let invitation = Invitation::parse(&line).unwrap();
        assert_eq!(invitation.server.to_string(), "https://glass.example:7443");
        assert_eq!(Some(invitation.pin), Pin::parse(PIN));
        assert_eq!(invitation.secret(), SECRET);
        // `printf %s AAEC... | sha256sum`
        assert_eq!(
            invitation.secret_sha256(),
            "bffcb3cc4ae9b1be18646be4a2902233285f09e73e64b88a821c94fedf788462"
        );
    }

    #[test]
    fn a_damaged_line_says_where_and_keeps_the_secret() {
        for (line, why) in [
            ("https://glass.example:7443".to_owned(), "no `#`"),
            (format!("https://glass.example:7443#{PIN}"), "no `.`"),
            (
                format!("https://glass.example:7443#{}.{SECRET}", &PIN[1..]),
                "before the `.`",
            ),
            (
                format!("https://glass.example:7443#{PIN}.{}", &SECRET[4..]),
                "behind the `.`",
            ),
            (
                format!("https://glass.example:7443#{PIN}.{SECRET}="),
                "behind the `.`",
            ),
            (
                format!("http://glass.example:7443#{PIN}.{SECRET}"),
                "unencrypted",
            ),
            (String::new(), "no `#`"),
        ] {
            let error = Invitation::parse(&line).unwrap_err();
            assert!(error.to_string().contains(why), "{line}: {error}");
            assert!(!error.to_string().contains(&SECRET[4..]), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let line = format!("https://glass.example#{PIN}.{SECRET}");
        assert!(!format!("{:?}", Invitation::parse(&line).unwrap()).contains(SECRET));
    }
}
