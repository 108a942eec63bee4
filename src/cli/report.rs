//! The parts of reports that tell of the cache and of memory, as JSON.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::stats::{
    FrameClass, MemoryStatus, PressureLevel, PressureStatus, SoundStatus, TierContents, TierStatus,
    VoteSource, Waited,
};

/// What was heard, as far as a script may want to know.
pub fn sound(sound: &SoundStatus) -> Value {
    json!({
        "device": sound.device.as_deref(),
        "underruns": sound.underruns,
        "worst_offset_ms": sound.worst_offset_ms,
    })
}

/// Budget, charge and traffic of a tier.
pub fn tier(tier: &TierStatus) -> Value {
    let evictions: BTreeMap<&str, u64> =
        tier.evictions.iter().map(|(cause, count)| (cause.name(), count)).collect();
    json!({
        "budget_bytes": tier.budget_bytes,
        "charged_bytes": tier.charged_bytes,
        "charged_peak_bytes": tier.charged_peak_bytes,
        "overdraft_bytes": tier.overdraft_bytes,
        "resident_frames": tier.resident_frames,
        "hits": tier.hits,
        "misses": tier.misses,
        "inserts": tier.inserts,
        "evictions": evictions,
        "refused": tier.refused,
    })
}

/// What playback waited for, as shares of the time it played, and what drawing took.
pub fn waited(waited: &Waited) -> Value {
    let mut value = object(waited.shares().into_iter().map(|(limit, share)| (limit.name(), json!(share))));
    value["draw_ms"] = json!(waited.drawing as f64 / 1e6 / waited.draws.max(1) as f64);
    value
}

/// Frames and bytes by class.
pub fn classes(tier: &TierContents) -> Value {
    let classes = FrameClass::ALL.into_iter().zip(tier.by_class);
    Value::Object(classes.map(|(class, sum)| (class.name().to_string(), json!(sum))).collect())
}

/// Bytes by component.
pub fn components(tier: &TierContents) -> Value {
    object(tier.by_component.iter().map(|(name, bytes)| (*name, json!(bytes))))
}

/// What each clip takes.
pub fn clips(memory: &MemoryStatus) -> Value {
    let clip = |clip: &crate::stats::ClipMemory| {
        json!({
            "name": clip.name,
            "cpu_bytes": clip.cpu_bytes,
            "gpu_bytes": clip.gpu_bytes,
            "quota_bytes": clip.quota_bytes,
            "guarantee_bytes": clip.guarantee_bytes,
            "unchanged_secs": clip.unchanged_secs,
            "alloc_bytes_per_s": clip.alloc_bytes_per_s,
            "by_component": object(clip.by_component.iter().map(|(name, bytes)| (*name, json!(bytes)))),
        })
    };
    memory.clips.iter().map(clip).collect()
}

/// The pressure of the CPU tier, and beside it that of the GPU tier.
pub fn pressure(memory: &MemoryStatus) -> Value {
    let mut value = tier_pressure(&memory.cpu_pressure);
    value["gpu"] = tier_pressure(&memory.gpu_pressure);
    value
}

fn tier_pressure(status: &PressureStatus) -> Value {
    let changes = status.transitions.iter();
    let changes = changes.map(|(from, to, n)| json!({ "from": from.name(), "to": to.name(), "count": n }));
    let votes = VoteSource::ALL.into_iter().zip(status.votes);
    let votes = votes.filter_map(|(source, vote)| Some((source.name(), json!(vote?))));
    let alerts = PressureLevel::ALL.into_iter().zip(status.alerts).filter(|(_, count)| *count > 0);
    json!({
        "level": status.level.name(),
        "peak": status.peak.name(),
        "transitions": status.transitions.total(),
        "changes": changes.collect::<Vec<_>>(),
        "state": status.state.name(),
        "fraction": status.fraction,
        "votes": object(votes),
        "alerts": object(alerts.map(|(level, count)| (level.name(), json!(count)))),
    })
}

/// What the machine says, and how well our books match it.
pub fn memory(memory: &MemoryStatus) -> Value {
    let machine = memory.machine;
    let cleaners = memory.cleaners.iter().map(|cleaner| {
        json!({
            "name": cleaner.name, "runs": cleaner.runs, "freed_bytes": cleaner.freed_bytes,
            "mismatch_bytes": cleaner.mismatch_bytes, "failures": cleaner.failures,
        })
    });
    json!({
        "total_bytes": machine.total_bytes,
        "available_bytes": machine.available_bytes,
        "used_bytes": machine.used_bytes,
        "rss_bytes": machine.rss_bytes,
        "vms_bytes": machine.vms_bytes,
        "cgroup_limit_bytes": machine.cgroup_limit_bytes,
        "cgroup_used_bytes": machine.cgroup_used_bytes,
        "alloc_bytes_per_s": memory.alloc_bytes_per_s,
        "slack_fraction": memory.slack_fraction,
        "uncharged_bytes": memory.uncharged_bytes,
        "purges": memory.purges,
        "purge_ms": memory.purge_nanos as f64 / 1e6,
        "cleaners": cleaners.collect::<Vec<_>>(),
    })
}

/// What the leak detector found.
pub fn leaks(memory: &MemoryStatus) -> Value {
    json!({
        "checks": memory.leaks.checks,
        "mismatches": memory.leaks.mismatches,
        "rss_slope_bytes_per_s": memory.leaks.rss_slope_bytes_per_s,
    })
}

fn object<'a>(pairs: impl Iterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(pairs.map(|(name, value)| (name.to_string(), value)).collect::<Map<_, _>>())
}
