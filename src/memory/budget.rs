//! Owns the arithmetic of the budgets: how many bytes the CPU tier may charge, given what the
//! machine has, and what VRAM may hold by default. Pure; any thread.

use super::MemorySample;

/// Share of the usable memory that the CPU tier takes when nothing else is said.
pub const DEFAULT_PERCENT: u8 = 75;
/// Memory that is left to everyone else when nothing else is said.
pub const DEFAULT_RESERVE_BYTES: u64 = 2 << 30;

const SOFTWARE_VRAM_BYTES: u64 = 256 << 20;
const UNKNOWN_VRAM_BYTES: u64 = 1 << 30;
const VRAM_PERCENT: u64 = 60;

/// How the user states the CPU budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemLimit {
    /// Of what is usable, 1 to 100.
    Percent(u8),
    /// At most this many bytes, capped at what is usable.
    Bytes(u64),
}

impl Default for MemLimit {
    fn default() -> Self {
        Self::Percent(DEFAULT_PERCENT)
    }
}

/// The settings of the CPU budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuBudget {
    pub limit: MemLimit,
    pub reserve_bytes: u64,
}

impl Default for CpuBudget {
    fn default() -> Self {
        Self { limit: MemLimit::default(), reserve_bytes: DEFAULT_RESERVE_BYTES }
    }
}

impl CpuBudget {
    /// What may be used at all: what is available now plus what the tier holds itself, less the
    /// reserve. Adding the own charge back keeps the cache from counting against itself, so that
    /// applying the same settings twice changes nothing.
    pub fn usable_bytes(&self, sample: &MemorySample, own_charge_bytes: u64) -> u64 {
        (sample.available_bytes + own_charge_bytes).saturating_sub(self.reserve_bytes)
    }

    /// The limit of the CPU tier in bytes.
    pub fn limit_bytes(&self, sample: &MemorySample, own_charge_bytes: u64) -> u64 {
        let usable = self.usable_bytes(sample, own_charge_bytes);
        match self.limit {
            MemLimit::Percent(percent) => usable / 100 * u64::from(percent.min(100)),
            MemLimit::Bytes(bytes) => bytes.min(usable),
        }
    }
}

/// The VRAM budget when the user states none: 60 % of the adapter's memory where it is known.
pub fn gpu_budget_default(adapter_bytes: Option<u64>, is_software: bool) -> u64 {
    match adapter_bytes {
        _ if is_software => SOFTWARE_VRAM_BYTES,
        Some(bytes) => bytes / 100 * VRAM_PERCENT,
        None => UNKNOWN_VRAM_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn sample(available_bytes: u64) -> MemorySample {
        MemorySample { available_bytes, ..MemorySample::default() }
    }

    #[test]
    fn the_cache_does_not_count_against_itself() {
        let budget = CpuBudget::default();
        let empty = budget.limit_bytes(&sample(16 * GIB), 0);
        let full = budget.limit_bytes(&sample(16 * GIB - empty), empty);
        assert_eq!(empty, full);
    }

    #[test]
    fn absolute_limits_are_capped_by_what_is_usable() {
        let budget = CpuBudget { limit: MemLimit::Bytes(64 * GIB), reserve_bytes: 2 * GIB };
        assert_eq!(budget.limit_bytes(&sample(16 * GIB), 0), 14 * GIB);
        let tiny = CpuBudget { limit: MemLimit::Bytes(1000), reserve_bytes: 0 };
        assert_eq!(tiny.limit_bytes(&sample(16 * GIB), 0), 1000);
    }

    #[test]
    fn a_machine_without_room_yields_zero_and_no_overflow() {
        let budget = CpuBudget::default();
        assert_eq!(budget.limit_bytes(&sample(GIB), 0), 0);
    }

    #[test]
    fn vram_defaults_depend_on_the_adapter() {
        assert_eq!(gpu_budget_default(Some(10 * GIB), false), 10 * GIB / 100 * 60);
        assert_eq!(gpu_budget_default(None, false), GIB);
        assert_eq!(gpu_budget_default(Some(10 * GIB), true), 256 << 20);
    }
}
