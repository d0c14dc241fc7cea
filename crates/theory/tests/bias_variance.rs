//! Experiments D1 and D2: closed forms against Monte Carlo with the optimizer's own steps, and where SAM wins.

use polder_theory::TheoryError;
use polder_theory::sam::{BiasVarianceCurve, kernel, least_squares};

/// Runs on pools of one and of three threads, which must agree.
fn on_any_number_of_threads<R: PartialEq + Send + std::fmt::Debug>(
    run: impl Fn() -> Result<R, TheoryError> + Sync,
) -> R {
    let on = |num_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        pool.install(&run).unwrap()
    };
    let (one, three) = (on(1), on(3));
    assert!(one == three, "results depend on the number of threads");
    one
}

/// SAM has the lower bias and the higher variance at every step, by the closed form and by its confirmation.
fn assert_trade_off(curves: &[BiasVarianceCurve]) {
    let (descent, sams) = curves.split_first().unwrap();
    assert_eq!(descent.rho, 0.0);
    for sam in sams {
        for (gd, sam) in descent.rows.iter().zip(&sam.rows) {
            assert!(sam.theory.bias_squared <= gd.theory.bias_squared, "{sam:?}");
            assert!(sam.theory.variance >= gd.theory.variance, "{sam:?}");
        }
    }
}

#[test]
fn monte_carlo_of_least_squares_confirms_the_closed_form() {
    let config = least_squares::Config { num_replicates: 2000, ..least_squares::Config::smoke() };
    let report = on_any_number_of_threads(|| least_squares::run(&config));
    for curves in [&report.high_signal, &report.low_signal] {
        assert_trade_off(curves);
        for curve in curves {
            assert!(curve.largest_deviation() < 3.0, "{}: {}", curve.rho, curve.largest_deviation());
        }
    }
    assert!(report.table_agreement.holds() && report.grid_agreement.holds(), "{:?}", report.grid_agreement);
    for trade_off in [report.table_trade_off.unwrap(), report.grid_trade_off.unwrap()] {
        let (bias, variance) = (trade_off.measured_bias, trade_off.measured_variance);
        assert!(trade_off.bias < 0.0 && bias.lower < trade_off.bias && trade_off.bias < bias.upper);
        assert!(trade_off.variance > 0.0 && variance.lower < trade_off.variance);
        assert!(trade_off.variance < variance.upper, "{trade_off:?}");
    }
    let table = report.table_trade_off.unwrap();
    assert!(table.measured_bias.upper < 0.0 && table.measured_variance.lower > 0.0, "{table:?}");
    for cell in &report.grid {
        assert_eq!(cell.parameters.len(), 4);
        for curves in [&cell.parameters, &cell.predictions] {
            assert_trade_off(curves);
            // Twenty replicates: the tails of Student's law are wide.
            assert!(curves.iter().all(|curve| curve.largest_deviation() < 4.0));
        }
    }
}

#[test]
fn sam_wins_when_stopped_early_at_high_signal_and_not_at_low() {
    let report = least_squares::run(&least_squares::Config::smoke()).unwrap();
    let sam = &report.high_signal[1];
    assert!(sam.rows[0].change.total() < 0.0 && sam.rows[0].measured_change.total.upper < 0.0);
    assert!(sam.best.total < report.high_signal[0].best.total);
    assert!(sam.best.change < 0.0 && sam.best.measured_change.upper < 0.0, "{:?}", sam.best);
    assert!(sam.rows.last().unwrap().change.total() > 0.0);
    let sam = &report.low_signal[1];
    assert!(sam.rows.iter().all(|row| row.change.total() > 0.0));
    assert!(sam.rows[0].measured_change.total.lower > 0.0);
}

#[test]
fn monte_carlo_of_kernel_regression_confirms_the_closed_form() {
    let config = kernel::Config { num_replicates: 100, ..kernel::Config::smoke() };
    let report = on_any_number_of_threads(|| kernel::run(&config));
    assert_eq!(report.cells.len(), 2);
    assert!(report.agreement.holds(), "{:?}", report.agreement);
    for cell in &report.cells {
        assert_trade_off(&cell.training);
        for curve in cell.training.iter().chain(&cell.test) {
            assert!(curve.largest_deviation() < 3.5, "{:?} {}", cell.problem, curve.largest_deviation());
        }
        // Descent learns: the test error falls.
        let totals: Vec<f64> = cell.test[0].rows.iter().map(|row| row.measured.total.value).collect();
        assert!(totals.last() < totals.first());
    }
}

#[test]
fn settings_that_make_no_experiment_are_refused_by_name() {
    let refused = |config: least_squares::Config| least_squares::run(&config).unwrap_err().to_string();
    assert!(
        refused(least_squares::Config { num_replicates: 1, ..least_squares::Config::smoke() })
            .starts_with("num_replicates")
    );
    assert!(
        refused(least_squares::Config { step_size: 1.0, ..least_squares::Config::smoke() })
            .starts_with("step_size")
    );
    assert!(
        refused(least_squares::Config { rho: -1.0, ..least_squares::Config::smoke() }).starts_with("rho")
    );
    assert!(
        refused(least_squares::Config { steps: vec![5, 1], ..least_squares::Config::smoke() })
            .starts_with("steps")
    );
    assert!(
        refused(least_squares::Config { eigenvalues: vec![0.0; 4], ..least_squares::Config::smoke() })
            .starts_with("eigenvalues")
    );
    let problem = |dimension, bandwidth| vec![kernel::Problem { dimension, bandwidth }];
    let refused = |config: kernel::Config| kernel::run(&config).unwrap_err().to_string();
    assert!(
        refused(kernel::Config { problems: problem(0, 0.1), ..kernel::Config::smoke() })
            .starts_with("dimension")
    );
    assert!(
        refused(kernel::Config { problems: problem(1, 0.0), ..kernel::Config::smoke() })
            .starts_with("bandwidth")
    );
    assert!(refused(kernel::Config { step_share: 2.0, ..kernel::Config::smoke() }).starts_with("step_size"));
    assert!(
        refused(kernel::Config { num_examples: 0, ..kernel::Config::smoke() }).starts_with("num_examples")
    );
}
