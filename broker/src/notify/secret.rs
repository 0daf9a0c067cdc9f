//! Secrets in files: one line, for nobody else to read.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use zeroize::Zeroizing;

use super::courier::Failed;
use super::limits::{KEY_BYTES, SECRET_BYTES};

/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

/// The line in a file. It is read at each delivery, so that it can be changed while the broker runs.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Failed> {
    let shown = path.display();
    let mut text = read_text(path, SECRET_BYTES)?;
    while text.ends_with(['\n', '\r']) {
        text.pop();
    }
    if text.is_empty() || text.len() as u64 > SECRET_BYTES || text.contains(char::is_control) {
        return Err(Failed(format!("{shown} does not hold one line")));
    }
    Ok(text)
}

/// A private key in PEM: PKCS#8, SEC 1 or PKCS#1.
pub(super) fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failed> {
    let text = read_text(path, KEY_BYTES)?;
    PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|_| Failed(format!("{} holds no private key in PEM", path.display())))
}

/// At most so many bytes, and one more where there are more.
fn read_text(path: &Path, most: u64) -> Result<Zeroizing<String>, Failed> {
    let shown = path.display();
    let unreadable = |why| Failed(format!("{shown} cannot be read: {why}"));
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        let why = format!("{shown} has mode {mode:04o}, so others can read it: chmod 600 {shown}");
        return Err(Failed(why));
    }
    // Sized first: a text that grows leaves copies of its content behind.
    let mut text = Zeroizing::new(String::with_capacity(most as usize + 1));
    file.take(most + 1)
        .read_to_string(&mut text)
        .map_err(|_| Failed(format!("{shown} is no text")))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_one_line_that_nobody_else_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let written = |text: &[u8], mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            read(&path).map_err(|why| why.to_string())
        };
        assert_eq!(written(b"hunter2 \n", 0o600).unwrap().as_str(), "hunter2 ");
        let why = written(b"x", 0o640).unwrap_err();
        assert!(
            why.contains("mode 0640") && why.contains("chmod 600"),
            "{why}"
        );
        for wrong in [&b""[..], b"\n", b"a\nb", &[b'a'; 5_000]] {
            let why = written(wrong, 0o600).unwrap_err();
            assert!(why.contains("does not hold one line"), "{why}");
        }
        assert!(written(b"\xff", 0o600).unwrap_err().contains("no text"));
        fs::remove_file(&path).unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains("cannot be read")
        );
    }
}
