//! What the owner of the sums may lean on while charges are dropped on other threads. Bytes are small numbers here,
//! different ones wherever a mix-up should show.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use loom::sync::Mutex;
use loom::sync::atomic::AtomicU64;
use rushes_loom::account::{Account, Charge, Component, Refused, Tier, Total};
use rushes_loom::sync::Arc;
use rushes_loom::{outcomes, spawn};

const LIMIT_BYTES: u64 = 10;

fn total() -> Total {
    let mut total = Total::default();
    total.set_limit(Tier::Cpu, LIMIT_BYTES);
    total
}

/// As the ledger charges inside the limit.
fn charge(total: &mut Total, component: Component, bytes: u64) -> Result<Charge, Refused> {
    total.check(Tier::Cpu, bytes)?;
    Ok(total.charge_over(Tier::Cpu, component, None, bytes))
}

fn charge_clip(total: &mut Total, component: Component, clip: &Arc<Account>, bytes: u64) -> Charge {
    total.charge_over(Tier::Cpu, component, Some(Arc::clone(clip)), bytes)
}

fn by_component(total: &Total) -> [u64; Component::ALL.len()] {
    Component::ALL.map(|component| total.charged_component(Tier::Cpu, component))
}

#[test]
fn charges_dropped_on_two_threads_leave_what_the_owner_holds() {
    let seen = outcomes(|| {
        let (mut total, clip) = (total(), Arc::default());
        let first = charge_clip(&mut total, Component::Frames, &clip, 1);
        let second = charge_clip(&mut total, Component::InFlight, &clip, 2);
        let running = [spawn(move || drop(first)), spawn(move || drop(second))];
        let kept = charge_clip(&mut total, Component::Frames, &clip, 4);
        let meanwhile = total.charged(Tier::Cpu);
        running.into_iter().for_each(|thread| thread.join().unwrap());
        let held = (total.charged(Tier::Cpu), clip.tier(Tier::Cpu));
        drop(kept);
        (meanwhile, held, by_component(&total), clip.tier(Tier::Cpu))
    });
    // Always what the owner holds, and what the others hold as long as they do.
    let ends = |meanwhile| (meanwhile, (4, 4), [0; Component::ALL.len()], 0);
    assert_eq!(seen, [4, 5, 6, 7].map(ends).into());
}

#[test]
fn a_charge_inside_the_limit_stays_inside_it() {
    let seen = outcomes(|| {
        let mut total = total();
        let gone = charge(&mut total, Component::InFlight, 6).unwrap();
        let running = spawn(move || drop(gone));
        let kept = charge(&mut total, Component::Frames, 7);
        let meanwhile = total.charged(Tier::Cpu);
        running.join().unwrap();
        let held = total.charged(Tier::Cpu);
        let refused_headroom = kept.err().map(|refused| refused.headroom_bytes);
        (refused_headroom, [meanwhile, held, total.charged(Tier::Cpu), total.peak(Tier::Cpu)])
    });
    let may_be = [(Some(4), [0, 0, 0, 6]), (Some(4), [6, 0, 0, 6]), (None, [7, 7, 0, 7])];
    assert_eq!(seen, BTreeSet::from(may_be));
}

#[test]
fn the_owner_relabels_and_resizes_while_another_charge_goes() {
    let seen = outcomes(|| {
        let (mut total, old, new) = (total(), Arc::default(), Arc::default());
        let gone = charge_clip(&mut total, Component::InFlight, &old, 1);
        let mut kept = charge_clip(&mut total, Component::InFlight, &old, 2);
        let running = spawn(move || drop(gone));
        total.relabel(&mut kept, Component::Frames, Some(Arc::clone(&new)));
        let relabelled = total.charged(Tier::Cpu);
        total.resize(&mut kept, 5);
        let resized = total.charged(Tier::Cpu);
        running.join().unwrap();
        let frames = total.charged_component(Tier::Cpu, Component::Frames);
        let held = [frames, total.charged(Tier::Cpu), old.tier(Tier::Cpu), new.tier(Tier::Cpu)];
        drop(kept);
        let left = [total.charged(Tier::Cpu), new.tier(Tier::Cpu)];
        ((relabelled, resized, total.peak(Tier::Cpu)), held, left)
    });
    // With the other charge or without it; the peak was read between the two sums.
    let meanwhile = [(2, 5, 5), (3, 5, 5), (3, 5, 6), (3, 6, 6)];
    assert_eq!(seen, meanwhile.map(|meanwhile| (meanwhile, [5, 5, 0, 5], [0, 0])).into());
}

