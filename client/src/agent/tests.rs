//! The agent, as OpenSSH's own programs and a hostile neighbour see it.

use std::path::{Path, PathBuf};
use std::process::Output;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    process::Command,
};

use super::keys::Keys;
use super::protocol::{
    FAILURE, IDENTITIES_ANSWER, REQUEST_IDENTITIES, SIGN_REQUEST, SIGN_RESPONSE,
};
use super::socket::{MAX_CONNECTIONS, MAX_MESSAGE};
use super::wire::Wire;
use super::{Agent, LoginKey, protocol};

/// A folder with a certificate authority made by ssh-keygen.
struct Desk(tempfile::TempDir);

impl Desk {
    async fn opens() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.runs("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", "ca"])
            .await;
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A certificate on this key, by ssh-keygen itself.
    async fn certifies(&self, key: &LoginKey, serial: &str) -> String {
        let line = format!("ecdsa-sha2-nistp256 {} mia\n", STANDARD.encode(bare(key)));
        std::fs::write(self.path("key.pub"), line).unwrap();
        let order = [
            "-q", "-s", "ca", "-I", "G-45", "-n", "deploy", "-z", serial, "key.pub",
        ];
        self.runs("ssh-keygen", &order).await;
        std::fs::read_to_string(self.path("key-cert.pub")).unwrap()
    }

    async fn agent(&self) -> Agent {
        let key = LoginKey::generate().unwrap();
        let certificate = self.certifies(&key, "1").await;
        Agent::start(self.path("agent.sock"), key, &certificate).unwrap()
    }

    async fn runs(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.tries(program, arguments).await;
        assert!(
            output.status.success(),
            "{program} {arguments:?}: {output:?}"
        );
        String::from_utf8(output.stdout).unwrap()
    }

    async fn tries(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.0.path());
        command.env("SSH_AUTH_SOCK", self.path("agent.sock"));
        command.kill_on_drop(true);
        command
            .output()
            .await
            .expect("Debian's openssh-client is installed")
    }
}

fn bare(key: &LoginKey) -> Vec<u8> {
    let wire = Wire::default()
        .string("ecdsa-sha2-nistp256")
        .string("nistp256");
    wire.string(key.public_key()).done()
}

fn blob(line: &str) -> Vec<u8> {
    STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap()
}

fn sign_request(key: &[u8], data: &[u8]) -> Vec<u8> {
    let wire = Wire::default().byte(SIGN_REQUEST).string(key).string(data);
    wire.u32(0).done()
}

async fn connect(path: &Path) -> UnixStream {
    UnixStream::connect(path).await.unwrap()
}

async fn send(stream: &mut UnixStream, message: &[u8]) {
    let length = u32::try_from(message.len()).unwrap();
    stream.write_u32(length).await.unwrap();
    stream.write_all(message).await.unwrap();
}

async fn hear(stream: &mut UnixStream) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut answer = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn ssh_add_sees_one_certificate_and_can_use_it() {
    let desk = Desk::opens().await;
    let _agent = desk.agent().await;
    let listed = desk.runs("ssh-add", &["-l"]).await;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(listed.ends_with(" glass (ECDSA-CERT)\n"), "{listed}");
    let shown = desk.runs("ssh-add", &["-L"]).await;
    let certificate = std::fs::read_to_string(desk.path("key-cert.pub")).unwrap();
    assert_eq!(blob(&shown), blob(&certificate));
    // Signs with the agent and checks with the public key, in OpenSSH's own code.
    desk.runs("ssh-add", &["-T", "key.pub"]).await;
    desk.runs("ssh-add", &["-T", "key-cert.pub"]).await;
}

#[tokio::test]
async fn every_signature_is_one_to_openssh() {
    let desk = Desk::opens().await;
    let _agent = desk.agent().await;
    // R and S are shorter than 32 bytes, or look negative, in half of all signatures.
    for turn in 0..16 {
        std::fs::write(desk.path("text"), format!("text {turn}")).unwrap();
        let sign = ["-Y", "sign", "-q", "-n", "test", "-f", "key.pub", "text"];
        desk.runs("ssh-keygen", &sign).await;
        let check = "ssh-keygen -Y check-novalidate -n test -s text.sig < text";
        desk.runs("sh", &["-c", check]).await;
        std::fs::remove_file(desk.path("text.sig")).unwrap();
    }
}

