//! Logs, to standard error.

use std::env;

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Starts logging. `--debug` and `RUST_LOG` turn up what we say ourselves; libraries never get beyond warnings, because
/// their details hold requests and their headers.
pub(crate) fn start(debug: bool) {
    let asked = env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let asked = asked.map_or(LevelFilter::WARN, |targets| {
        let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
        let level = levels.into_iter().find(|level| targets.would_enable("switchboard", level));
        level.map_or(LevelFilter::OFF, LevelFilter::from_level)
    });
    let own = if debug { asked.max(LevelFilter::DEBUG) } else { asked };
    let targets = Targets::new()
        .with_default(own.min(LevelFilter::WARN))
        .with_target("switchboard", own)
        // It warns of every request that it refuses, in the client's words.
        .with_target("rmcp", own.min(LevelFilter::ERROR));
    let written = fmt::layer().with_writer(std::io::stderr).with_filter(targets);
    // Tests start more than one server in a process; the first one's logs serve all.
    drop(tracing_subscriber::registry().with(written).try_init());
}
