use super::*;
use proptest::prelude::*;

const COMPLETE: &str = r#"
[memory]
mem = "75%"
reserve = "2GiB"
vram = 4294967296
profile = "default"
eviction = "next-use"
clip_cap = "8GiB"
alloc_rate = "2GiB"

[memory.pressure]
low = 70
moderate = 80.5
high = 95
critical = 98
warning_state = 70
critical_state = 85
interval_secs = 1.0
dwell_secs = 5

[decode]
threads = 8

[metrics]
address = "127.0.0.1:9464"
file = "/path"
"#;

fn parse(text: &str) -> Result<Loaded, ConfigError> {
    Config::parse(Path::new("/x/config.toml"), text.as_bytes())
}

fn error_of(bytes: &[u8]) -> String {
    Config::parse(Path::new("c.toml"), bytes).unwrap_err().to_string()
}

fn text(given: &Option<Given>) -> &str {
    &given.as_ref().unwrap().text
}

#[test]
fn an_empty_file_says_nothing() {
    for nothing in ["", "\u{feff}", "# only a comment", "[memory]\n[decode]\n", "memory = {}\r\n"] {
        assert_eq!(parse(nothing).unwrap(), Loaded::default(), "{nothing:?}");
    }
}

#[test]
fn every_key_arrives_where_it_belongs() {
    let Loaded { config, warnings } = parse(COMPLETE).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let memory = &config.memory;
    assert_eq!(
        [&memory.mem, &memory.reserve, &memory.vram, &memory.clip_cap, &memory.alloc_rate].map(text),
        ["75%", "2GiB", "4294967296", "8GiB", "2GiB"]
    );
    assert_eq!([&memory.profile, &memory.eviction].map(text), ["default", "next-use"]);
    let expected = PressureConfig {
        low: Some(70.0),
        moderate: Some(80.5),
        high: Some(95.0),
        critical: Some(98.0),
        warning_state: Some(70.0),
        critical_state: Some(85.0),
        interval_secs: Some(1.0),
        dwell_secs: Some(5.0),
    };
    assert_eq!(memory.pressure, expected);
    assert_eq!(config.decode.threads, Some(8));
    assert_eq!(text(&config.metrics.address), "127.0.0.1:9464");
    assert_eq!(config.metrics.file, Some(PathBuf::from("/path")));
}

#[test]
fn values_carry_their_key_and_their_place() {
    let config =
        parse("memory.mem = '24GiB'\n[memory.pressure]\n[metrics]\n  address = ' a ' # b").unwrap().config;
    let mem = Given { text: "24GiB".into(), key: "memory.mem".into(), place: Place { line: 1, column: 14 } };
    assert_eq!(config.memory.mem, Some(mem));
    let address = config.metrics.address.unwrap();
    assert_eq!((address.key.as_str(), address.text.as_str()), ("metrics.address", " a "));
    assert_eq!(address.place, Place { line: 4, column: 13 });
}

#[test]
fn tables_may_be_written_in_every_way_that_toml_knows() {
    for written in [
        "memory.pressure.low = 42",
        "[memory]\npressure.low = 42",
        "[memory.pressure]\nlow = 42.0",
        "memory = { pressure = { low = 42 } }",
        "\u{feff}[\"memory\".pressure]\r\n'low' = 0x2a\r\n",
    ] {
        assert_eq!(parse(written).unwrap().config.memory.pressure.low, Some(42.0), "{written}");
    }
}

#[test]
fn a_relative_metrics_file_starts_at_the_folder_of_the_settings() {
    let config = parse("[metrics]\nfile = 'out/m.prom'").unwrap().config;
    assert_eq!(config.metrics.file, Some(PathBuf::from("/x/out/m.prom")));
}

