//! Faults at every step of a checkpoint's write: whatever fails, and whatever a loss of power takes along, a checkpoint
//! can be loaded afterwards, and it is one that was written.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::file_system::{Disk, FileSystem};
use super::{Checkpoint, CheckpointSeries};
use crate::error::ModelError;

/// What goes wrong at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The step fails, as on a full disk.
    NoSpace,
    /// A write takes half of its bytes, then fails; another step fails.
    ShortWrite,
    /// The machine stops before the step.
    CrashBefore,
    /// The machine stops after the step.
    CrashAfter,
}

/// What a loss of power does to renames that were not flushed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Renames {
    Survive,
    AreLost,
}

/// The steps so far, and what of them is not on the disk for certain.
#[derive(Debug)]
struct State {
    fault: Fault,
    fail_at: usize,
    num_steps: usize,
    stopped: bool,
    unsynced_files: Vec<PathBuf>,
    /// From, to, and what was there before.
    unsynced_renames: Vec<(PathBuf, PathBuf, Option<Vec<u8>>)>,
}

impl State {
    /// Makes a step, unless something goes wrong; `half` is what a short write does.
    fn step<T>(
        &mut self,
        whole: impl FnOnce() -> io::Result<T>,
        half: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<T> {
        let here = self.num_steps == self.fail_at;
        self.num_steps += 1;
        let stop = || Err(io::Error::other("the machine has stopped"));
        if self.stopped {
            return stop();
        }
        match (here, self.fault) {
            (false, _) => whole(),
            (true, Fault::NoSpace) => Err(io::ErrorKind::StorageFull.into()),
            (true, Fault::ShortWrite) => {
                half()?;
                Err(io::ErrorKind::StorageFull.into())
            }
            (true, Fault::CrashBefore) => {
                self.stopped = true;
                stop()
            }
            (true, Fault::CrashAfter) => {
                whole()?;
                self.stopped = true;
                stop()
            }
        }
    }
}

#[derive(Debug)]
struct Faulty(Rc<RefCell<State>>);

#[derive(Debug)]
struct FaultyFile {
    file: File,
    path: PathBuf,
    state: Rc<RefCell<State>>,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut half = self.file.try_clone()?;
        let mut state = self.state.borrow_mut();
        state.step(|| self.file.write(bytes), || half.write_all(&bytes[..bytes.len() / 2]))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Faulty {
    fn new(fault: Fault, fail_at: usize) -> Self {
        let (unsynced_files, unsynced_renames) = (Vec::new(), Vec::new());
        Self(Rc::new(RefCell::new(State {
            fault,
            fail_at,
            num_steps: 0,
            stopped: false,
            unsynced_files,
            unsynced_renames,
        })))
    }

    /// Takes from the disk what was never flushed to it: the end of files, and names.
    fn lose_power(&self, renames: Renames) {
        let state = self.0.borrow();
        for path in &state.unsynced_files {
            if let Ok(file) = File::options().write(true).open(path) {
                file.set_len(file.metadata().unwrap().len() / 2).unwrap();
            }
        }
        if renames == Renames::AreLost {
            for (from, to, before) in state.unsynced_renames.iter().rev() {
                std::fs::rename(to, from).unwrap();
                if let Some(before) = before {
                    std::fs::write(to, before).unwrap();
                }
            }
        }
    }
}

impl FileSystem for Faulty {
    type File = FaultyFile;

    fn create(&mut self, path: &Path) -> io::Result<FaultyFile> {
        let file = self.0.borrow_mut().step(|| Disk.create(path), || Ok(()));
        if path.exists() {
            self.0.borrow_mut().unsynced_files.push(path.to_owned());
        }
        Ok(FaultyFile { file: file?, path: path.to_owned(), state: Rc::clone(&self.0) })
    }

    fn sync(&mut self, file: &mut FaultyFile) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.step(|| Disk.sync(&mut file.file), || Ok(()))?;
        state.unsynced_files.retain(|path| *path != file.path);
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let before = std::fs::read(to).ok();
        let mut state = self.0.borrow_mut();
        let renamed = state.step(|| Disk.rename(from, to), || Ok(()));
        if !from.exists() {
            state.unsynced_files.iter_mut().filter(|path| *path == from).for_each(|path| to.clone_into(path));
            state.unsynced_renames.push((from.to_owned(), to.to_owned(), before));
        }
        renamed
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.step(|| Disk.sync_folder(folder), || Ok(()))?;
        state.unsynced_renames.clear();
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.0.borrow_mut().step(|| Disk.remove(path), || Ok(()))
    }
}

fn checkpoint(step: u64) -> Checkpoint {
    let mut checkpoint = Checkpoint::default();
    for name in ["weight", "polder.optimizer.velocity"] {
        checkpoint.add_vector(name.to_owned(), step.to_le_bytes().repeat(9));
    }
    checkpoint.metadata.insert("step".to_owned(), step.to_string());
    checkpoint
}

/// The checkpoint after 20 steps on a disk that holds those after `existing`, with one fault; then a look at what is left,
/// and one more attempt. Returns whether the fault was met.
fn attempt(existing: &[u64], fault: Fault, renames: Renames, fail_at: usize) -> bool {
    let what = format!("{fault:?} at step {fail_at}, {existing:?}, renames {renames:?}");
    let folder = tempfile::tempdir().unwrap();
    let series = CheckpointSeries::new(folder.path());
    for step in existing {
        series.write(*step, &checkpoint(*step), None).unwrap();
    }
    let mut file_system = Faulty::new(fault, fail_at);
    let written = series.write_on(&mut file_system, 20, &checkpoint(20), NonZeroUsize::new(1));
    let met = file_system.0.borrow().num_steps > fail_at;
    assert_eq!(written.is_ok(), !met, "{what}");
    if let Err(error) = written {
        let ModelError::Io { path, .. } = &error else { panic!("{what}: {error}") };
        assert!(path.starts_with(folder.path()), "{what}: {error}");
    }
    if file_system.0.borrow().stopped {
        file_system.lose_power(renames);
    }

    let (newest, damaged) = series.newest().unwrap();
    assert!(damaged.is_empty(), "{what}: {damaged:?}");
    let newest = newest.unwrap_or_else(|| panic!("{what}: nothing can be loaded"));
    assert!(newest.step == 20 || newest.step == existing[existing.len() - 1], "{what}: {}", newest.step);
    assert_eq!(newest.checkpoint, checkpoint(newest.step), "{what}");
    if !met {
        assert_eq!(newest.step, 20, "{what}");
    }

    series.write(21, &checkpoint(21), NonZeroUsize::new(1)).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{what}: something was left behind");
    met
}

#[test]
fn whatever_fails_while_a_checkpoint_is_written_one_can_be_loaded() {
    for existing in [vec![10], vec![5, 10], vec![10, 20]] {
        for fault in [Fault::NoSpace, Fault::ShortWrite, Fault::CrashBefore, Fault::CrashAfter] {
            for renames in [Renames::Survive, Renames::AreLost] {
                let num_steps = (0..100).take_while(|at| attempt(&existing, fault, renames, *at)).count();
                // Create, length, header, two tensors, flush, rename, flush of the folder; then what is removed.
                assert!((8..=10).contains(&num_steps), "{num_steps}");
            }
        }
    }
}
