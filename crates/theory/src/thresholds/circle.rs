//! Experiment B2: a flat bowl and a sharp one in the plane, each seen through components of different curvature.
//!
//! The theory is that of [`quadratic`](super::quadratic): near a minimiser a step of SGD multiplies the distance by `|1 - C q|`, where q is the mean curvature of the minibatch and C the step size. Distances
//! grow almost surely where `E log|1 - C q| > 0`, and in mean square where `E (1 - C q)^2 > 1`, which is at smaller C. That geometry, step
//! size and batch size decide whether SGD leaves a minimiser is the deterministic mechanism of Patel (2018), arXiv:1709.04718; both
//! thresholds are derived for this project, and so is the function.

use serde::{Deserialize, Serialize};

use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::setting::{at_least_1, finite, positive};
use crate::thresholds::escape::{self, ComponentSum, EscapeConfig, EscapeReport, polish};
use crate::thresholds::{BatchSize, CurvatureDistribution};

/// The settings of experiment B2. The default is the desk scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The mean curvature of the flat bowl, greater than 0.
    pub flat_curvature: f64,
    /// The mean curvature of the sharp bowl, greater than 0.
    pub sharp_curvature: f64,
    /// The distance of their centers, greater than 0.
    pub separation: f64,
    /// What the flat bowl is raised by; 0 makes both minima equally deep.
    pub offset: f64,
    /// The width of the ridge between the bowls, greater than 0.
    pub temperature: f64,
    /// The distribution of the factors by which components scale each bowl, independently.
    pub scales: CurvatureDistribution,
    /// The number of components, at least 1, where the scales are lognormal. Of other distributions every pair of scales is a component.
    pub num_components: u32,
    /// The runs.
    pub runs: EscapeConfig,
}

impl Default for Config {
    /// The desk scale: 500 runs.
    fn default() -> Self {
        Self {
            flat_curvature: 0.5,
            sharp_curvature: 50.0,
            separation: 4.0,
            offset: 0.0,
            temperature: 0.1,
            scales: CurvatureDistribution::TwoPoint { low: 0.5, high: 1.5 },
            num_components: 1000,
            runs: EscapeConfig::default(),
        }
    }
}

impl Config {
    /// 100 runs per step size, batch size and minimiser: about a second.
    pub fn smoke() -> Self {
        Self { runs: EscapeConfig { num_runs: 100, ..EscapeConfig::default() }, ..Self::default() }
    }

    /// 5000 runs.
    pub fn paper() -> Self {
        Self { runs: EscapeConfig { num_runs: 5000, ..EscapeConfig::default() }, ..Self::default() }
    }
}

/// The result of experiment B2. Minimiser 0 is the sharp one, minimiser 1 the flat one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// Minimisers, thresholds and runs.
    pub escape: EscapeReport,
    /// The mean of all components along the line through both centers: the distance from the sharp one, and the value.
    pub section: Vec<(f64, f64)>,
}

/// Points of the section, and how far it goes beyond the centers, as a share of their distance.
const NUM_SECTION_POINTS: u32 = 241;
const BEYOND: f64 = 0.25;

/// `f_i(x) = -T log(exp(-a_i / T) + exp(-b_i / T))`, a smooth minimum of the bowls `a_i(x) = A_i |x - x_f|^2 / 2 + offset` and
/// `b_i(x) = K_i |x - x_s|^2 / 2`.
struct QuadraticCircle {
    /// A_i and K_i.
    components: Vec<(f64, f64)>,
    separation: f64,
    offset: f64,
    temperature: f64,
    minimizers: Vec<Vec<f64>>,
}

