//! Answers questions: each continues from what is known, keeps what it finds now and then, and stops between two passes.

use super::bench::{Keeper, MeasuringContext};
use super::weights::Weights;
use super::{curvature, rises, sections};
use polder_experiment::sharpness::measurement::{Found, Measurement};
use polder_experiment::sharpness::measurement_spec::Measure;
use polder_experiment::sharpness::store::Store;

/// Finds the answer, or as much of it as an interrupt leaves time for.
pub(super) fn complete(
    answer: Measurement,
    weights: &[&Weights],
    bench: &mut MeasuringContext<'_>,
    store: &Store,
) -> anyhow::Result<Measurement> {
    let (measure, found) = (answer.question.measure.clone(), answer.found.clone());
    let mut keeper = Keeper::new(store, answer);
    let at = &weights[0].vector;
    let (found, is_finished) = match (measure, found) {
        (Measure::Trace { config }, Found::Trace(state)) => {
            curvature::trace(&config, state, bench, at, &mut keeper)?
        }
        (Measure::Eigenvalues { coordinates, config }, _) => {
            curvature::eigenvalues(coordinates, config, bench, at)?
        }
        (Measure::Density { coordinates, config }, Found::Density(state)) => {
            curvature::density(coordinates, config, state, bench, at, &mut keeper)?
        }
        (Measure::WorstCaseSharpness { coordinates, config }, _) => {
            rises::worst(coordinates, config, bench, at)?
        }
        (Measure::AverageSharpness { coordinates, config }, Found::AverageSharpness(state)) => {
            rises::average(coordinates, &config, state, bench, at, &mut keeper)?
        }
        (Measure::MSharpness { coordinates, rho, micro_batch }, Found::MSharpness(state)) => {
            rises::m_sharpness(coordinates, rho, micro_batch, state, bench, at, &mut keeper)?
        }
        (Measure::Line { places }, Found::Line { losses, .. }) => {
            sections::line(&places, losses, bench, [at, &weights[1].vector], &mut keeper)?
        }
        (Measure::Plane { points_per_side, margin }, Found::Plane(state)) => {
            let corners = [at, &weights[1].vector, &weights[2].vector];
            sections::plane(points_per_side, margin, state, bench, corners, &mut keeper)?
        }
        (_, found) => sections::loss(found, bench, at)?,
    };
    keeper.end(found, is_finished)
}
