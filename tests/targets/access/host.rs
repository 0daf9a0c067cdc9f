//! SSH: `glass ssh`, `glass exec -- ssh`, `glass agent` and `glass credential ssh` against a real sshd.

use std::fs;
use std::path::PathBuf;

use breakglass_tests::Playground;
use breakglass_tests::playground::{Output, Process, Rules, binary};
use breakglass_tests::sshd::{Sshd, user};
use rustix::process::Signal;

use super::policy;

fn ways(port: u16) -> String {
    let login = user();
    policy(
        "\"shell-web\"",
        &format!(
            "[targets.web-1]\nkind = \"ssh\"\naddress = \"127.0.0.1:{port}\"\n\
             [rights.shell-web]\nsentence = \"open a shell on the web servers\"\nrisk = \"low\"\n\
             longest = \"30m\"\n[rights.shell-web.ssh]\ntargets = [\"web-1\"]\n\
             principals = [\"{login}\"]\n"
        ),
    )
}

/// A broker, and a host that trusts its authority and shows a certificate of it.
struct Fleet {
    playground: Playground,
    sshd: Sshd,
}

impl Fleet {
    fn uncertified() -> Self {
        let playground = Playground::with(Rules {
            policy: Some(ways(1)),
            ..Rules::default()
        });
        let users = playground.glassd(&["ssh-ca", "--users"]);
        assert_eq!(users.code, 0, "{users}");
        let sshd = Sshd::starts("ed25519", users.out.trim(), &[&user()]);
        fs::write(playground.policy(), ways(sshd.port())).unwrap();
        let reloaded = playground.glassd(&["reload"]);
        assert_eq!(reloaded.code, 0, "{reloaded}");
        let fleet = Self { playground, sshd };
        fleet.playground.opens("the disk is full");
        fleet
    }

    fn begins() -> Self {
        let fleet = Self::uncertified();
        let certificate = fleet.certifies();
        fleet.sshd.shows(&certificate);
        fleet
    }

    /// Has the host's key certified, and leaves the certificate for whoever installs it.
    fn certifies(&self) -> String {
        let key = self.playground.path("host.pub");
        fs::write(&key, self.sshd.host_key()).unwrap();
        let words = ["host-certificate", "web-1", key.to_str().unwrap()];
        let said = self.playground.glassd(&words);
        assert_eq!(said.code, 0, "{said}");
        said.out.trim().to_owned()
    }

    /// Logs in with a known hosts file of one's own, where nobody can answer a question.
    fn logs_in(&self, known_hosts: &str) -> Output {
        let file = self.playground.path("known_hosts");
        fs::write(&file, known_hosts).unwrap();
        let own = format!("--ssh-option=-oUserKnownHostsFile=\"{}\"", file.display());
        let batch = "--ssh-option=-oBatchMode=yes";
        let words = ["ssh", &own, batch, "-m", "look", "web-1", "echo", "hello"];
        self.mia(&words).finishes()
    }

    /// The host's plain key, as a known hosts file has it.
    fn known(&self, name: &str) -> String {
        format!("{name} {}", self.sshd.host_key())
    }

    fn mia(&self, words: &[&str]) -> Process {
        self.playground.spawns("mia", words)
    }

    /// What was made for a grant is gone: the folder of its agent.
    fn nothing_is_left(&self, socket: &str) {
        let folder = PathBuf::from(socket);
        assert!(!folder.parent().unwrap().exists(), "{socket}");
    }
}

#[test]
fn glass_ssh_finds_the_right_asks_nothing_and_gives_back() {
    let fleet = Fleet::begins();
    let words = ["ssh", "web-1", "-m", "look", "echo", "hello", "-n"];
    let said = fleet.mia(&words).finishes();
    assert_eq!((said.code, said.out.as_str()), (0, "hello -n\n"), "{said}");
    let accepted = fleet.sshd.says("Accepted publickey for ");
    assert!(
        accepted.contains("person=mia grant=G-1 incident=INC-1 credential=G-1.1"),
        "{accepted}"
    );
    let used = fleet.playground.entries_of("grant.used");
    assert_eq!(used[0]["program"], "ssh");
    let ended = fleet.playground.entries_of("grant.ended");
    assert_eq!(ended[0]["ending"], "dropped");

    // Its exit code is ssh's, and by address it is the same host.
    let address = format!("127.0.0.1:{}", fleet.sshd.port());
    let said = fleet
        .mia(&["ssh", &address, "-m", "look", "exit 7"])
        .finishes();
    assert_eq!(said.code, 7, "{said}");
    let said = fleet.mia(&["ssh", "web-2", "-m", "look"]).finishes();
    assert_eq!(said.code, 2, "{said}");
    assert!(said.err.contains("you may ask for web-1"), "{said}");
}

