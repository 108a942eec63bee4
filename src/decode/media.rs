//! Owns what is known of a file before its pixels are decoded: parts, channels, layers, attributes,
//! and which planes show a layer. Plain values; any thread.

use super::sound::SoundTrack;
use crate::frame::{ColorTags, Orientation, Role, SampleType, Window};
use crate::time::{FrameTimes, Rate};

/// One channel of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Full name as in the file, such as `diffuse.R`.
    pub name: String,
    pub sample: SampleType,
    /// Subsampling in x and y; 1 is full resolution.
    pub sampling: (u32, u32),
}

impl Channel {
    /// What stands before the last dot, `""` without one.
    pub fn layer_name(&self) -> &str {
        self.name.rsplit_once('.').map_or("", |(layer, _)| layer)
    }

    /// What stands after the last dot.
    pub fn base_name(&self) -> &str {
        self.name.rsplit_once('.').map_or(&self.name, |(_, base)| base)
    }
}

/// One attribute as text; both sides may hold anything and are escaped when shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub kind: String,
    pub value: String,
}

/// One part of a file. Files without parts have one.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// 0-based position in the file.
    pub number: usize,
    pub name: Option<String>,
    pub view: Option<String>,
    pub data_window: Window,
    pub display_window: Window,
    pub pixel_aspect: f32,
    /// How stored pictures are turned: windows and aspect are those after it, sampling and levels before it.
    pub orientation: Orientation,
    pub compression: String,
    /// `scanline`, `tiled 64x64`, …
    pub storage: String,
    pub channels: Vec<Channel>,
    pub attributes: Vec<Attribute>,
    /// Views whose channels share this part, the one without a prefix first; empty for all other parts.
    pub views: Vec<String>,
    pub color: StatedColor,
    /// Width and height of every resolution level that is smaller in both directions alike, the largest first.
    pub levels: Vec<(u32, u32)>,
    /// The level that is decoded while somebody scrubs, where that is much faster than the full size.
    pub scrub_level: Option<u8>,
    /// Why the pixels of this part cannot be decoded, when the header already tells.
    pub obstacle: Option<String>,
}

impl Part {
    /// The one part of a file whose pictures have such a size as they are shown.
    pub fn of_picture((width, height): (u32, u32), channels: Vec<Channel>) -> Self {
        let window = Window::at_origin(width, height);
        Self {
            number: 0,
            name: None,
            view: None,
            data_window: window,
            display_window: window,
            pixel_aspect: 1.0,
            orientation: Orientation::default(),
            compression: String::new(),
            storage: String::new(),
            channels,
            attributes: Vec::new(),
            views: Vec::new(),
            color: StatedColor::default(),
            levels: Vec::new(),
            scrub_level: None,
            obstacle: None,
        }
    }
}

/// A named group of channels that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Unique in the file: the part's name and the channels' prefix.
    pub name: String,
    /// Position in [`MediaInfo::parts`].
    pub part: usize,
    pub planes: PlaneRequest,
}

/// The channels that one layer brings to the screen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlaneRequest {
    /// 0-based part in the file.
    pub part: usize,
    /// The name of the part, by which it is found in files that order their parts differently.
    pub part_name: Option<String>,
    /// Full channel names with the role each plays.
    pub channels: Vec<(String, Role)>,
    /// Luminance and chroma become red, green and blue.
    pub mixes_chroma: bool,
}

impl PlaneRequest {
    /// The channels without those that only raw output carries.
    pub fn displayed(&self) -> Self {
        let shown = |channel: &&(String, Role)| channel.1 != Role::Other;
        let channels: Vec<_> = self.channels.iter().filter(shown).cloned().collect();
        let mixes_chroma = channels.iter().any(|(_, role)| *role == Role::ChromaRed);
        Self { channels, mixes_chroma, ..self.clone() }
    }
}

/// How the frames of a clip are best decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Each by itself, in any order, on any thread.
    #[default]
    Random,
    /// Forward from the frame before, as movies are.
    Sequential,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaInfo {
    /// `EXR`, `PNG`, …
    pub format: String,
    pub parts: Vec<Part>,
    pub layers: Vec<Layer>,
    /// The layer that is shown when nothing else is asked for.
    pub default_layer: usize,
    /// Stated by the file; on average where its frames last unequally long.
    pub rate: Option<Rate>,
    /// Of a file whose frames last unequally long.
    pub times: Option<FrameTimes>,
    /// Scene-linear values, as opposed to values made for a display.
    pub is_linear: bool,
    pub access: Access,
    /// Of a file that holds a whole clip; none for a file that is one frame.
    pub length: Option<Length>,
    /// The sound that the file itself has.
    pub sound: Option<SoundTrack>,
    /// What somebody who looks at it should know.
    pub notice: Option<String>,
}

