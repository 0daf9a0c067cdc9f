//! What asking for a right takes, whether it is only requested, run under, or turned into a token.

use breakglass_proto::v1;
use jiff::SignedDuration;

use crate::{
    commands::{Seat, incident, length, reason},
    error::Error,
    grant,
    output::Printer,
    session::Session,
    stream::{News, Resumed},
    text, time,
    watching::Watching,
};

/// Flags of everything that asks for a right.
#[derive(Debug, Clone, clap::Args)]
pub struct Asking {
    /// The incident; left out: the only open one [env: GLASS_INCIDENT]
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// Why; the approver and the ledger see it
    #[arg(short = 'm', long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// How long, counted from the approval; left out: 15m, or less where the right allows less
    #[arg(long = "for", value_name = "LENGTH", value_parser = length, allow_hyphen_values = true)]
    pub length: Option<SignedDuration>,
    /// Do not wait for an approver: exit 81 where a yes is needed
    #[arg(long)]
    pub no_wait: bool,
}

/// The usual length of a grant: enough for a look and a fix, short enough to forget.
const USUAL_LENGTH: SignedDuration = SignedDuration::from_mins(15);

/// A right about to be asked for: everything was checked and looked up.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The right with its sentence.
    pub right: v1::Verdict,
    /// Under which incident.
    pub incident: String,
    /// Why.
    pub reason: String,
    /// For how long.
    pub length: SignedDuration,
    /// What somebody handed over to the caller, to use in its place.
    pub handed: Option<v1::Grant>,
}

impl Asking {
    /// Checks what can be checked here, looks up the right's sentence and the incident, and asks
    /// for what was left out where somebody is there.
    ///
    /// # Errors
    /// [`Error::Usage`], [`Error::NoOpenIncident`], [`Error::Refused`] for an unknown right.
    pub async fn look_up(
        &self,
        seat: &Seat,
        session: &Session,
        right: &str,
    ) -> Result<Asked, Error> {
        let (right, incident) = self.named(seat, session, right).await?;
        self.to_ask(seat, right, incident)
    }

    /// The right, and the incident it is asked for under.
    async fn named(
        &self,
        seat: &Seat,
        session: &Session,
        right: &str,
    ) -> Result<(v1::Verdict, String), Error> {
        let right = session.right(right).await?;
        let named = self.incident.as_deref();
        let incident = incident::chosen(seat, session, named, "--incident").await?;
        Ok((right, incident))
    }

    /// The same for what is used at once: where somebody handed their access over to the caller, that
    /// is used, and nobody is asked for anything.
    ///
    /// # Errors
    /// As [`Asking::look_up`].
    pub async fn look_up_to_use(
        &self,
        seat: &Seat,
        session: &Session,
        right: &str,
    ) -> Result<Asked, Error> {
        let (right, incident) = self.named(seat, session, right).await?;
        let Some(grant) = handed_over(session, &right.right, &incident).await? else {
            return self.to_ask(seat, right, incident);
        };
        if self.reason.is_some() || self.length.is_some() {
            let (id, by) = (&grant.id, &grant.from_person);
            seat.printer.note(format!(
                "nothing is asked for: {id} was handed over by {by}, with their reason and to its own end; -m and \
                 --for are left out"
            ));
        }
        Ok(Asked {
            right,
            incident,
            reason: grant.reason.clone(),
            length: time::length_from_proto(grant.length.as_ref()).unwrap_or(USUAL_LENGTH),
            handed: Some(grant),
        })
    }

    fn to_ask(&self, seat: &Seat, right: v1::Verdict, incident: String) -> Result<Asked, Error> {
        let reason = reason(seat, self.reason.as_deref())?;
        let longest = time::length_from_proto(right.longest.as_ref()).unwrap_or(USUAL_LENGTH);
        let length = self.length.unwrap_or(USUAL_LENGTH.min(longest));
        Ok(Asked {
            right,
            incident,
            reason,
            length,
            handed: None,
        })
    }

    /// What can be checked before anybody is called: a reason of 10 MB never leaves the laptop.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn check(&self) -> Result<(), Error> {
        self.reason
            .as_deref()
            .map(text::reason)
            .transpose()
            .map(drop)
    }
}

