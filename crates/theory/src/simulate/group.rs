//! Several paths of SGD side by side, each driven by noise of its own.

use polder_optim::Optimizer as _;
use polder_optim::{Average, Objective, OptimError, Point, Sgd, SgdConfig};

use super::{PathSummary, Simulation};
use crate::error::TheoryError;
use crate::landscape::Landscape;
use crate::lanes::Lanes;
use crate::noise::{NoiseKey, UniformNoise};

/// Steps whose noise is drawn at once.
const ROWS: usize = 128;

/// `N` paths on their way: the optimizer and the average that also train networks, here on [`Lanes`].
pub(super) struct Group<'a, L, const N: usize> {
    simulation: Simulation,
    landscape: &'a L,
    noise: Noise<N>,
    sgd: Sgd<Lanes<N>>,
    average: Average<Lanes<N>>,
    iterates: Lanes<N>,
}

/// A landscape whose slopes are seen through the additive noise of one step, and the slopes without it.
struct NoisySlopes<'a, L, const N: usize> {
    landscape: &'a L,
    noise: &'a Lanes<N>,
    slopes: &'a mut Lanes<N>,
}

impl<L: Landscape, const N: usize> Objective<Lanes<N>> for NoisySlopes<'_, L, N> {
    type Loss = ();

    #[inline]
    fn gradient(
        &mut self,
        parameters: &Lanes<N>,
        _at: Point,
        gradient: &mut Lanes<N>,
    ) -> Result<(), OptimError> {
        *self.slopes = Lanes::from_fn(|lane| self.landscape.slope(parameters.0[lane]));
        *gradient = Lanes::from_fn(|lane| self.slopes.0[lane] + self.noise.0[lane]);
        Ok(())
    }
}

/// The noise of every lane, drawn for many steps at once.
struct Noise<const N: usize> {
    /// One for every lane, or for every lane of the first half.
    sequences: Vec<UniformNoise>,
    /// Those of one sequence.
    draws: [f64; ROWS],
    /// Those of one step per row.
    rows: [Lanes<N>; ROWS],
}

impl<const N: usize> Noise<N> {
    fn new(simulation: &Simulation, replicates: impl Iterator<Item = u64>) -> Self {
        let Simulation { step_size, noise_radius, seed, part, .. } = *simulation;
        let sequence = |replicate| {
            UniformNoise::new(
                noise_radius,
                NoiseKey { seed, part, step_size: step_size.to_bits(), replicate },
            )
        };
        Self {
            sequences: replicates.map(sequence).collect(),
            draws: [0.0; ROWS],
            rows: [Lanes([0.0; N]); ROWS],
        }
    }

    /// The next rows, at most `count` of them.
    fn draw(&mut self, count: u64) -> &[Lanes<N>] {
        let rows = &mut self.rows[..count.min(ROWS as u64) as usize];
        let num_sequences = self.sequences.len();
        for (lane, sequence) in self.sequences.iter_mut().enumerate() {
            let draws = &mut self.draws[..rows.len()];
            sequence.fill(draws);
            for (row, draw) in rows.iter_mut().zip(draws) {
                row.0[lane] = *draw;
            }
        }
        for row in rows.iter_mut() {
            for lane in num_sequences..N {
                row.0[lane] = -row.0[lane - num_sequences];
            }
        }
        rows
    }
}

impl<'a, L: Landscape, const N: usize> Group<'a, L, N> {
    /// The `N` paths of replicates `first, first + 1, ...`, with a start for each.
    pub(super) fn single(
        landscape: &'a L,
        simulation: &Simulation,
        first: u64,
        start: impl Fn(usize) -> f64,
    ) -> Result<Self, TheoryError> {
        let noise = Noise::new(simulation, first..first + N as u64);
        Self::new(landscape, simulation, noise, Lanes::from_fn(start))
    }

    /// The `N / 2` pairs of replicates `first, first + 1, ...`: lane k and lane `N / 2 + k` see the same noise with opposite signs.
    pub(super) fn antithetic(
        landscape: &'a L,
        simulation: &Simulation,
        first: u64,
    ) -> Result<Self, TheoryError> {
        let noise = Noise::new(simulation, first..first + N as u64 / 2);
        Self::new(landscape, simulation, noise, Lanes([simulation.start; N]))
    }

    fn new(
        landscape: &'a L,
        simulation: &Simulation,
        noise: Noise<N>,
        iterates: Lanes<N>,
    ) -> Result<Self, TheoryError> {
        Ok(Self {
            simulation: *simulation,
            landscape,
            noise,
            sgd: Sgd::new(SgdConfig::default())?,
            average: Average::tail(simulation.burn_in),
            iterates,
        })
    }

    /// Makes all steps; squares are measured about `center`.
    pub(super) fn run(mut self, center: f64) -> Result<[PathSummary; N], OptimError> {
        let Simulation { step_size, burn_in, num_steps, .. } = self.simulation;
        let landscape = self.landscape;
        let (mut gradient, mut slopes) = (Lanes([0.0; N]), Lanes([0.0; N]));
        let mut step = 0;
        while step < burn_in {
            let rows = self.noise.draw(burn_in - step);
            for noise in rows {
                let mut objective = NoisySlopes { landscape, noise, slopes: &mut slopes };
                self.sgd.step(&mut objective, &mut self.iterates, &mut gradient, step_size)?;
            }
            step += rows.len() as u64;
        }
        let (mut square_w, mut square_v) = (Lanes([0.0; N]), Lanes([0.0; N]));
        let end = burn_in + num_steps;
        while step < end {
            for noise in self.noise.draw(end - step) {
                let before = self.iterates;
                let mut objective = NoisySlopes { landscape, noise, slopes: &mut slopes };
                self.sgd.step(&mut objective, &mut self.iterates, &mut gradient, step_size)?;
                square_w = Lanes::from_fn(|lane| {
                    let w = before.0[lane] - center;
                    square_w.0[lane] + w * w
                });
                square_v = Lanes::from_fn(|lane| {
                    let v = before.0[lane] - step_size * slopes.0[lane] - center;
                    square_v.0[lane] + v * v
                });
                self.average.update(step, &self.iterates);
                step += 1;
            }
        }
        Ok(std::array::from_fn(|lane| PathSummary {
            last_iterate: self.iterates.0[lane],
            average: self.average.get().map_or(self.iterates.0[lane], |average| average.0[lane]),
            mean_square_w: square_w.0[lane] / num_steps as f64,
            mean_square_v: square_v.0[lane] / num_steps as f64,
        }))
    }
}
