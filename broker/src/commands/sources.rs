//! Alert sources: what the config and the policy say of them together.

use breakglass_domain::{Policy, SourceId};

use super::Failure;
use crate::config::{Config, HookSecrets, SourceName};
use crate::hooks::Secret;
use crate::hooks::limits::SECRETS;
use crate::issue::keys::{KeyError, KeyFolder};

/// The secrets of one source.
///
/// # Errors
/// [`Failure`] that names the source, the file and what to do.
pub(super) fn secrets_of(
    keys: &KeyFolder,
    name: &SourceName,
    chosen: &HookSecrets,
) -> Result<Vec<Secret>, Failure> {
    let name = name.id();
    let files = &chosen.secret_files;
    if !(1..=SECRETS).contains(&files.len()) {
        let what = format!("[hooks.{name}] names {} secret_files", files.len());
        return Err(Failure::new(what).then(format!("name 1 to {SECRETS} of them")));
    }
    let mut secrets = Vec::new();
    for file in files {
        let shown = file.display();
        let read = keys.read(&file.to_string_lossy());
        let content = read.map_err(|error| unreadable(name, &error))?;
        secrets.push(Secret::new(&content).map_err(|error| {
            Failure::new(format!(
                "the secret of the alert source {name} in {shown}: {error}"
            ))
        })?);
    }
    Ok(secrets)
}

fn unreadable(name: &SourceId, error: &KeyError) -> Failure {
    if let KeyError::Missing(path) = error {
        let path = path.display();
        let what = format!("the alert source {name} has no secret: there is no file {path}");
        return Failure::new(what).then(format!(
            "install -m 600 /dev/null {path} && openssl rand -hex 32 > {path}"
        ));
    }
    Failure::new(format!(
        "the secret of the alert source {name} cannot be used: {error}"
    ))
}

/// Whether every source of the policy has secrets, and every secret a source.
///
/// # Errors
/// [`Failure`] with the first that is not so.
pub(super) fn look(config: &Config, keys: &KeyFolder, policy: &Policy) -> Result<String, Failure> {
    let hooks = &config.settings.hooks;
    for (name, chosen) in hooks {
        secrets_of(keys, name, chosen)?;
        if !policy.sources.contains_key(name.id()) {
            let what = format!(
                "[hooks.{0}] has secrets, and the policy no source {0}",
                name.id()
            );
            let next = format!(
                "add `[sources.{}]` to the policy, or remove the secrets",
                name.id()
            );
            return Err(Failure::new(what).then(next));
        }
    }
    let has_secrets = |id: &&SourceId| hooks.keys().any(|name| name.id() == *id);
    if let Some(id) = policy.sources.keys().find(|id| !has_secrets(id)) {
        let what = format!("the policy has the alert source {id}, and the config no secret for it");
        let next = format!(
            "add `[hooks.{id}]` with `secret_files` to {}",
            config.file.display()
        );
        return Err(Failure::new(what).then(next));
    }
    Ok(match hooks.len() {
        0 => "none".into(),
        1 => "1 source".into(),
        count => format!("{count} sources"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use breakglass_domain::policy::STARTER;

    use super::*;

    const SOURCE: &str = "\n[sources.pager]\nkind = \"webhook\"\nseverity = \"sev2\"\n";
    const HOOK: &str = "[hooks.pager]\nsecret_files = [\"pager.secret\"]\n";

    fn found(folder: &Path, hooks: &str, sources: &str) -> Result<String, String> {
        let config = Config::parse(&folder.join("glassd.toml"), hooks).expect("a config");
        let policy = Policy::parse("policy.toml", &format!("{STARTER}{sources}"));
        let keys = KeyFolder::open(&folder.join("keys")).expect("the keys' folder");
        look(&config, &keys, &policy.expect("a policy"))
            .map_err(|failure| format!("{failure} -> {}", failure.next().unwrap_or_default()))
    }

    #[test]
    fn what_does_not_fit_together_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = folder.path().join("keys");
        KeyFolder::create(&keys).expect("the keys' folder is made");
        let secret = keys.join("pager.secret");
        let told = |hooks: &str, sources: &str| found(folder.path(), hooks, sources);
        let holds = |told: Result<String, String>, what: &str| {
            let told = told.expect_err("something is wrong");
            assert!(told.contains(what), "{told}");
        };
        assert_eq!(told("", ""), Ok("none".into()));
        holds(told("", SOURCE), "add `[hooks.pager]` with `secret_files`");
        holds(told(HOOK, SOURCE), "openssl rand -hex 32 > ");
        fs::write(&secret, "0123456789abcdef\n").expect("a secret is written");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).expect("and open");
        holds(told(HOOK, SOURCE), "chmod 600");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("and closed");
        assert_eq!(told(HOOK, SOURCE), Ok("1 source".into()));
        holds(told(HOOK, ""), "add `[sources.pager]` to the policy");
        fs::write(&secret, "short\n").expect("a secret is written");
        holds(told(HOOK, SOURCE), "fewer than 16 bytes");
        let none = "[hooks.pager]\nsecret_files = []\n";
        holds(told(none, SOURCE), "name 1 to 4 of them");
    }
}
