//! Credentials for tools that take one by hand, or fetch one by themselves.

use std::io::IsTerminal as _;

use breakglass_proto::v1::Credential;

use super::Seat;
use crate::error::Error;

pub mod aws;
pub mod dpop;
pub mod jwt;
pub mod kubernetes;
mod live;
pub mod ssh;

/// Print a credential, for tools that take it by hand or fetch it by themselves
#[derive(Debug, clap::Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Jwt(jwt::Args),
    Kubernetes(kubernetes::Args),
    Aws(aws::Args),
    Ssh(ssh::Args),
    Dpop(dpop::Args),
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
        Command::Ssh(args) => ssh::run(args, seat).await,
        Command::Dpop(args) => dpop::run(&args, seat),
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

/// The chain, if it is one: PEM and nothing else (RFC 7468 section 2). So it can be printed as it is.
fn pem(credential: &Credential) -> Result<&str, Error> {
    let chain = credential.value.as_str();
    match is_pem(chain) {
        true => Ok(chain),
        false => Err(Error::broken_answer("the certificate is no PEM")),
    }
}

fn is_pem(text: &str) -> bool {
    let proper = |b: u8| b.is_ascii_alphanumeric() || b"+/= -\n".contains(&b);
    text.starts_with("-----BEGIN CERTIFICATE-----\n") && text.bytes().all(proper)
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
    fn only_a_certificate_is_printed_raw() {
        let pem = "-----BEGIN CERTIFICATE-----\nAb+/=\n-----END CERTIFICATE-----\n";
        assert!(is_pem(pem));
        for other in ["", "AAAA", &pem.replace("Ab", "\u{1b}[2J")] {
            assert!(!is_pem(other), "{other:?}");
        }
    }

    #[test]
    fn only_a_token_is_printed_raw() {
        assert!(is_compact("eyJ0.eyJz.c2ln_-"));
        for other in ["", "a.b", "a.b.c.d", "a..c", "a.b.\u{1b}[2J", "a.b.c\n"] {
            assert!(!is_compact(other), "{other:?}");
        }
    }
}
