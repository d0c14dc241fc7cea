//! The machine and the commit that a table of measurements belongs to.

use std::fs;
use std::process::Command;

use crate::command;
use crate::workspace::Workspace;

/// Processor, cores and commit in one line.
pub(crate) fn describe(workspace: &Workspace) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{}, {cores} cores, commit {}", processor(), commit(workspace))
}

/// The commit that is checked out, and whether files differ from it.
pub(crate) fn commit(workspace: &Workspace) -> String {
    let commit = git(workspace, &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let changed = git(workspace, &["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    let changed = if changed { " with changes" } else { "" };
    format!("{commit}{changed}")
}

/// The GPUs that the driver's own program names, in one line; `None` where there is none.
pub(crate) fn gpus() -> Option<String> {
    let mut driver = Command::new("nvidia-smi");
    let names = command::quiet_output(driver.args(["--query-gpu=name", "--format=csv,noheader"])).ok()?;
    let names: Vec<&str> = names.lines().map(str::trim).filter(|name| !name.is_empty()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn processor() -> String {
    fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn git(workspace: &Workspace, args: &[&str]) -> Option<String> {
    let printed = command::quiet_output(Command::new("git").current_dir(workspace.root()).args(args)).ok()?;
    Some(printed.trim().to_owned())
}
