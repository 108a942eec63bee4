//! The rules of grouping on names in memory, then listing and relisting on a disk.

use super::group::{Group, group};
use super::pattern::readings;
use super::*;
use proptest::prelude::*;
use std::ffi::OsString;
use std::fs::File;

/// Groups names and describes each group: `shot.####.exr 1001,1002` or the single name.
fn grouped(names: &[&str]) -> Vec<String> {
    describe(group(names.iter().map(OsString::from).collect()))
}

fn describe(groups: Vec<Group>) -> Vec<String> {
    let numbers = |set: &FrameSet| -> Vec<String> { set.frames.iter().map(|(n, _)| n.to_string()).collect() };
    let describe = |group| match group {
        Group::Frames(set) => format!("{} {}", set.stem.pattern(), numbers(&set).join(",")),
        Group::Single(name) => crate::text::shown_path(name),
    };
    groups.into_iter().map(describe).collect()
}

fn names(prefix: &str, range: RangeInclusive<i64>, padding: usize) -> Vec<OsString> {
    range.map(|n| format!("{prefix}{n:0padding$}.exr").into()).collect()
}

fn sequence_of(names: Vec<OsString>) -> Sequence {
    let mut groups = group(names);
    assert_eq!(groups.len(), 1, "{groups:?}");
    match groups.remove(0) {
        Group::Frames(set) => Sequence::new(Path::new("dir"), set),
        single => panic!("{single:?}"),
    }
}

fn folder(names: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    names.iter().for_each(|name| drop(File::create(dir.path().join(name)).unwrap()));
    dir
}

fn listed(dir: &Path) -> Vec<String> {
    let describe = |media: &Media| match media {
        Media::Sequence(sequence) => sequence.span_name(),
        Media::File(path) => path.file_name().unwrap().to_str().unwrap().to_owned(),
    };
    list(dir).unwrap().entries.iter().map(describe).collect()
}

#[test]
fn frames_keep_the_names_they_were_found_with() {
    let names = [names("image_", 999..=1001, 4), names("image_", 9999..=10001, 4)].concat();
    let sequence = sequence_of(names.clone());
    let found: Vec<_> = sequence.frames().iter().map(|frame| frame.path.clone()).collect();
    assert_eq!(found, names.iter().map(|name| Path::new("dir").join(name)).collect::<Vec<_>>());
    assert_eq!(sequence.file(1000).unwrap().path, Path::new("dir/image_1000.exr"));
    assert_eq!(sequence.file(1002), None);
}

#[test]
fn grouping_does_not_depend_on_the_order_of_names() {
    let mut shuffled = names("shot.", 1..=5000, 4);
    shuffled.sort_by_key(|name| name.as_encoded_bytes().iter().rev().copied().collect::<Vec<u8>>());
    let sequence = sequence_of(shuffled);
    assert_eq!((sequence.first(), sequence.last(), sequence.gaps().len()), (1, 5000, 0));
    assert_eq!(sequence.pattern(), "shot.####.exr");
}

#[test]
fn a_leading_zero_proves_the_padding_and_wider_numbers_belong() {
    assert_eq!(grouped(&["a.9999.exr", "a.10000.exr", "a.0998.exr"]), ["a.####.exr 998,9999,10000"]);
    assert_eq!(grouped(&["a.00950.exr", "a.01202.exr"]), ["a.#####.exr 950,1202"]);
}

#[test]
fn mixed_widths_without_leading_zero_are_one_unpadded_sequence() {
    assert_eq!(grouped(&["a.998.exr", "a.999.exr", "a.1000.exr"]), ["a.#.exr 998,999,1000"]);
    assert_eq!(grouped(&["a.1.exr", "a.0.exr"]), ["a.#.exr 0,1"]);
    assert_eq!(grouped(&["a.1001.exr", "a.1002.exr"]), ["a.####.exr 1001,1002"]);
}

