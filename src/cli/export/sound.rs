//! Owns the sound of an export: which file it is, and which of its samples belong to a picture. Opened by the command,
//! read by the thread that makes pictures.

use super::timing::Timing;
use crate::audio::{SoundEnd, SoundSource, Stereo};
use crate::cli::args::MediaArgs;
use crate::cli::{Failure, say};
use crate::encode::SOUND_RATE;
use crate::epoch::EpochWatch;
use crate::player::{Clip, open_sound_files};
use crate::time::Rate;

/// The open sound of a clip.
pub struct Track {
    source: Box<dyn SoundSource>,
    /// Pictures from the beginning of the sound to the first of the movie.
    place: i64,
    /// Samples besides.
    offset: i64,
    rate: Rate,
}

impl Track {
    /// The sound that goes with the frames; none where there is none, none is wanted, or it does not fit them, which is
    /// said.
    ///
    /// # Errors
    /// [`Failure::NO_MEDIA`] when the file of `--audio` is none.
    pub fn open(
        args: &MediaArgs,
        clip: &Clip,
        timing: &Timing,
        numbers: &[i64],
    ) -> Result<Option<Self>, Failure> {
        let Some(sound) = clip.sound.as_ref().filter(|_| !args.no_audio) else { return Ok(None) };
        if let Some(why) = obstacle(sound.rate, clip.rate(), numbers) {
            say(&format!("the movie has no sound: {why}"));
            return Ok(None);
        }
        match open_sound_files()(&sound.file, SOUND_RATE, &EpochWatch::never_stale()) {
            Ok(source) => {
                let first = numbers.first().copied().unwrap_or(0).saturating_sub(sound.first_number);
                // Frames of unequal length say by themselves where they begin.
                let (place, secs) = timing.offset_secs().map_or((first, 0.0), |secs| (0, secs));
                let offset = (secs * f64::from(SOUND_RATE)).round() as i64;
                Ok(Some(Self { source, place, offset, rate: timing.rate() }))
            }
            Err(SoundEnd::Failed(reason)) if args.audio.is_some() => {
                Err(Failure::new(Failure::NO_MEDIA, reason))
            }
            Err(end) => {
                say(&format!("the movie has no sound: {}", reason_of(end)));
                Ok(None)
            }
        }
    }

    /// The silence before the first picture that lasts as long as so many pictures.
    pub fn silence(&self, pictures: i64) -> Vec<Stereo> {
        vec![[0.0; 2]; usize::try_from(self.sample(0) - self.sample(-pictures)).unwrap_or(0)]
    }

    /// What is heard while a picture is shown, counted from the first; silence where the file has nothing.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub fn of_picture(&mut self, picture: i64) -> Result<Vec<Stereo>, String> {
        let (first, end) = (self.sample(picture), self.sample(picture + 1));
        let mut samples = vec![[0.0; 2]; usize::try_from(end - first).unwrap_or(0)];
        match self.source.read(first, &mut samples, &EpochWatch::never_stale()) {
            Ok(()) => Ok(samples),
            Err(end) => Err(format!("its sound: {}; --no-audio leaves it out", reason_of(end))),
        }
    }

    /// The sample at which a picture begins.
    fn sample(&self, picture: i64) -> i64 {
        first_sample(self.place.saturating_add(picture), self.rate).saturating_add(self.offset)
    }
}

fn reason_of(end: SoundEnd) -> String {
    match end {
        SoundEnd::Failed(reason) => reason,
        SoundEnd::Skipped => "reading it was given up".into(),
    }
}

/// Why sound cannot go with such frames.
fn obstacle(sound_rate: Option<Rate>, rate: Rate, numbers: &[i64]) -> Option<String> {
    if let Some(own) = sound_rate.filter(|own| *own != rate) {
        return Some(format!("its pictures go by at {rate} frames a second and not at {own}"));
    }
    let is_whole = numbers.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    (!is_whole).then(|| "its frames do not follow one after the other".into())
}

/// The sample at which a frame begins, rounded down, so that frames share none and leave none out.
fn first_sample(frame: i64, rate: Rate) -> i64 {
    let samples = i128::from(frame) * i128::from(SOUND_RATE) * i128::from(rate.den());
    i64::try_from(samples.div_euclid(i128::from(rate.num()))).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_share_no_sample_and_leave_none_out() {
        let ntsc = Rate::new(30_000, 1001).unwrap();
        let lengths: Vec<i64> =
            (-2..8).map(|frame| first_sample(frame + 1, ntsc) - first_sample(frame, ntsc)).collect();
        assert!(lengths.iter().all(|length| [1601, 1602].contains(length)), "{lengths:?}");
        assert_eq!(first_sample(30_000, ntsc), 1001 * 48_000);
        assert_eq!(first_sample(24, Rate::FILM), 48_000);
    }

    #[test]
    fn sound_goes_with_frames_in_order_at_their_own_rate() {
        let ntsc = Rate::new(30_000, 1001).unwrap();
        assert_eq!(obstacle(None, ntsc, &[3, 4, 5]), None);
        assert_eq!(obstacle(Some(ntsc), ntsc, &[3]), None);
        assert!(obstacle(Some(ntsc), Rate::FILM, &[3]).unwrap().contains("24 frames a second"));
        assert!(obstacle(None, ntsc, &[3, 5]).is_some());
    }
}
