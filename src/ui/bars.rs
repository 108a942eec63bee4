//! The bars: clip, layer and colour chain above the picture; transport and status below it.

use egui::{Color32, RichText, Ui};

use super::icons::{self, Icon};
use super::theme::{ACCENT, BAD, DIM, FAIR, GOOD, TEXT};
use super::{Inputs, Output};
use crate::color::{AlphaMode, ChannelView, ColorMenu};
use crate::memory::format_bytes;
use crate::player::Command;
use crate::stats::{PressureLevel, Snapshot, TierStatus, TransportStatus};
use crate::time::LoopMode;

/// Share of the target rate from which the measured rate counts as held, and as nearly held.
const RATE_HELD: f64 = 0.99;
const RATE_NEAR: f64 = 0.90;

/// Points that the volume, the frame and the rates need side by side.
const ROOM_FOR_VOLUME: f32 = 440.0;
/// Width of the volume slider.
const VOLUME_POINTS: f32 = 60.0;
/// Points that the range and the rates need side by side; a narrower bar leaves the range out.
const ROOM_FOR_RANGE: f32 = 560.0;

pub fn clip_bar(ui: &mut Ui, inputs: &Inputs<'_>, output: &mut Output) {
    ui.horizontal(|ui| {
        let Some(clip) = &inputs.snapshot.clip else {
            ui.label(RichText::new("rushes").strong());
            return;
        };
        ui.label(RichText::new(&clip.name).strong());
        if clip.clips > 1 {
            ui.label(RichText::new(format!("{} of {}", clip.position + 1, clip.clips)).color(DIM));
        }
        ui.label(RichText::new(&clip.description).color(DIM));
        layer_menu(ui, inputs.snapshot, output);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            colour_chain(ui, inputs, output);
        });
    });
}

fn layer_menu(ui: &mut Ui, snapshot: &Snapshot, output: &mut Output) {
    let Some(clip) = &snapshot.clip else { return };
    if clip.layers.len() < 2 {
        return;
    }
    let shown = clip.layers.get(clip.layer).map(|layer| layer.name.clone()).unwrap_or_default();
    egui::ComboBox::from_id_salt("layer").selected_text(shown).show_ui(ui, |ui| {
        for (position, layer) in clip.layers.iter().enumerate() {
            let text = format!("{}  {}", layer.name, layer.channels);
            if ui.selectable_label(position == clip.layer, text).clicked() {
                output.commands.push(Command::SelectLayer(position));
            }
        }
    });
}

/// The whole chain from the file to the screen, always visible; a click opens the displays and views.
fn colour_chain(ui: &mut Ui, inputs: &Inputs<'_>, output: &mut Output) {
    let view = inputs.view;
    // The font has no arrow.
    let mut steps = vec![inputs.chain.replace('→', ">")];
    let color = &view.color;
    if color.exposure != 0.0 {
        steps.push(format!("{:+.2} stops", color.exposure));
    }
    if color.offset != 0.0 {
        steps.push(format!("offset {:+.3}", color.offset));
    }
    if (color.saturation - 1.0).abs() > 1e-3 {
        steps.push(format!("saturation {:.2}", color.saturation));
    }
    if (color.gamma - 1.0).abs() > 1e-3 {
        steps.push(format!("gamma {:.2}", color.gamma));
    }
    if color.alpha != AlphaMode::Ignored {
        steps.push(format!("{} alpha over {}", color.alpha.name(), color.backdrop.name()));
    }
    if color.false_color {
        steps.push("false colour by stops".into());
    }
    if color.channel != ChannelView::Rgb {
        steps.push(format!("channel {}", color.channel.name()));
    }
    let color = if view.is_adjusted() { ACCENT } else { DIM };
    let line = RichText::new(steps.join("; ")).color(color);
    let Some(menu) = inputs.color_menu else {
        ui.label(line);
        return;
    };
    ui.menu_button(line, |ui| view_menu(ui, menu, output))
        .response
        .on_hover_text("From the file to the screen");
}

