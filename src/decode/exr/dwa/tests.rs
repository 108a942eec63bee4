//! DWA against the `exr` crate, and against damage.

use exr::prelude::Compression;
use half::f16;
use libdeflater::{CompressionLvl, Compressor};
use proptest::prelude::*;

use super::super::chunk::{ChannelKind, Kind, Whole};
use super::super::oracle::{self, channel};
use super::lossy::END;
use super::*;

const SHAPES: [(u32, u32); 9] =
    [(1, 1), (1, 32), (1, 5), (33, 1), (8, 8), (250, 31), (257, 8), (530, 9), (1030, 3)];
const DWAA: Compression = Compression::DWAA(Some(45.0));

fn half(name: &str) -> ChannelKind {
    channel(name, Kind::Half, false)
}

fn chunk(channels: &[ChannelKind], (width, height): (u32, u32)) -> Chunk<'_> {
    Chunk { channels, x: 0, y: 0, width, height }
}

/// Waves with noise, flat at the left.
fn samples(chunk: &Chunk) -> Vec<u8> {
    let mut state = 1_u64;
    let mut samples = Vec::new();
    for (channel, line) in chunk.file_order() {
        for index in 0..chunk.samples(channel) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let noise = (state >> 56) as f32 / 1024.0;
            let wave = (index as f32 * 0.05).sin() + (line as f32 * 0.1 + channel as f32).cos();
            let value = if index < 24 {
                0.25
            } else {
                (wave + 1.5 + noise) * if index % 100 > 80 { 5.0 } else { 0.4 }
            };
            match chunk.channels[channel].kind {
                Kind::Half => samples.extend(f16::from_f32(value).to_le_bytes()),
                Kind::Float => samples.extend(value.to_le_bytes()),
                Kind::Uint => samples.extend(((index / 40) as u32).to_le_bytes()),
            }
        }
    }
    samples
}

fn decoded(chunk: &Chunk, compressed: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut whole = Whole::of(chunk);
    decode(chunk, compressed, &mut Scratch::default(), &mut whole)?;
    Ok(in_file_order(chunk, &mut whole))
}

fn in_file_order(chunk: &Chunk, rows: &mut impl Rows) -> Vec<u8> {
    chunk.file_order().flat_map(|(channel, line)| rows.row(channel, line).unwrap().to_vec()).collect()
}

/// Halves as numbers that count them in their order.
fn ordinal(bytes: [u8; 2]) -> i32 {
    let bits = i32::from(u16::from_le_bytes(bytes));
    if bits < 0x8000 { bits } else { 0x8000 - bits }
}

fn assert_alike(chunk: &Chunk, found: &[u8], expected: &[u8]) {
    let (mut found, mut expected) = (found, expected);
    for (channel, _) in chunk.file_order() {
        let (line, rest) = found.split_at(chunk.line_bytes(channel));
        let (expected_line, expected_rest) = expected.split_at(line.len());
        (found, expected) = (rest, expected_rest);
        let alike = |(found, expected): ([u8; 2], [u8; 2])| (ordinal(found) - ordinal(expected)).abs() <= 8;
        let is_alike = match chunk.channels[channel].kind {
            Kind::Half => {
                let pairs =
                    line.as_chunks().0.iter().copied().zip(expected_line.as_chunks().0.iter().copied());
                pairs.into_iter().all(alike)
            }
            Kind::Uint => line == expected_line,
            Kind::Float => {
                let halves = |line: &[u8]| {
                    let halves = line
                        .as_chunks()
                        .0
                        .iter()
                        .map(|bytes| f16::from_f32(f32::from_le_bytes(*bytes)).to_le_bytes());
                    halves.collect::<Vec<_>>()
                };
                halves(line).into_iter().zip(halves(expected_line)).all(alike)
            }
        };
        assert!(is_alike, "channel {channel} of {:?}", (chunk.width, chunk.height));
    }
}

fn sets() -> Vec<Vec<ChannelKind>> {
    vec![
        vec![half("Y")],
        vec![half("B"), half("G"), half("R")],
        vec![half("A"), half("B"), half("G"), half("R")],
        vec![
            channel("A", Kind::Float, false),
            channel("Y", Kind::Float, false),
            channel("id", Kind::Uint, false),
        ],
        vec![half("BY"), half("RY"), channel("Y", Kind::Half, true)],
        vec![
            half("A"),
            half("B"),
            half("G"),
            half("R"),
            half("x.B"),
            half("x.G"),
            channel("x.R", Kind::Float, false),
        ],
        vec![
            half("a"),
            channel("l.A", Kind::Uint, false),
            half("l.B"),
            half("l.G"),
            half("l.R"),
            half("m.A"),
            half("n.R"),
        ],
        vec![channel("id", Kind::Uint, false)],
    ]
}

