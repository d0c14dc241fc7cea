//! libtorch 2.11.0, where the whole workspace looks for it.
//!
//! The user's `LIBTORCH` wins. Otherwise `.libtorch` is made from the wheels of the Python package index: beside its
//! final place first, then renamed, so that an interruption leaves only a folder which the next set-up clears away.

mod merge;
mod pip;
mod shim;
mod user_libtorch;
mod view;
mod wheels;

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::command;
use crate::file;
use crate::folder_lock;
use crate::setup::pip::Pip;
use crate::setup::wheels::Wheel;

/// The only libtorch that tch 0.24.0 speaks to.
pub(crate) const LIBTORCH_VERSION: &str = "2.11.0";

const VIEW: &str = ".libtorch";
const PARTIAL: &str = ".libtorch.partial";

/// What set-up needs to know about the machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Operating system and processor, as Rust names them.
    pub(crate) platform: (&'static str, &'static str),
    /// `LIBTORCH`, as set by the user or by cargo.
    pub(crate) libtorch: Option<OsString>,
    /// `PATH`, on which `python3` is looked for.
    pub(crate) path: OsString,
    /// Whether an NVIDIA driver is there, or the user says that there will be, so that CUDA's libraries are of use.
    pub(crate) nvidia_driver: bool,
}

impl Machine {
    pub(crate) fn detect() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let nvidia_driver = Path::new("/proc/driver/nvidia/version").exists()
            || command::on_path(&path, &["nvidia-smi"]).is_some();
        Self {
            platform: (std::env::consts::OS, std::env::consts::ARCH),
            libtorch: std::env::var_os("LIBTORCH"),
            path,
            nvidia_driver,
        }
    }
}

/// Provides libtorch and returns its folder. A second call only looks.
///
/// # Errors
/// Another platform, a `LIBTORCH` that is not libtorch 2.11.0, no python3, no pip, or wheels that pip cannot get; each
/// says what to do, and leaves nothing that the next call trips over.
pub(crate) fn run(root: &Path, machine: &Machine) -> Result<PathBuf> {
    let target = root.join(VIEW);
    if let Some(libtorch) =
        machine.libtorch.as_deref().map(Path::new).filter(|path| !same_place(path, &target))
    {
        user_libtorch::check(libtorch)?;
        if machine.nvidia_driver && !libtorch.join("lib/libpolder_cuda.so").is_file() {
            shim::warn(libtorch, "it is compiled for the workspace's own libtorch, when LIBTORCH is not set");
        }
        return Ok(libtorch.to_owned());
    }
    ensure!(
        machine.platform == ("linux", "x86_64"),
        "`cargo xtask setup` installs libtorch on Linux x86-64 only, and this is {} {}; get a libtorch {LIBTORCH_VERSION} \
         for it (the `torch` folder of a Python installation will do) and set LIBTORCH to its absolute path",
        machine.platform.0,
        machine.platform.1
    );
    ensure!(
        !target.is_symlink(),
        "`{}` is a link, and set-up does not write into what it points to; remove the link, or set LIBTORCH to the \
         folder it points to",
        target.display()
    );
    if is_complete(&target, machine)? {
        if machine.nvidia_driver {
            warn_without_shim(&target, machine);
        }
        return Ok(target);
    }

    let partial = root.join(PARTIAL);
    let lock = folder_lock::acquire(&partial.join("lock"))?;
    clear_except_lock(&partial)?;
    // Another set-up may have finished while this one waited for the lock.
    if !is_complete(&target, machine)? {
        install(&target, &partial, machine, &lock).inspect_err(|_| {
            // The error is what counts; the next set-up clears what may still be there.
            let _ = clear_except_lock(&partial);
        })?;
    }
    // Removed under the lock: whoever waited for it finds the view complete and only removes in turn.
    file::remove(&partial)?;
    Ok(target)
}

/// Whether the view has everything that this machine can use.
fn is_complete(target: &Path, machine: &Machine) -> Result<bool> {
    let site = target.join(view::SITE);
    if !wheels::missing_from(&site).is_empty() || view::defect(target).is_some() {
        return Ok(false);
    }
    let can_compile =
        || shim::state(target) == shim::State::Absent && shim::compiler(&machine.path).is_some();
    Ok(!machine.nvidia_driver || wheels::cuda_requirements_missing_from(&site)?.is_empty() && !can_compile())
}

