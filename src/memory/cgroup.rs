//! Owns the way to this process's control groups, v1 and v2, and what their files say: limits, use
//! without page cache, events, stall times. Reads small files of the operating system, each up to a
//! limit; what cannot be read does not limit. One thread at a time.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use smallvec::SmallVec;

use super::{CgroupEvents, CgroupReading, Stall};

const LARGEST_FILE_BYTES: u64 = 64 << 10;
/// Groups above the own one that are asked.
const DEEPEST: usize = 64;
/// Control groups of the first version say «no limit» with a number of about this size.
const UNLIMITED_BYTES: u64 = 1 << 62;

/// What the control groups and the kernel say at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct GroupsReading {
    /// Those with a limit, from the own group upwards.
    pub cgroups: SmallVec<[CgroupReading; 4]>,
    pub events: Option<CgroupEvents>,
    pub stall: Option<Stall>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    version: Version,
    folder: PathBuf,
}

/// The control groups of this process, found again whenever it is moved to another one.
#[derive(Debug)]
pub(super) struct CgroupFiles {
    /// Where the file system begins; another folder in tests.
    root: PathBuf,
    files: SmallFiles,
    /// What `/proc/self/cgroup` said when the groups were found.
    membership: String,
    /// From the own group upwards.
    groups: Vec<Group>,
}

impl Default for CgroupFiles {
    fn default() -> Self {
        Self::at(Path::new("/"))
    }
}

impl CgroupFiles {
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            files: SmallFiles::default(),
            membership: String::new(),
            groups: Vec::new(),
        }
    }

    /// Reads the current figures.
    pub fn read(&mut self) -> GroupsReading {
        self.find_groups();
        let mut reading = GroupsReading::default();
        for group in &self.groups {
            let Some(cgroup) = group.read(&mut self.files) else { continue };
            reading.cgroups.push(cgroup);
            if let Some(events) = group.events(&mut self.files) {
                reading.events = Some(sum(reading.events.unwrap_or_default(), events));
            }
        }
        reading.stall = self.stall();
        reading
    }

    /// Resident and virtual size of this process in bytes, where the system tells.
    pub fn own_size(&mut self) -> Option<(u64, u64)> {
        let text = self.files.text(&self.root.join("proc/self/status"))?;
        let bytes = |key| keyed(text, key).map(|kibibytes: u64| kibibytes.saturating_mul(1024));
        Some((bytes("VmRSS:")?, bytes("VmSize:")?))
    }

    /// The own group's stall times, the machine's where the group has none.
    fn stall(&mut self) -> Option<Stall> {
        let own = self.groups.iter().find(|group| group.version == Version::Two);
        let own = own.and_then(|group| parse_stall(self.files.text(&group.folder.join("memory.pressure"))?));
        own.or_else(|| parse_stall(self.files.text(&self.root.join("proc/pressure/memory"))?))
    }

    fn find_groups(&mut self) {
        let membership = self.files.text(&self.root.join("proc/self/cgroup")).unwrap_or_default();
        if membership == self.membership {
            return;
        }
        self.membership = membership.to_owned();
        let mounts = self.files.text(&self.root.join("proc/self/mountinfo")).unwrap_or_default();
        let mounts: Vec<Mount> = mounts.lines().filter_map(Mount::parse).collect();
        let lines = self.membership.lines();
        self.groups = lines.flat_map(|line| groups_of_line(&self.root, line, &mounts)).collect();
    }
}

/// Where a hierarchy that controls memory is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    version: Version,
    /// The group that is seen at the mount point.
    root: String,
    point: String,
}

impl Mount {
    /// Reads a line of `mountinfo`; none for everything else that is mounted.
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let mut fields = left.split(' ').skip(3);
        let (root, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
        let mut fields = right.split(' ');
        let (kind, options) = (fields.next()?, fields.nth(1).unwrap_or_default());
        let version = match kind {
            "cgroup2" => Version::Two,
            "cgroup" if options.split(',').any(|option| option == "memory") => Version::One,
            _ => return None,
        };
        Some(Self { version, root, point })
    }

    /// The path below the mount point that leads to a group. Just the mount point if the group lies
    /// outside of it, which is so in a container: it sees its own group there.
    fn below(&self, group: &str) -> PathBuf {
        let rest = Path::new(group).strip_prefix(&self.root).unwrap_or(Path::new(""));
        let is_plain = |part: Component| matches!(part, Component::Normal(_) | Component::RootDir);
        let rest = if rest.components().all(is_plain) { rest } else { Path::new("") };
        rest.components().filter(|part| matches!(part, Component::Normal(_))).collect()
    }
}

