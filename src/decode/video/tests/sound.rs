//! The sound of files, compared sample by sample with what the `ffmpeg` command decodes.

use std::path::Path;
use std::process::{Command, Stdio};

use super::super::Sound;
use super::{Chance, Workshop};
use crate::epoch::EpochWatch;
use crate::frame::FrameMemory;

const RATE: u32 = 48_000;
/// Two seconds and a bit of a tone that never repeats, left and right apart.
const TONES: &str = "aevalsrc=0.6*sin(2*PI*(300+90*t)*t)|0.5*sin(2*PI*(210+70*t)*t):s=48000:d=5.3";

type Stereo = [f32; 2];

/// What `ffmpeg` makes of it at our rate, from the beginning of the file's sound.
fn reference(path: &Path) -> Vec<Stereo> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:a:0", "-ac", "2", "-ar", "48000", "-f", "f32le", "-"])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    bytemuck::pod_collect_to_vec(&output.stdout)
}

fn opened(path: &Path, origin_nanos: Option<i128>) -> Sound {
    Sound::open(path, origin_nanos, RATE, &EpochWatch::never_stale()).unwrap()
}

fn read(sound: &mut Sound, at: i64, count: usize) -> Vec<Stereo> {
    let mut samples = vec![[9.0; 2]; count];
    sound.read(at, &mut samples, &EpochWatch::never_stale()).unwrap();
    samples
}

/// The largest difference, with silence where the reference ends.
fn difference(samples: &[Stereo], reference: &[Stereo], at: i64) -> f32 {
    let expected = |place: i64| usize::try_from(place).ok().and_then(|place| reference.get(place)).copied();
    let off = |(place, sample): (i64, &Stereo)| {
        let expected = expected(place).unwrap_or_default();
        (sample[0] - expected[0]).abs().max((sample[1] - expected[1]).abs())
    };
    (at..).zip(samples).map(off).fold(0.0, f32::max)
}

/// The same where the place in time may be off by a millisecond: times of Matroska are rounded to one.
fn difference_about(samples: &[Stereo], reference: &[Stereo], at: i64) -> f32 {
    let most = i64::from(RATE) / 1000;
    (-most..=most).map(|shift| difference(samples, reference, at + shift)).fold(f32::MAX, f32::min)
}

/// Codecs and containers; how far a decode that began in the middle may be off (codecs with noise of their own).
const KINDS: &[(&str, &str, f32)] = &[
    ("pcm.wav", "-c:a pcm_s16le", 1e-4),
    ("float.wav", "-c:a pcm_f32le", 1e-4),
    ("deep.mov", "-c:a pcm_s24be", 1e-4),
    ("mono.wav", "-ac 1 -c:a pcm_s16le", 1e-4),
    ("five.wav", "-ac 6 -c:a pcm_s16le", 1e-4),
    // Resampled from a place between two of our samples: the phase is off by up to half a sample.
    ("other.wav", "-ar 44100 -c:a pcm_s16le", 4e-2),
    ("low.wav", "-ar 22050 -c:a pcm_s16le", 4e-2),
    ("aac.m4a", "-c:a aac -b:a 192k", 2e-3),
    ("aac.mkv", "-c:a aac -b:a 192k", 2e-3),
    ("flac.flac", "-c:a flac", 1e-4),
    ("mp3.mp3", "-c:a libmp3lame -b:a 192k", 5e-2),
    ("opus.mkv", "-c:a libopus -b:a 192k", 5e-2),
    ("vorbis.ogg", "-c:a libvorbis", 5e-2),
    ("ac3.mp4", "-c:a ac3", 5e-2),
    ("pcm.aiff", "-c:a pcm_s16be", 1e-4),
];

