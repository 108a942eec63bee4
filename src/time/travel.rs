//! Owns the one question that both tiers, the preloader and the eviction ask: when is this frame
//! used next? A pure function of playhead, direction, loop mode, work area and whether it plays.
//! Any thread.

/// Which way the playhead moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    #[default]
    Forward,
    Reverse,
}

impl Direction {
    pub fn flipped(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }
}

/// What happens at the end of the work area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LoopMode {
    #[default]
    Loop,
    Once,
    PingPong,
}

impl LoopMode {
    /// The name that the command line takes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loop => "loop",
            Self::Once => "once",
            Self::PingPong => "pingpong",
        }
    }

    /// The next one in the order of the loop button.
    pub fn cycled(self) -> Self {
        match self {
            Self::Loop => Self::Once,
            Self::Once => Self::PingPong,
            Self::PingPong => Self::Loop,
        }
    }
}

/// The order in which frames around a resting playhead are loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PreloadStrategy {
    /// 0, +1, -1, +2, -2, …: each frame is decoded by itself.
    #[default]
    Spiral,
    /// Ahead first, then what lies behind: decoding goes forward, or there is no room for both sides.
    Forward,
}

/// The inclusive range of frame indices between the in and the out point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkArea {
    first: u32,
    last: u32,
}

impl WorkArea {
    /// The area between two indices, in whichever order they come.
    pub fn new(a: u32, b: u32) -> Self {
        Self { first: a.min(b), last: a.max(b) }
    }

    pub fn first(self) -> u32 {
        self.first
    }

    pub fn last(self) -> u32 {
        self.last
    }

    /// Number of frames, at least 1.
    pub fn frames(self) -> u64 {
        u64::from(self.last - self.first) + 1
    }

    pub fn contains(self, index: u32) -> bool {
        (self.first..=self.last).contains(&index)
    }

    pub fn clamp(self, index: u32) -> u32 {
        index.clamp(self.first, self.last)
    }
}

/// How many presentations from now a frame is used: 0 is the shown frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextUse(u64);

impl NextUse {
    pub const NOW: Self = Self(0);
    /// Outside the work area, or behind the playhead of a clip that plays once.
    pub const NEVER: Self = Self(u64::MAX);

    /// The distance in presentations; `None` for never.
    pub fn distance(self) -> Option<u64> {
        (self != Self::NEVER).then_some(self.0)
    }
}

/// Where the playhead is and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Travel {
    pub playhead: u32,
    pub direction: Direction,
    pub loop_mode: LoopMode,
    pub area: WorkArea,
    /// Playing ranks frames in play order; paused ranks them by the strategy.
    pub playing: bool,
    pub strategy: PreloadStrategy,
}

impl Travel {
    /// When `index` is used next.
    ///
    /// Playing: the number of steps until the playhead arrives. Paused: the place in the spiral
    /// 0, +1, -1, +2, -2, … which goes on one-sided where the work area ends, or what is ahead before
    /// what is behind. A playhead outside the work area (a seek past the out point) is itself due now
    /// and enters the area next.
    pub fn next_use(&self, index: u32) -> NextUse {
        if index == self.playhead {
            return NextUse::NOW;
        }
        if !self.area.contains(index) {
            return NextUse::NEVER;
        }
        if !self.area.contains(self.playhead) {
            return NextUse(1 + self.entry_distance(index));
        }
        match (self.playing, self.strategy) {
            (true, _) => self.play_distance(index),
            (false, PreloadStrategy::Spiral) => NextUse(self.spiral_distance(index)),
            (false, PreloadStrategy::Forward) => NextUse(self.forward_distance(index)),
        }
    }

    /// The frame with the given distance, the inverse of [`Self::next_use`]; `None` past the last.
    pub fn frame_at(&self, distance: u64) -> Option<u32> {
        if distance == 0 {
            return Some(self.playhead);
        }
        if !self.area.contains(self.playhead) {
            return self.entry_frame(distance - 1);
        }
        match (self.playing, self.strategy) {
            (true, _) => self.play_frame(distance),
            (false, PreloadStrategy::Spiral) => self.spiral_frame(distance),
            (false, PreloadStrategy::Forward) => self.forward_frame(distance),
        }
    }

