//! The loss that the mean iterate of SGD descends on: modified losses, their gradient flows, and the mean over all orders of an epoch.

use polder_optim::Optimizer as _;
use polder_optim::{OptimError, Point, Sgd, SgdConfig};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::setting::at_least_2;
use polder_stats::Estimate;

/// The most minibatches whose orders are all enumerated: 7! = 5040.
pub(crate) const MAX_ENUMERATED: usize = 7;

/// The most steps of a flow; far more than any flow of finite slopes over the times of an epoch takes.
const MAX_FLOW_STEPS: u32 = 1 << 20;

/// The loss of one minibatch, `curvature * (w - center)^2 / 2 + skew * w^3 / 6`: the simplest whose curvature changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CubicLoss {
    /// The second derivative at 0.
    pub curvature: f64,
    /// The minimiser of the quadratic part.
    pub center: f64,
    /// The third derivative.
    pub skew: f64,
}

impl CubicLoss {
    /// The first derivative at `w`.
    pub(crate) fn slope(&self, w: f64) -> f64 {
        self.curvature * (w - self.center) + 0.5 * self.skew * w * w
    }

    /// The second derivative at `w`.
    pub(crate) fn curvature_at(&self, w: f64) -> f64 {
        self.curvature + self.skew * w
    }

    /// The mean of `losses`, which is cubic again up to a constant; there must be at least one.
    pub(crate) fn mean(losses: &[Self]) -> Self {
        let n = losses.len() as f64;
        let sum = |part: fn(&Self) -> f64| losses.iter().map(part).sum::<f64>() / n;
        let curvature = sum(|loss| loss.curvature);
        // The slope at 0 is what fixes the center; without any curvature there is none, and no slope from it either.
        let pull = sum(|loss| loss.curvature * loss.center);
        let center = if curvature == 0.0 { 0.0 } else { pull / curvature };
        Self { curvature, center, skew: sum(|loss| loss.skew) }
    }
}

/// A loss whose gradient flow is compared with the mean iterate. C is the mean of the m minibatch losses `C_k`, eps the step size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModifiedLoss {
    /// C itself.
    Plain,
    /// `C + (eps / 4) |grad C|^2`, which full-batch gradient descent follows.
    GradientDescent,
    /// `C + (eps / (4 m)) * sum of |grad C_k|^2`, which the mean iterate of SGD under random shuffling follows: after one epoch,
    /// `E[w_m] = w(m eps) + O((m eps)^3)`.
    Sgd,
}

impl ModifiedLoss {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::GradientDescent, Self::Sgd];

    /// The part of the loss at `w` that is added to C.
    pub(crate) fn penalty(self, losses: &[CubicLoss], step_size: f64, w: f64) -> f64 {
        let m = losses.len() as f64;
        let square = match self {
            Self::Plain => 0.0,
            Self::GradientDescent => (losses.iter().map(|loss| loss.slope(w)).sum::<f64>() / m).powi(2),
            Self::Sgd => losses.iter().map(|loss| loss.slope(w).powi(2)).sum::<f64>() / m,
        };
        0.25 * step_size * square
    }

    /// The derivative of the loss at `w`.
    ///
    /// # Source
    /// Smith et al. (2021), arXiv:2101.12176: Eq. (1) for SGD; Barrett and Dherin (2021), arXiv:2009.11162, for gradient descent.
    pub(crate) fn slope(self, losses: &[CubicLoss], step_size: f64, w: f64) -> f64 {
        let m = losses.len() as f64;
        let slope = losses.iter().map(|loss| loss.slope(w)).sum::<f64>() / m;
        let half_gradient_of_square = match self {
            Self::Plain => 0.0,
            Self::GradientDescent => slope * losses.iter().map(|loss| loss.curvature_at(w)).sum::<f64>() / m,
            Self::Sgd => losses.iter().map(|loss| loss.slope(w) * loss.curvature_at(w)).sum::<f64>() / m,
        };
        slope + 0.5 * step_size * half_gradient_of_square
    }

    /// Where the gradient flow of the loss is at `time`, from `start`.
    ///
    /// The classical Runge-Kutta method of order 4, with twice the steps until the end moves by less than 1e-14 of its size, some
    /// units of rounding: the errors that are measured against it are larger by orders of magnitude.
    ///
    /// # Errors
    /// [`TheoryError::InvalidSetting`] if the flow leaves the finite numbers before `time`.
    pub(crate) fn flow(
        self,
        losses: &[CubicLoss],
        step_size: f64,
        start: f64,
        time: f64,
    ) -> Result<f64, TheoryError> {
        let velocity = |w| -self.slope(losses, step_size, w);
        let (mut num_steps, mut before) = (8, f64::NAN);
        while num_steps <= MAX_FLOW_STEPS {
            let h = time / f64::from(num_steps);
            let end = (0..num_steps).fold(start, |w, _| {
                let a = velocity(w);
                let b = velocity(w + 0.5 * h * a);
                let c = velocity(w + 0.5 * h * b);
                let d = velocity(w + h * c);
                w + h / 6.0 * (a + 2.0 * (b + c) + d)
            });
            if (end - before).abs() <= 1e-14 * end.abs().max(start.abs()) {
                return Ok(end);
            }
            (num_steps, before) = (2 * num_steps, end);
        }
        let expected = "a starting point whose gradient flow stays finite for one epoch";
        Err(TheoryError::setting("start", &start, expected))
    }
}

