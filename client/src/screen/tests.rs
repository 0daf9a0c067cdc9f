//! Whole screens, on a clock that is held.

mod several;

use breakglass_proto::v1;
use jiff::Timestamp;

use super::{
    keys::Key,
    model::{Decision, Mode, Model, Wish},
    paint::{fits, paint},
};
use crate::{output::canvas::Size, time, timeline::Item};

const WIDE: Size = Size {
    width: 80,
    height: 24,
};

fn now() -> Timestamp {
    "2026-11-23T12:05:00Z".parse().unwrap()
}

fn at(clock: &str) -> Option<prost_types::Timestamp> {
    let at: Timestamp = format!("2026-11-23T{clock}Z").parse().unwrap();
    Some(time::to_proto(at))
}

fn incident(id: &str, title: &str) -> v1::Incident {
    v1::Incident {
        id: id.into(),
        severity: v1::Severity::Sev2.into(),
        state: v1::IncidentState::Open.into(),
        title: title.into(),
        opened_by: "support".into(),
        opened_at: at("12:00:00"),
        ..v1::Incident::default()
    }
}

fn asked(id: &str, approver: &str) -> v1::Grant {
    v1::Grant {
        id: id.into(),
        person: "mia".into(),
        right: "migrate-shop-db".into(),
        sentence: "migrate the shop database".into(),
        incident: "INC-1".into(),
        reason: "drop the bad index".into(),
        rule: "engineers-db".into(),
        state: v1::GrantState::Waiting.into(),
        approvers: vec![approver.into()],
        lapses_at: at("12:19:59"),
        length: Some(prost_types::Duration {
            seconds: 900,
            nanos: 0,
        }),
        ..v1::Grant::default()
    }
}

fn live(id: &str, ends: &str) -> v1::Grant {
    v1::Grant {
        id: id.into(),
        person: "founder".into(),
        sentence: "deploy the shop app".into(),
        incident: "INC-1".into(),
        state: v1::GrantState::Active.into(),
        basis: v1::GrantBasis::FastPath.into(),
        ends_at: at(ends),
        ..v1::Grant::default()
    }
}

fn told(text: &str) -> Item {
    Item::from(&v1::WatchResponse {
        index: 7,
        at: at("12:04:00"),
        kind: "incident.noted".into(),
        text: text.into(),
        ..v1::WatchResponse::default()
    })
}

/// Leon's screen on a night with one of everything.
fn night() -> Model {
    let mut model = Model::new("leon".into(), "https://glass.example:8443".into(), WIDE);
    model.stands(v1::GetStatusResponse {
        incidents: vec![incident("INC-1", "the worker floods")],
        waiting: vec![asked("G-2", "leon")],
        active: vec![live("G-1", "12:14:12")],
        ..v1::GetStatusResponse::default()
    });
    model.happens(told("Sue on INC-1: queue at 40k."));
    model
}

/// The screen as text; the times of this laptop's wall as they are in London.
fn shown(model: &Model) -> String {
    let lines = paint(model, now());
    assert!(lines.len() <= model.size.height, "{lines:#?}");
    let text: Vec<_> = lines.iter().map(|line| line.text.trim_end()).collect();
    let text = text.join("\n");
    let text = text.trim_end_matches('\n').to_owned();
    [("12:04", false), ("12:05", true), ("12:20", false)]
        .iter()
        .fold(text, |text, (clock, with_seconds)| {
            let at: Timestamp = format!("2026-11-23T{clock}:00Z").parse().unwrap();
            let text = match with_seconds {
                true => text.replace(&time::clock(at), &format!("{clock}:00")),
                false => text,
            };
            text.replace(&time::local(at, now()), clock)
        })
}

fn press(model: &mut Model, keys: &str) -> Option<Wish> {
    let mut wish = None;
    for key in keys.chars() {
        let fits = fits(model, now());
        wish = model.key(Key::Char(key), fits);
    }
    wish
}

