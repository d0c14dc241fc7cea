//! Experiment C1: how far the mean iterate of SGD after one epoch is from gradient flow on three losses, against the step size.
//!
//! The theory is Smith, Dherin, Barrett and De (2021), arXiv:2101.12176, Section 2: with m minibatches and step size eps, and over all orders
//! of the minibatches, `E[w_m] = w(m eps) + O((m eps)^3)`, where w follows the gradient flow of [`ModifiedLoss::Sgd`]. Under the loss
//! itself and under [`ModifiedLoss::GradientDescent`] the term of second order remains. The losses of a single variable, all numbers and
//! the fit of the orders are chosen for this project.

mod batch_composition;
mod corrected_order;
mod loss;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::setting::{at_least_2, check, finite, positive};
pub use batch_composition::CompositionRow;
use batch_composition::compositions;
use corrected_order::corrected_order;
pub use loss::{CubicLoss, ModifiedLoss};
use loss::{MAX_ENUMERATED, mean_epoch};
use polder_stats::{Estimate, PowerLaw, power_law};

/// Parts of the experiment that draw: orders of the given losses, random losses, examples, orders of the random losses.
const ORDERS: u64 = 0;
const INSTANCES: u64 = 1;
const EXAMPLES: u64 = 2;
const INSTANCE_ORDERS: u64 = 3;

/// The settings of experiment C1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of random losses and orders.
    pub seed: u64,
    /// The minibatch losses of the table, at least one.
    pub losses: Vec<CubicLoss>,
    /// Where the epoch starts.
    pub start: f64,
    /// Step sizes of the table, at least one.
    pub step_sizes: Vec<f64>,
    /// Step sizes of the fits, at least 3: small, because the orders are those of vanishing steps.
    pub fit_step_sizes: Vec<f64>,
    /// Random problems of the fits, at least 2: intervals are over them.
    pub num_instances: u64,
    /// Minibatches of every random problem, at least 2.
    pub num_minibatches: usize,
    /// Pairs of a random order and its reverse, where there are too many minibatches to enumerate all orders; at least 2.
    pub num_pairs: u64,
    /// Examples whose divisions into minibatches are enumerated; from 1 to 7.
    pub num_examples: usize,
}

impl Default for Config {
    /// The desk scale.
    fn default() -> Self {
        Self {
            seed: 0,
            losses: vec![
                CubicLoss { curvature: 1.0, center: 0.3, skew: 0.5 },
                CubicLoss { curvature: 2.0, center: -0.4, skew: -0.3 },
                CubicLoss { curvature: 0.5, center: 1.1, skew: 0.8 },
            ],
            start: 0.9,
            step_sizes: vec![0.1, 0.05, 0.025, 0.0125],
            fit_step_sizes: vec![0.008, 0.004, 0.002, 0.001],
            num_instances: 200,
            num_minibatches: 4,
            num_pairs: 1000,
            num_examples: 6,
        }
    }
}

impl Config {
    /// Few random problems of three minibatches.
    pub fn smoke() -> Self {
        Self { num_instances: 20, num_minibatches: 3, ..Self::default() }
    }

    /// More and larger random problems.
    pub fn paper() -> Self {
        Self { num_instances: 1000, num_minibatches: 6, ..Self::default() }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        check(!self.losses.is_empty(), "losses", &"[]", "at least one")?;
        let numbers = self.losses.iter().flat_map(|loss| [loss.curvature, loss.center, loss.skew]);
        numbers.chain([self.start]).try_for_each(|x| finite("losses and start", x))?;
        let step_sizes = self.step_sizes.iter().chain(&self.fit_step_sizes);
        positive(step_sizes.map(|x| ("step_sizes and fit_step_sizes", *x)))?;
        let mut fitted = self.fit_step_sizes.clone();
        fitted.sort_by(f64::total_cmp);
        fitted.dedup();
        let found = format!("{:?} and {:?}", self.step_sizes, self.fit_step_sizes);
        let expected = "at least one, and at least three different ones";
        let holds = fitted.len() >= 3 && !self.step_sizes.is_empty();
        check(holds, "step_sizes and fit_step_sizes", &found, expected)?;
        at_least_2([
            ("num_instances", self.num_instances),
            ("num_minibatches", self.num_minibatches as u64),
            ("num_pairs", self.num_pairs),
        ])?;
        let holds = (1..=MAX_ENUMERATED).contains(&self.num_examples);
        check(holds, "num_examples", &self.num_examples, "from 1 to 7")
    }
}

/// The result of experiment C1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// The given losses, one row per step size, in the order of the settings.
    pub rows: Vec<Row>,
    /// The root mean square error over the random problems against the step size.
    pub fits: Vec<Fit>,
    /// The penalty on average over the composition of minibatches, one row per batch size.
    pub compositions: Vec<CompositionRow>,
}

/// One step size of experiment C1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The step size.
    pub step_size: f64,
    /// The mean iterate after one epoch; its standard error is 0 where all orders were enumerated.
    pub mean_iterate: Estimate,
    /// What remains under each loss, in the order of [`ModifiedLoss::ALL`].
    pub errors: Vec<FlowError>,
}

