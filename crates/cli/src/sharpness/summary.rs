//! A few numbers on how flat the loss is at the end of a run, for the claims of an experiment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::answer::Found;
use super::plan::{MeasureName, Settings};
use super::question::{Coordinates, Measure, SplitName, Subset};
use super::{Choice, Means, OfOne, measure};
use crate::flatness::{Flatness, FlatnessRecord, FlatnessSettings};

/// Images at a time.
const BATCH_SIZE: usize = 250;

/// Products at most for the largest eigenvalue.
const MAX_BASIS: usize = 100;

/// Measures trace and largest eigenvalue at weights of `run`. `None` after an interrupt: what is done is
/// kept, and the next call continues.
pub(crate) fn flatness(
    run: &Path,
    settings: &FlatnessSettings,
    means: &Means,
) -> anyhow::Result<Option<FlatnessRecord>> {
    let begun = Instant::now();
    let choice = Choice {
        run: run.to_owned(),
        with: Vec::new(),
        weights: settings.weights.clone(),
        lines: Vec::new(),
        planes: Vec::new(),
        all_checkpoints: false,
    };
    let report = measure(&choice, &questions(settings), means)?;
    if !report.is_complete {
        return Ok(None);
    }
    let by_weights: BTreeMap<String, Flatness> = report
        .stages
        .iter()
        .flat_map(|stage| &stage.of_one)
        .map(|of_one| (of_one.name.clone(), numbers(of_one)))
        .collect();
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Some(FlatnessRecord { settings: settings.clone(), seconds, by_weights }))
}

fn questions(settings: &FlatnessSettings) -> Settings {
    Settings {
        subset: Subset {
            split: SplitName::Train,
            images: settings.images,
            refresh_images: settings.bn_images,
            batch_size: BATCH_SIZE,
        },
        measures: vec![MeasureName::Trace, MeasureName::Eigenvalues],
        coordinates: vec![Coordinates::Raw, Coordinates::ScaleInvariant],
        seed: 0,
        precision: settings.precision,
        max_samples: settings.max_samples,
        num_eigenvalues: 1,
        tolerance: settings.tolerance,
        max_basis: MAX_BASIS,
        density_probes: 0,
        density_nodes: 0,
        rho: Vec::new(),
        relative_rho: Vec::new(),
        ascent_steps: 0,
        micro_batch: 1,
        line_points: 2,
        plane_points: 2,
    }
}

fn numbers(of_one: &OfOne) -> Flatness {
    let mut flat = Flatness::default();
    let finite = |number: f64| Some(number).filter(|number| number.is_finite());
    for answer in &of_one.answers {
        match (&answer.question.measure, &answer.found) {
            (_, Found::Loss(Some(at))) => flat.loss = at.loss,
            (_, Found::Trace(state)) => {
                flat.trace = finite(state.trace.mean);
                flat.relative_trace = finite(state.weighted.mean);
            }
            (Measure::Eigenvalues { coordinates, .. }, Found::Eigenvalues(Some(found))) => {
                let largest = found.largest.first().and_then(|found| finite(found.value));
                match coordinates {
                    Coordinates::Raw => flat.largest_eigenvalue = largest,
                    Coordinates::ScaleInvariant => flat.relative_largest_eigenvalue = largest,
                }
            }
            _ => {}
        }
    }
    flat
}
