//! What somebody showed sshd to get in: `SSH_AUTH_INFO_0`, as sshd hands it to PAM.
//!
//! It has a line for each step of the login (`AuthenticationMethods` of sshd_config(5)), such as
//! `publickey ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA...`. sshd has checked the certificate's
//! signature and validity before; here it is only asked whose it is. Our certificates bind P-256
//! keys and nothing else, and their key id is made by the broker, so whatever looks otherwise is
//! not one of ours. A key id that begins as the broker's do and cannot be read is not daily access
//! either: it may be a newer broker's, and nobody could end the session.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::limits::{MAX_AUTH_INFO_BYTES, MAX_KEY_ID_BYTES};
use crate::limits::MAX_ID_BYTES;

/// The type of our certificates (PROTOCOL.certkeys of OpenSSH, section 2).
const CERTIFICATE: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com";

/// A certificate for a person, not for a host (PROTOCOL.certkeys: `SSH2_CERT_TYPE_USER`).
const USER: u32 = 1;

/// One of our certificates, as far as a session needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presented {
    /// The holder, `mia`.
    pub person: String,
    /// The grant it was issued under, `G-45`.
    pub grant: String,
    /// The incident of the grant, `INC-12`.
    pub incident: String,
    /// The credential, `G-45.1`.
    pub credential: String,
    /// The certificate's serial number.
    pub serial: u64,
}

/// Why a login cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// sshd hands over a few KiB.
    #[error("what sshd tells of the login is larger than 64 KiB; log in with one key")]
    TooLarge,
    /// Two of ours, for two grants: whose session would it be?
    #[error("two emergency credentials were used for one login; log in again with one")]
    Two,
    /// Ours, by its beginning, and from a newer broker, or made by somebody else.
    #[error(
        "the guard of this host cannot read the emergency credential; if the broker is newer, \
         upgrade `glass` here"
    )]
    Unread,
}

/// What the key ids of the broker begin with, and no others should.
const BEGINNING: &[u8] = b"person=";

/// The certificate of ours among what was shown; `None` where there is none.
///
/// # Errors
/// [`Unclear`].
pub fn ours(auth_info: &str) -> Result<Option<Presented>, Unclear> {
    if auth_info.len() > MAX_AUTH_INFO_BYTES {
        return Err(Unclear::TooLarge);
    }
    let mut found: Option<Presented> = None;
    for one in auth_info.lines().filter_map(of_line) {
        let one = one?;
        match &found {
            Some(other) if *other != one => return Err(Unclear::Two),
            _ => found = Some(one),
        }
    }
    Ok(found)
}

fn of_line(line: &str) -> Option<Result<Presented, Unclear>> {
    let mut words = line.split_ascii_whitespace();
    if words.next()? != "publickey" || words.next()? != CERTIFICATE {
        return None;
    }
    let blob = STANDARD.decode(words.next()?).ok()?;
    of_certificate(&blob)
}

/// Reads `type, nonce, curve, key, serial, kind, key id` (PROTOCOL.certkeys, section 2); what
/// comes after it does not matter here.
fn of_certificate(blob: &[u8]) -> Option<Result<Presented, Unclear>> {
    let mut rest = Reader(blob);
    if rest.string()? != CERTIFICATE.as_bytes() {
        return None;
    }
    let _nonce = rest.string()?;
    let _curve = rest.string()?;
    let _key = rest.string()?;
    let serial = u64::from_be_bytes(rest.take()?);
    if u32::from_be_bytes(rest.take()?) != USER {
        return None;
    }
    let key_id = rest.string()?;
    let read = std::str::from_utf8(key_id).ok();
    let read = read.filter(|id| id.len() <= MAX_KEY_ID_BYTES);
    match read.and_then(|key_id| of_key_id(key_id, serial)) {
        Some(presented) => Some(Ok(presented)),
        None => key_id
            .starts_with(BEGINNING)
            .then_some(Err(Unclear::Unread)),
    }
}

/// Reads `person=mia grant=G-45 incident=INC-12 credential=G-45.1`: these four, in this order, and of a
/// drill `drill=yes` behind them.
fn of_key_id(key_id: &str, serial: u64) -> Option<Presented> {
    let mut words = key_id.split(' ');
    let mut word = |name: &str| {
        let value = words.next()?.strip_prefix(name)?.strip_prefix('=')?;
        let is_id = (1..=MAX_ID_BYTES).contains(&value.len())
            && value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
        is_id.then(|| value.to_owned())
    };
    let presented = Presented {
        person: word("person")?,
        grant: word("grant").filter(|id| is_numbered(id, "G-"))?,
        incident: word("incident").filter(|id| is_numbered(id, "INC-"))?,
        credential: word("credential")?,
        serial,
    };
    let of_this_grant = presented
        .credential
        .strip_prefix(&presented.grant)
        .is_some_and(|rest| is_numbered(rest, "."));
    let drill = words.next().is_none_or(|word| word == "drill=yes");
    (of_this_grant && drill && words.next().is_none()).then_some(presented)
}

