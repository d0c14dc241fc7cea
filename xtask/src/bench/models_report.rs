//! The table and the JSON of `cargo xtask bench models`.

use serde_json::{Map, Value, json};

use crate::bench::models_program::Program;
use crate::bench::models_training::Trained;
use crate::markdown_table::Table;
use crate::number::{median, median_ratio};

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

/// A ratio by its key, and which of two is the less favourable.
type Ratio = (&'static str, Option<f64>, fn(f64, f64) -> f64);

impl Measured {
    fn seconds(&self) -> f64 {
        median(self.seconds_per_step.iter().copied())
    }

    fn peak_memory_mib(&self) -> Option<f64> {
        Some(self.peak_memory_bytes? as f64 / f64::from(1 << 20))
    }
}

impl Network {
    fn of(&self, program: Program) -> Option<&Measured> {
        self.measured.iter().find(|(other, _)| *other == program).map(|(_, measured)| measured)
    }

    /// The median over rounds of the time of `slower` over that of `faster`.
    fn ratio(&self, slower: Program, faster: Program) -> Option<f64> {
        Some(median_ratio(&self.of(slower)?.seconds_per_step, &self.of(faster)?.seconds_per_step))
    }

    fn memory(&self, program: Program, peer: Program) -> Option<f64> {
        Some(self.of(program)?.peak_memory_mib()? / self.of(peer)?.peak_memory_mib()?)
    }

    /// Ratios of speeds, above 1 where Polder is the faster; of a step of SAM over one of SGD; of peak memory over PyTorch's in the
    /// same mode.
    fn ratios(&self) -> [Ratio; 7] {
        use Program as P;
        let seconds = |program: &Program| self.of(*program).map_or(f64::INFINITY, Measured::seconds);
        let own = [P::PolderF32, P::PolderBf16, P::PolderGraphs]
            .into_iter()
            .min_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        let of_pytorch = |peer| self.ratio(peer, own?);
        let peers = self.measured.iter().filter(|(program, _)| program.pytorch_mode().is_some());
        let fastest = peers.filter_map(|(peer, _)| of_pytorch(*peer)).min_by(f64::total_cmp);
        [
            ("f32_of_pytorch_channels_last", self.ratio(P::PytorchF32ChannelsLast, P::PolderF32), f64::min),
            (
                "bf16_of_pytorch_channels_last",
                self.ratio(P::PytorchBf16ChannelsLast, P::PolderBf16),
                f64::min,
            ),
            // PyTorch's default: f32 in its own memory format.
            ("fastest_of_pytorch_default", of_pytorch(P::PytorchF32), f64::min),
            ("fastest_of_pytorch_fastest", fastest, f64::min),
            ("sam_steps", self.ratio(P::PolderSam, P::PolderBf16), f64::max),
            ("f32_memory_of_pytorch", self.memory(P::PolderF32, P::PytorchF32ChannelsLast), f64::max),
            ("bf16_memory_of_pytorch", self.memory(P::PolderBf16, P::PytorchBf16ChannelsLast), f64::max),
        ]
    }

    fn json(&self) -> Value {
        let mut json = json!({ "milliseconds_per_step": {}, "peak_memory_mib": {}, "missing": {} });
        for (program, measured) in &self.measured {
            json["milliseconds_per_step"][program.name()] = json!(1e3 * measured.seconds());
            if let Some(mebibytes) = measured.peak_memory_mib() {
                json["peak_memory_mib"][program.name()] = json!(mebibytes);
            }
        }
        for (program, why) in &self.missing {
            json["missing"][program.name()] = json!(why);
        }
        for (key, ratio, _) in self.ratios() {
            json[key] = json!(ratio);
        }
        if let Some(graphs_of_eager) = self.ratio(Program::PolderBf16, Program::PolderGraphs) {
            json["graphs_of_eager"] = json!(graphs_of_eager);
        }
        for (program, trained) in &self.trained {
            json["training"][program.name()] = json!(trained);
        }
        json
    }
}

impl Report {
    /// One object; the key of a network is its name, and `worst` has the least favourable value of every ratio.
    pub(super) fn json(&self) -> String {
        let mut worst = Map::new();
        for (key, ratio, worse) in self.networks.iter().flat_map(Network::ratios) {
            let so_far = worst.get(key).and_then(Value::as_f64);
            worst.insert(key.to_owned(), json!(ratio.into_iter().chain(so_far).reduce(worse)));
        }
        let networks: Map<_, _> =
            self.networks.iter().map(|network| (network.name.clone(), network.json())).collect();
        json!({ "machine": self.machine, "rounds": self.rounds, "networks": networks, "worst": worst })
            .to_string()
    }

    pub(super) fn markdown(&self) -> String {
        let (steps, training) = (self.steps(), self.training());
        let memory = if self.on_cuda {
            "Memory is the peak in tensors on the GPU above what there was before the network existed."
        } else {
            "Memory is the peak above what was resident before the network existed."
        };
        format!(
            "{steps}\n{training}Medians of {} rounds, 128 images of 32 x 32 per step, on {}.\n{memory}",
            self.rounds, self.machine
        )
    }

    fn steps(&self) -> Table {
        let mut table = Table::new(
            "Network | Program | ms per step | images/s | × Polder in the same type | Peak memory, MiB",
            2,
        );
        // A step on a GPU takes a few milliseconds.
        let decimals = if self.on_cuda { 2 } else { 0 };
        for network in &self.networks {
            for (program, measured) in &network.measured {
                let own =
                    if program.name().contains("bf16") { Program::PolderBf16 } else { Program::PolderF32 };
                let ratio = network.ratio(own, *program).map(|ratio| format!("{ratio:.2}"));
                let memory = measured.peak_memory_mib().map(|mib| format!("{mib:.0}"));
                table.row([
                    network.name.clone(),
                    program.name().to_owned(),
                    format!("{:.decimals$}", 1e3 * measured.seconds()),
                    format!("{:.0}", BATCH_SIZE / measured.seconds()),
                    ratio.unwrap_or_default(),
                    memory.unwrap_or_default(),
                ]);
            }
            for (program, why) in &network.missing {
                table.row([&network.name, program.name(), "", "", "", why]);
            }
        }
        table
    }

    /// The table of training with the loader; empty on the CPU.
    fn training(&self) -> String {
        if !self.on_cuda {
            return String::new();
        }
        let mut table = Table::new(
            "Network | Program | images/s with the loader | epoch of 50,000, s | waiting for data | share of the matrix product",
            2,
        );
        for network in &self.networks {
            for (program, trained) in &network.trained {
                let (share, flops) = (trained.share_of_ceiling.median, trained.ceiling_flops.median);
                table.row([
                    network.name.clone(),
                    program.name().to_owned(),
                    format!("{:.0}", trained.images_per_second_with_loader.median),
                    format!("{:.1}", trained.epoch_seconds()),
                    format!("{:.1} %", 100.0 * trained.data_wait.median),
                    format!("{:.1} % of {:.0} TFLOP/s", 100.0 * share, flops / 1e12),
                ]);
            }
        }
        format!("{table}\n")
    }
}

const BATCH_SIZE: f64 = 128.0;

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
        let json = network().json();
        let close =
            |key: &str, expected: f64| assert!((json[key].as_f64().unwrap() - expected).abs() < 1e-12);
        close("f32_of_pytorch_channels_last", 1.1);
        close("bf16_of_pytorch_channels_last", 1.1);
        close("fastest_of_pytorch_default", 4.0);
        close("fastest_of_pytorch_fastest", 1.1);
        close("sam_steps", 2.02);
        close("f32_memory_of_pytorch", 1.25);
        close("bf16_memory_of_pytorch", 1.0);
    }

    #[test]
    fn the_table_shows_what_is_there_and_why_something_is_not() {
        let report =
            Report { machine: "a machine".to_owned(), on_cuda: false, rounds: 3, networks: vec![network()] };
        let text = report.markdown();
        for expected in [
            "| net | Polder, f32 | 100 | 1280 | 1.00 | 100 |",
            "| net | PyTorch, bf16, channels-last | 55 | 2327 | 0.91 | 60 |",
            "| net | PyTorch, bf16, channels-last, compiled |  |  |  | no compiler |",
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
        let json = network.json();
        let close =
            |key: &str, expected: f64| assert!((json[key].as_f64().unwrap() - expected).abs() < 1e-12);
        close("graphs_of_eager", 1.5);
        close("fastest_of_pytorch_fastest", 1.25);
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
        let json = network.json();
        assert!(json["fastest_of_pytorch_fastest"].is_null() && json["f32_memory_of_pytorch"].is_null());
    }
}
