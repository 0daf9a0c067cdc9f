//! What a person signs: one act, in plain text, domain-separated.
//!
//! The text is the whole request: the broker acts on what it says and on nothing beside it, and
//! keeps it in the ledger, so what was signed and what was done cannot differ. An example:
//!
//! ```text
//! breakglass/v1 approve
//! origin: glass.example/ledger
//! by: leon
//! at: 2026-11-23T03:05:00.000Z
//! grant: G-45
//! incident: INC-12
//! requester: mia
//! right: deploy-shop
//! sentence: deploy the shop app
//! until: 2026-11-23T03:20:00.000Z
//! nonce: 9kDk0m0kQ2m1l5Ew9p5m7A
//! ```
//!
//! The first line is the domain separation: no other protocol signs a text that begins so, and TLS
//! 1.3 signs behind 64 spaces (RFC 8446 section 4.4.3). Lines stand in a fixed order, each
//! `name: value`, each ended by one newline. In a value, a backslash is written `\\` and a newline
//! `\n`; other control characters are refused. There is exactly one text for each statement.
//!
//! Directly before `nonce` may stand `seen`: the newest head of the ledger that its signer had accepted,
//! see [`Seen`].

mod seen;

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

pub use self::seen::{ROOT_LEN, SIGNATURE_LEN, Seen};

/// The first words of every statement.
pub const DOMAIN: &str = "breakglass/v1";

/// The longest text accepted, in bytes: the longest note (4 KiB) escaped twice over, and room.
pub const MAX_TEXT: usize = 16 * 1024;

/// Bytes of a nonce: enough that two never meet (RFC 4086 section 8.2.2 asks for 128 bits).
pub const NONCE_LEN: usize = 16;

/// One act by one person at one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The ledger it is meant for; a statement for another broker is refused.
    pub origin: String,
    /// The person's id.
    pub by: String,
    /// The person's clock, to the millisecond.
    pub at: Timestamp,
    /// What they want done.
    pub act: Act,
    /// The newest head of the ledger that their laptop had accepted; nothing where it knew none.
    pub seen: Option<Seen>,
    /// Chance, so that no statement can be played twice.
    pub nonce: [u8; NONCE_LEN],
}

