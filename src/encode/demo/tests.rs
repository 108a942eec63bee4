use super::*;

fn options(width: u32, height: u32, frames: u32) -> DemoOptions {
    DemoOptions { width, height, frames, codec: DemoCodec::Zip }
}

/// Samples of all channels, one channel after the other.
fn samples(picture: &ExrPicture) -> Vec<f32> {
    let halves = |channel: &PictureChannel| match &channel.samples {
        Samples::F16(samples) => samples.iter().map(|sample| sample.to_f32()).collect::<Vec<f32>>(),
        _ => unreachable!("the demo is made of halves"),
    };
    picture.channels.iter().flat_map(halves).collect()
}

fn painted(options: &DemoOptions, index: u32) -> Vec<f32> {
    samples(&demo_frame(options, index))
}

/// How many samples differ by more than grain makes them.
fn changes(one: &[f32], other: &[f32]) -> usize {
    one.iter().zip(other).filter(|(one, other)| (*one - *other).abs() > 0.3).count()
}

#[test]
fn the_same_frame_is_the_same() {
    assert_eq!(demo_frame(&options(90, 60, 12), 5), demo_frame(&options(90, 60, 12), 5));
}

#[test]
fn light_goes_from_shadows_to_far_above_white() {
    let frame = painted(&options(320, 180, 24), 3);
    assert!(frame.iter().all(|light| light.is_finite() && *light >= 0.0));
    assert!(frame.iter().any(|light| *light > 7.5));
    assert!(frame.iter().filter(|light| **light < 0.06).count() > 1000);
}

#[test]
fn every_step_shows_and_the_last_leads_to_the_first() {
    let options = options(320, 180, 24);
    let frames: Vec<Vec<f32>> = (0..24).map(|index| painted(&options, index)).collect();
    let steps: Vec<usize> = (0..24).map(|index| changes(&frames[index], &frames[(index + 1) % 24])).collect();
    assert!(steps.iter().all(|step| *step > 500), "{steps:?}");
    let usual = steps[..23].iter().sum::<usize>() / 23;
    assert!((usual / 2..usual * 2).contains(&steps[23]), "{steps:?}");
}

#[test]
fn only_the_texts_tell_two_loops_apart() {
    let options = options(320, 180, 24);
    let (first, again) = (painted(&options, 0), painted(&options, 24));
    let changed: Vec<usize> = (0..320 * 180).filter(|place| first[*place] != again[*place]).collect();
    let in_number = |place: &usize| (117..203).contains(&(place % 320)) && (60..93).contains(&(place / 320));
    let in_time_code = |place: &usize| place % 320 > 250 && (4..16).contains(&(place / 320));
    assert!(changed.iter().all(|place| in_number(place) || in_time_code(place)));
    assert!(changed.iter().filter(|place| in_number(place)).count() > 100);
    assert!(changes(&first, &again) > 100);
}

#[test]
fn the_grain_is_new_in_every_frame() {
    let options = options(64, 64, 8);
    let (one, other) = (painted(&options, 1), painted(&options, 2));
    let bars = 57 * 64..58 * 64;
    assert!(one[bars.clone()].iter().zip(&one[bars.clone()][1..]).any(|(left, right)| left != right));
    assert_ne!(one[bars.clone()], other[bars]);
}

#[test]
fn any_size_and_length_can_be_painted() {
    for (width, height) in [(1, 1), (1, 40), (40, 1), (3, 500), (500, 3), (7, 5)] {
        for frames in [0, 1, 5] {
            let frame = painted(&options(width, height, frames), 8000);
            assert_eq!(frame.len(), (width * height * 3) as usize);
            assert!(frame.iter().all(|light| light.is_finite() && *light >= 0.0));
        }
    }
    assert_eq!(time_code(24 * 3661 + 5), "01:01:01:05");
}

#[test]
fn codecs_go_by_their_names() {
    for codec in DemoCodec::ALL {
        assert_eq!(codec.to_string().to_uppercase().parse::<DemoCodec>().ok(), Some(codec));
    }
    let message = "lz4".parse::<DemoCodec>().unwrap_err().to_string();
    assert!(message.contains("\"lz4\""), "{message}");
    assert!(message.contains("none rle zips zip piz pxr24 b44 b44a dwaa dwab"), "{message}");
    assert_eq!(options(4096, 2160, 48).folder_name(), "demo-4096x2160-48-zip");
}

/// The largest error of a read frame, as a share of the light (of the grey card at least).
fn largest_error(path: &Path, painted: &ExrPicture) -> f32 {
    use exr::prelude::{ReadChannels, ReadLayers};
    let read = exr::prelude::read().no_deep_data().largest_resolution_level().all_channels();
    let image = read.first_valid_layer().all_attributes().from_file(path).unwrap();
    let mut found: Vec<(String, Vec<f32>)> = Vec::new();
    for channel in &image.layer_data.channel_data.list {
        found.push((channel.name.to_string(), channel.sample_data.values_as_f32().collect()));
    }
    found.sort_by(|one, other| other.0.cmp(&one.0));
    let found = found.into_iter().flat_map(|(_, samples)| samples);
    let errors = found.zip(samples(painted)).map(|(found, light)| (found - light).abs() / light.max(0.18));
    errors.fold(0.0, f32::max)
}

#[test]
fn every_codec_can_be_read_back() {
    let dir = tempfile::tempdir().unwrap();
    for codec in DemoCodec::ALL {
        let options = DemoOptions { codec, ..options(75, 50, 1) };
        let paths = write_demo_sequence(&dir.path().join(codec.name()), &options, &mut |_, _| {}).unwrap();
        let error = largest_error(&paths[0], &demo_frame(&options, 0));
        let allowed = match codec {
            DemoCodec::B44 | DemoCodec::B44a | DemoCodec::Dwaa | DemoCodec::Dwab => 0.5,
            _ => 0.0,
        };
        assert!(error <= allowed, "{codec}: {error}");
    }
}

#[test]
fn an_interrupted_sequence_is_completed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("cache/demo");
    let mut told = Vec::new();
    let options = options(16, 16, 5);
    let paths = write_demo_sequence(&dir, &options, &mut |done, total| told.push((done, total))).unwrap();
    assert_eq!(told, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
    assert_eq!(paths[0], dir.join("demo.1001.exr"));
    assert_eq!(paths[4], dir.join("demo.1005.exr"));

    let second = fs::read(&paths[1]).unwrap();
    fs::remove_file(&paths[1]).unwrap();
    fs::write(&paths[2], "kept").unwrap();
    assert_eq!(write_demo_sequence(&dir, &options, &mut |_, _| {}).unwrap(), paths);
    assert_eq!(fs::read(&paths[1]).unwrap(), second);
    assert_eq!(fs::read(&paths[2]).unwrap(), b"kept");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 5);
}

#[test]
fn impossible_sequences_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for wrong in [options(0, 9, 1), options(9, 20_000, 1), options(9, 9, 200_000)] {
        let error = write_demo_sequence(dir.path(), &wrong, &mut |_, _| {}).unwrap_err();
        assert!(error.to_string().contains("16384"), "{error}");
    }
    assert_eq!(
        write_demo_sequence(dir.path(), &options(9, 9, 0), &mut |_, _| {}).unwrap(),
        Vec::<PathBuf>::new()
    );
    fs::write(dir.path().join("file"), "").unwrap();
    let error = write_demo_sequence(&dir.path().join("file"), &options(9, 9, 1), &mut |_, _| {}).unwrap_err();
    assert!(matches!(error, EncodeError::Io { .. }));
}
