//! `glass drill access`

use std::ffi::OsString;

use breakglass_proto::v1;
use jiff::SignedDuration;

use super::{
    pace::Budgets,
    said,
    walk::{Plan, Walk},
};
use crate::{
    commands::{DONE, Seat},
    error::{Error, exit},
    exec::Task,
    grant::listed,
    session::Session,
    text, time,
};

/// Walk the emergency path now, and time each step
///
/// Opens an incident that is marked as a drill, asks for the right, waits for the approver, runs the
/// command with what the right gives, closes, waits until every session is over, and proves that all
/// of it is in the ledger. Each step has its time by the policy; how it went is recorded, and
/// `glass status` shows when the last good one was. A drill unlocks only what the policy lists for
/// drills: rights that lead where nothing can break.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass drill access -- ./deploy --dry-run
  glass drill access shell-canary -m \"new approver\" -- ssh canary-1 true
  glass drill access -o json -- curl -fsS https://canary.shop.example/ping

The command finds its credential where `glass exec` puts it, and GLASS_DRILL=1 beside. Ctrl-C ends
the drill: it is closed, and recorded as not good.

Exit codes: 0 it was good; 1 it was not; 86 the ledger does not verify.")]
pub struct Args {
    /// The right; left out: the only one that drills unlock and you can ask for
    #[arg(value_name = "RIGHT")]
    right: Option<String>,
    /// Why now; approver and ledger see it
    #[arg(short = 'm', long, value_name = "TEXT")]
    reason: Option<String>,
    /// Program and arguments: the use of the credential
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What is said where nothing is.
const USUAL: &str = "the emergency path";

/// Long enough for every step; it ends with the closing.
const LENGTH: SignedDuration = SignedDuration::from_mins(15);

/// Looks everything up, so that a drill is not opened in vain; then walks it.
///
/// # Errors
/// Where no drill was opened, why; and where the broker turned out to be untrue.
pub async fn run(args: Args, seat: &Seat) -> Result<u8, Error> {
    let typed = args.reason.as_deref().map(text::title).transpose()?;
    let right = args.right.as_deref().map(text::right_id).transpose()?;
    let task = task(args.command)?;
    let session = seat.session().await?;
    let drills = session.status().await?.drills.ok_or_else(no_drills)?;
    let right = chosen(&session, &drills, right.as_deref()).await?;
    need_answers(&right)?;
    let longest = time::length_from_proto(right.longest.as_ref()).unwrap_or(LENGTH);
    let plan = Plan {
        length: LENGTH.min(longest),
        right,
        title: typed.unwrap_or_else(|| USUAL.to_owned()),
        task,
        budgets: Budgets::of(&drills),
    };
    let walked = Walk::begin(seat, session, &plan).await?.walked().await?;
    said::outcome(seat, &walked);
    if let Some(untrue) = walked.untrue {
        return Err(untrue);
    }
    Ok(if walked.good { DONE } else { exit::OTHER })
}

/// What uses the credential: without it nothing would be known of the target.
fn task(command: Vec<OsString>) -> Result<Task, Error> {
    if command.is_empty() {
        return Err(Error::usage(
            "a drill uses what it is given, and no command was: that the target takes the credential \
             would not be known",
            "say what to run, for example: glass drill access -- ssh canary-1 true",
        ));
    }
    let task = Task::Run(command);
    task.check()?;
    Ok(task)
}

/// The right that was named, else the only one that can be asked for in a drill.
async fn chosen(
    session: &Session,
    drills: &v1::Drills,
    typed: Option<&str>,
) -> Result<v1::Verdict, Error> {
    let can = session.can("", typed.unwrap_or_default()).await?;
    let unlocked = |it: &v1::Verdict| drills.rights.contains(&it.right);
    let mut found: Vec<_> = can.verdicts.into_iter().collect();
    if let Some(typed) = typed {
        found.retain(|it| it.right == typed);
        let verdict = found.pop();
        let verdict =
            verdict.ok_or_else(|| Error::broken_answer("it says nothing about the right"))?;
        return match (unlocked(&verdict), verdict.allowed) {
            (true, true) => Ok(verdict),
            (true, false) => Err(Error::refused(
                "NOT_ALLOWED",
                text::plain(&verdict.explanation),
                "see what you can do: glass can",
            )),
            (false, _) => Err(not_for_drills(typed, &drills.rights)),
        };
    }
    found.retain(|it| unlocked(it) && it.allowed);
    match found.len() {
        0 => Err(Error::refused(
            "NOT_ALLOWED",
            format!(
                "drills unlock {}, and no rule gives you any of it",
                listed(&drills.rights, "and")
            ),
            "see what you can do: glass can",
        )),
        1 => Ok(found.remove(0)),
        _ => {
            let rights: Vec<_> = found.iter().map(|it| it.right.clone()).collect();
            Err(Error::usage(
                format!(
                    "drills unlock several rights of yours: {}",
                    listed(&rights, "and")
                ),
                format!("say which one: glass drill access {} -- COMMAND", rights[0]),
            ))
        }
    }
}

/// What begins without anybody's yes is held up while answers are late, in a drill too: better to know
/// before one is open.
fn need_answers(right: &v1::Verdict) -> Result<(), Error> {
    if right.held_up.is_empty() {
        return Ok(());
    }
    let why = text::plain(&right.held_up);
    let why = why.trim_end_matches('.');
    Err(Error::refused(
        "REVIEW_DEBT",
        format!("{why}: a drill would fail at `ask`, so none was opened"),
        text::plain(&right.held_up_next),
    ))
}

fn not_for_drills(right: &str, rights: &[String]) -> Error {
    Error::refused(
        "DRILL_RIGHT",
        format!("the policy lets no drill unlock `{}`", text::plain(right)),
        format!("drills unlock {}", listed(rights, "and")),
    )
}

fn no_drills() -> Error {
    Error::refused(
        "NO_DRILLS",
        "the policy has no `[drills]`, so there is nothing that a drill may unlock",
        "add `[drills]` with `rights` to the policy, and reload it: docs/operating/drills.md",
    )
}
