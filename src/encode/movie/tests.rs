use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::encode::{EncodeError, RgbPicture, RgbSamples};
use crate::time::Rate;

const SIZE: (u32, u32) = (322, 181);
const PICTURES: u32 = 5;

fn settings(container: MovieContainer, codec: MovieCodec) -> MovieSettings {
    MovieSettings {
        container,
        codec,
        quality: MovieQuality::High,
        depth: codec.usual_depth(),
        size: SIZE,
        frames: u64::from(PICTURES),
        rate: Rate::new(24_000, 1001).unwrap(),
        pixel_aspect: 1.0,
        color: MovieColor::BT709,
        timecode: Some("01:00:00:00".into()),
        has_sound: false,
        threads: 2,
    }
}

/// Slopes that move with the number; samples that 8 bits do not hold where there are 16.
fn picture(number: u32, depth: MovieDepth) -> RgbPicture {
    picture_of(SIZE, number, depth)
}

fn picture_of((width, height): (u32, u32), number: u32, depth: MovieDepth) -> RgbPicture {
    let samples = (0..height).flat_map(|y| {
        (0..width).flat_map(move |x| {
            [x * 200 + number * 977 % 15_000, y * 360, (x + y) * 130].map(|value| value as u16)
        })
    });
    let samples = match depth {
        MovieDepth::Eight => RgbSamples::U8(samples.map(|sample| (sample >> 8) as u8).collect()),
        MovieDepth::Sixteen => RgbSamples::U16(samples.collect()),
    };
    RgbPicture { width, height, samples }
}

fn write(folder: &Path, settings: &MovieSettings) -> PathBuf {
    let path = folder.join(format!("{}.{}", settings.codec.name(), settings.container.name()));
    let mut writer = MovieWriter::create(&path, settings).unwrap();
    for number in 0..PICTURES {
        writer.push(picture(number, settings.depth), Vec::new()).unwrap();
    }
    assert!(writer.finish(&|| false).unwrap());
    path
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// One line of `ffprobe` for each value asked for.
fn probed(movie: &Path, what: &str) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-select_streams",
            "v",
            "-of",
            "csv=p=0",
            "-show_entries",
            what,
        ])
        .arg(movie)
        .output()
        .expect("ffprobe");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .trim_end_matches(',')
        .split(',')
        .map(String::from)
        .collect()
}

/// The samples of all pictures as FFmpeg decodes them.
fn decoded(movie: &Path, format: &str) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(movie)
        .args(["-f", "rawvideo", "-pix_fmt", format, "-"])
        .output()
        .expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn every_codec_is_written_into_every_container_that_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    for container in MovieContainer::ALL {
        for codec in container.codecs() {
            let movie = write(folder.path(), &settings(container, *codec));
            let found = probed(&movie, "stream=codec_name,r_frame_rate,nb_read_frames");
            let name = if *codec == MovieCodec::DnxHr { "dnxhd" } else { codec.name() };
            assert_eq!(found, [name, "24000/1001", "5"], "{}", movie.display());
        }
    }
    assert!(names(folder.path()).iter().all(|name| !name.starts_with('.')));
}

#[test]
fn better_movies_are_larger_and_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    for (container, codec, profiles) in [
        (MovieContainer::Mov, MovieCodec::ProRes, Some(["Proxy", "Standard", "HQ", "4444"])),
        (MovieContainer::Mov, MovieCodec::DnxHr, Some(["DNXHR LB", "DNXHR SQ", "DNXHR HQX", "DNXHR 444"])),
        (MovieContainer::Mp4, MovieCodec::H264, None),
        (MovieContainer::Mp4, MovieCodec::Hevc, None),
        (MovieContainer::Mp4, MovieCodec::Av1, None),
    ] {
        let written = MovieQuality::ALL.map(|quality| {
            let movie = write(folder.path(), &MovieSettings { quality, ..settings(container, codec) });
            (std::fs::metadata(&movie).unwrap().len(), probed(&movie, "stream=profile").remove(0))
        });
        let sizes = written.each_ref().map(|(bytes, _)| *bytes);
        assert!(sizes.is_sorted_by(|smaller, larger| smaller < larger), "{codec:?}: {sizes:?}");
        if let Some(profiles) = profiles {
            assert_eq!(written.map(|(_, profile)| profile), profiles);
        }
    }
}

#[test]
fn what_is_lossless_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    for depth in [MovieDepth::Eight, MovieDepth::Sixteen] {
        let settings = MovieSettings { depth, ..settings(MovieContainer::Mkv, MovieCodec::Ffv1) };
        let movie = write(folder.path(), &settings);
        let mut wanted = Vec::new();
        for number in 0..PICTURES {
            match picture(number, depth).samples {
                RgbSamples::U8(samples) => wanted.extend(samples),
                RgbSamples::U16(samples) => wanted.extend(samples.into_iter().flat_map(u16::to_le_bytes)),
            }
        }
        let format = if depth == MovieDepth::Eight { "rgb24" } else { "rgb48le" };
        assert!(decoded(&movie, format) == wanted, "{depth:?}");
    }
}

