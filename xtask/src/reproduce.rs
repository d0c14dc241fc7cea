//! From clone to report: set-up, build, data, then `polder reproduce`, which plans, runs and writes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::args::ReproduceArgs;
use crate::command;
use crate::setup::{self, Machine};
use crate::workspace::Workspace;

/// Prepares what `polder reproduce` needs, then hands over to it and returns its exit code.
pub(crate) fn run(workspace: &Workspace, args: &ReproduceArgs) -> Result<ExitCode> {
    let polder = build_polder(workspace)?;
    let data_dir = workspace.data_dir(args.data_dir.as_deref());
    let results = workspace.results_dir(args.output.as_deref());
    let command = |words: &[&str]| {
        let mut command = Command::new(&polder);
        command.current_dir(workspace.root()).args(words);
        forward(&mut command, args, &data_dir, &results);
        command
    };
    if computes(args) {
        let asked = command(&["plan", "--data"]).stderr(Stdio::inherit()).output();
        let asked = asked.with_context(|| format!("`{}` cannot be started", polder.display()))?;
        if !asked.status.success() {
            return Ok(command::exit_code(asked.status));
        }
        for name in String::from_utf8_lossy(&asked.stdout).lines() {
            provide_data(&polder, name, &data_dir)?;
        }
    }
    let mut reproduce = command(&["reproduce"]);
    if args.dry_run {
        reproduce.arg("--dry-run");
    }
    Ok(command::exit_code(command::status(&mut reproduce)?))
}

/// Whether anything will be computed: options that only show something may be among those that are handed on.
fn computes(args: &ReproduceArgs) -> bool {
    let shows = |option: &OsString| ["--dry-run", "--help", "-h"].iter().any(|known| option == known);
    !args.dry_run && !args.more.iter().any(shows)
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

/// The options that planning and reproducing have in common.
fn forward(reproduce: &mut Command, args: &ReproduceArgs, data_dir: &Path, output: &Path) {
    if let Some(scale) = &args.scale {
        reproduce.args(["--scale", scale]);
    }
    if let Some(only) = &args.only {
        reproduce.args(["--only", only]);
    }
    if let Some(seeds) = args.seeds {
        reproduce.arg("--seeds").arg(seeds.to_string());
    }
    if args.allow_unverified {
        reproduce.arg("--allow-unverified");
    }
    reproduce.arg("--data-dir").arg(data_dir).arg("--output").arg(output).args(&args.more);
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use clap::Parser;

    use crate::args::{Args, Task};

    #[test]
    fn options_reach_polder_and_those_that_only_show_something_need_no_data() {
        let typed = "xtask reproduce --scale smoke --only A1,A4 --seeds 2 --allow-unverified -- --jobs 2";
        let parse = |typed: &str| {
            let Task::Reproduce(args) = Args::parse_from(typed.split(' ')).task else {
                panic!("not reproduce")
            };
            args
        };
        let args = parse(typed);
        assert!(super::computes(&args));
        for typed in [
            "xtask reproduce --dry-run",
            "xtask reproduce -- --help",
            "xtask reproduce -- --jobs 2 --dry-run",
        ] {
            assert!(!super::computes(&parse(typed)), "{typed}");
        }
        let mut command = Command::new("polder");
        super::forward(&mut command, &args, Path::new("/d"), Path::new("/r"));
        assert_eq!(
            crate::command::shown(&command),
            "polder --scale smoke --only A1,A4 --seeds 2 --allow-unverified --data-dir /d --output /r --jobs 2"
        );
    }
}
