//! What a benchmark of a network measured, and how it is printed.

use std::fmt::Write as _;

use serde::Serialize;

use crate::profile::measurement::Spread;
use crate::profile::text::grouped;
use crate::record::Environment;

/// One benchmark. Medians and ranges are over rounds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BenchRecord {
    /// Of Polder.
    pub(crate) version: String,
    pub(crate) environment: Environment,
    pub(crate) device: String,
    /// Whether gradients were replayed from CUDA graphs, in all but the parts.
    pub(crate) cuda_graphs: bool,
    pub(crate) model: String,
    pub(crate) precision: String,
    pub(crate) optimizer: String,
    /// Averages updated after every step.
    pub(crate) averages: usize,
    pub(crate) batch_size: usize,
    pub(crate) num_parameters: u64,
    /// Multiply-accumulates of one forward pass of one image.
    pub(crate) macs: u64,
    /// Steps behind every figure.
    pub(crate) steps: usize,
    /// Of a step on images that are on the device already.
    pub(crate) images_per_second: Spread,
    /// Of training with the loader.
    pub(crate) images_per_second_with_loader: Spread,
    /// What part of training's time was spent waiting for the loader, 0 to 1.
    pub(crate) data_wait: Spread,
    pub(crate) forward_seconds: Spread,
    pub(crate) backward_seconds: Spread,
    /// Beside asking for gradients.
    pub(crate) optimizer_seconds: Spread,
    pub(crate) averages_seconds: Spread,
    /// All averages over the whole step, round by round.
    pub(crate) averages_share: Spread,
    /// Optimizer and averages over the time in which a copy moves the bytes that they must read and write.
    pub(crate) update_of_copies: Spread,
    /// The peak above what there was before the network existed, of the process or of the GPU; `None` where the system does
    /// not say, or libpolder_cuda.so is not there to say it.
    pub(crate) peak_memory_bytes: Option<u64>,
    /// Floating-point operations per second of the step: two per multiply-accumulate, three passes per gradient.
    pub(crate) flops: Spread,
    /// Of a large matrix product in the same type, in the same rounds.
    pub(crate) ceiling_flops: Spread,
    /// The first over the second, round by round.
    pub(crate) share_of_ceiling: Spread,
}

impl BenchRecord {
    /// As a terminal shows it.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} in {} on {}{}, {}, batch {}, {} steps per figure\n{} parameters, {:.1} million multiply-accumulates per image\n{}, {} threads\n{}\n",
            self.model,
            self.precision,
            self.device,
            if self.cuda_graphs { " with CUDA graphs" } else { "" },
            self.optimizer,
            self.batch_size,
            self.steps,
            grouped(self.num_parameters as f64),
            self.macs as f64 / 1e6,
            self.environment.processor,
            self.environment.threads,
            self.environment.cuda.as_ref().map_or(String::new(), |cuda| format!(
                "{}: {}\n",
                cuda.gpu,
                cuda.summary()
            )),
        );
        let mut line = |what: &str, value: String, range: String| {
            let _ = writeln!(text, "{what:<34}{value:>16}   {range}");
        };
        let rate = |spread: &Spread| format!("{} images/s", grouped(spread.median));
        let rates = |spread: &Spread| format!("{} to {}", grouped(spread.low), grouped(spread.high));
        line("training step, images resident", rate(&self.images_per_second), rates(&self.images_per_second));
        let with_loader = &self.images_per_second_with_loader;
        line("training with the loader", rate(with_loader), rates(with_loader));
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        line("  waiting for data", percent(self.data_wait.median), String::new());
        let step = self.batch_size as f64 / self.images_per_second.median;
        for (what, part) in [
            ("  forward", &self.forward_seconds),
            ("  backward", &self.backward_seconds),
            ("  optimizer", &self.optimizer_seconds),
            ("  averages", &self.averages_seconds),
        ] {
            line(
                what,
                format!("{:.2} ms", 1e3 * part.median),
                format!("{} of a step", percent(part.median / step)),
            );
        }
        line(
            "  optimizer and averages",
            format!("{:.2} times", self.update_of_copies.median),
            "what a copy of as many bytes takes".to_owned(),
        );
        let on_cuda = self.environment.cuda.is_some();
        match self.peak_memory_bytes {
            Some(bytes) => line(
                "peak memory",
                format!("{:.0} MiB", bytes as f64 / f64::from(1 << 20)),
                if on_cuda { "in tensors on the GPU" } else { "above the process without a network" }
                    .to_owned(),
            ),
            None if on_cuda => {
                line("peak memory", "not known".to_owned(), "libpolder_cuda.so is not there".to_owned());
            }
            None => {}
        }
        let giga = |spread: &Spread| format!("{:.1} GFLOP/s", spread.median / 1e9);
        line("arithmetic of the step", giga(&self.flops), String::new());
        line("matrix product", giga(&self.ceiling_flops), String::new());
        let share = &self.share_of_ceiling;
        line(
            "share of it",
            percent(share.median),
            format!("{} to {}", percent(share.low), percent(share.high)),
        );
        text
    }
}