    /// Whether a frame lies behind the playhead, seen in the direction of travel.
    pub fn is_behind(&self, index: u32) -> bool {
        self.ahead_of_playhead(index) < 0
    }

    /// Frames between the playhead and another one.
    pub fn steps_to(&self, index: u32) -> u64 {
        self.ahead_of_playhead(index).unsigned_abs()
    }

    /// The playhead and direction after one step of playback; `None` where playing once ends.
    pub fn step(&self) -> Option<(u32, Direction)> {
        if !self.area.contains(self.playhead) {
            return Some((self.entry(), self.direction));
        }
        let (ahead, behind) = self.sides();
        if ahead > 0 {
            return Some((self.moved(1), self.direction));
        }
        match self.loop_mode {
            LoopMode::Once => None,
            LoopMode::Loop => Some((self.entry(), self.direction)),
            LoopMode::PingPong if behind == 0 => Some((self.playhead, self.direction)),
            LoopMode::PingPong => {
                let turned = Self { direction: self.direction.flipped(), ..*self };
                Some((turned.moved(1), turned.direction))
            }
        }
    }

    /// Frames between the playhead and the end it travels to, and the frames behind it.
    fn sides(&self) -> (u64, u64) {
        let to_last = u64::from(self.area.last.saturating_sub(self.playhead));
        let to_first = u64::from(self.playhead.saturating_sub(self.area.first));
        match self.direction {
            Direction::Forward => (to_last, to_first),
            Direction::Reverse => (to_first, to_last),
        }
    }

    /// Signed distance in the direction of travel: positive is ahead.
    fn ahead_of_playhead(&self, index: u32) -> i64 {
        let delta = i64::from(index) - i64::from(self.playhead);
        match self.direction {
            Direction::Forward => delta,
            Direction::Reverse => -delta,
        }
    }

    fn moved(&self, steps: i64) -> u32 {
        let delta = match self.direction {
            Direction::Forward => steps,
            Direction::Reverse => -steps,
        };
        (i64::from(self.playhead) + delta) as u32
    }

    fn entry(&self) -> u32 {
        match self.direction {
            Direction::Forward => self.area.first,
            Direction::Reverse => self.area.last,
        }
    }

    fn entry_distance(&self, index: u32) -> u64 {
        u64::from(index.abs_diff(self.entry()))
    }

    fn entry_frame(&self, distance: u64) -> Option<u32> {
        if distance >= self.area.frames() {
            return None;
        }
        let distance = distance as u32;
        Some(match self.direction {
            Direction::Forward => self.area.first + distance,
            Direction::Reverse => self.area.last - distance,
        })
    }

    fn play_distance(&self, index: u32) -> NextUse {
        let delta = self.ahead_of_playhead(index);
        if delta > 0 {
            return NextUse(delta as u64);
        }
        let behind = delta.unsigned_abs();
        let (ahead, _) = self.sides();
        match self.loop_mode {
            LoopMode::Loop => NextUse(self.area.frames() - behind),
            LoopMode::PingPong => NextUse(2 * ahead + behind),
            LoopMode::Once => NextUse::NEVER,
        }
    }

    fn play_frame(&self, distance: u64) -> Option<u32> {
        let (ahead, behind) = self.sides();
        if distance <= ahead {
            return Some(self.moved(distance as i64));
        }
        match self.loop_mode {
            LoopMode::Loop if distance < self.area.frames() => {
                Some(self.moved(distance as i64 - self.area.frames() as i64))
            }
            LoopMode::PingPong if (2 * ahead + 1..=2 * ahead + behind).contains(&distance) => {
                Some(self.moved(-((distance - 2 * ahead) as i64)))
            }
            // On the way back of a ping-pong: the same frame again, named by its first use.
            LoopMode::PingPong if distance <= 2 * ahead => Some(self.moved((2 * ahead - distance) as i64)),
            _ => None,
        }
    }

    fn forward_distance(&self, index: u32) -> u64 {
        let delta = self.ahead_of_playhead(index);
        let (ahead, _) = self.sides();
        if delta > 0 { delta.unsigned_abs() } else { ahead + delta.unsigned_abs() }
    }

