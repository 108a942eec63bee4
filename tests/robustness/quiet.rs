//! A tick of the player that changes nothing takes nothing from the allocator, nor does one that shows the next
//! of the frames that are all there.

use rushes::frame::RingReport;
use rushes::player::Command;

use crate::counting::allocations;
use crate::support::clips::clip;
use crate::support::rig::{Rig, STEP};

/// Ticks that are counted.
const TICKS: usize = 400;

fn count_ticks(rig: &mut Rig) -> u64 {
    let report = RingReport::default();
    let mut count = 0;
    for _ in 0..TICKS {
        rig.clock.advance(STEP);
        let now = rushes::time::Clock::now(&rig.clock);
        count += allocations(|| rig.player.tick(now, &report)).1;
    }
    count
}

#[test]
fn a_resting_player_allocates_nothing() {
    let mut rig = Rig::new(50, 80, 80);
    rig.add(|id| clip(id, 20));
    rig.command(Command::NextClip);
    rig.settle();
    rig.tick_after(10_000_000_000);
    assert_eq!(count_ticks(&mut rig), 0);
}

#[test]
fn a_loop_that_is_all_there_allocates_nothing() {
    let mut rig = Rig::new(50, 80, 80);
    rig.command(Command::Play);
    // Long enough for the list of the last presentations to be full.
    rig.passes(8);
    let presented = rig.player.transport().counters().presented;
    assert_eq!(count_ticks(&mut rig), 0);
    assert!(rig.player.transport().counters().presented >= presented + TICKS as u64 / 5);
}
