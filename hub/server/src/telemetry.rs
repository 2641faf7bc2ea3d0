//! What the hub says of itself: logs and the process's own figures. Never a secret, never personal data.

use snodo_core::declare::hub::{Log, LogFormat};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard error. `RUST_LOG` wins over the declared level. A second call in one process changes nothing.
pub fn start_logs(log: &Log) {
    let level = log.level.as_str();
    let declared = format!(
        "warn,lapin=off,snodo={level},snodo_store={level},snodo_host={level},snodo_core={level},connector={level}"
    );
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(declared));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let _ = match log.format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(lines.with_target(false)).try_init(),
    };
}
