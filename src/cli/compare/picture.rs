//! Owns the picture of a difference: for EXR the absolute differences as float under the names of the channels, for PNG
//! and TIFF scaled so that the largest is white. Pure.

use super::difference::{Row, distance, pairs};
use crate::encode::{ExrPicture, Picture, PictureChannel, PictureFormat, RgbPicture, RgbSamples, Samples};
use crate::frame::{FrameBuffer, Role};

/// The absolute differences of one channel, `width * height` of them.
struct Channel {
    name: String,
    role: Role,
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Channel {
    /// The value under a pixel of a picture of `size`: channels may have fewer samples than the picture has pixels.
    fn at(&self, (x, y): (usize, usize), (width, height): (usize, usize)) -> f32 {
        let (x, y) = (x * self.width / width, y * self.height / height);
        self.values.get(y * self.width + x).copied().unwrap_or(0.0)
    }
}

/// The picture of what differs between two frames of the same shape.
pub fn picture(format: PictureFormat, a: &FrameBuffer, b: &FrameBuffer) -> Picture {
    let channels: Vec<Channel> = pairs(a, b)
        .map(|pair| {
            let spec = &a.layout.planes()[pair.plane];
            let (width, height) = (spec.width as usize, spec.height as usize);
            let mut values = Vec::with_capacity(width * height);
            pair.each_row(|row| match row {
                Row::Same(samples) => values.resize(values.len() + samples, 0.0),
                Row::Values(a, b) => values.extend(a.iter().zip(b).map(|(a, b)| distance(*a, *b) as f32)),
            });
            Channel { name: pair.name.to_string(), role: spec.role, width, height, values }
        })
        .collect();
    let width = channels.iter().map(|channel| channel.width).max().unwrap_or(1);
    let height = channels.iter().map(|channel| channel.height).max().unwrap_or(1);
    match format {
        PictureFormat::Exr => float_picture(channels, (width, height), a),
        PictureFormat::Png | PictureFormat::Tiff => scaled_picture(&channels, (width, height)),
    }
}

fn pixels((width, height): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)))
}

fn float_picture(channels: Vec<Channel>, size: (usize, usize), a: &FrameBuffer) -> Picture {
    let channels = channels.into_iter().map(|channel| {
        let samples = match (channel.width, channel.height) == size {
            true => channel.values,
            false => pixels(size).map(|at| channel.at(at, size)).collect(),
        };
        PictureChannel { name: channel.name, samples: Samples::F32(samples) }
    });
    let window = a.layout.data_window();
    Picture::Exr(ExrPicture {
        width: size.0 as u32,
        height: size.1 as u32,
        origin: (window.x, window.y),
        pixel_aspect: a.layout.pixel_aspect(),
        channels: channels.collect(),
    })
}

/// Red, green and blue keep their colours, what other channels differ by is grey.
fn scaled_picture(channels: &[Channel], size: (usize, usize)) -> Picture {
    let finite = channels.iter().flat_map(|channel| &channel.values).filter(|value| value.is_finite());
    let largest = finite.fold(0.0_f32, |largest, value| largest.max(*value)).max(f32::MIN_POSITIVE);
    let lane = |role| match role {
        Role::Red => Some(0),
        Role::Green => Some(1),
        Role::Blue => Some(2),
        _ => None,
    };
    let mut samples = Vec::with_capacity(size.0 * size.1 * 3);
    for at in pixels(size) {
        let mut rgb = [0.0_f32; 3];
        for channel in channels {
            let value = channel.at(at, size) / largest;
            match lane(channel.role) {
                Some(lane) => rgb[lane] = rgb[lane].max(value),
                None => rgb = rgb.map(|other| other.max(value)),
            }
        }
        // What is unlike is infinite and ends as white.
        samples.extend(rgb.map(|value| (value.min(1.0) * 255.0).ceil() as u8));
    }
    let (width, height) = (size.0 as u32, size.1 as u32);
    Picture::Rgb(RgbPicture { width, height, samples: RgbSamples::U8(samples) })
}
