//! What a cache of a fixed number of frames decodes at best, and what plain LRU decodes, for the frames
//! that a playhead visits. Simulators without any code of the player but its step.

use std::collections::{HashMap, HashSet, VecDeque};

use rushes::time::Travel;

/// The frames that the playhead shows from its first on, pass by pass.
pub fn visits(travel: Travel, passes: usize) -> Vec<Vec<u32>> {
    let mut at = Travel { playing: true, ..travel };
    let mut visited = vec![vec![at.playhead]];
    while let Some((playhead, direction)) = at.step() {
        let goes_on = if direction == at.direction { is_onward(&at, playhead) } else { false };
        if !goes_on {
            if visited.len() == passes {
                break;
            }
            visited.push(Vec::new());
        }
        at = Travel { playhead, direction, ..at };
        visited.last_mut().expect("a pass").push(playhead);
    }
    visited
}

fn is_onward(travel: &Travel, next: u32) -> bool {
    match travel.direction {
        rushes::time::Direction::Forward => next > travel.playhead,
        rushes::time::Direction::Reverse => next < travel.playhead,
    }
}

/// Decodes of each pass when the frame that is needed farthest in the future leaves (Belady 1966,
/// «A study of replacement algorithms for a virtual-storage computer»): no policy decodes less.
pub fn optimum(passes: &[Vec<u32>], capacity: usize) -> Vec<usize> {
    let sequence: Vec<u32> = passes.iter().flatten().copied().collect();
    let mut next_visit = vec![usize::MAX; sequence.len()];
    let mut last: HashMap<u32, usize> = HashMap::new();
    for (at, frame) in sequence.iter().enumerate().rev() {
        next_visit[at] = last.insert(*frame, at).unwrap_or(usize::MAX);
    }
    let mut held: HashMap<u32, usize> = HashMap::new();
    count_by_pass(passes, |at, frame| {
        let is_miss = !held.contains_key(&frame);
        if is_miss && held.len() == capacity {
            let farthest = held.iter().max_by_key(|(frame, next)| (**next, **frame)).map(|(frame, _)| *frame);
            held.remove(&farthest.expect("a full cache holds a frame"));
        }
        held.insert(frame, next_visit[at]);
        is_miss
    })
}

/// Decodes of each pass when the least recently shown frame leaves.
pub fn lru(passes: &[Vec<u32>], capacity: usize) -> Vec<usize> {
    let (mut order, mut held) = (VecDeque::new(), HashSet::new());
    count_by_pass(passes, |_, frame| {
        let is_miss = held.insert(frame);
        if is_miss && held.len() > capacity {
            let oldest = order.pop_front().expect("a full cache has an oldest frame");
            held.remove(&oldest);
        }
        order.retain(|other| *other != frame);
        order.push_back(frame);
        is_miss
    })
}

fn count_by_pass(passes: &[Vec<u32>], mut is_miss: impl FnMut(usize, u32) -> bool) -> Vec<usize> {
    let mut at = 0;
    let mut count = |pass: &Vec<u32>| {
        pass.iter()
            .filter(|frame| {
                let missed = is_miss(at, **frame);
                at += 1;
                missed
            })
            .count()
    };
    passes.iter().map(&mut count).collect()
}
