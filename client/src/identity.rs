//! Who this laptop speaks for: a key and the certificate on it.

use crate::{certificate::Certificate, config::Context, error::Error, files, key, key::PrivateKey};

/// A key and its certificate.
#[derive(Debug)]
pub struct Identity {
    /// The key.
    pub key: PrivateKey,
    /// The certificate on it.
    pub certificate: Certificate,
}

impl Identity {
    /// Reads the identity of a context.
    ///
    /// # Errors
    /// [`Error::Setup`] where a file is missing or damaged, or the two do not belong together.
    pub fn load(context: &Context) -> Result<Self, Error> {
        let key = PrivateKey::load(&context.key_file())?;
        let certificate = Certificate::load(&context.certificate_file())?;
        if certificate.key != key.id() {
            let what = format!(
                "{} is not for the key beside it, {}",
                context.certificate_file().display(),
                context.key_file().display()
            );
            return Err(Error::setup(what, key::enrol_again()));
        }
        Ok(Self { key, certificate })
    }

    /// Takes a renewed certificate for the same person and key, and writes it over the old one.
    ///
    /// # Errors
    /// [`Error::Unverified`] where it is for somebody else, [`Error::File`] where it cannot be
    /// written.
    pub fn renew(&self, context: &Context, pem: &str) -> Result<Certificate, Error> {
        let renewed = Certificate::from_pem(pem)
            .filter(|new| new.person == self.certificate.person && new.key == self.key.id())
            .ok_or_else(|| {
                Error::unverified("the broker renewed the certificate for somebody else")
            })?;
        files::write(&context.certificate_file(), pem.as_bytes())?;
        Ok(renewed)
    }
}
