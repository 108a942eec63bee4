//! Owns which colour chain a clip is drawn with: asks for it once for every kind of media, builds it on a thread of
//! its own or at once; where it takes long, formulas draw meanwhile. The thread that draws.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use crate::color::{
    ColorChain, ColorConfig, ColorMenu, ColorProgram, ColorRequest, ColorSettings, Encoding, LUMINANCE_709,
    Light, MediaFacts, baked, open_or_default,
};
use crate::player::View;

/// Chains kept, for clips of different kinds beside one another.
const CHAINS_KEPT: usize = 8;
/// Weights of ACEScg (AP1) in luminance: the second row of its matrix to CIE XYZ (ACES S-2014-004, annex A).
const LUMINANCE_AP1: [f32; 3] = [0.272_228_72, 0.674_081_76, 0.053_689_52];

/// How a picture is coloured: the settings, and the chain where formulas do not do.
#[derive(Debug, Clone, PartialEq)]
pub struct Coloring {
    pub settings: ColorSettings,
    /// The number of a colour program.
    pub program: Option<u32>,
    /// The chain is about to be there: a picture without it would be one of other colours.
    pub is_building: bool,
}

/// So long nothing is drawn rather than in other colours; a config may lie on a disk that hangs.
const BUILD_PATIENCE: Duration = Duration::from_secs(1);

/// A chain, and the quick stand-in of a costly one.
struct Built {
    exact: ColorChain,
    quick: Option<ColorChain>,
    notice: Option<String>,
}

impl Built {
    fn new(request: &ColorRequest, facts: &MediaFacts, wants_quick: bool) -> Self {
        let (exact, notice) = open_or_default(request, facts);
        let quick = if wants_quick { baked(&exact) } else { None };
        Self { exact, quick, notice }
    }
}

enum State {
    Building(Receiver<Built>, Instant),
    Ready(Box<Built>),
}

struct Entry {
    number: u32,
    facts: MediaFacts,
    state: State,
}

/// The chains of a run.
pub struct Colors {
    request: ColorRequest,
    entries: Vec<Entry>,
    next_number: u32,
    /// Told when a chain is ready; without it chains are built at once.
    wake: Option<Arc<dyn Fn() + Send + Sync>>,
    /// A software adapter draws costly chains too slowly to play.
    is_software: bool,
    notices: Vec<String>,
    /// Pictures are drawn as light, beside controls whose white has so many nits.
    white_nits: Option<f32>,
}

impl Colors {
    pub fn new(request: ColorRequest, is_software: bool, wake: Option<Arc<dyn Fn() + Send + Sync>>) -> Self {
        Self {
            request,
            entries: Vec::new(),
            next_number: 0,
            wake,
            is_software,
            notices: Vec::new(),
            white_nits: None,
        }
    }

    /// For a target that takes light, whose white has so many nits; none for display values.
    pub fn shown_as_light(mut self, white_nits: Option<f32>) -> Self {
        self.set_white(white_nits);
        self
    }

    pub fn set_white(&mut self, white_nits: Option<f32>) {
        self.white_nits = white_nits;
    }

    pub fn request(&self) -> &ColorRequest {
        &self.request
    }

    /// Another request: every chain is built anew when it is drawn with next.
    pub fn set_request(&mut self, request: ColorRequest) {
        self.entries.clear();
        self.request = request;
    }

    /// What went wrong since the last call, for the user.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Displays and views to choose from; those of the built-in config where the user's cannot be read.
    pub fn menu(&self) -> ColorMenu {
        let opened = ColorConfig::open(self.request.config.as_deref()).or_else(|_| ColorConfig::open(None));
        opened.map(|config| config.menu()).unwrap_or_default()
    }

    /// Plain linear and display-referred media need no chain unless somebody asked for one.
    fn needs_chain(&self, facts: &MediaFacts) -> bool {
        self.request != ColorRequest::default() || facts.states_space()
    }

    /// How media is coloured now; `is_playing` allows the quick stand-in.
    pub fn coloring(&mut self, view: &View, facts: &MediaFacts, is_playing: bool) -> Coloring {
        let settings = view.color_for(facts.is_float);
        if view.is_raw || self.request.raw || !self.needs_chain(facts) {
            return Coloring {
                settings: lit_formula(settings, self.white_nits),
                program: None,
                is_building: false,
            };
        }
        let white_nits = self.white_nits;
        let (number, built) = match self.built(facts) {
            Ok(built) => built,
            Err(begun) => {
                let is_building = begun.elapsed() < BUILD_PATIENCE;
                return Coloring { settings: lit_formula(settings, white_nits), program: None, is_building };
            }
        };
        let settings = lit_chain(settings, white_nits, &built.exact);
        let is_quick = is_playing && built.quick.is_some();
        let is_ap1 = built.exact.description.working.as_deref() == Some("ACEScg");
        let luminance = if is_ap1 { LUMINANCE_AP1 } else { LUMINANCE_709 };
        Coloring {
            settings: ColorSettings { luminance, ..settings },
            program: Some(number * 2 + u32::from(is_quick)),
            is_building: false,
        }
    }

