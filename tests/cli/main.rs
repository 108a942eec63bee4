//! The program as scripts see it: exit codes, reports, pictures, metrics, settings, and what it does on bad disks and
//! with little memory. Runs the built binary.

mod bench;
mod color;
mod compare;
mod export;
#[cfg(feature = "video")]
mod export_movie;
mod faults;
#[cfg(target_os = "linux")]
mod limits;
mod metrics;
#[cfg(feature = "video")]
mod movies;
mod passes;
mod pressure;
mod raw;
mod scrub;
mod settings;
#[cfg(feature = "video")]
mod sound;
#[cfg(feature = "video")]
mod turned;
mod usage;

#[path = "../support/mod.rs"]
mod support;
