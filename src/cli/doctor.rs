//! `doctor`: what this machine offers and what would be used, for the first lines of a bug report.

use super::args::{DoctorArgs, config_of_environment};
use super::session::{adapter_choice, decode_threads, vram_budget};
use super::settings::{Configured, Settings};
use super::{Failure, print_lines};
use crate::color::ColorConfig;
use crate::decode;
use crate::gpu::Gpu;
use crate::memory::{MemLimit, Sampler, format_bytes};

pub fn doctor(args: &DoctorArgs) -> Result<(), Failure> {
    super::log_at(log::LevelFilter::Off);
    let machine = &args.machine;
    let configured = Configured::load(machine)?;
    let settings = &configured.settings;
    let mut lines = vec![
        format!("rushes        {}", env!("CARGO_PKG_VERSION")),
        format!("system        {} {}", std::env::consts::OS, std::env::consts::ARCH),
        format!("decode        {} threads; every compression of OpenEXR", decode_threads(settings)),
        format!("video         {}", decode::movie_library()),
        format!("colour        {}", color_line()),
    ];
    lines.extend(memory_lines(settings));
    let gpu = Gpu::headless(&adapter_choice(machine));
    match &gpu {
        Ok(gpu) => lines.extend(gpu_lines(gpu, settings)),
        Err(error) => lines.push(format!("gpu           {error}")),
    }
    lines.push(format!("display       {}", display_line()));
    lines.push(format!("sound         {}", crate::audio::device_line()));
    let path = configured.path().map_or("none".to_string(), |path| {
        let state = if path.exists() { "" } else { " (not there)" };
        format!("{}{state}", crate::text::shown_path(path))
    });
    lines.push(format!("settings      {path}"));
    print_lines(lines.into_iter())?;
    match gpu {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::new(Failure::NO_GPU, "drawing needs a GPU adapter; info and ls work without")),
    }
}

/// The colour config that would be used, or why the one that the variable names cannot be.
fn color_line() -> String {
    let name = config_of_environment();
    let from = if name.is_some() { "named by the variable OCIO" } else { "built in" };
    match ColorConfig::open(name.as_deref()) {
        Ok(config) => format!("{}, {} displays; {from}", config.name(), config.displays().len()),
        Err(error) => format!("{error}; the built-in config is used"),
    }
}

fn memory_lines(settings: &Settings) -> Vec<String> {
    let sample = Sampler::default().sample();
    let budget = settings.cpu_budget;
    let stated = match budget.limit {
        MemLimit::Percent(percent) => format!("{percent} % of what is usable"),
        MemLimit::Bytes(bytes) => format_bytes(bytes),
    };
    vec![
        format!(
            "memory        {}, {} available now",
            format_bytes(sample.total_bytes),
            format_bytes(sample.available_bytes)
        ),
        format!(
            "RAM budget    {} ({stated} after a reserve of {})",
            format_bytes(budget.limit_bytes(&sample, 0)),
            format_bytes(budget.reserve_of(&sample))
        ),
    ]
}

fn gpu_lines(gpu: &Gpu, settings: &Settings) -> Vec<String> {
    let summary = &gpu.summary;
    let mut lines = vec![
        format!("gpu           {} ({}, {})", summary.name, summary.backend, summary.kind.name()),
        format!("driver        {}", summary.driver),
        format!("VRAM budget   {}", format_bytes(vram_budget(settings, summary))),
        format!("textures      up to {} pixels a side", gpu.max_texture_side()),
    ];
    if summary.kind == crate::gpu::AdapterKind::Cpu {
        lines.push("note          this is a software adapter: drawing runs on the CPU".to_string());
    }
    lines
}

fn display_line() -> String {
    let of = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (of("WAYLAND_DISPLAY"), of("DISPLAY")) {
        (Some(wayland), _) => format!("Wayland {}", crate::text::shown(wayland)),
        (None, Some(x11)) => format!("X11 {}", crate::text::shown(x11)),
        (None, None) => "none set; render and bench work without one".to_string(),
    }
}
