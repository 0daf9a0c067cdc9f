//! The way to the streams of the config, and `glassd stream-test`.

use std::path::Path;
use std::sync::Arc;

use super::check::Finding;
use super::{Failure, Printer, runtime};
use crate::config::Config;
use crate::config::stream::Stream;
use crate::edge::{SystemClock, install_crypto};
use crate::notify::Streamer;
use crate::notify::stream::Setting;
use crate::ports::Clock;

/// Send a test event to the destination of one stream, and say what happened
///
/// As the broker would: with its keys and secrets, to the address its name has now. It asks the config,
/// not the broker, and may be run while that runs. Nothing is recorded, and no entry is sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  glassd stream-test siem --config /etc/breakglass/glassd.toml")]
pub(super) struct StreamTest {
    /// The stream: NAME of `[stream.NAME]`
    name: String,
}

impl StreamTest {
    pub(super) fn run(&self, config: &Config, printer: &mut Printer) -> Result<(), Failure> {
        install_crypto();
        let all = &config.settings.stream;
        let found = all.iter().find(|(key, _)| key.name().as_str() == self.name);
        let Some((key, stream)) = found else {
            let names: Vec<_> = all.keys().map(|key| key.name().as_str()).collect();
            let what = ("stream", "stream");
            return Err(Failure::not_in_config(config, what, &self.name, &names));
        };
        let (name, clock) = (key.name(), Arc::new(SystemClock::start()));
        let now = clock.now();
        let streamer = streamer(config, stream, clock);
        match runtime()?.block_on(streamer.test(name.as_str(), now)) {
            Ok(told) => {
                printer.line(format!("a test event went to `{name}`: {told}"));
                Ok(())
            }
            Err(why) => {
                let what = format!("`{name}` did not take it: {why}");
                Err(Failure::new(what).then(format!(
                    "mend it, and again: glassd stream-test {name} --config {}",
                    config.file.display()
                )))
            }
        }
    }
}

/// What `glassd check` says of each: whether it has what it needs, and where it would go.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let streams = config.settings.stream.iter();
    streams
        .map(|(key, stream)| {
            let streamer = streamer(config, stream, Arc::new(SystemClock::start()));
            let found = runtime().and_then(|runtime| {
                let found = runtime.block_on(streamer.check());
                found.map_err(|why| Failure::new(why.to_string()))
            });
            Finding::of(format!("stream.{}", key.name()), found)
        })
        .collect()
}

/// The way to one destination.
pub(super) fn streamer(config: &Config, stream: &Stream, clock: Arc<dyn Clock>) -> Streamer {
    let folder = config.file.parent().unwrap_or(Path::new(""));
    let setting = Setting {
        keys_dir: config.keys_dir.clone(),
        config_dir: folder.to_owned(),
        ledger: config.ledger_origin(),
        host: config.first_name().to_string(),
    };
    Streamer::new(stream.clone(), setting, clock)
}
