//! `[witnesses]`: who co-signs the ledger, how many of them, and what is given without them.
//!
//! Their keys stand here and not in the config, because whoever takes one out, or needs fewer of
//! them, weakens the proof that there is one history: that has to be an entry. Where they are
//! reached is the config's.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::limits::{VKEY_MAX, WITNESSES_MAX};
use super::nearest;
use super::report::{Problems, quoted};
use super::section::Section;
use super::value::{id, line};
use crate::id::WitnessId;
use crate::text::Line;
use crate::word::words;

const FIELDS: [&str; 2] = ["need", "keys"];

/// Characters of 33 bytes in base64: a type and an Ed25519 key.
const KEY_CHARS: usize = 44;

/// Who co-signs checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnesses {
    /// How many of them are enough; 1 or more, and no more than there are.
    pub need: usize,
    /// Their verifier keys (C2SP `signed-note`), by the names they have here. Their form was
    /// checked, and not whether each id is that of its key: the rules hash nothing.
    pub keys: BTreeMap<WitnessId, Line>,
}

words! {
    /// What becomes of a right's credentials where too few witnesses have signed the ledger.
    WithoutWitnesses {
        /// They are given, and marked.
        Mark = "mark",
        /// None is given before enough witnesses have signed a ledger that announces it.
        Refuse = "refuse",
    }
}

pub(super) fn read(root: &Section<'_>, problems: &mut Problems) -> Option<Witnesses> {
    let section = root.tables("witnesses", problems)?;
    section.refuse_others(&FIELDS, problems);
    let need = read_need(&section, problems);
    section.required("keys", problems)?;
    let listed = section.table("keys", problems)?;
    let mut keys: BTreeMap<WitnessId, Line> = BTreeMap::new();
    for (name, value) in listed.entries() {
        let vkey = read_vkey(&listed, &name, value, problems);
        let (Some(id), Some(vkey)) = (id(&name, problems), vkey) else {
            continue;
        };
        let same = keys
            .iter()
            .find(|(_, other)| are_one(other.as_str(), vkey.as_str()));
        if let Some((other, _)) = same {
            problems.add(
                value.span(),
                format!("witnesses `{other}` and `{id}` have the same key or the same name"),
                "would count twice",
                "each witness has a key and a name of its own: glass witness init NAME --dir DIR",
            );
            continue;
        }
        keys.insert(id, vkey);
    }
    let (need, value) = need?;
    if need > listed.entries().count() || listed.entries().count() > WITNESSES_MAX {
        problems.add(
            value,
            format!(
                "{need} of {} witnesses are needed",
                listed.entries().count()
            ),
            "not possible",
            format!("name at least as many as are needed, and at most {WITNESSES_MAX}"),
        );
        return None;
    }
    Some(Witnesses { need, keys })
}

fn read_need(
    section: &Section<'_>,
    problems: &mut Problems,
) -> Option<(usize, std::ops::Range<usize>)> {
    let value = section.required("need", problems)?;
    let DeValue::Integer(number) = value.get_ref() else {
        section.wrong_type("need", value, "a number", problems);
        return None;
    };
    let need = usize::from_str_radix(number.as_str(), number.radix()).unwrap_or_default();
    if need == 0 {
        problems.add(
            value.span(),
            format!("{} is {number}", section.field("need")),
            "not taken",
            "write how many witnesses have to sign, at least `need = 1`; without any, leave \
             `[witnesses]` out",
        );
        return None;
    }
    Some((need, value.span()))
}

fn read_vkey<'t>(
    section: &Section<'t>,
    name: &Spanned<&str>,
    value: &'t Spanned<DeValue<'t>>,
    problems: &mut Problems,
) -> Option<Line> {
    let field = section.field(name.get_ref());
    let text = section.text(name.get_ref(), problems)?;
    let vkey = line(&field, &text, VKEY_MAX, problems)?;
    let why = unfit(vkey.as_str())?;
    if why.is_empty() {
        return Some(vkey);
    }
    problems.add(
        value.span(),
        format!("{field} is no key of a witness: {why}"),
        "not a witness's key",
        "write what `glass witness init` printed: `witness.example/otto+1a2b3c4d+B...`",
    );
    None
}

/// Why a text is no verifier key of a witness; the empty text where it may be one.
fn unfit(vkey: &str) -> Option<&'static str> {
    let mut parts = vkey.splitn(3, '+');
    let (name, id, key) = (
        parts.next()?,
        parts.next().unwrap_or(""),
        parts.next().unwrap_or(""),
    );
    let is_hex = id.len() == 8 && id.bytes().all(|it| it.is_ascii_hexdigit());
    let base64 = |it: u8| it.is_ascii_alphanumeric() || b"+/=".contains(&it);
    let is_named = !name.is_empty() && !name.contains(char::is_whitespace);
    if !is_named || !is_hex || key.len() < 2 || !key.bytes().all(base64) {
        return Some("it is not written NAME+ID+KEY");
    }
    // The first byte, in its first eight bits of base64.
    Some(match (&key.as_bytes()[..2], key.len()) {
        ([b'B', b'A'..=b'P'], KEY_CHARS) => "",
        ([b'B', b'g'..=b'v'], _) => "it is for ML-DSA-44, which is not verified yet",
        ([b'A', b'Q'..=b'f'], _) => "it is a key for plain signatures, as a ledger has",
        _ => "it is not an Ed25519 key for cosignatures (type 0x04)",
    })
}

fn are_one(one: &str, other: &str) -> bool {
    let parts = |vkey: &str| {
        let (name, rest) = vkey.split_once('+').unwrap_or((vkey, ""));
        let key = rest.split_once('+').map_or("", |(_, key)| key);
        (name.to_owned(), key.to_owned())
    };
    let ((a, b), (c, d)) = (parts(one), parts(other));
    a == c || b == d
}

/// `without_witnesses` of a right.
pub(super) fn read_without(
    root: &Section<'_>,
    right: &Section<'_>,
    problems: &mut Problems,
) -> WithoutWitnesses {
    let Some(text) = right.text("without_witnesses", problems) else {
        return WithoutWitnesses::Mark;
    };
    let field = right.field("without_witnesses");
    let Ok(without) = text.get_ref().parse() else {
        let words = WithoutWitnesses::ALL.iter().map(|it| it.as_str());
        problems.add(
            text.span(),
            format!("{field} is {}", quoted(text.get_ref())),
            "not known",
            nearest::help(text.get_ref(), words, "what it can be"),
        );
        return WithoutWitnesses::Mark;
    };
    if without == WithoutWitnesses::Refuse && root.value("witnesses").is_none() {
        problems.add(
            text.span(),
            format!("{field} needs witnesses, and the policy names none"),
            "nobody would ever sign",
            "name them: `[witnesses]` with `need`, and `[witnesses.keys]`",
        );
    }
    without
}
