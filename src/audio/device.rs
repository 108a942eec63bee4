//! The sound device of the system, by cpal. Owns its stream; the mixer runs on the device's own thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{ErrorKind, FromSample, OutputCallbackInfo, SampleFormat, SizedSample, StreamConfig};

use super::mixer::Shared;
use super::{Mixer, Now, Stereo};
use crate::text::shown;

const NO_DEVICE: &str = "this machine has no sound device";
/// Samples that are mixed at a time; devices ask for fewer as a rule.
const PIECE: usize = 4096;

/// A device that was found, before it plays.
pub struct Found {
    device: cpal::Device,
    config: StreamConfig,
    format: SampleFormat,
    pub name: String,
    pub rate: u32,
}

/// A device that plays until it is dropped.
pub struct Device {
    _stream: cpal::Stream,
}

fn reason_of(error: &cpal::Error) -> String {
    match error.kind() {
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => NO_DEVICE.into(),
        _ => shown(error.to_string()),
    }
}

/// ALSA tells the terminal what it looked for in vain. While this is held its messages on this thread go to the log.
#[cfg(target_os = "linux")]
fn take_messages() -> Messages {
    Messages(alsa::Output::local_error_handler().ok())
}

#[cfg(not(target_os = "linux"))]
fn take_messages() {}

#[cfg(target_os = "linux")]
struct Messages(Option<std::rc::Rc<std::cell::RefCell<alsa::Output>>>);

#[cfg(target_os = "linux")]
impl Drop for Messages {
    fn drop(&mut self) {
        if let Some(messages) = &self.0 {
            log::debug!("ALSA says: {}", shown(messages.borrow().to_string()));
        }
    }
}

/// The default device of the system and how it likes its samples.
///
/// # Errors
/// Why there is none, safe to show.
pub fn find() -> Result<Found, String> {
    let _messages = take_messages();
    let device = cpal::default_host().default_output_device().ok_or(NO_DEVICE)?;
    let config = device.default_output_config().map_err(|error| reason_of(&error))?;
    let name = device.description().map_or_else(|_| "default".into(), |found| shown(found.name()));
    let (format, rate) = (config.sample_format(), config.sample_rate());
    Ok(Found { device, config: config.into(), format, name, rate })
}

impl Found {
    /// Starts to play what the mixer writes.
    ///
    /// # Errors
    /// Why the device does not play, safe to show.
    pub fn start(self, mixer: Mixer, shared: &Arc<Shared>, now: Now) -> Result<Device, String> {
        let _messages = take_messages();
        let shared = Arc::clone(shared);
        let started = match self.format {
            SampleFormat::F32 => self.stream::<f32>(mixer, shared, now),
            SampleFormat::I16 => self.stream::<i16>(mixer, shared, now),
            SampleFormat::I32 => self.stream::<i32>(mixer, shared, now),
            SampleFormat::U16 => self.stream::<u16>(mixer, shared, now),
            SampleFormat::U8 => self.stream::<u8>(mixer, shared, now),
            other => return Err(format!("the sound device wants samples of the kind {other}")),
        };
        let stream = started.map_err(|error| reason_of(&error))?;
        stream.play().map_err(|error| reason_of(&error))?;
        Ok(Device { _stream: stream })
    }

    fn stream<T: SizedSample + FromSample<f32>>(
        &self,
        mut mixer: Mixer,
        shared: Arc<Shared>,
        now: Now,
    ) -> Result<cpal::Stream, cpal::Error> {
        let (channels, rate) = (usize::from(self.config.channels).max(1), self.rate);
        let mut piece = vec![[0.0; 2]; PIECE];
        let write = move |out: &mut [T], info: &OutputCallbackInfo| {
            let times = info.timestamp();
            let latency = times.playback.saturating_duration_since(times.callback);
            let mut heard_at = now() + latency.as_nanos() as i128;
            for part in out.chunks_mut(PIECE * channels) {
                let samples = &mut piece[..part.len() / channels];
                mixer.render(samples, heard_at);
                heard_at += samples.len() as i128 * 1_000_000_000 / i128::from(rate.max(1));
                spread(samples, part, channels);
            }
        };
        let fail = move |error: cpal::Error| match error.kind() {
            ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated | ErrorKind::HostUnavailable => {
                shared.is_lost.store(true, Ordering::Release);
            }
            _ => log::info!("the sound device says: {}", shown(error.to_string())),
        };
        self.device.build_output_stream(self.config, write, fail, None)
    }
}

/// Left and right to the first two channels, both to a single one, silence to the rest.
fn spread<T: SizedSample + FromSample<f32>>(samples: &[Stereo], out: &mut [T], channels: usize) {
    for (sample, moment) in samples.iter().zip(out.chunks_exact_mut(channels)) {
        let values = if channels == 1 { [f32::midpoint(sample[0], sample[1]), 0.0] } else { *sample };
        let values = values.into_iter().chain(std::iter::repeat(0.0));
        for (place, value) in moment.iter_mut().zip(values) {
            *place = T::from_sample(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_filled() {
        let mut out = [9.0_f32; 6];
        spread(&[[0.5, -0.5], [1.0, 0.0]], &mut out, 3);
        assert_eq!(out, [0.5, -0.5, 0.0, 1.0, 0.0, 0.0]);
        let mut out = [9_i16; 2];
        spread(&[[0.5, -0.5], [1.0, 1.0]], &mut out, 1);
        assert_eq!(out, [0, i16::MAX]);
    }
}
