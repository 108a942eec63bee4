//! Text over the picture: the reason of a slate, badges for stand-ins and incomplete frames, a hint in
//! an empty window.

use egui::{Align2, Color32, FontId, Rect, Ui, pos2};

use super::Inputs;
use super::theme::{BAD, DIM, FAIR};
use crate::stats::ShownStatus;

const HINT: &str = "Drop a sequence, a folder or a picture here,\nor start with one:  rushes shot.####.exr\n\n\
                    rushes demo  shows what it looks like.  F1 lists the keys.";

pub fn overlay(ui: &mut Ui, rect: Rect, inputs: &Inputs<'_>) {
    let snapshot = inputs.snapshot;
    if snapshot.clip.is_none() {
        text(ui, rect.center(), Align2::CENTER_CENTER, HINT, 16.0, DIM);
        return;
    }
    match &snapshot.shown {
        ShownStatus::Slate(reason) => {
            text(ui, rect.center(), Align2::CENTER_CENTER, reason, 18.0, Color32::from_gray(230));
        }
        ShownStatus::Proxy(_) => badge(ui, rect, 0, "PROXY", DIM),
        ShownStatus::StandIn(_, why) => badge(ui, rect, 0, why, FAIR),
        ShownStatus::Empty => text(ui, rect.center(), Align2::CENTER_CENTER, "loading", 16.0, DIM),
        ShownStatus::Exact(_) | ShownStatus::Held(_) | ShownStatus::Black => {}
    }
    if snapshot.missing_rows > 0 {
        let reason = format!("INCOMPLETE: {} rows lack data or are damaged", snapshot.missing_rows);
        badge(ui, rect, 1, &reason, BAD);
    }
}

fn badge(ui: &Ui, rect: Rect, line: usize, reason: &str, color: Color32) {
    let at = pos2(rect.left() + 14.0, rect.top() + 14.0 + 26.0 * line as f32);
    text(ui, at, Align2::LEFT_TOP, reason, 14.0, color);
}

/// Text on a dark plate, readable over any picture.
fn text(ui: &Ui, at: egui::Pos2, align: Align2, text: &str, size: f32, color: Color32) {
    let galley = ui.painter().layout(text.to_string(), FontId::proportional(size), color, 900.0);
    let rect = align.anchor_size(at, galley.size());
    ui.painter().rect_filled(rect.expand(6.0), 3.0, Color32::from_black_alpha(190));
    ui.painter().galley(rect.min, galley, color);
}
