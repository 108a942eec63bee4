//! Files of several resolution levels: each level has the samples that were written for it.

use std::path::Path;

use exr::image::RipMaps;
use exr::math::RoundingMode;
use exr::prelude::*;
use rushes::decode::{self, DecodeEnd, DecodeRequest, Decoder, FileDecoder};
use rushes::encode::{DemoCodec, DemoOptions, write_demo_sequence};
use rushes::frame::{FrameMemory, Role};

use crate::verdict::request;

const SIZE: (usize, usize) = (70, 37);
const TILES: Vec2<usize> = Vec2(16, 16);

fn side(full: usize, level: usize, rounds: RoundingMode) -> usize {
    let up = usize::from(rounds == RoundingMode::Up);
    ((full + up * ((1 << level) - 1)) >> level).max(1)
}

fn level_count(full: usize, rounds: RoundingMode) -> usize {
    let floor = full.ilog2() as usize + 1;
    floor + usize::from(rounds == RoundingMode::Up && !full.is_power_of_two())
}

/// Samples that tell their level, row and column.
fn samples((x, y): (usize, usize), (width, height): (usize, usize)) -> FlatSamples {
    let word = |at: usize| ((x << 28) | (y << 24) | ((at / width) << 12) | (at % width)) as u32;
    FlatSamples::U32((0..width * height).map(word).collect())
}

fn write(path: &Path, is_rip: bool, rounding_mode: RoundingMode) {
    let size_of = |x, y| (side(SIZE.0, x, rounding_mode), side(SIZE.1, y, rounding_mode));
    let levels = if is_rip {
        let count = Vec2(level_count(SIZE.0, rounding_mode), level_count(SIZE.1, rounding_mode));
        let numbers = (0..count.1).flat_map(|y| (0..count.0).map(move |x| (x, y)));
        let map_data = numbers.map(|(x, y)| samples((x, y), size_of(x, y))).collect();
        Levels::Rip { rounding_mode, level_data: RipMaps { map_data, level_count: count } }
    } else {
        let count = level_count(SIZE.0.max(SIZE.1), rounding_mode);
        let level_data = (0..count).map(|level| samples((level, level), size_of(level, level))).collect();
        Levels::Mip { rounding_mode, level_data }
    };
    let channels = AnyChannels::sort([AnyChannel::new("id", levels)].into_iter().collect());
    let encoding = Encoding {
        compression: Compression::ZIP16,
        blocks: Blocks::Tiles(TILES),
        line_order: LineOrder::Increasing,
    };
    let layer = Layer::new(SIZE, LayerAttributes::default(), encoding, channels);
    Image::from_layer(layer).write().to_file(path).expect("a file of levels");
}

/// Decodes a level and compares it with what was written.
fn check(path: &Path, level: usize, rounds: RoundingMode) {
    let info = decode::probe(path).expect("a header");
    let (width, height) = (side(SIZE.0, level, rounds), side(SIZE.1, level, rounds));
    let mut memory = FrameMemory::allocate(1 << 16).expect("memory");
    let planes = &info.layers[0].planes;
    let request = DecodeRequest { level: level as u8, ..request(path, planes) };
    let end = FileDecoder::default().decode(&request, &mut memory);
    let DecodeEnd::Done(decoded) = end else { panic!("level {level}: {end:?}") };
    assert!(decoded.missing.is_empty());
    let plane = &decoded.layout.planes()[0];
    assert_eq!((plane.width as usize, plane.height as usize), (width, height));
    assert_eq!(decoded.layout.data_window().width as usize, SIZE.0, "a level shows the whole picture");
    let FlatSamples::U32(expected) = samples((level, level), (width, height)) else { unreachable!() };
    for (row, expected) in expected.chunks_exact(width).enumerate() {
        let bytes = &memory.bytes()[decoded.layout.spans()[0].row(row)][..4 * width];
        let found: Vec<u32> =
            bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("a word"))).collect();
        assert_eq!(found, expected, "level {level}, row {row}");
    }
}

#[test]
fn every_level_holds_its_own_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("levels.exr");
    for (is_rip, rounds) in [
        (false, RoundingMode::Down),
        (false, RoundingMode::Up),
        (true, RoundingMode::Down),
        (true, RoundingMode::Up),
    ] {
        write(&path, is_rip, rounds);
        let info = decode::probe(&path).expect("a header");
        let levels = level_count(if is_rip { SIZE.1 } else { SIZE.0 }, rounds);
        assert_eq!(info.parts[0].levels.len(), levels, "{is_rip} {rounds:?}");
        for level in 0..levels {
            check(&path, level, rounds);
        }
    }
}