#[test]
fn every_sample_is_that_of_ffmpeg_forwards_backwards_and_anywhere() {
    let workshop = Workshop::new();
    let mut checked = 0;
    for (name, options, tolerance) in KINDS {
        let Some(path) = workshop.make(name, TONES, options) else { continue };
        let expected = reference(&path);
        assert!(expected.len() > 5 * RATE as usize, "{name}: {}", expected.len());
        let mut sound = opened(&path, None);
        let all = read(&mut sound, 0, 6 * RATE as usize);
        let is_coarse = name.ends_with("mkv");
        let difference = if is_coarse { difference_about } else { difference };
        let off = difference(&all, &expected, 0);
        assert!(off <= 1e-4, "{name}: in order off by {off}");
        assert_eq!(read(&mut sound, -500, 480), [[0.0; 2]; 480], "{name}");
        let mut chance = Chance(7);
        let mut places: Vec<i64> = (0..24).map(|_| i64::from(chance.below(6 * RATE))).collect();
        places.extend((0..12).rev().map(|half| half * i64::from(RATE) / 2));
        let mut other = opened(&path, None);
        for at in places {
            // Without what it kept, so that it must decode again.
            other.forget_blocks();
            let samples = read(&mut other, at, 3000);
            let off = difference(&samples, &expected, at);
            assert!(off <= *tolerance, "{name}: at {at} off by {off}");
        }
        checked += 1;
    }
    eprintln!("{checked} of {} kinds of sound", KINDS.len());
    assert!(checked >= 8);
}

#[test]
fn sound_lies_where_the_file_says_seen_from_any_beginning() {
    let workshop = Workshop::new();
    // The sound begins 0.4 s after the pictures.
    let path = workshop.path("late.mkv");
    let inputs = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=3", "-itsoffset", "0.4", "-f", "lavfi", "-i"];
    let inputs = [&inputs[..], &["aevalsrc=0.5*sin(2*PI*440*t):s=48000:d=2"]].concat();
    assert!(super::ffmpeg(&inputs, "-c:v mjpeg -c:a pcm_s16le", &path));
    let mut sound = opened(&path, Some(0));
    let all = read(&mut sound, 0, 3 * RATE as usize);
    let first = all.iter().position(|sample| sample[0].abs() > 0.01).unwrap();
    assert!((first as i64 - 19_200).abs() <= 50, "{first}");
    let last = all.iter().rposition(|sample| sample[0].abs() > 0.01).unwrap();
    assert!((last as i64 - 115_200).abs() <= 50, "{last}");
    // From its own beginning.
    assert!(read(&mut opened(&path, None), 0, 100).iter().any(|sample| sample[0].abs() > 0.01));
}

#[test]
fn what_has_no_sound_says_so_and_damage_is_silence() {
    let workshop = Workshop::new();
    let watch = EpochWatch::never_stale();
    let silent = workshop.make("silent.mp4", "testsrc2=s=64x64:r=25:d=1", "-c:v mpeg4").unwrap();
    let error = Sound::open(&silent, None, RATE, &watch).err().unwrap().to_string();
    assert!(error.contains("no sound"), "{error}");
    let whole = workshop.make("whole.wav", TONES, "-c:a flac -f matroska").unwrap();
    let bytes = std::fs::read(&whole).unwrap();
    let mut chance = Chance(3);
    for round in 0..60 {
        let mut bytes = bytes.clone();
        for _ in 0..=chance.below(40) {
            let at = chance.below(bytes.len() as u32) as usize;
            bytes[at] = chance.below(256) as u8;
        }
        bytes.truncate(bytes.len() - chance.below(bytes.len() as u32 / 2) as usize);
        let path = workshop.path("damaged.wav");
        std::fs::write(&path, &bytes).unwrap();
        let Ok(mut sound) = Sound::open(&path, None, RATE, &watch) else { continue };
        for at in [0, 200_000, 90_000, 1 << 40] {
            let mut samples = vec![[0.0; 2]; 1000];
            let _ = sound.read(at, &mut samples, &watch);
        }
        assert!(sound.held_bytes() < 16 << 20, "{round}");
    }
}

