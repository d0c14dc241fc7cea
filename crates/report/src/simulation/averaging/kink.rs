//! What experiment A3 shows: an averaged error that falls more slowly than the step size.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::averaging::kink::{Report, Row};
use polder_theory::{Estimate, PowerLaw};

use crate::simulation::{Measured, Summarize, Summary, Table, View, estimate_text, number_text};
use polder_experiment::claim::Metric;

/// Points of the curves of f and F.
const NUM_POINTS: i32 = 200;

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        let mut panels = vec![self.errors_panel(), self.relative_panel()];
        panels.extend(self.section_panel());
        let caption = "A kink breaks the rate of the average. First: distance to v*, the minimiser of the smoothed objective F, of SGD \
                       (root mean square of v − v*) and of its average (|mean(v) − v*|); bars are 95 % intervals, lines are fits. \
                       Second: the averaged error over the step size, which would be level if the error were of the order of the step \
                       size. Third: f, whose curvature jumps at 0, and F at the largest step size."
            .to_owned();
        let title = "Negative control: a kinked valley".to_owned();
        Summary {
            metrics: self.metrics(),
            tables: vec![self.table()],
            figures: vec![Figure { title, caption, panels }],
        }
    }
}

impl View<'_, Report> {
    fn metrics(&self) -> Vec<Metric> {
        let n = self.config.num_pairs;
        let slope = |name, what, law: &PowerLaw| Metric::estimate(name, what, &law.exponent, n);
        let residuals = self.rows.iter().map(|row| row.closed_form_residual);
        let mut metrics = vec![
            slope("average-slope", "exponent of |mean(v) − v*| in the step size", &self.averaged),
            slope("iterate-slope", "exponent of RMS(v − v*) in the step size", &self.sgd),
            Metric::largest(
                "closed-form-residual",
                "largest difference of v* by bisection from its closed form",
                residuals,
            ),
        ];
        if let Some(ratio) = &self.over_prediction {
            metrics.push(Metric::estimate(
                "bias-over-prediction",
                "mean(v) − v* over its small-step limit, at the smallest step size",
                ratio,
                n,
            ));
        }
        metrics
    }

    fn table(&self) -> Table {
        let config = &self.config;
        let title = format!(
            "SGD and its average on a valley of curvature {} on the left and {} on the right, noise U[−{r}, {r}]; {} antithetic pairs \
             of paths of {} steps after {}; ± at 95 %",
            config.valley.left,
            config.valley.right,
            config.num_pairs,
            config.num_steps,
            config.burn_in,
            r = config.noise_radius
        );
        let heads = [
            "step size",
            "v*",
            "RMS(v − v*)",
            "mean(v) − v*",
            "small-step limit",
            "(mean(v) − v*) / step size",
        ];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            table.push(vec![
                row.step_size.to_string(),
                number_text(row.v_star, 5),
                estimate_text(&row.rms_v),
                estimate_text(&row.bias),
                number_text(row.predicted_bias, 4),
                estimate_text(&row.bias.scaled(row.step_size.recip())),
            ]);
        }
        table
    }

    fn errors_panel(&self) -> Panel {
        let mut series = vec![Series::new("small-step limit", Ink::Green, Shape::Line(self.limit(|_| 1.0)))];
        let mut add = |name: &str, ink, law: &PowerLaw, error: &dyn Fn(&Row) -> Estimate| {
            series
                .extend(Measured::sizes(self.rows.iter().map(|row| (row.step_size, error(row)))).marks(ink));
            let at = |step: f64| (step, law.prefactor * step.powf(law.exponent.value));
            let line =
                self.ends().map_or_else(Vec::new, |(first, last)| vec![at(first / 1.2), at(last * 1.2)]);
            series.push(Series::new(
                format!("{name}, slope {:.2}", law.exponent.value),
                ink,
                Shape::Line(line),
            ));
        };
        add("SGD", Ink::Orange, &self.sgd, &|row| row.rms_v);
        add("averaged SGD", Ink::Blue, &self.averaged, &|row| row.bias);
        // What the order of the step size would look like, from the error at the largest one.
        let largest = self.rows.iter().max_by(|a, b| a.step_size.total_cmp(&b.step_size));
        if let (Some(row), Some((first, last))) = (largest, self.ends()) {
            let at = |step: f64| (step, row.bias.value.abs() * step / last);
            series.push(Series::new("slope 1", Ink::Muted, Shape::Dashed(vec![at(first), at(last)])));
        }
        Panel {
            title: "Error against step size".to_owned(),
            x: Axis::log("step size η"),
            y: Axis::log("distance to v*"),
            series,
        }
    }

    fn relative_panel(&self) -> Panel {
        let errors = self.rows.iter().map(|row| (row.step_size, row.bias.scaled(row.step_size.recip())));
        let limit = Series::new("small-step limit", Ink::Green, Shape::Line(self.limit(f64::recip)));
        let measured = Measured::sizes(errors).named("averaged SGD", Ink::Blue);
        Panel {
            title: "Averaged error over step size".to_owned(),
            x: Axis::log("step size η"),
            y: Axis::log("|mean(v) − v*| / η"),
            series: std::iter::once(limit).chain(measured).collect(),
        }
    }

    fn section_panel(&self) -> Option<Panel> {
        let (_, step_size) = self.ends()?;
        let delta = step_size * self.config.noise_radius;
        let valley = self.config.valley;
        let curve = |height: &dyn Fn(f64) -> f64| {
            // The left side is steep, so less of it fits beside the other.
            let points = (0..=NUM_POINTS).map(|i| delta * (4.0 * f64::from(i) / f64::from(NUM_POINTS) - 1.0));
            Shape::Line(points.map(|w| (w, height(w))).collect())
        };
        Some(Panel {
            title: format!("f and smoothed F, step size {step_size}"),
            x: Axis::linear("w"),
            y: Axis::linear("value"),
            series: vec![
                Series::new("v*", Ink::Muted, Shape::Vertical(valley.smoothed_minimizer(delta))),
                Series::new(
                    "f",
                    Ink::Text,
                    curve(&|w| 0.5 * w * w * if w < 0.0 { valley.left } else { valley.right }),
                ),
                Series::new("F", Ink::Green, curve(&|w| valley.smoothed_value(w, delta))),
            ],
        })
    }

    /// The small-step limit of the averaged error over the step sizes, times a factor of the step size.
    fn limit(&self, factor: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let (config, Some((first, last))) = (&self.config, self.ends()) else { return Vec::new() };
        let noise_variance = config.noise_radius * config.noise_radius / 3.0;
        let steps = (0..=40).map(|i| first * (last / first).powf(f64::from(i) / 40.0));
        steps
            .map(|step| {
                let mean = config.valley.small_step_mean(step, noise_variance);
                let bias = mean - config.valley.smoothed_minimizer(step * config.noise_radius);
                (step, bias.abs() * factor(step))
            })
            .collect()
    }

    /// The smallest and the largest step size.
    fn ends(&self) -> Option<(f64, f64)> {
        let steps = || self.rows.iter().map(|row| row.step_size);
        Some((steps().min_by(f64::total_cmp)?, steps().max_by(f64::total_cmp)?))
    }
}

