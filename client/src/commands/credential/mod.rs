//! Credentials for tools that take one by hand, or fetch one by themselves.

use std::io::IsTerminal as _;

use breakglass_proto::v1::Credential;

use super::Seat;
use crate::error::Error;

pub mod aws;
pub mod jwt;
pub mod kubernetes;
mod live;

/// Print a credential, for tools that take it by hand or fetch it by themselves
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Jwt(jwt::Args),
    Kubernetes(kubernetes::Args),
    Aws(aws::Args),
}

/// Runs one.
///
/// # Errors
/// Why it did not do what it was asked.
pub async fn run(command: Command, seat: &Seat) -> Result<u8, Error> {
    match command {
        Command::Jwt(args) => jwt::run(args, seat).await,
        Command::Kubernetes(args) => kubernetes::run(args, seat).await,
        Command::Aws(args) => aws::run(args, seat).await,
    }
}

/// The token, if it is one: a compact JWS (RFC 7515 section 7.1), three parts of base64url. So it can
/// be printed as it is.
fn compact(credential: &Credential) -> Result<&str, Error> {
    let token = credential.value.as_str();
    match is_compact(token) {
        true => Ok(token),
        false => Err(Error::broken_answer("the token is no JWT")),
    }
}

fn is_compact(token: &str) -> bool {
    let proper = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    token.split('.').count() == 3 && token.split('.').all(proper)
}

fn warn_of_screen(seat: &Seat) {
    if std::io::stdout().is_terminal() {
        seat.printer
            .warn("this is a live credential on your screen, and in its scrollback");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_is_printed_raw() {
        assert!(is_compact("eyJ0.eyJz.c2ln_-"));
        for other in ["", "a.b", "a.b.c.d", "a..c", "a.b.\u{1b}[2J", "a.b.c\n"] {
            assert!(!is_compact(other), "{other:?}");
        }
    }
}
