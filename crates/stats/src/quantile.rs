//! How many standard errors an interval reaches on either side.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The confidence of intervals of which nothing else is said.
pub const CONFIDENCE: f64 = 0.95;

/// Student's quantile of a two-sided interval of `confidence` with `degrees` of freedom; infinite where there are none.
pub(crate) fn student(degrees: f64, confidence: f64) -> f64 {
    law(degrees).map_or(f64::INFINITY, |law| law.inverse_cdf(f64::midpoint(1.0, confidence)))
}

/// The normal quantile of a two-sided interval of [`CONFIDENCE`].
pub(crate) fn normal() -> f64 {
    Normal::standard().inverse_cdf(0.5 + 0.5 * CONFIDENCE)
}

/// Student's quantile at which `num_intervals` intervals over `num_replicates` each hold together with [`CONFIDENCE`], whatever their
/// dependence: Bonferroni's correction. Infinite for fewer than two replicates.
pub fn bonferroni(num_replicates: u64, num_intervals: usize) -> f64 {
    let tail = 0.5 * (1.0 - CONFIDENCE) / num_intervals.max(1) as f64;
    law(num_replicates.saturating_sub(1) as f64).map_or(f64::INFINITY, |law| -law.inverse_cdf(tail))
}

/// As [`bonferroni`], from the upper tail: the same number but for rounding, which published reports hold to the last digit.
pub fn bonferroni_upper(num_replicates: usize, num_intervals: usize) -> f64 {
    law(num_replicates.saturating_sub(1) as f64).map_or(f64::INFINITY, |law| {
        law.inverse_cdf(1.0 - 0.5 * (1.0 - CONFIDENCE) / num_intervals.max(1) as f64)
    })
}

/// The chance of a value above `t` under Student's law.
pub(crate) fn student_tail(degrees: f64, t: f64) -> f64 {
    law(degrees).map_or(1.0, |law| law.sf(t))
}

fn law(degrees: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, degrees).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        for (found, table) in [
            (student(2.0, 0.95), 4.302_653),
            (student(1.0, 0.95), (0.475 * std::f64::consts::PI).tan()), // Cauchy's law.
            (normal(), 1.959_964),
            (bonferroni(10, 1), 2.262_157),
            (bonferroni(10, 50), 4.780_913),
            (bonferroni_upper(10, 2), 2.685_011),
        ] {
            assert!((found - table).abs() < 1e-5, "{found} {table}");
        }
        assert_eq!([student(0.0, 0.95), bonferroni(1, 3)], [f64::INFINITY; 2]);
    }
}
