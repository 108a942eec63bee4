//! Owns the one definition of commands and flags; help is made from it. Names are a contract that
//! scripts rely on.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cache::EvictionPolicy;
use crate::color::{AlphaMode, Backdrop, ColorRequest};
use crate::encode::{DemoCodec, MovieCodec, MovieDepth, MovieQuality};
use crate::memory::{MemLimit, Profile, parse_size};
use crate::player::MissingPolicy;
use crate::time::{LoopMode, Rate};

const EXAMPLES: &str = "\
Examples:
  rushes shot.####.exr                    play a sequence in a window
  rushes shot.1001.exr plate/ ref.png     several clips; a member opens its sequence, a folder what is in it
  rushes demo                             write a synthetic 4K sequence once and play it
  rushes info shot.####.exr               what is in the files
  rushes render shot.####.exr -o out.####.png
  rushes export shot.####.exr -o shot.mov
  rushes compare shot.####.exr out.####.exr --tolerance 0.001
  rushes bench playback shot.####.exr --loops 3 --json

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no media could be opened, 4 some media failed,
5 no usable GPU adapter or window, 6 a bench requirement was missed, 130 interrupted.";

/// A review player for EXR, image sequences and movies.
#[derive(Debug, Parser)]
#[command(name = "rushes", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<CommandArgs>,

    #[command(flatten)]
    pub window: WindowArgs,
}

#[derive(Debug, Subcommand)]
pub enum CommandArgs {
    /// What is in the media: range and gaps, parts, layers, channels, windows, attributes
    Info(InfoArgs),
    /// The sequences in folders, one line each
    Ls(LsArgs),
    /// Frames through decoder, both cache tiers and the image pass, to files
    Render(RenderArgs),
    /// A movie through the image pass: .mov, .mp4 or .mkv
    Export(ExportArgs),
    /// The difference of two media frame by frame; exits with 0 when they are the same, with 1 when not
    Compare(CompareArgs),
    /// Measurements with a report
    Bench(BenchArgs),
    /// Write a synthetic EXR sequence to the cache folder once and play it
    Demo(DemoArgs),
    /// GPU, driver, memory, budgets and paths of this machine
    Doctor(DoctorArgs),
    /// What a shell needs to complete arguments, on stdout
    Completions(CompletionsArgs),
    /// The manual in roff, on stdout: rushes man | man -l -
    Man,
}

#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Clone, Default, Args)]
pub struct MediaArgs {
    /// Frame numbers that the clip is meant to have; missing ones follow --missing
    #[arg(long, value_name = "A-B", value_parser = parse_range, allow_hyphen_values = true)]
    pub range: Option<(i64, i64)>,
    /// First frame of the work area, as in the file names
    #[arg(long = "in", value_name = "N", allow_hyphen_values = true)]
    pub in_point: Option<i64>,
    /// Last frame of the work area
    #[arg(long = "out", value_name = "N", allow_hyphen_values = true)]
    pub out_point: Option<i64>,
    /// Frames a second: 24, 23.976 or 24000/1001
    #[arg(long, value_name = "F")]
    pub fps: Option<Rate>,
    /// The layer to show, as `rushes info` lists it
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// The part to show, counted from 0
    #[arg(long, value_name = "N")]
    pub part: Option<usize>,
    /// The view of stereo media: left, right or its name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["layer", "part"])]
    pub eye: Option<String>,
    /// Resolution level of files that have several; 0 is full size
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub level: u8,
    /// What is shown for a frame without a file
    #[arg(long, value_enum, value_name = "POLICY", default_value_t = Missing::Hold)]
    pub missing: Missing,
    /// Open just the named files, not their sequences
    #[arg(long)]
    pub single: bool,
    /// The sound of the first clip: a sound file or a movie. Without it the movie's own, or the file beside a sequence
    /// that has its name
    #[arg(long, value_name = "FILE", conflicts_with = "no_audio")]
    pub audio: Option<PathBuf>,
    /// Play without sound
    #[arg(long)]
    pub no_audio: bool,
}

