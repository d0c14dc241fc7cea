//! `cargo xtask bench theory`: steps of SGD per second of the simulations, beside numpy's.
//!
//! `polder-theory`'s `examples/simulation_speed.rs` and `benches/peers.py` take turns, so that ratios hold on a busy
//! machine too: every number is the median over turns, and a ratio the median of the turns' ratios.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::args::BenchTheoryArgs;
use crate::bench::python::Python;
use crate::command;
use crate::machine;
use crate::number::{median, whole};
use crate::workspace::Workspace;

const SCRIPT: &str = "crates/theory/benches/peers.py";
const TURNS: usize = 5;
/// Of either program per turn.
const ROUNDS: &str = "3";

/// One landscape's steps per second.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
struct Rates {
    one_thread_steps_per_second: f64,
    steps_per_second: f64,
}

/// What `simulation_speed` prints.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Own {
    threads: usize,
    toy_1: Rates,
    toy_2: Rates,
}

/// What the script prints; its landscape is Toy-1.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct Peer {
    name: String,
    steps_per_second: f64,
    /// Antithetic pairs side by side.
    pairs: usize,
}

#[derive(Debug, PartialEq, Serialize)]
struct Report {
    machine: String,
    turns: usize,
    threads: usize,
    toy_1: Rates,
    toy_2: Rates,
    peer: Option<Peer>,
    of_peer: Option<Ratios>,
}

/// Steps per second on Toy-1 over the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Ratios {
    one_thread: f64,
    all_threads: f64,
}

/// Measures and prints the table on standard output; everything else goes to standard error.
pub(super) fn run(workspace: &Workspace, args: &BenchTheoryArgs) -> Result<()> {
    let python = if args.peers { Some(super::interpreter(workspace, args.python.as_deref())?) } else { None };
    let example = ["--release", "--locked", "--package", "polder-theory", "--example", "simulation_speed"];
    command::run(workspace.cargo().arg("build").args(example))?;
    let mut turns = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let peer = python.as_ref().map(|python| peer(workspace, python)).transpose()?;
        turns.push((own(workspace, &example)?, peer));
    }
    let report = Report::new(machine::describe(workspace), &turns);
    println!("{}", if args.json { serde_json::to_string(&report)? } else { report.markdown() });
    Ok(())
}

fn own(workspace: &Workspace, example: &[&str]) -> Result<Own> {
    let mut cargo = workspace.cargo();
    cargo.args(["run", "--quiet"]).args(example).args(["--", "--rounds", ROUNDS]);
    let printed = command::output(&mut cargo)?;
    command::last_json(&printed).context("`simulation_speed` reports no speed")
}

fn peer(workspace: &Workspace, python: &Python) -> Result<Peer> {
    let script = workspace.root().join(SCRIPT);
    let printed = python.output(&script, &["--rounds".as_ref(), ROUNDS.as_ref()])?;
    command::last_json(&printed).with_context(|| format!("`{SCRIPT}` reports no speed"))
}

