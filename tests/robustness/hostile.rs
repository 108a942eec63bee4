//! The collections of damaged and hostile files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;
use crate::verdict::{Verdict, judge};

/// Files of a folder in the order of their names.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.is_file() && path.file_name().is_some_and(|name| name != "LICENSE"));
    files.sort();
    files
}

#[test]
fn files_that_broke_other_readers_end_in_a_verdict() {
    let Some(folder) = support::media("files_that_broke_other_readers_end_in_a_verdict", "damaged") else {
        return;
    };
    let files = files_in(&folder);
    assert!(files.len() >= 90, "{} files", files.len());
    let verdicts: Vec<Verdict> = files.iter().map(|path| judge(path)).collect();
    assert!(verdicts.iter().any(Verdict::is_error));
}

fn generated(test: &str) -> Option<tempfile::TempDir> {
    let script = support::tool(test, "hostile_exr.py")?;
    let folder = tempfile::tempdir().expect("a folder");
    match Command::new("python3").arg(script).arg(folder.path()).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(folder)
        }
        Err(error) => {
            support::skip(test, &format!("python3: {error}"));
            None
        }
    }
}

#[test]
fn files_made_to_attack_end_in_a_verdict() {
    let Some(folder) = generated("files_made_to_attack_end_in_a_verdict") else { return };
    let files = files_in(folder.path());
    assert!(files.len() >= 90, "{} files", files.len());
    for path in &files {
        judge(path);
    }
}

/// The verdict of a file of the generator by the beginning of its name.
fn verdict_of(folder: &Path, name: &str) -> Verdict {
    let is_it = |path: &&PathBuf| path.file_stem().is_some_and(|stem| stem == name);
    let files = files_in(folder);
    judge(files.iter().find(is_it).unwrap_or_else(|| panic!("{name} is not there")))
}

#[test]
fn what_can_be_shown_is_shown_and_what_cannot_says_why() {
    let Some(folder) = generated("what_can_be_shown_is_shown_and_what_cannot_says_why") else { return };
    let of = |name| verdict_of(folder.path(), name);
    for name in [
        "ok_8x8",
        "disp_huge_dw_tiny",
        "disp_disjoint",
        "par_nan",
        "ch_unsorted",
        "tail_garbage",
        "rgb_nan_inf",
        "fps_den0",
    ] {
        assert!(matches!(of(name), Verdict::Whole { .. }), "{name}: {:?}", of(name));
    }
    for name in ["trunc_last", "trunc_half", "chunk_y_dup"] {
        assert!(matches!(of(name), Verdict::Degraded { .. }), "{name}: {:?}", of(name));
    }
    for name in [
        "empty",
        "magic_only",
        "dw_2p31",
        "dw_min_gt_max",
        "ch_zero",
        "comp_77",
        "trunc_header",
        "dw_100000sq",
    ] {
        assert!(of(name).is_error(), "{name}: {:?}", of(name));
    }
    let Verdict::Degraded { missing, .. } = of("trunc_last") else { unreachable!() };
    assert_eq!(missing.iter().map(|area| (area.y, area.height)).collect::<Vec<_>>(), [(7, 1)]);
}
