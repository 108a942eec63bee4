//! Owns how a limit is divided among clips: guarantees first, the rest by weight, hard caps above
//! all. Pure arithmetic; any thread.

/// The clip that is worked with.
pub const FOREGROUND_WEIGHT: u32 = 8;
/// The clip it is compared with.
pub const COMPARE_WEIGHT: u32 = 4;
/// Clips that are seen beside.
pub const VISIBLE_WEIGHT: u32 = 2;
pub const BACKGROUND_WEIGHT: u32 = 1;

/// What one clip asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub weight: u32,
    /// Its guarantee as it wants it: up to three frames, the shown one being a third.
    pub guarantee_bytes: u64,
    /// What it may have at most, guarantee included.
    pub cap_bytes: Option<u64>,
}

/// What one clip gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Kept for it as long as it has frames to put there.
    pub guarantee_bytes: u64,
    /// What it may take when all want theirs, guarantee included.
    pub quota_bytes: u64,
}

/// Divides a limit. Guarantees take at most half of it: first every clip's shown frame in the order
/// of the clips, then the other two thirds in the same order, until the half is used up. The rest of
/// the limit is shared by weight; what a cap cuts off goes to the others. The quotas together are
/// never above the limit; less than a byte per clip may be left over.
pub fn quotas(limit_bytes: u64, shares: &[Share]) -> Vec<Quota> {
    let guarantees = guarantees(limit_bytes / 2, shares);
    let left_bytes = limit_bytes - guarantees.iter().sum::<u64>();
    let extras = by_weight(left_bytes, shares, &guarantees);
    let pairs = guarantees.into_iter().zip(extras);
    pairs
        .map(|(guarantee_bytes, extra)| Quota { guarantee_bytes, quota_bytes: guarantee_bytes + extra })
        .collect()
}

fn guarantees(pool_bytes: u64, shares: &[Share]) -> Vec<u64> {
    let wanted = |share: &Share| share.guarantee_bytes.min(share.cap_bytes.unwrap_or(u64::MAX));
    let mut left_bytes = pool_bytes;
    let mut take = |bytes: u64| {
        let taken = bytes.min(left_bytes);
        left_bytes -= taken;
        taken
    };
    let shown = |share: &Share| share.guarantee_bytes.div_ceil(3).min(wanted(share));
    let mut given: Vec<u64> = shares.iter().map(|share| take(shown(share))).collect();
    for (share, given) in shares.iter().zip(&mut given) {
        *given += take(wanted(share) - shown(share));
    }
    given
}

/// What every clip gets on top of its guarantee. Each round shares what is left among the clips that
/// are open; those whose cap is below their part get their cap and are closed, until none is.
fn by_weight(left_bytes: u64, shares: &[Share], guarantees: &[u64]) -> Vec<u64> {
    let room = |at: usize| shares[at].cap_bytes.map_or(u64::MAX, |cap| cap - guarantees[at]);
    let mut extras = vec![0; shares.len()];
    let mut open: Vec<usize> = (0..shares.len()).collect();
    let mut left_bytes = left_bytes;
    loop {
        let weights: u128 = open.iter().map(|at| u128::from(shares[*at].weight)).sum();
        let part = |at: usize| proportion(left_bytes, shares[at].weight, weights);
        let (capped, others): (Vec<usize>, Vec<usize>) = open.iter().partition(|at| room(**at) < part(**at));
        if capped.is_empty() {
            open.iter().for_each(|at| extras[*at] = part(*at));
            return extras;
        }
        for at in capped {
            extras[at] = room(at);
            left_bytes -= extras[at];
        }
        open = others;
    }
}

