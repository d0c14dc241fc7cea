//! Networks with one hidden layer of ReLU units: a teacher that makes labels, students that learn them.

use polder_optim::{HessianVector, Objective, OptimError, Point};

use crate::draws::Draws;
use crate::matrix::Matrix;

/// The shape of `f(x) = sum over j of a_j max(0, w_j . x + b_j)`.
///
/// Parameters are one vector: all `w_j` in turn, then all `b_j`, then all `a_j`; `num_units * (num_inputs + 2)` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OneHiddenLayer {
    /// Inputs.
    pub num_inputs: usize,
    /// Hidden units.
    pub num_units: usize,
}

impl OneHiddenLayer {
    /// Random parameters: `w_j` with variance 2 over the number of inputs, `b_j` 0, `a_j` with variance `scale^2` over the number of
    /// units, so that outputs have a variance of about `scale^2` for standard normal inputs.
    pub(crate) fn random(&self, scale: f64, draws: &mut Draws) -> Vec<f64> {
        let (d, m) = (self.num_inputs as f64, self.num_units as f64);
        let mut parameters = draws.normals(self.num_units * self.num_inputs);
        for w in &mut parameters {
            *w *= (2.0 / d).sqrt();
        }
        parameters.extend(std::iter::repeat_n(0.0, self.num_units));
        parameters.extend(draws.normals(self.num_units).iter().map(|a| a * scale / m.sqrt()));
        parameters
    }

    fn split<'a>(&self, parameters: &'a [f64]) -> (&'a [f64], &'a [f64], &'a [f64]) {
        let (w, rest) = parameters.split_at(self.num_units * self.num_inputs);
        let (b, a) = rest.split_at(self.num_units);
        (w, b, a)
    }

    fn split_mut<'a>(&self, parameters: &'a mut [f64]) -> (&'a mut [f64], &'a mut [f64], &'a mut [f64]) {
        let (w, rest) = parameters.split_at_mut(self.num_units * self.num_inputs);
        let (b, a) = rest.split_at_mut(self.num_units);
        (w, b, a)
    }

    /// What unit j receives at every example: `w_j . x_i + b_j`. `inputs` has one row per input.
    fn received(&self, w: &[f64], b: f64, unit: usize, inputs: &Matrix, received: &mut [f64]) {
        received.fill(b);
        let row = &w[unit * self.num_inputs..(unit + 1) * self.num_inputs];
        for (c, w) in row.iter().enumerate() {
            add_scaled(received, *w, inputs.row(c));
        }
    }

    /// The outputs for all examples. `inputs` has one row per input and one column per example.
    pub(super) fn outputs(&self, parameters: &[f64], inputs: &Matrix) -> Vec<f64> {
        let (w, b, a) = self.split(parameters);
        let mut outputs = vec![0.0; inputs.num_columns];
        let mut received = outputs.clone();
        for j in 0..self.num_units {
            self.received(w, b[j], j, inputs, &mut received);
            for (output, z) in outputs.iter_mut().zip(&received) {
                *output += a[j] * z.max(0.0);
            }
        }
        outputs
    }
}

/// `y += a * x`.
fn add_scaled(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// The mean over the examples of `(f(x_i) - y_i)^2 / 2`, with gradient and exact Hessian-vector products.
///
/// With residuals `r_i`, received values `z_ji`, their steps `s_ji = 1[z_ji > 0]` and a direction `(w', b', a')`, let
/// `z'_ji = w'_j . x_i + b'_j` and `r'_i = sum over j of (a'_j max(0, z_ji) + a_j s_ji z'_ji)`. The product with the Hessian is
///
/// * for `a_j`: the mean of `r'_i max(0, z_ji) + r_i s_ji z'_ji`;
/// * for what unit j receives: `q_ji = s_ji (r'_i a_j + r_i a'_j)`; so for `b_j` the mean of `q_ji`, for `w_j` that of `q_ji x_i`.
///
/// A ReLU has no second derivative but at its kink, where the loss has no Hessian. Derived here by differentiating the gradient along
/// the direction, as Pearlmutter (1994) does for smooth networks.
#[derive(Clone, Debug)]
pub(super) struct SquaredLoss<'a> {
    network: OneHiddenLayer,
    inputs: &'a Matrix,
    labels: &'a [f64],
    /// `z_ji`, one row per unit.
    received: Matrix,
    residuals: Vec<f64>,
    scratch: [Vec<f64>; 2],
}