/// Where one epoch of SGD ends from `start`, visiting the minibatches in `order`; the steps are those of [`Sgd`].
///
/// # Errors
/// [`TheoryError::Optim`] if the step size is refused.
pub(crate) fn epoch(
    losses: &[CubicLoss],
    order: &[usize],
    step_size: f64,
    start: f64,
) -> Result<f64, TheoryError> {
    let mut sgd = Sgd::new(SgdConfig::default())?;
    let mut w = start;
    for &k in order {
        let mut objective = |w: &f64, _: Point, gradient: &mut f64| -> Result<(), OptimError> {
            *gradient = losses[k].slope(*w);
            Ok(())
        };
        sgd.step(&mut objective, &mut w, &mut 0.0, step_size)?;
    }
    Ok(w)
}

/// The mean of where one epoch ends over uniformly random orders of the minibatches.
///
/// With at most [`MAX_ENUMERATED`] minibatches over all orders, without error. With more over `num_pairs` random orders, each together
/// with its reverse: the term of order eps^2 that depends on the order, the sum over j after k of `H_j g_k`, adds up to a constant over
/// such a pair, so that the standard error is of order eps^3 like what is to be measured.
///
/// # Errors
/// [`TheoryError::InvalidSetting`] if there are fewer than 2 pairs and more minibatches than are enumerated; [`TheoryError::Optim`].
pub(crate) fn mean_epoch(
    losses: &[CubicLoss],
    step_size: f64,
    start: f64,
    num_pairs: u64,
    purpose: Purpose,
) -> Result<Estimate, TheoryError> {
    let m = losses.len();
    // Means are taken of differences from the start, which are small: less is lost to rounding.
    let moved = |order: &[usize]| Ok::<f64, TheoryError>(epoch(losses, order, step_size, start)? - start);
    if m <= MAX_ENUMERATED {
        let all = permutations(m);
        let sum = all.iter().map(|order| moved(order)).sum::<Result<f64, _>>()?;
        let value = start + sum / all.len() as f64;
        return Ok(Estimate { value, standard_error: 0.0, lower: value, upper: value });
    }
    at_least_2([("num_pairs", num_pairs)])?;
    let pairs: Vec<f64> = (0..num_pairs)
        .into_par_iter()
        .map(|replicate| {
            let mut order: Vec<usize> = (0..m).collect();
            Draws::new(Purpose { replicate, ..purpose }).shuffle_first(&mut order, m);
            let forward = moved(&order)?;
            order.reverse();
            Ok(f64::midpoint(forward, moved(&order)?))
        })
        .collect::<Result<_, TheoryError>>()?;
    let Estimate { value, standard_error, .. } = Estimate::of_mean(&pairs);
    Ok(Estimate::new(start + value, standard_error, pairs.len()))
}

