//! Experiment B3: sums of Styblinski-Tang functions, whose minimisers differ mildly in curvature.
//!
//! The theory is that of experiment B2, [`circle`](super::circle): the thresholds of Patel's (2018, arXiv:1709.04718) deterministic mechanism, as
//! derived for this project. Here they are 18 % apart, every coordinate has its own, and the lowest decides.

use serde::{Deserialize, Serialize};

use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::setting::{at_least_1, check};
use crate::thresholds::escape::{self, ComponentSum, EscapeConfig, EscapeReport, polish};
use crate::thresholds::{BatchSize, CurvatureDistribution};

/// The minimisers of [`styblinski_tang`]: the sharp, global one, and the flat one.
const SHARP: f64 = -2.903_534_027_771_177;
const FLAT: f64 = 2.746_802_770_990_836_7;

/// Where the section starts and ends, and its points.
const SECTION: (f64, f64) = (-4.0, 4.0);
const NUM_SECTION_POINTS: u32 = 161;

/// One coordinate of the Styblinski-Tang function: `(x^4 - 16 x^2 + 5 x) / 2`.
fn styblinski_tang(x: f64) -> f64 {
    0.5 * x * (x * (x * x - 16.0) + 5.0)
}

#[inline]
fn slope(x: f64) -> f64 {
    2.0 * x * x * x - 16.0 * x + 2.5
}

fn curvature(x: f64) -> f64 {
    6.0 * x * x - 16.0
}

/// How components differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Components {
    /// `f_i(x) = s_i f(x)`: every minimiser of f is one of every component.
    Scaled {
        /// The distribution of s.
        scales: CurvatureDistribution,
        /// The number of components, at least 1, where the distribution is lognormal. Of other distributions every value is a component.
        num_components: u32,
    },
    /// `f_i(x) = f(x - u_i)` with `u_i` this much, or minus as much, along every coordinate: gradients do not vanish at the minimisers.
    Shifted {
        /// The shift, at least 0.
        by: f64,
    },
}

/// The settings of experiment B3. The default is the desk scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The number of coordinates, at least 1.
    pub dim: usize,
    /// How components differ.
    pub components: Components,
    /// The runs.
    pub runs: EscapeConfig,
}

impl Default for Config {
    /// The desk scale: 500 runs.
    fn default() -> Self {
        Self::with_runs(500)
    }
}

impl Config {
    /// 100 runs per step size, batch size and minimiser.
    pub fn smoke() -> Self {
        Self::with_runs(100)
    }

    /// 5000 runs.
    pub fn paper() -> Self {
        Self::with_runs(5000)
    }

    /// Runs start very close, because the thresholds are near each other: below its threshold a run may get some hundred times as
    /// far before it comes back, and it must not count as having left.
    fn with_runs(num_runs: u64) -> Self {
        let scales = CurvatureDistribution::TwoPoint { low: 0.5, high: 1.5 };
        Self {
            dim: 2,
            components: Components::Scaled { scales, num_components: 1000 },
            runs: EscapeConfig { num_runs, start_distance: 1e-6, ..EscapeConfig::default() },
        }
    }
}

/// The result of experiment B3. Minimiser i stands for all those with `dim - i` coordinates near -2.90 and i near +2.75: minimiser 0 is
/// the global and sharpest one, the last one the flattest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// Minimisers, thresholds and runs.
    pub escape: EscapeReport,
    /// What one coordinate adds to the mean of all components: the coordinate, and the value.
    pub section: Vec<(f64, f64)>,
}

struct StyblinskiTang {
    /// The factor and the shift of every component.
    components: Vec<(f64, f64)>,
    is_homogeneous: bool,
    minimizers: Vec<Vec<f64>>,
}

