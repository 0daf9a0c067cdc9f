//! Alert sources: what the config and the policy say of them together.

use breakglass_domain::{Policy, SourceId};

use super::Failure;
use crate::config::{Config, HookSecrets, SourceName};
use crate::hooks::Secret;
use crate::hooks::limits::SECRETS;
use crate::issue::keys::KeyFolder;

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
        let read = keys.read(&file.to_string_lossy()).map_err(Failure::from);
        let content = read.map_err(|failure| {
            let what = format!("the secret of the alert source {name} cannot be used: {failure}");
            match failure.next() {
                Some(next) => Failure::new(what).then(next.to_owned()),
                None => Failure::new(what),
            }
        })?;
        secrets.push(Secret::new(&content).map_err(|error| {
            Failure::new(format!(
                "the secret of the alert source {name} in {shown}: {error}"
            ))
        })?);
    }
    Ok(secrets)
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