/// Why a text is not a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Longer than [`MAX_TEXT`].
    #[error("the statement is longer than {MAX_TEXT} bytes")]
    TooLong,
    /// The first line is not ours.
    #[error("the statement does not begin with `{DOMAIN} ` and a known act")]
    NotOurs,
    /// A line is missing, misnamed, out of order or left over.
    #[error("the statement has no proper line `{0}` where it belongs")]
    Line(&'static str),
    /// A value cannot be read.
    #[error("the statement's `{0}` cannot be read")]
    Value(&'static str),
}

/// Declares the acts once: their Rust names, their names on the wire, and their lines in order.
macro_rules! acts {
    ($( $(#[$doc:meta])* $variant:ident = $name:literal {
        $( $(#[$field_doc:meta])* $field:ident : $type:ty = $line:literal ),* $(,)?
    } )*) => {
        /// What a person can do under their own signature.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(missing_docs)] // each field is described by the line it becomes
        pub enum Act {
            $( $(#[$doc])* $variant { $( $(#[$field_doc])* $field: $type ),* }, )*
        }

        impl Act {
            /// The act's name as it stands in the first line.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $name, )* }
            }

            /// Every act's name, for documentation and its test.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            fn write_lines(&self, text: &mut String) {
                match self { $( Self::$variant { $($field),* } => {
                    $( put(text, $line, &Value::encode($field)); )*
                } )* }
            }

            fn read_lines(name: &str, lines: &mut Lines<'_>) -> Result<Self, StatementError> {
                match name {
                    $( $name => Ok(Self::$variant {
                        $( $field: Value::decode(&lines.take($line)?)
                            .ok_or(StatementError::Value($line))? ),*
                    }), )*
                    _ => Err(StatementError::NotOurs),
                }
            }
        }
    };
}

impl Act {
    /// The acts that only end something, so that nobody has more by one.
    pub const ENDING: &'static [&'static str] = &[
        "close-incident",
        "deny",
        "drop",
        "revoke",
        "veto",
        "freeze",
        "remove-person",
    ];

    /// Whether it is one of [`Act::ENDING`]: it is done also for who has seen another history of the ledger.
    #[must_use]
    pub fn only_ends(&self) -> bool {
        Self::ENDING.contains(&self.name())
    }
}

acts! {
    /// Trade an enrolment token for a certificate on the signing key.
    Enroll = "enroll" {
        /// SHA-256 of the token's secret, lower-case hex: binds the key to this token.
        token_sha256: String = "token-sha256",
        /// SHA-256 of the public key, base64url without padding.
        key: String = "key",
        /// What the person calls this laptop.
        device: String = "device",
    }
    /// Open an incident.
    OpenIncident = "open-incident" {
        severity: String = "severity",
        title: String = "title",
    }
    /// Add a note to an incident.
    Note = "note" {
        incident: String = "incident",
        text: String = "text",
    }
    /// Close an incident, and end every grant under it.
    CloseIncident = "close-incident" {
        incident: String = "incident",
        reason: String = "reason",
    }
    /// Ask for a grant.
    Request = "request" {
        right: String = "right",
        /// The sentence the requester was shown.
        sentence: String = "sentence",
        incident: String = "incident",
        reason: String = "reason",
        /// How long, in seconds, counted from the approval.
        length: SignedDuration = "for",
        /// Whether the grant lives only while the requester's client holds it.
        held: bool = "held",
    }
    /// Say yes to somebody else's request.
    Approve = "approve" {
        grant: String = "grant",
        incident: String = "incident",
        requester: String = "requester",
        right: String = "right",
        /// The sentence the approver was shown.
        sentence: String = "sentence",
        /// The latest end the approver agrees to.
        until: Timestamp = "until",
    }
    /// Say no.
    Deny = "deny" {
        grant: String = "grant",
        reason: String = "reason",
    }
    /// Begin one's own grant when nobody answered.
    SelfGrant = "self-grant" {
        grant: String = "grant",
        incident: String = "incident",
        right: String = "right",
        sentence: String = "sentence",
    }
    /// Ask for a later end.
    Extend = "extend" {
        grant: String = "grant",
        /// How much more, in seconds.
        by: SignedDuration = "by-seconds",
        reason: String = "reason",
    }
    /// Let somebody else go on with one's own grant, to the same end.
    HandOver = "handover" {
        grant: String = "grant",
        /// To whom.
        to: String = "to",
        incident: String = "incident",
        right: String = "right",
        /// The sentence the signer was shown.
        sentence: String = "sentence",
        /// What the receiver and their approvers read.
        reason: String = "reason",
        /// The latest end: that of the grant.
        until: Timestamp = "until",
    }
    /// Give a grant back, or take a request back.
    Drop = "drop" {
        grant: String = "grant",
    }
    /// End somebody's grant.
    Revoke = "revoke" {
        grant: String = "grant",
        reason: String = "reason",
    }
    /// Stop somebody from everything.
    Freeze = "freeze" {
        person: String = "person",
        reason: String = "reason",
    }
    /// Lift a freeze.
    Unfreeze = "unfreeze" {
        person: String = "person",
        reason: String = "reason",
    }
    /// Make an enrolment token for somebody in the policy.
    Invite = "invite" {
        person: String = "person",
    }
    /// Make an enrolment token for the guard of a target.
    InviteTarget = "invite-target" {
        target: String = "target",
    }
    /// End every key, token and grant of somebody.
    RemovePerson = "remove-person" {
        person: String = "person",
        reason: String = "reason",
    }
    /// Keep an incident open that its alert would close.
    HoldIncident = "hold-incident" {
        incident: String = "incident",
        reason: String = "reason",
    }
    /// Say that one spoke with who asked, before their grant may begin.
    RecordCall = "record-call" {
        grant: String = "grant",
        incident: String = "incident",
        requester: String = "requester",
        right: String = "right",
        /// The sentence the signer was shown.
        sentence: String = "sentence",
        /// When they spoke, by the clock of `at`.
        spoke_at: Timestamp = "spoke-at",
    }
    /// End what somebody began alone, or may begin alone.
    Veto = "veto" {
        grant: String = "grant",
        reason: String = "reason",
    }
    /// Open a drill: an incident in which nothing is broken.
    OpenDrill = "open-drill" {
        title: String = "title",
    }
    /// Say how a drill went that one opened.
    RecordDrill = "record-drill" {
        incident: String = "incident",
        /// Whether every step was taken, within its budget.
        good: bool = "good",
        /// `open 14/5000, ask 21/5000`: the steps that were taken, in order, each with how long it took
        /// and its budget, in milliseconds.
        steps: String = "steps",
        /// What failed, or was slow; empty where nothing did.
        failed: String = "failed",
    }
    /// Answer for a grant of an incident that is over.
    AnswerReview = "answer-review" {
        incident: String = "incident",
        grant: String = "grant",
        /// Whether it was needed.
        needed: bool = "needed",
        /// `right` or `too-wide`.
        width: String = "width",
        /// What was missing; empty where nothing was.
        missing: String = "missing",
    }
}

impl Statement {
    /// The exact text to sign.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!("{DOMAIN} {}\n", self.act.name());
        put(&mut text, "origin", &self.origin);
        put(&mut text, "by", &self.by);
        put(&mut text, "at", &Value::encode(&self.at));
        self.act.write_lines(&mut text);
        if let Some(seen) = &self.seen {
            put(&mut text, "seen", &Value::encode(seen));
        }
        put(&mut text, "nonce", &Value::encode(&self.nonce));
        text
    }

    /// Reads a text back.
    ///
    /// # Errors
    /// [`StatementError`] for anything but the one text [`Statement::to_text`] writes.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        if text.len() > MAX_TEXT {
            return Err(StatementError::TooLong);
        }
        let (first, rest) = text.split_once('\n').ok_or(StatementError::NotOurs)?;
        let name = first
            .strip_prefix(DOMAIN)
            .and_then(|name| name.strip_prefix(' '))
            .ok_or(StatementError::NotOurs)?;
        let mut lines = Lines(rest);
        let origin = lines.take("origin")?;
        let by = lines.take("by")?;
        let at = Value::decode(&lines.take("at")?).ok_or(StatementError::Value("at"))?;
        let act = Act::read_lines(name, &mut lines)?;
        let seen = match lines.0.starts_with("seen: ") {
            true => {
                let seen = Value::decode(&lines.take("seen")?);
                Some(seen.ok_or(StatementError::Value("seen"))?)
            }
            false => None,
        };
        let nonce = Value::decode(&lines.take("nonce")?).ok_or(StatementError::Value("nonce"))?;
        if !lines.0.is_empty() {
            return Err(StatementError::Line("nonce"));
        }
        let statement = Self {
            origin,
            by,
            at,
            act,
            seen,
            nonce,
        };
        // One text for each statement: anything that reads the same but is written otherwise is
        // refused, so that two texts never mean one act.
        if statement.to_text() == text {
            Ok(statement)
        } else {
            Err(StatementError::NotOurs)
        }
    }
}

