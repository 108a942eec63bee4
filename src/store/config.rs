//! Owns the settings as they stand in `config.toml`: which keys there are, their types and ranges. Never
//! interprets sizes and addresses, which stay texts with their places, and never applies defaults: what is
//! absent is `None`. Pure; any thread.

use std::path::{Path, PathBuf};

use toml_edit::Document;

use super::error::{ConfigError, Given, Place};
use super::reader::{Section, Source, Warnings};
use crate::text::shown_path;

/// A settings file is a few hundred bytes; what is larger than this is something else.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The names that `memory.profile` may have.
pub const PROFILES: [&str; 2] = ["default", "conservative"];
/// The names that `memory.eviction` may have.
pub const EVICTIONS: [&str; 3] = ["next-use", "lru", "priority"];

const MAX_THREADS: i64 = 1024;
const MIN_PERCENT: f64 = 1.0;
const MAX_PERCENT: f64 = 100.0;
/// Reading the machine's memory takes well below a millisecond; more often than this is only heat.
const MIN_INTERVAL_SECS: f64 = 0.1;
const MAX_INTERVAL_SECS: f64 = 60.0;
const MAX_DWELL_SECS: f64 = 600.0;

/// Everything that the file says. The default says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    pub memory: MemoryConfig,
    pub decode: DecodeConfig,
    pub metrics: MetricsConfig,
}

/// Table `[memory]`. Sizes are texts such as `24GiB`, or bytes in decimal digits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryConfig {
    /// Budget of the CPU tier: a size, or a percentage such as `75%`.
    pub mem: Option<Given>,
    /// Memory left to everyone else.
    pub reserve: Option<Given>,
    /// Budget of the GPU tier.
    pub vram: Option<Given>,
    /// One of [`PROFILES`].
    pub profile: Option<Given>,
    /// One of [`EVICTIONS`].
    pub eviction: Option<Given>,
    /// The most that one clip may take.
    pub clip_cap: Option<Given>,
    /// Bytes a second that may be allocated for frames.
    pub alloc_rate: Option<Given>,
    pub pressure: PressureConfig,
}

/// Table `[memory.pressure]`. Thresholds in percent, 1 to 100; those that are given do not fall from level to
/// level. Whether they also fit the defaults of those that are not given is the caller's to see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PressureConfig {
    pub low: Option<f64>,
    pub moderate: Option<f64>,
    pub high: Option<f64>,
    pub critical: Option<f64>,
    pub warning_state: Option<f64>,
    pub critical_state: Option<f64>,
    /// Time between two samples, 0.1 to 60.
    pub interval_secs: Option<f64>,
    /// The least time on one level before a lower one, 0 to 600.
    pub dwell_secs: Option<f64>,
}

/// Table `[decode]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DecodeConfig {
    /// 1 to 1024.
    pub threads: Option<usize>,
}

/// Table `[metrics]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsConfig {
    /// Where to listen, such as `127.0.0.1:9464`, uninterpreted.
    pub address: Option<Given>,
    /// A relative path in the file starts at the folder of the file, not at the current one.
    pub file: Option<PathBuf>,
}

/// What one reading of the file yields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    pub config: Config,
    /// Lines to show: keys that this version does not know. Safe to show, at most 21.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the contents of a settings file; `file` is for messages and relative paths only.
    ///
    /// # Errors
    /// [`ConfigError`] when the bytes are too many, no UTF-8 or no TOML, and for the first value of a wrong
    /// type or out of its range. Unknown keys are no error: they come back as warnings, so that a newer file
    /// still works.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Loaded, ConfigError> {
        let text = utf8_text(file, bytes)?;
        let source = Source { file, text };
        let document = Document::parse(text).map_err(|error| source.syntax_error(&error))?;
        let mut warnings = Warnings::default();
        let config = read_all(Section::root(source, document.as_table()), &mut warnings)?;
        Ok(Loaded { config, warnings: warnings.into_lines(file) })
    }
}

