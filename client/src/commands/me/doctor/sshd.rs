//! What sshd and PAM have to know on a host whose logins are guarded: `deploy/ssh/` says the same.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use tokio::net::UnixStream;

use super::Check;
use crate::{
    files,
    guard::ssh::{MAX_KRL_BYTES, krl},
    text::plain,
};

/// Where PAM's rules for sshd are; sshd asks for the service it is itself called.
const PAM: &str = "/etc/pam.d/sshd";

/// Looked for where `PATH` has none: a login that is not root's has no `/usr/sbin` in it.
const SSHD: &str = "/usr/sbin/sshd";

/// The words that stand before a setting's value in `sshd -T`: lower case, one line each.
type Effective = BTreeMap<String, String>;

/// Everything; `krl` is the list and `user_ca` the authority's line that the broker has now, where it
/// could be asked.
pub(super) async fn check(krl: Option<&[u8]>, user_ca: Option<&str>, checks: &mut Vec<Check>) {
    match effective() {
        Ok(settings) => checks.extend(settings_checks(&settings, krl, user_ca)),
        Err(check) => checks.push(check),
    }
    let rules = fs::read_to_string(PAM).unwrap_or_default();
    checks.push(pam(&rules));
    checks.push(guard_listens(crate::guard::ssh::SOCKET).await);
}

