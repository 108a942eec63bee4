//! One movie, shared by the threads that decode: owns its file, its index and its sessions. Hands each request to the
//! session for which it costs least; a frame that another thread is about to pass is waited for. Never decides which
//! frame comes next and keeps no frame but those of its sessions.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::builder::{IndexBuilder, Progress, read, write};
use super::fence::Frame;
use super::index::Index;
use super::info::VideoInfo;
use super::opening::{Limits, Opening};
use super::picture::{Painter, Picture, Written};
use super::seats::{Offer, Place, Seat, choose};
use super::session::{Session, Stop};
use crate::decode::{DecodeError, Length};
use crate::epoch::EpochWatch;
use crate::frame::FrameMemory;
use crate::time::FrameTimes;

/// Work on the index between two looks of a request that waits for it.
const INDEX_BUDGET: Duration = Duration::from_millis(50);
/// For so long after it was asked to keep little a movie does so.
const TIGHT_FOR: Duration = Duration::from_secs(5);
/// How often a thread that waits for a session looks at its watch.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How one request ended.
#[derive(Debug, Clone)]
pub enum MovieEnd {
    Done(Picture),
    Failed(DecodeError),
    /// The watch went stale before or during the work.
    Skipped,
    /// The memory is smaller than the frame.
    Refused {
        needed_bytes: usize,
    },
}

impl From<Stop> for MovieEnd {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Skipped => Self::Skipped,
            Stop::Failed(error) => Self::Failed(error),
        }
    }
}

/// An open movie.
pub struct Movie {
    info: VideoInfo,
    opening: Arc<Opening>,
    index: RwLock<Index>,
    builder: Mutex<Option<IndexBuilder>>,
    seats: Mutex<Vec<Seat>>,
    freed: Condvar,
    painter: Painter,
    /// Somebody reads the rest of the index, or nobody needs to.
    is_indexed: AtomicBool,
    /// Until when it keeps little, because memory is short.
    tight_until: Mutex<Option<Instant>>,
}

impl Movie {
    /// Opens a movie: its streams, its first frame, and as much of its index as the limits allow. The rest is made by
    /// [`Movie::index_more`], or when a frame needs it.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no movie, is damaged, declares more than the limits, nothing in it can be decoded, or
    /// `watch` went stale.
    pub fn open(path: &Path, limits: Limits, watch: &EpochWatch) -> Result<Self, DecodeError> {
        Self::of(Opening::of(path, limits)?, watch)
    }

    pub(super) fn of(opening: Opening, watch: &EpochWatch) -> Result<Self, DecodeError> {
        let opening = Arc::new(opening);
        let mut session = Session::open(Arc::clone(&opening), watch)?;
        let index = RwLock::new(Index::new(session.input().facts().reorders));
        let mut builder = Some(IndexBuilder::new(&opening, watch)?);
        work_on(&mut builder, &opening, &index, opening.limits.opening_budget, watch).map_err(error_of)?;
        let (packet, frame) = session
            .first(&index, watch)
            .map_err(error_of)?
            .ok_or_else(|| DecodeError::damaged("no picture in it can be decoded"))?;
        write(&index).begin_at(packet);
        let info = info_of(&session, &frame, &read(&index))?;
        if let Some(first) = read(&index).frame_of(packet) {
            session.give_back(first, frame);
        }
        let held_bytes = session.held_bytes();
        let seat = Seat { session: Some(session), busy: None, held_bytes, is_unwanted: false };
        Ok(Self {
            is_indexed: AtomicBool::new(builder.is_none()),
            painter: Painter::new(info.orientation),
            info,
            opening,
            index,
            builder: Mutex::new(builder),
            seats: Mutex::new(vec![seat]),
            freed: Condvar::new(),
            tight_until: Mutex::new(None),
        })
    }

    /// What was known when it was opened.
    pub fn info(&self) -> &VideoInfo {
        &self.info
    }

    pub fn length(&self) -> Length {
        let index = read(&self.index);
        let known = index.frames();
        match index.is_complete() {
            true => Length { frames: known, is_estimated: false },
            false => Length { frames: known.max(self.info.estimated_frames()), is_estimated: true },
        }
    }

    /// The times of its frames; `None` until its index is complete.
    pub fn times(&self) -> Option<FrameTimes> {
        let index = read(&self.index);
        index.is_complete().then(|| self.info.times(&index))
    }