#[tokio::test]
async fn nothing_can_be_added_removed_or_locked() {
    let desk = Desk::opens().await;
    let _agent = desk.agent().await;
    desk.runs(
        "ssh-keygen",
        &["-q", "-t", "ed25519", "-N", "", "-f", "other"],
    )
    .await;
    for arguments in [
        &["other"][..],
        &["-d", "key.pub"],
        &["-D"],
        &["-s", "/nowhere.so"],
    ] {
        let output = desk.tries("ssh-add", arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
    }
    let listed = desk.runs("ssh-add", &["-l"]).await;
    assert_eq!(listed.lines().count(), 1, "{listed}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_and_the_one_before_still_signs() {
    let desk = Desk::opens().await;
    let key = LoginKey::generate().unwrap();
    let first = desk.certifies(&key, "1").await;
    let second = desk.certifies(&key, "2").await;
    let foreign = desk.certifies(&LoginKey::generate().unwrap(), "3").await;
    let agent = Agent::start(desk.path("agent.sock"), key, &first).unwrap();
    let mut stream = connect(agent.path()).await;
    agent.renew(&second).unwrap();
    for wrong in [
        &*foreign,
        "",
        "ssh-ed25519 AAAA",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com A",
    ] {
        let error = agent.renew(wrong).unwrap_err().to_string();
        assert!(error.contains("no SSH certificate for this key"), "{error}");
    }
    send(&mut stream, &[REQUEST_IDENTITIES]).await;
    let expected = Wire::default().byte(IDENTITIES_ANSWER).u32(1);
    let expected = expected.string(blob(&second)).string("glass").done();
    assert_eq!(hear(&mut stream).await.unwrap(), expected);
    for (certificate, answer) in [
        (&first, SIGN_RESPONSE),
        (&second, SIGN_RESPONSE),
        (&foreign, FAILURE),
    ] {
        send(&mut stream, &sign_request(&blob(certificate), b"data")).await;
        assert_eq!(hear(&mut stream).await.unwrap()[0], answer);
    }
}

#[tokio::test]
async fn what_is_not_understood_is_a_failure() {
    let desk = Desk::opens().await;
    let key = LoginKey::generate().unwrap();
    let certificate = blob(&desk.certifies(&key, "1").await);
    let line = std::fs::read_to_string(desk.path("key-cert.pub")).unwrap();
    let named = bare(&key);
    let keys = Keys::new(key, &line).unwrap();
    let good = sign_request(&certificate, b"data");
    assert_eq!(protocol::answer(&good, &keys)[0], SIGN_RESPONSE);
    assert_eq!(
        protocol::answer(&sign_request(&named, b""), &keys)[0],
        SIGN_RESPONSE
    );
    for cut in 0..good.len() {
        assert_eq!(protocol::answer(&good[..cut], &keys), [FAILURE], "{cut}");
    }
    let longer = [good.as_slice(), &[0]].concat();
    let session_bind = Wire::default()
        .byte(27)
        .string("session-bind@openssh.com")
        .done();
    let foreign = bare(&LoginKey::generate().unwrap());
    for wrong in [
        &longer,
        &session_bind,
        &sign_request(&foreign, b"data"),
        &sign_request(b"", b""),
    ] {
        assert_eq!(protocol::answer(wrong, &keys), [FAILURE]);
    }
    for kind in (0..=u8::MAX).filter(|kind| *kind != REQUEST_IDENTITIES) {
        assert_eq!(protocol::answer(&[kind], &keys), [FAILURE], "{kind}");
    }
    assert_eq!(protocol::answer(&[REQUEST_IDENTITIES, 0], &keys), [FAILURE]);
}

#[tokio::test]
async fn a_message_that_is_too_long_or_empty_ends_the_connection() {
    let desk = Desk::opens().await;
    let agent = desk.agent().await;
    let longest = vec![200; MAX_MESSAGE];
    let mut stream = connect(agent.path()).await;
    send(&mut stream, &longest).await;
    assert_eq!(hear(&mut stream).await.unwrap(), [FAILURE]);
    for length in [0, u32::try_from(MAX_MESSAGE).unwrap() + 1, u32::MAX] {
        let mut stream = connect(agent.path()).await;
        stream.write_u32(length).await.unwrap();
        assert!(hear(&mut stream).await.is_err(), "{length}");
    }
}

#[tokio::test]
async fn another_users_process_is_not_heard() {
    let desk = Desk::opens().await;
    let key = LoginKey::generate().unwrap();
    let certificate = desk.certifies(&key, "1").await;
    // To an agent of somebody else, this process is a stranger.
    let owner = rustix::process::geteuid().as_raw() + 1;
    let agent = Agent::start_for(owner, desk.path("agent.sock"), key, &certificate).unwrap();
    let mut stream = connect(agent.path()).await;
    // It may be closed before we have written.
    let _ = stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES]).await;
    assert!(hear(&mut stream).await.is_err());
    let mode = std::fs::metadata(agent.path()).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );
}

