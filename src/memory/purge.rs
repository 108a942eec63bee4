//! Owns what the allocator of the system is asked for: to give back to the machine what it keeps for later, at most
//! once a second, and to be modest where address space is short. Holds the `unsafe` of this room. The thread that
//! ticks; what is asked at the start, before any other thread runs.

#![allow(unsafe_code, reason = "the allocator is asked through the C library, which has no safe way")]

use crate::time::Nanos;

const SHORTEST_PAUSE_NANOS: Nanos = 1_000_000_000;

/// When the allocator was asked, how often, and how long that took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purger {
    last: Option<Nanos>,
    count: u64,
    nanos: u64,
}

impl Purger {
    /// Asks the allocator unless it was asked within the last second. True if it was asked; it is
    /// never where the system's allocator cannot be.
    pub fn purge(&mut self, now: Nanos, clock: &dyn Fn() -> Nanos) -> bool {
        let is_early = self.last.is_some_and(|last| now - last < SHORTEST_PAUSE_NANOS);
        if is_early || !CAN_TRIM {
            return false;
        }
        let started = clock();
        trim();
        let took_nanos = u64::try_from(clock() - started).unwrap_or(0);
        self.last = Some(now);
        self.count += 1;
        self.nanos = self.nanos.saturating_add(took_nanos);
        true
    }

    /// Times the allocator was asked.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The time that all of it took, in nanoseconds.
    pub fn nanos(&self) -> u64 {
        self.nanos
    }
}

const CAN_TRIM: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    // SAFETY: malloc_trim takes a plain number and may be called at any time from any thread: the C
    // library takes its own locks and gives back only pages that no allocation uses. Memory that
    // another allocator manages is not touched.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}

/// Asks the allocator for fewer arenas where the address space is limited. Each reserves 64 MiB of it, used or not, and
/// there is one for nearly every thread: more than all frames of a small budget together.
pub fn spare_address_space() {
    if super::sample::address_space_limit().is_some() {
        limit_arenas();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn limit_arenas() {
    const FEW_ARENAS: libc::c_int = 2;
    // SAFETY: mallopt takes two plain numbers and may be called at any time; an answer of 0 means that nothing changed.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, FEW_ARENAS) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn limit_arenas() {}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_allocator_is_asked_at_most_once_a_second() {
        let ticks = Cell::new(0);
        let clock = || {
            ticks.set(ticks.get() + 70);
            ticks.get()
        };
        let mut purger = Purger::default();
        let second = SHORTEST_PAUSE_NANOS;
        let asked = [0, second - 1, second, second + 1, 3 * second].map(|now| purger.purge(now, &clock));
        assert_eq!(asked, [true, false, true, false, true].map(|is_asked| is_asked && CAN_TRIM));
        let expected = if CAN_TRIM { (3, 210) } else { (0, 0) };
        assert_eq!((purger.count(), purger.nanos()), expected);
    }
}
