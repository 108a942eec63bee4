//! The picture as something to grab: dragging scrubs, the middle button or Alt pans, the wheel zooms at
//! the cursor, a double click is full screen.

use egui::{PointerButton, Rect, Sense, Ui};

use super::{Inputs, Output};
use crate::player::Command;

/// Points of dragging for one frame, for clips with more frames than the picture has points.
const POINTS_PER_FRAME: f32 = 4.0;
/// Zoom for a wheel notch of 50 points.
const ZOOM_PER_POINT: f32 = 0.0045;

pub fn interact(ui: &mut Ui, rect: Rect, inputs: &Inputs<'_>, output: &mut Output) {
    let response = ui.interact(rect, ui.scope_id().with("picture"), Sense::click_and_drag());
    if response.double_clicked() {
        output.commands.push(Command::ToggleFullscreen);
    }
    let alt = ui.input(|input| input.modifiers.alt);
    let is_panning =
        response.dragged_by(PointerButton::Middle) || (alt && response.dragged_by(PointerButton::Primary));
    if is_panning {
        let delta = response.drag_delta();
        output.commands.push(Command::Pan(delta.x / rect.width(), delta.y / rect.height()));
    } else if response.dragged_by(PointerButton::Primary) {
        scrub(ui, &response, inputs, output);
    }
    if let Some(position) = response.hover_pos() {
        let scroll = ui.input(|input| input.smooth_scroll_delta().y) * ZOOM_PER_POINT;
        let zoom = ui.input(|input| input.zoom_delta()) * scroll.exp();
        if zoom != 1.0 {
            let at = (position - rect.min) / rect.size();
            output.commands.push(Command::ZoomAt(zoom, at.x, at.y));
        }
    }
}

/// Scrubbing stops at the ends, also in a loop.
fn scrub(ui: &Ui, response: &egui::Response, inputs: &Inputs<'_>, output: &mut Output) {
    let Some(clip) = &inputs.snapshot.clip else { return };
    let key = response.id.with("scrub");
    let playhead = inputs.snapshot.transport.playhead;
    if response.drag_started() {
        ui.data_mut(|data| data.insert_temp(key, (playhead, 0.0_f32)));
    }
    let Some((start, moved)) = ui.data(|data| data.get_temp::<(u32, f32)>(key)) else { return };
    let moved = moved + response.drag_delta().x;
    ui.data_mut(|data| data.insert_temp(key, (start, moved)));
    let points = (response.rect.width() / clip.frames as f32).clamp(1.0, POINTS_PER_FRAME);
    let last = i64::from(clip.frames - 1);
    let frame = (i64::from(start) + (moved / points) as i64).clamp(0, last) as u32;
    if frame != playhead {
        output.commands.push(Command::Scrub(frame));
    }
}
