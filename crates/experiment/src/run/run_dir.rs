//! The directory of a run: one process at a time, records that agree with the checkpoint, nothing half-written.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

use crate::config::RunConfig;
use crate::replace_file::replace_file;
use crate::run::record::{
    ENVIRONMENT_FILE, EpochRecord, RECORD_FILE, Record, RunRecord, TIMINGS_FILE, Timing, read_lines,
};

pub const CONFIG_FILE: &str = "config.toml";
const LOCK_FILE: &str = "lock";

/// How the names of files begin that [`replace_file`] has not finished.
const UNFINISHED: &str = ".tmp";

/// A run directory, held by this process until it is dropped.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Opens or makes `runs_dir/<id>` and takes its lock.
    pub fn open(runs_dir: &Path, config: &RunConfig) -> anyhow::Result<Self> {
        let path = runs_dir.join(config.id());
        std::fs::create_dir_all(&path).with_context(|| {
            format!("cannot make the run directory `{}`; --runs chooses another place", path.display())
        })?;
        let lock_path = path.join(LOCK_FILE);
        let lock = File::create(&lock_path).with_context(|| {
            format!("cannot write `{}`; --runs chooses another place", lock_path.display())
        })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another process is in the run directory `{}`; wait for it, or stop it", path.display())
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock `{}`", lock_path.display()));
            }
        }
        let run = Self { path, _lock: lock };
        run.clear_unfinished()?;
        if !run.file(CONFIG_FILE).exists() {
            replace_file(&run.file(CONFIG_FILE), toml::to_string(config)?.as_bytes())?;
        }
        Ok(run)
    }

    /// Whether a process holds the run in `dir`; false where the system does not tell.
    ///
    /// The locks are read from the system's list: to try one could turn away a process that begins just then.
    pub fn is_held(dir: &Path) -> bool {
        #[cfg(target_os = "linux")]
        {
            use std::os::linux::fs::MetadataExt as _;

            let Ok(lock) = std::fs::metadata(dir.join(LOCK_FILE)) else { return false };
            let inode = format!(":{} ", lock.st_ino());
            std::fs::read_to_string("/proc/locks")
                .is_ok_and(|locks| locks.lines().any(|line| line.contains("FLOCK") && line.contains(&inode)))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = dir;
            false
        }
    }

    /// Removes what processes that were killed while they wrote a small file have left.
    fn clear_unfinished(&self) -> anyhow::Result<()> {
        let context = || format!("cannot clear `{}`", self.path.display());
        for entry in std::fs::read_dir(&self.path).with_context(context)? {
            let path = entry.with_context(context)?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED)) {
                std::fs::remove_file(&path).with_context(context)?;
            }
        }
        Ok(())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn environment(&self) -> PathBuf {
        self.file(ENVIRONMENT_FILE)
    }

    /// Whether the run has ended, by its last record.
    pub fn is_ended(&self) -> anyhow::Result<bool> {
        let path = self.file(RECORD_FILE);
        Ok(path.exists() && matches!(read_lines::<Record>(&path)?.last(), Some(Record::End(_))))
    }

    /// Brings the records back to `epochs_completed` epochs, as the checkpoint has them; `run` becomes the first line.
    ///
    /// What a crash left behind the checkpoint is cut: it will be computed, and written, again.
    pub fn rewind(&self, run: RunRecord, epochs_completed: u64) -> anyhow::Result<()> {
        let path = self.file(RECORD_FILE);
        let mut kept = vec![Record::Run(Box::new(run))];
        if path.exists() {
            let epochs = read_lines::<Record>(&path)?.into_iter().skip(1);
            kept.extend(
                epochs.filter(|record| matches!(record, Record::Epoch(e) if e.epoch <= epochs_completed)),
            );
        }
        if kept.len() as u64 != epochs_completed + 1 {
            bail!(
                "`{}` has {} epochs, fewer than the {epochs_completed} of its checkpoint; remove the run directory to \
                 start again",
                path.display(),
                kept.len() - 1
            );
        }
        write_lines(&path, &kept)?;
        let path = self.file(TIMINGS_FILE);
        if path.exists() {
            let mut timings = read_lines::<Timing>(&path)?;
            timings.retain(|timing| timing.epoch <= epochs_completed);
            write_lines(&path, &timings)?;
        }
        Ok(())
    }

    /// Appends an epoch; its record is on the disk when this returns.
    pub fn append_epoch(&self, epoch: EpochRecord, timing: &Timing) -> anyhow::Result<()> {
        append_line(&self.file(TIMINGS_FILE), timing)?;
        self.append(&Record::Epoch(epoch))
    }

    pub fn append(&self, record: &Record) -> anyhow::Result<()> {
        append_line(&self.file(RECORD_FILE), record)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn write_lines<T: Serialize>(path: &Path, values: &[T]) -> anyhow::Result<()> {
    let mut text = Vec::new();
    for value in values {
        serde_json::to_writer(&mut text, value)?;
        text.push(b'\n');
    }
    replace_file(path, &text)
}

fn append_line<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let append = || {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(&line)?;
        file.sync_data()
    };
    append().with_context(|| {
        format!(
            "cannot append to `{}` (disk full, or folder gone?); mend that and repeat the command: it continues from \
             the last checkpoint",
            path.display()
        )
    })
}
