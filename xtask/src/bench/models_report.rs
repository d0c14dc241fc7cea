//! The table and the JSON of `cargo xtask bench models`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::bench::models_program::Program;
use crate::bench::models_training::Trained;
use crate::number::median;

/// The turns of one program.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// Per turn.
    pub(super) steps: u64,
    /// Round by round.
    pub(super) seconds_per_step: Vec<f64>,
    pub(super) peak_memory_bytes: Option<u64>,
}

/// All programs on one network.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) measured: Vec<(Program, Measured)>,
    pub(super) missing: Vec<(Program, String)>,
    /// Training with the loader, on CUDA; by the programs of Polder.
    pub(super) trained: Vec<(Program, Trained)>,
}

#[derive(Debug)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) on_cuda: bool,
    pub(super) rounds: usize,
    pub(super) networks: Vec<Network>,
}

/// What a network comes to; ratios are of speeds, above 1 where Polder is the faster.
#[derive(Debug, PartialEq, Serialize)]
struct Summary {
    milliseconds_per_step: BTreeMap<&'static str, f64>,
    peak_memory_mib: BTreeMap<&'static str, f64>,
    missing: BTreeMap<&'static str, String>,
    /// f32 against PyTorch's f32 in the same memory format.
    f32_of_pytorch_channels_last: Option<f64>,
    /// bf16 against PyTorch's bf16 in the same memory format.
    bf16_of_pytorch_channels_last: Option<f64>,
    /// Polder's fastest, against what PyTorch does unless told otherwise.
    fastest_of_pytorch_default: Option<f64>,
    /// Polder's fastest, against the fastest of PyTorch's modes.
    fastest_of_pytorch_fastest: Option<f64>,
    /// With CUDA graphs against without.
    #[serde(skip_serializing_if = "Option::is_none")]
    graphs_of_eager: Option<f64>,
    /// Time of a step of SAM over that of SGD.
    sam_steps: Option<f64>,
    /// Peak memory over that of PyTorch in the same mode.
    f32_memory_of_pytorch: Option<f64>,
    bf16_memory_of_pytorch: Option<f64>,
    /// Training with the loader, on CUDA.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    training: BTreeMap<&'static str, Trained>,
}

impl Network {
    fn of(&self, program: Program) -> Option<&Measured> {
        self.measured.iter().find(|(other, _)| *other == program).map(|(_, measured)| measured)
    }

    /// The median over rounds of the time of `slower` over that of `faster`.
    fn ratio(&self, slower: Program, faster: Program) -> Option<f64> {
        let (slower, faster) = (self.of(slower)?, self.of(faster)?);
        let rounds = slower.seconds_per_step.iter().zip(&faster.seconds_per_step);
        Some(median(rounds.map(|(slower, faster)| slower / faster)))
    }

    fn memory_ratio(&self, program: Program, peer: Program) -> Option<f64> {
        let bytes = |program| self.of(program)?.peak_memory_bytes;
        Some(bytes(program)? as f64 / bytes(peer)? as f64)
    }

    fn summary(&self) -> Summary {
        use Program as P;
        let time = |(program, measured): &(Program, Measured)| {
            (program.name(), 1e3 * median(measured.seconds_per_step.iter().copied()))
        };
        let memory = |(program, measured): &(Program, Measured)| {
            Some((program.name(), measured.peak_memory_bytes? as f64 / f64::from(1 << 20)))
        };
        let seconds = |program: &Program| {
            self.of(*program)
                .map_or(f64::INFINITY, |measured| median(measured.seconds_per_step.iter().copied()))
        };
        let own = [P::PolderF32, P::PolderBf16, P::PolderGraphs]
            .into_iter()
            .min_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        let peers = self
            .measured
            .iter()
            .map(|(program, _)| *program)
            .filter(|program| program.pytorch_mode().is_some());
        let of_peers = peers.filter_map(|peer| self.ratio(peer, own?));
        Summary {
            milliseconds_per_step: self.measured.iter().map(time).collect(),
            peak_memory_mib: self.measured.iter().filter_map(memory).collect(),
            missing: self.missing.iter().map(|(program, why)| (program.name(), why.clone())).collect(),
            f32_of_pytorch_channels_last: self.ratio(P::PytorchF32ChannelsLast, P::PolderF32),
            bf16_of_pytorch_channels_last: self.ratio(P::PytorchBf16ChannelsLast, P::PolderBf16),
            fastest_of_pytorch_default: own.and_then(|own| self.ratio(P::PytorchF32, own)),
            fastest_of_pytorch_fastest: of_peers.min_by(f64::total_cmp),
            graphs_of_eager: self.ratio(P::PolderBf16, P::PolderGraphs),
            sam_steps: self.ratio(P::PolderSam, P::PolderBf16),
            f32_memory_of_pytorch: self.memory_ratio(P::PolderF32, P::PytorchF32ChannelsLast),
            bf16_memory_of_pytorch: self.memory_ratio(P::PolderBf16, P::PytorchBf16ChannelsLast),
            training: self
                .trained
                .iter()
                .map(|(program, trained)| (program.name(), trained.clone()))
                .collect(),
        }
    }
}

