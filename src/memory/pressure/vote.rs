//! Owns what speaks for a level: pure functions that turn a reading of the machine and our own
//! figures into votes, and the two memories that votes over time need. Never decides a level. The
//! thread that ticks.

use crate::memory::Reading;
use crate::stats::{PressureLevel, VoteSource};
use crate::time::Nanos;

const SECOND: Nanos = 1_000_000_000;
/// `some` above 100 ms a second, `full` above 50 ms a second: the stalled time times this is more
/// than the time that went by.
const SOME_STALL_FACTOR: Nanos = 10;
const FULL_STALL_FACTOR: Nanos = 20;
/// A control group at its limit only reports pressure if this share of it is no page cache: reading
/// files alone fills a group up to its limit again and again, and costs nobody anything.
const CROWDED_SHARE: f64 = 0.9;
/// A level by the reserve is held until so much more of the reserve is available.
const HELD_SHARE: u64 = 20;

/// What one source says at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vote {
    pub source: VoteSource,
    /// The share of what there is that is taken; compared with the thresholds.
    pub ratio: Option<f64>,
    /// At least this level, whatever the share.
    pub level: PressureLevel,
    /// At least this level once it is entered: like thresholds of a share, it is left later than entered.
    pub held: PressureLevel,
}

impl Vote {
    /// A share that thresholds are applied to.
    pub const fn ratio(source: VoteSource, ratio: f64) -> Self {
        Self { source, ratio: Some(ratio), level: PressureLevel::None, held: PressureLevel::None }
    }

    /// A level as such.
    pub const fn level(source: VoteSource, level: PressureLevel) -> Self {
        Self { source, ratio: None, level, held: level }
    }

    /// The share, if it is a number.
    pub fn share(&self) -> Option<f64> {
        self.ratio.filter(|ratio| ratio.is_finite())
    }

    /// Both of two votes of one source.
    fn with(self, other: Self) -> Self {
        let ratio = match (self.share(), other.share()) {
            (Some(one), Some(two)) => Some(one.max(two)),
            (one, two) => one.or(two),
        };
        Self {
            source: self.source,
            ratio,
            level: self.level.max(other.level),
            held: self.held.max(other.held),
        }
    }
}

/// The votes of one moment, at most one per source. Lives without the heap.
#[derive(Debug, Clone, Copy)]
pub struct Votes {
    votes: [Vote; VoteSource::ALL.len()],
    len: usize,
}

impl Default for Votes {
    fn default() -> Self {
        let empty = Vote::level(VoteSource::Ours, PressureLevel::None);
        Self { votes: [empty; VoteSource::ALL.len()], len: 0 }
    }
}

impl Votes {
    /// Adds a vote; a second one of the same source is joined with the first.
    pub fn add(&mut self, vote: impl Into<Option<Vote>>) {
        let Some(vote) = vote.into() else { return };
        let known = self.votes[..self.len].iter_mut().find(|known| known.source == vote.source);
        match known {
            Some(known) => *known = known.with(vote),
            None => {
                self.votes[self.len] = vote;
                self.len += 1;
            }
        }
    }

    /// The votes in the order in which their sources spoke first.
    pub fn as_slice(&self) -> &[Vote] {
        &self.votes[..self.len]
    }
}

impl Extend<Vote> for Votes {
    fn extend<T: IntoIterator<Item = Vote>>(&mut self, votes: T) {
        votes.into_iter().for_each(|vote| self.add(vote));
    }
}

/// Our own figures of a tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ours {
    /// Protected, guaranteed, in flight, staging, scratch, movies.
    pub unevictable_bytes: u64,
    /// The budget of the tier; 0 while there is none.
    pub limit_bytes: u64,
    /// What could be given up at once.
    pub evictable_bytes: u64,
    pub charged_bytes: u64,
    /// What is to be left to everyone else.
    pub reserve_bytes: u64,
}

/// Every vote that follows from two readings and our own figures: the CPU tier's. The GPU tier has
/// [`ours`] alone. Votes over time and simulated ones are added by the caller.
pub fn machine_votes(reading: &Reading, previous: Option<&Reading>, tier: &Ours) -> Votes {
    let mut votes = Votes::default();
    votes.add(ours(tier));
    votes.add(host(reading, tier));
    votes.add(cgroup(reading, tier));
    votes.add(available(reading, tier));
    if let Some(previous) = previous {
        votes.add(cgroup_events(reading, previous));
        votes.add(stall(reading, previous));
    }
    votes
}

