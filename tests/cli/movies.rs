//! Movies through the program: what they are, that they play through both tiers, that they look as FFmpeg shows them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::program::{json, number, of_passes, run, stderr, text};

/// Makes a movie with the `ffmpeg` command.
pub fn make(folder: &Path, name: &str, options: &str) -> PathBuf {
    let path = folder.join(name);
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=24:d=2"])
        .args(options.split_whitespace())
        .arg(&path)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "ffmpeg makes {name}");
    path
}

/// A frame as FFmpeg shows it.
pub fn reference(movie: &Path, frame: u32, to: &Path) {
    let select = format!("select=eq(n\\,{frame})");
    let shown = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(movie)
        .args([
            "-vf",
            &select,
            "-frames:v",
            "1",
            "-sws_flags",
            "accurate_rnd+full_chroma_int+full_chroma_inp",
        ])
        .args(["-pix_fmt", "rgb24"])
        .arg(to)
        .status();
    assert!(shown.is_ok_and(|status| status.success()), "ffmpeg shows {}", movie.display());
}

#[test]
fn a_movie_plays_like_a_sequence() {
    let folder = tempfile::tempdir().unwrap();
    let movie = make(folder.path(), "a.mp4", "-c:v libx264 -pix_fmt yuv420p -g 12 -bf 2");
    let playback = ["bench", "playback", text(&movie), "--loops", "3", "--unpaced", "--checksum", "--json"];
    let report = json(&run(&playback, 0));
    assert_eq!((number(&report["frames"]), number(&report["presented"])), (48, 144));
    assert_eq!(of_passes(&report, "decodes"), [48, 0, 0]);
    assert_eq!((number(&report["decode"]["ok"]), number(&report["decode"]["error"])), (48, 0));
    assert!(number(&report["by_component"]["cpu"]["movies"]) > 0);
    // The same picture in every pass, and no two frames alike.
    let sums: Vec<(u64, String)> = report["checksums"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sum| (number(&sum["frame"]), sum["xxh64"].as_str().unwrap().to_string()))
        .collect();
    for (frame, sum) in &sums {
        assert_eq!(sums.iter().filter(|other| other.1 == *sum).count(), 3, "frame {frame}");
    }
    let reversed = json(&run(&[&playback[..], &["--reverse"]].concat(), 0));
    let shown = |report: &serde_json::Value| -> std::collections::BTreeSet<(u64, String)> {
        let sums = report["checksums"].as_array().unwrap().iter();
        sums.map(|sum| (number(&sum["frame"]), sum["xxh64"].as_str().unwrap().to_string())).collect()
    };
    assert_eq!(shown(&report), shown(&reversed));
}

#[test]
fn movies_look_as_ffmpeg_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    // Chroma of every pixel, so that no filter is between the two.
    let movies = [
        ("h264.mp4", "-c:v libx264 -qp 0 -pix_fmt yuv444p -bf 2 -colorspace bt709"),
        ("ffv1.mkv", "-c:v ffv1 -pix_fmt gbrp"),
        ("deep.mov", "-c:v prores_ks -profile:v 4444 -pix_fmt yuv444p10le"),
        ("grey.mkv", "-c:v ffv1 -pix_fmt gray -colorspace bt709"),
        ("deep_grey.mkv", "-c:v ffv1 -level 3 -pix_fmt gray10le"),
        ("motion.avi", "-c:v mjpeg -q:v 2 -pix_fmt yuvj444p"),
    ];
    for (name, options) in movies {
        let movie = make(folder.path(), name, options);
        for frame in [31, 5] {
            let (ours, theirs) = (folder.path().join("ours.png"), folder.path().join("theirs.png"));
            let frames = format!("{frame}-{frame}");
            run(&["render", text(&movie), "--frames", &frames, "-o", text(&ours)], 0);
            reference(&movie, frame, &theirs);
            let [ours, theirs] = [ours, theirs].map(|path| image::open(path).unwrap().to_rgb8());
            assert_eq!(ours.dimensions(), theirs.dimensions());
            let most = ours.iter().zip(theirs.iter()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(most <= Some(2), "{name}, frame {frame}: {most:?} codes");
        }
    }
}

