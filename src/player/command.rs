//! Owns the one table of user actions: names for scripts, texts for menus, keys for the keyboard.
//! Menus, shortcuts, the help overlay and `--list-commands` are made from it.

use crate::cache::EvictionPolicy;
use crate::color::{AlphaMode, Backdrop, ChannelView};
use crate::memory::{MemLimit, Profile, parse_size};

/// Everything that a user can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Command {
    TogglePlay,
    Play,
    Pause,
    /// Forward; again for double speed.
    ShuttleForward,
    ShuttleReverse,
    StepForward,
    StepBackward,
    JumpForward,
    JumpBackward,
    First,
    Last,
    SetIn,
    SetOut,
    ClearInOut,
    CycleLoop,
    ToggleEveryFrame,
    ToggleMute,
    VolumeUp,
    VolumeDown,
    ToggleScrubSound,
    NextClip,
    PreviousClip,
    NextLayer,
    PreviousLayer,
    Reload,
    /// Everything goes that can be built again, but what is on screen.
    ClearCache,
    MemUp,
    MemDown,
    ReserveUp,
    ReserveDown,
    /// Memory and reserve as they are now hold the next time as well.
    SaveSettings,
    ToggleMemory,
    Channel(ChannelView),
    ExposureUp,
    ExposureDown,
    GammaUp,
    GammaDown,
    CycleAlpha,
    CycleBackdrop,
    ToggleFalseColor,
    ToggleMarks,
    ResetView,
    ToggleRaw,
    ToggleFit,
    ActualSize,
    ZoomIn,
    ZoomOut,
    ToggleFilter,
    ToggleFullscreen,
    ToggleHelp,
    ToggleScopes,
    ToggleStatistics,
    ToggleInterface,
    Quit,
    /// From here on: commands with a value, given by the mouse and by scripts, without keys.
    Seek(u32),
    /// To an index by hand: while it moves, smaller pictures will do.
    Scrub(u32),
    SelectLayer(usize),
    SelectClip(usize),
    SetRange(u32, u32),
    Pan(f32, f32),
    /// Factor, and the point of the viewport (0 to 1) that stays where it is.
    ZoomAt(f32, f32, f32),
    SetExposure(f32),
    SetGamma(f32),
    SetOffset(f32),
    SetSaturation(f32),
    SetAlpha(AlphaMode),
    SetBackdrop(Backdrop),
    /// 0 is silence, 1 the sound as it is.
    SetVolume(f32),
    SetMem(MemLimit),
    /// Bytes that are left to everyone else.
    SetReserve(u64),
    /// Bytes of VRAM for frames.
    SetVram(u64),
    SetPolicy(EvictionPolicy),
    SetProfile(Profile),
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct CommandEntry {
    pub command: Command,
    /// For scripts: `--command NAME`.
    pub name: &'static str,
    /// For menus and the help overlay.
    pub text: &'static str,
    /// Such as `Shift+Right`; the first one is shown in menus.
    pub keys: &'static [&'static str],
    pub group: &'static str,
}

const fn entry(
    command: Command,
    name: &'static str,
    text: &'static str,
    keys: &'static [&'static str],
    group: &'static str,
) -> CommandEntry {
    CommandEntry { command, name, text, keys, group }
}

const PLAY: &str = "Playback";
const SOUND: &str = "Sound";
const RANGE: &str = "Work area";
const CLIP: &str = "Clips and layers";
const MEMORY: &str = "Memory";
const VIEW: &str = "View";
const WINDOW: &str = "Window";

