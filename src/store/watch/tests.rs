use super::*;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with a settings file, and the two lines that a caller has.
struct Bench {
    folder: TempDir,
    file: ConfigFile,
    threads: Option<usize>,
    messages: Vec<String>,
    writes: u64,
}

impl Bench {
    fn new(text: Option<&str>, is_named: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config.toml");
        let file = ConfigFile::new(path, is_named);
        let mut bench = Self { folder, file, threads: None, messages: Vec::new(), writes: 0 };
        if let Some(text) = text {
            bench.write(text);
        }
        bench.reload();
        bench
    }

    /// In place: same inode. The date moves by a second, whatever the clock and the file system do.
    fn write(&mut self, text: &str) {
        fs::write(self.file.path(), text).unwrap();
        self.writes += 1;
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + self.writes);
        File::options().write(true).open(self.file.path()).unwrap().set_modified(date).unwrap();
    }

    fn reload(&mut self) {
        match self.file.load() {
            Ok(loaded) => {
                self.threads = loaded.config.decode.threads;
                self.messages.extend(loaded.warnings);
            }
            Err(error) => self.messages.push(error.to_string()),
        }
    }

    /// One second of a running program.
    fn tick(&mut self) -> bool {
        let is_changed = self.file.changed();
        if is_changed {
            self.reload();
        }
        is_changed
    }

    fn shown(&self) -> String {
        shown_path(self.file.path())
    }
}

fn threads(count: usize) -> String {
    format!("[decode]\nthreads = {count}\n")
}

#[test]
fn an_absent_file_at_the_usual_place_is_no_error() {
    let mut bench = Bench::new(None, false);
    assert_eq!((bench.threads, bench.messages.len()), (None, 0));
    assert!(!bench.tick() && !bench.tick());
    bench.write(&threads(4));
    assert!(bench.tick());
    assert_eq!(bench.threads, Some(4));
}

#[test]
fn an_absent_file_that_was_named_is_an_error() {
    let mut bench = Bench::new(None, true);
    let advice = "check the path after --config, or leave the option out";
    let expected = format!("«{}» does not exist; {advice}", bench.shown());
    assert_eq!(bench.messages, [expected]);
    assert!(bench.file.is_named());
    bench.reload();
    assert_eq!(bench.messages.len(), 2);
}

#[test]
fn a_path_through_a_file_is_an_absent_file() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let path = folder.path().join("file/config.toml");
    assert_eq!(ConfigFile::usual(&path).load().unwrap(), Loaded::default());
    assert!(matches!(ConfigFile::named(&path).load(), Err(ConfigError::Missing { .. })));
}

#[test]
fn every_change_is_seen_once() {
    let mut bench = Bench::new(Some(&threads(1)), false);
    assert!(!bench.tick());
    for count in 2..6 {
        bench.write(&threads(count));
        assert!(bench.tick());
        assert_eq!(bench.threads, Some(count));
        assert!(!bench.tick() && !bench.tick());
    }
    assert!(bench.messages.is_empty());
}

#[test]
fn a_change_is_reported_once_also_to_a_caller_that_does_not_read_it() {
    let mut bench = Bench::new(Some(&threads(1)), false);
    bench.write(&threads(2));
    assert!(bench.file.changed());
    assert!(!bench.file.changed());
}

#[test]
fn a_new_length_alone_is_a_change() {
    let mut bench = Bench::new(Some(&threads(1)), false);
    bench.writes -= 1;
    bench.write(&threads(16));
    assert!(bench.tick());
    assert_eq!(bench.threads, Some(16));
}

#[cfg(unix)]
#[test]
fn a_file_renamed_over_it_is_a_change_even_with_equal_date_and_length() {
    let mut bench = Bench::new(Some(&threads(1)), false);
    let date = fs::metadata(bench.file.path()).unwrap().modified().unwrap();
    let beside = bench.folder.path().join("beside");
    fs::write(&beside, threads(2)).unwrap();
    File::options().write(true).open(&beside).unwrap().set_modified(date).unwrap();
    fs::rename(&beside, bench.file.path()).unwrap();
    assert!(bench.tick());
    assert_eq!(bench.threads, Some(2));
}

#[test]
fn a_file_that_breaks_keeps_the_old_settings_and_says_so_once() {
    let mut bench = Bench::new(Some(&threads(7)), false);
    bench.write("[decode]\nthreads = \"many\"\n");
    assert!(bench.tick());
    assert!(!bench.tick() && !bench.tick());
    let expected = format!(
        "{}:2:11: «decode.threads» is \"many\" (string); allowed: a whole number from 1 to 1024",
        bench.shown()
    );
    assert_eq!((bench.threads, &bench.messages), (Some(7), &vec![expected]));
    bench.write(&threads(8));
    assert!(bench.tick());
    assert_eq!((bench.threads, bench.messages.len()), (Some(8), 1));
}

