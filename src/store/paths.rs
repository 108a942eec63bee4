//! Owns where the settings file lies when nobody names one. Reads the environment, never the disk. Any
//! thread.

use std::ffi::OsString;
use std::path::PathBuf;

use etcetera::BaseStrategy;

const FOLDER: &str = "rushes";
const FILE: &str = "config.toml";

/// `$XDG_CONFIG_HOME/rushes/config.toml`, by default below `~/.config`, on Windows below the roaming
/// application data. `None` where neither a home folder nor the variable is known. Always absolute: a
/// relative folder would let the current folder decide which settings hold.
pub fn config_path() -> Option<PathBuf> {
    let usual = etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir());
    path_below(usual, std::env::var_os("XDG_CONFIG_HOME"))
}

/// A service may have the variable and no home at all, then the variable alone decides.
fn path_below(usual: Option<PathBuf>, variable: Option<OsString>) -> Option<PathBuf> {
    let base = usual.or_else(|| variable.map(PathBuf::from))?;
    base.is_absolute().then(|| base.join(FOLDER).join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "config_path=";

    /// Absolute on every platform.
    fn absolute(name: &str) -> PathBuf {
        std::env::temp_dir().join(name)
    }

    #[test]
    fn the_variable_counts_only_without_a_home() {
        let expected = absolute("a").join("rushes").join("config.toml");
        let variable = || Some(absolute("b").into_os_string());
        assert_eq!(path_below(Some(absolute("a")), variable()), Some(expected));
        let expected = absolute("b").join("rushes").join("config.toml");
        assert_eq!(path_below(None, variable()), Some(expected));
    }

    #[test]
    fn nothing_known_or_only_relative_folders_yield_no_path() {
        assert_eq!(path_below(None, None), None);
        assert_eq!(path_below(None, Some("relative".into())), None);
        assert_eq!(path_below(None, Some("".into())), None);
        assert_eq!(path_below(Some("".into()), None), None);
        assert_eq!(path_below(Some("relative".into()), Some(absolute("b").into_os_string())), None);
    }

    /// The environment of this process is shared by all tests, so a child of its own looks at each of these.
    #[cfg(unix)]
    fn path_in_environment(variables: &[(&str, &str)]) -> String {
        let (_, module) = module_path!().split_once("::").unwrap();
        let test = format!("{module}::a_child_prints_its_path");
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &test, "--nocapture"])
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, path) = text.split_once(MARK).unwrap();
        path.lines().next().unwrap().to_owned()
    }

    #[test]
    fn a_child_prints_its_path() {
        let path = config_path();
        assert!(path.as_ref().is_none_or(|path| path.is_absolute()));
        println!("\n{MARK}{}", path.unwrap_or_default().display());
    }

    #[cfg(unix)]
    #[test]
    fn the_environment_decides_and_its_absence_is_no_panic() {
        let path = |name: &str| std::env::temp_dir().join(name).display().to_string();
        let (home, config) = (path("a"), path("b"));
        let of_home = format!("{home}/.config/rushes/config.toml");
        let of_config = format!("{config}/rushes/config.toml");
        let (home, config) = (("HOME", home.as_str()), ("XDG_CONFIG_HOME", config.as_str()));
        assert_eq!(path_in_environment(&[home, config]), of_config);
        assert_eq!(path_in_environment(&[home]), of_home);
        assert_eq!(path_in_environment(&[home, ("XDG_CONFIG_HOME", "b")]), of_home);
        assert_eq!(path_in_environment(&[config]), of_config);
        let without_home = path_in_environment(&[]);
        assert!(without_home.is_empty() || without_home.ends_with("/rushes/config.toml"), "{without_home}");
        assert_eq!(path_in_environment(&[("HOME", "relative")]), "");
    }
}
