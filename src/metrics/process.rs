//! Owns the figures of the own process that every exporter has: CPU time, files, threads, start, sizes. Reads
//! `/proc/self` where it exists and is silent where not. Any thread.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The unit of times in `/proc`. The kernel keeps it at 100 for programs, whatever its own timer does.
const TICKS_PER_SEC: f64 = 100.0;

/// What is known of this process; none where the system does not say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessFigures {
    /// User and system time of all threads.
    pub cpu_secs: Option<f64>,
    pub open_fds: Option<u64>,
    pub threads: Option<u64>,
    /// Since 1970.
    pub start_time_secs: Option<f64>,
    pub rss_bytes: Option<u64>,
    pub vms_bytes: Option<u64>,
}

impl ProcessFigures {
    /// Reads the figures of now. A handful of small files of the kernel; none is kept open.
    pub fn read() -> Self {
        Self::read_from(Path::new("/proc"), boot_time_secs())
    }

    fn read_from(proc: &Path, boot_secs: Option<u64>) -> Self {
        let stat = read_text(&proc.join("self/stat")).as_deref().and_then(Stat::parse);
        let status = read_text(&proc.join("self/status")).unwrap_or_default();
        Self {
            cpu_secs: stat.map(|stat| stat.cpu_ticks as f64 / TICKS_PER_SEC),
            open_fds: open_fds(&proc.join("self/fd")),
            threads: status_field(&status, "Threads:"),
            start_time_secs: stat
                .zip(boot_secs)
                .map(|(stat, boot)| boot as f64 + stat.start_ticks as f64 / TICKS_PER_SEC),
            rss_bytes: status_field(&status, "VmRSS:").map(kib_to_bytes),
            vms_bytes: status_field(&status, "VmSize:").map(kib_to_bytes),
        }
    }
}

/// What is taken from `/proc/self/stat`, in ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stat {
    cpu_ticks: u64,
    /// After the machine started.
    start_ticks: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field is the program's name in brackets, and the name may hold blanks and brackets itself.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self { cpu_ticks: field(14)?.checked_add(field(15)?)?, start_ticks: field(22)? })
    }
}

fn read_text(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The first number behind a name of `/proc/self/status`.
fn status_field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_ascii_whitespace().next()?.parse().ok()
}

fn kib_to_bytes(kib: u64) -> u64 {
    kib.saturating_mul(1024)
}

fn open_fds(folder: &Path) -> Option<u64> {
    // One of them is open only because we look.
    fs::read_dir(folder).ok().map(|entries| (entries.count() as u64).saturating_sub(1))
}

/// When the machine started. The file is long on machines with many processors and the answer never changes, so it
/// is read once.
fn boot_time_secs() -> Option<u64> {
    static BOOT_SECS: OnceLock<Option<u64>> = OnceLock::new();
    *BOOT_SECS.get_or_init(|| status_field(&read_text(Path::new("/proc/stat"))?, "btime "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_brackets_does_not_shift_the_fields() {
        let stat =
            "7 (a) b (c) S 1 7 7 0 -1 4194560 9 0 0 0 250 50 0 0 20 0 3 0 12345 1000 5 18446744073709551615";
        assert_eq!(Stat::parse(stat), Some(Stat { cpu_ticks: 300, start_ticks: 12345 }));
    }

    #[test]
    fn damaged_files_are_no_figures() {
        for text in ["", "7 (a", "7 (a) S", "7 (a) S 1 2 x", ") ) ) )"] {
            assert_eq!(Stat::parse(text), None, "{text}");
        }
        assert_eq!(status_field("VmRSS:\t lots kB\n", "VmRSS:"), None);
        assert_eq!(status_field("VmRSS:\n", "VmRSS:"), None);
        assert_eq!(status_field("Name:\tx\nVmRSS:\t   12 kB\n", "VmRSS:"), Some(12));
    }

    #[test]
    fn a_system_without_proc_has_no_figures() {
        let figures = ProcessFigures::read_from(Path::new("/there/is/no/such/folder"), None);
        assert_eq!(figures, ProcessFigures::default());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_all_figures() {
        let figures = ProcessFigures::read();
        assert!(figures.cpu_secs.is_some_and(|secs| secs >= 0.0));
        assert!(figures.threads.is_some_and(|threads| threads >= 1));
        assert!(figures.open_fds.is_some());
        assert!(figures.start_time_secs.is_some_and(|secs| secs > 1.0e9));
        assert!(figures.rss_bytes > Some(0) && figures.vms_bytes >= figures.rss_bytes);
    }
}
