//! Owns the tests of whole chunks: files that OpenEXR wrote, streams built by hand, and broken ones.

use super::block::{self, BlockScratch, Coded};
use super::codestream::Progression;
use super::fixture::{self, File};
use super::packets::{BandPart, Block};
use super::*;
use crate::decode::exr::chunk::{ChannelKind, Kind};

/// Planes of a whole file, or of some of its channels.
struct Sheet<'a> {
    planes: &'a mut [Option<Vec<u8>>],
    chunk: Chunk<'a>,
    width: usize,
    skip: u8,
}

impl Rows for Sheet<'_> {
    fn row(&mut self, channel: usize, line: usize) -> Option<&mut [u8]> {
        let kind = &self.chunk.channels[channel];
        let place = |at: i32, step: u32| (at as u32).div_ceil(step) as usize >> self.skip;
        let pitch = self.width.div_ceil(kind.sampling.0 as usize).div_ceil(1 << self.skip);
        let at = (place(self.chunk.y, kind.sampling.1) + line) * pitch + place(self.chunk.x, kind.sampling.0);
        let samples = self.chunk.samples(channel).div_ceil(1 << self.skip);
        let bytes = kind.kind.bytes();
        Some(&mut self.planes[channel].as_mut()?[at * bytes..][..samples * bytes])
    }
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/htj2k")
}

fn file(name: &str) -> File {
    fixture::read(&std::fs::read(folder().join(format!("{name}.exr"))).unwrap())
}

fn channels_of(file: &File) -> Vec<ChannelKind> {
    let kinds = [Kind::Uint, Kind::Half, Kind::Float];
    let channel = |(name, kind, sampling): &(Vec<u8>, u32, (u32, u32))| ChannelKind {
        name: name.clone(),
        kind: kinds[*kind as usize],
        is_linear: false,
        sampling: *sampling,
    };
    file.channels.iter().map(channel).collect()
}

fn chunk_of<'a>(chunk: &fixture::FileChunk, channels: &'a [ChannelKind]) -> Chunk<'a> {
    Chunk { channels, x: chunk.x, y: chunk.y, width: chunk.width, height: chunk.height }
}

/// Decodes all chunks; `wants` says which channels.
fn decode_file(
    file: &File,
    skip: u8,
    wants: impl Fn(usize) -> bool,
    scratch: &mut Scratch,
) -> Result<Vec<Option<Vec<u8>>>, DecodeError> {
    let channels = channels_of(file);
    let size = |channel: &ChannelKind| {
        let scale = |size: u32, step: u32| size.div_ceil(step).div_ceil(1 << skip) as usize;
        scale(file.width, channel.sampling.0) * scale(file.height, channel.sampling.1) * channel.kind.bytes()
    };
    let mut planes: Vec<_> = channels
        .iter()
        .enumerate()
        .map(|(at, channel)| wants(at).then(|| vec![0xAA; size(channel)]))
        .collect();
    for found in &file.chunks {
        let chunk = chunk_of(found, &channels);
        let mut sheet = Sheet { planes: &mut planes, chunk, width: file.width as usize, skip };
        if found.bytes.len() < chunk.bytes() {
            decode_reduced(&chunk, &found.bytes, skip, scratch, &mut sheet)?;
        } else if skip == 0 {
            store(&chunk, &found.bytes, &mut sheet);
        }
    }
    Ok(planes)
}

/// A chunk that is stored as it is.
fn store(chunk: &Chunk, mut bytes: &[u8], rows: &mut impl Rows) {
    for y in 0..chunk.height {
        for channel in (0..chunk.channels.len()).filter(|channel| chunk.has_line(*channel, y)) {
            let (line, rest) = bytes.split_at(chunk.line_bytes(channel));
            if let Some(row) = rows.row(channel, y as usize / chunk.channels[channel].sampling.1 as usize) {
                row.copy_from_slice(line);
            }
            bytes = rest;
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3))
}

