use super::*;
use crate::store::config::tests::pieces;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

fn file_with(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn text(text: &str) -> Setting {
    Setting::Text(text.to_owned())
}

/// The file after one setting was saved into `old`.
fn saved(old: &str, table: &str, key: &str, value: Setting) -> String {
    let (_folder, path) = file_with(old);
    save_setting(&path, table, key, &value).unwrap();
    fs::read_to_string(&path).unwrap()
}

/// The error, after a check that the file is as it was and alone.
fn refused(old: &str, table: &str, key: &str, value: Setting) -> String {
    let (folder, path) = file_with(old);
    let error = save_setting(&path, table, key, &value).unwrap_err();
    assert_eq!(fs::read_to_string(&path).unwrap(), old);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    error.to_string().replace(&shown_path(folder.path()), "")
}

#[test]
fn file_and_folders_are_made_when_absent() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/config.toml");
    save_setting(&path, "memory", "mem", &text("50%")).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "[memory]\nmem = \"50%\"\n");
    save_setting(&path, "memory.pressure", "low", &Setting::Number(65.0)).unwrap();
    save_setting(&path, "decode", "threads", &Setting::Whole(3)).unwrap();
    let expected = "[memory]\nmem = \"50%\"\n\n[memory.pressure]\nlow = 65.0\n\n[decode]\nthreads = 3\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
}

#[cfg(unix)]
#[test]
fn a_new_folder_belongs_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    save_setting(&folder.path().join("new/config.toml"), "memory", "mem", &text("50%")).unwrap();
    let mode = fs::metadata(folder.path().join("new")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0);
}

#[test]
fn a_table_inside_an_absent_one_gets_one_header() {
    let new = saved("", "memory.pressure", "low", Setting::Whole(65));
    assert_eq!(new, "[memory.pressure]\nlow = 65\n");
}

const COMMENTED: &str = "\
# Settings of the night shift.

[memory]   # budgets
# mem = \"24GiB\"
  mem   =   \"75%\"   # the rest is for the renderer
reserve = '2GiB'
future_key = [1,
  2] # kept
# clip_cap = \"8GiB\"

# the farm
[decode]
threads = 0x08
# last words";

#[test]
fn a_replaced_value_leaves_every_other_character_alone() {
    let new = saved(COMMENTED, "memory", "mem", text("50%"));
    assert_eq!(new, COMMENTED.replace("\"75%\"", "\"50%\""));
    let new = saved(COMMENTED, "decode", "threads", Setting::Whole(9));
    assert_eq!(new, COMMENTED.replace("0x08", "9"));
}

#[test]
fn a_new_key_comes_after_the_last_one_of_its_table() {
    let new = saved(COMMENTED, "memory", "vram", text("4GiB"));
    assert_eq!(new, COMMENTED.replace("  2] # kept\n", "  2] # kept\nvram = \"4GiB\"\n"));
}

#[test]
fn a_new_table_comes_last_and_takes_no_comment_along() {
    let new = saved(COMMENTED, "memory.pressure", "low", Setting::Whole(60));
    assert_eq!(new, format!("{COMMENTED}\n\n[memory.pressure]\nlow = 60\n"));
    let blank = "[decode]\nthreads = 1\n\n";
    assert_eq!(saved(blank, "memory", "mem", text("50%")), format!("{blank}[memory]\nmem = \"50%\"\n"));
    let only_comments = "# nothing yet\n# mem = \"1GiB\"\n";
    let new = saved(only_comments, "memory", "mem", text("50%"));
    assert_eq!(new, format!("{only_comments}\n[memory]\nmem = \"50%\"\n"));
}

#[test]
fn a_table_known_only_by_its_inner_one_gets_its_header_at_the_end() {
    let old = "# first\n[memory.pressure]\nlow = 60 # x\n# tail\n";
    assert_eq!(saved(old, "memory", "mem", text("50%")), format!("{old}\n[memory]\nmem = \"50%\"\n"));
}

