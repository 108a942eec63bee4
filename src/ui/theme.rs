//! Owns the look: neutral greys, so that nothing around the picture tints the eye, and one accent.

use egui::{Color32, Frame, Margin, Shadow, Stroke, Visuals};

pub const TEXT: Color32 = Color32::from_gray(205);
pub const DIM: Color32 = Color32::from_gray(140);
pub const GOOD: Color32 = Color32::from_rgb(110, 210, 130);
pub const FAIR: Color32 = Color32::from_rgb(230, 180, 70);
pub const BAD: Color32 = Color32::from_rgb(235, 95, 85);
pub const ACCENT: Color32 = Color32::from_rgb(120, 170, 230);

/// Colours and sizes for every style of a context.
pub fn apply(context: &egui::Context) {
    context.set_theme(egui::Theme::Dark);
    let mut visuals = Visuals::dark();
    visuals.panel_fill = Color32::from_gray(24);
    visuals.window_fill = Color32::from_gray(28);
    visuals.override_text_color = Some(TEXT);
    visuals.selection.bg_fill = Color32::from_gray(70);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    // Soft shadows cost a software adapter as much as the picture.
    visuals.window_shadow = Shadow::NONE;
    visuals.popup_shadow = Shadow::NONE;
    context.set_visuals(visuals);
    // Ctrl with plus and minus belongs to the picture.
    context.options_mut(|options| options.zoom_with_keyboard = false);
}

/// The frame of a bar.
pub fn bar() -> Frame {
    Frame::NONE.fill(Color32::from_gray(24)).inner_margin(Margin::symmetric(8, 3))
}