#[cfg(test)]
mod tests {
    use polder_theory::KinkedValley;
    use polder_theory::averaging::kink::{Config, run};

    use super::*;

    fn tiny() -> Config {
        Config { num_steps: 2000, burn_in: 1000, num_pairs: 4, ..Config::smoke() }
    }

    #[test]
    fn the_report_survives_its_record() {
        let report = run(&tiny()).unwrap();
        assert_eq!(report, serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap());
    }

    #[test]
    fn every_quantity_has_a_name_of_its_own_and_no_kink_has_no_prediction() {
        let names = |config: &Config| -> Vec<String> {
            View(&run(config).unwrap()).summary().metrics.into_iter().map(|metric| metric.name).collect()
        };
        assert_eq!(
            names(&tiny()),
            ["average-slope", "iterate-slope", "closed-form-residual", "bias-over-prediction"]
        );
        let valley = KinkedValley { left: 1.0, right: 1.0 };
        assert_eq!(names(&Config { valley, ..tiny() }).len(), 3);
    }

    #[test]
    fn step_sizes_in_any_order_make_curves_from_the_smallest_to_the_largest() {
        let report = run(&Config { step_sizes: vec![0.1, 0.01, 0.05], ..tiny() }).unwrap();
        let limit = View(&report).limit(|_| 1.0);
        assert!((limit[0].0 - 0.01).abs() < 1e-15 && (limit[40].0 - 0.1).abs() < 1e-15);
        assert!(limit.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(View(&report).summary().figures[0].panels.len(), 3);
    }
}
