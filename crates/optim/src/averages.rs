//! `Averages`: several averages of one trajectory, side by side.

mod ema;
mod running;
mod swa;
mod tail;
mod window;

use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};

pub use ema::Ema;
pub use swa::Swa;
pub use tail::TailAverage;
pub use window::WindowAverage;

use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// Which average of the iterates to keep. Steps are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AverageConfig {
    /// The uniform mean; see [`TailAverage`].
    Tail {
        /// The first step that is averaged.
        start: u64,
    },
    /// The exponential moving average that begins with a copy; see [`Ema::new`].
    Ema {
        /// The first step that is averaged.
        start: u64,
        /// The weight of the past, in [0, 1].
        decay: f64,
    },
    /// The exponential moving average with bias correction; see [`Ema::bias_corrected`].
    CorrectedEma {
        /// The first step that is averaged.
        start: u64,
        /// The weight of the past, in [0, 1].
        decay: f64,
    },
    /// The uniform mean of one iterate of every few; see [`Swa`].
    Swa {
        /// The first step that is averaged.
        start: u64,
        /// The steps from one averaged iterate to the next.
        every: NonZeroU64,
    },
    /// The mean of the last few iterates; see [`WindowAverage`], also for what it stores.
    Window {
        /// The first step that is averaged.
        start: u64,
        /// The steps from one averaged iterate to the next.
        every: NonZeroU64,
        /// The number of iterates in the mean.
        length: NonZeroUsize,
    },
}

impl AverageConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if a decay is outside [0, 1] or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        match *self {
            Self::Ema { decay, .. } | Self::CorrectedEma { decay, .. } if !(0.0..=1.0).contains(&decay) => {
                Err(OptimError::setting("decay", &decay, "a number in [0, 1]"))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug)]
enum Average<V> {
    Tail(TailAverage<V>),
    Ema(Ema<V>),
    Swa(Swa<V>),
    Window(WindowAverage<V>),
}

impl<V: Vector> Average<V> {
    fn new(config: AverageConfig) -> Result<Self, OptimError> {
        Ok(match config {
            AverageConfig::Tail { start } => Self::Tail(TailAverage::new(start)),
            AverageConfig::Ema { start, decay } => Self::Ema(Ema::new(start, decay)?),
            AverageConfig::CorrectedEma { start, decay } => Self::Ema(Ema::bias_corrected(start, decay)?),
            AverageConfig::Swa { start, every } => Self::Swa(Swa::new(start, every)),
            AverageConfig::Window { start, every, length } => {
                Self::Window(WindowAverage::new(start, every, length))
            }
        })
    }

    #[inline]
    fn update(&mut self, step: u64, iterate: &V) {
        match self {
            Self::Tail(tail) => tail.update(step, iterate),
            Self::Ema(ema) => ema.update(step, iterate),
            Self::Swa(swa) => swa.update(step, iterate),
            Self::Window(window) => window.update(step, iterate),
        }
    }

    fn get(&self) -> Option<&V> {
        match self {
            Self::Tail(tail) => tail.get(),
            Self::Ema(ema) => ema.get(),
            Self::Swa(swa) => swa.get(),
            Self::Window(window) => window.get(),
        }
    }

    fn num_averaged(&self) -> u64 {
        match self {
            Self::Tail(tail) => tail.num_averaged(),
            Self::Ema(ema) => ema.num_averaged(),
            Self::Swa(swa) => swa.num_averaged(),
            Self::Window(window) => window.num_averaged(),
        }
    }

    fn state(&self) -> State<'_, V> {
        match self {
            Self::Tail(tail) => tail.state(),
            Self::Ema(ema) => ema.state(),
            Self::Swa(swa) => swa.state(),
            Self::Window(window) => window.state(),
        }
    }

    fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError> {
        match self {
            Self::Tail(tail) => tail.restore(state),
            Self::Ema(ema) => ema.restore(state),
            Self::Swa(swa) => swa.restore(state),
            Self::Window(window) => window.restore(state),
        }
    }
}

/// Named averages over one trajectory.
#[derive(Debug)]
pub struct Averages<V> {
    averages: Vec<Named<V>>,
}

/// An average with its name, and with its settings, from which an empty one is made to take a stored state.
#[derive(Debug)]
struct Named<V> {
    name: String,
    config: AverageConfig,
    average: Average<V>,
}