#[test]
fn a_level_that_a_file_lacks_is_its_smallest() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("levels.exr");
    write(&path, false, RoundingMode::Down);
    let info = decode::probe(&path).expect("a header");
    let request = DecodeRequest { level: 99, ..request(&path, &info.layers[0].planes) };
    let mut memory = FrameMemory::allocate(1 << 16).expect("memory");
    let DecodeEnd::Done(decoded) = FileDecoder::default().decode(&request, &mut memory) else {
        panic!("it decodes")
    };
    assert_eq!((decoded.layout.planes()[0].width, decoded.layout.planes()[0].height), (1, 1));
}

/// One channel of a demo frame at a level: width, height and samples.
fn red_at(codec: DemoCodec, folder: &Path, level: u8) -> (u32, u32, Vec<f32>) {
    let options = DemoOptions { width: 300, height: 203, frames: 1, codec };
    let files = write_demo_sequence(&folder.join(options.folder_name()), &options, &mut |_, _| {});
    let path = files.expect("a demo frame").remove(0);
    let info = decode::probe(&path).expect("a header");
    let planes = info.layers[info.default_layer].planes.displayed();
    let mut memory = FrameMemory::allocate(1 << 20).expect("memory");
    memory.bytes_mut().fill(0xAA);
    let end = FileDecoder::default().decode(&DecodeRequest { level, ..request(&path, &planes) }, &mut memory);
    let DecodeEnd::Done(decoded) = end else { panic!("{codec:?}: {end:?}") };
    let plane = decoded.layout.plane_with_role(Role::Red).expect("red");
    let (spec, span) = (&decoded.layout.planes()[plane], decoded.layout.spans()[plane]);
    let row = |row| &memory.bytes()[span.row(row)][..2 * spec.width as usize];
    let bytes = (0..spec.height as usize).flat_map(row).copied().collect::<Vec<u8>>();
    let samples = bytes.chunks_exact(2).map(|half| f16::from_le_bytes([half[0], half[1]]).to_f32());
    (spec.width, spec.height, samples.collect())
}

#[test]
fn every_fourth_line_is_the_one_of_the_full_size() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in [DemoCodec::None, DemoCodec::Rle, DemoCodec::Zips] {
        let (width, _, full) = red_at(codec, folder.path(), 0);
        let (proxy_width, height, proxy) = red_at(codec, folder.path(), 2);
        assert_eq!((proxy_width, height), (width, 51));
        for (line, row) in proxy.chunks_exact(width as usize).enumerate() {
            assert_eq!(row, &full[4 * line * width as usize..][..width as usize], "{codec:?} line {line}");
        }
    }
}

#[test]
fn an_eighth_of_dwa_is_the_mean_of_its_blocks() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in [DemoCodec::Dwaa, DemoCodec::Dwab] {
        let (width, _, full) = red_at(codec, folder.path(), 0);
        let (proxy_width, height, proxy) = red_at(codec, folder.path(), 2);
        assert_eq!((proxy_width, height), (38, 26));
        let mut far = 0;
        for (at, found) in proxy.iter().enumerate() {
            let (left, top) = (at as u32 % proxy_width * 8, at as u32 / proxy_width * 8);
            let pixels = (top..(top + 8).min(203))
                .flat_map(|y| (left..(left + 8).min(300)).map(move |x| y * width + x));
            let values: Vec<f32> = pixels.map(|pixel| full[pixel as usize]).collect();
            let (least, most) = values.iter().fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
            // The mean is taken in another scale, in which it lies between the extremes as well.
            far += usize::from(*found < least - 0.05 || *found > most + 0.05);
        }
        assert!(far < proxy.len() / 50, "{codec:?}: {far} of {}", proxy.len());
    }
}

#[test]
fn a_smaller_size_without_a_good_line_fails_like_the_frame() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = DemoOptions { width: 64, height: 32, frames: 1, codec: DemoCodec::Zips };
    let files = write_demo_sequence(folder.path(), &options, &mut |_, _| {});
    let path = files.expect("a demo frame").remove(0);
    let planes = decode::probe(&path).expect("a header").layers[0].planes.displayed();
    let mut bytes = std::fs::read(&path).expect("the file");
    // The offset table lies where the first chunk is as far away as the table is long.
    let table = (0..bytes.len() - 8).find(|at| bytes[*at..*at + 8] == (*at as u64 + 32 * 8).to_le_bytes());
    let table = table.expect("the offset table");
    bytes[table..table + 32 * 8].fill(0);
    std::fs::write(&path, bytes).expect("the damaged file");
    let mut memory = FrameMemory::allocate(1 << 20).expect("memory");
    for level in [0, 2] {
        let end =
            FileDecoder::default().decode(&DecodeRequest { level, ..request(&path, &planes) }, &mut memory);
        assert!(matches!(end, DecodeEnd::Failed(_)), "level {level}: {end:?}");
    }
}
