//! The checkpoints of a run: the last few, each under the number of steps it was written after.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::Checkpoint;
use super::file_system::{Disk, FileSystem, PARTIAL};
use crate::error::ModelError;

const PREFIX: &str = "checkpoint-";
const EXTENSION: &str = "safetensors";

/// The extension given to a file that turned out to be damaged.
const DAMAGED: &str = "damaged";

/// The checkpoints in a folder, called `checkpoint-0000000123.safetensors` after 123 steps.
///
/// # Example
/// ```
/// use std::num::NonZeroUsize;
/// use polder_models::{Checkpoint, CheckpointSeries};
///
/// let folder = tempfile::tempdir()?;
/// let series = CheckpointSeries::new(folder.path());
/// for step in [10, 20, 30] {
///     series.write(step, &Checkpoint::default(), NonZeroUsize::new(2))?;
/// }
/// assert_eq!(series.steps()?, [20, 30]);
///
/// std::fs::write(series.path(30), "no checkpoint")?;
/// let (newest, damaged) = series.newest()?;
/// assert_eq!((newest.map(|found| found.step), damaged.len()), (Some(20), 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CheckpointSeries {
    folder: PathBuf,
}

/// A checkpoint that could be read, and where it was.
#[derive(Clone, Debug)]
pub struct FoundCheckpoint {
    /// The steps it was written after.
    pub step: u64,
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub checkpoint: Checkpoint,
}

/// A file that cannot be read as the checkpoint it should be.
#[derive(Debug)]
pub struct DamagedCheckpoint {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: ModelError,
}

impl CheckpointSeries {
    /// The checkpoints in `folder`, which need not exist yet.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The file of the checkpoint after `step` steps, whether it exists or not.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("{PREFIX}{step:010}.{EXTENSION}"))
    }

    /// The steps of which there are checkpoints, ascending, without a look into the files.
    ///
    /// # Errors
    /// [`ModelError::Io`] if the folder is there and cannot be listed.
    pub fn steps(&self) -> Result<Vec<u64>, ModelError> {
        let mut steps: Vec<u64> = self.names()?.iter().filter_map(|name| step_of(name, EXTENSION)).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// Writes the checkpoint after `step` steps as [`Checkpoint::write`] does, then removes all but the last `keep`, and
    /// what earlier attempts left unfinished. `None` keeps all.
    ///
    /// # Errors
    /// [`ModelError::Io`]; the checkpoints that were there before are as they were.
    pub fn write(
        &self,
        step: u64,
        checkpoint: &Checkpoint,
        keep: Option<NonZeroUsize>,
    ) -> Result<(), ModelError> {
        self.write_on(&mut Disk, step, checkpoint, keep)
    }

    pub(super) fn write_on(
        &self,
        file_system: &mut impl FileSystem,
        step: u64,
        checkpoint: &Checkpoint,
        keep: Option<NonZeroUsize>,
    ) -> Result<(), ModelError> {
        checkpoint.write_on(file_system, &self.path(step))?;
        let unfinished = self.names()?.into_iter().filter(|name| step_of(name, PARTIAL).is_some());
        let mut superfluous: Vec<PathBuf> = unfinished.map(|name| self.folder.join(name)).collect();
        if let Some(keep) = keep {
            let steps = self.steps()?;
            let num_older = steps.len().saturating_sub(keep.get());
            superfluous.extend(steps[..num_older].iter().map(|step| self.path(*step)));
        }
        for path in superfluous {
            file_system.remove(&path).map_err(|source| ModelError::Io { act: "remove", path, source })?;
        }
        Ok(())
    }

    /// The newest checkpoint that can be read, if there is any, and the damaged ones that are newer, newest first.
    ///
    /// # Errors
    /// [`ModelError::Io`] if the folder cannot be listed, or a file must not be read: that one may well be good.
    pub fn newest(&self) -> Result<(Option<FoundCheckpoint>, Vec<DamagedCheckpoint>), ModelError> {
        let mut damaged = Vec::new();
        for step in self.steps()?.into_iter().rev() {
            let path = self.path(step);
            match Checkpoint::read(&path) {
                Ok(checkpoint) => return Ok((Some(FoundCheckpoint { step, path, checkpoint }), damaged)),
                Err(ModelError::Io { act, path, source })
                    if source.kind() == std::io::ErrorKind::PermissionDenied =>
                {
                    return Err(ModelError::Io { act, path, source });
                }
                Err(cause) => damaged.push(DamagedCheckpoint { path, cause }),
            }
        }
        Ok((None, damaged))
    }

    /// The names of the files in the folder; none if there is no folder.
    fn names(&self) -> Result<Vec<String>, ModelError> {
        let io = |source| ModelError::Io { act: "list", path: self.folder.clone(), source };
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry.map_err(io)?.file_name().into_string());
        }
        Ok(names)
    }
}

