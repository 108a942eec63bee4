//! Owns the one place that sums bytes: every charge is counted by tier, component and clip, and
//! gives its bytes back when it is dropped. Charges are made by the thread that ticks alone, so a
//! check against the limit holds until the charge is made; they may be dropped on any thread.

use std::collections::HashMap;

use super::account::{Account, Charge, Component, Refused, Tier, Total};
use crate::frame::ClipId;
use crate::sync::Arc;

/// Limits and live charges of both tiers.
#[derive(Debug, Default)]
pub struct Ledger {
    total: Total,
    clips: HashMap<ClipId, Arc<Account>>,
}

impl Ledger {
    pub fn set_limit(&mut self, tier: Tier, bytes: u64) {
        self.total.set_limit(tier, bytes);
    }

    pub fn limit(&self, tier: Tier) -> u64 {
        self.total.limit(tier)
    }

    /// Sum of the live charges of a tier.
    pub fn charged(&self, tier: Tier) -> u64 {
        self.total.charged(tier)
    }

    pub fn charged_component(&self, tier: Tier, component: Component) -> u64 {
        self.total.charged_component(tier, component)
    }

    /// Sum of a clip's live charges in a tier.
    pub fn charged_clip(&self, tier: Tier, clip: ClipId) -> u64 {
        self.clips.get(&clip).map_or(0, |account| account.tier(tier))
    }

    /// Sum of a clip's live charges of one component in a tier.
    pub fn charged_clip_component(&self, tier: Tier, component: Component, clip: ClipId) -> u64 {
        self.clips.get(&clip).map_or(0, |account| account.component(tier, component))
    }

    /// The most that was ever charged at once.
    pub fn peak(&self, tier: Tier) -> u64 {
        self.total.peak(tier)
    }

    /// Bytes that may still be charged.
    pub fn headroom(&self, tier: Tier) -> u64 {
        self.total.headroom(tier)
    }

    /// Bytes charged above the limit: the overdraft slot, or a limit that was just lowered.
    pub fn overdraft(&self, tier: Tier) -> u64 {
        self.charged(tier).saturating_sub(self.limit(tier))
    }

    /// Charges `bytes` inside the limit.
    ///
    /// # Errors
    /// [`Refused`] with the headroom when they do not fit; nothing is charged then.
    pub fn charge(
        &mut self,
        tier: Tier,
        component: Component,
        clip: Option<ClipId>,
        bytes: u64,
    ) -> Result<Charge, Refused> {
        self.total.check(tier, bytes)?;
        Ok(self.charge_over(tier, component, clip, bytes))
    }

    /// Charges `bytes` whether they fit or not: for the overdraft slot and for what exists already.
    pub fn charge_over(
        &mut self,
        tier: Tier,
        component: Component,
        clip: Option<ClipId>,
        bytes: u64,
    ) -> Charge {
        let clip = self.account_of(clip);
        self.total.charge_over(tier, component, clip, bytes)
    }

    /// Moves a charge to another component or clip; its bytes stay charged throughout.
    pub fn relabel(&mut self, charge: &mut Charge, component: Component, clip: Option<ClipId>) {
        let clip = self.account_of(clip);
        self.total.relabel(charge, component, clip);
    }

    /// Changes the size of a charge that mirrors what another room reports.
    pub fn resize(&mut self, charge: &mut Charge, bytes: u64) {
        self.total.resize(charge, bytes);
    }

    /// Forgets clips without charges.
    pub fn forget_idle_clips(&mut self) {
        self.clips.retain(|_, account| !Account::is_idle(account));
    }

    fn account_of(&mut self, clip: Option<ClipId>) -> Option<Arc<Account>> {
        clip.map(|clip| Arc::clone(self.clips.entry(clip).or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMPONENTS: usize = Component::ALL.len();

    #[derive(Debug, Clone)]
    enum Step {
        Charge { component: usize, clip: u32, bytes: u64 },
        Drop { at: usize },
        Relabel { at: usize, component: usize, clip: u32 },
        Limit { bytes: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..COMPONENTS, 0..3_u32, 0..400_u64).prop_map(|(component, clip, bytes)| Step::Charge {
                component,
                clip,
                bytes
            }),
            (0..32_usize).prop_map(|at| Step::Drop { at }),
            (0..32_usize, 0..COMPONENTS, 0..3_u32).prop_map(|(at, component, clip)| Step::Relabel {
                at,
                component,
                clip
            }),
            (0..1500_u64).prop_map(|bytes| Step::Limit { bytes }),
        ]
    }

    proptest! {
        #[test]
        fn sums_equal_a_naive_list_and_stay_inside_the_limit(steps in prop::collection::vec(step(), 1..80)) {
            let mut ledger = Ledger::default();
            ledger.set_limit(Tier::Cpu, 1000);
            let mut live: Vec<(Charge, usize, u32)> = Vec::new();
            for step in steps {
                match step {
                    Step::Charge { component, clip, bytes } => {
                        let before = ledger.charged(Tier::Cpu);
                        let label = Component::ALL[component];
                        match ledger.charge(Tier::Cpu, label, Some(ClipId(clip)), bytes) {
                            Ok(charge) => {
                                prop_assert!(bytes == 0 || ledger.charged(Tier::Cpu) <= ledger.limit(Tier::Cpu));
                                live.push((charge, component, clip));
                            }
                            Err(_) => prop_assert_eq!(before, ledger.charged(Tier::Cpu)),
                        }
                    }
                    Step::Drop { at } if !live.is_empty() => {
                        let at = at % live.len();
                        live.swap_remove(at);
                    }
                    Step::Relabel { at, component, clip } if !live.is_empty() => {
                        let at = at % live.len();
                        let entry = &mut live[at];
                        ledger.relabel(&mut entry.0, Component::ALL[component], Some(ClipId(clip)));
                        (entry.1, entry.2) = (component, clip);
                    }
                    Step::Limit { bytes } => ledger.set_limit(Tier::Cpu, bytes),
                    _ => {}
                }
                let sum = |keep: &dyn Fn(usize, u32) -> bool| -> u64 {
                    live.iter().filter(|(_, c, k)| keep(*c, *k)).map(|(charge, ..)| charge.bytes()).sum()
                };
                prop_assert_eq!(ledger.charged(Tier::Cpu), sum(&|_, _| true));
                for (number, component) in Component::ALL.into_iter().enumerate() {
                    prop_assert_eq!(ledger.charged_component(Tier::Cpu, component), sum(&|c, _| c == number));
                }
                for clip in 0..3 {
                    prop_assert_eq!(ledger.charged_clip(Tier::Cpu, ClipId(clip)), sum(&|_, k| k == clip));
                }
            }
            drop(live);
            prop_assert_eq!(ledger.charged(Tier::Cpu), 0);
        }
    }

    #[test]
    fn a_refusal_names_the_headroom_and_the_overdraft_shows_itself() {
        let mut ledger = Ledger::default();
        ledger.set_limit(Tier::Gpu, 10);
        let refused = ledger.charge(Tier::Gpu, Component::Frames, None, 11).unwrap_err();
        assert_eq!(refused, Refused { wanted_bytes: 11, headroom_bytes: 10 });
        let charge = ledger.charge_over(Tier::Gpu, Component::Frames, None, 11);
        assert_eq!(ledger.overdraft(Tier::Gpu), 1);
        drop(charge);
        assert_eq!((ledger.charged(Tier::Gpu), ledger.peak(Tier::Gpu)), (0, 11));
    }
}
