//! What movies say of themselves.

use super::*;
use crate::frame::{Matrix, Primaries, Range, Siting, Transfer};

fn open(workshop: &Workshop, name: &str, picture: &str, options: &str) -> Option<Movie> {
    let path = workshop.make(name, picture, options)?;
    Some(opened(&path, limits()).unwrap())
}

#[test]
fn rates_are_exact() {
    let workshop = Workshop::new();
    for (rate, num, den) in
        [("24000/1001", 24000, 1001), ("30000/1001", 30000, 1001), ("25", 25, 1), ("60", 60, 1)]
    {
        for ending in ["mov", "mp4", "mkv", "avi", "mxf", "ts"] {
            if ending == "mxf" && rate == "60" {
                continue;
            }
            let name = format!("{num}.{ending}");
            let codec = if ending == "mxf" { "mpeg2video" } else { "libx264" };
            let options = format!("-c:v {codec} -pix_fmt yuv420p");
            let movie = open(&workshop, &name, &format!("testsrc2=s=64x36:r={rate}:d=3"), &options).unwrap();
            let got = movie.info().rate;
            assert_eq!((got.num(), got.den()), (num, den), "{name}");
            assert!(movie.info().is_steady, "{name}");
            let frames = f64::from(movie.length().frames);
            assert!(
                (movie.info().duration_secs - frames * f64::from(den) / f64::from(num)).abs() < 0.01,
                "{name}"
            );
        }
    }
}

#[test]
fn time_code_reel_colour_aspect_turn_and_sound_are_told() {
    let workshop = Workshop::new();
    let options = "-c:v libx264 -pix_fmt yuv420p -timecode 01:02:03;04 -metadata title=Hello -metadata:s:v reel_name=A001 \
        -colorspace bt2020nc -color_primaries bt2020 -color_trc smpte2084 -color_range pc -aspect 2:1";
    let movie = open(&workshop, "drop.mov", "testsrc2=s=96x72:r=30000/1001:d=1", options).unwrap();
    let info = movie.info();
    let timecode = info.timecode.clone().unwrap();
    assert_eq!((timecode.text.as_str(), timecode.drops_frames), ("01:02:03;04", true));
    assert!(info.texts.contains(&("title".into(), "Hello".into())), "{:?}", info.texts);
    assert_eq!(info.reel.as_deref(), Some("A001"));
    let encoding = info.encoding;
    assert_eq!((encoding.matrix, encoding.range), (Matrix::Bt2020, Range::Full));
    assert_eq!((encoding.transfer, encoding.primaries), (Transfer::Pq, Primaries::Bt2020));
    assert_eq!((encoding.siting, encoding.bits), (Siting::Left, 8));
    assert!((info.pixel_aspect - 1.5).abs() < 1e-3, "{}", info.pixel_aspect);
    assert_eq!(
        (info.container.as_str(), info.codec.as_str(), info.pixel_format.as_str()),
        ("mov", "h264", "yuvj420p")
    );

    let plain =
        workshop.make("plain.mp4", "testsrc2=s=96x72:r=24:d=1", "-c:v libx264 -pix_fmt yuv420p").unwrap();
    let turned = workshop.path("turned.mp4");
    assert!(ffmpeg(&["-i", plain.to_str().unwrap()], "-c copy -metadata:s:v rotate=90", &turned));
    let movie = opened(&turned, limits()).unwrap();
    // Which way depends on the version.
    assert!(movie.info().orientation.is_turned() && !movie.info().orientation.is_mirrored());
    let straight = opened(&plain, limits()).unwrap();
    assert!(straight.info().orientation.is_upright());
    assert_eq!((straight.info().height, straight.info().coded_size), (72, (96, 80)), "whole macroblocks");

    let loud = workshop.path("loud.mkv");
    let sound = ["-f", "lavfi", "-i", "sine=d=1:r=48000", "-i", plain.to_str().unwrap()];
    assert!(ffmpeg(&sound, "-c:v copy -c:a pcm_s16le -ac 2 -metadata:s:a language=deu", &loud));
    let movie = opened(&loud, limits()).unwrap();
    let audio = &movie.info().audio[0];
    assert_eq!((audio.codec.as_str(), audio.sample_rate, audio.channels), ("pcm_s16le", 48000, 2));
    assert_eq!(audio.language, "deu");
}