/// Name of a file, name of a channel, hash of its samples.
fn lossless_channels() -> Vec<(String, String, u64)> {
    let text = std::fs::read_to_string(folder().join("htj2k.txt")).unwrap();
    let line = |line: &str| {
        let fields: Vec<_> = line.split(' ').collect();
        (fields[0].to_owned(), fields[1].to_owned(), u64::from_str_radix(fields[2], 16).unwrap())
    };
    text.lines().map(line).collect()
}

const LOSSY: [&str; 6] = [
    "lj2k_3x200_rgb",
    "lj2k_79x41_rgb",
    "lj2k_33x64_rgba",
    "lj2k_30x40_float",
    "lj2k_40x30_mixed",
    "lj2k_70x40_tile32",
];

/// A sample's bits as an integer that is in order with its value.
fn rank(bytes: &[u8], kind: Kind) -> i64 {
    match kind {
        Kind::Half => {
            let bits = i16::from_le_bytes(bytes.try_into().unwrap());
            i64::from(bits ^ (bits >> 15 & 0x7FFF))
        }
        _ => {
            let bits = i32::from_le_bytes(bytes.try_into().unwrap());
            i64::from(bits ^ (bits >> 31 & 0x7FFF_FFFF))
        }
    }
}

#[test]
fn lossless_files_are_as_openexr_wrote_them() {
    let mut scratch = Scratch::default();
    for (name, channel, expected) in lossless_channels() {
        let file = file(&name);
        let planes = decode_file(&file, 0, |_| true, &mut scratch).unwrap();
        let at = file.channels.iter().position(|found| found.0 == channel.as_bytes()).unwrap();
        assert_eq!(hash(planes[at].as_ref().unwrap()), expected, "{name} {channel}");
    }
}

/// OpenEXR's own result differs by as much between machines with and without fused multiply-add: one unit of the
/// last place of a half, and what the curve makes of one of a 32-bit float in the wavelet.
#[test]
fn lossy_files_are_as_openexr_reads_them_but_for_the_last_place() {
    let mut scratch = Scratch::default();
    for name in LOSSY {
        let file = file(name);
        let planes = decode_file(&file, 0, |_| true, &mut scratch).unwrap();
        let packed = std::fs::read(folder().join(format!("{name}.z"))).unwrap();
        let mut expected = vec![0; planes.iter().flatten().map(Vec::len).sum()];
        libdeflater::Decompressor::new().zlib_decompress(&packed, &mut expected).unwrap();
        let mut rest = &expected[..];
        for (channel, plane) in channels_of(&file).iter().zip(planes.iter().flatten()) {
            let (expected, after) = rest.split_at(plane.len());
            rest = after;
            let (bytes, most) = (channel.kind.bytes(), if channel.kind == Kind::Half { 1 } else { 1 << 15 });
            for (at, (found, expected)) in plane.chunks(bytes).zip(expected.chunks(bytes)).enumerate() {
                let distance = rank(found, channel.kind) - rank(expected, channel.kind);
                assert!(distance.abs() <= most, "{name} {:?} {at}: {distance}", channel.name);
            }
        }
    }
}

#[test]
fn channels_that_nobody_wants_do_not_change_the_others() {
    let mut scratch = Scratch::default();
    for name in ["h32_50x40_mixed", "lj2k_40x30_mixed", "h32_99x45_rgba"] {
        let file = file(name);
        let all = decode_file(&file, 0, |_| true, &mut scratch).unwrap();
        for wanted in 0..file.channels.len() {
            let some = decode_file(&file, 0, |channel| channel == wanted, &mut scratch).unwrap();
            assert_eq!(some[wanted], all[wanted], "{name} {wanted}");
        }
        decode_file(&file, 0, |_| false, &mut scratch).unwrap();
    }
}

/// The integers that another decoder finds in a codestream.
fn twin(stream: &[u8], reduce: u32) -> Vec<Vec<i32>> {
    let parameters = jpeg2k::DecodeParameters::new().reduce(reduce);
    let image = jpeg2k::Image::from_bytes_with(stream, parameters).unwrap();
    image.components().iter().map(|component| component.data().to_vec()).collect()
}

