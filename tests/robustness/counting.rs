//! An allocator that counts the bytes of each thread, so that tests that run side by side do not
//! count each other's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
    static TIMES: Cell<u64> = const { Cell::new(0) };
}

pub struct Counting;

fn count(bytes: i64) {
    let _ = TIMES.try_with(|times| times.set(times.get() + u64::from(bytes > 0)));
    // A thread that is going down has no counters any more.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The most bytes that this thread held at once during `work`, beyond what it held before.
pub fn peak_bytes<T>(work: impl FnOnce() -> T) -> (T, i64) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = work();
    (result, PEAK.get() - before)
}

/// The bytes that this thread took and that are still there after `work`.
pub fn left_bytes<T>(work: impl FnOnce() -> T) -> (T, i64) {
    let before = LIVE.get();
    let result = work();
    (result, LIVE.get() - before)
}

/// How often this thread asked for memory during `work`.
pub fn allocations<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = TIMES.get();
    let result = work();
    (result, TIMES.get() - before)
}
