//! Owns the two text formats: Prometheus 0.0.4 and OpenMetrics 1.0. Encodes with `prometheus_client`, which speaks
//! OpenMetrics, and writes the head of every family itself, because that is where the formats differ. Any thread.

use std::fmt::{self, Write};
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::ProcessFigures;
use super::families::{Family, Kind, Value, families};
use crate::stats::Snapshot;

/// In which of the two formats a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// What every Prometheus reads, version 0.0.4.
    #[default]
    Plain,
    OpenMetrics,
}

impl Format {
    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The whole text: all figures of the Snapshot and of the process.
pub fn render(snapshot: &Snapshot, process: &ProcessFigures, format: Format) -> String {
    let collected = Arc::new(Collected(families(snapshot, process)));
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Arc::clone(&collected)));
    let mut encoded = String::new();
    text::encode_registry(&mut encoded, &registry).expect("writing to a String cannot fail");
    let mut out = with_own_heads(&encoded, &collected.0, format);
    if format == Format::OpenMetrics {
        text::encode_eof(&mut out).expect("writing to a String cannot fail");
    }
    out
}

/// What one text is made of.
#[derive(Debug)]
struct Collected(Vec<Family>);

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        self.0.iter().try_for_each(|family| encode_family(family, &mut encoder))
    }
}

fn encode_family(family: &Family, encoder: &mut DescriptorEncoder) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(family.name, family.help, None, type_of(family.kind))?;
    for (labels, value) in &family.samples {
        match family.kind {
            Kind::Info => metric.encode_info(labels)?,
            _ if labels.is_empty() => encode_value(&mut metric, family.kind, *value)?,
            _ => encode_value(&mut metric.encode_family(labels)?, family.kind, *value)?,
        }
    }
    Ok(())
}

fn encode_value(metric: &mut MetricEncoder, kind: Kind, value: Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Whole(whole)) => metric.encode_counter::<NoLabelSet, _, u64>(&whole, None),
        (Kind::Counter, Value::Real(real)) => metric.encode_counter::<NoLabelSet, _, u64>(&real, None),
        (_, Value::Whole(whole)) => metric.encode_gauge(&whole),
        (_, Value::Real(real)) => metric.encode_gauge(&real),
    }
}

/// The crate has no summaries; their samples look like those of a gauge.
fn type_of(kind: Kind) -> MetricType {
    match kind {
        Kind::Counter => MetricType::Counter,
        Kind::Gauge => MetricType::Gauge,
        Kind::Info => MetricType::Info,
        Kind::Summary => MetricType::Unknown,
    }
}

/// The samples of `encoded`, each family under the head that `format` wants. Both list the families in the same
/// order, and no sample begins with `#`.
fn with_own_heads(encoded: &str, families: &[Family], format: Format) -> String {
    let mut out = String::with_capacity(encoded.len() + encoded.len() / 8);
    let mut heads = families.iter();
    for line in encoded.lines() {
        if !line.starts_with('#') {
            out.push_str(line);
            out.push('\n');
        } else if line.starts_with("# HELP ") {
            push_head(&mut out, heads.next().expect("the encoder writes one head per family"), format);
        }
    }
    out
}

fn push_head(out: &mut String, family: &Family, format: Format) {
    // OpenMetrics names the family, the older format the samples; it also has no type for infos.
    let (suffix, kind) = match (format, family.kind) {
        (Format::Plain, Kind::Counter) => ("_total", "counter"),
        (Format::Plain, Kind::Info) => ("_info", "gauge"),
        (Format::OpenMetrics, Kind::Counter) => ("", "counter"),
        (Format::OpenMetrics, Kind::Info) => ("", "info"),
        (_, Kind::Gauge) => ("", "gauge"),
        (_, Kind::Summary) => ("", "summary"),
    };
    let (name, help) = (family.name, family.help);
    writeln!(out, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}")
        .expect("writing to a String cannot fail");
}
