//! A benchmark of a network as a terminal shows it.

use std::fmt::Write as _;

use polder_experiment::bench::BenchRecord;
use polder_experiment::profile::measurement::Spread;

use crate::profile::text::{grouped, range};

/// The whole benchmark, line by line.
pub fn text(bench: &BenchRecord) -> String {
    let mut text = format!(
        "{} in {} on {}{}, {}, batch {}, {} steps per figure\n{} parameters, {:.1} million multiply-accumulates per image\n{}, {} threads\n{}\n",
        bench.model,
        bench.precision,
        bench.device,
        if bench.cuda_graphs { " with CUDA graphs" } else { "" },
        bench.optimizer,
        bench.batch_size,
        bench.steps,
        grouped(bench.num_parameters as f64),
        bench.macs as f64 / 1e6,
        bench.environment.processor,
        bench.environment.threads,
        bench.environment.cuda.as_ref().map_or(String::new(), |cuda| format!(
            "{}: {}\n",
            cuda.gpu,
            cuda.summary()
        )),
    );
    let mut line = |what: &str, value: String, range: String| {
        let _ = writeln!(text, "{what:<34}{value:>16}   {range}");
    };
    let rate = |spread: &Spread| format!("{} images/s", grouped(spread.median));
    line("training step, images resident", rate(&bench.images_per_second), range(&bench.images_per_second));
    let with_loader = &bench.images_per_second_with_loader;
    line("training with the loader", rate(with_loader), range(with_loader));
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    line("  waiting for data", percent(bench.data_wait.median), String::new());
    let step = bench.batch_size as f64 / bench.images_per_second.median;
    for (what, part) in [
        ("  forward", &bench.forward_seconds),
        ("  backward", &bench.backward_seconds),
        ("  optimizer", &bench.optimizer_seconds),
        ("  averages", &bench.averages_seconds),
    ] {
        line(
            what,
            format!("{:.2} ms", 1e3 * part.median),
            format!("{} of a step", percent(part.median / step)),
        );
    }
    line(
        "  optimizer and averages",
        format!("{:.2} times", bench.update_of_copies.median),
        "what a copy of as many bytes takes".to_owned(),
    );
    let on_cuda = bench.environment.cuda.is_some();
    match bench.peak_memory_bytes {
        Some(bytes) => line(
            "peak memory",
            format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)),
            if on_cuda { "in tensors on the GPU" } else { "above the process without a network" }.to_owned(),
        ),
        None if on_cuda => {
            line("peak memory", "not known".to_owned(), "libpolder_cuda.so is not there".to_owned());
        }
        None => {}
    }
    let giga = |spread: &Spread| format!("{:.1} GFLOP/s", spread.median / 1e9);
    line("arithmetic of the step", giga(&bench.flops), String::new());
    line("matrix product", giga(&bench.ceiling_flops), String::new());
    let share = &bench.share_of_ceiling;
    line("share of it", percent(share.median), format!("{} to {}", percent(share.low), percent(share.high)));
    text
}
