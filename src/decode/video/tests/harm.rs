//! Files that are broken, that lie, or that hang.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::*;
use crate::decode::DecodeError;
use crate::decode::video::fence::ReadAt;
use crate::decode::video::opening::Opening;
use crate::decode::video::{Sound, Stop};
use crate::epoch::EpochClock;

const SMALL: &str = "testsrc2=s=64x36:r=24:d=2";
const H264: &str = "-c:v libx264 -pix_fmt yuv420p -g 12 -bf 2";

fn refused(path: &Path) -> String {
    let started = Instant::now();
    let error = opened(path, limits()).err().unwrap_or_else(|| panic!("{path:?} opens")).to_string();
    assert!(started.elapsed() < Duration::from_secs(2), "{path:?}: {:?}", started.elapsed());
    assert!(!error.contains('\n') && !error.contains('\u{1b}'), "{error:?}");
    error
}

#[test]
fn empty_short_and_foreign_files_are_refused() {
    let workshop = Workshop::new();
    for (name, bytes) in [("empty.mov", &b""[..]), ("four.mp4", b"\0\0\0\x18"), ("noise.mkv", &[0x5a; 5000])]
    {
        std::fs::write(workshop.path(name), bytes).unwrap();
        refused(&workshop.path(name));
    }
    assert!(refused(workshop.0.path()).contains("regular"));
    let sound = workshop.path("sound.mov");
    assert!(ffmpeg(&["-f", "lavfi", "-i", "sine=d=1"], "-c:a pcm_s16le", &sound));
    assert!(refused(&sound).contains("no moving pictures"));
}

#[test]
fn lists_of_other_files_are_refused() {
    let workshop = Workshop::new();
    workshop.make("real.mp4", SMALL, H264).unwrap();
    let real = workshop.path("real.mp4").display().to_string();
    let lists = [
        ("list.mp4", format!("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{real}\n#EXT-X-ENDLIST\n")),
        ("concat.mp4", format!("ffconcat version 1.0\nfile {real}\n")),
        (
            "sdp.mp4",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n".into(),
        ),
        ("dash.mp4", "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>".into()),
    ];
    for (name, text) in lists {
        std::fs::write(workshop.path(name), text).unwrap();
        refused(&workshop.path(name));
    }
}

#[test]
fn a_movie_is_known_by_its_bytes() {
    let workshop = Workshop::new();
    let path = workshop.make("movie.mkv", SMALL, H264).unwrap();
    let renamed = workshop.path("movie.exr");
    std::fs::rename(path, &renamed).unwrap();
    assert_eq!(opened(&renamed, limits()).unwrap().length().frames, 48);
}

#[test]
fn pictures_larger_than_the_limit_are_refused_before_they_are_made() {
    let workshop = Workshop::new();
    let path = workshop.make("large.mov", SMALL, "-c:v mjpeg -pix_fmt yuvj420p").unwrap();
    let small = Limits { max_pixels: 64 * 36 - 1, ..limits() };
    let error = opened(&path, small).err().unwrap().to_string();
    assert!(error.contains("limit"), "{error}");
    // The header of every picture (SOF0: height, width) and the sample description say 65535 x 65535.
    let mut bytes = std::fs::read(&path).unwrap();
    let (sof, entry) = ([0xff, 0xc0, 0, 17, 8, 0, 36, 0, 64], [0, 64, 0, 36, 0, 72, 0, 0]);
    for at in 0..bytes.len() - 9 {
        if bytes[at..at + 9] == sof {
            bytes[at + 5..at + 9].fill(0xff);
        }
        if bytes[at..at + 8] == entry {
            bytes[at..at + 4].fill(0xff);
        }
    }
    std::fs::write(&path, bytes).unwrap();
    refused(&path);
}

