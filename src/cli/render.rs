//! `render`: frames through decoder, both cache tiers and the image pass, to files.

use std::path::{Path, PathBuf};

use half::f16;

use super::args::{Depth, RenderArgs};
use super::session::{Headless, HeadlessOptions, set_color};
use super::{Failure, Interrupt, say, slate_text};
use crate::encode::{
    ExrPicture, Picture, PictureChannel, PictureFormat, RgbPicture, RgbSamples, Samples, write_picture,
};
use crate::frame::{FrameKey, PlaneLayout, PlaneSpec, SampleType};
use crate::gpu::passes::image::{ImagePlacement, Sampling};
use crate::player::{Command, Filter, Framing, Pace};
use crate::sequence::RangeSet;
use crate::stage::{Canvas, place, shown_key};
use crate::stats::ShownStatus;
use crate::text::shown_path;

const RGB8: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
const RGB32: wgpu::TextureFormat = wgpu::TextureFormat::Rgba32Float;

/// What is written, decided from the ending of OUT and the options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    Rgb8,
    Rgb16,
    /// Displayed colour as R, G, B.
    Exr {
        is_half: bool,
    },
    /// The channels of the layer as they are in the file.
    RawExr {
        depth: Option<Depth>,
    },
}

impl Output {
    fn of(args: &RenderArgs) -> Result<Self, Failure> {
        let usage = |message: String| Failure::new(Failure::USAGE, message);
        let format = PictureFormat::from_path(&args.output).map_err(|error| usage(error.to_string()))?;
        match (format, args.depth) {
            (PictureFormat::Exr, depth) if args.color.raw => match depth {
                None | Some(Depth::Half | Depth::Float) => Ok(Self::RawExr { depth }),
                _ => Err(usage("EXR takes --depth half or float".into())),
            },
            (PictureFormat::Exr, None | Some(Depth::Half)) => Ok(Self::Exr { is_half: true }),
            (PictureFormat::Exr, Some(Depth::Float)) => Ok(Self::Exr { is_half: false }),
            (PictureFormat::Exr, _) => Err(usage("EXR takes --depth half or float".into())),
            (_, None | Some(Depth::Eight)) => Ok(Self::Rgb8),
            (_, Some(Depth::Sixteen)) => Ok(Self::Rgb16),
            _ => Err(usage("PNG and TIFF take --depth 8 or 16".into())),
        }
    }

    fn is_raw(self) -> bool {
        matches!(self, Self::RawExr { .. })
    }

    fn target(self) -> wgpu::TextureFormat {
        if self == Self::Rgb8 { RGB8 } else { RGB32 }
    }
}

pub fn render(args: &RenderArgs, interrupt: &Interrupt) -> Result<(), Failure> {
    let output = Output::of(args)?;
    let options = HeadlessOptions {
        pace: Pace::EveryFrame,
        forces_bits: output.is_raw(),
        format: output.target(),
        color: args.color.request(),
    };
    let mut headless = Headless::open(&args.media, &args.clip, &args.machine, &options, interrupt)?;
    set_color(&mut headless.player, &args.color);
    headless.player.command(Command::Channel(args.channel.into()));
    let numbers = frame_numbers(args, &headless)?;
    let pattern = OutputPattern::new(&args.output);
    if numbers.len() > 1 && !pattern.has_number() {
        return Err(Failure::new(
            Failure::USAGE,
            format!(
                "{} frames into one file: put a # for the frame number into {}",
                numbers.len(),
                shown_path(&args.output)
            ),
        ));
    }
    let mut renderer = Renderer { headless, args, output, canvas: None };
    let mut failed = 0;
    let mut incomplete = 0;
    for number in &numbers {
        let path = pattern.path(*number);
        if args.skip_existing && path.exists() {
            continue;
        }
        match renderer.render_frame(*number, &path) {
            Ok(0) => {}
            Ok(missing_rows) => {
                incomplete += 1;
                say(&format!("frame {number}: {missing_rows} rows have no data; the others are written"));
            }
            Err(failure) if failure.code == Failure::SOME_MEDIA => {
                failed += 1;
                say(&format!("frame {number}: {}", failure.message));
            }
            Err(failure) => return Err(failure),
        }
    }
    match failed {
        0 if incomplete > 0 => Err(Failure::new(
            Failure::SOME_MEDIA,
            format!("{incomplete} of {} frames are incomplete", numbers.len()),
        )),
        0 => Ok(()),
        failed if failed == numbers.len() => {
            Err(Failure::new(Failure::NO_MEDIA, "no frame could be rendered"))
        }
        failed => Err(Failure::new(
            Failure::SOME_MEDIA,
            format!("{failed} of {} frames could not be rendered", numbers.len()),
        )),
    }
}

