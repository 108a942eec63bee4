//! Owns what goes on beside playing, about once a second: readings of the machine's memory, the settings file,
//! the metrics. The window and the headless loops call it alike.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::MachineArgs;
use super::settings::Configured;
use super::{Failure, say};
use crate::memory::{MachineSource, MemLimit, Monitor, Source, Tier, format_bytes};
use crate::metrics::{Feed, MetricsError, MetricsServer, ProcessFigures, ServerOptions, write_file};
use crate::player::Player;
use crate::stats::Snapshot;
use crate::text::shown_path;
use crate::time::Nanos;

/// The settings file is looked at and metrics are published this often.
const LOOK_NANOS: Nanos = 1_000_000_000;
/// The metrics file is written this often.
const FILE_NANOS: Nanos = 10_000_000_000;
/// A token is a line; what is longer is another file.
const MAX_TOKEN_BYTES: u64 = 4096;

/// The services of one run.
pub struct Services {
    configured: Configured,
    usual_vram_bytes: u64,
    monitor: Option<Monitor>,
    feed: Feed,
    /// Ends with the services.
    server: Option<MetricsServer>,
    metrics_file: Option<PathBuf>,
    /// Why the metrics file was not written last; said once.
    refused: Option<String>,
    next_look: Nanos,
    next_file: Nanos,
    pub rss_peak_bytes: u64,
}

impl Services {
    /// Reads the machine's memory for the first time and starts what the settings ask for. A metrics
    /// address that is taken is said and does without.
    ///
    /// # Errors
    /// [`Failure::USAGE`] when the metrics would be open to other machines without a token.
    pub fn start(
        configured: Configured,
        machine: &MachineArgs,
        usual_vram_bytes: u64,
        player: &mut Player,
        ring: Arc<dyn Fn() + Send + Sync>,
    ) -> Result<Self, Failure> {
        let mut source = MachineSource::default();
        let reading = source.read();
        let rss_peak_bytes = reading.sample.rss_bytes;
        player.set_reading(reading);
        say_when_capped(player, configured.settings.cpu_budget.limit);
        let feed = Feed::default();
        let server = start_server(&configured, machine, &feed)?;
        let interval_nanos = configured.settings.pressure.interval_nanos;
        let monitor = Monitor::start(Box::new(source), interval_nanos, ring);
        let metrics_file = configured.settings.metrics_file.clone();
        Ok(Self {
            configured,
            usual_vram_bytes,
            monitor: monitor.map_err(|error| log::warn!("memory is not watched: {error}")).ok(),
            feed,
            server,
            metrics_file,
            refused: None,
            next_look: 0,
            next_file: 0,
            rss_peak_bytes,
        })
    }

    /// Hands over what came in and does what is due.
    pub fn attend(&mut self, player: &mut Player, now: Nanos) {
        if let Some(reading) = self.monitor.as_ref().and_then(Monitor::take_latest) {
            self.rss_peak_bytes = self.rss_peak_bytes.max(reading.sample.rss_bytes);
            player.set_reading(reading);
        }
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK_NANOS;
        self.follow_settings(player);
        let is_watched = self.server.is_some() || self.metrics_file.is_some();
        if is_watched {
            self.publish(Arc::new(player.fresh_snapshot()), now);
        }
    }

    fn follow_settings(&mut self, player: &mut Player) {
        let Some(before) = self.configured.refreshed() else { return };
        let settings = &self.configured.settings;
        settings.apply_changes(&before, player, self.usual_vram_bytes);
        if let Some(monitor) = &self.monitor {
            monitor.set_interval(settings.pressure.interval_nanos);
        }
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>, now: Nanos) {
        if now >= self.next_file {
            self.next_file = now + FILE_NANOS;
            self.write_metrics(&snapshot);
        }
        self.feed.publish(snapshot);
    }

    /// The last figures of a run, the same that its report tells.
    pub fn finish(&mut self, snapshot: &Snapshot) {
        self.write_metrics(snapshot);
        self.feed.publish(Arc::new(snapshot.clone()));
    }

    /// Reads the machine once more, so that a short run has a peak.
    pub fn sample_peak(&mut self) {
        self.rss_peak_bytes = self.rss_peak_bytes.max(MachineSource::default().read().sample.rss_bytes);
    }

    fn write_metrics(&mut self, snapshot: &Snapshot) {
        let Some(path) = &self.metrics_file else { return };
        let refused =
            write_file(path, snapshot, &ProcessFigures::read()).err().map(|error| error.to_string());
        if let Some(reason) = refused.as_ref().filter(|_| refused != self.refused) {
            say(&format!("the metrics file {} is not written: {reason}", shown_path(path)));
        }
        self.refused = refused;
    }
}

fn say_when_capped(player: &Player, stated: MemLimit) {
    let limit = player.ledger().limit(Tier::Cpu);
    if let MemLimit::Bytes(wanted) = stated
        && limit < wanted
    {
        let (wanted, limit) = (format_bytes(wanted), format_bytes(limit));
        say(&format!("--mem {wanted} is more than is usable, capped at {limit}"));
    }
}

fn start_server(
    configured: &Configured,
    machine: &MachineArgs,
    feed: &Feed,
) -> Result<Option<MetricsServer>, Failure> {
    let Some(address) = configured.settings.metrics_address else { return Ok(None) };
    let token = machine.metrics_token.as_deref().map(read_token).transpose()?;
    let options = ServerOptions { address, is_public: machine.metrics_public, token };
    match MetricsServer::start(options, feed.clone()) {
        Ok(server) => {
            say(&format!("metrics at http://{}/metrics", server.local_addr()));
            Ok(Some(server))
        }
        Err(error @ (MetricsError::NotLoopback(_) | MetricsError::BadToken)) => {
            Err(Failure::new(Failure::USAGE, error.to_string()))
        }
        Err(error) => {
            say(&format!("no metrics are served: {error}"));
            Ok(None)
        }
    }
}

/// The first line of a file.
fn read_token(path: &Path) -> Result<String, Failure> {
    let refuse = |reason: String| {
        Failure::new(Failure::USAGE, format!("the token file {}: {reason}", shown_path(path)))
    };
    let file = std::fs::File::open(path).map_err(|error| refuse(error.to_string()))?;
    let mut text = String::new();
    file.take(MAX_TOKEN_BYTES).read_to_string(&mut text).map_err(|error| refuse(error.to_string()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    match token.is_empty() {
        true => Err(refuse("its first line is empty; write the token there".into())),
        false => Ok(token.to_string()),
    }
}
