//! SGD with momentum and coupled weight decay.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::OptimError;
use crate::objective::{Objective, Point};
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// How past gradients enter a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Momentum {
    /// Not at all.
    #[default]
    None,
    /// Polyak's heavy ball: `v = coefficient * v + (1 - dampening) * g`, step along `v`.
    HeavyBall {
        /// Weight of the past, in [0, 1). 0 is no momentum at all, whatever the dampening.
        coefficient: f64,
        /// How much the new gradient is held back, in [0, 1]. It does not apply at the first step.
        #[serde(default)]
        dampening: f64,
    },
    /// Nesterov's momentum as PyTorch has it: `v = coefficient * v + g`, step along `g + coefficient * v`. It knows no dampening.
    Nesterov {
        /// Weight of the past, in (0, 1).
        coefficient: f64,
    },
}

impl Momentum {
    /// The weight of the past; 0 without momentum.
    #[inline]
    pub fn coefficient(&self) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::HeavyBall { coefficient, .. } | Self::Nesterov { coefficient } => coefficient,
        }
    }

    /// How much the new gradient is held back; 0 unless a heavy ball says otherwise.
    #[inline]
    pub fn dampening(&self) -> f64 {
        match *self {
            Self::HeavyBall { dampening, .. } => dampening,
            Self::None | Self::Nesterov { .. } => 0.0,
        }
    }

    fn validate(&self) -> Result<(), OptimError> {
        match *self {
            Self::HeavyBall { coefficient, .. } if !(0.0..1.0).contains(&coefficient) => {
                Err(OptimError::setting("momentum.coefficient", &coefficient, "a number in [0, 1)"))
            }
            Self::HeavyBall { dampening, .. } if !(0.0..=1.0).contains(&dampening) => {
                Err(OptimError::setting("momentum.dampening", &dampening, "a number in [0, 1]"))
            }
            Self::Nesterov { coefficient } if !(coefficient > 0.0 && coefficient < 1.0) => {
                Err(OptimError::setting(
                    "momentum.coefficient",
                    &coefficient,
                    "a number in (0, 1) with Nesterov momentum",
                ))
            }
            Self::None | Self::HeavyBall { .. } | Self::Nesterov { .. } => Ok(()),
        }
    }
}

/// Coupled weight decay (L2): `coefficient * w` is added to the gradient before momentum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightDecay {
    /// The factor, finite and at least 0.
    pub coefficient: f64,
    /// The parameters it touches.
    #[serde(default)]
    pub on: DecayOn,
}

/// Which parameters weight decay touches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecayOn {
    /// All of them.
    #[default]
    All,
    /// Those in these index ranges, which are ascending and do not overlap.
    Ranges(Vec<Range<usize>>),
}

impl WeightDecay {
    fn validate(&self) -> Result<(), OptimError> {
        if !(self.coefficient.is_finite() && self.coefficient >= 0.0) {
            return Err(OptimError::setting(
                "weight_decay.coefficient",
                &self.coefficient,
                "a finite number of at least 0",
            ));
        }
        if let DecayOn::Ranges(ranges) = &self.on {
            let mut behind = 0;
            for range in ranges {
                if range.start < behind || range.end < range.start {
                    let expected = "ranges that are ascending and do not overlap";
                    return Err(OptimError::setting("weight_decay.on", &format!("{ranges:?}"), expected));
                }
                behind = range.end;
            }
        }
        Ok(())
    }

    #[inline]
    fn check_dim(&self, dim: usize) -> Result<(), OptimError> {
        match &self.on {
            DecayOn::All => Ok(()),
            DecayOn::Ranges(ranges) => match ranges.last() {
                Some(range) if range.end > dim => {
                    Err(OptimError::RangeOutOfBounds { start: range.start, end: range.end, dim })
                }
                _ => Ok(()),
            },
        }
    }
}

/// The settings of [`Sgd`] that do not change during a run. The default is plain SGD: no momentum, no weight decay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// How past gradients enter a step.
    pub momentum: Momentum,
    /// Coupled weight decay.
    pub weight_decay: WeightDecay,
}

impl SgdConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        self.momentum.validate()?;
        self.weight_decay.validate()
    }
}

/// Everything that [`Vector::sgd_step`] must know beside the vectors.
#[derive(Clone, Copy, Debug)]
pub struct SgdStep<'a> {
    /// The learning rate, finite and at least 0; it scales the whole update.
    pub learning_rate: f64,
    /// How past gradients enter.
    pub momentum: Momentum,
    /// Coupled weight decay.
    pub weight_decay: &'a WeightDecay,
    /// Whether this is the first step, at which the velocity becomes the gradient (weight decay included).
    pub first: bool,
}

