//! The scopes panel: histogram, waveform, vectorscope and the numbers of what was last measured. Reads a
//! [`ScopeResult`]; measures nothing. Counts are shown by their logarithm, so that a few pixels are seen
//! beside a whole sky.

use egui::{
    Align2, Color32, ColorImage, Grid, Pos2, Rect, RichText, Sense, Shape, Stroke, TextureHandle, Ui,
};
use egui::{TextureOptions, pos2, vec2};

use super::theme::{BAD, DIM, FAIR, TEXT};
use super::{Inputs, Output, UiState};
use crate::color::scopes::{
    ChannelStats, LEVELS, SCOPE_CHANNELS, Scale, ScopeResult, Scopes, VECTOR_CELLS, Waveform,
};

const WIDTH: f32 = 360.0;
const HISTOGRAM_HEIGHT: f32 = 110.0;
const WAVEFORM_HEIGHT: f32 = 130.0;
const VECTORSCOPE_SIDE: f32 = 150.0;
const BACKGROUND: Color32 = Color32::from_gray(14);
const LINE: Color32 = Color32::from_gray(52);
const COLORS: [Color32; SCOPE_CHANNELS] = [
    Color32::from_rgb(235, 80, 70),
    Color32::from_rgb(80, 205, 95),
    Color32::from_rgb(85, 130, 245),
    Color32::from_gray(200),
];
const NAMES: [&str; SCOPE_CHANNELS] = ["R", "G", "B", "Y"];

type Count = fn(&ChannelStats) -> u32;
/// What is told only where there is some.
const COUNTED: [(&str, Count, Color32); 5] = [
    ("NaN", |stats| stats.nan, BAD),
    ("+inf", |stats| stats.positive_infinity, BAD),
    ("-inf", |stats| stats.negative_infinity, BAD),
    ("below 0", |stats| stats.below_zero, FAIR),
    ("above 1", |stats| stats.above_one, FAIR),
];

/// What the panel keeps between frames: the pictures of one result.
#[derive(Clone)]
struct Pictures {
    of: u64,
    waveform: TextureHandle,
    vectorscope: TextureHandle,
}

pub fn panel(context: &egui::Context, inputs: &Inputs<'_>, state: &UiState, output: &mut Output) {
    egui::Window::new("Scopes")
        .anchor(Align2::LEFT_TOP, [12.0, 40.0])
        .collapsible(false)
        .resizable(false)
        .default_width(WIDTH)
        .show(context, |ui| match inputs.scopes {
            Err(reason) => {
                ui.label(RichText::new(reason).color(BAD));
            }
            Ok(None) => {
                ui.label(RichText::new("nothing is measured yet").color(DIM));
            }
            Ok(Some(result)) => {
                scales(ui, state, output);
                scopes(ui, result);
            }
        });
}

fn scales(ui: &mut Ui, state: &UiState, output: &mut Output) {
    ui.horizontal(|ui| {
        let choices = [
            ("as shown", None),
            ("linear", Some(Scale::Linear)),
            ("stops", Some(Scale::Stops)),
            ("sRGB", Some(Scale::Display)),
        ];
        for (text, scale) in choices {
            if ui.selectable_label(state.scope_scale == scale, text).clicked() {
                output.scope_scale = Some(scale);
            }
        }
    });
}

fn scopes(ui: &mut Ui, result: &ScopeResult) {
    let scopes = &result.scopes;
    histogram(ui, scopes);
    let pictures = pictures(ui, result);
    waveform(ui, &pictures.waveform);
    ui.horizontal_top(|ui| {
        vectorscope(ui, &pictures.vectorscope);
        ui.vertical(|ui| numbers(ui, scopes));
    });
    note(ui, result);
}

/// The share of the height that a count takes: by its logarithm, 1 for `most`.
fn height_of(count: u32, most: u32) -> f32 {
    (1.0 + count as f32).ln() / (1.0 + most.max(1) as f32).ln()
}

fn histogram(ui: &mut Ui, scopes: &Scopes) {
    let rect = plate(ui, vec2(WIDTH, HISTOGRAM_HEIGHT));
    for share in [0.25, 0.5, 0.75] {
        let x = rect.left() + rect.width() * share;
        ui.painter().vline(x, rect.y_range(), Stroke::new(1.0, LINE));
    }
    // The ends hold what lies outside the scale; they must not flatten the rest.
    let inner = scopes.histogram.iter().flat_map(|bins| &bins[1..LEVELS - 1]);
    let most = inner.copied().max().unwrap_or(0);
    for (bins, color) in scopes.histogram.iter().zip(COLORS) {
        let points = bins.iter().enumerate().map(|(bin, count)| {
            let x = rect.left() + rect.width() * (bin as f32 + 0.5) / LEVELS as f32;
            Pos2::new(x, rect.bottom() - rect.height() * height_of(*count, most).min(1.0))
        });
        ui.painter().add(Shape::line(points.collect(), Stroke::new(1.2, color)));
    }
}

/// Room for a scope, with its background.
fn plate(ui: &mut Ui, size: egui::Vec2) -> Rect {
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, 0.0, BACKGROUND);
    rect
}

/// The textures of a result; made again only for another one.
fn pictures(ui: &Ui, result: &ScopeResult) -> Pictures {
    let id = egui::Id::unique("scope pictures");
    let known = ui.data(|data| data.get_temp::<Pictures>(id)).filter(|known| known.of == result.number);
    known.unwrap_or_else(|| {
        let texture = |name: &str, image| ui.ctx().load_texture(name, image, TextureOptions::LINEAR);
        let pictures = Pictures {
            of: result.number,
            waveform: texture("waveform", waveform_image(&result.scopes.waveform)),
            vectorscope: texture("vectorscope", vectorscope_image(&result.scopes.vectorscope)),
        };
        ui.data_mut(|data| data.insert_temp(id, pictures.clone()));
        pictures
    })
}

