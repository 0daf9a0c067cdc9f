//! The fold of what happens to people.

use crate::budget::Spending;
use crate::event::{Change, Event};
use crate::id::PersonId;
use crate::invitation::{self, Invitation, Withdrawn};
use crate::limits::OPENINGS_WINDOW;
use crate::people::{Device, Freeze};
use crate::state::State;

impl State {
    pub(super) fn apply_to_people(&mut self, event: &Event) {
        match &event.change {
            Change::PersonInvited { .. } => self.add_token(event),
            Change::PersonEnrolled { .. } => self.add_device(event),
            Change::CertificateRenewed {
                person,
                key,
                certificate_expires_at,
                ..
            } => {
                let member = self.members.get_mut(person);
                if let Some(device) = member.and_then(|member| member.devices.get_mut(key)) {
                    device.certificate_expires_at = *certificate_expires_at;
                }
            }
            Change::PersonRemoved { person, .. } => self.remove_keys_and_tokens(person),
            Change::PersonFrozen { person, reason } => {
                let member = self.members.entry(person.clone()).or_default();
                member.frozen = Some(Freeze {
                    by: event.by.clone(),
                    at: event.at,
                    reason: reason.clone(),
                });
                self.withdraw_invitations_by(person, Withdrawn::InviterFrozen);
            }
            Change::PersonUnfrozen { person, .. } => {
                if let Some(member) = self.members.get_mut(person) {
                    member.frozen = None;
                }
                self.forget_empty_member(person);
            }
            _ => {}
        }
    }

    /// When somebody opened an incident, for as long as it counts against their limit.
    pub(super) fn note_opening(&mut self, event: &Event) {
        let Some(person) = event.by.person() else {
            return;
        };
        let times = self.openings.entry(person.clone()).or_default();
        times.push_back(event.at);
        while times
            .front()
            .is_some_and(|first| first.plus(OPENINGS_WINDOW) <= event.at)
        {
            times.pop_front();
        }
    }

    fn add_token(&mut self, event: &Event) {
        let Change::PersonInvited {
            person,
            token,
            expires_at,
        } = &event.change
        else {
            return;
        };
        let waiting = Invitation {
            whom: person.clone(),
            by: event.by.clone(),
            expires_at: *expires_at,
            withdrawn: None,
        };
        invitation::add(&mut self.tokens, token.clone(), waiting, event.at);
    }

    fn add_device(&mut self, event: &Event) {
        let Change::PersonEnrolled {
            person,
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
        self.tokens.remove(token);
        let device = Device {
            name: device.clone(),
            public: public.clone(),
            enrolled_at: event.at,
            certificate_expires_at: *certificate_expires_at,
        };
        let member = self.members.entry(person.clone()).or_default();
        member.devices.insert(key.clone(), device);
        self.keys.insert(key.clone(), person.clone());
    }

    /// A freeze outlives the removal: coming back by an invitation does not lift it.
    fn remove_keys_and_tokens(&mut self, person: &PersonId) {
        let of_them = |it: &Invitation<PersonId>| it.whom == *person;
        invitation::withdraw(&mut self.tokens, Withdrawn::Removed, of_them);
        self.withdraw_invitations_by(person, Withdrawn::InviterRemoved);
        if let Some(member) = self.members.get_mut(person) {
            for key in std::mem::take(&mut member.devices).into_keys() {
                self.keys.remove(&key);
                self.budgets.forget(&Spending::Renewals(key));
            }
        }
        self.forget_empty_member(person);
    }

    /// Those for guards as well.
    fn withdraw_invitations_by(&mut self, person: &PersonId, why: Withdrawn) {
        invitation::withdraw(&mut self.tokens, why, invitation::is_by(person));
        invitation::withdraw(&mut self.targets.tokens, why, invitation::is_by(person));
    }

    fn forget_empty_member(&mut self, person: &PersonId) {
        let member = self.members.get(person);
        if member.is_some_and(|member| member.devices.is_empty() && member.frozen.is_none()) {
            self.members.remove(person);
        }
    }
}
