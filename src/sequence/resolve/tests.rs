//! Arguments against folders on a disk.

use super::*;
use std::fs::File;
use tempfile::TempDir;

struct Shelf(TempDir);

impl Shelf {
    fn new(names: &[&str]) -> Shelf {
        let dir = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| drop(File::create(dir.path().join(name)).unwrap()));
        Shelf(dir)
    }

    fn frames(prefix: &str, range: RangeInclusive<i64>, padding: usize) -> Shelf {
        let names: Vec<String> = range.map(|n| format!("{prefix}{n:0padding$}.exr")).collect();
        Shelf::new(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn path(&self, name: &str) -> OsString {
        self.0.path().join(name).into()
    }

    /// Ranges are handed over as they are, all else as a path into the folder.
    fn resolve_with(&self, args: &[&str], single: bool) -> (Vec<Resolved>, Vec<SequenceError>) {
        let is_range = |arg: &str| {
            arg.bytes().all(|b| b"0123456789-,x".contains(&b)) && !self.0.path().join(arg).exists()
        };
        let argument = |arg: &&str| {
            if is_range(arg) { OsString::from(arg) } else { self.path(arg) }
        };
        resolve(&args.iter().map(argument).collect::<Vec<_>>(), &ResolveOptions { single })
    }

    fn resolve(&self, args: &[&str]) -> Vec<Resolved> {
        let (resolved, errors) = self.resolve_with(args, false);
        assert!(errors.is_empty(), "{errors:?}");
        resolved
    }

    /// `a.1-3.exr[1-5]@2`: span, range, frame opened at.
    fn opened(&self, args: &[&str]) -> Vec<String> {
        self.resolve(args).iter().map(described).collect()
    }

    fn error(&self, args: &[&str]) -> String {
        let (resolved, errors) = self.resolve_with(args, false);
        assert!(resolved.is_empty() && errors.len() == 1, "{resolved:?} {errors:?}");
        errors[0].to_string()
    }
}

fn described(resolved: &Resolved) -> String {
    let mut text = match &resolved.media {
        Media::Sequence(sequence) => sequence.span_name(),
        Media::File(path) => format!("file {}", path.file_name().unwrap().to_str().unwrap()),
    };
    if let Some(range) = &resolved.range {
        text += &format!("[{}..{}]", range.start(), range.end());
    }
    if let Some(number) = resolved.opened_at {
        text += &format!("@{number}");
    }
    text
}

fn numbers(resolved: &Resolved) -> Vec<i64> {
    match &resolved.media {
        Media::Sequence(sequence) => sequence.frames().iter().map(|frame| frame.number).collect(),
        Media::File(path) => panic!("{path:?}"),
    }
}

#[test]
fn one_member_opens_its_sequence_at_that_frame() {
    let shelf = Shelf::frames("shot_v003.", 1001..=1005, 4);
    assert_eq!(shelf.opened(&["shot_v003.1003.exr"]), ["shot_v003.1001-1005.exr@1003"]);
    assert_eq!(
        shelf.resolve_with(&["shot_v003.1003.exr"], true).0.iter().map(described).collect::<Vec<_>>(),
        ["file shot_v003.1003.exr"]
    );
}

#[test]
fn a_file_without_siblings_is_a_file() {
    let shelf = Shelf::new(&["lone.1001.exr", "clip_001.mov", "clip_002.mov", "plain"]);
    assert_eq!(
        shelf.opened(&["lone.1001.exr", "clip_001.mov", "plain"]),
        ["file lone.1001.exr", "file clip_001.mov", "file plain"]
    );
}

#[test]
fn the_ending_does_not_matter_for_what_is_named() {
    let shelf = Shelf::new(&["grid.0001.dat", "grid.0002.dat", ".thumb.1", ".thumb.2"]);
    assert_eq!(shelf.opened(&["grid.0001.dat", ".thumb.2"]), ["grid.0001-0002.dat@1", ".thumb.1-2@2"]);
}

#[test]
fn every_notation_opens_the_sequence() {
    let shelf = Shelf::frames("shot.", 998..=1002, 4);
    for pattern in [
        "shot.#.exr",
        "shot.####.exr",
        "shot.@@@@.exr",
        "shot.%04d.exr",
        "shot.$F4.exr",
        "shot.*.exr",
        "shot.????.exr",
    ] {
        assert_eq!(shelf.opened(&[pattern]), ["shot.0998-1002.exr"], "{pattern}");
    }
    let shelf = Shelf::frames("shot.", 998..=1002, 1);
    for pattern in ["shot.#.exr", "shot.@.exr", "shot.%d.exr", "shot.%03d.exr", "shot.$F.exr", "shot.###.exr"]
    {
        assert_eq!(numbers(&shelf.resolve(&[pattern])[0]), [998, 999, 1000, 1001, 1002], "{pattern}");
    }
}

#[test]
fn exact_digits_take_wider_numbers_only_after_the_last_that_fits() {
    let shelf = Shelf::frames("a.", 9998..=10001, 4);
    assert_eq!(shelf.opened(&["a.####.exr"]), ["a.9998-10001.exr"]);
    let shelf = Shelf::frames("a.", 10_000..=10_001, 4);
    assert!(shelf.resolve(&["a.####.exr"])[0].notice.is_some());
    assert!(shelf.resolve(&["a.%04d.exr"])[0].notice.is_none());
}

#[test]
fn another_padding_than_asked_for_is_opened_and_told() {
    let shelf = Shelf::frames("shot.", 950..=1202, 5);
    let resolved = shelf.resolve(&["shot.####.exr"]);
    assert_eq!(
        resolved[0].notice.as_deref(),
        Some("no file matches shot.####.exr (4 digits); found shot.00950-01202.exr (5 digits), opened that")
    );
    let names = ["a.00000001.exr", "a.00000002.exr", "a.001.exr", "a.002.exr", "a.003.exr"];
    let resolved = Shelf::new(&names).resolve(&["a.##.exr"]);
    assert_eq!(described(&resolved[0]), "a.00000001-00000002.exr");
    assert!(
        Shelf::new(&["a.1.exr"]).resolve(&["a.##.exr"])[0].notice.as_ref().unwrap().contains("(unpadded)")
    );
}

#[test]
fn any_width_opens_each_padding_as_a_clip() {
    let shelf = Shelf::new(&["a.0001.exr", "a.0002.exr", "a.1.exr", "a.2.exr"]);
    assert_eq!(shelf.opened(&["a.#.exr"]), ["a.1-2.exr", "a.0001-0002.exr"]);
    assert_eq!(shelf.opened(&["a.%d.exr"]), ["a.1-2.exr"]);
    assert_eq!(shelf.opened(&["a.%04d.exr"]), ["a.0001-0002.exr"]);
}

#[test]
fn a_range_stands_inline_after_an_equals_sign_or_in_the_next_argument() {
    let shelf = Shelf::frames("shot.", 1001..=1040, 4);
    for args in [
        &["shot.1010-1100#.exr"][..],
        &["shot.1010-1100####.exr"],
        &["shot.####.exr=1010-1100"],
        &["shot.####.exr", "1010-1100"],
        &["shot.#.exr", "1100-1010"],
    ] {
        assert_eq!(shelf.opened(args), ["shot.1010-1040.exr[1010..1100]"], "{args:?}");
    }
    assert_eq!(shelf.opened(&["shot.1020.exr", "1010-1030"]), ["shot.1010-1030.exr[1010..1030]@1020"]);
    assert_eq!(shelf.opened(&["shot.1001.exr=1010-1030"]), ["shot.1010-1030.exr[1010..1030]"]);
}

#[test]
fn steps_and_lists_choose_frames() {
    let shelf = Shelf::frames("shot.", 1..=40, 4);
    let resolved = shelf.resolve(&["shot.1-100x10#.exr"]);
    assert_eq!((numbers(&resolved[0]), resolved[0].range.clone()), (vec![1, 11, 21, 31], Some(1..=91)));
    assert_eq!(numbers(&shelf.resolve(&["shot.1,3,5#.exr"])[0]), [1, 3, 5]);
    assert_eq!(numbers(&shelf.resolve(&["shot.1-2,39-50#.exr"])[0]), [1, 2, 39, 40]);
}

#[test]
fn ranges_may_be_negative() {
    let shelf = Shelf::frames("a.", -12..=3, 4);
    assert_eq!(numbers(&shelf.resolve(&["a.-3-1#.exr"])[0]), [-3, -2, -1, 0, 1]);
    assert_eq!(numbers(&shelf.resolve(&["a.-10--8####.exr"])[0]), [-10, -9, -8]);
}

#[test]
fn a_number_before_the_hashes_is_part_of_the_name() {
    let shelf = Shelf::new(&["take2001.exr", "take2002.exr", "day1-2001.exr", "day1-2002.exr"]);
    assert_eq!(shelf.opened(&["take2###.exr"]), ["take2001-002.exr"]);
    assert_eq!(shelf.opened(&["day1-2###.exr"]), ["day1-2001-002.exr"]);
}

#[test]
fn a_file_named_like_a_pattern_or_range_is_that_file() {
    let odd = [
        "Phone#1.json",
        "a[1-2].exr",
        "what?.exr",
        "100%d.exr",
        "it's *.exr",
        "$F4.exr",
        "x@2.exr",
        "a=1-5",
        "{n}%s%n%x.exr",
    ];
    for name in odd {
        let shelf = Shelf::new(&[name, "a1.exr"]);
        assert_eq!(shelf.opened(&[name]), [format!("file {name}")]);
    }
    let shelf = Shelf::new(&["1-50", "a.1.exr", "a.2.exr"]);
    assert_eq!(shelf.opened(&["a.#.exr", "1-50"]), ["a.1-2.exr", "file 1-50"]);
}

#[test]
fn odd_names_make_sequences_too() {
    let odd = ["[a]", "a*", "a?", "{a}", "100%", "a# b", "$F", "a@", "%n%s%x", "a\nb", "-"];
    for prefix in odd {
        let shelf = Shelf::frames(&format!("{prefix}."), 1..=3, 4);
        let expected = crate::text::shown(format!("{prefix}.0001-0003.exr"));
        assert_eq!(shelf.opened(&[&format!("{prefix}.####.exr")]), std::slice::from_ref(&expected));
        assert_eq!(shelf.opened(&[&format!("{prefix}.0002.exr")]), [format!("{expected}@2")]);
    }
}

#[test]
fn a_token_that_finds_nothing_gives_way_to_an_earlier_one() {
    let shelf = Shelf::new(&["shot.0001@2x.exr", "shot.0002@2x.exr"]);
    assert_eq!(shelf.opened(&["shot.####@2x.exr"]), ["shot.0001-0002@2x.exr"]);
}

#[test]
fn members_listed_by_a_shell_are_one_clip_in_the_order_of_arguments() {
    let shelf = Shelf::new(&["b.1.exr", "b.2.exr", "a.1.exr", "a.2.exr", "a.3.exr", "c.png"]);
    assert_eq!(
        shelf.opened(&["c.png", "b.1.exr", "a.1.exr", "a.2.exr", "a.3.exr", "b.2.exr"]),
        ["file c.png", "b.1-2.exr", "a.1-3.exr"]
    );
    assert_eq!(shelf.opened(&["a.3.exr", "a.1.exr"]), ["a.1-3.exr"]);
    assert_eq!(numbers(&shelf.resolve(&["a.3.exr", "a.1.exr"])[0]), [1, 3]);
    assert_eq!(shelf.opened(&["a.2.exr", "a.2.exr"]), ["a.1-3.exr@2"]);
    assert_eq!(shelf.opened(&["*.exr"]), ["a.1-3.exr", "b.1-2.exr"]);
}

#[test]
fn a_range_belongs_to_the_argument_before() {
    let shelf = Shelf::new(&["a.1.exr", "a.2.exr", "b.1.exr", "b.2.exr"]);
    assert_eq!(shelf.opened(&["a.#.exr", "b.#.exr", "2-5"]), ["a.1-2.exr", "b.2.exr[2..5]"]);
    let (resolved, errors) = shelf.resolve_with(&["gone.#.exr", "2-5", "a.#.exr"], false);
    assert_eq!((resolved.len(), errors.len()), (1, 1));
    assert!(shelf.error(&["a.#.exr", "7-9"]).contains("frames 7-9 of a.#.exr; found a.1-2.exr"));
}

#[test]
fn tiles_are_stills_and_never_time() {
    let shelf = Shelf::new(&["wood.1002.exr", "wood.1001.exr", "wood.2001.exr", "wood.01003.exr"]);
    for pattern in ["wood.<UDIM>.exr", "wood.%(UDIM)d.exr"] {
        assert_eq!(shelf.opened(&[pattern]), ["file wood.1001.exr", "file wood.1002.exr"]);
        assert!(shelf.resolve(&[pattern])[0].notice.as_ref().unwrap().contains("2 as stills"));
    }
}

#[test]
fn numbered_movies_are_a_clip_each() {
    let shelf = Shelf::new(&["take_01.mov", "take_02.mov", "take_03.mov"]);
    assert_eq!(shelf.opened(&["take_##.mov"]), ["file take_01.mov", "file take_02.mov", "file take_03.mov"]);
    assert_eq!(shelf.opened(&["take_2-3##.mov"]), ["file take_02.mov", "file take_03.mov"]);
}

#[test]
fn a_folder_gives_all_that_it_lists() {
    let shelf = Shelf::new(&["b.mov", "a.1.exr", "a.2.exr", "notes.txt"]);
    assert_eq!(shelf.opened(&[""]), ["a.1-2.exr", "file b.mov"]);
    let said = Shelf::new(&["notes.txt", ".hidden.exr"]).error(&[""]);
    assert!(
        said.contains("found no image or movie in the folder") && said.contains("2 other entries"),
        "{said}"
    );
}

#[test]
fn an_address_of_a_file_manager_is_a_path() {
    let shelf = Shelf::new(&["a b#.exr"]);
    let address = format!("file://{}/a%20b%23.exr", shelf.0.path().display());
    let (resolved, errors) = resolve(&[address.into()], &ResolveOptions::default());
    assert_eq!((described(&resolved[0]), errors.len()), ("file a b#.exr".into(), 0));
}

#[test]
fn a_pattern_without_match_tells_what_is_there() {
    let shelf = Shelf::new(&["shot.1001.exr", "shot.1002.exr", "other.exr", "shot_a.mov"]);
    let said = shelf.error(&["Shot.####.png"]);
    assert!(
        said.contains("no file matches ") && said.contains("found shot.1001-1002.exr, shot_a.mov; check"),
        "{said}"
    );
    let said = shelf.error(&["shot.1003.exr"]);
    assert!(said.contains("shot.1003.exr; found shot.1001-1002.exr"), "{said}");
    assert!(shelf.error(&["xyz\x1b.exr"]).contains("xyz\\x1b.exr; found nothing like it in that folder"));
    assert!(shelf.error(&["absent/shot.#.exr"]).starts_with("cannot read "));
}

#[test]
fn hostile_numbers_are_refused_without_a_loop() {
    let shelf = Shelf::frames("a.", 1..=3, 4);
    assert!(shelf.error(&["a.1-99999999999999999999#.exr"]).starts_with("cannot use the range 1-9999"));
    assert!(
        shelf
            .error(&["a.#.exr=-9000000000000000000-9000000000000000000"])
            .starts_with("cannot use the range")
    );
    assert!(shelf.error(&["a.1-3x0#.exr"]).contains("step is zero"));
    for pattern in [
        "a.%01000000d.exr".into(),
        "a.%099999999999999999999d.exr".into(),
        "a.$F99999.exr".into(),
        "a.".to_owned() + &"#".repeat(1_000_000),
    ] {
        assert!(shelf.error(&[&pattern]).len() < 500);
    }
}

#[cfg(unix)]
mod unix;
