//! Files of every codec, storage and sampling, photographs, views, textures: all planes of all parts.

use std::path::Path;

use exr::math::RoundingMode;
use exr::prelude::*;
use rushes::decode::{self, DecodeRequest};

use crate::planes::Comparison;
use crate::reference::Reference;
use crate::support;
use crate::support::planes::{decoded, exr_files, request};

#[test]
fn files_that_openexr_wrote_decode_to_its_planes() {
    let test = "files_that_openexr_wrote_decode_to_its_planes";
    let folder = tempfile::tempdir().expect("a folder");
    let Some(()) = Reference::write(test, folder.path()) else { return };
    let Some(mut reference) = Reference::start(test) else { return };
    let mut comparison = Comparison::default();
    for path in exr_files(folder.path()) {
        comparison.add(&mut reference, &path, 0);
        comparison.add(&mut reference, &path, 2);
    }
    comparison.finish(260, 1500);
}

#[test]
fn photographs_views_and_sequences_decode_to_the_planes_of_openexr() {
    let test = "photographs_views_and_sequences_decode_to_the_planes_of_openexr";
    let Some(media) = support::media(test, "") else { return };
    let Some(mut reference) = Reference::start(test) else { return };
    // Frames of one sequence differ little.
    let is_wanted = |path: &std::path::PathBuf| {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        name.rsplit_once(".0").is_none_or(|(_, number)| ["001", "006", "050", "099"].contains(&number))
    };
    let mut files = exr_files(&media.join("openexr-images"));
    files.extend(exr_files(&media.join("sequence")));
    let mut comparison = Comparison::default();
    for path in files.into_iter().filter(is_wanted) {
        comparison.add(&mut reference, &path, 0);
    }
    comparison.finish(45, 200);
}

#[test]
fn levels_of_textures_decode_to_those_of_openimageio() {
    let test = "levels_of_textures_decode_to_those_of_openimageio";
    let folder = tempfile::tempdir().expect("a folder");
    let Some(()) = Reference::write(test, folder.path()) else { return };
    let Some(mut reference) = Reference::start(test) else { return };
    let mut comparison = Comparison::default();
    let is_mip =
        |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"mip"));
    for path in exr_files(folder.path()).iter().filter(|path| is_mip(path)) {
        let info = decode::probe(path).expect("a header");
        let levels = reference.levels(path);
        for (level, theirs) in levels.iter().enumerate() {
            let request = request(path, &info.layers[0].planes);
            let frame = decoded(&DecodeRequest { level: level as u8, ..request });
            let place = format!("{} level {level}", path.display());
            comparison.add_frame(&place, &info.parts[0].compression, &frame, theirs);
        }
        comparison.files += usize::from(levels.len() > 6);
    }
    comparison.finish(4, 96);
}

/// Levels that are halved in each direction by itself, which of all writers here only the crate makes.
fn write_rips(path: &Path, rounding_mode: RoundingMode) {
    let (width, height) = (101, 43);
    let halved = |side: usize, times: usize| match rounding_mode {
        RoundingMode::Down => (side >> times).max(1),
        RoundingMode::Up => side.div_ceil(1 << times).max(1),
    };
    let levels = |side: usize| match rounding_mode {
        RoundingMode::Down => side.ilog2() as usize + 1,
        RoundingMode::Up => side.next_power_of_two().ilog2() as usize + 1,
    };
    let samples = |level: Vec2<usize>| {
        let count = halved(width, level.x()) * halved(height, level.y());
        let value = |at: usize| (at * 7 % 1000) as f32 + level.x() as f32 / 8.0 + level.y() as f32 / 64.0;
        FlatSamples::F32((0..count).map(value).collect())
    };
    let level_count = Vec2(levels(width), levels(height));
    let all = (0..level_count.y()).flat_map(|y| (0..level_count.x()).map(move |x| Vec2(x, y)));
    let map_data = all.map(samples).collect();
    let levels = Levels::Rip { rounding_mode, level_data: RipMaps { map_data, level_count } };
    let channels = AnyChannels::sort([AnyChannel::new("Y", levels)].into_iter().collect());
    let blocks = Blocks::Tiles(Vec2(16, 24));
    let encoding = Encoding { compression: Compression::ZIP16, blocks, line_order: LineOrder::Increasing };
    let layer = Layer::new((width, height), LayerAttributes::default(), encoding, channels);
    Image::from_layer(layer).write().non_parallel().to_file(path).expect("a file");
}

#[test]
fn the_full_size_of_ripmaps_decodes_to_the_planes_of_openexr() {
    let test = "the_full_size_of_ripmaps_decodes_to_the_planes_of_openexr";
    let Some(mut reference) = Reference::start(test) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut comparison = Comparison::default();
    for rounding in [RoundingMode::Down, RoundingMode::Up] {
        let path = folder.path().join("rip.exr");
        write_rips(&path, rounding);
        comparison.add(&mut reference, &path, 0);
    }
    comparison.finish(2, 2);
}