#[test]
fn single_pictures_that_ffmpeg_reads_are_frames_of_sequences() {
    let folder = tempfile::tempdir().unwrap();
    for (name, options) in [
        ("dpx", "-pix_fmt gbrp10le"),
        ("sgi", "-pix_fmt rgb24"),
        ("tga", "-pix_fmt bgr24"),
        ("jp2", "-c:v jpeg2000 -pix_fmt rgb24 -pred 1"),
    ] {
        let options = format!("{options} -frames:v 6 -start_number 1001");
        make(folder.path(), &format!("{name}.%04d.{name}"), &options);
        let pattern = folder.path().join(format!("{name}.####.{name}"));
        let play = ["bench", "playback", text(&pattern), "--unpaced", "--loops", "2", "--checksum", "--json"];
        let report = json(&run(&play, 0));
        assert_eq!((number(&report["frames"]), number(&report["presented"])), (6, 12), "{name}");
        assert_eq!(of_passes(&report, "decodes"), [6, 0], "{name}");
        let (ours, theirs) = (folder.path().join("ours.png"), folder.path().join("theirs.png"));
        run(&["render", text(&pattern), "--frames", "1004-1004", "-o", text(&ours)], 0);
        reference(&folder.path().join(format!("{name}.1004.{name}")), 0, &theirs);
        let [ours, theirs] = [ours, theirs].map(|path| image::open(path).unwrap().to_rgb8());
        let most = ours.iter().zip(theirs.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(2), "{name}: {most:?} codes");
    }
    // Their folder lists them.
    let listed = String::from_utf8(run(&["ls", text(folder.path())], 0).stdout).unwrap();
    assert_eq!(listed.lines().filter(|line| line.contains("1001-1006")).count(), 4, "{listed}");
}

#[test]
fn movies_of_more_light_than_white_are_shown_by_their_curves() {
    let folder = tempfile::tempdir().unwrap();
    // Grey, as 10 bit codes of the limited range, and what an sRGB display makes of its nits where 203 are white.
    let (black, span) = (64.0, 876.0);
    let srgb = |nits: f64| 255.0 * (1.055 * (nits / 203.0).powf(1.0 / 2.4) - 0.055);
    let levels = [
        ("smpte2084", 0.508_078_f64, srgb(100.0)),
        ("smpte2084", 0.580_689, 255.0),
        ("smpte2084", 0.751_827, 255.0),
        ("arib-std-b67", 0.75, 255.0),
        // Half of HLG is a twelfth of the light of the scene; on a display of 1000 nits with its gamma of 1.2.
        ("arib-std-b67", 0.5, srgb(1000.0 * (1.0_f64 / 12.0).powf(1.2))),
    ];
    for (transfer, level, wanted) in levels {
        let code = (black + span * level).round();
        let options = format!(
            "-vf format=yuv420p10le,geq=lum={code}:cb=512:cr=512 -frames:v 1 -c:v ffv1 -color_range tv \
             -color_trc {transfer} -color_primaries bt2020 -colorspace bt2020nc"
        );
        let movie = make(folder.path(), "grey.mkv", &options);
        let shown = folder.path().join("grey.png");
        run(&["render", text(&movie), "--frames", "0", "-o", text(&shown)], 0);
        let pixel = *image::open(&shown).unwrap().to_rgb8().get_pixel(80, 45);
        for value in pixel.0 {
            assert!((f64::from(value) - wanted).abs() <= 1.5, "{transfer} {level}: {pixel:?}, not {wanted}");
        }
        std::fs::remove_file(shown).unwrap();
    }
}

#[test]
fn a_movie_tells_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let options = "-c:v libx264 -pix_fmt yuv420p -timecode 01:00:00:00 -metadata title=a\u{1b}[31mb";
    let movie = make(folder.path(), "a.mov", options);
    let said = String::from_utf8(run(&["info", text(&movie)], 0).stdout).unwrap();
    for part in ["h264", "yuv420p", "160x90", "01:00:00:00", "48"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    assert!(!said.contains('\u{1b}'), "control characters are escaped");
}

