//! What experiments on leaving a minimiser show: who leaves, how fast, and what was predicted.

mod figures;

use polder_stats::Estimate;
use polder_theory::thresholds::BatchSize;
use polder_theory::thresholds::escape::{EscapeConfig, EscapeReport, EscapeRow, StepChoice};

use crate::simulation::table::{estimate_text, number_text};
use crate::simulation::{Summary, Table, extreme};
use polder_experiment::claim::Metric;

/// A report of runs, with what its experiment knows about it.
pub(super) struct Escape<'a> {
    pub report: &'a EscapeReport,
    /// The settings it was run with.
    pub config: &'a EscapeConfig,
    /// The function, for titles.
    pub function: &'a str,
    pub section: Section<'a>,
}

/// A section of the function through its minimisers.
pub(super) struct Section<'a> {
    /// The labels of the axes.
    pub x: &'a str,
    pub y: &'a str,
    pub points: &'a [(f64, f64)],
    /// How many coordinates add to the value of a minimiser; all of them are alike.
    pub dim: f64,
}

impl Escape<'_> {
    pub(super) fn summary(&self) -> Summary {
        let mut metrics = self.exact_metrics();
        metrics.extend(self.leaving_metrics());
        metrics.extend(self.growth_metrics());
        let mut tables = vec![self.threshold_table()];
        tables.extend((0..self.report.minimizers.len()).map(|start| self.run_table(start)));
        let figures = vec![self.distance_figure(), self.leaving_figure(), self.prediction_figure()];
        Summary { metrics, tables, figures }
    }

    /// The index of the flattest minimiser; the sharpest has the index 0.
    fn flattest(&self) -> usize {
        self.report.minimizers.len() - 1
    }

    /// What a minimiser is called.
    fn name(&self, start: usize) -> String {
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

    fn exact_metrics(&self) -> Vec<Metric> {
        let minimizers = &self.report.minimizers;
        let residuals = minimizers.iter().filter(|minimizer| minimizer.is_round).flat_map(|minimizer| {
            let (mean, variance) = (minimizer.mean_curvatures[0], minimizer.curvature_variances[0]);
            minimizer.thresholds.iter().map(move |thresholds| {
                let closed_form = 2.0 * mean / (mean * mean + variance * thresholds.batch_size.reciprocal());
                thresholds.mean_square / closed_form - 1.0
            })
        });
        let what = "largest relative difference of C*(k), from the second-moment map, and 2q/(q² + Var(q)/k)";
        let mut metrics = vec![Metric::largest("mean-square-residual", what, residuals)];
        let (sharp, flat) = (&minimizers[0].thresholds, &minimizers[self.flattest()].thresholds);
        let ratios = sharp.iter().zip(flat).map(|(sharp, flat)| flat.almost_sure / sharp.almost_sure);
        if let Some(smallest) = ratios.reduce(f64::min) {
            let what = "smallest ratio of the almost-sure thresholds of the flat and the sharp minimiser";
            metrics.push(extreme("threshold-ratio", what, smallest, sharp.len() as u64));
        }
        metrics
    }

    /// Shares of runs that leave. Of several batch sizes that one counts whose interval is furthest on the side that speaks against
    /// the claim, so that a claim that stands there stands for each of them.
    fn leaving_metrics(&self) -> Vec<Metric> {
        let between = |choice| choice == StepChoice::Between;
        let (sharp, flat) = (self.rows(0, between), self.rows(self.flattest(), between));
        let share = |name: &str, what: String, row: Option<&EscapeRow>| {
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
        let growth = |name: &str, what: &str, rows: Vec<&EscapeRow>, slowest: bool| {
            let measured = rows.into_iter().filter_map(|row| row.measured_rate.map(|rate| (row, rate)));
            let (row, rate) = if slowest {
                measured.min_by(|a, b| a.1.lower.total_cmp(&b.1.lower))?
            } else {
                measured.max_by(|a, b| a.1.upper.total_cmp(&b.1.upper))?
            };
            let extreme = if slowest { "smallest" } else { "largest" };
            let what = format!(
                "{extreme} growth per step of log distance from the {what} (batch size {}, step size {})",
                row.batch_size,
                number_text(row.step_size, 3)
            );
            Some(Metric::estimate(format!("growth-{name}"), what, &rate, self.config.num_runs))
        };
        let between = |choice| choice == StepChoice::Between;
        let above =
            |choice| between(choice) || matches!(choice, StepChoice::OfAlmostSure(factor) if factor > 1.0);
        let below = |choice| matches!(choice, StepChoice::OfAlmostSure(factor) if factor < 1.0);
        let mut mean_square = self.rows(0, |choice| choice == StepChoice::MeanSquare);
        mean_square.retain(|row| matches!(row.batch_size, BatchSize::Draws(_)));
        let (above, below, flat) =
            (self.rows(0, above), self.rows(0, below), self.rows(self.flattest(), between));
        let growths = [
            growth("sharp-above", "sharp minimiser above its threshold", above, true),
            growth("sharp-below", "sharp minimiser below its threshold", below, false),
            growth("sharp-mean-square", "sharp minimiser at C*(k), k finite", mean_square, false),
            growth("flat", "flat minimiser between the thresholds", flat, false),
        ];
        let mut metrics: Vec<Metric> = growths.into_iter().flatten().collect();
        let what = "largest difference of measured and predicted growth of log distance";
        if let Some(agreement) = &self.report.growth {
            let what = format!("{what}, random minibatches");
            metrics.push(Metric::agreement("growth-agreement", what, agreement));
        }
        if let Some(difference) = self.report.growth_of_gradient_descent {
            let what = format!("{what} per step, all components");
            metrics.push(Metric::largest("growth-of-gradient-descent", what, [difference]));
        }
        metrics
    }

    fn threshold_table(&self) -> Table {
        let title = format!("Minimisers and thresholds: {}", self.function);
        let minimizers = self.report.minimizers.iter().enumerate();
        let rows: Vec<_> = minimizers
            .flat_map(|(start, of)| of.thresholds.iter().zip(0..).map(move |(at, row)| (start, of, row, at)))
            .collect();
        // What is true of all thresholds of a minimiser stands in the first of its rows.
        let first = |row: i32, text: String| if row == 0 { text } else { String::new() };
        Table::of(title, &rows)
            .text("minimiser", |(start, _, row, _)| first(*row, self.name(*start)))
            .text("at", |(_, of, row, _)| first(*row, several(&of.position)))
            .text("value", |(_, of, row, _)| first(*row, number_text(of.value, 5)))
            .text("curvatures", |(_, of, row, _)| first(*row, several(&of.mean_curvatures)))
            .text("batch size", |(.., at)| at.batch_size)
            .number("mean square C*", 5, |(.., at)| at.mean_square)
            .number("almost sure", 5, |(.., at)| at.almost_sure)
            .table()
    }

    fn run_table(&self, start: usize) -> Table {
        let title = format!(
            "{} runs of {} steps that start {} from the {} minimiser; a run has left once it was more than {} away; intervals at 95 %",
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
        let measured = |row: &EscapeRow| row.measured_rate.as_ref().map(|rate| measured_text(row, rate));
        let percent = |share: f64| number_text(100.0 * share, 3);
        Table::of(title, &self.rows(start, |_| true))
            .text("batch size", |row| row.batch_size)
            .number("step size", 4, |row| row.step_size)
            .text("chosen as", |row| choice_text(row.choice))
            .text("left, %", |row| percent(row.left.value))
            .text("interval", |row| format!("{} to {}", percent(row.left.lower), percent(row.left.upper)))
            .text("growth per step", |row| measured(row).unwrap_or_else(|| "–".to_owned()))
            .text("predicted", |row| rate_text(row.predicted_rate.unwrap_or(f64::NEG_INFINITY)))
            .table()
    }
}

/// The row whose share of runs that leave has the lowest interval.
fn fewest<'a>(rows: &[&'a EscapeRow]) -> Option<&'a EscapeRow> {
    rows.iter().copied().min_by(|a, b| a.left.lower.total_cmp(&b.left.lower))
}

/// The row whose share of runs that leave has the highest interval.
fn most<'a>(rows: &[&'a EscapeRow]) -> Option<&'a EscapeRow> {
    rows.iter().copied().max_by(|a, b| a.left.upper.total_cmp(&b.left.upper))
}

fn choice_text(choice: StepChoice) -> String {
    match choice {
        StepChoice::OfAlmostSure(factor) => format!("{factor} of almost sure"),
        StepChoice::MeanSquare => "mean square C*".to_owned(),
        StepChoice::Between => "between".to_owned(),
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
