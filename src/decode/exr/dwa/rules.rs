//! Owns how the channels of a DWA chunk are stored: rules from the chunk, or in old files fixed ones, choose
//! by the last part of a channel's name and its kind. Pure.

use super::super::chunk::{ChannelKind, Kind};
use super::super::scratch::{Held, held_by_all};
use crate::decode::DecodeError;

/// How a channel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Samples, deflated.
    Deflated,
    /// Quantised cosine coefficients of blocks.
    Lossy,
    /// Byte planes in run lengths, deflated.
    Runs,
}

/// Lossy channels that are stored together: one, or red, green and blue as luma and two chromas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    One(usize),
    Three([usize; 3]),
}

impl Group {
    pub fn channels(&self) -> &[usize] {
        match self {
            Self::One(channel) => std::slice::from_ref(channel),
            Self::Three(channels) => channels,
        }
    }
}

/// The rules of a chunk, applied to its channels. Kept from chunk to chunk, as all chunks of a part have the
/// same.
#[derive(Debug, Default)]
pub struct Plan {
    /// Of each channel.
    pub schemes: Vec<Scheme>,
    /// All lossy channels, in the order of their coefficients.
    pub groups: Vec<Group>,
    channels: Vec<ChannelKind>,
    rules: Option<Vec<u8>>,
}

impl Held for Plan {
    fn held_bytes(&self) -> usize {
        let Self { schemes, groups, channels, rules } = self;
        let rules = rules.as_ref().map_or(0, Held::held_bytes);
        schemes.held_bytes() + groups.held_bytes() + held_by_all(channels) + rules
    }
}

/// Bytes of rules beyond this are damage: files have some fifteen rules of some five bytes.
const MAX_RULE_BYTES: usize = 8192;
/// The longest part of a name that a rule may state.
const MAX_SUFFIX: usize = 128;

#[derive(Debug, Clone, Copy)]
struct Rule<'a> {
    suffix: &'a [u8],
    ignores_case: bool,
    kind: Kind,
    scheme: Scheme,
    /// For red, green and blue: 0, 1 and 2.
    part: Option<usize>,
}

impl Plan {
    /// Applies rules in their stored form, or without them those of chunks before version 2.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] for broken rules, and for lossy channels of integers.
    pub fn update(&mut self, channels: &[ChannelKind], rules: Option<&[u8]>) -> Result<(), DecodeError> {
        if self.channels == channels && self.rules.as_deref() == rules && !channels.is_empty() {
            return Ok(());
        }
        *self = Self::default();
        let parsed = match rules {
            Some(stored) => parse(stored)?,
            None => legacy(),
        };
        let mut parts = Vec::new();
        for channel in channels {
            let (scheme, part) = classify(channel, &parsed);
            if scheme == Scheme::Lossy && channel.kind == Kind::Uint {
                return Err(DecodeError::damaged("a chunk's rules make integers lossy"));
            }
            self.schemes.push(scheme);
            parts.push(part);
        }
        self.groups = groups(channels, &self.schemes, &parts);
        self.channels = channels.to_vec();
        self.rules = rules.map(<[u8]>::to_vec);
        Ok(())
    }
}

/// The last rule that fits decides; what no rule fits is deflated.
fn classify(channel: &ChannelKind, rules: &[Rule]) -> (Scheme, Option<usize>) {
    let (_, suffix) = split_name(&channel.name);
    let fits = |rule: &&Rule| {
        let is_named =
            if rule.ignores_case { suffix.eq_ignore_ascii_case(rule.suffix) } else { suffix == rule.suffix };
        is_named && rule.kind == channel.kind
    };
    let (mut scheme, mut part) = (Scheme::Deflated, None);
    for rule in rules.iter().filter(fits) {
        scheme = rule.scheme;
        part = rule.part.or(part);
    }
    (scheme, part)
}

