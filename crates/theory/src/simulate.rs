//! Many replicates of SGD on a landscape, in parallel, each driven by noise of its own.

mod group;

use rayon::prelude::*;

use crate::error::TheoryError;
use crate::landscape::Landscape;
use crate::simulate::group::Group;

/// Paths that one thread runs side by side: enough that the processor never waits for the result of one of them.
const LANES: usize = 16;

/// One setting of SGD under uniform noise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulation {
    /// The step size, greater than 0.
    pub step_size: f64,
    /// The radius of the uniform gradient noise, greater than 0.
    pub noise_radius: f64,
    /// The first iterate.
    pub start: f64,
    /// Steps before anything is averaged.
    pub burn_in: u64,
    /// Steps that are averaged, at least 1.
    pub num_steps: u64,
    /// The seed of the noise.
    pub seed: u64,
    /// The part of the experiment that this simulation is for; its noise is that of this part alone.
    pub part: u64,
}

/// What one path of SGD leaves behind. Means are over the `num_steps` steps after burn-in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathSummary {
    /// The last iterate.
    pub last_iterate: f64,
    /// The tail average of the iterates `w`.
    pub average: f64,
    /// The mean of `(w - center)^2`.
    pub mean_square_w: f64,
    /// The mean of `(v - center)^2`, where `v = w - step_size * f'(w)` is the alternative iterate: SGD between gradient and noise.
    pub mean_square_v: f64,
}

/// Two paths that see the same noise with opposite signs, so that their linear responses to it cancel in the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AntitheticPair(pub [PathSummary; 2]);

impl AntitheticPair {
    /// The mean of `quantity` over the two paths.
    pub fn mean(&self, quantity: impl Fn(&PathSummary) -> f64) -> f64 {
        0.5 * (quantity(&self.0[0]) + quantity(&self.0[1]))
    }
}

/// Runs `num_pairs` antithetic pairs of every simulation, each given with the center of its squares, on all threads of the current
/// rayon pool. Pair k of a simulation has the bits of replicate k alone, whatever the number of threads.
///
/// # Errors
/// [`TheoryError::Diverged`] if a path leaves the finite numbers; [`TheoryError::Optim`] if the step size is refused.
pub fn antithetic_pairs<L: Landscape>(
    landscape: &L,
    simulations: &[(Simulation, f64)],
    num_pairs: u64,
) -> Result<Vec<Vec<AntitheticPair>>, TheoryError> {
    simulations
        .par_iter()
        .map(|(simulation, center)| {
            in_groups(num_pairs, LANES as u64 / 2, |first| {
                let paths = Group::<L, LANES>::antithetic(landscape, simulation, first)?.run(*center)?;
                let (plus, minus) = paths.split_at(LANES / 2);
                let pairs = plus.iter().zip(minus).map(|(plus, minus)| AntitheticPair([*plus, *minus]));
                Ok(pairs.collect())
            })?
            .into_iter()
            .zip(0..)
            .map(|(pair, replicate)| expect_finite(&pair.0, simulation, replicate).map(|()| pair))
            .collect()
        })
        .collect()
}

/// Runs one path from each of `starts` (which take the place of the simulation's own) on all threads of the current rayon pool;
/// squares are measured about `center`. Path k has the bits of replicate k alone, whatever the number of threads.
///
/// # Errors
/// Those of [`antithetic_pairs`].
pub fn single_paths<L: Landscape>(
    landscape: &L,
    simulation: &Simulation,
    center: f64,
    starts: &[f64],
) -> Result<Vec<PathSummary>, TheoryError> {
    let paths = in_groups(starts.len() as u64, LANES as u64, |first| {
        // A lane that the last group has too many is run for nothing.
        let start = |lane| starts.get(first as usize + lane).copied().unwrap_or(simulation.start);
        Ok(Group::<L, LANES>::single(landscape, simulation, first, start)?.run(center)?.to_vec())
    })?;
    for (path, replicate) in paths.iter().zip(0..) {
        expect_finite(std::slice::from_ref(path), simulation, replicate)?;
    }
    Ok(paths)
}

/// The first `count` results of groups of `size`, which `run` is given the first of, in order.
fn in_groups<T: Send>(
    count: u64,
    size: u64,
    run: impl Fn(u64) -> Result<Vec<T>, TheoryError> + Sync,
) -> Result<Vec<T>, TheoryError> {
    let groups: Result<Vec<_>, _> =
        (0..count.div_ceil(size)).into_par_iter().map(|group| run(group * size)).collect();
    let mut results: Vec<T> = groups?.into_iter().flatten().collect();
    results.truncate(count as usize);
    Ok(results)
}

