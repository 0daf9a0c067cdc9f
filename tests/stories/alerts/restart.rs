//! What was delivered before the broker was restarted.

use std::time::Duration;

use breakglass_tests::alerts::{pagerduty, secret, watched};

use super::{event, fresh, said, text};

/// What was captured before the broker was restarted is played again after it: what opened an incident,
/// and what found it open and wrote nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_no_delivery() {
    let mut world = watched().await;
    let body = said("firing");
    let opens = fresh(&world, "0123456789abcdef", &body);
    let repeats = fresh(&world, "1123456789abcdef", &body);
    let at = world.broker().app().now().to_string();
    let triggered = event("01ABC", "incident.triggered", &at);
    let by_pagerduty = pagerduty(&secret("pagerduty"), &triggered);
    for (told, answer) in [
        (&opens, "opened INC-1\n"),
        (&repeats, "INC-1 is known already: nothing to do\n"),
    ] {
        assert_eq!(text(&world.is_told("deploys", told, &body).await), answer);
    }
    let told = world.is_told("pagerduty", &by_pagerduty, &triggered).await;
    assert_eq!(text(&told), "opened INC-2\n");
    let delivered: Vec<_> = world.entries_of("incident.opened");
    let delivered: Vec<_> = delivered.iter().map(|entry| &entry["delivery"]).collect();
    assert_eq!(delivered, ["0123456789abcdef", "01ABC"]);
    for incident in ["INC-1", "INC-2"] {
        world.closes("mia", incident).await.unwrap();
    }
    for without_index in [false, true] {
        world.stops().await;
        if without_index {
            std::fs::remove_dir_all(world.config().index_dir()).unwrap();
        }
        world.clock().passes(Duration::from_secs(60));
        world.starts().await;
        let before = "this delivery was taken before: nothing to do\n";
        let nothing = "no incident is open for it: nothing to do\n";
        for (told, answer) in [(&opens, before), (&repeats, nothing)] {
            assert_eq!(text(&world.is_told("deploys", told, &body).await), answer);
        }
        let told = world.is_told("pagerduty", &by_pagerduty, &triggered).await;
        assert_eq!(text(&told), before);
        assert_eq!(world.entries_of("incident.opened").len(), 2);
    }
    // What fires again is signed again.
    let anew = fresh(&world, "2123456789abcdef", &body);
    let told = world.is_told("deploys", &anew, &body).await;
    assert_eq!(text(&told), "opened INC-3\n");
}
