//! The doors of the fuzz targets: random bytes, and valid chunks and headers with changes, none of which may do more
//! than end in an error. `RUSHES_FUZZ_SEEDS` names a folder that takes the valid ones for longer runs of the fuzzer.

use std::path::Path;
use std::time::{Duration, Instant};

use exr::math::RoundingMode;
use exr::meta::BlockDescription;
use exr::meta::attribute::{LevelMode, TileDescription};
use exr::meta::header::Header;
use exr::prelude::{ChannelDescription, Compression, IntegerBounds, LineOrder, SampleType, Text};
use rushes::decode::fuzz;
use rushes::encode::DemoCodec;

use crate::counting::peak_bytes;
use crate::mutations::mutated;
use crate::seeds;
use crate::support::XorShift;

const INPUTS: usize = 20_000;
const LONGEST: Duration = Duration::from_secs(2);
/// Chunks of these inputs have up to 2 MiB, and are decoded twice.
const MOST_BYTES: i64 = 64 << 20;

/// Bits of a channel in an input.
const HALF: u8 = 0;
const FLOAT: u8 = 1;
const UINT: u8 = 2;
const LINEAR: u8 = 4;

/// Width, height and the bits and names of the channels.
type Shape = (u8, u8, &'static [(u8, &'static str)]);

const SHAPES: [Shape; 5] = [
    (33, 1, &[(HALF, "Y")]),
    (50, 40, &[(HALF, "B"), (HALF, "G"), (HALF, "R")]),
    (21, 16, &[(HALF, "A"), (FLOAT, "B"), (FLOAT, "G"), (FLOAT, "R"), (FLOAT, "Z")]),
    (1, 32, &[(UINT, "Z"), (HALF | LINEAR, "Y")]),
    (255, 32, &[(HALF, "BY"), (HALF, "RY"), (HALF, "Y")]),
];

/// Smooth halves and flat stretches: any bytes are samples, and these have something to be found by a codec.
fn samples(bytes: usize, random: &mut XorShift) -> Vec<u8> {
    let sample = |at: usize| match at / 64 % 3 {
        0 => 0x3800,
        _ => 0x3400 + (at % 512) as u16 * 2 + random.below(3) as u16,
    };
    (0..bytes / 2).map(sample).flat_map(u16::to_le_bytes).collect()
}

fn compress(codec: &str, (width, height, channels): Shape, samples: Vec<u8>) -> Vec<u8> {
    let compression = match codec {
        "rle" => Compression::RLE,
        "zip" => Compression::ZIP16,
        "piz" => Compression::PIZ,
        "pxr24" => Compression::PXR24,
        "b44" => Compression::B44A,
        "dwa" => Compression::DWAA(None),
        _ => return zstd_chunk(channels, samples),
    };
    let describe = |(bits, name): &(u8, &str)| ChannelDescription {
        name: Text::from(*name),
        sample_type: [SampleType::F16, SampleType::F32, SampleType::U32][usize::from(bits & 3)],
        quantize_linearly: bits & LINEAR != 0,
        sampling: (1, 1).into(),
    };
    let size = (usize::from(width), usize::from(height));
    let tile = TileDescription {
        tile_size: size.into(),
        level_mode: LevelMode::Singular,
        rounding_mode: RoundingMode::Down,
    };
    let header = Header::new(Text::from("chunk"), size, channels.iter().map(describe).collect())
        .with_encoding(compression, BlockDescription::Tiles(tile), LineOrder::Increasing);
    let bounds = IntegerBounds::new((0, 0), size);
    compression.compress_image_section_to_le(&header, samples, bounds).expect("a chunk")
}

/// Any content of the right length is valid; which sample is which makes no difference here.
fn zstd_chunk(channels: &[(u8, &str)], samples: Vec<u8>) -> Vec<u8> {
    let bytes_of = |is_half: bool| {
        let chosen = channels.iter().filter(|(bits, _)| (bits & 3 == HALF) == is_half);
        chosen.count() * if is_half { 2 } else { 4 }
    };
    let halves = samples.len() * bytes_of(true) / (bytes_of(true) + bytes_of(false));
    let groups = [&samples[..halves], &samples[halves..]].map(|group| match group.len() {
        0 => Vec::new(),
        length => [&(length as u64).to_le_bytes(), group].concat(),
    });
    let mut frame = vec![0; samples.len() + 1024];
    let length = zstd_safe::compress(frame.as_mut_slice(), &groups.concat(), 3).expect("a frame");
    frame.truncate(length);
    let numbers = [&1_u32.to_le_bytes()[..], &0_u32.to_le_bytes(), &(frame.len() as u64).to_le_bytes()];
    [b"zstd-exr", numbers.concat().as_slice(), &frame].concat()
}