impl<'a> SquaredLoss<'a> {
    /// The loss on `inputs`, one row per input and one column per example, and `labels`, one per example.
    ///
    /// # Panics
    /// If shapes do not fit.
    pub(super) fn new(network: OneHiddenLayer, inputs: &'a Matrix, labels: &'a [f64]) -> Self {
        assert!(inputs.num_rows == network.num_inputs && inputs.num_columns == labels.len(), "shapes");
        let n = labels.len();
        Self {
            network,
            inputs,
            labels,
            received: Matrix::from_fn(network.num_units, n, |_, _| 0.0),
            residuals: vec![0.0; n],
            scratch: [vec![0.0; n], vec![0.0; n]],
        }
    }

    /// The loss itself.
    pub(crate) fn loss(&mut self, parameters: &[f64]) -> f64 {
        self.forward(parameters);
        0.5 * product(&self.residuals, &self.residuals) / self.labels.len() as f64
    }

    /// Computes what every unit receives, and the residuals.
    fn forward(&mut self, parameters: &[f64]) {
        let (w, b, a) = self.network.split(parameters);
        let n = self.labels.len();
        for (residual, label) in self.residuals.iter_mut().zip(self.labels) {
            *residual = -label;
        }
        for j in 0..self.network.num_units {
            let received = &mut self.received.entries[j * n..(j + 1) * n];
            self.network.received(w, b[j], j, self.inputs, received);
            for (residual, z) in self.residuals.iter_mut().zip(received) {
                *residual += a[j] * z.max(0.0);
            }
        }
    }

    /// Writes the mean of `q_i` into the bias and of `q_i x_i` into the weights of one unit.
    fn pull_back(&self, unit: usize, q: &[f64], w: &mut [f64], b: &mut [f64]) {
        let n = self.labels.len() as f64;
        b[unit] = q.iter().sum::<f64>() / n;
        let d = self.network.num_inputs;
        for (c, w) in w[unit * d..(unit + 1) * d].iter_mut().enumerate() {
            *w = product(q, self.inputs.row(c)) / n;
        }
    }
}

/// The inner product in four interleaved sums, which the compiler keeps in one vector register.
fn product(x: &[f64], y: &[f64]) -> f64 {
    let (x_blocks, y_blocks) = (x.chunks_exact(4), y.chunks_exact(4));
    let rest: f64 = x_blocks.remainder().iter().zip(y_blocks.remainder()).map(|(x, y)| x * y).sum();
    let mut sums = [0.0; 4];
    for (x, y) in x_blocks.zip(y_blocks) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += x * y;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

impl Objective<Vec<f64>> for SquaredLoss<'_> {
    type Loss = f64;

    fn gradient(
        &mut self,
        parameters: &Vec<f64>,
        _: Point,
        gradient: &mut Vec<f64>,
    ) -> Result<f64, OptimError> {
        self.forward(parameters);
        let n = self.labels.len() as f64;
        let (_, _, a) = self.network.split(parameters);
        let (dw, db, da) = self.network.split_mut(gradient);
        let mut q = std::mem::take(&mut self.scratch[0]);
        for j in 0..self.network.num_units {
            let received = self.received.row(j);
            let mut slope = 0.0;
            for ((q, r), z) in q.iter_mut().zip(&self.residuals).zip(received) {
                slope += r * z.max(0.0);
                *q = if *z > 0.0 { r * a[j] } else { 0.0 };
            }
            da[j] = slope / n;
            self.pull_back(j, &q, dw, db);
        }
        self.scratch[0] = q;
        Ok(0.5 * product(&self.residuals, &self.residuals) / n)
    }
}

