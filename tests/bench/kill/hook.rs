//! What stands for `glass guard login`: without sshd there is no certificate to read, so it is told
//! what to say, and says it as the real one does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use breakglass_client::guard::ssh::doorbell::{Answer, Login};

use crate::Outcome;

/// Rings at the guard and passes on its answer.
pub(crate) fn ring(socket: &Path, login: &str) -> Outcome<()> {
    let login: Login = serde_json::from_str(login)?;
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(&serde_json::to_vec(&login)?)?;
    stream.write_all(b"\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let answer: Answer = serde_json::from_str(&line)?;
    if answer.admitted {
        return Ok(());
    }
    Err(answer.text.into())
}
