//! Everything that continuous integration checks, cheapest first; the first failure ends it.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::command;
use crate::external_tools::{self, ExternalTools};
use crate::packages;
use crate::setup::{self, Machine};
use crate::tidy;
use crate::workspace::Workspace;

/// Runs the steps and prints what each took.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let start = Instant::now();
    let mut times = Vec::new();
    timed("set-up", &mut times, || setup::run(workspace.root(), &Machine::detect()))?;
    if timed("tidy", &mut times, || tidy::run(workspace))? != ExitCode::SUCCESS {
        eprintln!("test: `tidy` failed; `cargo xtask tidy` repeats this step alone");
        return Ok(ExitCode::FAILURE);
    }
    timed("libraries as packages", &mut times, || packages::check(workspace))?;
    let tools = timed("programs of others", &mut times, || {
        Ok(external_tools::provide(&workspace.target_dir()?.join("test-peers")))
    })?;
    for skipped in &tools.skipped {
        eprintln!("test: {skipped}");
    }
    for (name, mut step) in steps(workspace, &tools) {
        let status = timed(name, &mut times, || command::status(&mut step))?;
        if !status.success() {
            eprintln!(
                "test: `{name}` failed ({status}); this step alone: {}{}",
                variables(&step),
                command::shown(&step)
            );
            return Ok(ExitCode::FAILURE);
        }
    }

    println!("\n{:>9}  step", "seconds");
    for (name, time) in &times {
        println!("{:>9.1}  {name}", time.as_secs_f64());
    }
    for skipped in &tools.skipped {
        println!("test: {skipped}");
    }
    println!("test: all {} steps passed in {:.0} s", times.len(), start.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// Runs a step and records its time.
fn timed<T>(
    name: &'static str,
    times: &mut Vec<(&'static str, Duration)>,
    step: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    eprintln!("== {name}");
    let done = step()?;
    eprintln!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    times.push((name, start.elapsed()));
    Ok(done)
}

/// The variables of the environment that a command sets, as they stand before it in a shell.
fn variables(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let words =
        set.map(|(name, value)| [&name.to_string_lossy(), "='", &value.to_string_lossy(), "' "].concat());
    words.collect()
}

fn steps(workspace: &Workspace, tools: &ExternalTools) -> Vec<(&'static str, Command)> {
    let with_nextest = command::quiet_output(&mut workspace.cargo("nextest --version")).is_ok();
    let mut tests = workspace.cargo(if with_nextest {
        "nextest run --workspace --locked"
    } else {
        "test --workspace --locked --lib --bins --tests --examples"
    });
    // Several tests run at once: libtorch's threads, more of them than cores, would spend their time on each other.
    tests.env("OMP_NUM_THREADS", "1");
    tests.envs(tools.variables.iter().map(|(name, program)| (name, program)));
    // Plans, records and reports work where libtorch never was: this folder does not exist.
    let without_libtorch = |words: &str| {
        let mut cargo = workspace.cargo(words);
        cargo.env("LIBTORCH", workspace.root().join("no-libtorch"));
        cargo
    };
    let documentation = |words: &str| {
        let mut cargo = workspace.cargo(words);
        cargo.env("RUSTDOCFLAGS", "-D warnings");
        cargo
    };
    vec![
        ("rustfmt", workspace.cargo("fmt --all --check")),
        // Without the default features: a user of the pipeline may want neither downloads nor pictures.
        ("polder-data alone", workspace.cargo("check --package polder-data --no-default-features --locked")),
        ("clippy", workspace.cargo("clippy --workspace --all-targets --locked -- -D warnings")),
        ("tests", tests),
        (
            "records and reports without libtorch",
            without_libtorch(
                "test --locked --lib --package polder-experiment --package polder-report --package polder-theory \
                 --package polder-plot",
            ),
        ),
        (
            "lints of the program without libtorch",
            without_libtorch("clippy --locked --bins --package polder --no-default-features -- -D warnings"),
        ),
        (
            "the program without libtorch",
            without_libtorch("test --locked --test without_libtorch --package polder --no-default-features"),
        ),
        ("doc tests", workspace.cargo("test --workspace --locked --doc")),
        ("documentation", documentation("doc --workspace --no-deps --locked")),
        (
            "documentation of polder-data alone",
            documentation("doc --package polder-data --no-default-features --no-deps --locked"),
        ),
    ]
}