/// The frame numbers to render: those asked for that the clip has, else all of the work area.
fn frame_numbers(args: &RenderArgs, headless: &Headless) -> Result<Vec<i64>, Failure> {
    let usage = |message: String| Failure::new(Failure::USAGE, message);
    let Some(clip) = headless.player.clip() else { return Ok(Vec::new()) };
    let (first, last) = (clip.number(0), clip.number(clip.frames() - 1));
    let all = || (0..clip.frames()).map(|index| clip.number(index));
    let Some(text) = &args.frames else {
        let inside = |number: &i64| {
            args.clip.in_point.is_none_or(|first| *number >= first)
                && args.clip.out_point.is_none_or(|last| *number <= last)
        };
        let numbers: Vec<i64> = all().filter(inside).collect();
        return match numbers.is_empty() {
            true => Err(usage(format!("the work area lies outside the clip, which has {first}-{last}"))),
            false => Ok(numbers),
        };
    };
    let wanted = RangeSet::parse(text).map_err(|error| usage(error.to_string()))?;
    let numbers: Vec<i64> = all().filter(|number| wanted.contains(*number)).collect();
    if numbers.is_empty() {
        return Err(usage(format!(
            "none of the frames {} is in the clip, which has {first}-{last}",
            crate::text::shown(text)
        )));
    }
    Ok(numbers)
}

/// The name of every output picture.
struct OutputPattern {
    before: String,
    digits: usize,
    after: String,
    folder: PathBuf,
    literal: PathBuf,
}

impl OutputPattern {
    /// The last run of `#` in the file name is the frame number.
    fn new(output: &Path) -> Self {
        let name = output.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let end = name.rfind('#').map_or(0, |position| position + 1);
        let start = name[..end].trim_end_matches('#').len();
        Self {
            before: name[..start].to_string(),
            digits: end - start,
            after: name[end..].to_string(),
            folder: output.parent().map(Path::to_path_buf).unwrap_or_default(),
            literal: output.to_path_buf(),
        }
    }

    fn has_number(&self) -> bool {
        self.digits > 0
    }

    fn path(&self, number: i64) -> PathBuf {
        if !self.has_number() {
            return self.literal.clone();
        }
        let sign = if number < 0 { "-" } else { "" };
        let width = self.digits.saturating_sub(sign.len());
        let digits = format!("{:0width$}", number.unsigned_abs());
        self.folder.join(format!("{}{sign}{digits}{}", self.before, self.after))
    }
}

struct Renderer<'a> {
    headless: Headless,
    args: &'a RenderArgs,
    output: Output,
    canvas: Option<Canvas>,
}

