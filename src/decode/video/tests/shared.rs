//! Several threads with one movie.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::epoch::EpochClock;

/// Asks for frames in the order given, on several threads at once; all must be `ffmpeg`'s.
fn asked_by_many(movie: &Movie, reference: &Reference, frames: impl Iterator<Item = u32> + Send) {
    let frames = Mutex::new(frames);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut memory = FrameMemory::default();
                loop {
                    let next = frames.lock().unwrap().next();
                    let Some(frame) = next else { return };
                    let got = picture(movie, frame, &mut memory).unwrap();
                    assert!(samples(&got, &memory) == reference.frame(frame), "frame {frame}");
                }
            });
        }
    });
}

#[test]
fn threads_share_sessions_and_all_get_their_frames() {
    let workshop = Workshop::new();
    let options = "-c:v libx264 -pix_fmt yuv420p -g 24 -bf 2";
    let path = workshop.make("shared.mp4", "testsrc2=s=128x72:r=24:d=8", options).unwrap();
    let movie = opened(&path, limits()).unwrap();
    let mut memory = FrameMemory::default();
    let first = picture(&movie, 0, &mut memory).unwrap();
    let reference = Reference::of(&path, "yuv420p", &first);
    let count = reference.frames();
    asked_by_many(&movie, &reference, 0..count);
    asked_by_many(&movie, &reference, (0..count).rev());
    let mut chance = Chance(77);
    asked_by_many(&movie, &reference, (0..100).map(move |_| chance.below(count)));
    assert!(movie.held_bytes() > 0);
    movie.release();
    assert!(movie.held_bytes() < 64 << 10, "{}", movie.held_bytes());
    asked_by_many(&movie, &reference, [100, 3].into_iter());
}

#[test]
fn while_memory_is_short_little_is_kept_and_all_frames_come() {
    let workshop = Workshop::new();
    let options = "-c:v libx264 -pix_fmt yuv420p -g 96 -bf 2";
    let path = workshop.make("short.mp4", "testsrc2=s=128x72:r=24:d=8", options).unwrap();
    let movie = opened(&path, limits()).unwrap();
    let mut memory = FrameMemory::default();
    let first = picture(&movie, 0, &mut memory).unwrap();
    let reference = Reference::of(&path, "yuv420p", &first);
    let count = reference.frames();
    // The second group is decoded from its end backwards, and kept.
    asked_by_many(&movie, &reference, (count - 8..count).rev());
    let full = movie.held_bytes();
    movie.shrink();
    let tight = movie.held_bytes();
    assert!(tight * 2 < full, "{full} bytes become {tight}");
    for frames in [(0..count).rev().collect::<Vec<_>>(), (0..count).collect()] {
        movie.shrink();
        asked_by_many(&movie, &reference, frames.into_iter());
        assert!(movie.held_bytes() * 3 < full * 2, "{} of {full} bytes", movie.held_bytes());
    }
}

#[test]
fn stale_requests_are_skipped_and_small_memories_refused() {
    let workshop = Workshop::new();
    let path =
        workshop.make("stale.mp4", "testsrc2=s=128x72:r=24:d=2", "-c:v libx264 -pix_fmt yuv420p").unwrap();
    let movie = opened(&path, limits()).unwrap();
    let mut clock = EpochClock::default();
    let watch = clock.ticket().watch();
    let mut memory = memory_of(16);
    let MovieEnd::Refused { needed_bytes } = movie.decode(7, &watch, &mut memory) else { panic!() };
    assert_eq!(needed_bytes, 256 * 72 + 2 * 256 * 36);
    clock.advance();
    assert!(matches!(movie.decode(7, &watch, &mut memory), MovieEnd::Skipped));
    assert!(matches!(movie.decode(48, &EpochWatch::never_stale(), &mut memory), MovieEnd::Failed(_)));
    assert!(picture(&movie, 7, &mut memory).is_ok());
}

#[test]
fn a_long_way_to_a_frame_is_broken_off_and_gone_again() {
    let workshop = Workshop::new();
    let options = "-c:v libx264 -pix_fmt yuv420p -preset ultrafast -g 9999";
    let path = workshop.make("far.mp4", "testsrc2=s=1280x720:r=24:d=20", options).unwrap();
    let movie = opened(&path, limits()).unwrap();
    let mut clock = EpochClock::default();
    let watch = clock.ticket().watch();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| movie.decode(479, &watch, &mut memory_of(1 << 21)));
        std::thread::sleep(Duration::from_millis(30));
        let stale = std::time::Instant::now();
        clock.advance();
        assert!(matches!(waiting.join().unwrap(), MovieEnd::Skipped));
        assert!(stale.elapsed() < Duration::from_millis(250), "{:?}", stale.elapsed());
    });
    let mut memory = memory_of(1 << 21);
    let broken_off = samples(&picture(&movie, 100, &mut memory).unwrap(), &memory);
    let fresh = opened(&path, limits()).unwrap();
    assert!(samples(&picture(&fresh, 100, &mut memory).unwrap(), &memory) == broken_off);
}

#[test]
fn an_index_that_grows_gives_the_frames_it_has() {
    let workshop = Workshop::new();
    let options = "-c:v libx264 -pix_fmt yuv420p -preset ultrafast -g 48 -bf 2";
    let path = workshop.make("long.mkv", "testsrc2=s=32x16:r=24:d=600", options).unwrap();
    let opening = crate::decode::video::opening::Opening::of(&path, limits()).unwrap();
    let watch = EpochWatch::never_stale();
    let mut builder = crate::decode::video::builder::IndexBuilder::new(&opening, &watch).unwrap();
    let index = std::sync::RwLock::new(crate::decode::video::index::Index::new(true));
    let mut known: Vec<Option<u32>> = Vec::new();
    let mut steps = 0;
    while builder.step(&opening, &index, Duration::ZERO, &watch).unwrap()
        == crate::decode::video::builder::Progress::More
    {
        let index = index.read().unwrap();
        let now: Vec<Option<u32>> = (0..index.frames()).map(|frame| index.packet_of(frame)).collect();
        assert!(now.starts_with(&known), "frames keep their place");
        known = now;
        steps += 1;
    }
    assert!(steps > 20 && index.read().unwrap().frames() == 14_400, "{steps} steps");
}
