//! `libpolder_cuda.so`: what tch does not expose of libtorch's CUDA part, compiled where there is a GPU.
//!
//! It takes a few seconds, and everything but CUDA graphs, memory figures and a choice of TF32 and of deterministic
//! algorithms works without it, so a failure is told and not returned.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::file;
use crate::setup::view::SITE;
use crate::setup::wheels::CUDA_HEADERS;

/// What is compiled.
const SOURCE: &str = include_str!("../../../crates/models/cuda/polder_cuda.cpp");

/// Where the program's rpath leads.
const LIBRARY: &str = "lib/libpolder_cuda.so";

/// Says from what the library was compiled, or that this did not work.
const STAMP: &str = "lib/libpolder_cuda.stamp";
const FAILED: &str = "could not be compiled\n";

const COMPILERS: [&str; 3] = ["c++", "g++", "clang++"];
const FLAGS: [&str; 5] = ["-std=c++17", "-O2", "-fPIC", "-shared", "-Wno-deprecated-declarations"];
const HEADERS: [&str; 2] = ["torch/include", "nvidia/cu13/include"];
const LIBRARIES: [&str; 4] = ["-ltorch_cuda", "-lc10_cuda", "-ltorch_cpu", "-lc10"];

/// What an earlier set-up made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The library is there, compiled from this source.
    Built,
    /// This source could not be compiled here.
    Failed,
    /// It was not tried yet, or with another source.
    Absent,
}

pub(crate) fn state(view: &Path) -> State {
    let stamp = fs::read_to_string(view.join(STAMP)).unwrap_or_default();
    if stamp == wanted_stamp() && view.join(LIBRARY).is_file() {
        State::Built
    } else if stamp.strip_prefix(FAILED) == Some(wanted_stamp().as_str()) {
        State::Failed
    } else {
        State::Absent
    }
}

/// Flags and source: where they differ, the library is another.
fn wanted_stamp() -> String {
    format!("{} {}\n{SOURCE}", FLAGS.join(" "), LIBRARIES.join(" "))
}

/// A C++ compiler among the programs on `path`.
pub(crate) fn compiler(path: &OsStr) -> Option<PathBuf> {
    command::on_path(path, &COMPILERS)
}

/// Compiles the library into `view`, by way of `partial`, and notes how that went.
///
/// # Errors
/// Headers that are not there, which the next set-up looks for again; what the compiler says, which is not tried again
/// with the same source.
pub(crate) fn build(view: &Path, partial: &Path, compiler: &Path, path: &OsStr) -> Result<()> {
    let site = view.join(SITE);
    if let Some(file) = CUDA_HEADERS.files.iter().find(|file| !site.join(file).is_file()) {
        bail!(
            "`{}` is not there, which the package {} brings",
            site.join(file).display(),
            CUDA_HEADERS.requirement()
        );
    }
    let (source, made) = (partial.join("polder_cuda.cpp"), partial.join("libpolder_cuda.so"));
    file::write(&source, SOURCE)?;
    let mut command = Command::new(compiler);
    command.args(FLAGS).env("PATH", path);
    for headers in HEADERS {
        command.arg("-isystem").arg(site.join(headers));
    }
    command.arg("-o").arg(&made).arg(&source);
    let mut libraries = OsString::from("-L");
    libraries.push(site.join("torch/lib"));
    command.arg(libraries).args(LIBRARIES);
    let status = command::status(&mut command)?;
    let stamp = |text: String| file::write(&view.join(STAMP), text);
    if !status.success() {
        stamp(format!("{FAILED}{}", wanted_stamp()))?;
        bail!("the compiler failed ({status}; its own message is above)");
    }
    file::rename(&made, &view.join(LIBRARY))?;
    stamp(wanted_stamp())
}

/// What a user reads who goes without it.
pub(crate) fn warn(view: &Path, why: &str) {
    eprintln!(
        "warning: libpolder_cuda.so is not there ({why}): `--device cuda` works without CUDA graphs, memory figures, \
         `--tf32` and `--deterministic`"
    );
    if state(view) == State::Failed {
        eprintln!("setup: once that is mended, remove `{}` and set up again", view.join(STAMP).display());
    }
}
