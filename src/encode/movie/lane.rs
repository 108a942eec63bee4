//! Owns the sound of a movie on its way: samples that wait until a frame of them is full, and the encoder. Thread
//! `encode-movie`.

use super::choices::{SoundChoice, sound};
use super::fence::{Code, Encoder, Frame, Muxer, Stereo};
use super::kind::{MovieContainer, SOUND_RATE};
use crate::encode::Fault;

/// The sound of one movie.
pub struct Lane {
    encoder: Encoder,
    choice: &'static SoundChoice,
    frame_samples: usize,
    waiting: Vec<Stereo>,
    /// Samples that the encoder has.
    count: i64,
    stream: usize,
}

impl Lane {
    /// Opens the encoder that goes with a container.
    ///
    /// # Errors
    /// A fault when this FFmpeg has none.
    pub fn open(container: MovieContainer) -> Result<Self, Fault> {
        let choice = sound(container);
        let explain = |code: Code| {
            let name = choice.name.to_string_lossy();
            Fault::Unfit(format!("FFmpeg cannot encode its sound by {name} ({})", code.message()))
        };
        let (encoder, frame_samples) = Encoder::open_sound(choice, SOUND_RATE).map_err(explain)?;
        Ok(Self { encoder, choice, frame_samples, waiting: Vec::new(), count: 0, stream: 0 })
    }

    /// Adds its stream to a container.
    ///
    /// # Errors
    /// A fault when memory is short.
    pub fn join(&mut self, muxer: &mut Muxer) -> Result<(), Fault> {
        self.stream = muxer.add(&self.encoder, &[])?;
        Ok(())
    }

    /// Encodes what is full, and keeps the rest.
    ///
    /// # Errors
    /// A fault when encoding or writing fails.
    pub fn push(&mut self, samples: &[Stereo], muxer: &mut Muxer) -> Result<(), Fault> {
        self.waiting.extend_from_slice(samples);
        let full = self.waiting.len() / self.frame_samples * self.frame_samples;
        let waiting = self.waiting.split_off(full);
        let ready = std::mem::replace(&mut self.waiting, waiting);
        ready.chunks(self.frame_samples).try_for_each(|frame| self.encode(frame, muxer))
    }

    /// Encodes the rest.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(&mut self, muxer: &mut Muxer) -> Result<(), Fault> {
        let rest = std::mem::take(&mut self.waiting);
        if !rest.is_empty() {
            self.encode(&rest, muxer)?;
        }
        self.encoder.send(None)?;
        self.drain(muxer)
    }

    fn encode(&mut self, samples: &[Stereo], muxer: &mut Muxer) -> Result<(), Fault> {
        let frame = Frame::of_sound(samples, self.count, SOUND_RATE, self.choice)?;
        self.count += samples.len() as i64;
        self.encoder.send(Some(&frame))?;
        self.drain(muxer)
    }

    fn drain(&mut self, muxer: &mut Muxer) -> Result<(), Fault> {
        while let Some(mut packet) = self.encoder.receive()? {
            muxer.write(self.stream, &mut packet)?;
        }
        Ok(())
    }
}
