//! Owns what lies on disk between two runs: the settings file, where it is, how it is read, followed and
//! changed. Never interprets sizes or rates and never decides which of command line, file and default wins:
//! it hands plain values with their places to the caller. No threads of its own; every function blocks on the
//! file system for at most one small file, except that a pipe named on the command line is read until it
//! closes.

mod atomic;
mod config;
mod edit;
mod error;
mod paths;
mod reader;
mod watch;

pub use atomic::write_atomically;
pub(crate) use atomic::{Unfinished, remove_unfinished};
pub use config::{
    Config, DecodeConfig, EVICTIONS, Loaded, MAX_FILE_BYTES, MemoryConfig, MetricsConfig, PROFILES,
    PressureConfig,
};
pub use edit::{Setting, save_setting};
pub use error::{ConfigError, Given, Place};
pub use paths::config_path;
pub use watch::ConfigFile;