impl Report {
    /// One object; the key of a network is its name, and `worst` has the least favourable value of every ratio.
    pub(super) fn json(&self) -> String {
        let summaries: Vec<Summary> = self.networks.iter().map(Network::summary).collect();
        let least = |of: fn(&Summary) -> Option<f64>| summaries.iter().filter_map(of).min_by(f64::total_cmp);
        let most = |of: fn(&Summary) -> Option<f64>| summaries.iter().filter_map(of).max_by(f64::total_cmp);
        let worst = serde_json::json!({
            "f32_of_pytorch_channels_last": least(|s| s.f32_of_pytorch_channels_last),
            "bf16_of_pytorch_channels_last": least(|s| s.bf16_of_pytorch_channels_last),
            "fastest_of_pytorch_default": least(|s| s.fastest_of_pytorch_default),
            "fastest_of_pytorch_fastest": least(|s| s.fastest_of_pytorch_fastest),
            "sam_steps": most(|s| s.sam_steps),
            "f32_memory_of_pytorch": most(|s| s.f32_memory_of_pytorch),
            "bf16_memory_of_pytorch": most(|s| s.bf16_memory_of_pytorch),
        });
        let networks: BTreeMap<&str, &Summary> = self
            .networks
            .iter()
            .zip(&summaries)
            .map(|(network, summary)| (network.name.as_str(), summary))
            .collect();
        serde_json::json!({
            "machine": self.machine, "rounds": self.rounds, "networks": networks, "worst": worst,
        })
        .to_string()
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        let mut line = |line: &str| writeln!(text, "{line}").expect("writing to a string cannot fail");
        line("| Network | Program | ms per step | images/s | × Polder in the same type | Peak memory, MiB |");
        line("|---|---|---:|---:|---:|---:|");
        for network in &self.networks {
            for (program, measured) in &network.measured {
                let seconds = median(measured.seconds_per_step.iter().copied());
                let own =
                    if program.name().contains("bf16") { Program::PolderBf16 } else { Program::PolderF32 };
                let ratio = network.ratio(own, *program).map_or(String::new(), |ratio| format!("{ratio:.2}"));
                let memory = measured
                    .peak_memory_bytes
                    .map_or(String::new(), |bytes| format!("{:.0}", bytes as f64 / f64::from(1 << 20)));
                line(&format!(
                    "| {} | {} | {} | {:.0} | {ratio} | {memory} |",
                    network.name,
                    program.name(),
                    milliseconds(seconds, self.on_cuda),
                    BATCH_SIZE / seconds,
                ));
            }
            for (program, why) in &network.missing {
                line(&format!("| {} | {} | | | | {why} |", network.name, program.name()));
            }
        }
        if self.on_cuda {
            line("");
            line(
                "| Network | Program | images/s with the loader | epoch of 50,000, s | waiting for data | share of the matrix product |",
            );
            line("|---|---|---:|---:|---:|---:|");
            for network in &self.networks {
                for (program, trained) in &network.trained {
                    line(&format!(
                        "| {} | {} | {:.0} | {:.1} | {:.1} % | {:.1} % of {:.0} TFLOP/s |",
                        network.name,
                        program.name(),
                        trained.images_per_second_with_loader.median,
                        trained.epoch_seconds(),
                        100.0 * trained.data_wait.median,
                        100.0 * trained.share_of_ceiling.median,
                        trained.ceiling_flops.median / 1e12,
                    ));
                }
            }
        }
        line("");
        line(&format!(
            "Medians of {} rounds, 128 images of 32 x 32 per step, on {}.",
            self.rounds, self.machine
        ));
        line(if self.on_cuda {
            "Memory is the peak in tensors on the GPU above what there was before the network existed."
        } else {
            "Memory is the peak above what was resident before the network existed."
        });
        text.truncate(text.trim_end().len());
        text
    }
}

const BATCH_SIZE: f64 = 128.0;

/// Of a step; on a GPU it takes few.
fn milliseconds(seconds: f64, on_cuda: bool) -> String {
    if on_cuda { format!("{:.2}", 1e3 * seconds) } else { format!("{:.0}", 1e3 * seconds) }
}

#[cfg(test)]
mod tests {
    use super::{Measured, Network, Program, Report};

