//! Owns the flattening of deep pixels, «Interpreting OpenEXR Deep Pixels» (openexr.com): samples are made tidy,
//! then composited front to back. Depth comes out as `oiiotool --flatten` has it. Pure.
//!
//! Points at one depth are composited in the order of the file, as the reference library's `DeepCompositing` and
//! oiiotool do; the document would blend them.

use std::collections::TryReserveError;
use std::ops::Range;

use super::chunk::{ChannelKind, Kind};
use super::scratch::{Held, held_by_all};

/// The depth of a pixel without samples, as oiiotool has it.
const NOWHERE: f32 = 1e30;
/// Pieces times volumes in them that a chunk may take; after that volumes are only sorted.
const MAX_WORK: usize = 1 << 24;

/// What becomes of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Depth,
    /// Over-composited with the alpha channel of this number, its own for an alpha channel.
    Color(usize),
    /// Over-composited with the cover.
    Plain,
    /// Numbers of things: the foremost sample's.
    Id,
}

/// What each channel of a part means.
#[derive(Debug, Default)]
struct Roles {
    of_channel: Vec<Role>,
    z: Option<usize>,
    z_back: Option<usize>,
    /// The alpha channels whose mean says how much is covered; none: every sample is opaque.
    cover: Vec<usize>,
}

impl Roles {
    /// Finds the roles by name.
    fn assign(&mut self, channels: &[ChannelKind]) {
        let find = |name: &[u8]| channels.iter().position(|channel| channel.name.eq_ignore_ascii_case(name));
        let has_numbers = |at: &usize| channels[*at].kind != Kind::Uint;
        (self.z, self.z_back) = (find(b"Z").filter(has_numbers), find(b"ZBack").filter(has_numbers));
        self.cover.clear();
        match alpha_in(channels, b"", b"") {
            Some(alpha) => self.cover.push(alpha),
            None => self
                .cover
                .extend([b"R", b"G", b"B"].iter().filter_map(|color| alpha_in(channels, b"", *color))),
        }
        self.of_channel.clear();
        self.of_channel.extend(channels.iter().enumerate().map(|(at, channel)| match channel.kind {
            Kind::Uint => Role::Id,
            _ if self.z == Some(at) || self.z_back == Some(at) => Role::Depth,
            _ => alpha_of(channels, at).map_or(Role::Plain, Role::Color),
        }));
    }

    /// The channels that flattening reads, besides a channel itself, for any channel.
    fn is_read_for_all(&self, channel: usize) -> bool {
        self.z == Some(channel) || self.z_back == Some(channel) || self.cover.contains(&channel)
    }
}

/// The number of the alpha channel of `color` in exactly this layer, which ends in a dot or is empty.
fn alpha_in(channels: &[ChannelKind], layer: &[u8], color: &[u8]) -> Option<usize> {
    channels.iter().position(|channel| {
        let base = channel.name.strip_prefix(layer).unwrap_or_default();
        // The document has AR, some writers RA.
        let is_alpha = base.strip_prefix(b"A") == Some(color) || base.strip_suffix(b"A") == Some(color);
        is_alpha && channel.kind != Kind::Uint
    })
}

/// The alpha channel that belongs to a channel: in its layer, else in the layers around it.
fn alpha_of(channels: &[ChannelKind], at: usize) -> Option<usize> {
    let name = &channels[at].name[..];
    let dot = |name: &[u8]| name.iter().rposition(|byte| *byte == b'.').map_or(0, |dot| dot + 1);
    let (mut layer, base) = name.split_at(dot(name));
    if matches!(base, b"A" | b"AR" | b"AG" | b"AB" | b"RA" | b"GA" | b"BA") {
        return Some(at);
    }
    loop {
        let own = matches!(base, b"R" | b"G" | b"B").then(|| alpha_in(channels, layer, base)).flatten();
        let found = own.or_else(|| alpha_in(channels, layer, b""));
        if found.is_some() || layer.is_empty() {
            return found;
        }
        layer = &layer[..dot(&layer[..layer.len() - 1])];
    }
}