/// The groups, from the own one upwards, that a line of `/proc/self/cgroup` stands for.
fn groups_of_line(root: &Path, line: &str, mounts: &[Mount]) -> Vec<Group> {
    let mut fields = line.splitn(3, ':');
    let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
        return Vec::new();
    };
    let version = match controllers {
        "" => Version::Two,
        some if some.split(',').any(|controller| controller == "memory") => Version::One,
        _ => return Vec::new(),
    };
    let fitting = || mounts.iter().filter(|mount| mount.version == version);
    let holds = |mount: &&Mount| Path::new(path).starts_with(&mount.root);
    let Some(mount) = fitting().find(holds).or_else(|| fitting().next()) else { return Vec::new() };
    let point = root.join(mount.point.trim_start_matches('/'));
    let below = mount.below(path);
    // The path below the mount point ends with the empty one, which is the mount point itself.
    let ways = below.ancestors().take(DEEPEST);
    ways.map(|way| Group { version, folder: point.join(way) }).collect()
}

/// `mountinfo` writes blanks and backslashes as octal numbers.
fn unescaped(field: &str) -> String {
    let mut parts = field.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code.filter(u8::is_ascii) {
            Some(code) => {
                out.push(char::from(code));
                out.push_str(&part[3..]);
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out
}

impl Group {
    /// Limit and use; none without a limit, for then nothing else has to be read.
    fn read(&self, files: &mut SmallFiles) -> Option<CgroupReading> {
        match self.version {
            Version::One => self.read_v1(files),
            Version::Two => self.read_v2(files),
        }
    }

    fn read_v1(&self, files: &mut SmallFiles) -> Option<CgroupReading> {
        let own = files.number(&self.folder.join("memory.limit_in_bytes"));
        let stat = files.text(&self.folder.join("memory.stat")).unwrap_or_default();
        let inherited = keyed(stat, "hierarchical_memory_limit");
        let limits = [own, inherited].into_iter().flatten();
        let limit_bytes = limits.filter(|limit| *limit < UNLIMITED_BYTES).min()?;
        let cache = keyed(stat, "total_cache").unwrap_or(0);
        let shared = keyed(stat, "total_shmem").unwrap_or(0);
        self.reading(files, "memory.usage_in_bytes", limit_bytes, cache.saturating_sub(shared))
    }

    fn read_v2(&self, files: &mut SmallFiles) -> Option<CgroupReading> {
        let limits = ["memory.max", "memory.high"].map(|name| files.number(&self.folder.join(name)));
        let limit_bytes = limits.into_iter().flatten().min()?;
        let stat = files.text(&self.folder.join("memory.stat")).unwrap_or_default();
        let (cache, shared) = (keyed(stat, "file").unwrap_or(0), keyed(stat, "shmem").unwrap_or(0));
        self.reading(files, "memory.current", limit_bytes, cache.saturating_sub(shared))
    }

    fn reading(
        &self,
        files: &mut SmallFiles,
        usage_name: &str,
        limit_bytes: u64,
        cache_bytes: u64,
    ) -> Option<CgroupReading> {
        let usage_bytes = files.number(&self.folder.join(usage_name))?;
        Some(CgroupReading { used_bytes: usage_bytes.saturating_sub(cache_bytes), limit_bytes })
    }

    fn events(&self, files: &mut SmallFiles) -> Option<CgroupEvents> {
        if self.version == Version::One {
            return None;
        }
        let text = files.text(&self.folder.join("memory.events"))?;
        let count = |key| keyed(text, key).unwrap_or(0);
        Some(CgroupEvents { high: count("high"), max: count("max"), oom: count("oom") })
    }
}

fn sum(one: CgroupEvents, two: CgroupEvents) -> CgroupEvents {
    CgroupEvents {
        high: one.high.saturating_add(two.high),
        max: one.max.saturating_add(two.max),
        oom: one.oom.saturating_add(two.oom),
    }
}

/// The number behind a key in a file of lines `key number`.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == key).then(|| words.next()?.parse().ok())?
    })
}

/// Reads `some avg10=0.00 ... total=1` and the like for `full`, which old kernels leave out.
fn parse_stall(text: &str) -> Option<Stall> {
    let total = |kind: &str| {
        let line = text.lines().find(|line| line.split(' ').next() == Some(kind))?;
        line.split(' ').find_map(|word| word.strip_prefix("total=")?.parse().ok())
    };
    Some(Stall { some_micros: total("some")?, full_micros: total("full").unwrap_or(0) })
}

/// Reads small files, each into the same buffer.
#[derive(Debug, Default)]
struct SmallFiles {
    buffer: Vec<u8>,
}

impl SmallFiles {
    /// The text up to the limit and up to the first byte that is no text; none if it cannot be read.
    fn text(&mut self, path: &Path) -> Option<&str> {
        self.buffer.clear();
        File::open(path).ok()?.take(LARGEST_FILE_BYTES).read_to_end(&mut self.buffer).ok()?;
        Some(self.buffer.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
    }

    /// The one number in a file; none for `max` and everything else that is no number.
    fn number(&mut self, path: &Path) -> Option<u64> {
        self.text(path)?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests;
