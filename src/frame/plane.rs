//! Owns how the planes of a frame lie in memory: one plane per channel, rows padded so that a
//! whole plane is one copy into a texture. Plain values; any thread.

use super::{Orientation, VideoEncoding};

/// Rows start at multiples of this many bytes, as `copy_buffer_to_texture` demands.
pub const ROW_ALIGN_BYTES: usize = 256;

/// The number format of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SampleType {
    F16,
    F32,
    U8,
    U16,
    U32,
}

impl SampleType {
    /// Size of one sample in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::F16 | Self::U16 => 2,
            Self::F32 | Self::U32 => 4,
        }
    }

    /// The name users of EXR and FFmpeg know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F16 => "half",
            Self::F32 => "float",
            Self::U8 => "8 bit",
            Self::U16 => "16 bit",
            Self::U32 => "uint",
        }
    }
}

/// What a plane contributes to the displayed colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Red,
    Green,
    Blue,
    Alpha,
    /// Shown as grey when it is the only colour plane.
    Grey,
    /// Together with both chromas it becomes red, green and blue; alone it is grey.
    Luminance,
    ChromaRed,
    ChromaBlue,
    /// Of video: with luminance it becomes red, green and blue when it is drawn.
    DifferenceBlue,
    DifferenceRed,
    /// Carried (for raw output), never part of the displayed colour.
    Other,
}

/// An inclusive pixel rectangle in the coordinates of the file, as OpenEXR's `box2i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

impl Window {
    /// A window of the given size with its first pixel at the origin.
    pub const fn at_origin(width: u32, height: u32) -> Self {
        Self { x: 0, y: 0, width, height }
    }

    /// Number of pixels.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// A rectangle in a picture, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Area {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// How many rows any of the areas touches.
pub fn rows_of(areas: &[Area]) -> u32 {
    let mut rows: Vec<(u32, u32)> = areas.iter().map(|area| (area.y, area.y + area.height)).collect();
    rows.sort_unstable();
    let count = |(sum, end): (u32, u32), (first, after): &(u32, u32)| {
        (sum + after.saturating_sub(end.max(*first)), end.max(*after))
    };
    rows.iter().fold((0, 0), count).0
}

/// One plane as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlaneSpec {
    /// The channel's full name in the file.
    pub name: String,
    pub sample: SampleType,
    pub role: Role,
    /// Samples in a row, and rows.
    pub width: u32,
    pub height: u32,
}

/// Where one plane lies in the frame's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlaneSpan {
    pub offset_bytes: usize,
    pub row_bytes: usize,
    pub rows: usize,
}

impl PlaneSpan {
    /// The plane's bytes, padding included.
    pub fn range(self) -> std::ops::Range<usize> {
        self.offset_bytes..self.offset_bytes + self.row_bytes * self.rows
    }

    /// One row's bytes, padding included.
    pub fn row(self, row: usize) -> std::ops::Range<usize> {
        let start = self.offset_bytes + row * self.row_bytes;
        start..start + self.row_bytes
    }
}

/// Why a layout cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    #[error("a plane has no samples")]
    Empty,
    #[error("the planes need more bytes than this machine can address")]
    TooLarge,
}

/// The planes of one frame and where they lie; the same layout means the same size class of buffer
/// and the same textures.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlaneLayout {
    planes: Vec<PlaneSpec>,
    spans: Vec<PlaneSpan>,
    total_bytes: usize,
    data_window: Window,
    display_window: Window,
    pixel_aspect_bits: u32,
    video: Option<VideoEncoding>,
    orientation: Orientation,
}

impl PlaneLayout {
    /// Lays `planes` out one after the other. Windows and aspect are those of the picture as it is shown.
    ///
    /// # Errors
    /// [`LayoutError`] when a plane is empty or the sum does not fit the address space.
    pub fn new(
        planes: Vec<PlaneSpec>,
        data_window: Window,
        display_window: Window,
        pixel_aspect: f32,
    ) -> Result<Self, LayoutError> {
        let mut spans = Vec::with_capacity(planes.len());
        let mut total_bytes = 0_usize;
        for plane in &planes {
            let span = span_after(total_bytes, plane)?;
            total_bytes = span.range().end;
            spans.push(span);
        }
        Ok(Self {
            planes,
            spans,
            total_bytes,
            data_window,
            display_window,
            pixel_aspect_bits: pixel_aspect.to_bits(),
            video: None,
            orientation: Orientation::default(),
        })
    }

    /// The same planes as samples of video.
    pub fn with_video(self, encoding: VideoEncoding) -> Self {
        Self { video: Some(encoding), ..self }
    }

    /// The same planes, and how they are turned to fill the data window.
    pub fn with_orientation(self, orientation: Orientation) -> Self {
        Self { orientation, ..self }
    }

    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Width and height of the data window before it is turned.
    pub fn stored_size(&self) -> (u32, u32) {
        self.orientation.of_size((self.data_window.width, self.data_window.height))
    }