/// A sample's place: `back` is `front` for a point, and neither is a NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    front: f32,
    back: f32,
    sample: usize,
}

impl Span {
    fn is_volume(&self) -> bool {
        self.front < self.back
    }
}

/// Flattens line by line; kept by a thread between chunks.
#[derive(Debug, Default)]
pub struct Flattener {
    roles: Roles,
    /// The samples of some pixels of a line, by channel; empty for those that nobody needs.
    pub samples: Vec<Vec<f32>>,
    /// The flattened line, by channel; empty for those that nobody wants.
    pub pixels: Vec<Vec<f32>>,
    spans: Vec<Span>,
    /// The volumes at the depth that is worked on.
    active: Vec<Span>,
    depths: Vec<f32>,
    /// The samples of one pixel after it was made tidy, by channel.
    tidy: Vec<Vec<f32>>,
    /// How much is covered before each visible sample of a pixel.
    covers: Vec<f32>,
    work: usize,
}

impl Held for Flattener {
    fn held_bytes(&self) -> usize {
        let Self { roles, samples, pixels, spans, active, depths, tidy, covers, work: _ } = self;
        let columns: usize = [samples, pixels, tidy].map(held_by_all).iter().sum();
        let of_pixel = [depths, covers].map(Held::held_bytes).iter().sum::<usize>()
            + spans.held_bytes()
            + active.held_bytes();
        columns + of_pixel + roles.of_channel.held_bytes() + roles.cover.held_bytes()
    }
}

impl Flattener {
    /// Prepares for another chunk.
    pub fn start(&mut self, channels: &[ChannelKind]) {
        self.roles.assign(channels);
        for columns in [&mut self.samples, &mut self.pixels, &mut self.tidy] {
            columns.resize_with(channels.len(), Vec::new);
            columns.iter_mut().for_each(Vec::clear);
        }
        self.work = 0;
    }

    /// Makes room for a pixel of `samples` samples, so that nothing is allocated while one is flattened.
    ///
    /// # Errors
    /// When memory is refused.
    pub fn reserve(&mut self, samples: usize) -> Result<(), TryReserveError> {
        // A sample is a point, or begins one piece and ends another.
        for column in self.tidy.iter_mut().chain([&mut self.depths, &mut self.covers]) {
            column.clear();
            column.try_reserve(2 * samples)?;
        }
        for spans in [&mut self.spans, &mut self.active] {
            spans.clear();
            spans.try_reserve(samples)?;
        }
        Ok(())
    }

    /// Whether `samples` of a channel are needed for those channels that are wanted.
    pub fn needs(&self, channel: usize, is_wanted: impl Fn(usize) -> bool) -> bool {
        let roles = &self.roles;
        let is_alpha = |(at, role): (usize, &Role)| *role == Role::Color(channel) && is_wanted(at);
        roles.of_channel[channel] != Role::Id
            && (is_wanted(channel)
                || roles.is_read_for_all(channel)
                || roles.of_channel.iter().enumerate().any(is_alpha))
    }

    /// Flattens pixel `x` of the line, whose samples are `range`; returns which of them is the foremost.
    pub fn flatten(&mut self, range: Range<usize>, x: usize) -> Option<usize> {
        let Self { roles, samples, pixels, covers, .. } = self;
        if range.is_empty() {
            for (pixels, role) in
                pixels.iter_mut().zip(&roles.of_channel).filter(|(pixels, _)| !pixels.is_empty())
            {
                pixels[x] = if *role == Role::Depth { NOWHERE } else { 0.0 };
            }
            return None;
        }
        if is_tidy(roles, samples, range.clone()) {
            composite(roles, samples, range.clone(), covers, pixels, x);
            return Some(range.start);
        }
        let count = self.make_tidy(range);
        composite(&self.roles, &self.tidy, 0..count, &mut self.covers, &mut self.pixels, x);
        self.spans.first().map(|span| span.sample)
    }

