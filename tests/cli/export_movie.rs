//! `export`: every codec into every container that takes it, what the movie says of itself, that it looks as `render`
//! shows the frames, and that a run which ends early leaves nothing behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::movies::make;
use super::support::program::{demo_sequence, expect, large_sequence, run, rushes, stderr, text};
use super::support::running::wait_for;

/// What `ffprobe` says of the pictures, by name.
fn probed(movie: &Path) -> BTreeMap<String, String> {
    let entries = "stream=codec_name,width,height,pix_fmt,r_frame_rate,nb_read_frames,color_range,color_space,\
                   color_transfer,color_primaries,sample_aspect_ratio:stream_tags=timecode";
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames", "-select_streams", "v:0", "-of", "default=nw=1"])
        .args(["-show_entries", entries])
        .arg(movie)
        .output()
        .expect("ffprobe");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("plain characters");
    let pair =
        |line: &str| line.split_once('=').map(|(name, value)| (name.to_lowercase(), value.to_string()));
    lines.lines().filter_map(pair).collect()
}

fn says(movie: &Path, wanted: &[(&str, &str)]) {
    let found = probed(movie);
    for (name, value) in wanted {
        assert_eq!(found.get(*name).map(String::as_str), Some(*value), "{}: {name}", movie.display());
    }
}

/// The samples of all frames as FFmpeg decodes them.
fn decoded(movie: &Path, format: &str) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(movie)
        .args(["-sws_flags", "accurate_rnd+full_chroma_int+full_chroma_inp"])
        .args(["-f", "rawvideo", "-pix_fmt", format, "-"])
        .output()
        .expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The frames of a clip as `render` writes them, one after the other.
fn rendered(media: &str, folder: &Path, numbers: std::ops::RangeInclusive<u32>, depth: &str) -> Vec<u8> {
    let pattern = folder.join("rendered.####.png");
    run(&["render", media, "-o", text(&pattern), "--depth", depth], 0);
    let pictures = numbers.map(|number| {
        let picture = image::open(folder.join(format!("rendered.{number:04}.png"))).expect("a picture");
        match depth {
            "8" => picture.to_rgb8().into_raw(),
            _ => picture.to_rgb16().into_raw().into_iter().flat_map(u16::to_le_bytes).collect(),
        }
    });
    pictures.flatten().collect()
}

/// Peak signal to noise of 8 bit samples, in decibels.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    10.0 * (255.0_f64.powi(2) * a.len() as f64 / (squares as f64).max(1e-9)).log10()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder").flatten();
    entries.map(|entry| entry.file_name().into_string().expect("plain names")).collect()
}

#[test]
fn every_codec_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 4);
    for (name, arguments, codec, pixels) in [
        ("a.mov", &[][..], "prores", "yuv422p10le"),
        ("b.mp4", &[], "h264", "yuv420p"),
        ("c.mkv", &[], "ffv1", "bgr0"),
        ("d.mov", &["--codec", "dnxhr"], "dnxhd", "yuv422p10le"),
        ("e.mp4", &["--codec", "hevc"], "hevc", "yuv420p10le"),
        ("f.mp4", &["--codec", "av1"], "av1", "yuv420p10le"),
        ("g.mkv", &["--depth", "16"], "ffv1", "gbrp16le"),
    ] {
        let movie = folder.path().join(name);
        let output = run(&[&["export", &pattern, "-o", text(&movie)][..], arguments].concat(), 0);
        assert_eq!((output.stdout.len(), stderr(&output)), (0, String::new()), "{name}");
        let is_rgb = codec == "ffv1";
        says(
            &movie,
            &[
                ("codec_name", codec),
                ("pix_fmt", pixels),
                ("width", "320"),
                ("height", "180"),
                ("r_frame_rate", "24/1"),
                ("nb_read_frames", "4"),
                ("color_range", if is_rgb { "pc" } else { "tv" }),
                ("color_space", if is_rgb { "gbr" } else { "bt709" }),
                ("color_primaries", "bt709"),
                ("color_transfer", "bt709"),
                ("tag:timecode", "00:00:41:17"),
            ],
        );
    }
    assert!(names(folder.path()).iter().all(|name| !name.starts_with('.')));
}

