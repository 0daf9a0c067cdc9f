//! `glass credential aws`

use zeroize::Zeroize as _;

use super::{compact, live::Live, warn_of_screen};
use crate::{
    commands::{DONE, Seat},
    error::Error,
    exec::place::aws::{is_region, is_role_arn, session_name},
    roots,
    sts::{Assume, call, endpoint::Endpoint},
};

/// Variables that name a bundle of authorities, AWS's own first.
const BUNDLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// Be AWS's `credential_process`, under a grant you already have
///
/// Trades a token for keys at AWS STS, for 15 minutes, the shortest AWS gives. AWS takes the keys
/// until then, also when the grant has ended before. It never asks for access and never waits for
/// anybody.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
In ~/.aws/config:
  [profile ops]
  region = eu-central-1
  credential_process = glass credential aws ops

Then:
  glass request ops -m \"roll back the worker\"
  aws --profile ops s3 ls

The session is named after you and the grant, mia@G-45. AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL
say where STS is, AWS_CA_BUNDLE which authorities it is checked against; proxies are not used.")]
pub struct Args {
    #[command(flatten)]
    live: Live,
    /// The role; left out: the right's, else AWS_ROLE_ARN
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// The region whose STS is asked; left out: the right's, else AWS_REGION or AWS_DEFAULT_REGION,
    /// else the global one
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
}

/// Trades, and prints the keys.
///
/// # Errors
/// As [`call::assume`]; [`Error::Usage`], [`Error::Refused`], [`Error::Ended`].
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let wanted = args.live.wanted()?;
    let bundle = roots::bundle(&BUNDLES, variable)?;
    let session = seat.session().await?;
    let grant = wanted.find(&session).await?;
    let said = session.right(&grant.right).await?;
    let said = said
        .access
        .and_then(|access| access.aws)
        .unwrap_or_default();
    let role_arn = role(args.role_arn, said.role_arn)?;
    let region = region(args.region, said.region)?;
    let endpoint = Endpoint::find(variable, &role_arn, region.as_deref())?;
    let mut credential = session.issue(&grant.id).await?;
    let assume = Assume {
        role_arn: &role_arn,
        session_name: &session_name(session.person(), &grant.id),
        token: compact(&credential)?,
    };
    let keys = call::assume(&endpoint, &bundle, &assume).await;
    credential.value.zeroize();
    let keys = keys?;
    warn_of_screen(seat);
    seat.printer.verbatim(&keys.to_process_json());
    Ok(DONE)
}

/// A token is for one right, so the right's role stands before one that some shell was set up for.
fn role(flag: Option<String>, of_right: String) -> Result<String, Error> {
    let of_right = Some(of_right).filter(|arn| !arn.is_empty());
    let named = flag.or(of_right).or_else(|| variable("AWS_ROLE_ARN"));
    let arn = named.filter(|arn| !arn.is_empty()).ok_or_else(|| {
        Error::usage(
            "no role is named",
            "add --role-arn arn:aws:iam::ACCOUNT:role/NAME, or set AWS_ROLE_ARN",
        )
    })?;
    match is_role_arn(&arn) {
        true => Ok(arn),
        false => Err(Error::usage(
            format!("`{arn}` is no role of AWS"),
            "it looks like arn:aws:iam::123456789012:role/shop-deploy",
        )),
    }
}

fn region(flag: Option<String>, of_right: String) -> Result<Option<String>, Error> {
    let named = flag
        .or(Some(of_right).filter(|region| !region.is_empty()))
        .or_else(|| variable("AWS_REGION"))
        .or_else(|| variable("AWS_DEFAULT_REGION"));
    match named {
        Some(region) if !is_region(&region) => Err(Error::usage(
            format!("`{region}` is no region of AWS"),
            "it looks like eu-central-1",
        )),
        named => Ok(named),
    }
}

/// An empty one says nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/shop";

    #[test]
    fn a_flag_wins_over_the_right() {
        let other = ARN.replace("shop", "other");
        assert_eq!(role(None, ARN.into()).unwrap(), ARN);
        assert_eq!(role(Some(other.clone()), ARN.into()).unwrap(), other);
        assert!(role(Some("shop".into()), ARN.into()).is_err());
        let region = |flag: Option<&str>| region(flag.map(Into::into), "eu-central-1".into());
        assert_eq!(region(None).unwrap().as_deref(), Some("eu-central-1"));
        assert_eq!(
            region(Some("eu-west-1")).unwrap().as_deref(),
            Some("eu-west-1")
        );
    }
}
