//! Owns what playback waited for, summed over a stretch of time, and the verdict on it. Plain data.

/// What limits playback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limit {
    /// Every frame came in time.
    #[default]
    Nothing,
    /// Reading files.
    Disk,
    Decode,
    Upload,
    /// Drawing.
    Gpu,
    /// The display refreshes less often than frames are due.
    Vsync,
}

impl Limit {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Disk => "disk",
            Self::Decode => "decode",
            Self::Upload => "upload",
            Self::Gpu => "gpu",
            Self::Vsync => "vsync",
        }
    }
}

/// The share of playing time that must be spent waiting before something is named as the limit.
const LIMIT_SHARE: f64 = 0.02;

/// Nanoseconds of playback, by what kept the frame that was due from the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waited {
    /// All of the time.
    pub playing: u64,
    /// A frame was due that is not decoded.
    pub decode: u64,
    /// A frame was due that is decoded and not in VRAM.
    pub upload: u64,
    /// A frame was due while the one before was still being drawn.
    pub draw: u64,
    /// What all draws took, whether something waited for them or not, and how many there were.
    pub drawing: u64,
    pub draws: u64,
    /// What decode threads took, and what they spent reading of it.
    pub decoding: u64,
    pub reading: u64,
    /// Frames that were late, dropped or held.
    pub behind: u64,
}

/// How playback was paced, as far as it says what a limit is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pacing {
    /// No frame has a time: whatever takes longest is the limit.
    pub is_unpaced: bool,
    /// The display refreshes less often than frames are due.
    pub is_beyond_display: bool,
}

impl Waited {
    /// Of the time that decoding was waited for, what went into reading: as much as of the decode threads' time.
    pub fn disk(&self) -> u64 {
        if self.decoding == 0 {
            return 0;
        }
        (self.decode as f64 * (self.reading as f64 / self.decoding as f64).min(1.0)) as u64
    }

    /// The sum of two stretches.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            playing: self.playing + other.playing,
            decode: self.decode + other.decode,
            upload: self.upload + other.upload,
            draw: self.draw + other.draw,
            drawing: self.drawing + other.drawing,
            draws: self.draws + other.draws,
            decoding: self.decoding + other.decoding,
            reading: self.reading + other.reading,
            behind: self.behind + other.behind,
        }
    }

    /// What was waited for, with the share of playing time that each took.
    pub fn shares(&self) -> [(Limit, f64); 4] {
        let disk = self.disk();
        let share = |nanos: u64| nanos as f64 / self.playing.max(1) as f64;
        [
            (Limit::Disk, share(disk)),
            (Limit::Decode, share(self.decode - disk)),
            (Limit::Upload, share(self.upload)),
            (Limit::Gpu, share(self.draw)),
        ]
    }

    /// What took most of the time that frames had to wait for.
    pub fn limit(&self, pacing: Pacing) -> Limit {
        if self.behind == 0 && !pacing.is_unpaced {
            return Limit::Nothing;
        }
        let (limit, most) =
            self.shares().into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((Limit::Nothing, 0.0));
        match pacing.is_beyond_display {
            _ if most > LIMIT_SHARE => limit,
            true => Limit::Vsync,
            false => Limit::Nothing,
        }
    }
}

/// What limits playback, with the figures behind it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitStatus {
    /// Over the last one to two seconds of playback.
    pub recent: Waited,
    pub now: Limit,
    /// Over the whole life of the player.
    pub whole: Waited,
    pub all_along: Limit,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn paced() -> Pacing {
        Pacing::default()
    }

    #[test]
    fn playback_that_keeps_up_is_limited_by_nothing() {
        let busy = Waited { playing: SECOND, decode: SECOND / 2, ..Waited::default() };
        assert_eq!(busy.limit(paced()), Limit::Nothing);
        let hiccup = Waited { playing: SECOND, upload: SECOND / 100, behind: 1, ..Waited::default() };
        assert_eq!(hiccup.limit(paced()), Limit::Nothing);
    }

    #[test]
    fn reading_is_told_from_decoding() {
        let mut waited = Waited { playing: SECOND, decode: SECOND / 2, behind: 3, ..Waited::default() };
        assert_eq!(waited.limit(paced()), Limit::Decode);
        (waited.decoding, waited.reading) = (SECOND, SECOND * 3 / 4);
        assert_eq!((waited.disk(), waited.limit(paced())), (SECOND * 3 / 8, Limit::Disk));
        waited.upload = SECOND * 2 / 5;
        assert_eq!(waited.limit(paced()), Limit::Upload);
        waited.draw = SECOND * 2 / 3;
        assert_eq!(waited.limit(paced()), Limit::Gpu);
    }

    #[test]
    fn a_slow_display_is_the_limit_when_nothing_else_is() {
        let slow = Pacing { is_beyond_display: true, is_unpaced: false };
        let mut waited = Waited { playing: SECOND, behind: 1, ..Waited::default() };
        assert_eq!(waited.limit(slow), Limit::Vsync);
        waited.decode = SECOND / 2;
        assert_eq!(waited.limit(slow), Limit::Decode);
    }

    #[test]
    fn without_a_pace_the_longest_is_the_limit() {
        let pacing = Pacing { is_unpaced: true, is_beyond_display: false };
        let waited = Waited { playing: SECOND, draw: SECOND / 2, upload: SECOND / 4, ..Waited::default() };
        assert_eq!(waited.limit(pacing), Limit::Gpu);
    }
}
