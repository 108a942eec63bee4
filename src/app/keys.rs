//! Owns the way from a pressed key to a command of the table. Letters go by what is printed on the key,
//! signs by what they type, so that every layout has them.

use winit::keyboard::{Key, ModifiersState, NamedKey};

use crate::player::{COMMANDS, Command};

/// The command of a key, if any.
pub fn command_of(key: &Key, modifiers: ModifiersState) -> Option<Command> {
    let name = key_name(key, modifiers)?;
    COMMANDS.iter().find(|row| row.keys.contains(&name.as_str())).map(|row| row.command)
}

/// Whether holding the key does it again and again.
pub fn repeats(command: Command) -> bool {
    use Command::{
        ExposureDown, ExposureUp, GammaDown, GammaUp, JumpBackward, JumpForward, StepBackward, StepForward,
        ZoomIn, ZoomOut,
    };
    matches!(
        command,
        StepForward
            | StepBackward
            | JumpForward
            | JumpBackward
            | ExposureUp
            | ExposureDown
            | GammaUp
            | GammaDown
            | ZoomIn
            | ZoomOut
    )
}

/// The key as the table writes it, such as `Shift+Right`, `Ctrl+Q` or `?`.
fn key_name(key: &Key, modifiers: ModifiersState) -> Option<String> {
    let (base, counts_shift) = match key {
        Key::Named(named) => (named_key(*named)?.to_string(), true),
        Key::Character(text) => {
            let character = text.chars().next().filter(|_| text.chars().count() == 1)?;
            // Shift is part of what a sign key types.
            (character.to_uppercase().to_string(), character.is_alphabetic())
        }
        _ => return None,
    };
    let mut name = String::new();
    if modifiers.control_key() || modifiers.super_key() {
        name.push_str("Ctrl+");
    }
    if modifiers.alt_key() {
        name.push_str("Alt+");
    }
    if modifiers.shift_key() && counts_shift {
        name.push_str("Shift+");
    }
    Some(name + &base)
}

fn named_key(key: NamedKey) -> Option<&'static str> {
    Some(match key {
        NamedKey::Space => "Space",
        NamedKey::ArrowRight => "Right",
        NamedKey::ArrowLeft => "Left",
        NamedKey::ArrowUp => "Up",
        NamedKey::ArrowDown => "Down",
        NamedKey::Home => "Home",
        NamedKey::End => "End",
        NamedKey::PageUp => "PageUp",
        NamedKey::PageDown => "PageDown",
        NamedKey::Backspace => "Backspace",
        NamedKey::Tab => "Tab",
        NamedKey::F1 => "F1",
        NamedKey::F11 => "F11",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: Key, modifiers: ModifiersState) -> Option<Command> {
        command_of(&key, modifiers)
    }

    #[test]
    fn keys_lead_to_commands() {
        let none = ModifiersState::empty();
        assert_eq!(of(Key::Named(NamedKey::Space), none), Some(Command::TogglePlay));
        assert_eq!(of(Key::Named(NamedKey::ArrowRight), ModifiersState::SHIFT), Some(Command::JumpForward));
        assert_eq!(of(Key::Character("q".into()), ModifiersState::CONTROL), Some(Command::Quit));
        assert_eq!(of(Key::Character("q".into()), none), None);
        assert_eq!(of(Key::Character("?".into()), ModifiersState::SHIFT), Some(Command::ToggleHelp));
        assert_eq!(of(Key::Character("P".into()), ModifiersState::SHIFT), Some(Command::CycleLoop));
    }

    #[test]
    fn every_named_key_of_the_table_can_be_typed() {
        let named = [
            "Space",
            "Right",
            "Left",
            "Up",
            "Down",
            "Home",
            "End",
            "PageUp",
            "PageDown",
            "Backspace",
            "Tab",
            "F1",
            "F11",
        ];
        for key in COMMANDS.iter().flat_map(|row| row.keys) {
            let base =
                key.rsplit_once('+').map_or(*key, |(_, base)| if base.is_empty() { "+" } else { base });
            assert!(base.chars().count() == 1 || named.contains(&base), "{key}");
        }
    }
}
