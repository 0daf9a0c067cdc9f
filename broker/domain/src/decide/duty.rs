//! What people can do beside rights, as refusals say it.

use crate::policy::{Duties, Selector};

/// One duty of the policy.
#[derive(Debug, Clone, Copy)]
pub(super) enum Duty {
    OpenIncidents,
    /// Who could open another can keep one open.
    HoldIncidents,
    CloseIncidents,
    Revoke,
    Freeze,
    Invite,
    /// Who brings people in also takes them out.
    Remove,
    ExportLedger,
}

impl Duty {
    /// Goes on from "the policy does not let mia ...".
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::OpenIncidents => "open incidents",
            Self::HoldIncidents => "hold incidents open (whoever may open them may)",
            Self::CloseIncidents => "close incidents",
            Self::Revoke => "revoke grants",
            Self::Freeze => "freeze people",
            Self::Invite => "invite people",
            Self::Remove => "remove people (whoever may invite them may)",
            Self::ExportLedger => "export the ledger",
        }
    }

    pub(super) fn given_to(self, duties: &Duties) -> &[Selector] {
        match self {
            Self::OpenIncidents | Self::HoldIncidents => &duties.open_incidents,
            Self::CloseIncidents => &duties.close_incidents,
            Self::Revoke => &duties.revoke,
            Self::Freeze => &duties.freeze,
            Self::Invite | Self::Remove => &duties.invite,
            Self::ExportLedger => &duties.export_ledger,
        }
    }
}