    /// The chain of some media in words.
    pub fn text(&mut self, view: &View, facts: &MediaFacts, is_playing: bool) -> String {
        if view.is_raw || self.request.raw {
            return "raw values".into();
        }
        if !self.needs_chain(facts) {
            let text = if facts.is_float && self.white_nits.is_some() {
                "Linear Rec.709 (float file) → HDR / Un-tone-mapped"
            } else if facts.is_float {
                "Linear Rec.709 (float file) → sRGB / Un-tone-mapped"
            } else {
                "display-referred → unchanged"
            };
            return text.into();
        }
        match self.built(facts) {
            Err(_) => "the colour chain is being built".into(),
            Ok((_, built)) if is_playing && built.quick.is_some() => {
                format!("{}, by a table while playing", built.exact.description.text())
            }
            Ok((_, built)) => built.exact.description.text(),
        }
    }

    /// The program of a number that [`Self::coloring`] gave.
    pub fn program(&self, number: u32) -> Option<&ColorProgram> {
        let entry = self.entries.iter().find(|entry| entry.number == number / 2)?;
        let State::Ready(built) = &entry.state else { return None };
        match (number % 2, &built.quick) {
            (1, Some(quick)) => Some(&quick.program),
            _ => Some(&built.exact.program),
        }
    }

    /// Takes in what was built meanwhile; whether anything was, so that pictures are to be drawn again.
    pub fn poll(&mut self) -> bool {
        let mut is_new = false;
        for entry in &mut self.entries {
            let State::Building(answer, _) = &entry.state else { continue };
            let mut built = match answer.try_recv() {
                Ok(built) => built,
                Err(TryRecvError::Empty) => continue,
                // The thread could not be started, or the build panicked: at once, then.
                Err(TryRecvError::Disconnected) => Built::new(&self.request, &entry.facts, self.is_software),
            };
            self.notices.extend(built.notice.take());
            entry.state = State::Ready(Box::new(built));
            is_new = true;
        }
        is_new
    }

    /// The chain for media, or since when it is being built.
    fn built(&mut self, facts: &MediaFacts) -> Result<(u32, &Built), Instant> {
        let position = match self.entries.iter().position(|entry| entry.facts == *facts) {
            Some(position) => position,
            None => {
                let position = self.start(facts);
                if self.wake.is_none() {
                    self.poll();
                }
                position
            }
        };
        let entry = &self.entries[position];
        match &entry.state {
            State::Ready(built) => Ok((entry.number, built)),
            State::Building(_, begun) => Err(*begun),
        }
    }

    fn start(&mut self, facts: &MediaFacts) -> usize {
        if self.entries.len() == CHAINS_KEPT {
            self.entries.remove(0);
        }
        self.next_number += 1;
        let (sender, answer) = channel();
        let (request, facts_of_it, is_software) = (self.request.clone(), facts.clone(), self.is_software);
        match self.wake.clone() {
            None => drop(sender.send(Built::new(&request, &facts_of_it, is_software))),
            Some(wake) => {
                // Ends with its one answer; nobody waits for it.
                let build = move || {
                    let _ = sender.send(Built::new(&request, &facts_of_it, is_software));
                    wake();
                };
                let started = std::thread::Builder::new().name("color-build".into()).spawn(build);
                if let Err(error) = started {
                    log::warn!("no thread for colour: {error}");
                }
            }
        }
        let state = State::Building(answer, Instant::now());
        self.entries.push(Entry { number: self.next_number, facts: facts.clone(), state });
        self.entries.len() - 1
    }
}

/// The settings for a target that takes light, without a chain: scene values go on above white.
fn lit_formula(settings: ColorSettings, white_nits: Option<f32>) -> ColorSettings {
    let Some(white_nits) = white_nits else { return settings };
    let light = match settings.encoding {
        Encoding::Srgb => Light::Linear,
        Encoding::Identity => Light::Srgb,
    };
    ColorSettings { encoding: Encoding::Identity, light, white_nits, ..settings }
}

