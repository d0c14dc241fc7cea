//! SGD with momentum, coupled weight decay and clipping.

use serde::{Deserialize, Serialize};

use crate::clip::clip_norm;
use crate::error::OptimError;
use crate::momentum::Momentum;
use crate::objective::{Objective, Point};
use crate::optimizer::Optimizer;
use crate::settings::{check_non_negative, check_positive};
use crate::sgd_step::SgdStep;
use crate::state::{Resumable, SavedState, State};
use crate::vector::{Vector, same_dim};
use crate::weight_decay::WeightDecay;

/// The settings of [`Sgd`] that do not change during a run. The default is plain SGD: no momentum, no weight decay, no clipping.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SgdConfig {
    /// How past gradients enter a step.
    pub momentum: Momentum,
    /// Coupled weight decay.
    pub weight_decay: WeightDecay,
    /// Scales gradients down to this global norm, greater than 0, before weight decay and momentum; see [`clip_norm`].
    pub clip_norm: Option<f64>,
}

impl SgdConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        self.momentum.validate()?;
        self.clip_norm.map_or(Ok(()), |max_norm| check_positive("clip_norm", max_norm))?;
        self.weight_decay.validate()
    }
}

/// Stochastic gradient descent with momentum, coupled weight decay and clipping.
///
/// With `g` the gradient, clipped if the settings say so, plus `coefficient * w` of the weight decay, learning rate `lr` and momentum coefficient `mu`:
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

    /// The number of steps made so far.
    pub fn num_steps(&self) -> u64 {
        self.num_steps
    }

    /// A step whose gradient the objective takes for one at `at`.
    #[inline]
    pub(crate) fn step_at<O: Objective<V>>(
        &mut self,
        objective: &mut O,
        at: Point,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        self.check(parameters, gradient, learning_rate)?;
        let loss = objective.gradient(parameters, at, gradient)?;
        self.descend(parameters, gradient, learning_rate);
        Ok(loss)
    }

    /// Everything that could fail in a step, so that [`Sgd::descend`] cannot.
    #[inline]
    pub(crate) fn check(&self, parameters: &V, gradient: &V, learning_rate: f64) -> Result<(), OptimError> {
        check_non_negative("learning_rate", learning_rate)?;
        same_dim("gradient", gradient, parameters)?;
        if let Some(velocity) = &self.velocity {
            same_dim("velocity", velocity, parameters)?;
        }
        self.config.weight_decay.on.check_dim(parameters.dim())
    }

    /// Moves `parameters` by a gradient that has been evaluated already.
    #[inline]
    pub(crate) fn descend(&mut self, parameters: &mut V, gradient: &mut V, learning_rate: f64) {
        if let Some(max_norm) = self.config.clip_norm {
            clip_norm(gradient, max_norm);
        }
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
}

impl<V: Vector, O: Objective<V>> Optimizer<V, O> for Sgd<V> {
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
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        self.step_at(objective, Point::Iterate, parameters, gradient, learning_rate)
    }
}

impl<V: Vector> Resumable<V> for Sgd<V> {
    /// What must be stored to continue exactly: the counter `num_steps` and, after a step with momentum, the vector `velocity`.
    fn state(&self) -> State<'_, V> {
        State::default().counter("num_steps", self.num_steps).vector("velocity", self.velocity.as_ref())
    }

    /// Continues where `state` was taken; the next step is bit-equal to the one the stored optimizer would have made.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` comes from other settings; nothing has changed then.
    fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
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
    use crate::entries::Entries;

    fn refused(config: SgdConfig) -> String {
        Sgd::<f64>::new(config).unwrap_err().to_string()
    }

    fn momentum(momentum: Momentum) -> SgdConfig {
        SgdConfig { momentum, ..SgdConfig::default() }
    }

    fn decay(coefficient: f64, on: Entries) -> SgdConfig {
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
            assert!(refused(decay(coefficient, Entries::All)).contains("weight_decay.coefficient"));
        }
        assert!(refused(decay(0.1, Entries::Ranges(vec![0..3, 2..4]))).contains("do not overlap"));
        for max_norm in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert!(
                refused(SgdConfig { clip_norm: Some(max_norm), ..SgdConfig::default() })
                    .contains("clip_norm")
            );
        }
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
        let mut sgd = Sgd::new(decay(0.1, Entries::Ranges(vec![0..1, 1..3]))).unwrap();
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
