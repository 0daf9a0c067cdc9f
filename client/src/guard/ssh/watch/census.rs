//! Who is there: looked at every second.

use super::{Dying, Watch};
use crate::{
    guard::ssh::{
        broker::{Broker, How},
        kin::Crowd,
        roster::{Roster, look_for_marked},
    },
    processes,
};

impl<B: Broker> Watch<B> {
    /// Looks at all open sessions: who belongs to them now, which of them are over by themselves.
    pub(super) fn look_around(&mut self) {
        if self.running.is_empty() {
            return;
        }
        let crowd = Crowd::of(processes::all());
        for (key, running) in &mut self.running {
            running.roster.look(&crowd);
            let Some(session) = self.sessions.session_mut(*key) else {
                continue;
            };
            let roster = &mut running.roster;
            if let Some(cgroups) = &self.cgroups {
                let moved = crowd.process(session.process).is_some()
                    && !roster.group.as_ref().is_some_and(|group| {
                        let pid = session.process.pid();
                        pid.is_some_and(|pid| group.members().contains(&pid))
                    });
                if moved {
                    let new = cgroups.of_logind(session.process, &crowd);
                    let old = std::mem::replace(&mut roster.group, new);
                    old.inspect(super::super::cgroup::Cgroup::remove);
                }
            }
            let group = roster.group.as_ref().map(|group| group.path().to_owned());
            let strays = roster.kin.strays(&crowd);
            if session.group != group || session.strays != strays {
                session.group = group;
                session.strays = strays;
                self.unsaved = true;
            }
        }
        self.close_the_empty(&crowd);
    }

    fn close_the_empty(&mut self, crowd: &Crowd) {
        let is_empty = |roster: &Roster| roster.kin.living().is_empty();
        let mut empty = Vec::new();
        let mut others = Vec::new();
        for (key, running) in &mut self.running {
            if matches!(running.dying, Dying::No) && is_empty(&running.roster) {
                empty.push((*key, &mut running.roster));
            } else {
                others.push(running.roster.clone());
            }
        }
        if empty.is_empty() {
            return;
        }
        let mut rosters: Vec<&mut Roster> = empty.iter_mut().map(|(_, r)| &mut **r).collect();
        look_for_marked(&mut rosters, &others, crowd);
        let over: Vec<u64> = empty
            .iter()
            .filter(|(_, roster)| is_empty(roster))
            .map(|(key, _)| *key)
            .collect();
        for key in over {
            // A login whose hook still waits for the broker is over too: its sshd is dead.
            if let Some(session) = self.sessions.session(key) {
                self.printer
                    .note(format!("{} has ended by itself", session.name()));
            }
            self.over(key, How::Closed, None);
        }
    }
}
