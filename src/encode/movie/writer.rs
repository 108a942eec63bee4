//! Owns the thread that encodes and the hidden file that becomes the movie. Pictures wait in a queue of one, so that
//! whoever makes them waits for the encoder and not the memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::fence::{Code, MuxError, Muxer, Stereo};
use super::kind::MovieSettings;
use super::lane::Lane;
use super::opening::{Opened, open, open_container};
use crate::encode::{EncodeError, Fault, RgbPicture};
use crate::store::Unfinished;

/// Pictures that wait for the encoder.
const QUEUE: usize = 1;
/// How often somebody who waits for the end is asked whether he still does.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// A picture with the sound that is heard while it is shown.
type Moment = (RgbPicture, Vec<Stereo>);

/// A movie that is being written. Dropped before [`MovieWriter::finish`] it leaves nothing behind.
pub struct MovieWriter {
    path: PathBuf,
    size: (u32, u32),
    moments: Option<Sender<Moment>>,
    end: Receiver<Result<(), Fault>>,
    is_stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MovieWriter {
    /// Opens encoder, container and a hidden file beside `path`, and starts the thread.
    ///
    /// # Errors
    /// [`EncodeError::Unfit`] when the container does not take the codec, this FFmpeg has no encoder for it, or the
    /// encoder does not take such pictures; [`EncodeError::Io`] when the file system refuses.
    pub fn create(path: &Path, settings: &MovieSettings) -> Result<Self, EncodeError> {
        settings.container.check(settings.codec, path)?;
        let at = |fault: Fault| fault.at(path);
        let opened = open(settings).map_err(at)?;
        let (hidden, file) = Unfinished::create_beside(path).map_err(|error| at(error.into()))?;
        let lane = settings.has_sound.then(|| Lane::open(settings.container)).transpose().map_err(at)?;
        let muxer = open_container(settings.container, file).map_err(at)?;
        let (moments, queue) = bounded(QUEUE);
        let (ends, end) = bounded(1);
        let is_stopped = Arc::new(AtomicBool::new(false));
        let size = opened.size;
        let mut work = Work {
            settings: settings.clone(),
            opened,
            lane,
            muxer: Some(muxer),
            stream: 0,
            is_stopped: Arc::clone(&is_stopped),
        };
        let target = path.to_owned();
        let run = move || {
            let written = work.run(&queue);
            // The file is closed first: some systems refuse to rename an open one.
            drop(work);
            let _ = ends.send(written.and_then(|()| Ok(hidden.rename_to(&target)?)));
        };
        let thread = std::thread::Builder::new().name("encode-movie".into()).spawn(run);
        let thread = Some(thread.map_err(|error| at(error.into()))?);
        Ok(Self { path: path.to_owned(), size, moments: Some(moments), end, is_stopped, thread })
    }

    /// Width and height of the movie: those of its pictures, less a last column or row that has no chroma of its own.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Hands over the next picture with the sound that is heard while it is shown, left and right at
    /// [`super::SOUND_RATE`]; waits while the encoder is behind. Sound is left out where the settings have none.
    ///
    /// # Errors
    /// What ended the movie early.
    pub fn push(&mut self, picture: RgbPicture, sound: Vec<Stereo>) -> Result<(), EncodeError> {
        let is_taken = self.moments.as_ref().is_some_and(|moments| moments.send((picture, sound)).is_ok());
        if is_taken { Ok(()) } else { Err(self.fault().at(&self.path)) }
    }

    /// Waits until everything is encoded and the file has its name; `false` when `must_stop` said so before, and then
    /// nothing is left.
    ///
    /// # Errors
    /// What went wrong; nothing is left then either.
    pub fn finish(mut self, must_stop: &dyn Fn() -> bool) -> Result<bool, EncodeError> {
        self.moments = None;
        loop {
            match self.end.recv_timeout(ASK_EVERY) {
                Ok(end) => return end.map(|()| true).map_err(|fault| fault.at(&self.path)),
                Err(error) if error.is_disconnected() => return Err(gave_up().at(&self.path)),
                Err(_) if must_stop() => return Ok(false),
                Err(_) => {}
            }
        }
    }

    fn fault(&mut self) -> Fault {
        self.moments = None;
        match self.end.recv() {
            Ok(Err(fault)) => fault,
            _ => gave_up(),
        }
    }
}

impl Drop for MovieWriter {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Release);
        self.moments = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn gave_up() -> Fault {
    Fault::Unfit("the writer of the movie gave up; this is a fault of the program".into())
}

/// What the thread holds.
struct Work {
    settings: MovieSettings,
    opened: Opened,
    lane: Option<Lane>,
    muxer: Option<Muxer>,
    stream: usize,
    is_stopped: Arc<AtomicBool>,
}

impl Work {
    fn run(&mut self, queue: &Receiver<Moment>) -> Result<(), Fault> {
        let timecode = self.settings.timecode.as_deref();
        let texts: Vec<_> = timecode.map(|timecode| (c"timecode", timecode)).into_iter().collect();
        let muxer = self.muxer.as_mut().ok_or_else(gave_up)?;
        self.stream = muxer.add(self.opened.encoder(), &texts)?;
        self.lane.as_mut().map_or(Ok(()), |lane| lane.join(muxer))?;
        muxer.begin(self.settings.index_bytes())?;
        for (picture, sound) in queue {
            self.check()?;
            self.encode(&picture)?;
            if let (Some(lane), Some(muxer)) = (&mut self.lane, &mut self.muxer) {
                lane.push(&sound, muxer)?;
            }
        }
        self.check()?;
        self.opened.end()?;
        self.drain()?;
        let mut muxer = self.muxer.take().ok_or_else(gave_up)?;
        self.lane.as_mut().map_or(Ok(()), |lane| lane.finish(&mut muxer))?;
        self.check()?;
        muxer.finish()?;
        self.check()
    }

    fn encode(&mut self, picture: &RgbPicture) -> Result<(), Fault> {
        if self.opened.count >= self.settings.frames {
            let frames = self.settings.frames;
            return Err(Fault::Unfit(format!("more than the {frames} pictures came that were announced")));
        }
        self.opened.send(picture)?;
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Fault> {
        let Some(muxer) = &mut self.muxer else { return Ok(()) };
        while let Some(mut packet) = self.opened.receive()? {
            if self.is_stopped.load(Ordering::Acquire) {
                break;
            }
            muxer.write(self.stream, &mut packet)?;
        }
        Ok(())
    }

    /// Nobody wants the movie any more: what is written of it goes.
    fn check(&self) -> Result<(), Fault> {
        match self.is_stopped.load(Ordering::Acquire) {
            true => Err(Fault::Unfit("it was given up".into())),
            false => Ok(()),
        }
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Self::Unfit(format!("FFmpeg could not encode it ({})", code.message()))
    }
}

impl From<MuxError> for Fault {
    fn from(error: MuxError) -> Self {
        match error {
            MuxError::Io(error) => Self::Io(error),
            MuxError::Code(code) => Self::Unfit(format!("FFmpeg could not write it ({})", code.message())),
        }
    }
}