impl Renderer<'_> {
    /// Writes a frame; gives the number of rows for which its file has no data.
    fn render_frame(&mut self, number: i64, path: &Path) -> Result<u32, Failure> {
        let shown = self.show(number)?;
        let missing_rows = self.headless.player.snapshot().missing_rows;
        let picture = match shown_key(&shown) {
            Some(key) if self.output.is_raw() => self.raw_picture(key)?,
            _ => self.picture(&shown)?,
        };
        write_picture(path, &picture).map_err(|error| Failure::new(Failure::FAILED, error.to_string()))?;
        Ok(missing_rows)
    }

    /// Brings a frame to the screen that nobody sees, or says why it cannot be shown.
    fn show(&mut self, number: i64) -> Result<ShownStatus, Failure> {
        let index = self.headless.player.clip().map_or(0, |clip| clip.index_of(number));
        self.headless.player.command(Command::Seek(index));
        loop {
            let tick = self.headless.step()?;
            match tick.shown {
                ShownStatus::Exact(_) | ShownStatus::Black => return Ok(tick.shown),
                ShownStatus::StandIn(_, ref why) => {
                    say(why);
                    return Ok(tick.shown);
                }
                ShownStatus::Slate(_) => {
                    let snapshot = self.headless.player.snapshot();
                    let reason = slate_text(&snapshot).unwrap_or_default();
                    return Err(Failure::new(Failure::SOME_MEDIA, reason));
                }
                ShownStatus::Empty | ShownStatus::Held(_) | ShownStatus::Proxy(_) => {
                    self.headless.wait(&tick)
                }
            }
        }
    }

    fn canvas_size(&self, layout: Option<&PlaneLayout>) -> (u32, u32) {
        let display = layout.map(PlaneLayout::display_window);
        let clip = || self.headless.player.clip().map(|clip| clip.display().0);
        let display = display.or_else(clip).map_or((1, 1), |window| (window.width, window.height));
        if self.output.is_raw() { display } else { self.args.size.unwrap_or(display) }
    }

    /// A canvas of the size, the last one where it fits.
    fn prepare_canvas(&mut self, (width, height): (u32, u32)) -> Result<(), Failure> {
        let largest = self.headless.stage.gpu().max_texture_side();
        if width.max(height) > largest {
            return Err(Failure::new(
                Failure::SOME_MEDIA,
                format!(
                    "{width} x {height} pixels are more than this adapter draws ({largest} a side); use --size"
                ),
            ));
        }
        let stage = &self.headless.stage;
        let fits = |canvas: &Canvas| {
            canvas.is_of(stage.gpu()) && (canvas.width(), canvas.height()) == (width, height)
        };
        if !self.canvas.as_ref().is_some_and(fits) {
            let is_raw = self.output.is_raw();
            self.canvas =
                Some(if is_raw { stage.raw_canvas(width, height) } else { stage.canvas(width, height) });
        }
        Ok(())
    }

    fn read(&self) -> Result<Vec<u8>, Failure> {
        let Some(canvas) = &self.canvas else { return Ok(Vec::new()) };
        let read = self.headless.stage.read(canvas);
        read.map_err(|error| Failure::new(Failure::FAILED, error.to_string()))
    }

    /// The displayed picture.
    fn picture(&mut self, shown: &ShownStatus) -> Result<Picture, Failure> {
        let layout = shown_key(shown).and_then(|key| self.headless.stage.layout(key));
        let size = self.canvas_size(layout.as_deref());
        self.prepare_canvas(size)?;
        let Some(canvas) = &self.canvas else { return Err(Failure::new(Failure::FAILED, "no canvas")) };
        let color = self.headless.coloring(false);
        let filter: Filter = self.args.filter.into();
        let sampling = self.headless.stage.sampling(filter, false);
        let is_sized = self.args.size.is_some();
        let placement = |layout: &PlaneLayout| match is_sized {
            true => place(layout, size, Framing::Fit, sampling),
            false => one_to_one(layout, size, sampling),
        };
        self.headless.stage.draw(canvas, shown, placement, &color, None);
        let texels = self.read()?;
        let origin = layout.map_or((0, 0), |layout| (layout.display_window().x, layout.display_window().y));
        Ok(assemble(self.output, size, origin, &texels))
    }

    /// The bits of every channel of the layer.
    fn raw_picture(&mut self, key: FrameKey) -> Result<Picture, Failure> {
        let layout = self.headless.stage.layout(key);
        let layout = layout.ok_or_else(|| Failure::new(Failure::FAILED, "the frame left VRAM"))?;
        self.prepare_canvas(self.canvas_size(Some(&layout)))?;
        let mut channels = Vec::with_capacity(layout.planes().len());
        for first in (0..layout.planes().len()).step_by(4) {
            let Some(canvas) = &self.canvas else { break };
            if self.headless.stage.draw_raw(canvas, key, first).is_none() {
                return Err(Failure::new(Failure::FAILED, "the frame left VRAM"));
            }
            let texels = self.read()?;
            for (lane, plane) in layout.planes()[first..].iter().take(4).enumerate() {
                channels.push(raw_channel(plane, lane, &texels, self.output));
            }
        }
        let display = layout.display_window();
        Ok(Picture::Exr(ExrPicture {
            width: display.width,
            height: display.height,
            origin: (display.x, display.y),
            pixel_aspect: layout.pixel_aspect(),
            channels,
        }))
    }
}

