//! Where a run is computed, and how: processor, threads, libtorch, what is chosen on CUDA.

use std::path::Path;

use anyhow::Context;
use polder_models::CudaChoices;

use crate::device::Placement;
use crate::record::{Algorithms, CudaEnvironment, Environment};
use crate::replace_file::replace_file;

/// The version of libtorch that `tch` is built for.
pub(crate) const LIBTORCH_VERSION: &str = "2.11.0";

/// Fixes libtorch's thread count: the one stored in `path` if the run has begun, else one per core.
///
/// Sums over threads round differently for another count, so a run keeps the one it began with.
pub(crate) fn fix_threads(path: &Path) -> anyhow::Result<Environment> {
    fix(path, None, Placement::Cpu)
}

/// Fixes libtorch's thread count and what is chosen on CUDA: what is stored in `path` if the run has begun, else what is
/// wanted, else one thread per core. The device is open already.
pub(crate) fn fix(path: &Path, threads: Option<usize>, placement: Placement) -> anyhow::Result<Environment> {
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
        if wanted.choices() != stored.choices() {
            tracing::warn!("this run began with {} on CUDA and keeps that", stored.summary());
        }
        if wanted.extras != stored.extras {
            tracing::warn!(
                "this run began {} libpolder_cuda.so and goes on {} it: f32 convolutions may be computed otherwise",
                if stored.extras { "with" } else { "without" },
                if wanted.extras { "with" } else { "without" },
            );
        }
        stored.choices().apply()?;
    }
    Ok(environment)
}

fn write(path: &Path, environment: Environment) -> anyhow::Result<Environment> {
    replace_file(path, &serde_json::to_vec_pretty(&environment)?)?;
    Ok(environment)
}

/// This machine, with `threads` or one thread per core.
pub(crate) fn here(threads: Option<usize>, placement: Placement) -> Environment {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Environment {
        processor: processor(),
        cores,
        threads: threads.unwrap_or(cores),
        libtorch: LIBTORCH_VERSION.to_owned(),
        cuda: placement.cuda().map(|choices| CudaEnvironment {
            gpu: gpu(),
            tf32: choices.tf32,
            algorithms: if choices.deterministic { Algorithms::Deterministic } else { Algorithms::Fastest },
            extras: polder_models::cuda_extras().is_ok(),
        }),
    }
}

/// Tells whether a run was computed on what this machine has, with so many threads, and on a GPU if `on_gpu` says so: only then
/// do times carry over.
pub(crate) fn comparable(threads: usize, on_gpu: Option<bool>) -> impl Fn(&Environment) -> bool {
    let (processor, gpu) = (processor(), gpu());
    move |other| {
        other.threads == threads
            && other.processor == processor
            && other.cuda.as_ref().is_none_or(|cuda| cuda.gpu == gpu)
            && on_gpu.is_none_or(|on_gpu| other.cuda.is_some() == on_gpu)
    }
}

impl CudaEnvironment {
    pub(crate) fn choices(&self) -> CudaChoices {
        CudaChoices { tf32: self.tf32, deterministic: self.algorithms == Algorithms::Deterministic }
    }

    /// What was chosen, as a person reads it.
    pub(crate) fn summary(&self) -> String {
        let on = |on| if on { "on" } else { "off" };
        format!(
            "TF32 {}, cuDNN benchmark mode {}, deterministic algorithms {}",
            if self.extras || self.tf32 { on(self.tf32) } else { "in convolutions" },
            on(self.choices().cudnn_benchmark()),
            on(self.choices().deterministic)
        )
    }
}

/// The models that the NVIDIA driver lists.
pub(crate) fn gpu() -> String {
    let Ok(entries) = std::fs::read_dir("/proc/driver/nvidia/gpus") else {
        return "none that /proc/driver/nvidia lists".to_owned();
    };
    let models: Vec<String> = entries
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("information")).ok())
        .filter_map(|text| Some(text.lines().next()?.split_once(':')?.1.trim().to_owned()))
        .collect();
    if models.is_empty() { "an NVIDIA driver without a GPU".to_owned() } else { models.join(", ") }
}

/// The processor's name, with the features that decide how fast bf16 and f32 are.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        info.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split_once(':'))
            .map(|(_, v)| v.trim())
    };
    let name = field("model name").unwrap_or("unknown processor");
    let flags = field("flags").unwrap_or_default();
    let notable: Vec<&str> = ["avx2", "avx512f", "avx512_bf16", "amx_bf16"]
        .into_iter()
        .filter(|feature| flags.split(' ').any(|flag| flag == *feature))
        .collect();
    if notable.is_empty() { name.to_owned() } else { format!("{name} ({})", notable.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_on_the_processor_has_no_word_of_cuda_in_its_environment() {
        let text = serde_json::to_string(&here(Some(2), Placement::Cpu)).unwrap();
        assert!(!text.contains("cuda"), "{text}");
        assert_eq!(serde_json::from_str::<Environment>(&text).unwrap(), here(Some(2), Placement::Cpu));
    }

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
