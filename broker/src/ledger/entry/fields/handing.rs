//! What links the two grants of a handover: fields that stand together or not at all.

/// Where a request comes from: `from`, `since`, `until`.
pub(in super::super) mod handed {
    use breakglass_domain::grant::Handed;
    use breakglass_domain::{GrantId, Time};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Default, Serialize, Deserialize)]
    struct Fields {
        #[serde(
            with = "super::super::maybe_shown",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        from: Option<GrantId>,
        #[serde(
            with = "super::super::maybe_shown",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        since: Option<Time>,
        #[serde(
            with = "super::super::maybe_shown",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        until: Option<Time>,
    }

    pub(in super::super::super) fn serialize<S: Serializer>(
        handed: &Option<Handed>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let fields = handed.map_or_else(Fields::default, |it| Fields {
            from: Some(it.from),
            since: Some(it.since),
            until: Some(it.until),
        });
        fields.serialize(serializer)
    }

    pub(in super::super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Handed>, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let all = fields.from.zip(fields.since).zip(fields.until);
        Ok(all.map(|((from, since), until)| Handed { from, since, until }))
    }
}

/// Who has it instead: `to` and `to_person`.
pub(in super::super) mod to {
    use breakglass_domain::grant::HandedTo;
    use breakglass_domain::{GrantId, PersonId};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Default, Serialize, Deserialize)]
    struct Fields {
        #[serde(
            with = "super::super::maybe_shown",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        to: Option<GrantId>,
        #[serde(
            with = "super::super::maybe_shown",
            default,
            skip_serializing_if = "Option::is_none"
        )]
        to_person: Option<PersonId>,
    }

    pub(in super::super::super) fn serialize<S: Serializer>(
        to: &Option<HandedTo>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let fields = to.as_ref().map_or_else(Fields::default, |it| Fields {
            to: Some(it.grant),
            to_person: Some(it.person.clone()),
        });
        fields.serialize(serializer)
    }

    pub(in super::super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<HandedTo>, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let both = fields.to.zip(fields.to_person);
        Ok(both.map(|(grant, person)| HandedTo { grant, person }))
    }
}