impl<V: Vector> Averages<V> {
    /// Empty averages, in the given order. Names consist of letters, digits, `-` and `_`, and differ from each other.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if a name or an average's settings are refused.
    pub fn new(averages: Vec<(String, AverageConfig)>) -> Result<Self, OptimError> {
        let mut kept: Vec<Named<V>> = Vec::with_capacity(averages.len());
        for (name, config) in averages {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(is_plain) {
                let expected = "letters, digits, - and _, at least one";
                return Err(OptimError::setting("an average's name", &format!("{name:?}"), expected));
            }
            if kept.iter().any(|other| other.name == name) {
                let expected = "a name that no other average has";
                return Err(OptimError::setting("an average's name", &format!("{name:?}"), expected));
            }
            kept.push(Named { name, config, average: Average::new(config)? });
        }
        Ok(Self { averages: kept })
    }

    /// Takes the iterate after step `step` (counted from 0) into every average that has started. To be called once per step.
    ///
    /// # Panics
    /// May panic if `iterate` has another dimension than the iterates before it.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        for named in &mut self.averages {
            named.average.update(step, iterate);
        }
    }

    /// The average of this name; `None` if it has not started or does not exist.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.iter().find(|(other, _)| *other == name).map(|(_, average)| average)
    }

    /// The number of iterates in the average of this name; `None` if it does not exist.
    pub fn num_averaged(&self, name: &str) -> Option<u64> {
        self.averages.iter().find(|named| named.name == name).map(|named| named.average.num_averaged())
    }

    /// The averages that have started, by name, in the order of construction.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.averages.iter().filter_map(|named| Some((named.name.as_str(), named.average.get()?)))
    }

    /// What must be stored to continue exactly: the state of every average, each entry's name behind `<name of the average>.`.
    pub fn state(&self) -> State<'_, V> {
        let mut state = State::default();
        for Named { name, average, .. } in &self.averages {
            let own = average.state();
            state
                .counters
                .extend(own.counters.into_iter().map(|(entry, value)| (format!("{name}.{entry}"), value)));
            state
                .vectors
                .extend(own.vectors.into_iter().map(|(entry, value)| (format!("{name}.{entry}"), value)));
        }
        state
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` holds other averages; nothing has changed then.
    pub fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let mut restored = Vec::with_capacity(self.averages.len());
        for Named { name, config, .. } in &self.averages {
            let mut average = Average::new(*config)?;
            average.restore(state.take_part(name)).map_err(|error| error.within(name))?;
            restored.push(average);
        }
        state.expect_empty()?;
        for (named, average) in self.averages.iter_mut().zip(restored) {
            named.average = average;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn averages(configs: &[(&str, AverageConfig)]) -> Result<Averages<f64>, OptimError> {
        Averages::new(configs.iter().map(|(name, config)| ((*name).to_owned(), *config)).collect())
    }

    #[test]
    fn names_and_decays_that_make_no_sense_are_refused() {
        let tail = AverageConfig::Tail { start: 0 };
        assert!(
            averages(&[("tail", tail), ("tail", tail)]).unwrap_err().to_string().contains("no other average")
        );
        assert!(averages(&[("a.b", tail)]).is_err());
        assert!(averages(&[("", tail)]).is_err());
        for decay in [-0.1, 1.1, f64::NAN] {
            assert!(averages(&[("ema", AverageConfig::Ema { start: 0, decay })]).is_err());
        }
    }

    #[test]
    fn averages_begin_at_their_start_step() {
        let mut averages = averages(&[
            ("tail", AverageConfig::Tail { start: 2 }),
            ("ema", AverageConfig::Ema { start: 3, decay: 0.75 }),
        ])
        .unwrap();
        for (step, iterate) in [1.0, 2.0, 4.0, 8.0, 16.0].iter().enumerate() {
            assert_eq!(averages.iter().count(), step.saturating_sub(2));
            averages.update(step as u64, iterate);
        }
        assert!((averages.get("tail").unwrap() - 28.0 / 3.0).abs() < 1e-14);
        assert_eq!(averages.get("ema"), Some(&10.0));
        assert_eq!((averages.num_averaged("tail"), averages.num_averaged("ema")), (Some(3), Some(2)));
        assert_eq!((averages.get("other"), averages.num_averaged("other")), (None, None));
    }
}