#[test]
fn a_movie_of_variable_rate_is_told_and_played_at_its_own_times() {
    let folder = tempfile::tempdir().unwrap();
    let picks = "-vf select='lt(n\\,12)+eq(n\\,42)+eq(n\\,44)' -fps_mode vfr -c:v libx264 -pix_fmt yuv420p";
    let movie = make(folder.path(), "vfr.mp4", picks);
    let said = String::from_utf8(run(&["info", text(&movie)], 0).stdout).unwrap();
    assert!(said.contains("variable: frames last from 41.7 to 1291.7 ms"), "{said}");
    let info = json(&run(&["info", text(&movie), "--json"], 0));
    let longest = info["frame_ms"]["longest"].as_f64().unwrap();
    assert!((1291.6..1291.7).contains(&longest) && info["variable_rate"] == true, "{longest}");
    let play = |options: &[&str]| {
        let play = ["bench", "playback", text(&movie), "--preroll", "--loops", "2", "--real-time", "--json"];
        json(&run(&[&play[..], options].concat(), 0))
    };
    let report = play(&[]);
    assert_eq!((&report["variable_rate"], number(&report["frames"])), (&true.into(), 14));
    let longest = report["present_interval_ms"]["max"].as_f64().unwrap();
    assert!((1280.0..1350.0).contains(&longest), "{longest}");
    let report = play(&["--fps", "24"]);
    assert_eq!((&report["variable_rate"], &report["fps_target"]), (&false.into(), &24.0.into()));
}

#[test]
fn a_file_that_only_looks_like_a_movie_is_an_error_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read(make(folder.path(), "a.mp4", "-c:v libx264 -pix_fmt yuv420p")).unwrap();
    for (name, bytes) in
        [("empty.mov", &[][..]), ("noise.mp4", &good[good.len() / 2..]), ("cut.mp4", &good[..64])]
    {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let said = stderr(&run(&["info", text(&path)], 3));
        assert!(said.contains(name), "{name}: {said}");
    }
}

#[test]
fn frames_of_a_movie_are_compared_and_decoded_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let lossless = make(folder.path(), "a.mkv", "-c:v ffv1 -pix_fmt yuv420p");
    let lossy = make(folder.path(), "b.mp4", "-c:v libx264 -crf 40 -pix_fmt yuv420p");
    let same = json(&run(&["compare", text(&lossless), text(&lossless), "--json"], 0));
    assert_eq!(same["frames"].as_array().map(Vec::len), Some(48));
    run(&["compare", text(&lossless), text(&lossy)], 1);
    let report = |movie: &Path| json(&run(&["bench", "decode", text(movie), "--json"], 0));
    assert_eq!(number(&report(&lossless)["frames"]), 48);
    assert!(report(&lossless)["floor_ms_per_frame"].is_null(), "there is a floor for EXR alone");
    assert_ne!(report(&lossless)["checksum"], report(&lossy)["checksum"]);
    assert_eq!(report(&lossless)["checksum"], report(&lossless)["checksum"]);
}

#[test]
fn a_damaged_movie_shows_what_can_be_shown() {
    let folder = tempfile::tempdir().unwrap();
    let movie = make(folder.path(), "a.mkv", "-c:v libx264 -pix_fmt yuv420p -g 12 -x264-params slices=4");
    let mut bytes = std::fs::read(&movie).unwrap();
    let (from, to) = (bytes.len() * 2 / 5, bytes.len() * 3 / 5);
    for at in (from..to).step_by(97) {
        bytes[at] ^= 0x5a;
    }
    std::fs::write(&movie, &bytes).unwrap();
    let report = json(&run(&["bench", "playback", text(&movie), "--unpaced", "--json"], 0));
    let ends = ["ok", "degraded", "error"].map(|end| number(&report["decode"][end]));
    assert_eq!(number(&report["presented"]), number(&report["frames"]));
    assert!(ends[0] >= 12 && ends[1] + ends[2] >= 1, "{ends:?}");
}
