//! A small bitmap alphabet, scaled up smoothly.
//!
//! Owns the shapes of digits, capital letters and the signs of file names on a grid of 5 by 7 cells. Never knows where
//! text goes or in which colour. Pure; runs on any thread.

/// Cells in a character's width, in its height, and from one character to the next.
const GLYPH_WIDTH: usize = 5;
pub(super) const GLYPH_HEIGHT: usize = 7;
const ADVANCE: usize = GLYPH_WIDTH + 1;

/// How strong blended cells must be to show; less than a half, so that cells that touch at a corner
/// are joined.
const THRESHOLD: f32 = 0.38;

/// Least slope of an edge, in strengths a pixel; softer than this, very small text would turn into
/// a grey bar.
const SOFTEST: f32 = 2.0;

/// Rows from the top; the highest of five bits is the leftmost cell.
type Glyph = [u8; GLYPH_HEIGHT];

#[rustfmt::skip]
const GLYPHS: [(char, Glyph); 48] = [
    ('0', [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('1', [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b11111]),
    ('2', [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111]),
    ('3', [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('4', [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010]),
    ('5', [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110]),
    ('6', [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110]),
    ('7', [0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000]),
    ('8', [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110]),
    ('9', [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100]),
    (':', [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000]),
    ('+', [0b00000, 0b00100, 0b00100, 0b11111, 0b00100, 0b00100, 0b00000]),
    ('-', [0b00000, 0b00000, 0b00000, 0b11111, 0b00000, 0b00000, 0b00000]),
    ('.', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100]),
    ('_', [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b11111]),
    ('/', [0b00001, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b10000]),
    ('#', [0b01010, 0b01010, 0b11111, 0b01010, 0b11111, 0b01010, 0b01010]),
    ('(', [0b00010, 0b00100, 0b01000, 0b01000, 0b01000, 0b00100, 0b00010]),
    (')', [0b01000, 0b00100, 0b00010, 0b00010, 0b00010, 0b00100, 0b01000]),
    (';', [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b01000]),
    (',', [0b00000, 0b00000, 0b00000, 0b00000, 0b00100, 0b00100, 0b01000]),
    ('%', [0b11000, 0b11001, 0b00010, 0b00100, 0b01000, 0b10011, 0b00011]),
    ('A', [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('B', [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110]),
    ('C', [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110]),
    ('D', [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110]),
    ('E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
    ('F', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('G', [0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01111]),
    ('H', [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    ('I', [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    ('J', [0b00111, 0b00010, 0b00010, 0b00010, 0b00010, 0b10010, 0b01100]),
    ('K', [0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001]),
    ('L', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    ('M', [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001]),
    ('N', [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001, 0b10001]),
    ('O', [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('P', [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000]),
    ('Q', [0b01110, 0b10001, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101]),
    ('R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    ('S', [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('U', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('V', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b00100]),
    ('W', [0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001]),
    ('X', [0b10001, 0b10001, 0b01010, 0b00100, 0b01010, 0b10001, 0b10001]),
    ('Y', [0b10001, 0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('Z', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111]),
];

/// How strongly each pixel of a rectangle is covered by text, 0 to 1, row by row.
pub(super) struct Mask {
    /// Pixels in a row, at least 1.
    pub width: usize,
    /// Rows, at least 1.
    pub height: usize,
    coverage: Vec<f32>,
}

impl Mask {
    /// Draws `text` with cells of `cell_px` pixels, in capitals. Characters without a shape leave a gap.
    pub(super) fn new(text: &str, cell_px: f32) -> Self {
        let glyphs: Vec<Glyph> = text.chars().map(glyph).collect();
        let width = size_px(cells_wide(glyphs.len()), cell_px);
        let height = size_px(GLYPH_HEIGHT, cell_px);
        let mut coverage = Vec::with_capacity(width * height);
        for y in 0..height {
            let v = cell_position(y, cell_px);
            coverage.extend((0..width).map(|x| covered(&glyphs, cell_position(x, cell_px), v, cell_px)));
        }
        Self { width, height, coverage }
    }

    /// The coverage of row `y`.
    pub(super) fn row(&self, y: usize) -> &[f32] {
        &self.coverage[y * self.width..(y + 1) * self.width]
    }
}

/// Cells in the width of a text of `characters`.
pub(super) fn cells_wide(characters: usize) -> usize {
    (characters * ADVANCE).saturating_sub(1)
}

fn glyph(character: char) -> Glyph {
    let found = GLYPHS.iter().find(|(known, _)| *known == character.to_ascii_uppercase());
    found.map_or([0; GLYPH_HEIGHT], |(_, glyph)| *glyph)
}

fn size_px(cells: usize, cell_px: f32) -> usize {
    (cells as f32 * cell_px).ceil().max(1.0) as usize
}

/// Where the middle of a pixel lies, in cells, 0 being the middle of the first cell.
fn cell_position(pixel: usize, cell_px: f32) -> f32 {
    (pixel as f32 + 0.5) / cell_px - 0.5
}

/// Cells are blended into their neighbours and cut at a threshold, which joins diagonals and rounds
/// ends.
fn covered(glyphs: &[Glyph], u: f32, v: f32, cell_px: f32) -> f32 {
    let (left, top) = (u.floor(), v.floor());
    let (right_share, bottom_share) = (u - left, v - top);
    let (x, y) = (left as isize, top as isize);
    let row = |y| cell(glyphs, x, y) * (1.0 - right_share) + cell(glyphs, x + 1, y) * right_share;
    let strength = row(y) * (1.0 - bottom_share) + row(y + 1) * bottom_share;
    ((strength - THRESHOLD) * cell_px.max(SOFTEST) + 0.5).clamp(0.0, 1.0)
}

/// 1 where the cell is set, 0 where it is not or lies outside.
fn cell(glyphs: &[Glyph], x: isize, y: isize) -> f32 {
    let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
        return 0.0;
    };
    let column = x % ADVANCE;
    match glyphs.get(x / ADVANCE).and_then(|glyph| glyph.get(y)) {
        Some(row) if column < GLYPH_WIDTH => f32::from(row >> (GLYPH_WIDTH - 1 - column) & 1),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> String {
        let mask = Mask::new(text, 8.0);
        let mut picture = String::new();
        for y in 0..GLYPH_HEIGHT {
            let middle = |x: usize| mask.row(y * 8 + 4)[x * 8 + 4] > 0.5;
            picture.extend((0..cells_wide(text.len())).map(|x| if middle(x) { '#' } else { '.' }));
            picture.push('\n');
        }
        picture
    }

    #[test]
    fn cells_are_where_the_table_says() {
        let seventeen = "\
..#...#####
.##.......#
..#......#.
..#.....#..
..#.....#..
..#....#...
#####..#...
";
        assert_eq!(drawn("17"), seventeen);
    }

    #[test]
    fn digits_differ_and_unknown_shapes_are_blank() {
        for (place, (_, glyph)) in GLYPHS.iter().enumerate() {
            assert!(GLYPHS[..place].iter().all(|(_, other)| other != glyph) || GLYPHS[place].0 == 'O');
            assert!(glyph.iter().all(|row| *row < 32));
        }
        assert_eq!(glyph('?'), [0; GLYPH_HEIGHT]);
    }

    #[test]
    fn any_size_can_be_drawn() {
        for cell_px in [0.001, 0.3, 1.0, 2.7] {
            let mask = Mask::new("1001", cell_px);
            assert!(mask.width >= 1 && mask.height >= 1);
            assert!((0..mask.height).all(|y| mask.row(y).iter().all(|alpha| (0.0..=1.0).contains(alpha))));
        }
    }
}
