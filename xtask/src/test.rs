//! Everything that continuous integration checks, cheapest first; the first failure ends it.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::command;
use crate::external_tools::{self, ExternalTools};
use crate::packages;
use crate::setup::{self, Machine};
use crate::tidy;
use crate::workspace::Workspace;

struct Step {
    name: &'static str,
    command: Command,
}

/// Runs the steps and prints what each took.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let start = Instant::now();
    let mut times: Vec<(&str, Duration)> = Vec::new();

    eprintln!("== set-up");
    setup::run(workspace.root(), &Machine::detect())?;
    times.push(("set-up", start.elapsed()));

    let step_start = Instant::now();
    eprintln!("== tidy");
    if tidy::run(workspace)? != ExitCode::SUCCESS {
        eprintln!("test: `tidy` failed; `cargo xtask tidy` repeats this step alone");
        return Ok(ExitCode::FAILURE);
    }
    times.push(("tidy", step_start.elapsed()));

    let step_start = Instant::now();
    eprintln!("== libraries as packages");
    packages::check(workspace)?;
    times.push(("libraries as packages", step_start.elapsed()));

    let step_start = Instant::now();
    eprintln!("== programs of others");
    let tools = external_tools::provide(&workspace.target_dir()?.join("test-peers"));
    for skipped in &tools.skipped {
        eprintln!("test: {skipped}");
    }
    times.push(("programs of others", step_start.elapsed()));

    for mut step in steps(workspace, &tools) {
        let step_start = Instant::now();
        eprintln!("== {}", step.name);
        let status = command::status(&mut step.command)?;
        let elapsed = step_start.elapsed();
        eprintln!("== {}: {:.1} s", step.name, elapsed.as_secs_f64());
        if !status.success() {
            eprintln!(
                "test: `{}` failed ({status}); this step alone: {}{}",
                step.name,
                variables(&step.command),
                command::shown(&step.command)
            );
            return Ok(ExitCode::FAILURE);
        }
        times.push((step.name, elapsed));
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

/// The variables of the environment that a command sets, as they stand before it in a shell.
fn variables(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let words =
        set.map(|(name, value)| [&name.to_string_lossy(), "='", &value.to_string_lossy(), "' "].concat());
    words.collect()
}

fn steps(workspace: &Workspace, tools: &ExternalTools) -> Vec<Step> {
    let cargo = |args: &[&str]| {
        let mut cargo = workspace.cargo();
        cargo.args(args);
        cargo
    };
    let mut tests = if has_nextest(workspace) {
        cargo(&["nextest", "run", "--workspace", "--locked"])
    } else {
        cargo(&["test", "--workspace", "--locked", "--lib", "--bins", "--tests", "--examples"])
    };
    // Several tests run at once: libtorch's threads, more of them than cores, would spend their time on each other.
    tests.env("OMP_NUM_THREADS", "1");
    tests.envs(tools.variables.iter().map(|(name, program)| (name, program)));
    // Plans, records and reports work where libtorch never was: this folder does not exist.
    let records = ["polder-experiment", "polder-report", "polder-theory", "polder-plot"];
    let mut without_libtorch = cargo(&["test", "--locked", "--lib"]);
    without_libtorch.args(records.iter().flat_map(|package| ["--package", package]));
    let no_libtorch = workspace.root().join("no-libtorch");
    without_libtorch.env("LIBTORCH", &no_libtorch);
    let program = ["--package", "polder", "--no-default-features"];
    let mut program_without_libtorch = cargo(&["test", "--locked", "--test", "without_libtorch"]);
    program_without_libtorch.args(program).env("LIBTORCH", &no_libtorch);
    let mut lints_without_libtorch = cargo(&["clippy", "--locked", "--bins"]);
    lints_without_libtorch.args(program).args(["--", "-D", "warnings"]).env("LIBTORCH", &no_libtorch);
    let mut documentation = cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    let mut documentation_alone =
        cargo(&["doc", "--package", "polder-data", "--no-default-features", "--no-deps", "--locked"]);
    documentation_alone.env("RUSTDOCFLAGS", "-D warnings");
    vec![
        Step { name: "rustfmt", command: cargo(&["fmt", "--all", "--check"]) },
        // Without the default features: a user of the pipeline may want neither downloads nor pictures.
        Step {
            name: "polder-data alone",
            command: cargo(&["check", "--package", "polder-data", "--no-default-features", "--locked"]),
        },
        Step {
            name: "clippy",
            command: cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        },
        Step { name: "tests", command: tests },
        Step { name: "records and reports without libtorch", command: without_libtorch },
        Step { name: "lints of the program without libtorch", command: lints_without_libtorch },
        Step { name: "the program without libtorch", command: program_without_libtorch },
        Step { name: "doc tests", command: cargo(&["test", "--workspace", "--locked", "--doc"]) },
        Step { name: "documentation", command: documentation },
        Step { name: "documentation of polder-data alone", command: documentation_alone },
    ]
}

fn has_nextest(workspace: &Workspace) -> bool {
    workspace
        .cargo()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
