//! Owns how the shown frame is looked at: colour settings, zoom and pan. Plain state; it survives a
//! change of clip.

use super::Command;
use crate::color::{AlphaMode, Backdrop, ChannelView, ColorSettings, Encoding};

const EXPOSURE_STEP_STOPS: f32 = 0.25;
const GAMMA_STEP: f32 = 0.1;
const EXPOSURE_LIMIT_STOPS: f32 = 20.0;
const GAMMA_RANGE: (f32, f32) = (0.1, 8.0);
const OFFSET_LIMIT: f32 = 100.0;
const SATURATION_LIMIT: f32 = 10.0;
const ZOOM_STEP: f32 = 1.25;
const ZOOM_RANGE: (f32, f32) = (1.0 / 64.0, 128.0);

/// How samples become pixels when the picture is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    Nearest,
    Bilinear,
    /// What loses least; bilinear while a software adapter plays.
    #[default]
    Best,
}

/// Where the picture lies in the viewport.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Framing {
    /// As large as it fits, centred.
    #[default]
    Fit,
    /// Screen pixels per picture pixel, and the picture's centre in the viewport, in viewport sizes
    /// from its middle.
    Free { zoom: f32, offset: (f32, f32) },
}

/// The settings of the view.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct View {
    /// What the user set; the encoding follows from the media.
    pub color: ColorSettings,
    pub is_raw: bool,
    pub filter: Filter,
    pub framing: Framing,
    /// Zoom at which the picture fits, as the viewport last reported; the start of free zooming.
    fit_zoom: f32,
}

impl View {
    /// The colour chain for media of the given kind.
    pub fn color_for(&self, is_linear: bool) -> ColorSettings {
        let encoding = if self.is_raw || !is_linear { Encoding::Identity } else { Encoding::Srgb };
        ColorSettings { encoding, ..self.color }
    }

    /// Whether any adjustment changes the colour of the picture.
    pub fn is_adjusted(&self) -> bool {
        self.is_raw || self.color != ColorSettings::default()
    }

    /// Told by whoever knows the size of the viewport.
    pub fn set_fit_zoom(&mut self, zoom: f32) {
        self.fit_zoom = zoom;
    }

    /// Screen pixels per picture pixel.
    pub fn zoom(&self) -> f32 {
        match self.framing {
            Framing::Fit => self.fit_zoom.max(ZOOM_RANGE.0),
            Framing::Free { zoom, .. } => zoom,
        }
    }

    pub fn set_exposure(&mut self, stops: f32) {
        set(&mut self.color.exposure, stops, (-EXPOSURE_LIMIT_STOPS, EXPOSURE_LIMIT_STOPS));
    }

    pub fn set_gamma(&mut self, gamma: f32) {
        set(&mut self.color.gamma, gamma, GAMMA_RANGE);
    }

    /// Applies a command of the view; `false` when it is none.
    pub fn apply(&mut self, command: Command) -> bool {
        let color = &mut self.color;
        match command {
            // The same key again leads back to all channels.
            Command::Channel(channel) if color.channel == channel => color.channel = ChannelView::Rgb,
            Command::Channel(channel) => color.channel = channel,
            Command::ExposureUp => self.set_exposure(self.color.exposure + EXPOSURE_STEP_STOPS),
            Command::ExposureDown => self.set_exposure(self.color.exposure - EXPOSURE_STEP_STOPS),
            Command::SetExposure(stops) => self.set_exposure(stops),
            Command::GammaUp => self.set_gamma(self.color.gamma + GAMMA_STEP),
            Command::GammaDown => self.set_gamma(self.color.gamma - GAMMA_STEP),
            Command::SetGamma(gamma) => self.set_gamma(gamma),
            Command::SetOffset(offset) => set(&mut color.offset, offset, (-OFFSET_LIMIT, OFFSET_LIMIT)),
            Command::SetSaturation(share) => set(&mut color.saturation, share, (0.0, SATURATION_LIMIT)),
            Command::SetAlpha(alpha) => color.alpha = alpha,
            Command::SetBackdrop(backdrop) => color.backdrop = backdrop,
            Command::CycleAlpha => {
                color.alpha = match color.alpha {
                    AlphaMode::Ignored => AlphaMode::Premultiplied,
                    AlphaMode::Premultiplied => AlphaMode::Straight,
                    AlphaMode::Straight => AlphaMode::Ignored,
                };
            }
            Command::CycleBackdrop => {
                color.backdrop = match color.backdrop {
                    Backdrop::Black => Backdrop::Grey,
                    Backdrop::Grey => Backdrop::Checker,
                    Backdrop::Checker => Backdrop::Black,
                };
            }
            Command::ToggleFalseColor => color.false_color = !color.false_color,
            Command::ToggleMarks => color.marks = !color.marks,
            Command::ToggleRaw => self.is_raw = !self.is_raw,
            Command::ToggleFilter => {
                self.filter = match self.filter {
                    Filter::Nearest => Filter::Best,
                    Filter::Bilinear | Filter::Best => Filter::Nearest,
                };
            }
            Command::ToggleFit if self.framing == Framing::Fit => self.free(1.0),
            Command::ToggleFit => self.framing = Framing::Fit,
            Command::ActualSize => self.free(1.0),
            Command::ZoomIn => self.zoom_at(ZOOM_STEP, 0.5, 0.5),
            Command::ZoomOut => self.zoom_at(1.0 / ZOOM_STEP, 0.5, 0.5),
            Command::ZoomAt(factor, x, y) => self.zoom_at(factor, x, y),
            Command::Pan(x, y) => self.pan(x, y),
            Command::ResetView => *self = Self { fit_zoom: self.fit_zoom, ..Self::default() },
            _ => return false,
        }
        true
    }

