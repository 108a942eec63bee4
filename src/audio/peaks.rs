//! The outline of a sound, for a timeline. Owns the thread `sound-peaks`, which reads the whole of it once, with a quarter
//! of a core at most.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use super::{OpenSound, SoundFile, Stereo};
use crate::epoch::{EpochClock, EpochWatch};

/// Values for a second of sound.
const PER_SECOND: usize = 100;
/// The rate at which it is read; 100 values a second are a whole number of samples.
const RATE: u32 = 48_000;
/// Values of the longest outline: nearly six hours.
const MAX_VALUES: usize = 1 << 21;
/// Rest after each second of sound, as a multiple of the work for it.
const REST: u32 = 3;
/// Seconds that are read before what is known is shown.
const STEP_SECS: usize = 20;

/// How loud a sound is, moment by moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peaks {
    /// The largest value of either channel in each hundredth of a second; 255 is full scale.
    values: Vec<u8>,
    /// Nothing more comes.
    pub is_whole: bool,
}

impl Peaks {
    /// The largest value between two times, 0 to 1; `None` where it is not measured yet.
    pub fn between(&self, from_secs: f64, to_secs: f64) -> Option<f32> {
        let place = |secs: f64| (secs.max(0.0) * PER_SECOND as f64) as usize;
        let (from, to) = (place(from_secs), place(to_secs));
        let largest = self.values.get(from..to.max(from + 1))?.iter().max()?;
        Some(f32::from(*largest) / 255.0)
    }

    fn add(&mut self, samples: &[Stereo]) {
        let largest =
            |moment: &[Stereo]| moment.iter().flatten().fold(0.0_f32, |most, value| most.max(value.abs()));
        let values = samples.chunks(RATE as usize / PER_SECOND).map(largest);
        self.values.extend(values.map(|value| (value.min(1.0) * 255.0).ceil() as u8));
    }
}

/// A measurement that is under way or done. Ends and joins its thread when it is dropped.
pub struct Measuring {
    pub sound: SoundFile,
    epoch: EpochClock,
    latest: Arc<Mutex<Option<Arc<Peaks>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Measuring {
    /// Starts on the first `secs` seconds.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn start(sound: SoundFile, secs: f64, open: Arc<OpenSound>) -> std::io::Result<Self> {
        let epoch = EpochClock::default();
        let latest: Arc<Mutex<Option<Arc<Peaks>>>> = Arc::default();
        let (file, watch, shown) = (sound.clone(), epoch.ticket().watch(), Arc::clone(&latest));
        let seconds = (secs.max(0.0).ceil() as usize).min(MAX_VALUES / PER_SECOND);
        let thread = Builder::new().name("sound-peaks".into()).spawn(move || {
            measure(&file, seconds, &*open, &watch, |peaks| {
                *shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(peaks.clone()));
            });
        })?;
        Ok(Self { sound, epoch, latest, thread: Some(thread) })
    }

    /// What is known so far.
    pub fn latest(&self) -> Option<Arc<Peaks>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn held_bytes(&self) -> usize {
        self.latest().map_or(0, |peaks| peaks.values.capacity())
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        self.epoch.advance();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads second after second; what cannot be read ends the outline there, playing it tells why.
fn measure(sound: &SoundFile, seconds: usize, open: &OpenSound, watch: &EpochWatch, show: impl Fn(&Peaks)) {
    let mut peaks = Peaks::default();
    let Ok(mut source) = open(sound, RATE, watch) else {
        peaks.is_whole = true;
        return show(&peaks);
    };
    let mut samples = vec![[0.0; 2]; RATE as usize];
    for second in 0..seconds {
        let start = Instant::now();
        if source.read(second as i64 * i64::from(RATE), &mut samples, watch).is_err() {
            break;
        }
        peaks.add(&samples);
        if second == 0 || (second + 1) % STEP_SECS == 0 {
            show(&peaks);
        }
        // What plays needs the machine more.
        std::thread::sleep(start.elapsed() * REST);
    }
    peaks.is_whole = true;
    show(&peaks);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_of_a_moment_counts() {
        let mut peaks = Peaks::default();
        let mut samples = vec![[0.0; 2]; RATE as usize];
        samples[24_000] = [-0.5, 0.25];
        peaks.add(&samples);
        assert_eq!(peaks.between(0.4, 0.5), Some(0.0));
        assert!((peaks.between(0.5, 0.51).unwrap() - 0.5).abs() < 0.01);
        assert!((peaks.between(0.0, 1.0).unwrap() - 0.5).abs() < 0.01);
        assert_eq!(peaks.between(0.9, 1.1), None);
    }
}
