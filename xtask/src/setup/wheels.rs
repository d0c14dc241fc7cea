//! Which wheels the workspace needs, at which versions, and how to tell that they are there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::file;

/// One wheel at its one version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wheel {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Files, relative to the folder of the wheels, without which the wheel is of no use.
    pub(crate) files: &'static [&'static str],
}

/// What every machine needs. The Linux x86-64 wheel of torch is the CUDA build, whose `libtorch_cpu.so` needs the two
/// small libraries of CUDA even where there is no GPU.
const REQUIRED: [Wheel; 3] = [
    Wheel {
        name: "torch",
        version: super::LIBTORCH_VERSION,
        files: &[
            "torch/include/torch",
            "torch/lib/libtorch_cpu.so",
            "torch/lib/libc10.so",
            "torch/lib/libgomp.so.1",
        ],
    },
    Wheel { name: "nvidia-cuda-cupti", version: "13.0.85", files: &["nvidia/cu13/lib/libcupti.so.13"] },
    Wheel { name: "nvidia-cuda-runtime", version: "13.0.96", files: &["nvidia/cu13/lib/libcudart.so.13"] },
];

/// The wheels of [`REQUIRED`] that `site` lacks.
pub(crate) fn missing_from(site: &Path) -> Vec<Wheel> {
    REQUIRED.into_iter().filter(|wheel| !wheel.is_in(site)).collect()
}

/// Headers that those of the CUDA runtime include, and that its wheel lacks.
pub(crate) const CUDA_HEADERS: Wheel = Wheel {
    name: "nvidia-cuda-crt",
    version: "13.0.88",
    files: &["nvidia/cu13/include/crt/host_config.h", "nvidia/cu13/include/crt/host_defines.h"],
};

impl Wheel {
    pub(crate) fn requirement(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }

    pub(crate) fn is_in(&self, site: &Path) -> bool {
        dist_info(site, self.name, self.version) && self.files.iter().all(|file| site.join(file).exists())
    }
}

/// The CUDA libraries among torch's own requirements that `site` lacks, read from the wheel's metadata, and the headers
/// that [`shim`](super::shim) needs. What only Python uses (triton, sympy and their like) is left out.
pub(crate) fn cuda_requirements_missing_from(site: &Path) -> Result<Vec<String>> {
    let metadata = site.join(format!("torch-{}.dist-info/METADATA", super::LIBTORCH_VERSION));
    let text = fs::read_to_string(&metadata)
        .with_context(|| format!("the requirements of torch cannot be read from `{}`", metadata.display()))?;
    let requirements = text
        .lines()
        .filter_map(|line| line.strip_prefix("Requires-Dist:"))
        .filter_map(|requirement| requirement.split(';').next())
        .map(|requirement| requirement.replace(' ', ""))
        .filter(|requirement| requirement.starts_with("nvidia-") || requirement.starts_with("cuda-toolkit"))
        .filter(|requirement| {
            let (name, version) = requirement.split_once("==").unwrap_or((requirement.as_str(), ""));
            let name = name.split('[').next().unwrap_or(name);
            !dist_info(site, name, version)
        });
    let headers =
        Some(CUDA_HEADERS).filter(|headers| !headers.is_in(site)).map(|headers| headers.requirement());
    Ok(requirements.chain(headers).collect())
}

/// Removes what no binary of the workspace reads: torch's Python files and programs. Headers, libraries and licences
/// stay.
pub(crate) fn prune(site: &Path) -> Result<()> {
    for folder in ["bin", "functorch", "torchgen"] {
        file::remove(&site.join(folder))?;
    }
    let torch = site.join("torch");
    let parts = if torch.is_dir() { file::entries(&torch)? } else { Vec::new() };
    let is_kept = |part: &PathBuf| ["include", "lib", "version.py"].iter().any(|kept| part.ends_with(kept));
    parts.iter().filter(|part| !is_kept(part)).try_for_each(|part| file::remove(part))
}

/// Whether pip recorded this version of this package as installed.
fn dist_info(site: &Path, name: &str, version: &str) -> bool {
    site.join(format!("{}-{version}.dist-info", name.replace('-', "_"))).is_dir()
}
