//! What was found, also half-way: plain data from which a measurement continues to the same bytes.

use polder_models::MeanLoss;
use polder_optim::sharpness::{
    AverageRiseState, HutchinsonState, Moments, SpectralDensityState, WorstCaseRise,
};
use serde::{Deserialize, Serialize};

use super::question::{Measure, Question};

/// The level of intervals whose settings do not say.
pub(super) const CONFIDENCE: f64 = 0.95;

/// A question with what is known of its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) question: Question,
    pub(crate) is_finished: bool,
    /// Wall time spent so far.
    pub(crate) seconds: f64,
    pub(crate) found: Found,
}

/// The state of a measurement; what it came to once it is finished.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Found {
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
pub(crate) struct LossAt {
    /// Mean cross entropy, in nats.
    pub(crate) loss: Option<f64>,
    /// Its standard error, the images being a sample of their split.
    pub(crate) standard_error: Option<f64>,
    /// Fraction of images classified wrongly.
    pub(crate) error: f64,
}

/// Both ends of the spectrum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Eigenvalues {
    /// Descending.
    pub(crate) largest: Vec<Eigenvalue>,
    /// Ascending.
    pub(crate) smallest: Vec<Eigenvalue>,
    pub(crate) num_products: u64,
}

/// An eigenvalue lies within `residual` of `value`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Eigenvalue {
    pub(crate) value: f64,
    pub(crate) residual: f64,
    pub(crate) converged: bool,
}

/// Losses on a grid over the plane of three points, row by row from the least y.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlaneSection {
    /// Where the three points lie, in distances of the weights.
    pub(crate) corners: [[f64; 2]; 3],
    pub(crate) xs: Vec<f64>,
    pub(crate) ys: Vec<f64>,
    pub(crate) losses: Vec<LossAt>,
}

impl Answer {
    /// Nothing known yet.
    pub(crate) fn empty(question: Question) -> Self {
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

impl From<MeanLoss> for LossAt {
    fn from(mean: MeanLoss) -> Self {
        let finite = |number: f64| Some(number).filter(|number| number.is_finite());
        Self { loss: finite(mean.loss), standard_error: finite(mean.standard_error), error: mean.error }
    }
}
