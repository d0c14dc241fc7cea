//! Answers in the run directory, one file for each question; a finished one is not computed again.

use std::path::{Path, PathBuf};

use super::answer::Answer;
use super::question::Question;
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
    pub fn look_up(&self, question: &Question) -> Answer {
        let path = self.path(question);
        let Ok(bytes) = std::fs::read(&path) else { return Answer::empty(question.clone()) };
        match serde_json::from_slice::<Answer>(&bytes) {
            Ok(answer) if answer.question == *question => answer,
            Ok(_) => Answer::empty(question.clone()),
            Err(error) => {
                tracing::warn!("`{}` cannot be read ({error}): it is computed again", path.display());
                Answer::empty(question.clone())
            }
        }
    }

    pub fn keep(&self, answer: &Answer) -> anyhow::Result<()> {
        replace_file(&self.path(&answer.question), &serde_json::to_vec(answer)?)
    }

    fn path(&self, question: &Question) -> PathBuf {
        self.folder.join(format!("{}.json", question.key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharpness::question::{Measure, SplitName, Subset};

    #[test]
    fn what_is_kept_is_found_again_and_what_is_damaged_is_not() {
        let run = tempfile::tempdir().unwrap();
        let store = Store::of_run(run.path());
        let subset = Subset { split: SplitName::Test, images: 3, refresh_images: 3, batch_size: 2 };
        let question = Question::new(subset, Vec::new(), Measure::Loss);
        let nothing = store.look_up(&question);
        assert_eq!((nothing.is_finished, nothing.seconds), (false, 0.0));
        let answer = Answer { is_finished: true, seconds: 0.1 + 0.2, ..nothing.clone() };
        store.keep(&answer).unwrap();
        assert_eq!(store.look_up(&question), answer);
        std::fs::write(store.path(&question), "{").unwrap();
        assert_eq!(store.look_up(&question), nothing);
    }
}
