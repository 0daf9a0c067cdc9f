//! A list that is cut off says so, so that nobody takes a part for the whole.

use breakglass_tests::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_cut_off_says_so() {
    let world = World::begins().await;
    world.opens("support", "the worker floods").await;
    world.opens("support", "the shop is slow").await;
    for right in ["deploy-shop", "restart-worker"] {
        let words = ["request", right, "--incident", "INC-1", "-m", "why"];
        assert_eq!(world.glass("mia", &words).await.code, 0);
    }
    for list in [&["grants"][..], &["incident", "list"]] {
        let cut = world
            .glass("mia", &[list, &["--limit", "1"]].concat())
            .await;
        assert_eq!(cut.out.lines().count(), 2, "{}", cut.out);
        let more = "There are more than these 1: --limit 10";
        assert!(cut.err.contains(more), "{list:?}: {}", cut.err);
        let whole = world
            .glass("mia", &[list, &["--limit", "2"]].concat())
            .await;
        assert_eq!(whole.out.lines().count(), 3, "{}", whole.out);
        assert!(!whole.err.contains("more"), "{list:?}: {}", whole.err);
    }
}
