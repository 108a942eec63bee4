//! Owns what is known of a movie before its frames are decoded. Plain values; any thread. Texts are as in the file: they
//! are escaped when shown.

use super::fence::{AudioFacts, NO_TIME, PixelFormat, StreamFacts};
use super::index::Index;
use crate::frame::{Orientation, VideoEncoding};
use crate::time::{FrameTimes, Nanos, Rate};

/// What a movie is.
#[derive(Debug, Clone, PartialEq)]
pub struct VideoInfo {
    /// `mov`, `matroska`, …
    pub container: String,
    pub codec: String,
    /// Of the pictures as decoded, before they are turned.
    pub width: u32,
    pub height: u32,
    /// Before they are cropped.
    pub coded_size: (u32, u32),
    /// Width of a pixel divided by its height, before it is turned; finite and positive.
    pub pixel_aspect: f32,
    pub orientation: Orientation,
    /// FFmpeg's name.
    pub pixel_format: String,
    pub encoding: VideoEncoding,
    /// On average where frames last unequally long.
    pub rate: Rate,
    /// All frames last equally long, but for what is rounded.
    pub is_steady: bool,
    pub duration_secs: f64,
    /// Seconds of one unit of time, as a fraction.
    pub time_base: (i32, i32),
    /// When the first frame is shown, in the time of the file.
    pub start_nanos: i128,
    pub timecode: Option<Timecode>,
    pub reel: Option<String>,
    /// Names and values of the file and its streams.
    pub texts: Vec<(String, String)>,
    pub audio: Vec<AudioFacts>,
}

/// The label of the first frame, as in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timecode {
    /// `hh:mm:ss:ff`, with a semicolon before the frames where numbers are dropped.
    pub text: String,
    /// Two numbers are left out every minute but the tenth (SMPTE ST 12-1).
    pub drops_frames: bool,
}

impl VideoInfo {
    /// What the file says and its index shows.
    pub fn of(facts: &StreamFacts, coded_size: (u32, u32), format: &PixelFormat, index: &Index) -> Self {
        let stated = [facts.average_rate, facts.base_rate].map(rate_from);
        let rate = rate_of(stated, facts.time_base, index.span());
        let find = |names: &[&str]| {
            let named =
                |(name, _): &&(String, String)| names.iter().any(|other| name.eq_ignore_ascii_case(other));
            facts.texts.iter().find(named).map(|(_, value)| value.clone())
        };
        Self {
            container: facts.container.split(',').next().unwrap_or_default().to_string(),
            codec: facts.codec.clone(),
            width: facts.width,
            height: facts.height,
            coded_size,
            pixel_aspect: aspect_of(facts.pixel_aspect),
            orientation: facts.display_matrix.map(orientation_of).unwrap_or_default(),
            pixel_format: format.name.clone(),
            encoding: VideoEncoding::of(format, facts.color, facts.height),
            rate,
            is_steady: is_steady(facts.time_base, index),
            duration_secs: duration_of(facts, index, rate),
            time_base: facts.time_base,
            start_nanos: index.time(0).map_or(0, |time| nanos_of(time, facts.time_base)),
            timecode: find(&["timecode"]).and_then(timecode_of),
            reel: find(&["reel_name", "reel", "com.apple.proapps.reel"]),
            texts: facts.texts.clone(),
            audio: facts.audio.clone(),
        }
    }

    /// Frames that the file says it has, where its index is not complete.
    pub fn estimated_frames(&self) -> u32 {
        (self.duration_secs * self.rate.as_f64()).round().clamp(0.0, f64::from(u32::MAX)) as u32
    }

    /// The times of all frames as a complete index has them, which may be more than was known when the movie was opened;
    /// a plain rate where frames last equally long, or their times are not to be believed.
    pub fn times(&self, index: &Index) -> FrameTimes {
        let rate_of = |span| rate_of([Some(self.rate), None], self.time_base, span);
        let whole = index.whole().filter(|_| index.is_complete() && !is_steady(self.time_base, index));
        let listed = whole.and_then(|(length, _)| {
            let end = index.time(0)?.checked_add(length)?;
            let nanos = |time| nanos_of(time, self.time_base);
            FrameTimes::listed(rate_of(whole), index.times().map(nanos), nanos(end))
        });
        listed.unwrap_or(rate_of(index.span()).into())
    }
}