    #[cfg(test)]
    /// Whether the frame begins a group by itself, so that seeking to it costs no other.
    pub fn is_key(&self, frame: u32) -> bool {
        let index = read(&self.index);
        index.packet_of(frame).is_some_and(|packet| index.entry(packet).is_some_and(|entry| entry.is_key))
    }

    /// Whether the caller, and nobody else, is to read the rest of the index.
    pub fn claims_indexing(&self) -> bool {
        !self.is_indexed.swap(true, Ordering::AcqRel)
    }

    /// Works on the index for about `budget`; whether it is complete.
    ///
    /// # Errors
    /// [`Stop`] when the watch went stale or the disk failed; it may be called again.
    pub fn index_more(&self, budget: Duration, watch: &EpochWatch) -> Result<bool, Stop> {
        let mut builder = lock(&self.builder);
        work_on(&mut builder, &self.opening, &self.index, budget, watch)?;
        Ok(builder.is_none())
    }

    /// Decodes frame `frame` (from 0, in the order of showing) into `memory`, with whatever session is nearest.
    pub fn decode(&self, frame: u32, watch: &EpochWatch, memory: &mut FrameMemory) -> MovieEnd {
        match self.decoded(frame, watch) {
            Err(stop) => stop.into(),
            // The session serves others while rows are copied.
            Ok(found) => match self.painter.write(&found, memory) {
                Ok(Written::Done(picture)) => MovieEnd::Done(picture),
                Ok(Written::Refused { needed_bytes }) => {
                    self.give_back(frame, found);
                    MovieEnd::Refused { needed_bytes }
                }
                Err(error) => MovieEnd::Failed(error),
            },
        }
    }

    fn decoded(&self, frame: u32, watch: &EpochWatch) -> Result<Frame, Stop> {
        self.index_until(frame, watch)?;
        let (seat, session) = self.take_session(frame, watch)?;
        let mut taken = Taken { movie: self, seat, session };
        let session = match &mut taken.session {
            Some(session) => session,
            empty => empty.insert(Session::open(Arc::clone(&self.opening), watch)?),
        };
        let is_tight = lock(&self.tight_until).is_some_and(|until| Instant::now() < until);
        session.set_tight(is_tight, &read(&self.index))?;
        session.decode(frame, &self.index, watch)
    }

    fn index_until(&self, frame: u32, watch: &EpochWatch) -> Result<(), Stop> {
        loop {
            let (frames, is_complete) = {
                let index = read(&self.index);
                (index.frames(), index.is_complete())
            };
            if frame < frames {
                return Ok(());
            }
            if is_complete {
                let reason = format!("it has {frames} frames; frame {frame} is asked for");
                return Err(Stop::Failed(DecodeError::Damaged { reason }));
            }
            self.index_more(INDEX_BUDGET, watch)?;
        }
    }

