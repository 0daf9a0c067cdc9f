//! Asking for a grant: what is pinned is what the policy in force says.

use super::{
    bounds::later,
    grants::{Grant, Scene},
};
use crate::{entry::Entry, rules::Given};

impl Grant {
    /// The grant as it is asked for, where the policy in force gives it so.
    pub(super) fn asked(entry: &Entry, scene: Scene<'_>) -> Result<Self, String> {
        let grant = Self::read(entry);
        let id = &grant.id;
        if grant.handed.is_none() && (entry.text("from").is_some() || grant.key.is_empty()) {
            return Err(format!(
                "{id} does not say for which key, or where it comes from"
            ));
        }
        if grant.handed.is_none() && grant.person != entry.by {
            let (by, person) = (&entry.by, &grant.person);
            return Err(format!("{by} asks for {id} in the name of {person}"));
        }
        let signer = entry.signed.as_ref().map(|signed| signed.key.as_str());
        if grant.handed.is_none() && signer != Some(&grant.key) {
            return Err(format!(
                "{id} is bound to another key than the one that signed"
            ));
        }
        let closes_at = scene.incidents.closes_at(&grant.incident, entry.at);
        let closes_at = closes_at.map_err(|why| format!("{id} is asked for, and {why}"))?;
        if grant.lapses_at > closes_at {
            return Err(format!("{id} is to wait longer than its incident lasts"));
        }
        let confirmed = scene.incidents.need_confirmed(&grant, scene.policies);
        confirmed.map_err(|why| format!("{id} is asked for, and {why}"))?;
        let given = grant.given(scene)?;
        grant.need_as_given(&given)?;
        grant.need_alone_as_given(&given)?;
        grant.need_escalation_as_given(&given, scene)?;
        if grant.alone.is_some() && scene.incidents.is_vetoed(&grant) {
            let id = &grant.id;
            return Err(format!("{id} allows a self-grant that was vetoed"));
        }
        Ok(grant)
    }

    /// What was pinned is what the policy says.
    fn need_as_given(&self, given: &Given) -> Result<(), String> {
        let approvers = |list: &[String]| match list {
            [] => "nobody".to_owned(),
            list => list.join(", "),
        };
        for (name, pinned, said) in [
            ("rule", &self.rule, &given.rule),
            ("sentence", &self.sentence, &given.sentence),
            ("risk", &self.risk, &given.risk),
            ("audience", &self.audience, &given.audience),
            (
                "approvers",
                &approvers(&self.approvers),
                &approvers(&given.approvers),
            ),
            (
                "call",
                &approvers(&self.unlock.callers),
                &approvers(&given.callers),
            ),
        ] {
            if pinned != said {
                let id = &self.id;
                return Err(format!(
                    "{id} is asked for with `{name}: {pinned}`, and the policy in force says {said}"
                ));
            }
        }
        if given.calls && given.callers.is_empty() {
            return Err(format!(
                "{} is asked for, needs a call, and the policy in force names nobody for it",
                self.id
            ));
        }
        if self.length > given.longest {
            let (id, length, longest) = (&self.id, self.length, given.longest);
            return Err(format!(
                "{id} is asked for {length} ms, and the policy in force allows {longest}"
            ));
        }
        Ok(())
    }

    fn need_alone_as_given(&self, given: &Given) -> Result<(), String> {
        let Some(alone) = self.alone else {
            return Ok(());
        };
        let is_given = given.alone.is_some_and(|said| {
            alone.from >= later(self.asked_at, said.after)
                && alone.longest <= said.longest.min(self.length)
        });
        match is_given {
            true => Ok(()),
            false => Err(format!(
                "{} allows a self-grant that the policy in force does not",
                self.id
            )),
        }
    }
}