#[derive(Debug, Clone, Args)]
pub struct MachineArgs {
    /// Memory for decoded frames: 50% of what is usable, or 24GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_mem)]
    pub mem: Option<MemLimit>,
    /// Memory that is left to everyone else
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub reserve: Option<u64>,
    /// GPU memory for frames
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub vram: Option<u64>,
    /// Decode threads
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// The GPU by a part of its name, or `cpu` for a software adapter
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// When the tier gives way to others: earlier with `conservative`
    #[arg(long, value_name = "PROFILE", value_parser = parse_profile)]
    pub profile: Option<Profile>,
    /// Who leaves a full tier first: next-use, lru or priority
    #[arg(long, value_name = "POLICY", value_parser = parse_policy)]
    pub eviction: Option<EvictionPolicy>,
    /// A trace of memory pressure (JSON), to see what it does
    #[arg(long, value_name = "FILE")]
    pub simulate_pressure: Option<PathBuf>,
    /// The settings file; the user's own when not given
    #[arg(long, value_name = "PATH", conflicts_with = "no_config")]
    pub config: Option<PathBuf>,
    /// Read no settings file
    #[arg(long)]
    pub no_config: bool,
    /// Serve metrics in Prometheus text format at a loopback address, such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// Write metrics to a file, every 10 seconds and at the end
    #[arg(long, value_name = "PATH")]
    pub metrics_file: Option<PathBuf>,
    /// Serve metrics to other machines as well; needs --metrics-token
    #[arg(long, requires = "metrics")]
    pub metrics_public: bool,
    /// A file with the token that scrapers must present
    #[arg(long, value_name = "FILE", requires = "metrics")]
    pub metrics_token: Option<PathBuf>,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "warn")]
    pub log_level: log::LevelFilter,
}

#[derive(Debug, Clone, Default, Args)]
pub struct PlayArgs {
    /// What happens at the end of the work area
    #[arg(long = "loop", value_enum, value_name = "MODE", default_value_t = LoopArg::Again)]
    pub loop_mode: LoopArg,
    /// Play backwards
    #[arg(long)]
    pub reverse: bool,
}

#[derive(Debug, Clone, Default, Args)]
pub struct ColorArgs {
    /// In stops
    #[arg(long, value_name = "STOPS", allow_hyphen_values = true)]
    pub exposure: Option<f32>,
    #[arg(long, value_name = "G")]
    pub gamma: Option<f32>,
    /// Added after exposure
    #[arg(long, value_name = "O", allow_hyphen_values = true)]
    pub offset: Option<f32>,
    /// 0 is grey, 1 leaves the picture as it is
    #[arg(long, value_name = "S")]
    pub saturation: Option<f32>,
    /// What alpha does: ignore, premultiplied or straight
    #[arg(long, value_name = "MODE", value_parser = parse_alpha)]
    pub alpha: Option<AlphaMode>,
    /// What lies behind: black, grey or checker
    #[arg(long, value_name = "KIND", value_parser = parse_backdrop)]
    pub backdrop: Option<Backdrop>,
    /// The file's own numbers
    #[arg(long)]
    pub raw: bool,
    /// An OpenColorIO config: a path or an ocio:// name; the variable OCIO counts where it is not given
    #[arg(long, value_name = "CONFIG")]
    pub ocio: Option<String>,
    /// The colour space of the samples
    #[arg(long, value_name = "SPACE")]
    pub input: Option<String>,
    #[arg(long, value_name = "D")]
    pub display: Option<String>,
    #[arg(long, value_name = "V")]
    pub view: Option<String>,
    /// A look of the config, or several: a, +b, -c
    #[arg(long, value_name = "L", allow_hyphen_values = true)]
    pub look: Option<String>,
    /// A LUT on display values: .cube, .spi1d, .spi3d, .csp, .clf, .3dl and others
    #[arg(long, value_name = "FILE", visible_alias = "display-lut")]
    pub lut: Option<PathBuf>,
    /// A LUT on the samples, before their colour space
    #[arg(long, value_name = "FILE")]
    pub input_lut: Option<PathBuf>,
    /// A LUT in the working space, before the look
    #[arg(long, value_name = "FILE")]
    pub look_lut: Option<PathBuf>,
}

/// The config that the variable `OCIO` names.
pub fn config_of_environment() -> Option<String> {
    std::env::var("OCIO").ok().filter(|name| !name.is_empty())
}

impl ColorArgs {
    /// What the arguments and the variable `OCIO` ask for.
    pub fn request(&self) -> ColorRequest {
        ColorRequest {
            config: self.ocio.clone().or_else(config_of_environment),
            input: self.input.clone(),
            look: self.look.clone(),
            display: self.display.clone(),
            view: self.view.clone(),
            input_lut: self.input_lut.clone(),
            look_lut: self.look_lut.clone(),
            display_lut: self.lut.clone(),
            raw: false,
        }
    }
}

