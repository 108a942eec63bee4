//! A strict little reader of both text formats. It takes less than the formats allow: every family has one help
//! text, one type and samples right behind them; no timestamps, no exemplars.

use std::collections::{BTreeMap, BTreeSet};

use crate::metrics::Format;

/// A text that was found to be in order.
#[derive(Debug, Default)]
pub struct Exposition {
    /// Name and type of every family.
    pub families: BTreeMap<String, String>,
    /// Name with sorted labels, and the value as it is written.
    pub samples: BTreeMap<String, String>,
    /// Names of samples.
    pub names: BTreeSet<String>,
    /// Values of all labels by label.
    pub labels: BTreeMap<String, BTreeSet<String>>,
}

struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<String, String>,
    value: &'a str,
}

pub fn read(text: &str, format: Format) -> Result<Exposition, String> {
    let body = match (format, text.strip_suffix("# EOF\n")) {
        (Format::OpenMetrics, Some(body)) => body,
        (Format::OpenMetrics, None) => return Err("does not end in # EOF".into()),
        (Format::Plain, _) => text,
    };
    let body = body.strip_suffix('\n').ok_or("the last line is not ended")?;
    let mut lines = body.split('\n').peekable();
    let mut out = Exposition::default();
    while let Some(line) = lines.next() {
        let name = read_help(line, format)?;
        let kind = read_type(lines.next().unwrap_or_default(), name, format)?;
        if out.families.insert(name.into(), kind.into()).is_some() {
            return Err(format!("family {name} comes twice"));
        }
        let mut own = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            own.push(read_sample(line)?);
        }
        check_family(name, kind, &own, format)?;
        own.iter().try_for_each(|sample| out.take(sample))?;
    }
    check_clashes(&out.families)?;
    Ok(out)
}

impl Exposition {
    fn take(&mut self, sample: &Sample<'_>) -> Result<(), String> {
        let key = format!("{}{:?}", sample.name, sample.labels);
        self.names.insert(sample.name.into());
        for (label, value) in &sample.labels {
            self.labels.entry(label.clone()).or_default().insert(value.clone());
        }
        match self.samples.insert(key.clone(), sample.value.into()) {
            Some(_) => Err(format!("{key} comes twice")),
            None => Ok(()),
        }
    }

    /// The value of a series, labels given as `{"tier": "cpu"}`.
    pub fn value(&self, series: &str) -> &str {
        self.samples.get(series).unwrap_or_else(|| panic!("no {series}"))
    }

    /// Whether the series is of a counter, or otherwise may never shrink.
    pub fn is_counter(&self, series: &str) -> bool {
        let name = series.split('{').next().unwrap();
        name.ends_with("_total")
    }
}

fn read_help(line: &str, format: Format) -> Result<&str, String> {
    let rest = line.strip_prefix("# HELP ").ok_or(format!("no # HELP: {line}"))?;
    let (name, help) = rest.split_once(' ').ok_or(format!("no help text: {line}"))?;
    let escapes = if format == Format::Plain { "\\n" } else { "\\n\"" };
    unescape(help, escapes).map_err(|why| format!("{why}: {line}"))?;
    if !is_name(name, ":") || help.is_empty() || help.contains('\r') {
        return Err(format!("bad help: {line}"));
    }
    Ok(name)
}

fn read_type<'a>(line: &'a str, name: &str, format: Format) -> Result<&'a str, String> {
    let kinds: &[&str] = match format {
        Format::Plain => &["counter", "gauge", "summary", "histogram", "untyped"],
        Format::OpenMetrics => &["counter", "gauge", "summary", "histogram", "unknown", "info"],
    };
    let rest = line.strip_prefix("# TYPE ").ok_or(format!("no # TYPE: {line}"))?;
    match rest.split_once(' ') {
        Some((of, kind)) if of == name && kinds.contains(&kind) => Ok(kind),
        _ => Err(format!("bad type: {line}")),
    }
}

fn is_name(text: &str, besides: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_' || besides.contains(c);
    !text.is_empty() && text.chars().all(is_good) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// The text without its escapes; only `allowed` may be escaped.
fn unescape(text: &str, allowed: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next().filter(|next| allowed.contains(*next)) {
                Some('n') => out.push('\n'),
                Some(next) => out.push(next),
                None => return Err("bad escape".into()),
            },
            '"' if allowed.contains('"') => return Err("a quote that is not escaped".into()),
            _ => out.push(c),
        }
    }
    Ok(out)
}

fn read_sample(line: &str) -> Result<Sample<'_>, String> {
    let fail = |why: &str| format!("{why}: {line}");
    let name_end = line.find(['{', ' ']).ok_or(fail("no value"))?;
    let (name, rest) = line.split_at(name_end);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => read_labels(rest).map_err(|why| fail(&why))?,
        None => (BTreeMap::new(), rest),
    };
    let value = value.strip_prefix(' ').ok_or(fail("no blank before the value"))?;
    let is_number =
        value.bytes().all(|byte| b"0123456789+-.e".contains(&byte)) && value.parse::<f64>().is_ok();
    if !is_name(name, ":") || !is_number {
        return Err(fail("bad sample"));
    }
    Ok(Sample { name, labels, value })
}

