//! Who is asked: the witnesses of the policy, where the config says they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use breakglass_domain::WitnessId;
use breakglass_domain::policy::Witnesses;
use breakglass_tlog::VerifierKey;
use breakglass_tlog::cosigned::Quorum;
use tokio::time::Instant;

use super::limits::{FIRST_PAUSE, LONGEST_PAUSE, SPACING};
use super::post::Door;
use crate::config::{WitnessAddress, WitnessName};

/// One witness.
pub(super) struct Seat {
    pub(super) id: WitnessId,
    pub(super) key: VerifierKey,
    pub(super) door: Arc<Door>,
    /// What it has signed last, as far as is known.
    pub(super) known: u64,
    pub(super) is_asked: bool,
    failures: u32,
    due: Instant,
}

impl Seat {
    fn new(id: WitnessId, key: VerifierKey, door: Door) -> Self {
        Self {
            id,
            key,
            door: Arc::new(door),
            known: 0,
            is_asked: false,
            failures: 0,
            due: Instant::now(),
        }
    }

    /// When it may be asked next.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Whether it has failed, and is left alone for now.
    pub(super) fn rests(&self, now: Instant) -> bool {
        self.failures > 0 && self.due > now
    }

    /// It has signed so many entries.
    pub(super) fn signed(&mut self, size: u64) {
        self.known = size;
        self.failures = 0;
        self.due = Instant::now() + SPACING;
    }

    /// It has not. What it says of its size is signed by nobody, so it is asked again as if it had not said it.
    pub(super) fn failed(&mut self) {
        self.due = Instant::now() + pause_after(self.failures);
        self.failures = self.failures.saturating_add(1);
    }
}

/// It doubles, from a second to half a minute. It never gives up.
fn pause_after(failures: u32) -> Duration {
    let doubled = 2_u32.checked_pow(failures).unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

/// How many of whom, by the keys of a policy.
///
/// # Errors
/// What is wrong with them, and with which: the policy's parser hashes nothing, so whether an id is
/// that of its key is found here.
pub fn roster(asked: &Witnesses) -> Result<(Quorum, BTreeMap<WitnessId, VerifierKey>), String> {
    let mut keys = BTreeMap::new();
    for (id, vkey) in &asked.keys {
        let key = VerifierKey::parse(vkey.as_str());
        let key = key.map_err(|why| format!("the key of witness `{id}` cannot be used: {why}"))?;
        keys.insert(id.clone(), key);
    }
    let quorum = Quorum::new(asked.need, keys.values().cloned().collect());
    let quorum = quorum.map_err(|why| format!("the witnesses cannot be used: {why}"))?;
    Ok((quorum, keys))
}

/// Those of a policy that nobody knows how to reach, and those of the config that the policy does not
/// name: in sentences.
#[must_use]
pub fn unusable(
    asked: Option<&Witnesses>,
    addresses: &BTreeMap<WitnessName, WitnessAddress>,
) -> Vec<String> {
    let named = |id: &WitnessId| asked.is_some_and(|asked| asked.keys.contains_key(id));
    let reached = |id: &WitnessId| addresses.keys().any(|name| name.id() == id);
    let lost = asked.into_iter().flat_map(|asked| asked.keys.keys());
    let lost = lost.filter(|id| !reached(id)).map(|id| {
        format!("witness `{id}` of the policy has no address: add [witness.{id}] to the config")
    });
    let spare = addresses
        .keys()
        .map(WitnessName::id)
        .filter(|id| !named(id));
    let spare = spare.map(|id| {
        format!("witness `{id}` of the config has no key in the policy, so it is not asked")
    });
    lost.chain(spare).collect()
}

/// The seats of those that can be reached, and what is wrong with the others.
pub(super) fn seats(
    keys: &BTreeMap<WitnessId, VerifierKey>,
    addresses: &BTreeMap<WitnessName, WitnessAddress>,
    folder: &Path,
) -> (Vec<Seat>, Vec<(WitnessId, String)>) {
    let (mut seats, mut shut) = (Vec::new(), Vec::new());
    for (id, key) in keys {
        let address = addresses.iter().find(|(name, _)| name.id() == id);
        let Some((_, address)) = address else {
            let why = format!("it has no address: add [witness.{id}] to the config");
            shut.push((id.clone(), why));
            continue;
        };
        let ca_file = address.ca_file.as_ref().map(|file| folder.join(file));
        match Door::new(&address.url.to_string(), ca_file.as_deref()) {
            Ok(door) => seats.push(Seat::new(id.clone(), key.clone(), door)),
            Err(why) => shut.push((id.clone(), why)),
        }
    }
    (seats, shut)
}

#[cfg(test)]
mod tests {
    use breakglass_domain::Policy;
    use breakglass_domain::policy::STARTER;

    use super::*;
    use crate::config::Config;

    const OTTO: &str = "witness.example/otto+73b0cf55+BP0XJDhaoMdbZPt4zWAvodmR/ev3axPFjtcC6sg16fYY";

    fn asked(vkey: &str) -> Witnesses {
        let text = format!("{STARTER}\n[witnesses]\nneed = 1\nkeys = {{ otto = \"{vkey}\" }}\n");
        Policy::parse("policy.toml", &text)
            .unwrap()
            .witnesses
            .unwrap()
    }

    fn addresses(toml: &str) -> BTreeMap<WitnessName, WitnessAddress> {
        Config::parse(Path::new("glassd.toml"), toml)
            .unwrap()
            .settings
            .witness
    }

    #[test]
    fn a_key_whose_id_is_not_its_own_is_named() {
        let (quorum, keys) = roster(&asked(OTTO)).unwrap();
        assert_eq!((quorum.need(), keys.len()), (1, 1));
        let why = roster(&asked(&OTTO.replace("73b0", "73b1"))).unwrap_err();
        assert!(why.contains("witness `otto`"), "{why}");
    }

    #[test]
    fn who_cannot_be_reached_and_who_is_not_asked_is_told() {
        let otto = asked(OTTO);
        let at = |name: &str| addresses(&format!("[witness.{name}]\nurl = \"http://h:1\"\n"));
        assert!(unusable(Some(&otto), &at("otto")).is_empty());
        let told = unusable(Some(&otto), &at("nina"));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("`otto` of the policy has no address"));
        assert!(told[1].contains("`nina` of the config has no key"));
        assert_eq!(unusable(None, &at("nina")).len(), 1);
        let (keys, folder) = (roster(&otto).unwrap().1, Path::new("."));
        let (seats, shut) = seats(&keys, &at("nina"), folder);
        assert_eq!((seats.len(), shut.len()), (0, 1));
    }

    #[test]
    fn pauses_grow_to_half_a_minute() {
        let pauses: Vec<_> = (0..7).map(|it| pause_after(it).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30]);
    }
}
