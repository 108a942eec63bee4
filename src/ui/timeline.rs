//! The timeline: room for the strip, which the GPU draws, and scrubbing on it.

use egui::{Color32, Mesh, Rect, Sense, Shape, Ui, pos2, vec2};

use super::{Inputs, Output};
use crate::player::{Command, SoundOutline};

const STRIP_POINTS: f32 = 26.0;
const SOUND_POINTS: f32 = 22.0;
/// Of the outline of the sound.
const SOUND_COLOR: Color32 = Color32::from_rgb(150, 120, 200);

pub fn timeline(
    ui: &mut Ui,
    inputs: &Inputs<'_>,
    strip: &mut dyn FnMut(Rect) -> egui::Shape,
    output: &mut Output,
) {
    let sound = inputs.sound.filter(|_| inputs.snapshot.sound.is_some());
    let above = if sound.is_some() { SOUND_POINTS } else { 0.0 };
    let size = vec2(ui.available_width(), above + STRIP_POINTS);
    let (whole, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let rect = Rect::from_min_max(whole.min + vec2(0.0, above), whole.max);
    ui.painter().add(strip(rect));
    let Some(clip) = &inputs.snapshot.clip else { return };
    if let Some(outline) = sound {
        let lane = Rect::from_min_max(whole.min, pos2(whole.max.x, rect.min.y));
        ui.painter().add(waveform(outline, lane, clip.frames));
    }
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

/// The outline of the sound, a bar for each point; what is not measured yet is left out.
fn waveform(outline: &SoundOutline, lane: Rect, frames: u32) -> Shape {
    let (mut mesh, columns) = (Mesh::default(), lane.width().max(1.0) as usize);
    let half = lane.height() / 2.0 - 1.0;
    let frame_of = |column: usize| column as f64 / columns as f64 * f64::from(frames.max(1));
    for column in 0..columns {
        let Some(loud) = outline.between(frame_of(column), frame_of(column + 1)) else { continue };
        let height = (loud * half).max(0.5);
        let (x, y) = (lane.left() + column as f32, lane.center().y);
        mesh.add_colored_rect(
            Rect::from_min_max(pos2(x, y - height), pos2(x + 1.0, y + height)),
            SOUND_COLOR,
        );
    }
    Shape::mesh(mesh)
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
