//! What can go wrong in an optimizer: settings, shapes and stored states. Values that become non-finite are no error.

use std::error::Error;

/// A setting that makes no sense, vectors that do not fit together, a state that cannot be restored, or an objective that failed.
///
/// Non-finite losses and parameters are not errors: they flow through every step, so that the caller sees and records the divergence.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptimError {
    /// A setting is outside its range.
    #[error("{setting} is {found}, expected {expected}")]
    InvalidSetting {
        /// The setting, as the configuration types call it.
        setting: String,
        /// The value that was given.
        found: String,
        /// The values that are allowed.
        expected: &'static str,
    },
    /// Two vectors that belong together have different dimensions.
    #[error("the {what} has {found} entries, expected {expected} like the parameters")]
    DimensionMismatch {
        /// Which vector does not fit.
        what: &'static str,
        /// The dimension of the parameters.
        expected: usize,
        /// The dimension that was found.
        found: usize,
    },
    /// A range of entries that a setting names ends behind the last parameter.
    #[error("the range {start}..{end} of a setting ends behind the last of the {dim} parameters")]
    RangeOutOfBounds {
        /// First entry of the range.
        start: usize,
        /// One behind its last entry.
        end: usize,
        /// The number of parameters.
        dim: usize,
    },
    /// Stored bytes have the wrong length for the vector they should fill.
    #[error(
        "{found} stored bytes do not fill a vector that takes {expected}; the state belongs to another model"
    )]
    ByteLength {
        /// The number of bytes that the vector takes.
        expected: usize,
        /// The number of bytes that were given.
        found: usize,
    },
    /// A state to restore lacks an entry.
    #[error("the stored state lacks {name:?}; it was written under another configuration")]
    MissingState {
        /// The entry that was looked for.
        name: String,
    },
    /// A state to restore has an entry that nothing here can take.
    #[error("the stored state holds {name:?}, which this configuration does not use")]
    UnexpectedState {
        /// The entry that is left over.
        name: String,
    },
    /// An objective was asked for a part of its minibatch, and has no parts.
    #[error(
        "the objective cannot evaluate one of {of} micro-batches; implement `Objective::micro_gradient` for it, or use \
         one micro-batch"
    )]
    NoMicroBatches {
        /// The number of parts that were asked for.
        of: usize,
    },
    /// The objective could not compute its loss or gradient.
    #[error("the objective could not be evaluated")]
    Objective {
        /// What the objective said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl OptimError {
    /// Wraps an objective's own error, so that it travels through a step unchanged.
    pub fn objective(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Objective { source: source.into() }
    }

    /// The same error with the entry named as it is in the state that `part` is a part of.
    pub(crate) fn within(self, part: &str) -> Self {
        match self {
            Self::MissingState { name } => Self::MissingState { name: format!("{part}.{name}") },
            Self::UnexpectedState { name } => Self::UnexpectedState { name: format!("{part}.{name}") },
            other => other,
        }
    }

    /// Cold, so that a step that checks its settings stays small enough to be inlined.
    #[cold]
    pub(crate) fn setting(setting: &str, found: &impl ToString, expected: &'static str) -> Self {
        Self::InvalidSetting { setting: setting.to_owned(), found: found.to_string(), expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objectives_error_stays_reachable_as_the_source() {
        let error = OptimError::objective("out of memory");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("out of memory"));
    }
}