impl DamagedCheckpoint {
    /// Gives the file another extension, so that it is no longer among the checkpoints but can still be looked at.
    /// Returns its new path.
    ///
    /// # Errors
    /// [`ModelError::Io`] if it cannot be renamed.
    pub fn set_aside(&self) -> Result<PathBuf, ModelError> {
        let aside = self.path.with_extension(DAMAGED);
        std::fs::rename(&self.path, &aside).map_err(|source| ModelError::Io {
            act: "rename",
            path: self.path.clone(),
            source,
        })?;
        Ok(aside)
    }
}

/// The number in the name of a checkpoint with this extension.
fn step_of(name: &str, extension: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.strip_suffix(extension)?.strip_suffix('.')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(text: &str) -> Checkpoint {
        let mut checkpoint = Checkpoint::default();
        checkpoint.metadata.insert("text".to_owned(), text.to_owned());
        checkpoint
    }

    fn series_of(folder: &Path, steps: &[u64]) -> CheckpointSeries {
        let series = CheckpointSeries::new(folder);
        for step in steps {
            series.write(*step, &checkpoint(&step.to_string()), None).unwrap();
        }
        series
    }

    #[test]
    fn the_last_few_are_kept_and_what_was_unfinished_goes() {
        let folder = tempfile::tempdir().unwrap();
        let series = series_of(folder.path(), &[5, 9, 10, 100]);
        let strange = ["checkpoint-0000000003.partial", "checkpoint-x.safetensors", "notes.txt"];
        for name in strange {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        series.write(101, &checkpoint("101"), NonZeroUsize::new(3)).unwrap();
        assert_eq!(series.steps().unwrap(), [10, 100, 101]);
        let mut names = series.names().unwrap();
        names.sort();
        assert_eq!(names[3..], ["checkpoint-x.safetensors", "notes.txt"], "what is not ours stays");
    }

    #[test]
    fn a_damaged_newest_file_gives_way_to_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let series = series_of(folder.path(), &[1, 2, 3]);
        for step in [2, 3] {
            let bytes = std::fs::read(series.path(step)).unwrap();
            std::fs::write(series.path(step), &bytes[..bytes.len() - 1]).unwrap();
        }
        let (newest, damaged) = series.newest().unwrap();
        let newest = newest.unwrap();
        assert_eq!((newest.step, newest.checkpoint), (1, checkpoint("1")));
        assert_eq!(
            damaged.iter().map(|d| d.path.clone()).collect::<Vec<_>>(),
            [series.path(3), series.path(2)]
        );
        for file in &damaged {
            assert!(file.set_aside().unwrap().exists());
        }
        assert_eq!(series.steps().unwrap(), [1]);
    }

    #[test]
    fn a_folder_that_is_not_there_holds_no_checkpoint() {
        let series = CheckpointSeries::new(Path::new("/nonexistent/run"));
        assert!(matches!(series.newest(), Ok((None, damaged)) if damaged.is_empty()));
    }
}