    fn free(&mut self, zoom: f32) {
        self.framing = Framing::Free { zoom, offset: (0.0, 0.0) };
    }

    fn offset(&self) -> (f32, f32) {
        match self.framing {
            Framing::Fit => (0.0, 0.0),
            Framing::Free { offset, .. } => offset,
        }
    }

    fn pan(&mut self, x: f32, y: f32) {
        if x.is_finite() && y.is_finite() {
            let (zoom, offset) = (self.zoom(), self.offset());
            self.framing = Framing::Free { zoom, offset: (offset.0 + x, offset.1 + y) };
        }
    }

    /// Scales by `factor` around a point of the viewport.
    fn zoom_at(&mut self, factor: f32, x: f32, y: f32) {
        if !(factor.is_finite() && factor > 0.0 && x.is_finite() && y.is_finite()) {
            return;
        }
        let before = self.zoom();
        let zoom = (before * factor).clamp(ZOOM_RANGE.0, ZOOM_RANGE.1);
        let scale = zoom / before;
        let (offset_x, offset_y) = self.offset();
        let around = |point: f32, offset: f32| (point - 0.5) * (1.0 - scale) + offset * scale;
        let offset = (around(x, offset_x), around(y, offset_y));
        self.framing = Framing::Free { zoom, offset };
    }
}

/// Within limits; what is no number changes nothing.
fn set(value: &mut f32, wanted: f32, (least, most): (f32, f32)) {
    if wanted.is_finite() {
        *value = wanted.clamp(least, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_key_again_shows_all_channels() {
        let mut view = View::default();
        view.apply(Command::Channel(ChannelView::Red));
        assert_eq!(view.color.channel, ChannelView::Red);
        view.apply(Command::Channel(ChannelView::Red));
        assert_eq!(view.color.channel, ChannelView::Rgb);
    }

    #[test]
    fn zooming_keeps_the_point_under_the_cursor() {
        let mut view = View::default();
        view.set_fit_zoom(0.5);
        let under = |view: &View| {
            let Framing::Free { zoom, offset } = view.framing else { unreachable!() };
            ((0.75 - 0.5 - offset.0) / zoom, (0.25 - 0.5 - offset.1) / zoom)
        };
        view.apply(Command::Pan(0.1, 0.0));
        let before = under(&view);
        view.apply(Command::ZoomAt(2.0, 0.75, 0.25));
        let after = under(&view);
        assert!((before.0 - after.0).abs() < 1e-5 && (before.1 - after.1).abs() < 1e-5);
        assert_eq!(view.zoom(), 1.0);
    }

    #[test]
    fn settings_stay_in_their_ranges() {
        let mut view = View::default();
        view.apply(Command::SetExposure(f32::NAN));
        view.apply(Command::SetExposure(1e9));
        view.apply(Command::SetGamma(-3.0));
        assert_eq!(view.color.exposure, EXPOSURE_LIMIT_STOPS);
        assert!((view.color.gamma - GAMMA_RANGE.0).abs() < 1e-6);
        view.apply(Command::ResetView);
        assert!(!view.is_adjusted());
    }
}
