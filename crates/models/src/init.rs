//! Initial values of parameters, stated rather than inherited.
//!
//! Every value is drawn on the CPU in f32 from a generator keyed by (seed, parameter name), so that it depends
//! neither on the device nor on which other parameters a network has.

use polder_random::{Stream, hash, label};

/// The law of one parameter's initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// One value everywhere.
    Constant(f32),
    /// Uniform on [-bound, bound].
    Uniform {
        /// Greater than 0.
        bound: f64,
    },
    /// Normal with mean 0.
    Normal {
        /// At least 0.
        standard_deviation: f64,
    },
}

impl Init {
    /// PyTorch's default for the weight and the bias of a convolution or linear layer:
    /// `kaiming_uniform_` with a = sqrt(5), which is U(-1/sqrt(fan_in), 1/sqrt(fan_in)).
    pub fn torch_default(fan_in: i64) -> Self {
        Self::Uniform { bound: 1.0 / (fan_in as f64).sqrt() }
    }

    /// `len` values for the parameter `name` under `seed`.
    pub(crate) fn draw(self, seed: u64, name: &str, len: usize) -> Vec<f32> {
        let mut stream = Stream::new([seed, hash(name), label("initial "), label("weights.")]);
        match self {
            Self::Constant(value) => vec![value; len],
            Self::Uniform { bound } => {
                (0..len).map(|_| (bound * (2.0 * stream.unit() - 1.0)) as f32).collect()
            }
            Self::Normal { standard_deviation } => {
                let mut values = Vec::with_capacity(len + 1);
                while values.len() < len {
                    values.extend(stream.normal_pair(standard_deviation).map(|value| value as f32));
                }
                values.truncate(len);
                values
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_depend_on_seed_and_name_only() {
        let law = Init::Normal { standard_deviation: 1.0 };
        assert_eq!(law.draw(1, "conv1.weight", 5)[..3], law.draw(1, "conv1.weight", 3)[..]);
        assert_ne!(law.draw(1, "conv1.weight", 4), law.draw(2, "conv1.weight", 4));
        assert_ne!(law.draw(1, "conv1.weight", 4), law.draw(1, "conv2.weight", 4));
    }

    #[test]
    fn moments_are_those_of_the_law() {
        let moments = |values: &[f32]| {
            let n = values.len() as f64;
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            (mean, values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n)
        };
        // 200,000 draws: the standard errors are below 0.005 for both moments of either law.
        let (mean, variance) = moments(&Init::Normal { standard_deviation: 1.5 }.draw(3, "w", 200_000));
        assert!(mean.abs() < 0.02 && (variance - 2.25).abs() < 0.04, "{mean} {variance}");
        let (mean, variance) = moments(&Init::Uniform { bound: 3.0 }.draw(3, "w", 200_000));
        assert!(mean.abs() < 0.02 && (variance - 3.0).abs() < 0.04, "{mean} {variance}");
    }
}