/// How many frames a file has that holds a whole clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub frames: u32,
    /// Its index is not complete; this is what the file says, or what is known so far.
    pub is_estimated: bool,
}

/// What a file says of its colours.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StatedColor {
    /// Red x, y, green x, y, blue x, y, white x, y (OpenEXR's `chromaticities`).
    pub chromaticities: Option<[f32; 8]>,
    /// An ACES container (SMPTE ST 2065-4).
    pub is_aces_container: bool,
    /// How a movie or scanned film says that its numbers stand for light, and which red, green and blue it means.
    pub tags: Option<ColorTags>,
}

impl MediaInfo {
    /// Of a file that is one picture with one part.
    pub fn of_picture(format: String, part: Part, is_linear: bool) -> Self {
        let parts = vec![part];
        let layers = layers_of(&parts);
        Self {
            format,
            default_layer: default_layer(&parts, &layers),
            layers,
            parts,
            rate: None,
            times: None,
            is_linear,
            access: Access::Random,
            length: None,
            sound: None,
            notice: None,
        }
    }

    /// The part that a layer belongs to.
    pub fn part_of(&self, layer: usize) -> Option<&Part> {
        self.parts.get(self.layers.get(layer)?.part)
    }
}

impl MediaInfo {
    /// The layer to show of a view: of the parts of that view, or of the channels that bear its name.
    pub fn layer_of_view(&self, view: &str) -> Option<usize> {
        let is_of_view = |layer: &Layer| {
            let part = &self.parts[layer.part];
            let prefix = layer.planes.channels.first().and_then(|(name, _)| name.rsplit_once('.'));
            let last = prefix.map_or("", |(prefix, _)| prefix.rsplit('.').next().unwrap_or(prefix));
            match part.views.split_first() {
                // Channels without the name of a view belong to the first («OpenEXR Multi-View Images»).
                Some((first, others)) if first == view => !others.iter().any(|other| other == last),
                Some((_, others)) => others.iter().any(|other| other == view) && last == view,
                None => part.view.as_deref() == Some(view),
            }
        };
        let of_view: Vec<usize> = (0..self.layers.len()).filter(|at| is_of_view(&self.layers[*at])).collect();
        let layers: Vec<Layer> = of_view.iter().map(|at| self.layers[*at].clone()).collect();
        of_view.get(default_layer(&self.parts, &layers)).copied()
    }

    /// The names of all views, in file order.
    pub fn views(&self) -> Vec<&str> {
        let mut views: Vec<&str> = Vec::new();
        for view in self.parts.iter().flat_map(|part| part.views.iter().chain(&part.view)) {
            if !views.contains(&view.as_str()) {
                views.push(view);
            }
        }
        views
    }
}

/// Groups the channels of every part into layers, in file order.
pub fn layers_of(parts: &[Part]) -> Vec<Layer> {
    let many = parts.len() > 1;
    let mut layers = Vec::new();
    for (position, part) in parts.iter().enumerate() {
        let mut names: Vec<&str> = Vec::new();
        for channel in &part.channels {
            if !names.contains(&channel.layer_name()) {
                names.push(channel.layer_name());
            }
        }
        for name in names {
            let channels: Vec<&Channel> =
                part.channels.iter().filter(|channel| channel.layer_name() == name).collect();
            layers.push(Layer {
                name: layer_label(many.then_some(part), name),
                part: position,
                planes: PlaneRequest {
                    part: part.number,
                    part_name: part.name.clone(),
                    channels: roles_of(&channels),
                    mixes_chroma: false,
                },
            });
        }
    }
    layers
}

/// `rgba` for the layer without a name, `part` or `part.prefix` in files of several parts.
fn layer_label(part: Option<&Part>, prefix: &str) -> String {
    let Some(part) = part else {
        return if prefix.is_empty() { "rgba".to_string() } else { prefix.to_string() };
    };
    let name = part.name.clone().unwrap_or_else(|| format!("part {}", part.number));
    match prefix {
        "" => name,
        // Parts are often named after the only layer they hold.
        prefix if name == prefix => name,
        prefix => format!("{name}.{prefix}"),
    }
}

