//! The machine that a run is computed on, as records state it.

use crate::run::record::{Algorithms, CudaEnvironment, Environment};

/// The version of libtorch that `tch` is built for.
pub const LIBTORCH_VERSION: &str = "2.11.0";

impl Environment {
    /// This machine, with `threads` or one thread per core, and what is chosen on CUDA.
    pub fn here(threads: Option<usize>, cuda: Option<CudaEnvironment>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            processor: processor(),
            cores,
            threads: threads.unwrap_or(cores),
            libtorch: LIBTORCH_VERSION.to_owned(),
            cuda,
        }
    }
}

/// Tells whether a run was computed on what this machine has, with this number of threads, and on a GPU if `on_gpu` says so: only then
/// do times carry over.
pub fn comparable(threads: usize, on_gpu: Option<bool>) -> impl Fn(&Environment) -> bool {
    let (processor, gpu) = (processor(), gpu());
    move |other| {
        other.threads == threads
            && other.processor == processor
            && other.cuda.as_ref().is_none_or(|cuda| cuda.gpu == gpu)
            && on_gpu.is_none_or(|on_gpu| other.cuda.is_some() == on_gpu)
    }
}

impl CudaEnvironment {
    /// What was chosen, as a person reads it.
    pub fn summary(&self) -> String {
        let on = |on| if on { "on" } else { "off" };
        let is_deterministic = self.algorithms == Algorithms::Deterministic;
        format!(
            "TF32 {}, cuDNN benchmark mode {}, deterministic algorithms {}",
            if self.extras || self.tf32 { on(self.tf32) } else { "in convolutions" },
            on(!is_deterministic),
            on(is_deterministic)
        )
    }
}

/// The models that the NVIDIA driver lists.
pub fn gpu() -> String {
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
    fn the_environment_of_a_cpu_run_does_not_mention_cuda() {
        let here = Environment::here(Some(2), None);
        let text = serde_json::to_string(&here).unwrap();
        assert!(!text.contains("cuda"), "{text}");
        assert_eq!(serde_json::from_str::<Environment>(&text).unwrap(), here);
    }
}