/// The text without the mark that some editors put first.
pub(super) fn utf8_text<'a>(file: &Path, bytes: &'a [u8]) -> Result<&'a str, ConfigError> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ConfigError::TooLarge { file: shown_path(file) });
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(not_utf8(file, bytes, error.valid_up_to())),
    };
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn not_utf8(file: &Path, bytes: &[u8], offset: usize) -> ConfigError {
    let before = String::from_utf8_lossy(&bytes[..offset]);
    let place = Place::of(before.strip_prefix('\u{feff}').unwrap_or(&before), offset);
    ConfigError::NotUtf8 { file: shown_path(file), place, byte: bytes[offset] }
}

fn read_all(mut root: Section<'_>, warnings: &mut Warnings) -> Result<Config, ConfigError> {
    let config = Config {
        memory: read_memory(root.section("memory")?, warnings)?,
        decode: read_decode(root.section("decode")?, warnings)?,
        metrics: read_metrics(root.section("metrics")?, warnings)?,
    };
    root.finish(warnings);
    Ok(config)
}

fn read_memory(mut memory: Section<'_>, warnings: &mut Warnings) -> Result<MemoryConfig, ConfigError> {
    let config = MemoryConfig {
        mem: memory.size("mem")?,
        reserve: memory.size("reserve")?,
        vram: memory.size("vram")?,
        profile: memory.choice("profile", &PROFILES)?,
        eviction: memory.choice("eviction", &EVICTIONS)?,
        clip_cap: memory.size("clip_cap")?,
        alloc_rate: memory.size("alloc_rate")?,
        pressure: read_pressure(memory.section("pressure")?, warnings)?,
    };
    memory.finish(warnings);
    Ok(config)
}

fn read_pressure(mut pressure: Section<'_>, warnings: &mut Warnings) -> Result<PressureConfig, ConfigError> {
    let mut percent = |key| pressure.number(key, MIN_PERCENT..=MAX_PERCENT, "percent");
    let mut config = PressureConfig {
        low: percent("low")?,
        moderate: percent("moderate")?,
        high: percent("high")?,
        critical: percent("critical")?,
        warning_state: percent("warning_state")?,
        critical_state: percent("critical_state")?,
        ..PressureConfig::default()
    };
    config.interval_secs =
        pressure.number("interval_secs", MIN_INTERVAL_SECS..=MAX_INTERVAL_SECS, "seconds")?;
    config.dwell_secs = pressure.number("dwell_secs", 0.0..=MAX_DWELL_SECS, "seconds")?;
    check_rising(
        &pressure,
        &[
            ("low", config.low),
            ("moderate", config.moderate),
            ("high", config.high),
            ("critical", config.critical),
        ],
    )?;
    check_rising(
        &pressure,
        &[("warning_state", config.warning_state), ("critical_state", config.critical_state)],
    )?;
    pressure.finish(warnings);
    Ok(config)
}

/// Each threshold that is given is at least the one given before it.
fn check_rising(
    section: &Section<'_>,
    thresholds: &[(&'static str, Option<f64>)],
) -> Result<(), ConfigError> {
    let given: Vec<_> = thresholds.iter().filter_map(|&(key, value)| Some((key, value?))).collect();
    for pair in given.windows(2) {
        let ((lower_key, lower), (key, value)) = (pair[0], pair[1]);
        if value >= lower {
            continue;
        }
        let allowed = format!("at least «{lower_key}», which is {lower}");
        section.refuse_among(key, allowed).map_or(Ok(()), Err)?;
    }
    Ok(())
}

fn read_decode(mut decode: Section<'_>, warnings: &mut Warnings) -> Result<DecodeConfig, ConfigError> {
    let threads = decode.whole("threads", 1..=MAX_THREADS)?;
    decode.finish(warnings);
    Ok(DecodeConfig { threads: threads.and_then(|count| usize::try_from(count).ok()) })
}

fn read_metrics(mut metrics: Section<'_>, warnings: &mut Warnings) -> Result<MetricsConfig, ConfigError> {
    let config = MetricsConfig {
        address: metrics.text("address", "an address in quotes such as \"127.0.0.1:9464\"")?,
        file: metrics.path("file")?,
    };
    metrics.finish(warnings);
    Ok(config)
}

#[cfg(test)]
pub(super) mod tests;