fn decides(model: &mut Model) {
    let Some(Wish::Look(id)) = press(model, "a") else {
        panic!("{model:#?}")
    };
    let incident = incident("INC-1", "the worker floods");
    let grant = asked(&id, "leon");
    model.looked(Ok(Decision { grant, incident }));
}

#[test]
fn a_night_at_80_by_24() {
    let screen = shown(&night());
    let gap = " ".repeat(80 - 52 - 8 - 1);
    let expected = format!(
        "glass watch  leon at https://glass.example:8443{gap}12:05:00
INCIDENTS
> INC-1  sev2  5m ago  the worker floods  (by support)
WAITING
  G-2  lapses 14:59  FOR YOU  mia to migrate the shop database (INC-1): drop th…
LIVE ACCESS
  G-1  ends 09:12  founder can deploy the shop app (INC-1)
LATEST
  12:04  Sue on INC-1: queue at 40k.",
    );
    let top: Vec<_> = screen.lines().take(9).collect();
    assert_eq!(
        top.join("\n").split_whitespace().collect::<Vec<_>>(),
        expected.split_whitespace().collect::<Vec<_>>()
    );
    assert_eq!(screen.lines().count(), 24);
    assert_eq!(
        screen.lines().last(),
        Some("a approve  d deny  n note  c close  up/down choose  ? help  q quit")
    );
}

#[test]
fn an_incident_says_when_it_closes_or_that_it_is_held() {
    let row = |change: &dyn Fn(&mut v1::Incident)| {
        let mut model = night();
        let mut incident = incident("INC-1", &"the worker floods ".repeat(9));
        incident.closes_at = at("12:20:00");
        incident.held_by = "leon".into();
        change(&mut incident);
        model.stands(v1::GetStatusResponse {
            incidents: vec![incident],
            ..v1::GetStatusResponse::default()
        });
        let screen = shown(&model);
        screen.lines().nth(2).unwrap().to_owned()
    };
    let fires = row(&|_| {});
    assert!(
        fires.starts_with("> INC-1  sev2  5m ago  the worker"),
        "{fires}"
    );
    // Ahead of the title: a narrow terminal cuts that.
    let over = row(&|it| it.resolved = true);
    let closes = "> INC-1  sev2  5m ago  its alert is over: closes 12:20 (in 15m)  the worker";
    assert!(over.starts_with(closes), "{over}");
    let held = row(&|it| (it.resolved, it.held) = (true, true));
    let holds = "  its alert is over, and leon holds it open  the worker";
    assert!(held.contains(holds), "{held}");
    let fires_and_held = row(&|it| it.held = true);
    assert!(
        fires_and_held.contains("  held open by leon  the worker"),
        "{fires_and_held}"
    );
}

#[test]
fn a_request_says_whom_it_goes_to_next() {
    let mut model = night();
    let mut of_leon = asked("G-2", "leon");
    of_leon.escalation = Some(v1::Escalation {
        at: at("12:09:30"),
        approvers: vec!["founder".into()],
        escalated_at: None,
    });
    let mut later = of_leon.clone();
    later.id = "G-3".into();
    later.approvers = vec!["founder".into()];
    later.escalation.as_mut().unwrap().approvers = vec!["leon".into()];
    let mut others = of_leon.clone();
    others.id = "G-4".into();
    others.approvers = vec!["mia".into()];
    model.status.waiting = vec![of_leon, later, others];
    let screen = shown(&model);
    for line in [
        "G-2  lapses 14:59  FOR YOU  mia",
        "G-3  lapses 14:59  for founder, for YOU in 04:30  mia",
        "G-4  lapses 14:59  for mia, for founder in 04:30  mia",
    ] {
        assert!(screen.contains(line), "{screen}");
    }
}

