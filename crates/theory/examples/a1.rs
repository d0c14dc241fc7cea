//! Runs experiment A1 as it is and prints its table, its fitted rates and its wall time.

use std::time::Instant;

use polder_theory::{A1Config, TheoryError, a1};

fn main() -> Result<(), TheoryError> {
    let begin = Instant::now();
    let result = a1(&A1Config::default())?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("step size          v*   RMS(v-v*)   RMS(w-v*)        bias   standard error");
    for row in &result.rows {
        let (v, w, bias) = (row.rms_v.value, row.rms_w.value, row.bias);
        println!(
            "{:9} {:11.6} {v:11.5} {w:11.5} {:11.6} {:16.7}",
            row.step_size, row.v_star, bias.value, bias.standard_error
        );
    }
    for (name, law) in [("SGD", result.sgd), ("averaged SGD", result.averaged)] {
        let exponent = law.exponent;
        println!(
            "{name}: exponent {:.4}, 95 % interval {:.4} to {:.4}",
            exponent.value, exponent.lower, exponent.upper
        );
    }
    println!("{seconds:.2} s");
    Ok(())
}
