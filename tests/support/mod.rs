//! What the test binaries share: where third-party media lies, how a test is skipped loudly, a GPU,
//! and a player that is driven without one.

#![allow(dead_code, reason = "every test binary compiles all of this and uses a part of it")]

pub mod clips;
pub mod machine;
pub mod optimum;
pub mod planes;
pub mod pool;
pub mod program;
pub mod rig;
pub mod ring;
pub mod running;
pub mod scrape;

use std::io::Write;
use std::path::PathBuf;

use rushes::gpu::{AdapterChoice, Gpu};

/// Names the file that collects the tests that were skipped.
const SKIPPED_VARIABLE: &str = "RUSHES_SKIPPED";

/// Says on stderr, and in the file that collects them, that a test did not run.
pub fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED: {test}: {reason}");
    let Some(path) = std::env::var_os(SKIPPED_VARIABLE) else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the skip file");
    writeln!(file, "{test}: {reason}").expect("a line in the skip file");
}

fn shared_dir(variable: &str, name: &str) -> PathBuf {
    let shared = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    std::env::var_os(variable).map_or_else(shared, PathBuf::from)
}

/// A file or folder of the third-party media; `None`, after saying so, where it is absent.
pub fn media(test: &str, name: &str) -> Option<PathBuf> {
    let path = shared_dir("RUSHES_MEDIA", "media").join(name);
    present(test, path)
}

/// A file of the shared tools; `None`, after saying so, where it is absent.
pub fn tool(test: &str, name: &str) -> Option<PathBuf> {
    let path = shared_dir("RUSHES_TOOLS", "tools").join(name);
    present(test, path)
}

fn present(test: &str, path: PathBuf) -> Option<PathBuf> {
    if path.exists() {
        return Some(path);
    }
    skip(test, &format!("{} is absent", path.display()));
    None
}

/// A device without a window, a software one where there is a choice; `None`, after saying so, on
/// machines without any. Where tests must not be skipped (`CI` is set) its absence is a failure.
pub fn gpu(test: &str) -> Option<Gpu> {
    let opened = Gpu::headless(&AdapterChoice::Cpu).or_else(|_| Gpu::headless(&AdapterChoice::Best));
    match opened {
        Ok(gpu) => Some(gpu),
        Err(error) if std::env::var_os("CI").is_some() => panic!("{test} needs an adapter: {error}"),
        Err(error) => {
            skip(test, &error.to_string());
            None
        }
    }
}

/// So many cases of a property where nobody asks for another number of them.
pub fn cases(usual: u32) -> proptest::test_runner::Config {
    let asked = proptest::test_runner::Config { failure_persistence: None, ..Default::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => asked,
        None => proptest::test_runner::Config { cases: usual, ..asked },
    }
}

/// Numbers that are the same on every run.
pub struct XorShift(u64);

impl XorShift {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