    /// How samples stand for colour, where they are those of video.
    pub fn video(&self) -> Option<VideoEncoding> {
        self.video
    }

    pub fn planes(&self) -> &[PlaneSpec] {
        &self.planes
    }

    pub fn spans(&self) -> &[PlaneSpan] {
        &self.spans
    }

    /// Bytes of all planes with their padding: what the frame is charged in either tier.
    pub fn total_bytes(&self) -> usize {
        self.total_bytes
    }

    /// Of the picture as it is shown.
    pub fn data_window(&self) -> Window {
        self.data_window
    }

    /// Of the picture as it is shown.
    pub fn display_window(&self) -> Window {
        self.display_window
    }

    /// Width of a pixel divided by its height, as it is shown; finite and positive.
    pub fn pixel_aspect(&self) -> f32 {
        f32::from_bits(self.pixel_aspect_bits)
    }

    /// The plane that plays `role`, if any.
    pub fn plane_with_role(&self, role: Role) -> Option<usize> {
        self.planes.iter().position(|plane| plane.role == role)
    }

    /// Luma and both chromas of video, in the order in which its matrix takes them.
    pub fn video_planes(&self) -> Option<[usize; 3]> {
        self.video?;
        let of = |role| self.plane_with_role(role);
        Some([of(Role::Luminance)?, of(Role::DifferenceBlue)?, of(Role::DifferenceRed)?])
    }

    /// The planes that stand for red, green and blue: the same one three times where the picture is grey.
    /// A layer of which this frame lacks a colour shows the first plane that it has; of video they are luma and
    /// chromas.
    pub fn color_planes(&self) -> [usize; 3] {
        let of = |role| self.plane_with_role(role);
        match (of(Role::Red), of(Role::Green), of(Role::Blue)) {
            (Some(red), Some(green), Some(blue)) => [red, green, blue],
            (red, green, blue) => {
                if let Some(video) = self.video_planes() {
                    return video;
                }
                [of(Role::Grey).or(of(Role::Luminance)).or(red).or(green).or(blue).unwrap_or(0); 3]
            }
        }
    }
}

fn span_after(offset_bytes: usize, plane: &PlaneSpec) -> Result<PlaneSpan, LayoutError> {
    if plane.width == 0 || plane.height == 0 {
        return Err(LayoutError::Empty);
    }
    let row_bytes = (plane.width as usize)
        .checked_mul(plane.sample.bytes())
        .and_then(|bytes| bytes.checked_next_multiple_of(ROW_ALIGN_BYTES))
        .ok_or(LayoutError::TooLarge)?;
    let rows = plane.height as usize;
    row_bytes
        .checked_mul(rows)
        .and_then(|bytes| bytes.checked_add(offset_bytes))
        .filter(|end| *end <= isize::MAX as usize)
        .ok_or(LayoutError::TooLarge)?;
    Ok(PlaneSpan { offset_bytes, row_bytes, rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(width: u32, height: u32) -> PlaneSpec {
        PlaneSpec { name: "R".into(), sample: SampleType::F16, role: Role::Red, width, height }
    }

    #[test]
    fn rows_are_padded_and_planes_follow_each_other() {
        let window = Window::at_origin(130, 3);
        let layout = PlaneLayout::new(vec![half(130, 3), half(130, 3)], window, window, 1.0).unwrap();
        assert_eq!(layout.spans()[0], PlaneSpan { offset_bytes: 0, row_bytes: 512, rows: 3 });
        assert_eq!(layout.spans()[1].offset_bytes, 1536);
        assert_eq!(layout.total_bytes(), 3072);
    }

    #[test]
    fn a_4k_rgb_half_frame_costs_six_bytes_a_pixel() {
        let window = Window::at_origin(4096, 2160);
        let layout = PlaneLayout::new(vec![half(4096, 2160); 3], window, window, 1.0).unwrap();
        assert_eq!(layout.total_bytes(), 4096 * 2160 * 6);
    }

    #[test]
    fn rows_are_counted_once() {
        let area = |x, y, height| Area { x, y, width: 8, height };
        assert_eq!(rows_of(&[area(0, 10, 5), area(8, 12, 1), area(16, 12, 6), area(0, 30, 2)]), 8 + 2);
        assert_eq!(rows_of(&[]), 0);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        let window = Window::at_origin(1, 1);
        assert_eq!(PlaneLayout::new(vec![half(0, 1)], window, window, 1.0), Err(LayoutError::Empty));
        let planes = vec![half(u32::MAX, u32::MAX); 4];
        assert_eq!(PlaneLayout::new(planes, window, window, 1.0), Err(LayoutError::TooLarge));
    }
}
