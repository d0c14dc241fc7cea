//! From clone to report: set-up, build, data, then `polder reproduce`, which plans, runs and writes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Parser as _;

use crate::args::{Args, ReproduceArgs};
use crate::command;
use crate::setup::{self, Machine};
use crate::workspace::Workspace;

/// Prepares what `polder reproduce` needs, then hands over to it and returns its exit code.
pub(crate) fn run(workspace: &Workspace, args: &ReproduceArgs) -> Result<ExitCode> {
    if args.options.iter().take_while(|word| *word != "--").any(is_help) {
        // clap hands `--help` on if it follows another option, and polder's own help would need a build.
        Args::parse_from(["cargo xtask", "reproduce", "--help"]);
    }
    let mut options: Vec<OsString> = args.options.iter().filter(|word| *word != "--").cloned().collect();
    // polder runs in the workspace's root, but typed paths are relative to the current folder.
    let data_dir = take_path(&mut options, &["--data-dir"])?
        .or_else(|| std::env::var_os("POLDER_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from));
    let data_dir = workspace.data_dir(data_dir.as_deref());
    let results = workspace.results_dir(take_path(&mut options, &["--output", "--results"])?.as_deref());
    let polder = build_polder(workspace)?;
    let command = |words: &[&str]| {
        let mut command = Command::new(&polder);
        command.current_dir(workspace.root()).args(words).arg("--data-dir").arg(&data_dir);
        command.arg("--output").arg(&results).args(&options);
        command
    };
    if computes(&options) {
        let asked = command(&["plan", "--data"]).stderr(Stdio::inherit()).output();
        let asked = asked.with_context(|| format!("`{}` cannot be started", polder.display()))?;
        if !asked.status.success() {
            return Ok(command::exit_code(asked.status));
        }
        for name in String::from_utf8_lossy(&asked.stdout).lines() {
            provide_data(&polder, name, &data_dir)?;
        }
    }
    Ok(command::exit_code(command::status(&mut command(&["reproduce"]))?))
}

/// Whether these options compute something, rather than show something.
fn computes(options: &[OsString]) -> bool {
    !options.iter().any(|option| option == "--dry-run" || is_help(option))
}

fn is_help(option: &OsString) -> bool {
    option == "--help" || option == "-h"
}

/// Removes the option with one of these `names` from `options` and returns its value.
fn take_path(options: &mut Vec<OsString>, names: &[&str]) -> Result<Option<PathBuf>> {
    let is_named = |word: &OsString| {
        let name = word.to_str().and_then(|word| word.split('=').next());
        name.is_some_and(|name| names.contains(&name))
    };
    let Some(at) = options.iter().position(is_named) else { return Ok(None) };
    let option = options.remove(at);
    if let Some((_, value)) = option.to_str().and_then(|option| option.split_once('=')) {
        return Ok(Some(PathBuf::from(value)));
    }
    ensure!(at < options.len(), "`{}` needs the path of a folder", option.display());
    Ok(Some(PathBuf::from(options.remove(at))))
}

/// Sets up, builds `polder` in release mode and returns its path.
pub(crate) fn build_polder(workspace: &Workspace) -> Result<PathBuf> {
    setup::run(workspace.root(), &Machine::detect())?;
    workspace.build_program("polder")
}

/// Fetches a data set if its files are not there. What needs none runs without it, so a failure takes one line.
fn provide_data(polder: &Path, name: &str, data_dir: &Path) -> Result<()> {
    // Two attempts: someone without a network waits for the experiments that need no data.
    let mut fetch = Command::new(polder);
    fetch.args(["data", "fetch", name, "--attempts", "2", "--if-absent", "--data-dir"]).arg(data_dir);
    if !command::status(&mut fetch)?.success() {
        eprintln!(
            "warning: {name} is missing; what needs none of it runs now, and `cargo xtask data fetch {name}`, or `--data-dir` \
             with a folder that holds its files, adds the rest"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::{computes, take_path};
    use crate::args::{Args, Task};

    fn options(typed: &str) -> Vec<std::ffi::OsString> {
        let Task::Reproduce(args) = Args::parse_from(typed.split(' ')).task else { panic!("not reproduce") };
        args.options
    }

    #[test]
    fn options_reach_polder_as_typed_and_those_that_only_show_something_need_no_data() {
        let all = "--scale smoke --only A1,A4 --seeds 2 --allow-unverified -- --jobs 2";
        assert_eq!(options(&format!("xtask reproduce {all}")), all.split(' ').collect::<Vec<_>>());
        assert!(computes(&options(&format!("xtask reproduce {all}"))));
        for typed in [
            "xtask reproduce --dry-run",
            "xtask reproduce -- --help",
            "xtask reproduce --scale smoke -- --jobs 2 --dry-run",
        ] {
            assert!(!computes(&options(typed)), "{typed}");
        }
    }

    #[test]
    fn paths_are_taken_out_of_the_options_in_either_form() {
        for typed in [
            "xtask reproduce --scale desk --output a --jobs 2",
            "xtask reproduce --scale desk --results=a --jobs 2",
        ] {
            let mut options = options(typed);
            let path = take_path(&mut options, &["--output", "--results"]).unwrap();
            assert_eq!(path.as_deref(), Some(Path::new("a")));
            assert_eq!(options, ["--scale", "desk", "--jobs", "2"]);
            assert_eq!(take_path(&mut options, &["--output"]).unwrap(), None);
        }
        assert!(take_path(&mut options("xtask reproduce --output"), &["--output"]).is_err());
    }
}
