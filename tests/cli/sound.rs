//! Sound through the program: what is heard, and what is said where nothing is.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::program::{json, number, run, stderr, text};

/// Makes a file with the `ffmpeg` command from its test sources.
fn make(folder: &Path, name: &str, sources: &[&str], options: &str) -> PathBuf {
    let path = folder.join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]);
    for source in sources {
        command.args(["-f", "lavfi", "-i", source]);
    }
    let made = command.args(options.split_whitespace()).arg(&path).status();
    assert!(made.is_ok_and(|status| status.success()), "ffmpeg makes {name}");
    path
}

const PICTURE: &str = "testsrc2=s=160x90:r=24:d=2";
const TONE: &str = "sine=f=440:d=2";

fn playback<'a>(media: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["bench", "playback", text(media), "--real-time", "--json"], more].concat()
}

#[test]
fn a_movie_is_heard_with_its_own_sound_in_step() {
    let folder = tempfile::tempdir().unwrap();
    let movie = make(folder.path(), "a.mp4", &[PICTURE, TONE], "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let report = json(&run(&playback(&movie, &["--loops", "2"]), 0));
    assert_eq!(report["audio"]["device"], "null");
    assert!(report["audio"]["worst_offset_ms"].as_f64().unwrap() <= 20.0, "{}", report["audio"]);
    assert!(number(&report["by_component"]["cpu"]["sound"]) > 0);
    assert!(json(&run(&playback(&movie, &["--no-audio"]), 0))["audio"].is_null());
    let silent = make(folder.path(), "b.mp4", &[PICTURE], "-c:v mpeg4");
    assert!(json(&run(&playback(&silent, &[]), 0))["audio"].is_null());
    let info = run(&["info", text(&movie)], 0);
    assert!(String::from_utf8_lossy(&info.stdout).contains("aac, 44100 Hz, 1 channel"));
}

#[test]
fn a_sequence_is_heard_with_the_file_of_its_name_or_the_one_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "shot.%04d.png", &[PICTURE], "-frames:v 12 -start_number 1001");
    let pattern = folder.path().join("shot.####.png");
    assert!(json(&run(&playback(&pattern, &[]), 0))["audio"].is_null());
    let tone = make(folder.path(), "other.flac", &[TONE], "-c:a flac");
    let named = json(&run(&playback(&pattern, &["--audio", text(&tone)]), 0));
    assert_eq!(named["audio"]["device"], "null");
    std::fs::rename(&tone, folder.path().join("shot.flac")).unwrap();
    assert_eq!(json(&run(&playback(&pattern, &[]), 0))["audio"]["device"], "null");
}

#[test]
fn a_file_without_sound_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let movie = make(folder.path(), "a.mp4", &[PICTURE], "-c:v mpeg4");
    for (sound, what) in [("gone.wav", "gone.wav"), ("a.mp4", "it has no sound")] {
        let sound = folder.path().join(sound);
        let output = run(&playback(&movie, &["--audio", text(&sound)]), 3);
        assert!(stderr(&output).contains(what), "{}", stderr(&output));
    }
    // What is no sound at all, beside a sequence: pictures play, and it is said.
    make(folder.path(), "shot.%04d.png", &[PICTURE], "-frames:v 6 -start_number 1");
    std::fs::write(folder.path().join("shot.wav"), b"not a sound").unwrap();
    let report = json(&run(&playback(&folder.path().join("shot.#.png"), &[]), 0));
    assert_eq!(number(&report["frames"]), 6);
}