impl QuadraticCircle {
    fn new(config: &Config) -> Result<Self, TheoryError> {
        let Config { flat_curvature, sharp_curvature, separation, offset, temperature, .. } = *config;
        positive([
            ("flat_curvature", flat_curvature),
            ("sharp_curvature", sharp_curvature),
            ("separation", separation),
            ("temperature", temperature),
        ])?;
        finite("offset", offset)?;
        let scales = scale_pairs(&config.scales, config.num_components, config.runs.seed)?;
        let components = scales.iter().map(|(s, t)| (flat_curvature * s, sharp_curvature * t)).collect();
        let mut sum = Self { components, separation, offset, temperature, minimizers: Vec::new() };
        sum.minimizers = vec![polish(&sum, vec![0.0, 0.0]), polish(&sum, vec![separation, 0.0])];
        Ok(sum)
    }

    /// The bowls' values and the weight of the flat one.
    #[inline]
    fn bowls(&self, (flat, sharp): (f64, f64), w: &[f64]) -> (f64, f64, f64) {
        let x = w[0] - self.separation;
        let a = 0.5 * flat * (x * x + w[1] * w[1]) + self.offset;
        let b = 0.5 * sharp * (w[0] * w[0] + w[1] * w[1]);
        (a, b, 1.0 / (1.0 + ((a - b) / self.temperature).exp()))
    }
}

impl ComponentSum for QuadraticCircle {
    fn num_components(&self) -> usize {
        self.components.len()
    }

    #[inline]
    fn add_gradient(&self, component: usize, weight: f64, w: &[f64], gradient: &mut [f64]) {
        let (flat, sharp) = self.components[component];
        let (_, _, share) = self.bowls((flat, sharp), w);
        let (to_flat, to_sharp) = (weight * share * flat, weight * (1.0 - share) * sharp);
        gradient[0] += to_flat * (w[0] - self.separation) + to_sharp * w[0];
        gradient[1] += (to_flat + to_sharp) * w[1];
    }

    fn curvatures(&self, component: usize, w: &[f64]) -> Vec<f64> {
        let (flat, sharp) = self.components[component];
        let (_, _, share) = self.bowls((flat, sharp), w);
        let mean = share * flat + (1.0 - share) * sharp;
        let mix = share * (1.0 - share) / self.temperature;
        let differences = [flat * (w[0] - self.separation) - sharp * w[0], (flat - sharp) * w[1]];
        differences.iter().map(|difference| mean - mix * difference * difference).collect()
    }

    fn value(&self, w: &[f64]) -> f64 {
        let values = self.components.iter().map(|&component| {
            let (a, b, _) = self.bowls(component, w);
            a.min(b) - self.temperature * (-(a - b).abs() / self.temperature).exp().ln_1p()
        });
        values.sum::<f64>() / self.components.len() as f64
    }

    fn minimizers(&self) -> &[Vec<f64>] {
        &self.minimizers
    }

    fn basin(&self, w: &[f64], near: f64) -> Option<usize> {
        self.minimizers.iter().position(|m| (w[0] - m[0]).hypot(w[1] - m[1]) <= near)
    }

    /// Up to exp(-separation^2 A / T).
    fn is_homogeneous(&self) -> bool {
        true
    }
}

/// Pairs of independent scales: all pairs of a distribution with finitely many values, drawn ones of a lognormal distribution.
fn scale_pairs(
    law: &CurvatureDistribution,
    num_components: u32,
    seed: u64,
) -> Result<Vec<(f64, f64)>, TheoryError> {
    let all_pairs =
        |values: &[f64]| values.iter().flat_map(|&s| values.iter().map(move |&t| (s, t))).collect();
    law.validate()?;
    match law {
        CurvatureDistribution::TwoPoint { low, high } => Ok(all_pairs(&[*low, *high])),
        CurvatureDistribution::Sample { values } => Ok(all_pairs(values)),
        CurvatureDistribution::LogNormal { .. } => {
            at_least_1([("num_components", num_components.into())])?;
            let one = BatchSize::several(&[1])[0];
            let mut draws = Draws::new(Purpose { seed, experiment: "scales", part: 0, replicate: 0 });
            let mut draw = || law.minibatch_mean(one, &mut draws);
            Ok((0..num_components).map(|_| (draw(), draw())).collect())
        }
    }
}