#[test]
fn narrow_and_low_terminals_show_what_counts() {
    let mut model = night();
    model.status.problems = vec!["the broker's disk is nearly full".into()];
    for waiting in 3..40 {
        model
            .status
            .waiting
            .push(asked(&format!("G-{waiting}"), "leon"));
    }
    for (width, height) in [(40, 12), (20, 8), (200, 60), (1, 1), (0, 0), (80, 3)] {
        model.size = Size { width, height };
        let lines = paint(&model, now());
        assert_eq!(lines.len(), height, "{width}x{height}");
        let most = lines.iter().map(|line| line.text.chars().count()).max();
        assert!(most.unwrap_or_default() <= width, "{lines:#?}");
    }
    model.size = Size {
        width: 40,
        height: 16,
    };
    let screen = shown(&model);
    assert!(
        screen.contains("the broker's disk is nearly full"),
        "{screen}"
    );
    assert!(screen.contains("of 38)"), "{screen}");
    assert!(screen.contains("G-1  ends 09:12"), "{screen}");
    // What is chosen is seen, however far down it is.
    for _ in 0..30 {
        model.key(Key::Down, false);
    }
    for height in [16, 6, 3] {
        model.size.height = height;
        let screen = shown(&model);
        assert!(screen.contains("> G-31  lapses"), "{screen}");
    }
}

#[test]
fn an_approver_reads_all_of_it_and_signs_exactly_that() {
    let mut model = night();
    decides(&mut model);
    let screen = shown(&model);
    for line in [
        "  mia asks to migrate the shop database",
        "  request    G-2 (migrate-shop-db), waiting",
        "  reason     drop the bad index",
        "  until      12:20 (in 15m), if you say yes now",
        "  rule       engineers-db",
    ] {
        assert!(
            screen.lines().any(|shown| shown == line),
            "{line}:\n{screen}"
        );
    }
    let Some(Wish::Approve(signed)) = press(&mut model, "y") else {
        panic!("{model:#?}")
    };
    assert_eq!(*signed, asked("G-2", "leon"));
    // Impatience is no second yes.
    assert_eq!(press(&mut model, "yya"), None);
    model.did(Ok("G-2: mia can ...".into()));
    assert!(shown(&model).contains("G-2: mia can ..."));
}

#[test]
fn nothing_but_y_is_yes() {
    for key in [Key::Enter, Key::Char(' '), Key::Escape, Key::Char('a')] {
        let mut model = night();
        decides(&mut model);
        assert_eq!(model.key(key.clone(), true), None, "{key:?}");
        assert!(shown(&model).contains("G-2 still waits."), "{key:?}");
    }
    let mut model = night();
    decides(&mut model);
    assert_eq!(model.key(Key::Pasted("y\n".into()), true), None);
    assert!(matches!(model.mode, Mode::Deciding(_)), "{:?}", model.mode);
}

#[test]
fn nobody_signs_what_they_cannot_see() {
    let mut model = night();
    decides(&mut model);
    model.size.height = 8;
    assert_eq!(press(&mut model, "y"), None);
    assert!(shown(&model).contains("Not all of it can be seen"));
    model.size.height = 24;
    assert!(matches!(press(&mut model, "y"), Some(Wish::Approve(_))));
}

#[test]
fn a_long_reason_looks_like_no_other_fact() {
    let mut model = night();
    decides(&mut model);
    let Mode::Deciding(decision) = &mut model.mode else {
        panic!()
    };
    decision.grant.reason = format!("{}  until      12:06", "x".repeat(67));
    let screen = shown(&model);
    let until: Vec<_> = screen.lines().filter(|it| it.contains("until ")).collect();
    assert_eq!(until.len(), 2, "{screen}");
    assert!(until[0].starts_with("             "), "{screen}");
    assert!(until[1].starts_with("  until      12:20"), "{screen}");
    // On however few columns, nothing is left out.
    model.size = Size {
        width: 20,
        height: 60,
    };
    let narrow: String = shown(&model).split_whitespace().collect();
    assert!(narrow.contains("until12:06"), "{narrow}");
}

#[test]
fn a_request_that_was_answered_meanwhile_is_not_signed() {
    let mut model = night();
    decides(&mut model);
    model.stands(v1::GetStatusResponse::default());
    assert!(shown(&model).contains("G-2 waits no longer"), "{model:#?}");
    assert_eq!(press(&mut model, "y"), None);
}