/// The distance of the mean iterate from one flow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowError {
    /// The loss of the flow.
    pub loss: ModifiedLoss,
    /// Where the flow ends.
    pub flow: f64,
    /// `|mean iterate - flow|`.
    pub error: f64,
    /// The slope of log error against log step size from the row before; none in the first row, and where there is no slope.
    pub local_order: Option<f64>,
}

/// The error order of one loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The loss of the flow.
    pub loss: ModifiedLoss,
    /// The root mean square error for every step size of the fit.
    pub errors: Vec<Estimate>,
    /// The power law through them.
    pub law: PowerLaw,
    /// The error order: the exponent with what the next order adds at these step sizes taken out. Theory says 3 for the modified loss
    /// of SGD and 2 for the others.
    pub order: Estimate,
}

/// Runs experiment C1 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// Orders are fitted to the root mean square error over random problems, because the error of a single one may happen to vanish; the
/// interval is over problems.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting.
///
/// # Source
/// Smith et al. (2021), arXiv:2101.12176: the backward error analysis of Section 2. The losses and settings are this project's own.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let purpose = |part, replicate| Purpose { seed: config.seed, experiment: "C1", part, replicate };
    let mut rows: Vec<Row> = Vec::with_capacity(config.step_sizes.len());
    for &step_size in &config.step_sizes {
        let orders = purpose(ORDERS, 0);
        let (mean_iterate, flows) = epoch(&config.losses, step_size, config.start, config.num_pairs, orders)?;
        let error = |(index, flow): (usize, f64)| {
            let error = (mean_iterate.value - flow).abs();
            // No order between equal step sizes, or where an error happens to vanish.
            let local_order = rows
                .last()
                .map(|before| (before.errors[index].error / error).ln() / (before.step_size / step_size).ln())
                .filter(|order| order.is_finite());
            FlowError { loss: ModifiedLoss::ALL[index], flow, error, local_order }
        };
        let errors = flows.into_iter().enumerate().map(error).collect();
        rows.push(Row { step_size, mean_iterate, errors });
    }
    let mut draws = Draws::new(purpose(EXAMPLES, 0));
    let examples: Vec<CubicLoss> = (0..config.num_examples).map(|_| random_loss(&mut draws)).collect();
    Ok(Report {
        config: config.clone(),
        rows,
        fits: fits(config)?,
        compositions: compositions(&examples, config.step_sizes[0], config.start),
    })
}

fn fits(config: &Config) -> Result<Vec<Fit>, TheoryError> {
    // squares[instance][step size][loss]
    let squares: Vec<Vec<[f64; 3]>> = (0..config.num_instances)
        .into_par_iter()
        .map(|replicate| {
            let purpose = |part| Purpose { seed: config.seed, experiment: "C1", part, replicate };
            let mut draws = Draws::new(purpose(INSTANCES));
            let losses: Vec<CubicLoss> =
                (0..config.num_minibatches).map(|_| random_loss(&mut draws)).collect();
            let start = draws.uniform(0.5, 1.5);
            // Orders of an instance draw with a seed of its own.
            let orders =
                Purpose { seed: Draws::new(purpose(INSTANCE_ORDERS)).word(), ..purpose(INSTANCE_ORDERS) };
            config
                .fit_step_sizes
                .iter()
                .map(|&step_size| {
                    let (mean, flows) = epoch(&losses, step_size, start, config.num_pairs, orders)?;
                    Ok(flows.map(|flow| (mean.value - flow).powi(2)))
                })
                .collect()
        })
        .collect::<Result<_, TheoryError>>()?;
    let fit = |(index, loss)| {
        let measurements: Vec<Vec<f64>> = (0..config.fit_step_sizes.len())
            .map(|step_size| squares.iter().map(|instance| instance[step_size][index]).collect())
            .collect();
        let error = |values: &Vec<f64>| Estimate::of_mean(values).root(values.len());
        Fit {
            loss,
            errors: measurements.iter().map(error).collect(),
            law: power_law(&config.fit_step_sizes, &measurements, f64::sqrt),
            order: corrected_order(&config.fit_step_sizes, &measurements, f64::sqrt),
        }
    };
    Ok(ModifiedLoss::ALL.into_iter().enumerate().map(fit).collect())
}

/// The mean iterate after one epoch, and where the flow of every loss is then.
fn epoch(
    losses: &[CubicLoss],
    step_size: f64,
    start: f64,
    num_pairs: u64,
    orders: Purpose,
) -> Result<(Estimate, [f64; 3]), TheoryError> {
    let mean = mean_epoch(losses, step_size, start, num_pairs, orders)?;
    let mut flows = [0.0; 3];
    for (flow, loss) in flows.iter_mut().zip(ModifiedLoss::ALL) {
        *flow = loss.flow(losses, step_size, start, step_size * losses.len() as f64)?;
        let holds = (mean.value - *flow).powi(2).is_finite();
        let expected = "small enough for an epoch to stay finite";
        check(holds, "step_sizes and fit_step_sizes", &step_size, expected)?;
    }
    Ok((mean, flows))
}

/// A convex loss around the starting points.
fn random_loss(draws: &mut Draws) -> CubicLoss {
    CubicLoss {
        curvature: draws.uniform(0.5, 2.0),
        center: draws.uniform(-1.0, 1.0),
        skew: draws.uniform(-0.5, 0.5),
    }
}
