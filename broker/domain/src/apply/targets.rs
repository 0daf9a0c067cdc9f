//! The fold of what happens at targets.

use crate::budget::Spending;
use crate::credential::Subject;
use crate::event::{Change, Event};
use crate::grant::Grant;
use crate::id::{GrantId, SessionId, TargetId};
use crate::invitation::{self, Invitation, Withdrawn};
use crate::limits::CONFIRMED_WITHIN;
use crate::people::Device;
use crate::policy::access::TargetKind;
use crate::state::{Deadline, State};
use crate::targets::{CertifiedHost, DatabaseCertificate, Logins, Over, Role, Session};
use crate::time::Time;

impl State {
    pub(super) fn apply_to_targets(&mut self, event: &Event) {
        match &event.change {
            Change::TargetInvited { .. } => self.add_guard_token(event),
            Change::TargetEnrolled { .. } => self.add_guard(event),
            Change::TargetRenewed {
                target,
                key,
                certificate_expires_at,
                ..
            } => {
                let guard = self.targets.guards.get_mut(target);
                if let Some(device) = guard.and_then(|keys| keys.get_mut(key)) {
                    device.certificate_expires_at = *certificate_expires_at;
                }
            }
            Change::TargetRemoved { target, .. } => self.remove_guard(target),
            Change::HostCertified {
                target,
                host,
                expires_at,
                ..
            } => {
                let certified = CertifiedHost {
                    host: host.clone(),
                    until: *expires_at,
                };
                self.targets.hosts.insert(target.clone(), certified);
            }
            Change::SessionOpened { .. } => self.add_session(event),
            Change::SessionEnded { session, .. } => self.forget_session(*session),
            Change::SessionUnconfirmed { session, .. } => self.doubt_session(*session),
            Change::CredentialIssued { .. } => self.add_credential(event),
            Change::GrantEnded { of, .. } => self.end_at_targets(of.grant, event.at),
            _ => self.apply_to_role(event),
        }
    }

    fn add_guard_token(&mut self, event: &Event) {
        let Change::TargetInvited {
            target,
            token,
            expires_at,
        } = &event.change
        else {
            return;
        };
        let waiting = Invitation {
            whom: target.clone(),
            by: event.by.clone(),
            expires_at: *expires_at,
            withdrawn: None,
        };
        invitation::add(&mut self.targets.tokens, token.clone(), waiting, event.at);
    }

    fn add_guard(&mut self, event: &Event) {
        let Change::TargetEnrolled {
            target,
            token,
            key,
            public,
            device,
            certificate_expires_at,
            ..
        } = &event.change
        else {
            return;
        };
        self.targets.tokens.remove(token);
        let device = Device {
            name: device.clone(),
            public: public.clone(),
            enrolled_at: event.at,
            certificate_expires_at: *certificate_expires_at,
        };
        let keys = self.targets.guards.entry(target.clone()).or_default();
        keys.insert(key.clone(), device);
        self.targets.keys.insert(key.clone(), target.clone());
    }

    fn remove_guard(&mut self, target: &TargetId) {
        let tokens = &mut self.targets.tokens;
        invitation::withdraw(tokens, Withdrawn::Removed, |it| it.whom == *target);
        let keys = self.targets.guards.remove(target).unwrap_or_default();
        for key in keys.into_keys() {
            self.targets.keys.remove(&key);
            self.budgets.forget(&Spending::Renewals(key));
        }
    }

    /// One whose grant is over was let in while the broker was out of reach, and is to be over too.
    fn add_session(&mut self, event: &Event) {
        let Change::SessionOpened {
            of,
            session,
            target,
            credential,
            login,
            once,
            ..
        } = &event.change
        else {
            return;
        };
        let lives = self.grants.contains_key(&of.grant);
        let targets = &mut self.targets;
        targets.next_session = targets.next_session.max(session.next());
        let opened = Session {
            of: of.clone(),
            target: target.clone(),
            credential: *credential,
            login: login.clone(),
            opened_at: event.at,
            over_at: (!lives).then_some(event.at),
            unconfirmed: false,
            once: *once,
        };
        self.deadlines.extend(opened.deadline(*session));
        if let Some(once) = once {
            targets.once.insert((target.clone(), *once), *session);
        }
        targets.sessions.insert(*session, opened);
    }