#[test]
fn only_who_is_asked_can_answer() {
    let mut model = night();
    model.status.waiting = vec![asked("G-2", "founder")];
    assert_eq!(press(&mut model, "a"), None);
    assert!(shown(&model).contains("Nothing waits for you."));
    assert_eq!(press(&mut model, "ja"), None);
    assert!(shown(&model).contains("G-2 waits for founder, not for you."));
    model.status.waiting = vec![asked("G-2", "leon"), asked("G-3", "leon")];
    assert_eq!(press(&mut model, "ka"), None);
    assert!(shown(&model).contains("Choose a request"));
    assert_eq!(press(&mut model, "jja"), Some(Wish::Look("G-3".into())));
}

/// What the founder asks for needs a call of Leon's or Mia's and a note; no yes.
fn unlocked() -> v1::Grant {
    v1::Grant {
        person: "founder".into(),
        approvers: vec![],
        callers: vec!["leon".into(), "mia".into()],
        still_needed: Some(v1::StillNeeded {
            approval: false,
            call: true,
            note: true,
        }),
        ..asked("G-34", "")
    }
}

#[test]
fn who_must_call_is_told_so_and_may_deny() {
    let mut model = night();
    model.size.width = 120;
    model.status.waiting = vec![unlocked()];
    let row = "G-34  lapses 14:59  CALL founder, then glass call G-34 founder  founder to migrate";
    assert!(shown(&model).contains(row), "{}", shown(&model));
    assert_eq!(press(&mut model, "a"), Some(Wish::Look("G-34".into())));
    let (grant, incident) = (unlocked(), incident("INC-1", "the worker floods"));
    model.looked(Ok(Decision { grant, incident }));
    let screen = shown(&model);
    let why = "G-34 needs your call, and not your yes: call founder, then glass call G-34 founder";
    assert!(screen.contains(why), "{screen}");
    assert!(!screen.contains("y yes, I sign it"), "{screen}");
    assert_eq!(
        press(&mut model, "y"),
        None,
        "there is nothing to say yes to"
    );
    press(&mut model, "n");
    assert!(shown(&model).contains("Why is G-34 denied: _"));
    model.key(Key::Escape, true);
    press(&mut model, "d");
    assert!(shown(&model).contains("Why is G-34 denied: _"));
}

#[test]
fn after_the_yes_the_missing_call_is_told_and_no_yes_is_offered() {
    let mut model = night();
    model.size.width = 120;
    let mut both = unlocked();
    both.approvers = vec!["leon".into()];
    both.still_needed.as_mut().unwrap().approval = true;
    model.status.waiting = vec![both.clone()];
    let row = "FOR YOU, and call founder, then glass call G-34 founder";
    assert!(shown(&model).contains(row), "{}", shown(&model));
    both.still_needed.as_mut().unwrap().approval = false;
    model.status.waiting = vec![both.clone()];
    let row = "lapses 14:59  CALL founder, then glass call G-34 founder";
    assert!(shown(&model).contains(row), "{}", shown(&model));
    both.still_needed.as_mut().unwrap().call = false;
    model.status.waiting = vec![both];
    let screen = shown(&model);
    assert!(screen.contains("needs a note in INC-1"), "{screen}");
    assert!(!screen.contains("FOR YOU"), "{screen}");
    assert_eq!(press(&mut model, "a"), None);
    assert!(shown(&model).contains("Nothing waits for you."));
}

#[test]
fn who_may_begin_alone_is_seen_before_they_do() {
    let mut model = night();
    model.status.waiting[0].self_grant_at = at("12:10:00");
    let row = "G-2  lapses 14:59  FOR YOU, alone in 05:00  mia to migrate";
    assert!(shown(&model).contains(row), "{}", shown(&model));
    model.status.waiting[0].self_grant_at = at("12:05:00");
    assert!(shown(&model).contains("FOR YOU, ALONE NOW  mia"));
    press(&mut model, "?");
    assert!(shown(&model).contains("Anybody stops that: glass veto"));
}

