//! The file is whole or as it was, and nothing is left beside it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exposition::read;
use super::sample::snapshot;
use crate::metrics::{Format, ProcessFigures, write_file};

fn write(path: &Path, scale: u64) -> std::io::Result<()> {
    write_file(path, &snapshot(scale, "a"), &ProcessFigures::default())
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_file_is_replaced_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rushes.prom");
    for scale in [1, 2] {
        write(&path, scale).unwrap();
        let text = read(&fs::read_to_string(&path).unwrap(), Format::Plain).unwrap();
        assert_eq!(text.value("rushes_loops_total{}"), scale.to_string());
    }
    assert_eq!(names_in(folder.path()), ["rushes.prom"]);
}

#[test]
#[cfg(unix)]
fn everyone_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rushes.prom");
    write(&path, 1).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn a_reader_never_sees_half_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rushes.prom");
    write(&path, 1).unwrap();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (0..50).for_each(|scale| write(&path, scale).unwrap());
            is_done.store(true, Ordering::Release);
        });
        while !is_done.load(Ordering::Acquire) {
            read(&fs::read_to_string(&path).unwrap(), Format::Plain).unwrap();
        }
    });
    assert_eq!(names_in(folder.path()), ["rushes.prom"]);
}

#[test]
fn a_folder_that_is_not_there_is_named_in_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = write(&folder.path().join("no\nsuch/rushes.prom"), 1).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(error.to_string().contains("no\\nsuch/rushes.prom"), "{error}");
    assert!(write(Path::new("/"), 1).is_err());
}

#[test]
fn a_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let error = write(folder.path(), 1).unwrap_err();
    assert!(error.to_string().contains("no plain file"), "{error}");
    assert!(folder.path().is_dir() && names_in(folder.path()).is_empty());
}

#[test]
#[cfg(unix)]
fn a_link_is_neither_followed_nor_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "mine").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(write(&link, 1).is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), "mine");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(names_in(folder.path()).len(), 2);
}
