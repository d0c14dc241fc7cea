//! Dense matrices, as far as the experiments of paper D need them.

/// A dense matrix of f64 in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) num_rows: usize,
    pub(crate) num_columns: usize,
    /// Row by row.
    pub(crate) entries: Vec<f64>,
}

impl Matrix {
    /// The matrix whose entry in row i and column j is `entry(i, j)`.
    pub(crate) fn from_fn(
        num_rows: usize,
        num_columns: usize,
        mut entry: impl FnMut(usize, usize) -> f64,
    ) -> Self {
        let mut entries = Vec::with_capacity(num_rows * num_columns);
        for i in 0..num_rows {
            entries.extend((0..num_columns).map(|j| entry(i, j)));
        }
        Self { num_rows, num_columns, entries }
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.entries[i * self.num_columns..(i + 1) * self.num_columns]
    }

    /// The entry in row `i` and column `j`.
    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.entries[i * self.num_columns + j]
    }

    /// Both rows, to be changed; `i < j`.
    pub(crate) fn two_rows(&mut self, i: usize, j: usize) -> (&mut [f64], &mut [f64]) {
        let n = self.num_columns;
        let (above, below) = self.entries.split_at_mut(j * n);
        (&mut above[i * n..(i + 1) * n], &mut below[..n])
    }

    /// The product with a column vector.
    pub(crate) fn times(&self, vector: &[f64]) -> Vec<f64> {
        (0..self.num_rows).map(|i| dot(self.row(i), vector)).collect()
    }

    /// The product of the transpose with a column vector, written into `output`.
    ///
    /// A sum of rows: unlike sums along rows, the compiler vectorises it. For a symmetric matrix it is the product.
    pub(crate) fn transposed_times_into(&self, vector: &[f64], output: &mut [f64]) {
        assert!(vector.len() == self.num_rows && output.len() == self.num_columns, "shapes do not fit");
        output.fill(0.0);
        let n = self.num_columns;
        if n == 0 {
            return;
        }
        let (blocks, rest) = (self.entries.chunks_exact(4 * n), vector.chunks_exact(4));
        let (last_rows, last_factors) = (blocks.remainder(), rest.remainder());
        for (block, x) in blocks.zip(rest) {
            let (a, tail) = block.split_at(n);
            let (b, tail) = tail.split_at(n);
            let (c, d) = tail.split_at(n);
            for ((((y, a), b), c), d) in output.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *y += (x[0] * a + x[1] * b) + (x[2] * c + x[3] * d);
            }
        }
        for (row, x) in last_rows.chunks_exact(n).zip(last_factors) {
            for (y, a) in output.iter_mut().zip(row) {
                *y += x * a;
            }
        }
    }

    /// The product of the transpose with a column vector.
    pub(crate) fn transposed_times(&self, vector: &[f64]) -> Vec<f64> {
        let mut output = vec![0.0; self.num_columns];
        self.transposed_times_into(vector, &mut output);
        output
    }

    /// The transpose times the matrix: the square of a symmetric matrix.
    #[must_use]
    pub(crate) fn gram(&self) -> Self {
        let mut gram = Self::from_fn(self.num_columns, self.num_columns, |_, _| 0.0);
        for i in 0..self.num_rows {
            gram.add_outer(1.0, self.row(i));
        }
        gram
    }

    /// Adds `factor * x * transpose(x)`.
    pub(crate) fn add_outer(&mut self, factor: f64, x: &[f64]) {
        for (row, left) in self.entries.chunks_exact_mut(x.len()).zip(x) {
            for (entry, right) in row.iter_mut().zip(x) {
                *entry += factor * left * right;
            }
        }
    }

    /// `a * self + b * other`, entry by entry.
    pub(crate) fn combine(&self, a: f64, other: &Self, b: f64) -> Self {
        let entries = self.entries.iter().zip(&other.entries).map(|(x, y)| a * x + b * y).collect();
        Self { entries, ..*self }
    }

    /// The sum of the diagonal.
    pub(crate) fn trace(&self) -> f64 {
        (0..self.num_rows.min(self.num_columns)).map(|i| self.at(i, i)).sum()
    }
}

/// The inner product.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "vectors of different dimensions");
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition() {
        for (rows, columns) in [(1, 1), (3, 2), (4, 5), (9, 7)] {
            let matrix = Matrix::from_fn(rows, columns, |i, j| (i * 7 + j * 3) as f64 % 5.0 - 2.0);
            let x: Vec<f64> = (0..rows).map(|i| i as f64 - 1.5).collect();
            let product = matrix.transposed_times(&x);
            for (j, found) in product.iter().enumerate() {
                let expected: f64 = (0..rows).map(|i| x[i] * matrix.at(i, j)).sum();
                assert!((found - expected).abs() < 1e-13);
            }
            let gram = matrix.gram();
            for i in 0..columns {
                for j in 0..columns {
                    let expected: f64 = (0..rows).map(|k| matrix.at(k, i) * matrix.at(k, j)).sum();
                    assert!((gram.at(i, j) - expected).abs() < 1e-13);
                }
            }
        }
    }
}