/// The same with a chain: its display says what its values mean.
fn lit_chain(settings: ColorSettings, white_nits: Option<f32>, chain: &ColorChain) -> ColorSettings {
    let Some(white_nits) = white_nits else { return settings };
    let display = chain.description.display.as_deref().unwrap_or_default();
    ColorSettings { light: Light::of_display(display), white_nits, ..settings }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{ColorTags, Primaries, Transfer};

    fn linear() -> MediaFacts {
        MediaFacts { is_float: true, ..MediaFacts::default() }
    }

    #[test]
    fn plain_media_needs_no_chain() {
        let mut colors = Colors::new(ColorRequest::default(), true, None);
        let coloring = colors.coloring(&View::default(), &linear(), false);
        assert_eq!((coloring.program, coloring.settings.encoding), (None, Encoding::Srgb));
        let still = colors.coloring(&View::default(), &MediaFacts::default(), false);
        assert_eq!((still.program, still.settings.encoding), (None, Encoding::Identity));
        assert!(colors.entries.is_empty());
        let tags = Some(ColorTags { transfer: Transfer::Pq, primaries: Primaries::Bt2020 });
        let movie = MediaFacts { is_movie: true, tags, ..MediaFacts::default() };
        assert!(colors.coloring(&View::default(), &movie, false).program.is_some());
    }

    #[cfg(feature = "ocio")]
    #[test]
    fn a_costly_chain_plays_by_its_stand_in_on_a_software_adapter_only() {
        let request = ColorRequest {
            view: Some("ACES 2.0 - SDR 100 nits (Rec.709)".into()),
            ..ColorRequest::default()
        };
        for is_software in [true, false] {
            let mut colors = Colors::new(request.clone(), is_software, None);
            let playing = colors.coloring(&View::default(), &linear(), true);
            let paused = colors.coloring(&View::default(), &linear(), false);
            assert_eq!(playing == paused, !is_software);
            assert!(colors.program(paused.program.unwrap()).unwrap().is_costly);
            assert_eq!(
                colors.text(&View::default(), &linear(), true).ends_with("while playing"),
                is_software
            );
            assert_eq!(paused.settings.luminance, LUMINANCE_AP1);
            assert!(colors.take_notices().is_empty());
        }
    }

    #[test]
    fn for_a_target_that_takes_light_white_is_no_limit() {
        let mut colors = Colors::new(ColorRequest::default(), false, None).shown_as_light(Some(300.0));
        let linear = colors.coloring(&View::default(), &linear(), false).settings;
        assert_eq!((linear.encoding, linear.light), (Encoding::Identity, Light::Linear));
        assert_eq!(linear.white_nits, 300.0);
        let still = colors.coloring(&View::default(), &MediaFacts::default(), false).settings;
        assert_eq!((still.encoding, still.light), (Encoding::Identity, Light::Srgb));
    }

    #[cfg(feature = "ocio")]
    #[test]
    fn an_hdr_display_of_the_config_is_light_and_any_other_stays_what_it_is() {
        for (display, light) in [("Rec.2100-PQ - Display", Light::PqRec2020), ("sRGB - Display", Light::Srgb)]
        {
            let request = ColorRequest { display: Some(display.into()), ..ColorRequest::default() };
            let mut colors = Colors::new(request, false, None).shown_as_light(Some(203.0));
            let coloring = colors.coloring(&View::default(), &linear(), false);
            assert_eq!((coloring.settings.light, coloring.program.is_some()), (light, true), "{display}");
            assert_eq!(colors.take_notices(), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_wrong_is_told_once_and_raw_stays_raw() {
        let request = ColorRequest { view: Some("no such view".into()), ..ColorRequest::default() };
        let mut colors = Colors::new(request, false, None);
        for _ in 0..3 {
            assert!(colors.coloring(&View::default(), &linear(), false).program.is_some());
        }
        assert_eq!(colors.take_notices().len(), 1);
        let mut raw = View::default();
        raw.apply(crate::player::Command::ToggleRaw);
        let coloring = colors.coloring(&raw, &linear(), false);
        assert_eq!((coloring.program, coloring.settings.encoding), (None, Encoding::Identity));
    }

    #[test]
    fn a_chain_that_is_built_elsewhere_comes_with_a_bell() {
        let (bell, rung) = channel();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            let _ = bell.send(());
        });
        let request = ColorRequest { display: Some("sRGB - Display".into()), ..ColorRequest::default() };
        let mut colors = Colors::new(request, false, Some(wake));
        assert!(colors.coloring(&View::default(), &linear(), false).is_building);
        rung.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(colors.poll(), "what rang the bell is to be drawn");
        assert!(!colors.poll(), "once");
        let there = colors.coloring(&View::default(), &linear(), false);
        assert!(there.program.is_some() && !there.is_building);
    }

    #[test]
    fn a_chain_that_never_comes_is_not_waited_for() {
        let mut colors = Colors::new(ColorRequest::default(), false, None);
        let facts = MediaFacts { is_aces_container: true, ..linear() };
        let (_never, answer) = channel();
        let begun = Instant::now().checked_sub(BUILD_PATIENCE).unwrap();
        let state = State::Building(answer, begun);
        colors.entries.push(Entry { number: 1, facts: facts.clone(), state });
        let coloring = colors.coloring(&View::default(), &facts, false);
        assert_eq!((coloring.program, coloring.is_building), (None, false));
    }
}