/// Every action that has no value, in the order of the menus.
pub const COMMANDS: &[CommandEntry] = &[
    entry(Command::TogglePlay, "toggle-play", "Play or pause", &["Space"], PLAY),
    entry(Command::Play, "play", "Play", &[], PLAY),
    entry(Command::Pause, "pause", "Pause", &["K"], PLAY),
    entry(Command::ShuttleForward, "forward", "Forward, again for faster", &["L"], PLAY),
    entry(Command::ShuttleReverse, "reverse", "Reverse, again for faster", &["J"], PLAY),
    entry(Command::StepForward, "step-forward", "Next frame", &["Right"], PLAY),
    entry(Command::StepBackward, "step-backward", "Previous frame", &["Left"], PLAY),
    entry(Command::JumpForward, "jump-forward", "10 frames on", &["Shift+Right"], PLAY),
    entry(Command::JumpBackward, "jump-backward", "10 frames back", &["Shift+Left"], PLAY),
    entry(Command::First, "first", "First frame", &["Home"], PLAY),
    entry(Command::Last, "last", "Last frame", &["End"], PLAY),
    entry(Command::ToggleEveryFrame, "toggle-every-frame", "Every frame or real time", &["Shift+E"], PLAY),
    entry(Command::ToggleMute, "toggle-mute", "Sound on or off", &["/"], SOUND),
    entry(Command::VolumeUp, "volume-up", "Louder", &["Ctrl+Right"], SOUND),
    entry(Command::VolumeDown, "volume-down", "Quieter", &["Ctrl+Left"], SOUND),
    entry(Command::ToggleScrubSound, "toggle-scrub-sound", "Sound while scrubbing", &["Shift+S"], SOUND),
    entry(Command::SetIn, "set-in", "Set in point", &["I", "["], RANGE),
    entry(Command::SetOut, "set-out", "Set out point", &["O", "]"], RANGE),
    entry(Command::ClearInOut, "clear-in-out", "Clear in and out", &["\\", "Alt+X"], RANGE),
    entry(Command::CycleLoop, "cycle-loop", "Loop, once or ping-pong", &["Shift+P"], RANGE),
    entry(Command::NextClip, "next-clip", "Next clip", &["Down", "PageDown"], CLIP),
    entry(Command::PreviousClip, "previous-clip", "Previous clip", &["Up", "PageUp"], CLIP),
    entry(Command::NextLayer, "next-layer", "Next layer", &["Ctrl+Down", "}"], CLIP),
    entry(Command::PreviousLayer, "previous-layer", "Previous layer", &["Ctrl+Up", "{"], CLIP),
    entry(Command::Reload, "reload", "Reload from disk", &["Ctrl+R"], CLIP),
    entry(Command::ToggleMemory, "toggle-memory", "What is cached, and the budgets", &["Ctrl+M"], MEMORY),
    entry(Command::ClearCache, "clear-cache", "Clear the cache", &["Alt+C"], MEMORY),
    entry(Command::MemUp, "mem-up", "More memory for frames, 5 %", &["Alt+Up"], MEMORY),
    entry(Command::MemDown, "mem-down", "Less memory for frames, 5 %", &["Alt+Down"], MEMORY),
    entry(Command::ReserveUp, "reserve-up", "Leave others half a GiB more", &["Alt+Shift+Up"], MEMORY),
    entry(Command::ReserveDown, "reserve-down", "Leave others half a GiB less", &["Alt+Shift+Down"], MEMORY),
    entry(Command::SaveSettings, "save-settings", "Keep the budgets for the next time", &[], MEMORY),
    entry(Command::Channel(ChannelView::Red), "red", "Red channel", &["R"], VIEW),
    entry(Command::Channel(ChannelView::Green), "green", "Green channel", &["G"], VIEW),
    entry(Command::Channel(ChannelView::Blue), "blue", "Blue channel", &["B"], VIEW),
    entry(Command::Channel(ChannelView::Alpha), "alpha", "Alpha channel", &["A"], VIEW),
    entry(Command::Channel(ChannelView::Luminance), "luminance", "Luminance", &["Y", "Ctrl+L"], VIEW),
    entry(Command::Channel(ChannelView::Matte), "matte", "Alpha in red over the picture", &["M"], VIEW),
    entry(Command::Channel(ChannelView::Rgb), "color", "All channels", &["C"], VIEW),
    entry(Command::CycleAlpha, "cycle-alpha", "Alpha ignored, premultiplied or straight", &["Shift+A"], VIEW),
    entry(Command::CycleBackdrop, "cycle-backdrop", "Black, grey or checker behind", &["Shift+B"], VIEW),
    entry(Command::ToggleFalseColor, "toggle-false-color", "False colour by stops", &["Shift+F"], VIEW),
    entry(Command::ToggleMarks, "toggle-marks", "Marks on NaN and infinity", &["Shift+N"], VIEW),
    entry(Command::ExposureUp, "exposure-up", "Exposure up a quarter stop", &["."], VIEW),
    entry(Command::ExposureDown, "exposure-down", "Exposure down a quarter stop", &[","], VIEW),
    entry(Command::GammaUp, "gamma-up", "Gamma up", &[")"], VIEW),
    entry(Command::GammaDown, "gamma-down", "Gamma down", &["("], VIEW),
    entry(Command::ToggleRaw, "toggle-raw", "Raw values or display encoding", &["Shift+V"], VIEW),
    entry(Command::ToggleFit, "toggle-fit", "Fit the window", &["F"], VIEW),
    entry(Command::ActualSize, "actual-size", "One to one", &["Ctrl+1"], VIEW),
    entry(Command::ZoomIn, "zoom-in", "Zoom in", &["=", "+"], VIEW),
    entry(Command::ZoomOut, "zoom-out", "Zoom out", &["-"], VIEW),
    entry(Command::ToggleFilter, "toggle-filter", "Smooth or nearest samples", &["N"], VIEW),
    entry(Command::ResetView, "reset-view", "Reset colour, channel and fit", &["Backspace"], VIEW),
    entry(Command::ToggleFullscreen, "toggle-fullscreen", "Full screen", &["F11", "Ctrl+F"], WINDOW),
    entry(Command::ToggleInterface, "toggle-interface", "Hide or show the controls", &["Tab"], WINDOW),
    entry(Command::ToggleScopes, "toggle-scopes", "Histogram, waveform and vectorscope", &["Ctrl+H"], WINDOW),
    entry(Command::ToggleStatistics, "toggle-statistics", "What limits playback", &["Ctrl+I"], WINDOW),
    entry(Command::ToggleHelp, "toggle-help", "Keys", &["F1", "?"], WINDOW),
    entry(Command::Quit, "quit", "Quit", &["Ctrl+Q"], WINDOW),
];

