//! The promise of the README on loops that do not fit: decodes of one pass of ours, of plain LRU, and of
//! the optimum that knows the future. Counts, not times: the same on every machine.

#[path = "../tests/support/mod.rs"]
mod support;

use rushes::cache::EvictionPolicy;
use rushes::player::Command;
use rushes::time::{Direction, LoopMode, PreloadStrategy, Travel, WorkArea};
use support::optimum::{lru, optimum, visits};
use support::rig::Rig;

const FRAMES: u32 = 240;
const CAPACITIES: [usize; 4] = [239, 200, 120, 60];
/// VRAM holds what is on screen and what comes next, so that the CPU tier alone counts.
const VRAM_FRAMES: u64 = 3;
/// Passes before the measured ones, and those.
const FIRST_PASSES: usize = 3;
const PASSES: usize = 8;

fn main() {
    println!("decodes a pass, {FRAMES} frames, mean of {PASSES} passes after {FIRST_PASSES}");
    println!("{:<22}{:>5}{:>9}{:>9}{:>9}{:>9}", "", "room", "optimum", "ours", "lru", "ours/opt");
    for (name, direction, mode) in [
        ("loop, forward", Direction::Forward, LoopMode::Loop),
        ("loop, reverse", Direction::Reverse, LoopMode::Loop),
        ("ping-pong", Direction::Forward, LoopMode::PingPong),
    ] {
        for capacity in CAPACITIES {
            let passes = visits(travel(direction, mode), FIRST_PASSES + PASSES);
            let best = mean(&optimum(&passes, capacity));
            let ours = mean(&played(capacity, direction, mode));
            let plain = mean(&lru(&passes, capacity));
            let ratio = ours / best.max(1.0);
            println!("{name:<22}{capacity:>5}{best:>9.1}{ours:>9.1}{plain:>9.1}{ratio:>9.3}");
        }
    }
}

fn travel(direction: Direction, loop_mode: LoopMode) -> Travel {
    let area = WorkArea::new(0, FRAMES - 1);
    let playhead = if direction == Direction::Forward { 0 } else { FRAMES - 1 };
    Travel { playhead, direction, loop_mode, area, playing: true, strategy: PreloadStrategy::Spiral }
}

/// Decodes of each pass of the player itself, with scripted workers and a clock of its own.
fn played(capacity: usize, direction: Direction, mode: LoopMode) -> Vec<usize> {
    let mut rig = Rig::new(FRAMES, capacity as u64, VRAM_FRAMES);
    rig.player.set_policy(EvictionPolicy::NextUse);
    rig.player.set_loop_mode(mode);
    rig.command(Command::Seek(travel(direction, mode).playhead));
    rig.play(direction);
    rig.passes((FIRST_PASSES + PASSES) as u64).into_iter().map(|pass| pass.decodes).collect()
}

fn mean(decodes: &[usize]) -> f64 {
    let measured = &decodes[FIRST_PASSES..];
    measured.iter().sum::<usize>() as f64 / measured.len() as f64
}