/// Times of a stream in nanoseconds.
pub fn nanos_of(time: i64, (num, den): (i32, i32)) -> Nanos {
    i128::from(time) * i128::from(num) * 1_000_000_000 / i128::from(den.max(1))
}

/// A fraction that makes no sense is 1.
pub fn aspect_of((num, den): (i32, i32)) -> f32 {
    let aspect = num as f32 / den as f32;
    if num > 0 && den > 0 && (0.01..=100.0).contains(&aspect) { aspect } else { 1.0 }
}

/// The quarter turn nearest to what a display matrix does (ISO 14496-12, 8.3.2: x' = a·x + c·y, y' = b·x + d·y).
fn orientation_of(matrix: [i32; 9]) -> Orientation {
    let [a, b, _, c, d, ..] = matrix.map(f64::from);
    let is_mirrored = a * d - b * c < 0.0;
    let sign = if is_mirrored { -1.0 } else { 1.0 };
    let quarters = ((sign * b).atan2(sign * a) / std::f64::consts::FRAC_PI_2).round() as i64;
    Orientation::new(quarters.rem_euclid(4) as u8, is_mirrored)
}

fn timecode_of(text: String) -> Option<Timecode> {
    let is_timecode = text.len() == 11 && text.bytes().filter(u8::is_ascii_digit).count() == 8;
    let drops_frames = text.contains([';', '.']);
    is_timecode.then_some(Timecode { text, drops_frames })
}

/// How far a stated rate may lie from the measured one.
const RATE_TOLERANCE: f64 = 0.0005;

/// The rate at which so many frames take so long, in units of the stream, as the exact fraction that is meant.
fn rate_of(stated: [Option<Rate>; 2], (base, units): (i32, i32), span: Option<(i64, i64)>) -> Rate {
    let Some((length, gaps)) = span.filter(|_| base > 0 && units > 0) else {
        return stated.into_iter().flatten().next().unwrap_or(Rate::FILM);
    };
    let exact = exact_rate(i64::from(units) * gaps, i64::from(base).saturating_mul(length));
    let measured = (f64::from(units) * gaps as f64) / (f64::from(base) * length as f64);
    // Each end of what was measured may be rounded to a unit.
    let tolerance = RATE_TOLERANCE + 1.0 / length as f64;
    let usual = usual_rate(measured);
    // Two rates of television are nearer to each other than short movies with coarse times can tell.
    let candidates = stated.into_iter().chain([usual]).flatten();
    let fits = |rate: &Rate| (rate.as_f64() / measured - 1.0).abs() <= tolerance;
    let is_exact = |rate: &Rate| exact == Some(*rate);
    let rate = candidates.clone().find(is_exact).or_else(|| candidates.clone().find(fits)).or(exact);
    let rounded = Rate::new((measured * 1000.0).round().clamp(1.0, 1_000_000.0) as u32, 1000).ok();
    rate.or(rounded).unwrap_or(Rate::FILM)
}

/// Whether all frames last equally long, or nothing tells. Containers round times to milliseconds, whatever the units of
/// their streams.
fn is_steady((base, units): (i32, i32), index: &Index) -> bool {
    let units_per_milli = i64::from(units) / (1000 * i64::from(base)).max(1);
    base <= 0 || units <= 0 || index.is_steady(units_per_milli)
}

fn rate_from((num, den): (i32, i32)) -> Option<Rate> {
    Rate::new(u32::try_from(num).ok()?, u32::try_from(den).ok()?).ok()
}

fn exact_rate(num: i64, den: i64) -> Option<Rate> {
    let (mut a, mut b) = (num, den);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = a.max(1);
    Rate::new(u32::try_from(num / divisor).ok()?, u32::try_from(den / divisor).ok()?).ok()
}

