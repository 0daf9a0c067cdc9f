//! The main job, typed.

use breakglass_tests::Playground;

#[test]
fn mia_reverts_a_config_change_with_one_command() {
    let playground = Playground::begins();
    playground.opens("the worker floods");
    let did = playground.done(
        "mia",
        &["exec", "revert-config", "-m", "revert", "--", "true"],
    );
    assert!(did.err.contains("gave G-1 back"), "{did}");
}
