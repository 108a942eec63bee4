//! OpenColorIO: configs, looks, views and LUT files, as shader text and on the CPU. The only place that names the
//! crate `ocio`. Reads files; everything that the library does happens behind the fence of `fence.rs`.

mod build;
mod cause;
mod config;
mod cpu;
mod fence;
mod gate;
mod reach;
mod spaces;
mod tables;
#[cfg(test)]
mod tests;
mod views;
mod wgsl;

pub(super) use config::OcioConfig;