#[test]
fn a_deleted_file_means_defaults_at_the_second_look() {
    let mut bench = Bench::new(Some(&threads(7)), false);
    fs::remove_file(bench.file.path()).unwrap();
    assert!(!bench.tick());
    assert_eq!(bench.threads, Some(7));
    assert!(bench.tick());
    assert_eq!((bench.threads, bench.messages.len()), (None, 0));
    assert!(!bench.tick() && !bench.tick());
}

#[test]
fn a_named_file_that_is_deleted_means_defaults_and_a_warning() {
    let mut bench = Bench::new(Some(&threads(7)), true);
    fs::remove_file(bench.file.path()).unwrap();
    assert!(!bench.tick() && bench.tick() && !bench.tick());
    let expected = format!("{}: the file is gone; its settings no longer hold", bench.shown());
    assert_eq!((bench.threads, &bench.messages), (None, &vec![expected]));
}

#[test]
fn an_editor_that_empties_or_removes_before_it_writes_causes_one_change() {
    let mut bench = Bench::new(Some(&threads(7)), false);
    bench.write("");
    assert!(!bench.tick());
    bench.write(&threads(8));
    assert!(bench.tick());
    assert_eq!(bench.threads, Some(8));
    fs::remove_file(bench.file.path()).unwrap();
    assert!(!bench.tick());
    bench.write(&threads(9));
    assert!(bench.tick() && !bench.tick());
    assert_eq!(bench.threads, Some(9));
}

#[test]
fn a_file_that_stays_empty_means_defaults() {
    let mut bench = Bench::new(Some(&threads(7)), false);
    bench.write("");
    assert!(!bench.tick() && bench.tick() && !bench.tick());
    assert_eq!((bench.threads, bench.messages.len()), (None, 0));
}

#[test]
fn a_huge_file_is_refused_after_one_mebibyte() {
    let mut bench = Bench::new(Some(&threads(7)), false);
    let path = bench.file.path().to_owned();
    File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(bench.tick());
    assert_eq!(bench.threads, Some(7));
    assert!(bench.messages[0].contains("holds more than 1048576 bytes"), "{:?}", bench.messages);
}

#[test]
fn a_folder_is_no_file() {
    let folder = TempDir::new().unwrap();
    let expected =
        format!("«{}» is no regular file; name a text file with settings", shown_path(folder.path()));
    for mut file in [ConfigFile::named(folder.path()), ConfigFile::usual(folder.path())] {
        assert_eq!(file.load().unwrap_err().to_string(), expected);
        assert!(!file.changed());
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A privileged user may read in spite of the mode.
    #[test]
    fn an_unreadable_file_is_an_error_and_keeps_the_old_settings() {
        let mut bench = Bench::new(Some(&threads(7)), false);
        bench.write(&threads(8));
        fs::set_permissions(bench.file.path(), fs::Permissions::from_mode(0o000)).unwrap();
        let may_read = File::open(bench.file.path()).is_ok();
        assert!(bench.tick());
        if may_read {
            assert_eq!(bench.threads, Some(8));
        } else {
            let message = &bench.messages[0];
            assert!(message.contains("cannot be read: Permission denied"), "{message}");
            assert!(message.ends_with("check who may read it"), "{message}");
            assert_eq!(bench.threads, Some(7));
        }
    }

    #[test]
    fn links_in_a_circle_are_unreadable() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config.toml");
        symlink("config.toml", &path).unwrap();
        let error = ConfigFile::usual(&path).load().unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    }

    #[test]
    fn a_device_may_be_named_but_never_found() {
        let mut named = ConfigFile::named("/dev/null");
        assert_eq!(named.load().unwrap(), Loaded::default());
        assert!(!named.changed());
        let endless = ConfigFile::named("/dev/zero").load().unwrap_err();
        assert!(matches!(endless, ConfigError::TooLarge { .. }), "{endless}");
        let found = ConfigFile::usual("/dev/zero").load().unwrap_err();
        assert!(matches!(found, ConfigError::NotAFile { .. }), "{found}");
    }

    #[test]
    fn a_change_behind_a_link_is_seen() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(folder.path().join("a"), threads(1)).unwrap();
        fs::write(folder.path().join("b"), threads(2)).unwrap();
        symlink("a", &path).unwrap();
        let mut file = ConfigFile::usual(&path);
        file.load().unwrap();
        assert!(!file.changed());
        fs::remove_file(&path).unwrap();
        symlink("b", &path).unwrap();
        assert!(file.changed());
        assert_eq!(file.load().unwrap().config.decode.threads, Some(2));
    }
}