fn codestream(chunk: &[u8]) -> &[u8] {
    &chunk[6 + u32::from_be_bytes(chunk[2..6].try_into().unwrap()) as usize..]
}

#[test]
fn smaller_pictures_are_those_of_another_decoder() {
    let mut scratch = Scratch::default();
    for (name, skip) in
        [("h256_140x130_rgb", 1), ("h256_140x130_rgb", 2), ("h256_140x130_rgb", 5), ("h32_700x3_rgb", 3)]
    {
        let file = file(name);
        let found = decode_file(&file, skip, |_| true, &mut scratch).unwrap();
        let expected = twin(codestream(&file.chunks[0].bytes), u32::from(skip));
        let count = file.channels.len();
        for (component, expected) in expected.iter().enumerate() {
            let plane = found[count - 1 - component].as_ref().unwrap();
            let ranks: Vec<_> = plane.chunks(2).map(|sample| rank(sample, Kind::Half) as i32).collect();
            assert_eq!(&ranks, expected, "{name} {skip} {component}");
        }
    }
}

/// The field of a SIZ segment at `at` after its marker, 32 bits.
fn set_size_field(chunk: &mut [u8], at: usize, value: u32) {
    let start = chunk.windows(2).position(|pair| pair == [0xFF, 0x51]).unwrap() + at;
    chunk[start..start + 4].copy_from_slice(&value.to_be_bytes());
}

#[test]
fn subsampled_channels_are_smaller() {
    let mut file = file("h32_30x40_uint");
    let mut scratch = Scratch::default();
    let expected = decode_file(&file, 0, |_| true, &mut scratch).unwrap();
    file.chunks.truncate(1);
    let chunk = &mut file.chunks[0];
    for (at, size) in [(6, 60), (10, 64), (22, 60), (26, 64)] {
        set_size_field(&mut chunk.bytes, at, size);
    }
    // Depth and sampling of both components.
    set_size_field(&mut chunk.bytes, 40, 0x1F02_021F);
    set_size_field(&mut chunk.bytes, 42, 0x021F_0202);
    (file.width, file.height, chunk.width, chunk.height) = (60, 64, 60, 64);
    file.channels.iter_mut().for_each(|channel| channel.2 = (2, 2));
    let found = decode_file(&file, 0, |_| true, &mut scratch).unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found.as_ref().unwrap()[..], expected.as_ref().unwrap()[..30 * 32 * 4]);
    }
}

/// Writes packet headers: top bit first, a stuffed bit after 0xFF.
#[derive(Default)]
struct HeaderWriter {
    bytes: Vec<u8>,
    left: u8,
}

impl HeaderWriter {
    fn bits(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            if self.left == 0 {
                self.left = if self.bytes.last() == Some(&0xFF) { 7 } else { 8 };
                self.bytes.push(0);
            }
            self.left -= 1;
            *self.bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << self.left;
        }
    }

    /// What says that a block is there.
    fn block(&mut self, block: &Block) {
        self.bits(1, 1);
        (0..block.empty_planes).for_each(|_| self.bits(0, 1));
        self.bits(1, 1);
        self.bits(
            [0b0, 0b10, 0b1100][usize::from(block.refinements)],
            [1, 2, 4][usize::from(block.refinements)],
        );
        let width = |length: usize| usize::BITS - length.leading_zeros();
        let length_bits = width(block.cleanup).max(width(block.refinement)).max(3);
        (3..length_bits).for_each(|_| self.bits(1, 1));
        self.bits(0, 1);
        self.bits(block.cleanup as u32, length_bits);
        if block.refinements > 0 {
            self.bits(block.refinement as u32, length_bits + u32::from(block.refinements / 2));
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.bytes.last() == Some(&0xFF) {
            self.bytes.push(0);
        }
        self.bytes
    }
}

/// What a transcoded stream is to look like.
#[derive(Debug, Clone, Copy)]
struct Shape {
    progression: u8,
    /// Base-2 logarithm of the sides of all precincts.
    precinct: u8,
    /// Start and end markers of packets.
    has_markers: bool,
    /// Packets in a tile-part.
    packets: usize,
}

