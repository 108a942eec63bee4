//! Every codec that the `exr` crate writes, in every mix of sample types, in sizes that fit nothing, as scan lines and
//! tiles: each comes back as the crate reads it, on one thread and on three.

use std::path::Path;

use exr::prelude::*;

use crate::faithful::{compare, reference};
use crate::seeds::COMPRESSIONS;
use crate::support::XorShift;

const SIZES: [(usize, usize); 5] = [(1, 1), (1, 37), (33, 1), (250, 250), (4095, 17)];

/// Channels of every mix of types; a name and `h`, `f` or `u`.
const CHANNELS: [&[(&str, char)]; 7] = [
    &[("Y", 'h')],
    &[("Z", 'f')],
    &[("id", 'u')],
    &[("B", 'h'), ("G", 'h'), ("R", 'h')],
    &[("A", 'h'), ("B", 'h'), ("G", 'h'), ("R", 'h')],
    &[("B", 'f'), ("G", 'u'), ("R", 'h')],
    &[("A", 'h'), ("B", 'h'), ("G", 'h'), ("N.x", 'f'), ("N.y", 'f'), ("R", 'h'), ("id", 'u')],
];

const STORAGES: [Blocks; 3] = [Blocks::ScanLines, Blocks::Tiles(Vec2(16, 16)), Blocks::Tiles(Vec2(64, 64))];

/// A smooth picture with noise, flat stretches and a few values of every kind.
fn value(random: &mut XorShift, x: usize, y: usize) -> f32 {
    match random.below(40) {
        0 => -1.5,
        1 => 65_000.0,
        2 => 1e-6,
        3 => random.below(1000) as f32 / 7.0,
        _ if (x / 40 + y / 40).is_multiple_of(2) => 0.18,
        _ => (x as f32 * 0.01).sin() + (y as f32 * 0.02).cos() + random.below(16) as f32 / 1000.0,
    }
}

fn samples(kind: char, (width, height): (usize, usize), random: &mut XorShift) -> FlatSamples {
    let mut each = |x: usize, y: usize| value(random, x, y);
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    match kind {
        'h' => FlatSamples::F16(pixels.map(|(x, y)| f16::from_f32(each(x, y))).collect()),
        'f' => FlatSamples::F32(pixels.map(|(x, y)| each(x, y)).collect()),
        _ => FlatSamples::U32(pixels.map(|(x, y)| (each(x, y) * 1e4) as u32).collect()),
    }
}

fn write(
    path: &Path,
    compression: Compression,
    blocks: Blocks,
    size: (usize, usize),
    kinds: &[(&str, char)],
) {
    let mut random = XorShift::new(size.0 as u64 * 31 + kinds.len() as u64);
    let channels = kinds.iter().map(|(name, kind)| AnyChannel::new(*name, samples(*kind, size, &mut random)));
    let channels = AnyChannels::sort(channels.collect());
    let encoding = Encoding { compression, blocks, line_order: LineOrder::Increasing };
    let layer = Layer::new(size, LayerAttributes::default(), encoding, channels);
    Image::from_layer(layer).write().non_parallel().to_file(path).expect("a file");
}

fn check(codecs: &[Compression]) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for (number, compression) in codecs.iter().enumerate() {
        for blocks in STORAGES {
            for (size, kinds) in SIZES.iter().flat_map(|size| CHANNELS.map(|kinds| (*size, kinds))) {
                let path = folder.path().join(format!("{number}.exr"));
                write(&path, *compression, blocks, size, kinds);
                let reference = reference(&path).expect("the crate reads what it wrote");
                for helpers in [0, 2] {
                    assert_eq!(
                        compare(&path, &reference, helpers),
                        kinds.len(),
                        "{compression} {blocks:?} {size:?}"
                    );
                }
                compared += 1;
            }
        }
    }
    compared
}

#[test]
fn codecs_without_loss_agree_in_every_shape() {
    assert_eq!(check(&COMPRESSIONS[..5]), 5 * 3 * 5 * 7);
}

#[test]
fn codecs_with_loss_agree_in_every_shape() {
    assert_eq!(check(&COMPRESSIONS[5..]), 5 * 3 * 5 * 7);
}
