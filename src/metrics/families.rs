//! Owns which figures are published, under which names, labels and help texts. Plain data made from a Snapshot. Any
//! thread.
//!
//! Labels are `&'static str`, so that no text from a file or a user can become one, and the number of series does
//! not depend on what is opened.

use super::ProcessFigures;
use crate::stats::{
    CleanerStatus, FrameClass, FrameSum, MemoryStatus, Percentiles, PressureLevel, PressureStatus, Snapshot,
    TierContents, TierStatus, VoteSource,
};

/// Name and value of a label.
pub type Label = (&'static str, &'static str);

/// What a number is: exact where it counts something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(whole: u64) -> Self {
        Self::Whole(whole)
    }
}

impl From<usize> for Value {
    fn from(whole: usize) -> Self {
        Self::Whole(whole as u64)
    }
}

impl From<bool> for Value {
    fn from(is_true: bool) -> Self {
        Self::Whole(is_true.into())
    }
}

impl From<f64> for Value {
    fn from(real: f64) -> Self {
        Self::Real(real)
    }
}

/// How the values of a family are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the player runs.
    Counter,
    Gauge,
    /// Always 1; what it says is in its labels.
    Info,
    /// Quantiles, without sum and count.
    Summary,
}

/// All series of one name.
#[derive(Debug)]
pub struct Family {
    /// Without the `_total` or `_info` that the samples end in.
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    pub samples: Vec<(Vec<Label>, Value)>,
}

impl Family {
    /// One more series. A value that is no number is left out.
    fn add(&mut self, labels: &[Label], value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        if !matches!(value, Value::Real(real) if !real.is_finite()) {
            self.samples.push((labels.to_vec(), value));
        }
        self
    }

    /// One series for each tier.
    fn add_each<V: Into<Value>>(&mut self, tiers: &[Tier<'_>], read: impl Fn(&Tier<'_>) -> V) {
        for tier in tiers {
            self.add(&[tier.label()], read(tier));
        }
    }

    fn add_known(&mut self, labels: &[Label], value: Option<impl Into<Value>>) -> &mut Self {
        match value {
            Some(value) => self.add(labels, value),
            None => self,
        }
    }

    /// One series for each name, the values of equal names added up.
    fn add_sums(&mut self, label: &'static str, others: &[Label], named: &[(&'static str, u64)]) {
        for (at, &(name, _)) in named.iter().enumerate() {
            if named[..at].iter().all(|&(before, _)| before != name) {
                let sum =
                    named.iter().filter(|(other, _)| *other == name).map(|(_, value)| value).sum::<u64>();
                self.add(&[others, &[(label, name)]].concat(), sum);
            }
        }
    }
}

/// The families in the order in which they are written.
#[derive(Debug, Default)]
struct Book(Vec<Family>);

impl Book {
    fn open(&mut self, kind: Kind, name: &'static str, help: &'static str) -> &mut Family {
        self.0.push(Family { name, help, kind, samples: Vec::new() });
        self.0.last_mut().expect("one was pushed just now")
    }

    fn counter(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.open(Kind::Counter, name, help)
    }

    fn gauge(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.open(Kind::Gauge, name, help)
    }

    fn counters<V: Into<Value>, const N: usize>(&mut self, rows: [(&'static str, &'static str, V); N]) {
        for (name, help, value) in rows {
            self.counter(name, help).add(&[], value);
        }
    }

    fn quantiles(&mut self, name: &'static str, help: &'static str, millis: &Percentiles) {
        let family = self.open(Kind::Summary, name, help);
        let rows = [("0.5", millis.p50), ("0.95", millis.p95), ("0.99", millis.p99), ("1.0", millis.max)];
        for (quantile, millis) in rows {
            family.add(&[("quantile", quantile)], millis / 1e3);
        }
    }
}

/// One tier with everything that is known of it.
struct Tier<'a> {
    name: &'static str,
    status: &'a TierStatus,
    contents: &'a TierContents,
    pressure: &'a PressureStatus,
}

