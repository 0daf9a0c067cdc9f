//! The secrets of alert sources, read at the start and on a reload.

use std::collections::BTreeMap;

use super::super::Failure;
use super::super::sources::secrets_of;
use super::broker::Core;

/// Takes up the secrets that the config names; answers a few words where there are any. A source whose
/// secrets cannot be read keeps those it had, which at a start are none, and the others are taken up.
///
/// # Errors
/// [`Failure`] with everything that cannot be read.
pub(super) fn take_up(core: &Core) -> Result<Option<String>, Failure> {
    let (mut secrets, mut wrong) = (BTreeMap::new(), Vec::new());
    for (name, chosen) in &core.config.settings.hooks {
        match secrets_of(&core.keys, name, chosen) {
            Ok(of_source) => drop(secrets.insert(name.id().clone(), of_source.into())),
            Err(failure) => match core.secrets.of(name.id()) {
                Some(before) => {
                    secrets.insert(name.id().clone(), before);
                    wrong.push(format!("{failure}; those from before stay in force"));
                }
                None => wrong.push(failure.to_string()),
            },
        }
    }
    let count = secrets.len();
    core.secrets.replace(secrets);
    match wrong.is_empty() {
        false => Err(Failure::new(wrong.join("; "))),
        true => Ok((count > 0).then(|| format!("alert sources: {count}"))),
    }
}
