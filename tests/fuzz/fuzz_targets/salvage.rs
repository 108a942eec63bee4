//! A whole file, and what is left of it when it is cut off halfway, held to what the tests hold every file to.

#![no_main]

#[allow(dead_code, reason = "of the tests' allocator only the counters are used; the fuzzer has its own")]
#[path = "../../robustness/counting.rs"]
mod counting;
#[allow(dead_code, reason = "a verdict takes its request from there, the rest compares with other readers")]
#[path = "../../support/planes.rs"]
mod planes;
/// Where the tests have it.
mod support {
    pub(crate) use super::planes;
}
#[allow(dead_code, reason = "tests look at verdicts more closely than at their being there")]
#[path = "../../robustness/verdict.rs"]
mod verdict;

use std::cell::RefCell;
use std::path::PathBuf;

use verdict::Judge;

/// Frames that need more take time and find nothing else.
const MOST_BYTES: usize = 16 << 20;

thread_local! {
    static JUDGE: RefCell<Judge> = RefCell::new(Judge::new(MOST_BYTES));
}

/// A file of this process alone, in memory where the system has such a folder.
fn path() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("rushes-salvage-{}.exr", std::process::id()))
}

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let path = path();
    for part in [file, &file[..file.len() / 2]] {
        std::fs::write(&path, part).expect("the file");
        JUDGE.with_borrow_mut(|judge| {
            let verdict = judge.once(&path);
            judge.again(&path, &verdict, 0x55);
        });
    }
});