/// The lines still to be read.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn take(&mut self, name: &'static str) -> Result<String, StatementError> {
        let (line, rest) = self.0.split_once('\n').ok_or(StatementError::Line(name))?;
        let value = line
            .strip_prefix(name)
            .and_then(|value| value.strip_prefix(": "))
            .ok_or(StatementError::Line(name))?;
        self.0 = rest;
        unescape(value).ok_or(StatementError::Value(name))
    }
}

fn put(text: &mut String, name: &str, value: &str) {
    let escaped = value.replace('\\', "\\\\").replace('\n', "\\n");
    writeln!(text, "{name}: {escaped}").expect("writing to a String does not fail");
}

fn unescape(value: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next()? {
                '\\' => out.push('\\'),
                'n' => out.push('\n'),
                _ => return None,
            },
            c if c.is_control() => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

/// How a field is written on its line.
trait Value: Sized {
    fn encode(&self) -> String;
    fn decode(text: &str) -> Option<Self>;
}

impl Value for String {
    fn encode(&self) -> String {
        self.clone()
    }
    fn decode(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for bool {
    fn encode(&self) -> String {
        if *self {
            "yes".to_owned()
        } else {
            "no".to_owned()
        }
    }
    fn decode(text: &str) -> Option<Self> {
        match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        }
    }
}

/// Whole seconds, decimal.
impl Value for SignedDuration {
    fn encode(&self) -> String {
        self.as_secs().to_string()
    }
    fn decode(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::from_secs)
    }
}

/// RFC 3339, UTC, milliseconds.
impl Value for Timestamp {
    fn encode(&self) -> String {
        format!("{self:.3}")
    }
    fn decode(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// base64url without padding (RFC 4648 section 5).
impl Value for [u8; NONCE_LEN] {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self)
    }
    fn decode(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
    }
}

#[cfg(test)]
mod tests;
