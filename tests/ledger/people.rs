//! People who come without being invited, and act although they were stopped.

use serde_json::json;

use crate::forgery::{each_is_found, forgeries};
use crate::night::{ORIGIN, POLICY};

#[test]
fn nobody_enrols_without_an_invitation_of_theirs() {
    each_is_found(forgeries! {
        "without any", |night| {
            night.forgets_key("leon");
            night.redeems("leon", &"ab".repeat(32));
        } => "leon enrols, and nobody invited them with this token", "no invitation that works";
        "with one that was used", |night| {
            night.forgets_key("leon");
            let used = format!("{:064x}", 2);
            night.redeems("leon", &used);
        } => "leon enrols with a token that works no more", "no invitation that works";
        "with somebody else's", |night| {
            let token = night.invites("mia");
            night.forgets_key("leon");
            night.redeems("leon", &token);
        } => "leon enrols with a token that was made for mia", "no invitation that works";
        "with one that expired", |night| {
            let token = night.invites("leon");
            night.minutes_pass(1_440);
            night.forgets_key("leon");
            night.redeems("leon", &token);
        } => "leon enrols with a token that expired", "no invitation that works";
        "with one that a removal ended", |night| {
            let token = night.invites("eve");
            night.about("leon", "person.removed", "eve");
            night.forgets_key("eve");
            night.redeems("eve", &token);
        } => "eve enrols with a token that works no more", "no invitation that works";
        "with one by somebody who was removed since", |night| {
            let token = night.invites_by("leon", "eve");
            night.about("mia", "person.removed", "leon");
            night.forgets_key("eve");
            night.redeems("eve", &token);
        } => "eve enrols with a token whose maker leon was removed before", "no invitation that works";
        "with one by somebody who was frozen since, also where that was lifted", |night| {
            let token = night.invites_by("leon", "eve");
            night.about("mia", "person.frozen", "leon");
            night.about("mia", "person.unfrozen", "leon");
            night.forgets_key("eve");
            night.redeems("eve", &token);
        } => "eve enrols with a token whose maker leon was frozen before", "no invitation that works";
        "with one by somebody who may no longer invite", |night| {
            let token = night.invites_by("leon", "eve");
            night.loads(&POLICY.replace("invite = [\"job:engineer\"]", "invite = [\"mia\"]"));
            night.forgets_key("eve");
            night.redeems("eve", &token);
        } => "to whom the policy in force does not give `invite`", "leon, who made the token, may not invite";
        "a guard with one by somebody who was removed since", |night| {
            let token = night.invites_guard_by("leon", "web-1");
            night.about("mia", "person.removed", "leon");
            night.guard_redeems("web-1", &token);
        } => "enrols with a token whose maker leon was removed before", "no invitation that works";
        "with a key that another signed for", |night| {
            let token = night.invites("leon");
            night.forgets_key("leon");
            night.redeems("leon", &token);
            let other = night.key("mia").id();
            night.changes(night.last(), |entry| entry["signed"]["key"] = json!(other));
        } => "is signed with another", "the key's id is not its hash";
        "with a key that has another name", |night| {
            let token = night.invites("leon");
            night.forgets_key("leon");
            night.redeems("leon", &token);
            let other = night.key("mia").id();
            night.changes(night.last(), |entry| entry["key"] = json!(other));
        } => "the public key is not the one its id names", "the key's id is not its hash";
        "in the words of somebody else", |night| {
            let token = night.invites("leon");
            night.forgets_key("leon");
            night.redeems_as("leon", &token, ORIGIN, "mia");
        } => "leon acts on a statement of `mia`", "not this person's statement";
        "with a token that was made before", |night| {
            let used = format!("{:064x}", 2);
            let body = json!({"person": "leon", "token": used, "expires_at": night.minutes(60)});
            night.by_broker("person.invited", body);
        } => "was made before", "the token was made before";
        "for another token than the one signed", |night| {
            let (token, other) = (night.invites("leon"), night.invites("leon"));
            night.forgets_key("leon");
            night.redeems("leon", &token);
            night.changes(night.last(), |entry| entry["token"] = json!(other));
        } => "was signed, and 0000", "was signed, and 0000";
    });
}

#[test]
fn who_is_stopped_does_nothing_and_has_nothing() {
    each_is_found(forgeries! {
        "a frozen approver says yes", |night| {
            let of = night.asks("G-1", "drop-db");
            night.about("mia", "person.frozen", "leon");
            night.approves(&of);
        } => "leon is frozen, and grant.started is by them", "leon is frozen";
        "who is frozen keeps a grant", |night| {
            night.approved("G-1");
            night.about("leon", "person.frozen", "mia");
        } => "person.frozen, and G-1 of mia lives on", "mia still has ['G-1']";
        "who is removed keeps a grant", |night| {
            night.approved("G-1");
            night.about("leon", "person.removed", "mia");
        } => "person.removed, and G-1 of mia lives on", "mia still has ['G-1']";
        "who was removed says yes", |night| {
            let of = night.asks("G-1", "drop-db");
            night.about("mia", "person.removed", "leon");
            night.approves(&of);
        } => "is not enrolled at this place", "signed by a key that is not enrolled";
        "a removal by nobody", |night| {
            night.by_broker("person.removed", json!({"person": "eve", "reason": "no longer in the policy"}));
        } => "no policy was loaded just then that would take eve away", "no policy was loaded";
        "a freeze by nobody", |night| {
            night.by_broker("person.frozen", json!({"person": "eve", "reason": "stolen"}));
        } => "no person.frozen is ever by breakglass", "person.frozen by breakglass without a statement";
        "a freeze by somebody without the duty", |night| {
            night.about("eve", "person.frozen", "leon");
        } => "to whom the policy in force does not give `freeze`", "eve has not the duty `freeze`";
        "the lifting of one's own", |night| {
            night.about("leon", "person.frozen", "leon");
            night.about("leon", "person.unfrozen", "leon");
        } => "leon is frozen", "leon is frozen";
        "the lifting of what is not there", |night| {
            night.about("leon", "person.unfrozen", "eve");
        } => "the freeze of eve is lifted and there is none", "eve is not frozen";
        "a certificate on somebody else's key", |night| {
            let key = night.key("mia").id();
            let body = json!({"person": "eve", "key": key, "serial": "0b", "certificate_expires_at": night.minutes(9)});
            night.adds("certificate.renewed", "eve", body, None);
        } => "eve renews a certificate of a key that is not theirs", "a certificate of another key";
    });
}
