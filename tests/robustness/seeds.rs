//! Small valid EXR files of every codec and storage, to be broken by other tests.

use std::path::{Path, PathBuf};

use exr::prelude::*;
use rushes::encode::{DemoCodec, DemoOptions, write_demo_sequence};

/// One scan-line file for each codec, in folders of their own.
pub fn scan_lines(folder: &Path, width: u32, height: u32, codecs: &[DemoCodec]) -> Vec<PathBuf> {
    let write = |codec: &DemoCodec| {
        let options = DemoOptions { width, height, frames: 1, codec: *codec };
        let folder = folder.join(options.folder_name());
        write_demo_sequence(&folder, &options, &mut |_, _| {}).expect("a demo frame").remove(0)
    };
    codecs.iter().map(write).collect()
}

fn layer(name: &str, blocks: Blocks, compression: Compression) -> Layer<AnyChannels<FlatSamples>> {
    let (width, height) = (45, 37);
    let ramp = |scale: f32| (0..width * height).map(|at| at as f32 * scale).collect::<Vec<f32>>();
    let halves = ramp(0.001).into_iter().map(f16::from_f32).collect();
    let channels = AnyChannels::sort(smallvec(vec![
        AnyChannel::new("R", FlatSamples::F16(halves)),
        AnyChannel::new("G", FlatSamples::F32(ramp(0.1))),
        AnyChannel::new("B", FlatSamples::U32((0..(width * height) as u32).collect())),
    ]));
    let encoding = Encoding { compression, blocks, line_order: LineOrder::Increasing };
    Layer::new((width, height), LayerAttributes::named(name), encoding, channels)
}

fn smallvec(channels: Vec<AnyChannel<FlatSamples>>) -> SmallVec<[AnyChannel<FlatSamples>; 4]> {
    channels.into_iter().collect()
}

/// A tiled file, and one of two parts.
pub fn tiles_and_parts(folder: &Path) -> Vec<PathBuf> {
    let tiled = layer("tiled", Blocks::Tiles(Vec2(16, 16)), Compression::ZIP16);
    let flat = layer("flat", Blocks::ScanLines, Compression::RLE);
    let paths = [folder.join("tiled.exr"), folder.join("parts.exr")];
    Image::from_layer(tiled.clone()).write().to_file(&paths[0]).expect("a tiled file");
    let window = IntegerBounds::from_dimensions((45, 37));
    let parts: Layers<AnyChannels<FlatSamples>> = vec![tiled, flat].into_iter().collect();
    Image::from_layers(ImageAttributes::new(window), parts).write().to_file(&paths[1]).expect("two parts");
    paths.into()
}