/// sshd's settings as they are in force, outside of `Match`.
fn effective() -> Result<Effective, Check> {
    let asked = Command::new("sshd").arg("-T").output();
    let asked = asked.or_else(|_| Command::new(SSHD).arg("-T").output());
    let output = asked.map_err(|why| {
        Check::bad(
            format!("sshd cannot be asked for its settings: {why}"),
            "apt install openssh-server",
        )
    })?;
    if output.status.success() {
        return Ok(parsed(&String::from_utf8_lossy(&output.stdout)));
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(Check::bad(
        format!(
            "`sshd -T` does not tell its settings: {}",
            why.lines().next().unwrap_or_default()
        ),
        "run glass doctor as root; or see what is wrong with them: sshd -t",
    ))
}

fn parsed(text: &str) -> Effective {
    let settings = text.lines().filter_map(|line| line.split_once(' '));
    settings
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

fn settings_checks(settings: &Effective, krl: Option<&[u8]>, user_ca: Option<&str>) -> Vec<Check> {
    let value = |name: &str| settings.get(name).map(String::as_str);
    let is_on = |name: &str, shown: &str, why: &str| match value(name) {
        Some("yes") => Check::good(format!("sshd: {shown} yes")),
        _ => Check::bad(
            format!("sshd: {shown} is not on: {why}"),
            format!("{shown} yes, before any Match; see deploy/ssh/50-breakglass.conf"),
        ),
    };
    vec![
        authorities(value("trustedusercakeys"), user_ca),
        revoked(value("revokedkeys"), krl),
        is_on("usepam", "UsePAM", "the guard learns of a session from PAM"),
        is_on(
            "exposeauthinfo",
            "ExposeAuthInfo",
            "programs in the session are not told how it was opened",
        ),
    ]
}

fn set(value: Option<&str>) -> Option<&Path> {
    value.filter(|value| *value != "none").map(Path::new)
}

/// The broker's authority is among those whose certificates sshd takes.
fn authorities(value: Option<&str>, brokers: Option<&str>) -> Check {
    let Some(path) = set(value) else {
        let what = "sshd: TrustedUserCAKeys is not set: no certificate is taken";
        return Check::bad(what, format!("name a file there; {AS_PRINTED}"));
    };
    let shown = path.display();
    let text = fs::read_to_string(path).unwrap_or_default();
    let there: Vec<_> = text.lines().filter_map(public_key).collect();
    let brokers = brokers.and_then(|line| Some((line, public_key(line)?)));
    match (there.len(), brokers) {
        (0, _) => Check::bad(
            format!("sshd: no authority in TrustedUserCAKeys {shown}"),
            AS_PRINTED,
        ),
        (count, None) => Check::good(format!(
            "sshd: TrustedUserCAKeys {shown}, authorities: {count}"
        )),
        (_, Some((_, key))) if there.contains(&key) => Check::good(format!(
            "sshd: TrustedUserCAKeys {shown} names the broker's authority"
        )),
        (_, Some((line, _))) => Check::bad(
            format!(
                "sshd: TrustedUserCAKeys {shown} names another authority than the broker's: whoever \
                 comes with a certificate is refused"
            ),
            format!(
                "put this line into {shown}, in place of a broker's that is no more: {}",
                plain(line)
            ),
        ),
    }
}

/// Where the authority's line comes from.
const AS_PRINTED: &str =
    "on the broker `glassd ssh-ca`; its first line goes into the file of TrustedUserCAKeys";

/// Algorithm and key of a line in a file of keys, without the comment behind; `None` for what is none.
fn public_key(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (algorithm, key) = words.next().zip(words.next())?;
    let is_one = algorithm.starts_with("ssh-") || algorithm.starts_with("ecdsa-");
    is_one.then_some((algorithm, key))
}

/// The list in place names what the broker has revoked by now.
fn revoked(value: Option<&str>, newest: Option<&[u8]>) -> Check {
    let Some(path) = set(value) else {
        return Check::bad(
            "sshd: RevokedKeys is not set: a certificate is taken until its end, whatever became of \
             its grant",
            "RevokedKeys /etc/ssh/breakglass/revoked, the file of `glass guard ssh --krl`",
        );
    };
    let shown = path.display();
    let there = match files::read_up_to(path, MAX_KRL_BYTES as u64) {
        Ok(Some(there)) => there,
        Ok(None) => {
            return Check::bad(
                format!(
                    "sshd: RevokedKeys {shown} is not there: sshd refuses EVERY key, daily ones too"
                ),
                format!("install -m 0644 /dev/null '{shown}'"),
            );
        }
        Err(error) => return error.into(),
    };
    let restart = format!("systemctl restart glass-guard, with `--krl {shown}`");
    match newest {
        None => Check::good(format!("sshd: RevokedKeys {shown} is there")),
        Some(newest) if krl::revoke_the_same(newest, &there) => Check::good(format!(
            "sshd: RevokedKeys {shown} names what the broker has revoked"
        )),
        Some(_) if there.is_empty() => Check::bad(
            format!("sshd: RevokedKeys {shown} is empty, and revokes nothing"),
            restart,
        ),
        Some(_) => Check::bad(
            format!("sshd: RevokedKeys {shown} does not name what the broker has revoked"),
            restart,
        ),
    }
}

/// The hook is there, and before whatever people can put into PAM's environment.
fn pam(rules: &str) -> Check {
    let fix = format!("the line of deploy/ssh/pam-sshd, above all other `session` lines of {PAM}");
    let lines = rules.lines().map(str::trim);
    let mut before = lines.take_while(|line| !is_hook(line));
    let first = before
        .find(|line| line.starts_with("session") || line.starts_with("@include common-session"));
    let Some(hook) = rules.lines().map(str::trim).find(|line| is_hook(line)) else {
        let what = format!("PAM: {PAM} does not tell the guard of logins, so no session is ended");
        return Check::bad(what, fix);
    };
    let mut words = hook.split_whitespace();
    let control = words.nth(1).unwrap_or_default();
    if !matches!(control, "required" | "requisite") {
        let what =
            format!("PAM: the guard's hook is `{control}` in {PAM}: whom it refuses comes in");
        return Check::bad(what, fix);
    }
    match first {
        None => Check::good(format!("PAM: {PAM} tells the guard of logins")),
        Some(line) => Check::bad(
            format!("PAM: the guard's hook stands below `{line}` in {PAM}"),
            fix,
        ),
    }
}

fn is_hook(line: &str) -> bool {
    line.starts_with("session") && line.contains("pam_exec.so") && line.contains("guard login")
}

/// Whoever knocks without a word is let go after a moment. A guard that hangs has a queue at its door
/// that nobody waits in here.
async fn guard_listens(socket: &str) -> Check {
    match UnixStream::connect(socket).await {
        Ok(_) => Check::good(format!("the guard listens on {socket}")),
        Err(why) => Check::bad(
            format!("no guard listens on {socket} ({why}): nobody comes in with a certificate"),
            "systemctl enable --now glass-guard, then journalctl -u glass-guard",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "session  requisite  pam_exec.so quiet stdout /usr/local/bin/glass guard login";

    #[test]
    fn settings_are_read_as_sshd_tells_them() {
        let settings = parsed("port 22\nusepam yes\nRevokedKeys none\nciphers a,b\n\n");
        assert_eq!(settings["usepam"], "yes");
        assert_eq!(settings["revokedkeys"], "none");
    }

    #[tokio::test]
    async fn a_guard_that_takes_nobody_in_does_not_listen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("guard.sock");
        let socket = path.to_str().unwrap();
        assert!(!guard_listens(socket).await.ok);
        let listener = tokio::net::UnixSocket::new_stream().unwrap();
        listener.bind(&path).unwrap();
        let _hung = listener.listen(1).unwrap();
        assert!(guard_listens(socket).await.ok);
        let mut queue = Vec::new();
        while let Ok(waiting) = UnixStream::connect(&path).await {
            queue.push(waiting);
        }
        assert!(!guard_listens(socket).await.ok, "{} wait", queue.len());
    }

    #[test]
    fn what_is_not_set_is_said_with_its_fix() {
        let checks = settings_checks(&parsed("usepam no\nexposeauthinfo no\n"), None, None);
        for (check, what) in checks.iter().zip([
            "TrustedUserCAKeys is not set",
            "RevokedKeys is not set",
            "UsePAM is not on",
            "ExposeAuthInfo is not on",
        ]) {
            assert!(!check.ok && check.what.contains(what), "{}", check.what);
            assert!(check.fix.is_some());
        }
    }

    #[test]
    fn a_list_is_fresh_where_it_is_the_brokers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revoked");
        let value = path.to_str();
        let said = |newest: Option<&[u8]>| {
            let check = revoked(value, newest);
            (check.ok, check.what)
        };
        assert!(said(None).1.contains("refuses EVERY key"));
        fs::write(&path, "").unwrap();
        assert!(said(None).0);
        let list = |number: u64, revoked: &str| {
            let head = [&b"SSHKRL\n\0\0\0\0\x01"[..], &number.to_be_bytes(), &[0; 8]];
            [head.concat(), revoked.as_bytes().to_vec()].concat()
        };
        let newest = list(7, "G-45 and G-46");
        assert!(said(Some(&newest)).1.contains("is empty"));
        for stale in [list(6, "G-45"), b"nonsense".to_vec()] {
            fs::write(&path, stale).unwrap();
            let (ok, what) = said(Some(&newest));
            assert!(!ok && what.contains("does not name"), "{what}");
        }
        fs::write(&path, list(5, "G-45 and G-46")).unwrap();
        assert!(said(Some(&newest)).0);
    }

    #[test]
    fn an_authority_is_a_line_in_its_file_and_has_to_be_the_brokers() {
        const OURS: &str = "ssh-ed25519 AAAA breakglass-user-ca";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user_ca.pub");
        let said = |brokers: Option<&str>| authorities(path.to_str(), brokers);
        assert!(!said(None).ok, "there is no file");
        for (text, ok, ok_without_the_broker) in [
            ("# none\n", false, false),
            ("ssh-ed25519\n", false, false),
            ("ssh-ed25519 AAAA a comment of their own\n", true, true),
            ("ssh-ed25519 BBBB another\nssh-ed25519 AAAA\n", true, true),
            (
                "ssh-ed25519 BBBB a broker that was set up anew\n",
                false,
                true,
            ),
            (
                "# ssh-ed25519 AAAA\necdsa-sha2-nistp256 AAAA\n",
                false,
                true,
            ),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(said(Some(OURS)).ok, ok, "{text}");
            assert_eq!(said(None).ok, ok_without_the_broker, "{text}");
        }
        let check = said(Some(OURS));
        assert!(check.what.contains("another authority than the broker's"));
        let fix = check.fix.unwrap();
        assert!(fix.ends_with(OURS) && fix.contains("user_ca.pub"), "{fix}");
        let hostile = said(Some("ssh-ed25519 CCCC \u{1b}[2J")).fix.unwrap();
        assert!(!hostile.contains('\u{1b}'), "{hostile}");
    }

    #[test]
    fn the_hook_stands_above_whatever_people_can_set() {
        assert!(pam(GOOD).ok);
        assert!(
            pam(&format!(
                "# PAM\nauth required pam_unix.so\n{GOOD}\nsession x"
            ))
            .ok
        );
        for (rules, what) in [
            (String::new(), "does not tell the guard"),
            (format!("# {GOOD}"), "does not tell the guard"),
            (
                format!("session required pam_env.so user_readenv=1\n{GOOD}"),
                "stands below",
            ),
            (format!("@include common-session\n{GOOD}"), "stands below"),
            (
                GOOD.replace("requisite", "optional"),
                "whom it refuses comes in",
            ),
        ] {
            let check = pam(&rules);
            assert!(!check.ok && check.what.contains(what), "{}", check.what);
        }
    }
}
