//! `glass targets list`

use breakglass_proto::v1;
use jiff::Timestamp;

use crate::{
    commands::{DONE, Seat},
    error::Error,
    output::Printer,
    show, time,
    view::TargetView,
};

/// Every target of the policy, whether its guard attends, and who is in there
///
/// A session whose grant is over and whose end nobody has seen stands there in red: its guard is
/// away, or could not end it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  glass targets list
  glass targets list -o json | jq '.[] | select(.attended | not) | .id'")]
pub struct Args {}

/// Lists them.
///
/// # Errors
/// As [`Seat::session`].
pub async fn run(_: Args, seat: &Seat) -> Result<u8, Error> {
    let session = seat.session().await?;
    let targets = session.targets().await?;
    let view: Vec<_> = targets.iter().map(TargetView::from).collect();
    seat.printer
        .answer(&view, |printer| show_all(printer, &targets, session.now()));
    Ok(DONE)
}

fn show_all(printer: &Printer, targets: &[v1::Target], now: Timestamp) {
    if targets.is_empty() {
        printer.line("The policy has no targets; see docs/policy.md for how to name one.");
        return;
    }
    let rows: Vec<_> = targets.iter().map(row).collect();
    printer.table(&["TARGET", "KIND", "ADDRESS", "GUARD"], &rows);
    let sessions: Vec<_> = targets.iter().flat_map(|target| &target.sessions).collect();
    if !sessions.is_empty() {
        printer.line("");
    }
    for session in sessions {
        show_session(printer, session, now);
    }
    for target in targets {
        for role in &target.roles {
            printer.line(format!("role {role} is in {}", target.id));
        }
    }
}

fn row(target: &v1::Target) -> Vec<String> {
    vec![
        target.id.clone(),
        target.kind.clone(),
        target.address.clone(),
        guard(target),
    ]
}

/// Who cuts sessions there: a guard, or the broker itself, or nobody.
fn guard(target: &v1::Target) -> String {
    let is_guarded = matches!(target.kind.as_str(), "ssh" | "http");
    match (target.attended, target.guards.len()) {
        (true, _) => "attends".to_owned(),
        (false, 0) if is_guarded => format!("NONE: glass targets invite {}", target.id),
        (false, 0) => "needs none".to_owned(),
        (false, _) => "AWAY: look at its host".to_owned(),
    }
}

/// In red where it is to be over.
fn show_session(printer: &Printer, session: &v1::Session, now: Timestamp) {
    let v1::Session {
        id,
        grant,
        person,
        login,
        target,
        ..
    } = session;
    let since = show::when(session.opened_at.as_ref(), now);
    let head = format!("{id}  {person} as {login} on {target} under {grant}, since {since}");
    match time::from_proto(session.over_at.as_ref()) {
        None => printer.line(head),
        Some(over) => printer.bad(format!(
            "{head}; its grant ended {}, and nobody has seen it end",
            time::local_and_relative(over, now)
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::output::Format;

    fn target(id: &str, kind: &str) -> v1::Target {
        v1::Target {
            id: id.into(),
            kind: kind.into(),
            address: format!("{id}.shop.example:22"),
            ..v1::Target::default()
        }
    }

    fn session(id: &str, over_at: Option<&str>) -> v1::Session {
        let at = |text: &str| time::to_proto(text.parse().unwrap());
        v1::Session {
            id: id.into(),
            grant: "G-45".into(),
            person: "mia".into(),
            login: "deploy\u{1b}[2J".into(),
            target: "web-1".into(),
            opened_at: Some(at("2026-11-23T03:05:00Z")),
            over_at: over_at.map(at),
        }
    }

    fn screen(targets: &[v1::Target]) -> String {
        let (out, err) = <(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Vec<u8>>>)>::default();
        let printer = Printer::to_buffers(Format::Text, out.clone(), err);
        let now = "2026-11-23T03:15:00Z".parse().unwrap();
        show_all(&printer, targets, now);
        let said = out.lock().unwrap().clone();
        String::from_utf8(said).unwrap()
    }

    #[test]
    fn who_guards_what_is_said_with_the_next_command() {
        let guards = vec![v1::Device::default()];
        let all = [
            v1::Target {
                guards: guards.clone(),
                attended: true,
                ..target("web-1", "ssh")
            },
            v1::Target {
                guards,
                ..target("web-2", "ssh")
            },
            target("web-3", "http"),
            target("shop-db", "postgres"),
        ];
        let said = screen(&all);
        for (id, guard) in [
            ("web-1", "attends"),
            ("web-2", "AWAY: look at its host"),
            ("web-3", "NONE: glass targets invite web-3"),
            ("shop-db", "needs none"),
        ] {
            let line = said.lines().find(|line| line.starts_with(id));
            assert!(line.is_some_and(|line| line.ends_with(guard)), "{said}");
        }
        assert!(screen(&[]).contains("no targets"));
    }

    #[test]
    fn who_is_in_there_stands_below_and_what_a_host_says_is_data() {
        let web = v1::Target {
            attended: true,
            sessions: vec![
                session("S-7", None),
                session("S-8", Some("2026-11-23T03:14:00Z")),
            ],
            roles: vec!["breakglass_g45_1".into()],
            ..target("web-1", "ssh")
        };
        let said = screen(&[web]);
        let line = |id: &str| said.lines().find(|line| line.starts_with(id)).unwrap();
        assert!(line("S-7").contains("mia as deploy\\u{1b}[2J on web-1 under G-45"));
        assert!(!line("S-7").contains("ended"));
        let over = line("S-8");
        assert!(over.contains("its grant ended"), "{over}");
        assert!(over.ends_with("and nobody has seen it end"), "{over}");
        assert!(said.contains("role breakglass_g45_1 is in web-1"), "{said}");
    }
}
