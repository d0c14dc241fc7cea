//! The largest and smallest eigenvalues of the Hessian, with their vectors and residuals.

use serde::{Deserialize, Serialize};

use super::krylov::Krylov;
use super::oracle::{HessianOracle, finite};
use super::probe::{ProbeLaw, Probes};
use crate::error::OptimError;
use crate::settings::{check, check_positive};
use crate::vector::RandomVector;

/// The settings of [`Lanczos`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanczosConfig {
    /// How many of the largest eigenvalues to find.
    pub largest: usize,
    /// How many of the smallest eigenvalues to find; with `largest` at least 1 and at most the dimension.
    pub smallest: usize,
    /// An eigenpair has converged when the norm of `Hv - value * v` for its unit vector `v` is at most this share of the largest
    /// absolute eigenvalue; above 0. An eigenvalue of H lies within that distance.
    pub tolerance: f64,
    /// The largest basis of one run; more than `largest + smallest`.
    pub max_basis: usize,
    /// Whether to look for further copies of multiple eigenvalues, of which one run sees one: runs in the space orthogonal to all
    /// vectors found are added until one brings nothing new. At least doubles the cost.
    pub check_multiplicity: bool,
    /// The seed of the start vectors.
    pub seed: u64,
}

impl Default for LanczosConfig {
    /// The largest eigenvalue to 0.1 %, from a basis of at most 100 vectors, one run.
    fn default() -> Self {
        Self { largest: 1, smallest: 0, tolerance: 1e-3, max_basis: 100, check_multiplicity: false, seed: 0 }
    }
}

impl LanczosConfig {
    /// Checks every setting, for parameters of dimension `dim`.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self, dim: usize) -> Result<(), OptimError> {
        let wanted = self.largest.saturating_add(self.smallest);
        let expected = "at least 1 and at most the number of parameters";
        check((1..=dim).contains(&wanted), "largest + smallest", &wanted, expected)?;
        check_positive("tolerance", self.tolerance)?;
        check(self.max_basis > wanted, "max_basis", &self.max_basis, "more than largest + smallest")
    }
}

/// The largest and smallest eigenvalues of a symmetric operator by the Lanczos process with full reorthogonalisation.
///
/// A run begins with a random vector, grows its basis by one product per step, and ends when the wanted eigenpairs have converged or the
/// basis is full. Residuals are measured at the end with one product for each pair, and values are Rayleigh quotients: their error is
/// at most the residual, and of the order of its square over the gap to the next eigenvalue.
///
/// A residual proves that an eigenvalue is near; that none above it was missed holds with probability one over the random start, for
/// simple eigenvalues. Copies of a multiple one need [`LanczosConfig::check_multiplicity`].
///
/// # Memory
/// The basis, at most `max_basis + 1` vectors, and one for each eigenpair found.
///
/// # Source
/// Lanczos (1950); full reorthogonalisation as in Golub and Van Loan (2013), section 10.3. For networks: Ghorbani et al. (2019),
/// arXiv:1901.10159.
#[derive(Debug)]
pub struct Lanczos<V> {
    config: LanczosConfig,
    like: V,
    process: Option<Krylov<V>>,
    values: Vec<f64>,
    vectors: Vec<V>,
    run_index: u64,
    num_products: u64,
    is_finished: bool,
}

/// An approximate eigenvalue with its vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Eigenpair<V> {
    /// The Rayleigh quotient of the vector, in units of loss per squared unit of the parameters.
    pub value: f64,
    /// The norm of `H * vector - value * vector`, as measured: an eigenvalue of H lies this near to `value`.
    pub residual: f64,
    /// Whether the residual is within the tolerance.
    pub converged: bool,
    /// The unit vector, whose sign means nothing.
    pub vector: V,
}

/// What [`Lanczos`] has found.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum<V> {
    /// The largest eigenvalues, descending.
    pub largest: Vec<Eigenpair<V>>,
    /// The smallest eigenvalues, ascending.
    pub smallest: Vec<Eigenpair<V>>,
    /// The number of Hessian-vector products, those for the residuals included.
    pub num_products: u64,
}

impl<V: RandomVector> Lanczos<V> {
    /// A measurement that has not begun, for vectors like `like`.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if [`LanczosConfig::validate`] refuses the settings.
    pub fn new(like: &V, config: LanczosConfig) -> Result<Self, OptimError> {
        config.validate(like.dim())?;
        Ok(Self {
            config,
            like: like.zeros_like(),
            process: None,
            values: Vec::new(),
            vectors: Vec::new(),
            run_index: 0,
            num_products: 0,
            is_finished: false,
        })
    }

    /// Grows the basis by one product, or notices that there is nothing more to find.
    fn step(&mut self, hessian: &mut impl HessianOracle<V>) -> Result<(), OptimError> {
        if self.process.is_none() {
            let mut start = self.like.zeros_like();
            Probes { law: ProbeLaw::Normal, seed: self.config.seed }.fill(self.run_index, &mut start);
            self.process = Krylov::start(start, &self.vectors);
        }
        let Some(process) = &mut self.process else {
            self.is_finished = true; // The vectors found span everything.
            return Ok(());
        };
        process.extend(hessian, &self.vectors, self.num_products)?;
        self.num_products += 1;
        self.end_run_if_converged();
        Ok(())
    }