    /// The machine is half as fast in the second round.
    fn network() -> Network {
        let measured = |milliseconds: f64, mebibytes: u64| Measured {
            steps: 1,
            seconds_per_step: vec![1e-3 * milliseconds, 2e-3 * milliseconds, 1e-3 * milliseconds],
            peak_memory_bytes: Some(mebibytes << 20),
        };
        Network {
            name: "net".to_owned(),
            measured: vec![
                (Program::PolderF32, measured(100.0, 100)),
                (Program::PolderBf16, measured(50.0, 60)),
                (Program::PolderSam, measured(101.0, 60)),
                (Program::PytorchF32, measured(200.0, 100)),
                (Program::PytorchF32ChannelsLast, measured(110.0, 80)),
                (Program::PytorchBf16ChannelsLast, measured(55.0, 60)),
            ],
            missing: vec![(Program::PytorchCompiled, "no compiler".to_owned())],
            trained: Vec::new(),
        }
    }

    #[test]
    fn ratios_are_of_the_same_round_and_the_best_of_pytorch_is_its_fastest() {
        let summary = network().summary();
        let close = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-12);
        close(summary.f32_of_pytorch_channels_last, 1.1);
        close(summary.bf16_of_pytorch_channels_last, 1.1);
        close(summary.fastest_of_pytorch_default, 4.0);
        close(summary.fastest_of_pytorch_fastest, 1.1);
        close(summary.sam_steps, 2.02);
        close(summary.f32_memory_of_pytorch, 1.25);
        close(summary.bf16_memory_of_pytorch, 1.0);
    }

    #[test]
    fn the_table_shows_what_is_there_and_why_something_is_not() {
        let report =
            Report { machine: "a machine".to_owned(), on_cuda: false, rounds: 3, networks: vec![network()] };
        let text = report.markdown();
        for expected in [
            "| net | Polder, f32 | 100 | 1280 | 1.00 | 100 |",
            "| net | PyTorch, bf16, channels-last | 55 | 2327 | 0.91 | 60 |",
            "| net | PyTorch, bf16, channels-last, compiled | | | | no compiler |",
        ] {
            assert!(text.contains(expected), "`{expected}` is not in\n{text}");
        }
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["worst"]["f32_memory_of_pytorch"], 1.25);
    }

    #[test]
    fn on_cuda_the_fastest_of_polder_may_be_that_with_graphs_and_training_has_a_table() {
        let measured = |milliseconds: f64| Measured {
            steps: 1,
            seconds_per_step: vec![1e-3 * milliseconds],
            peak_memory_bytes: None,
        };
        let trained = serde_json::from_str(
            r#"{"images_per_second_with_loader": {"median": 25000.0, "low": 1.0}, "data_wait": {"median": 0.004},
                "share_of_ceiling": {"median": 0.35}, "ceiling_flops": {"median": 7e14}, "model": "net"}"#,
        );
        let network = Network {
            name: "net".to_owned(),
            measured: vec![
                (Program::PolderBf16, measured(6.0)),
                (Program::PolderGraphs, measured(4.0)),
                (Program::PytorchBf16ChannelsLast, measured(8.0)),
                (Program::PytorchCompiledGraphs, measured(5.0)),
            ],
            missing: Vec::new(),
            trained: vec![(Program::PolderGraphs, trained.unwrap())],
        };
        let summary = network.summary();
        let close = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-12);
        close(summary.graphs_of_eager, 1.5);
        close(summary.fastest_of_pytorch_fastest, 1.25);
        let report =
            Report { machine: "a machine".to_owned(), on_cuda: true, rounds: 1, networks: vec![network] };
        let text = report.markdown();
        for expected in [
            "| net | Polder, bf16, CUDA graphs | 4.00 | 32000 | 1.50 |  |",
            "| net | Polder, bf16, CUDA graphs | 25000 | 2.0 | 0.4 % | 35.0 % of 700 TFLOP/s |",
        ] {
            assert!(text.contains(expected), "`{expected}` is not in\n{text}");
        }
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(
            json["networks"]["net"]["training"]["Polder, bf16, CUDA graphs"]["data_wait"]["median"],
            0.004
        );
    }

    #[test]
    fn without_peers_there_are_no_ratios_to_them() {
        let measured =
            vec![(Program::PolderF32, Measured { seconds_per_step: vec![0.1], ..Measured::default() })];
        let network = Network { name: "net".to_owned(), measured, missing: Vec::new(), trained: Vec::new() };
        let summary = network.summary();
        assert_eq!((summary.fastest_of_pytorch_fastest, summary.f32_memory_of_pytorch), (None, None));
    }
}