#[test]
fn chunks_of_the_exr_crate_come_out_as_it_reads_them() {
    for (channels, shape) in sets().iter().flat_map(|set| SHAPES.map(|shape| (set, shape))) {
        let chunk = chunk(channels, shape);
        let samples = samples(&chunk);
        for level in [0.0, 45.0, 2000.0] {
            let compression = Compression::DWAB(Some(level));
            let compressed = oracle::compress(compression, &chunk, &samples);
            // Chunks that would grow are stored as they are.
            if compressed.len() != samples.len() {
                let expected = oracle::decompress(compression, &chunk, &compressed).unwrap();
                assert_alike(&chunk, &decoded(&chunk, &compressed).unwrap(), &expected);
            }
        }
    }
}

#[test]
fn a_scratch_serves_one_chunk_after_the_other() {
    let mut scratch = Scratch::default();
    let sets = sets();
    for (channels, shape) in sets.iter().chain(&sets).zip([(250, 31), (33, 17), (90, 8)].iter().cycle()) {
        let chunk = chunk(channels, *shape);
        let compressed = oracle::compress(DWAA, &chunk, &samples(&chunk));
        if compressed.len() != chunk.bytes() {
            let mut whole = Whole::of(&chunk);
            decode(&chunk, &compressed, &mut scratch, &mut whole).unwrap();
            assert_eq!(in_file_order(&chunk, &mut whole), decoded(&chunk, &compressed).unwrap());
        }
    }
}

/// Rows of one channel.
struct Only(Whole, usize);

impl Rows for Only {
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
        if channel == self.1 { self.0.row(channel, line) } else { None }
    }
}

#[test]
fn channels_that_nobody_wants_are_left_out() {
    for channels in sets() {
        let chunk = chunk(&channels, (250, 17));
        let compressed = oracle::compress(DWAA, &chunk, &samples(&chunk));
        let mut whole = Whole::of(&chunk);
        decode(&chunk, &compressed, &mut Scratch::default(), &mut whole).unwrap();
        for channel in 0..channels.len() {
            let mut only = Only(Whole::of(&chunk), channel);
            decode(&chunk, &compressed, &mut Scratch::default(), &mut only).unwrap();
            assert_eq!(only.0.planes[channel], whole.planes[channel]);
        }
    }
}

/// Rows of an eighth.
struct Eighth(Vec<Vec<u8>>, Vec<usize>);

impl Eighth {
    fn of(chunk: &Chunk) -> Self {
        let line = |channel: usize| chunk.samples(channel).div_ceil(8) * chunk.channels[channel].kind.bytes();
        let planes = (0..chunk.channels.len())
            .map(|channel| vec![7; line(channel) * chunk.lines(channel).div_ceil(8)]);
        Self(planes.collect(), (0..chunk.channels.len()).map(line).collect())
    }
}

impl Rows for Eighth {
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
        self.0[channel].get_mut(line * self.1[channel]..(line + 1) * self.1[channel])
    }
}