#[test]
fn unknown_keys_are_warnings_in_the_order_of_the_file() {
    let loaded =
        parse("[memroy]\nmem = 3\n[memory]\nmen = 3\nvram = 5\n[memory.pressure]\nlwo = 1\n[decode.x]\n");
    let Loaded { config, warnings } = loaded.unwrap();
    assert_eq!(text(&config.memory.vram), "5");
    let memory = "mem, reserve, vram, profile, eviction, clip_cap, alloc_rate, pressure";
    let pressure = "low, moderate, high, critical, warning_state, critical_state, interval_secs, dwell_secs";
    assert_eq!(
        warnings,
        [
            "/x/config.toml:1: unknown key «memroy»; known here: memory, decode, metrics".to_owned(),
            format!("/x/config.toml:4: unknown key «memory.men»; known here: {memory}"),
            format!("/x/config.toml:7: unknown key «memory.pressure.lwo»; known here: {pressure}"),
            "/x/config.toml:8: unknown key «decode.x»; known here: threads".to_owned(),
        ]
    );
}

#[test]
fn a_flood_of_unknown_keys_is_counted_not_listed() {
    let flood: String = (0..50_000).map(|number| format!("k{number} = 1\n")).collect();
    let warnings = parse(&flood).unwrap().warnings;
    assert_eq!(warnings.len(), 21);
    assert!(warnings[0].starts_with("/x/config.toml:1: unknown key «k0»;"));
    assert_eq!(warnings[20], "/x/config.toml: and 49980 more unknown keys");
}

#[test]
fn wrong_types_and_values_say_where_what_and_what_is_allowed() {
    let size = "a size such as \"24GiB\", or a whole number of bytes from 0";
    let address = "an address in quotes such as \"127.0.0.1:9464\"";
    let percent = "a number from 1 to 100 percent";
    let threads = "a whole number from 1 to 1024";
    for (written, place, found, allowed) in [
        ("memory = 3", "1:10: «memory»", "3 (integer)", "a table"),
        ("[[memory]]", "1:3: «memory»", "written as array of tables", "a table"),
        ("[memory]\npressure = []", "2:12: «memory.pressure»", "[] (array)", "a table"),
        ("[memory]\nmem = 0.5", "2:7: «memory.mem»", "0.5 (float)", size),
        ("[memory]\nreserve = -1", "2:11: «memory.reserve»", "-1 (integer)", size),
        ("[memory]\nvram = ' '", "2:8: «memory.vram»", "' ' (string)", size),
        ("[memory]\nclip_cap = true", "2:12: «memory.clip_cap»", "true (boolean)", size),
        ("[memory]\nalloc_rate = { a = 1 }", "2:14: «memory.alloc_rate»", "{ a = 1 } (inline table)", size),
        ("[memory.mem]", "1:9: «memory.mem»", "written as table", size),
        ("[memory]\nmem.x = 1", "2:1: «memory.mem»", "written as table", size),
        (
            "[memory]\nprofile = \"fast\"",
            "2:11: «memory.profile»",
            "\"fast\" (string)",
            "\"default\", \"conservative\"",
        ),
        (
            "[memory]\neviction = 1",
            "2:12: «memory.eviction»",
            "1 (integer)",
            "\"next-use\", \"lru\", \"priority\"",
        ),
        ("[decode]\nthreads = \"8\"", "2:11: «decode.threads»", "\"8\" (string)", threads),
        ("[decode]\nthreads = 0", "2:11: «decode.threads»", "0 (integer)", threads),
        ("[decode]\nthreads = 1025", "2:11: «decode.threads»", "1025 (integer)", threads),
        ("[decode]\nthreads = 8.0", "2:11: «decode.threads»", "8.0 (float)", threads),
        ("[memory.pressure]\nlow = 0.5", "2:7: «memory.pressure.low»", "0.5 (float)", percent),
        ("[memory.pressure]\ncritical = nan", "2:12: «memory.pressure.critical»", "nan (float)", percent),
        ("[memory.pressure]\nhigh = \"95%\"", "2:8: «memory.pressure.high»", "\"95%\" (string)", percent),
        (
            "[memory.pressure]\ninterval_secs = 0",
            "2:17: «memory.pressure.interval_secs»",
            "0 (integer)",
            "a number from 0.1 to 60 seconds",
        ),
        (
            "[memory.pressure]\ndwell_secs = inf",
            "2:14: «memory.pressure.dwell_secs»",
            "inf (float)",
            "a number from 0 to 600 seconds",
        ),
        (
            "[memory.pressure]\nhigh = 90\nlow = 95",
            "2:8: «memory.pressure.high»",
            "90 (integer)",
            "at least «low», which is 95",
        ),
        (
            "[memory.pressure]\nwarning_state = 80\ncritical_state = 79.5",
            "3:18: «memory.pressure.critical_state»",
            "79.5 (float)",
            "at least «warning_state», which is 80",
        ),
        ("[metrics]\naddress = 9464", "2:11: «metrics.address»", "9464 (integer)", address),
        ("[metrics]\nfile = \"\"", "2:8: «metrics.file»", "\"\" (string)", "a path in quotes"),
    ] {
        let message = error_of(written.as_bytes());
        assert_eq!(message, format!("c.toml:{place} is {found}; allowed: {allowed}"), "{written}");
    }
}