/// All orders of `0..m`, by Heap's algorithm.
pub(crate) fn permutations(m: usize) -> Vec<Vec<usize>> {
    fn extend(order: &mut Vec<usize>, open: usize, all: &mut Vec<Vec<usize>>) {
        if open <= 1 {
            all.push(order.clone());
            return;
        }
        for i in 0..open {
            extend(order, open - 1, all);
            if i + 1 < open {
                order.swap(if open.is_multiple_of(2) { i } else { 0 }, open - 1);
            }
        }
    }
    let (mut order, mut all) = ((0..m).collect(), Vec::new());
    extend(&mut order, m, &mut all);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use polder_optim::{GradientPenalty, GradientPenaltyConfig, HessianVector, Objective};

    use super::*;

    const LOSSES: [CubicLoss; 3] = [
        CubicLoss { curvature: 1.0, center: 0.3, skew: 0.5 },
        CubicLoss { curvature: 2.0, center: -0.4, skew: -0.3 },
        CubicLoss { curvature: 0.5, center: 1.1, skew: 0.8 },
    ];
    const PURPOSE: Purpose = Purpose { seed: 1, experiment: "C1", part: 0, replicate: 0 };

    fn value(loss: &CubicLoss, w: f64) -> f64 {
        0.5 * loss.curvature * (w - loss.center).powi(2) + loss.skew * w.powi(3) / 6.0
    }

    #[test]
    fn slopes_are_derivatives() {
        let h = 1e-5;
        for loss in ModifiedLoss::ALL {
            for w in [-1.0, 0.2, 1.3] {
                let value = |w: f64| {
                    LOSSES.iter().map(|loss| value(loss, w)).sum::<f64>() / 3.0
                        + loss.penalty(&LOSSES, 0.3, w)
                };
                let difference = (value(w + h) - value(w - h)) / (2.0 * h);
                assert!((loss.slope(&LOSSES, 0.3, w) - difference).abs() < 1e-9, "{loss:?}");
            }
        }
    }

    /// `C_k + (lambda / 4) |grad C_k|^2` with lambda = eps, averaged over the minibatches, is the modified loss of SGD.
    #[test]
    fn the_gradient_penalty_of_the_optimizer_descends_on_the_modified_loss() {
        struct Minibatch(CubicLoss);
        impl Objective<f64> for Minibatch {
            type Loss = ();
            fn gradient(&mut self, w: &f64, _: Point, gradient: &mut f64) -> Result<(), OptimError> {
                *gradient = self.0.slope(*w);
                Ok(())
            }
        }
        impl HessianVector<f64> for Minibatch {
            fn hessian_vector_product(&mut self, w: &f64, v: &f64, out: &mut f64) -> Result<(), OptimError> {
                *out = self.0.curvature_at(*w) * v;
                Ok(())
            }
        }
        let (lambda, start) = (0.2, 0.9);
        let mean = LOSSES
            .iter()
            .map(|loss| {
                let config = GradientPenaltyConfig { lambda, base: SgdConfig::default() };
                let mut penalty = GradientPenalty::new(config).unwrap();
                let mut w = start;
                penalty.step(&mut Minibatch(*loss), &mut w, &mut 0.0, 1.0).unwrap();
                (start - w) / 3.0
            })
            .sum::<f64>();
        assert!((mean - ModifiedLoss::Sgd.slope(&LOSSES, lambda, start)).abs() < 1e-14);
    }

    #[test]
    fn the_flow_of_a_quadratic_is_an_exponential() {
        let losses = [CubicLoss { curvature: 2.0, center: 0.5, skew: 0.0 }];
        let end = ModifiedLoss::Plain.flow(&losses, 0.1, 1.5, 0.7).unwrap();
        assert!((end - (0.5 + (-1.4_f64).exp())).abs() < 1e-14);
        // C + (eps / 4) |grad C|^2 has the curvature a + eps a^2 / 2.
        let end = ModifiedLoss::Sgd.flow(&losses, 0.1, 1.5, 0.7).unwrap();
        assert!((end - (0.5 + (-0.7 * 2.2_f64).exp())).abs() < 1e-14);
    }

    #[test]
    fn a_flow_that_ends_in_infinity_is_refused() {
        let losses = [CubicLoss { curvature: 0.0, center: 0.0, skew: -2.0 }];
        assert!(ModifiedLoss::Plain.flow(&losses, 0.1, 1.0, 1.5).is_err());
    }

    #[test]
    fn every_order_occurs_once() {
        for (m, count) in [(1, 1), (3, 6), (5, 120)] {
            let all = permutations(m);
            assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (count, count));
        }
    }

    #[test]
    fn pairs_of_random_orders_have_the_mean_over_all_orders() {
        // Eight minibatches: too many to enumerate in the code, few enough for the test.
        let losses: Vec<CubicLoss> = (0..8)
            .map(|k| CubicLoss { center: 0.2 * f64::from(k) - 0.7, ..LOSSES[k as usize % 3] })
            .collect();
        let exact = {
            let all = permutations(8);
            all.iter().map(|order| epoch(&losses, order, 0.05, 0.9).unwrap()).sum::<f64>() / all.len() as f64
        };
        let found = mean_epoch(&losses, 0.05, 0.9, 400, PURPOSE).unwrap();
        assert!((found.value - exact).abs() < 4.0 * found.standard_error, "{found:?} {exact}");
        // Without reversing, the standard error would be ten times as large and more.
        assert!(found.standard_error < 1e-4, "{found:?}");
        assert!(mean_epoch(&losses, 0.05, 0.9, 1, PURPOSE).is_err());
    }

    #[test]
    fn the_mean_of_losses_has_the_mean_slope() {
        let mean = CubicLoss::mean(&LOSSES);
        for w in [-1.0, 0.0, 2.0] {
            let expected = LOSSES.iter().map(|loss| loss.slope(w)).sum::<f64>() / 3.0;
            assert!((mean.slope(w) - expected).abs() < 1e-15);
        }
    }
}
