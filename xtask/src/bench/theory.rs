//! `cargo xtask bench theory`: steps of SGD per second of the simulations, beside numpy's.
//!
//! `polder-theory`'s `examples/simulation_speed.rs` and `benches/peers.py` take turns, so that ratios hold on a busy
//! machine too: every number is the median over turns, and a ratio the median of the turns' ratios.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::args::PeerArgs;
use crate::bench::python;
use crate::command;
use crate::machine;
use crate::markdown_table::Table;
use crate::number::{at, median, median_ratio, whole};
use crate::workspace::Workspace;

const SCRIPT: &str = "crates/theory/benches/peers.py";
const EXAMPLE: &str = "--release --locked --package polder-theory --example simulation_speed";
const TURNS: usize = 5;
/// Of either program per turn.
const ROUNDS: &str = "3";

/// Measures and prints the table on standard output; everything else goes to standard error.
pub(super) fn run(workspace: &Workspace, args: &PeerArgs) -> Result<()> {
    let python = python::provide(workspace, args)?;
    command::run(&mut workspace.cargo(&format!("build {EXAMPLE}")))?;
    let (mut own, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        if let Some(python) = &python {
            let mut script = python.script(workspace, SCRIPT);
            peer.push(command::json(script.args(["--rounds", ROUNDS])).with_context(|| python.remedy())?);
        }
        let mut example = workspace.cargo(&format!("run --quiet {EXAMPLE} -- --rounds {ROUNDS}"));
        own.push(command::json(&mut example)?);
    }
    let report = summary(&machine::describe(workspace), &own, &peer)?;
    println!("{}", if args.json { report.to_string() } else { markdown(&report) });
    Ok(())
}

/// Medians over the turns of what the programs printed; the peer, whose landscape is Toy-1, in each turn or in none.
fn summary(machine: &str, own: &[Value], peer: &[Value]) -> Result<Value> {
    let numbers = |turns: &[Value], pointer: &str| -> Result<Vec<f64>> {
        turns.iter().map(|turn| at(turn, pointer)).collect()
    };
    let rates = |toy: &str| -> Result<Value> {
        let rate = |name: &str| anyhow::Ok(median(numbers(own, &format!("/{toy}/{name}"))?.into_iter()));
        let (one_thread, all_threads) = (rate("one_thread_steps_per_second")?, rate("steps_per_second")?);
        Ok(json!({ "one_thread_steps_per_second": one_thread, "steps_per_second": all_threads }))
    };
    let mut report = json!({
        "machine": machine,
        "turns": own.len(),
        "threads": own.first().map(|own| &own["threads"]),
        "toy_1": rates("toy_1")?,
        "toy_2": rates("toy_2")?,
        "peer": peer.first(),
        "of_peer": null,
    });
    if !peer.is_empty() {
        let speeds = numbers(peer, "/steps_per_second")?;
        let ratio = |pointer: &str| anyhow::Ok(median_ratio(&numbers(own, pointer)?, &speeds));
        report["of_peer"] = json!({
            "one_thread": ratio("/toy_1/one_thread_steps_per_second")?,
            "all_threads": ratio("/toy_1/steps_per_second")?,
        });
        report["peer"]["steps_per_second"] = json!(median(speeds.into_iter()));
    }
    Ok(report)
}

fn markdown(report: &Value) -> String {
    const TOY_1: &str = "Toy-1 (A1's valley), antithetic pairs";
    const TOY_2: &str = "Toy-2 (A2's two basins), single paths";
    let (threads, peer) = (report["threads"].to_string(), &report["peer"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rate = |value: &Value| value.as_f64().map_or(String::new(), whole);
    let ratio = |value: &Value| value.as_f64().map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let mut table = Table::new("Steps of SGD | Threads | steps/s | × numpy", 1);
    for (what, toy, ratios) in
        [(TOY_1, &report["toy_1"], &report["of_peer"]), (TOY_2, &report["toy_2"], &Value::Null)]
    {
        let one_thread = rate(&toy["one_thread_steps_per_second"]);
        table.row([what, "1", &one_thread, &ratio(&ratios["one_thread"])]);
        table.row([what, &threads, &rate(&toy["steps_per_second"]), &ratio(&ratios["all_threads"])]);
    }
    if !peer.is_null() {
        let what = format!("Toy-1 in {}, {} pairs side by side", text(&peer["name"]), peer["pairs"]);
        table.row([&what, "1", &rate(&peer["steps_per_second"]), "1"]);
    }
    format!(
        "{table}\nMedians of {} turns, on {}.\n\
         A step includes the slope, its uniform noise, the average and the squares of the iterates.",
        report["turns"],
        text(&report["machine"])
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{markdown, summary};

    fn report(with_peer: bool) -> Value {
        // The machine is half as fast in the second turn, and the ratios stay.
        let speeds = [1.0, 0.5, 1.0];
        let rates =
            |one: f64, all: f64| json!({ "one_thread_steps_per_second": one, "steps_per_second": all });
        let own = speeds.map(|speed| {
            let (toy_1, toy_2) = (rates(speed * 150e6, speed * 280e6), rates(speed * 100e6, speed * 200e6));
            json!({ "threads": 2, "toy_1": toy_1, "toy_2": toy_2 })
        });
        let peer = speeds.map(
            |speed| json!({ "name": "numpy 2, one thread", "steps_per_second": speed * 100e6, "pairs": 512 }),
        );
        summary("a machine", &own, if with_peer { &peer } else { &[] }).unwrap()
    }

    #[test]
    fn simulations_stand_beside_numpy() {
        let report = report(true);
        assert_eq!(report["of_peer"], json!({ "one_thread": 1.5, "all_threads": 2.8 }));
        let text = markdown(&report);
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
        let report = report(false);
        assert_eq!((&report["peer"], &report["of_peer"]), (&Value::Null, &Value::Null));
        assert!(!markdown(&report).contains("numpy 2"));
    }
}