/// Frames that flash and a beep with each, once a second.
const FLASHES: &str = "color=black:s=160x120:r=24:d=4,drawbox=c=white:t=fill:enable='lt(mod(n,24),1)'";
const BEEPS: &str = "aevalsrc='if(lt(mod(t,1),0.1),0.8*sin(2*PI*1000*t),0)':s=48000:d=4";
/// 10 ms. Where a codec has a delay, `ffmpeg` writes WebM files whose pictures are that much late.
const BEEP_TOLERANCE: i64 = 480;

#[test]
fn beeps_are_heard_with_the_frames_that_flash() {
    let workshop = Workshop::new();
    let mut checked = 0;
    for (name, options) in [
        ("avc.mp4", "-c:v libx264 -bf 2 -g 12 -pix_fmt yuv420p -c:a aac"),
        ("avc.mkv", "-c:v libx264 -bf 2 -pix_fmt yuv420p -c:a aac"),
        ("avc.ts", "-c:v libx264 -bf 2 -pix_fmt yuv420p -c:a aac"),
        ("mpeg2.mxf", "-c:v mpeg2video -c:a pcm_s16le"),
        ("prores.mov", "-c:v prores_ks -c:a pcm_s24le"),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -c:a libopus"),
        ("mpeg4.avi", "-c:v mpeg4 -c:a pcm_s16le"),
    ] {
        let path = workshop.path(name);
        if !super::ffmpeg(&["-f", "lavfi", "-i", FLASHES, "-f", "lavfi", "-i", BEEPS], options, &path) {
            eprintln!("SKIPPED {name}: this ffmpeg cannot make it ({options})");
            continue;
        }
        let movie = super::opened(&path, super::limits()).unwrap();
        let mut memory = super::memory_of(1 << 20);
        let is_flash = |frame: u32, memory: &mut FrameMemory| {
            let picture = super::picture(&movie, frame, memory).unwrap();
            let bytes = super::samples(&picture, memory);
            bytes[bytes.len() / 4] > 128
        };
        let flashes: Vec<u32> = (0..72).filter(|frame| is_flash(*frame, &mut memory)).collect();
        assert_eq!(flashes, [0, 24, 48], "{name}");
        let mut sound = opened(&path, Some(movie.info().start_nanos));
        let all = read(&mut sound, 0, 3 * RATE as usize);
        let mut beeps = Vec::new();
        for (at, sample) in all.iter().enumerate() {
            let is_first = beeps.last().is_none_or(|last| at - last > RATE as usize / 2);
            if sample[0].abs() > 0.1 && is_first {
                beeps.push(at);
            }
        }
        let off: Vec<i64> =
            beeps.iter().zip(&flashes).map(|(at, frame)| *at as i64 - i64::from(*frame) * 2000).collect();
        assert_eq!(off.len(), 3, "{name}: {beeps:?}");
        assert!(off.iter().all(|off| off.abs() <= BEEP_TOLERANCE), "{name}: {off:?} samples");
        checked += 1;
    }
    eprintln!("{checked} kinds of movie");
    assert!(checked >= 4);
}

#[test]
fn channels_with_streams_of_their_own_are_left_and_right() {
    let workshop = Workshop::new();
    let path = workshop.path("mono.mxf");
    let tone = |hertz: u32| format!("sine=f={hertz}:r=48000:d=2");
    let (left, right, third) = (tone(300), tone(700), tone(1100));
    let pictures = "testsrc2=s=64x64:r=25:d=2";
    let inputs = [pictures, &left, &right, &third].map(|source| ["-f", "lavfi", "-i", source]).concat();
    let options = "-map 0 -map 1 -map 2 -map 3 -c:v mpeg2video -c:a pcm_s16le";
    assert!(super::ffmpeg(&inputs, options, &path));
    let samples = read(&mut opened(&path, Some(0)), 0, RATE as usize);
    for (side, hertz) in [(0, 300), (1, 700)] {
        let rises = samples.windows(2).filter(|pair| pair[0][side] <= 0.0 && pair[1][side] > 0.0).count();
        assert!(rises.abs_diff(hertz) <= 2, "{side}: {rises}");
    }
}