fn expect_finite(paths: &[PathSummary], simulation: &Simulation, replicate: u64) -> Result<(), TheoryError> {
    if paths.iter().all(|path| path.mean_square_w.is_finite() && path.last_iterate.is_finite()) {
        Ok(())
    } else {
        Err(TheoryError::Diverged { step_size: simulation.step_size, replicate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::{AsymmetricValley, TwoBasins};

    const SIMULATION: Simulation = Simulation {
        step_size: 0.1,
        noise_radius: 2.0,
        start: 0.5,
        burn_in: 1000,
        num_steps: 100_000,
        seed: 1,
        part: 0,
    };

    /// `curvature * w^2 / 2`.
    struct Quadratic {
        curvature: f64,
    }

    impl Landscape for Quadratic {
        fn value(&self, w: f64) -> f64 {
            0.5 * self.curvature * w * w
        }
        fn slope(&self, w: f64) -> f64 {
            self.curvature * w
        }
    }

    /// One pair by itself.
    fn antithetic_pair<L: Landscape>(
        landscape: &L,
        simulation: &Simulation,
        center: f64,
        replicate: u64,
    ) -> Result<AntitheticPair, TheoryError> {
        let group = Group::<L, 2>::antithetic(landscape, simulation, replicate)?;
        let pair = AntitheticPair(group.run(center)?);
        expect_finite(&pair.0, simulation, replicate)?;
        Ok(pair)
    }

    fn mean(pairs: &[AntitheticPair], quantity: impl Fn(&PathSummary) -> f64) -> f64 {
        pairs.iter().map(|pair| pair.mean(&quantity)).sum::<f64>() / pairs.len() as f64
    }

    #[test]
    fn a_quadratic_has_its_closed_form_variances() {
        let curvature = 3.0;
        for step_size in [0.02, 0.1, 0.3] {
            let simulation = Simulation { step_size, ..SIMULATION };
            let pairs =
                antithetic_pairs(&Quadratic { curvature }, &[(simulation, 0.0)], 8).unwrap().remove(0);
            let noise_variance = 4.0 / 3.0;
            let variance_w = step_size * noise_variance / (curvature * (2.0 - step_size * curvature));
            let variance_v = (1.0 - step_size * curvature).powi(2) * variance_w;
            // 1.6 million correlated squares: at step size 0.02 their mean has a relative standard error of 0.5 %.
            assert!((mean(&pairs, |path| path.mean_square_w) / variance_w - 1.0).abs() < 0.02, "{step_size}");
            assert!((mean(&pairs, |path| path.mean_square_v) / variance_v - 1.0).abs() < 0.02, "{step_size}");
        }
    }

    #[test]
    fn antithetic_paths_mirror_each_other_on_a_quadratic() {
        let simulation = Simulation { start: 0.0, ..SIMULATION };
        let AntitheticPair([plus, minus]) =
            antithetic_pair(&Quadratic { curvature: 2.0 }, &simulation, 0.0, 0).unwrap();
        assert_eq!((plus.last_iterate, plus.average), (-minus.last_iterate, -minus.average));
        assert_eq!(plus.mean_square_w, minus.mean_square_w);
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let simulations = [(SIMULATION, 0.0), (Simulation { step_size: 0.05, ..SIMULATION }, 0.0)];
        let run = |num_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
            pool.install(|| antithetic_pairs(&AsymmetricValley, &simulations, 3)).unwrap()
        };
        assert_eq!(run(1), run(3));
    }

    /// Every number of paths leaves another remainder to the last group.
    #[test]
    fn a_path_has_the_same_bits_alone_and_side_by_side() {
        let simulation = Simulation { num_steps: 1000, burn_in: 300, ..SIMULATION };
        let starts: Vec<f64> = (0..37).map(|path| 0.1 * f64::from(path) - 2.0).collect();
        let alone: Vec<PathSummary> = (0..37)
            .map(|path| {
                let simulation = Simulation { start: starts[path as usize], ..simulation };
                let landscape = TwoBasins::default();
                let group = Group::<_, 1>::single(&landscape, &simulation, path, |_| simulation.start);
                group.unwrap().run(0.5).unwrap()[0]
            })
            .collect();
        let pairs: Vec<AntitheticPair> =
            (0..37).map(|pair| antithetic_pair(&AsymmetricValley, &simulation, 0.5, pair).unwrap()).collect();
        for count in [0, 1, 7, 8, 9, 16, 17, 37] {
            let together = single_paths(&TwoBasins::default(), &simulation, 0.5, &starts[..count]).unwrap();
            assert_eq!(together, alone[..count]);
            let together = antithetic_pairs(&AsymmetricValley, &[(simulation, 0.5)], count as u64).unwrap();
            assert_eq!(together[0], pairs[..count]);
        }
    }

    #[test]
    fn replicates_differ() {
        let pair = |replicate| antithetic_pair(&AsymmetricValley, &SIMULATION, 0.0, replicate).unwrap();
        assert_ne!(pair(0), pair(1));
    }

    #[test]
    fn divergence_is_an_error_that_names_the_step_size() {
        let simulation = Simulation { step_size: 3.0, ..SIMULATION };
        let error = antithetic_pair(&Quadratic { curvature: 1.0 }, &simulation, 0.0, 7).unwrap_err();
        assert!(matches!(error, TheoryError::Diverged { step_size: 3.0, replicate: 7 }), "{error}");
        let error = single_paths(&Quadratic { curvature: 1.0 }, &simulation, 0.0, &[0.0; 3]).unwrap_err();
        assert!(matches!(error, TheoryError::Diverged { step_size: 3.0, replicate: 0 }), "{error}");
    }
}
