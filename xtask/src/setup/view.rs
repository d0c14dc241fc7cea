//! `.libtorch`: the part of the wheels that torch-sys links and every binary loads.
//!
//! The wheel's own `libtorch.so` drags `libtorch_cuda.so` and two gigabytes of libraries into every process; here a
//! linker script of that name links the CPU libraries only. `libtorch_cuda.so` is never in the view, or torch-sys
//! would link it: what needs a GPU opens it from the wheel's folder at run time.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use crate::file;
use crate::setup::LIBTORCH_VERSION;

/// Where the wheels lie inside the view.
pub(crate) const SITE: &str = "site";

const VERSION_FILE: &str = "build-version";
const LINKER_SCRIPT: &str = "INPUT(-ltorch_cpu -lc10)\n";

/// Links inside the view and what they point to. The loader looks for `libtorch_cpu.so`'s own needs beside the link
/// and not in the wheel's folder, so these are linked as well.
const LINKS: [(&str, &str); 6] = [
    ("include", "site/torch/include"),
    ("lib/libtorch_cpu.so", "../site/torch/lib/libtorch_cpu.so"),
    ("lib/libc10.so", "../site/torch/lib/libc10.so"),
    ("lib/libgomp.so.1", "../site/torch/lib/libgomp.so.1"),
    ("lib/libcudart.so.13", "../site/nvidia/cu13/lib/libcudart.so.13"),
    ("lib/libcupti.so.13", "../site/nvidia/cu13/lib/libcupti.so.13"),
];

/// Says what is wrong with the view, or `None` if it is complete.
pub(crate) fn defect(view: &Path) -> Option<String> {
    for (link, _) in LINKS {
        if !view.join(link).exists() {
            return Some(format!("no `{link}`"));
        }
    }
    if fs::read_to_string(view.join("lib/libtorch.so")).ok().as_deref() != Some(LINKER_SCRIPT) {
        return Some("`lib/libtorch.so` is not the linker script".to_owned());
    }
    if view.join("lib/libtorch_cuda.so").exists() {
        return Some("`lib/libtorch_cuda.so` would be linked into everything".to_owned());
    }
    match fs::read_to_string(view.join(VERSION_FILE)) {
        Ok(version) if version.trim() == LIBTORCH_VERSION => None,
        Ok(version) => Some(format!("`{VERSION_FILE}` says {}", version.trim())),
        Err(_) => Some(format!("no `{VERSION_FILE}`")),
    }
}

/// Makes links, linker script and version over the wheels in `site`. The version is written last: it is what says
/// that the rest is there.
pub(crate) fn create(view: &Path) -> Result<()> {
    let library = view.join("lib");
    file::make_folder(&library)?;
    for (link, to) in LINKS {
        let link = view.join(link);
        file::remove(&link)?;
        symlink(to, &link).with_context(|| format!("the link `{}` cannot be made", link.display()))?;
    }
    file::remove(&library.join("libtorch_cuda.so"))?;
    // Removed first: writing through a link would overwrite the wheel's library.
    file::remove(&library.join("libtorch.so"))?;
    file::write(&library.join("libtorch.so"), LINKER_SCRIPT)?;
    file::write(&view.join(VERSION_FILE), format!("{LIBTORCH_VERSION}\n"))
}

/// Withdraws the mark of completeness while the view is changed in place.
pub(crate) fn mark_incomplete(view: &Path) -> Result<()> {
    file::remove(&view.join(VERSION_FILE))
}
