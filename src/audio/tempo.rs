//! Changes how fast samples are heard and not how high, by waveform similarity (WSOLA). Owns the state of one stretch.

use std::num::{NonZeroU16, NonZeroU32};

use wsola::TimeStretch;

use super::Stereo;

/// Differences from the plain speed that nobody hears and that are no rounding either.
const PLAIN: f64 = 1e-6;
/// What is faster or slower than this is no sound any more.
const RANGE: std::ops::RangeInclusive<f64> = 0.25..=4.0;

/// What a tempo asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Samples as they are.
    Plain,
    Stretched,
    /// Too fast or too slow to be heard.
    Silent,
}

pub fn kind_of(tempo: f64) -> Kind {
    match tempo {
        _ if (tempo - 1.0).abs() < PLAIN => Kind::Plain,
        _ if RANGE.contains(&tempo) => Kind::Stretched,
        _ => Kind::Silent,
    }
}

/// Samples in, fewer or more samples out, of the same pitch.
pub struct Stretch {
    stretch: TimeStretch,
    piece: Vec<f32>,
}

impl Stretch {
    /// `None` for rates that are none.
    pub fn new(sample_rate: u32, tempo: f64) -> Option<Self> {
        let mut stretch = TimeStretch::new(NonZeroU32::new(sample_rate)?, NonZeroU16::new(2)?).ok()?;
        stretch.set_tempo(tempo as f32);
        let piece = vec![0.0; stretch.min_output_buff_size()];
        Some(Self { stretch, piece })
    }

    pub fn push(&mut self, samples: &[Stereo]) {
        self.stretch.push(bytemuck::cast_slice(samples));
    }

    /// Nothing more comes.
    pub fn finish(&mut self) {
        self.stretch.set_draining();
    }

    /// Moves what is done into `out`; whether there was anything.
    pub fn pull(&mut self, out: &mut impl Extend<Stereo>) -> bool {
        let Ok(written) = self.stretch.pull(&mut self.piece) else { return false };
        let samples: &[Stereo] = bytemuck::cast_slice(&self.piece[..written - written % 2]);
        out.extend(samples.iter().copied());
        written > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitch_stays_and_length_follows_the_tempo() {
        let rate = 48_000;
        let tone = |at: usize| (at as f32 * 440.0 * std::f32::consts::TAU / rate as f32).sin();
        let samples: Vec<Stereo> = (0..4 * rate as usize).map(|at| [tone(at); 2]).collect();
        for tempo in [0.5, 0.8, 1.25, 2.0] {
            let mut stretch = Stretch::new(rate, tempo).unwrap();
            stretch.push(&samples);
            let mut out: Vec<Stereo> = Vec::new();
            while stretch.pull(&mut out) {}
            let expected = samples.len() as f64 / tempo;
            assert!((out.len() as f64 / expected - 1.0).abs() < 0.05, "{tempo}: {} {expected}", out.len());
            let middle = &out[4800..out.len() - 4800];
            let rises = middle.windows(2).filter(|pair| pair[0][0] <= 0.0 && pair[1][0] > 0.0).count();
            let hertz = rises as f64 * f64::from(rate) / middle.len() as f64;
            assert!((hertz - 440.0).abs() < 8.0, "{tempo}: {hertz}");
            let step = middle.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs()).fold(0.0, f32::max);
            assert!(step < 0.15, "{tempo}: a click of {step}");
        }
    }

    #[test]
    fn kinds_of_tempo() {
        let kinds = [1.0, 1.0000001, 1.001, 2.0, 8.0, 0.1].map(kind_of);
        use Kind::{Plain, Silent, Stretched};
        assert_eq!(kinds, [Plain, Plain, Stretched, Stretched, Silent, Silent]);
    }
}
