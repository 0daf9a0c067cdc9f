//! The authorities this system trusts for everybody's servers, for where no CA is pinned: AWS, and
//! databases with a public certificate.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use crate::{error::Error, limits::MAX_BUNDLE_BYTES};

/// Where systems keep them in one PEM file: Debian and Arch, Fedora, openSUSE, Alpine, macOS and the
/// BSDs.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
];

/// The file of this system's authorities: the first of these variables that is set, else the first
/// of the usual places that is there.
///
/// # Errors
/// [`Error::Setup`] where there is none.
pub fn bundle(
    variables: &[&str],
    variable: impl Fn(&str) -> Option<String>,
) -> Result<PathBuf, Error> {
    let named = variables.iter().filter_map(|name| variable(name));
    if let Some(path) = named.into_iter().find(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let usual = BUNDLES.iter().map(Path::new).find(|path| path.is_file());
    usual.map(Path::to_owned).ok_or_else(|| {
        Error::setup(
            "this system has no file of trusted authorities",
            "install the package ca-certificates, or name a PEM file in SSL_CERT_FILE",
        )
    })
}

/// Reads them. What is no usable certificate in it is passed over, as every TLS library does: a
/// bundle of the world's authorities always has one that somebody cannot read.
///
/// # Errors
/// [`Error::File`], and [`Error::Setup`] where not one can be used.
pub fn read(bundle: &Path) -> Result<RootCertStore, Error> {
    let failed = |why| Error::file("read", bundle, why);
    let file = File::open(bundle).map_err(failed)?;
    let mut pem = Vec::new();
    file.take(MAX_BUNDLE_BYTES)
        .read_to_end(&mut pem)
        .map_err(failed)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
    match roots.is_empty() {
        false => Ok(roots),
        true => Err(Error::setup(
            format!("{} holds no certificate of an authority", bundle.display()),
            "name a PEM file of trusted authorities in SSL_CERT_FILE",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_wins_and_an_empty_one_says_nothing() {
        let set = |name: &str| match name {
            "EMPTY" => Some(String::new()),
            "SET" => Some("/x.pem".to_owned()),
            _ => None,
        };
        let found = bundle(&["MISSING", "EMPTY", "SET"], set).unwrap();
        assert_eq!(found, Path::new("/x.pem"));
    }

    #[test]
    fn a_bundle_without_authorities_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.pem");
        std::fs::write(
            &path,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let why = read(&path).unwrap_err().to_string();
        assert!(why.contains("bundle.pem holds no certificate"), "{why}");
        assert!(read(Path::new("/nowhere.pem")).is_err());
    }
}
