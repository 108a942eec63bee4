//! Frames of known samples, and what the image pass must make of them: an independent computation on
//! the CPU from the bytes of the planes.

use std::sync::Arc;

use half::f16;
use rushes::color::{ColorSettings, display_rgb};
use rushes::frame::{
    ClipId, FrameBuffer, FrameKey, FrameMemory, LayerId, PlaneLayout, PlaneSpec, Revision, Role, SampleType,
    Window,
};
use rushes::gpu::passes::image::{ImagePlacement, Sampling};

pub const RGBA: [(&str, Role); 4] =
    [("R", Role::Red), ("G", Role::Green), ("B", Role::Blue), ("A", Role::Alpha)];
pub const GREY: [(&str, Role); 1] = [("Y", Role::Grey)];

pub fn key(index: u32) -> FrameKey {
    FrameKey { clip: ClipId(1), revision: Revision(0), layer: LayerId(0), level: 0, index }
}

pub fn layout(
    channels: &[(&str, Role)],
    sample: SampleType,
    (data, display): (Window, Window),
) -> Arc<PlaneLayout> {
    let plane = |(name, role): &(&str, Role)| PlaneSpec {
        name: (*name).into(),
        sample,
        role: *role,
        width: data.width,
        height: data.height,
    };
    let planes = channels.iter().map(plane).collect();
    Arc::new(PlaneLayout::new(planes, data, display, 1.0).expect("a layout"))
}

/// A layout whose data window is its display window.
pub fn plain(channels: &[(&str, Role)], sample: SampleType, width: u32, height: u32) -> Arc<PlaneLayout> {
    let window = Window::at_origin(width, height);
    layout(channels, sample, (window, window))
}

/// A frame whose samples have the bits that `bits` gives for plane, x and y.
pub fn frame(layout: &Arc<PlaneLayout>, bits: impl Fn(usize, u32, u32) -> u32) -> Arc<FrameBuffer> {
    let mut memory = FrameMemory::allocate(layout.total_bytes()).expect("memory");
    for (number, (plane, span)) in layout.planes().iter().zip(layout.spans()).enumerate() {
        let size = plane.sample.bytes();
        for y in 0..plane.height {
            let row = &mut memory.bytes_mut()[span.row(y as usize)];
            for (x, sample) in (0..plane.width).zip(row.chunks_exact_mut(size)) {
                sample.copy_from_slice(&bits(number, x, y).to_le_bytes()[..size]);
            }
        }
    }
    Arc::new(FrameBuffer { layout: Arc::clone(layout), memory, missing: Vec::new() })
}

/// Bits that differ from sample to sample; numbers of every size and sign for floats.
pub fn varied(sample: SampleType) -> impl Fn(usize, u32, u32) -> u32 {
    move |plane, x, y| {
        let mixed = (plane as u32 + 1).wrapping_mul(0x9E37_79B9) ^ x.wrapping_mul(0x85EB_CA6B) ^ (y << 17);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(0xC2B2_AE35);
        let value = (mixed % 4096) as f32 / 1024.0 - 0.5;
        match sample {
            SampleType::F16 => u32::from(f16::from_f32(value).to_bits()),
            SampleType::F32 => value.to_bits(),
            SampleType::U8 | SampleType::U16 | SampleType::U32 => mixed,
        }
    }
}

/// One sample as the number that is shown.
fn value(frame: &FrameBuffer, plane: usize, x: u32, y: u32) -> f32 {
    let sample = frame.layout.planes()[plane].sample;
    let at = frame.layout.spans()[plane].row(y as usize).start + x as usize * sample.bytes();
    let mut bytes = [0; 4];
    bytes[..sample.bytes()].copy_from_slice(&frame.memory.bytes()[at..at + sample.bytes()]);
    let bits = u32::from_le_bytes(bytes);
    match sample {
        SampleType::F16 => f16::from_bits(bits as u16).to_f32(),
        SampleType::F32 => f32::from_bits(bits),
        SampleType::U8 => bits as f32 / 255.0,
        SampleType::U16 => bits as f32 / 65535.0,
        SampleType::U32 => bits as f32,
    }
}

fn clamped(at: f32, size: u32) -> u32 {
    at.clamp(0.0, (size - 1) as f32) as u32
}

/// The samples of one plane.
struct Samples<'a> {
    frame: &'a FrameBuffer,
    plane: usize,
    size: (u32, u32),
}

impl Samples<'_> {
    fn texel(&self, x: f32, y: f32) -> f32 {
        value(self.frame, self.plane, clamped(x, self.size.0), clamped(y, self.size.1))
    }

    fn bilinear(&self, (x, y): (f32, f32)) -> f32 {
        let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
        let (across, down) = (x - 0.5 - left, y - 0.5 - top);
        let mix = |a: f32, b: f32, weight: f32| a * (1.0 - weight) + b * weight;
        let upper = mix(self.texel(left, top), self.texel(left + 1.0, top), across);
        let lower = mix(self.texel(left, top + 1.0), self.texel(left + 1.0, top + 1.0), across);
        mix(upper, lower, down)
    }

    /// The mean under a tent that reaches `scale` samples to either side, at least one.
    fn tent(&self, at: (f32, f32), scale: (f32, f32)) -> f32 {
        let (mut sum, mut weights) = (0.0, 0.0);
        for (y, down) in tent_places(at.1, scale.1) {
            for (x, across) in tent_places(at.0, scale.0) {
                let is_exact = scale.0 <= TENT_REACH && scale.1 <= TENT_REACH;
                let value = if is_exact { self.texel(x.floor(), y.floor()) } else { self.bilinear((x, y)) };
                sum += f64::from(value * down * across);
                weights += f64::from(down * across);
            }
        }
        (sum / weights) as f32
    }
}