    /// Puts the pixel's tidy samples into `self.tidy`; returns how many.
    fn make_tidy(&mut self, range: Range<usize>) -> usize {
        self.sort(range);
        for column in &mut self.tidy {
            column.clear();
        }
        if !self.overlaps() {
            return self.copy_sorted();
        }
        self.split().unwrap_or_else(|| {
            self.tidy.iter_mut().for_each(Vec::clear);
            self.copy_sorted()
        })
    }

    fn sort(&mut self, range: Range<usize>) {
        let depth =
            |channel: Option<usize>, sample: usize| channel.map(|channel| self.samples[channel][sample]);
        self.spans.clear();
        self.spans.extend(range.map(|sample| {
            let front = depth(self.roles.z, sample).filter(|z| !z.is_nan()).unwrap_or(f32::INFINITY);
            let back = depth(self.roles.z_back, sample).filter(|z| *z > front && z.is_finite());
            // Of endless things nothing can be split off.
            let back = back.filter(|back| (back - front).is_finite()).unwrap_or(front);
            Span { front, back, sample }
        }));
        let key = |a: &Span, b: &Span| a.front.total_cmp(&b.front).then(a.back.total_cmp(&b.back));
        // By sample last, which keeps the order of the file.
        self.spans.sort_unstable_by(|a, b| key(a, b).then(a.sample.cmp(&b.sample)));
    }

    fn overlaps(&self) -> bool {
        self.spans.windows(2).any(|pair| pair[0].back > pair[1].front)
    }

    fn copy_sorted(&mut self) -> usize {
        for (column, samples) in
            self.tidy.iter_mut().zip(&self.samples).filter(|(_, samples)| !samples.is_empty())
        {
            column.extend(self.spans.iter().map(|span| samples[span.sample]));
        }
        self.spans.len()
    }

    /// Splits volumes wherever a sample begins or ends, and merges those that overlap then, in one sweep from
    /// front to back. `None` when that is too much work.
    fn split(&mut self) -> Option<usize> {
        self.depths.clear();
        self.depths.extend(self.spans.iter().flat_map(|span| [span.front, span.back]));
        self.depths.sort_unstable_by(f32::total_cmp);
        self.depths.dedup();
        self.active.clear();
        let (mut next, mut count) = (0, 0);
        for at in 0..self.depths.len() {
            let depth = self.depths[at];
            self.active.retain(|volume| volume.back > depth);
            while let Some(span) = self.spans.get(next).copied().filter(|span| span.front <= depth) {
                next += 1;
                if span.is_volume() {
                    self.active.push(span);
                } else {
                    self.push_point(span.sample);
                    count += 1;
                }
            }
            self.work += self.active.len();
            if self.work > MAX_WORK {
                return None;
            }
            if let Some(end) = self.depths.get(at + 1).filter(|_| !self.active.is_empty()) {
                self.push_piece(depth, *end);
                count += 1;
            }
        }
        Some(count)
    }

    fn push_point(&mut self, sample: usize) {
        for (column, samples) in
            self.tidy.iter_mut().zip(&self.samples).filter(|(_, samples)| !samples.is_empty())
        {
            column.push(samples[sample]);
        }
    }

    /// Appends what all active volumes together are between two depths.
    fn push_piece(&mut self, front: f32, back: f32) {
        for (channel, column) in self.tidy.iter_mut().enumerate() {
            let samples = &self.samples[channel];
            if samples.is_empty() {
                continue;
            }
            column.push(match self.roles.of_channel[channel] {
                Role::Depth if self.roles.z == Some(channel) => front,
                Role::Depth => back,
                Role::Color(alpha) => merged(&self.active, front..back, samples, &self.samples[alpha]),
                Role::Plain | Role::Id => samples[self.active[0].sample],
            });
        }
    }
}

