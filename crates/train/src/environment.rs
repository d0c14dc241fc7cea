//! Sets libtorch's threads and the choices on CUDA, as the run began with them.

use std::path::Path;

use anyhow::Context;
use polder_experiment::replace_file::replace_file;
use polder_experiment::run::environment::gpu;
use polder_experiment::run::record::{Algorithms, CudaEnvironment, Environment};
use polder_models::CudaChoices;

use crate::device::Placement;

/// Fixes libtorch's thread count: the one stored in `path` if the run has begun, else one per core.
///
/// Sums over threads round differently for another count, so a run keeps the one it began with.
pub fn fix_threads(path: &Path) -> anyhow::Result<Environment> {
    fix(path, None, Placement::Cpu)
}

/// Fixes libtorch's thread count and what is chosen on CUDA: what is stored in `path` if the run has begun, else what is
/// wanted, else one thread per core. The device is open already.
pub fn fix(path: &Path, threads: Option<usize>, placement: Placement) -> anyhow::Result<Environment> {
    let stored = std::fs::read(path).ok().map(|bytes| {
        serde_json::from_slice::<Environment>(&bytes).with_context(|| {
            format!("`{}` is damaged; remove the run directory to start again", path.display())
        })
    });
    let here = here(threads, placement);
    let environment = match stored.transpose()? {
        // A run that began on the processor has chosen nothing on CUDA yet.
        Some(stored) if stored.cuda.is_some() || here.cuda.is_none() => stored,
        Some(stored) => write(path, Environment { cuda: here.cuda.clone(), ..stored })?,
        None => write(path, here.clone())?,
    };
    if let Some(wanted) = threads.filter(|wanted| *wanted != environment.threads) {
        tracing::warn!(
            "this run began with {} libtorch threads and keeps them; --threads {wanted} is not used",
            environment.threads
        );
    }
    tch::set_num_threads(environment.threads as i32);
    if let (Some(wanted), Some(stored)) = (here.cuda, &environment.cuda) {
        if choices(&wanted) != choices(stored) {
            tracing::warn!("this run began with {} on CUDA and keeps that", stored.summary());
        }
        if wanted.extras != stored.extras {
            tracing::warn!(
                "this run began {} libpolder_cuda.so and goes on {} it: f32 convolutions may be computed otherwise",
                if stored.extras { "with" } else { "without" },
                if wanted.extras { "with" } else { "without" },
            );
        }
        choices(stored).apply()?;
    }
    Ok(environment)
}

fn write(path: &Path, environment: Environment) -> anyhow::Result<Environment> {
    replace_file(path, &serde_json::to_vec_pretty(&environment)?)?;
    Ok(environment)
}

/// This machine, with `threads` or one thread per core.
pub fn here(threads: Option<usize>, placement: Placement) -> Environment {
    let cuda = placement.cuda().map(|choices| CudaEnvironment {
        gpu: gpu(),
        tf32: choices.tf32,
        algorithms: if choices.deterministic { Algorithms::Deterministic } else { Algorithms::Fastest },
        extras: polder_models::cuda_extras().is_ok(),
    });
    Environment::here(threads, cuda)
}

fn choices(cuda: &CudaEnvironment) -> CudaChoices {
    CudaChoices { tf32: cuda.tf32, deterministic: cuda.algorithms == Algorithms::Deterministic }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a GPU the choices can be stored and read, and libtorch keeps what it cannot use.
    #[test]
    fn a_run_keeps_what_it_began_with_on_cuda() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("environment.json");
        let began = fix(&path, Some(1), Placement::Cpu).unwrap();
        assert_eq!(began.cuda, None);
        let on_cuda = |deterministic| {
            let choices = CudaChoices { tf32: false, deterministic };
            Environment { threads: 1, ..here(None, Placement::Cuda(choices)) }
        };
        // Chosen when the run first comes to CUDA, and kept from then on.
        let moved = fix(&path, None, Placement::Cuda(CudaChoices::default())).unwrap();
        assert_eq!(moved, on_cuda(false));
        let other = CudaChoices { tf32: true, deterministic: true };
        assert_eq!(fix(&path, None, Placement::Cuda(other)).unwrap(), on_cuda(false));
        assert_eq!(fix_threads(&path).unwrap(), on_cuda(false));
        assert!(moved.cuda.unwrap().summary().contains("cuDNN benchmark mode on"));
    }
}