const COLOUR_NAMES: [[&str; 3]; 3] = [["R", "G", "B"], ["red", "green", "blue"], ["x", "y", "z"]];
const ALPHA_NAMES: [&str; 2] = ["A", "alpha"];

/// Which channel plays which role: R, G, B and A by name, else luminance as grey, else the first
/// three as colour, else the first as grey. The rest is carried for raw output.
fn roles_of(channels: &[&Channel]) -> Vec<(String, Role)> {
    let find =
        |name: &str| channels.iter().position(|channel| channel.base_name().eq_ignore_ascii_case(name));
    let mut roles = vec![Role::Other; channels.len()];
    let triple = COLOUR_NAMES.iter().find_map(|names| {
        let [red, green, blue] = names.map(find);
        Some([red?, green?, blue?])
    });
    let luminance = luminance_of(channels, find);
    let grey = find("Y").or_else(|| (channels.len() < 3).then_some(0));
    match (triple, luminance, grey) {
        (Some(triple), _, _) => assign(&mut roles, triple, [Role::Red, Role::Green, Role::Blue]),
        (None, Some(three), _) => {
            assign(&mut roles, three, [Role::Luminance, Role::ChromaRed, Role::ChromaBlue]);
        }
        (None, None, Some(grey)) => roles[grey] = Role::Grey,
        (None, None, None) => assign(&mut roles, [0, 1, 2], [Role::Red, Role::Green, Role::Blue]),
    }
    if let Some(alpha) = ALPHA_NAMES.iter().find_map(|name| find(name))
        && roles[alpha] == Role::Other
    {
        roles[alpha] = Role::Alpha;
    }
    channels.iter().zip(roles).map(|(channel, role)| (channel.name.clone(), role)).collect()
}

fn assign(roles: &mut [Role], channels: [usize; 3], new: [Role; 3]) {
    for (channel, role) in channels.into_iter().zip(new) {
        roles[channel] = role;
    }
}

/// Luminance and both chromas, where they are sampled so that colour can be made of them.
fn luminance_of(channels: &[&Channel], find: impl Fn(&str) -> Option<usize>) -> Option<[usize; 3]> {
    let three = [find("Y")?, find("RY")?, find("BY")?];
    let [luminance, red, blue] = three.map(|channel| channels[channel].sampling);
    let is_usual =
        luminance == (1, 1) && red == blue && [red.0, red.1].iter().all(|step| (1..=2).contains(step));
    is_usual.then_some(three)
}

/// Names that renderers give to the layer of the finished picture, best first.
const BEAUTY_NAMES: [&str; 7] = ["rgba", "rgb", "beauty", "combined", "composite", "color", "colour"];

/// The layer to show first: of the first part in file order that can be decoded, the unnamed R, G, B;
/// else a beauty-like name; else the first with three colours; else the first.
pub fn default_layer(parts: &[Part], layers: &[Layer]) -> usize {
    let decodable = |layer: &&(usize, &Layer)| parts[layer.1.part].obstacle.is_none();
    let all: Vec<(usize, &Layer)> = layers.iter().enumerate().collect();
    let Some(part) = all.iter().find(decodable).map(|(_, layer)| layer.part) else { return 0 };
    let candidates = || all.iter().filter(|(_, layer)| layer.part == part);
    let is_colour = |role: &Role| matches!(role, Role::Red | Role::Luminance);
    let has_colour = |layer: &Layer| layer.planes.channels.iter().any(|(_, role)| is_colour(role));
    let plain = || {
        candidates().find(|(_, layer)| {
            has_colour(layer) && layer.planes.channels.iter().all(|(name, _)| !name.contains('.'))
        })
    };
    let beauty = || {
        BEAUTY_NAMES.iter().find_map(|name| {
            candidates().find(|(_, layer)| {
                has_colour(layer)
                    && layer.name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(name))
            })
        })
    };
    plain()
        .or_else(beauty)
        .or_else(|| candidates().find(|(_, layer)| has_colour(layer)))
        .or_else(|| candidates().next())
        .map_or(0, |(position, _)| *position)
}

#[cfg(test)]
mod tests {

    use super::*;

    fn part(name: Option<&str>, channels: &[&str]) -> Part {
        Part {
            number: 0,
            name: name.map(String::from),
            view: None,
            data_window: Window::at_origin(1, 1),
            display_window: Window::at_origin(1, 1),
            pixel_aspect: 1.0,
            orientation: Orientation::default(),
            compression: "zip".into(),
            storage: "scanline".into(),
            channels: channels
                .iter()
                .map(|name| Channel { name: (*name).to_string(), sample: SampleType::F16, sampling: (1, 1) })
                .collect(),
            attributes: Vec::new(),
            views: Vec::new(),
            levels: Vec::new(),
            scrub_level: None,
            color: StatedColor::default(),
            obstacle: None,
        }
    }