#[test]
fn other_ways_to_write_tables_are_kept() {
    let dotted = "memory.mem = \"75%\" # a\n\n[decode] # b\n";
    assert_eq!(
        saved(dotted, "memory", "vram", text("1GiB")),
        "memory.mem = \"75%\" # a\nmemory.vram = \"1GiB\"\n\n[decode] # b\n"
    );
    let inline = "memory = { mem = \"75%\" } # a\n";
    assert_eq!(saved(inline, "memory", "mem", text("50%")), "memory = { mem = \"50%\" } # a\n");
    let grown = saved(inline, "memory.pressure", "low", Setting::Whole(60));
    assert!(grown.starts_with("memory = { ") && grown.ends_with("} # a\n"), "{grown}");
    let config = Config::parse(Path::new("c"), grown.as_bytes()).unwrap().config;
    assert_eq!(config.memory.pressure.low, Some(60.0));
    assert_eq!(config.memory.mem.unwrap().text, "75%");
}

#[test]
fn line_ends_and_byte_order_mark_stay() {
    let windows = format!("\u{feff}{}\r\n", COMMENTED.replace('\n', "\r\n"));
    let new = saved(&windows, "memory", "mem", text("50%"));
    assert_eq!(new, windows.replace("\"75%\"", "\"50%\""));
    let new = saved(&windows, "metrics", "file", text("/m"));
    assert_eq!(new, format!("{windows}\r\n[metrics]\r\nfile = \"/m\"\r\n"));
}

#[test]
fn long_texts_over_several_lines_survive() {
    let old = "note = '''\n[memory]\n# no comment'''\n[decode]\nthreads = 1\n";
    assert_eq!(saved(old, "decode", "threads", Setting::Whole(2)), old.replace("= 1", "= 2"));
    let windows = old.replace('\n', "\r\n");
    assert_eq!(saved(&windows, "decode", "threads", Setting::Whole(2)), windows.replace("= 1", "= 2"));
}

#[test]
fn a_file_that_already_says_so_is_not_written() {
    let (_folder, path) = file_with(COMMENTED);
    let before = fs::metadata(&path).unwrap().modified().unwrap() - std::time::Duration::from_secs(60);
    fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    save_setting(&path, "memory", "reserve", &text("2GiB")).unwrap();
    save_setting(&path, "decode", "threads", &Setting::Whole(8)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_to_string(&path).unwrap(), COMMENTED);
}

#[test]
fn a_value_that_could_not_be_read_back_is_refused() {
    let profile = "\"default\", \"conservative\"";
    assert_eq!(
        refused("# a\n", "memory", "profile", text("fast")),
        format!("/config.toml:4:11: «memory.profile» is \"fast\" (string); allowed: {profile}")
    );
    assert_eq!(
        refused("[memory]\n", "memory.pressure", "low", Setting::Number(f64::NAN)),
        "/config.toml:4:7: «memory.pressure.low» is nan (float); allowed: a number from 1 to 100 percent"
    );
}

#[test]
fn a_file_broken_by_hand_is_not_touched() {
    assert_eq!(
        refused("[memory\n", "memory", "mem", text("50%")),
        "/config.toml:1:8: this is no TOML: unclosed table, expected `]`; found the end of the line"
    );
    let message = refused("[decode]\nthreads = 0\n", "memory", "mem", text("50%"));
    assert!(message.starts_with("/config.toml:2:11: «decode.threads» is 0"), "{message}");
}

#[test]
fn a_broken_value_is_mended_by_saving_a_good_one() {
    let new = saved("[decode]\nthreads = 0 # all\n", "decode", "threads", Setting::Whole(8));
    assert_eq!(new, "[decode]\nthreads = 8 # all\n");
}

