//! Witnesses: what the entries show of what they have signed, and what is not given without them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use breakglass_tlog::{Cosigned, Frontier, Hash, LedgerKeys, Quorum, VerifierKey};

use super::policies::Policies;
use crate::{entry::Entry, limits::WITNESSED_WITHIN};

/// What was signed, and what waits for it.
#[derive(Default)]
pub(super) struct Witnesses {
    /// The roots of the newest sizes, while the policy asks witnesses: of `newest` and those before.
    roots: VecDeque<Hash>,
    newest: u64,
    /// Where what is only hashed ended: before that no root is known.
    passed_up_to: u64,
    /// Entries of the newest checkpoint that was shown to be signed by enough.
    size: u64,
    /// Too few sign.
    is_lost: bool,
    /// Credentials that need them and are not signed for: the place of each, and its role, if any.
    unmade: BTreeMap<String, (u64, Option<String>)>,
    /// Grants under which a credential was handed out, or may have been.
    given: BTreeSet<String>,
    marked: Vec<String>,
}

impl Witnesses {
    /// Entries of the newest checkpoint that was shown to be signed by enough.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Credentials that were given while too few signed.
    pub(super) fn marked(&self) -> Vec<String> {
        self.marked.clone()
    }

    /// The ledger has grown by an entry.
    pub(super) fn grown(&mut self, tree: &Frontier, asks: bool) {
        if !asks {
            return self.roots.clear();
        }
        if self.roots.len() >= WITNESSED_WITHIN {
            self.roots.pop_front();
        }
        self.roots.push_back(tree.root());
        self.newest = tree.size();
    }

    /// Some entries were passed over, of which only a hash is known.
    pub(super) fn passed(&mut self, tree: &Frontier) {
        self.roots.clear();
        self.roots.push_back(tree.root());
        self.newest = tree.size();
        self.passed_up_to = tree.size();
    }

    /// Of a story entries are read that stand apart: that a quorum has signed is checked, and not what.
    pub(super) fn know_no_roots(&mut self) {
        self.passed_up_to = u64::MAX;
    }

    /// Checks and folds; behind the policy and the grant that the entry is about.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        policies: &Policies,
        ledger: &LedgerKeys,
    ) -> Result<(), String> {
        match entry.kind.as_str() {
            "policy.loaded" if policies.witnesses().is_none() => self.is_lost = false,
            "ledger.witnessed" => return self.signed(entry, policies, ledger),
            "ledger.unwitnessed" => {
                if policies.witnesses().is_none() || self.is_lost {
                    return Err("nobody is asked to sign, or too few did already".to_owned());
                }
                self.is_lost = true;
            }
            "credential.issued" => return self.issued(entry, policies),
            "session.opened" => return self.need_made(entry.text("credential")),
            "role.created" => {
                let role = entry.text("role");
                let unmade = self
                    .unmade
                    .iter()
                    .find(|(_, (_, of))| of.as_deref() == role);
                let credential = unmade.map(|(credential, _)| credential.clone());
                return self.need_made(credential.as_deref());
            }
            "grant.used" => return self.need_given(entry),
            "grant.ended" => {
                self.given.remove(entry.text("grant").unwrap_or_default());
            }
            _ => {}
        }
        Ok(())
    }

    fn signed(
        &mut self,
        entry: &Entry,
        policies: &Policies,
        ledger: &LedgerKeys,
    ) -> Result<(), String> {
        let quorum = quorum(policies)?;
        let note = entry.text("checkpoint").unwrap_or_default();
        let cosigned = Cosigned::verify(note, ledger.of_note(note), &quorum)
            .map_err(|why| format!("it says that enough witnesses have signed: {why}"))?;
        let size = cosigned.size();
        if entry.number("size") != i64::try_from(size).ok() {
            return Err(format!("it says another size than its checkpoint, {size}"));
        }
        if size < self.size || (size == self.size && !self.is_lost) {
            return Err(format!("{} entries were signed before", self.size));
        }
        match self.root_at(size) {
            Some(root) if root == cosigned.checkpoint().root() => {}
            Some(_) => {
                return Err(format!(
                    "witnesses have signed another history: its first {size} entries have another root"
                ));
            }
            // In a part of a ledger: that they have signed is proven, and not what.
            None if size < self.passed_up_to => {}
            None => {
                return Err(format!(
                    "it shows a checkpoint of {size} entries, which is not of lately"
                ));
            }
        }
        self.size = size;
        self.is_lost = false;
        let made = self.unmade.extract_if(.., |_, (index, _)| *index < size);
        let grants = made.filter_map(|(credential, _)| grant_of(&credential).map(str::to_owned));
        self.given.extend(grants);
        Ok(())
    }

    /// The root over so many entries, where that was lately.
    fn root_at(&self, size: u64) -> Option<Hash> {
        let back = usize::try_from(self.newest.checked_sub(size)?).ok()?;
        let place = self.roots.len().checked_sub(back + 1)?;
        self.roots.get(place).copied()
    }

    fn issued(&mut self, entry: &Entry, policies: &Policies) -> Result<(), String> {
        let needs = policies.needs_witnesses(entry.text("right").unwrap_or_default());
        let credential = entry.text("credential").unwrap_or_default().to_owned();
        let should_say = match (needs, self.is_lost) {
            (true, true) => {
                return Err("it needs witnesses, and too few of them sign".to_owned());
            }
            (true, false) => Some("needed"),
            (false, true) => Some("missing"),
            (false, false) => None,
        };
        let says = entry.text("witnesses");
        if says != should_say {
            return Err(format!(
                "the credential says `witnesses: {}`, and here it is {}",
                says.unwrap_or("nothing"),
                should_say.unwrap_or("nothing")
            ));
        }
        if should_say == Some("needed") {
            let role = entry.body.get("subject").and_then(|it| it.get("role"));
            let role = role.and_then(|role| role.as_str()).map(str::to_owned);
            self.unmade.insert(credential, (entry.index, role));
            return Ok(());
        }
        if should_say.is_some() {
            self.marked.push(credential);
        }
        self.given
            .insert(entry.text("grant").unwrap_or_default().to_owned());
        Ok(())
    }

    fn need_made(&self, credential: Option<&str>) -> Result<(), String> {
        match credential.and_then(|it| self.unmade.get_key_value(it)) {
            None => Ok(()),
            Some((credential, _)) => Err(format!(
                "{credential} needs witnesses, and it is used before enough of them have signed"
            )),
        }
    }

    /// A grant is used by a credential that was handed out.
    fn need_given(&self, entry: &Entry) -> Result<(), String> {
        let grant = entry.text("grant").unwrap_or_default();
        let unmade = self.unmade.keys().find(|it| grant_of(it) == Some(grant));
        match self.given.contains(grant) {
            true => Ok(()),
            false => self.need_made(unmade.map(String::as_str)),
        }
    }
}

fn grant_of(credential: &str) -> Option<&str> {
    credential.rsplit_once('.').map(|(grant, _)| grant)
}

/// Who has to sign, by the policy in force.
fn quorum(policies: &Policies) -> Result<Quorum, String> {
    let asked = policies.witnesses();
    let (need, keys) = asked.ok_or("the policy in force asks no witnesses")?;
    let parse = |(name, vkey): (String, String)| {
        VerifierKey::parse(&vkey).map_err(|why| format!("the key of witness `{name}`: {why}"))
    };
    let keys: Vec<_> = keys.into_iter().map(parse).collect::<Result<_, _>>()?;
    Quorum::new(need, keys).map_err(|why| why.to_string())
}