/// Triples in the order in which their prefixes appear among all channels, then the other lossy channels.
fn groups(channels: &[ChannelKind], schemes: &[Scheme], parts: &[Option<usize>]) -> Vec<Group> {
    let prefix = |channel: usize| split_name(&channels[channel].name).0;
    let mut groups = Vec::new();
    let mut is_grouped = vec![false; channels.len()];
    for first in 0..channels.len() {
        if (0..first).any(|earlier| prefix(earlier) == prefix(first)) {
            continue;
        }
        let mut triple = [None; 3];
        for channel in (first..channels.len()).filter(|channel| prefix(*channel) == prefix(first)) {
            if let Some(part) = parts[channel] {
                triple[part] = Some(channel);
            }
        }
        let [Some(red), Some(green), Some(blue)] = triple else { continue };
        let triple = [red, green, blue];
        let is_lossy = triple.iter().all(|channel| schemes[*channel] == Scheme::Lossy);
        if is_lossy && triple.iter().all(|channel| channels[*channel].sampling == channels[red].sampling) {
            groups.push(Group::Three(triple));
            triple.iter().for_each(|channel| is_grouped[*channel] = true);
        }
    }
    let is_single = |channel: &usize| schemes[*channel] == Scheme::Lossy && !is_grouped[*channel];
    groups.extend((0..channels.len()).filter(is_single).map(Group::One));
    groups
}

/// A name's part to its last dot, and the rest.
fn split_name(name: &[u8]) -> (&[u8], &[u8]) {
    let dot = name.iter().rposition(|byte| *byte == b'.');
    name.split_at(dot.map_or(0, |dot| dot + 1))
}

/// Splits the rules from what follows them: two bytes with the length of both before them.
///
/// # Errors
/// [`DecodeError::Damaged`] for a length that cannot be.
pub fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or_else(broken)?;
    let length = usize::from(u16::from_le_bytes(*length)).checked_sub(2).ok_or_else(broken)?;
    if length > MAX_RULE_BYTES {
        return Err(broken());
    }
    rest.split_at_checked(length).ok_or_else(broken)
}

/// Each rule: a suffix, a zero byte, flags and the kind.
fn parse(mut stored: &[u8]) -> Result<Vec<Rule<'_>>, DecodeError> {
    let mut rules = Vec::new();
    while !stored.is_empty() {
        let length = stored.iter().position(|byte| *byte == 0).ok_or_else(broken)?;
        let (suffix, rest) = stored.split_at(length);
        let ([_, flags, kind], rest) = rest.split_first_chunk::<3>().ok_or_else(broken)?;
        let rule = Rule {
            suffix,
            ignores_case: flags & 1 != 0,
            kind: *[Kind::Uint, Kind::Half, Kind::Float].get(usize::from(*kind)).ok_or_else(broken)?,
            scheme: *[Scheme::Deflated, Scheme::Lossy, Scheme::Runs]
                .get(usize::from(flags >> 2 & 3))
                .ok_or_else(broken)?,
            part: usize::from(flags >> 4).checked_sub(1),
        };
        if length > MAX_SUFFIX || rule.part.is_some_and(|part| part > 2) {
            return Err(broken());
        }
        rules.push(rule);
        stored = rest;
    }
    Ok(rules)
}

/// The rules of chunks that bring none.
fn legacy() -> Vec<Rule<'static>> {
    let parts: [(&[&str], _); 4] = [
        (&["r", "red"], Some(0)),
        (&["g", "grn", "green"], Some(1)),
        (&["b", "blu", "blue"], Some(2)),
        (&["y", "by", "ry"], None),
    ];
    let mut rules = Vec::new();
    let mut add = |suffix: &'static str, kind, scheme, part| {
        rules.push(Rule { suffix: suffix.as_bytes(), ignores_case: true, kind, scheme, part });
    };
    for (suffixes, part) in parts {
        for suffix in suffixes {
            add(suffix, Kind::Half, Scheme::Lossy, part);
            add(suffix, Kind::Float, Scheme::Lossy, part);
        }
    }
    for kind in [Kind::Uint, Kind::Half, Kind::Float] {
        add("a", kind, Scheme::Runs, None);
    }
    rules
}

