//! A network and an optimizer of your own, trained on generated images: each is one file, and nothing of Polder is edited.
//!
//! `cargo run --release --package polder-example-custom-method`

use polder_example_custom_method::register;
use polder_experiment::config::RunConfig;
use polder_experiment::run::record::{EpochRecord, Timing};
use polder_train::progress::{StepState, TrainingProgress};
use polder_train::trainer::{TrainOptions, train};

/// A run of both, as `polder train` would read it.
const CONFIGURATION: &str = r#"
data = { dataset = "generated", train_images = 640, test_images = 200, augmentation = "none" }
model.name = "plain-8"
optimizer = { method = "lookahead", momentum = 0.9, weight_decay = 0.0 }
schedule = { kind = "constant", learning_rate = 0.1 }
training = { epochs = 3, batch_size = 64 }
"#;

/// Prints the losses.
struct Losses;

impl TrainingProgress for Losses {
    fn begin(&mut self, _epochs: u64, _steps_per_epoch: u64, _done: u64) {}

    fn is_due(&self) -> bool {
        false
    }

    fn step(&mut self, _state: StepState) {}

    fn doing(&mut self, _what: &str) {}

    fn epoch(&mut self, record: &EpochRecord, _timing: &Timing) {
        println!("epoch {}: loss {:.3}", record.epoch, record.train_loss.unwrap_or(f64::NAN));
    }

    fn line(&mut self, text: &str) {
        println!("{text}");
    }
}

fn main() -> anyhow::Result<()> {
    register()?;
    let config = RunConfig::from_table(&CONFIGURATION.parse()?)?;
    let (_, dir) = train(&config, &TrainOptions::default(), &mut Losses)?;
    println!("{}", dir.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use polder_experiment::config::Precision;
    use polder_experiment::run::record::{RECORD_FILE, RunRecords};
    use polder_experiment::run::run_outcome::RunOutcome;
    use polder_optim::{OptimError, Optimizer as _, Point, Resumable as _, SgdConfig};
    use polder_train::progress::Silent;

    use polder_example_custom_method::lookahead::Lookahead;

    use super::*;

    fn trained(config: &RunConfig, runs: &Path) -> RunRecords {
        let options = TrainOptions { runs_dir: runs.to_owned(), threads: Some(1), ..TrainOptions::default() };
        let (outcome, dir) = train(config, &options, &mut Silent).unwrap();
        assert_eq!((outcome, dir), (RunOutcome::Finished, runs.join(config.id())));
        RunRecords::read(&runs.join(config.id())).unwrap()
    }

    #[test]
    fn a_configuration_names_both_and_they_learn_in_either_precision() {
        let read = || RunConfig::from_table(&CONFIGURATION.parse().unwrap());
        let error = format!("{:#}", read().unwrap_err());
        assert!(error.contains("lookahead"), "not registered yet: {error}");
        register().unwrap();
        assert!(register().unwrap_err().to_string().contains("plain-8"));
        let mut ids = Vec::new();
        for precision in [Precision::F32, Precision::Bf16] {
            let mut config = read().unwrap();
            config.model.precision = precision;
            let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let records = trained(&config, first.path());
            let losses: Vec<f64> = records.epochs.iter().map(|epoch| epoch.train_loss.unwrap()).collect();
            assert!(losses[2] < 0.9 * losses[0], "{precision:?}: {losses:?}");
            assert!(records.epochs[2].evaluations.contains_key("tail"));
            trained(&config, second.path());
            let bytes = |runs: &Path| std::fs::read(runs.join(config.id()).join(RECORD_FILE)).unwrap();
            assert_eq!(bytes(first.path()), bytes(second.path()));
            ids.push(config.id());
        }
        assert_ne!(ids[0], ids[1]);
    }

    /// SGD goes from 1 to 0.9 to 0.81, and half of the way from 1 is 0.905.
    #[test]
    fn lookahead_takes_half_of_the_way_on_a_parabola_and_continues_to_the_bit() -> Result<(), OptimError> {
        let mut parabola = |w: &f64, _at: Point, gradient: &mut f64| {
            *gradient = *w;
            Ok(0.5 * w * w)
        };
        let mut lookahead = Lookahead::new(SgdConfig::default(), 2, 0.5)?;
        let (mut w, mut gradient) = (1.0, 0.0);
        for _ in 0..2 {
            lookahead.step(&mut parabola, &mut w, &mut gradient, 0.1)?;
        }
        assert!((w - 0.905_f64).abs() < 1e-12);

        let mut continued = Lookahead::new(SgdConfig::default(), 2, 0.5)?;
        continued.restore(lookahead.state().save())?;
        let mut other = w;
        for _ in 0..3 {
            lookahead.step(&mut parabola, &mut w, &mut gradient, 0.1)?;
            continued.step(&mut parabola, &mut other, &mut gradient, 0.1)?;
        }
        assert_eq!(w.to_bits(), other.to_bits());
        Ok(())
    }
}
