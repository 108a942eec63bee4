//! Owns the tests of the votes.

use super::*;
use crate::memory::{CgroupEvents, CgroupReading, MemorySample, Stall};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

fn reading(total: u64, available: u64) -> Reading {
    Reading {
        sample: MemorySample { total_bytes: total, available_bytes: available, ..MemorySample::default() },
        host_available_bytes: available,
        ..Reading::default()
    }
}

fn with_groups(groups: &[(u64, u64)]) -> Reading {
    let groups = groups.iter().map(|(used, limit)| CgroupReading { used_bytes: *used, limit_bytes: *limit });
    Reading { cgroups: groups.collect(), ..reading(64 * GIB, 32 * GIB) }
}

fn share_of(vote: Option<Vote>) -> Option<f64> {
    vote.map(|vote| vote.ratio.unwrap())
}

fn level_of(vote: Option<Vote>) -> Option<PressureLevel> {
    vote.map(|vote| vote.level)
}

#[test]
fn our_own_share_is_what_cannot_be_evicted() {
    let tier = Ours { unevictable_bytes: 3, limit_bytes: 4, evictable_bytes: 100, ..Ours::default() };
    assert_eq!(share_of(ours(&tier)), Some(0.75));
    assert_eq!(ours(&Ours { limit_bytes: 0, ..tier }), None);
}

#[test]
fn a_cache_at_work_is_no_pressure() {
    let tier = Ours {
        unevictable_bytes: GIB,
        limit_bytes: 45 * GIB,
        evictable_bytes: 44 * GIB,
        charged_bytes: 45 * GIB,
        reserve_bytes: 16 * GIB,
    };
    let votes = machine_votes(&reading(64 * GIB, 15 * GIB), None, &tier);
    assert_eq!(share_of(host(&reading(64 * GIB, 15 * GIB), &tier)), Some(5.0 / 64.0));
    assert_eq!(available(&reading(64 * GIB, 15 * GIB), &tier), None);
    assert!(
        votes.as_slice().iter().all(|vote| vote.level == PressureLevel::None && vote.share().unwrap() < 0.1)
    );
}

#[test]
fn the_fullest_control_group_counts() {
    let tier = Ours { evictable_bytes: GIB, ..Ours::default() };
    let groups = with_groups(&[(3 * GIB, 10 * GIB), (7 * GIB, 8 * GIB), (1, 0)]);
    assert_eq!(share_of(cgroup(&groups, &tier)), Some(0.75));
    assert_eq!(cgroup(&with_groups(&[]), &tier), None);
}

#[test]
fn available_memory_is_measured_by_the_reserve() {
    let tier = Ours { reserve_bytes: 4 * GIB, evictable_bytes: GIB / 2, ..Ours::default() };
    let table = [
        (4 * GIB, None),
        (7 * GIB / 2, None),
        (7 * GIB / 2 - 1, Some(PressureLevel::Moderate)),
        (3 * GIB / 2, Some(PressureLevel::Moderate)),
        (3 * GIB / 2 - 1, Some(PressureLevel::High)),
        (GIB / 2 - 1, Some(PressureLevel::Critical)),
    ];
    for (bytes, level) in table {
        let level_of =
            |vote: Option<Vote>| vote.map(|vote| vote.level).filter(|level| *level > PressureLevel::None);
        assert_eq!(level_of(available(&reading(64 * GIB, bytes), &tier)), level, "{bytes}");
    }
    // Held until a twentieth of the reserve more is available.
    let held = |bytes| available(&reading(64 * GIB, bytes), &tier).map(|vote| vote.held);
    assert_eq!(held(7 * GIB / 2 + GIB / 10), Some(PressureLevel::Moderate));
    assert_eq!(held(7 * GIB / 2 + GIB / 4), None);
    assert_eq!(available(&reading(64 * GIB, 0), &Ours::default()), None, "there is no reserve");
}

#[test]
fn a_machine_that_cannot_be_read_is_silent() {
    let tier = Ours { reserve_bytes: GIB, ..Ours::default() };
    let votes = machine_votes(&Reading::default(), Some(&Reading::default()), &tier);
    assert!(votes.as_slice().is_empty());
}

#[test]
fn stalls_are_measured_by_the_time_between_the_readings() {
    let at = |at, some_micros, full_micros| Reading {
        at,
        stall: Some(Stall { some_micros, full_micros }),
        ..Reading::default()
    };
    let before = at(SECOND, 1_000_000, 500_000);
    let table = [
        (2 * SECOND, 1_100_000, 550_000, None),
        (2 * SECOND, 1_100_001, 550_000, Some(PressureLevel::Moderate)),
        (2 * SECOND, 1_100_001, 550_001, Some(PressureLevel::High)),
        (11 * SECOND, 1_900_000, 900_000, None),
        (SECOND + SECOND / 10, 1_010_001, 500_000, Some(PressureLevel::Moderate)),
        (SECOND, 9_000_000, 9_000_000, None),
        (0, 9_000_000, 9_000_000, None),
        (2 * SECOND, 0, 0, None),
    ];
    for (now, some, full, level) in table {
        assert_eq!(level_of(stall(&at(now, some, full), &before)), level, "{now} {some} {full}");
    }
    assert_eq!(stall(&Reading::default(), &before), None);
}

