//! The transport alone, moved by hand.

use proptest::prelude::*;

use super::*;
use crate::time::PreloadStrategy;

const PERIOD: Nanos = 1_000_000_000 / 24;

fn playing(pace: Pace, frames: u32) -> Transport {
    let mut transport = Transport::new(frames, Rate::FILM);
    transport.pace = pace;
    transport.play(Direction::Forward);
    assert!(transport.advance(0, |_| true).presented);
    transport
}

#[test]
fn every_frame_waits_for_a_frame_and_counts_it_late() {
    let mut transport = playing(Pace::EveryFrame, 10);
    assert!(!transport.advance(2 * PERIOD, |_| false).moved);
    assert!(transport.advance(3 * PERIOD, |_| true).presented);
    assert_eq!(transport.travel.playhead, 1);
    assert_eq!(transport.counters().late, 1);
    // Time starts over: the next frame is due one period later, not at once.
    assert!(!transport.advance(3 * PERIOD + PERIOD / 2, |_| true).presented);
    assert!(transport.advance(4 * PERIOD + 1, |_| true).presented);
    assert_eq!(transport.counters().dropped, 0);
}

#[test]
fn real_time_drops_what_it_has_no_time_for() {
    let mut transport = playing(Pace::RealTime, 100);
    assert!(transport.advance(5 * PERIOD + PERIOD / 2, |_| true).presented);
    assert_eq!(transport.travel.playhead, 5);
    let counters = transport.counters();
    assert_eq!((counters.presented, counters.dropped, counters.held), (2, 4, 0));
}

#[test]
fn presented_and_dropped_add_up_when_frames_come_late() {
    let mut transport = playing(Pace::RealTime, 100);
    // Frame 1 is never ready, frame 2 comes within its time, frame 3 at its time.
    let due = |number| Rate::FILM.frame_start_nanos(number);
    transport.advance(due(1), |_| false);
    transport.advance(due(2), |_| false);
    transport.advance(due(2) + PERIOD / 2, |_| true);
    transport.advance(due(3), |_| true);
    let counters = transport.counters();
    assert_eq!((counters.presented, counters.dropped, counters.held), (3, 1, 2));
    assert_eq!(counters.late, 1);
}

#[test]
fn a_thousand_frames_keep_their_times() {
    let mut transport = playing(Pace::EveryFrame, 10_000);
    for number in 1..=1000_i64 {
        let due = Rate::FILM.frame_start_nanos(number);
        assert!(!transport.advance(due - 1, |_| true).presented, "{number}");
        assert!(transport.advance(due, |_| true).presented, "{number}");
    }
    assert_eq!(transport.counters().late, 0);
}

#[test]
fn once_stops_at_the_end_and_plays_again_from_the_start() {
    let mut transport = playing(Pace::Unpaced, 3);
    transport.travel.loop_mode = LoopMode::Once;
    assert!(transport.advance(1, |_| true).presented);
    assert!(transport.advance(2, |_| true).presented);
    assert!(transport.advance(3, |_| true).ended);
    assert_eq!((transport.travel.playhead, transport.is_playing()), (2, false));
    transport.play(Direction::Forward);
    assert_eq!(transport.travel.playhead, 0);
}

#[test]
fn loops_are_counted_in_every_mode() {
    for (mode, steps) in [(LoopMode::Loop, 4), (LoopMode::PingPong, 4)] {
        let mut transport = playing(Pace::Unpaced, 4);
        transport.travel.loop_mode = mode;
        for step in 0..steps {
            assert_eq!(transport.counters().loops, 0, "{mode:?} {step}");
            transport.advance(step, |_| true);
        }
        assert_eq!(transport.counters().loops, 1, "{mode:?}");
    }
}

#[test]
fn the_shuttle_doubles_and_turns() {
    let mut transport = playing(Pace::EveryFrame, 100);
    transport.shuttle(Direction::Forward);
    transport.shuttle(Direction::Forward);
    assert_eq!(transport.speed(), 4.0);
    transport.shuttle(Direction::Reverse);
    assert_eq!((transport.speed(), transport.travel.direction), (1.0, Direction::Reverse));
    for _ in 0..10 {
        transport.shuttle(Direction::Reverse);
    }
    assert_eq!(transport.speed(), 8.0);
}

const MILLI: Nanos = 1_000_000;

fn listed(millis: &[Nanos]) -> FrameTimes {
    let starts = millis.iter().scan(0, |end, length| Some(std::mem::replace(end, *end + length) * MILLI));
    let end: Nanos = millis.iter().sum();
    FrameTimes::listed(Rate::FILM, starts, end * MILLI).unwrap()
}

fn transport_of(times: &FrameTimes, frames: usize, travel: Travel, speed: u32) -> Transport {
    let mut transport = Transport::new(1, Rate::FILM);
    transport.set_clip(frames as u32, times.clone());
    transport.travel = travel;
    transport.speed = speed;
    transport.travel.playing = true;
    transport.is_awaited = true;
    transport
}

fn travels(frames: u32) -> impl Strategy<Value = Travel> {
    let area = (0..frames, 0..frames).prop_map(|(a, b)| WorkArea::new(a, b));
    (area, 0..frames, any::<bool>(), 0..3_usize).prop_map(|(area, playhead, forward, mode)| Travel {
        playhead: area.clamp(playhead),
        direction: if forward { Direction::Forward } else { Direction::Reverse },
        loop_mode: [LoopMode::Loop, LoopMode::Once, LoopMode::PingPong][mode],
        area,
        playing: true,
        strategy: PreloadStrategy::default(),
    })
}

