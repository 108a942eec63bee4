//! The controls around the picture: reads a Snapshot, emits Commands. Knows no cache, no GPU and no
//! window; the strip is a shape that the caller hands in. The thread that draws.

mod bars;
mod help;
mod icons;
mod memory;
mod overlay;
mod picture;
mod scopes;
mod statistics;
mod theme;
mod timeline;

pub use theme::apply as apply_theme;

use crate::color::ColorMenu;
use crate::color::scopes::{Scale, ScopeResult};
use crate::player::{Command, SoundOutline, View};
use crate::stats::Snapshot;

/// What the controls are made from.
pub struct Inputs<'a> {
    pub snapshot: &'a Snapshot,
    pub view: &'a View,
    /// The name of the adapter, and whether it draws on the CPU.
    pub adapter: &'a str,
    pub is_software: bool,
    /// What was last measured of the shown picture, or why nothing can be.
    pub scopes: Result<Option<&'a ScopeResult>, &'a str>,
    /// The way of the colours from the file to the display, in words.
    pub chain: &'a str,
    /// Displays and views to choose from, once they are known.
    pub color_menu: Option<&'a ColorMenu>,
    /// The outline of the clip's sound, as far as it is measured.
    pub sound: Option<&'a SoundOutline>,
}

/// A display and a view; none for the defaults.
pub type ViewChoice = Option<(String, String)>;

/// What the controls remember between frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UiState {
    pub shows_help: bool,
    pub shows_memory: bool,
    pub shows_scopes: bool,
    pub shows_statistics: bool,
    /// Of histogram and waveform; `None` where the picture's own display decides.
    pub scope_scale: Option<Scale>,
    pub shows_controls: bool,
}

impl Default for UiState {
    fn default() -> Self {
        Self {
            shows_help: false,
            shows_memory: false,
            shows_scopes: false,
            shows_statistics: false,
            scope_scale: None,
            shows_controls: true,
        }
    }
}

/// What the user did, and where the picture goes.
#[derive(Debug, Default)]
pub struct Output {
    pub commands: Vec<Command>,
    /// In points.
    pub picture: Option<egui::Rect>,
    /// The scale that the user chose for the scopes.
    pub scope_scale: Option<Option<Scale>>,
    /// What the user chose to look through.
    pub color: Option<ViewChoice>,
}

/// Builds the controls of one frame. `strip` makes the shape of the timeline for a rectangle.
pub fn build(
    ui: &mut egui::Ui,
    inputs: &Inputs<'_>,
    state: &UiState,
    strip: &mut dyn FnMut(egui::Rect) -> egui::Shape,
) -> Output {
    let mut output = Output::default();
    if state.shows_controls {
        egui::Panel::top("clip").frame(theme::bar()).show(ui, |ui| bars::clip_bar(ui, inputs, &mut output));
        egui::Panel::bottom("status").frame(theme::bar()).show(ui, |ui| bars::status_bar(ui, inputs));
        egui::Panel::bottom("transport")
            .frame(theme::bar())
            .show(ui, |ui| bars::transport_bar(ui, inputs, &mut output));
        egui::Panel::bottom("timeline")
            .frame(theme::bar())
            .show(ui, |ui| timeline::timeline(ui, inputs, strip, &mut output));
    }
    egui::CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| {
        let rect = ui.max_rect();
        output.picture = Some(rect);
        picture::interact(ui, rect, inputs, &mut output);
        overlay::overlay(ui, rect, inputs);
    });
    if state.shows_memory {
        memory::panel(ui.ctx(), inputs, &mut output);
    }
    if state.shows_statistics {
        statistics::panel(ui.ctx(), inputs);
    }
    if state.shows_scopes {
        scopes::panel(ui.ctx(), inputs, state, &mut output);
    }
    if state.shows_help {
        help::overlay(ui.ctx());
    }
    output
}
