//! Signed text (C2SP `signed-note`).
//!
//! A note is text, a blank line, and one line for each signature:
//!
//! ```text
//! example.com/ledger
//! 3
//! Wqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=
//!
//! — example.com/ledger 7E1ubTHuko+80HkhkUcwUuzltYFmyFapf8y3cVy7h2aEf/0+lU/qAk8+5okNDHjn54OYA8yI...
//! ```
//!
//! A signature covers the text with its last newline and not the blank line. Reading a note proves
//! nothing: its text may be used only after [`Note::verify`] with a key one trusts.

mod key;
mod sign;

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

pub use key::{KeyError, KeyId, KeyName, SignatureType, VerifierKey};
pub use sign::{CosignatureSigner, Ed25519Signer, NoteSigner};

use crate::limits::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES};

/// What a signature line begins with: an em dash (U+2014) and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";
/// Bytes of the key id in front of each signature.
const KEY_ID_BYTES: usize = 4;

/// Text and the signatures found under it, verified or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// One signature under a note, by a key that may be unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    /// Who claims to have signed.
    pub name: KeyName,
    /// Which of that name's keys.
    pub key_id: KeyId,
    /// The signature, in the form its algorithm gives it; never empty.
    pub bytes: Vec<u8>,
}

/// Why a note cannot be read, believed or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The bytes are not a note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// The note is above a limit of [`limits`](crate::limits).
    #[error("the note has {0}")]
    TooLarge(&'static str),
    /// The key that was to verify the note did not sign it.
    #[error("the note is not signed by {name}+{key_id}")]
    NotSigned {
        /// The name of that key.
        name: KeyName,
        /// The id of that key.
        key_id: KeyId,
    },
    /// A signature claims to be by this key and is not; or its algorithm is unknown to us.
    #[error("the signature by {name}+{key_id} is wrong")]
    BadSignature {
        /// The name of that key.
        name: KeyName,
        /// The id of that key.
        key_id: KeyId,
    },
    /// The signing key could not be used; the text says why, for operators.
    #[error("the note could not be signed: {0}")]
    SigningFailed(String),
}

impl Note {
    /// Reads a note, without believing it.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] or [`NoteError::TooLarge`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge("too many bytes"));
        }
        // The text may have blank lines of its own: the last one is what separates.
        let blank = note
            .rfind("\n\n")
            .ok_or(NoteError::Malformed("no blank line"))?;
        let (text, signatures) = note.split_at(blank + 1);
        check_text(text)?;
        let lines = signatures[1..]
            .strip_suffix('\n')
            .ok_or(NoteError::Malformed(
                "no newline at the end, or no signature",
            ))?;
        let signatures: Vec<_> = lines
            .split('\n')
            .take(MAX_NOTE_SIGNATURES + 1)
            .map(SignatureLine::parse)
            .collect::<Result<_, _>>()?;
        if signatures.len() > MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooLarge("too many signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// Signs a text that ends in a newline.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`] or [`NoteError::TooLarge`] if the text cannot be a note,
    /// [`NoteError::SigningFailed`] if the key does not work.
    pub fn sign(text: &str, signer: &(impl NoteSigner + ?Sized)) -> Result<Self, NoteError> {
        check_text(text)?;
        let mut note = Self {
            text: text.to_owned(),
            signatures: Vec::new(),
        };
        let line = SignatureLine {
            name: signer.name().clone(),
            key_id: signer.key_id(),
            bytes: signer.sign(text)?,
        };
        note.add_signature(line)?;
        Ok(note)
    }

    /// Adds a signature, for example a witness's; it is not verified.
    ///
    /// # Errors
    ///
    /// [`NoteError::TooLarge`] if the note would no longer be readable.
    pub fn add_signature(&mut self, line: SignatureLine) -> Result<(), NoteError> {
        if self.signatures.len() >= MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooLarge("too many signatures"));
        }
        if line.bytes.is_empty() {
            return Err(NoteError::Malformed("a signature without bytes"));
        }
        self.signatures.push(line);
        if self.to_string().len() > MAX_NOTE_BYTES {
            self.signatures.pop();
            return Err(NoteError::TooLarge("too many bytes"));
        }
        Ok(())
    }

    /// Checks that `key` signed the text.
    ///
    /// Signatures by other keys are ignored, as the specification asks. Every signature that bears
    /// the name and id of `key` must be right; Go's `sumdb/note` looks only at the first.
    ///
    /// # Errors
    ///
    /// [`NoteError::NotSigned`] or [`NoteError::BadSignature`].
    pub fn verify(&self, key: &VerifierKey) -> Result<(), NoteError> {
        let mut signed = false;
        for line in self.signatures.iter().filter(|line| line.claims(key)) {
            key.verify(&self.text, line)?;
            signed = true;
        }
        if signed {
            return Ok(());
        }
        Err(NoteError::NotSigned {
            name: key.name().clone(),
            key_id: key.key_id(),
        })
    }

    /// The signed text with its last newline. Meaningless before [`verify`](Self::verify).
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures in the order they stand.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }
}

/// Writes the note byte for byte as it was read.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl SignatureLine {
    /// Reads one signature line, without its newline.
    ///
    /// # Errors
    ///
    /// [`NoteError::Malformed`].
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        let (name, blob) = line
            .strip_prefix(SIGNATURE_PREFIX)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(NoteError::Malformed(
                "a signature line without dash, name and signature",
            ))?;
        let name =
            KeyName::parse(name).map_err(|_| NoteError::Malformed("a key name that is not one"))?;
        let blob = BASE64
            .decode(blob)
            .map_err(|_| NoteError::Malformed("a signature that is not base64"))?;
        match blob.split_first_chunk::<KEY_ID_BYTES>() {
            Some((id, bytes)) if !bytes.is_empty() => Ok(Self {
                name,
                key_id: KeyId::from_bytes(*id),
                bytes: bytes.to_vec(),
            }),
            _ => Err(NoteError::Malformed("a signature without key id or bytes")),
        }
    }

    /// Whether the line bears the name and the id of `key`.
    #[must_use]
    pub fn claims(&self, key: &VerifierKey) -> bool {
        self.key_id == key.key_id() && self.name == *key.name()
    }
}

/// Writes the line without its newline.
impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.key_id.as_bytes().as_slice(), &self.bytes].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, BASE64.encode(blob))
    }
}

/// Checks what the specification asks of a text (signed-note, "Format").
fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end in a newline"));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Malformed("a control character"));
    }
    Ok(())
}