proptest! {
    #[test]
    fn due_times_are_the_sums_of_what_frames_last(
        (millis, travel) in prop::collection::vec(1..700 as Nanos, 2..12)
            .prop_flat_map(|millis| { let frames = millis.len() as u32; (Just(millis), travels(frames)) }),
        power in 0..4_u32,
        pace in prop_oneof![Just(Pace::EveryFrame), Just(Pace::RealTime)],
    ) {
        let speed = 1 << power;
        let mut transport = transport_of(&listed(&millis), millis.len(), travel, speed);
        transport.pace = pace;
        let (start, mut lasted, mut walk) = (77, 0, travel);
        transport.advance(start, |_| true);
        for count in 0..60 {
            lasted += millis[walk.playhead as usize] * MILLI;
            let due = start + lasted / Nanos::from(speed);
            prop_assert_eq!(transport.next_due(), Some(due), "{}", count);
            prop_assert_eq!(transport.advance(due - 1, |_| true), Advance::default());
            let Some((playhead, direction)) = walk.step() else {
                prop_assert!(transport.advance(due, |_| true).ended);
                break;
            };
            walk = Travel { playhead, direction, ..walk };
            prop_assert!(transport.advance(due, |_| true).presented);
            prop_assert_eq!(transport.travel, walk);
        }
        let counters = transport.counters();
        prop_assert_eq!((counters.late, counters.dropped, counters.held), (0, 0, 0));
    }

    #[test]
    fn a_list_of_even_frames_is_a_rate(frames in 1..30_usize, power in 0..4_u32, seed in any::<u64>()) {
        let (speed, mut noise, mut now) = (1 << power, seed, 0);
        let travel = Transport::new(frames as u32, Rate::FILM).travel;
        let rate = FrameTimes::from(Rate::new(25, 1).unwrap());
        let list = FrameTimes::listed(rate.rate(), (0..frames as Nanos).map(|at| at * 40 * MILLI), frames as Nanos * 40 * MILLI);
        let mut even = transport_of(&rate, frames, travel, speed);
        let mut listed = transport_of(&list.unwrap(), frames, travel, speed);
        (even.pace, listed.pace) = (Pace::RealTime, Pace::RealTime);
        for _ in 0..100 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            now += Nanos::from(noise >> 38);
            let is_ready = |index: u32| noise >> 20 & 7 != u64::from(index & 7);
            prop_assert_eq!(even.advance(now, is_ready), listed.advance(now, is_ready));
            prop_assert_eq!(even.next_due(), listed.next_due());
            prop_assert_eq!((even.travel, even.counters()), (listed.travel, listed.counters()));
        }
    }
}

#[test]
fn a_burst_of_short_frames_catches_up_and_a_long_one_gives_way() {
    // Five frames within 20 ms on a display that takes one every 16.
    let times = listed(&[100, 4, 4, 4, 4, 4, 200]);
    let mut transport = Transport::new(1, Rate::FILM);
    transport.set_clip(7, times);
    transport.play(Direction::Forward);
    let mut shown = Vec::new();
    for refresh in 0..40 {
        let now = refresh * 16 * MILLI;
        if transport.advance(now, |_| true).presented {
            shown.push((transport.travel.playhead, now / MILLI));
        }
        assert!(transport.next_due().is_some_and(|due| due > now), "something wakes it");
    }
    let expected = [(0, 0), (1, 112), (2, 128), (3, 144), (4, 160), (5, 176), (6, 192), (0, 320), (1, 432)];
    assert_eq!(shown[..9], expected);
    assert_eq!(transport.counters().late, 0);
    // What is too late is never caught up.
    transport.advance(900 * MILLI, |_| true);
    assert_eq!(transport.counters().late, 1);
}

#[test]
fn times_that_become_known_move_no_frame() {
    let mut transport = playing(Pace::EveryFrame, 4);
    transport.advance(PERIOD + 1, |_| true);
    transport.set_times(listed(&[100, 300, 20, 40]));
    let run = transport.run().unwrap();
    assert_eq!((run.travel.playhead, run.anchor), (1, PERIOD));
    assert_eq!(transport.next_due(), Some(PERIOD + 300 * MILLI));
    assert_eq!((transport.is_variable(), transport.counters().late), (true, 0));
}

#[test]
fn a_suspended_machine_drops_what_it_would_have_shown() {
    for times in [FrameTimes::from(Rate::new(1000, 1).unwrap()), listed(&[1; 50])] {
        let mut transport = Transport::new(1, Rate::FILM);
        transport.set_clip(50, times);
        transport.pace = Pace::RealTime;
        transport.play(Direction::Forward);
        transport.advance(0, |_| true);
        let now = 1_000_000 * MILLI;
        assert!(transport.advance(now, |_| true).presented);
        assert!(transport.next_due().is_some_and(|due| (now..now + 50 * MILLI).contains(&due)));
        let dropped = transport.counters().dropped;
        assert!((100_000..=1_000_000).contains(&dropped), "{dropped}");
    }
}