/// Whether a pixel's samples are sorted and do not overlap.
fn is_tidy(roles: &Roles, samples: &[Vec<f32>], range: Range<usize>) -> bool {
    let Some(z) = roles.z else { return true };
    let z = &samples[z][range.clone()];
    match roles.z_back {
        Some(back) => {
            let ends = z.iter().zip(&samples[back][range]).map(|(z, back)| if back > z { *back } else { *z });
            ends.zip(&z[1..]).all(|(end, next)| end <= *next)
        }
        None => z.is_sorted(),
    }
}

/// A color, or an alpha when both are the same, of the parts of `volumes` between two depths; each of them
/// covers all that is between.
///
/// With optical depths u = -ln(1 - alpha), of which a part has its share, those of all parts add up, and a
/// color counts by u / alpha («Merging Overlapping Samples»).
fn merged(volumes: &[Span], depths: Range<f32>, colors: &[f32], alphas: &[f32]) -> f32 {
    let is_alpha = std::ptr::eq(colors, alphas);
    let (mut depth, mut color) = (0.0_f64, 0.0_f64);
    let (mut opaque, mut opaque_color) = (0, 0.0_f64);
    for volume in volumes {
        let alpha = f64::from(alphas[volume.sample].clamp(0.0, 1.0));
        let own = f64::from(colors[volume.sample]);
        if alpha >= 1.0 {
            opaque += 1;
            opaque_color += own;
            continue;
        }
        let part = f64::from(depths.end - depths.start) / f64::from(volume.back - volume.front);
        let whole = -(-alpha).ln_1p();
        depth += part * whole;
        color += part * own * if alpha > 0.0 { whole / alpha } else { 1.0 };
    }
    let alpha = -(-depth).exp_m1();
    let merged = match (opaque, is_alpha) {
        (0, true) => alpha,
        (0, false) => color * if depth > 0.0 { alpha / depth } else { 1.0 },
        (_, true) => 1.0,
        (_, false) => opaque_color / f64::from(opaque),
    };
    merged as f32
}

/// Composites the tidy samples `range`, one at least, into pixel `x` of all channels that have pixels.
fn composite(
    roles: &Roles,
    samples: &[Vec<f32>],
    range: Range<usize>,
    covers: &mut Vec<f32>,
    pixels: &mut [Vec<f32>],
    x: usize,
) {
    fill_covers(roles, samples, range.clone(), covers);
    let visible = range.start..range.start + covers.len();
    for (channel, pixels) in pixels.iter_mut().enumerate().filter(|(_, pixels)| !pixels.is_empty()) {
        let values = samples[channel][visible.clone()].iter();
        pixels[x] = match roles.of_channel[channel] {
            // Depth is not premultiplied.
            Role::Depth => {
                values.zip(&*covers).fold(0.0, |flat, (z, cover)| flat * cover + (1.0 - cover) * z)
            }
            Role::Plain | Role::Id => values.zip(&*covers).map(|(value, cover)| (1.0 - cover) * value).sum(),
            Role::Color(alpha) => {
                let over = |(flat, cover): (f32, f32), (value, alpha): (&f32, &f32)| {
                    (flat + (1.0 - cover) * value, cover + (1.0 - cover) * alpha)
                };
                values.zip(&samples[alpha][visible.clone()]).fold((0.0, 0.0), over).0
            }
        };
    }
}