/// What we cannot give up over what we may take. A cache full of evictable frames is no pressure.
pub fn ours(tier: &Ours) -> Option<Vote> {
    let share = share(tier.unevictable_bytes, tier.limit_bytes)?;
    Some(Vote::ratio(VoteSource::Ours, share))
}

/// The host's used memory without what we could evict.
pub fn host(reading: &Reading, tier: &Ours) -> Option<Vote> {
    let total_bytes = reading.sample.total_bytes;
    let used_bytes = total_bytes.saturating_sub(reading.host_available_bytes);
    let share = share(used_bytes.saturating_sub(tier.evictable_bytes), total_bytes)?;
    Some(Vote::ratio(VoteSource::Host, share))
}

/// The same for every control group; the fullest one counts.
pub fn cgroup(reading: &Reading, tier: &Ours) -> Option<Vote> {
    let shares = reading
        .cgroups
        .iter()
        .filter_map(|group| share(group.used_bytes.saturating_sub(tier.evictable_bytes), group.limit_bytes));
    shares.reduce(f64::max).map(|share| Vote::ratio(VoteSource::Cgroup, share))
}

/// A control group that ran into its limit since the last reading and has little page cache to give
/// up; Emergency when the kernel found nothing to reclaim.
pub fn cgroup_events(reading: &Reading, previous: &Reading) -> Option<Vote> {
    let (now, before) = (reading.cgroup_events?, previous.cgroup_events?);
    let mut crowded = reading.cgroups.iter().filter_map(|group| share(group.used_bytes, group.limit_bytes));
    let level = if now.oom > before.oom {
        PressureLevel::Emergency
    } else if (now.high > before.high || now.max > before.max) && crowded.any(|share| share >= CROWDED_SHARE)
    {
        PressureLevel::High
    } else {
        return None;
    };
    Some(Vote::level(VoteSource::Cgroup, level))
}

/// What is available, together with what we could evict, measured by the reserve.
pub fn available(reading: &Reading, tier: &Ours) -> Option<Vote> {
    if reading.sample.total_bytes == 0 {
        return None;
    }
    let room_bytes = reading.sample.available_bytes.saturating_add(tier.evictable_bytes);
    let of = |reserve: u64| match reserve {
        reserve if room_bytes < reserve / 4 => PressureLevel::Critical,
        reserve if room_bytes < reserve / 2 => PressureLevel::High,
        reserve if room_bytes < reserve => PressureLevel::Moderate,
        _ => PressureLevel::None,
    };
    let reserve_bytes = tier.reserve_bytes;
    let held = of(reserve_bytes.saturating_add(reserve_bytes / HELD_SHARE));
    let vote = Vote { source: VoteSource::Available, ratio: None, level: of(reserve_bytes), held };
    (held > PressureLevel::None).then_some(vote)
}