#[derive(Debug, Args)]
pub struct WindowArgs {
    /// Patterns (shot.####.exr), members of sequences, folders, stills
    #[arg(value_name = "MEDIA")]
    pub media: Vec<OsString>,
    #[command(flatten)]
    pub clip: MediaArgs,
    #[command(flatten)]
    pub play: PlayArgs,
    #[command(flatten)]
    pub color: ColorArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Show more than white where the window can: scene values without a limit, PQ displays of a config as they are
    #[arg(long)]
    pub hdr: bool,
    /// Run a command of --list-commands at the start; may be given several times
    #[arg(long = "command", value_name = "NAME")]
    pub command_at_start: Vec<String>,
    /// Names, keys and texts of all commands
    #[arg(long)]
    pub list_commands: bool,
}

#[derive(Debug, Args)]
pub struct InfoArgs {
    #[arg(value_name = "MEDIA", required = true)]
    pub media: Vec<OsString>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Open just the named files, not their sequences
    #[arg(long)]
    pub single: bool,
}

#[derive(Debug, Args)]
pub struct LsArgs {
    #[arg(value_name = "DIR", default_value = ".")]
    pub folders: Vec<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// What `render` and `export` have in common.
#[derive(Debug, Args)]
pub struct DrawArgs {
    #[arg(value_name = "MEDIA")]
    pub media: OsString,
    /// Frame numbers to draw, such as 1-100 or 1-100x10
    #[arg(long, value_name = "A-B", allow_hyphen_values = true)]
    pub frames: Option<String>,
    /// Size of the pictures; the display window one to one when not given
    #[arg(long, value_name = "WxH", value_parser = parse_dimensions)]
    pub size: Option<(u32, u32)>,
    #[arg(long, value_enum, default_value_t = Channel::Rgb)]
    pub channel: Channel,
    #[arg(long, value_enum, default_value_t = FilterArg::Best)]
    pub filter: FilterArg,
    #[command(flatten)]
    pub clip: MediaArgs,
    #[command(flatten)]
    pub color: ColorArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
}

#[derive(Debug, Args)]
pub struct RenderArgs {
    /// Where to: out.####.png, .tif or .exr; a run of # is the frame number
    #[arg(short = 'o', long = "output", value_name = "OUT")]
    pub output: PathBuf,
    /// 8 or 16 for PNG and TIFF, half or float for EXR
    #[arg(long, value_enum)]
    pub depth: Option<Depth>,
    /// Leave pictures alone that exist already
    #[arg(long)]
    pub skip_existing: bool,
    #[command(flatten)]
    pub draw: DrawArgs,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Where to: out.mov, .mp4 or .mkv
    #[arg(short = 'o', long = "output", value_name = "OUT")]
    pub output: PathBuf,
    /// h264, hevc, prores, dnxhr, av1 or ffv1 (lossless RGB); prores in .mov, h264 in .mp4 and ffv1 in .mkv when not
    /// given
    #[arg(long, value_name = "CODEC", value_parser = parse_movie_codec)]
    pub codec: Option<MovieCodec>,
    /// low, medium, high or best; high when not given. ProRes: Proxy, 422, 422 HQ, 4444; DNxHR: LB, SQ, HQX, 444
    #[arg(long, value_name = "QUALITY", value_parser = parse_movie_quality)]
    pub quality: Option<MovieQuality>,
    /// 8 or 16 bits: what FFV1 keeps, and what other codecs are made from; 8 for h264 and ffv1 when not given
    #[arg(long, value_name = "BITS", value_parser = parse_movie_depth)]
    pub depth: Option<MovieDepth>,
    /// Burn the name and the frame number into the pictures
    #[arg(long)]
    pub burn_in: bool,
    /// Begin with a slate of one second, with name, frames, size, rate and timecode
    #[arg(long)]
    pub slate: bool,
    /// Of the first frame, such as 01:00:00:00; that of the movie, else the frame number, when not given
    #[arg(long, value_name = "HH:MM:SS:FF")]
    pub timecode: Option<String>,
    #[command(flatten)]
    pub draw: DrawArgs,
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    #[arg(value_name = "A")]
    pub a: OsString,
    #[arg(value_name = "B")]
    pub b: OsString,
    /// The largest difference of a sample that counts as none; 8 and 16 bit samples count from 0 to 1
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = parse_tolerance)]
    pub tolerance: f64,
    /// Write the difference of frames that differ: .exr holds it as float, .png and .tif with the largest as white; a
    /// run of # is the frame number
    #[arg(long, value_name = "OUT")]
    pub diff: Option<PathBuf>,
    /// Frame numbers to compare, such as 1-100 or 1-100x10
    #[arg(long, value_name = "A-B", allow_hyphen_values = true)]
    pub frames: Option<String>,
    /// One JSON object with all frames instead of a line for each that differs
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub clip: MediaArgs,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub bench: BenchCommand,
}