#[test]
fn a_control_group_at_its_limit_is_pressure_unless_page_cache_fills_it() {
    let with = |used, high, max, oom| {
        let cgroup_events = Some(CgroupEvents { high, max, oom });
        Reading { cgroup_events, ..with_groups(&[(used, 100)]) }
    };
    let before = with(95, 1, 1, 1);
    let table = [
        (with(95, 1, 1, 1), None),
        (with(95, 2, 1, 1), Some(PressureLevel::High)),
        (with(95, 1, 2, 1), Some(PressureLevel::High)),
        (with(89, 9, 9, 1), None),
        (with(10, 1, 1, 2), Some(PressureLevel::Emergency)),
        (with(95, 0, 0, 0), None),
    ];
    for (now, level) in table {
        assert_eq!(level_of(cgroup_events(&now, &before)), level, "{now:?}");
    }
}

#[test]
fn two_votes_of_one_source_are_joined() {
    let mut votes = Votes::default();
    votes.add(Vote::ratio(VoteSource::Cgroup, 0.5));
    votes.add(None);
    votes.extend([
        Vote::level(VoteSource::Cgroup, PressureLevel::High),
        Vote::ratio(VoteSource::Cgroup, 0.25),
    ]);
    let joined = Vote {
        source: VoteSource::Cgroup,
        ratio: Some(0.5),
        level: PressureLevel::High,
        held: PressureLevel::High,
    };
    assert_eq!(votes.as_slice(), [joined]);
    votes.extend(VoteSource::ALL.map(|source| Vote::ratio(source, 0.1)));
    assert_eq!(votes.as_slice().iter().count(), VoteSource::ALL.len());
}

#[test]
fn failures_speak_for_a_while() {
    let mut failures = Failures::default();
    assert_eq!(failures.votes(0, 10).count(), 0);
    failures.note_allocation(5);
    failures.note_device(9);
    let sources = |now| failures.votes(now, 10).map(|vote| vote.source).collect::<Vec<_>>();
    assert_eq!(sources(14), [VoteSource::Allocation, VoteSource::Device]);
    assert_eq!(sources(15), [VoteSource::Device]);
    assert!(sources(19).is_empty());
}

/// Feeds one point per `every` and tells the seconds at which the watch voted.
fn growth(every: Nanos, points: &[(u64, u64)]) -> Vec<usize> {
    let mut watch = GrowthWatch::default();
    let voted = |(number, (rss, charged)): (usize, &(u64, u64))| {
        watch.feed(number as Nanos * every, *rss * MIB, *charged * MIB);
        watch.vote().map(|_| number)
    };
    points.iter().enumerate().filter_map(voted).collect()
}

#[test]
fn uncharged_growth_over_five_seconds_votes() {
    let flat = [(500, 100); 10];
    let leak = (1..=20).map(|second| (500 + 20 * second, 100));
    let points: Vec<(u64, u64)> = flat.into_iter().chain(leak).collect();
    // 20 MiB a second: over 64 MiB after four seconds, and in both halves of the five.
    let voted = growth(SECOND, &points);
    assert_eq!(voted.first(), Some(&13));
    assert_eq!(voted.last(), Some(&29));
}

#[test]
fn growth_is_seen_at_other_intervals_too() {
    let leak: Vec<(u64, u64)> = (0..40).map(|step| (500 + 100 * step, 100)).collect();
    assert!(!growth(5 * SECOND, &leak).is_empty());
    assert!(!growth(90 * SECOND, &leak).is_empty());
    let fine: Vec<(u64, u64)> = (0..400).map(|step| (500 + 2 * step, 100)).collect();
    assert!(!growth(SECOND / 10, &fine).is_empty());
}

#[test]
fn harmless_growth_does_not_vote() {
    let noise: Vec<(u64, u64)> = (0..60).map(|second| (500 + 63 * (second % 2), 100)).collect();
    let slow: Vec<(u64, u64)> = (0..60).map(|second| (500 + 12 * second, 100)).collect();
    let charged: Vec<(u64, u64)> = (0..60).map(|second| (500 + 200 * second, 100 + 200 * second)).collect();
    let jump: Vec<(u64, u64)> = (0..60).map(|second| (500 + 400 * u64::from(second > 20), 100)).collect();
    // Charged at once, written slowly.
    let late: Vec<(u64, u64)> = (0..60)
        .map(|second: u64| {
            (500 + 50 * second.saturating_sub(20).min(20), 100 + 1000 * u64::from(second > 20))
        })
        .collect();
    // Charges go, the allocator keeps the memory.
    let kept: Vec<(u64, u64)> =
        (0..60).map(|second: u64| (5000, 4000 - 100 * second.saturating_sub(20))).collect();
    for (name, points) in [
        ("noise", noise),
        ("slow", slow),
        ("charged", charged),
        ("jump", jump),
        ("late", late),
        ("kept", kept),
    ] {
        assert!(growth(SECOND, &points).is_empty(), "{name}");
    }
}

#[test]
fn growth_needs_something_to_compare_with() {
    let starting: Vec<(u64, u64)> = (0..10).map(|second| (100 + 50 * second, 0)).collect();
    assert!(growth(SECOND, &starting).is_empty());
    assert!(growth(SECOND, &[(0, 0); 30]).is_empty());
    assert_eq!(GrowthWatch::default().vote(), None);
}