    fn forget_session(&mut self, id: SessionId) {
        let Some(session) = self.targets.sessions.remove(&id) else {
            return;
        };
        if let Some(deadline) = session.deadline(id) {
            self.deadlines.remove(&deadline);
        }
        if let Some(once) = session.once {
            self.targets.once.remove(&(session.target, once));
        }
    }

    /// Whoever came in under a grant that led to hosts may be reported after its end.
    pub(super) fn remember_grant_of_hosts(&mut self, grant: &Grant, at: Time) {
        let targets = self.policy.targets.iter();
        let right = self.policy.rights.get(&grant.of.right);
        let mut hosts = targets.filter(|(_, target)| target.kind == TargetKind::Ssh);
        let leads = right.is_some_and(|right| hosts.any(|(id, host)| right.reaches(id, host)));
        if leads && grant.credentials > 0 {
            self.targets.remember_over(Over {
                of: grant.of.clone(),
                credentials: grant.credentials,
                at,
            });
        }
    }

    fn doubt_session(&mut self, id: SessionId) {
        let Some(session) = self.targets.sessions.get_mut(&id) else {
            return;
        };
        if let Some(deadline) = session.deadline(id) {
            self.deadlines.remove(&deadline);
        }
        session.unconfirmed = true;
    }

    fn add_credential(&mut self, event: &Event) {
        let Change::CredentialIssued {
            of,
            credential,
            expires_at,
            subject,
            ..
        } = &event.change
        else {
            return;
        };
        match subject {
            Subject::Login { .. } => {
                let fresh = Logins {
                    until: *expires_at,
                    over: false,
                };
                let logins = self.targets.logins.entry(of.grant).or_insert(fresh);
                logins.until = logins.until.max(*expires_at);
            }
            Subject::Role {
                target,
                role,
                member_of,
            } => {
                let begun = Role {
                    of: of.clone(),
                    target: target.clone(),
                    member_of: member_of.clone(),
                    created: false,
                    failed: None,
                };
                self.targets.roles.insert(role.clone(), begun);
            }
            Subject::Name { .. } => {
                let fresh = DatabaseCertificate::of(subject, *expires_at);
                let certificates = &mut self.targets.certificates;
                certificates.retain(|_, certificate| certificate.counts(event.at));
                certificates.extend(fresh.map(|fresh| (*credential, fresh)));
            }
            Subject::Bearer { .. } => {}
        }
    }

    fn end_at_targets(&mut self, grant: GrantId, at: Time) {
        let targets = &mut self.targets;
        targets.logins.retain(|_, logins| logins.until > at);
        targets
            .certificates
            .retain(|_, certificate| certificate.counts(at));
        if let Some(logins) = targets.logins.get_mut(&grant) {
            logins.over = true;
        }
        for (id, session) in &mut targets.sessions {
            if session.of.grant == grant && session.over_at.is_none() {
                session.over_at = Some(at);
                self.deadlines.extend(session.deadline(*id));
            }
        }
    }

    fn apply_to_role(&mut self, event: &Event) {
        match &event.change {
            Change::RoleCreated { role, .. } => {
                if let Some(role) = self.targets.roles.get_mut(role) {
                    role.created = true;
                    role.failed = None;
                }
            }
            Change::RoleFailed {
                role, step, text, ..
            } => {
                if let Some(role) = self.targets.roles.get_mut(role) {
                    role.failed = Some((*step, text.clone()));
                }
            }
            Change::RoleDropped { role, .. } => {
                self.targets.roles.remove(role);
            }
            _ => {}
        }
    }
}

impl Session {
    /// When its end is in doubt; nothing while its grant lives, or once it was said.
    pub(crate) fn deadline(&self, id: SessionId) -> Option<(Time, Deadline)> {
        let over_at = self.over_at.filter(|_| !self.unconfirmed)?;
        Some((over_at.plus(CONFIRMED_WITHIN), Deadline::Doubt(id)))
    }
}
