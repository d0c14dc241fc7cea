//! What was found, also half-way: plain data from which a measurement continues to the same bytes.

use polder_optim::sharpness::{AverageRiseState, HutchinsonState, SpectralDensityState, WorstCaseRise};
use polder_stats::Moments;
use serde::{Deserialize, Serialize};

use super::question::{Measure, Question};

/// The level of intervals whose settings do not say.
pub const CONFIDENCE: f64 = 0.95;

/// A question with what is known of its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub question: Question,
    pub is_finished: bool,
    /// Wall time spent so far.
    pub seconds: f64,
    pub found: Found,
}

/// The state of a measurement; what it came to once it is finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    Loss(Option<LossAt>),
    Trace(HutchinsonState),
    Eigenvalues(Option<Eigenvalues>),
    Density(SpectralDensityState),
    WorstRise(Option<WorstCaseRise>),
    AverageRise(AverageRiseState),
    MSharpness(Moments),
    Line { distance: f64, losses: Vec<LossAt> },
    Plane(PlaneSection),
}

/// The images' loss at one point; numbers that are not finite are `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossAt {
    /// Mean cross entropy, in nats.
    pub loss: Option<f64>,
    /// Its standard error, the images being a sample of their split.
    pub standard_error: Option<f64>,
    /// Fraction of images classified wrongly.
    pub error: f64,
}

/// Both ends of the spectrum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eigenvalues {
    /// Descending.
    pub largest: Vec<Eigenvalue>,
    /// Ascending.
    pub smallest: Vec<Eigenvalue>,
    pub num_products: u64,
}

/// An eigenvalue lies within `residual` of `value`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eigenvalue {
    pub value: f64,
    pub residual: f64,
    pub converged: bool,
}

/// Losses on a grid over the plane of three points, row by row from the least y.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaneSection {
    /// Where the three points lie, in distances of the weights.
    pub corners: [[f64; 2]; 3],
    pub xs: Vec<f64>,
    pub ys: Vec<f64>,
    pub losses: Vec<LossAt>,
}

impl Answer {
    /// Nothing known yet.
    pub fn empty(question: Question) -> Self {
        let found = match question.measure {
            Measure::Loss => Found::Loss(None),
            Measure::Trace { .. } => Found::Trace(HutchinsonState::default()),
            Measure::Eigenvalues { .. } => Found::Eigenvalues(None),
            Measure::Density { .. } => Found::Density(SpectralDensityState::default()),
            Measure::WorstRise { .. } => Found::WorstRise(None),
            Measure::AverageRise { .. } => Found::AverageRise(AverageRiseState::default()),
            Measure::MSharpness { .. } => Found::MSharpness(Moments::default()),
            Measure::Line { .. } => Found::Line { distance: 0.0, losses: Vec::new() },
            Measure::Plane { .. } => Found::Plane(PlaneSection::default()),
        };
        Self { question, is_finished: false, seconds: 0.0, found }
    }
}

impl LossAt {
    /// Numbers that are not finite become `None`.
    pub fn new(loss: f64, standard_error: f64, error: f64) -> Self {
        let finite = |number: f64| Some(number).filter(|number| number.is_finite());
        Self { loss: finite(loss), standard_error: finite(standard_error), error }
    }
}