/// What an input says of a chunk in front of its bytes.
fn described((width, height, channels): Shape) -> Vec<u8> {
    let number = |name: &str| fuzz::NAMES.iter().position(|known| *known == name).expect("a name") as u8;
    let mut input = vec![width - 1, height - 1, 0, 0, channels.len() as u8 - 1];
    input.extend(channels.iter().flat_map(|(bits, name)| [*bits, number(name)]));
    input
}

fn pixel_bytes((_, _, channels): Shape) -> usize {
    channels.iter().map(|(bits, _)| if bits & 3 == HALF { 2 } else { 4 }).sum()
}

fn input(codec: &str, shape: Shape, random: &mut XorShift) -> Vec<u8> {
    let pixels = usize::from(shape.0) * usize::from(shape.1);
    let samples = samples(pixels * pixel_bytes(shape), random);
    [described(shape), compress(codec, shape, samples)].concat()
}

/// First chunks of files that the OpenEXR library wrote: nothing here compresses to JPEG 2000.
fn htj2k_inputs() -> Vec<(Shape, Vec<u8>)> {
    let half: &[(u8, &str)] = &[(HALF, "B"), (HALF, "G"), (HALF, "R")];
    let four: &[(u8, &str)] = &[(HALF, "A"), (HALF, "B"), (HALF, "G"), (HALF, "R")];
    let float: &[(u8, &str)] = &[(FLOAT, "A"), (FLOAT, "B"), (FLOAT, "G"), (FLOAT, "R")];
    let mixed: &[(u8, &str)] = &[(HALF, "B"), (FLOAT, "G"), (HALF, "R")];
    let files = [
        ("h32_99x45_rgba", (99, 32, four)),
        ("h32_41x40_float", (41, 32, float)),
        ("h256_64x40_mixedrgb", (64, 40, mixed)),
        ("lj2k_79x41_rgb", (79, 41, half)),
    ];
    let of_file = |(name, shape): (&str, Shape)| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/htj2k").join(name);
        let file = std::fs::read(path.with_extension("exr")).expect("a fixture");
        let is_start = |at: &usize| matches!(&file[*at..*at + 5], b"HT\0\0\0" | b"HL\0\0\0");
        let start = (4..file.len() - 5).find(is_start).expect("a chunk");
        let length = u32::from_le_bytes(file[start - 4..start].try_into().expect("four bytes")) as usize;
        (shape, [described(shape), file[start..start + length].to_vec()].concat())
    };
    files.map(of_file).into()
}

/// Valid inputs of a codec.
fn inputs(codec: &str) -> Vec<(Shape, Vec<u8>)> {
    if codec == "htj2k" {
        return htj2k_inputs();
    }
    let mut random = XorShift::new(7);
    SHAPES.iter().map(|shape| (*shape, input(codec, *shape, &mut random))).collect()
}

const ZIPS: u8 = 2;

/// A stream of deep data: as it is, or in zlib after the halves of pairs were parted and differences taken.
fn deep_stream(compression: u8, bytes: &[u8]) -> Vec<u8> {
    if compression != ZIPS {
        return bytes.to_vec();
    }
    let [even, odd] = [0, 1].map(|first| bytes.iter().skip(first).step_by(2).copied());
    let mut before = None;
    let difference =
        |byte: u8| before.replace(byte).map_or(byte, |before: u8| byte.wrapping_sub(before) ^ 0x80);
    let parted: Vec<u8> = even.chain(odd).map(difference).collect();
    let mut packer = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut packed = vec![0; packer.zlib_compress_bound(parted.len())];
    let length = packer.zlib_compress(&parted, &mut packed).expect("a stream");
    packed.truncate(length);
    if packed.len() < bytes.len() { packed } else { bytes.to_vec() }
}

