//! Owns what other programs may read of a running player: the Snapshot as Prometheus and OpenMetrics text, the port
//! that serves it and the file that holds it. Never touches a cache, a lock of the player or a clip; never names a
//! path, a title or a clip. The port has one thread, `metrics`; the rest runs on the thread that calls.

mod families;
mod feed;
mod file;
mod http;
mod process;
mod text;

#[cfg(test)]
mod tests;

pub use feed::Feed;
pub use file::write_file;
pub use http::{MetricsError, MetricsServer, ServerOptions};
pub use process::ProcessFigures;
pub use text::{Format, render};
