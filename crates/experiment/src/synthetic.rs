//! Records made up for tests: shaped like those of real runs, measured by nobody.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::config::{Method, RunConfig};
use crate::plan::run_dir;
use crate::run::flatness::{Flatness, FlatnessRecord, FlatnessSettings, Section, SectionPoint};
use crate::run::record::{
    DataRecord, DataState, ENVIRONMENT_FILE, EndRecord, Environment, EpochRecord, Evaluation, ITERATE,
    RECORD_FILE, REFRESHED, Record, RunRecord, TIMINGS_FILE, Timing,
};
use crate::run::theory_record::{Simulation, TheoryRecord};
use crate::scale::ScaleName;

/// Writes a run directory: finished, or stopped after `epochs`.
pub fn write_run(results: &Path, config: &RunConfig, epochs: Option<u64>) {
    let dir = run_dir(results, &config.id());
    std::fs::create_dir_all(&dir).unwrap();
    let train_images = config.data.train_images.unwrap_or(50_000) as u64;
    let run = RunRecord {
        id: config.id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: config.clone(),
        data: DataRecord {
            train_images,
            test_images: config.data.test_images.unwrap_or(10_000) as u64,
            num_classes: 10,
            verification: DataState::Verified,
            packed_checksums: Vec::new(),
        },
        num_parameters: 77_850,
        device: "cpu".to_owned(),
    };
    let recorded = epochs.unwrap_or(config.training.epochs);
    let mut lines = vec![Record::Run(Box::new(run))];
    lines.extend((1..=recorded).map(|epoch| Record::Epoch(epoch_record(config, epoch, train_images))));
    if epochs.is_none() {
        lines.push(Record::End(EndRecord::Finished));
    }
    write_lines(&dir.join(RECORD_FILE), &lines);
    let gradients = if config.optimizer.method == Method::Sam { 2.0 } else { 1.0 };
    let test_images = config.data.test_images.unwrap_or(10_000) as f64;
    let passed = |weights: &String| {
        test_images + if config.model.has_bn() && weights != ITERATE { train_images as f64 } else { 0.0 }
    };
    let evaluated = |epoch: u64| epoch_record(config, epoch, train_images).evaluations;
    let timings: Vec<Timing> = (1..=recorded)
        .map(|epoch| Timing {
            epoch,
            train_seconds: gradients * train_images as f64 / 2100.0,
            evaluate_seconds: evaluated(epoch).keys().map(passed).sum::<f64>() / 9000.0,
            images_per_second: 2100.0 / gradients,
            data_wait_share: 0.01,
            ended_at: None,
        })
        .collect();
    write_lines(&dir.join(TIMINGS_FILE), &timings);
    let environment = Environment::here(Some(2), None);
    std::fs::write(dir.join(ENVIRONMENT_FILE), serde_json::to_vec(&environment).unwrap()).unwrap();
}

/// Averages made flatter than iterates, SAM flatter than SGD, with some noise.
pub fn write_flatness(results: &Path, config: &RunConfig, settings: &FlatnessSettings) {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed);
    let names = std::iter::once(ITERATE).chain(config.averages.keys().map(String::as_str));
    let flat = |name: &str, noise: f64| {
        let of_sam = if config.optimizer.rho.is_some() { 0.5 } else { 1.0 };
        let trace = 1000.0 * of_sam * if name == ITERATE { 1.0 } else { 0.6 } * (0.9 + 0.2 * noise);
        Flatness {
            loss: Some(0.7),
            trace: Some(trace),
            relative_trace: Some(0.1 * trace),
            largest_eigenvalue: Some(0.05 * trace),
            relative_largest_eigenvalue: Some(0.005 * trace),
        }
    };
    // A valley that is steeper before the line's beginning than beyond its end.
    let loss = |at: f64| 0.5 + 0.2 * (at - 0.8).powi(2) + 0.1 * (0.4 - at).max(0.0);
    let places = |points: usize| (0..points).map(move |i| 2.0 * i as f64 / (points - 1) as f64 - 0.5);
    let sections = settings.sections.iter().flat_map(|sections| {
        sections.between.iter().map(|between| {
            let along = |more: f64| -> Vec<SectionPoint> {
                let point = |at| SectionPoint { at, loss: Some(loss(at) + more), error: 0.2 + 0.1 * more };
                places(sections.points).map(point).collect()
            };
            Section { between: between.clone(), distance: 2.0, train: along(0.0), test: along(0.3) }
        })
    });
    let sections = sections.collect();
    let names: Vec<&str> =
        names.filter(|name| settings.weights.iter().any(|wanted| wanted == name)).collect();
    let by_weights =
        names.into_iter().map(|name| (name.to_owned(), flat(name, random.random::<f64>()))).collect();
    let record = FlatnessRecord { settings: settings.clone(), seconds: 30.0, by_weights, sections };
    record.write(&run_dir(results, &config.id())).unwrap();
}

fn write_lines<T: serde::Serialize>(path: &Path, values: &[T]) {
    let lines: Vec<String> =
        values.iter().map(|value| serde_json::to_string(value).unwrap() + "\n").collect();
    std::fs::write(path, lines.concat()).unwrap();
}

/// Errors that fall over the epochs, with more noise in the iterate where the learning rate is high.
fn epoch_record(config: &RunConfig, epoch: u64, train_images: u64) -> EpochRecord {
    let mut random = ChaCha8Rng::seed_from_u64(config.seed * 1000 + epoch);
    let learning_rate = config.schedule().at(epoch - 1);
    let progress = epoch as f64 / config.training.epochs as f64;
    let base = 0.29 + 0.4 * (-4.0 * progress).exp() - if config.optimizer.rho.is_some() { 0.01 } else { 0.0 };
    let noise = (random.random::<f64>() + 0.4) * learning_rate;
    let evaluation = |error: f64| Evaluation { loss: Some(2.6 * error), error };
    let mut evaluations = BTreeMap::from([(ITERATE.to_owned(), evaluation(base + noise))]);
    if epoch == config.training.epochs && config.model.has_bn() {
        evaluations.insert(REFRESHED.to_owned(), evaluation(base + 0.5 * noise));
    }
    for name in config.averages.keys().filter(|_| progress > 0.75) {
        evaluations.insert(
            name.clone(),
            evaluation(base - 0.015 * (progress - 0.5) - 0.1 * learning_rate.min(0.05)),
        );
    }
    EpochRecord {
        epoch,
        steps: epoch * train_images.div_ceil(128),
        learning_rate,
        train_loss: Some(2.7 * base),
        train_error: base + 0.02,
        ascent_norm: config.optimizer.rho,
        evaluations,
    }
}

/// The law at its smallest, under the settings that were asked for; computed once for all tests.
pub fn simulate(simulation: &Simulation) -> anyhow::Result<TheoryRecord> {
    static KNOWN: Mutex<BTreeMap<&'static str, TheoryRecord>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    let law = simulation.law;
    if !known.contains_key(law.name) {
        let settings = law.preset(ScaleName::Smoke)?;
        known.insert(law.name, Simulation { law, settings }.run()?);
    }
    Ok(TheoryRecord { settings: simulation.settings.clone(), seconds: 4.2, ..known[law.name].clone() })
}
