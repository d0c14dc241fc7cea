//! What experiment A1 shows: both rates, the smoothed objective, and where short runs end.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_stats::PowerLaw;
use polder_theory::averaging::rates::Report;

use super::{Ends, smoothing_panel};
use crate::simulation::series::{MeasuredSeries, panel, power_law};
use crate::simulation::{Summary, Table, estimates};
use polder_experiment::claim::Metric;

pub(crate) fn summary(report: &Report) -> Summary {
    let Report { config, rows, short_runs: runs, .. } = report;
    let residuals = rows.iter().map(|row| row.chord_residual);
    let mut metrics = vec![Metric::largest("chord-residual", "largest |f(v* + δ) − f(v* − δ)|", residuals)];
    if let Some(fit) = &report.fit {
        metrics.extend(estimates(
            config.num_pairs,
            [
                ("iterate-slope", "exponent of RMS(v − v*) in the step size", &fit.sgd.exponent),
                ("average-slope", "exponent of |mean(v) − v*| in the step size", &fit.averaged.exponent),
            ],
        ));
    }
    let title = format!(
        "SGD and its average on f(w) = w²/2 + 4 (log cosh(w − 1) + w tanh 1), noise U[−{r}, {r}]; {} antithetic pairs of \
         paths of {} steps after {}; ± at 95 %",
        config.num_pairs,
        config.num_steps,
        config.burn_in,
        r = config.noise_radius
    );
    let caption = format!(
        "First: distance to v*, the minimiser of the smoothed objective F, of SGD (root mean square of v - v*) and of \
         its average (|mean(v) - v*|); bars are 95 % intervals, lines the fits through the filled dots; hollow ones are \
         steps too large for the rates. Second: f, and f averaged over the noise of one step of size {step}. Third: \
         the last iterate and the average of {runs} short runs at that step size.",
        step = runs.step_size,
        runs = runs.num_runs,
    );
    let v_star = ("v*", runs.v_star);
    let curve = |values: &[f64]| runs.w.iter().copied().zip(values.to_vec());
    let ends = Ends {
        num_runs: runs.num_runs,
        bin_edges: &runs.bin_edges,
        averages: &runs.average_counts,
        iterates: &runs.iterate_counts,
    };
    let panels = vec![
        rates_panel(report),
        smoothing_panel(runs.step_size, v_star, curve(&runs.objective), curve(&runs.smoothed)),
        ends.panel(format!("Where runs end, step size {}", runs.step_size), v_star),
    ];
    let figure = Figure { title: "Rates on a one-dimensional valley".to_owned(), caption, panels };
    Summary {
        metrics,
        tables: vec![
            Table::of(title, rows)
                .text("step size", |row| row.step_size)
                .number("v*", 6, |row| row.v_star)
                .estimate("RMS(v − v*)", |row| row.rms_v)
                .estimate("RMS(w − v*)", |row| row.rms_w)
                .estimate("mean(v) − v*", |row| row.bias)
                .text("in the fit", |row| if row.in_fit { "yes" } else { "no" })
                .table(),
        ],
        figures: vec![figure],
    }
}

fn rates_panel(report: &Report) -> Panel {
    let Report { rows, fit, .. } = report;
    let mut series = Vec::new();
    let mut add = |name: &str, ink, law: Option<&PowerLaw>, errors: MeasuredSeries| {
        let values = errors.values().into_iter().zip(rows);
        let (fitted, others): (Vec<_>, Vec<_>) = values.partition(|(_, row)| row.in_fit);
        let points = |of: &[((f64, f64), _)]| of.iter().map(|(point, _)| *point).collect::<Vec<_>>();
        let ends = fitted.first().zip(fitted.last()).map(|((first, _), (last, _))| (first.0, last.0));
        let line = law.zip(ends).map_or_else(Vec::new, |(law, ends)| power_law(law, ends));
        let slope = law.map_or_else(String::new, |law| format!(", slope {:.3}", law.exponent.value));
        series.extend([
            errors.bars(ink),
            Series::unnamed(ink, Shape::Circles(points(&others))),
            Series::unnamed(ink, Shape::Dots(points(&fitted))),
            Series::new(format!("{name}{slope}"), ink, Shape::Line(line)),
        ]);
    };
    let sgd = MeasuredSeries::estimates(rows.iter().map(|row| (row.step_size, row.rms_v)));
    add("SGD", Ink::Orange, fit.as_ref().map(|fit| &fit.sgd), sgd);
    let average = MeasuredSeries::sizes(rows.iter().map(|row| (row.step_size, row.bias)));
    add("averaged SGD", Ink::Blue, fit.as_ref().map(|fit| &fit.averaged), average);
    panel("Error against step size", Axis::log("step size η"), Axis::log("distance to v*"), series)
}

#[cfg(test)]
mod tests {
    use polder_theory::averaging::ShortRunsConfig;
    use polder_theory::averaging::rates::{Config, run};

    use super::*;

    #[test]
    fn one_step_size_shows_everything_but_slopes() {
        let short_runs = ShortRunsConfig { num_runs: 10, num_steps: 100 };
        let config =
            Config { num_pairs: 4, num_steps: 1000, step_sizes: vec![0.05], short_runs, ..Config::smoke() };
        let summary = summary(&run(&config).unwrap());
        let names: Vec<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["chord-residual"]);
        assert_eq!(summary.tables[0].rows.len(), 1);
        assert_eq!(summary.figures[0].panels.len(), 3);
    }
}
