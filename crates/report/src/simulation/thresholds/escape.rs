//! What experiments on leaving a minimiser show: who leaves, how fast, and what was predicted.

use polder_plot::{Figure, Panel};
use polder_theory::Estimate;
use polder_theory::Proportion;
use polder_theory::thresholds::BatchSize;
use polder_theory::thresholds::escape::{EscapeConfig, EscapeReport, EscapeRow, StepChoice};

use crate::simulation::{Summary, Table, estimate_text, number_text};
use polder_experiment::claim::{Metric, Uncertainty};

mod figures;

/// A report of runs, with what its experiment knows about it.
pub(super) struct EscapeSummary<'a> {
    /// The report.
    pub report: &'a EscapeReport,
    /// The settings it was run with.
    pub config: &'a EscapeConfig,
    /// The function, for titles.
    pub function: &'a str,
    /// A section through its minimisers.
    pub section: Panel,
}

impl EscapeSummary<'_> {
    pub(super) fn summary(self) -> Summary {
        let metrics = self.metrics();
        let starts = 0..self.report.minimizers.len();
        let tables = std::iter::once(self.threshold_table()).chain(starts.map(|start| self.run_table(start)));
        let tables = tables.collect();
        Summary { metrics, tables, figures: self.figures() }
    }

    /// The index of the flattest minimiser; the sharpest has the index 0.
    pub(super) fn flattest(&self) -> usize {
        self.report.minimizers.len() - 1
    }

    /// What a minimiser is called.
    pub(super) fn name(&self, start: usize) -> String {
        match start {
            0 => "sharp".to_owned(),
            last if last == self.flattest() => "flat".to_owned(),
            _ if self.flattest() == 2 => "mixed".to_owned(),
            _ => format!("mixed {start}"),
        }
    }

    fn rows(&self, start: usize, chosen: impl Fn(StepChoice) -> bool) -> Vec<&EscapeRow> {
        self.report.rows.iter().filter(|row| row.start == start && chosen(row.choice)).collect()
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut metrics = self.exact_metrics();
        metrics.extend(self.leaving_metrics());
        metrics.extend(self.growth_metrics());
        metrics
    }

    fn exact_metrics(&self) -> Vec<Metric> {
        let minimizers = &self.report.minimizers;
        let residuals = minimizers.iter().filter(|minimizer| minimizer.is_round).flat_map(|minimizer| {
            let (mean, variance) = (minimizer.mean_curvatures[0], minimizer.curvature_variances[0]);
            minimizer.thresholds.iter().map(move |thresholds| {
                let closed_form = 2.0 * mean / (mean * mean + variance * thresholds.batch_size.reciprocal());
                thresholds.mean_square / closed_form - 1.0
            })
        });
        let (sharp, flat) = (&minimizers[0].thresholds, &minimizers[self.flattest()].thresholds);
        let ratios: Vec<f64> =
            sharp.iter().zip(flat).map(|(sharp, flat)| flat.almost_sure / sharp.almost_sure).collect();
        let mut metrics = vec![Metric::largest(
            "mean-square-residual",
            "largest relative difference of C*(k), from the second-moment map, and 2q/(q² + Var(q)/k)",
            residuals,
        )];
        if let Some(smallest) = ratios.iter().copied().reduce(f64::min) {
            metrics.push(Metric {
                name: "threshold-ratio".to_owned(),
                what: "smallest ratio of the almost-sure thresholds of the flat and the sharp minimiser"
                    .to_owned(),
                value: smallest,
                uncertainty: Uncertainty::Exact { n: ratios.len() as u64 },
            });
        }
        metrics
    }

    /// Shares of runs that leave. Of several batch sizes that one counts whose interval is furthest on the side that speaks against
    /// the claim, so that a claim that stands there stands for each of them.
    fn leaving_metrics(&self) -> Vec<Metric> {
        let between = |choice| choice == StepChoice::Between;
        let (sharp, flat) = (self.rows(0, between), self.rows(self.flattest(), between));
        let fewest = |rows: &[&EscapeRow]| {
            rows.iter().copied().min_by(|a, b| a.left.lower.total_cmp(&b.left.lower)).cloned()
        };
        let most = |rows: &[&EscapeRow]| {
            rows.iter().copied().max_by(|a, b| a.left.upper.total_cmp(&b.left.upper)).cloned()
        };
        let share = |name: &str, what: String, row: Option<EscapeRow>| {
            row.map(|row| {
                let what = format!("share of runs that leave {what} (batch size {})", row.batch_size);
                Metric::proportion(name, what, &row.left)
            })
        };
        let at = "at a step size between the thresholds, at the batch size with the";
        let mut metrics = Vec::new();
        metrics.extend(share("left-sharp", format!("the sharp minimiser {at} fewest"), fewest(&sharp)));
        metrics.extend(share("left-flat", format!("the flat minimiser {at} most"), most(&flat)));
        let differences = sharp.iter().zip(&flat).map(|(sharp, flat)| (sharp, sharp.left.minus(&flat.left)));
        if let Some((row, difference)) = differences.min_by(|a, b| a.1.lower.total_cmp(&b.1.lower)) {
            let what = format!(
                "difference of both shares {at} smallest ({}), runs from the sharp minimiser first",
                row.batch_size
            );
            metrics.push(Metric::difference("left-difference", what, &difference, row.left.num_runs));
        }
        let mixed: Vec<&EscapeRow> =
            (1..self.flattest()).flat_map(|start| self.rows(start, between)).collect();
        let what = format!("a minimiser with sharp and flat coordinates {at} fewest");
        metrics.extend(share("left-mixed", what, fewest(&mixed)));
        let smallest = self.config.factors.iter().copied().reduce(f64::min).filter(|factor| *factor < 1.0);
        if let Some(smallest) = smallest {
            let below = self.rows(0, |choice| choice == StepChoice::OfAlmostSure(smallest));
            let what = format!(
                "the sharp minimiser at {smallest} of its almost-sure threshold, at the batch size with the most"
            );
            metrics.extend(share("left-sharp-below", what, most(&below)));
        }
        metrics
    }

    /// Growth of distances, chosen among batch sizes and step sizes like the shares.
    fn growth_metrics(&self) -> Vec<Metric> {
        let flattest = self.flattest();
        let n = self.config.num_runs;
        let growth = |name: &str, what: &str, rows: Vec<&EscapeRow>, slowest: bool| {
            let measured = rows.into_iter().filter_map(|row| row.measured_rate.map(|rate| (row, rate)));
            let (row, rate) = if slowest {
                measured.min_by(|a, b| a.1.lower.total_cmp(&b.1.lower))?
            } else {
                measured.max_by(|a, b| a.1.upper.total_cmp(&b.1.upper))?
            };
            let extreme = if slowest { "smallest" } else { "largest" };
            let what = format!(
                "{extreme} growth per step of log distance {what} (batch size {}, step size {})",
                row.batch_size,
                number_text(row.step_size, 3)
            );
            Some(Metric::estimate(name, what, &rate, n))
        };
        let above = |choice| {
            matches!(choice, StepChoice::OfAlmostSure(f) if f > 1.0) || choice == StepChoice::Between
        };
        let below = |choice| matches!(choice, StepChoice::OfAlmostSure(f) if f < 1.0);
        let mut mean_square = self.rows(0, |choice| choice == StepChoice::MeanSquare);
        mean_square.retain(|row| matches!(row.batch_size, BatchSize::Draws(_)));
        let flat = self.rows(flattest, |choice| choice == StepChoice::Between);
        let mut metrics: Vec<Metric> = [
            growth(
                "growth-sharp-above",
                "from the sharp minimiser above its threshold",
                self.rows(0, above),
                true,
            ),
            growth(
                "growth-sharp-below",
                "from the sharp minimiser below its threshold",
                self.rows(0, below),
                false,
            ),
            growth(
                "growth-sharp-mean-square",
                "from the sharp minimiser at C*(k), k finite",
                mean_square,
                false,
            ),
            growth("growth-flat", "from the flat minimiser between the thresholds", flat, false),
        ]
        .into_iter()
        .flatten()
        .collect();
        if let Some(agreement) = &self.report.growth {
            let what =
                "largest difference of measured and predicted growth of log distance, random minibatches";
            metrics.push(Metric::agreement("growth-agreement", what, agreement));
        }
        if let Some(difference) = self.report.growth_of_gradient_descent {
            let what = "largest difference of measured and predicted growth of log distance per step, all components";
            metrics.push(Metric::largest("growth-of-gradient-descent", what, [difference]));
        }
        metrics
    }

    fn threshold_table(&self) -> Table {
        let title = format!("Minimisers and thresholds: {}", self.function);
        let heads = ["minimiser", "at", "value", "curvatures", "batch size", "mean square C*", "almost sure"];
        let mut table = Table::new(title, &heads);
        for (start, minimizer) in self.report.minimizers.iter().enumerate() {
            for (index, thresholds) in minimizer.thresholds.iter().enumerate() {
                let first = |text: String| if index == 0 { text } else { String::new() };
                table.push(vec![
                    first(self.name(start)),
                    first(several(&minimizer.position)),
                    first(number_text(minimizer.value, 5)),
                    first(several(&minimizer.mean_curvatures)),
                    thresholds.batch_size.to_string(),
                    number_text(thresholds.mean_square, 5),
                    number_text(thresholds.almost_sure, 5),
                ]);
            }
        }
        table
    }

    fn run_table(&self, start: usize) -> Table {
        let title = format!(
            "{} runs of {} steps from {} beside the {} minimiser; a run has left when it was beyond {}; intervals at 95 %",
            self.config.num_runs,
            self.config.num_steps,
            number_text(self.config.start_distance, 1),
            self.name(start),
            self.config.exit_distance
        );
        let is_round = self.report.minimizers[start].is_round;
        let measured_text = |row: &EscapeRow, rate: &Estimate| {
            // With all components only the direction of the start is random, and at a round minimiser the rate does not depend on it.
            let is_certain = is_round && row.batch_size == BatchSize::ALL;
            if is_certain { rate_text(rate.value) } else { estimate_text(rate) }
        };
        let heads =
            ["batch size", "step size", "chosen as", "left, %", "interval", "growth per step", "predicted"];
        let mut table = Table::new(title, &heads);
        for row in self.report.rows.iter().filter(|row| row.start == start) {
            let percent = |share: f64| number_text(100.0 * share, 3);
            let Proportion { value, lower, upper, .. } = row.left;
            table.push(vec![
                row.batch_size.to_string(),
                number_text(row.step_size, 4),
                match row.choice {
                    StepChoice::OfAlmostSure(factor) => format!("{factor} of almost sure"),
                    StepChoice::MeanSquare => "mean square C*".to_owned(),
                    StepChoice::Between => "between".to_owned(),
                },
                percent(value),
                format!("{} to {}", percent(lower), percent(upper)),
                row.measured_rate.as_ref().map_or_else(|| "–".to_owned(), |rate| measured_text(row, rate)),
                rate_text(row.predicted_rate.unwrap_or(f64::NEG_INFINITY)),
            ]);
        }
        table
    }

    fn figures(self) -> Vec<Figure> {
        let (distances, leaving) = (self.distance_figure(), self.leaving_figure());
        vec![distances, leaving, self.prediction_figure()]
    }
}

/// A rate, with 0 for what rounding leaves at a threshold.
fn rate_text(rate: f64) -> String {
    number_text(if rate.abs() < 1e-6 { 0.0 } else { rate }, 4)
}

fn several(values: &[f64]) -> String {
    let texts: Vec<String> = values.iter().map(|value| number_text(*value, 4)).collect();
    texts.join(", ")
}
