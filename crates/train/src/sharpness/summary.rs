//! A few numbers on how flat the loss is at the end of a run, for the claims of an experiment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::ensure;

use super::{ExecutionContext, OfOne, WeightSelection, measure};
use crate::interrupt::Interrupted;
use crate::progress::Silent;
use polder_experiment::run::flatness::{
    Flatness, FlatnessRecord, FlatnessSettings, Section, SectionPoint, SectionSettings,
};
use polder_experiment::sharpness::measurement::{Found, LossAt};
use polder_experiment::sharpness::measurement_spec::{Coordinates, Measure, SplitName, Subset};
use polder_experiment::sharpness::plan::{MeasureName, Settings};

/// Images at a time.
const BATCH_SIZE: usize = 250;

/// Products at most for the largest eigenvalue.
const MAX_BASIS: usize = 100;

/// Measures trace and largest eigenvalue at weights of `run`, and the loss on lines between them, as far as asked for.
///
/// # Errors
/// [`Interrupted`]: what is done is kept, and the next call continues; as [`measure`].
pub fn flatness(
    run: &Path,
    settings: &FlatnessSettings,
    means: &ExecutionContext,
) -> anyhow::Result<FlatnessRecord> {
    let begun = Instant::now();
    let by_weights =
        if settings.weights.is_empty() { BTreeMap::new() } else { curvature(run, settings, means)? };
    let sections = match &settings.sections {
        Some(settings) => sections(run, settings, means)?,
        None => Vec::new(),
    };
    let seconds = begun.elapsed().as_secs_f64();
    Ok(FlatnessRecord { settings: settings.clone(), seconds, by_weights, sections })
}

fn curvature(
    run: &Path,
    settings: &FlatnessSettings,
    means: &ExecutionContext,
) -> anyhow::Result<BTreeMap<String, Flatness>> {
    let subset = subset(SplitName::Train, settings.images, settings.bn_images);
    let questions = Settings {
        measures: vec![MeasureName::Trace, MeasureName::Eigenvalues],
        precision: settings.precision,
        max_samples: settings.max_samples,
        tolerance: settings.tolerance,
        ..questions(subset)
    };
    let report = measure(&choice(run, settings.weights.clone(), &[]), &questions, means, &Silent)?;
    ensure!(report.is_complete, Interrupted);
    let of_one = report.stages.iter().flat_map(|stage| &stage.of_one);
    Ok(of_one.map(|of_one| (of_one.name.clone(), numbers(of_one))).collect())
}

fn sections(
    run: &Path,
    settings: &SectionSettings,
    means: &ExecutionContext,
) -> anyhow::Result<Vec<Section>> {
    let mut ends: Vec<String> = settings.between.iter().flatten().cloned().collect();
    ends.sort();
    ends.dedup();
    let choice = choice(run, ends, &settings.between);
    let mut sections: Vec<Section> = Vec::new();
    for split in [SplitName::Train, SplitName::Test] {
        let subset = subset(split, settings.images, settings.bn_images);
        let questions =
            Settings { measures: vec![MeasureName::Line], line_points: settings.points, ..questions(subset) };
        let report = measure(&choice, &questions, means, &Silent)?;
        ensure!(report.is_complete, Interrupted);
        let lines = report.stages.iter().flat_map(|stage| &stage.lines);
        for (index, (names, answer)) in lines.enumerate() {
            let (Measure::Line { places }, Found::Line { distance, losses }, [from, to]) =
                (&answer.question.measure, &answer.found, &names[..])
            else {
                continue;
            };
            let point =
                |(at, found): (&f64, &LossAt)| SectionPoint { at: *at, loss: found.loss, error: found.error };
            let points = places.iter().zip(losses).map(point).collect();
            match split {
                SplitName::Train => sections.push(Section {
                    between: [from.clone(), to.clone()],
                    distance: *distance,
                    train: points,
                    test: Vec::new(),
                }),
                SplitName::Test => sections[index].test = points,
            }
        }
    }
    Ok(sections)
}

fn choice(run: &Path, weights: Vec<String>, lines: &[[String; 2]]) -> WeightSelection {
    WeightSelection {
        run: run.to_owned(),
        with: Vec::new(),
        weights,
        lines: lines.iter().map(|ends| ends.to_vec()).collect(),
        planes: Vec::new(),
        all_checkpoints: false,
    }
}

fn subset(split: SplitName, images: usize, refresh_images: usize) -> Subset {
    Subset { split, images, refresh_images, batch_size: BATCH_SIZE }
}

/// About these images nothing yet but the loss.
fn questions(subset: Subset) -> Settings {
    Settings {
        subset,
        measures: Vec::new(),
        coordinates: vec![Coordinates::Raw, Coordinates::ScaleInvariant],
        seed: 0,
        precision: 0.1,
        max_samples: 1,
        num_eigenvalues: 1,
        tolerance: 0.1,
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
