//! A JWT and its entry.

use super::issued::is_second;
use super::{Denied, Ledger};
use crate::key::key_id;
use crate::verify::access::Access;
use crate::verify::keys::thumbprint;

/// What a token carries to prove that it was recorded.
#[derive(Debug, Default)]
pub(in crate::verify) struct Carried {
    /// Its claim `tlog_proof`.
    pub(in crate::verify) proof: Option<String>,
    /// The point of `cnf.jwk`. Its thumbprint is `cnf.jkt`, and its name in the ledger is another hash.
    pub(in crate::verify) holder: Option<[u8; 65]>,
}

impl Ledger {
    /// Demands that the token with these claims, for `audience`, was recorded. All of what it says is
    /// compared but its sentence and where it begins: those two are nowhere in the entry.
    pub(in crate::verify) fn demand_token(
        &self,
        access: &Access,
        audience: &str,
        carried: &Carried,
    ) -> Result<(), Denied> {
        let proof = carried.proof.as_ref().ok_or(Denied::NoEntry)?;
        let issued = self.issued(proof)?;
        let written = &issued.recorded;
        let holder = carried
            .holder
            .as_ref()
            .filter(|point| thumbprint(&point[..]).is_some_and(|jkt| jkt == access.holder));
        let same = [
            (
                "it is about a credential of another kind",
                issued.kind == "jwt",
            ),
            ("it is about another entry", written.entry == access.entry),
            (
                "it is about another credential",
                written.credential == access.credential,
            ),
            ("it is about another grant", written.grant == access.grant),
            ("it is about somebody else", written.person == access.person),
            ("it is about another right", written.right == access.right),
            (
                "it is about another incident",
                written.incident == access.incident,
            ),
            ("it is about another audience", issued.audience == audience),
            (
                "it is about other groups",
                issued.subject.groups == access.groups,
            ),
            ("one of the two is a drill", written.drill == access.drill),
            (
                "it is about a token of another time",
                is_second(written.issued_at, access.issued_at.as_second()),
            ),
            (
                "it is about a token with another end",
                is_second(written.expires_at, access.expires_at.as_second()),
            ),
            (
                "it is about another key",
                holder.is_some_and(|point| key_id(&point[..]) == issued.key),
            ),
        ];
        issued.where_all(&same).map(drop)
    }
}