fn image(ui: &Ui, texture: &TextureHandle, rect: Rect) {
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), rect, whole, Color32::WHITE);
}

fn waveform(ui: &mut Ui, texture: &TextureHandle) {
    let rect = plate(ui, vec2(WIDTH, WAVEFORM_HEIGHT));
    image(ui, texture, rect);
    for share in [0.25, 0.5, 0.75] {
        let y = rect.top() + rect.height() * share;
        ui.painter().hline(rect.x_range(), y, Stroke::new(1.0, LINE));
    }
}

/// Red, green and blue side by side, each the whole picture; the highest level is the first row.
fn waveform_image(waveform: &Waveform) -> ColorImage {
    let columns = waveform.columns().max(1);
    let mut image = ColorImage::filled([columns * 3, LEVELS], Color32::TRANSPARENT);
    for (channel, column) in (0..3).flat_map(|channel| (0..columns).map(move |column| (channel, column))) {
        let levels = waveform.levels(column, channel);
        let most = levels.iter().sum();
        for (level, count) in levels.iter().enumerate().filter(|(_, count)| **count > 0) {
            let strength = 0.25 + 0.75 * height_of(*count, most);
            image[(channel * columns + column, LEVELS - 1 - level)] =
                COLORS[channel].gamma_multiply(strength);
        }
    }
    image
}

fn vectorscope(ui: &mut Ui, texture: &TextureHandle) {
    let rect = plate(ui, vec2(VECTORSCOPE_SIDE, VECTORSCOPE_SIDE));
    let line = Stroke::new(1.0, LINE);
    ui.painter().hline(rect.x_range(), rect.center().y, line);
    ui.painter().vline(rect.center().x, rect.y_range(), line);
    ui.painter().circle_stroke(rect.center(), rect.width() * 0.5, line);
    image(ui, texture, rect);
}

/// Cb to the right, Cr upwards.
fn vectorscope_image(cells: &[u32]) -> ColorImage {
    let mut image = ColorImage::filled([VECTOR_CELLS; 2], Color32::TRANSPARENT);
    let most = cells.iter().copied().max().unwrap_or(0);
    for (place, count) in cells.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (row, column) = (place / VECTOR_CELLS, place % VECTOR_CELLS);
        let strength = 0.3 + 0.7 * height_of(*count, most);
        image[(column, VECTOR_CELLS - 1 - row)] = Color32::from_gray(230).gamma_multiply(strength);
    }
    image
}

fn numbers(ui: &mut Ui, scopes: &Scopes) {
    Grid::new("scope numbers").num_columns(4).spacing([10.0, 1.0]).show(ui, |ui| {
        ["", "min", "mean", "max"].into_iter().for_each(|title| cell(ui, title, DIM));
        ui.end_row();
        for ((stats, name), color) in scopes.channels.iter().zip(NAMES).zip(COLORS) {
            cell(ui, name, color);
            let values = [stats.min.map(f64::from), stats.mean, stats.max.map(f64::from)];
            values.into_iter().for_each(|value| cell(ui, &number(value), TEXT));
            ui.end_row();
        }
    });
    for (what, count, color) in COUNTED {
        let counts = scopes.channels[..3].iter().map(|stats| count(stats).to_string());
        let counts: Vec<String> = counts.collect();
        if counts.iter().any(|count| count != "0") {
            cell(ui, &format!("{what}: {}", counts.join(" ")), color);
        }
    }
}

/// Four significant digits, or a dash.
fn number(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) => format!("{value:.2e}"),
        Some(value) => format!("{value:.4}"),
    }
}

fn cell(ui: &mut Ui, text: &str, color: Color32) {
    ui.label(RichText::new(text).monospace().size(11.5).color(color));
}

/// What was looked at.
fn note(ui: &mut Ui, result: &ScopeResult) {
    let grid = result.scopes.grid;
    let sampled = match grid.step {
        1 => "every pixel".to_string(),
        step => format!("one pixel in {step} x {step}"),
    };
    let scale = match result.settings.scale {
        Scale::Linear => "0 to 1",
        Scale::Stops => "0.18 ± 10 stops",
        Scale::Display => "0 to 1 in sRGB",
    };
    let text = format!("{} x {}, {sampled}; {scale}", grid.area.width, grid.area.height);
    cell(ui, &text, DIM);
    if !result.scopes.is_whole {
        cell(ui, "parts of the frame have no data and count as black", FAIR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_take_their_share_of_the_height() {
        assert_eq!(height_of(0, 0), 0.0);
        assert_eq!(height_of(0, 100), 0.0);
        assert_eq!(height_of(100, 100), 1.0);
        assert!(height_of(10, 100) > 0.5);
    }

    #[test]
    fn numbers_keep_to_their_room() {
        assert_eq!(number(None), "-");
        assert_eq!(number(Some(0.0)), "0.0000");
        assert_eq!(number(Some(-0.25)), "-0.2500");
        assert_eq!(number(Some(3.4e38)), "3.40e38");
        assert_eq!(number(Some(1.5e-7)), "1.50e-7");
    }

    #[test]
    fn the_waveform_shows_high_levels_at_the_top() {
        let mut waveform = Waveform::new(2);
        waveform.levels_mut(1, 2)[255] = 7;
        let image = waveform_image(&waveform);
        assert_eq!(image.size, [6, 256]);
        assert_ne!(image[(5, 0)], Color32::TRANSPARENT);
        assert_eq!(image.pixels.iter().filter(|pixel| **pixel != Color32::TRANSPARENT).count(), 1);
        assert_eq!(waveform_image(&Waveform::new(0)).size, [3, 256]);
    }
}