/// What somebody handed over to the caller for a right under an incident: the active one with the most
/// time, else one that waits.
async fn handed_over(
    session: &Session,
    right: &str,
    incident: &str,
) -> Result<Option<v1::Grant>, Error> {
    let request = v1::ListGrantsRequest {
        person: session.person().to_owned(),
        right: right.to_owned(),
        incident: incident.to_owned(),
        ..v1::ListGrantsRequest::default()
    };
    let own = session.list_grants(request, MOST_OWN).await?;
    let handed = own.into_iter().filter(|it| !it.from_grant.is_empty());
    let rank = |grant: &v1::Grant| {
        let is_active = grant.state() == v1::GrantState::Active;
        (is_active, time::from_proto(grant.ends_at.as_ref()))
    };
    Ok(handed.max_by_key(rank))
}

/// As many live grants as one person can have.
const MOST_OWN: usize = 256;

/// Waits until a request begins; `from` is the first entry not seen yet.
///
/// # Errors
/// [`Error::Denied`] where the approver says no or nobody answers, [`Error::Ended`] where the
/// incident closes meanwhile, [`Error::Waiting`] for Ctrl-C: the request then still stands.
pub async fn until_begun(
    session: &Session,
    printer: &Printer,
    request: v1::Grant,
    from: u64,
) -> Result<v1::Grant, Error> {
    if request.state() == v1::GrantState::Active {
        return Ok(request);
    }
    let mut grant = request;
    let spinner = printer.spinner(waits_for(&grant, session));
    let watching = Watching {
        grant: grant.id.clone(),
        ..Watching::default()
    };
    let mut stream = Resumed::new(session, watching, Some(from));
    loop {
        match grant.state() {
            v1::GrantState::Active => return Ok(grant),
            v1::GrantState::Ended => {
                return Err(Error::of_ended(&grant).unwrap_or_else(|| {
                    Error::broken_answer("a request ended without saying why")
                }));
            }
            _ => {}
        }
        let news = tokio::select! {
            news = stream.next() => news?,
            _ = tokio::signal::ctrl_c() => return Err(still_stands(&grant)),
        };
        match news {
            News::Came(event) => {
                grant = event.grant.unwrap_or(grant);
                spinner.say(waits_for(&grant, session));
            }
            News::Lost(error) => spinner.say(format!("{error}; trying again")),
        }
    }
}

/// The grant named, else the caller's only live one.
///
/// # Errors
/// [`Error::Usage`] where there are several, or none.
pub async fn own_grant(session: &Session, typed: Option<&str>) -> Result<String, Error> {
    if let Some(id) = typed {
        return text::grant_id(id);
    }
    let person = session.person().to_owned();
    let request = v1::ListGrantsRequest {
        person,
        ..v1::ListGrantsRequest::default()
    };
    let live = session.list_grants(request, 50).await?;
    match live.as_slice() {
        [only] => Ok(only.id.clone()),
        [] => Err(Error::usage(
            "you have no live access and no request",
            "see what was: glass grants --mine --all",
        )),
        several => {
            let ids: Vec<_> = several.iter().map(|grant| grant.id.clone()).collect();
            Err(Error::usage(
                format!("you have several: {}", grant::listed(&ids, "and")),
                "say which one; see them with: glass grants --mine",
            ))
        }
    }
}

fn waits_for(grant: &v1::Grant, session: &Session) -> String {
    let lapses = time::from_proto(grant.lapses_at.as_ref())
        .map(|at| format!("; lapses at {}", time::local(at, session.now())))
        .unwrap_or_default();
    let next = grant::next_asked(grant, session.now()).map(|next| format!("; {next}"));
    let lapses = next.unwrap_or_default() + &lapses;
    if grant::hopeless(grant).is_some() {
        let who = grant::asked(grant);
        return format!(
            "{} waits for {who}, and nobody can answer: Ctrl-C, then ask again",
            grant.id
        );
    }
    if let Some(needed) = grant::still_needed(grant) {
        return format!("{} still needed: {needed}{lapses}", grant.id);
    }
    format!(
        "{} waits for {} to run `glass approve`{lapses}",
        grant.id,
        grant::approvers(grant)
    )
}

fn still_stands(grant: &v1::Grant) -> Error {
    Error::Waiting {
        what: format!("not waiting any more; {} still waits", grant.id),
        next: format!(
            "take it back: glass drop {id}. Look: glass grants show {id}",
            id = grant.id
        ),
    }
}
