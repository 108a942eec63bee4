use std::fs;
use std::path::Path;

use half::f16;

use super::*;

/// A channel as it stands in a file: its name and the bits of its samples.
type RawChannel = (String, Vec<u32>);

/// Reads an EXR file down to the bytes of its blocks, with no float in between.
fn read_bits(path: &Path) -> Vec<RawChannel> {
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let reader = ::exr::block::read(file, true).unwrap();
    let meta = reader.meta_data().clone();
    let named = meta.headers[0].channels.list.iter().map(|channel| channel.name.to_string());
    let mut channels: Vec<RawChannel> = named.map(|name| (name, Vec::new())).collect();
    for chunk in reader.all_chunks(true).unwrap() {
        let block = ::exr::block::UncompressedBlock::decompress_chunk(chunk.unwrap(), &meta, true).unwrap();
        for line in block.lines(&meta.headers[0].channels) {
            let bytes_per_sample = line.value.len() / line.location.sample_count;
            let bits = line.value.chunks(bytes_per_sample).map(|bytes| match *bytes {
                [a, b] => u32::from(u16::from_ne_bytes([a, b])),
                [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]),
                _ => unreachable!(),
            });
            channels[line.location.channel].1.extend(bits);
        }
    }
    channels
}

fn bits_of(samples: &Samples) -> Vec<u32> {
    match samples {
        Samples::F16(samples) => samples.iter().map(|sample| u32::from(sample.to_bits())).collect(),
        Samples::F32(samples) => samples.iter().map(|sample| sample.to_bits()).collect(),
        Samples::U32(samples) => samples.clone(),
    }
}

fn channel(name: &str, samples: Samples) -> PictureChannel {
    PictureChannel { name: name.to_owned(), samples }
}

fn exr_picture(width: u32, height: u32, channels: Vec<PictureChannel>) -> ExrPicture {
    ExrPicture { width, height, origin: (0, 0), pixel_aspect: 1.0, channels }
}

fn grey(width: u32, height: u32) -> Picture {
    let samples = Samples::F16(vec![f16::from_f32(0.5); (width * height) as usize]);
    Picture::Exr(exr_picture(width, height, vec![channel("Y", samples)]))
}

fn rgb8(width: u32, height: u32) -> Picture {
    let samples = (0..width * height * 3).map(|place| (place * 7) as u8).collect();
    Picture::Rgb(RgbPicture { width, height, samples: RgbSamples::U8(samples) })
}

fn rgb16(width: u32, height: u32) -> Picture {
    let samples = (0..width * height * 3).map(|place| (place * 7919) as u16).collect();
    Picture::Rgb(RgbPicture { width, height, samples: RgbSamples::U16(samples) })
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.into_string().unwrap()).collect()
}

/// Writes `picture` into an empty folder, expects it to fail, and returns the message.
fn refusal(name: &str, picture: &Picture) -> String {
    let dir = tempfile::tempdir().unwrap();
    let error = write_picture(&dir.path().join(name), picture).unwrap_err();
    assert_eq!(names_in(dir.path()), Vec::<String>::new());
    let message = error.to_string();
    assert!(message.contains(name), "{message}");
    message
}

fn exr_refusal(picture: ExrPicture) -> String {
    refusal("a.exr", &Picture::Exr(picture))
}