    /// Waits for the right session and takes it, or the seat for a new one.
    fn take_session(&self, frame: u32, watch: &EpochWatch) -> Result<(usize, Option<Session>), Stop> {
        let mut seats = lock(&self.seats);
        loop {
            if watch.is_stale() {
                return Err(Stop::Skipped);
            }
            if self.opening.is_closed() {
                return Err(Stop::Failed(DecodeError::Io { reason: "the movie was closed".into() }));
            }
            let index = read(&self.index);
            let offers: Vec<Offer> = seats.iter().map(|seat| seat.offer(frame, &index)).collect();
            let place = choose(&offers, frame, self.opening.limits.sessions);
            let start = index.frame_of(index.start_of(frame, 0)).unwrap_or(frame).min(frame);
            let first = |session: &Session| session.passes_from(frame, &index).unwrap_or(start);
            match place {
                Place::Seat(at) => {
                    let first = seats[at].session.as_ref().map_or(start, first);
                    seats[at].busy = Some((first, frame));
                    return Ok((at, seats[at].session.take()));
                }
                Place::New => {
                    seats.push(Seat {
                        session: None,
                        busy: Some((start, frame)),
                        held_bytes: 0,
                        is_unwanted: false,
                    });
                    return Ok((seats.len() - 1, None));
                }
                Place::Wait => {
                    drop(index);
                    let waited = self.freed.wait_timeout(seats, LOOK_EVERY);
                    seats = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    fn put_back(&self, at: usize, session: Option<Session>) {
        let mut closing = None;
        {
            let mut seats = lock(&self.seats);
            let seat = &mut seats[at];
            seat.busy = None;
            seat.held_bytes = session.as_ref().map_or(0, Session::held_bytes);
            if std::mem::take(&mut seat.is_unwanted) {
                seat.held_bytes = 0;
                closing = session;
            } else {
                seat.session = session;
            }
        }
        self.freed.notify_all();
        drop(closing);
    }

    /// A frame that found no room stays with a session that is free, so that it need not be decoded again.
    fn give_back(&self, index: u32, frame: Frame) {
        if let Some(session) = lock(&self.seats).iter_mut().find_map(|seat| seat.session.as_mut()) {
            session.give_back(index, frame);
        }
    }

    /// Bytes that it keeps between requests: frames passed on the way, the index, about what decoders hold.
    pub fn held_bytes(&self) -> usize {
        let seats = lock(&self.seats);
        seats.iter().map(|seat| seat.held_bytes).sum::<usize>() + read(&self.index).bytes()
    }

    /// Memory is short: for some seconds its sessions keep no more than they need to go on, those at work from their
    /// next frame on.
    pub fn shrink(&self) {
        *lock(&self.tight_until) = Some(Instant::now() + TIGHT_FOR);
        let seats = lock(&self.seats).len();
        for mut taken in (0..seats).filter_map(|at| self.take_free(at)) {
            let session = taken.session.as_mut();
            if session.is_some_and(|session| session.set_tight(true, &read(&self.index)).is_err()) {
                taken.session = None;
            }
        }
    }

    /// The session of a seat that nobody decodes with. Whoever asks for a frame meanwhile waits for it.
    fn take_free(&self, at: usize) -> Option<Taken<'_>> {
        let mut seats = lock(&self.seats);
        let seat = seats.get_mut(at).filter(|seat| seat.busy.is_none())?;
        let session = Some(seat.session.take()?);
        seat.busy = Some((0, u32::MAX));
        Some(Taken { movie: self, seat: at, session })
    }

    /// Closes its sessions, those at work when they are done. The next request opens one anew.
    pub fn release(&self) {
        let mut closing = Vec::new();
        for seat in lock(&self.seats).iter_mut() {
            closing.extend(seat.session.take());
            seat.is_unwanted = seat.busy.is_some();
            seat.held_bytes = 0;
        }
        drop(closing);
    }

    /// Ends all requests that run and refuses new ones; for whoever cannot wait for a disk that hangs.
    pub fn close(&self) {
        self.opening.close();
        self.freed.notify_all();
    }
}

/// A seat that a thread has, until it drops this.
struct Taken<'a> {
    movie: &'a Movie,
    seat: usize,
    session: Option<Session>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // What a panic left is not used again.
        let session = self.session.take().filter(|_| !std::thread::panicking());
        self.movie.put_back(self.seat, session);
    }
}

impl Drop for Movie {
    fn drop(&mut self) {
        self.close();
    }
}

/// Steps a builder and lets it go when it is done.
fn work_on(
    builder: &mut Option<IndexBuilder>,
    opening: &Opening,
    index: &RwLock<Index>,
    budget: Duration,
    watch: &EpochWatch,
) -> Result<(), Stop> {
    if let Some(working) = builder
        && working.step(opening, index, budget, watch)? == Progress::Done
    {
        *builder = None;
    }
    Ok(())
}

fn info_of(session: &Session, frame: &Frame, index: &Index) -> Result<VideoInfo, DecodeError> {
    let mut facts = session.input().facts().clone();
    let format = frame.format().ok_or_else(|| DecodeError::not_supported("pixels of an unknown format"))?;
    // The decoder knows more of its pictures than the container.
    (facts.width, facts.height) = (frame.width(), frame.height());
    facts.color = frame.color();
    if frame.pixel_aspect().0 > 0 {
        facts.pixel_aspect = frame.pixel_aspect();
    }
    Ok(VideoInfo::of(&facts, session.coded_size(), &format, index))
}

pub fn error_of(stop: Stop) -> DecodeError {
    match stop {
        Stop::Failed(error) => error,
        Stop::Skipped => DecodeError::Io { reason: "opening it was called off".into() },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
