//! `glass status`

use breakglass_proto::v1;
use jiff::Timestamp;
use serde_json::json;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    grant, moments,
    output::Printer,
    session::Session,
    show, time, view,
};

/// How things stand: incidents, requests, live access, and what is wrong
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass status
  glass status -o json | jq '.active[].person'")]
pub struct Args {}

/// Asks, checks the checkpoint, and shows one screen.
///
/// # Errors
/// As [`Seat::session`]; [`Error::Unverified`].
pub async fn run(_: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let status = session.status().await?;
    let view = json!({
        "server": session.context().server,
        "version": status.version,
        "broker_time": view::at(status.broker_time.as_ref()),
        "started_at": view::at(status.started_at.as_ref()),
        "policy_sha256": status.policy_sha256,
        "checkpoint": status.checkpoint,
        "incidents": view::incidents(&status.incidents),
        "waiting": view::grants(&status.waiting),
        "active": view::grants(&status.active),
        "frozen": status.frozen,
        "problems": status.problems,
        "reviews": view::owed_reviews(&status.reviews),
        "drills": status.drills.as_ref().map(|drills| view::drills(drills, session.now())),
    });
    seat.printer
        .answer(&view, |printer| say(printer, &session, &status));
    Ok(DONE)
}

fn say(printer: &Printer, session: &Session, status: &v1::GetStatusResponse) {
    let now = session.now();
    for problem in &status.problems {
        printer.bad(moments::of_problem(problem, now));
    }
    if status.incidents.iter().all(|incident| incident.drill) {
        printer.good("No open incident: nothing can be asked for.");
    }
    // What is broken stands before what is practised.
    let (drills, real): (Vec<_>, Vec<_>) = status.incidents.iter().partition(|it| it.drill);
    for incident in real.into_iter().chain(drills) {
        printer.heading(show::incident_in(incident, now, printer.width()));
    }
    list(printer, "Waiting for a yes", &status.waiting, now);
    for request in &status.waiting {
        if let Some(alone) = grant::alone_from(request, now) {
            let id = &request.id;
            printer.line(format!(
                "{id}: {alone}. Anybody can stop that: glass veto {id} -m \"why\""
            ));
        }
    }
    list(printer, "Live access", &status.active, now);
    let mine = |grant: &&v1::Grant| grant.person == session.person();
    for grant in status.active.iter().filter(mine) {
        if let Some(line) = show::is_yours(grant) {
            printer.line(line);
        }
    }
    let alone = |grant: &&v1::Grant| grant.basis() == v1::GrantBasis::SelfGranted;
    for grant in status.active.iter().filter(alone) {
        let id = &grant.id;
        printer.bad(format!(
            "{id} was begun alone. Anybody can stop it: glass veto {id} -m \"why\""
        ));
    }
    if status.active.is_empty() && !status.incidents.is_empty() {
        printer.line("No live access.");
    }
    if !status.frozen.is_empty() {
        printer.bad(format!("Frozen: {}", grant::listed(&status.frozen, "and")));
    }
    for owed in &status.reviews {
        printer.line(show::owed_review(owed, now));
    }
    if let Some(drills) = &status.drills {
        let line = show::drills(drills, now);
        match drills.overdue {
            true => printer.bad(line),
            false => printer.line(line),
        }
    }
    let since = time::from_proto(status.started_at.as_ref())
        .map(|started| format!(", up {}", time::short(now.duration_since(started))))
        .unwrap_or_default();
    printer.aside(format!(
        "{} as {}; glassd {}{since}",
        session.context().server,
        session.person(),
        status.version
    ));
}

fn list(printer: &Printer, title: &str, grants: &[v1::Grant], now: Timestamp) {
    if grants.is_empty() {
        return;
    }
    printer.heading(title);
    show::grants(printer, grants, now);
}