    fn forward_frame(&self, distance: u64) -> Option<u32> {
        let (ahead, behind) = self.sides();
        match distance {
            d if d <= ahead => Some(self.moved(d as i64)),
            d if d <= ahead + behind => Some(self.moved(-((d - ahead) as i64))),
            _ => None,
        }
    }

    fn spiral_distance(&self, index: u32) -> u64 {
        let (ahead, behind) = self.sides();
        let delta = self.ahead_of_playhead(index);
        let steps = delta.unsigned_abs();
        match delta > 0 {
            true if steps <= behind => 2 * steps - 1,
            true => behind + steps,
            false if steps <= ahead => 2 * steps,
            false => ahead + steps,
        }
    }

    fn spiral_frame(&self, distance: u64) -> Option<u32> {
        let (ahead, behind) = self.sides();
        if distance > ahead + behind {
            return None;
        }
        let both_sides = 2 * ahead.min(behind);
        let steps = match distance {
            d if d > both_sides => {
                let steps = (d - ahead.min(behind)) as i64;
                if ahead > behind { steps } else { -steps }
            }
            d if d % 2 == 1 => d.div_ceil(2) as i64,
            d => -((d / 2) as i64),
        };
        Some(self.moved(steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn travel() -> impl Strategy<Value = Travel> {
        (0..30_u32, 0..30_u32, 0..34_u32, any::<bool>(), 0..3_u8, any::<bool>(), any::<bool>()).prop_map(
            |(a, b, playhead, forward, mode, playing, spiral)| Travel {
                playhead,
                direction: if forward { Direction::Forward } else { Direction::Reverse },
                loop_mode: [LoopMode::Loop, LoopMode::Once, LoopMode::PingPong][mode as usize],
                area: WorkArea::new(a, b),
                playing,
                strategy: if spiral { PreloadStrategy::Spiral } else { PreloadStrategy::Forward },
            },
        )
    }

    /// The naive twin: walk the playhead step by step and note when each frame comes first.
    fn walked(travel: &Travel) -> Vec<Option<u64>> {
        let mut first_use = vec![None; 40];
        let mut at = *travel;
        for distance in 0..200_u64 {
            first_use[at.playhead as usize].get_or_insert(distance);
            match at.step() {
                Some((playhead, direction)) => at = Travel { playhead, direction, ..at },
                None => break,
            }
        }
        first_use
    }

    proptest! {
        #[test]
        fn next_use_while_playing_equals_a_walk(travel in travel()) {
            let travel = Travel { playing: true, ..travel };
            for (index, walked) in walked(&travel).into_iter().enumerate() {
                prop_assert_eq!(travel.next_use(index as u32).distance(), walked, "frame {}", index);
            }
        }

        #[test]
        fn frame_at_inverts_next_use(travel in travel()) {
            for index in 0..40 {
                if let Some(distance) = travel.next_use(index).distance() {
                    prop_assert_eq!(travel.frame_at(distance), Some(index));
                }
            }
        }

        #[test]
        fn a_resting_playhead_ranks_every_frame_once(travel in travel()) {
            let travel = Travel { playing: false, ..travel };
            let mut ranks: Vec<u64> =
                (0..40).filter_map(|index| travel.next_use(index).distance()).collect();
            ranks.sort_unstable();
            prop_assert_eq!(&ranks, &(0..ranks.len() as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn strategies_go_ahead_first() {
        let travel = Travel {
            playhead: 2,
            direction: Direction::Forward,
            loop_mode: LoopMode::Loop,
            area: WorkArea::new(0, 6),
            playing: false,
            strategy: PreloadStrategy::Spiral,
        };
        let order = |travel: &Travel| (0..8).filter_map(|d| travel.frame_at(d)).collect::<Vec<u32>>();
        assert_eq!(order(&travel), [2, 3, 1, 4, 0, 5, 6]);
        let forward = Travel { strategy: PreloadStrategy::Forward, ..travel };
        assert_eq!(order(&forward), [2, 3, 4, 5, 6, 1, 0]);
        let reverse = Travel { direction: Direction::Reverse, ..forward };
        assert_eq!(order(&reverse), [2, 1, 0, 3, 4, 5, 6]);
    }
}