/// Stochastic gradient descent with momentum and coupled weight decay.
///
/// With `g` the gradient plus `coefficient * w` of the weight decay, learning rate `lr` and momentum coefficient `mu`:
///
/// * no momentum: `w -= lr * g`;
/// * heavy ball: `v = g` at the first step, then `v = mu * v + (1 - dampening) * g`; `w -= lr * v`;
/// * Nesterov: `v` likewise without dampening; `w -= lr * (g + mu * v)`.
///
/// A change of learning rate therefore acts on the whole velocity at once. Agrees with `torch.optim.SGD`.
#[derive(Debug)]
pub struct Sgd<V> {
    config: SgdConfig,
    velocity: Option<V>,
    num_steps: u64,
}

impl<V: Vector> Sgd<V> {
    /// An optimizer that has not stepped yet.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if [`SgdConfig::validate`] refuses the settings.
    pub fn new(config: SgdConfig) -> Result<Self, OptimError> {
        config.validate()?;
        Ok(Self { config, velocity: None, num_steps: 0 })
    }

    /// The settings.
    pub fn config(&self) -> &SgdConfig {
        &self.config
    }

    /// The number of steps made so far.
    pub fn num_steps(&self) -> u64 {
        self.num_steps
    }

    /// One step: evaluates the gradient at `parameters` and moves them. Returns the loss before the step.
    ///
    /// `gradient` is scratch space of the dimension of `parameters`; its content afterwards is unspecified. Non-finite values flow
    /// through to `parameters`.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if `learning_rate` is negative or not finite, [`OptimError::DimensionMismatch`] or
    /// [`OptimError::RangeOutOfBounds`] if the vectors do not fit, and what `objective` returns. After an error neither `parameters`
    /// nor the state have changed.
    #[inline]
    pub fn step<O: Objective<V>>(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        self.check(parameters, gradient, learning_rate)?;
        let loss = objective.gradient(parameters, Point::Iterate, gradient)?;
        self.descend(parameters, gradient, learning_rate);
        Ok(loss)
    }

    /// Everything that could fail in a step, so that [`Sgd::descend`] cannot.
    #[inline]
    pub(crate) fn check(&self, parameters: &V, gradient: &V, learning_rate: f64) -> Result<(), OptimError> {
        if !(learning_rate.is_finite() && learning_rate >= 0.0) {
            return Err(OptimError::setting(
                "learning_rate",
                &learning_rate,
                "a finite number of at least 0",
            ));
        }
        let expected = parameters.dim();
        if gradient.dim() != expected {
            return Err(OptimError::DimensionMismatch { what: "gradient", expected, found: gradient.dim() });
        }
        if let Some(velocity) = &self.velocity
            && velocity.dim() != expected
        {
            return Err(OptimError::DimensionMismatch { what: "velocity", expected, found: velocity.dim() });
        }
        self.config.weight_decay.check_dim(expected)
    }

    /// Moves `parameters` by a gradient that has been evaluated already.
    #[inline]
    pub(crate) fn descend(&mut self, parameters: &mut V, gradient: &mut V, learning_rate: f64) {
        let momentum = self.config.momentum;
        let first = self.velocity.is_none();
        let velocity = if momentum.coefficient() == 0.0 {
            None
        } else {
            Some(self.velocity.get_or_insert_with(|| parameters.zeros_like()))
        };
        let step = SgdStep { learning_rate, momentum, weight_decay: &self.config.weight_decay, first };
        parameters.sgd_step(gradient, velocity, &step);
        self.num_steps += 1;
    }

