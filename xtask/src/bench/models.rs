//! `cargo xtask bench models`: training steps of Polder's networks, beside PyTorch's.
//!
//! Every program makes its network, its minibatch and two or three steps, and then waits: `polder bench --on-demand`, and
//! `crates/models/benches/peers.py` in each of PyTorch's modes. In every round all of them make their steps one after the
//! other, so that a busy machine slows them alike; every number is the median over rounds, and a ratio the median of the
//! rounds' ratios. On CUDA it also says what training with the loader comes to, which has not been run on a GPU yet.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::args::BenchModelsArgs;
use crate::bench::models_program::Program;
use crate::bench::models_report::{Measured, Network, Report};
use crate::bench::models_training::Trained;
use crate::bench::python;
use crate::command::shown;
use crate::machine;
use crate::python_environment::Python;
use crate::reproduce::build_polder;
use crate::setup::Machine;
use crate::workspace::Workspace;

const SCRIPT: &str = "crates/models/benches/peers.py";

/// Seconds of each program per round, about.
const SECONDS_PER_TURN: f64 = 2.0;

/// What is measured unless networks are named.
const ON_CPU: [&str; 3] = ["wrn-10-1", "wrn-16-4", "resnet-18"];
const ON_CUDA: [&str; 5] = ["resnet-18", "wrn-28-10", "wrn28-10-released", "resnet-50", "pyramidnet-272-200"];

/// What a program says after a turn.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Said {
    Turn { seconds: f64, peak_memory_bytes: Option<u64> },
    Missing { missing: String },
}

/// Measures and prints the table on standard output; everything else goes to standard error.
pub(super) fn run(workspace: &Workspace, args: &BenchModelsArgs) -> Result<()> {
    let on_cuda = args.device == "cuda";
    // Before minutes of building.
    ensure!(
        !on_cuda || Machine::detect().nvidia_driver,
        "`--device cuda` needs an NVIDIA GPU, and this machine has no NVIDIA driver"
    );
    let python = python::provide(workspace, &args.peers)?;
    let polder = build_polder(workspace)?;
    let mut names: Vec<&str> = args.networks.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.extend(if on_cuda { &ON_CUDA[..] } else { &ON_CPU[..] });
    }
    let measured = names.into_iter().map(|name| measure(workspace, &polder, python.as_ref(), name, args));
    let networks = measured.collect::<Result<_>>()?;
    let mut machine = machine::describe(workspace);
    if on_cuda {
        let gpus = machine::gpus().unwrap_or_else(|| "an unnamed GPU".to_owned());
        machine = format!("{gpus}, in a machine with {machine}");
    }
    let report = Report { machine, on_cuda, rounds: args.rounds, networks };
    println!("{}", if args.peers.json { report.json() } else { report.markdown() });
    Ok(())
}

fn measure(
    workspace: &Workspace,
    polder: &Path,
    python: Option<&Python>,
    name: &str,
    args: &BenchModelsArgs,
) -> Result<Network> {
    let rounds = args.rounds;
    let (on_cuda, device) = (args.device == "cuda", args.device.as_str());
    let programs = if on_cuda { &Program::ON_CUDA[..] } else { &Program::ON_CPU[..] };
    let (mut running, mut missing) = (Vec::new(), Vec::new());
    for &program in programs {
        let command = match (program.pytorch_mode(), python) {
            (Some(mode), Some(python)) => {
                let mut command = python.script(workspace, SCRIPT);
                command.args([name, mode, device]);
                command
            }
            (Some(_), None) => continue,
            (None, _) => {
                let mut command = Command::new(polder);
                command
                    .args(["bench", name, "--on-demand", "--averages", "0", "--device", device])
                    .args(program.polder_flags());
                command
            }
        };
        // Started one after the other, so that each warms up alone.
        match Running::start(command) {
            Ok(Ok(started)) => running.push((program, started, Measured::default())),
            Ok(Err(reason)) => missing.push((program, reason)),
            // A GPU may have no room for all of them, or lack libpolder_cuda.so.
            Err(error) if on_cuda => missing.push((program, format!("{error:#}"))),
            Err(error) => return Err(error),
        }
    }
    ensure!(
        running.iter().any(|(program, ..)| program.pytorch_mode().is_none()),
        "none of Polder's programs can train {name} here; their messages are above"
    );
    for round in 0..=rounds {
        for (_, program, measured) in &mut running {
            // The first round says how many steps make a turn.
            if round == 0 {
                let (seconds, _) = program.steps(1)?;
                measured.steps = (SECONDS_PER_TURN / seconds).clamp(1.0, 100.0) as u64;
                continue;
            }
            let (seconds, peak) = program.steps(measured.steps)?;
            measured.seconds_per_step.push(seconds / measured.steps as f64);
            measured.peak_memory_bytes = measured.peak_memory_bytes.max(peak);
        }
        eprintln!("bench: {name}, round {round} of {rounds}");
    }
    // The programs end here: what follows has the device for itself.
    let measured: Vec<_> = running.into_iter().map(|(program, _, measured)| (program, measured)).collect();
    let mut trained = Vec::new();
    for (program, _) in measured.iter().filter(|(program, _)| on_cuda && program.pytorch_mode().is_none()) {
        match Trained::measure(polder, name, *program) {
            Ok(found) => trained.push((*program, found)),
            // What was measured before is worth its table.
            Err(error) => missing.push((*program, format!("training with the loader: {error:#}"))),
        }
    }
    Ok(Network { name: name.to_owned(), measured, missing, trained })
}

/// A program that waits for its turn.
struct Running {
    child: Child,
    demands: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
    shown: String,
}

impl Running {
    /// Waits until the program is ready; an error inside says why its mode does not work here.
    fn start(mut command: Command) -> Result<std::result::Result<Self, String>> {
        let shown = shown(&command);
        eprintln!("$ {shown}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{shown}` cannot be started"))?;
        let demands = child.stdin.take();
        let says = BufReader::new(child.stdout.take().context("the program has no output")?);
        let mut running = Self { child, demands, says, shown };
        Ok(match running.said()? {
            Said::Turn { .. } => Ok(running),
            Said::Missing { missing } => Err(missing),
        })
    }

    /// Seconds of so many steps, and the peak of the memory so far.
    fn steps(&mut self, steps: u64) -> Result<(f64, Option<u64>)> {
        let demands = self.demands.as_mut().context("the program was told to end")?;
        writeln!(demands, "{steps}").with_context(|| format!("`{}` has ended", self.shown))?;
        match self.said()? {
            Said::Turn { seconds, peak_memory_bytes } => Ok((seconds, peak_memory_bytes)),
            Said::Missing { missing } => bail!("`{}`: {missing}", self.shown),
        }
    }

    /// The next line of JSON; libraries greet in between.
    fn said(&mut self) -> Result<Said> {
        loop {
            let mut line = String::new();
            let length = self.says.read_line(&mut line)?;
            ensure!(length > 0, "`{}` ended before its time; its messages are above", self.shown);
            if line.starts_with('{') {
                return serde_json::from_str(&line)
                    .with_context(|| format!("`{}` says `{}`", self.shown, line.trim_end()));
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input ends the program.
        self.demands = None;
        let _ = self.child.wait();
    }
}