/// Labels up to the closing brace, and what comes behind it.
fn read_labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    loop {
        let (label, behind) = rest.split_once("=\"").ok_or("a label without value")?;
        let end = value_end(behind).ok_or("a label value that does not end")?;
        let value = unescape(&behind[..end], "\\n\"")?;
        if !is_name(label, "") || label.starts_with("__") {
            return Err(format!("bad label {label}"));
        }
        if labels.insert(label.to_owned(), value).is_some() {
            return Err(format!("label {label} comes twice"));
        }
        rest = &behind[end + 1..];
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok((labels, rest.strip_prefix('}').ok_or("no closing brace")?)),
        }
    }
}

fn value_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

fn check_family(name: &str, kind: &str, samples: &[Sample<'_>], format: Format) -> Result<(), String> {
    if samples.is_empty() {
        return Err(format!("{name} has no samples"));
    }
    if kind == "counter" && name.ends_with("_total") != (format == Format::Plain) {
        return Err(format!("a counter's family is called {name}"));
    }
    samples.iter().try_for_each(|sample| check_sample(name, kind, sample, format))?;
    match kind {
        "histogram" => check_histogram(name, samples),
        "summary" => check_summary(name, samples),
        _ => Ok(()),
    }
}

fn check_sample(family: &str, kind: &str, sample: &Sample<'_>, format: Format) -> Result<(), String> {
    let suffix = sample.name.strip_prefix(family).ok_or(format!("{} stands under {family}", sample.name))?;
    let suffixes: &[&str] = match (kind, format) {
        ("counter", Format::OpenMetrics) => &["_total"],
        ("info", _) => &["_info"],
        ("summary", _) => &["", "_sum", "_count"],
        ("histogram", _) => &["_bucket", "_sum", "_count"],
        _ => &[""],
    };
    let value: f64 = sample.value.parse().unwrap();
    let has_quantile = sample.labels.contains_key("quantile");
    let has_bound = sample.labels.contains_key("le");
    let is_good = suffixes.contains(&suffix)
        && has_quantile == (kind == "summary" && suffix.is_empty())
        && has_bound == (suffix == "_bucket")
        && (!["counter", "histogram"].contains(&kind) || value >= 0.0)
        && (kind != "info" || value == 1.0);
    if is_good { Ok(()) } else { Err(format!("{}{:?} is no {kind}", sample.name, sample.labels)) }
}

/// Samples with the same labels apart from `but` belong together.
fn grouped<'a>(samples: &'a [Sample<'a>], but: &str) -> BTreeMap<String, Vec<&'a Sample<'a>>> {
    let mut groups: BTreeMap<String, Vec<&Sample<'_>>> = BTreeMap::new();
    for sample in samples {
        let others: Vec<_> = sample.labels.iter().filter(|(label, _)| *label != but).collect();
        groups.entry(format!("{others:?}")).or_default().push(sample);
    }
    groups
}

fn check_summary(name: &str, samples: &[Sample<'_>]) -> Result<(), String> {
    for group in grouped(samples, "quantile").values() {
        let quantiles =
            group.iter().filter_map(|sample| Some((sample.labels.get("quantile")?, sample.value)));
        let mut before = (-1.0, f64::MIN);
        for (quantile, value) in quantiles {
            let next: (f64, f64) = (quantile.parse().unwrap_or(f64::NAN), value.parse().unwrap());
            let is_in_order = next.0 > before.0 && next.0 <= 1.0 && next.1 >= before.1;
            // OpenMetrics wants 1.0 and not 1, so that a quantile has one name.
            if !is_in_order || !quantile.contains('.') {
                return Err(format!("{name}: bad quantile {quantile}"));
            }
            before = next;
        }
    }
    Ok(())
}

fn check_histogram(name: &str, samples: &[Sample<'_>]) -> Result<(), String> {
    for group in grouped(samples, "le").values() {
        let of = |suffix: &str| group.iter().find(|sample| sample.name == format!("{name}{suffix}"));
        let mut before = (f64::NEG_INFINITY, 0.0);
        for sample in group.iter().filter(|sample| sample.name.ends_with("_bucket")) {
            let bound = if sample.labels["le"] == "+Inf" { "inf" } else { &sample.labels["le"] };
            let next: (f64, f64) = (bound.parse().unwrap_or(f64::NAN), sample.value.parse().unwrap());
            if next.0.is_nan() || next.0 <= before.0 || next.1 < before.1 {
                return Err(format!("{name}: bad bucket {bound}"));
            }
            before = next;
        }
        let count = of("_count").map(|sample| sample.value.parse::<f64>().unwrap());
        if before.0 != f64::INFINITY || count != Some(before.1) || of("_sum").is_none() {
            return Err(format!("{name}: buckets, count and sum do not fit"));
        }
    }
    Ok(())
}

/// No family may be called like the samples of another.
fn check_clashes(families: &BTreeMap<String, String>) -> Result<(), String> {
    for name in families.keys() {
        for suffix in ["_total", "_created", "_count", "_sum", "_bucket", "_info"] {
            if families.contains_key(&format!("{name}{suffix}")) {
                return Err(format!("{name} and {name}{suffix} clash"));
            }
        }
    }
    Ok(())
}