    /// What must be stored to continue exactly: the counter `num_steps` and, after a step with momentum, the vector `velocity`.
    pub fn state(&self) -> State<'_, V> {
        let mut state = State::default();
        state.counters.insert("num_steps".to_owned(), self.num_steps);
        if let Some(velocity) = &self.velocity {
            state.vectors.insert("velocity".to_owned(), velocity);
        }
        state
    }

    /// Continues where `state` was taken; the next step is bit-equal to the one the stored optimizer would have made.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` comes from other settings; nothing has changed then.
    pub fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let num_steps = state.take_counter("num_steps")?;
        let has_velocity = num_steps > 0 && self.config.momentum.coefficient() != 0.0;
        let velocity = state.take_vector("velocity", has_velocity)?;
        state.expect_empty()?;
        (self.num_steps, self.velocity) = (num_steps, velocity);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(config: SgdConfig) -> String {
        Sgd::<f64>::new(config).unwrap_err().to_string()
    }

    fn momentum(momentum: Momentum) -> SgdConfig {
        SgdConfig { momentum, ..SgdConfig::default() }
    }

    fn decay(coefficient: f64, on: DecayOn) -> SgdConfig {
        SgdConfig { weight_decay: WeightDecay { coefficient, on }, ..SgdConfig::default() }
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        for coefficient in [f64::NAN, -0.1, 1.0] {
            let config = momentum(Momentum::HeavyBall { coefficient, dampening: 0.0 });
            assert!(refused(config).contains("momentum.coefficient"));
            assert!(refused(momentum(Momentum::Nesterov { coefficient })).contains("momentum.coefficient"));
        }
        for dampening in [f64::NAN, -0.1, 1.1] {
            let config = momentum(Momentum::HeavyBall { coefficient: 0.9, dampening });
            assert!(refused(config).contains("momentum.dampening"));
        }
        for coefficient in [f64::NAN, f64::INFINITY, -1.0] {
            assert!(refused(decay(coefficient, DecayOn::All)).contains("weight_decay.coefficient"));
        }
        assert!(refused(decay(0.1, DecayOn::Ranges(vec![0..3, 2..4]))).contains("do not overlap"));
    }

    #[test]
    fn nesterov_with_dampening_is_refused_when_read() {
        let read = |text: &str| serde_json::from_str::<SgdConfig>(text);
        let error =
            read(r#"{"momentum": {"kind": "nesterov", "coefficient": 0.9, "dampening": 0.1}}"#).unwrap_err();
        assert!(error.to_string().contains("dampening"), "{error}");
        let config = read(r#"{"momentum": {"kind": "heavy_ball", "coefficient": 0.9}}"#).unwrap();
        assert_eq!(config, momentum(Momentum::HeavyBall { coefficient: 0.9, dampening: 0.0 }));
    }

    #[test]
    fn a_step_refuses_what_does_not_fit_and_changes_nothing() {
        let mut objective = |w: &Vec<f64>, _: Point, g: &mut Vec<f64>| {
            g.copy_from(w);
            Ok(())
        };
        let mut w = vec![1.0, 2.0];
        let mut sgd = Sgd::new(decay(0.1, DecayOn::Ranges(vec![0..1, 1..3]))).unwrap();
        let error = sgd.step(&mut objective, &mut w, &mut vec![0.0; 2], 0.1).unwrap_err();
        assert!(matches!(error, OptimError::RangeOutOfBounds { start: 1, end: 3, dim: 2 }));
        let mut sgd = Sgd::new(SgdConfig::default()).unwrap();
        let error = sgd.step(&mut objective, &mut w, &mut vec![0.0; 3], 0.1).unwrap_err();
        assert!(matches!(error, OptimError::DimensionMismatch { what: "gradient", expected: 2, found: 3 }));
        for learning_rate in [f64::NAN, -0.1, f64::INFINITY] {
            assert!(sgd.step(&mut objective, &mut w, &mut vec![0.0; 2], learning_rate).is_err());
        }
        assert_eq!((w, sgd.num_steps()), (vec![1.0, 2.0], 0));
    }

    #[test]
    fn divergence_flows_into_the_parameters() {
        let mut objective = |_: &f64, _: Point, g: &mut f64| {
            *g = f64::NAN;
            Ok(f64::NAN)
        };
        let mut w = 1.0;
        let loss =
            Sgd::new(SgdConfig::default()).unwrap().step(&mut objective, &mut w, &mut 0.0, 0.1).unwrap();
        assert!(loss.is_nan() && w.is_nan());
    }

    #[test]
    fn a_state_of_other_settings_is_refused() {
        let mut with = Sgd::<f64>::new(momentum(Momentum::Nesterov { coefficient: 0.9 })).unwrap();
        let mut without = Sgd::<f64>::new(SgdConfig::default()).unwrap();
        let mut objective = |w: &f64, _: Point, g: &mut f64| {
            *g = *w;
            Ok(())
        };
        for sgd in [&mut with, &mut without] {
            sgd.step(&mut objective, &mut 1.0, &mut 0.0, 0.1).unwrap();
        }
        let (saved_with, saved_without) = (with.state().save(), without.state().save());
        assert!(matches!(with.restore(saved_without), Err(OptimError::MissingState { .. })));
        assert!(matches!(without.restore(saved_with), Err(OptimError::UnexpectedState { .. })));
    }
}
