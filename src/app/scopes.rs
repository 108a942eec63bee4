//! Owns when the shown picture is measured for the scopes panel, and the last result. Nothing is measured
//! while the panel is closed. The thread that draws.

use std::time::{Duration, Instant};

use crate::color::scopes::{Scale, ScopeResult, ScopeSettings};
use crate::color::{ColorSettings, Encoding};
use crate::frame::FrameKey;
use crate::gpu::AdapterKind;
use crate::stage::Stage;

/// While playing the panel follows this often.
const PLAYING_INTERVAL: Duration = Duration::from_millis(100);
/// Pixels looked at, while playing and while a picture rests on screen: a few milliseconds.
const PLAYING_SAMPLES: u32 = 1 << 20;
const RESTING_SAMPLES: u32 = 1 << 24;
/// A software adapter takes about 0.1 ms for a thousand, from the cores that decode and draw: fewer pixels,
/// less often.
const SOFTWARE_SHARE: u32 = 16;
const SOFTWARE_INTERVAL: Duration = Duration::from_millis(400);

/// What is shown, and how.
pub struct ScopesWish {
    pub key: FrameKey,
    pub color: ColorSettings,
    /// `None` where the picture's display decides.
    pub scale: Option<Scale>,
    pub is_playing: bool,
}

impl ScopesWish {
    fn settings(&self, adapter: AdapterKind) -> ScopeSettings {
        let samples = if self.is_playing { PLAYING_SAMPLES } else { RESTING_SAMPLES };
        let share = if adapter == AdapterKind::Cpu { SOFTWARE_SHARE } else { 1 };
        let of_display = match self.color.encoding {
            Encoding::Identity => Scale::Linear,
            Encoding::Srgb => Scale::Display,
        };
        ScopeSettings {
            region: None,
            max_samples: samples / share,
            scale: self.scale.unwrap_or(of_display),
            encoding: self.color.encoding,
        }
    }
}

/// The last result, and what was asked for last.
#[derive(Default)]
pub struct ScopesFeed {
    result: Option<ScopeResult>,
    refusal: Option<String>,
    asked: Option<(FrameKey, ScopeSettings)>,
    asked_at: Option<Instant>,
}

impl ScopesFeed {
    /// What the panel shows.
    pub fn shown(&self) -> Result<Option<&ScopeResult>, &str> {
        match &self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(self.result.as_ref()),
        }
    }

    /// The panel is closed, or the device is another one.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Asks when what is shown is not what was asked for; tells whether there is a new result.
    pub fn step(&mut self, stage: &mut Stage, wish: Option<&ScopesWish>) -> bool {
        if let Some(wish) = wish {
            self.ask(stage, wish);
        }
        let Some(result) = stage.poll_scopes() else { return false };
        self.result = Some(result);
        true
    }

    fn ask(&mut self, stage: &mut Stage, wish: &ScopesWish) {
        let kind = stage.adapter().kind;
        let asked = (wish.key, wish.settings(kind));
        let interval = if kind == AdapterKind::Cpu { SOFTWARE_INTERVAL } else { PLAYING_INTERVAL };
        let is_early = self.asked_at.is_some_and(|at| at.elapsed() < interval);
        if self.asked == Some(asked) || self.refusal.is_some() || (wish.is_playing && is_early) {
            return;
        }
        self.refusal = stage.request_scopes(asked.0, &asked.1).err().map(|error| error.to_string());
        self.asked = Some(asked);
        self.asked_at = Some(Instant::now());
    }
}