fn is_numbered(id: &str, before: &str) -> bool {
    id.strip_prefix(before)
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Fields of RFC 4251 section 5.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(u32::from_be_bytes(self.take()?)).ok()?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As sshd 9.2 told it of a certificate made by ssh-keygen:
    /// `-I "person=mia grant=G-45 incident=INC-12 credential=G-45.1" -z 47185921 -n deploy`.
    const SEEN: &str = include_str!("fixtures/auth_info");

    fn mia() -> Presented {
        Presented {
            person: "mia".into(),
            grant: "G-45".into(),
            incident: "INC-12".into(),
            credential: "G-45.1".into(),
            serial: 47_185_921,
        }
    }

    #[test]
    fn what_sshd_tells_is_read() {
        assert_eq!(ours(SEEN), Ok(Some(mia())));
        let two_steps = format!("{SEEN}password\n{SEEN}");
        assert_eq!(ours(&two_steps), Ok(Some(mia())));
    }

    #[test]
    fn daily_access_is_not_ours() {
        for line in [
            "",
            "password",
            "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILLuKtJp9A6ONrrZaC",
            "publickey",
            "publickey ecdsa-sha2-nistp256-cert-v01@openssh.com",
            "publickey ecdsa-sha2-nistp256-cert-v01@openssh.com !!!",
            "publickey ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA",
        ] {
            assert_eq!(ours(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn a_login_with_two_grants_is_unclear() {
        let blob = blob_with(
            "person=mia grant=G-46 incident=INC-12 credential=G-46.1",
            USER,
        );
        let other = format!("publickey {CERTIFICATE} {}\n", STANDARD.encode(blob));
        assert_eq!(ours(&format!("{SEEN}{other}")), Err(Unclear::Two));
        assert_eq!(ours(&"x".repeat(65 * 1024)), Err(Unclear::TooLarge));
    }

    #[test]
    fn what_begins_as_ours_and_cannot_be_read_is_no_daily_access() {
        let shown = |key_id: &str| {
            let blob = STANDARD.encode(blob_with(key_id, USER));
            ours(&format!("publickey {CERTIFICATE} {blob}\n"))
        };
        let newer = "person=mia grant=G-45 incident=INC-12 credential=G-45.1 site=berlin";
        let long = format!("person={}", "x".repeat(1_000));
        for unread in [newer, &long, "person=mia"] {
            assert_eq!(shown(unread), Err(Unclear::Unread), "{unread}");
        }
        for of_others in ["", "mia", "mia@shop.example", "a person=mia"] {
            assert_eq!(shown(of_others), Ok(None), "{of_others}");
        }
    }

    #[test]
    fn only_the_brokers_key_id_is_one() {
        let good = "person=mia grant=G-45 incident=INC-12 credential=G-45.1";
        assert_eq!(of_key_id(good, 47_185_921), Some(mia()));
        let drill = format!("{good} drill=yes");
        assert_eq!(of_key_id(&drill, 47_185_921), Some(mia()));
        for bad in [
            "",
            "mia",
            "person=mia",
            "person= grant=G-45 incident=INC-12 credential=G-45.1",
            "person=mia grant=45 incident=INC-12 credential=G-45.1",
            "person=mia grant=G-45 incident=INC- credential=G-45.1",
            "person=mia grant=G-45 incident=INC-12 credential=G-46.1",
            "person=mia grant=G-45 incident=INC-12 credential=G-451",
            "person=mia grant=G-45 incident=INC-12 credential=G-45.1 more=1",
            "person=mia grant=G-45 incident=INC-12 credential=G-45.1 drill=no",
            "person=mia grant=G-45 incident=INC-12 credential=G-45.1 drill=yes more=1",
            "person=mia  grant=G-45 incident=INC-12 credential=G-45.1",
            "grant=G-45 person=mia incident=INC-12 credential=G-45.1",
            "person=m\u{1b}[2Jia grant=G-45 incident=INC-12 credential=G-45.1",
        ] {
            assert_eq!(of_key_id(bad, 1), None, "{bad}");
        }
    }

    #[test]
    fn a_cut_off_or_changed_certificate_is_none_of_ours_and_nothing_panics() {
        let whole = blob_with(
            "person=mia grant=G-45 incident=INC-12 credential=G-45.1",
            USER,
        );
        assert!(of_certificate(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(of_certificate(&whole[..length]), None, "{length} bytes");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] = 0xff;
            let _ = of_certificate(&changed);
        }
        let of_a_host = blob_with("person=mia grant=G-45 incident=INC-12 credential=G-45.1", 2);
        assert_eq!(of_certificate(&of_a_host), None);
        assert_eq!(of_certificate(&blob_with(&"x".repeat(1_000), USER)), None);
    }

    /// A certificate up to its key id.
    fn blob_with(key_id: &str, kind: u32) -> Vec<u8> {
        let mut blob = Vec::new();
        let string = |blob: &mut Vec<u8>, bytes: &[u8]| {
            blob.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
            blob.extend(bytes);
        };
        string(&mut blob, CERTIFICATE.as_bytes());
        string(&mut blob, &[7; 32]);
        string(&mut blob, b"nistp256");
        string(&mut blob, &[4; 65]);
        blob.extend(47_185_921_u64.to_be_bytes());
        blob.extend(kind.to_be_bytes());
        string(&mut blob, key_id.as_bytes());
        blob
    }
}
