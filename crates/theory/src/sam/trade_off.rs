//! Lower bias for higher variance: what SAM does to both at every step, in closed form and measured.

use serde::{Deserialize, Serialize};

use crate::sam::bias_variance::BiasVarianceCurve;
use polder_stats::{Estimate, bonferroni, largest, smallest};

/// The changes from gradient descent to SAM at the same step, as shares of gradient descent's values, over several steps and radii.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeOff {
    /// The largest change of the squared bias in closed form; below 0 where SAM has the lower bias at every step.
    pub bias: f64,
    /// The smallest change of the variance in closed form; above 0 where SAM has the higher variance at every step.
    pub variance: f64,
    /// The largest change of the squared bias, measured; its interval holds the largest true change.
    pub measured_bias: Estimate,
    /// The smallest change of the variance, measured; its interval holds the smallest true change.
    pub measured_variance: Estimate,
    /// The steps and radii compared.
    pub num_comparisons: u64,
}

impl TradeOff {
    /// Over all curves but the first, which is gradient descent's, of every family. Steps at which gradient descent has no bias or no
    /// variance at all are left out; `None` if nothing remains.
    pub(crate) fn of<'a>(
        families: impl IntoIterator<Item = &'a [BiasVarianceCurve]>,
        num_replicates: u64,
    ) -> Option<Self> {
        let (mut bias, mut variance) = (f64::NEG_INFINITY, f64::INFINITY);
        let (mut biases, mut variances) = (Vec::new(), Vec::new());
        for family in families {
            let Some((descent, sams)) = family.split_first() else { continue };
            for (gd, sam) in sams.iter().flat_map(|sam| descent.rows.iter().zip(&sam.rows)) {
                let (of_bias, of_variance) = (gd.theory.bias_squared, gd.theory.variance);
                if !(of_bias > 0.0 && of_variance > 0.0) {
                    continue;
                }
                bias = bias.max(sam.change.bias_squared / of_bias);
                variance = variance.min(sam.change.variance / of_variance);
                let share =
                    |change: &Estimate, whole: f64| (change.value / whole, change.standard_error / whole);
                biases.push(share(&sam.measured_change.bias_squared, of_bias));
                variances.push(share(&sam.measured_change.variance, of_variance));
            }
        }
        Some(Self {
            bias,
            variance,
            num_comparisons: biases.len() as u64,
            measured_bias: largest(&biases, bonferroni(num_replicates, biases.len()))?,
            measured_variance: smallest(&variances, bonferroni(num_replicates, variances.len()))?,
        })
    }
}