/// Displays, and below each its views.
fn view_menu(ui: &mut Ui, menu: &ColorMenu, output: &mut Output) {
    ui.label(RichText::new(&menu.config).color(DIM));
    if ui.button("Default display and view").clicked() {
        output.color = Some(None);
        ui.close();
    }
    for (display, views) in &menu.displays {
        ui.menu_button(display, |ui| {
            for view in views {
                if ui.button(view).clicked() {
                    output.color = Some(Some((display.clone(), view.clone())));
                    ui.close();
                }
            }
        });
    }
}

pub fn transport_bar(ui: &mut Ui, inputs: &Inputs<'_>, output: &mut Output) {
    let transport = &inputs.snapshot.transport;
    ui.horizontal(|ui| {
        let mut icon = |ui: &mut Ui, icon: Icon, name: &str, command: Command| {
            if icons::button(ui, icon, name).clicked() {
                output.commands.push(command);
            }
        };
        icon(ui, Icon::First, "First frame (Home)", Command::First);
        icon(ui, Icon::FastReverse, "Reverse (J)", Command::ShuttleReverse);
        icon(ui, Icon::StepBackward, "Previous frame (Left)", Command::StepBackward);
        match transport.playing {
            true => icon(ui, Icon::Pause, "Pause (Space)", Command::TogglePlay),
            false => icon(ui, Icon::Play, "Play (Space)", Command::TogglePlay),
        }
        icon(ui, Icon::StepForward, "Next frame (Right)", Command::StepForward);
        icon(ui, Icon::FastForward, "Forward (L)", Command::ShuttleForward);
        icon(ui, Icon::Last, "Last frame (End)", Command::Last);
        ui.separator();
        let mut button = |ui: &mut Ui, text: &str, hint: &str, command: Command| {
            if ui.button(text).on_hover_text(hint).clicked() {
                output.commands.push(command);
            }
        };
        let loop_hint = "Loop, once or ping-pong (Shift+P)";
        button(ui, loop_text(transport.loop_mode), loop_hint, Command::CycleLoop);
        let pace = if transport.every_frame { "every frame" } else { "real time" };
        button(ui, pace, "Show every frame, or keep the time (Shift+E)", Command::ToggleEveryFrame);
        sound(ui, inputs.snapshot, output);
        ui.separator();
        frame_numbers(ui, inputs.snapshot);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| rates(ui, inputs.snapshot));
    });
}

/// Sound on or off, and how loud; nothing for clips without.
fn sound(ui: &mut Ui, snapshot: &Snapshot, output: &mut Output) {
    let Some(sound) = &snapshot.sound else { return };
    ui.separator();
    let (icon, name) = match sound.is_muted {
        true => (Icon::Silence, "Sound on (/)"),
        false => (Icon::Sound, "Sound off (/)"),
    };
    if icons::button(ui, icon, name).clicked() {
        output.commands.push(Command::ToggleMute);
    }
    if ui.available_width() < ROOM_FOR_VOLUME {
        return;
    }
    let mut volume = if sound.is_muted { 0.0 } else { sound.volume };
    ui.spacing_mut().slider_width = VOLUME_POINTS;
    let slider = ui.add(egui::Slider::new(&mut volume, 0.0..=1.0).show_value(false));
    if slider.on_hover_text("Volume (Ctrl+Left, Ctrl+Right)").changed() {
        output.commands.push(Command::SetVolume(volume));
    }
}

fn loop_text(mode: LoopMode) -> &'static str {
    match mode {
        LoopMode::Loop => "loop",
        LoopMode::Once => "once",
        LoopMode::PingPong => "ping-pong",
    }
}

