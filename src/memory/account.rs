//! Owns the counters of charged bytes and the charges that count in them. Knows nothing of clips but that an
//! account may be one's. Charges are made, moved and resized by the owner of the [`Total`] alone, the thread that
//! ticks, so a check against the limit holds until the charge is made; they may be dropped on any thread.
//! `tests/loom` runs this file through the orders that threads can take.

use crate::sync::{Arc, AtomicU64, Ordering};

/// Which budget a charge counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    Cpu,
    Gpu,
}

impl Tier {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
        }
    }
}

/// What the bytes are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// Decoded frames in a tier.
    Frames,
    /// Buffers of requests that are out.
    InFlight,
    /// Buffers and textures kept for reuse.
    PoolSlack,
    /// Mapped buffers on their way into textures.
    Staging,
    /// What decode threads keep between frames.
    Scratch,
    /// What open movies keep for all of them: frames passed on the way, indexes, about what decoders hold.
    Movies,
    /// What pictures are drawn into.
    Targets,
    /// Decoded sound.
    Sound,
    /// The books of clips: names of files, state of frames.
    Metadata,
}

impl Component {
    pub const ALL: [Self; 9] = [
        Self::Frames,
        Self::InFlight,
        Self::PoolSlack,
        Self::Staging,
        Self::Scratch,
        Self::Movies,
        Self::Targets,
        Self::Sound,
        Self::Metadata,
    ];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::InFlight => "in_flight",
            Self::PoolSlack => "pool_slack",
            Self::Staging => "staging",
            Self::Scratch => "scratch",
            Self::Movies => "movies",
            Self::Targets => "targets",
            Self::Sound => "sound",
            Self::Metadata => "metadata",
        }
    }
}

const TIERS: usize = 2;
const COMPONENTS: usize = Component::ALL.len();

/// Bytes by tier and component.
#[derive(Debug, Default)]
pub struct Account {
    bytes: [[AtomicU64; COMPONENTS]; TIERS],
}

impl Account {
    fn add(&self, tier: Tier, component: Component, bytes: u64) {
        self.bytes[tier as usize][component as usize].fetch_add(bytes, Ordering::AcqRel);
    }

    /// Whoever reads the smaller sum also sees what this thread did before, such as giving the memory back.
    fn subtract(&self, tier: Tier, component: Component, bytes: u64) {
        self.bytes[tier as usize][component as usize].fetch_sub(bytes, Ordering::AcqRel);
    }

    pub fn component(&self, tier: Tier, component: Component) -> u64 {
        self.bytes[tier as usize][component as usize].load(Ordering::Acquire)
    }

    /// Sum over the components, read one after the other: exact for the owner but for charges that other
    /// threads drop meanwhile, some of which may still be in it.
    pub fn tier(&self, tier: Tier) -> u64 {
        Component::ALL.into_iter().map(|component| self.component(tier, component)).sum()
    }

    /// Whether no charge counts here, so that the owner may forget the account. It alone makes charges, and a
    /// charge holds its account until it has left it.
    pub fn is_idle(account: &Arc<Self>) -> bool {
        Arc::strong_count(account) == 1
    }
}

/// A charge that did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    pub wanted_bytes: u64,
    pub headroom_bytes: u64,
}

/// Bytes taken from a budget for as long as this lives.
#[derive(Debug)]
pub struct Charge {
    total: Arc<Account>,
    clip: Option<Arc<Account>>,
    tier: Tier,
    component: Component,
    bytes: u64,
}

impl Charge {
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        std::iter::once(&self.total).chain(&self.clip)
    }

    fn enter(&self) {
        self.accounts().for_each(|account| account.add(self.tier, self.component, self.bytes));
    }

    fn leave(&self) {
        self.accounts().for_each(|account| account.subtract(self.tier, self.component, self.bytes));
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The account of everything, with the limits and peaks of both tiers. What makes or changes charges takes
/// `&mut self`: the owner alone does it.
#[derive(Debug, Default)]
pub struct Total {
    account: Arc<Account>,
    limits: [u64; TIERS],
    peaks: [u64; TIERS],
}

impl Total {
    pub fn set_limit(&mut self, tier: Tier, bytes: u64) {
        self.limits[tier as usize] = bytes;
    }

    pub fn limit(&self, tier: Tier) -> u64 {
        self.limits[tier as usize]
    }

    /// Sum of the live charges of a tier.
    pub fn charged(&self, tier: Tier) -> u64 {
        self.account.tier(tier)
    }

    pub fn charged_component(&self, tier: Tier, component: Component) -> u64 {
        self.account.component(tier, component)
    }

    /// The most that was ever charged at once.
    pub fn peak(&self, tier: Tier) -> u64 {
        self.peaks[tier as usize]
    }

    /// Bytes that may still be charged.
    pub fn headroom(&self, tier: Tier) -> u64 {
        self.limit(tier).saturating_sub(self.charged(tier))
    }

    /// Makes sure that `bytes` may be charged inside the limit. Charges of others only go, so this holds until
    /// the owner charges.
    ///
    /// # Errors
    /// [`Refused`] with the headroom when they do not fit.
    pub fn check(&self, tier: Tier, bytes: u64) -> Result<(), Refused> {
        let headroom_bytes = self.headroom(tier);
        if bytes > headroom_bytes {
            return Err(Refused { wanted_bytes: bytes, headroom_bytes });
        }
        Ok(())
    }

    /// Charges `bytes` whether they fit or not, in `clip` as well.
    pub fn charge_over(
        &mut self,
        tier: Tier,
        component: Component,
        clip: Option<Arc<Account>>,
        bytes: u64,
    ) -> Charge {
        let charge = Charge { total: Arc::clone(&self.account), clip, tier, component, bytes };
        charge.enter();
        self.note_peak(tier);
        charge
    }

    /// Moves a charge to another component or clip.
    pub fn relabel(&mut self, charge: &mut Charge, component: Component, clip: Option<Arc<Account>>) {
        charge.leave();
        charge.component = component;
        charge.clip = clip;
        charge.enter();
    }

    /// Changes the size of a charge.
    pub fn resize(&mut self, charge: &mut Charge, bytes: u64) {
        charge.leave();
        charge.bytes = bytes;
        charge.enter();
        self.note_peak(charge.tier);
    }

    fn note_peak(&mut self, tier: Tier) {
        let peak = &mut self.peaks[tier as usize];
        *peak = (*peak).max(self.account.tier(tier));
    }
}
