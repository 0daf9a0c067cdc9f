//! A role of AWS, by web identity: the SDKs trade the JWT in a file for keys of their own at STS,
//! and do so again when these run out ("Assume role with web identity" in the SDKs' reference).

use std::path::Path;

use super::{Given, Laid, Unfit};

const TOKEN: &str = "aws-token";
const CONFIG: &str = "aws-config";
const CREDENTIALS: &str = "aws-credentials";

/// Most characters of a session's name (STS API reference, `RoleSessionName`).
const SESSION_NAME_MAX: usize = 64;

/// What would win over the role: static keys come first in every SDK, a profile names another
/// identity, and a container's or host's own role comes first in some.
const REMOVED: [&str; 10] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// A role, and who takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// `arn:aws:iam::123456789012:role/shop-deploy`.
    pub role_arn: String,
    /// `eu-central-1`; without one the command has to say it, or `AWS_REGION` already does.
    pub region: Option<String>,
    /// As [`session_name`] makes it.
    pub session_name: String,
}

impl Aws {
    pub(super) fn lay(&self, folder: &Path, given: Given<'_>) -> Result<Laid, Unfit> {
        let Given::Jwt(token) = given else {
            return Err(Unfit::kind("AWS"));
        };
        self.demand_plain()?;
        let mut laid = Laid::default();
        let token = laid.file(folder, TOKEN, token);
        let token_path = token
            .to_str()
            .filter(|path| !path.contains(char::is_control))
            .ok_or_else(|| Unfit("AWS's config file cannot name the private folder".into()))?;
        // Some SDKs ask the default profile before the environment: there is the same, and the
        // person's own files with their keys are out of sight.
        let config = laid.file(folder, CONFIG, self.profile(token_path));
        let nothing = laid.file(folder, CREDENTIALS, "");
        laid.set("AWS_ROLE_ARN", &self.role_arn);
        laid.set("AWS_WEB_IDENTITY_TOKEN_FILE", token);
        laid.set("AWS_ROLE_SESSION_NAME", &self.session_name);
        laid.set("AWS_CONFIG_FILE", config);
        laid.set("AWS_SHARED_CREDENTIALS_FILE", nothing);
        if let Some(region) = &self.region {
            // The older tools read only the second.
            laid.set("AWS_REGION", region);
            laid.set("AWS_DEFAULT_REGION", region);
        }
        laid.environment.removed.extend(REMOVED);
        Ok(laid)
    }

    fn profile(&self, token_path: &str) -> String {
        let region = self
            .region
            .iter()
            .map(|region| format!("region = {region}\n"));
        format!(
            "[default]\nrole_arn = {}\nweb_identity_token_file = {token_path}\n\
             role_session_name = {}\n{}",
            self.role_arn,
            self.session_name,
            region.collect::<String>()
        )
    }

    fn demand_plain(&self) -> Result<(), Unfit> {
        if !is_role_arn(&self.role_arn) {
            return Err(Unfit(format!("`{}` is no role of AWS", self.role_arn)));
        }
        match &self.region {
            Some(region) if !is_region(region) => {
                Err(Unfit(format!("`{region}` is no region of AWS")))
            }
            _ => Ok(()),
        }
    }
}

/// The name of a session: what CloudTrail shows of who did it, and what an IAM policy can name to
/// stop this one grant. `mia@G-45`, of the characters STS takes (`[\w+=,.@-]{2,64}`).
#[must_use]
pub fn session_name(person: &str, grant: &str) -> String {
    let proper = |text: &str| -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        text.chars()
            .map(|c| if fits(c) { c } else { '_' })
            .collect()
    };
    let (mut person, mut grant) = (proper(person), proper(grant));
    grant.truncate(SESSION_NAME_MAX / 2);
    person.truncate(SESSION_NAME_MAX - 1 - grant.len());
    format!("{person}@{grant}")
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`, of the characters IAM allows in it.
#[must_use]
pub fn is_role_arn(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    let &["arn", partition, "iam", "", account, role] = parts.as_slice() else {
        return false;
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&b);
    partition.starts_with("aws")
        && is_region(partition)
        && account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && role.len() > "role/".len()
        && role.starts_with("role/")
        && role.bytes().all(fits)
}

/// `eu-central-1`.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 32 && !text.starts_with('-') && text.bytes().all(fits)
}
