//! Text burned into finished pictures, and the slate before a movie.
//!
//! Owns where the text lies, how large it is and what is behind it. Never knows what it says. Pure; runs on any
//! thread.

use super::glyphs::{GLYPH_HEIGHT, Mask, cells_wide};
use super::{RgbPicture, RgbSamples};

/// Where a text lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurnPlace {
    BottomLeft,
    BottomRight,
}

/// Cells of a text in the height of a picture, and in the height of the largest line of a slate.
const CELLS_DOWN: f32 = 230.0;
const SLATE_CELLS_DOWN: f32 = 110.0;
/// Cells from the edge of the picture to the text.
const MARGIN_CELLS: f32 = 6.0;
/// Cells of the box around a text, and what is left of the picture behind it.
const BOX_CELLS: f32 = 2.0;
const BEHIND: f32 = 0.35;
/// How much of a slate its text may take in width.
const SLATE_SHARE: f32 = 0.8;
/// Of a slate, as shown.
const SLATE_GREY: f32 = 0.1;
const INK: f32 = 0.95;

/// Burns a text into a picture, over a darker box. What does not fit in half of its width is made smaller.
pub fn burn(picture: &mut RgbPicture, text: &str, place: BurnPlace) {
    let (width, height) = (picture.width as f32, picture.height as f32);
    let margin = MARGIN_CELLS * height / CELLS_DOWN;
    let cell = fitting(text, height / CELLS_DOWN, width * 0.5 - 2.0 * margin);
    let mask = Mask::new(text, cell);
    let left = match place {
        BurnPlace::BottomLeft => margin,
        BurnPlace::BottomRight => width - margin - mask.width as f32,
    };
    let top = height - margin - mask.height as f32;
    let (left, top) = (left.max(0.0) as usize, top.max(0.0) as usize);
    let around = (BOX_CELLS * cell).ceil() as usize;
    let mut surface = Surface::of(picture);
    surface.darken((left, top), (mask.width, mask.height), around);
    surface.draw(&mask, left, top);
}

/// A picture of lines of text in the middle of plain grey, of the size and kind of `like`; the first line is the
/// largest.
pub fn slate(like: &RgbPicture, lines: &[String]) -> RgbPicture {
    let mut picture = like.clone();
    let mut surface = Surface::of(&mut picture);
    surface.fill(SLATE_GREY);
    let (width, height) = (surface.width as f32, surface.height as f32);
    let size = |at: usize| if at == 0 { height / SLATE_CELLS_DOWN } else { height / SLATE_CELLS_DOWN / 2.0 };
    let masks: Vec<Mask> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| Mask::new(line, fitting(line, size(at), width * SLATE_SHARE)))
        .collect();
    let gap = size(1) * GLYPH_HEIGHT as f32;
    let all: f32 = masks.iter().map(|mask| mask.height as f32 + gap).sum();
    let mut top = (height - all) * 0.5 + gap * 0.5;
    for mask in &masks {
        let left = (width - mask.width as f32) * 0.5;
        surface.draw(mask, left.max(0.0) as usize, top.max(0.0) as usize);
        top += mask.height as f32 + gap;
    }
    picture
}

/// Pixels of a cell, so that a text is no wider than `most` pixels.
fn fitting(text: &str, cell: f32, most: f32) -> f32 {
    let cells = cells_wide(text.chars().count()).max(1) as f32;
    cell.min(most.max(1.0) / cells)
}

/// The samples of a picture as parts of white.
struct Surface<'a> {
    width: usize,
    height: usize,
    samples: &'a mut RgbSamples,
}

impl<'a> Surface<'a> {
    fn of(picture: &'a mut RgbPicture) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        Self { width, height, samples: &mut picture.samples }
    }

    fn fill(&mut self, value: f32) {
        match self.samples {
            RgbSamples::U8(samples) => samples.fill((value * 255.0).round() as u8),
            RgbSamples::U16(samples) => samples.fill((value * 65_535.0).round() as u16),
        }
    }