/// The names of the outermost boxes of .mov and .mp4 (ISO/IEC 14496-12, 4.2).
fn boxes(movie: &Path) -> Vec<String> {
    let bytes = std::fs::read(movie).unwrap();
    let (mut names, mut at) = (Vec::new(), 0);
    while let Some((head, _)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<16>()) {
        let size = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        let long = u64::from_be_bytes(head[8..].try_into().unwrap()) as usize;
        names.push(String::from_utf8_lossy(&head[4..8]).into_owned());
        at += if size == 1 { long } else { size.max(8) };
    }
    names
}

#[test]
fn the_index_comes_first_however_long_the_movie_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codec, rate) in [
        ("a.mp4", MovieCodec::H264, Rate::new(120, 1).unwrap()),
        ("b.mp4", MovieCodec::H264, Rate::new(1, 1).unwrap()),
        ("c.mov", MovieCodec::ProRes, Rate::FILM),
    ] {
        let path = folder.path().join(name);
        let container = MovieContainer::from_path(&path).unwrap();
        let frames = if rate.num() == 1 { 40 } else { 1500 };
        let small = (32, 32);
        let settings =
            MovieSettings { size: small, rate, frames, has_sound: true, ..settings(container, codec) };
        let mut writer = MovieWriter::create(&path, &settings).unwrap();
        let samples = u64::from(SOUND_RATE) * u64::from(rate.den()) / u64::from(rate.num());
        for number in 0..frames {
            // Noise, so that packets of sound differ in size.
            let noise = |at: u64| ((at * 7919 + number * 104_729) % 2003) as f32 / 2003.0 - 0.5;
            let sound = (0..samples).map(|at| [noise(at), noise(at + 1)]).collect();
            writer.push(picture_of(small, number as u32, settings.depth), sound).unwrap();
        }
        assert!(writer.finish(&|| false).unwrap());
        assert_eq!(boxes(&path)[..3], ["ftyp", "moov", "free"], "{name}: {:?}", boxes(&path));
        assert_eq!(boxes(&path).last().unwrap(), "mdat");
        assert_eq!(probed(&path, "stream=nb_read_frames"), [frames.to_string()]);
    }
}

#[test]
fn more_pictures_than_announced_are_no_movie() {
    let folder = tempfile::tempdir().unwrap();
    let settings = MovieSettings { frames: 1, ..settings(MovieContainer::Mp4, MovieCodec::H264) };
    let mut writer = MovieWriter::create(&folder.path().join("a.mp4"), &settings).unwrap();
    for number in 0..2 {
        let _ = writer.push(picture(number, settings.depth), Vec::new());
    }
    let said = writer.finish(&|| false).unwrap_err().to_string();
    assert!(said.contains("more than the 1 pictures"), "{said}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn odd_sizes_are_cut_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(MovieContainer::Mp4, MovieCodec::H264);
    let writer = MovieWriter::create(&folder.path().join("a.mp4"), &settings).unwrap();
    assert_eq!(writer.size(), (322, 180));
    let movie = write(folder.path(), &settings);
    assert_eq!(probed(&movie, "stream=width,height"), ["322", "180"]);
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(MovieContainer::Mp4, MovieCodec::H264);
    let path = folder.path().join("a.mp4");
    std::fs::write(&path, b"mine").unwrap();
    let begin = || {
        let mut writer = MovieWriter::create(&path, &settings).unwrap();
        writer.push(picture(0, settings.depth), Vec::new()).unwrap();
        writer
    };
    drop(begin());
    // Nothing comes after a picture that is no picture.
    let mut writer = begin();
    let wrong = RgbPicture { width: 2, height: 2, samples: RgbSamples::U8(vec![0; 3]) };
    let _ = writer.push(wrong, Vec::new());
    let said = writer.finish(&|| false).unwrap_err().to_string();
    assert!(said.contains("3 samples"), "{said}");
    assert_eq!(names(folder.path()), ["a.mp4"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

#[test]
fn every_encoder_may_be_given_up_before_its_first_picture() {
    let folder = tempfile::tempdir().unwrap();
    for container in MovieContainer::ALL {
        for codec in container.codecs() {
            let settings = settings(container, *codec);
            let path = folder.path().join("a").with_extension(container.name());
            drop(MovieWriter::create(&path, &settings).unwrap());
        }
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_be_written_is_an_error_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str, settings: &MovieSettings| {
        let written = MovieWriter::create(&folder.path().join(name), settings);
        written.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let said = of("a.mp4", &settings(MovieContainer::Mp4, MovieCodec::ProRes));
    assert!(said.contains("mp4 does not take prores here; it takes h264, hevc, av1"), "{said}");
    let tiny = MovieSettings { size: (1, 1), ..settings(MovieContainer::Mp4, MovieCodec::H264) };
    let said = of("a.mp4", &tiny);
    assert!(said.contains("libx264 does not take 1x1"), "{said}");
    let good = settings(MovieContainer::Mkv, MovieCodec::Ffv1);
    let error = MovieWriter::create(Path::new("/nowhere/a.mkv"), &good).err();
    assert!(matches!(error, Some(EncodeError::Io { .. })));
    assert!(names(folder.path()).is_empty());
}
