//! Owns what can go wrong with colour, as one message each: what was looked for, what was found, what to do.

use std::fmt;

/// What somebody gave a name for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    Space,
    Look,
    Display,
    View,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Space => "colour space",
            Self::Look => "look",
            Self::Display => "display",
            Self::View => "view",
        })
    }
}

/// Why a colour chain could not be built. Every text in it is safe to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColorError {
    /// The config is not there, is no config, or declares what nobody should believe.
    #[error("cannot read the colour config {name}: {cause}")]
    Config { name: String, cause: String },
    /// A name that the config does not have.
    #[error("there is no {what} '{name}' in {config}; there is: {known}")]
    Unknown { what: Named, name: String, config: String, known: String },
    /// A LUT file is not there, or no format understands it.
    #[error("cannot use the LUT {path}: {cause}")]
    Lut { path: String, cause: String },
    /// The config was read, but no chain comes out of it.
    #[error("{config} gives no way from {from} to {to}: {cause}")]
    Chain { config: String, from: String, to: String, cause: String },
    /// The library failed where it should have answered.
    #[error("the colour library failed on {what}: {cause}")]
    Failed { what: String, cause: String },
    /// Something that only the build with OpenColorIO can do.
    #[error(
        "{what} needs OpenColorIO, which this build does not have; leave it out, or build with the feature 'ocio'"
    )]
    NotBuilt { what: String },
}
