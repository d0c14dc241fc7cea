//! Steps of SGD per second on the landscapes of experiments A1 and A2, at those experiments' step sizes.
//!
//! `cargo run --release -p polder-theory --example simulation_speed [-- --rounds N]` prints one line of JSON: for `toy_1` (A1's valley, antithetic
//! pairs) and `toy_2` (A2's two basins, single paths) the steps per second in one thread and in all, medians over rounds. Every round
//! measures all of them one after the other, so that a busy machine slows them alike. A step includes the landscape's slope, its
//! noise, [`polder_optim::Sgd`], [`polder_optim::Average`] and the squares that A1 reports.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use polder_theory::{AsymmetricValley, Simulation, Smoothed, TwoBasins, antithetic_pairs, single_paths};
use rayon::{ThreadPool, ThreadPoolBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = rounds()?;
    let one = ThreadPoolBuilder::new().num_threads(1).build()?;
    let all = ThreadPoolBuilder::new().build()?;
    let (mut toy_1, mut toy_2) = (Rounds::default(), Rounds::default());
    // The first round starts the threads and does not count.
    for round in 0..=rounds {
        toy_1.measure(round, &one, &all, || valley(round))?;
        toy_2.measure(round, &one, &all, || two_basins(round))?;
    }
    println!(
        "{{\"threads\": {}, \"rounds\": {rounds}, \"toy_1\": {}, \"toy_2\": {}}}",
        all.current_num_threads(),
        toy_1.report(),
        toy_2.report(),
    );
    Ok(())
}

fn rounds() -> Result<u64, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(9),
        ["--rounds", number] => match number.parse()? {
            0 => Err("--rounds is at least 1".into()),
            number => Ok(number),
        },
        _ => Err(format!("unknown arguments {arguments:?}, expected --rounds N").into()),
    }
}

/// Experiment A1 with shorter paths; returns the number of steps.
fn valley(seed: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let (num_pairs, noise_radius, start, burn_in, num_steps) = (24, 2.0, 0.5, 2000, 100_000);
    let step_sizes = [0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
    let mut simulations = Vec::with_capacity(step_sizes.len());
    for step_size in step_sizes {
        let center = Smoothed::new(&AsymmetricValley, step_size, noise_radius)?.minimizer();
        simulations
            .push((Simulation { step_size, noise_radius, start, burn_in, num_steps, seed, part: 0 }, center));
    }
    black_box(antithetic_pairs(&AsymmetricValley, &simulations, num_pairs)?);
    Ok(2 * num_pairs * (burn_in + num_steps) * step_sizes.len() as u64)
}

/// Experiment A2 with fewer runs; returns the number of steps.
fn two_basins(seed: u64) -> Result<u64, Box<dyn Error + Send + Sync>> {
    let (noise_radius, start, burn_in, num_steps) = (10.0, 0.0, 2500, 2500);
    let step_sizes = [0.01, 0.02, 0.03, 0.05, 0.1];
    let starts: Vec<f64> = (-160..160).map(|run| f64::from(run) / 40.0).collect();
    let landscape = TwoBasins::default();
    for step_size in step_sizes {
        let setting = Simulation { step_size, noise_radius, start, burn_in, num_steps, seed, part: 0 };
        black_box(single_paths(&landscape, &setting, 0.0, &starts)?);
    }
    Ok((burn_in + num_steps) * (starts.len() * step_sizes.len()) as u64)
}

/// Steps per second of every round.
#[derive(Default)]
struct Rounds {
    one_thread: Vec<f64>,
    all_threads: Vec<f64>,
}

impl Rounds {
    fn measure(
        &mut self,
        round: u64,
        one: &ThreadPool,
        all: &ThreadPool,
        work: impl Fn() -> Result<u64, Box<dyn Error + Send + Sync>> + Sync,
    ) -> Result<(), Box<dyn Error>> {
        for (pool, rates) in [(one, &mut self.one_thread), (all, &mut self.all_threads)] {
            let start = Instant::now();
            let steps = pool.install(&work).map_err(|error| error.to_string())?;
            let rate = steps as f64 / start.elapsed().as_secs_f64();
            if round > 0 {
                rates.push(rate);
            }
        }
        Ok(())
    }

    fn report(self) -> String {
        format!(
            "{{\"one_thread_steps_per_second\": {:.0}, \"steps_per_second\": {:.0}}}",
            median(self.one_thread),
            median(self.all_threads)
        )
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
