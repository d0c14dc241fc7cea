//! One path of SGD next to a minimiser.

use polder_optim::Optimizer as _;
use polder_optim::{Objective, OptimError, Point, Sgd, SgdConfig};

use super::{ComponentSum, EscapeConfig};
use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::thresholds::log_distance::{StoppedGrowth, shown_log, stride};
use crate::thresholds::{BatchSize, num_heads};

/// Growth is measured until the distance is this many times the one at the start, or this share of it.
const GROWTH_STOPS: (f64, f64) = (0.01, 10.0);
/// A distance beyond which a run does not come back.
const DIVERGED: f64 = 1e6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    At(usize),
    Elsewhere,
    Diverged,
}

pub(super) struct Path {
    pub(super) logs: Vec<f64>,
    pub(super) growth: StoppedGrowth,
    pub(super) has_left: bool,
    pub(super) end: End,
}

/// A sum as a minibatch of its components shows it.
struct Minibatch<'a, S> {
    sum: &'a S,
    /// Components with their shares of the minibatch.
    shares: Vec<(usize, f64)>,
}

impl<S: ComponentSum> Objective<Vec<f64>> for Minibatch<'_, S> {
    type Loss = ();

    #[inline]
    fn gradient(
        &mut self,
        parameters: &Vec<f64>,
        _at: Point,
        gradient: &mut Vec<f64>,
    ) -> Result<(), OptimError> {
        gradient.fill(0.0);
        for &(component, share) in &self.shares {
            self.sum.add_gradient(component, share, parameters, gradient);
        }
        Ok(())
    }
}

impl<S: ComponentSum> Minibatch<'_, S> {
    /// Draws the next minibatch. Of two or four components only the numbers of each are drawn, by fair coins.
    fn draw(&mut self, batch_size: BatchSize, draws: &mut Draws) {
        let num_components = self.sum.num_components();
        let BatchSize::Draws(k) = batch_size else {
            if self.shares.is_empty() {
                self.shares.extend((0..num_components).map(|index| (index, 1.0 / num_components as f64)));
            }
            return;
        };
        let k = k.get();
        match num_components {
            2 | 4 => {
                self.shares.clear();
                let mut push = |component: usize, count: u32| {
                    if count > 0 {
                        self.shares.push((component, f64::from(count) / f64::from(k)));
                    }
                };
                let heads = num_heads(k, draws);
                if num_components == 2 {
                    push(0, k - heads);
                    push(1, heads);
                    return;
                }
                for (first, count) in [(0, k - heads), (2, heads)] {
                    let heads = num_heads(count, draws);
                    push(first, count - heads);
                    push(first + 1, heads);
                }
            }
            _ => {
                self.shares.clear();
                self.shares.extend((0..k).map(|_| (draws.below(num_components), 1.0 / f64::from(k))));
            }
        }
    }
}

pub(super) fn path<S: ComponentSum>(
    sum: &S,
    config: &EscapeConfig,
    (batch_size, step_size, start): (BatchSize, f64, usize),
    replicate: u64,
) -> Result<Path, TheoryError> {
    let part = ((start as u64) << 32) | batch_size.key();
    // Step sizes share their seed and not their draws: the bits of the step size are part of the key.
    let purpose =
        Purpose { seed: config.seed, experiment: "escape", part: part ^ step_size.to_bits(), replicate };
    let mut draws = Draws::new(purpose);
    let minimizer = &sum.minimizers()[start];
    let direction = draws.normals(minimizer.len());
    let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut w: Vec<f64> =
        minimizer.iter().zip(&direction).map(|(w, x)| w + config.start_distance * x / length).collect();

    let mut gradient = vec![0.0; w.len()];
    let mut sgd = Sgd::new(SgdConfig::default())?;
    let mut minibatch = Minibatch { sum, shares: Vec::new() };
    let stride = stride(config.num_steps);
    let num_logs = (config.num_steps / stride + 1) as usize;
    let mut logs = Vec::with_capacity(num_logs);
    let distance = |w: &[f64]| w.iter().zip(minimizer).map(|(w, m)| (w - m) * (w - m)).sum::<f64>().sqrt();
    let first_distance = distance(&w);
    let mut growth: Option<StoppedGrowth> = None;
    let (mut has_left, mut has_diverged) = (false, false);
    for step in 0..=config.num_steps {
        let now = distance(&w);
        if step % stride == 0 {
            logs.push(shown_log(now));
        }
        has_left |= now > config.exit_distance;
        let stopped =
            !(GROWTH_STOPS.0 * first_distance..=GROWTH_STOPS.1 * first_distance).contains(&now) && step > 0;
        if growth.is_none() && (stopped || step == config.num_steps) {
            let log_growth = (now.max(f64::MIN_POSITIVE) / first_distance).ln();
            growth = Some(StoppedGrowth { log_growth, num_steps: step.max(1) });
        }
        if now.is_nan() || now > DIVERGED {
            (has_left, has_diverged) = (true, true);
            logs.resize(num_logs, shown_log(f64::INFINITY));
            break;
        }
        if step < config.num_steps {
            minibatch.draw(batch_size, &mut draws);
            sgd.step(&mut minibatch, &mut w, &mut gradient, step_size)?;
        }
    }
    let end = match sum.basin(&w, config.near) {
        _ if has_diverged => End::Diverged,
        Some(index) => End::At(index),
        None => End::Elsewhere,
    };
    let growth = growth.unwrap_or(StoppedGrowth { log_growth: 0.0, num_steps: 1 });
    Ok(Path { logs, growth, has_left, end })
}
