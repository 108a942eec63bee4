//! Owns the way from settings to an open encoder: the first of those that can do it, and in words what there is where
//! none can. The thread of the caller.

use super::choices::{EncoderChoice, Pixels, encoders};
use super::fence::{Code, Converter, Encoder, EncoderSettings, Muxer, Packet};
use super::kind::{MovieCodec, MovieContainer, MovieDepth, MovieSettings};
use crate::encode::{Fault, RgbPicture, RgbSamples};

/// What turns pictures into packets.
pub struct Opened {
    encoder: Encoder,
    converter: Converter,
    /// Of the movie.
    pub size: (u32, u32),
    depth: MovieDepth,
    /// Pictures that the encoder was given.
    pub count: u64,
}

impl Opened {
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Hands a picture to the encoder.
    ///
    /// # Errors
    /// A fault when it is none, or cannot be encoded.
    pub fn send(&mut self, picture: &RgbPicture) -> Result<(), Fault> {
        picture.check()?;
        let mut frame = self.converter.convert(picture)?;
        frame.set_number(self.count.cast_signed());
        self.count += 1;
        Ok(self.encoder.send(Some(&frame))?)
    }

    /// Says that there are no more pictures.
    ///
    /// # Errors
    /// A fault when encoding failed.
    pub fn end(&mut self) -> Result<(), Fault> {
        Ok(self.encoder.send(None)?)
    }

    /// Takes a packet out; `None` when it needs another picture or all are out.
    ///
    /// # Errors
    /// A fault when encoding failed.
    pub fn receive(&mut self) -> Result<Option<Packet>, Fault> {
        Ok(self.encoder.receive()?)
    }
}

impl Drop for Opened {
    /// SVT-AV1 never comes back from being closed before its first picture.
    fn drop(&mut self) {
        if self.count == 0 {
            let _ = self.send(&black(self.size, self.depth));
        }
    }
}

fn black((width, height): (u32, u32), depth: MovieDepth) -> RgbPicture {
    let count = width as usize * height as usize * 3;
    let samples = match depth {
        MovieDepth::Eight => RgbSamples::U8(vec![0; count]),
        MovieDepth::Sixteen => RgbSamples::U16(vec![0; count]),
    };
    RgbPicture { width, height, samples }
}

/// Opens the best encoder that this FFmpeg has.
///
/// # Errors
/// A fault that names the codecs that it can write where it has none for this one; what the last encoder said where
/// none takes such pictures.
pub fn open(settings: &MovieSettings) -> Result<Opened, Fault> {
    let mut refused = None;
    let choices = encoders(settings.codec, settings.depth);
    for choice in choices.iter().filter(|choice| Encoder::exists(choice.name)) {
        for pixels in choice.pixels(settings.quality) {
            match open_as(settings, choice, *pixels) {
                Ok(opened) => return Ok(opened),
                Err(code) => refused = refused.or(Some((choice, code))),
            }
        }
    }
    Err(Fault::Unfit(match refused {
        Some((choice, code)) => not_taken(settings, choice, code),
        None => not_there(settings.codec),
    }))
}

fn open_as(settings: &MovieSettings, choice: &EncoderChoice, pixels: Pixels) -> Result<Opened, Code> {
    let size = pixels.fitted(settings.size);
    let wanted = EncoderSettings {
        size,
        rate: settings.rate,
        pixel_aspect: settings.pixel_aspect,
        color: settings.color,
        threads: settings.threads,
        quality: settings.quality,
    };
    let converter = Converter::new(size, settings.depth, pixels, settings.color.matrix)?;
    let encoder = Encoder::open(choice, pixels, &wanted)?;
    Ok(Opened { encoder, converter, size, depth: settings.depth, count: 0 })
}

fn not_taken(settings: &MovieSettings, choice: &EncoderChoice, code: Code) -> String {
    let (name, (width, height)) = (choice.name.to_string_lossy(), settings.size);
    let message = code.message();
    format!("the encoder {name} does not take {width}x{height} at {} fps ({message})", settings.rate)
}

fn not_there(codec: MovieCodec) -> String {
    let has = |codec: &MovieCodec| {
        encoders(*codec, codec.usual_depth()).iter().any(|choice| Encoder::exists(choice.name))
    };
    let there: Vec<&str> =
        MovieCodec::ALL.iter().filter(|codec| has(codec)).map(|codec| codec.name()).collect();
    let wanted: Vec<_> =
        encoders(codec, codec.usual_depth()).iter().map(|choice| choice.name.to_string_lossy()).collect();
    let there = if there.is_empty() { "none".to_string() } else { there.join(", ") };
    let (name, wanted) = (codec.name(), wanted.join(" or "));
    format!("this FFmpeg has no encoder for {name} ({wanted}); it has {there}: choose one with --codec")
}

/// Opens the container over a file.
///
/// # Errors
/// A fault when this FFmpeg cannot write it.
pub fn open_container(container: MovieContainer, file: std::fs::File) -> Result<Muxer, Fault> {
    let name = match container {
        MovieContainer::Mov => c"mov",
        MovieContainer::Mp4 => c"mp4",
        MovieContainer::Mkv => c"matroska",
    };
    let explain = |code: Code| format!("FFmpeg cannot write {}: {}", container.name(), code.message());
    Muxer::new(file, name).map_err(|code| Fault::Unfit(explain(code)))
}