#[test]
fn a_host_without_a_certificate_is_known_as_any_other() {
    let fleet = Fleet::uncertified();
    let stranger = fleet.logs_in("");
    assert_eq!(stranger.code, 255, "{stranger}");
    for part in [
        "Host key verification failed",
        "web-1 has no host certificate",
        "glassd host-certificate web-1 KEY.pub",
    ] {
        assert!(stranger.err.contains(part), "no `{part}`: {stranger}");
    }
    let name = format!("[127.0.0.1]:{}", fleet.sshd.port());
    let known = fleet.logs_in(&fleet.known(&name));
    assert_eq!((known.code, known.out.as_str()), (0, "hello\n"), "{known}");

    let said = fleet
        .playground
        .done("mia", &["-o", "json", "can", "shell-web"]);
    let ssh = &said.json()["rights"][0]["access"]["ssh"];
    assert!(
        ssh["host_ca"].is_null(),
        "nobody can show its certificate: {ssh}"
    );
    assert!(ssh["hosts"][0]["certified_until"].is_null(), "{ssh}");
}

#[test]
fn a_certified_host_is_held_to_its_certificate_or_to_a_key_that_is_known() {
    let fleet = Fleet::uncertified();
    let certificate = fleet.certifies();
    // It was never installed: no question, and nobody new is believed.
    let stranger = fleet.logs_in("");
    assert_eq!(stranger.code, 255, "{stranger}");
    assert!(
        stranger.err.contains("Host key verification failed"),
        "{stranger}"
    );
    assert!(
        !stranger.err.contains("has no host certificate"),
        "{stranger}"
    );
    let known = fleet.logs_in(&fleet.known("127.0.0.1"));
    assert_eq!((known.code, known.out.as_str()), (0, "hello\n"), "{known}");

    fleet.sshd.shows(&certificate);
    let certified = fleet.logs_in("");
    assert_eq!(
        (certified.code, certified.out.as_str()),
        (0, "hello\n"),
        "{certified}"
    );
    // Where it is, it wins over a key from before the host was set up anew.
    let other = fleet
        .known("127.0.0.1")
        .replace("AAAAC3NzaC1lZDI1NTE5AAAAI", "AAAAC3NzaC1lZDI1NTE5AAAAJ");
    let again = fleet.logs_in(&other);
    assert_eq!((again.code, again.out.as_str()), (0, "hello\n"), "{again}");
}

#[test]
fn a_certificate_for_another_address_does_not_count() {
    let fleet = Fleet::begins();
    let moved = ways(fleet.sshd.port()).replace("127.0.0.1", "localhost");
    fs::write(fleet.playground.policy(), moved).unwrap();
    let reloaded = fleet.playground.glassd(&["reload"]);
    assert_eq!(reloaded.code, 0, "{reloaded}");
    let said = fleet.logs_in("");
    assert!(said.err.contains("web-1 has no host certificate"), "{said}");
}

#[test]
fn a_login_ends_with_the_incident_and_says_why() {
    let fleet = Fleet::begins();
    let mut mia = fleet.mia(&["ssh", "web-1", "-m", "look", "echo up; exec sleep 1000"]);
    mia.says("up");
    fleet
        .playground
        .done("leon", &["incident", "close", "-m", "the disk is fine"]);
    let said = mia.finishes();
    assert_eq!(said.code, 83, "{said}");
    assert!(
        said.err
            .contains("leon closed INC-1, which ended G-1: the disk is fine"),
        "{said}"
    );
    assert!(said.err.contains("ending `ssh`"), "{said}");
}

#[test]
fn other_tools_run_under_the_right() {
    let fleet = Fleet::begins();
    let script = fleet.playground.script(
        "copies",
        "set -e\necho \"socket $SSH_AUTH_SOCK\"\necho hello > here\n\
         scp -q -P $1 -o UserKnownHostsFile=\"\\\"$GLASS_KNOWN_HOSTS\\\"\" \
         -o HostKeyAlias=127.0.0.1 -o StrictHostKeyChecking=yes \
         here \"$2@127.0.0.1:$3\"",
    );
    let there = fleet.playground.path("there");
    let (port, login) = (fleet.sshd.port().to_string(), user());
    let words = ["exec", "shell-web", "-m", "copy", "--"];
    let command = [
        script.to_str().unwrap(),
        &port,
        &login,
        there.to_str().unwrap(),
    ];
    let said = fleet.mia(&[&words[..], &command].concat()).finishes();
    assert_eq!(said.code, 0, "{said}\n{}", fleet.sshd.said());
    assert_eq!(fs::read_to_string(&there).unwrap(), "hello\n");
    let socket = said
        .out
        .lines()
        .find_map(|line| line.strip_prefix("socket "));
    fleet.nothing_is_left(socket.unwrap());
}

