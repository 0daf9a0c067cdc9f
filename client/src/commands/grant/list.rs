//! `glass grants`

use breakglass_proto::v1;

use crate::{
    commands::{DONE, Seat, more, warn_of_the_unheard_of},
    error::Error,
    grant::veto_sentence,
    session::Session,
    show, text,
    view::{self, GrantView},
};

/// List live access and requests, or look at one
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  glass grants                       everything live, of everybody
  glass grants --mine --all          mine, also what has ended
  glass grants --awaiting            what waits for my yes
  glass grants show G-45             one, in full
  glass grants -o json | jq '.[] | select(.basis == \"self-granted\")'")]
pub struct Args {
    #[command(subcommand)]
    one: Option<Command>,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, clap::Args)]
struct Filter {
    /// Also those that have ended
    #[arg(long)]
    all: bool,
    /// Only this person's
    #[arg(long, value_name = "PERSON", conflicts_with = "mine")]
    person: Option<String>,
    /// Only mine
    #[arg(long)]
    mine: bool,
    /// Only this right's
    #[arg(long, value_name = "RIGHT")]
    right: Option<String>,
    /// Only this incident's
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// Only those that wait for my yes
    #[arg(long)]
    awaiting: bool,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(Show),
}

/// One grant or request, in full
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  glass grants show G-45")]
struct Show {
    /// Its id
    #[arg(value_name = "GRANT")]
    grant: String,
}

/// Lists, or shows one.
///
/// # Errors
/// As [`Seat::session`]; [`Error::Refused`] for an unknown grant.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    match args.one {
        Some(Command::Show(args)) => show_one(seat, &args.grant).await,
        None => list(seat, args.filter).await,
    }
}

async fn show_one(seat: &Seat, typed: &str) -> Result<u8, Error> {
    let id = text::grant_id(typed)?;
    let session = seat.session().await?;
    let grant = session.grant(&id).await?;
    let vetoed = session.vetoed_before(&grant).await?;
    let next = handing(&session, &grant).await?;
    let view = One {
        grant: GrantView::from(&grant),
        handing: next.as_ref().map(GrantView::from),
    };
    seat.printer.answer(&view, |printer| {
        show::grant(printer, &grant, session.now());
        if let Some(vetoed) = &vetoed {
            show::fact(printer, "vetoed", &veto_sentence(vetoed));
        }
        if let Some(next) = &next {
            show::fact(printer, "goes", &show::goes_over(next));
        }
    });
    Ok(DONE)
}

/// One grant for scripts, and the request that hands it over, while one waits.
#[derive(serde::Serialize)]
struct One<'a> {
    #[serde(flatten)]
    grant: GrantView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handing: Option<GrantView<'a>>,
}

/// The request that waits to hand it over.
async fn handing(session: &Session, grant: &v1::Grant) -> Result<Option<v1::Grant>, Error> {
    if grant.state() != v1::GrantState::Active {
        return Ok(None);
    }
    let request = v1::ListGrantsRequest {
        right: grant.right.clone(),
        incident: grant.incident.clone(),
        ..v1::ListGrantsRequest::default()
    };
    let live = session.list_grants(request, MOST_LIVE).await?;
    Ok(live.into_iter().find(|it| it.from_grant == grant.id))
}

/// More are hardly live at once for one right under one incident.
const MOST_LIVE: usize = 500;

async fn list(seat: &Seat, filter: Filter) -> Result<u8, Error> {
    let session = seat.session().await?;
    let limit = filter.limit as usize;
    let request = filter.request(&session);
    // One more says whether there are more.
    let mut grants = session.list_grants(request.clone(), limit + 1).await?;
    let has_more = grants.len() > limit;
    grants.truncate(limit);
    if grants.is_empty() {
        let alone = v1::ListEntriesRequest {
            person: request.person,
            right: request.right,
            incident: request.incident,
            ..v1::ListEntriesRequest::default()
        };
        warn_of_the_unheard_of(seat, &session, &alone).await?;
    }
    seat.printer.answer(&view::grants(&grants), |printer| {
        show::grants(printer, &grants, session.now());
        if grants.is_empty() {
            printer.line("None.");
        }
    });
    if has_more {
        seat.printer.note(more(limit));
    }
    Ok(DONE)
}

impl Filter {
    fn request(self, session: &Session) -> v1::ListGrantsRequest {
        let person = match self.mine {
            true => session.person().to_owned(),
            false => self.person.unwrap_or_default(),
        };
        v1::ListGrantsRequest {
            include_ended: self.all,
            person,
            right: self.right.unwrap_or_default(),
            incident: self.incident.unwrap_or_default(),
            awaiting_me: self.awaiting,
            ..v1::ListGrantsRequest::default()
        }
    }
}
