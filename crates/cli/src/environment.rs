//! Where a run is computed: processor, threads, libtorch.

use std::path::Path;

use anyhow::Context;

use crate::record::Environment;
use crate::replace_file::replace_file;

/// The version of libtorch that `tch` is built for.
pub(crate) const LIBTORCH_VERSION: &str = "2.11.0";

/// Fixes libtorch's thread count: the one stored in `path` if the run has begun, else `wanted`, else one per core.
///
/// Sums over threads round differently for another count, so a run keeps the one it began with.
pub(crate) fn fix_threads(path: &Path, wanted: Option<usize>) -> anyhow::Result<Environment> {
    let environment = if let Ok(bytes) = std::fs::read(path) {
        serde_json::from_slice::<Environment>(&bytes).with_context(|| {
            format!("`{}` is damaged; remove the run directory to start again", path.display())
        })?
    } else {
        let environment = here(wanted);
        replace_file(path, &serde_json::to_vec_pretty(&environment)?)?;
        environment
    };
    if let Some(wanted) = wanted.filter(|wanted| *wanted != environment.threads) {
        tracing::warn!(
            "this run began with {} libtorch threads and keeps them; --threads {wanted} is not used",
            environment.threads
        );
    }
    tch::set_num_threads(environment.threads as i32);
    Ok(environment)
}

/// This machine, with `threads` or one thread per core.
pub(crate) fn here(threads: Option<usize>) -> Environment {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Environment {
        processor: processor(),
        cores,
        threads: threads.unwrap_or(cores),
        libtorch: LIBTORCH_VERSION.to_owned(),
    }
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