#[test]
fn every_half_and_every_kind_of_nan_is_kept() {
    let all_halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    let same_nan = vec![f16::from_bits(0x7C01); 65536];
    let floats = (0..65536_u32).map(|bits| f32::from_bits(0x7F80_0000 ^ bits.wrapping_mul(0x9E37_79B9)));
    let numbers = (0..65536_u32).map(|place| place.wrapping_mul(0x0101_0101));
    let channels = vec![
        channel("zeta", Samples::F16(all_halves)),
        channel("B", Samples::F16(same_nan)),
        channel("depth.Z", Samples::F32(floats.collect())),
        channel("äther with a name far longer than thirty-one bytes", Samples::U32(numbers.collect())),
        channel("A", Samples::F32(vec![f32::from_bits(0xFFA0_0001); 65536])),
    ];
    let picture = ExrPicture { origin: (-20, 35), pixel_aspect: 2.0, ..exr_picture(256, 256, channels) };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.EXR");
    write_picture(&path, &Picture::Exr(picture.clone())).unwrap();

    let mut wanted: Vec<&PictureChannel> = picture.channels.iter().collect();
    wanted.sort_by_key(|channel| channel.name.clone());
    let found = read_bits(&path);
    assert_eq!(found.len(), wanted.len());
    for ((_, bits), wanted) in found.iter().zip(&wanted) {
        assert!(*bits == bits_of(&wanted.samples), "{}", wanted.name);
    }
    assert_eq!(found[0].0, "A");
    check_header(&path);
    assert_eq!(names_in(dir.path()), ["all.EXR"]);
}

fn check_header(path: &Path) {
    let meta = ::exr::meta::MetaData::read_from_file(path, true).unwrap();
    let header = &meta.headers[0];
    assert!(meta.requirements.has_long_names);
    assert_eq!(header.compression, Compression::ZIP16);
    assert_eq!(header.data_window(), header.shared_attributes.display_window);
    assert_eq!(header.data_window().position, ::exr::math::Vec2(-20, 35));
    assert_eq!(header.data_window().size, ::exr::math::Vec2(256, 256));
    assert_eq!(header.shared_attributes.pixel_aspect, 2.0);
    let utf8 = "äther with a name far longer than thirty-one bytes".as_bytes();
    assert!(header.channels.list.iter().any(|channel| channel.name.as_slice() == utf8));
}

#[test]
fn the_number_of_threads_does_not_show() {
    let samples = (0..33 * 100).map(|place: u32| f16::from_bits(place.wrapping_mul(40503) as u16));
    let picture = exr_picture(33, 100, vec![channel("R", Samples::F16(samples.collect()))]);
    let write = |workers| {
        let mut out = std::io::Cursor::new(Vec::new());
        exr::write(&mut out, &picture, Compression::ZIP16, workers).unwrap();
        out.into_inner()
    };
    assert_eq!(write(1), write(5));
}

#[test]
fn png_and_tiff_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.png", "a.tif", "a.TIFF"] {
        for (width, height) in [(1, 1), (31, 17)] {
            let path = dir.path().join(name);
            for picture in [rgb8(width, height), rgb16(width, height)] {
                write_picture(&path, &picture).unwrap();
                let Picture::Rgb(picture) = picture else { unreachable!() };
                assert_same(&path, &picture);
            }
        }
    }
    assert_eq!(names_in(dir.path()).len(), 3);
}

fn assert_same(path: &Path, picture: &RgbPicture) {
    let read = image::ImageReader::open(path).unwrap().with_guessed_format().unwrap().decode().unwrap();
    assert_eq!((read.width(), read.height()), (picture.width, picture.height));
    match &picture.samples {
        RgbSamples::U8(samples) => assert_eq!(read.as_rgb8().unwrap().as_raw(), samples),
        RgbSamples::U16(samples) => assert_eq!(read.as_rgb16().unwrap().as_raw(), samples),
    }
}

#[test]
fn the_ending_decides() {
    let format = |name: &str| PictureFormat::from_path(Path::new(name)).map_err(|error| error.to_string());
    assert_eq!(format("a.b/c.0001.png"), Ok(PictureFormat::Png));
    assert_eq!(format("c.Tif"), Ok(PictureFormat::Tiff));
    assert_eq!(format("c.EXR"), Ok(PictureFormat::Exr));
    for name in ["c.jpg", "c", ".exr", "c.exr.", "c.\u{1b}[2J"] {
        let message = format(name).unwrap_err();
        assert!([".png", ".tif", ".exr"].iter().all(|ending| message.contains(ending)), "{message}");
        assert!(!message.contains('\u{1b}'));
    }
    assert!(format("c.jpg").unwrap_err().contains("\"jpg\""));
}

