//! Paths without a file, files that change under the decoder, files with another's ending.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rushes::decode::{self, DecodeEnd, DecodeError, Decoder, FileDecoder, PlaneRequest};
use rushes::encode::DemoCodec;
use rushes::frame::{FrameMemory, Role};

use crate::seeds;
use crate::verdict::{Verdict, judge, request};

fn decode(path: &Path) -> DecodeEnd {
    let channels = vec![("R".to_string(), Role::Red)];
    let planes = PlaneRequest { part: 0, part_name: None, channels, mixes_chroma: false };
    let mut memory = FrameMemory::allocate(1 << 20).expect("memory");
    FileDecoder::default().decode(&request(path, &planes), &mut memory)
}

fn is_io(end: &DecodeEnd) -> bool {
    matches!(end, DecodeEnd::Failed(DecodeError::Io { .. }))
}

#[test]
fn a_missing_file_is_an_error_of_the_system() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nothing.0001.exr");
    assert!(is_io(&decode(&path)));
    let Err(DecodeError::Io { reason }) = decode::probe(&path) else { panic!("it was found") };
    assert!(reason.starts_with("nothing.0001.exr: "), "{reason}");
}

#[test]
fn a_folder_is_no_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("folder.exr");
    std::fs::create_dir(&path).expect("a folder");
    assert!(decode::probe(&path).is_err());
    assert!(matches!(decode(&path), DecodeEnd::Failed(_)));
}

#[cfg(unix)]
#[test]
fn devices_and_loops_of_links_are_no_pictures() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("loop.exr");
    std::os::unix::fs::symlink(&link, &link).expect("a link to itself");
    for path in [Path::new("/dev/zero"), Path::new("/dev/null"), &link] {
        assert!(decode::probe(path).is_err(), "{}", path.display());
        assert!(matches!(decode(path), DecodeEnd::Failed(_)), "{}", path.display());
    }
}

#[test]
fn a_file_that_vanishes_after_it_was_probed_fails_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = seeds::scan_lines(folder.path(), 40, 33, &[DemoCodec::Zip]).remove(0);
    let before = judge(&path);
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(&path, &elsewhere).expect("it moves");
    assert!(is_io(&decode(&path)));
    std::fs::rename(&elsewhere, &path).expect("it moves back");
    assert_eq!(judge(&path), before);
}

#[test]
fn a_rewritten_file_decodes_to_its_new_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let codecs = [DemoCodec::Zip, DemoCodec::Piz];
    let files = seeds::scan_lines(folder.path(), 40, 33, &codecs);
    let path = folder.path().join("shot.0001.exr");
    std::fs::copy(&files[0], &path).expect("a copy");
    assert!(matches!(judge(&path), Verdict::Whole { .. }));
    std::fs::write(&path, b"rendering ...").expect("the renderer starts over");
    assert!(judge(&path).is_error());
    std::fs::copy(&files[1], &path).expect("the renderer is done");
    assert_eq!(judge(&path), judge(&files[0]), "both codecs hold the same picture");
}

#[test]
fn a_file_is_known_by_its_bytes_and_not_by_its_ending() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = seeds::scan_lines(folder.path(), 40, 33, &[DemoCodec::Zip]).remove(0);
    let path = folder.path().join("picture.jpeg");
    std::fs::copy(&seed, &path).expect("a copy");
    assert_eq!(judge(&path), judge(&seed));
}

#[test]
fn a_cancelled_decode_is_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = seeds::scan_lines(folder.path(), 40, 33, &[DemoCodec::Zip]).remove(0);
    let info = decode::probe(&seed).expect("a valid file");
    let mut clock = rushes::epoch::EpochClock::default();
    let ticket = clock.ticket();
    clock.advance();
    let mut request = request(&seed, &info.layers[0].planes);
    request.watch = ticket.watch();
    let mut memory = FrameMemory::allocate(1 << 20).expect("memory");
    assert!(matches!(FileDecoder::default().decode(&request, &mut memory), DecodeEnd::Skipped));
}

#[test]
fn a_frame_that_is_wanted_again_while_it_stops_has_no_holes() {
    let folder = tempfile::tempdir().expect("a folder");
    for codec in [DemoCodec::Zips, DemoCodec::None] {
        let seed = seeds::scan_lines(folder.path(), 40, 2000, &[codec]).remove(0);
        let info = decode::probe(&seed).expect("a valid file");
        let mut clock = rushes::epoch::EpochClock::default();
        let ticket = clock.ticket();
        let request = rushes::decode::DecodeRequest {
            watch: ticket.watch(),
            ..request(&seed, &info.layers[0].planes.displayed())
        };
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    clock.advance();
                    ticket.restamp();
                    (0..200).for_each(|_| std::hint::spin_loop());
                }
            });
            let mut memory = FrameMemory::allocate(1 << 22).expect("memory");
            let holes = (0..300).filter(|_| match FileDecoder::default().decode(&request, &mut memory) {
                DecodeEnd::Done(decoded) => !decoded.missing.is_empty(),
                _ => false,
            });
            let holes = holes.count();
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(holes, 0, "{codec:?}");
        });
    }
}