#[test]
fn what_was_typed_is_not_lost_where_it_could_not_be_sent() {
    let mut model = night();
    press(&mut model, "nqueue is quiet");
    assert!(shown(&model).contains("Note for INC-1: queue is quiet_"));
    let note = Wish::Note {
        incident: "INC-1".into(),
        text: "queue is quiet".into(),
    };
    assert_eq!(model.key(Key::Enter, false), Some(note.clone()));
    model.did(Err("the broker does not answer".into()));
    let screen = shown(&model);
    assert!(screen.contains("the broker does not answer"), "{screen}");
    assert!(screen.contains("queue is quiet_"), "{screen}");
    assert_eq!(model.key(Key::Enter, false), Some(note));
}

#[test]
fn closing_asks_why_and_then_whether() {
    let mut model = night();
    press(&mut model, "c");
    assert_eq!(model.key(Key::Enter, false), None, "without a reason");
    assert!(shown(&model).contains("the reason is empty"));
    press(&mut model, "reverted");
    assert_eq!(model.key(Key::Enter, false), None);
    assert!(shown(&model).contains("Close INC-1, with all access under it? reverted"));
    let mut other = night();
    other.mode = model.mode.clone();
    assert_eq!(press(&mut other, "n"), None);
    assert!(shown(&other).contains("INC-1 is still open."));
    let (incident, reason) = ("INC-1".into(), "reverted".into());
    let close = Wish::Close { incident, reason };
    assert_eq!(press(&mut model, "y"), Some(close));
}

#[test]
fn a_lost_broker_is_told_with_since_when_and_comes_back() {
    let mut model = night();
    let since: Timestamp = "2026-11-23T12:03:00Z".parse().unwrap();
    model.loses(since, "the broker does not answer".into());
    model.loses(now(), "the broker does not answer".into());
    let screen = shown(&model);
    let told = screen.lines().nth(1).unwrap();
    assert!(told.starts_with("BROKER LOST since"), "{screen}");
    assert!(told.contains("(2m ago)"), "{screen}");
    assert!(screen.contains("G-1  ends 09:12"), "as of then: {screen}");
    let stands = model.status.clone();
    model.stands(stands);
    assert!(!shown(&model).contains("BROKER LOST"));
}

#[test]
fn nothing_typed_styles_the_screen() {
    let hostile = "x\u{1b}[2J\u{1b}[1;1HINC-9\nG-9  ends\u{202e}";
    let mut model = night();
    model.status.incidents[0].title = hostile.into();
    model.status.waiting[0].reason = hostile.into();
    model.status.problems = vec![hostile.into()];
    model.happens(told(hostile));
    decides(&mut model);
    let Mode::Deciding(decision) = &mut model.mode else {
        panic!()
    };
    decision.grant.reason = hostile.into();
    let deciding = paint(&model, now());
    model.mode = Mode::Looking;
    model.say(true, hostile);
    for line in deciding.iter().chain(&paint(&model, now())) {
        assert!(!line.text.chars().any(crate::text::is_unsafe), "{line:?}");
    }
}

#[test]
fn without_an_incident_it_says_what_to_do() {
    let mut model = Model::new("leon".into(), "https://glass.example".into(), WIDE);
    let screen = shown(&model);
    for line in ["  none is open", "  nothing", "  none"] {
        assert!(screen.lines().any(|shown| shown == line), "{screen}");
    }
    assert_eq!(press(&mut model, "n"), None);
    assert!(shown(&model).contains("glass incident open"));
    for key in [Key::Up, Key::Down, Key::Char('a'), Key::Char('d')] {
        assert_eq!(model.key(key, false), None);
    }
    assert_eq!(press(&mut model, "?"), None);
    assert!(shown(&model).contains("signs your yes"));
    assert_eq!(press(&mut model, "q"), Some(Wish::Quit));
    let mut model = night();
    decides(&mut model);
    assert_eq!(model.key(Key::Interrupt, false), Some(Wish::Quit));
}
