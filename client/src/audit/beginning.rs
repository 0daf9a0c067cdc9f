//! How a grant begins and gets more time: on whose word, and for how long.

use breakglass_proto::statement::Act;
use jiff::Timestamp;

use super::{
    bounds,
    grants::{Active, Basis, Grant, Scene},
};
use crate::{entry::Entry, rules::Given};

impl Grant {
    /// Begins; where it was handed over, not beyond the end of the other one.
    pub(super) fn start(
        &mut self,
        entry: &Entry,
        scene: Scene<'_>,
        other_end: Option<Timestamp>,
    ) -> Result<(), String> {
        self.need_waiting(entry)?;
        let id = &self.id;
        if entry.at >= self.lapses_at {
            return Err(format!("{id} begins after it lapsed at {}", self.lapses_at));
        }
        let closes_at = scene.incidents.closes_at(&self.incident, entry.at)?;
        let given = self.still_given(scene)?;
        let word = entry.text("basis").unwrap_or_default();
        if word != "called" && (given.calls || !self.unlock.callers.is_empty()) {
            return Err(format!("{id} began without a call, and needed one"));
        }
        let mut agreed = None;
        let basis = match word {
            "fast-path" => self.on_fast_path(entry, &given)?,
            "approved" => self.on_approval(entry, scene, &given)?,
            "self-granted" => self.on_own_word(entry, scene, &given)?,
            "called" => {
                agreed = self.need_unlocked(entry, &given)?;
                Basis::Called
            }
            other => return Err(format!("{id} began by `{other}`, which is no way to begin")),
        };
        let ends_at = entry.time("ends_at").unwrap_or(Timestamp::MAX);
        let latest = bounds::of_beginning(self, basis, entry.at, &given, closes_at);
        let latest = agreed.map_or(latest, |until| until.min(latest));
        let latest = other_end.map_or(latest, |end| end.min(latest));
        if ends_at <= entry.at || ends_at > latest {
            return Err(format!(
                "{id} is to end at {ends_at}, and may last until {latest}"
            ));
        }
        self.active = Some(Active {
            basis,
            begins_at: entry.at,
            ends_at,
            credentials: 0,
        });
        Ok(())
    }

    fn on_fast_path(&self, entry: &Entry, given: &Given) -> Result<Basis, String> {
        let id = &self.id;
        // A rule whose only approver is the holder asks all the same.
        if given.asks || !self.approvers.is_empty() {
            return Err(format!("{id} began without a yes, and needed one"));
        }
        if self.risk != "low" {
            return Err(format!("{id} is a high risk, and began without a yes"));
        }
        if entry.index != self.index + 1 || entry.at != self.asked_at {
            return Err(format!("{id} began without anybody asking just then"));
        }
        Ok(Basis::FastPath)
    }

    fn on_approval(&self, entry: &Entry, scene: Scene<'_>, given: &Given) -> Result<Basis, String> {
        let (id, by) = (&self.id, &entry.by);
        if *by == self.person {
            return Err(format!("{by} approved their own request {id}"));
        }
        self.need_approver(entry, given)?;
        match scene.act {
            Some(Act::Approve { sentence, .. }) if *sentence == self.sentence => {
                Ok(Basis::Approved)
            }
            Some(Act::Approve { sentence, .. }) => Err(format!(
                "{by} said yes to `{sentence}`, and {id} is to `{}`",
                self.sentence
            )),
            None if self.is_handed_by(entry) => Ok(Basis::Approved),
            _ => Err(format!("{by} began {id} and did not sign a yes")),
        }
    }

    /// One of those pinned in the request, whom the policy still names.
    pub(super) fn need_approver(&self, entry: &Entry, given: &Given) -> Result<(), String> {
        if self.approvers.contains(&entry.by) && self.lets_approve(given, &entry.by) {
            return Ok(());
        }
        self.need_turn(entry)?;
        Err(format!(
            "{} is by {}, who is not among the approvers of {}",
            entry.kind, entry.by, self.id
        ))
    }

    fn on_own_word(&self, entry: &Entry, scene: Scene<'_>, given: &Given) -> Result<Basis, String> {
        let (id, by) = (&self.id, &entry.by);
        if *by != self.person {
            return Err(format!(
                "{by} began {id} of {} as a self-grant",
                self.person
            ));
        }
        if scene.incidents.is_vetoed(self) {
            return Err(format!("{by} began {id} alone, and that was vetoed"));
        }
        self.need_everybody_asked(entry)?;
        match self.alone {
            Some(alone) if given.alone.is_some() && entry.at >= alone.from => {
                Ok(Basis::SelfGranted)
            }
            Some(alone) if given.alone.is_some() => Err(format!(
                "{by} began {id} alone before approvers had their time, until {}",
                alone.from
            )),
            _ => Err(format!(
                "{by} began {id} alone, and its rule allows no self-grant"
            )),
        }
    }

    /// Gets more time.
    pub(super) fn extend(&mut self, entry: &Entry, scene: Scene<'_>) -> Result<(), String> {
        let active = *self.need_active(entry)?;
        let closes_at = scene.incidents.closes_at(&self.incident, entry.at)?;
        let given = self.still_given(scene)?;
        let (id, by) = (&self.id, &entry.by);
        let is_holder = *by == self.person;
        match active.basis {
            Basis::Approved | Basis::Called if is_holder => {
                return Err(format!(
                    "{by} extended {id} alone, which somebody else approved"
                ));
            }
            Basis::Called if self.approvers.is_empty() => {
                if !self.unlock.callers.contains(by) || !given.callers.contains(by) {
                    return Err(format!("{by} extended {id}, and is not asked for it"));
                }
            }
            Basis::Approved | Basis::Called => self.need_approver(entry, &given)?,
            _ if !is_holder => {
                return Err(format!("{by} extended {id} of {}", self.person));
            }
            Basis::FastPath if given.asks || given.calls => {
                return Err(format!("{id} is extended without a yes, and now needs one"));
            }
            Basis::FastPath | Basis::SelfGranted => {}
        }
        let Some(Act::Extend { by: more, .. }) = scene.act else {
            return Err(format!("{by} extended {id} and did not sign it"));
        };
        let ends_at = entry.time("ends_at").unwrap_or(Timestamp::MAX);
        let latest = bounds::of_extension(self, &active, *more, &given, closes_at);
        if ends_at <= active.ends_at || ends_at > latest {
            return Err(format!(
                "{id} is extended to {ends_at}, and may last until {latest}"
            ));
        }
        self.active = Some(Active { ends_at, ..active });
        Ok(())
    }
}
