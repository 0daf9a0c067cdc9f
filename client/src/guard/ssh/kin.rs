//! Which processes belong to a session: sshd's process of that login and all its descendants.
//!
//! A descendant whose parent dies becomes a child of process 1 (or of a subreaper), and `/proc`
//! does not tell any more where it came from. So who belongs to a session is remembered from one
//! look to the next: whoever was seen once below it stays in, with its own children, wherever it
//! hangs later. What begins and hides between two looks is found by its control group or by the
//! marker in its environment, see [`super::cut`].

use std::collections::{BTreeSet, HashMap, HashSet};

use rustix::process::Pid;

use crate::processes::{Process, ProcessId};

/// The processes of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kin {
    root: ProcessId,
    known: BTreeSet<ProcessId>,
}

/// All processes of one moment, arranged for questions.
#[derive(Debug)]
pub(super) struct Crowd {
    by_pid: HashMap<Pid, Process>,
    children: HashMap<Pid, Vec<Pid>>,
}

impl Crowd {
    /// The living among these.
    pub(super) fn of(processes: Vec<Process>) -> Self {
        let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
        let living = processes.into_iter().filter(|process| !process.is_dead());
        let by_pid: HashMap<_, _> = living.map(|process| (process.pid, process)).collect();
        for process in by_pid.values() {
            if let Some(parent) = process.parent {
                children.entry(parent).or_default().push(process.pid);
            }
        }
        Self { by_pid, children }
    }

    /// The living process of this id.
    pub(super) fn process(&self, id: ProcessId) -> Option<&Process> {
        self.by_pid
            .get(&id.pid()?)
            .filter(|process| process.id() == id)
    }

    /// Which process has this id now.
    pub(super) fn id(&self, pid: Pid) -> Option<ProcessId> {
        self.by_pid.get(&pid).map(Process::id)
    }

    /// All of them.
    pub(super) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.by_pid.values()
    }

    /// The parent of the living process of this id.
    pub(super) fn parent(&self, pid: Pid) -> Option<Pid> {
        self.by_pid.get(&pid)?.parent
    }

    fn children_of(&self, pid: Pid) -> &[Pid] {
        self.children.get(&pid).map_or(&[], Vec::as_slice)
    }
}

impl Kin {
    /// Those of the session behind this process of sshd; `strays` were seen below it before.
    pub(super) fn new(root: ProcessId, strays: impl IntoIterator<Item = ProcessId>) -> Self {
        let mut known: BTreeSet<_> = strays.into_iter().collect();
        known.insert(root);
        Self { root, known }
    }

    /// sshd's process of this login.
    pub(super) fn root(&self) -> ProcessId {
        self.root
    }

    /// Takes in others that were found to belong to it.
    pub(super) fn take_in(&mut self, others: impl IntoIterator<Item = ProcessId>) {
        self.known.extend(others);
    }

    /// Looks again: forgets the dead, takes in the children of the living, and theirs.
    pub(super) fn look(&mut self, crowd: &Crowd) {
        self.known.retain(|id| crowd.process(*id).is_some());
        let mut next: Vec<ProcessId> = self.known.iter().copied().collect();
        while let Some(parent) = next.pop() {
            let Some(parent) = parent.pid() else { continue };
            for child in crowd.children_of(parent) {
                if let Some(child) = crowd.id(*child).filter(|child| self.known.insert(*child)) {
                    next.push(child);
                }
            }
        }
    }

    /// Leaves out those that must not be touched.
    pub(super) fn spare(&mut self, untouchable: &HashSet<Pid>) {
        self.known
            .retain(|id| id.pid().is_some_and(|pid| !untouchable.contains(&pid)));
    }

    /// Who lived at the last look.
    pub(super) fn living(&self) -> &BTreeSet<ProcessId> {
        &self.known
    }

    /// Those of the living that no longer hang below it: nobody could find them again without
    /// having seen them before.
    pub(super) fn strays(&self, crowd: &Crowd) -> Vec<ProcessId> {
        let hangs_below = |id: &ProcessId| {
            let parent = crowd.process(*id).and_then(|process| process.parent);
            let parent = parent.and_then(|parent| crowd.id(parent));
            *id == self.root || parent.is_some_and(|parent| self.known.contains(&parent))
        };
        let strays = self.known.iter().filter(|id| !hangs_below(id));
        strays.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PID PPID START`, and `Z` for the dead.
    fn crowd(lines: &[&str]) -> Crowd {
        let parse = |line: &&str| {
            let words: Vec<_> = line.split(' ').collect();
            let state = words.get(3).unwrap_or(&"S");
            let (pid, parent, started) = (words[0], words[1], words[2]);
            let stat =
                format!("{pid} (x) {state} {parent} 1 1 0 1 0 0 0 0 0 0 0 0 0 0 0 1 0 {started} 0");
            Process::parse(&stat).unwrap()
        };
        Crowd::of(lines.iter().map(parse).collect())
    }

    fn id(pid: i32, started: u64) -> ProcessId {
        ProcessId::new(pid, started).unwrap()
    }

    fn ids(kin: &Kin) -> Vec<ProcessId> {
        kin.living().iter().copied().collect()
    }

    #[test]
    fn whoever_hangs_below_it_belongs_to_it_and_nobody_else() {
        let mut kin = Kin::new(id(10, 5), []);
        kin.look(&crowd(&[
            "1 0 0", "9 1 1", "10 9 5", "11 10 6", "12 11 7", "20 9 5", "21 20 6",
        ]));
        assert_eq!(ids(&kin), [id(10, 5), id(11, 6), id(12, 7)]);
    }

    #[test]
    fn who_was_seen_once_stays_in_and_brings_its_children() {
        let mut kin = Kin::new(id(10, 5), []);
        kin.look(&crowd(&["1 0 0", "10 1 5", "11 10 6", "12 11 7"]));
        let later = crowd(&["1 0 0", "10 1 5", "12 1 7", "13 12 8"]);
        kin.look(&later);
        assert_eq!(ids(&kin), [id(10, 5), id(12, 7), id(13, 8)]);
        assert_eq!(kin.strays(&later), [id(12, 7)]);
        // The guard starts again, and sshd's process is gone meanwhile.
        let mut again = Kin::new(id(10, 5), kin.strays(&later));
        again.look(&crowd(&["1 0 0", "12 1 7", "13 12 8"]));
        assert_eq!(ids(&again), [id(12, 7), id(13, 8)]);
    }

    #[test]
    fn an_id_that_is_used_again_is_a_stranger() {
        let mut kin = Kin::new(id(10, 5), []);
        kin.look(&crowd(&["10 1 5", "11 10 6"]));
        kin.look(&crowd(&["10 1 99", "11 1 98", "12 11 99"]));
        assert_eq!(ids(&kin), []);
    }

    #[test]
    fn the_dead_do_not_count() {
        let mut kin = Kin::new(id(10, 5), []);
        kin.look(&crowd(&["10 1 5 Z", "11 10 6"]));
        assert_eq!(ids(&kin), []);
    }
}
