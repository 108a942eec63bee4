//! Owns the time that a thread spends reading files, so that a slow disk is told from slow decoding.

use std::cell::Cell;
use std::io::{Read, Seek, SeekFrom};
use std::time::Instant;

thread_local! {
    static NANOS: Cell<u64> = const { Cell::new(0) };
}

/// Reads; what it takes is added to this thread's sum.
pub fn timed<T>(read: impl FnOnce() -> T) -> T {
    let before = Instant::now();
    let result = read();
    NANOS.set(NANOS.get() + u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX / 2));
    result
}

/// What this thread has spent reading since this was last asked.
pub fn take_nanos() -> u64 {
    NANOS.take()
}

/// A file whose reads are timed.
pub struct Timed<F>(pub F);

impl<F: Read> Read for Timed<F> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        timed(|| self.0.read(bytes))
    }
}

impl<F: Seek> Seek for Timed<F> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Slow;

    impl Read for Slow {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            std::thread::sleep(std::time::Duration::from_millis(2));
            Ok(0)
        }
    }

    #[test]
    fn reads_of_this_thread_are_summed_up_and_taken_once() {
        take_nanos();
        let other = std::thread::Builder::new().spawn(|| Timed(Slow).read(&mut []).unwrap()).unwrap();
        other.join().unwrap();
        assert_eq!(take_nanos(), 0);
        assert_eq!(Timed(Slow).read(&mut []).unwrap(), 0);
        assert_eq!(timed(|| 7), 7);
        let nanos = take_nanos();
        assert!(nanos >= 2_000_000, "{nanos}");
        assert_eq!(take_nanos(), 0);
    }
}
