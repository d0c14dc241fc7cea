//! Minibatches on their way from the loader's buffers to tensors.

use tch::{Device, Tensor};

use crate::error::ModelError;

/// Copies a minibatch to `device`: images N,C,H,W in f32 and labels N in i64.
///
/// # Errors
/// [`ModelError::Minibatch`] if the lengths do not fit `shape`; libtorch's own if the device has no room.
pub fn minibatch(
    pixels: &[f32],
    shape: [usize; 4],
    labels: &[i64],
    device: Device,
) -> Result<(Tensor, Tensor), ModelError> {
    let expected = shape.iter().product();
    if pixels.len() != expected || labels.len() != shape[0] {
        return Err(ModelError::Minibatch { shape, expected, pixels: pixels.len(), labels: labels.len() });
    }
    let shape = shape.map(|extent| extent as i64);
    let images = Tensor::from_slice(pixels).f_view(shape)?.f_to_device(device)?;
    Ok((images, Tensor::from_slice(labels).f_to_device(device)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minibatch_whose_lengths_disagree_is_refused() {
        assert!(minibatch(&[0.0; 12], [1, 3, 2, 2], &[0], Device::Cpu).is_ok());
        for (pixels, labels) in [(11, 1), (12, 2)] {
            let error =
                minibatch(&vec![0.0; pixels], [1, 3, 2, 2], &vec![0; labels], Device::Cpu).unwrap_err();
            assert!(error.to_string().contains("needs 12 pixels"), "{error}");
        }
    }
}
