//! A libtorch that the user brought along in `LIBTORCH`.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::setup::LIBTORCH_VERSION;

/// Checks that `libtorch` is a folder with headers and libraries of the one version that works.
///
/// # Errors
/// Names what is missing or the version found, and the remedy.
pub(crate) fn check(libtorch: &Path) -> Result<()> {
    let Some(defect) = defect(libtorch) else { return Ok(()) };
    bail!(
        "LIBTORCH is `{}`, {defect}; unset LIBTORCH, and `cargo xtask setup` installs the right one into `.libtorch`; or set it to \
         the absolute path of a libtorch {LIBTORCH_VERSION}",
        libtorch.display()
    )
}

fn defect(libtorch: &Path) -> Option<String> {
    if !libtorch.is_absolute() {
        return Some("which is no absolute path, and build scripts run in other folders".to_owned());
    }
    let library = if cfg!(target_os = "macos") { "lib/libtorch_cpu.dylib" } else { "lib/libtorch_cpu.so" };
    if let Some(part) = ["include/torch", library].iter().find(|part| !libtorch.join(part).exists()) {
        return Some(format!("which holds no `{part}`"));
    }
    match version(libtorch) {
        Some(version) if version == LIBTORCH_VERSION => None,
        Some(version) => {
            Some(format!("which holds libtorch {version}, but tch 0.24.0 needs {LIBTORCH_VERSION}"))
        }
        None => Some(
            "whose version cannot be told (no `build-version`, `version.py` or `include/torch/headeronly/version.h` says it)"
                .to_owned(),
        ),
    }
}

/// The version of a libtorch archive (`build-version`), of a wheel (`version.py`) or of the headers, without the
/// suffix that names its CUDA.
fn version(libtorch: &Path) -> Option<String> {
    let read = |name: &str| fs::read_to_string(libtorch.join(name)).ok();
    let found = read("build-version")
        .or_else(|| quoted_after(&read("version.py")?, "__version__ ="))
        .or_else(|| quoted_after(&read("include/torch/headeronly/version.h")?, "#define TORCH_VERSION "))
        .or_else(|| {
            quoted_after(&read("include/torch/csrc/api/include/torch/version.h")?, "#define TORCH_VERSION ")
        })?;
    Some(found.trim().split('+').next().unwrap_or_default().to_owned())
}

/// The first quoted text after `key`, on its line or the next.
fn quoted_after(text: &str, key: &str) -> Option<String> {
    let rest = &text[text.find(key)? + key.len()..];
    let start = rest.find(['"', '\''])?;
    let quote = rest[start..].chars().next()?;
    rest[start + 1..].split(quote).next().map(str::to_owned)
}