/// Writes a codestream anew, packet by packet; needs precincts of one block a band.
fn transcode(stream: &[u8], components: usize, shape: Shape) -> Vec<u8> {
    let (mut read, mut layout) = (Codestream::default(), Layout::default());
    read.read(stream, components).unwrap();
    layout.read(&read, stream, |_| Some(u8::MAX)).unwrap();
    let marker = |low: u8| stream.windows(2).position(|pair| pair == [0xFF, low]).unwrap();
    let (coding, lengths, tile_part) = (marker(0x52), marker(0x55), marker(0x90));
    let levels = usize::from(read.components[0].coding.levels);
    let mut out = stream[..coding + 2].to_vec();
    out.extend((13 + levels as u16).to_be_bytes());
    out.extend([1 | if shape.has_markers { 6 } else { 0 }, shape.progression]);
    out.extend(&stream[coding + 6..coding + 14]);
    out.extend(vec![shape.precinct * 17; levels + 1]);
    // Lengths of tile-parts would no longer hold.
    assert!(lengths < tile_part);
    out.extend(&stream[coding + 14..lengths]);
    let blocks = std::mem::take(&mut layout.blocks);
    read.components
        .iter_mut()
        .for_each(|component| component.coding.precincts = [(shape.precinct, shape.precinct); 33]);
    read.progression = [
        Progression::Resolution,
        Progression::Resolution,
        Progression::ResolutionPosition,
        Progression::PositionComponent,
        Progression::ComponentPosition,
    ][usize::from(shape.progression)];
    let precincts = layout.precincts(&read);
    for (part, packets) in precincts.chunks(shape.packets).enumerate() {
        let mut body = Vec::new();
        for (index, bands) in packets.iter().enumerate() {
            write_packet(stream, &blocks, bands, shape.has_markers.then_some(index as u16), &mut body);
        }
        out.extend([0xFF, 0x90, 0, 10, 0, 0]);
        out.extend((14 + body.len() as u32).to_be_bytes());
        out.extend([part as u8, 0, 0xFF, 0x93]);
        out.extend(body);
    }
    out.extend([0xFF, 0xD9]);
    out
}

/// A packet with one block a band at most: `bands` are those with samples, and where they start and end.
fn write_packet(stream: &[u8], blocks: &[Block], bands: &[BandPart], marker: Option<u16>, out: &mut Vec<u8>) {
    if let Some(index) = marker {
        out.extend([0xFF, 0x91, 0, 4]);
        out.extend(index.to_be_bytes());
    }
    let mut header = HeaderWriter::default();
    header.bits(1, 1);
    let mut body = Vec::<u8>::new();
    for (band, x, y) in bands {
        match blocks.iter().find(|block| block.band == *band && x.contains(&block.x) && y.contains(&block.y))
        {
            Some(block) => {
                header.block(block);
                body.extend(&stream[block.at..][..block.cleanup + block.refinement]);
            }
            None => header.bits(0, 1),
        }
    }
    out.extend(header.finish());
    if marker.is_some() {
        out.extend([0xFF, 0x92]);
    }
    out.extend(body);
}

#[test]
fn packets_may_stand_in_any_order() {
    let mut scratch = Scratch::default();
    for name in ["h32_700x3_rgb", "h32_99x45_rgba"] {
        let mut file = file(name);
        file.chunks.truncate(1);
        file.height = file.chunks[0].height;
        let expected = decode_file(&file, 0, |_| true, &mut scratch).unwrap();
        let chunk = file.chunks[0].bytes.clone();
        let stream = codestream(&chunk);
        let ints = twin(stream, 0);
        for (progression, precinct, has_markers, packets) in
            [(0, 8, false, 99), (1, 8, true, 99), (2, 8, false, 1), (3, 8, true, 5), (4, 8, false, 3)]
        {
            let shape = Shape { progression, precinct, has_markers, packets };
            let other = transcode(stream, file.channels.len(), shape);
            assert_eq!(twin(&other, 0), ints, "{name} {shape:?} is not what it should be");
            file.chunks[0].bytes = [&chunk[..chunk.len() - stream.len()], &other].concat();
            assert!(decode_file(&file, 0, |_| true, &mut scratch).unwrap() == expected, "{name} {shape:?}");
        }
    }
}