    fn shown(parts: &[Part]) -> (String, Vec<(String, Role)>) {
        let layers = layers_of(parts);
        let layer = layers[default_layer(parts, &layers)].clone();
        (layer.name, layer.planes.displayed().channels)
    }

    #[test]
    fn plain_rgb_wins_and_depth_is_only_carried() {
        let parts = [part(None, &["A", "B", "G", "R", "Z", "diffuse.B", "diffuse.G", "diffuse.R"])];
        let (name, channels) = shown(&parts);
        assert_eq!(name, "rgba");
        let roles: Vec<Role> = channels.iter().map(|(_, role)| *role).collect();
        assert_eq!(roles, [Role::Alpha, Role::Blue, Role::Green, Role::Red]);
        let all = &layers_of(&parts)[0].planes.channels;
        assert_eq!(all[4], ("Z".to_string(), Role::Other));
    }

    #[test]
    fn names_are_split_at_the_last_dot_and_beauty_is_preferred() {
        let parts = [part(None, &["BG.Depth.Z", "BG.Combined.B", "BG.Combined.G", "BG.Combined.R"])];
        assert_eq!(shown(&parts).0, "BG.Combined");
    }

    fn media(parts: &[Part]) -> MediaInfo {
        let layers = layers_of(parts);
        MediaInfo {
            format: "EXR".into(),
            default_layer: default_layer(parts, &layers),
            layers,
            parts: parts.to_vec(),
            rate: None,
            times: None,
            is_linear: true,
            access: Access::Random,
            length: None,
            sound: None,
            notice: None,
        }
    }

    #[test]
    fn views_are_found_by_channel_name_and_by_part() {
        let names = ["B", "G", "R", "right.B", "right.G", "right.R", "spec.right.R", "spec.R"];
        let mut shared = part(None, &names);
        shared.views = vec!["left".into(), "right".into()];
        let info = media(&[shared]);
        let name = |view| info.layer_of_view(view).map(|layer| info.layers[layer].name.as_str());
        assert_eq!((name("left"), name("right"), name("top")), (Some("rgba"), Some("right"), None));
        let mut parts = [part(Some("l"), &["R", "G", "B"]), part(Some("r"), &["R", "G", "B"])];
        parts[0].view = Some("left".into());
        parts[1].view = Some("right".into());
        let info = media(&parts);
        assert_eq!((info.layer_of_view("right"), info.views()), (Some(1), vec!["left", "right"]));
    }

    #[test]
    fn luminance_and_chroma_are_mixed_where_their_samples_allow() {
        let mut parts = [part(None, &["A", "BY", "RY", "Y"])];
        parts[0].channels[1].sampling = (2, 2);
        parts[0].channels[2].sampling = (2, 2);
        let layers = layers_of(&parts);
        assert!(!layers[0].planes.mixes_chroma && layers[0].planes.displayed().mixes_chroma);
        let roles: Vec<Role> = shown(&parts).1.iter().map(|(_, role)| *role).collect();
        assert_eq!(roles, [Role::Alpha, Role::ChromaBlue, Role::ChromaRed, Role::Luminance]);
        parts[0].channels[2].sampling = (4, 4);
        assert_eq!(shown(&parts).1.last(), Some(&("Y".to_string(), Role::Grey)));
    }

    #[test]
    fn files_without_colour_show_their_first_channel_as_grey() {
        let (_, channels) = shown(&[part(None, &["Z"])]);
        assert_eq!(channels, [("Z".to_string(), Role::Grey)]);
        let (_, channels) = shown(&[part(None, &["a", "b", "c", "d"])]);
        assert_eq!(channels.len(), 3);
    }

    #[test]
    fn parts_that_cannot_be_decoded_are_passed_over() {
        let mut parts = [part(Some("deep"), &["R", "G", "B"]), part(Some("flat"), &["R", "G", "B"])];
        parts[0].obstacle = Some("deep".into());
        assert_eq!(shown(&parts).0, "flat");
    }

    #[test]
    fn a_part_named_after_its_layer_is_named_once() {
        let parts = [part(Some("spec"), &["spec.R", "spec.G", "spec.B"]), part(Some("b"), &["Z"])];
        assert_eq!(layers_of(&parts)[0].name, "spec");
    }
}
