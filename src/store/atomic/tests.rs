use super::*;
use proptest::prelude::*;
use tempfile::TempDir;

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_created_and_replaced_and_nothing_else_is_left() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.toml");
    for bytes in [b"first".as_slice(), b"", b"second, longer"] {
        write_atomically(&path, bytes).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(names_in(folder.path()), ["a.toml"]);
    }
}

#[test]
fn an_open_reader_keeps_the_old_contents() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.toml");
    write_atomically(&path, b"old").unwrap();
    let reader = File::open(&path).unwrap();
    write_atomically(&path, b"new").unwrap();
    assert_eq!(io::read_to_string(reader).unwrap(), "old");
}

#[test]
fn a_missing_folder_is_an_error_and_is_not_made() {
    let folder = TempDir::new().unwrap();
    let error = write_atomically(&folder.path().join("none/a.toml"), b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(names_in(folder.path()).is_empty());
}

#[test]
fn a_file_in_the_place_of_the_folder_is_an_error() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    write_atomically(&folder.path().join("file/a.toml"), b"y").unwrap_err();
    assert_eq!(names_in(folder.path()), ["file"]);
}

#[test]
fn a_folder_in_the_place_of_the_file_is_an_error() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("a.toml")).unwrap();
    let error = write_atomically(&folder.path().join("a.toml"), b"x").unwrap_err();
    assert_eq!(error.to_string(), "it is no regular file");
    assert_eq!(names_in(folder.path()), ["a.toml"]);
}

#[test]
fn a_file_that_is_marked_read_only_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.toml");
    fs::write(&path, "mine").unwrap();
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let error = write_atomically(&path, b"x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(names_in(folder.path()), ["a.toml"]);
}

#[test]
fn a_failed_rename_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let (unfinished, file) = Unfinished::create_beside(&folder.path().join("a")).unwrap();
    drop(file);
    let name = names_in(folder.path()).remove(0);
    assert!(name.starts_with(&format!(".rushes-{}-", std::process::id())), "{name}");
    unfinished.rename_to(&folder.path().join("none/a.toml")).unwrap_err();
    assert!(names_in(folder.path()).is_empty());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_file_may_be_read_by_all_and_written_by_its_owner_as_far_as_the_umask_allows() {
        let folder = TempDir::new().unwrap();
        let probe = folder.path().join("probe");
        fs::write(&probe, "").unwrap();
        let path = folder.path().join("a.toml");
        write_atomically(&path, b"x").unwrap();
        assert_eq!(mode_of(&path), 0o644 & mode_of(&probe));
    }

    #[test]
    fn an_existing_file_keeps_its_mode() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.toml");
        for mode in [0o600, 0o664, 0o644] {
            fs::write(&path, "old").unwrap();
            set_mode(&path, mode);
            write_atomically(&path, b"new").unwrap();
            assert_eq!(mode_of(&path), mode);
        }
    }

    /// A privileged user may write in spite of the mode; whoever may not gets an error, and neither leaves a
    /// trace.
    #[test]
    fn in_a_read_only_folder_the_old_file_or_the_new_one_stands_alone() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(&path, "old").unwrap();
        set_mode(folder.path(), 0o555);
        let may_write = File::create(folder.path().join("probe")).is_ok();
        let result = write_atomically(&path, b"new");
        set_mode(folder.path(), 0o755);
        if may_write {
            result.unwrap();
            fs::remove_file(folder.path().join("probe")).unwrap();
        } else {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), if may_write { "new" } else { "old" });
        assert_eq!(names_in(folder.path()), ["a.toml"]);
    }

    #[test]
    fn a_symbolic_link_stays_one_and_its_target_is_replaced() {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("dotfiles")).unwrap();
        let target = folder.path().join("dotfiles/real.toml");
        let path = folder.path().join("a.toml");
        symlink("b.toml", &path).unwrap();
        symlink("dotfiles/real.toml", folder.path().join("b.toml")).unwrap();
        for bytes in [b"created".as_slice(), b"replaced"] {
            write_atomically(&path, bytes).unwrap();
            assert_eq!(fs::read(&target).unwrap(), bytes);
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
            assert_eq!(names_in(&folder.path().join("dotfiles")), ["real.toml"]);
        }
    }

    #[test]
    fn links_in_a_circle_are_an_error() {
        let folder = TempDir::new().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        let error = write_atomically(&folder.path().join("a"), b"x").unwrap_err();
        assert_eq!(error.to_string(), "too many symbolic links lead to one another");
        assert_eq!(names_in(folder.path()), ["a", "b"]);
    }

    #[test]
    fn a_device_is_not_replaced() {
        write_atomically(Path::new("/dev/null"), b"x").unwrap_err();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}

#[test]
fn many_writers_leave_one_whole_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.toml");
    std::thread::scope(|scope| {
        for writer in 0..4_u8 {
            let path = &path;
            scope.spawn(move || (0..8).for_each(|_| write_atomically(path, &[writer; 5000]).unwrap()));
        }
    });
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 5000);
    assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    assert_eq!(names_in(folder.path()), ["a.toml"]);
}

#[test]
fn names_left_over_by_a_killed_process_are_stepped_over() {
    let folder = TempDir::new().unwrap();
    let (first, _file) = Unfinished::create_beside(&folder.path().join("a")).unwrap();
    let name = first.path.file_name().unwrap().to_str().unwrap().to_owned();
    let number: u32 = name.rsplit_once('-').unwrap().1.strip_suffix(".tmp").unwrap().parse().unwrap();
    // Other tests draw numbers too, so the next few are taken.
    let taken: Vec<PathBuf> = (1..=4)
        .map(|step| folder.path().join(format!(".rushes-{}-{}.tmp", std::process::id(), number + step)))
        .collect();
    taken.iter().for_each(|path| fs::write(path, "left over").unwrap());
    write_atomically(&folder.path().join("a.toml"), b"x").unwrap();
    assert_eq!(fs::read(folder.path().join("a.toml")).unwrap(), b"x");
    assert!(taken.iter().all(|path| fs::read(path).unwrap() == b"left over"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_written_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a");
        write_atomically(&path, &bytes).unwrap();
        prop_assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}
