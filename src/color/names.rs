//! Owns how a name that somebody typed is matched with the names there are. Pure.

use super::error::{ColorError, Named};
use crate::text::{shown, shown_capped};

/// How many names an error lists.
const LISTED: usize = 8;
const NAME_CHARS: usize = 80;

/// The one of `names` that `typed` means: as written, else whatever its case, spaces and punctuation, else the only
/// one that contains it.
pub(super) fn find<'a>(typed: &str, names: &'a [String]) -> Option<&'a String> {
    let plain = simplified(typed);
    let exact = names.iter().find(|name| *name == typed);
    let same = || names.iter().find(|name| is_same(typed, name));
    exact.or_else(same).or_else(|| only_containing(&plain, names))
}

/// Whether two names differ by case, spaces and punctuation alone.
pub(super) fn is_same(typed: &str, name: &str) -> bool {
    simplified(typed) == simplified(name)
}

fn only_containing<'a>(plain: &str, names: &'a [String]) -> Option<&'a String> {
    let mut holding = names.iter().filter(|name| !plain.is_empty() && simplified(name).contains(plain));
    holding.next().filter(|_| holding.next().is_none())
}

/// Lower case, letters and digits only: `sRGB - Display` and `srgb_display` are one name.
fn simplified(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The error for a name that is not there; it lists what there is, nearest first.
pub(super) fn unknown(what: Named, typed: &str, config: &str, names: &[String]) -> ColorError {
    let plain = simplified(&typed.chars().take(NAME_CHARS).collect::<String>());
    let mut nearest: Vec<(usize, &String)> =
        names.iter().map(|name| (distance(&plain, &simplified(name)), name)).collect();
    nearest.sort_by_key(|(distance, _)| *distance);
    let mut listed: Vec<String> = nearest
        .iter()
        .take(LISTED)
        .map(|(_, name)| format!("'{}'", shown_capped(name, NAME_CHARS)))
        .collect();
    if names.len() > LISTED {
        listed.push(format!("{} more", names.len() - LISTED));
    }
    let known = if listed.is_empty() { "nothing".into() } else { listed.join(", ") };
    ColorError::Unknown { what, name: shown_capped(typed, NAME_CHARS), config: shown(config), known }
}

/// How many letters `typed` lacks, has too many, or has wrong; a name that contains it is near, however long.
fn distance(typed: &str, name: &str) -> usize {
    if name.contains(typed) {
        return 0;
    }
    let name: Vec<char> = name.chars().take(NAME_CHARS).collect();
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (line, typed) in typed.chars().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, name) in name.iter().enumerate() {
            let changed = diagonal + usize::from(typed != *name);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["sRGB - Display", "Display P3 - Display", "Rec.1886 Rec.709 - Display"].map(String::from).to_vec()
    }

    #[test]
    fn names_are_found_as_people_type_them() {
        let names = names();
        let found = |typed| find(typed, &names).map(String::as_str);
        assert_eq!(found("sRGB - Display"), Some("sRGB - Display"));
        assert_eq!(found("srgb_display"), Some("sRGB - Display"));
        assert_eq!(found("P3"), Some("Display P3 - Display"));
        assert_eq!(found("display"), None, "three names contain it");
        assert_eq!(found(""), None);
    }

    #[test]
    fn an_unknown_name_lists_the_nearest_first() {
        let error = unknown(Named::Display, "sRBG display", "my\nconfig", &names()).to_string();
        assert!(
            error
                .starts_with("there is no display 'sRBG display' in my\\nconfig; there is: 'sRGB - Display'")
        );
        assert!(unknown(Named::Look, "x", "c", &[]).to_string().ends_with("there is: nothing"));
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 0);
        assert_eq!(distance("abc", ""), 3);
    }
}