/// Display window pixel for pixel; a display window of another size than the canvas is scaled to it.
fn one_to_one(layout: &PlaneLayout, size: (u32, u32), sampling: Sampling) -> ImagePlacement {
    let display = layout.display_window();
    ImagePlacement {
        origin: (0.0, 0.0),
        scale: (display.width as f32 / size.0 as f32, display.height as f32 / size.1 as f32),
        sampling: if (display.width, display.height) == size { Sampling::Nearest } else { sampling },
        background: 0.0,
    }
}

fn assemble(output: Output, (width, height): (u32, u32), origin: (i32, i32), texels: &[u8]) -> Picture {
    match output {
        Output::Rgb8 => {
            let samples = texels.chunks_exact(4).flat_map(|texel| [texel[0], texel[1], texel[2]]).collect();
            Picture::Rgb(RgbPicture { width, height, samples: RgbSamples::U8(samples) })
        }
        Output::Rgb16 => {
            let quantised = |value: f32| (value.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16;
            let samples = floats(texels).flat_map(|[red, green, blue, _]| [red, green, blue].map(quantised));
            Picture::Rgb(RgbPicture { width, height, samples: RgbSamples::U16(samples.collect()) })
        }
        Output::Exr { .. } | Output::RawExr { .. } => {
            let is_float = matches!(output, Output::Exr { is_half: false });
            let channel = |(name, lane): (&str, usize)| {
                let values = floats(texels).map(|texel| texel[lane]);
                let samples = match is_float {
                    true => Samples::F32(values.collect()),
                    false => Samples::F16(values.map(f16::from_f32).collect()),
                };
                PictureChannel { name: name.to_string(), samples }
            };
            let channels = [("R", 0), ("G", 1), ("B", 2)].map(channel).into();
            Picture::Exr(ExrPicture { width, height, origin, pixel_aspect: 1.0, channels })
        }
    }
}

fn floats(texels: &[u8]) -> impl Iterator<Item = [f32; 4]> + '_ {
    texels.chunks_exact(16).map(bytemuck::pod_read_unaligned)
}

/// One plane out of the lanes of the raw target: the bits of the file, in the type that was asked for.
fn raw_channel(plane: &PlaneSpec, lane: usize, texels: &[u8], output: Output) -> PictureChannel {
    let bits = texels.chunks_exact(16).map(|texel| {
        let lanes: [u32; 4] = bytemuck::pod_read_unaligned(texel);
        lanes[lane]
    });
    let depth = match output {
        Output::RawExr { depth } => depth,
        _ => None,
    };
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
    fn a_run_of_hashes_is_the_frame_number() {
        let path = |pattern: &str, number| OutputPattern::new(Path::new(pattern)).path(number);
        assert_eq!(path("out/out.####.png", 7), Path::new("out/out.0007.png"));
        assert_eq!(path("out.#.exr", 1001), Path::new("out.1001.exr"));
        assert_eq!(path("out.####.exr", -7), Path::new("out.-007.exr"));
        assert_eq!(path("out.##.exr", 12345), Path::new("out.12345.exr"));
        assert_eq!(path("a#b/out.png", 3), Path::new("a#b/out.png"));
    }

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
        let own = Output::RawExr { depth: None };
        let Samples::F16(halves) = raw_channel(&plane(SampleType::F16), 2, &texel, own).samples else {
            panic!("half expected")
        };
        assert_eq!(halves[0].to_bits(), 0x7d01);
        let Samples::F32(floats) = raw_channel(&plane(SampleType::F32), 2, &texel, own).samples else {
            panic!("float expected")
        };
        assert_eq!(floats[0].to_bits(), 0x7d01);
    }
}