#[test]
fn pictures_of_the_wrong_kind_are_refused() {
    assert!(refusal("a.png", &grey(2, 2)).contains(".exr"));
    assert!(refusal("a.tif", &grey(2, 2)).contains(".exr"));
    assert!(refusal("a.exr", &rgb8(2, 2)).contains(".png"));
}

#[test]
fn impossible_pictures_are_refused() {
    let two = || Samples::U32(vec![1, 2]);
    assert!(exr_refusal(exr_picture(2, 1, vec![])).contains("no channel"));
    assert!(exr_refusal(exr_picture(2, 1, vec![channel("", two())])).contains("1 to 255"));
    assert!(exr_refusal(exr_picture(2, 1, vec![channel("a\0b", two())])).contains("NUL"));
    assert!(exr_refusal(exr_picture(2, 1, vec![channel(&"x".repeat(256), two())])).contains("255"));
    assert!(exr_refusal(exr_picture(2, 1, vec![channel("R", two()), channel("R", two())])).contains("\"R\""));
    assert!(exr_refusal(exr_picture(3, 1, vec![channel("R", two())])).contains("2 samples"));
    assert!(exr_refusal(exr_picture(0, 1, vec![channel("R", Samples::U32(vec![]))])).contains("0x1"));
    let far = ExrPicture { origin: (i32::MAX, 0), ..exr_picture(2, 1, vec![channel("R", two())]) };
    assert!(exr_refusal(far).contains("EXR writer"));
    let odd = ExrPicture { pixel_aspect: f32::NAN, ..exr_picture(2, 1, vec![channel("R", two())]) };
    assert!(exr_refusal(odd).contains("aspect"));
    let short = RgbPicture { width: 2, height: 2, samples: RgbSamples::U16(vec![0; 11]) };
    assert!(refusal("a.png", &Picture::Rgb(short.clone())).contains("11 samples"));
    assert!(refusal("a.tif", &Picture::Rgb(short)).contains("12"));
}

#[test]
fn a_failure_leaves_the_old_file_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.exr");
    fs::write(&path, "before").unwrap();
    let broken = Picture::Exr(exr_picture(3, 1, vec![channel("R", Samples::U32(vec![1]))]));
    write_picture(&path, &broken).unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"before");
    write_picture(&path, &grey(1, 1)).unwrap();
    assert_eq!(read_bits(&path), [("Y".to_owned(), vec![0x3800])]);
    assert_eq!(names_in(dir.path()), ["a.exr"]);
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    let write = || partial::write_whole(&path, |_| panic!("on purpose"));
    assert!(std::panic::catch_unwind(write).is_err());
    assert_eq!(names_in(dir.path()), Vec::<String>::new());
}

#[test]
fn the_file_system_may_refuse() {
    let dir = tempfile::tempdir().unwrap();
    let missing = write_picture(&dir.path().join("no/a.exr"), &grey(1, 1)).unwrap_err();
    assert!(matches!(missing, EncodeError::Io { .. }));
    assert!(missing.to_string().contains("create the folder"), "{missing}");
    fs::create_dir(dir.path().join("b.png")).unwrap();
    let taken = write_picture(&dir.path().join("b.png"), &rgb8(1, 1)).unwrap_err();
    assert!(matches!(taken, EncodeError::Io { .. }), "{taken}");
    assert_eq!(names_in(dir.path()), ["b.png"]);
}

#[test]
fn the_longest_names_work() {
    let dir = tempfile::tempdir().unwrap();
    let name = format!("{}.png", "n".repeat(251));
    write_picture(&dir.path().join(&name), &rgb8(1, 1)).unwrap();
    assert_eq!(names_in(dir.path()), [name]);
}
