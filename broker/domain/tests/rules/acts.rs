//! What people want done, with the words they use.

use breakglass_domain::command::Wanted;
use breakglass_domain::{Act, GrantId, IncidentId, Prose, Severity};

use crate::world::{id, line, mins};

pub(crate) fn open() -> Act {
    Act::Open {
        severity: Severity::Sev1,
        title: line("orders do not go through"),
    }
}

pub(crate) fn note(incident: u64) -> Act {
    Act::Note {
        incident: IncidentId(incident),
        text: Prose::parse("a config change floods a worker").unwrap(),
    }
}

pub(crate) fn close(incident: u64) -> Act {
    Act::Close {
        incident: IncidentId(incident),
        reason: line("reverted"),
    }
}

pub(crate) fn deny(grant: GrantId) -> Act {
    Act::Deny {
        grant,
        reason: line("wait for the backup"),
    }
}

pub(crate) fn extend(grant: GrantId, minutes: u32) -> Act {
    Act::Extend {
        grant,
        by: mins(minutes),
        reason: line("not done yet"),
    }
}

pub(crate) fn revoke(grant: GrantId) -> Act {
    Act::Revoke {
        grant,
        reason: line("wrong database"),
    }
}

pub(crate) fn veto(grant: GrantId) -> Act {
    Act::Veto {
        grant,
        reason: line("wait for leon"),
    }
}

pub(crate) fn issue(grant: GrantId) -> Act {
    Act::Issue {
        grant,
        wanted: Wanted::Jwt,
        key: crate::world::key_of("nobody", 0),
    }
}

pub(crate) fn uses(grant: GrantId) -> Act {
    Act::Use {
        grant,
        program: line("psql"),
    }
}

pub(crate) fn freeze(person: &str) -> Act {
    Act::Freeze {
        person: id(person),
        reason: line("laptop stolen"),
    }
}

pub(crate) fn unfreeze(person: &str) -> Act {
    Act::Unfreeze {
        person: id(person),
        reason: line("laptop found"),
    }
}

pub(crate) fn remove(person: &str) -> Act {
    Act::Remove {
        person: id(person),
        reason: line("left the team"),
    }
}
