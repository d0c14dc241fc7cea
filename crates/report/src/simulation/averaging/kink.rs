//! What experiment A3 shows: an averaged error that falls more slowly than the step size.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_stats::{Estimate, PowerLaw};
use polder_theory::averaging::kink::{Report, Row};

use super::smoothing_panel;
use crate::simulation::series::{MeasuredSeries, line, panel, power_law};
use crate::simulation::{Summary, Table, estimates};
use polder_experiment::claim::Metric;

/// Points of the curves of f and F.
const NUM_POINTS: i32 = 200;

pub(crate) fn summary(report: &Report) -> Summary {
    let Report { config, rows, .. } = report;
    let residuals = rows.iter().map(|row| row.closed_form_residual);
    let what = "largest difference of v* by bisection from its closed form";
    let slopes = [
        ("average-slope", "exponent of |mean(v) − v*| in the step size", &report.averaged.exponent),
        ("iterate-slope", "exponent of RMS(v − v*) in the step size", &report.sgd.exponent),
    ];
    let mut metrics = estimates(config.num_pairs, slopes);
    metrics.push(Metric::largest("closed-form-residual", what, residuals));
    if let Some(ratio) = &report.over_prediction {
        let what = "mean(v) − v* over its small-step limit, at the smallest step size";
        metrics.push(Metric::estimate("bias-over-prediction", what, ratio, config.num_pairs));
    }
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
    let caption = "A kink breaks the rate of the average. First: distance to v*, the minimiser of the smoothed objective F, of SGD \
                   (root mean square of v − v*) and of its average (|mean(v) − v*|); bars are 95 % intervals, lines are fits. \
                   Second: the averaged error over the step size, which would be constant if the error were of the order of the step \
                   size. Third: f, whose curvature jumps at 0, and F at the largest step size."
        .to_owned();
    let mut panels = vec![errors_panel(report), relative_panel(report)];
    panels.extend(section_panel(report));
    let figure = Figure { title: "Negative control: a kinked valley".to_owned(), caption, panels };
    Summary {
        metrics,
        tables: vec![
            Table::of(title, rows)
                .text("step size", |row| row.step_size)
                .number("v*", 5, |row| row.v_star)
                .estimate("RMS(v − v*)", |row| row.rms_v)
                .estimate("mean(v) − v*", |row| row.bias)
                .number("small-step limit", 4, |row| row.predicted_bias)
                .estimate("(mean(v) − v*) / step size", relative_bias)
                .table(),
        ],
        figures: vec![figure],
    }
}

fn relative_bias(row: &Row) -> Estimate {
    row.bias.scaled(row.step_size.recip())
}

fn errors_panel(report: &Report) -> Panel {
    let Report { rows, .. } = report;
    let mut series = vec![line("small-step limit", Ink::Green, limit(report))];
    let mut add = |name: &str, ink, law: &PowerLaw, error: fn(&Row) -> Estimate| {
        series.extend(MeasuredSeries::sizes(rows.iter().map(|row| (row.step_size, error(row)))).marks(ink));
        let fit = ends(report).map_or_else(Vec::new, |ends| power_law(law, ends));
        series.push(line(format!("{name}, slope {:.2}", law.exponent.value), ink, fit));
    };
    add("SGD", Ink::Orange, &report.sgd, |row| row.rms_v);
    add("averaged SGD", Ink::Blue, &report.averaged, |row| row.bias);
    // What the order of the step size would look like, from the error at the largest one.
    let largest = rows.iter().max_by(|a, b| a.step_size.total_cmp(&b.step_size));
    if let Some((row, (first, last))) = largest.zip(ends(report)) {
        let order = [first, last].map(|step| (step, row.bias.value.abs() * step / last));
        series.push(Series::new("slope 1", Ink::Muted, Shape::Dashed(order.to_vec())));
    }
    panel("Error against step size", Axis::log("step size η"), Axis::log("distance to v*"), series)
}

fn relative_panel(report: &Report) -> Panel {
    let limit = limit(report).into_iter().map(|(step, bias)| (step, bias * step.recip()));
    let mut series = vec![line("small-step limit", Ink::Green, limit)];
    let errors = MeasuredSeries::sizes(report.rows.iter().map(|row| (row.step_size, relative_bias(row))));
    series.extend(errors.named("averaged SGD", Ink::Blue));
    let y = Axis::log("|mean(v) − v*| / η");
    panel("Averaged error over step size", Axis::log("step size η"), y, series)
}

fn section_panel(report: &Report) -> Option<Panel> {
    let (_, step_size) = ends(report)?;
    let valley = report.config.valley;
    let delta = step_size * report.config.noise_radius;
    // The left side is steep, so less of it fits beside the other.
    let w = (0..=NUM_POINTS).map(|i| delta * (4.0 * f64::from(i) / f64::from(NUM_POINTS) - 1.0));
    let objective = |w: f64| (w, 0.5 * w * w * if w < 0.0 { valley.left } else { valley.right });
    let smoothed = |w: f64| (w, valley.smoothed_value(w, delta));
    let v_star = ("v*", valley.smoothed_minimizer(delta));
    Some(smoothing_panel(step_size, v_star, w.clone().map(objective), w.map(smoothed)))
}

/// The small-step limit of the averaged error over the step sizes.
fn limit(report: &Report) -> Vec<(f64, f64)> {
    let (config, Some((first, last))) = (&report.config, ends(report)) else { return Vec::new() };
    let noise_variance = config.noise_radius * config.noise_radius / 3.0;
    let bias = |step: f64| {
        let mean = config.valley.small_step_mean(step, noise_variance);
        mean - config.valley.smoothed_minimizer(step * config.noise_radius)
    };
    let steps = (0..=40).map(|i| first * (last / first).powf(f64::from(i) / 40.0));
    steps.map(|step| (step, bias(step).abs())).collect()
}

/// The smallest and the largest step size.
fn ends(report: &Report) -> Option<(f64, f64)> {
    let steps = || report.rows.iter().map(|row| row.step_size);
    Some((steps().min_by(f64::total_cmp)?, steps().max_by(f64::total_cmp)?))
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
            summary(&run(config).unwrap()).metrics.into_iter().map(|metric| metric.name).collect()
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
        let limit = limit(&report);
        assert!((limit[0].0 - 0.01).abs() < 1e-15 && (limit[40].0 - 0.1).abs() < 1e-15);
        assert!(limit.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(summary(&report).figures[0].panels.len(), 3);
    }
}
