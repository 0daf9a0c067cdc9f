//! One host, a process of its own: its guard, and the sessions the bench wants there.

use std::path::Path;
use std::sync::Arc;

use breakglass_client::config::{Environment, Flags, Settings};
use breakglass_client::guard::attend::Post;
use breakglass_client::guard::ssh::{self, Order};
use breakglass_client::output::{Format, Printer};
use breakglass_tests::wait::until_async;
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

use super::session::{KILL, Living, Wanted};
use crate::Outcome;

/// Guards until its standard input ends, and then ends whatever it has started.
pub(crate) async fn guard(laptops: &Path, target: &str) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (socket, shell) = (
        folder.path().join("guard.sock"),
        folder.path().join("shell"),
    );
    std::os::unix::fs::symlink("/bin/sh", &shell)?;
    let printer = Printer::to_buffers(Format::Text, Arc::default(), Arc::default());
    let post = post(laptops, target, &printer)?;
    let order = Order {
        state: folder.path().join("state"),
        socket: socket.clone(),
        krl: Some(folder.path().join("revoked")),
        grace: None,
        ledger: post.ledger(),
    };
    let guard =
        tokio::spawn(async move { ssh::run(&order, post, &printer, std::future::pending()).await });
    let because = "a socket tells nobody that it is bound";
    until_async("the guard listens", because, async || {
        socket.exists().then_some(())
    })
    .await;
    println!("0 ready");
    let mut wanted = BufReader::new(stdin()).lines();
    let living = Living::default();
    while let Some(line) = wanted.next_line().await? {
        match line.as_str() {
            KILL => living.kill(),
            line => Wanted::parse(line)?.begin(&socket, &shell, &living)?,
        }
    }
    living.kill();
    guard.abort();
    Ok(())
}

/// The post of the target's guard, whose context is called as the target is.
fn post(laptops: &Path, target: &str, printer: &Printer) -> Outcome<Post> {
    let environment = Environment {
        config_folder: Some(laptops.to_owned()),
        context: Some(target.to_owned()),
        ..Environment::default()
    };
    let settings = Settings::new(Flags::default(), environment)?;
    Ok(Post::of(&settings, printer)?)
}
