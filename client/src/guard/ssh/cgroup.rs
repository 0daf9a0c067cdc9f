//! Control groups (cgroups(7), version 2): the kernel's own book of who belongs together.
//!
//! A process cannot leave its group by forking, `setsid` or a dying parent, and the kernel ends a
//! whole group at once (`cgroup.kill`, Linux 5.14), those that are just being forked too. Two kinds
//! are used:
//!
//! - **our own**, below the guard's group, into which sshd's process of a login is put before it
//!   has forked anybody;
//! - **logind's**, `session-4.scope`: where `pam_systemd` runs, it moves the login into a group of
//!   its own after ours, and that is as good. It counts only while nobody older than the login is
//!   in it: an sshd that somebody starts by hand within their own session shares that one.
//!
//! Where there is neither (a read-only `/sys`, version 1 alone) the guard lives by its own looks.

use std::{
    fs,
    io::{self, Write as _},
    path::{Component, Path, PathBuf},
};

use rustix::process::Pid;

use super::kin::Crowd;
use crate::processes::{self, ProcessId, as_pid};

/// The folder below the guard's own group.
const FOLDER: &str = "breakglass";

/// Where the groups are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cgroups {
    mount: PathBuf,
    ours: PathBuf,
}

impl Cgroups {
    /// Finds them and makes our folder; `None` where the system does not let us.
    pub(super) fn find() -> Option<Self> {
        let mount = mount(&fs::read_to_string("/proc/self/mountinfo").ok()?)?;
        let own = path_in(&fs::read_to_string("/proc/self/cgroup").ok()?)?;
        // A guard that some session's process started must not nest in that session.
        let ours = below(&mount, &own)?.join(FOLDER);
        match fs::create_dir(&ours) {
            Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return None,
            _ => {}
        }
        ours.join("cgroup.kill")
            .exists()
            .then_some(Self { mount, ours })
    }

    /// A new group with this process in it, named after it.
    ///
    /// # Errors
    /// What the system says; there is no group then. So too where one of this name has others in it:
    /// a guard in another PID namespace counts the same ids, and its login would be ended with ours.
    pub(super) fn make(&self, process: ProcessId) -> io::Result<Cgroup> {
        let group = Cgroup(self.ours.join(process.to_string()));
        if group.0.exists() {
            if process
                .pid()
                .is_some_and(|pid| group.members().contains(&pid))
            {
                return Ok(group);
            }
            // Left behind by a guard before us: the kernel removes it where nobody is inside.
            fs::remove_dir(&group.0)?;
        }
        fs::create_dir(&group.0)?;
        let pid = process.pid().map_or(-1, Pid::as_raw_pid);
        let moved = write(&group.0.join("cgroup.procs"), &pid.to_string());
        if moved.is_err() {
            group.remove();
        }
        moved.map(|()| group)
    }

    /// The group that `pam_systemd` made for the login of this process, and for nobody else.
    pub(super) fn of_logind(&self, process: ProcessId, crowd: &Crowd) -> Option<Cgroup> {
        let pid = process.pid()?.as_raw_nonzero();
        let path = path_in(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)?;
        let name = path.file_name()?.to_str()?;
        let number = name.strip_prefix("session-")?.strip_suffix(".scope")?;
        if number.is_empty() {
            return None;
        }
        let group = Cgroup(below(&self.mount, &path)?);
        let members = group.members();
        let alone = members.iter().all(|pid| {
            crowd
                .id(*pid)
                .is_none_or(|member| member.started() >= process.started())
        });
        (alone && members.contains(&process.pid()?)).then_some(group)
    }

    /// Removes what a guard before us left behind, where the login is gone; the kernel refuses
    /// where somebody is still inside.
    pub(super) fn sweep(&self) {
        for entry in fs::read_dir(&self.ours).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let login = name.to_str().and_then(|name| name.parse().ok());
            if login.is_some_and(|login| !processes::lives(login)) {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    /// One that was found before; `None` where the path can be none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let is_plain = path.is_absolute()
            && path
                .components()
                .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let is_group = is_plain && path.join("cgroup.kill").exists();
        is_group.then(|| Self(path.to_owned()))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Who is in it and in those below it.
    pub(super) fn members(&self) -> Vec<Pid> {
        let mut members = Vec::new();
        let mut next = vec![self.0.clone()];
        while let Some(folder) = next.pop() {
            let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            members.extend(text.lines().filter_map(as_pid));
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let folders = entries.filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
            next.extend(folders.map(|entry| entry.path()));
        }
        members
    }

    /// SIGKILL to everybody in it at once.
    pub(super) fn kill(&self) {
        // A group that is gone has nobody in it.
        let _ = write(&self.0.join("cgroup.kill"), "1");
    }

    /// Removes it where it is one of ours and empty; logind looks after its own.
    pub(super) fn remove(&self) {
        if self
            .0
            .parent()
            .is_some_and(|folder| folder.ends_with(FOLDER))
        {
            let _ = fs::remove_dir(&self.0);
        }
    }
}

/// One write, as the kernel wants it here.
fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}

/// Where version 2 is mounted: `ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS... - TYPE ...`
/// (proc_pid_mountinfo(5)). A mount of only a part of it is of no use.
fn mount(mountinfo: &str) -> Option<PathBuf> {
    mountinfo.lines().find_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let is_whole = fields.next()? == "/" && kind.starts_with("cgroup2 ");
        is_whole.then(|| fields.next().map(PathBuf::from))?
    })
}

/// The line of version 2 in `/proc/PID/cgroup`: `0::/system.slice/ssh.service`.
fn path_in(cgroup: &str) -> Option<PathBuf> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(PathBuf::from(path))
}

/// A path of the kernel's below the mount; `None` where it leads out of our namespace (`/..`).
fn below(mount: &Path, path: &Path) -> Option<PathBuf> {
    let path = path.strip_prefix("/").ok()?;
    let is_below = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    is_below.then(|| mount.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_is_found_beside_version_1() {
        let hybrid = "29 23 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
                      30 29 0:26 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n\
                      31 29 0:27 / /sys/fs/cgroup/unified rw,relatime shared:10 - cgroup2 cgroup2 rw\n";
        assert_eq!(mount(hybrid), Some("/sys/fs/cgroup/unified".into()));
        let part = "31 29 0:27 /docker/1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        assert_eq!(mount(part), None);
        assert_eq!(mount(""), None);
    }

    #[test]
    fn only_a_path_inside_our_namespace_is_one() {
        let at = |text: &str| below(Path::new("/sys/fs/cgroup"), &path_in(text)?);
        let ssh = at("9:name=systemd:/x\n0::/system.slice/ssh.service\n");
        assert_eq!(ssh, Some("/sys/fs/cgroup/system.slice/ssh.service".into()));
        assert_eq!(at("0::/\n"), Some("/sys/fs/cgroup/".into()));
        assert_eq!(at("0::/../other\n"), None);
        assert_eq!(at("8:pids:/\n"), None);
        assert_eq!(Cgroup::at(Path::new("/sys/fs/cgroup/../../etc")), None);
        assert_eq!(Cgroup::at(Path::new("/etc")), None);
    }
}
