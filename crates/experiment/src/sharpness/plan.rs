//! Which questions a command asks, with the effort that each is expected to take.

use polder_optim::sharpness::{
    AscentConfig, AverageSharpnessConfig, HutchinsonConfig, LanczosConfig, ProbeLaw, SpectralDensityConfig,
    StoppingRule,
};

use super::measurement_spec::{Coordinates, Measure, Subset};

/// Passes over all images, in units of a forward pass: a backward pass costs two, and doubles with what it is differentiated.
pub const LOSS: f64 = 1.0;
pub const GRADIENT: f64 = 3.0;
pub const PRODUCT: f64 = 7.0;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum MeasureName {
    /// Trace of the Hessian
    Trace,
    /// Largest eigenvalues, and the smallest one
    Eigenvalues,
    /// Density of all eigenvalues
    Density,
    /// Largest and mean rise of the loss at a distance
    Rises,
    /// Largest rise for each micro-batch
    MSharpness,
    /// Loss and error on the line between two sets of weights
    Line,
    /// Loss and error on the plane through three
    Plane,
}

/// All that the command line decides about the measures.
#[derive(Clone, Debug)]
pub struct Settings {
    pub subset: Subset,
    pub measures: Vec<MeasureName>,
    pub coordinates: Vec<Coordinates>,
    pub seed: u64,
    /// Half the width of intervals as a share of the mean.
    pub precision: f64,
    pub max_samples: u64,
    pub num_eigenvalues: usize,
    pub tolerance: f64,
    pub max_basis: usize,
    pub density_probes: u64,
    pub density_nodes: usize,
    /// Radii in raw coordinates.
    pub rho: Vec<f64>,
    /// Radii in scale-invariant ones.
    pub relative_rho: Vec<f64>,
    pub ascent_steps: u64,
    pub micro_batch: usize,
    pub line_points: usize,
    pub plane_points: usize,
}

/// How far lines reach beyond their ends, as a share of the distance between them.
const BEYOND_ENDS: f64 = 0.5;
/// How far planes reach beyond their corners, as a share of what these span.
const BEYOND_CORNERS: f64 = 0.3;

impl Settings {
    /// What is asked of one set of weights.
    pub fn of_one(&self) -> Vec<Measure> {
        let mut measures = vec![Measure::Loss];
        let wants = |name| self.measures.contains(&name);
        if wants(MeasureName::Trace) {
            let (law, seed) = (ProbeLaw::Rademacher, self.seed);
            measures
                .push(Measure::Trace { config: HutchinsonConfig { law, seed, stopping: self.stopping() } });
        }
        for &coordinates in &self.coordinates {
            if wants(MeasureName::Eigenvalues) {
                measures.push(Measure::Eigenvalues { coordinates, config: self.lanczos() });
            }
            if wants(MeasureName::Density) {
                let config = SpectralDensityConfig {
                    seed: self.seed,
                    num_probes: self.density_probes,
                    num_nodes: self.density_nodes,
                    ..SpectralDensityConfig::default()
                };
                measures.push(Measure::Density { coordinates, config });
            }
            for &rho in self.radii(coordinates) {
                if wants(MeasureName::Rises) {
                    let (num_steps, seed) = (self.ascent_steps, self.seed);
                    let config = AscentConfig { rho, num_steps, seed, ..AscentConfig::default() };
                    measures.push(Measure::WorstCaseSharpness { coordinates, config });
                    let config = AverageSharpnessConfig { rho, seed, stopping: self.stopping() };
                    measures.push(Measure::AverageSharpness { coordinates, config });
                }
                if wants(MeasureName::MSharpness) {
                    let micro_batch = self.micro_batch.min(self.subset.images);
                    measures.push(Measure::MSharpness { coordinates, rho, micro_batch });
                }
            }
        }
        measures
    }

