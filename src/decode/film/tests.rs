use std::io::Write;

use super::*;
use crate::decode::{Decoder, FileDecoder};
use crate::epoch::EpochWatch;
use crate::frame::Transfer;
use crate::time::Rate;

/// The bits that a sample of the test picture has.
fn sample(plane: usize, x: usize, y: usize) -> u16 {
    ((x * 37 + y * 101 + plane * 311) % 1024) as u16
}

/// A header of 2048 bytes: numbers at their places, of one, two or four bytes.
fn header(magic: u32, is_big: bool, fields: &[(usize, u32, usize)]) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    for (at, value, length) in [(0, magic, 4), (4, 2048, 4)].iter().chain(fields) {
        let number = if is_big { value << (8 * (4 - length)) } else { *value };
        let number = if is_big { number.to_be_bytes() } else { number.to_le_bytes() };
        bytes[*at..at + length].copy_from_slice(&number[..*length]);
    }
    bytes
}

fn cineon(width: usize, height: usize, is_big: bool) -> Vec<u8> {
    let (width, height) = (width as u32, height as u32);
    let fields = [
        (193, 3, 1),
        (197, 10, 1),
        (225, 10, 1),
        (253, 10, 1),
        (200, width, 4),
        (204, height, 4),
        (681, 5, 1),
        (1072, 25.0_f32.to_bits(), 4),
    ];
    with_rows(header(0x802A_5FD7, is_big, &fields), (width, height), is_big, 0)
}

fn dpx(width: usize, height: usize, is_big: bool, padding: u32) -> Vec<u8> {
    let (width, height) = (width as u32, height as u32);
    let fields = [
        (770, 1, 2),
        (772, width, 4),
        (776, height, 4),
        (800, 50, 1),
        (801, 1, 1),
        (803, 10, 1),
        (804, 1, 2),
        (808, 2048, 4),
        (812, padding, 4),
        (1628, 2, 4),
        (1632, 1, 4),
        (1724, 0x7FFF_FFFF, 4),
        (1940, 23.976_f32.to_bits(), 4),
        (1920, 0x0102_0304, 4),
    ];
    with_rows(header(0x5344_5058, is_big, &fields), (width, height), is_big, padding as usize)
}

fn with_rows(mut bytes: Vec<u8>, (width, height): (u32, u32), is_big: bool, padding: usize) -> Vec<u8> {
    for y in 0..height as usize {
        for x in 0..width as usize {
            let [red, green, blue] = [0, 1, 2].map(|plane| u32::from(sample(plane, x, y)));
            let word = red << 22 | green << 12 | blue << 2;
            bytes.extend(if is_big { word.to_be_bytes() } else { word.to_le_bytes() });
        }
        bytes.extend(std::iter::repeat_n(0xEE, padding));
    }
    bytes
}

/// What becomes of a file with these bytes.
fn decoded(bytes: &[u8]) -> (DecodeEnd, FrameMemory) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let mut request = DecodeRequest {
        path: file.path().to_owned(),
        index: 0,
        planes: Arc::new(crate::decode::PlaneRequest {
            part: 0,
            part_name: None,
            channels: Vec::new(),
            mixes_chroma: false,
        }),
        level: 0,
        helpers: 0,
        watch: EpochWatch::never_stale(),
    };
    if let Ok(info) = crate::decode::probe(&request.path) {
        request.planes = Arc::new(info.layers[0].planes.clone());
    }
    let mut memory = FrameMemory::default();
    let decoder = FileDecoder::default();
    if let DecodeEnd::Refused { needed_bytes } = decoder.decode(&request, &mut memory) {
        memory = FrameMemory::allocate(needed_bytes).unwrap();
        // What lay there before is nobody's picture.
        memory.bytes_mut().fill(0x5A);
    }
    (decoder.decode(&request, &mut memory), memory)
}

fn assert_rows(layout: &PlaneLayout, memory: &FrameMemory, rows: usize) {
    for (plane, span) in layout.spans().iter().enumerate() {
        for y in 0..layout.stored_size().1 as usize {
            let row = &memory.bytes()[span.row(y)];
            for x in 0..layout.stored_size().0 as usize {
                let found = u16::from_le_bytes([row[2 * x], row[2 * x + 1]]);
                let wanted = if y < rows { sample(plane, x, y) } else { 0 };
                assert_eq!(found, wanted, "plane {plane} at {x}, {y}");
            }
        }
    }
}