impl StyblinskiTang {
    fn new(config: &Config) -> Result<Self, TheoryError> {
        at_least_1([("dim", config.dim as u64)])?;
        let components = match &config.components {
            Components::Scaled { scales, num_components } => {
                scaled_components(scales, *num_components, config.runs.seed)?
            }
            Components::Shifted { by } => {
                // Beyond 1.3 the sum of the shifted functions loses its flat minimum.
                check((0.0..=1.0).contains(by), "components.by", by, "a number in [0, 1]")?;
                vec![(1.0, -by), (1.0, *by)]
            }
        };
        let is_homogeneous = components.iter().all(|&(_, shift)| shift == 0.0);
        let mut sum = Self { components, is_homogeneous, minimizers: Vec::new() };
        sum.minimizers = (0..=config.dim)
            .map(|num_flat| {
                let start = (0..config.dim).map(|a| if a < config.dim - num_flat { SHARP } else { FLAT });
                polish(&sum, start.collect())
            })
            .collect();
        Ok(sum)
    }
}

fn scaled_components(
    scales: &CurvatureDistribution,
    num_components: u32,
    seed: u64,
) -> Result<Vec<(f64, f64)>, TheoryError> {
    scales.validate()?;
    let values = match scales {
        CurvatureDistribution::TwoPoint { low, high } => vec![*low, *high],
        CurvatureDistribution::Sample { values } => values.clone(),
        CurvatureDistribution::LogNormal { .. } => {
            at_least_1([("components.num_components", num_components.into())])?;
            let one = BatchSize::several(&[1])[0];
            let mut draws = Draws::new(Purpose { seed, experiment: "scales", part: 1, replicate: 0 });
            (0..num_components).map(|_| scales.minibatch_mean(one, &mut draws)).collect()
        }
    };
    Ok(values.into_iter().map(|scale| (scale, 0.0)).collect())
}

impl ComponentSum for StyblinskiTang {
    fn num_components(&self) -> usize {
        self.components.len()
    }

    #[inline]
    fn add_gradient(&self, component: usize, weight: f64, w: &[f64], gradient: &mut [f64]) {
        let (scale, shift) = self.components[component];
        for (gradient, x) in gradient.iter_mut().zip(w) {
            *gradient += weight * scale * slope(x - shift);
        }
    }

    fn curvatures(&self, component: usize, w: &[f64]) -> Vec<f64> {
        let (scale, shift) = self.components[component];
        w.iter().map(|x| scale * curvature(x - shift)).collect()
    }

    fn value(&self, w: &[f64]) -> f64 {
        let value =
            |&(scale, shift): &(f64, f64)| scale * w.iter().map(|x| styblinski_tang(x - shift)).sum::<f64>();
        self.components.iter().map(value).sum::<f64>() / self.components.len() as f64
    }

    fn minimizers(&self) -> &[Vec<f64>] {
        &self.minimizers
    }

    fn basin(&self, w: &[f64], near: f64) -> Option<usize> {
        let (sharp, flat) = (self.minimizers[0][0], self.minimizers[self.minimizers.len() - 1][0]);
        let square_distance = |x: &f64| (x - if *x > 0.0 { flat } else { sharp }).powi(2);
        let is_near = w.iter().map(square_distance).sum::<f64>() <= near * near;
        is_near.then(|| w.iter().filter(|&&x| x > 0.0).count())
    }

    fn is_homogeneous(&self) -> bool {
        self.is_homogeneous
    }
}

