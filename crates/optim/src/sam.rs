//! SAM: ascent to radius rho, descent from the iterate.

mod ascent;
mod config;

pub use ascent::Ascent;
pub use config::{AscentDecay, SamConfig};

use crate::error::OptimError;
use crate::objective::{Objective, Point};
use crate::optimizer::Optimizer;
use crate::scratch::Scratch;
use crate::sgd::Sgd;
use crate::state::resume_by_base;
use crate::vector::Vector;

/// Sharpness-aware minimization.
///
/// One step at the iterate `w`: the ascent gradient `g` at `w`, the perturbed weights `w_hat`, the descent gradient at `w_hat`, then one
/// base step *from `w`* with the descent gradient. `w` is restored from a copy, never by subtraction. How `w_hat` follows from `g` is the
/// choice of [`Ascent`]; as a rule `w_hat = w + rho * g / (||g|| + 1e-12)`. A zero ascent gradient leaves `w_hat = w`; a non-finite one
/// makes `w_hat`, and so the step, non-finite.
///
/// * Weight decay is by default no part of the ascent; see [`AscentDecay`].
/// * With several micro-batches (m-sharpness) each of them has an ascent of its own, and the base step is made once, along the mean of
///   their descent gradients, weighted by [`Objective::micro_share`].
/// * With `every` = k, steps 0, k, 2k, ... ascend; those between are steps of the base optimizer.
/// * With rho = 0 the ascent is left out: every step is bit-equal to the base optimizer's, at half the cost.
///
/// # Source
/// Foret et al. (2021), arXiv:2010.01412, Eq. (2) with p = 2, and Section 4.1 for m-sharpness. Departs from it by the 1e-12 beside the
/// norm.
#[derive(Debug)]
pub struct Sam<V> {
    config: SamConfig,
    base: Sgd<V>,
    iterate: Scratch<V>,
    scale: Scratch<V>,
    sum: Scratch<V>,
}

impl<V: Vector> Sam<V> {
    /// An optimizer that has not stepped yet.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if [`SamConfig::validate`] refuses the settings.
    pub fn new(config: SamConfig) -> Result<Self, OptimError> {
        config.validate()?;
        let base = Sgd::new(config.base.clone())?;
        let (iterate, scale, sum) = (Scratch::default(), Scratch::default(), Scratch::default());
        Ok(Self { config, base, iterate, scale, sum })
    }

    /// The optimizer that descends.
    pub fn base(&self) -> &Sgd<V> {
        &self.base
    }

    /// Leaves in `gradient` the mean of the micro-batches' perturbed gradients; returns the loss.
    fn mean_perturbed_gradient<O: Objective<V>>(
        &mut self,
        objective: &mut O,
        of: usize,
        parameters: &mut V,
        gradient: &mut V,
    ) -> Result<O::Loss, OptimError> {
        let mut loss = self.perturbed_gradient(objective, Some((0, of)), parameters, gradient)?;
        gradient.scale(objective.micro_share(0, of));
        for part in 1..of {
            self.sum.like(gradient).copy_from(gradient);
            let share = objective.micro_share(part, of);
            loss = self.perturbed_gradient(objective, Some((part, of)), parameters, gradient)?;
            gradient.axpby(1.0, self.sum.like(parameters), share);
        }
        Ok(loss)
    }

    /// Leaves in `gradient` the gradient at the perturbed weights, over a part of the minibatch or all of it; returns the loss at the
    /// iterate. `parameters` come back bit by bit.
    fn perturbed_gradient<O: Objective<V>>(
        &mut self,
        objective: &mut O,
        part: Option<(usize, usize)>,
        parameters: &mut V,
        gradient: &mut V,
    ) -> Result<O::Loss, OptimError> {
        let mut evaluate = |parameters: &V, at, gradient: &mut V| match part {
            None => objective.gradient(parameters, at, gradient),
            Some((part, of)) => objective.micro_gradient(part, of, parameters, at, gradient),
        };
        let loss = evaluate(parameters, Point::Iterate, gradient)?;
        let iterate = self.iterate.like(parameters);
        iterate.copy_from(parameters);

        let decay = &self.config.base.weight_decay;
        let decays = self.config.weight_decay == AscentDecay::Inside;
        if decays {
            decay.add_to(gradient, iterate, 1.0);
        }
        self.config.ascent.apply(self.config.rho, parameters, gradient, &mut self.scale);

        let descent = evaluate(parameters, Point::Perturbed, gradient);
        if decays && descent.is_ok() {
            // The base step adds the decay of the iterate: this turns it into that of the perturbed weights.
            decay.add_to(gradient, parameters, 1.0);
            decay.add_to(gradient, iterate, -1.0);
        }
        parameters.copy_from(iterate);
        descent?;
        Ok(loss)
    }
}

impl<V: Vector, O: Objective<V>> Optimizer<V, O> for Sam<V> {
    /// One step: two gradients, at `parameters` and at the perturbed weights. Returns the loss at `parameters` before the step.
    ///
    /// `gradient` is scratch space of the dimension of `parameters`; its content afterwards is unspecified.
    ///
    /// # Errors
    /// Those of [`Sgd::step`], [`OptimError::RangeOutOfBounds`] if the ascent's entries do not fit, and
    /// [`OptimError::NoMicroBatches`] if the objective has no parts. After an error `parameters` are bit-equal to what they were before.
    #[inline]
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        let ascends = self.base.num_steps().is_multiple_of(self.config.every.get());
        if self.config.rho == 0.0 || !ascends {
            return self.base.step(objective, parameters, gradient, learning_rate);
        }
        self.base.check(parameters, gradient, learning_rate)?;
        self.config.ascent.check_dim(parameters.dim())?;
        let loss = match self.config.num_micro_batches.get() {
            1 => self.perturbed_gradient(objective, None, parameters, gradient)?,
            of => self.mean_perturbed_gradient(objective, of, parameters, gradient)?,
        };
        self.base.descend(parameters, gradient, learning_rate);
        Ok(loss)
    }
}

resume_by_base!(Sam);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sgd::SgdConfig;

    fn sam(rho: f64) -> Sam<f64> {
        Sam::new(SamConfig::new(rho, SgdConfig::default())).unwrap()
    }

    #[test]
    fn a_zero_gradient_means_no_ascent() {
        let mut visited = Vec::new();
        let mut objective = |w: &f64, at: Point, g: &mut f64| {
            visited.push((at, *w));
            *g = 0.0;
            Ok(())
        };
        let (mut optimizer, mut w) = (sam(0.5), 3.0);
        optimizer.step(&mut objective, &mut w, &mut 0.0, 0.1).unwrap();
        assert_eq!(w, 3.0);
        assert_eq!(visited, [(Point::Iterate, 3.0), (Point::Perturbed, 3.0)]);
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