fn proportion(bytes: u64, weight: u32, weights: u128) -> u64 {
    let part = (u128::from(bytes) * u128::from(weight)).checked_div(weights).unwrap_or(0);
    u64::try_from(part).expect("a part is not above the whole")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(weight: u32, guarantee_bytes: u64, cap_bytes: Option<u64>) -> Share {
        Share { weight, guarantee_bytes, cap_bytes }
    }

    fn figures(limit_bytes: u64, shares: &[Share]) -> Vec<(u64, u64)> {
        quotas(limit_bytes, shares).iter().map(|quota| (quota.guarantee_bytes, quota.quota_bytes)).collect()
    }

    #[test]
    fn one_clip_gets_everything() {
        assert_eq!(figures(1000, &[share(FOREGROUND_WEIGHT, 90, None)]), [(90, 1000)]);
        assert_eq!(figures(1000, &[]), []);
        assert_eq!(figures(0, &[share(1, 90, None)]), [(0, 0)]);
    }

    #[test]
    fn the_rest_is_shared_by_weight() {
        let shares = [
            share(FOREGROUND_WEIGHT, 30, None),
            share(COMPARE_WEIGHT, 30, None),
            share(VISIBLE_WEIGHT, 0, None),
            share(BACKGROUND_WEIGHT, 40, None),
        ];
        assert_eq!(figures(1600, &shares), [(30, 830), (30, 430), (0, 200), (40, 140)]);
    }

    #[test]
    fn every_shown_frame_comes_before_any_second_one() {
        let shares = [share(1, 300, None), share(1, 300, None), share(1, 300, None)];
        let guarantees = |limit| figures(limit, &shares).iter().map(|pair| pair.0).collect::<Vec<_>>();
        assert_eq!(guarantees(2000), [300, 300, 300]);
        assert_eq!(guarantees(1000), [300, 100, 100]);
        assert_eq!(guarantees(400), [100, 100, 0]);
    }

    #[test]
    fn what_a_cap_cuts_off_goes_to_the_others() {
        let shares = [share(8, 0, Some(100)), share(1, 0, None), share(1, 0, Some(250))];
        assert_eq!(figures(1000, &shares), [(0, 100), (0, 650), (0, 250)]);
        assert_eq!(figures(1000, &[share(1, 600, Some(200))]), [(200, 200)]);
        assert_eq!(figures(1000, &[share(0, 90, None)]), [(90, 90)]);
    }

    fn any_share() -> impl Strategy<Value = Share> {
        let cap_bytes = prop::option::of(prop_oneof![0..2000_u64, any::<u64>()]);
        let guarantee_bytes = prop_oneof![0..500_u64, any::<u64>()];
        let weight = prop_oneof![0..10_u32, any::<u32>()];
        (weight, guarantee_bytes, cap_bytes).prop_map(|(weight, bytes, cap)| share(weight, bytes, cap))
    }

    proptest! {
        #[test]
        fn quotas_keep_within_the_limit_and_every_cap(
            limit in prop_oneof![0..5000_u64, any::<u64>()],
            shares in prop::collection::vec(any_share(), 0..12),
        ) {
            let quotas = quotas(limit, &shares);
            prop_assert_eq!(quotas.len(), shares.len());
            let sum = |of: &dyn Fn(&Quota) -> u64| quotas.iter().map(|quota| u128::from(of(quota))).sum::<u128>();
            prop_assert!(sum(&|quota| quota.quota_bytes) <= u128::from(limit));
            prop_assert!(sum(&|quota| quota.guarantee_bytes) <= u128::from(limit / 2));
            for (quota, share) in quotas.iter().zip(&shares) {
                prop_assert!(quota.guarantee_bytes <= share.guarantee_bytes.min(quota.quota_bytes));
                prop_assert!(share.cap_bytes.is_none_or(|cap| quota.quota_bytes <= cap));
            }
        }

        #[test]
        fn nothing_is_left_over_while_somebody_may_take_it(
            limit in any::<u64>(),
            mut shares in prop::collection::vec(any_share(), 1..12),
        ) {
            shares[0] = share(1, shares[0].guarantee_bytes, None);
            let sum: u64 = quotas(limit, &shares).iter().map(|quota| quota.quota_bytes).sum();
            prop_assert!(limit - sum < shares.len() as u64);
        }

        #[test]
        fn a_heavier_clip_never_gets_less(limit in any::<u64>(), weights in prop::collection::vec(1..100_u32, 2..8)) {
            let shares: Vec<Share> = weights.iter().map(|weight| share(*weight, 0, None)).collect();
            let mut by_weight: Vec<_> = weights.iter().zip(quotas(limit, &shares)).collect();
            by_weight.sort_by_key(|(weight, _)| **weight);
            prop_assert!(by_weight.is_sorted_by_key(|(_, quota)| quota.quota_bytes));
        }
    }
}