#[test]
fn options_are_heeded() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 6);
    let movie = folder.path().join("a.mov");
    let options = ["--codec", "h264", "--size", "161x91", "--fps", "29.97", "--frames", "1002-1004"];
    let output = run(
        &[&["export", &pattern, "-o", text(&movie), "--timecode", "01:00:00;00"][..], &options].concat(),
        0,
    );
    assert!(stderr(&output).contains("160x90 of 161x91"), "{}", stderr(&output));
    says(
        &movie,
        &[
            ("width", "160"),
            ("height", "90"),
            ("r_frame_rate", "30000/1001"),
            ("nb_read_frames", "3"),
            ("tag:timecode", "01:00:00;00"),
        ],
    );
    let display = ["--display", "Rec.2100-PQ - Display", "--codec", "hevc"];
    run(&[&["export", &pattern, "-o", text(&movie)][..], &display].concat(), 0);
    says(
        &movie,
        &[("color_space", "bt2020nc"), ("color_primaries", "bt2020"), ("color_transfer", "smpte2084")],
    );
}

#[test]
fn lossless_movies_are_what_render_shows() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 5);
    for (depth, format) in [("8", "rgb24"), ("16", "rgb48le")] {
        let movie = folder.path().join("a.mkv");
        run(&["export", &pattern, "-o", text(&movie), "--depth", depth], 0);
        assert!(decoded(&movie, format) == rendered(&pattern, folder.path(), 1001..=1005, depth), "{depth}");
    }
}

#[test]
fn lossy_movies_look_like_what_render_shows() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 5);
    let wanted = rendered(&pattern, folder.path(), 1001..=1005, "8");
    for (name, codec, least) in [
        ("a.mp4", "h264", 32.0),
        ("b.mp4", "hevc", 32.0),
        ("c.mov", "prores", 34.0),
        ("d.mov", "dnxhr", 34.0),
    ] {
        let movie = folder.path().join(name);
        run(&["export", &pattern, "-o", text(&movie), "--codec", codec], 0);
        let found = psnr(&decoded(&movie, "rgb24"), &wanted);
        assert!(found >= least, "{codec}: {found:.1} dB");
    }
}

#[test]
fn a_movie_is_exported_with_its_own_rate_and_timecode() {
    let folder = tempfile::tempdir().unwrap();
    let options = "-r 24000/1001 -c:v libx264 -pix_fmt yuv420p -timecode 10:00:00:00";
    let source = make(folder.path(), "a.mov", options);
    let movie = folder.path().join("b.mkv");
    run(&["export", text(&source), "-o", text(&movie), "--frames", "12-35"], 0);
    says(
        &movie,
        &[("r_frame_rate", "24000/1001"), ("nb_read_frames", "24"), ("tag:timecode", "10:00:00:12")],
    );
}

#[test]
fn slates_stand_for_frames_that_cannot_be_shown() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 6);
    for number in [1002, 1005] {
        std::fs::write(folder.path().join(format!("demo.{number}.exr")), b"garbage").unwrap();
    }
    let movie = folder.path().join("a.mkv");
    let said = stderr(&run(&["export", &pattern, "-o", text(&movie)], 4));
    let frames: Vec<&str> = said.lines().filter_map(|line| line.split("frame ").nth(1)?.get(..4)).collect();
    assert_eq!(frames, ["1002", "1005"], "{said}");
    let samples = decoded(&movie, "rgb24");
    let pictures: Vec<&[u8]> = samples.chunks(320 * 180 * 3).collect();
    assert_eq!(pictures.len(), 6);
    // Grey around a text.
    let is_slate = |picture: &&[u8]| picture[..320 * 3 * 20].iter().all(|sample| *sample == picture[0]);
    let slates: Vec<usize> = (0..6).filter(|at| is_slate(&pictures[*at])).collect();
    assert_eq!(slates, [1, 4], "one slate for each, where it belongs");
    for at in slates {
        let inked = pictures[at].iter().filter(|sample| **sample != pictures[at][0]).count();
        assert!(inked > 500, "it says why: {inked}");
    }
    assert!(pictures[1] != pictures[4], "each says its number");
}

