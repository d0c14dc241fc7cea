//! Experiments D3 and D4: minibatch SAM against full-batch SAM, and students of a teacher.

use polder_theory::{D3Config, D4Config, TheoryError, d3, d4};

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
    let report = on_any_number_of_threads(|| d3(&D3Config::smoke()));
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
    let report = on_any_number_of_threads(|| d4(&D4Config::smoke()));
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
    let refused = |config: D3Config| d3(&config).unwrap_err().to_string();
    assert!(refused(D3Config { batch_sizes: vec![17], ..D3Config::smoke() }).starts_with("batch_sizes"));
    assert!(refused(D3Config { num_examples: 1, ..D3Config::smoke() }).starts_with("num_examples"));
    assert!(refused(D3Config { step_share: 1.5, ..D3Config::smoke() }).starts_with("step_share"));
    assert!(refused(D3Config { rho_share: 0.0, ..D3Config::smoke() }).starts_with("rho_share"));
    let refused = |config: D4Config| d4(&config).unwrap_err().to_string();
    assert!(refused(D4Config { rho: 0.0, ..D4Config::smoke() }).starts_with("rho"));
    assert!(refused(D4Config { num_replicates: 1, ..D4Config::smoke() }).starts_with("num_replicates"));
    assert!(refused(D4Config { noise_share: f64::NAN, ..D4Config::smoke() }).starts_with("noise_share"));
    assert!(refused(D4Config { step_size: 1e3, ..D4Config::smoke() }).contains("diverged"));
}
