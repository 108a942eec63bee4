//! The null device: takes samples at their rate by the clock and lets them go. For machines without a sound device and
//! for runs without a window; the same mixer and the same times as with one.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::{Mixer, Now};

/// How often samples are taken.
const PERIOD: Duration = Duration::from_millis(10);
/// More than this at once is a machine that was asleep.
const MOST_SAMPLES: usize = 1 << 16;

/// A running null device. Ends and joins its thread when it is dropped.
pub struct NullDevice {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl NullDevice {
    /// Starts the thread `sound-null`.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(mut mixer: Mixer, rate: u32, now: Now) -> std::io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let thread = Builder::new().name("sound-null".into()).spawn(move || {
            let (start, first) = (Instant::now(), now());
            let mut samples = Vec::new();
            let mut done: u64 = 0;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(PERIOD) {
                let due = (start.elapsed().as_nanos() * u128::from(rate) / 1_000_000_000) as u64;
                let count = usize::try_from(due - done).unwrap_or(MOST_SAMPLES).min(MOST_SAMPLES);
                samples.clear();
                samples.resize(count, [0.0; 2]);
                mixer.render(&mut samples, first + i128::from(done) * 1_000_000_000 / i128::from(rate));
                done = due;
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for NullDevice {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
