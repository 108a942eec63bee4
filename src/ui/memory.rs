//! The memory panel: what is cached where and why, and the settings of the budgets. Reads the Snapshot, emits
//! Commands.

use egui::{Align2, Grid, RichText, Slider, Ui};

use super::theme::{ACCENT, BAD, DIM, FAIR, GOOD, TEXT};
use super::{Inputs, Output};
use crate::memory::{
    MAX_PERCENT, MAX_RESERVE_BYTES, MIN_PERCENT, MemLimit, PERCENT_STEP, RESERVE_STEP_BYTES, format_bytes,
};
use crate::player::Command;
use crate::stats::{FrameClass, MemoryStatus, PressureLevel, PressureStatus, TierStatus};

/// Clips that are listed; a playlist of hundreds would cover the picture.
const MAX_CLIPS: usize = 12;
/// Lines that explain the figures above them.
const NOTE_POINTS: f32 = 11.5;
const GIB: f64 = (1_u64 << 30) as f64;

pub fn panel(context: &egui::Context, inputs: &Inputs<'_>, output: &mut Output) {
    egui::Window::new("Memory")
        .anchor(Align2::RIGHT_TOP, [-12.0, 40.0])
        .collapsible(false)
        .resizable(false)
        .default_width(420.0)
        .show(context, |ui| {
            let memory = &inputs.snapshot.memory;
            settings(ui, memory, output);
            ui.separator();
            tiers(ui, inputs);
            ui.separator();
            classes(ui, memory);
            clips(ui, memory);
            ui.separator();
            machine(ui, memory);
            if ui.button("Clear the cache").clicked() {
                output.commands.push(Command::ClearCache);
            }
        });
}

fn settings(ui: &mut Ui, memory: &MemoryStatus, output: &mut Output) {
    let budget = memory.settings;
    Grid::new("settings").num_columns(2).spacing([12.0, 4.0]).show(ui, |ui| {
        name(ui, "share for frames");
        let mut percent = budget.percent.unwrap_or(MAX_PERCENT);
        let slider = Slider::new(&mut percent, MIN_PERCENT..=MAX_PERCENT)
            .step_by(f64::from(PERCENT_STEP))
            .suffix(" %");
        if ui.add(slider).changed() {
            output.commands.push(Command::SetMem(MemLimit::Percent(percent)));
        }
        ui.end_row();
        name(ui, "left to others");
        let mut reserve = budget.reserve_bytes as f64 / GIB;
        let step = RESERVE_STEP_BYTES as f64 / GIB;
        let range = step..=MAX_RESERVE_BYTES as f64 / GIB;
        if ui.add(Slider::new(&mut reserve, range).step_by(step).suffix(" GiB")).changed() {
            output.commands.push(Command::SetReserve((reserve * GIB).round() as u64));
        }
        ui.end_row();
    });
    ui.horizontal(|ui| {
        let stated = match budget.percent {
            Some(_) => format!(
                "{} of RAM, {} of VRAM",
                format_bytes(budget.limit_bytes),
                format_bytes(budget.vram_bytes)
            ),
            None => format!(
                "fixed: {} of RAM, {} of VRAM",
                format_bytes(budget.limit_bytes),
                format_bytes(budget.vram_bytes)
            ),
        };
        dim(ui, &stated);
        if ui.button("Keep").on_hover_text("Write both to the settings file").clicked() {
            output.commands.push(Command::SaveSettings);
        }
    });
}

fn tiers(ui: &mut Ui, inputs: &Inputs<'_>) {
    let (snapshot, memory) = (inputs.snapshot, &inputs.snapshot.memory);
    Grid::new("tiers").num_columns(4).spacing([14.0, 3.0]).show(ui, |ui| {
        for (title, status, pressure) in
            [("RAM", &snapshot.cpu, &memory.cpu_pressure), ("VRAM", &snapshot.gpu, &memory.gpu_pressure)]
        {
            ui.label(RichText::new(title).strong().color(ACCENT));
            value(ui, &used(status));
            level(ui, pressure);
            dim(ui, &format!("{} hits, {} misses", status.hits, status.misses));
            ui.end_row();
        }
    });
    let evictions: u64 = snapshot.cpu.evictions.total();
    dim(ui, &format!("{evictions} evictions by {}; {} refused", memory.policy, snapshot.cpu.refused));
}

fn used(status: &TierStatus) -> String {
    let percent = status.charged_bytes * 100 / status.budget_bytes.max(1);
    format!("{} of {} ({percent} %)", format_bytes(status.charged_bytes), format_bytes(status.budget_bytes))
}

fn level(ui: &mut Ui, pressure: &PressureStatus) {
    let color = match pressure.level {
        PressureLevel::None => GOOD,
        PressureLevel::Low | PressureLevel::Moderate => FAIR,
        PressureLevel::High | PressureLevel::Critical | PressureLevel::Emergency => BAD,
    };
    let text = match pressure.level {
        PressureLevel::None => "no pressure".to_string(),
        level => format!("pressure {}", level.name()),
    };
    ui.label(RichText::new(text).color(color));
}

/// Why frames are there, in both tiers.
fn classes(ui: &mut Ui, memory: &MemoryStatus) {
    Grid::new("classes").num_columns(3).spacing([14.0, 2.0]).show(ui, |ui| {
        for class in FrameClass::ALL.into_iter().rev() {
            let (cpu, gpu) = (memory.cpu.by_class[class as usize], memory.gpu.by_class[class as usize]);
            if cpu.frames + gpu.frames == 0 {
                continue;
            }
            name(ui, &class.name().replace('_', " "));
            value(ui, &format!("{} frames, {}", cpu.frames, format_bytes(cpu.bytes)));
            value(ui, &format!("{} in VRAM", gpu.frames));
            ui.end_row();
        }
    });
    let others = memory.cpu.by_component.iter().filter(|(name, bytes)| *name != "frames" && *bytes > 0);
    let text: Vec<String> =
        others.map(|(name, bytes)| format!("{} {}", name.replace('_', " "), format_bytes(*bytes))).collect();
    dim(ui, &text.join(", "));
}

fn clips(ui: &mut Ui, memory: &MemoryStatus) {
    if memory.clips.len() < 2 {
        return;
    }
    ui.separator();
    Grid::new("clips").num_columns(3).spacing([14.0, 2.0]).show(ui, |ui| {
        for clip in memory.clips.iter().take(MAX_CLIPS) {
            name(ui, &clip.name);
            value(ui, &format!("{} of {}", format_bytes(clip.cpu_bytes), format_bytes(clip.quota_bytes)));
            dim(ui, &format!("{} in VRAM", format_bytes(clip.gpu_bytes)));
            ui.end_row();
        }
    });
    if memory.clips.len() > MAX_CLIPS {
        dim(ui, &format!("and {} more", memory.clips.len() - MAX_CLIPS));
    }
}

fn machine(ui: &mut Ui, memory: &MemoryStatus) {
    let machine = memory.machine;
    let (available, total) = (format_bytes(machine.available_bytes), format_bytes(machine.total_bytes));
    dim(
        ui,
        &format!(
            "machine: {available} of {total} available; rushes takes {}",
            format_bytes(machine.rss_bytes)
        ),
    );
    if memory.leaks.mismatches > 0 {
        ui.label(RichText::new(format!("the books are wrong: {} times", memory.leaks.mismatches)).color(BAD));
    }
}

fn name(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).color(DIM));
}

fn value(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).monospace().color(TEXT));
}

fn dim(ui: &mut Ui, text: &str) {
    if !text.is_empty() {
        ui.label(RichText::new(text).size(NOTE_POINTS).color(DIM));
    }
}
