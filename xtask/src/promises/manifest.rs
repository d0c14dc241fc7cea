//! `promises.toml`: name, area, how it is measured, the bound, and what it needs.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::file;
use crate::number;

/// One promise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Promise {
    pub(crate) name: String,
    /// `data`, `theory`, `training`, `reproduce`: what `--only` selects.
    pub(crate) area: String,
    pub(crate) measure: Measure,
    pub(crate) bound: Bound,
    #[serde(default)]
    pub(crate) needs: Vec<Need>,
    /// Printed behind the bound, a unit for example.
    #[serde(default)]
    pub(crate) unit: String,
}

/// How a promise is measured. In commands, `{polder}`, `{cargo}`, `{data}` and `{scratch}` are filled in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Measure {
    /// A JSON pointer into the last line of standard output; commands that are equal run once.
    Output { command: Vec<String>, pointer: String },
    /// The wall time of the command.
    Seconds { command: Vec<String> },
    /// A JSON pointer into a file that an earlier, longer run at `scale` has left.
    FinishedRun { file: PathBuf, scale: String, pointer: String },
    /// Record and last checkpoint of one training with 1 and with 2 workers, byte by byte.
    Workers { settings: Vec<String> },
    /// Record and last checkpoint of a training that was killed so many times and started again each time, against those
    /// of one that was not.
    Killed { settings: Vec<String>, kills: u64 },
    /// The table of a reproduction that was stopped so many times and repeated each time, against that of one that was not.
    Interrupted { options: Vec<String>, interruptions: u64 },
}

/// What must hold of the measured value.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Bound {
    pub(crate) at_least: Option<f64>,
    pub(crate) at_most: Option<f64>,
    /// Two files agree in every byte.
    #[serde(default)]
    pub(crate) equal: bool,
}

/// What a measurement gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Measured {
    Number(f64),
    Equal(bool),
}

/// What must be there before a promise can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Need {
    Cifar10,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    promise: Vec<Promise>,
}

/// Reads and checks the list.
pub(crate) fn read(path: &Path) -> Result<Vec<Promise>> {
    let manifest: Manifest =
        toml::from_str(&file::read(path)?).with_context(|| format!("in `{}`", path.display()))?;
    for promise in &manifest.promise {
        let Bound { at_least, at_most, equal } = promise.bound;
        ensure!(
            equal != (at_least.is_some() || at_most.is_some()),
            "the bound of `{}` must be `equal = true`, or `at-least`, `at-most` or both",
            promise.name
        );
    }
    Ok(manifest.promise)
}

impl Measure {
    /// Whether the release build of `polder` is run.
    pub(crate) fn needs_polder(&self) -> bool {
        match self {
            Self::Output { command, .. } | Self::Seconds { command } => {
                command.iter().any(|word| word.contains("{polder}"))
            }
            Self::Workers { .. } | Self::Killed { .. } | Self::Interrupted { .. } => true,
            Self::FinishedRun { .. } => false,
        }
    }
}

impl Bound {
    /// Whether `measured` keeps within the bound; a value that is no number never does.
    pub(crate) fn holds(self, measured: Measured) -> bool {
        match measured {
            Measured::Equal(equal) => self.equal && equal,
            Measured::Number(value) => {
                !self.equal
                    && !value.is_nan()
                    && self.at_least.is_none_or(|bound| value >= bound)
                    && self.at_most.is_none_or(|bound| value <= bound)
            }
        }
    }

    /// A measured value with the digits that tell whether it keeps within a narrow band.
    pub(crate) fn shown(self, measured: Measured) -> String {
        match (self.at_least, self.at_most, measured) {
            (Some(low), Some(high), Measured::Number(value)) if high - low < 0.01 => {
                let decimals = (1.0 - (high - low).log10().round()).clamp(0.0, 12.0) as usize;
                format!("{value:.decimals$}")
            }
            _ => measured.to_string(),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (Some(low), Some(high)) => {
                let [low, high] = [low, high].map(|end| self.shown(Measured::Number(end)));
                write!(formatter, "{low} to {high}")
            }
            (Some(low), None) => write!(formatter, "≥ {}", Measured::Number(low)),
            (None, Some(high)) => write!(formatter, "≤ {}", Measured::Number(high)),
            (None, None) => formatter.write_str("equal"),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Equal(equal) => formatter.write_str(if equal { "equal" } else { "different" }),
            Self::Number(value) => formatter.write_str(&number::short(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Measured};

    #[test]
    fn a_narrow_band_shows_the_digits_that_tell() {
        let band = Bound { at_least: Some(0.261_575), at_most: Some(0.261_585), equal: false };
        assert_eq!(band.to_string(), "0.261575 to 0.261585");
        assert_eq!(band.shown(Measured::Number(0.261_583_19)), "0.261583");
    }

    #[test]
    fn bounds_hold_at_their_edges_and_never_for_what_is_no_number() {
        let band = Bound { at_least: Some(0.45), at_most: Some(0.55), equal: false };
        for (value, holds) in [(0.45, true), (0.55, true), (0.449, false), (0.551, false), (f64::NAN, false)]
        {
            assert_eq!(band.holds(Measured::Number(value)), holds, "{value}");
        }
        let equal = Bound { at_least: None, at_most: None, equal: true };
        assert!(equal.holds(Measured::Equal(true)) && !equal.holds(Measured::Equal(false)));
        assert!(!equal.holds(Measured::Number(1.0)));
    }
}
