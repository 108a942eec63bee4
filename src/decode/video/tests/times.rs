//! The times of frames, compared with what `ffprobe` says of them.

use super::*;
use crate::time::{FrameTimes, Nanos, Rate};

const MILLI: Nanos = 1_000_000;

fn times_of(path: &Path) -> FrameTimes {
    let movie = opened(path, limits()).unwrap();
    assert!(movie.index_more(std::time::Duration::MAX, &EpochWatch::never_stale()).unwrap());
    movie.times().unwrap()
}

/// Seconds of each frame, after the first, by another program.
fn probed(path: &Path) -> Vec<f64> {
    let options = "-v error -select_streams v:0 -show_entries frame=best_effort_timestamp_time -of csv=p=0";
    let output = Command::new("ffprobe").args(options.split_whitespace()).arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let times: Vec<f64> = text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    times.iter().map(|time| time - times[0]).collect()
}

fn lasted(times: &FrameTimes, frame: usize) -> f64 {
    times.duration(frame as i64) as f64 / times.ticks_per_second() as f64
}

/// A second at the full rate, a picture that stands for two, every third frame after that.
const RECORDING: &str = "testsrc2=s=64x36:r=30:d=5,select='lt(n\\,30)+gte(n\\,90)*not(mod(n\\,3))'";

#[test]
fn variable_movies_have_the_times_of_their_frames() {
    let workshop = Workshop::new();
    let h264 = "-fps_mode vfr -c:v libx264 -pix_fmt yuv420p -g 9 -bf 2";
    for (name, picture, options) in [
        ("vfr.mkv", RECORDING, h264),
        ("vfr.mp4", RECORDING, h264),
        ("vfr.ts", RECORDING, h264),
        ("late.mp4", RECORDING, "-fps_mode vfr -output_ts_offset 3 -c:v libx264 -pix_fmt yuv420p"),
        ("fragments.mp4", RECORDING, "-fps_mode vfr -c:v libx264 -movflags frag_keyframe+empty_moov"),
        ("intra.mov", RECORDING, "-fps_mode vfr -c:v prores_ks -pix_fmt yuv422p10le"),
        (
            "pull.mkv",
            "testsrc2=s=64x36:r=24:d=4,settb=1/600,setpts='floor(N*5/4+0.5)/30/TB'",
            "-fps_mode vfr -c:v mjpeg",
        ),
        ("jitter.mp4", "testsrc2=s=64x36:r=60:d=3,settb=1/6000,setpts='(N+0.4*mod(N\\,3)/2)/60/TB'", h264),
    ] {
        let Some(path) = workshop.make(name, picture, options) else { continue };
        let (times, expected) = (times_of(&path), probed(&path));
        assert!(times.is_variable() && expected.len() > 30, "{name}: {times}");
        for (frame, expected) in expected.iter().enumerate() {
            let found = times.secs(frame as f64);
            assert!((found - expected).abs() < 1e-6, "{name}: frame {frame} at {found}, not {expected}");
        }
        let last = lasted(&times, expected.len() - 1);
        assert!((0.01..0.12).contains(&last), "{name}: the last frame lasts {last} s");
        if picture == RECORDING {
            let (shortest, longest) = times.extremes().unwrap();
            assert!((32 * MILLI..=34 * MILLI).contains(&shortest), "{name}: {times}");
            assert!((2030 * MILLI..=2037 * MILLI).contains(&longest), "{name}: {times}");
            // 50 frames in five seconds.
            assert!((times.rate().as_f64() - 10.0).abs() < 0.2, "{name}: {times}");
        }
    }
}

#[test]
fn constant_movies_have_a_rate() {
    let workshop = Workshop::new();
    for rate in ["24000/1001", "30000/1001", "25", "60000/1001", "120", "15/2"] {
        for (ending, codec) in [
            ("mkv", "libx264 -bf 2"),
            ("mp4", "libx264 -bf 2"),
            ("mov", "prores_ks -pix_fmt yuv422p10le"),
            ("ts", "libx264 -bf 2"),
            ("avi", "mjpeg"),
            ("webm", "libvpx-vp9 -deadline realtime -cpu-used 8"),
            ("flv", "flv"),
            ("mpg", "mpeg2video -bf 2"),
        ] {
            let name = format!("{}.{ending}", rate.replace('/', "_"));
            let picture = format!("testsrc2=s=64x36:r={rate}:d=3");
            let options = format!("-c:v {codec}");
            let Some(path) = workshop.make(&name, &picture, &options) else { continue };
            let (times, rate) = (times_of(&path), rate.parse::<Rate>().unwrap());
            assert!(!times.is_variable(), "{name}: {times}");
            assert!((times.rate().as_f64() / rate.as_f64() - 1.0).abs() < 5e-4, "{name}: {times}");
        }
    }
}

#[test]
fn times_that_make_no_sense_leave_a_rate() {
    let workshop = Workshop::new();
    let far = "testsrc2=s=64x36:r=25:d=2,setpts='(N+gte(N\\,25)*90000*25)/25/TB'";
    let path = workshop.make("far.mkv", far, "-fps_mode vfr -c:v mjpeg").unwrap();
    assert!(!times_of(&path).is_variable());
    let equal = "testsrc2=s=64x36:r=25:d=2,setpts='(N+gte(N\\,25)*25)/25/TB'";
    let path = workshop.make("still.mkv", equal, "-fps_mode vfr -c:v mjpeg").unwrap();
    assert_eq!(times_of(&path).extremes(), Some((40 * MILLI, 1040 * MILLI)));
}