/// The command of a name, as scripts write it: a row of the table, or `seek=1001`-like forms with a
/// value (`seek-index=N`, `exposure=E`, `gamma=G`, `offset=O`, `saturation=S`, `alpha=straight`,
/// `backdrop=checker`, `volume=0.5`, `mem=50%`, `reserve=2GiB`, `vram=4GiB`, `eviction=lru`,
/// `profile=conservative`).
pub fn command_of_name(name: &str) -> Option<Command> {
    if let Some(row) = COMMANDS.iter().find(|row| row.name == name) {
        return Some(row.command);
    }
    let (name, value) = name.split_once('=')?;
    match name {
        "seek-index" => value.parse().ok().map(Command::Seek),
        "exposure" => value.parse().ok().map(Command::SetExposure),
        "gamma" => value.parse().ok().map(Command::SetGamma),
        "offset" => value.parse().ok().map(Command::SetOffset),
        "saturation" => value.parse().ok().map(Command::SetSaturation),
        "alpha" => AlphaMode::of_name(value).map(Command::SetAlpha),
        "backdrop" => Backdrop::of_name(value).map(Command::SetBackdrop),
        "volume" => value.parse().ok().map(Command::SetVolume),
        "mem" => MemLimit::parse(value).ok().map(Command::SetMem),
        "reserve" => parse_size(value).ok().map(Command::SetReserve),
        "vram" => parse_size(value).ok().map(Command::SetVram),
        "eviction" => EvictionPolicy::of_name(value).map(Command::SetPolicy),
        "profile" => value.parse().ok().map(Command::SetProfile),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_keys_are_unique() {
        let mut names = HashSet::new();
        let mut keys = HashSet::new();
        for row in COMMANDS {
            assert!(names.insert(row.name), "{} twice", row.name);
            for key in row.keys {
                assert!(keys.insert(*key), "{key} twice");
            }
        }
    }

    #[test]
    fn names_lead_back_to_their_commands() {
        for row in COMMANDS {
            assert_eq!(command_of_name(row.name), Some(row.command));
        }
        assert_eq!(command_of_name("exposure=1.5"), Some(Command::SetExposure(1.5)));
        assert_eq!(command_of_name("seek-index=x"), None);
        assert_eq!(command_of_name("mem=50%"), Some(Command::SetMem(MemLimit::Percent(50))));
        assert_eq!(command_of_name("reserve=1GiB"), Some(Command::SetReserve(1 << 30)));
        assert_eq!(command_of_name("eviction=lru"), Some(Command::SetPolicy(EvictionPolicy::Lru)));
        assert_eq!(command_of_name("mem=99%"), None);
        assert_eq!(command_of_name("explode"), None);
    }
}
