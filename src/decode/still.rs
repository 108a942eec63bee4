//! Stills by the `image` crate: PNG, TIFF (8, 16, 32 float), JPEG, Radiance HDR and Targa, with its limits
//! set. Interleaved samples are split into planes. The thread that decodes.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::reading::Timed;
use super::{Channel, DecodeEnd, DecodeError, DecodeRequest, Decoded, MediaInfo, Part};
use crate::frame::{FrameMemory, PlaneLayout, PlaneSpec, Role, SampleType, Window};

/// Pixels along one side.
const MAX_SIDE: u32 = 65_536;
/// Bytes that the decoder may take for one picture.
const MAX_ALLOC_BYTES: u64 = 2 << 30;
/// Above this many declared bytes, a file may declare at most [`MAX_RATIO`] times its own size.
const RATIO_FROM_BYTES: u64 = 256 << 20;
const MAX_RATIO: u64 = 10_000;

const COLOUR_CHANNELS: [(&str, Role); 4] =
    [("R", Role::Red), ("G", Role::Green), ("B", Role::Blue), ("A", Role::Alpha)];
const GREY_CHANNELS: [(&str, Role); 2] = [("Y", Role::Grey), ("A", Role::Alpha)];

type Reader = ImageReader<BufReader<Timed<File>>>;

fn open(path: &Path, format: ImageFormat) -> Result<(Reader, u64), DecodeError> {
    let io = |error: std::io::Error| DecodeError::io(path, &error);
    let file = File::open(path).map_err(io)?;
    let file_bytes = file.metadata().map_err(io)?.len();
    let mut reader = ImageReader::with_format(BufReader::new(Timed(file)), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC_BYTES);
    reader.limits(limits);
    Ok((reader, file_bytes))
}

/// Sizes and sample type of a picture, from its header.
struct Shape {
    width: u32,
    height: u32,
    channels: &'static [(&'static str, Role)],
    sample: SampleType,
}

impl Shape {
    fn of(decoder: &impl ImageDecoder, file_bytes: u64) -> Result<Self, DecodeError> {
        let (width, height) = decoder.dimensions();
        let colour = decoder.color_type();
        let declared = decoder.total_bytes();
        if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(DecodeError::damaged(format!(
                "it declares {width} x {height} pixels; the limit is {MAX_SIDE} a side"
            )));
        }
        if declared > MAX_ALLOC_BYTES || (declared > RATIO_FROM_BYTES && declared / MAX_RATIO > file_bytes) {
            return Err(DecodeError::damaged(format!(
                "it declares {} of pixels in a file of {file_bytes} bytes",
                crate::memory::format_bytes(declared)
            )));
        }
        let (channels, sample) = kind(colour)?;
        Ok(Self { width, height, channels, sample })
    }

    fn layout(&self) -> Result<PlaneLayout, DecodeError> {
        let window = Window::at_origin(self.width, self.height);
        let planes = self.channels.iter().map(|(name, role)| PlaneSpec {
            name: (*name).to_string(),
            sample: self.sample,
            role: *role,
            width: self.width,
            height: self.height,
        });
        PlaneLayout::new(planes.collect(), window, window, 1.0)
            .map_err(|error| DecodeError::damaged(error.to_string()))
    }
}

/// The channels and the sample type of a kind of pixel.
type PixelKind = (&'static [(&'static str, Role)], SampleType);

