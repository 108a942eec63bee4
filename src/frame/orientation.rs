//! Owns the eight ways in which a stored picture stands when it is shown. Plain values; any thread.

/// What becomes of a stored picture before it is shown: mirrored first, then turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Orientation {
    /// Clockwise, 0 to 3.
    quarters: u8,
    is_mirrored: bool,
}

/// Which place of the stored picture is shown at a place: `rows * place + origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    pub rows: [[i32; 2]; 2],
    pub origin: [i32; 2],
}

impl Turn {
    /// The stored place that is shown at a place.
    pub fn of(self, (x, y): (i32, i32)) -> (i32, i32) {
        let [across, down] = self.rows;
        let along = |row: [i32; 2], origin: i32| row[0] * x + row[1] * y + origin;
        (along(across, self.origin[0]), along(down, self.origin[1]))
    }
}

impl Orientation {
    /// So many quarter turns clockwise, after left and right were swapped or not.
    pub const fn new(quarters: u8, is_mirrored: bool) -> Self {
        Self { quarters: quarters % 4, is_mirrored }
    }

    /// All eight.
    pub fn all() -> impl Iterator<Item = Self> {
        [false, true].into_iter().flat_map(|is_mirrored| (0..4).map(move |at| Self::new(at, is_mirrored)))
    }

    /// Clockwise: 0, 90, 180 or 270.
    pub const fn degrees(self) -> u16 {
        self.quarters as u16 * 90
    }

    /// Whether left and right are swapped before turning.
    pub const fn is_mirrored(self) -> bool {
        self.is_mirrored
    }

    /// Whether it is shown as it is stored.
    pub const fn is_upright(self) -> bool {
        self.quarters == 0 && !self.is_mirrored
    }

    /// Whether width and height are swapped.
    pub const fn is_turned(self) -> bool {
        self.quarters % 2 == 1
    }

    /// A size as shown of one as stored, and the other way round.
    pub fn of_size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.is_turned() { (height, width) } else { (width, height) }
    }

    /// The pixel aspect as shown of one as stored, and the other way round.
    pub fn of_aspect(self, pixel_aspect: f32) -> f32 {
        if self.is_turned() { 1.0 / pixel_aspect } else { pixel_aspect }
    }

    /// For places between pixels, both from the upper left corner of a picture that is stored in this size.
    pub fn places(self, stored: (u32, u32)) -> Turn {
        let [width, height] = [stored.0, stored.1].map(|side| i32::try_from(side).unwrap_or(i32::MAX));
        let turn = match self.quarters {
            0 => Turn { rows: [[1, 0], [0, 1]], origin: [0, 0] },
            1 => Turn { rows: [[0, 1], [-1, 0]], origin: [0, height] },
            2 => Turn { rows: [[-1, 0], [0, -1]], origin: [width, height] },
            _ => Turn { rows: [[0, -1], [1, 0]], origin: [width, 0] },
        };
        if !self.is_mirrored {
            return turn;
        }
        let ([across, down], [x, y]) = (turn.rows, turn.origin);
        Turn { rows: [across.map(|step| -step), down], origin: [width - x, y] }
    }

    /// For pixels by their numbers: the middle of one is the middle of another.
    pub fn pixels(self, stored: (u32, u32)) -> Turn {
        let Turn { rows, origin: [x, y] } = self.places(stored);
        let back = |row: [i32; 2]| i32::from(row[0] + row[1] < 0);
        Turn { rows, origin: [x - back(rows[0]), y - back(rows[1])] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a stored picture as they are shown.
    fn shown(stored: &[&str], orientation: Orientation) -> Vec<String> {
        let size = (stored[0].len() as u32, stored.len() as u32);
        let (width, height) = orientation.of_size(size);
        let turn = orientation.pixels(size);
        let pixel = |x, y| {
            let (x, y) = turn.of((x, y));
            char::from(stored[y as usize].as_bytes()[x as usize])
        };
        (0..height as i32).map(|y| (0..width as i32).map(|x| pixel(x, y)).collect()).collect()
    }

    #[test]
    fn pictures_are_mirrored_and_then_turned_clockwise() {
        let of = |quarters, is_mirrored| shown(&["ab", "cd", "ef"], Orientation::new(quarters, is_mirrored));
        assert_eq!(of(0, false), ["ab", "cd", "ef"]);
        assert_eq!(of(1, false), ["eca", "fdb"]);
        assert_eq!(of(2, false), ["fe", "dc", "ba"]);
        assert_eq!(of(3, false), ["bdf", "ace"]);
        assert_eq!(of(0, true), ["ba", "dc", "fe"]);
        assert_eq!(of(1, true), ["fdb", "eca"]);
        assert_eq!(of(2, true), ["ef", "cd", "ab"]);
        assert_eq!(of(3, true), ["ace", "bdf"]);
    }

    #[test]
    fn middles_of_pixels_are_places() {
        let stored = (5, 3);
        for orientation in Orientation::all() {
            let (places, pixels) = (orientation.places(stored), orientation.pixels(stored));
            let (width, height) = orientation.of_size(stored);
            for (x, y) in (0..height as i32).flat_map(|y| (0..width as i32).map(move |x| (x, y))) {
                let [across, down] = places.rows;
                let middle =
                    |row: [i32; 2], origin: i32| row[0] * (2 * x + 1) + row[1] * (2 * y + 1) + 2 * origin;
                let (column, line) = pixels.of((x, y));
                let doubled = (middle(across, places.origin[0]), middle(down, places.origin[1]));
                assert_eq!(doubled, (2 * column + 1, 2 * line + 1), "{orientation:?} {x} {y}");
            }
        }
    }

    #[test]
    fn quarter_turns_swap_the_sides() {
        assert_eq!(Orientation::new(3, true).of_size((4, 3)), (3, 4));
        assert_eq!(Orientation::new(2, true).of_size((4, 3)), (4, 3));
        assert_eq!(Orientation::new(1, false).of_aspect(2.0), 0.5);
        assert_eq!(Orientation::new(5, false), Orientation::new(1, false));
        assert_eq!(Orientation::all().filter(|orientation| orientation.is_upright()).count(), 1);
    }
}