#[tokio::test]
async fn those_who_come_when_all_places_are_taken_wait() {
    let desk = Desk::opens().await;
    let agent = desk.agent().await;
    let mut taken = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        let mut stream = connect(agent.path()).await;
        send(&mut stream, &[REQUEST_IDENTITIES]).await;
        assert_eq!(hear(&mut stream).await.unwrap()[0], IDENTITIES_ANSWER);
        taken.push(stream);
    }
    let mut late = connect(agent.path()).await;
    send(&mut late, &[REQUEST_IDENTITIES]).await;
    // Others are still served, so the one who waits had its chance.
    send(&mut taken[0], &[REQUEST_IDENTITIES]).await;
    assert_eq!(hear(&mut taken[0]).await.unwrap()[0], IDENTITIES_ANSWER);
    let nothing_yet = late.try_read(&mut [0]).unwrap_err();
    assert_eq!(nothing_yet.kind(), std::io::ErrorKind::WouldBlock);
    taken.pop();
    assert_eq!(hear(&mut late).await.unwrap()[0], IDENTITIES_ANSWER);
}

#[tokio::test]
async fn after_the_end_there_is_no_socket_and_no_key() {
    let desk = Desk::opens().await;
    let agent = desk.agent().await;
    let path = agent.path().to_owned();
    let mut stream = connect(&path).await;
    send(&mut stream, &[REQUEST_IDENTITIES]).await;
    assert_eq!(hear(&mut stream).await.unwrap()[0], IDENTITIES_ANSWER);
    assert_eq!(
        format!("{agent:?}"),
        format!("Agent {{ path: {path:?}, .. }}")
    );
    drop(agent);
    assert!(!path.exists());
    let _ = stream.write_all(&[0, 0, 0, 1, REQUEST_IDENTITIES]).await;
    assert!(hear(&mut stream).await.is_err(), "it was still connected");
}

#[tokio::test]
async fn a_key_that_was_given_up_signs_nothing() {
    let desk = Desk::opens().await;
    let key = LoginKey::generate().unwrap();
    assert_eq!(format!("{key:?}"), "LoginKey { .. }");
    let line = desk.certifies(&key, "1").await;
    let keys = Keys::new(key, &line).unwrap();
    keys.give_up();
    assert_eq!(
        protocol::answer(&sign_request(&blob(&line), b"data"), &keys),
        [FAILURE]
    );
    assert_eq!(
        protocol::answer(&[REQUEST_IDENTITIES], &keys),
        [IDENTITIES_ANSWER, 0, 0, 0, 0]
    );
    keys.renew(&line).unwrap();
    assert_eq!(keys.certificate(), None);
}

#[tokio::test]
async fn a_place_that_is_taken_or_too_long_says_so() {
    let desk = Desk::opens().await;
    let agent = desk.agent().await;
    let key = || LoginKey::generate().unwrap();
    let second = key();
    let line = desk.certifies(&second, "1").await;
    let error = Agent::start(agent.path().to_owned(), second, &line).unwrap_err();
    assert!(error.to_string().contains("agent.sock"), "{error}");
    let third = key();
    let line = desk.certifies(&third, "1").await;
    let long = desk.path(&"x".repeat(200));
    assert!(Agent::start(long, third, &line).is_err());
}

#[tokio::test]
async fn a_key_of_ones_own_is_read_and_its_certificate_written_again() {
    let desk = Desk::opens().await;
    let order = ["-q", "-t", "ecdsa", "-b", "256", "-N", "", "-f", "mine"];
    desk.runs("ssh-keygen", &order).await;
    let line = std::fs::read_to_string(desk.path("mine.pub")).unwrap();
    let point = super::point_of_line(&line).unwrap();
    let order = ["-q", "-s", "ca", "-I", "G-45", "-n", "deploy", "mine.pub"];
    desk.runs("ssh-keygen", &order).await;
    let certificate = std::fs::read_to_string(desk.path("mine-cert.pub")).unwrap();
    let written = super::certificate_line(&point, &certificate).unwrap();
    let two: Vec<_> = certificate.split_ascii_whitespace().take(2).collect();
    assert_eq!(written, two.join(" "));
    assert!(super::certificate_line(&[4; 65], &certificate).is_err());
    let order = ["-q", "-t", "ed25519", "-N", "", "-f", "other"];
    desk.runs("ssh-keygen", &order).await;
    let other = std::fs::read_to_string(desk.path("other.pub")).unwrap();
    for wrong in [
        other.as_str(),
        "",
        "ecdsa-sha2-nistp256",
        certificate.as_str(),
    ] {
        assert_eq!(super::point_of_line(wrong), None, "{wrong}");
    }
}