#[test]
fn two_paddings_in_one_folder_are_two_sequences() {
    let names = ["a.0001.exr", "a.0002.exr", "a.1.exr", "a.2.exr", "a.00001.exr", "a.00002.exr"];
    assert_eq!(grouped(&names), ["a.#####.exr 1,2", "a.####.exr 1,2", "a.#.exr 1,2"]);
    assert_eq!(grouped(&["a.0001.exr", "a.1.exr"]), ["a.0001.exr", "a.1.exr"]);
}

#[test]
fn a_sign_counts_in_the_width() {
    assert_eq!(
        grouped(&["a.-012.tif", "a.-001.tif", "a.0000.tif", "a.0012.tif"]),
        ["a.####.tif -12,-1,0,12"]
    );
    assert_eq!(grouped(&["a.-10.tif", "a.-5.tif", "a.0.tif", "a.5.tif"]), ["a.#.tif -10,-5,0,5"]);
    let sequence = sequence_of(names("a.", -20..=20, 4));
    assert_eq!(
        (sequence.name_of_missing(-21), sequence.name_of_missing(21)),
        ("a.-021.exr".into(), "a.0021.exr".into())
    );
}

#[test]
fn a_dash_after_a_letter_or_a_date_separates() {
    assert_eq!(grouped(&["shot-0001.exr", "shot-0002.exr"]), ["shot-####.exr 1,2"]);
    let dated = ["name_2025-05-13_0001.exr", "name_2025-05-13_0002.exr"];
    assert_eq!(grouped(&dated), ["name_2025-05-13_####.exr 1,2"]);
}

#[test]
fn of_several_numbers_the_last_that_varies_is_the_frame() {
    assert_eq!(
        grouped(&["sh010_1001_denoised.exr", "sh010_1002_denoised.exr"]),
        ["sh010_####_denoised.exr 1001,1002"]
    );
    assert_eq!(grouped(&["a.1001.pass2.exr", "a.1002.pass2.exr"]), ["a.####.pass2.exr 1001,1002"]);
    assert_eq!(grouped(&["1001.exr", "1002.exr"]), ["####.exr 1001,1002"]);
    assert_eq!(
        grouped(&["s_1_1.exr", "s_1_2.exr", "s_2_1.exr", "s_2_2.exr"]),
        ["s_1_#.exr 1,2", "s_2_#.exr 1,2"]
    );
}

#[test]
fn a_version_is_never_the_frame_beside_another_number() {
    assert_eq!(
        grouped(&["shot_v002.1001.exr", "shot_v003.1001.exr"]),
        ["shot_v002.1001.exr", "shot_v003.1001.exr"]
    );
    let asteroids =
        ["asteroid_V01.0001.exr", "asteroid_V01.0002.exr", "asteroid_V02.0001.exr", "asteroid_V02.0002.exr"];
    assert_eq!(grouped(&asteroids), ["asteroid_V01.####.exr 1,2", "asteroid_V02.####.exr 1,2"]);
    assert_eq!(grouped(&["look_v1.exr", "look_v2.exr"]), ["look_v#.exr 1,2"]);
}

#[test]
fn a_measure_is_the_frame_only_where_nothing_else_varies() {
    let names = ["p_1001_2k.exr", "p_1002_2k.exr", "p_1001_4k.exr", "p_1002_4k.exr"];
    assert_eq!(grouped(&names), ["p_####_2k.exr 1001,1002", "p_####_4k.exr 1001,1002"]);
    assert_eq!(grouped(&["4k_plate.1001.exr", "4k_plate.1002.exr"]), ["4k_plate.####.exr 1001,1002"]);
}

#[test]
fn double_endings_and_no_endings_make_sequences_too() {
    assert_eq!(grouped(&["a.01.tar.gz", "a.02.tar.gz"]), ["a.##.tar.gz 1,2"]);
    assert_eq!(grouped(&["image.1001", "image.1002"]), ["image.#### 1001,1002"]);
    assert_eq!(
        grouped(&["song.mp3", "song.mp4", "take1.mov", "take2.mov"]),
        ["song.mp3", "song.mp4", "take1.mov", "take2.mov"]
    );
}