    /// Grows bases until everything is found that the settings ask for and allow, then measures the residuals.
    ///
    /// # Errors
    /// Those of the oracle, and [`OptimError::Objective`] if a product is not finite.
    pub fn run(mut self, hessian: &mut impl HessianOracle<V>) -> Result<Spectrum<V>, OptimError> {
        while !self.is_finished {
            self.step(hessian)?;
        }
        self.finish(hessian)
    }

    /// The eigenpairs found, at the cost of one product each.
    fn finish(mut self, hessian: &mut impl HessianOracle<V>) -> Result<Spectrum<V>, OptimError> {
        self.process = None; // Its memory is free from here on.
        let mut found: Vec<(f64, V)> = self.values.drain(..).zip(self.vectors.drain(..)).collect();
        found.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let num_smallest = self.config.smallest.min(found.len());
        let num_largest = self.config.largest.min(found.len() - num_smallest);
        let largest = found.split_off(found.len() - num_largest);
        found.truncate(num_smallest);

        let (num_found, mut product) = (num_smallest + num_largest, self.like);
        let mut pairs = Vec::with_capacity(num_found);
        for (index, (_, vector)) in
            (self.num_products..).zip(found.into_iter().chain(largest.into_iter().rev()))
        {
            hessian.multiply(&vector, &mut product)?;
            let value = finite(vector.dot(&product) / vector.dot(&vector), index)?;
            product.axpy(-value, &vector);
            pairs.push(Eigenpair {
                value,
                residual: finite(product.norm(), index)?,
                converged: false,
                vector,
            });
        }
        let size = pairs.iter().fold(0.0, |size: f64, pair| size.max(pair.value.abs()));
        for pair in &mut pairs {
            pair.converged = pair.residual <= self.config.tolerance * size;
        }
        let mut largest = pairs.split_off(num_smallest);
        largest.sort_by(|left, right| right.value.total_cmp(&left.value));
        pairs.sort_by(|left, right| left.value.total_cmp(&right.value));
        Ok(Spectrum { largest, smallest: pairs, num_products: self.num_products + num_found as u64 })
    }

    /// How many pairs this run looks for at either end: all at first, later the outermost, in case a copy of it was missed.
    fn wanted(&self) -> (usize, usize) {
        let missing = (self.config.largest + self.config.smallest).saturating_sub(self.values.len());
        if self.run_index == 0 {
            (self.config.smallest, self.config.largest)
        } else {
            (self.config.smallest.min(missing.max(1)), self.config.largest.min(missing.max(1)))
        }
    }

    /// Looks at the pairs of the running process; at the end of the run keeps those that belong to the wanted ends.
    fn end_run_if_converged(&mut self) {
        let (low, high) = self.wanted();
        let Some(process) = &self.process else { return };
        let (ritz, order) = (process.ritz(), process.len());
        let size = ritz.values.iter().chain(&self.values).fold(0.0, |size: f64, x| size.max(x.abs()));
        let coupling = process.beside.last().copied().unwrap_or(0.0);
        let is_outer = |position: usize| position < low || position + high >= order;
        let outer: Vec<usize> = (0..order).filter(|position| is_outer(*position)).collect();
        let converged = order >= low + high
            && outer.iter().all(|i| coupling * ritz.last[*i].abs() <= self.config.tolerance * size);
        let is_full = order >= self.config.max_basis;
        if !(converged || process.is_exhausted() || is_full) {
            return;
        }

        let new: Vec<usize> = outer.into_iter().filter(|i| self.is_news(ritz.values[*i], size)).collect();
        let brings_nothing = new.is_empty();
        let vectors = process.ritz_vectors(&new);
        self.values.extend(new.iter().map(|i| ritz.values[*i]));
        self.vectors.extend(vectors);
        self.process = None;
        self.run_index += 1;
        let has_all = self.values.len() >= self.config.largest + self.config.smallest;
        let may_go_on = (self.config.check_multiplicity || !has_all) && (converged || !is_full);
        self.is_finished = brings_nothing || !may_go_on;
    }

    /// Whether a value belongs to the wanted ends of what is known: not all are found, or it is beyond one of those found.
    fn is_news(&self, value: f64, size: f64) -> bool {
        let LanczosConfig { largest, smallest, tolerance, .. } = self.config;
        let num = self.values.len();
        if num < largest + smallest {
            return true;
        }
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        // Beyond the rounding of the values: an equal one would bring nothing new.
        let margin = (tolerance * tolerance).max(8.0 * f64::EPSILON) * size;
        (largest > 0 && value > sorted[num - largest] + margin)
            || (smallest > 0 && value < sorted[smallest - 1] - margin)
    }
}
