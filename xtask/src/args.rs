//! What was typed: tasks and their options.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Set-up, data sets, tests, promises and the reproduction, each by one command.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Examples:\n  cargo xtask reproduce   set up, fetch the data, train, and write results/report.html\n  \
                  cargo xtask test        everything that continuous integration checks"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Provide libtorch 2.11.0 in `.libtorch` (tasks that need it do this first)
    #[command(
        after_help = "Examples:\n  cargo xtask setup\n  cargo xtask setup --cuda   on a login node, for nodes with a GPU\n  \
                            LIBTORCH=/opt/libtorch cargo xtask setup   check a libtorch of your own instead"
    )]
    Setup(SetupArgs),
    /// Set up, then tidy, rustfmt, clippy, tests, doc tests and documentation
    #[command(
        after_help = "Examples:\n  cargo xtask test\n  CI=true bash .ci/run   the same, as continuous integration calls it"
    )]
    Test,
    /// Check the invariants of ARCHITECTURE.md in manifests, imports and files
    #[command(after_help = "Examples:\n  cargo xtask tidy")]
    Tidy,
    /// Fetch or verify the data sets
    #[command(after_help = "Examples:\n  cargo xtask data fetch cifar10\n  \
                            cargo xtask data verify all --data-dir ~/datasets\n  \
                            POLDER_DATA=~/datasets cargo xtask data verify")]
    Data(DataArgs),
    /// Set up, build, get the data, run the experiments and write the report
    #[command(
        after_help = "Examples:\n  cargo xtask reproduce --scale smoke             five minutes, every code path\n  \
                            cargo xtask reproduce --only A1,A4 --seeds 2     two experiments, two seeds\n  \
                            cargo xtask reproduce --dry-run                  what would run, and for how long\n  \
                            cargo xtask reproduce --data-dir ~/datasets      with files that are there already\n  \
                            cargo xtask reproduce --scale desk --jobs 2      two runs at a time\n\n\
                  Options of `polder reproduce`, which `cargo xtask reproduce -- --help` tells in full:\n  \
                            --scale smoke|desk|paper   how much is computed; without it and --only a selection of `desk`\n  \
                            --only IDS                 experiments to run, separated by commas\n  \
                            --seeds N                  number of seeds per cell, in place of the experiment's own\n  \
                            --dry-run                  print what would run, what is done and the time left; run nothing\n  \
                            --data-dir DIR             folder of the data sets, else POLDER_DATA, else `data` in the workspace\n  \
                            --allow-unverified         use data files whose digest is not known, and say so in every record\n  \
                            --output DIR               folder of the runs and the report, else `results` in the workspace\n  \
                            --jobs N, --device DEVICE  runs at a time, and where they compute"
    )]
    Reproduce(ReproduceArgs),
    /// Copy words, figures and records of a report into docs/results, for the repository
    #[command(after_help = "Examples:\n  cargo xtask results\n  cargo xtask results --results ~/desk\n  \
                            cargo xtask results --results desk   of a folder that began as a copy of docs/results/records")]
    Results(ResultsArgs),
    /// Measure what Polder promises and say which promises are kept
    #[command(after_help = "Examples:\n  cargo xtask promises --only theory\n  \
                            cargo xtask promises --data-dir ~/datasets --write   measure all, update docs/performance.md")]
    Promises(PromisesArgs),
    /// Measure speed: the input pipeline and the simulations, beside their peers
    #[command(after_help = "Examples:\n  cargo xtask bench data\n  \
                            cargo xtask bench data --peers     beside PyTorch's and other pipelines\n  \
                            cargo xtask bench theory --peers   beside numpy")]
    #[command(subcommand)]
    Bench(BenchAction),
    /// Make HTML of the book under docs/, by mdBook
    #[command(after_help = "Examples:\n  cargo xtask book   prints the path of the first page")]
    Book,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SetupArgs {
    /// Install what a GPU needs although no NVIDIA driver is here: on a login node, in an image
    #[arg(long)]
    pub(crate) cuda: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    /// `fetch`: download, check and unpack what is not there yet; `verify`: compare every file with its published or known digest
    #[arg(value_parser = ["fetch", "verify"])]
    pub(crate) action: String,
    /// cifar10, cifar100, mnist, fashion-mnist or all, and options such as `--data-dir DIR`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "DATA SET, OPTIONS")]
    pub(crate) rest: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReproduceArgs {
    /// Options of `polder reproduce`, listed below
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    pub(crate) options: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ResultsArgs {
    /// Folder of the runs and the report [default: `results` in the workspace]
    #[arg(long, value_name = "DIR")]
    pub(crate) results: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PromisesArgs {
    /// Areas to measure, separated by commas [default: all]
    #[arg(long, value_name = "AREAS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Folder that holds the data sets [default: `data` in the workspace]
    #[arg(long, env = "POLDER_DATA", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Put the table into docs/performance.md
    #[arg(long)]
    pub(crate) write: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BenchAction {
    /// Images per second of every stage and of the whole loader, about three minutes
    #[command(after_help = "Examples:\n  cargo xtask bench data --data-dir ~/datasets\n  \
                            cargo xtask bench data --peers            makes a Python environment of about 6 GB\n  \
                            cargo xtask bench data --peers --python ~/venv/bin/python --json")]
    Data(BenchDataArgs),
    /// Steps of SGD per second on the landscapes of A1 and A2, about half a minute
    #[command(after_help = "Examples:\n  cargo xtask bench theory\n  \
                            cargo xtask bench theory --peers            in the environment of `bench data --peers`\n  \
                            cargo xtask bench theory --peers --python ~/venv/bin/python --json")]
    Theory(PeerArgs),
    /// Training steps of the networks, about a minute each; with --peers some minutes
    #[command(after_help = "Examples:\n  cargo xtask bench models\n  \
                            cargo xtask bench models --peers            in the environment of `bench data --peers`\n  \
                            cargo xtask bench models resnet-18 --rounds 3 --peers --python ~/venv/bin/python --json\n  \
                            cargo xtask bench models --device cuda --peers")]
    Models(BenchModelsArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BenchModelsArgs {
    /// Networks, as `model.name` in a configuration [default: wrn-10-1 wrn-16-4 resnet-18; on cuda resnet-18 wrn-28-10
    /// wrn28-10-released resnet-50 pyramidnet-272-200]
    pub(crate) networks: Vec<String>,
    /// Where the networks compute; on cuda in bf16, without and with CUDA graphs
    #[arg(long, value_parser = ["cpu", "cuda"], default_value = "cpu")]
    pub(crate) device: String,
    /// Turns of every program; at least 1
    #[arg(long, default_value_t = 5, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub(crate) rounds: usize,
    #[command(flatten)]
    pub(crate) peers: PeerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BenchDataArgs {
    /// Folder that holds cifar-10-batches-bin/ [default: `data` in the workspace]
    #[arg(long, env = "POLDER_DATA", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) peers: PeerArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PeerArgs {
    /// Measure the same work in other libraries too: torchvision, whole-batch tensors, tf.data and FFCV for data, numpy in one
    /// thread for theory, PyTorch's eager and compiled training step for models
    #[arg(long)]
    pub(crate) peers: bool,
    /// Python with torch, torchvision and numpy [default: an environment in the target folder, made on demand]
    #[arg(long, env = "POLDER_PEERS_PYTHON", value_name = "PATH")]
    pub(crate) python: Option<PathBuf>,
    /// Print JSON instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Args, Task};

    #[test]
    fn what_follows_the_action_on_data_is_handed_on_as_typed() {
        let typed = "xtask data verify cifar100 --data-dir a/b --mirror=x";
        let Task::Data(data) = Args::parse_from(typed.split(' ')).task else { panic!("not data") };
        assert_eq!(data.action, "verify");
        assert_eq!(data.rest, ["cifar100", "--data-dir", "a/b", "--mirror=x"]);
        assert!(Args::try_parse_from(["xtask", "data", "remove"]).is_err());
    }

    #[test]
    fn every_task_shows_an_example() {
        let command = Args::command();
        command.clone().debug_assert();
        for task in command.get_subcommands().filter(|task| task.get_name() != "help") {
            assert!(
                task.get_after_help().is_some_and(|help| help.to_string().contains("cargo xtask")),
                "`{}` has no example",
                task.get_name()
            );
        }
    }
}