#[test]
fn equal_thresholds_and_the_ends_of_the_ranges_are_allowed() {
    let thresholds = "low = 1\nmoderate = 1\ncritical = 100\ninterval_secs = 0.1\ndwell_secs = 0\n";
    let written = format!("[memory.pressure]\n{thresholds}[decode]\nthreads = 1024");
    let config = parse(&written).unwrap().config;
    assert_eq!(config.memory.pressure.critical, Some(100.0));
    assert_eq!(config.decode.threads, Some(1024));
}

#[test]
fn broken_toml_says_where_and_what() {
    for (written, place, found) in [
        ("a = ", "1:5", "the end of the file"),
        ("\n\nmem = lru # x", "3:7", "«lru # x»"),
        ("[memory\nmem = 1", "1:8", "the end of the line"),
        ("[memory]\nmem = 1\nmem = 2", "3:1", "«mem = 2»"),
    ] {
        let message = error_of(written.as_bytes());
        let reason = message
            .strip_prefix(&format!("c.toml:{place}: this is no TOML: "))
            .and_then(|rest| rest.strip_suffix(&format!("; found {found}")));
        assert!(reason.is_some_and(|reason| !reason.is_empty()), "{message}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_named_with_their_place() {
    let message = "c.toml:2:3: byte 0xff is no UTF-8; save the file as UTF-8";
    assert_eq!(error_of(b"# \xc3\xa9\n# \xff"), message);
    assert_eq!(error_of(b"\xff\xfem\0e\0m\0"), "c.toml:1:1: byte 0xff is no UTF-8; save the file as UTF-8");
    assert_eq!(error_of(b"\xef\xbb\xbfa\xc3"), "c.toml:1:2: byte 0xc3 is no UTF-8; save the file as UTF-8");
}

#[test]
fn a_huge_file_is_refused() {
    let largest = vec![b'\n'; MAX_FILE_BYTES];
    assert_eq!(Config::parse(Path::new("c"), &largest).unwrap(), Loaded::default());
    let message = "«c.toml» holds more than 1048576 bytes, which is no settings file; check the path";
    assert_eq!(error_of(&vec![b'\n'; MAX_FILE_BYTES + 1]), message);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let depth = 300_000;
    for nested in [
        format!("a = {}", "[".repeat(depth)),
        format!("a = {}", "{a=".repeat(depth)),
        format!("a = {{{}a = 1}}", "a.".repeat(depth)),
        format!("{}a = 1", "a.".repeat(depth)),
        format!("[{}a]", "a.".repeat(depth)),
    ] {
        assert!(error_of(nested.as_bytes()).contains("this is no TOML: "));
    }
}

#[test]
fn hostile_text_is_escaped_and_cut_in_messages() {
    let hostile = "\"\\u001b[31m\" = 1\n[decode]\n\"\u{202e}\u{9b}x\\n\" = 1";
    let warnings = Config::parse(Path::new("a\x1b[0m\n.toml"), hostile.as_bytes()).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "a\\x1b[0m\\n.toml:1: unknown key «\\x1b[31m»; known here: memory, decode, metrics",
            "a\\x1b[0m\\n.toml:3: unknown key «decode.\\u{202e}\\u{9b}x\\n»; known here: threads",
        ]
    );
    let message = error_of("[memory]\nprofile = \"\u{202e}\u{9b}31m\"".as_bytes());
    assert!(message.contains("is \"\\u{202e}\\u{9b}31m\" (string);"), "{message}");
    let message = error_of(format!("[memory]\nprofile = \"{}\"", "x".repeat(100_000)).as_bytes());
    assert!(message.contains("xxx… (string)") && message.len() < 200, "{message}");
    let message = error_of("[decode]\nthreads = 1 x\u{202e}y".as_bytes());
    assert!(message.contains("x\\u{202e}y»"), "{message}");
    let long_key = format!("{} = 1", "k".repeat(100_000));
    assert!(parse(&long_key).unwrap().warnings[0].len() < 200);
}

