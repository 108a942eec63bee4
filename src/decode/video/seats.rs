//! The sessions of one movie, as places: who has which, and which one a request goes to. A pure decision over plain
//! values; the movie has the lock.

use super::index::Index;
use super::session::Session;

/// A frame this little after the one that a session is decoding is worth waiting for.
const WAIT_AHEAD_FRAMES: u32 = 16;

/// A place for a session.
pub struct Seat {
    /// Not there while a thread decodes with it.
    pub session: Option<Session>,
    /// First and last frame of what is being decoded.
    pub busy: Option<(u32, u32)>,
    pub held_bytes: usize,
    /// Close it when it comes back.
    pub is_unwanted: bool,
}

impl Seat {
    /// What it would cost to decode `frame` here.
    pub fn offer(&self, frame: u32, index: &Index) -> Offer {
        match self.busy {
            Some((first, last)) => Offer::Busy(first, last),
            None => {
                self.session.as_ref().map_or(Offer::Empty, |session| Offer::Free(session.cost(frame, index)))
            }
        }
    }
}

/// What a seat has to say to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Somebody decodes these frames, from the first to the last.
    Busy(u32, u32),
    /// A session that would decode about so many packets; none when the frame lies ready.
    Free(u32),
    /// A session can be opened here.
    Empty,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Seat(usize),
    New,
    Wait,
}

/// A session that has the frame ready; else none while one is about to pass it; else the free one that is nearest; else
/// a new one while there may be more.
pub fn choose(offers: &[Offer], frame: u32, limit: usize) -> Place {
    let cost = |(at, offer): (usize, &Offer)| match offer {
        Offer::Free(cost) => Some((*cost, at)),
        Offer::Busy(..) | Offer::Empty => None,
    };
    let best = offers.iter().enumerate().filter_map(cost).min();
    if let Some((0, at)) = best {
        return Place::Seat(at);
    }
    let passes = |offer: &Offer| match offer {
        Offer::Busy(first, last) => (*first..=last.saturating_add(WAIT_AHEAD_FRAMES)).contains(&frame),
        Offer::Free(_) | Offer::Empty => false,
    };
    if offers.iter().any(passes) {
        return Place::Wait;
    }
    let empty = offers.iter().position(|offer| *offer == Offer::Empty);
    match best.map(|(_, at)| at).or(empty) {
        Some(at) => Place::Seat(at),
        None if offers.len() < limit.max(1) => Place::New,
        None => Place::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_where_it_costs_least() {
        use Offer::{Busy, Empty, Free};
        assert_eq!(choose(&[], 5, 2), Place::New);
        assert_eq!(choose(&[Free(9), Free(3)], 5, 2), Place::Seat(1));
        assert_eq!(choose(&[Free(9), Empty], 5, 2), Place::Seat(0));
        assert_eq!(choose(&[Busy(0, 4), Empty], 200, 2), Place::Seat(1));
        assert_eq!(choose(&[Busy(0, 4)], 200, 2), Place::New);
        assert_eq!(choose(&[Busy(0, 4)], 200, 1), Place::Wait);
    }

    #[test]
    fn what_another_is_about_to_pass_is_waited_for_unless_it_lies_ready() {
        use Offer::{Busy, Free};
        for frame in [3, 9, 10, 26] {
            assert_eq!(choose(&[Busy(3, 10), Free(4)], frame, 2), Place::Wait, "{frame}");
            assert_eq!(choose(&[Busy(3, 10), Free(0)], frame, 2), Place::Seat(1), "{frame}");
        }
        assert_eq!(choose(&[Busy(3, 10), Free(4)], 27, 2), Place::Seat(1));
        assert_eq!(choose(&[Busy(3, 10), Free(4)], 2, 2), Place::Seat(1));
    }
}
