//! Answers in the run directory, one file for each question; a finished one is not computed again.

use std::path::{Path, PathBuf};

use super::measurement::Measurement;
use super::measurement_spec::MeasurementSpec;
use crate::replace_file::replace_file;

/// The folder within a run directory.
const FOLDER: &str = "sharpness";

/// The answers that lie beside a run.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    pub fn of_run(run: &Path) -> Self {
        Self { folder: run.join(FOLDER) }
    }

    /// What is known of the answer: all, a part, or nothing yet. A damaged file counts as nothing, with a warning.
    pub fn look_up(&self, question: &MeasurementSpec) -> Measurement {
        let path = self.path(question);
        let Ok(bytes) = std::fs::read(&path) else { return Measurement::empty(question.clone()) };
        match serde_json::from_slice::<Measurement>(&bytes) {
            Ok(answer) if answer.question == *question => answer,
            Ok(_) => Measurement::empty(question.clone()),
            Err(error) => {
                tracing::warn!("`{}` cannot be read ({error}): it is computed again", path.display());
                Measurement::empty(question.clone())
            }
        }
    }

    pub fn keep(&self, answer: &Measurement) -> anyhow::Result<()> {
        replace_file(&self.path(&answer.question), &serde_json::to_vec(answer)?)
    }

    fn path(&self, question: &MeasurementSpec) -> PathBuf {
        self.folder.join(format!("{}.json", question.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharpness::measurement_spec::{Measure, SplitName, Subset};

    #[test]
    fn what_is_kept_is_found_again_and_what_is_damaged_is_not() {
        let run = tempfile::tempdir().unwrap();
        let store = Store::of_run(run.path());
        let subset = Subset { split: SplitName::Test, images: 3, refresh_images: 3, batch_size: 2 };
        let question = MeasurementSpec::new(subset, Vec::new(), Measure::Loss);
        let nothing = store.look_up(&question);
        assert_eq!((nothing.is_finished, nothing.seconds), (false, 0.0));
        let answer = Measurement { is_finished: true, seconds: 0.1 + 0.2, ..nothing.clone() };
        store.keep(&answer).unwrap();
        assert_eq!(store.look_up(&question), answer);
        std::fs::write(store.path(&question), "{").unwrap();
        assert_eq!(store.look_up(&question), nothing);
    }
}