#[test]
fn a_proxy_has_the_first_sample_or_the_mean_of_each_block() {
    // Blocks that are cut off would have samples of others in their mean.
    let shapes = [(1, 1), (1, 5), (7, 2), (8, 8), (16, 8), (264, 32), (1024, 16)];
    for (channels, shape) in sets().iter().flat_map(|set| shapes.map(|shape| (set, shape))) {
        let chunk = chunk(channels, shape);
        // All blocks flat, so that the mean is the first sample.
        let samples: Vec<u8> = chunk
            .file_order()
            .flat_map(|(channel, line)| {
                (0..chunk.samples(channel)).flat_map(move |at| {
                    let light = ((line / 8 + at / 8 + channel) % 5) as f32 * 0.25;
                    match chunk.channels[channel].kind {
                        Kind::Half => f16::from_f32(light).to_le_bytes().to_vec(),
                        Kind::Float | Kind::Uint => light.to_le_bytes().to_vec(),
                    }
                })
            })
            .collect();
        let compressed = oracle::compress(DWAA, &chunk, &samples);
        if compressed.len() == samples.len() {
            continue;
        }
        let (mut whole, mut eighth) = (Whole::of(&chunk), Eighth::of(&chunk));
        decode(&chunk, &compressed, &mut Scratch::default(), &mut whole).unwrap();
        decode_proxy(&chunk, &compressed, &mut Scratch::default(), &mut eighth).unwrap();
        for (channel, of_file) in channels.iter().enumerate() {
            let bytes = of_file.kind.bytes();
            let lines = whole.planes[channel].chunks_exact(chunk.line_bytes(channel)).step_by(8);
            let expected: Vec<u8> =
                lines.flat_map(|line| line.chunks_exact(bytes).step_by(8).flatten().copied()).collect();
            assert_eq!(eighth.0[channel], expected, "{shape:?} {channel}");
        }
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut packed = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let length = compressor.zlib_compress(bytes, &mut packed).unwrap();
    packed.truncate(length);
    packed
}

/// A chunk of version 1 with lossy channels only: its AC symbols deflated.
fn lossy_chunk(ac: &[u16], dc: &[u16]) -> Vec<u8> {
    let bytes: Vec<u8> = ac.iter().flat_map(|symbol| symbol.to_le_bytes()).collect();
    let ac_packed = if ac.is_empty() { Vec::new() } else { deflated(&bytes) };
    let mut halves: Vec<u8> =
        dc.iter().map(|mean| *mean as u8).chain(dc.iter().map(|mean| (mean >> 8) as u8)).collect();
    for at in (1..halves.len()).rev() {
        halves[at] = halves[at].wrapping_sub(halves[at - 1]).wrapping_add(128);
    }
    let dc_packed = deflated(&halves);
    let counters = [1, 0, 0, ac_packed.len(), dc_packed.len(), 0, 0, 0, ac.len(), dc.len(), 1];
    let header: Vec<u8> = counters.iter().flat_map(|counter| (*counter as u64).to_le_bytes()).collect();
    [header, ac_packed, dc_packed].concat()
}

#[test]
fn old_chunks_and_deflated_coefficients_are_read() {
    let channels = ["blue", "Green", "RED"].map(half);
    let chunk = chunk(&channels, (13, 9));
    // Four blocks of each of three components: an end, a coefficient and zeros, a run across the end, and 63.
    let block = [&[END][..], &[0x3400, 0xff3d, 0x2c00], &[0xff02, 0x3000, 0, 0xffff], &[0x2800; 63]].concat();
    let ac = block.repeat(3);
    let dc: Vec<u16> = (0..12).map(|block| f16::from_f32(2.0 + 0.25 * block as f32).to_bits()).collect();
    let compressed = lossy_chunk(&ac, &dc);
    let expected = oracle::decompress(DWAA, &chunk, &compressed).unwrap();
    assert_alike(&chunk, &decoded(&chunk, &compressed).unwrap(), &expected);
}

#[test]
fn a_flat_block_of_luma_is_flat_light() {
    let channels = ["B", "G", "R"].map(half);
    let chunk = chunk(&channels, (8, 8));
    let compressed = lossy_chunk(&[END; 3], &[0x4800, 0, 0]);
    // A mean of 8 is 1 eight times eight times.
    assert_eq!(decoded(&chunk, &compressed).unwrap(), [0, 0x3c].repeat(192));
}

#[test]
fn subsampled_channels_have_blocks_of_their_own_samples() {
    let mut channels = ["BY", "RY", "Y"].map(half);
    (channels[0].sampling, channels[1].sampling) = ((2, 2), (2, 2));
    let chunk = Chunk { x: 1, y: -3, ..chunk(&channels, (17, 12)) };
    assert_eq!((chunk.samples(0), chunk.lines(0)), (8, 6));
    // One block of each chroma, three by two of luma: means of 8 and nothing.
    let compressed = lossy_chunk(&[END; 8], &[0x4800, 0, 0x4800, 0, 0x4800, 0, 0x4800, 0]);
    let mut whole = Whole::of(&chunk);
    decode(&chunk, &compressed, &mut Scratch::default(), &mut whole).unwrap();
    assert_eq!(whole.planes[0], [0, 0x3c].repeat(48));
    assert_eq!(whole.planes[1], [0, 0].repeat(48));
    let luma = |at: usize| whole.planes[2][2 * at + 1];
    assert_eq!([luma(0), luma(8), luma(16), luma(8 * 17), luma(8 * 17 + 8)], [0x3c, 0, 0x3c, 0, 0x3c]);
}

#[test]
fn what_is_no_number_is_no_light() {
    let channels = ["B", "G", "R"].map(half);
    let chunk = chunk(&channels, (8, 8));
    let wild =
        [0x7c00, 0xfc00, 0x7e00, 0xfe00, 0x7bff, 0xfbff].map(|bits| lossy_chunk(&[bits; 189], &[bits; 3]));
    for compressed in wild {
        for sample in decoded(&chunk, &compressed).unwrap().as_chunks().0 {
            assert!(!f16::from_le_bytes(*sample).is_nan());
        }
    }
}

#[test]
fn streams_that_end_early_and_late_are_errors() {
    let channels = [half("Y")];
    let chunk = chunk(&channels, (8, 16));
    let is_read = |ac: &[u16], dc: &[u16]| decoded(&chunk, &lossy_chunk(ac, dc)).is_ok();
    assert!(is_read(&[END; 2], &[0; 2]));
    for (ac, dc) in
        [(&[END; 2][..], 1), (&[END; 2], 3), (&[END], 2), (&[], 2), (&[END, 1, 2, 3], 2), (&[END, 0xff10], 2)]
    {
        assert!(!is_read(ac, &[0; 3][..dc]), "{ac:?} {dc}");
    }
    assert!(!is_read(&[1; 127], &[0; 2]));
}

#[test]
fn counters_that_do_not_fit_are_errors() {
    let channels = ["A", "B", "G", "R", "Z"].map(half);
    let chunk = chunk(&channels, (40, 20));
    let compressed = oracle::compress(DWAA, &chunk, &samples(&chunk));
    assert!(decoded(&chunk, &compressed).is_ok());
    for counter in 0..11 {
        for value in [3, 0x7fff, u64::MAX / 2, u64::MAX] {
            let mut broken = compressed.clone();
            broken[8 * counter..8 * counter + 8].copy_from_slice(&value.to_le_bytes());
            assert!(decoded(&chunk, &broken).is_err(), "{value} in {counter}");
        }
    }
    assert!((0..compressed.len()).all(|length| decoded(&chunk, &compressed[..length]).is_err()));
}

#[test]
fn run_lengths_expand() {
    let mut out = [0; 6];
    assert_eq!(expand(&[2, 7, 0xfe, 1, 2, 0, 9], &mut out), Ok(()));
    assert_eq!(out, [7, 7, 7, 1, 2, 9]);
    for runs in [&[2][..], &[2, 7], &[6, 7], &[0xfe, 1], &[], &[5, 7, 0]] {
        assert!(expand(runs, &mut out).is_err(), "{runs:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn coefficients_of_any_kind_are_read_as_the_exr_crate_does(
        symbols in prop::collection::vec(prop_oneof![0..0x3400_u16, 0x8000..0xb400_u16, END..=0xff40], 189..400),
        dc in prop::collection::vec(0_u16..0x4c00, 3),
    ) {
        let channels = ["B", "G", "R"].map(half);
        let chunk = chunk(&channels, (8, 8));
        let compressed = lossy_chunk(&symbols[..189], &dc);
        let expected = oracle::decompress(DWAA, &chunk, &compressed);
        let found = decoded(&chunk, &compressed);
        prop_assert_eq!(found.is_ok(), expected.is_some());
        let light = |bytes: &[u8]| -> Vec<f32> {
            // Back on the curve, where the error of a transform is the same for all.
            let curve = |bytes: &[u8; 2]| f16::from_le_bytes(*bytes).to_f32();
            let flat = |light: f32| if light <= 1.0 { light.powf(1.0 / 2.2) } else { 1.0 + light.ln() / 2.2 };
            bytes.as_chunks().0.iter().map(|bytes| flat(curve(bytes).abs()).copysign(curve(bytes))).collect()
        };
        if let (Ok(found), Some(expected)) = (found, expected) {
            for (found, expected) in light(&found).iter().zip(light(&expected)) {
                prop_assert!((found - expected).abs() <= 0.004 * expected.abs().max(1.0), "{} {}", found, expected);
            }
        }
    }

    #[test]
    fn damaged_chunks_do_no_harm(
        set in 0_usize..8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_front: bool,
    ) {
        let sets = sets();
        let chunk = chunk(&sets[set], (70, 20));
        let mut compressed = oracle::compress(DWAA, &chunk, &samples(&chunk));
        for (at, byte) in changes {
            // The counters and rules are where most harm can be done.
            let length = if in_front { compressed.len().min(120) } else { compressed.len() };
            compressed[at.index(length)] = byte;
        }
        let _ = decoded(&chunk, &compressed);
        let _ = decode_proxy(&chunk, &compressed, &mut Scratch::default(), &mut Eighth::of(&chunk));
    }
}
