//! Movies that say that they are turned or mirrored, everywhere where their pictures leave the program. `ffmpeg` turns
//! them by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::movies::{make, reference};
use super::support::program::{json, number, run, text};

/// Of every pixel a sample of chroma, so that no filter is between two turns.
const LOSSLESS: &str = "-c:v libx264 -qp 0 -pix_fmt yuv444p -colorspace bt709 -t 0.2";
/// From the name of the box to its matrix, of version 0 (ISO 14496-12, 8.3.2).
const MATRIX_OFFSET: usize = 44;

/// A display matrix by its a, b, c and d, and whether width and height are swapped.
struct Turn([i32; 4], bool);

const TURNS: [Turn; 8] = [
    Turn([1, 0, 0, 1], false),
    Turn([0, 1, -1, 0], true),
    Turn([-1, 0, 0, -1], false),
    Turn([0, -1, 1, 0], true),
    Turn([-1, 0, 0, 1], false),
    Turn([0, -1, -1, 0], true),
    Turn([1, 0, 0, -1], false),
    Turn([0, 1, 1, 0], true),
];

/// A copy of a movie whose track header has this matrix.
fn turned(movie: &Path, [a, b, c, d]: [i32; 4]) -> PathBuf {
    let mut bytes = std::fs::read(movie).unwrap();
    let header = bytes.windows(4).position(|name| name == b"tkhd").unwrap();
    let matrix = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30];
    for (word, place) in matrix.iter().zip(bytes[header + MATRIX_OFFSET..].chunks_exact_mut(4)) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    let path = movie.with_file_name(format!("turned_{a}_{b}_{c}_{d}.mp4"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The same pictures, stored as `ffmpeg` shows them.
fn upright(movie: &Path) -> PathBuf {
    let path = movie.with_extension("mkv");
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-i"])
        .arg(movie)
        .args(["-c:v", "ffv1", "-pix_fmt", "yuv444p"])
        .arg(&path)
        .status();
    assert!(made.is_ok_and(|status| status.success()), "ffmpeg turns {}", movie.display());
    path
}

#[test]
fn movies_are_turned_as_ffmpeg_turns_them() {
    let folder = tempfile::tempdir().unwrap();
    let straight = make(folder.path(), "straight.mp4", LOSSLESS);
    let file = |name: &str| folder.path().join(name);
    for Turn(matrix, is_swapped) in TURNS {
        let movie = turned(&straight, matrix);
        let (ours, theirs) = (file("ours.png"), file("theirs.png"));
        run(&["render", text(&movie), "--frames", "2-2", "-o", text(&ours)], 0);
        reference(&movie, 2, &theirs);
        let [ours, theirs] = [ours, theirs].map(|path| image::open(path).unwrap().to_rgb8());
        assert_eq!(ours.dimensions(), if is_swapped { (90, 160) } else { (160, 90) }, "{matrix:?}");
        assert_eq!(ours.dimensions(), theirs.dimensions(), "{matrix:?}");
        let most = ours.iter().zip(theirs.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(2), "{matrix:?}: {most:?} codes");
    }
}

#[test]
fn samples_of_turned_movies_are_compared_and_written_where_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let straight = make(folder.path(), "straight.mp4", LOSSLESS);
    let (ours, theirs) = (folder.path().join("ours.exr"), folder.path().join("theirs.exr"));
    for Turn(matrix, _) in [&TURNS[1], &TURNS[4], &TURNS[7]] {
        let movie = turned(&straight, *matrix);
        let upright = upright(&movie);
        run(&["compare", text(&movie), text(&upright)], 0);
        run(&["compare", text(&movie), text(&straight)], 1);
        for (movie, to) in [(&movie, &ours), (&upright, &theirs)] {
            run(&["render", text(movie), "--raw", "--frames", "1-1", "-o", text(to)], 0);
        }
        run(&["compare", text(&ours), text(&theirs)], 0);
        for (movie, to) in [(&movie, &ours), (&upright, &theirs)] {
            run(&["render", text(movie), "--size", "60x50", "--frames", "1-1", "-o", text(to)], 0);
        }
        run(&["compare", text(&ours), text(&theirs), "--tolerance", "0.004"], 0);
    }
}

#[test]
fn a_turned_movie_tells_how_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let wide = make(folder.path(), "wide.mp4", &format!("{LOSSLESS} -vf setsar=2"));
    let movie = turned(&wide, [0, -1, -1, 0]);
    let told = json(&run(&["info", text(&movie), "--json"], 0));
    let part = &told["parts"][0];
    for window in ["data_window", "display_window"] {
        assert_eq!((number(&part[window]["width"]), number(&part[window]["height"])), (90, 160));
    }
    assert_eq!(part["pixel_aspect"], 0.5);
    let said = String::from_utf8(run(&["info", text(&movie)], 0).stdout).unwrap();
    assert!(said.contains("mirrored, turned by 90 degrees clockwise"), "{said}");
    let report = json(&run(&["bench", "playback", text(&movie), "--unpaced", "--json"], 0));
    assert_eq!(number(&report["decode"]["ok"]), number(&report["frames"]));
}