#[test]
fn a_stepped_render_keeps_its_numbers_and_gaps() {
    let sequence = sequence_of([1, 11, 21, 31, 88, 89, 90].map(|n| format!("a.{n:04}.exr").into()).to_vec());
    assert_eq!(sequence.gaps(), [2..=10, 12..=20, 22..=30, 32..=87]);
    assert_eq!((sequence.first(), sequence.last(), sequence.frames().len()), (1, 90, 7));
}

#[test]
fn case_and_foreign_bytes_are_kept_apart_exactly() {
    assert_eq!(grouped(&["a.1.EXR", "a.2.EXR", "a.1.exr", "a.2.exr"]), ["a.#.EXR 1,2", "a.#.exr 1,2"]);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_unicode_make_sequences() {
    use std::os::unix::ffi::OsStringExt;
    let names = [b"gr\xf6\xdfe\x1b.0001.exr".to_vec(), b"gr\xf6\xdfe\x1b.0002.exr".to_vec()];
    let sequence = sequence_of(names.iter().cloned().map(OsString::from_vec).collect());
    assert_eq!(sequence.pattern(), "gr\\xf6\\xdfe\\x1b.####.exr");
    assert_eq!(sequence.name_of_missing(3), "gr\\xf6\\xdfe\\x1b.0003.exr");
    assert_eq!(sequence.frames()[0].path, Path::new("dir").join(OsString::from_vec(names[0].clone())));
}

#[test]
fn numbers_too_far_apart_are_no_sequence() {
    assert_eq!(
        grouped(&["a_1.exr", "a_2.exr", "a_1699999999999.exr"]),
        ["a_#.exr 1,2", "a_1699999999999.exr"]
    );
    assert_eq!(
        grouped(&["a_1.exr", "a_99999999999999999999.exr"]),
        ["a_1.exr", "a_99999999999999999999.exr"]
    );
}

#[test]
fn a_hundred_thousand_names_group_in_one_pass() {
    let mut many = names("sh010_v003_beauty.", 1..=100_000, 4);
    many.extend(names("sh010_v003_depth.", 1..=1000, 4));
    let groups = group(many);
    let lens: Vec<usize> = groups
        .iter()
        .map(|group| match group {
            Group::Frames(set) => set.frames.len(),
            Group::Single(_) => 1,
        })
        .collect();
    assert_eq!(lens, [100_000, 1000]);
}

#[test]
fn a_pattern_reads_back_to_the_same_sequence() {
    for (range, padding) in [(1..=12, 4), (998..=1002, 1), (-20..=20, 4), (9998..=10002, 4), (1001..=1010, 1)]
    {
        let names = names("x.", range, padding);
        let sequence = sequence_of(names.clone());
        let readings = readings(sequence.pattern().as_bytes());
        let sets = readings[0].frame_sets(&names);
        assert_eq!(
            sets.into_iter().map(|set| Sequence::new(Path::new("dir"), set)).collect::<Vec<_>>(),
            [sequence]
        );
    }
}

#[test]
fn a_folder_lists_images_and_movies_in_natural_order() {
    let names = [
        "shot10.0001.exr",
        "shot10.0002.exr",
        "shot2.0001.exr",
        "shot2.0002.exr",
        "still.PNG",
        "take1.mov",
        "take2.mov",
        "notes.txt",
        "scene.blend1",
        ".thumb.0001.jpg",
        ".thumb.0002.jpg",
        "lone.0001.exr",
    ];
    let dir = folder(&names);
    std::fs::create_dir(dir.path().join("sub")).unwrap();
    File::create(dir.path().join("sub/deep.exr")).unwrap();
    let expected = [
        "lone.0001.exr",
        "shot2.0001-0002.exr",
        "shot10.0001-0002.exr",
        "still.PNG",
        "take1.mov",
        "take2.mov",
    ];
    assert_eq!(listed(dir.path()), expected);
}

#[test]
fn an_absent_folder_is_told_with_its_path() {
    let said = list(Path::new("/nowhere\x1b/at all")).unwrap_err().to_string();
    assert!(said.starts_with("cannot read /nowhere\\x1b/at all: "), "{said}");
}

#[test]
fn a_growing_sequence_is_relisted() {
    let dir = folder(&["a.1001.exr", "a.1002.exr", "b.1001.exr"]);
    let Media::Sequence(before) = list(dir.path()).unwrap().entries.remove(0) else { panic!() };
    assert_eq!(before.relist().unwrap(), before);
    for name in ["a.999.exr", "a.1003.exr", "a.10000.exr", "a.000001.exr"] {
        File::create(dir.path().join(name)).unwrap();
    }
    let after = before.relist().unwrap();
    assert_eq!(
        after.frames().iter().map(|frame| frame.number).collect::<Vec<_>>(),
        [999, 1001, 1002, 1003, 10000]
    );
    let limited = before.within(&RangeSet::parse("1002-1005").unwrap()).unwrap().relist().unwrap();
    assert_eq!((limited.first(), limited.last()), (1002, 1003));
}

#[test]
fn a_sequence_that_has_vanished_cannot_be_relisted() {
    let dir = folder(&["a.1001.exr", "a.1002.exr"]);
    let Media::Sequence(sequence) = list(dir.path()).unwrap().entries.remove(0) else { panic!() };
    std::fs::remove_file(dir.path().join("a.1001.exr")).unwrap();
    std::fs::remove_file(dir.path().join("a.1002.exr")).unwrap();
    assert!(matches!(sequence.relist(), Err(SequenceError::NoMatch { .. })));
    drop(dir);
    assert!(matches!(sequence.relist(), Err(SequenceError::Unreadable { .. })));
}

proptest! {
    #[test]
    fn names_written_from_a_range_scan_to_that_range(
        first in -12_000i64..12_000, frames in 2i64..60, step in 1usize..12, padding in 1usize..7,
        prefix in "[a-z]{0,3}[._]|sh010_|sh[0-9]{3}_v[0-9]{2}[.]|2025-05-13_", suffix in "[.](exr|jp2)|_4k[.]exr|"
    ) {
        let numbers: Vec<i64> = (first..).step_by(step).take(frames as usize).collect();
        let names: Vec<OsString> = numbers.iter().map(|n| format!("{prefix}{n:0padding$}{suffix}").into()).collect();
        let sequence = sequence_of(names.clone());
        let found: Vec<i64> = sequence.frames().iter().map(|frame| frame.number).collect();
        prop_assert_eq!(&found, &numbers);
        let missing = numbers.iter().map(|&n| OsString::from(sequence.name_of_missing(n)));
        prop_assert!(missing.eq(names), "{}", sequence.pattern());
    }

    #[test]
    fn grouping_loses_and_doubles_no_name(
        names in proptest::collection::btree_set("[ab]?[-._v]?[0-9]{0,3}[-._]?[0-9]{0,2}(.exr)?", 0..40)
    ) {
        let mut seen = Vec::new();
        for group in group(names.iter().map(OsString::from).collect()) {
            match group {
                Group::Single(name) => seen.push(name),
                Group::Frames(set) => {
                    prop_assert!(set.frames.len() > 1 && set.frames.windows(2).all(|pair| pair[0].0 < pair[1].0));
                    seen.extend(set.frames.into_iter().map(|(_, name)| name));
                }
            }
        }
        seen.sort();
        prop_assert_eq!(seen, names.into_iter().map(OsString::from).collect::<Vec<_>>());
    }

    #[test]
    fn no_argument_and_no_name_makes_the_rules_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..24), text in "[-#@%$F0-9dx,.<>UDIM()*?=a]{0,24}"
    ) {
        for name in [bytes, text.into_bytes()] {
            let found = [name::os_string(&name), "a.1.exr".into()];
            for reading in readings(&name) {
                reading.frame_sets(&found);
                reading.other_padding(&found);
                reading.tiles(&found);
            }
            argument::Typed::read(&found[0]);
            prop_assert!(pattern::glob_matches(b"*", &name) != name.starts_with(b"."));
            prop_assert!(!group(found.to_vec()).is_empty());
        }
    }
}