#[test]
fn a_truncated_movie_keeps_the_frames_that_are_there() {
    let workshop = Workshop::new();
    for name in ["cut.mkv", "cut.ts", "cut.avi", "front.mp4"] {
        let options =
            if name == "front.mp4" { format!("{H264} -movflags faststart") } else { H264.to_string() };
        let path = workshop.make(name, SMALL, &options).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
        let movie = opened(&path, limits()).unwrap();
        let mut memory = FrameMemory::default();
        let frames = movie.length().frames;
        let good = (0..frames).filter(|frame| picture(&movie, *frame, &mut memory).is_ok()).count();
        assert!((10..=frames as usize).contains(&good), "{name}: {good} of {frames}");
    }
}

#[test]
fn a_size_that_changes_is_a_layout_of_its_own() {
    let workshop = Workshop::new();
    let mut all = Vec::new();
    for size in ["64x36", "96x64", "64x36"] {
        let part = workshop.make("part.ts", &format!("testsrc2=s={size}:r=24:d=1"), H264).unwrap();
        all.extend(std::fs::read(part).unwrap());
    }
    let path = workshop.path("sizes.h264");
    let raw = |part: &str, size: &str| {
        let path =
            workshop.make(part, &format!("testsrc2=s={size}:r=24:d=1"), &format!("{H264} -f h264")).unwrap();
        std::fs::read(path).unwrap()
    };
    let bytes = [raw("a.h264", "64x36"), raw("b.h264", "96x64"), raw("c.h264", "64x36")].concat();
    std::fs::write(&path, bytes).unwrap();
    let movie = opened(&path, limits()).unwrap();
    assert_eq!(movie.length().frames, 72);
    let mut memory = FrameMemory::default();
    for frame in (0..72).chain((0..72).rev()) {
        let layout = picture(&movie, frame, &mut memory).unwrap().layout;
        let width = if (24..48).contains(&frame) { 96 } else { 64 };
        assert_eq!(layout.planes()[0].width, width, "frame {frame}");
    }
}

#[test]
fn mutated_movies_neither_crash_nor_hang() {
    let workshop = Workshop::new();
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12);
    let seeds = [
        ("a.mp4", H264),
        ("b.mkv", H264),
        ("c.ts", "-c:v mpeg2video -g 9 -bf 2 -r 25"),
        ("d.mov", "-c:v prores_ks"),
        ("e.avi", "-c:v mpeg4 -g 9"),
        ("f.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 9"),
        ("g.mkv", "-c:v ffv1 -level 3 -g 9"),
        ("h.mxf", "-c:v mpeg2video -pix_fmt yuv422p -r 25"),
        ("i.h264", H264),
        ("j.mov", "-c:v mjpeg -pix_fmt yuvj420p"),
        ("k.gif", "-t 1"),
        ("l.mov", "-c:v qtrle"),
    ];
    let mut chance = Chance(0x1234_5678_9abc_def1);
    let mut memory = FrameMemory::default();
    let (mut opened, mut good, mut bad) = (0, 0, 0);
    for (name, options) in seeds {
        let Some(path) = workshop.make(name, SMALL, options) else { continue };
        let whole = std::fs::read(&path).unwrap();
        for round in 0..rounds {
            let mut bytes = whole.clone();
            for _ in 0..=chance.below(30) {
                // Half of the changes hit the header.
                let end = if round % 2 == 0 { bytes.len().min(3000) } else { bytes.len() };
                let at = chance.below(end as u32) as usize;
                bytes[at] = chance.below(256) as u8;
            }
            let mutated = workshop.path("mutated");
            std::fs::write(&mutated, bytes).unwrap();
            let started = Instant::now();
            let patience = Duration::from_secs(3);
            let limits = Limits { max_pixels: 1 << 22, stash_bytes: 1 << 20, patience, ..limits() };
            let Ok(movie) = super::opened(&mutated, limits) else { continue };
            opened += 1;
            let frames = movie.length().frames;
            for frame in (0..frames.min(20)).chain((0..12).map(|_| chance.below(frames))) {
                match picture(&movie, frame, &mut memory) {
                    Ok(_) => good += 1,
                    Err(_) => bad += 1,
                }
                assert!(movie.held_bytes() < 512 << 20, "{name} {round}: {} bytes", movie.held_bytes());
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{name} {round}: {:?}", started.elapsed());
        }
    }
    eprintln!("{opened} of {} opened, {good} frames, {bad} refused", 12 * rounds);
    assert!(good > 100);
}

