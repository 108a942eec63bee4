//! What a worker may learn from its watch while the tick moves on. The tick opens an epoch and then stamps what it
//! still wants, so a worker may find a wanted request stale for a moment between the two. It then skips the request,
//! which is asked for again; nothing worse may happen.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use loom::sync::atomic::AtomicU64;
use rushes_loom::epoch::{EpochClock, EpochWatch, Ticket};
use rushes_loom::sync::Arc;
use rushes_loom::{outcomes, spawn};

/// Looks in a row.
fn looks<const N: usize>(watch: &EpochWatch) -> [bool; N] {
    std::array::from_fn(|_| watch.is_stale())
}

#[test]
fn when_all_is_quiet_the_wanted_are_fresh_and_the_others_stale() {
    let seen = outcomes(|| {
        let mut clock = EpochClock::default();
        let tickets @ [wanted, late, former, _lapsed] = &[(); 4].map(|()| clock.ticket());
        let watches = tickets.each_ref().map(Ticket::watch);
        let running = spawn(move || {
            for watch in &watches {
                watch.is_stale();
            }
            watches
        });
        clock.advance();
        wanted.restamp();
        former.restamp();
        clock.advance();
        wanted.restamp();
        late.restamp();
        // For the thread that ticks it is quiet as soon as it has stamped.
        let to_itself = tickets.each_ref().map(|ticket| ticket.watch().is_stale());
        let watches = running.join().unwrap();
        (to_itself, watches.each_ref().map(EpochWatch::is_stale), clock.current().number())
    });
    let stale = [false, false, true, true];
    assert_eq!(seen, BTreeSet::from([(stale, stale, 2)]));
}

#[test]
fn a_stamp_ends_the_stale_moment_for_good() {
    let seen = outcomes(|| {
        let mut clock = EpochClock::default();
        let wanted = clock.ticket();
        let watch = wanted.watch();
        let running = spawn(move || looks::<3>(&watch));
        clock.advance();
        wanted.restamp();
        running.join().unwrap()
    });
    // All ways to look three times but one: after one stale moment there is no second.
    let ways = (0..8_u8).map(|bits| [0, 1, 2].map(|look| bits >> look & 1 == 1));
    assert_eq!(seen, ways.filter(|looks| *looks != [true, false, true]).collect());
}

#[test]
fn whoever_has_seen_the_new_epoch_finds_fresh_only_what_was_stamped_in_it() {
    let seen = outcomes(|| {
        let mut clock = EpochClock::default();
        let (wanted, lapsed) = (clock.ticket(), clock.ticket());
        let (shown, watch) = (wanted.watch(), lapsed.watch());
        // A stale watch of any ticket shows the new epoch.
        let running = spawn(move || (shown.is_stale(), looks::<2>(&watch)));
        clock.advance();
        wanted.restamp();
        running.join().unwrap()
    });
    let may_be = [(false, [false; 2]), (false, [false, true]), (false, [true; 2]), (true, [true; 2])];
    assert_eq!(seen, BTreeSet::from(may_be));
}

#[test]
fn whoever_is_told_of_the_new_epoch_finds_fresh_only_what_was_stamped_in_it() {
    let seen = outcomes(|| {
        let mut clock = EpochClock::default();
        let (wanted, lapsed) = (clock.ticket(), clock.ticket());
        let watches = [wanted.watch(), lapsed.watch()];
        let message = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&message);
        let running = spawn(move || {
            let is_told = told.load(Ordering::Acquire) == 1;
            is_told.then(|| watches.each_ref().map(EpochWatch::is_stale))
        });
        clock.advance();
        wanted.restamp();
        message.store(1, Ordering::Release);
        running.join().unwrap()
    });
    assert_eq!(seen, BTreeSet::from([None, Some([false, true])]));
}

#[test]
fn a_request_of_the_new_epoch_is_never_stale_in_it() {
    let seen = outcomes(|| {
        let mut clock = EpochClock::default();
        let old = clock.ticket().watch();
        let running = spawn(move || old.is_stale());
        clock.advance();
        let watch = clock.ticket().watch();
        let late = spawn(move || looks::<2>(&watch));
        (running.join().unwrap(), late.join().unwrap())
    });
    assert_eq!(seen, BTreeSet::from([(false, [false; 2]), (true, [false; 2])]));
}

#[test]
fn a_dropped_clock_makes_every_watch_stale_for_good() {
    let seen = outcomes(|| {
        let mut clock = EpochClock::default();
        let (wanted, lapsed) = (clock.ticket(), clock.ticket());
        let watches = [wanted.watch(), lapsed.watch(), EpochWatch::never_stale()];
        let running = spawn(move || looks::<2>(&lapsed.watch()));
        clock.advance();
        wanted.restamp();
        drop(clock);
        (running.join().unwrap(), watches.each_ref().map(EpochWatch::is_stale))
    });
    let looked = [[false; 2], [false, true], [true; 2]];
    assert_eq!(seen, looked.map(|looked| (looked, [true, true, false])).into());
}

/// Nothing leans on this today. It is what acquire and release are there for: whoever stops, or goes on after all,
/// because of a watch may read what the tick wrote before.
#[test]
fn whoever_sees_the_epoch_or_the_stamp_sees_what_the_tick_did_before() {
    let seen = outcomes(|| {
        let mut clock = EpochClock::default();
        let wanted = clock.ticket();
        let watch = wanted.watch();
        let steps = Arc::new(AtomicU64::new(0));
        let done = Arc::clone(&steps);
        let running = spawn(move || (looks::<2>(&watch), done.load(Ordering::Relaxed)));
        steps.store(1, Ordering::Relaxed);
        clock.advance();
        steps.store(2, Ordering::Relaxed);
        wanted.restamp();
        running.join().unwrap()
    });
    let least_of = |looks| seen.iter().filter(|seen| seen.0 == looks).map(|seen| seen.1).min();
    assert_eq!(least_of([false; 2]), Some(0));
    assert_eq!(least_of([true; 2]), Some(1));
    assert_eq!(least_of([true, false]), Some(2));
}

/// As above, for the end.
#[test]
fn whoever_sees_the_clock_gone_sees_what_its_owner_did_before() {
    let seen = outcomes(|| {
        let clock = EpochClock::default();
        let watch = clock.ticket().watch();
        let steps = Arc::new(AtomicU64::new(0));
        let done = Arc::clone(&steps);
        let running = spawn(move || (watch.is_stale(), done.load(Ordering::Relaxed)));
        steps.store(1, Ordering::Relaxed);
        drop(clock);
        running.join().unwrap()
    });
    assert_eq!(seen, BTreeSet::from([(false, 0), (false, 1), (true, 1)]));
}