/// Runs experiment B2 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting.
///
/// # Source
/// Patel (2018), arXiv:1709.04718, has an experiment called Quadratic-Circle Sums; its definition is not public, and this construction is
/// the project's own.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    let sum = QuadraticCircle::new(config)?;
    let section = (0..NUM_SECTION_POINTS).map(|point| {
        let share = f64::from(point) / f64::from(NUM_SECTION_POINTS - 1);
        let x = config.separation * (share * (1.0 + 2.0 * BEYOND) - BEYOND);
        (x, sum.value(&[x, 0.0]))
    });
    Ok(Report {
        config: config.clone(),
        escape: escape::run(&sum, &config.runs)?,
        section: section.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thresholds::escape::StepChoice;

    #[test]
    fn runs_stay_below_the_sharp_threshold_and_leave_above_it_while_the_flat_minimum_holds_them() {
        let runs = EscapeConfig { num_runs: 60, num_steps: 600, ..EscapeConfig::default() };
        let report = run(&Config { runs, ..Config::default() }).unwrap().escape;
        let [sharp, flat] = &report.minimizers[..] else { panic!("two minimisers") };
        assert!(
            (sharp.mean_curvatures[0] - 50.0).abs() < 1e-4 && (flat.mean_curvatures[1] - 0.5).abs() < 1e-9
        );
        assert!((sharp.value - flat.value).abs() < 1e-8);
        // Scalar closed forms: curvature 50 with variance 625, and the root of (1 - 25 C)(75 C - 1) = -1.
        assert!((sharp.thresholds[0].mean_square - 0.032).abs() < 1e-8, "{sharp:?}");
        assert!((sharp.thresholds[0].almost_sure - 4.0 / 75.0).abs() < 1e-8);
        for row in &report.rows {
            if row.start == 1 {
                assert_eq!((row.left.count, row.ends[1].count), (0, 60), "{row:?}");
                continue;
            }
            match row.choice {
                StepChoice::OfAlmostSure(factor) if factor < 1.0 => {
                    // Excursions to 100 times the start have a probability of at most 100^-0.42, where E|1 - C Q|^0.42 = 1: at
                    // 0.9 of the threshold and batch size 1, 9 runs of 60 give or take 3; fewer elsewhere.
                    assert!(row.left.count <= 18 && row.ends[0].count >= 42, "{row:?}");
                }
                StepChoice::MeanSquare => {}
                // Not far above the threshold they may go on to swing about the minimum they left, where components mix and soften.
                StepChoice::OfAlmostSure(_) => assert!(row.left.count >= 57, "{row:?}"),
                StepChoice::Between => assert_eq!((row.left.count, row.ends[1].count), (60, 60), "{row:?}"),
            }
            // Half the threshold of gradient descent is the inverse curvature: one step lands on the minimum up to rounding.
            let Some((predicted, found)) = row.rates().filter(|(predicted, _)| *predicted > -10.0) else {
                continue;
            };
            let error = 4.5 * found.standard_error + 0.02 * predicted.abs() + 1e-3;
            assert!((found.value - predicted).abs() < error, "{row:?}");
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let runs = EscapeConfig { num_runs: 4, num_steps: 30, ..EscapeConfig::default() };
        let config = Config { runs, ..Config::default() };
        let run = |num_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
            pool.install(|| run(&config)).unwrap()
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn settings_that_make_no_experiment_are_refused_by_name() {
        let refused = |config: Config| run(&config).unwrap_err().to_string();
        assert!(refused(Config { temperature: 0.0, ..Config::default() }).starts_with("temperature"));
        let runs = EscapeConfig { num_runs: 1, ..EscapeConfig::default() };
        assert!(refused(Config { runs, ..Config::default() }).starts_with("runs.num_runs"));
    }
}