#[test]
fn every_sample_of_both_formats_and_orders_is_read() {
    for is_big in [true, false] {
        for (bytes, format) in [
            (cineon(61, 700, is_big), "CINEON"),
            (dpx(61, 700, is_big, 0), "DPX"),
            (dpx(61, 3, is_big, 12), "DPX"),
        ] {
            let header = FilmHeader::parse(&bytes).unwrap().unwrap();
            assert_eq!((header.format, header.transfer), (format, Transfer::Density));
            let (DecodeEnd::Done(frame), memory) = decoded(&bytes) else { panic!("{format} is decoded") };
            assert!(frame.missing.is_empty());
            assert_rows(&frame.layout, &memory, usize::MAX);
        }
    }
}

#[test]
fn headers_tell_rate_aspect_and_time() {
    let film = FilmHeader::parse(&cineon(2, 2, true)).unwrap().unwrap();
    assert_eq!((film.rate, film.pixel_aspect), (Rate::new(25, 1).ok(), 1.0));
    let digital = FilmHeader::parse(&dpx(2, 2, false, 0)).unwrap().unwrap();
    assert_eq!((digital.rate, digital.pixel_aspect), (Rate::new(24_000, 1001).ok(), 2.0));
    assert!(digital.attributes.iter().any(|it| it.name == "timecode" && it.value == "01:02:03:04"));
}

#[test]
fn rows_that_are_not_there_are_missing() {
    let whole = dpx(61, 700, true, 12);
    // In the middle of row 5, and after its pixels but before the padding of the last one.
    let row = 61 * 4 + 12;
    for (length, rows) in [(2048 + 5 * row + 100, 5), (2048 + 5 * row - 12, 5), (2048 + 700 * row - 12, 700)]
    {
        let (DecodeEnd::Done(frame), memory) = decoded(&whole[..length]) else { panic!("it is decoded") };
        let missing = Area { x: 0, y: rows as u32, width: 61, height: 700 - rows as u32 };
        assert_eq!(frame.missing, if rows < 700 { vec![missing] } else { vec![] });
        assert_rows(&frame.layout, &memory, rows);
    }
    for length in [2048, 2047, 900, 17] {
        assert!(
            matches!(decoded(&whole[..length]).0, DecodeEnd::Failed(DecodeError::Damaged { .. })),
            "{length}"
        );
    }
}

#[test]
fn what_is_of_another_kind_is_left_to_others_or_named() {
    let mut twelve = dpx(4, 4, true, 0);
    twelve[803] = 12;
    assert_eq!(FilmHeader::parse(&twelve), Ok(None));
    let mut mono = cineon(4, 4, true);
    mono[193] = 1;
    let said = FilmHeader::parse(&mono).unwrap_err().to_string();
    assert!(said.contains("Cineon of 1 channels"), "{said}");
    let mut huge = cineon(4, 4, true);
    huge[200..208].fill(0x7F);
    assert!(FilmHeader::parse(&huge).unwrap_err().to_string().contains("the limits are"));
}

#[test]
fn no_header_breaks_the_reader() {
    let good = [cineon(9, 9, true), dpx(9, 9, false, 4)];
    let mut seed = 7_u32;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    for round in 0..4000 {
        let mut bytes = good[round % 2].clone();
        for _ in 0..1 + round % 5 {
            let at = random(2048);
            bytes[at] = random(256) as u8;
        }
        bytes.truncate(random(bytes.len() + 1));
        if let Ok(Some(header)) = FilmHeader::parse(&bytes) {
            assert!(header.width <= 65_536 && header.row_padding <= 1 << 20);
        }
        if round % 20 == 0 {
            decoded(&bytes);
        }
    }
}

#[cfg(feature = "video")]
#[test]
fn dpx_is_read_as_ffmpeg_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    for order in ["be", "le"] {
        let path = folder.path().join(format!("{order}.dpx"));
        let made = std::process::Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=122x44:r=25",
                "-frames:v",
                "1",
            ])
            .args(["-pix_fmt", &format!("gbrp10{order}")])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        let bytes = std::fs::read(&path).unwrap();
        assert!(FilmHeader::parse(&bytes).unwrap().is_some(), "it is of the kind that is read here");
        let (DecodeEnd::Done(ours), memory) = decoded(&bytes) else { panic!("it is decoded") };
        let mut theirs = FrameMemory::allocate(ours.layout.total_bytes()).unwrap();
        let end = crate::decode::video::single::decode(&path, &EpochWatch::never_stale(), &mut theirs);
        let crate::decode::video::MovieEnd::Done(picture) = end else { panic!("FFmpeg decodes it") };
        assert_eq!(picture.layout.planes(), ours.layout.planes());
        for span in ours.layout.spans() {
            for y in 0..44 {
                let row = span.row(y).start..span.row(y).start + 244;
                assert_eq!(memory.bytes()[row.clone()], theirs.bytes()[row]);
            }
        }
    }
}
