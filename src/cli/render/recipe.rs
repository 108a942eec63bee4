//! Owns how texels become a picture: decided when a frame is drawn, done by the thread that encodes it. Raw samples
//! keep their bits. Pure.

use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::output::Output;
use crate::cli::args::Depth;
use crate::encode::{ExrPicture, Picture, PictureChannel, RgbPicture, RgbSamples, Samples};
use crate::frame::{PlaneLayout, PlaneSpec, SampleType};
use crate::gpu::Texels;

/// Planes in one raw canvas.
pub const RAW_LANES: usize = 4;

/// What the canvases of one frame hold.
#[derive(Debug, Clone)]
pub enum Recipe {
    /// One canvas of displayed colour; `origin` is the upper left corner of the display window.
    Displayed { output: Output, size: (u32, u32), origin: (i32, i32) },
    /// [`RAW_LANES`] planes a canvas, in the order of the layout.
    Raw { layout: Arc<PlaneLayout>, depth: Option<Depth> },
}

impl Recipe {
    /// How many canvases belong to the frame.
    pub fn parts(&self) -> usize {
        match self {
            Self::Displayed { .. } => 1,
            Self::Raw { layout, .. } => layout.planes().len().div_ceil(RAW_LANES),
        }
    }

    /// Bytes of the samples of the picture.
    pub fn picture_bytes(&self) -> u64 {
        match self {
            Self::Displayed { output, size, .. } => {
                let pixel_bytes = match output {
                    Output::Rgb8 => 3,
                    Output::Rgb16 | Output::Exr { is_half: true } => 6,
                    Output::Exr { .. } | Output::RawExr { .. } => 12,
                };
                u64::from(size.0) * u64::from(size.1) * pixel_bytes
            }
            Self::Raw { layout, .. } => {
                // The widest that a sample becomes.
                layout.display_window().pixels() * layout.planes().len() as u64 * 4
            }
        }
    }

    /// The picture, of the canvases as they come; `None` when they end early.
    pub fn picture(&self, mut parts: impl Iterator<Item = Texels>) -> Option<Picture> {
        match self {
            Self::Displayed { output, size, origin } => {
                Some(displayed(*output, *size, *origin, parts.next()?.rows()))
            }
            Self::Raw { layout, depth } => raw(layout, *depth, parts),
        }
    }
}

fn raw(
    layout: &PlaneLayout,
    depth: Option<Depth>,
    mut parts: impl Iterator<Item = Texels>,
) -> Option<Picture> {
    let mut channels = Vec::with_capacity(layout.planes().len());
    for planes in layout.planes().chunks(RAW_LANES) {
        let texels = parts.next()?;
        for (lane, plane) in planes.iter().enumerate() {
            channels.push(raw_channel(plane, lane, texels.rows(), depth));
        }
    }
    let display = layout.display_window();
    Some(Picture::Exr(ExrPicture {
        width: display.width,
        height: display.height,
        origin: (display.x, display.y),
        pixel_aspect: layout.pixel_aspect(),
        channels,
    }))
}

fn displayed<'a>(
    output: Output,
    (width, height): (u32, u32),
    origin: (i32, i32),
    rows: impl Iterator<Item = &'a [u8]>,
) -> Picture {
    let pixels = width as usize * height as usize;
    match output {
        Output::Rgb8 => {
            let mut samples = Vec::with_capacity(pixels * 3);
            for row in rows {
                let (texels, _) = row.as_chunks::<4>();
                texels.iter().for_each(|texel| samples.extend_from_slice(&texel[..3]));
            }
            Picture::Rgb(RgbPicture { width, height, samples: RgbSamples::U8(samples) })
        }
        Output::Rgb16 => {
            let quantised = |value: f32| (value.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16;
            let mut samples = Vec::with_capacity(pixels * 3);
            for row in rows {
                for texel in lanes(row) {
                    let [red, green, blue, _] = texel.map(f32::from_bits);
                    samples.extend([red, green, blue].map(quantised));
                }
            }
            Picture::Rgb(RgbPicture { width, height, samples: RgbSamples::U16(samples) })
        }
        Output::Exr { .. } | Output::RawExr { .. } => {
            let is_float = matches!(output, Output::Exr { is_half: false });
            let channels = exr_channels(rows, pixels, is_float).into();
            Picture::Exr(ExrPicture { width, height, origin, pixel_aspect: 1.0, channels })
        }
    }
}

/// R, G and B in one walk over the texels.
fn exr_channels<'a>(
    rows: impl Iterator<Item = &'a [u8]>,
    pixels: usize,
    is_float: bool,
) -> [PictureChannel; 3] {
    let samples = || match is_float {
        true => Samples::F32(Vec::with_capacity(pixels)),
        false => Samples::F16(Vec::with_capacity(pixels)),
    };
    let mut channels =
        ["R", "G", "B"].map(|name| PictureChannel { name: name.to_string(), samples: samples() });
    let mut values = Vec::new();
    for row in rows {
        for (lane, channel) in channels.iter_mut().enumerate() {
            values.clear();
            values.extend(lanes(row).map(|texel| f32::from_bits(texel[lane])));
            match &mut channel.samples {
                Samples::F32(samples) => samples.extend_from_slice(&values),
                Samples::F16(samples) => append_halves(samples, &values),
                Samples::U32(_) => {}
            }
        }
    }
    channels
}