    /// Moves a pixel to a value; what lies outside is passed over.
    fn mix(&mut self, x: usize, y: usize, value: f32, share: f32) {
        if x >= self.width || y >= self.height || share <= 0.0 {
            return;
        }
        let first = (y * self.width + x) * 3;
        let mixed = |sample: f32, white: f32| (sample + (value * white - sample) * share).round();
        match self.samples {
            RgbSamples::U8(samples) => {
                let pixel = samples.iter_mut().skip(first).take(3);
                pixel.for_each(|sample| *sample = mixed(f32::from(*sample), 255.0) as u8);
            }
            RgbSamples::U16(samples) => {
                let pixel = samples.iter_mut().skip(first).take(3);
                pixel.for_each(|sample| *sample = mixed(f32::from(*sample), 65_535.0) as u16);
            }
        }
    }

    fn darken(&mut self, (left, top): (usize, usize), (width, height): (usize, usize), around: usize) {
        for y in top.saturating_sub(around)..top + height + around {
            for x in left.saturating_sub(around)..left + width + around {
                self.mix(x, y, 0.0, 1.0 - BEHIND);
            }
        }
    }

    fn draw(&mut self, mask: &Mask, left: usize, top: usize) {
        for y in 0..mask.height {
            for (x, coverage) in mask.row(y).iter().enumerate() {
                self.mix(left + x, top + y, INK, *coverage);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32) -> RgbPicture {
        let count = (width * height * 3) as usize;
        RgbPicture { width, height, samples: RgbSamples::U8(vec![128; count]) }
    }

    fn changed(picture: &RgbPicture) -> Vec<(u32, u32)> {
        let RgbSamples::U8(samples) = &picture.samples else { panic!("8 bits expected") };
        let pixels = samples.chunks(3).enumerate().filter(|(_, pixel)| **pixel != [128; 3]);
        pixels.map(|(at, _)| (at as u32 % picture.width, at as u32 / picture.width)).collect()
    }

    #[test]
    fn text_stays_in_its_corner_and_is_legible() {
        for (place, is_left) in [(BurnPlace::BottomLeft, true), (BurnPlace::BottomRight, false)] {
            let mut picture = grey(640, 360);
            burn(&mut picture, "1001", place);
            let changed = changed(&picture);
            assert!(!changed.is_empty());
            assert!(changed.iter().all(|(x, y)| (*x < 320) == is_left && *y > 300), "{place:?}");
            let RgbSamples::U8(samples) = &picture.samples else { panic!("8 bits expected") };
            assert!(samples.contains(&((INK * 255.0).round() as u8)));
            assert!(samples.contains(&((128.0 * BEHIND).round() as u8)));
        }
    }

    #[test]
    fn long_texts_and_small_pictures_do_no_harm() {
        for (width, height) in [(1, 1), (3, 2), (64, 4), (640, 360)] {
            for text in ["", "x", &"LONG".repeat(200)] {
                let mut picture = grey(width, height);
                burn(&mut picture, text, BurnPlace::BottomLeft);
                burn(&mut picture, text, BurnPlace::BottomRight);
                let slate = slate(&picture, &[text.to_string(), text.to_string()]);
                assert_eq!((slate.width, slate.height), (width, height));
            }
        }
        let mut picture = grey(640, 360);
        burn(&mut picture, &"LONG".repeat(20), BurnPlace::BottomLeft);
        assert!(changed(&picture).iter().all(|(x, _)| *x <= 320));
    }

    #[test]
    fn a_slate_has_its_lines_in_the_middle() {
        let like = RgbPicture { width: 320, height: 180, samples: RgbSamples::U16(vec![0; 320 * 180 * 3]) };
        let slate = slate(&like, &["SHOT".to_string(), "1001-1100".to_string()]);
        let RgbSamples::U16(samples) = &slate.samples else { panic!("16 bits expected") };
        let grey = (SLATE_GREY * 65_535.0).round() as u16;
        let inked: Vec<usize> =
            (0..320 * 180).filter(|at| samples[3 * at] != grey).map(|at| at / 320).collect();
        assert!(*inked.first().unwrap() > 40 && *inked.last().unwrap() < 140);
    }
}
