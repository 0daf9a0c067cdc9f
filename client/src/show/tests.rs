//! What is shown, as it is read.

use std::sync::{Arc, Mutex};

use super::*;
use crate::output::Format;

fn printed(print: impl FnOnce(&Printer)) -> String {
    let (out, err) = <(Arc<Mutex<Vec<u8>>>, Arc<Mutex<Vec<u8>>>)>::default();
    print(&Printer::to_buffers(Format::Text, out.clone(), err));
    String::from_utf8(out.lock().unwrap().clone()).unwrap()
}

fn stamp(text: &str) -> Option<prost_types::Timestamp> {
    Some(time::to_proto(text.parse().unwrap()))
}

#[test]
fn an_incident_whose_alert_is_over_says_when_it_closes_or_that_it_is_held() {
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let mut incident = v1::Incident {
        id: "INC-14".into(),
        title: "the queue is full".into(),
        opened_by: "source:pager".into(),
        closes_at: stamp("2026-11-23T03:15:00Z"),
        ..v1::Incident::default()
    };
    let says = |incident: &v1::Incident| incident_line(incident, now);
    assert!(!says(&incident).contains("alert"), "it still fires");
    incident.resolved = true;
    let line = says(&incident);
    assert!(line.contains("; its alert is over: closes "), "{line}");
    assert!(line.contains("in 10m"), "{line}");
    incident.held = true;
    incident.held_by = "leon".into();
    let line = says(&incident);
    assert!(
        line.ends_with("; its alert is over, and leon holds it open)"),
        "{line}"
    );
    incident.resolved = false;
    let line = says(&incident);
    assert!(line.ends_with("; held open by leon)"), "{line}");
}

#[test]
fn a_long_title_is_cut_to_the_terminal_and_nothing_behind_it() {
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let incident = v1::Incident {
        id: "INC-14".into(),
        title: "ß".repeat(250),
        opened_by: "mia".into(),
        ..v1::Incident::default()
    };
    let line = incident_in(&incident, now, 80);
    assert_eq!(columns(&line), 80, "{line}");
    assert!(line.ends_with("…  (opened by mia)"), "{line}");
    let narrow = incident_in(&incident, now, 10);
    assert_eq!(narrow.matches('ß').count(), TITLE_LEAST - 1, "{narrow}");
    let whole = incident_line(&incident, now);
    assert_eq!(whole.matches('ß').count(), 250, "no terminal, no end");
}

#[test]
fn an_approver_reads_first_that_it_is_a_drill() {
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let incident = v1::Incident {
        id: "INC-14".into(),
        drill: true,
        ..v1::Incident::default()
    };
    let mut asked = v1::Grant {
        id: "G-46".into(),
        drill: true,
        ..v1::Grant::default()
    };
    let lines = request(&asked, &incident, (true, now));
    assert!(
        lines[1].starts_with("  DRILL: nothing is broken"),
        "{lines:?}"
    );
    asked.drill = false;
    assert!(!request(&asked, &incident, (true, now))[1].contains("DRILL"));
}

#[test]
fn how_long_ago_the_last_good_drill_was() {
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let outcome = |incident: &str, at: &str, good| v1::DrillOutcome {
        incident: incident.into(),
        by: "mia".into(),
        at: stamp(at),
        good,
    };
    let mut said = v1::Drills {
        overdue: true,
        ..v1::Drills::default()
    };
    let next = "it is time: glass drill access -- COMMAND";
    assert_eq!(drills(&said, now), format!("No good drill yet; {next}"));
    said.last = Some(outcome("INC-3", "2026-10-19T03:05:01Z", false));
    let told = drills(&said, now);
    assert!(told.starts_with("No good drill yet; the newest, INC-3 by mia, was not good;"));
    said.last_good = Some(outcome("INC-4", "2026-10-20T03:05:01Z", true));
    said.last = Some(outcome("INC-5", "2026-11-01T00:00:00Z", false));
    assert_eq!(
        drills(&said, now),
        format!(
            "Last good drill 33 days ago: INC-4 by mia; the newest, INC-5 by mia, was not \
             good; {next}"
        )
    );
    said.overdue = false;
    said.last_good = Some(outcome("INC-6", "2026-11-23T03:00:00Z", true));
    said.last = said.last_good.clone();
    let at = time::local_and_relative("2026-11-23T03:00:00Z".parse().unwrap(), now);
    assert_eq!(
        drills(&said, now),
        format!("Last good drill at {at}: INC-6 by mia")
    );
}

#[test]
fn whom_it_goes_to_next_and_that_it_went_is_a_fact_of_its_own() {
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let mut asked = v1::Grant {
        id: "G-45".into(),
        state: v1::GrantState::Waiting.into(),
        approvers: vec!["leon".into()],
        escalation: Some(v1::Escalation {
            at: stamp("2026-11-23T03:10:00Z"),
            approvers: vec!["founder".into()],
            escalated_at: None,
        }),
        ..v1::Grant::default()
    };
    let screen = printed(|printer| grant(printer, &asked, now));
    assert!(
        screen.contains("  then       goes to founder too at "),
        "{screen}"
    );
    assert!(!screen.contains("escalated"), "{screen}");
    let list = printed(|printer| grants(printer, std::slice::from_ref(&asked), now));
    assert!(list.contains("waits for leon, then founder"), "{list}");
    asked.escalation.as_mut().unwrap().escalated_at = stamp("2026-11-23T03:04:00Z");
    asked.approvers.push("founder".into());
    let screen = printed(|printer| grant(printer, &asked, now));
    assert!(
        screen.contains("  waits for  leon or founder\n"),
        "{screen}"
    );
    assert!(screen.contains("  escalated  to founder too, "), "{screen}");
    assert!(
        screen.contains("(1m ago): nobody had answered\n"),
        "{screen}"
    );
    let at_once = stamp("2026-11-23T03:04:00Z");
    let lines = request(&asked, &v1::Incident::default(), (true, now)).join("\n");
    asked.requested_at = at_once;
    let screen = printed(|printer| grant(printer, &asked, now));
    assert!(
        screen.contains("to founder, at once: nobody else was there"),
        "{screen}"
    );
    assert!(lines.contains("  escalated  to founder too, "), "{lines}");
}

#[test]
fn a_requester_cannot_style_the_screen_of_the_approver() {
    let now = "2026-11-23T03:05:00Z".parse().unwrap();
    let asked = v1::Grant {
        id: "G-45".into(),
        person: "mia".into(),
        right: "deploy-shop".into(),
        sentence: "deploy the shop app".into(),
        incident: "INC-12".into(),
        reason: "fix\n  state      active\u{1b}[31m".into(),
        state: v1::GrantState::Waiting.into(),
        approvers: vec!["leon".into()],
        lapses_at: stamp("2026-11-23T03:20:00Z"),
        ..v1::Grant::default()
    };
    let screen = printed(|printer| grant(printer, &asked, now));
    assert!(screen.starts_with("G-45  mia to deploy the shop app\n  state      waiting\n"));
    assert!(
        screen.contains("  reason     fix\\n  state      active\\u{1b}[31m\n"),
        "{screen}"
    );
    assert!(screen.contains("  waits for  leon\n"), "{screen}");
    assert!(screen.contains("(in 15m)"), "{screen}");
}