fn install(target: &Path, partial: &Path, machine: &Machine, lock: &File) -> Result<()> {
    let start = Instant::now();
    let in_place = target.exists();
    let view = if in_place { target.to_owned() } else { partial.join("view") };
    let site = view.join(view::SITE);
    let (missing, defect) = (wheels::missing_from(&site), view::defect(&view));
    if defect.is_some() || !missing.is_empty() {
        if let Some(defect) = defect.filter(|_| in_place) {
            eprintln!("setup: `{}` is incomplete ({defect}) and is mended", target.display());
            view::mark_incomplete(&view)?;
        }
        if !missing.is_empty() {
            eprintln!(
                "setup: libtorch {LIBTORCH_VERSION} from the Python package index, once; 0.55 GB to download, 1.1 GB on disk"
            );
            let wanted: Vec<_> = missing.iter().map(Wheel::requirement).collect();
            let fetched =
                Pip::find(&machine.path)?.fetch(&wanted, pip::Dependencies::Leave, partial, lock)?;
            if let Some(wheel) = missing.iter().find(|wheel| !wheel.is_in(&fetched)) {
                bail!(
                    "pip reported success, but `{}` does not hold what the workspace needs: {}",
                    wheel.requirement(),
                    wheel.files.join(", ")
                );
            }
            wheels::prune(&fetched)?;
            merge::merge(&fetched, &site)?;
        }
        view::create(&view)?;
        if !in_place {
            file::rename(&view, target)?;
        }
    }
    if machine.nvidia_driver {
        add_cuda(&target.join(view::SITE), partial, machine, lock);
        add_shim(target, partial, machine);
    }
    eprintln!(
        "setup: libtorch {LIBTORCH_VERSION} is ready in `{}` ({:.0?})",
        target.display(),
        start.elapsed()
    );
    Ok(())
}

/// Adds what only a GPU needs. Without it everything still runs on the CPU, so a failure is told and not returned.
fn add_cuda(site: &Path, partial: &Path, machine: &Machine, lock: &File) {
    let added = wheels::cuda_requirements_missing_from(site).and_then(|requirements| {
        if !requirements.is_empty() {
            eprintln!("setup: CUDA's libraries are added for an NVIDIA GPU; up to 2.5 GB to download");
            let fetched =
                Pip::find(&machine.path)?.fetch(&requirements, pip::Dependencies::Follow, partial, lock)?;
            merge::merge(&fetched, site)?;
        }
        Ok(())
    });
    if let Err(error) = added {
        eprintln!("warning: `--device cuda` will not work until CUDA's libraries are installed: {error:#}");
    }
}

/// Compiles libpolder_cuda.so, without which a GPU can be used too.
fn add_shim(target: &Path, partial: &Path, machine: &Machine) {
    if let (shim::State::Absent, Some(compiler)) = (shim::state(target), shim::compiler(&machine.path))
        && let Err(error) = shim::build(target, partial, &compiler, &machine.path)
    {
        shim::warn(target, &format!("{error:#}"));
        return;
    }
    warn_without_shim(target, machine);
}

/// Says once per set-up why libpolder_cuda.so is not there, if it is not.
fn warn_without_shim(target: &Path, machine: &Machine) {
    match shim::state(target) {
        shim::State::Built => {}
        shim::State::Failed => shim::warn(target, "it could not be compiled"),
        shim::State::Absent if shim::compiler(&machine.path).is_none() => {
            shim::warn(target, "there is no C++ compiler on PATH");
        }
        shim::State::Absent => shim::warn(target, "it was not compiled yet"),
    }
}

/// Whether `LIBTORCH` is merely the workspace's own folder, which cargo's configuration sets.
fn same_place(libtorch: &Path, target: &Path) -> bool {
    libtorch == target
        || matches!((libtorch.canonicalize(), target.canonicalize()), (Ok(given), Ok(own)) if given == own)
}

/// Removes what an interrupted set-up left. The lock file stays, or two set-ups could hold one lock each.
fn clear_except_lock(partial: &Path) -> Result<()> {
    file::make_folder(partial)?;
    let entries = file::entries(partial)?;
    entries.iter().filter(|entry| !entry.ends_with("lock")).try_for_each(|entry| file::remove(entry))
}

#[cfg(test)]
mod tests;