#[test]
fn an_agent_serves_plain_ssh_until_it_is_told_to_end() {
    let fleet = Fleet::begins();
    let link = fleet.playground.path("glass.sock");
    let link_word = link.to_str().unwrap();
    let mut agent = fleet.mia(&[
        "agent",
        "--right",
        "shell-web",
        "-m",
        "look",
        "--link",
        link_word,
    ]);
    let line = agent.says("export SSH_AUTH_SOCK=");
    let socket = line.trim_end().split_once('=').unwrap().1.to_owned();
    let plain = |socket: &str| {
        let mut ssh = fleet.playground.command("ssh".into());
        ssh.env("SSH_AUTH_SOCK", socket)
            .args(["-F", "none", "-o", "BatchMode=yes"]);
        ssh.args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
        ]);
        ssh.args(["-p", &fleet.sshd.port().to_string()]);
        ssh.arg(format!("{}@127.0.0.1", user()))
            .args(["echo", "hello"]);
        Process::spawn(ssh).finishes()
    };
    let said = plain(&socket);
    assert_eq!(said.out, "hello\n", "{said}\n{}", fleet.sshd.said());
    let said = plain(link_word);
    assert_eq!(said.out, "hello\n", "{said}\n{}", fleet.sshd.said());
    agent.signal(Signal::INT);
    let said = agent.finishes();
    assert_eq!(said.code, 0, "{said}");
    assert!(said.err.contains("gave G-1 back"), "{said}");
    assert_ne!(plain(&socket).code, 0);
    assert!(fs::symlink_metadata(&link).is_err());
    fleet.nothing_is_left(&socket);
}

#[test]
fn an_agent_that_is_killed_leaves_nothing() {
    let fleet = Fleet::begins();
    let mut agent = fleet.mia(&["agent", "--right", "shell-web", "-m", "look"]);
    let line = agent.says("export SSH_AUTH_SOCK=");
    let socket = line.trim_end().split_once('=').unwrap().1.to_owned();
    agent.signal(Signal::KILL);
    // Its keeper writes to the same place, and ends when the folder is wiped.
    let said = agent.finishes();
    assert_eq!(said.code, 137, "{said}");
    assert!(said.err.contains("the credential is wiped"), "{said}");
    fleet.nothing_is_left(&socket);
}

#[test]
fn a_configuration_can_have_its_key_certified_before_each_login() {
    let fleet = Fleet::begins();
    let key = fleet.playground.path("glass");
    let mut keygen = fleet.playground.command("ssh-keygen".into());
    keygen
        .args(["-q", "-t", "ecdsa", "-b", "256", "-N", "", "-f"])
        .arg(&key);
    assert_eq!(Process::spawn(keygen).finishes().code, 0);
    let public = key.with_extension("pub");
    let words = ["credential", "ssh", "shell-web", "--write", "--key"];
    let words = [&words[..], &[public.to_str().unwrap()]].concat();
    let said = fleet.mia(&words).finishes();
    assert_eq!(said.code, 83, "nobody is woken by a program: {said}");

    fleet
        .playground
        .done("mia", &["request", "shell-web", "-m", "look"]);
    let said = fleet.mia(&words).finishes();
    assert_eq!((said.code, said.out.as_str()), (0, ""), "{said}");
    let mut ssh = fleet.playground.command("ssh".into());
    ssh.args(["-F", "none", "-o", "BatchMode=yes", "-i"])
        .arg(&key);
    ssh.args([
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
    ]);
    ssh.args(["-p", &fleet.sshd.port().to_string()]);
    ssh.arg(format!("{}@127.0.0.1", user()))
        .args(["echo", "hello"]);
    let said = Process::spawn(ssh).finishes();
    assert_eq!(said.out, "hello\n", "{said}\n{}", fleet.sshd.said());
}

#[test]
fn glass_can_says_where_a_right_leads() {
    let fleet = Fleet::begins();
    let said = fleet.playground.done("mia", &["can", "shell-web"]);
    let way = format!("ssh {}@web-1", user());
    assert!(said.out.contains(&way), "{said}");
    let view = fleet
        .playground
        .done("mia", &["-o", "json", "can", "shell-web"])
        .json();
    let right = &view["rights"][0];
    assert_eq!(right["leads_to"][0], way);
    assert_eq!(right["access"]["ssh"]["hosts"][0]["target"], "web-1");
    let ca = right["access"]["ssh"]["host_ca"].as_str().unwrap();
    assert!(ca.starts_with("ssh-ed25519 "), "{ca}");
    let until = &right["access"]["ssh"]["hosts"][0]["certified_until"];
    assert!(until.is_string(), "{until}");
}

#[test]
fn a_guard_that_enrols_is_called_as_its_target() {
    let fleet = Fleet::begins();
    let words = ["-o", "json", "targets", "invite", "web-1"];
    let invited = fleet.playground.done("founder", &words).json();
    let line = invited["enrolment"].as_str().unwrap();
    let glass = |words: &[&str]| {
        let mut command = fleet.playground.command(binary("glass"));
        command.args(words);
        Process::spawn(command).finishes()
    };
    let said = glass(&["enroll", line]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.out.contains("This is the guard of web-1"), "{said}");
    let said = glass(&["--context", "web-1", "-o", "json", "whoami"]);
    assert_eq!(said.json()["person"], "target:web-1", "{said}");
}
