//! Owns the arithmetic of the budgets: how many bytes the CPU tier may charge, given what the
//! machine has, and what VRAM may hold by default. Pure; any thread.

use super::MemorySample;
use super::size::{SizeError, parse_size};

/// Share of the usable memory that the CPU tier takes when nothing else is said.
pub const DEFAULT_PERCENT: u8 = 75;
/// The least and the most that may be asked for.
pub const MIN_PERCENT: u8 = 25;
pub const MAX_PERCENT: u8 = 95;
/// One step of the setting.
pub const PERCENT_STEP: u8 = 5;
/// One step of the reserve, also its least, and the most that it is set to step by step.
pub const RESERVE_STEP_BYTES: u64 = 512 << 20;
pub const MAX_RESERVE_BYTES: u64 = 8 << 30;
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

/// Why a text is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error("«{0}» is not between {MIN_PERCENT}% and {MAX_PERCENT}%")]
    Percent(String),
    #[error(transparent)]
    Size(#[from] SizeError),
}

impl MemLimit {
    /// Reads `50%` or a size.
    ///
    /// # Errors
    /// [`LimitError`] for a share outside [`MIN_PERCENT`] to [`MAX_PERCENT`] and for what is no size.
    pub fn parse(text: &str) -> Result<Self, LimitError> {
        let Some(percent) = text.trim().strip_suffix('%') else { return Ok(Self::Bytes(parse_size(text)?)) };
        match percent.trim().parse() {
            Ok(percent @ MIN_PERCENT..=MAX_PERCENT) => Ok(Self::Percent(percent)),
            _ => Err(LimitError::Percent(crate::text::shown(text))),
        }
    }
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
    pub reserve: Reserve,
}

/// Memory that is left to everyone else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reserve {
    /// [`DEFAULT_RESERVE_BYTES`], or a quarter of what there is on a machine or in a container where that
    /// is less: 2 GiB of 2 GiB would leave nothing to play with.
    #[default]
    Usual,
    Bytes(u64),
}

impl Default for CpuBudget {
    fn default() -> Self {
        Self { limit: MemLimit::default(), reserve: Reserve::Usual }
    }
}

impl CpuBudget {
    /// What may be used at all: what is available now plus what the tier holds itself, less the
    /// reserve. Adding the own charge back keeps the cache from counting against itself, so that
    /// applying the same settings twice changes nothing.
    pub fn usable_bytes(&self, sample: &MemorySample, own_charge_bytes: u64) -> u64 {
        (sample.available_bytes + own_charge_bytes).saturating_sub(self.reserve_of(sample))
    }

    /// The reserve in bytes.
    pub fn reserve_of(&self, sample: &MemorySample) -> u64 {
        match self.reserve {
            Reserve::Usual => DEFAULT_RESERVE_BYTES.min(sample.ceiling_bytes / 4),
            Reserve::Bytes(bytes) => bytes,
        }
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
        MemorySample { available_bytes, ceiling_bytes: 64 * GIB, ..MemorySample::default() }
    }

    #[test]
    fn the_usual_reserve_leaves_a_small_container_something() {
        let small = MemorySample { ceiling_bytes: 2 * GIB, ..sample(2 * GIB) };
        assert_eq!(CpuBudget::default().usable_bytes(&small, 0), 3 * GIB / 2);
        assert_eq!(CpuBudget::default().usable_bytes(&sample(16 * GIB), 0), 14 * GIB);
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
        let budget = CpuBudget { limit: MemLimit::Bytes(64 * GIB), reserve: Reserve::Bytes(2 * GIB) };
        assert_eq!(budget.limit_bytes(&sample(16 * GIB), 0), 14 * GIB);
        let tiny = CpuBudget { limit: MemLimit::Bytes(1000), reserve: Reserve::Bytes(0) };
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
