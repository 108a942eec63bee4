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

/// Every compression that the `exr` crate writes.
pub const COMPRESSIONS: [Compression; 10] = [
    Compression::Uncompressed,
    Compression::RLE,
    Compression::ZIP1,
    Compression::ZIP16,
    Compression::PIZ,
    Compression::PXR24,
    Compression::B44,
    Compression::B44A,
    Compression::DWAA(None),
    Compression::DWAB(None),
];

fn layer(name: &str, blocks: Blocks, compression: Compression) -> Layer<AnyChannels<FlatSamples>> {
    let (width, height) = (45, 37);
    let ramp = |scale: f32| (0..width * height).map(|at| at as f32 * scale).collect::<Vec<f32>>();
    let halves = ramp(0.001).into_iter().map(f16::from_f32).collect();
    let channels = [
        AnyChannel::new("R", FlatSamples::F16(halves)),
        AnyChannel::new("G", FlatSamples::F32(ramp(0.1))),
        AnyChannel::new("B", FlatSamples::U32((0..(width * height) as u32).collect())),
    ];
    let channels = AnyChannels::sort(channels.into_iter().collect());
    let encoding = Encoding { compression, blocks, line_order: LineOrder::Increasing };
    Layer::new((width, height), LayerAttributes::named(name), encoding, channels)
}

const TILES: Blocks = Blocks::Tiles(Vec2(16, 16));

/// A tiled file of each compression, with channels of every type.
pub fn tiles(folder: &Path) -> Vec<PathBuf> {
    let write = |(number, compression): (usize, &Compression)| {
        let path = folder.join(format!("tiled-{number}.exr"));
        let tiled = layer("tiled", TILES, *compression);
        Image::from_layer(tiled).write().non_parallel().to_file(&path).expect("a tiled file");
        path
    };
    COMPRESSIONS.iter().enumerate().map(write).collect()
}

/// Files of two parts, one of tiles and one of scan lines; each compression is in one of them.
pub fn parts(folder: &Path) -> Vec<PathBuf> {
    let write = |(number, pair): (usize, &[Compression])| {
        let path = folder.join(format!("parts-{number}.exr"));
        let parts = [layer("tiled", TILES, pair[0]), layer("flat", Blocks::ScanLines, pair[1])];
        let parts: Layers<AnyChannels<FlatSamples>> = parts.into_iter().collect();
        let window = IntegerBounds::from_dimensions((45, 37));
        let image = Image::from_layers(ImageAttributes::new(window), parts);
        image.write().non_parallel().to_file(&path).expect("a file of two parts");
        path
    };
    COMPRESSIONS.chunks(2).enumerate().map(write).collect()
}

/// Files of the folder of fixtures that are small enough to be changed many times; none where there is none.
pub fn fixtures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    small_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), &mut found);
    found.sort();
    found
}

fn small_files(folder: &Path, found: &mut Vec<PathBuf>) {
    const SMALL_BYTES: u64 = 64 << 10;
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            small_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "exr")
            && path.metadata().is_ok_and(|file| file.len() <= SMALL_BYTES)
        {
            found.push(path);
        }
    }
}