/// How much of the time since the last reading was spent waiting for memory.
pub fn stall(reading: &Reading, previous: &Reading) -> Option<Vote> {
    let (now, before) = (reading.stall?, previous.stall?);
    let elapsed_nanos = reading.at - previous.at;
    let grown = |now: u64, before: u64| Nanos::from(now.saturating_sub(before)) * 1000;
    let (some_nanos, full_nanos) =
        (grown(now.some_micros, before.some_micros), grown(now.full_micros, before.full_micros));
    let level = match elapsed_nanos {
        ..=0 => return None,
        elapsed if full_nanos * FULL_STALL_FACTOR > elapsed => PressureLevel::High,
        elapsed if some_nanos * SOME_STALL_FACTOR > elapsed => PressureLevel::Moderate,
        _ => return None,
    };
    Some(Vote::level(VoteSource::Stall, level))
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Failed allocations and lost devices, which speak for Emergency for a while.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures {
    allocation: Option<Nanos>,
    device: Option<Nanos>,
}

impl Failures {
    /// An allocation failed.
    pub fn note_allocation(&mut self, now: Nanos) {
        self.allocation = Some(now);
    }

    /// The device was lost.
    pub fn note_device(&mut self, now: Nanos) {
        self.device = Some(now);
    }

    /// Emergency for every kind of failure that is less than `emergency_nanos` old.
    pub fn votes(&self, now: Nanos, emergency_nanos: Nanos) -> impl Iterator<Item = Vote> + use<> {
        let kinds = [(VoteSource::Allocation, self.allocation), (VoteSource::Device, self.device)];
        let fresh = move |(source, at): (VoteSource, Option<Nanos>)| {
            let is_fresh = at.is_some_and(|at| now - at < emergency_nanos);
            is_fresh.then_some(Vote::level(source, PressureLevel::Emergency))
        };
        kinds.into_iter().filter_map(fresh)
    }
}

const GROWTH_POINTS: usize = 64;
const GROWTH_SPACING_NANOS: Nanos = SECOND;
const GROWTH_SPAN_NANOS: Nanos = 5 * SECOND;
const GROWTH_MEMORY_NANOS: Nanos = 60 * SECOND;
const GROWTH_LEAST_BYTES: i128 = 64 << 20;

#[derive(Debug, Clone, Copy, Default)]
struct GrowthPoint {
    at: Nanos,
    rss_bytes: i128,
    /// The resident size beyond the charges. Negative while charged buffers are not written yet.
    uncharged_bytes: i128,
}

/// Watches whether the resident size grows faster than the charges.
///
/// It votes when, over the last 5 s and at least two steps, the uncharged bytes rose in the older and
/// in the newer half by a quarter of 64 MiB each, the resident size rose by 64 MiB, and the uncharged
/// bytes are 64 MiB above all that the minute before saw. So noise, a single jump (a library that
/// takes its tables), buffers that are charged first and written later, and charges that go while the
/// allocator keeps their memory do not vote.
#[derive(Debug, Clone)]
pub struct GrowthWatch {
    /// The newest `len` points end before `next`, in a ring.
    points: [GrowthPoint; GROWTH_POINTS],
    next: usize,
    len: usize,
}

impl Default for GrowthWatch {
    fn default() -> Self {
        Self { points: [GrowthPoint::default(); GROWTH_POINTS], next: 0, len: 0 }
    }
}

impl GrowthWatch {
    /// Takes one sample; points closer than a second are left out.
    pub fn feed(&mut self, now: Nanos, rss_bytes: u64, charged_bytes: u64) {
        let is_early = self.len > 0 && now - self.back(0).at < GROWTH_SPACING_NANOS * 9 / 10;
        if is_early || rss_bytes == 0 {
            return;
        }
        let rss_bytes = i128::from(rss_bytes);
        let uncharged_bytes = rss_bytes - i128::from(charged_bytes);
        self.points[self.next] = GrowthPoint { at: now, rss_bytes, uncharged_bytes };
        self.next = (self.next + 1) % GROWTH_POINTS;
        self.len = (self.len + 1).min(GROWTH_POINTS);
    }

    /// Moderate while the growth goes on.
    pub fn vote(&self) -> Option<Vote> {
        self.is_growing().then_some(Vote::level(VoteSource::Growth, PressureLevel::Moderate))
    }

    fn is_growing(&self) -> bool {
        let Some(start) = self.start_of_span() else { return false };
        let (newest, middle, oldest) = (self.back(0), self.back(start / 2), self.back(start));
        let quarter = GROWTH_LEAST_BYTES / 4;
        let is_steady = middle.uncharged_bytes - oldest.uncharged_bytes >= quarter
            && newest.uncharged_bytes - middle.uncharged_bytes >= quarter;
        let has_grown = newest.rss_bytes - oldest.rss_bytes > GROWTH_LEAST_BYTES;
        is_steady && has_grown && self.is_above_what_was_before(start)
    }

    /// How many points back the last 5 s began; none while less than 5 s before them is known.
    fn start_of_span(&self) -> Option<usize> {
        let newest_at = self.points_back().next()?.at;
        let start = self.points_back().skip(2).position(|p| newest_at - p.at >= GROWTH_SPAN_NANOS)? + 2;
        let oldest_at = self.points_back().last()?.at;
        (self.back(start).at - oldest_at >= GROWTH_SPAN_NANOS).then_some(start)
    }

    fn is_above_what_was_before(&self, start: usize) -> bool {
        let newest = self.back(0);
        let before = self.points_back().skip(start).take_while(|p| newest.at - p.at <= GROWTH_MEMORY_NANOS);
        // Points that lie far apart may all be older than a minute: the start itself always counts.
        let highest = before.map(|p| p.uncharged_bytes).fold(self.back(start).uncharged_bytes, i128::max);
        newest.uncharged_bytes - highest > GROWTH_LEAST_BYTES
    }

    /// The points from the newest to the oldest.
    fn points_back(&self) -> impl Iterator<Item = &GrowthPoint> {
        (0..self.len).map(|steps| self.back(steps))
    }

    fn back(&self, steps: usize) -> &GrowthPoint {
        &self.points[(self.next + 2 * GROWTH_POINTS - 1 - steps) % GROWTH_POINTS]
    }
}

#[cfg(test)]
mod tests;
