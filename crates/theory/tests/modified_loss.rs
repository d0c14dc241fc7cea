//! Experiment C1 against the known table, and its orders.

use polder_theory::modified_loss::{self, ModifiedLoss};

/// Step size, then the error under C, the modified loss of gradient descent and that of SGD, from an independent calculation with
/// exact means over the six orders; all digits as they were printed.
#[rustfmt::skip]
const TABLE: [(f64, [&str; 3]); 4] = [
    (0.1, ["2.165e-2", "5.697e-3", "2.580e-3"]),
    (0.05, ["6.199e-3", "1.140e-3", "3.729e-4"]),
    (0.025, ["1.663e-3", "2.382e-4", "5.020e-5"]),
    (0.0125, ["4.311e-4", "5.289e-5", "6.515e-6"]),
];

#[test]
fn errors_are_the_known_table_to_all_its_digits() {
    let report = modified_loss::run(&modified_loss::Config::smoke()).unwrap();
    assert_eq!(report.rows.len(), TABLE.len());
    for (row, (step_size, known)) in report.rows.iter().zip(TABLE) {
        assert_eq!((row.step_size, row.mean_iterate.standard_error), (step_size, 0.0));
        for (error, known) in row.errors.iter().zip(known) {
            assert_eq!(format!("{:.3e}", error.error), known, "{:?} at {step_size}", error.loss);
        }
    }
}

#[test]
fn the_error_order_is_three_under_the_modified_loss_and_two_under_the_others() {
    let report =
        modified_loss::run(&modified_loss::Config { num_instances: 50, ..modified_loss::Config::default() })
            .unwrap();
    for fit in &report.fits {
        let order = match fit.loss {
            ModifiedLoss::Plain | ModifiedLoss::GradientDescent => 2.0,
            ModifiedLoss::Sgd => 3.0,
        };
        let power = fit.law.exponent;
        assert!(power.lower > order - 0.05 && power.upper < order + 0.05, "{fit:?}");
        assert!(fit.order.lower > order - 0.005 && fit.order.upper < order + 0.005, "{fit:?}");
    }
    for composition in &report.compositions {
        assert!((composition.enumerated / composition.formula - 1.0).abs() < 1e-12, "{composition:?}");
    }
}

#[test]
fn with_too_many_minibatches_to_enumerate_pairs_of_orders_show_the_same_orders() {
    let losses = modified_loss::Config::default().losses.into_iter().cycle().take(12).collect();
    let config = modified_loss::Config {
        losses,
        step_sizes: vec![0.01, 0.005],
        num_instances: 2,
        ..modified_loss::Config::default()
    };
    let report = modified_loss::run(&config).unwrap();
    let row = &report.rows[1];
    assert!(row.mean_iterate.standard_error > 0.0);
    let [plain, _, sgd] = row.errors[..] else { panic!("three losses") };
    assert!(sgd.error < 0.1 * plain.error && row.mean_iterate.standard_error < 0.05 * sgd.error);
    assert!((sgd.local_order.unwrap() - 3.0).abs() < 0.3, "{sgd:?}");
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let config = modified_loss::Config {
        num_minibatches: 8,
        num_instances: 3,
        num_pairs: 20,
        ..modified_loss::Config::smoke()
    };
    let run = |num_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
        pool.install(|| modified_loss::run(&config)).unwrap()
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn settings_that_make_no_experiment_are_refused_by_name() {
    let refused = |config: modified_loss::Config| modified_loss::run(&config).unwrap_err().to_string();
    assert!(
        refused(modified_loss::Config { losses: Vec::new(), ..modified_loss::Config::smoke() })
            .starts_with("losses")
    );
    assert!(
        refused(modified_loss::Config { start: f64::NAN, ..modified_loss::Config::smoke() })
            .contains("start")
    );
    assert!(
        refused(modified_loss::Config { step_sizes: vec![0.0], ..modified_loss::Config::smoke() })
            .starts_with("step_sizes")
    );
    assert!(
        refused(modified_loss::Config { fit_step_sizes: vec![0.1, 0.1], ..modified_loss::Config::smoke() })
            .contains("three different")
    );
    assert!(
        refused(modified_loss::Config { num_instances: 1, ..modified_loss::Config::smoke() })
            .starts_with("num_instances")
    );
    assert!(
        refused(modified_loss::Config { num_examples: 8, ..modified_loss::Config::smoke() })
            .starts_with("num_examples")
    );
}
