//! Owns the state of every frame of the shown clip in both tiers, and the runs that the timeline
//! draws. Runs are rebuilt only when a change counter moved. The thread that ticks.

use std::sync::Arc;

use crate::stats::{FrameStatus, Run, TimelineStatus};

/// One byte a frame and lane.
#[derive(Debug, Default)]
pub struct Residency {
    cpu: Vec<FrameStatus>,
    gpu: Vec<FrameStatus>,
    revision: u64,
    published: TimelineStatus,
}

impl Residency {
    /// Starts over for a clip: `status` gives the CPU lane of each frame.
    pub fn reset(&mut self, frames: u32, status: impl Fn(u32) -> FrameStatus) {
        self.cpu = (0..frames).map(&status).collect();
        self.gpu = vec![FrameStatus::NotLoaded; frames as usize];
        self.revision += 1;
    }

    /// Frames of the shown clip.
    pub fn frames(&self) -> u32 {
        self.cpu.len() as u32
    }

    pub fn cpu(&self, index: u32) -> FrameStatus {
        self.cpu.get(index as usize).copied().unwrap_or_default()
    }

    pub fn set_cpu(&mut self, index: u32, status: FrameStatus) {
        Self::set(&mut self.cpu, &mut self.revision, index, status);
    }

    pub fn set_gpu(&mut self, index: u32, status: FrameStatus) {
        Self::set(&mut self.gpu, &mut self.revision, index, status);
    }

    fn set(lane: &mut [FrameStatus], revision: &mut u64, index: u32, status: FrameStatus) {
        if let Some(frame) = lane.get_mut(index as usize)
            && *frame != status
        {
            *frame = status;
            *revision += 1;
        }
    }

    /// The runs of both lanes; the same allocation as before when nothing changed.
    pub fn timeline(&mut self) -> TimelineStatus {
        if self.published.revision != self.revision {
            self.published = TimelineStatus {
                revision: self.revision,
                cpu: Arc::from(runs_of(&self.cpu)),
                gpu: Arc::from(runs_of(&self.gpu)),
            };
        }
        self.published.clone()
    }
}

/// Maximal stretches of equal status, in order, covering every frame.
pub fn runs_of(lane: &[FrameStatus]) -> Vec<Run> {
    let mut first = 0;
    lane.chunk_by(|a, b| a == b)
        .map(|stretch| {
            let run = Run { first, frames: stretch.len() as u32, status: stretch[0] };
            first += run.frames;
            run
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = FrameStatus> {
        prop_oneof![Just(FrameStatus::NotLoaded), Just(FrameStatus::Loading), Just(FrameStatus::Resident)]
    }

    proptest! {
        #[test]
        fn runs_expand_to_the_lane_and_are_maximal(lane in prop::collection::vec(status(), 0..60)) {
            let runs = runs_of(&lane);
            let expanded: Vec<FrameStatus> =
                runs.iter().flat_map(|run| vec![run.status; run.frames as usize]).collect();
            prop_assert_eq!(&expanded, &lane);
            prop_assert!(runs.windows(2).all(|pair| pair[0].status != pair[1].status));
            prop_assert!(runs.windows(2).all(|pair| pair[0].first + pair[0].frames == pair[1].first));
        }
    }

    #[test]
    fn the_same_runs_are_published_until_something_changes() {
        let mut residency = Residency::default();
        residency.reset(10, |_| FrameStatus::NotLoaded);
        let before = residency.timeline();
        residency.set_cpu(3, FrameStatus::NotLoaded);
        assert!(Arc::ptr_eq(&before.cpu, &residency.timeline().cpu));
        residency.set_cpu(3, FrameStatus::Resident);
        let after = residency.timeline();
        assert_eq!(after.cpu.len(), 3);
        assert_ne!(before.revision, after.revision);
    }
}