/// A file whose reads are counted, and hang once that is asked for.
struct Slow {
    file: std::fs::File,
    hangs: Arc<AtomicBool>,
    read_bytes: Arc<AtomicU64>,
}

impl ReadAt for Slow {
    fn read_at(&mut self, into: &mut [u8], at: u64) -> io::Result<usize> {
        while self.hangs.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let read = self.file.read_at(into, at)?;
        self.read_bytes.fetch_add(read as u64, Ordering::AcqRel);
        Ok(read)
    }
}

/// A file read by [`Slow`], and the counter of its bytes.
fn slow_opening(path: &Path, hangs: &Arc<AtomicBool>) -> (Opening, Arc<AtomicU64>) {
    let length = std::fs::metadata(path).unwrap().len();
    let read_bytes = Arc::new(AtomicU64::new(0));
    let (from, hangs, counter) = (path.to_path_buf(), Arc::clone(hangs), Arc::clone(&read_bytes));
    let reopen = move || {
        let (hangs, read_bytes) = (Arc::clone(&hangs), Arc::clone(&counter));
        Ok(Box::new(Slow { file: std::fs::File::open(&from)?, hangs, read_bytes }) as Box<dyn ReadAt>)
    };
    (Opening::over(Box::new(reopen), length, limits()), read_bytes)
}

fn slow_movie(path: &Path, hangs: &Arc<AtomicBool>) -> (Movie, Arc<AtomicU64>) {
    let (opening, read_bytes) = slow_opening(path, hangs);
    (Movie::of(opening, &EpochWatch::never_stale()).unwrap(), read_bytes)
}

fn raw_movie(workshop: &Workshop) -> PathBuf {
    workshop.make("slow.mov", "testsrc2=s=640x360:r=24:d=3", "-c:v rawvideo -pix_fmt uyvy422").unwrap()
}

#[test]
fn an_index_reads_no_pictures_where_the_header_lists_them() {
    let workshop = Workshop::new();
    let h264 = "-c:v libx264 -qp 0 -preset ultrafast -bf 2 -g 24 -pix_fmt yuv420p";
    let coded = workshop.make("heavy.mp4", "testsrc2=s=640x360:r=24:d=6,noise=alls=40:allf=t", h264).unwrap();
    for path in [raw_movie(&workshop), coded] {
        let (movie, read_bytes) = slow_movie(&path, &Arc::default());
        let (read, all) = (read_bytes.load(Ordering::Acquire), std::fs::metadata(&path).unwrap().len());
        let is_raw = path.ends_with("slow.mov");
        assert!((0..movie.length().frames).all(|frame| movie.is_key(frame) == (is_raw || frame % 24 == 0)));
        assert!(!movie.length().is_estimated && read < all / 3, "{path:?}: {read} of {all}");
    }
}

#[test]
fn a_disk_that_hangs_is_left_when_nobody_waits_and_works_again_later() {
    let workshop = Workshop::new();
    let hangs = Arc::new(AtomicBool::new(false));
    let path = raw_movie(&workshop);
    let (movie, _) = slow_movie(&path, &hangs);
    let mut memory = memory_of(1 << 20);
    let (mut clock, (started, ended)) = (EpochClock::default(), mpsc::channel());
    let watch = clock.ticket().watch();
    hangs.store(true, Ordering::Release);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let end = movie.decode(40, &watch, &mut memory);
            started.send((end, Instant::now())).unwrap();
        });
        std::thread::sleep(Duration::from_millis(300));
        let stale = Instant::now();
        clock.advance();
        let (end, at) = ended.recv().unwrap();
        assert!(matches!(end, MovieEnd::Skipped), "{end:?}");
        assert!(at - stale < Duration::from_millis(500), "{:?}", at - stale);
    });
    hangs.store(false, Ordering::Release);
    let before = samples(&picture(&movie, 40, &mut memory).unwrap(), &memory);
    let (fresh, _) = slow_movie(&path, &hangs);
    assert!(samples(&picture(&fresh, 40, &mut memory).unwrap(), &memory) == before);
}

