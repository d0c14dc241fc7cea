//! Per-channel normalisation of pixels.

use crate::DataError;

/// Maps a byte `p` of channel `c` to `(p / 255 - mean[c]) / std[c]`.
///
/// Images of one channel use the first entry, images of two the first two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalization {
    /// Mean per channel, pixels in 0..=1.
    pub mean: [f32; 3],
    /// Standard deviation per channel, pixels in 0..=1; positive.
    pub std: [f32; 3],
}

impl Normalization {
    /// Bytes become numbers in 0..=1 and nothing else.
    pub const UNIT: Normalization = Normalization { mean: [0.0; 3], std: [1.0; 3] };

    /// Mean and standard deviation of the 50,000 training images of CIFAR-10, to four digits, as the papers use them.
    pub const CIFAR10: Normalization =
        Normalization { mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616] };

    /// Mean and standard deviation of the 50,000 training images of CIFAR-100, to four digits, as the papers use them.
    pub const CIFAR100: Normalization =
        Normalization { mean: [0.5071, 0.4866, 0.4409], std: [0.2673, 0.2564, 0.2762] };

    /// Mean and standard deviation of the 60,000 training images of MNIST, to four digits, as they are widely used.
    pub const MNIST: Normalization = Normalization { mean: [0.1307; 3], std: [0.3081; 3] };

    /// Mean and standard deviation of the 60,000 training images of Fashion-MNIST, to four digits, computed from the
    /// official file.
    pub const FASHION_MNIST: Normalization = Normalization { mean: [0.2860; 3], std: [0.3530; 3] };

    /// For [`Generated`](crate::Generated) images with their default noise.
    pub const GENERATED: Normalization = Normalization { mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2] };

    /// The normalised value of byte `value` in `channel`, exactly as the loader writes it: `value * scale + shift`
    /// in f32, one rounding each, with `scale = 1 / (255 std)` and `shift = -mean / std`. Within 5e-7 of the
    /// formula above in exact arithmetic.
    pub fn normalize(&self, channel: usize, value: u8) -> f32 {
        let (scale, shift) = self.scale_and_shift(channel);
        f32::from(value) * scale + shift
    }

    /// The byte nearest to a normalised value: the inverse of [`normalize`](Self::normalize).
    pub fn denormalize(&self, channel: usize, value: f32) -> u8 {
        ((value * self.std[channel] + self.mean[channel]) * 255.0).round().clamp(0.0, 255.0) as u8
    }

    /// The factors of [`normalize`](Self::normalize), for a consumer of `u8` that normalises on its device.
    pub fn scale_and_shift(&self, channel: usize) -> (f32, f32) {
        let (mean, std) = (f64::from(self.mean[channel]), f64::from(self.std[channel]));
        ((1.0 / (255.0 * std)) as f32, (-mean / std) as f32)
    }

    pub(crate) fn validate(&self) -> Result<(), DataError> {
        let valid = self.mean.iter().all(|mean| mean.is_finite())
            && self.std.iter().all(|std| std.is_finite() && *std > 0.0);
        if valid {
            return Ok(());
        }
        Err(DataError::Config {
            field: "normalization",
            found: format!("mean {:?}, std {:?}", self.mean, self.std),
            expected: "finite means and positive, finite standard deviations".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalisation_is_the_formula_and_invertible() {
        let normalization = Normalization::CIFAR10;
        for channel in 0..3 {
            for value in 0..=255 {
                let (mean, std) =
                    (f64::from(normalization.mean[channel]), f64::from(normalization.std[channel]));
                let exact = (f64::from(value) / 255.0 - mean) / std;
                let written = normalization.normalize(channel, value);
                assert!((f64::from(written) - exact).abs() < 5e-7);
                assert_eq!(normalization.denormalize(channel, written), value);
            }
        }
    }
}
