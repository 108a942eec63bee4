//! Owns which settings hold: those of the command line, then those of the settings file, then the defaults.
//! The file is followed while the program runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::args::MachineArgs;
use super::{Failure, say};
use crate::cache::EvictionPolicy;
use crate::memory::{CpuBudget, MemLimit, PressureSettings, Profile, Reserve, parse_size};
use crate::player::Player;
use crate::store::{
    Config, ConfigError, ConfigFile, Given, Loaded, PressureConfig, Setting, config_path, save_setting,
};
use crate::text::shown_path;

/// The settings of the machine, resolved.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    pub cpu_budget: CpuBudget,
    /// VRAM for frames; what suits the adapter when none.
    pub vram_bytes: Option<u64>,
    pub threads: Option<usize>,
    pub policy: EvictionPolicy,
    pub pressure: PressureSettings,
    pub clip_cap_bytes: Option<u64>,
    pub alloc_limit_bytes_per_s: Option<u64>,
    pub metrics_address: Option<SocketAddr>,
    pub metrics_file: Option<PathBuf>,
}

impl Settings {
    fn resolve(args: &MachineArgs, config: &Config, file: &Path) -> Result<Self, ConfigError> {
        let memory = &config.memory;
        let limit =
            reading(&memory.mem, file, "a share such as 75%, or a size such as 24GiB", MemLimit::parse)?;
        let size = |given: &Option<Given>| reading(given, file, "a size such as 4GiB", parse_size);
        let reserve = args.reserve.or(size(&memory.reserve)?);
        let profile = reading(&memory.profile, file, "default or conservative", str::parse)?;
        let policy = reading(&memory.eviction, file, "next-use, lru or priority", |text| {
            EvictionPolicy::of_name(text).ok_or(())
        })?;
        let address =
            reading(&config.metrics.address, file, "an address such as 127.0.0.1:9464", str::parse)?;
        let profile = args.profile.or(profile).unwrap_or_default();
        Ok(Self {
            cpu_budget: CpuBudget {
                limit: args.mem.or(limit).unwrap_or_default(),
                reserve: reserve.map_or(Reserve::Usual, Reserve::Bytes),
            },
            vram_bytes: args.vram.or(size(&memory.vram)?),
            threads: args.threads.map(usize::from).or(config.decode.threads),
            policy: args.eviction.or(policy).unwrap_or_default(),
            pressure: pressure(profile, &memory.pressure, file)?,
            clip_cap_bytes: size(&memory.clip_cap)?,
            alloc_limit_bytes_per_s: size(&memory.alloc_rate)?,
            metrics_address: args.metrics.or(address),
            metrics_file: args.metrics_file.clone().or(config.metrics.file.clone()),
        })
    }

    /// Puts into effect what changed; what did not stays as the user has set it since. Says what needs a new start.
    pub fn apply_changes(&self, before: &Self, player: &mut Player, usual_vram_bytes: u64) {
        if self.cpu_budget != before.cpu_budget {
            player.set_cpu_budget(self.cpu_budget);
        }
        if self.vram_bytes != before.vram_bytes {
            player.set_gpu_budget(self.vram_bytes.unwrap_or(usual_vram_bytes));
        }
        if self.policy != before.policy {
            player.set_policy(self.policy);
        }
        if self.pressure != before.pressure {
            player.set_pressure(self.pressure);
        }
        if self.clip_cap_bytes != before.clip_cap_bytes {
            player.set_clip_cap(self.clip_cap_bytes);
        }
        if self.alloc_limit_bytes_per_s != before.alloc_limit_bytes_per_s {
            player.set_alloc_limit(self.alloc_limit_bytes_per_s);
        }
        let fixed =
            |settings: &Self| (settings.threads, settings.metrics_address, settings.metrics_file.clone());
        if fixed(self) != fixed(before) {
            say("threads and metrics of the settings file count from the next start on");
        }
    }
}

