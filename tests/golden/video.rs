//! Samples of video in the image pass against their twin: every matrix, both ranges, chroma where it is said to lie.

use rushes::color::{ColorSettings, Encoding, VideoRows, chroma_shift};
use rushes::frame::{
    Matrix, PlaneLayout, PlaneSpec, Primaries, Range, Role, SampleType, Siting, Transfer, VideoEncoding,
    Window,
};

use crate::picture::{frame, key};
use crate::screen::{ONE_TO_ONE, Screen};

const SIZE: (u32, u32) = (33, 18);
const TOLERANCE: f32 = 1e-3;
const ROLES: [(&str, Role); 4] =
    [("Y", Role::Luminance), ("Cb", Role::DifferenceBlue), ("Cr", Role::DifferenceRed), ("A", Role::Alpha)];

struct Case {
    encoding: VideoEncoding,
    sample: SampleType,
    /// Pixels that share a sample of chroma, across and down.
    shared: (u32, u32),
}

fn case(matrix: Matrix, range: Range, bits: u8, siting: Siting, shared: (u32, u32)) -> Case {
    let (transfer, primaries) = (Transfer::Bt709, Primaries::Bt709);
    let sample = if bits == 8 { SampleType::U8 } else { SampleType::U16 };
    Case { encoding: VideoEncoding { matrix, range, bits, siting, transfer, primaries }, sample, shared }
}

impl Case {
    fn size(&self, plane: usize) -> (u32, u32) {
        match plane {
            1 | 2 => (SIZE.0.div_ceil(self.shared.0), SIZE.1.div_ceil(self.shared.1)),
            _ => SIZE,
        }
    }

    fn layout(&self) -> PlaneLayout {
        let plane = |(plane, (name, role)): (usize, &(&str, Role))| {
            let (width, height) = self.size(plane);
            PlaneSpec { name: (*name).into(), sample: self.sample, role: *role, width, height }
        };
        let window = Window::at_origin(SIZE.0, SIZE.1);
        let planes = ROLES.iter().enumerate().map(plane).collect();
        PlaneLayout::new(planes, window, window, 1.0).expect("a layout").with_video(self.encoding)
    }

    /// Codes all over the range, those that nobody should write among them.
    fn code(&self, plane: usize, x: u32, y: u32) -> u32 {
        let most = (1_u32 << self.encoding.bits) - 1;
        (x * 37 + y * 101 + plane as u32 * 59) * most / 1000 % (most + 1)
    }

    /// A sample, 0 to 1; places beyond the edge are those of the edge.
    fn sample_at(&self, plane: usize, x: i64, y: i64) -> f32 {
        let (width, height) = self.size(plane);
        let at = (x.clamp(0, i64::from(width) - 1) as u32, y.clamp(0, i64::from(height) - 1) as u32);
        let full = if self.sample == SampleType::U8 { 255.0 } else { 65_535.0 };
        self.code(plane, at.0, at.1) as f32 / full
    }

    /// Chroma between its samples.
    fn chroma(&self, plane: usize, (x, y): (u32, u32)) -> f32 {
        let (width, height) = self.size(plane);
        let [right, down] = chroma_shift(self.encoding.siting, self.shared.0 > 1, self.shared.1 > 1);
        let along = |at: u32, samples: u32, pixels: u32, shift: f32| {
            (at as f32 + 0.5) * samples as f32 / pixels as f32 + shift - 0.5
        };
        let (x, y) = (along(x, width, SIZE.0, right), along(y, height, SIZE.1, down));
        let (left, top) = (x.floor(), y.floor());
        let of = |column: i64, row: i64| self.sample_at(plane, left as i64 + column, top as i64 + row);
        let line = |row| of(0, row) + (of(1, row) - of(0, row)) * (x - left);
        line(0) + (line(1) - line(0)) * (y - top)
    }

    fn expected(&self, at: (u32, u32)) -> [f32; 3] {
        let luma = self.sample_at(0, i64::from(at.0), i64::from(at.1));
        let [blue, red] = match self.shared {
            (1, 1) => [1, 2].map(|plane| self.sample_at(plane, i64::from(at.0), i64::from(at.1))),
            _ => [1, 2].map(|plane| self.chroma(plane, at)),
        };
        VideoRows::of(self.encoding, self.sample).rgb([luma, blue, red])
    }
}

#[test]
fn video_becomes_colour_as_its_twin_says() {
    let name = "video_becomes_colour_as_its_twin_says";
    let cases = [
        case(Matrix::Bt709, Range::Limited, 8, Siting::Left, (2, 2)),
        case(Matrix::Bt601, Range::Full, 8, Siting::Center, (2, 2)),
        case(Matrix::Bt2020, Range::Limited, 10, Siting::TopLeft, (2, 2)),
        case(Matrix::Bt709, Range::Limited, 10, Siting::Left, (2, 1)),
        case(Matrix::Smpte240m, Range::Limited, 12, Siting::Left, (1, 1)),
        case(Matrix::Fcc, Range::Full, 16, Siting::Left, (4, 1)),
        case(Matrix::YCgCo, Range::Full, 8, Siting::Left, (1, 1)),
    ];
    let settings = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
    for forces_bits in [false, true] {
        let Some(mut screen) = Screen::new(name, 64 << 20, forces_bits) else { return };
        for (number, case) in (0..).zip(&cases) {
            let frame = frame(&case.layout().into(), |plane, x, y| case.code(plane, x, y));
            screen.load(key(number), &frame);
            let drawn = screen.draw(key(number), &ONE_TO_ONE, &settings, SIZE);
            for (at, pixel) in (0..).zip(drawn) {
                let at = (at % SIZE.0, at / SIZE.0);
                let wanted = case.expected(at);
                // A texture unit may mix samples of 8 bit in 8 bit; a matrix doubles what that rounds.
                let tolerance =
                    if forces_bits || case.shared == (1, 1) { TOLERANCE } else { 12.0 * TOLERANCE };
                let is_close =
                    pixel.iter().zip(wanted).all(|(drawn, wanted)| (drawn - wanted).abs() <= tolerance);
                assert!(is_close, "{:?} {at:?}: {pixel:?} drawn, {wanted:?} wanted", case.encoding);
            }
        }
        let alpha = ColorSettings { channel: rushes::color::ChannelView::Alpha, ..settings };
        let drawn = screen.draw(key(2), &ONE_TO_ONE, &alpha, SIZE);
        let most = drawn.iter().map(|pixel| pixel[0]).fold(0.0, f32::max);
        assert!((0.9..=1.0 + 1e-5).contains(&most), "alpha of ten bits is {most} at most");
        assert_eq!(screen.gpu.uncaught_errors(), 0);
    }
}