    /// The section between two.
    pub fn line(&self) -> Measure {
        let step = (1.0 + 2.0 * BEYOND_ENDS) / (self.line_points - 1) as f64;
        let mut places: Vec<f64> = (0..self.line_points).map(|i| step * i as f64 - BEYOND_ENDS).collect();
        // Both ends are always looked at.
        places.extend([0.0, 1.0]);
        places.sort_by(f64::total_cmp);
        places.dedup_by(|right, left| (*right - *left).abs() < 1e-9);
        Measure::Line { places }
    }

    /// The section through three.
    pub fn plane(&self) -> Measure {
        Measure::Plane { points_per_side: self.plane_points, margin: BEYOND_CORNERS }
    }

    fn radii(&self, coordinates: Coordinates) -> &[f64] {
        match coordinates {
            Coordinates::Raw => &self.rho,
            Coordinates::ScaleInvariant => &self.relative_rho,
        }
    }

    fn stopping(&self) -> StoppingRule {
        let least = StoppingRule::default().min_samples.min(self.max_samples);
        StoppingRule {
            relative_half_width: self.precision,
            min_samples: least,
            max_samples: self.max_samples,
            ..StoppingRule::default()
        }
    }

    fn lanczos(&self) -> LanczosConfig {
        LanczosConfig {
            largest: self.num_eigenvalues,
            smallest: 1,
            tolerance: self.tolerance,
            max_basis: self.max_basis.max(self.num_eigenvalues + 2),
            seed: self.seed,
            ..LanczosConfig::default()
        }
    }
}

impl Measure {
    /// In forward passes over all images, the refresh of BN among them; a guess where the answer decides.
    pub fn effort(&self) -> f64 {
        LOSS + match self {
            Self::Loss => LOSS,
            Self::Trace { config } => PRODUCT * typical(&config.stopping),
            // Ends of spectra of networks stand apart: some twenty products for the first, a few for each further one.
            Self::Eigenvalues { config, .. } => {
                PRODUCT * (20 + 5 * (config.largest + config.smallest)).min(config.max_basis) as f64
            }
            Self::Density { config, .. } => PRODUCT * config.num_probes as f64 * config.num_nodes as f64,
            Self::WorstCaseSharpness { config, .. } => GRADIENT * config.num_steps as f64 + LOSS,
            Self::AverageSharpness { config, .. } => LOSS + 2.0 * LOSS * typical(&config.stopping),
            Self::MSharpness { .. } => GRADIENT + LOSS,
            Self::Line { places } => 2.0 * LOSS * places.len() as f64,
            Self::Plane { points_per_side, .. } => 2.0 * LOSS * (points_per_side * points_per_side) as f64,
        }
    }

    /// A few words.
    pub fn label(&self) -> String {
        let within = |coordinates: &Coordinates| match coordinates {
            Coordinates::Raw => "",
            Coordinates::ScaleInvariant => ", scale-invariant",
        };
        match self {
            Self::Loss => "loss".to_owned(),
            Self::Trace { .. } => "trace".to_owned(),
            Self::Eigenvalues { coordinates, .. } => format!("eigenvalues{}", within(coordinates)),
            Self::Density { coordinates, .. } => format!("spectral density{}", within(coordinates)),
            Self::WorstCaseSharpness { coordinates, config } => {
                format!("largest rise at rho {}{}", config.rho, within(coordinates))
            }
            Self::AverageSharpness { coordinates, config } => {
                format!("mean rise at rho {}{}", config.rho, within(coordinates))
            }
            Self::MSharpness { coordinates, rho, micro_batch } => {
                format!("{micro_batch}-sharpness at rho {rho}{}", within(coordinates))
            }
            Self::Line { .. } => "line".to_owned(),
            Self::Plane { .. } => "plane".to_owned(),
        }
    }
}

/// Samples that a rule often ends with.
fn typical(rule: &StoppingRule) -> f64 {
    (2 * rule.min_samples).min(rule.max_samples) as f64
}
