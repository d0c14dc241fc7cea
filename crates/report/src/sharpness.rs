//! What `polder sharpness` found, as text, JSON and figures.

pub mod json;
pub mod picture;
pub mod text;

use polder_experiment::sharpness::measurement::CONFIDENCE;
use polder_experiment::sharpness::measurement_spec::{Coordinates, Measure};

/// The level of the intervals of a measure.
fn confidence(measure: &Measure) -> f64 {
    match measure {
        Measure::Trace { config } => config.stopping.confidence,
        Measure::AverageSharpness { config, .. } => config.stopping.confidence,
        _ => CONFIDENCE,
    }
}

/// The units of weights in which a measure is taken, where it has a choice.
fn coordinates(measure: &Measure) -> Option<Coordinates> {
    match measure {
        Measure::Eigenvalues { coordinates, .. }
        | Measure::Density { coordinates, .. }
        | Measure::WorstCaseSharpness { coordinates, .. }
        | Measure::AverageSharpness { coordinates, .. }
        | Measure::MSharpness { coordinates, .. } => Some(*coordinates),
        Measure::Loss | Measure::Trace { .. } | Measure::Line { .. } | Measure::Plane { .. } => None,
    }
}