impl HessianVector<Vec<f64>> for SquaredLoss<'_> {
    fn hessian_vector_product(
        &mut self,
        parameters: &Vec<f64>,
        vector: &Vec<f64>,
        out: &mut Vec<f64>,
    ) -> Result<(), OptimError> {
        self.forward(parameters);
        let n = self.labels.len() as f64;
        let (_, _, a) = self.network.split(parameters);
        let (wv, bv, av) = self.network.split(vector);
        let [mut zv, mut q] = std::mem::take(&mut self.scratch);
        let mut rv = vec![0.0; self.labels.len()];
        for j in 0..self.network.num_units {
            self.network.received(wv, bv[j], j, self.inputs, &mut zv);
            for ((rv, zv), z) in rv.iter_mut().zip(&zv).zip(self.received.row(j)) {
                *rv += if *z > 0.0 { av[j] * z + a[j] * zv } else { 0.0 };
            }
        }
        let (dw, db, da) = self.network.split_mut(out);
        for j in 0..self.network.num_units {
            self.network.received(wv, bv[j], j, self.inputs, &mut zv);
            let mut slope = 0.0;
            for (i, z) in self.received.row(j).iter().enumerate() {
                let is_active = *z > 0.0;
                slope += if is_active { rv[i] * z + self.residuals[i] * zv[i] } else { 0.0 };
                q[i] = if is_active { rv[i] * a[j] + self.residuals[i] * av[j] } else { 0.0 };
            }
            da[j] = slope / n;
            self.pull_back(j, &q, dw, db);
        }
        self.scratch = [zv, q];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use polder_optim::FiniteDifference;
    use polder_optim::sharpness::{HessianAt, asymmetry};

    use super::*;
    use crate::draws::Purpose;

    const NETWORK: OneHiddenLayer = OneHiddenLayer { num_inputs: 3, num_units: 7 };

    fn problem() -> (Matrix, Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut draws = Draws::new(Purpose { seed: 3, experiment: "D4", part: 0, replicate: 0 });
        let x = draws.normals(3 * 11);
        let inputs = Matrix::from_fn(3, 11, |i, j| x[i * 11 + j]);
        let mut parameters = NETWORK.random(1.0, &mut draws);
        // Biases that are not 0, so that their derivatives are seen.
        for (w, z) in parameters.iter_mut().zip(draws.normals(NETWORK.num_units * (NETWORK.num_inputs + 2))) {
            *w += 0.3 * z;
        }
        (inputs, draws.normals(11), parameters, draws.normals(NETWORK.num_units * (NETWORK.num_inputs + 2)))
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let (inputs, labels, parameters, _) = problem();
        let mut loss = SquaredLoss::new(NETWORK, &inputs, &labels);
        let mut gradient = vec![0.0; parameters.len()];
        let value = loss.gradient(&parameters, Point::Iterate, &mut gradient).unwrap();
        let outputs = NETWORK.outputs(&parameters, &inputs);
        let expected = outputs.iter().zip(&labels).map(|(f, y)| (f - y).powi(2)).sum::<f64>() / 22.0;
        assert!((value - expected).abs() < 1e-14);
        let h = 1e-6;
        for i in 0..parameters.len() {
            let mut at = |shift: f64| {
                let mut moved = parameters.clone();
                moved[i] += shift;
                let mut unused = moved.clone();
                loss.gradient(&moved, Point::Perturbed, &mut unused).unwrap()
            };
            let difference = (at(h) - at(-h)) / (2.0 * h);
            assert!((gradient[i] - difference).abs() < 1e-8, "{i}: {} {difference}", gradient[i]);
        }
    }

    #[test]
    fn the_hessian_vector_product_is_that_of_differences_of_gradients() {
        let (inputs, labels, parameters, vector) = problem();
        let mut loss = SquaredLoss::new(NETWORK, &inputs, &labels);
        let (mut exact, mut difference) = (vec![0.0; vector.len()], vec![0.0; vector.len()]);
        loss.hessian_vector_product(&parameters, &vector, &mut exact).unwrap();
        FiniteDifference::new(loss.clone(), 1e-6)
            .unwrap()
            .hessian_vector_product(&parameters, &vector, &mut difference)
            .unwrap();
        for (exact, difference) in exact.iter().zip(&difference) {
            assert!((exact - difference).abs() < 1e-7, "{exact} {difference}");
        }
        assert!(asymmetry(&mut HessianAt::new(loss, &parameters), &parameters, 1).unwrap() < 1e-15);
    }
}