/// As in the shader: beyond this many samples to a pixel every n-th is taken.
const TENT_REACH: f32 = 8.0;

/// The places along one axis that a tent covers, and their weights.
fn tent_places(at: f32, scale: f32) -> Vec<(f32, f32)> {
    let radius = scale.max(1.0);
    let stride = (radius / TENT_REACH).ceil();
    let (first, last) = (((at - radius) / stride).floor() as i32, ((at + radius) / stride).ceil() as i32);
    let place = |number: i32| (number as f32 + 0.5) * stride;
    let weighted = |place: f32| (place, 1.0 - (place - at).abs() / radius);
    (first..last).map(|number| weighted(place(number))).filter(|(_, weight)| *weight > 0.0).collect()
}

/// A plane at a place, in pixels from the corner of the stored picture.
fn fetched(frame: &FrameBuffer, plane: usize, (x, y): (f32, f32), placement: &ImagePlacement) -> f32 {
    let (spec, (width, height)) = (&frame.layout.planes()[plane], frame.layout.stored_size());
    let ratio = (spec.width as f32 / width as f32, spec.height as f32 / height as f32);
    let (x, y) = (x * ratio.0, y * ratio.1);
    let samples = Samples { frame, plane, size: (spec.width, spec.height) };
    match placement.sampling {
        Sampling::Nearest => samples.texel(x.floor(), y.floor()),
        Sampling::Bilinear => samples.bilinear((x, y)),
        Sampling::Tent => {
            let (across, down) = placement.scale;
            let is_turned = frame.layout.orientation().is_turned();
            let (across, down) = if is_turned { (down, across) } else { (across, down) };
            samples.tent((x, y), (across * ratio.0, down * ratio.1))
        }
    }
}

/// The assembled pixel at a place of the stored picture.
fn assembled(frame: &FrameBuffer, at: (f32, f32), placement: &ImagePlacement) -> [f32; 4] {
    let of = |role| frame.layout.plane_with_role(role);
    let colour =
        [Role::Red, Role::Green, Role::Blue].map(|role| of(role).or(of(Role::Grey)).expect("a plane"));
    let [red, green, blue] = colour.map(|plane| fetched(frame, plane, at, placement));
    let alpha = of(Role::Alpha).map_or(1.0, |plane| fetched(frame, plane, at, placement));
    [red, green, blue, alpha]
}

fn inside((x, y): (f32, f32), window: Window) -> bool {
    x >= 0.0 && y >= 0.0 && x < window.width as f32 && y < window.height as f32
}

/// Where the picture is stored that is shown at a place of the data window: turned back, then mirrored.
pub fn stored_place(layout: &PlaneLayout, (x, y): (f32, f32)) -> (f32, f32) {
    let (width, height) = layout.stored_size();
    let (width, height) = (width as f32, height as f32);
    let (x, y) = match layout.orientation().degrees() {
        0 => (x, y),
        90 => (y, height - x),
        180 => (width - x, height - y),
        _ => (width - y, x),
    };
    (if layout.orientation().is_mirrored() { width - x } else { x }, y)
}

/// What the image pass must draw at a pixel of the target.
pub fn expected(
    frame: &FrameBuffer,
    placement: &ImagePlacement,
    color: &ColorSettings,
    (x, y): (u32, u32),
) -> [f32; 3] {
    let (data, display) = (frame.layout.data_window(), frame.layout.display_window());
    let at_display = (
        (x as f32 + 0.5 - placement.origin.0) * placement.scale.0,
        (y as f32 + 0.5 - placement.origin.1) * placement.scale.1,
    );
    if !inside(at_display, display) {
        return [placement.background; 3];
    }
    let at_data = (at_display.0 - (data.x - display.x) as f32, at_display.1 - (data.y - display.y) as f32);
    let at_stored = stored_place(&frame.layout, at_data);
    let is_missing = frame.missing.iter().any(|area| {
        let (left, top) = (area.x as f32, area.y as f32);
        let (right, bottom) = (left + area.width as f32, top + area.height as f32);
        at_stored.0 >= left && at_stored.1 >= top && at_stored.0 < right && at_stored.1 < bottom
    });
    if is_missing {
        return if (x + y) % 16 < 8 { [0.42, 0.12, 0.15] } else { [0.14, 0.05, 0.06] };
    }
    let rgba = if inside(at_data, data) { assembled(frame, at_stored, placement) } else { [0.0; 4] };
    display_rgb(rgba, color, (x, y))
}