fn frame_numbers(ui: &mut Ui, snapshot: &Snapshot) {
    let Some(clip) = &snapshot.clip else { return };
    ui.label(
        RichText::new(clip.frame_number.to_string()).monospace().size(16.0).strong().color(Color32::WHITE),
    );
    if let Some(timecode) = clip.timecode {
        ui.label(RichText::new(timecode.to_string()).monospace().color(TEXT)).on_hover_text("Timecode");
    }
    if ui.available_width() < ROOM_FOR_RANGE {
        return;
    }
    let range = format!(
        "in {}  out {}   clip {}-{}",
        clip.in_number, clip.out_number, clip.first_number, clip.last_number
    );
    ui.label(RichText::new(range).monospace().color(DIM));
}

fn rates(ui: &mut Ui, snapshot: &Snapshot) {
    let transport = &snapshot.transport;
    let present = &snapshot.present;
    let counters = format!("late {}  dropped {}", present.late, present.dropped);
    let color = if present.late + present.dropped > 0 { FAIR } else { DIM };
    ui.label(RichText::new(counters).monospace().color(color));
    let (text, color) = rate_text(transport);
    ui.label(RichText::new(text).monospace().color(color));
}

/// Measured against wanted rate, and how it compares.
fn rate_text(transport: &TransportStatus) -> (String, Color32) {
    let target = transport.rate.as_f64() * transport.speed;
    let speed = if transport.speed > 1.0 { format!(" x{}", transport.speed) } else { String::new() };
    if transport.is_variable {
        // What a second of it comes to says nothing of the average.
        return (format!("≈ {:.1}{speed} fps, variable", transport.rate.as_f64()), DIM);
    }
    let shown = crate::time::Rate::to_string(&transport.rate);
    let Some(actual) = transport.fps_actual else { return (format!("{shown}{speed} fps"), DIM) };
    let color = match actual / target {
        share if share >= RATE_HELD => GOOD,
        share if share >= RATE_NEAR => FAIR,
        _ => BAD,
    };
    (format!("{actual:.2} / {shown}{speed} fps"), color)
}

pub fn status_bar(ui: &mut Ui, inputs: &Inputs<'_>) {
    let snapshot = inputs.snapshot;
    ui.horizontal(|ui| {
        tier(ui, "RAM", &snapshot.cpu);
        ui.separator();
        tier(ui, "VRAM", &snapshot.gpu);
        let level = snapshot.memory.cpu_pressure.level;
        if level > PressureLevel::None {
            let text = format!("memory pressure {}", level.name());
            ui.label(RichText::new(text).color(FAIR)).on_hover_text("Ctrl+M shows what is cached and why");
        }
        ui.separator();
        let decode = &snapshot.decode;
        let text = format!("decode {:.0} ms", snapshot.decode_ms.p50);
        ui.label(RichText::new(text).monospace().color(DIM));
        if decode.error > 0 {
            ui.label(RichText::new(format!("{} failed", decode.error)).monospace().color(BAD));
        }
        if inputs.is_software {
            ui.label(RichText::new("software GPU").monospace().color(FAIR)).on_hover_text(format!(
                "{} draws on the CPU. Install a driver for the graphics card for full speed.",
                inputs.adapter
            ));
        }
        let message = snapshot.message.as_deref();
        if let Some(text) = message.or(snapshot.clip.as_ref().and_then(|clip| clip.notice.as_deref())) {
            ui.label(RichText::new(text).color(ACCENT));
        }
    });
}

/// Used and budget, frames and hit rate of one tier.
fn tier(ui: &mut Ui, name: &str, tier: &TierStatus) {
    let hits = tier.hit_rate().map_or_else(|| "-".to_string(), |rate| format!("{:.0}%", rate * 100.0));
    let text = format!(
        "{name} {} / {}  {} frames  hits {hits}",
        format_bytes(tier.charged_bytes),
        format_bytes(tier.budget_bytes),
        tier.resident_frames
    );
    let color = if tier.overdraft_bytes > 0 { FAIR } else { TEXT };
    ui.label(RichText::new(text).monospace().color(color)).on_hover_text(format!(
        "peak {}, {} inserted, {} evicted, {} refused",
        format_bytes(tier.charged_peak_bytes),
        tier.inserts,
        tier.evictions.total(),
        tier.refused
    ));
}