/// The whole rate, or the one of television (n·1000/1001), that is nearest.
fn usual_rate(measured: f64) -> Option<Rate> {
    let whole = Rate::new(measured.round() as u32, 1).ok()?;
    let ntsc = Rate::new((measured * 1.001).round() as u32 * 1000, 1001).ok()?;
    let distance = |rate: Rate| (rate.as_f64() - measured).abs();
    Some(if distance(ntsc) < distance(whole) { ntsc } else { whole })
}

fn duration_of(facts: &StreamFacts, index: &Index, rate: Rate) -> f64 {
    let (base, units) = facts.time_base;
    let frames = f64::from(index.frames());
    if index.is_complete() {
        let Some((length, gaps)) = index.span() else { return frames / rate.as_f64() };
        return length as f64 * f64::from(base) / f64::from(units.max(1)) * frames / gaps as f64;
    }
    match (facts.duration, facts.file_duration) {
        (NO_TIME | ..=0, NO_TIME | ..=0) => frames / rate.as_f64(),
        (NO_TIME | ..=0, micros) => micros as f64 / 1e6,
        (length, _) => length as f64 * f64::from(base) / f64::from(units.max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Entry;
    use super::*;

    fn index(times: impl IntoIterator<Item = i64>) -> Index {
        let mut index = Index::new(false);
        for time in times {
            index.push(Entry { pts: time, dts: time, position: -1, time, is_key: true, is_shown: true });
        }
        index.finish(None);
        index
    }

    fn rate(time_base: (i32, i32), stated: (i32, i32), times: Vec<i64>) -> (String, bool) {
        let index = index(times);
        let rate = rate_of([rate_from(stated), None], time_base, index.span());
        (format!("{}/{}", rate.num(), rate.den()), is_steady(time_base, &index))
    }

    #[test]
    fn rates_are_the_fractions_that_are_meant() {
        let even = |step: f64, count: i64| {
            (0..count).map(|at| (at as f64 * step).round() as i64).collect::<Vec<_>>()
        };
        assert_eq!(rate((1, 24000), (0, 0), even(1001.0, 100)), ("24000/1001".into(), true));
        assert_eq!(rate((1, 1000), (0, 0), even(1000.0 / 23.976, 400)), ("24000/1001".into(), true));
        assert_eq!(rate((1, 1000), (30, 1), even(1000.0 / 30.0, 20)), ("30/1".into(), true));
        assert_eq!(rate((1, 1000), (30000, 1001), even(1001.0 / 30.0, 20)), ("30000/1001".into(), true));
        assert_eq!(rate((1, 1000), (0, 0), vec![0, 40, 100, 120]), ("25/1".into(), false));
        assert_eq!(rate((1, 25), (0, 0), vec![7]).0, "24/1");
    }

    #[test]
    fn turns_and_mirrors_are_told_apart() {
        let one = 1 << 16;
        let of = |a, b, c, d| {
            let orientation = orientation_of([a, b, 0, c, d, 0, 0, 0, 1 << 30]);
            (orientation.degrees(), orientation.is_mirrored())
        };
        assert_eq!(of(one, 0, 0, one), (0, false));
        assert_eq!(of(0, one, -one, 0), (90, false));
        assert_eq!(of(-one, 0, 0, -one), (180, false));
        assert_eq!(of(0, -one, one, 0), (270, false));
        assert_eq!(of(-one, 0, 0, one), (0, true));
        assert_eq!(of(one, 0, 0, -one), (180, true));
        assert_eq!(of(0, one, one, 0), (270, true));
        assert_eq!(of(0, -one, -one, 0), (90, true));
        assert_eq!(of(0, 0, 0, 0), (0, false));
    }

    #[test]
    fn time_codes_are_known_by_their_form() {
        assert!(timecode_of("01:00:00;02".into()).unwrap().drops_frames);
        assert!(!timecode_of("01:00:00:02".into()).unwrap().drops_frames);
        assert_eq!(timecode_of("yesterday".into()), None);
    }

    #[test]
    fn aspects_that_make_no_sense_are_square() {
        for aspect in [(0, 1), (1, 0), (-4, 3), (i32::MAX, 1)] {
            assert_eq!(aspect_of(aspect), 1.0);
        }
        assert_eq!(aspect_of((64, 45)), 64.0 / 45.0);
    }
}