/// Up to three samples a pixel, of whatever values.
fn deep_input(compression: u8, shape: Shape, random: &mut XorShift) -> Vec<u8> {
    let (mut table, mut count) = (Vec::new(), 0);
    for _ in 0..shape.1 {
        let mut of_line = 0_u32;
        for _ in 0..shape.0 {
            of_line += random.below(4) as u32;
            table.extend(of_line.to_le_bytes());
        }
        count += of_line as usize;
    }
    let samples = samples(count * pixel_bytes(shape), random);
    let unpacked = samples.len() as u32;
    let [table, samples] = [table, samples].map(|bytes| deep_stream(compression, &bytes));
    let mut input = described(shape);
    input.push(compression);
    input.extend((table.len() as u16).to_le_bytes());
    input.extend(&unpacked.to_le_bytes()[..3]);
    [input, table, samples].concat()
}

/// Keeps the inputs where somebody asked for them.
fn keep(target: &str, inputs: &[Vec<u8>]) {
    let Some(folder) = std::env::var_os("RUSHES_FUZZ_SEEDS") else { return };
    let folder = Path::new(&folder).join(target);
    std::fs::create_dir_all(&folder).expect("a folder");
    for (number, input) in inputs.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{number}")), input).expect("a seed");
    }
}

/// Counts what is decoded and what is not of random inputs and changed seeds.
fn run(name: &str, seeds: &[Vec<u8>], door: impl Fn(&[u8]) -> bool) -> (usize, usize) {
    let mut random = XorShift::new(name.len() as u64 * 31 + u64::from(name.as_bytes()[0]));
    let mut good = 0;
    for number in 0..INPUTS {
        let input = match number % 4 {
            0 => (0..random.below(400)).map(|_| random.next() as u8).collect(),
            _ => mutated(&seeds[number % seeds.len()], &mut random),
        };
        let started = Instant::now();
        let (is_good, peak) = peak_bytes(|| door(&input));
        assert!(started.elapsed() < LONGEST, "{name} {number}: {:?}", started.elapsed());
        assert!(peak < MOST_BYTES, "{name} {number}: {peak} bytes");
        good += usize::from(is_good);
    }
    (good, INPUTS - good)
}

#[test]
fn no_chunk_brings_a_codec_down() {
    for codec in fuzz::codecs() {
        let inputs = inputs(codec);
        for (shape, input) in &inputs {
            assert_eq!(fuzz::chunk(codec, input), Some(Ok(())), "{codec}: {shape:?}");
        }
        let seeds: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
        keep(codec, &seeds);
        let (good, bad) = run(codec, &seeds, |input| fuzz::chunk(codec, input) == Some(Ok(())));
        assert!(good > 20 && bad > 20, "{codec}: {good} {bad}");
    }
}

#[test]
fn no_deep_chunk_brings_its_codec_down() {
    let mut random = XorShift::new(7);
    let deep_shapes = SHAPES.iter().flat_map(|shape| [(0, *shape), (ZIPS, *shape)]);
    let seeds: Vec<Vec<u8>> =
        deep_shapes.map(|(compression, shape)| deep_input(compression, shape, &mut random)).collect();
    for (number, seed) in seeds.iter().enumerate() {
        assert_eq!(fuzz::deep(seed), Some(Ok(())), "{number}");
    }
    keep("deep", &seeds);
    let (good, bad) = run("deep", &seeds, |input| fuzz::deep(input) == Some(Ok(())));
    assert!(good > 20 && bad > 20, "{good} {bad}");
}

#[test]
fn no_header_brings_the_gate_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = seeds::scan_lines(folder.path(), 40, 33, &[DemoCodec::Zip, DemoCodec::Dwab]);
    files.extend(seeds::tiles(folder.path()));
    files.extend(seeds::parts(folder.path()));
    let files: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).expect("a seed")).collect();
    keep("salvage", &files);
    let seeds: Vec<Vec<u8>> = files.iter().map(|file| [&[1, 0, 0], file.as_slice()].concat()).collect();
    assert!(seeds.iter().all(|seed| fuzz::gate(seed).is_ok()));
    keep("gate", &seeds);
    let (good, bad) = run("gate", &seeds, |input| fuzz::gate(input).is_ok());
    assert!(good > 20 && bad > 20, "{good} {bad}");
}