/// Name, help text and what is read of each class of frames.
type SumRow = (&'static str, &'static str, fn(&FrameSum) -> u64);

/// Name, help text and what is read of each tier.
type TierRow = (&'static str, &'static str, fn(&Tier<'_>) -> u64);

impl Tier<'_> {
    fn label(&self) -> Label {
        ("tier", self.name)
    }
}

/// All families that have a value now.
pub fn families(snapshot: &Snapshot, process: &ProcessFigures) -> Vec<Family> {
    let memory = &*snapshot.memory;
    let tiers = [
        Tier { name: "cpu", status: &snapshot.cpu, contents: &memory.cpu, pressure: &memory.cpu_pressure },
        Tier { name: "gpu", status: &snapshot.gpu, contents: &memory.gpu, pressure: &memory.gpu_pressure },
    ];
    let mut book = Book::default();
    add_build(&mut book, memory);
    add_budgets(&mut book, &tiers);
    add_pressure_levels(&mut book, &tiers);
    add_pressure_counts(&mut book, &tiers);
    add_cache_traffic(&mut book, &tiers);
    add_cache_contents(&mut book, &tiers);
    add_decoding(&mut book, snapshot);
    add_uploads(&mut book, snapshot);
    add_playback(&mut book, snapshot);
    add_pool(&mut book, memory);
    add_cleaners(&mut book, memory);
    add_leaks(&mut book, memory);
    add_machine(&mut book, memory);
    add_process(&mut book, memory, process);
    book.0.retain(|family| !family.samples.is_empty());
    book.0
}

fn add_build(book: &mut Book, memory: &MemoryStatus) {
    let version = env!("CARGO_PKG_VERSION");
    book.open(Kind::Info, "rushes_build", "The version of the player.").add(&[("version", version)], 1_u64);
    if !memory.policy.is_empty() {
        book.open(Kind::Info, "rushes_cache_policy", "The eviction policy of the cache.")
            .add(&[("policy", memory.policy)], 1_u64);
    }
}

fn add_budgets(book: &mut Book, tiers: &[Tier<'_>]) {
    let rows: [TierRow; 4] = [
        ("rushes_player_mem_budget_bytes", "What the tier may hold.", |tier| tier.status.budget_bytes),
        ("rushes_player_mem_used_bytes", "What is charged to the tier now.", |tier| {
            tier.status.charged_bytes
        }),
        ("rushes_player_mem_peak_bytes", "The most that was ever charged to the tier.", |tier| {
            tier.status.charged_peak_bytes
        }),
        (
            "rushes_player_mem_overdraft_bytes",
            "Charged beyond the budget, for a shown frame that is larger than all of it.",
            |tier| tier.status.overdraft_bytes,
        ),
    ];
    for (name, help, read) in rows {
        book.gauge(name, help).add_each(tiers, read);
    }
    let help = "What is charged to the tier, by component, at most a second old.";
    let charged = book.gauge("rushes_player_mem_charged_bytes", help);
    for tier in tiers {
        charged.add_sums("component", &[tier.label()], &tier.contents.by_component);
    }
}

fn add_pressure_levels(book: &mut Book, tiers: &[Tier<'_>]) {
    let rows: [TierRow; 3] = [
        (
            "rushes_player_mem_pressure_state",
            "Pressure: 0 none, 1 low, 2 moderate, 3 high, 4 critical, 5 emergency.",
            |tier| tier.pressure.level as u64,
        ),
        ("rushes_player_mem_pressure_peak_state", "The highest pressure so far, 0 to 5.", |tier| {
            tier.pressure.peak as u64
        }),
        ("rushes_player_mem_state", "Memory: 0 normal, 1 warning, 2 critical.", |tier| {
            tier.pressure.state as u64
        }),
    ];
    for (name, help, read) in rows {
        book.gauge(name, help).add_each(tiers, read);
    }
    let help = "The highest vote as a share of what there is.";
    book.gauge("rushes_player_mem_pressure_ratio", help).add_each(tiers, |tier| tier.pressure.fraction);
    let help = "What each source said last, as a share; absent while it is silent.";
    let votes = book.gauge("rushes_player_mem_pressure_vote", help);
    for tier in tiers {
        for (source, vote) in VoteSource::ALL.into_iter().zip(tier.pressure.votes) {
            votes.add_known(&[tier.label(), ("source", source.name())], vote);
        }
    }
}

fn add_pressure_counts(book: &mut Book, tiers: &[Tier<'_>]) {
    let transitions =
        book.counter("rushes_player_mem_pressure_transitions", "Changes of the pressure, by from and to.");
    for tier in tiers {
        let counted = |from, to| {
            let mut pairs = tier.pressure.transitions.iter();
            pairs.find(|pair| (pair.0, pair.1) == (from, to)).map_or(0, |pair| pair.2)
        };
        let pairs = PressureLevel::ALL.into_iter().flat_map(|from| PressureLevel::ALL.map(|to| (from, to)));
        // Pairs that never happened are written as 0, because a rate needs to see the first one happen.
        for (from, to) in pairs.filter(|(from, to)| from != to) {
            let labels = [tier.label(), ("from", from.name()), ("to", to.name())];
            transitions.add(&labels, counted(from, to));
        }
    }
    let alerts = book.counter("rushes_alerts", "Alerts about memory, by the level that caused them.");
    for tier in tiers {
        for (level, count) in PressureLevel::ALL.into_iter().zip(tier.pressure.alerts) {
            alerts.add(&[tier.label(), ("level", level.name())], count);
        }
    }
}

fn add_cache_traffic(book: &mut Book, tiers: &[Tier<'_>]) {
    let rows: [TierRow; 4] = [
        ("rushes_cache_hits", "Presentations for which the tier held the frame.", |tier| tier.status.hits),
        ("rushes_cache_misses", "Presentations for which the tier did not hold the frame.", |tier| {
            tier.status.misses
        }),
        ("rushes_cache_inserts", "Frames that came into the tier.", |tier| tier.status.inserts),
        ("rushes_cache_denied", "Reservations that the tier refused.", |tier| tier.status.refused),
    ];
    for (name, help, read) in rows {
        book.counter(name, help).add_each(tiers, read);
    }
    let evictions = book.counter("rushes_cache_evictions", "Frames that left the tier, by cause.");
    for tier in tiers {
        for (cause, count) in tier.status.evictions.iter() {
            evictions.add(&[tier.label(), ("cause", cause.name())], count);
        }
    }
}

fn add_cache_contents(book: &mut Book, tiers: &[Tier<'_>]) {
    let help = "Frames that the tier holds now.";
    book.gauge("rushes_cache_resident_frames", help).add_each(tiers, |tier| tier.status.resident_frames);
    let rows: [SumRow; 2] = [
        (
            "rushes_cache_frames",
            "Frames that the tier holds, by whether and why they may leave, at most a second old.",
            |sum| sum.frames,
        ),
        ("rushes_cache_bytes", "Bytes of those frames.", |sum| sum.bytes),
    ];
    for (name, help, read) in rows {
        let family = book.gauge(name, help);
        for tier in tiers {
            for (class, sum) in FrameClass::ALL.into_iter().zip(&tier.contents.by_class) {
                family.add(&[tier.label(), ("class", class.name())], read(sum));
            }
        }
    }
}

fn add_decoding(book: &mut Book, snapshot: &Snapshot) {
    let decode = &snapshot.decode;
    book.counters([
        ("rushes_decode_requested", "Frames that were asked of the decoders.", decode.requested),
        ("rushes_decode_ok", "Frames decoded whole.", decode.ok),
        ("rushes_decode_error", "Frames that could not be decoded.", decode.error),
        ("rushes_decode_degraded", "Frames decoded with parts missing.", decode.degraded),
        ("rushes_decode_cancelled", "Decodes stopped because nobody wanted them any more.", decode.cancelled),
        ("rushes_decode_stale", "Decodes that were no longer wanted when they came.", decode.stale),
        ("rushes_decode_refused", "Decodes that needed more bytes than were charged.", decode.refused),
    ]);
    let help = "Time to decode a frame; quantile 1.0 is the longest so far.";
    book.quantiles("rushes_decode_seconds", help, &snapshot.decode_ms);
    book.gauge("rushes_preload_in_flight", "Requests that the decoders have now.")
        .add(&[], snapshot.in_flight);
    let help = "Seeks, starts, stops and changes of clip, layer, direction or range so far.";
    book.gauge("rushes_epoch", help).add(&[], snapshot.epoch);
}

fn add_uploads(book: &mut Book, snapshot: &Snapshot) {
    book.counters([
        ("rushes_upload_frames", "Frames brought into graphics memory.", snapshot.uploads),
        ("rushes_upload_bytes", "Bytes brought into graphics memory.", snapshot.upload_bytes),
    ]);
    let busy_secs = snapshot.upload_nanos as f64 / 1e9;
    book.counter("rushes_upload_busy_seconds", "Time spent on uploads.").add(&[], busy_secs);
    let help = "Time to upload a frame; quantile 1.0 is the longest so far.";
    book.quantiles("rushes_upload_seconds", help, &snapshot.memory.upload_ms);
    book.counters([("rushes_gpu_device_lost", "Graphics devices lost.", snapshot.device_lost)]);
}

fn add_playback(book: &mut Book, snapshot: &Snapshot) {
    let (present, transport) = (&snapshot.present, &snapshot.transport);
    book.counters([
        ("rushes_frames_shown", "Frames shown.", present.presented),
        ("rushes_frames_late", "Frames shown more than a frame after their time.", present.late),
        ("rushes_frames_dropped", "Frames skipped to keep the time.", present.dropped),
        ("rushes_frames_held", "Times a frame stayed because the next one was not ready.", present.held),
        ("rushes_refreshes_repeated", "Refreshes that showed the frame before again.", present.repeated),
        ("rushes_loops", "Times the playhead went through the end of the work area.", present.loops),
        ("rushes_ticks", "Steps of the player.", snapshot.tick),
    ]);
    let help = "Time between presentations; quantile 1.0 is the longest so far.";
    book.quantiles("rushes_present_interval_seconds", help, &snapshot.memory.present_interval_ms);
    book.gauge("rushes_playback_playing", "1 while the player plays.").add(&[], transport.playing);
    let help = "Frames a second that playback is meant to show.";
    book.gauge("rushes_playback_target_frames_per_second", help)
        .add(&[], transport.rate.as_f64() * transport.speed);
    let help = "Frames a second that were shown over the last second of playback.";
    book.gauge("rushes_playback_frames_per_second", help).add_known(&[], transport.fps_actual);
    let clips = snapshot.clip.as_ref().map_or(0, |clip| clip.clips);
    book.gauge("rushes_clips", "Open clips.").add(&[], clips);
    let help = "Rows without data of the shown frame.";
    book.gauge("rushes_shown_missing_rows", help).add(&[], u64::from(snapshot.missing_rows));
}

fn add_pool(book: &mut Book, memory: &MemoryStatus) {
    let help = "Idle buffers over all buffers.";
    book.gauge("rushes_player_mem_slack_ratio", help).add(&[], memory.slack_fraction);
    let help = "The resident size beyond the charges of system memory; negative below them.";
    book.gauge("rushes_player_mem_uncharged_bytes", help).add(&[], memory.uncharged_bytes as f64);
    let help = "Bytes a second charged for frames lately.";
    book.gauge("rushes_player_mem_alloc_bytes_per_second", help).add(&[], memory.alloc_bytes_per_s);
    let help = "Times the allocator was asked to give back what it keeps.";
    book.counter("rushes_allocator_purges", help).add(&[], memory.purges);
    let purge_secs = memory.purge_nanos as f64 / 1e9;
    book.counter("rushes_allocator_purge_seconds", "Time those purges took.").add(&[], purge_secs);
}

fn add_cleaners(book: &mut Book, memory: &MemoryStatus) {
    let cleaners = &memory.cleaners;
    let named = |read: fn(&CleanerStatus) -> u64| -> Vec<(&'static str, u64)> {
        cleaners.iter().map(|cleaner| (cleaner.name, read(cleaner))).collect()
    };
    let rows = [
        ("rushes_cleaner_runs", "Runs of the cleaner.", named(|cleaner| cleaner.runs)),
        ("rushes_cleaner_freed_bytes", "Bytes it freed, as measured.", named(|cleaner| cleaner.freed_bytes)),
        (
            "rushes_cleaner_mismatch_bytes",
            "Bytes between what it reported and what was measured.",
            named(|cleaner| cleaner.mismatch_bytes),
        ),
        ("rushes_cleaner_failures", "Runs that failed.", named(|cleaner| cleaner.failures)),
    ];
    for (name, help, values) in rows {
        book.counter(name, help).add_sums("cleaner", &[], &values);
    }
    let help = "1 when the cleaner panicked or took too long and is not asked any more.";
    let isolated = named(|cleaner| cleaner.is_isolated.into());
    book.gauge("rushes_cleaner_isolated", help).add_sums("cleaner", &[], &isolated);
}

fn add_leaks(book: &mut Book, memory: &MemoryStatus) {
    let leaks = &memory.leaks;
    book.counters([
        ("rushes_leak_checks", "Comparisons of the ledger with what is really held.", leaks.checks),
        ("rushes_leak_mismatches", "Comparisons that found a difference.", leaks.mismatches),
    ]);
    let help = "Growth of the resident size over the last minutes; absent before there is enough to go by.";
    book.gauge("rushes_rss_slope_bytes_per_second", help).add_known(&[], leaks.rss_slope_bytes_per_s);
}

fn add_machine(book: &mut Book, memory: &MemoryStatus) {
    let machine = &memory.machine;
    let rows = [
        ("rushes_memory_total_bytes", "Memory of the machine.", Some(machine.total_bytes)),
        (
            "rushes_memory_available_bytes",
            "Memory that can be had: the smallest of host, control groups and address space.",
            Some(machine.available_bytes),
        ),
        ("rushes_memory_used_bytes", "Memory in use on the machine.", Some(machine.used_bytes)),
        ("rushes_cgroup_limit_bytes", "The tightest limit of a control group.", machine.cgroup_limit_bytes),
        ("rushes_cgroup_used_bytes", "What that control group uses.", machine.cgroup_used_bytes),
    ];
    for (name, help, bytes) in rows {
        book.gauge(name, help).add_known(&[], bytes);
    }
    let secs = |micros: Option<u64>| micros.map(|micros| micros as f64 / 1e6);
    let help = "Time in which some task waited for memory.";
    book.counter("rushes_stall_some_seconds", help).add_known(&[], secs(machine.stall_some_micros));
    let help = "Time in which all tasks waited for memory.";
    book.counter("rushes_stall_full_seconds", help).add_known(&[], secs(machine.stall_full_micros));
}

fn add_process(book: &mut Book, memory: &MemoryStatus, process: &ProcessFigures) {
    // Where the system does not say it here, the player's own sample may know; it reads 0 where it does not.
    let sampled = |bytes: u64| (bytes > 0).then_some(bytes);
    let rss_bytes = process.rss_bytes.or(sampled(memory.machine.rss_bytes));
    let vms_bytes = process.vms_bytes.or(sampled(memory.machine.vms_bytes));
    let help = "User and system time of the process.";
    book.counter("process_cpu_seconds", help).add_known(&[], process.cpu_secs);
    let help = "When the process started, in seconds since 1970.";
    book.gauge("process_start_time_seconds", help).add_known(&[], process.start_time_secs);
    let rows = [
        ("process_resident_memory_bytes", "Resident size of the process.", rss_bytes),
        ("process_virtual_memory_bytes", "Virtual size of the process.", vms_bytes),
        ("process_open_fds", "Open files of the process.", process.open_fds),
        ("process_threads", "Threads of the process.", process.threads),
    ];
    for (name, help, value) in rows {
        book.gauge(name, help).add_known(&[], value);
    }
}