/// Runs experiment B3 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// Every minimiser with a coordinate near -2.90 has the threshold of that coordinate; only the one without has the flat threshold, which
/// is larger by a factor of 1.18.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting.
///
/// # Source
/// Patel (2018), arXiv:1709.04718, has an experiment called Styblinski-Tang Sums; how it makes a sum of the standard function is not
/// public, and both constructions are the project's own.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    let sum = StyblinskiTang::new(config)?;
    let section = (0..NUM_SECTION_POINTS).map(|point| {
        let share = f64::from(point) / f64::from(NUM_SECTION_POINTS - 1);
        let x = SECTION.0 + share * (SECTION.1 - SECTION.0);
        (x, sum.value(&[x]))
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
    fn the_base_function_has_its_known_stationary_points() {
        let known =
            [(-2.903_534_027_8, -39.166_165_7, 34.583_059_1), (2.746_802_771_0, -25.029_446_7, 29.269_552_8)];
        for ((x, value, second), start) in known.into_iter().zip([SHARP, FLAT]) {
            assert!((start - x).abs() < 1e-10 && slope(start).abs() < 1e-9);
            assert!((styblinski_tang(x) - value).abs() < 5e-8 && (curvature(x) - second).abs() < 5e-8);
        }
        assert!(slope(0.156_731_256_8).abs() < 1e-8 && (curvature(0.156_731_256_8) + 15.85).abs() < 5e-3);
        assert!((2.0 / curvature(SHARP) - 0.057_832).abs() < 5e-7);
        assert!((2.0 / curvature(FLAT) - 0.068_330).abs() < 5e-7);
    }

    #[test]
    fn scaling_has_its_known_mean_square_thresholds() {
        let known = [
            (1.0, SHARP, [0.028_92, 0.038_56, 0.048_19, 0.057_26]),
            (1.0, FLAT, [0.034_17, 0.045_55, 0.056_94, 0.067_65]),
            (3.0, SHARP, [0.014_46, 0.023_13, 0.036_15, 0.056_15]),
            (3.0, FLAT, [0.017_08, 0.027_33, 0.042_71, 0.066_34]),
        ];
        for (variance, x, thresholds) in known {
            let mean = curvature(x);
            let law = CurvatureDistribution::LogNormal { mean, variance: variance * mean * mean };
            for (batch_size, threshold) in BatchSize::several(&[1, 2, 5, 100]).into_iter().zip(thresholds) {
                let found = law.mean_square_threshold(batch_size);
                assert!((found - threshold).abs() < 6e-6, "{variance} {x} {batch_size}: {found}");
            }
        }
    }

    #[test]
    fn between_the_thresholds_runs_leave_the_sharp_minimum_and_stay_at_the_flat_one() {
        let batch_sizes = BatchSize::several(&[10, 100]);
        let runs = EscapeConfig { num_runs: 60, num_steps: 600, batch_sizes, ..EscapeConfig::default() };
        let report = run(&Config { runs, ..Config::default() }).unwrap().escape;
        assert_eq!(report.minimizers.len(), 3);
        let almost_sure = |index: usize| report.minimizers[index].thresholds[0].almost_sure;
        assert!((almost_sure(0) / almost_sure(1) - 1.0).abs() < 1e-9, "the sharpest coordinate rules");
        assert!((almost_sure(2) / almost_sure(0) - curvature(SHARP) / curvature(FLAT)).abs() < 1e-9);
        for row in &report.rows {
            match (row.choice, row.start) {
                (StepChoice::Between, 0 | 1) => assert!(row.left.count >= 55, "{row:?}"),
                (StepChoice::Between, _) => assert!(row.left.count <= 15, "{row:?}"),
                (StepChoice::OfAlmostSure(factor), _) if factor < 0.6 => {
                    assert_eq!((row.left.count, row.ends[row.start].count), (0, 60), "{row:?}");
                }
                _ => {}
            }
            if row.start != 1 {
                let (predicted, found) = row.rates().unwrap();
                let error = 4.5 * found.standard_error + 0.05 * predicted.abs() + 5e-3;
                assert!((found.value - predicted).abs() < error, "{row:?}");
            }
        }
    }

    #[test]
    fn shifted_components_hold_the_distance_up_and_do_not_move_the_curvatures_much() {
        let runs = EscapeConfig { num_runs: 20, num_steps: 200, ..EscapeConfig::default() };
        let components = Components::Shifted { by: 0.05 };
        let report = run(&Config { runs, components, dim: 1 }).unwrap().escape;
        assert_eq!(report.minimizers.len(), 2);
        assert!((report.minimizers[0].mean_curvatures[0] - curvature(SHARP)).abs() < 0.2);
        assert!(report.rows.iter().all(|row| row.measured_rate.is_none()));
    }

    #[test]
    fn settings_that_make_no_experiment_are_refused_by_name() {
        let refused = |config: Config| run(&config).unwrap_err().to_string();
        assert!(refused(Config { dim: 0, ..Config::default() }).starts_with("dim"));
        let components = Components::Shifted { by: 2.0 };
        assert!(refused(Config { components, ..Config::default() }).starts_with("components.by"));
    }
}
