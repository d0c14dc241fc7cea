//! SAM: ascent to radius rho, descent from the iterate.

use serde::{Deserialize, Serialize};

use crate::error::OptimError;
use crate::objective::{Objective, Point};
use crate::sgd::{Sgd, SgdConfig};
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// Added to the gradient norm before dividing by it, so that a zero gradient means no ascent.
const NORM_EPSILON: f64 = 1e-12;

/// The settings of [`Sam`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamConfig {
    /// The perturbation radius, in units of the parameters; finite and at least 0.
    pub rho: f64,
    /// The optimizer that descends with the gradient of the perturbed weights.
    #[serde(default)]
    pub base: SgdConfig,
}

impl SamConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        if !(self.rho.is_finite() && self.rho >= 0.0) {
            return Err(OptimError::setting("rho", &self.rho, "a finite number of at least 0"));
        }
        self.base.validate()
    }
}

/// Sharpness-aware minimization.
///
/// One step at the iterate `w`: the ascent gradient `g` at `w`, the perturbed weights `w_hat = w + rho * g / (||g|| + 1e-12)`, the
/// descent gradient at `w_hat`, then one base step *from `w`* with the descent gradient. `w` is restored from a copy, never by
/// subtraction. A zero ascent gradient leaves `w_hat = w`; a non-finite one makes `w_hat`, and so the step, non-finite.
///
/// Weight decay enters in the base step only: it is evaluated at `w` and has no part in the ascent.
///
/// With rho = 0 the ascent is left out: every step is bit-equal to the base optimizer's, at half the cost.
///
/// # Source
/// Foret et al. (2021), arXiv:2010.01412, Eq. (2) with p = 2. Departs from it by the 1e-12 beside the norm.
#[derive(Debug)]
pub struct Sam<V> {
    rho: f64,
    base: Sgd<V>,
    iterate: Option<V>,
    ascent_norm: Option<f64>,
}

impl<V: Vector> Sam<V> {
    /// An optimizer that has not stepped yet.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if [`SamConfig::validate`] refuses the settings.
    pub fn new(config: SamConfig) -> Result<Self, OptimError> {
        config.validate()?;
        Ok(Self { rho: config.rho, base: Sgd::new(config.base)?, iterate: None, ascent_norm: None })
    }

    /// The perturbation radius.
    pub fn rho(&self) -> f64 {
        self.rho
    }

    /// The optimizer that descends.
    pub fn base(&self) -> &Sgd<V> {
        &self.base
    }

    /// `||w_hat - w||` of the last step as it was realised in the storage's precision: rho, but for rounding, a zero gradient or a
    /// non-finite one. `None` before the first step and after [`Sam::restore`].
    pub fn effective_ascent_norm(&self) -> Option<f64> {
        self.ascent_norm
    }

    /// One step: two gradients, at `parameters` and at the perturbed weights. Returns the loss at `parameters` before the step.
    ///
    /// `gradient` is scratch space of the dimension of `parameters`; its content afterwards is unspecified.
    ///
    /// # Errors
    /// Those of [`Sgd::step`]. After an error of either evaluation `parameters` are bit-equal to what they were before.
    #[inline]
    pub fn step<O: Objective<V>>(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        if self.rho == 0.0 {
            let loss = self.base.step(objective, parameters, gradient, learning_rate)?;
            self.ascent_norm = Some(0.0);
            return Ok(loss);
        }
        self.base.check(parameters, gradient, learning_rate)?;
        let loss = objective.gradient(parameters, Point::Iterate, gradient)?;
        if self.iterate.as_ref().is_some_and(|iterate| iterate.dim() != parameters.dim()) {
            self.iterate = None;
        }
        let iterate = self.iterate.get_or_insert_with(|| parameters.zeros_like());
        iterate.copy_from(parameters);

        parameters.axpy(self.rho / (gradient.norm() + NORM_EPSILON), gradient);
        gradient.copy_from(parameters);
        gradient.axpy(-1.0, iterate);
        self.ascent_norm = Some(gradient.norm());

        let descent = objective.gradient(parameters, Point::Perturbed, gradient);
        parameters.copy_from(iterate);
        descent?;
        self.base.descend(parameters, gradient, learning_rate);
        Ok(loss)
    }

    /// What must be stored to continue exactly: the state of the base optimizer.
    pub fn state(&self) -> State<'_, V> {
        self.base.state()
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// Those of [`Sgd::restore`].
    pub fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError> {
        self.base.restore(state)?;
        self.ascent_norm = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sam(rho: f64) -> Sam<f64> {
        Sam::new(SamConfig { rho, base: SgdConfig::default() }).unwrap()
    }

    #[test]
    fn a_radius_that_is_negative_or_not_a_number_is_refused() {
        for rho in [-0.1, f64::NAN, f64::INFINITY] {
            let error = Sam::<f64>::new(SamConfig { rho, base: SgdConfig::default() }).unwrap_err();
            assert!(error.to_string().starts_with("rho is"), "{error}");
        }
    }

    #[test]
    fn a_zero_gradient_means_no_ascent() {
        let mut objective = |_: &f64, _: Point, g: &mut f64| {
            *g = 0.0;
            Ok(())
        };
        let (mut optimizer, mut w) = (sam(0.5), 3.0);
        optimizer.step(&mut objective, &mut w, &mut 0.0, 0.1).unwrap();
        assert_eq!((w, optimizer.effective_ascent_norm()), (3.0, Some(0.0)));
    }

    #[test]
    fn a_non_finite_gradient_is_seen_by_the_caller() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut objective = |_: &f64, _: Point, g: &mut f64| {
                *g = bad;
                Ok(())
            };
            let (mut optimizer, mut w) = (sam(0.5), 3.0);
            optimizer.step(&mut objective, &mut w, &mut 0.0, 0.1).unwrap();
            assert!(!w.is_finite());
            assert!(optimizer.effective_ascent_norm().is_some_and(f64::is_nan));
        }
    }

    #[test]
    fn a_failed_second_evaluation_leaves_the_iterate_as_it_was() {
        let mut objective = |w: &f64, at: Point, g: &mut f64| match at {
            Point::Iterate => {
                *g = *w;
                Ok(())
            }
            Point::Perturbed => Err(OptimError::objective("device lost")),
        };
        let (mut optimizer, mut w) = (sam(0.1), 0.3);
        assert!(optimizer.step(&mut objective, &mut w, &mut 0.0, 0.1).is_err());
        assert_eq!((w, optimizer.base().num_steps()), (0.3, 0));
    }
}