fn kind(colour: ColorType) -> Result<PixelKind, DecodeError> {
    Ok(match colour {
        ColorType::L8 => (&GREY_CHANNELS[..1], SampleType::U8),
        ColorType::La8 => (&GREY_CHANNELS[..], SampleType::U8),
        ColorType::Rgb8 => (&COLOUR_CHANNELS[..3], SampleType::U8),
        ColorType::Rgba8 => (&COLOUR_CHANNELS[..], SampleType::U8),
        ColorType::L16 => (&GREY_CHANNELS[..1], SampleType::U16),
        ColorType::La16 => (&GREY_CHANNELS[..], SampleType::U16),
        ColorType::Rgb16 => (&COLOUR_CHANNELS[..3], SampleType::U16),
        ColorType::Rgba16 => (&COLOUR_CHANNELS[..], SampleType::U16),
        ColorType::Rgb32F => (&COLOUR_CHANNELS[..3], SampleType::F32),
        ColorType::Rgba32F => (&COLOUR_CHANNELS[..], SampleType::F32),
        other => {
            return Err(DecodeError::not_supported(format!("pixels of the kind {other:?}")));
        }
    })
}

fn refused(error: &image::ImageError) -> DecodeError {
    let reason = crate::text::shown(error.to_string());
    match error {
        image::ImageError::Unsupported(_) => DecodeError::not_supported(reason),
        image::ImageError::IoError(io) if io.kind() != std::io::ErrorKind::UnexpectedEof => {
            DecodeError::Io { reason }
        }
        _ => DecodeError::damaged(reason),
    }
}

/// Runs the foreign decoder so that a panic in it is an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DecodeError::damaged("the decoder gave up on it")))
}

/// Reads the header of a still.
///
/// # Errors
/// [`DecodeError`] when it cannot be read or declares more than the limits.
pub fn probe(path: &Path, format: ImageFormat) -> Result<MediaInfo, DecodeError> {
    let shape = guarded(|| {
        let (reader, file_bytes) = open(path, format)?;
        let decoder = reader.into_decoder().map_err(|error| refused(&error))?;
        Shape::of(&decoder, file_bytes)
    })?;
    let channels = shape.channels.iter().map(|(name, _)| Channel {
        name: (*name).to_string(),
        sample: shape.sample,
        sampling: (1, 1),
    });
    let name = format!("{format:?}");
    let part = Part {
        compression: name.to_lowercase(),
        storage: "interleaved".into(),
        ..Part::of_picture((shape.width, shape.height), channels.collect())
    };
    Ok(MediaInfo::of_picture(name.to_uppercase(), part, shape.sample == SampleType::F32))
}

/// Decodes a still into `memory`.
///
/// # Errors
/// [`DecodeError`] when it is damaged or of a kind that is not read.
pub fn decode(
    request: &DecodeRequest,
    format: ImageFormat,
    memory: &mut FrameMemory,
) -> Result<DecodeEnd, DecodeError> {
    guarded(|| {
        let (reader, file_bytes) = open(&request.path, format)?;
        let decoder = reader.into_decoder().map_err(|error| refused(&error))?;
        let shape = Shape::of(&decoder, file_bytes)?;
        let layout = shape.layout()?;
        let needed_bytes = layout.total_bytes();
        if needed_bytes > memory.len_bytes() {
            return Ok(DecodeEnd::Refused { needed_bytes });
        }
        if request.watch.is_stale() {
            return Ok(DecodeEnd::Skipped);
        }
        let picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
        split(picture.as_bytes(), &shape, &layout, memory.bytes_mut());
        Ok(DecodeEnd::Done(Decoded { layout: layout.into(), missing: Vec::new() }))
    })
}

/// Takes interleaved rows apart into planes.
fn split(interleaved: &[u8], shape: &Shape, layout: &PlaneLayout, memory: &mut [u8]) {
    let sample_bytes = shape.sample.bytes();
    let pixel_bytes = sample_bytes * shape.channels.len();
    for (plane, span) in layout.spans().iter().enumerate() {
        let rows = interleaved.chunks_exact(pixel_bytes * shape.width as usize);
        for (y, row) in rows.enumerate() {
            let target = memory[span.row(y)].chunks_exact_mut(sample_bytes);
            for (sample, pixel) in target.zip(row.chunks_exact(pixel_bytes)) {
                sample.copy_from_slice(&pixel[plane * sample_bytes..][..sample_bytes]);
            }
        }
    }
}