#[test]
fn what_is_in_the_way_is_named() {
    let rest = "in «/config.toml» is no";
    assert_eq!(
        refused("memory = 3\n", "memory.pressure", "low", Setting::Whole(60)),
        format!("«memory.pressure.low» cannot be saved: «memory» {rest} table; change that by hand")
    );
    assert_eq!(
        refused("[[memory]]\n", "memory", "mem", text("50%")),
        format!("«memory.mem» cannot be saved: «memory» {rest} table; change that by hand")
    );
    assert_eq!(
        refused("[memory.mem]\nx = 1\n", "memory", "mem", text("50%")),
        format!("«memory.mem» cannot be saved: «mem» {rest} single value; change that by hand")
    );
}

#[test]
fn a_folder_in_the_way_cannot_be_saved_to() {
    let folder = TempDir::new().unwrap();
    let error = save_setting(folder.path(), "memory", "mem", &text("50%")).unwrap_err();
    assert!(matches!(error, ConfigError::NotAFile { .. }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_that_says_what_follows() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let path = folder.path().join("file/config.toml");
    let message = save_setting(&path, "memory", "mem", &text("50%")).unwrap_err().to_string();
    assert!(message.starts_with(&format!("«{}» cannot be written: ", shown_path(&path))), "{message}");
    assert!(message.ends_with("; the setting holds only until the program ends"), "{message}");
}

/// Lines of settings files, each valid wherever it may be drawn.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        Just("# comment \u{e9}".to_owned()),
        Just(String::new()),
        Just("   ".to_owned()),
        "[a-c]{1,3}".prop_map(|name| format!("[extra.{name}] # of its own")),
        "[k-m]{2}[0-9]".prop_map(|key| format!("{key}  = 'x' # why")),
        Just("[memory]".to_owned()),
        Just("[memory.pressure]".to_owned()),
        Just("[decode] # four".to_owned()),
    ];
    proptest::collection::vec(line, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_text_that_is_saved_is_read_back(value in "\\PC*[^\\pZ\\pC]\\PC*|[\\s\\S]{0,8}x[\\s\\S]{0,8}") {
        let new = saved("# a\n", "metrics", "address", text(&value));
        let config = Config::parse(Path::new("c"), new.as_bytes()).unwrap().config;
        prop_assert_eq!(config.metrics.address.unwrap().text, value);
        prop_assert!(new.starts_with("# a\n"));
    }

    #[test]
    fn any_file_is_edited_well_or_not_at_all(
        pieces in pieces(),
        bytes in proptest::collection::vec(any::<u8>(), 0..48),
    ) {
        for old in [pieces.as_bytes(), &bytes] {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("config.toml");
            fs::write(&path, old).unwrap();
            let result = save_setting(&path, "memory.pressure", "low", &Setting::Whole(1));
            let new = fs::read(&path).unwrap();
            match result {
                Err(_) => prop_assert_eq!(new, old),
                Ok(()) => {
                    let config = Config::parse(&path, &new).unwrap().config;
                    prop_assert_eq!(config.memory.pressure.low, Some(1.0));
                }
            }
            prop_assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn saving_only_ever_adds_lines(lines in lines(), is_windows in any::<bool>()) {
        let end = if is_windows { "\r\n" } else { "\n" };
        let old: String = lines.iter().flat_map(|line| [line.as_str(), end]).collect();
        prop_assume!(Config::parse(Path::new("c"), old.as_bytes()).is_ok());
        let new = saved(&old, "memory", "mem", text("50%"));
        let config = Config::parse(Path::new("c"), new.as_bytes()).unwrap().config;
        prop_assert_eq!(config.memory.mem.unwrap().text, "50%");
        let mut rest = new.split(end);
        for line in &lines {
            prop_assert!(rest.any(|kept| kept == line), "{line:?} of {old:?} is lost in {new:?}");
        }
        prop_assert!(new.len() <= old.len() + "\r\n[memory]\r\nmem = \"50%\"\r\n".len());
        prop_assert_eq!(saved(&new, "memory", "mem", text("50%")), new);
    }
}
