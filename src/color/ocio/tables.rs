//! Owns the repairs of the library's shader text, each with the number of places where it must fit. A text that looks
//! different from what a repair knows stays as it is: right, but slower or with the fault.

use log::warn;

/// A hue is made from a and b; where a is exactly 0 the text takes it for grey, though b may be large: single pixels
/// get the hue of red. The reference implementation has the same line.
pub(super) const HUE_FAULT: &str = "Aab.y == 0.0f)";
const HUE_REPAIR: &str = "Aab.y == 0.0f && Aab.z == 0.0f)";
const HUE_PLACE: &str = "atan2(Aab.z, Aab.y)";
/// Values from which a private array is worth moving: of 42 values, reading the uniform takes twice as long as the
/// array.
const MIN_VALUES: usize = 64;
/// Elements of the uniform; 16 KiB is what every adapter has.
const MAX_ELEMENTS: usize = 1024;

/// `text` with hues that are right where a is 0.
pub(super) fn repaired_hue(text: &str) -> String {
    let (places, faults) = (text.matches(HUE_PLACE).count(), text.matches(HUE_FAULT).count());
    if places != faults {
        warn!("colour shader: {faults} of {places} hues could be repaired; none is");
        return text.into();
    }
    text.replace(HUE_FAULT, HUE_REPAIR)
}

/// `text` with its private arrays moved to the uniform `color_tables`, whose first `taken` elements are taken.
/// Compilers copy a private array for every invocation; one of them took seconds for the first draw.
pub(super) fn moved(text: &str, taken: usize) -> (String, Vec<[f32; 4]>) {
    let (mut moved, mut elements) = (String::from(text), Vec::new());
    for line in text.lines() {
        let Some(table) = Table::parse(line) else { continue };
        let first = taken + elements.len();
        if table.values.len() < MIN_VALUES || first + table.values.len().div_ceil(4) > MAX_ELEMENTS {
            continue;
        }
        if let Some(without) = table.removed_from(&moved, line, first) {
            moved = without;
            elements.extend(table.values.chunks(4).map(|chunk| {
                let at = |index: usize| chunk.get(index).copied().unwrap_or(0.0);
                [at(0), at(1), at(2), at(3)]
            }));
        }
    }
    (moved, elements)
}

/// `var<private> name: array<f32, 3> = array<f32, 3>(0.0f, 1.0f, 2.0f);`
struct Table<'a> {
    name: &'a str,
    /// `f32` or `i32`.
    kind: &'a str,
    values: Vec<f32>,
}

impl<'a> Table<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, rest) = line.strip_prefix("var<private> ")?.split_once(": array<")?;
        let (kind, rest) = rest.split_once(", ")?;
        let (count, rest) = rest.split_once("> = array<")?;
        let (_, values) = rest.strip_suffix(");")?.split_once(">(")?;
        let number = |value: &str| value.trim().trim_end_matches(['f', 'i']).parse::<f32>().ok();
        let values: Vec<f32> = values.split(',').map(number).collect::<Option<_>>()?;
        let is_exact = kind == "f32" || (kind == "i32" && values.iter().all(|value| value.abs() < 1e6));
        (is_exact && Some(values.len()) == count.parse().ok()).then_some(Self { name, kind, values })
    }

    /// `text` where a function stands for the `line` that declares the table, and its calls for every index. None
    /// where the table is used in another way.
    fn removed_from(&self, text: &str, line: &str, first: usize) -> Option<String> {
        let Self { name, kind, .. } = self;
        let (before, after) = text.split_once(line)?;
        let value = format!("color_tables[{first}u + (u32(index) >> 2u)][u32(index) & 3u]");
        let function = format!("fn {name}_at(index: i32) -> {kind} {{ return {kind}({value}); }}");
        Some(self.called(before)? + &function + &self.called(after)?)
    }

    /// `text` with calls for indices.
    fn called(&self, text: &str) -> Option<String> {
        let (mut out, mut from) = (String::new(), 0);
        for (at, _) in text.match_indices(self.name) {
            let (before, after) = (&text[..at], &text[at + self.name.len()..]);
            if at < from || before.ends_with(is_name) || after.starts_with(is_name) {
                continue;
            }
            let index = within_brackets(after)?;
            out = out + &text[from..at] + self.name + "_at(i32(" + &self.called(index)? + "))";
            from = at + self.name.len() + index.len() + 2;
        }
        Some(out + &text[from..])
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `i + a[j]` of `[i + a[j]] = 1`.
fn within_brackets(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return Some(&text[1..at]),
            ']' => depth -= 1,
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_are_repaired_everywhere_or_nowhere() {
        let fault = "select(atan2(Aab.z, Aab.y) * 57.2f, 0.0f, Aab.y == 0.0f);";
        assert!(repaired_hue(fault).ends_with("Aab.y == 0.0f && Aab.z == 0.0f);"));
        let strange = format!("{fault} {HUE_PLACE}");
        assert_eq!(repaired_hue(&strange), strange);
        assert_eq!(repaired_hue("fn f() {}"), "fn f() {}");
    }

    /// A declaration of `count` values, the first of which are `values`.
    fn array(name: &str, kind: &str, values: &[&str], count: usize) -> String {
        let all: Vec<&str> = values.iter().copied().chain(std::iter::repeat("0")).take(count).collect();
        format!("var<private> {name}: array<{kind}, {count}> = array<{kind}, {count}>({});\n", all.join(", "))
    }

    #[test]
    fn long_arrays_become_functions() {
        let text = array("t", "f32", &["1.0f", "-2.5f", "3e-2f", "4.0f", "5.0f"], 65)
            + &array("n", "i32", &["-1", "7"], 64)
            + "let x = t[n[i] + 1] + tt[0] * t_2[n[0]];";
        let (moved, elements) = moved(&text, 10);
        assert_eq!(elements.len(), 17 + 16);
        assert_eq!(elements[..2], [[1.0, -2.5, 0.03, 4.0], [5.0, 0.0, 0.0, 0.0]]);
        assert_eq!(elements[17], [-1.0, 7.0, 0.0, 0.0]);
        assert!(moved.contains("fn t_at(index: i32) -> f32 { return f32(color_tables[10u + "), "{moved}");
        assert!(moved.contains("fn n_at(index: i32) -> i32 { return i32(color_tables[27u + "), "{moved}");
        assert!(
            moved.ends_with("let x = t_at(i32(n_at(i32(i)) + 1)) + tt[0] * t_2[n_at(i32(0))];"),
            "{moved}"
        );
    }

    #[test]
    fn what_cannot_be_moved_stays() {
        let whole = array("t", "f32", &[], 70) + "let copy = t;";
        let odd = array("t", "f32", &[], 70).replacen("70", "71", 1) + "let x = t[0];";
        let strange = array("t", "f32", &["one"], 70) + "let x = t[0];";
        let short = array("t", "f32", &[], 63) + "let x = t[0];";
        for text in [whole, odd, strange, short] {
            assert_eq!(moved(&text, 0), (text.clone(), vec![]));
        }
        let full = array("t", "f32", &[], 70) + "let x = t[0];";
        assert_eq!(moved(&full, MAX_ELEMENTS), (full.clone(), vec![]));
    }
}
