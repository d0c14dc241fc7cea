//! Experiments D3 and D4: minibatch SAM against full-batch SAM, and students of a teacher.

use polder_theory::TheoryError;
use polder_theory::sam::{minibatch, students};

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

#[test]
fn minibatch_sam_regularises_at_least_as_strongly_as_full_batch_sam() {
    let report = on_any_number_of_threads(|| minibatch::run(&minibatch::Config::smoke()));
    let full = report.rows.last().unwrap();
    assert_eq!(full.batch_size, 16);
    assert!(report.trace_agreement.holds() && report.bias_agreement.holds(), "{:?}", report.bias_agreement);
    for row in &report.rows {
        assert!(row.smallest_excess > -1e-12, "{row:?}");
        assert!(row.enumeration_error.unwrap() < 1e-12);
        assert!(row.trace_deviation() < 3.5, "{row:?}");
        for (eigenvalue, least) in row.effective_eigenvalues.iter().zip(&full.effective_eigenvalues) {
            assert!(*eigenvalue >= least * (1.0 - 1e-12));
        }
        for (bias, most) in row.bias.iter().zip(&full.bias) {
            assert!(bias.isotropic <= most.isotropic * (1.0 + 1e-12));
            assert!(bias.deviation() < 3.5, "{bias:?}");
        }
    }
    let unscaled: Vec<f64> = report.rows.iter().map(|row| row.smallest_excess_unscaled.unwrap()).collect();
    assert!(unscaled[..4].iter().all(|smallest| *smallest < -1e-6), "{unscaled:?}");
}

#[test]
fn sam_students_are_less_sharp() {
    let report = on_any_number_of_threads(|| students::run(&students::Config::smoke()));
    assert!(report.top_eigenvalue.difference.upper < 0.0, "{:?}", report.top_eigenvalue);
    assert!(report.trace.difference.upper < 0.0, "{:?}", report.trace);
    // Eight replicates show the sign of the difference in test error; its interval takes more of them.
    assert!(report.best_test_error.difference.value < 0.0, "{:?}", report.best_test_error);
    let (first, last) = (report.rows[0], report.rows.last().unwrap());
    assert!(last.training_loss.sam.value < first.training_loss.sam.value);
    assert!(last.training_loss.gradient_descent.value < last.training_loss.sam.value);
}

#[test]
fn settings_that_make_no_experiment_are_refused_by_name() {
    let refused = |config: minibatch::Config| minibatch::run(&config).unwrap_err().to_string();
    assert!(
        refused(minibatch::Config { batch_sizes: vec![17], ..minibatch::Config::smoke() })
            .starts_with("batch_sizes")
    );
    assert!(
        refused(minibatch::Config { num_examples: 1, ..minibatch::Config::smoke() })
            .starts_with("num_examples")
    );
    assert!(
        refused(minibatch::Config { step_share: 1.5, ..minibatch::Config::smoke() })
            .starts_with("step_share")
    );
    assert!(
        refused(minibatch::Config { rho_share: 0.0, ..minibatch::Config::smoke() }).starts_with("rho_share")
    );
    let refused = |config: students::Config| students::run(&config).unwrap_err().to_string();
    assert!(refused(students::Config { rho: 0.0, ..students::Config::smoke() }).starts_with("rho"));
    assert!(
        refused(students::Config { num_replicates: 1, ..students::Config::smoke() })
            .starts_with("num_replicates")
    );
    assert!(
        refused(students::Config { noise_share: f64::NAN, ..students::Config::smoke() })
            .starts_with("noise_share")
    );
    assert!(refused(students::Config { step_size: 1e3, ..students::Config::smoke() }).contains("diverged"));
}
