//! The timeline: room for the strip, which the GPU draws, and scrubbing on it.

use egui::{Rect, Sense, Ui, vec2};

use super::{Inputs, Output};
use crate::player::Command;

const STRIP_POINTS: f32 = 26.0;

pub fn timeline(
    ui: &mut Ui,
    inputs: &Inputs<'_>,
    strip: &mut dyn FnMut(Rect) -> egui::Shape,
    output: &mut Output,
) {
    let size = vec2(ui.available_width(), STRIP_POINTS);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    ui.painter().add(strip(rect));
    let Some(clip) = &inputs.snapshot.clip else { return };
    let frame_under = |x: f32| frame_at((x - rect.left()) / rect.width().max(1.0), clip.frames);
    if let Some(position) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on()) {
        let frame = frame_under(position.x);
        if frame != inputs.snapshot.transport.playhead {
            output.commands.push(Command::Scrub(frame));
        }
    }
    if let Some(position) = response.hover_pos() {
        let number = clip.first_number + i64::from(frame_under(position.x));
        response.on_hover_text_at_pointer(number.to_string());
    }
}

/// The frame at a share of the strip's width.
fn frame_at(share: f32, frames: u32) -> u32 {
    let last = frames.max(1) - 1;
    ((share.clamp(0.0, 1.0) * frames as f32) as u32).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_maps_to_frames_and_stops_at_its_ends() {
        assert_eq!(frame_at(-1.0, 100), 0);
        assert_eq!(frame_at(0.5, 100), 50);
        assert_eq!(frame_at(2.0, 100), 99);
        assert_eq!(frame_at(f32::NAN, 0), 0);
    }
}
