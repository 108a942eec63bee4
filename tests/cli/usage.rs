//! Exit codes and messages.

use std::process::Command;

use super::support::program::{demo_sequence, expect, json, run, rushes, stderr, text};

#[test]
fn wrong_usage_is_2_and_names_what_is_wrong() {
    let unknown = run(&["--no-such-option"], 2);
    assert!(stderr(&unknown).contains("--no-such-option"));
    let shell = stderr(&run(&["completions", "cmd"], 2));
    assert!(shell.contains("'cmd'") && shell.contains("zsh"), "{shell}");
}

#[test]
fn media_that_is_not_there_is_3_and_says_what_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shot.00950.exr"), b"x").unwrap();
    let pattern = folder.path().join("plate.####.exr");
    let output = run(&["bench", "playback", text(&pattern)], 3);
    assert!(stderr(&output).contains("plate.####.exr"), "{}", stderr(&output));
}

#[test]
fn help_lists_commands_and_exit_codes() {
    let output = run(&["--help"], 0);
    let help = String::from_utf8_lossy(&output.stdout);
    for word in ["render", "bench", "info", "ls", "demo", "doctor", "Exit codes"] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn shells_and_the_manual_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell], 0).stdout;
        let script = String::from_utf8_lossy(&script);
        for word in ["rushes", "export", "simulate-pressure", "burn-in"] {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
    let manual = run(&["man"], 0).stdout;
    let manual = String::from_utf8_lossy(&manual);
    for page in ["rushes", "rushes-export", "rushes-bench-playback"] {
        assert!(manual.lines().any(|line| line.starts_with(&format!(".TH {page} "))), "no page of {page}");
    }
    assert!(manual.contains("burn\\-in"));
}

#[test]
fn info_and_ls_tell_ranges_gaps_and_layers() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 4);
    std::fs::remove_file(folder.path().join("demo.1002.exr")).unwrap();
    let info = json(&run(&["info", "--json", &pattern], 0));
    assert_eq!(info["media"]["first"], 1001);
    assert_eq!(info["media"]["gaps"], serde_json::json!([[1002, 1002]]));
    assert_eq!(info["layers"][0]["channels"], serde_json::json!(["B", "G", "R"]));
    assert_eq!(info["parts"][0]["compression"], "zip");
    let list = run(&["ls", text(folder.path())], 0);
    let line = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(line.contains("demo.####.exr") && line.contains("missing 1002"), "{line}");
}

#[test]
fn text_from_files_never_reaches_the_terminal_raw() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("evil\u{1b}[2J.0001.exr");
    std::fs::write(&name, b"not an EXR").unwrap();
    let output = expect(rushes().arg("info").arg(&name), 3);
    assert!(!output.stderr.contains(&0x1b) && !output.stdout.contains(&0x1b));
}

#[test]
fn render_counts_what_failed_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 4);
    std::fs::write(folder.path().join("demo.1003.exr"), b"garbage").unwrap();
    let out = folder.path().join("out.####.png");
    let output = run(&["render", &pattern, "-o", text(&out)], 4);
    assert!(stderr(&output).contains("frame 1003"), "{}", stderr(&output));
    let there: Vec<bool> =
        (1001..=1004).map(|number| folder.path().join(format!("out.{number}.png")).exists()).collect();
    assert_eq!(there, [true, true, false, true]);
}

#[test]
fn rendered_frames_show_their_own_picture() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 3);
    let out = folder.path().join("out.####.png");
    run(&["render", &pattern, "-o", text(&out)], 0);
    for index in 0..3_u32 {
        let options = rushes::encode::DemoOptions {
            width: 320,
            height: 180,
            frames: 3,
            codec: rushes::encode::DemoCodec::Zip,
        };
        let wanted = displayed(&rushes::encode::demo_frame(&options, index));
        let picture = image::open(folder.path().join(format!("out.{}.png", 1001 + index))).unwrap();
        let worst = picture.to_rgb8().iter().zip(&wanted).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(worst <= Some(1), "frame {index}: {worst:?} code values off");
    }
}

/// The demo picture through the CPU twin of the colour chain.
fn displayed(picture: &rushes::encode::ExrPicture) -> Vec<u8> {
    let plane = |name: &str| {
        let channel = picture.channels.iter().find(|channel| channel.name == name).unwrap();
        match &channel.samples {
            rushes::encode::Samples::F16(samples) => samples.clone(),
            _ => panic!("half expected"),
        }
    };
    let (red, green, blue) = (plane("R"), plane("G"), plane("B"));
    let settings = rushes::color::ColorSettings::default();
    (0..red.len())
        .flat_map(|at| {
            let rgba = [red[at].to_f32(), green[at].to_f32(), blue[at].to_f32(), 1.0];
            rushes::color::display_rgb(rgba, &settings, (0, 0)).map(|value| (value * 255.0 + 0.5) as u8)
        })
        .collect()
}

#[test]
fn several_frames_into_one_name_is_2() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 2);
    let out = folder.path().join("out.png");
    run(&["render", &pattern, "-o", text(&out)], 2);
    assert!(!out.exists());
}

#[test]
fn without_a_display_the_window_is_5_and_says_what_works() {
    let output = run(&[], 5);
    assert!(stderr(&output).contains("render and bench work without one"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_130() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = demo_sequence(folder.path(), 8);
    let mut child = rushes().args(["bench", "playback", &pattern, "--loops", "1000"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[cfg(not(feature = "video"))]
#[test]
fn a_build_without_movies_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let movie = folder.path().join("a.mp4");
    std::fs::write(&movie, b"\0\0\0\x18ftypisom").unwrap();
    let said = stderr(&run(&["info", text(&movie)], 3));
    assert!(said.contains("feature `video`"), "{said}");
}