/// A buffer goes before its charge does, so that headroom never stands for memory that is still there.
#[test]
fn whoever_finds_the_headroom_finds_the_memory_free() {
    let seen = outcomes(|| {
        let mut total = total();
        let gone = charge(&mut total, Component::InFlight, 6).unwrap();
        let freed = Arc::new(AtomicU64::new(0));
        let buffer = Arc::clone(&freed);
        let running = spawn(move || {
            buffer.store(1, Ordering::Relaxed);
            drop(gone);
        });
        let fits = charge(&mut total, Component::Frames, 7).is_ok();
        let freed = freed.load(Ordering::Relaxed);
        running.join().unwrap();
        (fits, freed)
    });
    assert_eq!(seen, BTreeSet::from([(false, 0), (false, 1), (true, 1)]));
}

/// As above with memory of two threads: whoever leaves second hands on what the first did.
#[test]
fn whoever_finds_all_headroom_finds_all_memory_free() {
    let seen = outcomes(|| {
        let mut total = total();
        let freed = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        let running = freed.clone().map(|buffer| {
            let gone = charge(&mut total, Component::InFlight, 3).unwrap();
            spawn(move || {
                buffer.store(1, Ordering::Relaxed);
                drop(gone);
            })
        });
        let headroom = total.headroom(Tier::Cpu);
        let freed = freed.map(|buffer| buffer.load(Ordering::Relaxed));
        running.into_iter().for_each(|thread| thread.join().unwrap());
        (headroom, freed.iter().sum::<u64>())
    });
    let least_of = |headroom| seen.iter().filter(|seen| seen.0 == headroom).map(|seen| seen.1).min();
    assert_eq!([4, 7, 10].map(least_of), [Some(0), Some(1), Some(2)]);
}

#[test]
fn a_clip_is_forgotten_only_after_its_last_charge_has_left() {
    let seen = outcomes(|| {
        let mut total = total();
        let clip = Arc::default();
        let gone = charge_clip(&mut total, Component::Frames, &clip, 3);
        // The owner is the second thread here: loom tries both orders of a count and a later look at it, but not of
        // a look and a later count.
        let owner = spawn(move || {
            let is_idle = Account::is_idle(&clip);
            (is_idle, clip.tier(Tier::Cpu), total.charged(Tier::Cpu))
        });
        drop(gone);
        owner.join().unwrap()
    });
    assert_eq!(seen, BTreeSet::from([(false, 0, 0), (false, 3, 0), (false, 3, 3), (true, 0, 0)]));
}

/// Why charges have one owner: a check says nothing once somebody else may charge as well.
#[test]
fn two_owners_would_pass_the_limit() {
    let seen = outcomes(|| {
        let shared = Arc::new(Mutex::new(total()));
        let other = Arc::clone(&shared);
        let running = spawn(move || check_then_charge(&other));
        let _charges = [check_then_charge(&shared), running.join().unwrap()];
        shared.lock().unwrap().charged(Tier::Cpu)
    });
    assert_eq!(seen, BTreeSet::from([6, 12]));
}

/// Lets go of the sums between the check and the charge.
fn check_then_charge(shared: &Mutex<Total>) -> Option<Charge> {
    let fits = shared.lock().unwrap().check(Tier::Cpu, 6).is_ok();
    fits.then(|| shared.lock().unwrap().charge_over(Tier::Cpu, Component::InFlight, None, 6))
}