/// For each sample that can be seen: how much those before it cover.
fn fill_covers(roles: &Roles, samples: &[Vec<f32>], range: Range<usize>, covers: &mut Vec<f32>) {
    covers.clear();
    let mut totals = [0.0_f32; 3];
    let totals = &mut totals[..roles.cover.len()];
    for sample in range {
        let cover = match &*totals {
            [] if covers.is_empty() => 0.0,
            [] => 1.0,
            [total] => *total,
            totals => totals.iter().sum::<f32>() / totals.len() as f32,
        };
        if cover >= 1.0 {
            break;
        }
        covers.push(cover);
        for (total, alpha) in totals.iter_mut().zip(&roles.cover) {
            *total += (1.0 - *total) * samples[*alpha][sample];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn channels(names: &[&str]) -> Vec<ChannelKind> {
        let channel = |name: &&str| {
            let kind = if name.ends_with("id") { Kind::Uint } else { Kind::Float };
            ChannelKind { name: name.as_bytes().to_vec(), kind, is_linear: false, sampling: (1, 1) }
        };
        names.iter().map(channel).collect()
    }

    /// Flattens one pixel; `samples` by channel, without those of ids.
    fn flattened(names: &[&str], samples: &[Vec<f32>]) -> (Vec<f32>, Option<usize>) {
        let mut flattener = Flattener::default();
        flattener.start(&channels(names));
        let count = samples.iter().map(Vec::len).max().unwrap_or(0);
        flattener.reserve(count).unwrap();
        flattener.samples = samples.to_vec();
        flattener.pixels = samples.iter().map(|column| vec![9.0; column.len().min(1)]).collect();
        if count == 0 {
            flattener.pixels = vec![vec![9.0]; names.len()];
        }
        let foremost = flattener.flatten(0..count, 0);
        (flattener.pixels.iter().map(|column| column.first().copied().unwrap_or(0.0)).collect(), foremost)
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        let is_close =
            |(found, expected): (&f32, &f32)| (found - expected).abs() <= 1e-5 * expected.abs().max(1.0);
        assert!(found.iter().zip(expected).all(is_close), "{found:?} for {expected:?}");
    }

    #[test]
    fn samples_are_composited_front_to_back() {
        let (found, foremost) =
            flattened(&["A", "R", "Z"], &[vec![0.5, 0.25, 1.0], vec![0.5, 0.1, 0.7], vec![1.0, 2.0, 4.0]]);
        // Depth as oiiotool --flatten 3.2.2 has it: 1, then 1 * 0.5 + 0.5 * 2, then 1.5 * 0.625 + 0.375 * 4.
        assert_close(&found, &[1.0, 0.5 + 0.05 + 0.375 * 0.7, 2.4375]);
        assert_eq!(foremost, Some(0));
    }

    #[test]
    fn samples_out_of_order_are_sorted() {
        let (found, foremost) =
            flattened(&["A", "R", "Z"], &[vec![1.0, 0.25, 0.5], vec![0.7, 0.1, 0.5], vec![4.0, 2.0, 1.0]]);
        assert_close(&found, &[1.0, 0.8125, 2.4375]);
        assert_eq!(foremost, Some(2));
    }

    #[test]
    fn what_lies_behind_something_opaque_is_hidden() {
        let (found, _) = flattened(&["A", "R", "Z"], &[vec![1.0, 1.0], vec![0.5, f32::NAN], vec![1.0, 2.0]]);
        assert_close(&found, &[1.0, 0.5, 1.0]);
    }

    #[test]
    fn a_pixel_without_samples_is_black_and_far_away() {
        let (found, foremost) = flattened(&["A", "R", "Z", "ZBack"], &vec![vec![]; 4]);
        assert_eq!(found, [0.0, 0.0, 1e30, 1e30]);
        assert_eq!(foremost, None);
    }

    #[test]
    fn without_alpha_the_foremost_sample_is_seen() {
        assert_eq!(flattened(&["R", "Z"], &[vec![0.5, 0.7], vec![2.0, 1.0]]), (vec![0.7, 1.0], Some(1)));
        assert_eq!(flattened(&["R"], &[vec![0.5, 0.7]]), (vec![0.5], Some(0)));
    }

    #[test]
    fn colors_have_their_own_alphas() {
        for names in [["AR", "AG", "AB", "R", "G", "B", "N"], ["RA", "GA", "BA", "R", "G", "B", "N"]] {
            let (found, _) = flattened(
                &names,
                &[[0.5, 1.0], [1.0, 1.0], [0.0, 0.5], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
                    .map(|column| column.to_vec()),
            );
            assert_close(&found, &[1.0, 1.0, 0.5, 1.5, 1.0, 2.0, 1.5]);
        }
        // In the layer, else in the layers around it.
        let names = ["A", "L1.A", "L1.AR", "L1.G", "L1.R", "L1.L2.G", "L3.G", "L3.AR"];
        let ofs: Vec<_> = (0..names.len()).map(|at| alpha_of(&channels(&names), at)).collect();
        assert_eq!(ofs, [Some(0), Some(1), Some(2), Some(1), Some(2), Some(1), Some(0), Some(7)]);
    }

    #[test]
    fn only_depth_of_the_base_layer_sorts() {
        let (found, _) = flattened(&["A", "R", "L.Z"], &[vec![1.0, 1.0], vec![0.1, 0.2], vec![2.0, 1.0]]);
        assert_close(&found, &[1.0, 0.1, 2.0]);
    }

    #[test]
    fn numbers_of_things_are_the_foremost_ones() {
        let samples = [vec![0.5, 0.5], vec![], vec![2.0, 1.0], vec![2.0, 3.0]];
        let (found, foremost) = flattened(&["A", "id", "Z", "ZBack"], &samples);
        assert_eq!((found[1], foremost), (0.0, Some(1)));
        let mut flattener = Flattener::default();
        flattener.start(&channels(&["A", "id", "R", "Z", "ZBack"]));
        let needed =
            |wanted: usize| (0..5).filter(|at| flattener.needs(*at, |channel| channel == wanted)).collect();
        let needed: [Vec<usize>; 3] = [1, 2, 3].map(needed);
        assert_eq!(needed, [vec![0, 3, 4], vec![0, 2, 3, 4], vec![0, 3, 4]]);
    }

    #[test]
    fn a_volume_is_split_around_a_point() {
        // Half of a volume of alpha 0.75 has alpha 0.5 and two thirds of the color.
        let (found, _) = flattened(
            &["A", "R", "Z", "ZBack"],
            &[vec![0.75, 1.0], vec![0.9, 0.4], vec![1.0, 2.0], vec![3.0, 2.0]],
        );
        assert_close(&found, &[1.0, 0.6 + 0.5 * 0.4, 1.0 * 0.5 + 0.5 * 2.0, 2.0]);
    }

    #[test]
    fn overlapping_volumes_are_mixed() {
        // Two equal volumes in one place: twice the optical depth, the mean color.
        let (found, _) = flattened(
            &["A", "R", "Z", "ZBack"],
            &[vec![0.5, 0.5], vec![0.2, 0.4], vec![1.0, 1.0], vec![3.0, 3.0]],
        );
        assert_close(&found, &[0.75, 0.75 * 0.6, 1.0, 3.0]);
    }

    #[test]
    fn volumes_beyond_all_work_are_only_sorted() {
        let count = 20_000;
        let fronts: Vec<f32> = (0..count).rev().map(|at| at as f32).collect();
        let samples = [vec![0.0; count], fronts.clone(), vec![1e6; count]];
        let (found, foremost) = flattened(&["A", "Z", "ZBack"], &samples);
        assert_eq!((found[0], foremost), (0.0, Some(count - 1)));
    }

    /// «Interpreting OpenEXR Deep Pixels» by the letter: split until nothing overlaps in part, merge what overlaps
    /// wholly, sort, composite. A sample is [front, back, alpha, color]; points at one depth are not merged.
    fn twin(mut samples: Vec<([f64; 4], u32)>) -> [f64; 2] {
        let part = |[front, back, alpha, color]: [f64; 4], to: f64| {
            let x = (to - front) / (back - front);
            let part = 1.0 - (1.0 - alpha).powf(x);
            [part, if alpha > 0.0 { color * part / alpha } else { color * x }]
        };
        'split: loop {
            let cuts: Vec<f64> = samples.iter().flat_map(|(sample, _)| [sample[0], sample[1]]).collect();
            for at in 0..samples.len() {
                let (sample @ [front, back, ..], opaque) = samples[at];
                if let Some(cut) = cuts.iter().copied().find(|cut| front < *cut && *cut < back) {
                    let [alpha, color] = part(sample, cut);
                    let [rest_alpha, rest_color] = part(sample, front + back - cut);
                    samples[at] = ([front, cut, alpha, color], opaque);
                    samples.push(([cut, back, rest_alpha, rest_color], opaque));
                    continue 'split;
                }
            }
            break;
        }
        let mut merged: Vec<([f64; 4], u32)> = Vec::new();
        for (sample @ [front, back, alpha, color], opaque) in samples {
            let same = merged.iter_mut().find(|(other, _)| front < back && other[..2] == sample[..2]);
            let Some(([_, _, other_alpha, other_color], other_opaque)) = same else {
                merged.push((sample, opaque));
                continue;
            };
            let depth = |alpha: f64| if alpha > 0.0 { -(1.0 - alpha).ln() } else { 0.0 };
            let rate = |alpha: f64| if alpha > 0.0 { depth(alpha) / alpha } else { 1.0 };
            let both = 1.0 - (1.0 - alpha) * (1.0 - *other_alpha);
            *other_color = match (opaque, *other_opaque) {
                (0, 0) => {
                    let depths = depth(alpha) + depth(*other_alpha);
                    let weight = if depths > 0.0 { both / depths } else { 1.0 };
                    weight * (color * rate(alpha) + *other_color * rate(*other_alpha))
                }
                (0, _) => *other_color,
                (_, 0) => color,
                // The mean of all of them.
                (_, count) => (*other_color * f64::from(count) + color) / f64::from(count + 1),
            };
            (*other_alpha, *other_opaque) = (both, *other_opaque + opaque);
        }
        merged.sort_by(|(a, _), (b, _)| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        merged.iter().fold([0.0, 0.0], |[alpha, color], (sample, _)| {
            [alpha + (1.0 - alpha) * sample[2], color + (1.0 - alpha) * sample[3]]
        })
    }

    proptest! {
        #[test]
        fn messy_pixels_come_out_as_by_the_document(
            samples in prop::collection::vec(
                (0..8_u8, 0..4_u8, prop::sample::select(vec![0.0, 1e-6, 0.1, 0.5, 0.9, 1.0]), 0.0..2.0_f32),
                0..9,
            ),
        ) {
            let column = |value: fn(&(u8, u8, f32, f32)) -> f32| samples.iter().map(value).collect::<Vec<_>>();
            let columns = [
                column(|sample| sample.2),
                column(|sample| sample.3),
                column(|sample| sample.0.into()),
                column(|sample| (sample.0 + sample.1).into()),
            ];
            let (found, _) = flattened(&["A", "R", "Z", "ZBack"], &columns);
            let exact = |&(front, depth, alpha, color): &(u8, u8, f32, f32)| {
                let back = front + depth;
                ([front.into(), back.into(), alpha.into(), color.into()], u32::from(alpha == 1.0))
            };
            let expected = twin(samples.iter().map(exact).collect());
            for (found, expected) in found.iter().zip(expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-4, "{} for {}", found, expected);
            }
        }

        #[test]
        fn any_numbers_end_in_a_pixel(bits in prop::collection::vec(any::<[u32; 4]>(), 0..40), few in any::<u8>()) {
            let special = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, 0.0, -0.0];
            let number = |bits: u32| match usize::from(few) % 3 {
                0 => f32::from_bits(bits),
                1 => special[bits as usize % special.len()],
                _ => (bits % 16) as f32,
            };
            let columns: Vec<Vec<f32>> =
                (0..4).map(|at| bits.iter().map(|bits| number(bits[at])).collect()).collect();
            let (_, foremost) = flattened(&["A", "R", "Z", "ZBack"], &columns);
            prop_assert_eq!(foremost.is_some(), !bits.is_empty());
        }
    }
}