impl Report {
    /// Of at least one turn.
    fn new(machine: String, turns: &[(Own, Option<Peer>)]) -> Self {
        let over_turns = |number: &dyn Fn(&Own) -> f64| median(turns.iter().map(|(own, _)| number(own)));
        let rates = |toy: fn(&Own) -> Rates| Rates {
            one_thread_steps_per_second: over_turns(&|own| toy(own).one_thread_steps_per_second),
            steps_per_second: over_turns(&|own| toy(own).steps_per_second),
        };
        let peers: Vec<(&Own, &Peer)> =
            turns.iter().filter_map(|(own, peer)| Some((own, peer.as_ref()?))).collect();
        let ratio =
            |rate: fn(&Own) -> f64| median(peers.iter().map(|(own, peer)| rate(own) / peer.steps_per_second));
        Self {
            machine,
            turns: turns.len(),
            threads: turns[0].0.threads,
            toy_1: rates(|own| own.toy_1),
            toy_2: rates(|own| own.toy_2),
            peer: peers.first().map(|(_, first)| Peer {
                steps_per_second: median(peers.iter().map(|(_, peer)| peer.steps_per_second)),
                ..(*first).clone()
            }),
            of_peer: (!peers.is_empty()).then(|| Ratios {
                one_thread: ratio(|own| own.toy_1.one_thread_steps_per_second),
                all_threads: ratio(|own| own.toy_1.steps_per_second),
            }),
        }
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        let mut line = |line: &str| writeln!(text, "{line}").expect("writing to a string cannot fail");
        line("| Steps of SGD | Threads | steps/s | × numpy |");
        line("|---|---:|---:|---:|");
        let ratio = |ratio: Option<f64>| ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let of_peer = self.of_peer;
        let rows = [
            (TOY_1, 1, self.toy_1.one_thread_steps_per_second, ratio(of_peer.map(|of| of.one_thread))),
            (TOY_1, self.threads, self.toy_1.steps_per_second, ratio(of_peer.map(|of| of.all_threads))),
            (TOY_2, 1, self.toy_2.one_thread_steps_per_second, String::new()),
            (TOY_2, self.threads, self.toy_2.steps_per_second, String::new()),
        ];
        for (what, threads, rate, ratio) in rows {
            line(&format!("| {what} | {threads} | {} | {ratio} |", whole(rate)));
        }
        if let Some(peer) = &self.peer {
            let (rate, pairs) = (whole(peer.steps_per_second), peer.pairs);
            line(&format!("| Toy-1 in {}, {pairs} pairs side by side | 1 | {rate} | 1 |", peer.name));
        }
        line("");
        line(&format!("Medians of {} turns, on {}.", self.turns, self.machine));
        line("A step includes the slope, its uniform noise, the average and the squares of the iterates.");
        text.truncate(text.trim_end().len());
        text
    }
}

const TOY_1: &str = "Toy-1 (A1's valley), antithetic pairs";
const TOY_2: &str = "Toy-2 (A2's two basins), single paths";

#[cfg(test)]
mod tests {
    use super::{Own, Peer, Rates, Ratios, Report};

    fn turns(with_peer: bool) -> Vec<(Own, Option<Peer>)> {
        // The machine is half as fast in the second turn, and the ratios stay.
        [1.0, 0.5, 1.0]
            .map(|speed| {
                let rates = |one: f64, all: f64| Rates {
                    one_thread_steps_per_second: speed * one,
                    steps_per_second: speed * all,
                };
                let own = Own { threads: 2, toy_1: rates(150e6, 280e6), toy_2: rates(100e6, 200e6) };
                let peer = Peer {
                    name: "numpy 2, one thread".to_owned(),
                    steps_per_second: speed * 100e6,
                    pairs: 512,
                };
                (own, with_peer.then_some(peer))
            })
            .into()
    }

    #[test]
    fn simulations_stand_beside_numpy() {
        let report = Report::new("a machine".to_owned(), &turns(true));
        assert_eq!(report.of_peer, Some(Ratios { one_thread: 1.5, all_threads: 2.8 }));
        let text = report.markdown();
        for expected in [
            "antithetic pairs | 1 | 150,000,000 | 1.50 |",
            "antithetic pairs | 2 | 280,000,000 | 2.80 |",
            "single paths | 2 | 200,000,000 |  |",
            "| Toy-1 in numpy 2, one thread, 512 pairs side by side | 1 | 100,000,000 | 1 |",
            "Medians of 3 turns, on a machine.",
        ] {
            assert!(text.contains(expected), "`{expected}` is not in\n{text}");
        }
    }

    #[test]
    fn without_peers_there_is_no_ratio() {
        let report = Report::new("a machine".to_owned(), &turns(false));
        assert_eq!((&report.peer, report.of_peer), (&None, None));
        assert!(!report.markdown().contains("numpy 2"));
    }
}