/// A stream of one component and one block without a wavelet, whose clean-up is followed by `refinement`.
fn refined(block: &Block, cleanup: &[u8], refinement: &[u8], planes: u8, passes: u8) -> Vec<u8> {
    let mut out = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0x40, 0];
    for field in [block.width, block.height, 0, 0, block.width, block.height, 0, 0] {
        out.extend(field.to_be_bytes());
    }
    out.extend([0, 1, 0x9B, 1, 1]);
    out.extend([0xFF, 0x50, 0, 8, 0, 2, 0, 0, 0, 0x35]);
    out.extend([0xFF, 0x52, 0, 12, 0, 2, 0, 1, 0, 0, 5, 3, 0x40, 1]);
    out.extend([0xFF, 0x5C, 0, 4, 0x20, planes << 3]);
    let mut body = Vec::new();
    let block = Block {
        band: 0,
        x: 0,
        y: 0,
        refinements: passes,
        at: 0,
        cleanup: cleanup.len(),
        refinement: refinement.len(),
        ..*block
    };
    write_packet(&[cleanup, refinement].concat(), &[block], &[(0, 0..1, 0..1)], None, &mut body);
    out.extend([0xFF, 0x90, 0, 10, 0, 0]);
    out.extend((14 + body.len() as u32).to_be_bytes());
    out.extend([0, 1, 0xFF, 0x93]);
    out.extend(body);
    out.extend([0xFF, 0xD9]);
    out
}

#[test]
fn refinement_passes_are_those_of_another_decoder() {
    let file = file("h256_140x130_rgb");
    let stream = codestream(&file.chunks[0].bytes);
    let (mut read, mut layout) = (Codestream::default(), Layout::default());
    read.read(stream, 3).unwrap();
    layout.read(&read, stream, |_| Some(u8::MAX)).unwrap();
    let mut seed = 1u32;
    let mut scratch = BlockScratch::default();
    for (index, block) in layout.blocks.iter().enumerate() {
        let passes = index as u8 % 3;
        let mut refinement = vec![0u8; if passes > 0 { 400 } else { 0 }];
        for at in 1..refinement.len() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let byte = if seed >> 28 == 0 { 0xFF } else { (seed >> 16) as u8 };
            // No encoder sets the stuffed bit.
            refinement[at - 1] = if at > 1 && refinement[at - 2] == 0xFF { byte & 0x7F } else { byte };
        }
        let cleanup = &stream[block.at..][..block.cleanup];
        let planes = layout.bands[block.band as usize].planes + 3;
        let stream = refined(block, cleanup, &refinement, planes, passes);
        let expected = twin(&stream, 0);
        let (width, height) = (block.width as usize, block.height as usize);
        let (cleanup, refinement, refinements, empty_planes) =
            (cleanup, &refinement[..], passes, block.empty_planes);
        let coded = Coded {
            cleanup,
            refinement,
            refinements,
            width,
            height,
            planes,
            empty_planes,
            keeps_half: false,
        };
        let mut found = vec![0; width * height];
        block::decode::<i32>(&coded, &mut found, width, &mut scratch).unwrap();
        assert!(found == expected[0], "block {index}");
    }
}

#[test]
fn broken_chunks_end_in_an_error_or_in_rows() {
    let mut scratch = Scratch::default();
    let mut seed = 7u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for name in
        ["h32_99x45_rgba", "h32_50x40_mixed", "lj2k_40x30_mixed", "h256_27x31_uintrgb", "h32_400x1_rgba"]
    {
        let mut file = file(name);
        file.chunks.truncate(1);
        let whole = file.chunks[0].bytes.clone();
        for turn in 0..400 {
            let mut bytes = whole.clone();
            match turn % 4 {
                0 => bytes.truncate(random(whole.len())),
                // Most of the headers.
                1 => bytes[random(400.min(whole.len()))] = random(256) as u8,
                2 => (0..=random(8)).for_each(|_| bytes[random(whole.len())] = random(256) as u8),
                _ => {
                    let (from, to) = (random(whole.len() - 8), random(whole.len() - 8));
                    bytes.copy_within(from..from + 8, to);
                }
            }
            file.chunks[0].bytes = bytes;
            let _ = decode_file(&file, (turn % 3) as u8, |_| true, &mut scratch);
        }
    }
}

