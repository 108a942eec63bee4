//! The help overlay: the command table, by group.

use egui::{Align2, RichText};

use super::theme::{ACCENT, DIM};
use crate::player::COMMANDS;

/// Rows of the table in one column.
const COLUMN_ROWS: usize = 24;

pub fn overlay(context: &egui::Context) {
    egui::Window::new("Keys")
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .collapsible(false)
        .resizable(false)
        .show(context, |ui| {
            ui.horizontal_top(|ui| {
                for (column, rows) in COMMANDS.chunks(COLUMN_ROWS).enumerate() {
                    egui::Grid::new(("keys", column)).spacing([18.0, 3.0]).show(ui, |ui| {
                        let mut group = "";
                        for row in rows.iter().filter(|row| !row.keys.is_empty()) {
                            if row.group != group {
                                group = row.group;
                                ui.label(RichText::new(group).strong().color(ACCENT));
                                ui.end_row();
                            }
                            ui.label(RichText::new(row.keys.join(", ")).monospace());
                            ui.label(RichText::new(row.text).color(DIM));
                            ui.end_row();
                        }
                    });
                }
            });
            ui.label(RichText::new("Drag on the picture to scrub, Alt or the middle button to pan, the wheel to zoom. F1 or Esc closes this.").color(DIM));
        });
}