fn reading<T, E>(
    given: &Option<Given>,
    file: &Path,
    allowed: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, ConfigError> {
    let Some(given) = given else { return Ok(None) };
    parse(&given.text).map(Some).map_err(|_| given.refused(file, allowed))
}

/// The thresholds of a profile, with those that the file states in their place.
fn pressure(profile: Profile, config: &PressureConfig, file: &Path) -> Result<PressureSettings, ConfigError> {
    let usual = PressureSettings::of(profile);
    let share = |percent: Option<f64>, usual: f64| percent.map_or(usual, |percent| percent / 100.0);
    let nanos = |secs: Option<f64>, usual: i128| secs.map_or(usual, |secs| (secs * 1e9) as i128);
    let [low, moderate, high, critical] = usual.enter;
    let settings = PressureSettings {
        enter: [
            share(config.low, low),
            share(config.moderate, moderate),
            share(config.high, high),
            share(config.critical, critical),
        ],
        state_enter: [
            share(config.warning_state, usual.state_enter[0]),
            share(config.critical_state, usual.state_enter[1]),
        ],
        exit_points: usual.exit_points.min(share(config.low, low) / 2.0),
        interval_nanos: nanos(config.interval_secs, usual.interval_nanos),
        dwell_nanos: nanos(config.dwell_secs, usual.dwell_nanos),
        ..usual
    };
    match settings.check() {
        Ok(()) => Ok(settings),
        Err(error) => Err(ConfigError::Nonsense { file: shown_path(file), reason: error.to_string() }),
    }
}

/// The arguments with the settings file beside them.
pub struct Configured {
    args: MachineArgs,
    file: Option<ConfigFile>,
    pub settings: Settings,
}

impl Configured {
    /// Reads the settings file that the arguments name, or the user's own where there is one.
    ///
    /// # Errors
    /// [`Failure::USAGE`] when it cannot be read or says something that makes no sense.
    pub fn load(args: &MachineArgs) -> Result<Self, Failure> {
        let file = match (&args.config, args.no_config) {
            (_, true) => None,
            (Some(path), _) => Some(ConfigFile::named(path)),
            (None, _) => config_path().map(ConfigFile::usual),
        };
        let mut configured = Self { args: args.clone(), file, settings: Settings::default() };
        configured.settings =
            configured.read().map_err(|error| Failure::new(Failure::USAGE, error.to_string()))?;
        Ok(configured)
    }

    fn read(&mut self) -> Result<Settings, ConfigError> {
        let Some(file) = &mut self.file else {
            return Settings::resolve(&self.args, &Config::default(), Path::new(""));
        };
        let Loaded { config, warnings } = file.load()?;
        warnings.iter().for_each(|warning| say(warning));
        Settings::resolve(&self.args, &config, file.path())
    }

    /// The settings before, if the file changed since the last look and they with it. A file that is broken
    /// now says so once and changes nothing.
    pub fn refreshed(&mut self) -> Option<Settings> {
        if !self.file.as_mut()?.changed() {
            return None;
        }
        match self.read() {
            Ok(settings) if settings == self.settings => None,
            Ok(settings) => Some(std::mem::replace(&mut self.settings, settings)),
            Err(error) => {
                say(&error.to_string());
                None
            }
        }
    }

    /// Where settings are kept, for `doctor`.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(ConfigFile::path)
    }
}

/// Writes memory and reserve of a player into the settings file; says what came of it.
pub fn save_budgets(file: Option<&Path>, player: &Player) -> String {
    let Some(file) = file else {
        return "not kept: there is no settings file (--no-config, or no home folder)".to_string();
    };
    let budget = player.cpu_budget();
    let mem = match budget.limit {
        MemLimit::Percent(percent) => format!("{percent}%"),
        MemLimit::Bytes(bytes) => bytes.to_string(),
    };
    let mut saved = save_setting(file, "memory", "mem", &Setting::Text(mem));
    if let Reserve::Bytes(bytes) = budget.reserve {
        let reserve = Setting::Text(bytes.to_string());
        saved = saved.and_then(|()| save_setting(file, "memory", "reserve", &reserve));
    }
    match saved {
        Ok(()) => format!("kept in {}", shown_path(file)),
        Err(error) => format!("not kept: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::Cli;
    use crate::store::{EVICTIONS, PROFILES};

    fn args(texts: &[&str]) -> MachineArgs {
        let texts = std::iter::once("rushes").chain(texts.iter().copied());
        Cli::try_parse_from(texts).expect("arguments").window.machine
    }

    fn resolve(texts: &[&str], config: &str) -> Result<Settings, ConfigError> {
        let file = Path::new("config.toml");
        let config = Config::parse(file, config.as_bytes())?.config;
        Settings::resolve(&args(texts), &config, file)
    }

    #[test]
    fn the_command_line_comes_before_the_file_and_the_file_before_the_defaults() {
        let file = "[memory]\nmem = \"50%\"\nreserve = \"1GiB\"\neviction = \"lru\"\n[decode]\nthreads = 3\n";
        let settings = resolve(&["--mem", "30%"], file).unwrap();
        assert_eq!(settings.cpu_budget.limit, MemLimit::Percent(30));
        assert_eq!(settings.cpu_budget.reserve, Reserve::Bytes(1 << 30));
        assert_eq!((settings.policy, settings.threads), (EvictionPolicy::Lru, Some(3)));
        assert_eq!(settings.pressure, PressureSettings::of(Profile::Default));
        assert_eq!(resolve(&[], "").unwrap(), Settings::default());
    }

    #[test]
    fn thresholds_take_the_place_of_those_of_the_profile() {
        let settings =
            resolve(&["--profile", "conservative"], "[memory.pressure]\nlow = 40\ndwell_secs = 2\n");
        let pressure = settings.unwrap().pressure;
        assert_eq!(pressure.enter, [0.40, 0.70, 0.85, 0.95]);
        assert_eq!(pressure.dwell_nanos, 2_000_000_000);
        let crossed = resolve(&[], "[memory.pressure]\nlow = 90\n").unwrap_err().to_string();
        assert!(crossed.contains("config.toml") && crossed.contains("rise"), "{crossed}");
    }

    #[test]
    fn nonsense_names_its_place_and_what_is_allowed() {
        let text = resolve(&[], "[memory]\nvram = \"much\"\n").unwrap_err().to_string();
        assert!(text.contains("2") && text.contains("much") && text.contains("4GiB"), "{text}");
        assert!(resolve(&[], "[memory]\nmem = \"12%\"\n").is_err());
        assert!(resolve(&[], "[metrics]\naddress = \"nowhere\"\n").is_err());
    }

    #[test]
    fn the_names_of_the_file_are_those_of_the_program() {
        assert_eq!(EVICTIONS, EvictionPolicy::ALL.map(EvictionPolicy::name));
        assert_eq!(PROFILES, Profile::ALL.map(Profile::name));
    }
}