fn is_one_safe_line(text: &str) -> bool {
    text == crate::text::shown(text)
}

/// Words of settings files in any order, so that more than the lexer is reached.
pub(in crate::store) fn pieces() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("memory"),
        Just("pressure"),
        Just("mem"),
        Just("low"),
        Just("high"),
        Just("profile"),
        Just("decode"),
        Just("threads"),
        Just("metrics"),
        Just("file"),
        Just("="),
        Just("."),
        Just("["),
        Just("]"),
        Just("[["),
        Just("{"),
        Just("}"),
        Just(","),
        Just("\n"),
        Just("\r\n"),
        Just("\""),
        Just("'''"),
        Just("# \u{202e}"),
        Just("\x1b"),
        Just("1"),
        Just("-9.5e3"),
        Just("nan"),
        Just("\"75%\""),
        Just("é"),
        Just("1979-05-27"),
    ];
    proptest::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

fn check_messages(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Config::parse(Path::new("c"), bytes) {
        Ok(loaded) => prop_assert!(loaded.warnings.iter().all(|line| is_one_safe_line(line))),
        Err(error) => prop_assert!(is_one_safe_line(&error.to_string()), "{error}"),
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_settings_or_an_error_in_one_safe_line(
        bytes in proptest::collection::vec(any::<u8>(), 0..96),
        text in any::<String>(),
        pieces in pieces(),
    ) {
        check_messages(&bytes)?;
        check_messages(text.as_bytes())?;
        check_messages(pieces.as_bytes())?;
    }

    #[test]
    fn any_change_of_one_byte_of_good_settings_is_survived(at in 0..COMPLETE.len(), byte in any::<u8>()) {
        let mut bytes = COMPLETE.as_bytes().to_vec();
        bytes[at] = byte;
        check_messages(&bytes)?;
    }

    #[test]
    fn whole_numbers_are_threads_exactly_within_the_range(count in -2000_i64..4000) {
        let threads = parse(&format!("decode.threads = {count}")).map(|loaded| loaded.config.decode.threads);
        let expected = usize::try_from(count).ok().filter(|count| (1..=1024).contains(count));
        prop_assert_eq!(threads.ok().flatten(), expected);
    }

    #[test]
    fn thresholds_are_taken_exactly_when_they_do_not_fall(given in proptest::array::uniform4(1_u8..=100)) {
        let [low, moderate, high, critical] = given;
        let written = format!(
            "[memory.pressure]\nlow = {low}\nmoderate = {moderate}\nhigh = {high}\ncritical = {critical}"
        );
        prop_assert_eq!(parse(&written).is_ok(), given.is_sorted());
    }
}
