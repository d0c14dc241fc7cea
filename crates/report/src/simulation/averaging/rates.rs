//! What experiment A1 shows: both rates, the smoothed objective, and where short runs end.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::PowerLaw;
use polder_theory::averaging::rates::{Report, Row};

use crate::simulation::{Measured, Summarize, Summary, Table, View, estimate_text, number_text};
use polder_experiment::claim::Metric;

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        let mut panels = vec![self.rates_panel()];
        panels.extend([self.section_panel(), self.ends_panel()]);
        let caption = format!(
            "First: distance to v*, the minimiser of the smoothed objective F, of SGD (root mean square of v - v*) and of \
             its average (|mean(v) - v*|); bars are 95 % intervals, lines the fits through the filled dots; hollow ones are \
             steps too large for the rates. Second: f, and f averaged over the noise of one step of size {step}. Third: \
             the last iterate and the average of {runs} short runs at that step size.",
            step = self.short_runs.step_size,
            runs = self.short_runs.num_runs,
        );
        let title = "Rates on a one-dimensional valley".to_owned();
        Summary {
            metrics: self.metrics(),
            tables: vec![self.table()],
            figures: vec![Figure { title, caption, panels }],
        }
    }
}

impl View<'_, Report> {
    fn metrics(&self) -> Vec<Metric> {
        let residuals = self.rows.iter().map(|row| row.chord_residual);
        let mut metrics =
            vec![Metric::largest("chord-residual", "largest |f(v* + δ) − f(v* − δ)|", residuals)];
        if let Some(fit) = &self.fit {
            let n = self.config.num_pairs;
            let slope = |name, what, law: &PowerLaw| Metric::estimate(name, what, &law.exponent, n);
            metrics.push(slope("iterate-slope", "exponent of RMS(v − v*) in the step size", &fit.sgd));
            metrics.push(slope(
                "average-slope",
                "exponent of |mean(v) − v*| in the step size",
                &fit.averaged,
            ));
        }
        metrics
    }

    fn table(&self) -> Table {
        let title = format!(
            "SGD and its average on f(w) = w²/2 + 4 (log cosh(w − 1) + w tanh 1), noise U[−{r}, {r}]; {} antithetic pairs of \
             paths of {} steps after {}; ± at 95 %",
            self.config.num_pairs,
            self.config.num_steps,
            self.config.burn_in,
            r = self.config.noise_radius
        );
        let heads = ["step size", "v*", "RMS(v − v*)", "RMS(w − v*)", "mean(v) − v*", "in the fit"];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            table.push(vec![
                row.step_size.to_string(),
                number_text(row.v_star, 6),
                estimate_text(&row.rms_v),
                estimate_text(&row.rms_w),
                estimate_text(&row.bias),
                if row.in_fit { "yes" } else { "no" }.to_owned(),
            ]);
        }
        table
    }

    fn rates_panel(&self) -> Panel {
        let slope = |law: Option<&PowerLaw>| {
            law.map_or_else(String::new, |law| format!(", slope {:.3}", law.exponent.value))
        };
        let mut series = Vec::new();
        let mut add = |name: &str, ink, law: Option<&PowerLaw>, errors: Measured| {
            let (fitted, others) =
                errors.values().into_iter().zip(&self.rows).partition::<Vec<_>, _>(|(_, row)| row.in_fit);
            let places = |of: &[((f64, f64), &Row)]| of.iter().map(|(place, _)| *place).collect::<Vec<_>>();
            series.push(errors.bars(ink));
            series.push(Series::unnamed(ink, Shape::Circles(places(&others))));
            series.push(Series::unnamed(ink, Shape::Dots(places(&fitted))));
            let mut line = Vec::new();
            if let (Some(law), Some(((first, _), _)), Some(((last, _), _))) =
                (law, fitted.first(), fitted.last())
            {
                let at = |step: f64| (step, law.prefactor * step.powf(law.exponent.value));
                line = vec![at(first / 1.2), at(last * 1.2)];
            }
            series.push(Series::new(format!("{name}{}", slope(law)), ink, Shape::Line(line)));
        };
        let fit = self.fit.as_ref();
        let sgd = Measured::estimates(self.rows.iter().map(|row| (row.step_size, &row.rms_v)));
        add("SGD", Ink::Orange, fit.map(|fit| &fit.sgd), sgd);
        let average = Measured::sizes(self.rows.iter().map(|row| (row.step_size, row.bias)));
        add("averaged SGD", Ink::Blue, fit.map(|fit| &fit.averaged), average);
        Panel {
            title: "Error against step size".to_owned(),
            x: Axis::log("step size η"),
            y: Axis::log("distance to v*"),
            series,
        }
    }

    fn section_panel(&self) -> Panel {
        let runs = &self.short_runs;
        let curve =
            |values: &[f64]| Shape::Line(runs.w.iter().copied().zip(values.iter().copied()).collect());
        Panel {
            title: format!("f and smoothed F, step size {}", runs.step_size),
            x: Axis::linear("w"),
            y: Axis::linear("value"),
            series: vec![
                Series::new("v*", Ink::Muted, Shape::Vertical(runs.v_star)),
                Series::new("f", Ink::Text, curve(&runs.objective)),
                Series::new("F", Ink::Green, curve(&runs.smoothed)),
            ],
        }
    }

    fn ends_panel(&self) -> Panel {
        let runs = &self.short_runs;
        let bars = |counts: &[u64]| {
            let bins = runs.bin_edges.windows(2).zip(counts).filter(|(_, count)| **count > 0);
            Shape::Bars(
                bins.map(|(edges, count)| (edges[0], edges[1], 100.0 * *count as f64 / runs.num_runs as f64))
                    .collect(),
            )
        };
        Panel {
            title: format!("Where runs end, step size {}", runs.step_size),
            x: Axis::linear("where a run ends"),
            y: Axis::linear("share of runs, %"),
            series: vec![
                Series::new("average", Ink::Blue, bars(&runs.average_counts)),
                Series::new("last iterate", Ink::Orange, bars(&runs.iterate_counts)),
                Series::new("v*", Ink::Muted, Shape::Vertical(runs.v_star)),
            ],
        }
    }
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
        let summary = View(&run(&config).unwrap()).summary();
        let names: Vec<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["chord-residual"]);
        assert_eq!(summary.tables[0].rows.len(), 1);
        assert_eq!(summary.figures[0].panels.len(), 3);
    }
}