#[test]
fn slates_alone_are_no_movie() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 2);
    std::fs::write(folder.path().join("demo.1002.exr"), b"garbage").unwrap();
    let out = tempfile::tempdir().unwrap();
    let movie = out.path().join("a.mkv");
    let said = stderr(&run(&["export", &pattern, "-o", text(&movie), "--frames", "1002-1002"], 3));
    assert!(said.contains("no frame could be rendered"), "{said}");
    assert!(names(out.path()).is_empty());
}

#[test]
fn wrong_usage_is_said_before_anything_is_opened() {
    let of = |arguments: &[&str]| stderr(&run(&[&["export", "a.exr", "-o"][..], arguments].concat(), 2));
    assert!(of(&["a.avi"]).contains(".mov, .mp4 or .mkv"));
    assert!(of(&["a.mp4", "--codec", "prores"]).contains("it takes h264, hevc, av1"));
    assert!(of(&["a.mp4", "--codec", "divx"]).contains("h264, hevc, prores"));
    assert!(of(&["a.mp4", "--quality", "9"]).contains("low, medium, high, best"));
    assert!(of(&["a.mkv", "--quality", "low"]).contains("ffv1 is lossless"));
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 1);
    let movie = folder.path().join("a.mp4");
    let said = stderr(&run(&["export", &pattern, "-o", text(&movie), "--timecode", "01:00:00:24"], 2));
    assert!(said.contains("0 to 23"), "{said}");
    let said = stderr(&run(&["export", &pattern, "-o", "/nowhere/a.mp4"], 1));
    assert!(said.contains("create the folder first"), "{said}");
}

/// Interrupts an export in the middle of it so many times; what is there then is what was there before.
#[cfg(unix)]
fn interrupt(times: usize, options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let pattern = large_sequence(folder.path(), 40);
    let out = tempfile::tempdir().unwrap();
    let movie = out.path().join("a.mp4");
    std::fs::write(&movie, b"mine").unwrap();
    let child = rushes()
        .args(["export", &pattern, "-o", text(&movie)])
        .args(options)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = || names(out.path()).iter().any(|name| name.starts_with('.')).then_some(());
    wait_for("the hidden file", || begun().ok_or_else(|| "no hidden file".to_string()));
    for _ in 0..times {
        std::thread::sleep(Duration::from_millis(50));
        let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(["", "rushes: interrupted\n"].contains(&&*stderr(&output)), "{}", stderr(&output));
    assert_eq!(names(out.path()), ["a.mp4"]);
    assert_eq!(std::fs::read(&movie).unwrap(), b"mine");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_what_was_there() {
    interrupt(1, &["--size", "1920x1012"]);
    interrupt(1, &["--size", "1280x674", "--codec", "av1"]);
}

/// Its encoder takes longer than the time between both.
#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_at_once_and_leaves_nothing_either() {
    interrupt(2, &["--codec", "hevc", "--quality", "best"]);
}

/// A file that may not grow, as on a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_is_1_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 12);
    let out = tempfile::tempdir().unwrap();
    let movie = out.path().join("a.mkv");
    let program = rushes();
    let mut command = Command::new("bash");
    // Blocks of 1024 bytes; without the signal the system says it in an error.
    command.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""]).arg(program.get_program());
    command.args(["export", &pattern, "-o", text(&movie)]);
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let said = stderr(&expect(&mut command, 1));
    assert!(said.contains("cannot write") && said.contains("a.mkv"), "{said}");
    assert!(names(out.path()).is_empty(), "{:?}", names(out.path()));
}

