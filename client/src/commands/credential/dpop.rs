//! `glass credential dpop`

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::is_compact;
use crate::{
    commands::{DONE, Seat},
    dpop,
    error::Error,
    files,
    identity::Identity,
    time,
};

/// Print a proof that a token is used by the laptop it was made for
///
/// The value of the DPoP header (RFC 9449) of one request to a service that asks for it. Good for
/// that one request, within a minute. Asks nobody: the key is on this laptop.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example, under glass exec, which sets GLASS_TOKEN_FILE:
  glass exec deploy-shop -m \"revert\" -- sh -c '
    URL=https://deploy.shop.example/rollback
    curl -X POST -H \"Authorization: DPoP $(cat \"$GLASS_TOKEN_FILE\")\" \\
         -H \"DPoP: $(glass credential dpop POST $URL)\" $URL'")]
pub struct Args {
    /// The request's method
    #[arg(value_name = "METHOD")]
    method: String,
    /// The request's URL; what stands behind ? or # in it does not count
    #[arg(value_name = "URL")]
    url: String,
    /// The file with the token [env: GLASS_TOKEN_FILE]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Proves it.
///
/// # Errors
/// [`Error::Usage`] where there is no token, or method or URL are none; [`Error::Setup`].
pub fn run(args: &Args, seat: &Seat) -> Result<u8, Error> {
    let token = token(args.token_file.clone())?;
    let identity = Identity::load(&seat.settings.context()?)?;
    let proof = dpop::proof(&identity.key, &args.method, &args.url, &token, time::now())?;
    seat.printer.verbatim(&proof);
    Ok(DONE)
}

fn token(flag: Option<PathBuf>) -> Result<Zeroizing<String>, Error> {
    let named = std::env::var_os("GLASS_TOKEN_FILE").filter(|path| !path.is_empty());
    let path = flag.or_else(|| named.map(PathBuf::from)).ok_or_else(|| {
        Error::usage(
            "no token is named",
            "run it under `glass exec RIGHT -- ...`, or add --token-file FILE",
        )
    })?;
    let text = files::read_text(&path)?.map(Zeroizing::new);
    let token = text.map(|text| Zeroizing::new(text.trim().to_owned()));
    token.filter(|token| is_compact(token)).ok_or_else(|| {
        Error::usage(
            format!("there is no token in {}", path.display()),
            "get one: glass credential jwt RIGHT",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_is_proven_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        assert!(token(Some(path.clone())).is_err());
        std::fs::write(&path, "not a token").unwrap();
        assert!(token(Some(path.clone())).is_err());
        std::fs::write(&path, "a.b.c\n").unwrap();
        assert_eq!(*token(Some(path)).unwrap(), "a.b.c");
    }
}