/// Rounds to the nearest half, ties to even.
fn append_halves(samples: &mut Vec<f16>, values: &[f32]) {
    let first = samples.len();
    samples.resize(first + values.len(), f16::ZERO);
    samples[first..].convert_from_f32_slice(values);
}

fn lanes(row: &[u8]) -> impl Iterator<Item = [u32; 4]> {
    row.as_chunks::<16>().0.iter().map(|texel| bytemuck::pod_read_unaligned(texel))
}

/// One plane out of the lanes of the raw target: the bits of the file, in the type that was asked for.
fn raw_channel<'a>(
    plane: &PlaneSpec,
    lane: usize,
    rows: impl Iterator<Item = &'a [u8]>,
    depth: Option<Depth>,
) -> PictureChannel {
    let bits = rows.flat_map(|row| lanes(row).map(|texel| texel[lane]));
    let half = |bits: u32| f16::from_bits(bits as u16);
    let samples = match (plane.sample, depth) {
        (SampleType::F16, Some(Depth::Float)) => Samples::F32(bits.map(|bits| half(bits).to_f32()).collect()),
        (SampleType::F16, _) => Samples::F16(bits.map(half).collect()),
        (SampleType::F32, Some(Depth::Half)) => {
            Samples::F16(bits.map(|bits| f16::from_f32(f32::from_bits(bits))).collect())
        }
        (SampleType::F32, _) => Samples::F32(bits.map(f32::from_bits).collect()),
        (SampleType::U8 | SampleType::U16 | SampleType::U32, _) => Samples::U32(bits.collect()),
    };
    PictureChannel { name: plane.name.clone(), samples }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_samples_keep_their_bits() {
        let plane = |sample| PlaneSpec {
            name: "Z".into(),
            sample,
            role: crate::frame::Role::Other,
            width: 1,
            height: 1,
        };
        // A signalling NaN of half in lane 2.
        let texel: Vec<u8> = [0_u32, 0, 0x7d01, 0].iter().flat_map(|lane| lane.to_le_bytes()).collect();
        let channel = |sample| raw_channel(&plane(sample), 2, std::iter::once(&texel[..]), None).samples;
        let Samples::F16(halves) = channel(SampleType::F16) else { panic!("half expected") };
        assert_eq!(halves[0].to_bits(), 0x7d01);
        let Samples::F32(floats) = channel(SampleType::F32) else { panic!("float expected") };
        assert_eq!(floats[0].to_bits(), 0x7d01);
    }

    #[test]
    fn displayed_colour_is_rounded_as_each_format_has_it() {
        let texels = [[0.5_f32, -1.0, 2.0, 1.0], [1.0 / 3.0, f32::NAN, 65_519.0, 0.0]];
        let row: &[u8] = bytemuck::cast_slice(&texels);
        let of = |output| displayed(output, (2, 1), (0, 0), std::iter::once(row));
        let Picture::Rgb(RgbPicture { samples: RgbSamples::U16(deep), .. }) = of(Output::Rgb16) else {
            panic!("16 bits expected")
        };
        assert_eq!(deep, [32_768, 0, 65_535, 21_845, 0, 65_535]);
        let Picture::Exr(halves) = of(Output::Exr { is_half: true }) else { panic!("EXR expected") };
        for (lane, channel) in halves.channels.iter().enumerate() {
            let Samples::F16(samples) = &channel.samples else { panic!("half expected") };
            let wanted = texels.map(|texel| f16::from_f32(texel[lane]).to_bits());
            assert_eq!([samples[0].to_bits(), samples[1].to_bits()], wanted, "{}", channel.name);
        }
    }
}