#[test]
fn a_movie_replaces_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 2);
    let movie: PathBuf = folder.path().join("a.mkv");
    std::fs::write(&movie, b"old").unwrap();
    run(&["export", &pattern, "-o", text(&movie)], 0);
    says(&movie, &[("nb_read_frames", "2")]);
}

/// The sound as FFmpeg decodes it: left and right, 24 bits in 32.
fn heard(file: &Path) -> Vec<[i32; 2]> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file)
        .args(["-map", "0:a:0", "-f", "s32le", "-c:a", "pcm_s32le", "-ac", "2", "-"])
        .output()
        .expect("ffmpeg");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let number = |bytes: &[u8]| i32::from_le_bytes(bytes.try_into().expect("four bytes"));
    output.stdout.chunks_exact(8).map(|pair| [number(&pair[..4]), number(&pair[4..])]).collect()
}

/// A movie of 48 frames at 24 fps with noise of 16 bits on both sides.
fn with_sound(folder: &Path, name: &str) -> PathBuf {
    with_sound_and(folder, name, "")
}

/// The same with other options of `ffmpeg` besides.
fn with_sound_and(folder: &Path, name: &str, options: &str) -> PathBuf {
    let sound = folder.join("noise.wav");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i"])
        .args(["anoisesrc=r=48000:d=2:seed=7:a=0.4,aformat=channel_layouts=stereo", "-c:a", "pcm_s16le"])
        .arg(&sound)
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let sound = format!("-i {} -map 0:v -map 1:a -c:v libx264 -pix_fmt yuv420p -c:a copy", text(&sound));
    let options = format!("{sound} {options}");
    make(folder, name, &options)
}

#[test]
fn sound_is_kept_to_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let source = with_sound(folder.path(), "a.mov");
    let wanted = heard(&source);
    assert_eq!(wanted.len(), 96_000);
    for (name, codec) in [("b.mov", "pcm_s24le"), ("b.mkv", "flac")] {
        let movie = folder.path().join(name);
        run(&["export", text(&source), "-o", text(&movie)], 0);
        assert!(heard(&movie) == wanted, "{name}");
        run(&["export", text(&source), "-o", text(&movie), "--frames", "6-29"], 0);
        assert!(heard(&movie) == wanted[12_000..60_000], "{name}: a part");
        says(&movie, &[("nb_read_frames", "24")]);
        let probe =
            ["-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name", "-of", "csv=p=0"];
        let found = Command::new("ffprobe").args(probe).arg(&movie).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&found.stdout).trim(), codec);
    }
}

#[test]
fn frames_of_unequal_length_stay_with_their_sound() {
    let folder = tempfile::tempdir().unwrap();
    // One frame stands for a second.
    let uneven = "-vf select=not(between(n\\,10\\,33)) -fps_mode vfr";
    let source = with_sound_and(folder.path(), "a.mov", uneven);
    let (wanted, movie) = (heard(&source), folder.path().join("b.mkv"));
    let size = 160 * 90 * 3;
    let shown =
        |movie: &Path| -> Vec<Vec<u8>> { decoded(movie, "rgb24").chunks(size).map(<[u8]>::to_vec).collect() };
    run(&["export", text(&source), "-o", text(&movie)], 0);
    says(&movie, &[("r_frame_rate", "24000/1001")]);
    let pictures = shown(&movie);
    // How long the last frame lasts, the file does not say.
    assert!((48..=49).contains(&pictures.len()), "{}", pictures.len());
    for (number, pair) in pictures[..48].windows(2).enumerate() {
        assert_eq!(pair[0] == pair[1], (9..33).contains(&number), "pictures {number} and the next");
    }
    let found = heard(&movie);
    assert!(found[..96_000] == wanted, "its sound, whole");
    assert!(
        found[96_000..].iter().all(|sample| *sample == [0, 0]),
        "and silence to the end of the last picture"
    );
    // The last frames alone: they begin at frame 34 of what there was.
    run(&["export", text(&source), "-o", text(&movie), "--frames", "10-23"], 0);
    assert!(shown(&movie)[..] == pictures[34..], "the same pictures");
    assert!(heard(&movie)[..28_000] == wanted[68_000..], "from where they begin");
    // Each frame once, where somebody says how fast.
    run(&["export", text(&source), "-o", text(&movie), "--fps", "24"], 0);
    says(&movie, &[("r_frame_rate", "24/1"), ("nb_read_frames", "24")]);
}