#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Headless playback through both cache tiers and the image pass
    Playback(PlaybackArgs),
    /// Decoding alone, beside what no decoder can do without
    Decode(DecodeArgs),
    /// Random seeks, the same on every run, and how long until the frame is on screen
    Scrub(ScrubArgs),
}

#[derive(Debug, Clone, Args)]
pub struct DecodeArgs {
    #[arg(value_name = "MEDIA")]
    pub media: OsString,
    /// Passes over all frames, after one that warms the page cache
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// All threads on one frame at a time, as after a seek
    #[arg(long)]
    pub split: bool,
    /// One JSON object instead of a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub clip: MediaArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// What the benches that play have in common.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    #[arg(value_name = "MEDIA")]
    pub media: OsString,
    /// Size of what is drawn
    #[arg(long, value_name = "WxH", value_parser = parse_dimensions, default_value = "1280x720")]
    pub size: (u32, u32),
    /// One JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub clip: MediaArgs,
    #[command(flatten)]
    pub play: PlayArgs,
    #[command(flatten)]
    pub color: ColorArgs,
    #[command(flatten)]
    pub machine: MachineArgs,
}

#[derive(Debug, Clone, Args)]
pub struct PlaybackArgs {
    /// Passes through the work area
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub loops: u32,
    /// Show every frame, however long it takes (the default)
    #[arg(long, group = "pace")]
    pub every_frame: bool,
    /// Keep the time, drop frames that are late
    #[arg(long, group = "pace")]
    pub real_time: bool,
    /// As fast as frames come
    #[arg(long, group = "pace")]
    pub unpaced: bool,
    /// Present at the refreshes of a display of so many hertz that is not there
    #[arg(long, value_name = "HZ", value_parser = parse_refresh)]
    pub refresh: Option<u32>,
    /// Exit with 6 when the measured rate is lower
    #[arg(long, value_name = "F")]
    pub require_fps: Option<f64>,
    /// Start the clock when the CPU tier holds all of the work area that fits
    #[arg(long)]
    pub preroll: bool,
    /// A checksum of every picture that was shown
    #[arg(long)]
    pub checksum: bool,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Clone, Args)]