#[test]
fn what_goes_beyond_exr_is_refused_by_name() {
    let mut scratch = Scratch::default();
    let original = file("h32_99x45_rgba");
    let start = |low: u8| original.chunks[0].bytes.windows(2).position(|pair| pair == [0xFF, low]).unwrap();
    let (size, coding, steps) = (start(0x51), start(0x52), start(0x5C));
    for (at, value, reason) in [
        (size + 17, 1, "does not start at the origin"),
        (size + 25, 9, "several tiles"),
        (size + 39, 3, "not one component a channel"),
        (coding + 7, 2, "not one quality layer"),
        (coding + 8, 2, "unknown component transform"),
        (coding + 12, 0, "not high-throughput"),
        (coding + 5, 9, "unknown packet order"),
        (coding + 13, 3, "unknown wavelet"),
        (coding + 9, 40, "too many wavelet levels"),
        (coding + 10, 9, "code blocks of a wrong size"),
        (steps + 4, 1, "unknown quantisation"),
        (0, b'X', "holds no high-throughput JPEG 2000"),
        (7, 5, "channel map is broken"),
    ] {
        let mut file = fixture::read(&std::fs::read(folder().join("h32_99x45_rgba.exr")).unwrap());
        file.chunks.truncate(1);
        file.chunks[0].bytes[at] = value;
        let error = decode_file(&file, 0, |_| true, &mut scratch).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

/// 32-bit coefficients that take the way of machines without vectors.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Plain(i32);

impl block::Coefficient for Plain {
    const MOST_BITS: u32 = block::MOST_NARROW_BITS;
    fn new(magnitude: u64, is_negative: bool) -> Self {
        Self(block::Coefficient::new(magnitude, is_negative))
    }
    fn magnitude(self) -> u64 {
        block::Coefficient::magnitude(self.0)
    }
    fn is_negative(self) -> bool {
        self.0 < 0
    }
}

#[test]
fn all_machines_decode_blocks_alike() {
    let mut scratch = BlockScratch::default();
    for name in ["h256_140x130_rgb", "h32_700x3_rgb", "h256_20x280_wild", "lj2k_79x41_rgb"] {
        let file = file(name);
        let stream = codestream(&file.chunks[0].bytes);
        let (mut read, mut layout) = (Codestream::default(), Layout::default());
        read.read(stream, file.channels.len()).unwrap();
        layout.read(&read, stream, |_| Some(u8::MAX)).unwrap();
        for block in &layout.blocks {
            let (width, height) = (block.width as usize, block.height as usize);
            let coded = Coded {
                cleanup: &stream[block.at..][..block.cleanup],
                refinement: &[],
                refinements: 0,
                width,
                height,
                planes: layout.bands[block.band as usize].planes,
                empty_planes: block.empty_planes,
                keeps_half: name.starts_with("lj2k"),
            };
            let mut narrow = vec![0i32; width * height];
            let mut wide = vec![0i64; width * height];
            let mut plain = vec![Plain(0); width * height];
            block::decode(&coded, &mut narrow, width, &mut scratch).unwrap();
            block::decode(&coded, &mut wide, width, &mut scratch).unwrap();
            block::decode(&coded, &mut plain, width, &mut scratch).unwrap();
            assert!(narrow.iter().zip(&plain).all(|(narrow, plain)| *narrow == plain.0), "{name} {block:?}");
            assert!(
                narrow.iter().zip(&wide).all(|(narrow, wide)| i64::from(*narrow) == *wide),
                "{name} {block:?}"
            );
        }
    }
}
