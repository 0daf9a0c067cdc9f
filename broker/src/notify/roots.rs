//! The authorities that a destination's certificate may come from.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

use super::courier::Failed;
use super::limits::BUNDLE_BYTES;

/// Where systems keep those of all the world in one PEM file: Debian and Arch, Fedora, openSUSE,
/// Alpine and the BSDs.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Those of a file, else those of the system. What is no usable certificate is passed over: a bundle
/// of the world's authorities always has one.
///
/// # Errors
/// [`Failed`] where the file cannot be read, or has none.
pub fn read(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Failed> {
    let path = file.map_or_else(of_the_system, |file| Ok(file.to_owned()))?;
    let shown = path.display();
    let usable = |it: &CertificateDer<'static>| RootCertStore::empty().add(it.clone()).is_ok();
    let mut found = certificates(&path)?;
    found.retain(usable);
    match found.is_empty() {
        false => Ok(found),
        true => Err(Failed(format!(
            "{shown} holds no certificate of an authority"
        ))),
    }
}

/// A certificate of the broker's own, and those that lead to its authority.
pub(super) fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failed> {
    let found = certificates(path)?;
    match found.is_empty() {
        false => Ok(found),
        true => Err(Failed(format!(
            "{} holds no certificate in PEM",
            path.display()
        ))),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failed> {
    let unreadable = |why| Failed(format!("{} cannot be read: {why}", path.display()));
    let mut pem = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(BUNDLE_BYTES)
        .read_to_end(&mut pem)
        .map_err(unreadable)?;
    let found = CertificateDer::pem_slice_iter(&pem);
    Ok(found.filter_map(Result::ok).collect())
}

fn of_the_system() -> Result<PathBuf, Failed> {
    let found = BUNDLES.iter().map(Path::new).find(|path| path.is_file());
    found.map(Path::to_owned).ok_or_else(|| {
        Failed(
            "this system has no file of trusted authorities: install the package ca-certificates, \
             or name one as ca_file"
                .into(),
        )
    })
}