#[test]
fn sound_on_a_disk_that_hangs_is_left_when_nobody_waits_and_is_heard_later() {
    const SECOND: i64 = 48_000;
    let workshop = Workshop::new();
    let path = workshop.make("long.wav", "sine=f=440:r=48000:d=120", "-c:a pcm_s16le -ac 2").unwrap();
    let hangs = Arc::new(AtomicBool::new(false));
    let never = EpochWatch::never_stale();
    let mut sound = Sound::over(slow_opening(&path, &hangs).0, None, SECOND as u32, &never).unwrap();
    let mut samples = [[0.0; 2]; 4800];
    sound.read(0, &mut samples, &never).unwrap();
    let (mut clock, (started, ended)) = (EpochClock::default(), mpsc::channel());
    let watch = clock.ticket().watch();
    hangs.store(true, Ordering::Release);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let end = sound.read(100 * SECOND, &mut samples, &watch);
            started.send((end, Instant::now())).unwrap();
        });
        std::thread::sleep(Duration::from_millis(300));
        let stale = Instant::now();
        clock.advance();
        let (end, at) = ended.recv().unwrap();
        assert_eq!(end, Err(Stop::Skipped));
        assert!(at - stale < Duration::from_millis(500), "{:?}", at - stale);
    });
    hangs.store(false, Ordering::Release);
    sound.read(100 * SECOND, &mut samples, &never).unwrap();
    let mut fresh = [[0.0; 2]; 4800];
    let mut other = Sound::over(slow_opening(&path, &hangs).0, None, SECOND as u32, &never).unwrap();
    other.read(100 * SECOND, &mut fresh, &never).unwrap();
    assert!(samples == fresh && samples.iter().any(|sample| sample[0].abs() > 0.05));
}

#[test]
fn closing_ends_a_request_that_hangs() {
    let workshop = Workshop::new();
    let hangs = Arc::new(AtomicBool::new(false));
    let path = raw_movie(&workshop);
    let (movie, _) = slow_movie(&path, &hangs);
    hangs.store(true, Ordering::Release);
    let closed = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| movie.decode(60, &EpochWatch::never_stale(), &mut memory_of(1 << 20)));
        std::thread::sleep(Duration::from_millis(200));
        let closed = Instant::now();
        movie.close();
        assert!(matches!(waiting.join().unwrap(), MovieEnd::Failed(DecodeError::Io { .. })));
        closed
    });
    drop(movie);
    assert!(closed.elapsed() < Duration::from_millis(500), "{:?}", closed.elapsed());
    hangs.store(false, Ordering::Release);
}

#[test]
fn opening_that_hangs_ends_when_nobody_waits_any_more() {
    let workshop = Workshop::new();
    let path = workshop.make("a.mp4", "testsrc2=s=64x36:r=24:d=1", H264).unwrap();
    let (length, hangs) = (std::fs::metadata(&path).unwrap().len(), Arc::new(AtomicBool::new(true)));
    let hanging = Arc::clone(&hangs);
    let reopen = move || {
        let (hangs, read_bytes) = (Arc::clone(&hanging), Arc::default());
        Ok(Box::new(Slow { file: std::fs::File::open(&path)?, hangs, read_bytes }) as Box<dyn ReadAt>)
    };
    let mut clock = EpochClock::default();
    let ticket = clock.ticket();
    clock.advance();
    let started = std::time::Instant::now();
    let opened = Movie::of(Opening::over(Box::new(reopen), length, limits()), &ticket.watch());
    // The reader is let go, so that no thread is left behind.
    hangs.store(false, Ordering::Release);
    assert!(matches!(opened.err(), Some(DecodeError::Io { .. })));
    assert!(started.elapsed() < limits().patience, "{:?}", started.elapsed());
}
