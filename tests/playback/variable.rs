//! Movies whose frames last unequally long.

use rushes::decode::{Access, Length, MediaInfo};
use rushes::player::{Clip, ClipOptions, Command, Pace};
use rushes::time::{Clock, Direction, LoopMode, Nanos, Rate};

use crate::support::clips;
use crate::support::rig::Rig;

const MILLI: Nanos = 1_000_000;
const MILLIS: [Nanos; 6] = [20, 40, 500, 30, 10, 400];

fn rig_of(millis: &[Nanos]) -> Rig {
    let mut rig = Rig::empty(40, 40);
    rig.add(|id| clips::variable(id, millis, &ClipOptions::default()));
    rig.settle();
    rig
}

/// The frames that are presented, and how long after the first each is, in milliseconds.
fn watched(rig: &mut Rig, millis: Nanos) -> Vec<(u32, Nanos)> {
    let (mut seen, mut first) = (Vec::new(), None);
    for _ in 0..millis {
        rig.tick_after(MILLI);
        let now = rig.clock.now();
        if rig.last.presented {
            let first = *first.get_or_insert(now);
            seen.push((rig.exact().expect("the frame itself"), (now - first) / MILLI));
        }
    }
    seen
}

/// What should be presented, frame after frame, for so long.
fn expected(order: &[u32], millis: Nanos) -> Vec<(u32, Nanos)> {
    let frames = order.iter().cycle().scan(0, |end, frame| {
        let begin = *end;
        *end += MILLIS[*frame as usize];
        Some((*frame, begin))
    });
    frames.take_while(|(_, at)| *at < millis).collect()
}

#[test]
fn every_frame_is_shown_for_its_own_time_in_every_direction() {
    for pace in [Pace::EveryFrame, Pace::RealTime] {
        for (mode, direction, order) in [
            (LoopMode::Loop, Direction::Forward, &[0, 1, 2, 3, 4, 5][..]),
            (LoopMode::Loop, Direction::Reverse, &[0, 5, 4, 3, 2, 1]),
            (LoopMode::PingPong, Direction::Forward, &[0, 1, 2, 3, 4, 5, 4, 3, 2, 1]),
        ] {
            let mut rig = rig_of(&MILLIS);
            rig.player.set_pace(pace);
            rig.player.set_loop_mode(mode);
            rig.player.set_direction(direction);
            rig.command(Command::Play);
            assert_eq!(watched(&mut rig, 5000), expected(order, 5000), "{pace:?} {mode:?} {direction:?}");
            let present = rig.player.snapshot().present;
            assert_eq!((present.late, present.dropped, present.held), (0, 0, 0));
            if mode == LoopMode::Loop {
                // Backwards the first step is one already.
                assert_eq!(present.loops, if direction == Direction::Forward { 4 } else { 5 });
            }
        }
    }
}

#[test]
fn the_shuttle_goes_through_the_times_faster() {
    let mut rig = rig_of(&MILLIS.map(|millis| 4 * millis));
    rig.command(Command::ShuttleForward);
    rig.command(Command::ShuttleForward);
    rig.command(Command::ShuttleForward);
    assert_eq!(watched(&mut rig, 3000), expected(&[0, 1, 2, 3, 4, 5], 3000));
}

#[test]
fn a_still_of_minutes_is_waited_for_without_a_tick() {
    let mut rig = rig_of(&[40, 600_000, 40]);
    rig.command(Command::Play);
    let seen = watched(&mut rig, 41);
    assert_eq!(seen.last(), Some(&(1, 40)));
    let due = rig.clock.now() + 600_000 * MILLI;
    let wakes = |rig: &mut Rig| rig.last.wake_at.is_some_and(|at| at >= due - 2 * MILLI);
    for _ in 0..100 {
        rig.tick_after(100 * MILLI);
        if wakes(&mut rig) {
            break;
        }
    }
    assert!(wakes(&mut rig), "{:?} {due}", rig.last.wake_at);
    assert!(!rig.last.presented);
    rig.tick_after(due - rig.clock.now());
    assert_eq!(rig.exact(), Some(2));
    assert_eq!(rig.player.snapshot().present.late, 0);
}

#[test]
fn a_stated_rate_counts_more_than_the_times() {
    let mut rig = Rig::empty(40, 40);
    let options = ClipOptions { rate: Some(Rate::new(25, 1).unwrap()), ..ClipOptions::default() };
    rig.add(|id| clips::variable(id, &MILLIS, &options));
    rig.settle();
    rig.command(Command::Play);
    let even: Vec<(u32, Nanos)> = (0..25).map(|count| (count % 6, 40 * Nanos::from(count))).collect();
    assert_eq!(watched(&mut rig, 1000), even);
}

#[test]
fn times_that_are_known_later_are_taken_without_a_jump() {
    let mut rig = Rig::empty(40, 40);
    rig.add(|id| {
        let length = Some(Length { frames: 6, is_estimated: true });
        let info = MediaInfo { length, access: Access::Sequential, rate: Some(Rate::FILM), ..clips::info() };
        let file = vec![(0, std::path::PathBuf::from("fake.mov"))];
        Clip::from_paths(id, "fake.mov", file, info, &ClipOptions::default()).unwrap()
    });
    rig.settle();
    rig.command(Command::Play);
    watched(&mut rig, 1000);
    let books = rig.player.clip().unwrap().books_bytes();
    let loops = rig.player.snapshot().present.loops;
    rig.pool.script().length = Some(Length { frames: 6, is_estimated: false });
    rig.pool.script().frame_times = Some(clips::times(&MILLIS));
    let seen = watched(&mut rig, 4000);
    assert!(seen.windows(2).all(|pair| pair[1].0 == (pair[0].0 + 1) % 6), "no frame is left out: {seen:?}");
    let late: Vec<Nanos> = seen[seen.len() - 7..].windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    let own: Vec<Nanos> =
        seen[seen.len() - 7..][..6].iter().map(|(frame, _)| MILLIS[*frame as usize]).collect();
    assert_eq!(late, own);
    let snapshot = rig.player.snapshot();
    assert!(snapshot.present.loops > loops && snapshot.present.late == 0);
    assert!(snapshot.transport.is_variable);
    assert_eq!(rig.player.clip().unwrap().books_bytes() - books, 7 * 8);
}