#[test]
fn sound_that_is_compressed_stays_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let source = with_sound(folder.path(), "a.mov");
    let movie = folder.path().join("b.mp4");
    run(&["export", text(&source), "-o", text(&movie), "--frames", "6-29"], 0);
    let (wanted, found) = (heard(&source), heard(&movie));
    let alike = |shift: usize| -> f64 {
        let pairs = wanted[12_000 + shift - 8..].iter().zip(&found).skip(2000).take(20_000);
        pairs.map(|(a, b)| f64::from(a[0]) * f64::from(b[0])).sum()
    };
    let best = (0..17).max_by(|a, b| alike(*a).total_cmp(&alike(*b))).unwrap();
    assert_eq!(best, 8, "the sound is where it was");
    assert!(found.len().abs_diff(48_000) <= 1024, "{}", found.len());
}

#[test]
fn sound_beside_a_sequence_is_heard_and_may_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let source = with_sound(folder.path(), "a.mov");
    let pattern = demo_sequence(folder.path(), 6);
    let movie = folder.path().join("b.mov");
    let tone = folder.path().join("noise.wav");
    run(&["export", &pattern, "-o", text(&movie), "--audio", text(&tone), "--fps", "25"], 0);
    assert!(heard(&movie) == heard(&tone)[..6 * 1920]);
    let has_sound = |movie: &Path| {
        let probe =
            ["-v", "error", "-select_streams", "a", "-show_entries", "stream=index", "-of", "csv=p=0"];
        !Command::new("ffprobe").args(probe).arg(movie).output().unwrap().stdout.is_empty()
    };
    run(&["export", text(&source), "-o", text(&movie), "--no-audio"], 0);
    assert!(!has_sound(&movie));
    let said = stderr(&run(&["export", text(&source), "-o", text(&movie), "--fps", "25"], 0));
    assert!(said.contains("no sound") && !has_sound(&movie), "{said}");
    let missing = folder.path().join("none.wav");
    run(&["export", &pattern, "-o", text(&movie), "--audio", text(&missing)], 3);
}

#[test]
fn name_and_number_are_burned_in_and_a_slate_goes_before() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 4);
    with_sound(folder.path(), "tone.mov");
    let (plain, burned) = (folder.path().join("a.mkv"), folder.path().join("b.mkv"));
    run(&["export", &pattern, "-o", text(&plain)], 0);
    let tone = folder.path().join("noise.wav");
    let options = ["--burn-in", "--slate", "--timecode", "01:00:00:00", "--audio", text(&tone)];
    run(&[&["export", &pattern, "-o", text(&burned)][..], &options].concat(), 0);
    says(&burned, &[("nb_read_frames", "28"), ("tag:timecode", "00:59:59:00")]);
    let (plain, samples) = (decoded(&plain, "rgb24"), decoded(&burned, "rgb24"));
    let size = 320 * 180 * 3;
    let (slates, frames) = samples.split_at(24 * size);
    assert!(slates.chunks(size).all(|slate| slate == &slates[..size]));
    for (frame, plain) in frames.chunks(size).zip(plain.chunks(size)) {
        let rows = |picture: &[u8]| picture[..size * 4 / 5].to_vec();
        assert!(frame != plain && rows(frame) == rows(plain), "only the lower rows have text");
    }
    assert!(frames[..size] != frames[size..2 * size]);
    let sound = heard(&burned);
    assert!(sound[..48_000].iter().all(|sample| *sample == [0, 0]));
    assert!(sound[48_000..] == heard(&tone)[..8000]);
}
