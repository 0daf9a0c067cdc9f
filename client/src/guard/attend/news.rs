//! What is heard from the broker, in words of our own.

use std::{collections::BTreeMap, time::Duration};

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{
    error::Error,
    time,
    verify::{self, Name},
};

/// One message of the stream: what changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    /// Whose access lives. The newest counts alone.
    pub standing: Option<Standing>,
    /// The time in the broker's signed tick, already verified.
    pub tick: Option<Timestamp>,
    /// The list of revoked certificates, as OpenSSH reads it.
    pub krl: Option<Vec<u8>>,
    /// The keys that tokens are signed with (RFC 7517).
    pub jwks: Option<String>,
    /// The line of the authority that certificates of people come from.
    pub user_ca: Option<String>,
    /// How long access outlives the contact, from the policy's target.
    pub grace: Option<Duration>,
}

/// Whose access lives at this target, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// By the grant's id, `G-45`.
    pub live: BTreeMap<String, Live>,
    /// Why others are over, since the last standing on this stream.
    pub ended: Vec<EndedGrant>,
    /// Sessions here that the broker knows of and that are to be over. Whichever of them this host
    /// does not know is gone: the answer of the broker was lost when it was to open.
    pub doomed: Vec<String>,
}

/// A live grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// The holder, `mia`.
    pub person: String,
    /// The right, `shell-web`.
    pub right: String,
    /// The incident, `INC-12`.
    pub incident: String,
    /// When it ends by itself.
    pub ends_at: Timestamp,
}

/// A grant that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedGrant {
    /// Its id.
    pub grant: String,
    /// Who ended it, what was closed and why: one line for the session's screen.
    pub text: String,
}

impl Standing {
    /// Reads the contract's.
    ///
    /// # Errors
    /// [`Error::Setup`] for a live grant that has no end.
    pub(super) fn of(standing: v1::Standing) -> Result<Self, Error> {
        let live = standing.live.into_iter().map(Live::of);
        let ended = standing.ended.into_iter().map(|ended| EndedGrant {
            grant: ended.grant,
            text: ended.text,
        });
        Ok(Self {
            live: live.collect::<Result<_, _>>()?,
            ended: ended.collect(),
            doomed: standing.doomed,
        })
    }

    /// The live grants as the verifier of tokens knows them.
    ///
    /// # Errors
    /// [`Error::Setup`] for an id that is none.
    pub(super) fn names(&self) -> Result<Vec<(Name, verify::Live)>, Error> {
        let named = self.live.iter().map(|(grant, live)| {
            let known = verify::Live {
                person: name(&live.person)?,
                right: name(&live.right)?,
                incident: name(&live.incident)?,
                ends_at: live.ends_at,
            };
            Ok((name(grant)?, known))
        });
        named.collect()
    }
}

impl Live {
    fn of(live: v1::LiveGrant) -> Result<(String, Self), Error> {
        let ends_at = time::from_proto(live.ends_at.as_ref());
        let ends_at = ends_at.ok_or_else(|| Error::broken_answer("a live grant has no end"))?;
        let known = Self {
            person: live.person,
            right: live.right,
            incident: live.incident,
            ends_at,
        };
        Ok((live.grant, known))
    }
}

fn name(id: &str) -> Result<Name, Error> {
    Name::parse(id).map_err(|_| Error::broken_answer("a live grant names what is no id"))
}

/// The grace of the contract.
pub(super) fn grace(standing: &v1::Standing) -> Option<Duration> {
    let grace = time::length_from_proto(standing.grace.as_ref())?;
    Duration::try_from(grace).ok()
}
