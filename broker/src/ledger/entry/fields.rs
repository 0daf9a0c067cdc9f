//! How the words of the rules are spelt in an entry: one module a spelling, for serde's `with`.

/// What is left out where there is none of it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(super) mod escalation;
pub(super) mod handing;
pub(super) mod subject;

/// As `Display` shows it and `FromStr` reads it: ids, words, moments.
pub(super) mod shown {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The same, or nothing at all: the field is then absent.
pub(super) mod maybe_shown {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserializer, Serializer};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::shown::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        super::shown::deserialize(deserializer).map(Some)
    }
}

/// A list of what [`shown`] spells.
pub(super) mod all_shown {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ToString::to_string))
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let values = texts.iter().map(|text| text.parse());
        values.collect::<Result<_, _>>().map_err(de::Error::custom)
    }
}

/// A token's hash: lower-case hex.
pub(super) mod token {
    use breakglass_domain::TokenHash;
    use serde::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        token: &TokenHash,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(token.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<TokenHash, D::Error> {
        super::shown::deserialize(deserializer)
    }
}

/// What a person typed. Whatever was let in once is read again: no limit but the entry's own.
pub(super) mod line {
    use breakglass_domain::Line;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        line: &Line,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(line.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Line, D::Error> {
        String::deserialize(deserializer).map(|text| Line::recorded(&text))
    }
}

/// Several of them.
pub(super) mod lines {
    use breakglass_domain::Line;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        lines: &[Line],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(lines.iter().map(Line::as_str))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Line>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Ok(texts.iter().map(|text| Line::recorded(text)).collect())
    }
}

/// A [`line`], or nothing at all: the field is then absent.
pub(super) mod maybe_line {
    use breakglass_domain::Line;
    use serde::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        line: &Option<Line>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match line {
            Some(line) => super::line::serialize(line, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Line>, D::Error> {
        super::line::deserialize(deserializer).map(Some)
    }
}

/// A note of several lines.
pub(super) mod prose {
    use breakglass_domain::Prose;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        prose: &Prose,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(prose.as_str())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Prose, D::Error> {
        String::deserialize(deserializer).map(|text| Prose::recorded(&text))
    }
}

/// Bytes: standard base64 with padding (RFC 4648 section 4).
pub(super) mod base64 {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(
        bytes: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(de::Error::custom)
    }
}

/// A statement's nonce, spelt as in the statement: base64url without padding, 22 characters.
pub(super) mod nonce {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use breakglass_domain::Nonce;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(
        nonce: &Nonce,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(nonce.0))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Nonce, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(de::Error::custom)?;
        let bytes = bytes.try_into();
        bytes
            .map(Nonce)
            .map_err(|_| de::Error::custom("a nonce has 16 bytes"))
    }
}

/// The same, or nothing at all: the field is then absent.
pub(super) mod maybe_nonce {
    use breakglass_domain::Nonce;
    use serde::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        nonce: &Option<Nonce>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match nonce {
            Some(nonce) => super::nonce::serialize(nonce, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Nonce>, D::Error> {
        super::nonce::deserialize(deserializer).map(Some)
    }
}

/// A length in whole milliseconds.
pub(super) mod millis {
    use breakglass_domain::Lifetime;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        length: &Lifetime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(length.as_millis())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Lifetime, D::Error> {
        i64::deserialize(deserializer).map(Lifetime::from_millis)
    }
}

/// The same, or nothing at all: the field is then absent.
pub(super) mod maybe_millis {
    use breakglass_domain::Lifetime;
    use serde::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        length: &Option<Lifetime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match length {
            Some(length) => super::millis::serialize(length, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Lifetime>, D::Error> {
        super::millis::deserialize(deserializer).map(Some)
    }
}

/// The steps of a drill: each with its length and its budget, in whole milliseconds.
pub(super) mod steps {
    use breakglass_domain::Lifetime;
    use breakglass_domain::drill::{Step, StepTime};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Fields {
        #[serde(with = "super::shown")]
        step: Step,
        #[serde(with = "super::millis")]
        took_ms: Lifetime,
        #[serde(with = "super::millis")]
        budget_ms: Lifetime,
    }

    pub(in super::super) fn serialize<S: Serializer>(
        steps: &[StepTime],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(steps.iter().map(|time| Fields {
            step: time.step,
            took_ms: time.took,
            budget_ms: time.budget,
        }))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<StepTime>, D::Error> {
        let steps = Vec::<Fields>::deserialize(deserializer)?;
        let read = steps.into_iter().map(|fields| StepTime {
            step: fields.step,
            took: fields.took_ms,
            budget: fields.budget_ms,
        });
        Ok(read.collect())
    }
}

/// What a rule allows if nobody answers.
pub(super) mod self_grant {
    use breakglass_domain::grant::SelfGrant;
    use breakglass_domain::{Lifetime, Time};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Fields {
        #[serde(with = "super::shown")]
        from: Time,
        #[serde(with = "super::millis")]
        longest_ms: Lifetime,
    }

    pub(in super::super) fn serialize<S: Serializer>(
        allowed: &Option<SelfGrant>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let fields = allowed.map(|allowed| Fields {
            from: allowed.from,
            longest_ms: allowed.longest,
        });
        fields.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SelfGrant>, D::Error> {
        let fields = Option::<Fields>::deserialize(deserializer)?;
        Ok(fields.map(|fields| SelfGrant {
            from: fields.from,
            longest: fields.longest_ms,
        }))
    }
}

/// The four names every entry about a grant has.
pub(super) mod of {
    use breakglass_domain::{GrantId, GrantRef, IncidentId, PersonId, RightId};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Fields {
        #[serde(with = "super::shown")]
        grant: GrantId,
        #[serde(with = "super::shown")]
        person: PersonId,
        #[serde(with = "super::shown")]
        right: RightId,
        #[serde(with = "super::shown")]
        incident: IncidentId,
        /// Written behind the fields of the kind, for every kind.
        #[serde(default, skip_serializing)]
        drill: bool,
    }

    pub(in super::super) fn serialize<S: Serializer>(
        of: &GrantRef,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let fields = Fields {
            grant: of.grant,
            person: of.person.clone(),
            right: of.right.clone(),
            incident: of.incident,
            drill: of.drill,
        };
        fields.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<GrantRef, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        Ok(GrantRef {
            grant: fields.grant,
            person: fields.person,
            right: fields.right,
            incident: fields.incident,
            drill: fields.drill,
        })
    }
}
