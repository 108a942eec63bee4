//! The statistics panel: what limits playback now with the figures behind it, and how evenly frames come. Reads the
//! Snapshot.

use egui::{Align2, Color32, Grid, RichText, Sense, Stroke, Ui, vec2};

use super::Inputs;
use super::theme::{ACCENT, BAD, DIM, FAIR, GOOD, TEXT};
use crate::stats::{Intervals, Limit, LimitStatus, Percentiles, Snapshot};

const WIDTH: f32 = 360.0;
const HISTOGRAM_HEIGHT: f32 = 72.0;
const SHARE_WIDTH: f32 = 120.0;
const SHARE_HEIGHT: f32 = 8.0;
const PLATE: Color32 = Color32::from_gray(14);
const MEANT: Color32 = Color32::from_gray(90);

pub fn panel(context: &egui::Context, inputs: &Inputs<'_>) {
    egui::Window::new("Statistics")
        .anchor(Align2::LEFT_BOTTOM, [12.0, -118.0])
        .collapsible(false)
        .resizable(false)
        .default_width(WIDTH)
        .show(context, |ui| {
            let snapshot = inputs.snapshot;
            verdict(ui, snapshot);
            shares(ui, &snapshot.limits);
            ui.separator();
            histogram(ui, &snapshot.intervals);
            ui.separator();
            counts(ui, snapshot);
        });
}

/// What a limit means, in words for the person who looks.
fn sentence(limit: Limit) -> &'static str {
    match limit {
        Limit::Nothing => "nothing: every frame comes in time",
        Limit::Disk => "the disk: frames wait for files to be read",
        Limit::Decode => "decoding: frames wait for the processor",
        Limit::Upload => "upload: frames wait on their way to VRAM",
        Limit::Gpu => "the GPU: drawing takes longer than a frame",
        Limit::Vsync => "the display: it refreshes less often than frames are due",
    }
}

fn verdict(ui: &mut Ui, snapshot: &Snapshot) {
    let limits = &snapshot.limits;
    if limits.whole.playing == 0 {
        ui.label(RichText::new("not played yet").color(DIM));
        return;
    }
    let color = if limits.now == Limit::Nothing { GOOD } else { BAD };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("limited by").color(DIM));
        ui.label(RichText::new(sentence(limits.now)).strong().color(color));
    });
    if limits.all_along != limits.now {
        let text = format!("since the start: {}", sentence(limits.all_along));
        ui.label(RichText::new(text).size(11.5).color(DIM));
    }
}

/// The figures behind the verdict: how much of the last seconds a frame was due and waited for what.
fn shares(ui: &mut Ui, limits: &LimitStatus) {
    Grid::new("limits").num_columns(3).spacing([10.0, 3.0]).show(ui, |ui| {
        for (limit, share) in limits.recent.shares() {
            ui.label(RichText::new(limit.name()).color(DIM));
            let color = if limit == limits.now { BAD } else { FAIR };
            bar(ui, share as f32, color);
            value(ui, &format!("{:4.1} % waited", share * 100.0));
            ui.end_row();
        }
        ui.label(RichText::new("drawing").color(DIM));
        let recent = limits.recent;
        bar(ui, recent.drawing as f32 / recent.playing.max(1) as f32, ACCENT);
        let mean = recent.drawing as f64 / 1e6 / recent.draws.max(1) as f64;
        value(ui, &format!("{mean:.1} ms a frame"));
        ui.end_row();
    });
}

fn bar(ui: &mut Ui, share: f32, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(SHARE_WIDTH, SHARE_HEIGHT), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, PLATE);
    let mut filled = rect;
    filled.set_width(rect.width() * share.clamp(0.0, 1.0));
    ui.painter().rect_filled(filled, 0.0, color);
}

/// Intervals between presentations on a logarithmic axis, with a line where they are meant to be.
fn histogram(ui: &mut Ui, intervals: &Intervals) {
    let (rect, _) = ui.allocate_exact_size(vec2(WIDTH, HISTOGRAM_HEIGHT), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, PLATE);
    let width = rect.width() / intervals.bars.len() as f32;
    let x_of = |bar: f32| rect.left() + bar * width;
    let meant = x_of(intervals.meant as f32 + 0.5);
    ui.painter().vline(meant, rect.y_range(), Stroke::new(1.0, MEANT));
    let most = intervals.bars.iter().copied().max().unwrap_or(0);
    for (bar, count) in intervals.bars.iter().enumerate().filter(|(_, count)| **count > 0) {
        // By the logarithm: one interval that is too long is seen beside thousands that are right.
        let height = (1.0 + *count as f32).ln() / (1.0 + most as f32).ln() * rect.height();
        let is_near = bar.abs_diff(intervals.meant) <= 2;
        let left_top = egui::pos2(x_of(bar as f32), rect.bottom() - height);
        let shape =
            egui::Rect::from_min_max(left_top, egui::pos2(x_of(bar as f32 + 1.0) - 0.5, rect.bottom()));
        ui.painter().rect_filled(shape, 0.0, if is_near { GOOD } else { FAIR });
    }
    let Percentiles { p50, p95, p99, max } = intervals.percentiles;
    value(ui, &format!("every {p50:.1} ms; 95 % {p95:.1}, 99 % {p99:.1}, most {max:.1}"));
}

fn counts(ui: &mut Ui, snapshot: &Snapshot) {
    let present = snapshot.present;
    value(
        ui,
        &format!(
            "{} presented, {} late, {} dropped, {} held",
            present.presented, present.late, present.dropped, present.held
        ),
    );
    if let Some(pattern) = pattern(snapshot) {
        value(ui, &pattern);
    }
    let Percentiles { p50, p95, .. } = snapshot.decode_ms;
    value(ui, &format!("decode p50 {p50:.1}, p95 {p95:.1} ms, {} in flight", snapshot.in_flight));
    if snapshot.uploads > 0 {
        let mean = snapshot.upload_nanos as f64 / 1e6 / snapshot.uploads as f64;
        value(ui, &format!("{} uploads of {mean:.1} ms", snapshot.uploads));
    }
    if snapshot.device_lost > 0 {
        let text = format!("the graphics device was lost {} times", snapshot.device_lost);
        ui.label(RichText::new(text).color(BAD));
    }
}

/// For how many refreshes frames were shown, where a display is followed.
fn pattern(snapshot: &Snapshot) -> Option<String> {
    let shown = snapshot.repeats.iter().enumerate().filter(|(_, frames)| **frames > 0);
    let parts: Vec<String> = shown.map(|(at, frames)| format!("{frames} for {}", at + 1)).collect();
    let repeated = snapshot.present.repeated;
    (!parts.is_empty()).then(|| format!("refreshes: {} frames, {repeated} repeated", parts.join(", ")))
}

fn value(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).monospace().size(11.5).color(TEXT));
}
