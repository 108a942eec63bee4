//! Real decode threads: they stop when nobody wants them, and leave nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rushes::decode::{DecodeEnd, DecodeRequest, Decoded, Decoder};
use rushes::frame::{FrameMemory, RingReport};
use rushes::memory::{MemorySample, Tier};
use rushes::player::{Command, Pace, Player, PlayerOptions};
use rushes::preload::DecodeThreads;

use crate::support::clips;
use crate::support::rig::budget;

const THREADS: usize = 3;

/// Looks at its watch every millisecond for as long as a slow disk takes.
struct Slow {
    millis: u64,
    running: AtomicUsize,
}

impl Decoder for Slow {
    fn decode(&self, request: &DecodeRequest, _memory: &mut FrameMemory) -> DecodeEnd {
        self.running.fetch_add(1, Ordering::SeqCst);
        let end = (0..self.millis).find_map(|_| {
            std::thread::sleep(Duration::from_millis(1));
            request.watch.is_stale().then_some(DecodeEnd::Skipped)
        });
        self.running.fetch_sub(1, Ordering::SeqCst);
        end.unwrap_or_else(|| DecodeEnd::Done(Decoded { layout: clips::layout(1), missing: Vec::new() }))
    }
}

fn player(decoder: Arc<dyn Decoder>) -> Player {
    let workers = DecodeThreads::start(THREADS, decoder, Arc::new(|| {})).expect("threads");
    let options = PlayerOptions {
        cpu_budget: budget(50),
        gpu_budget_bytes: 0,
        vram_is_ram: false,
        pace: Pace::EveryFrame,
        ..PlayerOptions::default()
    };
    let mut player = Player::new(options, Box::new(workers));
    player.set_memory(MemorySample { available_bytes: 1 << 40, ..MemorySample::default() });
    let id = player.new_clip_id();
    player.add_clip(clips::clip(id, 40));
    player
}

/// Threads of this process with a name that begins so.
#[cfg(target_os = "linux")]
fn threads_named(prefix: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("the list of threads");
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with(prefix)).count()
}

/// Ticks until a condition holds.
fn tick_until(player: &mut Player, condition: impl Fn(&mut Player) -> bool) {
    let started = Instant::now();
    while !condition(player) {
        assert!(started.elapsed() < Duration::from_secs(20), "it never comes to that");
        let now = started.elapsed().as_nanos() as i128;
        player.tick(now, &RingReport::default());
        std::thread::sleep(Duration::from_millis(1));
    }
}

// One test, because it counts the threads of the whole process.
#[cfg(target_os = "linux")]
#[test]
fn a_dropped_player_leaves_no_thread_and_does_not_wait_for_slow_decodes() {
    let slow = Arc::new(Slow { millis: 60_000, running: AtomicUsize::new(0) });
    let mut player = player(slow.clone());
    // While nothing plays, the first frame would have all threads to itself.
    player.command(Command::Play);
    let running = Arc::clone(&slow);
    tick_until(&mut player, move |_| running.running.load(Ordering::SeqCst) == THREADS);
    assert_eq!(player.snapshot().in_flight, THREADS + 2);
    assert_eq!(threads_named("decode-"), THREADS);
    let started = Instant::now();
    drop(player);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(threads_named("decode-"), 0);
    assert_eq!(Arc::strong_count(&slow), 1, "nothing of the decoder is held any more");

    every_buffer_comes_home_from_running_threads();
    a_decoder_that_panics_fails_its_frame_and_its_thread_goes_on();
    assert_eq!(threads_named("decode-"), 0);
}

fn every_buffer_comes_home_from_running_threads() {
    let mut player = player(Arc::new(Slow { millis: 3, running: AtomicUsize::new(0) }));
    tick_until(&mut player, |player| player.snapshot().decode.ok >= 10);
    assert!(player.tallies().iter().all(|tally| tally.charged_bytes == tally.present_bytes));
    player.close_all();
    tick_until(&mut player, |player| player.snapshot().in_flight == 0);
    player.tick(0, &RingReport::default());
    assert_eq!(player.ledger().charged(Tier::Cpu), 0);
}

struct Panics;

impl Decoder for Panics {
    fn decode(&self, request: &DecodeRequest, _memory: &mut FrameMemory) -> DecodeEnd {
        assert!(!request.path.to_string_lossy().contains("0003"), "on purpose");
        DecodeEnd::Done(Decoded { layout: clips::layout(1), missing: Vec::new() })
    }
}

fn a_decoder_that_panics_fails_its_frame_and_its_thread_goes_on() {
    let mut player = player(Arc::new(Panics));
    tick_until(&mut player, |player| {
        let decode = player.snapshot().decode;
        decode.ok == 39 && decode.error >= 1
    });
    assert!(player.failure(2).is_some() && player.failure(3).is_none());
    assert!(player.tallies().iter().all(|tally| tally.charged_bytes == tally.present_bytes));
}