fn broken() -> DecodeError {
    DecodeError::damaged("a chunk's rules for its channels are broken")
}

#[cfg(test)]
mod tests {
    use super::super::super::oracle::channel;
    use super::*;

    /// What a writer of today states for R, G and B as half, Y as float, and A as half.
    const RULES: [&[u8]; 5] =
        [b"R\0\x14\x01", b"G\0\x24\x01", b"B\0\x34\x01", b"Y\0\x04\x02", b"A\0\x08\x01"];

    fn plan(channels: &[ChannelKind], rules: Option<&[u8]>) -> Result<Plan, DecodeError> {
        let mut plan = Plan::default();
        plan.update(channels, rules)?;
        Ok(plan)
    }

    #[test]
    fn triples_come_first_in_the_order_of_their_prefixes() {
        let half = |name| channel(name, Kind::Half, false);
        let names = ["b.A", "b.AA.B", "b.AA.G", "b.AA.R", "b.B", "b.G", "b.R", "b.X", "lone.R"];
        let mut channels: Vec<_> = names.map(half).into();
        channels.push(channel("z.Y", Kind::Float, false));
        let plan = plan(&channels, Some(&RULES.concat())).unwrap();
        let expected = [Group::Three([6, 5, 4]), Group::Three([3, 2, 1]), Group::One(8), Group::One(9)];
        assert_eq!(plan.groups, expected);
        assert_eq!((plan.schemes[0], plan.schemes[7]), (Scheme::Runs, Scheme::Deflated));
    }

    #[test]
    fn a_triple_needs_one_sampling_and_the_case_that_the_rule_states() {
        let mut channels = ["B", "G", "R", "a"].map(|name| channel(name, Kind::Half, false));
        assert_eq!(plan(&channels, Some(&RULES.concat())).unwrap().schemes[3], Scheme::Deflated);
        channels[0].sampling = (2, 2);
        let plan = plan(&channels, Some(&RULES.concat())).unwrap();
        assert_eq!(plan.groups, [0, 1, 2].map(Group::One));
    }

    #[test]
    fn old_chunks_have_rules_without_case() {
        let channels = ["A", "Blue", "GRN", "r", "ry"].map(|name| channel(name, Kind::Float, false));
        let plan = plan(&channels, None).unwrap();
        assert_eq!(plan.groups, [Group::Three([3, 2, 1]), Group::One(4)]);
        assert_eq!(plan.schemes[0], Scheme::Runs);
    }

    #[test]
    fn a_plan_follows_its_channels_and_rules() {
        let mut plan = Plan::default();
        let channels = ["A", "R"].map(|name| channel(name, Kind::Half, false));
        plan.update(&channels, None).unwrap();
        assert_eq!(plan.schemes, [Scheme::Runs, Scheme::Lossy]);
        plan.update(&channels, Some(&[])).unwrap();
        assert_eq!(plan.schemes, [Scheme::Deflated; 2]);
        plan.update(&channels[1..], None).unwrap();
        assert_eq!(plan.schemes, [Scheme::Lossy]);
    }

    #[test]
    fn broken_rules_are_errors() {
        let channels = [channel("R", Kind::Uint, false)];
        let long = [&[b'x'; 129][..], &[0, 0, 0]].concat();
        for rules in [
            &b"R"[..],
            b"R\0",
            b"R\0\x04",
            b"R\0\x44\x01",
            b"R\0\x0c\x01",
            b"R\0\x04\x03",
            b"R\0\x04\0",
            &long,
        ] {
            assert!(plan(&channels, Some(rules)).is_err(), "{rules:?}");
        }
        assert!(split(&[1, 0]).is_err() && split(&[3, 0]).is_err() && split(&[0xff; 70_000]).is_err());
        assert_eq!(split(&[3, 0, 7, 8]), Ok((&[7][..], &[8][..])));
    }
}
