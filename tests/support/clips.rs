//! Clips whose files do not exist: every frame is one half-float plane of a known size.

use std::path::PathBuf;
use std::sync::Arc;

use rushes::decode::{Access, Channel, Layer, Length, MediaInfo, Part, PlaneRequest};
use rushes::frame::{ClipId, PlaneLayout, PlaneSpec, Role, SampleType, Window};
use rushes::player::{Clip, ClipOptions};
use rushes::time::{FrameTimes, Nanos, Rate};

const WIDTH: u32 = 128;
const HEIGHT: u32 = 32;

/// What a fake frame costs in either tier: rows of 256 bytes, and exactly a size class.
pub const FRAME_BYTES: u64 = WIDTH as u64 * 2 * HEIGHT as u64;

/// The layers of every fake clip.
pub const LAYERS: [&str; 2] = ["beauty", "depth"];

/// The layout of a frame that is `times` as high as the header of the clip says.
pub fn layout(times: u32) -> Arc<PlaneLayout> {
    let height = HEIGHT * times;
    let window = Window::at_origin(WIDTH, height);
    let plane = PlaneSpec {
        name: "beauty.Y".into(),
        sample: SampleType::F16,
        role: Role::Grey,
        width: WIDTH,
        height,
    };
    Arc::new(PlaneLayout::new(vec![plane], window, window, 1.0).expect("a layout"))
}

/// The layout of a smaller picture: every eighth line.
pub fn proxy_layout() -> Arc<PlaneLayout> {
    let full = layout(1);
    let plane = PlaneSpec { height: HEIGHT / 8, ..full.planes()[0].clone() };
    Arc::new(PlaneLayout::new(vec![plane], full.data_window(), full.display_window(), 1.0).expect("a layout"))
}

/// What is known of every fake clip.
pub fn info() -> MediaInfo {
    let channel =
        |layer: &&str| Channel { name: format!("{layer}.Y"), sample: SampleType::F16, sampling: (1, 1) };
    let part = Part {
        compression: "zip".into(),
        storage: "scanline".into(),
        ..Part::of_picture((WIDTH, HEIGHT), LAYERS.iter().map(channel).collect())
    };
    let layer = |name: &&str| Layer {
        name: (*name).into(),
        part: 0,
        planes: PlaneRequest {
            part: 0,
            part_name: None,
            channels: vec![(format!("{name}.Y"), Role::Grey)],
            mixes_chroma: false,
        },
    };
    MediaInfo {
        layers: LAYERS.iter().map(layer).collect(),
        default_layer: 0,
        ..MediaInfo::of_picture("FAKE".into(), part, true)
    }
}

/// A clip of the given frame numbers.
pub fn numbered(id: ClipId, numbers: impl IntoIterator<Item = i64>, options: &ClipOptions) -> Clip {
    let file = |number| (number, PathBuf::from(format!("fake.{number:04}.exr")));
    let files = numbers.into_iter().map(file).collect();
    Clip::from_paths(id, "fake.####.exr", files, info(), options).expect("a fake clip")
}

/// A clip of the frames 1 to `frames`.
pub fn clip(id: ClipId, frames: u32) -> Clip {
    numbered(id, 1..=i64::from(frames), &ClipOptions::default())
}

/// A clip of the frames 1 to `frames`, with a level for scrubbing.
pub fn clip_with_proxies(id: ClipId, frames: u32, options: &ClipOptions) -> Clip {
    let mut info = info();
    info.parts[0].scrub_level = Some(2);
    let files =
        (1..=i64::from(frames)).map(|number| (number, PathBuf::from(format!("fake.{number:04}.exr"))));
    Clip::from_paths(id, "fake.####.exr", files.collect(), info, options).expect("a fake clip")
}

/// Frames that last so many milliseconds each, 24 of them a second on average.
pub fn times(millis: &[Nanos]) -> FrameTimes {
    let starts = millis.iter().scan(0, |end, length| Some(std::mem::replace(end, *end + length * 1_000_000)));
    let end = millis.iter().sum::<Nanos>() * 1_000_000;
    FrameTimes::listed(Rate::FILM, starts, end).expect("times that rise")
}

/// A clip of the frames 1 to `frames`, of which each second one stands for long.
pub fn uneven(id: ClipId, frames: u32) -> Clip {
    let millis: Vec<Nanos> = (0..frames).map(|index| if index % 2 == 0 { 7 } else { 180 }).collect();
    let info = MediaInfo { times: Some(times(&millis)), ..info() };
    let files =
        (1..=i64::from(frames)).map(|number| (number, PathBuf::from(format!("fake.{number:04}.exr"))));
    Clip::from_paths(id, "fake.####.exr", files.collect(), info, &ClipOptions::default())
        .expect("a fake clip")
}

/// A movie whose frames last so many milliseconds each.
pub fn variable(id: ClipId, millis: &[Nanos], options: &ClipOptions) -> Clip {
    let length = Some(Length { frames: millis.len() as u32, is_estimated: false });
    let times = times(millis);
    let rate = Some(times.rate());
    let info = MediaInfo { length, access: Access::Sequential, rate, times: Some(times), ..info() };
    Clip::from_paths(id, "fake.mov", vec![(0, PathBuf::from("fake.mov"))], info, options)
        .expect("a fake movie")
}
