//! A device that goes in the middle of playback: the CPU tier survives it, the same frame returns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rushes::color::{ColorSettings, Encoding};
use rushes::gpu::passes::image::Sampling;
use rushes::memory::{MemorySample, Tier};
use rushes::player::{Command, Framing, Pace, Player, PlayerOptions};
use rushes::stage::{Coloring, Stage, StageOptions, place};
use rushes::stats::ShownStatus;

use crate::support::rig::{CREDITS, budget};
use crate::support::{self, clips, pool::ScriptedPool};

const FRAMES: u32 = 12;
const VRAM_BYTES: u64 = 1 << 20;
const SIZE: (u32, u32) = (128, 32);

struct Show {
    stage: Stage,
    player: Player,
    pool: ScriptedPool,
    now: i128,
}

impl Show {
    fn new(test: &str) -> Option<Self> {
        let gpu = support::gpu(test)?;
        let options = StageOptions {
            adapter: rushes::gpu::AdapterChoice::Best,
            vram_bytes: VRAM_BYTES,
            forces_bits: false,
            format: wgpu::TextureFormat::Rgba32Float,
            white_nits: None,
            color: Default::default(),
            builds_color_aside: false,
        };
        let stage = Stage::new(gpu, options, Arc::new(|| {})).expect("a stage");
        let pool = ScriptedPool::new(CREDITS);
        let options = PlayerOptions {
            cpu_budget: budget(u64::from(FRAMES)),
            gpu_budget_bytes: VRAM_BYTES,
            vram_is_ram: false,
            pace: Pace::EveryFrame,
            ..PlayerOptions::default()
        };
        let mut player = Player::new(options, Box::new(pool.clone()));
        player.set_memory(MemorySample { available_bytes: 1 << 40, ..MemorySample::default() });
        let id = player.new_clip_id();
        player.add_clip(clips::clip(id, FRAMES));
        Some(Self { stage, player, pool, now: 0 })
    }

    /// Steps until the frame at the playhead is on screen and nothing more is wanted.
    fn settle(&mut self) -> ShownStatus {
        let started = Instant::now();
        loop {
            assert!(started.elapsed() < Duration::from_secs(20), "it does not settle");
            self.pool.work(CREDITS);
            self.now += 1_000_000;
            let tick = self.stage.step(&mut self.player, self.now);
            assert!(self.player.tallies().iter().all(|tally| tally.charged_bytes == tally.present_bytes));
            assert!(self.player.ledger().charged(Tier::Gpu) <= VRAM_BYTES);
            if self.player.is_settled() && matches!(tick.shown, ShownStatus::Exact(_)) {
                return tick.shown;
            }
            std::thread::yield_now();
        }
    }

    fn picture(&mut self, shown: &ShownStatus) -> Vec<u8> {
        let canvas = self.stage.canvas(SIZE.0, SIZE.1);
        let color = ColorSettings { encoding: Encoding::Identity, ..ColorSettings::default() };
        let at = |layout: &rushes::frame::PlaneLayout| place(layout, SIZE, Framing::Fit, Sampling::Nearest);
        let coloring = Coloring { settings: color, program: None, is_building: false };
        self.stage.draw(&canvas, shown, at, &coloring, None);
        self.stage.read(&canvas).expect("texels")
    }
}

#[test]
fn the_same_frame_is_on_screen_again_after_the_device_was_lost() {
    let test = "the_same_frame_is_on_screen_again_after_the_device_was_lost";
    let Some(mut show) = Show::new(test) else { return };
    show.player.command(Command::Seek(7));
    let before = show.settle();
    let picture = show.picture(&before);
    let texels: &[[f32; 4]] = &bytemuck::pod_collect_to_vec(&picture);
    let value = half::f16::from_bits(0x3737).to_f32();
    assert!(texels[200..].iter().all(|texel| texel[0] == value), "frame 7 is drawn");
    let decoded = show.pool.submitted().len();

    show.stage.gpu().device.destroy();
    let started = Instant::now();
    while !show.stage.is_lost() {
        show.stage.gpu().poll();
        assert!(started.elapsed() < Duration::from_secs(10), "nobody notices the loss");
    }
    // Steps on a dead device do no harm.
    for _ in 0..5 {
        show.now += 1_000_000;
        show.stage.step(&mut show.player, show.now);
    }
    let gpu = support::gpu(test).expect("the adapter of before");
    show.stage.rebuild(gpu).expect("a new ring");
    let after = show.settle();
    assert_eq!(before, after);
    assert_eq!(show.picture(&after), picture);
    let snapshot = show.player.snapshot();
    assert_eq!(snapshot.device_lost, 1);
    assert_eq!(show.pool.submitted().len(), decoded, "nothing is decoded for it");
}