pub struct ScrubArgs {
    /// Seeks a second
    #[arg(long, value_name = "F", default_value_t = 10.0, value_parser = parse_positive)]
    pub seeks_per_s: f64,
    /// For how long
    #[arg(long, value_name = "SECS", default_value_t = 5.0, value_parser = parse_positive)]
    pub secs: f64,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    #[arg(long, value_name = "WxH", value_parser = parse_dimensions, default_value = "4096x2160")]
    pub size: (u32, u32),
    #[arg(long, value_name = "N", default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..))]
    pub frames: u32,
    /// none, rle, zips, zip, piz, pxr24, b44, b44a, dwaa or dwab
    #[arg(long, value_name = "C", default_value = "zip")]
    pub codec: DemoCodec,
    /// Write the sequence, print its pattern and play nothing
    #[arg(long)]
    pub write_only: bool,
    #[command(flatten)]
    pub machine: MachineArgs,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub machine: MachineArgs,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Missing {
    #[default]
    Hold,
    Nearest,
    Black,
    Error,
    Skip,
}

impl From<Missing> for MissingPolicy {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Hold => Self::Hold,
            Missing::Nearest => Self::Nearest,
            Missing::Black => Self::Black,
            Missing::Error => Self::Error,
            Missing::Skip => Self::Skip,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LoopArg {
    #[default]
    #[value(name = "loop")]
    Again,
    Once,
    Pingpong,
}

impl From<LoopArg> for LoopMode {
    fn from(mode: LoopArg) -> Self {
        match mode {
            LoopArg::Again => Self::Loop,
            LoopArg::Once => Self::Once,
            LoopArg::Pingpong => Self::PingPong,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Channel {
    Rgb,
    R,
    G,
    B,
    A,
    L,
}

impl From<Channel> for crate::color::ChannelView {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Rgb => Self::Rgb,
            Channel::R => Self::Red,
            Channel::G => Self::Green,
            Channel::B => Self::Blue,
            Channel::A => Self::Alpha,
            Channel::L => Self::Luminance,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Depth {
    #[value(name = "8")]
    Eight,
    #[value(name = "16")]
    Sixteen,
    Half,
    Float,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FilterArg {
    Nearest,
    Bilinear,
    Best,
}

impl From<FilterArg> for crate::player::Filter {
    fn from(filter: FilterArg) -> Self {
        match filter {
            FilterArg::Nearest => Self::Nearest,
            FilterArg::Bilinear => Self::Bilinear,
            FilterArg::Best => Self::Best,
        }
    }
}

/// `A-B`, either of which may be negative.
fn parse_range(text: &str) -> Result<(i64, i64), String> {
    let set = crate::sequence::RangeSet::parse(text).map_err(|error| error.to_string())?;
    Ok((*set.bounds().start(), *set.bounds().end()))
}

fn parse_mem(text: &str) -> Result<MemLimit, String> {
    MemLimit::parse(text).map_err(|error| error.to_string())
}

fn parse_profile(text: &str) -> Result<Profile, String> {
    let refuse = || format!("«{}» is no profile: default or conservative", crate::text::shown(text));
    text.parse().map_err(|_| refuse())
}

fn parse_policy(text: &str) -> Result<EvictionPolicy, String> {
    let refuse = || format!("«{}» is no policy: next-use, lru or priority", crate::text::shown(text));
    EvictionPolicy::of_name(text).ok_or_else(refuse)
}

fn parse_alpha(text: &str) -> Result<AlphaMode, String> {
    let refuse = || format!("«{}» is none of ignore, premultiplied and straight", crate::text::shown(text));
    AlphaMode::of_name(text).ok_or_else(refuse)
}

fn parse_backdrop(text: &str) -> Result<Backdrop, String> {
    let refuse = || format!("«{}» is none of black, grey and checker", crate::text::shown(text));
    Backdrop::of_name(text).ok_or_else(refuse)
}

/// Hertz, as thousandths.
fn parse_refresh(text: &str) -> Result<u32, String> {
    let hertz = text.trim().parse::<f64>().ok().filter(|hertz| (10.0..=1000.0).contains(hertz));
    let refuse = || format!("«{}» is no refresh rate between 10 and 1000", crate::text::shown(text));
    hertz.map(|hertz| (hertz * 1000.0).round() as u32).ok_or_else(refuse)
}

/// A number above zero that is no larger than a day has milliseconds.
fn parse_positive(text: &str) -> Result<f64, String> {
    let value = text.trim().parse::<f64>().ok().filter(|value| *value > 0.0 && *value <= 86_400_000.0);
    value.ok_or_else(|| format!("«{}» is no number above 0", crate::text::shown(text)))
}

/// A number that is not negative.
fn parse_tolerance(text: &str) -> Result<f64, String> {
    let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| format!("«{}» is no tolerance: a number from 0 on", crate::text::shown(text)))
}

fn parse_dimensions(text: &str) -> Result<(u32, u32), String> {
    let side = |text: &str| text.trim().parse::<u32>().ok().filter(|side| (1..=16_384).contains(side));
    text.split_once(['x', 'X'])
        .and_then(|(width, height)| Some((side(width)?, side(height)?)))
        .ok_or_else(|| format!("«{}» is no size: write WxH, such as 1280x720", crate::text::shown(text)))
}

fn parse_movie_codec(text: &str) -> Result<MovieCodec, String> {
    let found = MovieCodec::ALL.into_iter().find(|codec| codec.name() == text);
    let names = MovieCodec::ALL.map(MovieCodec::name).join(", ");
    found.ok_or_else(|| format!("«{}» is none of {names}", crate::text::shown(text)))
}

fn parse_movie_quality(text: &str) -> Result<MovieQuality, String> {
    let found = MovieQuality::ALL.into_iter().find(|quality| quality.name() == text);
    let names = MovieQuality::ALL.map(MovieQuality::name).join(", ");
    found.ok_or_else(|| format!("«{}» is none of {names}", crate::text::shown(text)))
}

fn parse_movie_depth(text: &str) -> Result<MovieDepth, String> {
    match text {
        "8" => Ok(MovieDepth::Eight),
        "16" => Ok(MovieDepth::Sixteen),
        _ => Err(format!("«{}» is neither 8 nor 16", crate::text::shown(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_file_called_like_a_command_needs_a_path() {
        let cli = Cli::try_parse_from(["rushes", "./ls"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.window.media, ["./ls"]);
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(parse_range("-10--5"), Ok((-10, -5)));
        assert_eq!(parse_mem("50%"), Ok(MemLimit::Percent(50)));
        assert!(parse_mem("96%").is_err() && parse_mem("24%").is_err());
        assert!(
            parse_positive("0").is_err() && parse_positive("nan").is_err() && parse_positive("1e9").is_err()
        );
        assert!(parse_profile("x").is_err() && parse_policy("mru").is_err());
        assert_eq!(parse_dimensions("1280x720"), Ok((1280, 720)));
        assert!(parse_dimensions("0x1").is_err() && parse_dimensions("99999x1").is_err());
    }
}
