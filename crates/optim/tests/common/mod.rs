//! The objective that golden/optim.py defines a second time, and the golden files it wrote.
#![allow(dead_code, reason = "every test binary uses a part of it")]

use polder_optim::{OptimError, Point, Vector};
use serde::de::DeserializeOwned;

/// Where every golden trajectory starts.
pub(crate) const START: [f64; 6] = [1.5, -1.0, 0.5, -0.25, 2.0, -1.75];

const QUARTIC: [f64; 6] = [0.5, 0.25, 1.0, 0.75, 0.125, 0.375];
const COUPLING: [f64; 6] = [1.0, 0.5, 2.0, 0.25, 1.5, 0.75];
const LOGISTIC: [f64; 6] = [1.0, -2.0, 0.5, 3.0, -1.5, 2.5];

/// `sum_i q_i w_i^4 / 4 + c_i (w_i - w_{i+1})^2 / 2 + log(1 + exp(l_i w_i))`, with `w_6 = w_0`, and its gradient.
pub(crate) fn coupled_quartic(w: &[f64], gradient: &mut [f64]) -> f64 {
    let mut loss = 0.0;
    gradient.fill(0.0);
    for i in 0..6 {
        let next = (i + 1) % 6;
        let difference = w[i] - w[next];
        let exp = (LOGISTIC[i] * w[i]).exp();
        loss += QUARTIC[i] * w[i].powi(4) / 4.0 + COUPLING[i] * difference * difference / 2.0 + exp.ln_1p();
        gradient[i] += QUARTIC[i] * w[i].powi(3) + COUPLING[i] * difference + LOGISTIC[i] * exp / (1.0 + exp);
        gradient[next] -= COUPLING[i] * difference;
    }
    loss
}

/// [`coupled_quartic`] as an objective.
#[allow(clippy::unnecessary_wraps, reason = "this is the signature of an objective")]
pub(crate) fn objective(w: &Vec<f64>, _at: Point, gradient: &mut Vec<f64>) -> Result<f64, OptimError> {
    assert_eq!(w.dim(), gradient.dim());
    Ok(coupled_quartic(w, gradient))
}

/// Reads one golden file.
pub(crate) fn golden<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("golden files are written by golden/optim.py")
}

/// Asserts that two vectors agree within 1e-12, absolutely or relative to the larger entry.
///
/// Both sides compute in f64 with another order of operations, and no golden trajectory amplifies rounding by more than a factor
/// of ten: some 1e-15 remain.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], case: &str) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (found, expected) in found.iter().zip(expected) {
        let tolerance = 1e-12 * expected.abs().max(1.0);
        assert!((found - expected).abs() <= tolerance, "{case}: found {found}, expected {expected}");
    }
}
