//! Minibatches on their way from the loader's buffers to tensors.
//!
//! To the processor they go as the loader normalised them, in f32. To a GPU they go as bytes, a quarter of the traffic:
//! through page-locked memory, by a copy that nobody waits for, and a [`Normalizer`] makes f32 of them there. Away from
//! cutout the values are those of the loader to the bit. Within it they are not: the loader's f32 writes exactly 0 there,
//! its bytes the byte nearest to the channel's mean, which is at most `0.5 / (255 * std)` from 0 once it is normalised
//! (0.0081 for CIFAR-10). The border of a crop is black, byte 0, either way. The page-locked path has not been run on a
//! GPU yet.

use tch::{Device, Kind, Tensor};

use crate::error::ModelError;

/// The order of a minibatch's values in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// N,C,H,W.
    First,
    /// N,H,W,C, which convolutional networks read without another copy.
    Last,
}

impl ChannelOrder {
    /// N,C,H,W as it lies in memory.
    fn in_memory(self, [n, c, h, w]: [usize; 4]) -> [i64; 4] {
        match self {
            Self::First => [n, c, h, w],
            Self::Last => [n, h, w, c],
        }
        .map(|extent| extent as i64)
    }

    /// The view N,C,H,W of a tensor of that shape.
    fn view(self, images: Tensor) -> Result<Tensor, ModelError> {
        Ok(match self {
            Self::First => images,
            Self::Last => images.f_permute([0, 3, 1, 2])?,
        })
    }
}

/// Copies a minibatch whose images have the shape N,C,H,W to `device`: images in f32 and labels N in i64.
///
/// # Errors
/// [`ModelError::Minibatch`] if the lengths do not fit `shape`; libtorch's own if the device has no room.
pub fn minibatch(
    pixels: &[f32],
    shape: [usize; 4],
    order: ChannelOrder,
    labels: &[i64],
    device: Device,
) -> Result<(Tensor, Tensor), ModelError> {
    check(pixels.len(), shape, labels)?;
    let images = Tensor::from_slice(pixels).f_view(order.in_memory(shape))?;
    Ok((order.view(send(&images, device)?)?, send(&Tensor::from_slice(labels), device)?))
}

/// Makes normalised f32 of bytes, on their device: `byte * scale + shift` with a scale and a shift per channel.
#[derive(Debug)]
pub struct Normalizer {
    /// 1,C,1,1 in f32.
    scale: Tensor,
    /// Likewise.
    shift: Tensor,
}

impl Normalizer {
    /// With (scale, shift) for each channel, on `device`.
    ///
    /// # Errors
    /// libtorch's own if the device has no room.
    pub fn new(channels: &[(f32, f32)], device: Device) -> Result<Self, ModelError> {
        let per_channel = |of: fn(&(f32, f32)) -> f32| -> Result<Tensor, ModelError> {
            let values: Vec<f32> = channels.iter().map(of).collect();
            Ok(Tensor::from_slice(&values).f_view([1, -1, 1, 1])?.f_to_device(device)?)
        };
        Ok(Self { scale: per_channel(|channel| channel.0)?, shift: per_channel(|channel| channel.1)? })
    }

    /// Another handle on the same memory.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { scale: self.scale.shallow_clone(), shift: self.shift.shallow_clone() }
    }

    /// Copies a minibatch of bytes to the device and normalises it: images N,C,H,W in f32 and labels N in i64.
    ///
    /// On CUDA it returns before the copies are made; the buffers it was given may be used again at once.
    ///
    /// # Errors
    /// [`ModelError::Minibatch`] if the lengths do not fit `shape`; libtorch's own if C differs from the number of
    /// channels, or the device has no room.
    pub fn minibatch(
        &self,
        bytes: &[u8],
        shape: [usize; 4],
        order: ChannelOrder,
        labels: &[i64],
    ) -> Result<(Tensor, Tensor), ModelError> {
        check(bytes.len(), shape, labels)?;
        let device = self.scale.device();
        let bytes = Tensor::f_from_data_size(bytes, &order.in_memory(shape), Kind::Uint8)?;
        // Two kernels with a rounding each, as the loader rounds.
        let images = order.view(send(&bytes, device)?)?.f_mul(&self.scale)?.f_add_(&self.shift)?;
        Ok((images, send(&Tensor::from_slice(labels), device)?))
    }
}

fn check(pixels: usize, shape: [usize; 4], labels: &[i64]) -> Result<(), ModelError> {
    let expected = shape.iter().product();
    if pixels == expected && labels.len() == shape[0] {
        return Ok(());
    }
    Err(ModelError::Minibatch { shape, expected, pixels, labels: labels.len() })
}

/// A copy on `device`. For CUDA it goes through page-locked memory, from which the device copies by itself; libtorch's
/// allocator gives that memory to nobody else before the copy is made.
fn send(tensor: &Tensor, device: Device) -> Result<Tensor, ModelError> {
    if !device.is_cuda() {
        return Ok(tensor.f_to_device(device)?);
    }
    // `pin_memory` itself would complain on stderr, for every minibatch, that it is told the device.
    Ok(tensor.f_internal_pin_memory(device)?.f_to_device_(device, tensor.kind(), true, false)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minibatch_whose_lengths_disagree_is_refused() {
        assert!(minibatch(&[0.0; 12], [1, 3, 2, 2], ChannelOrder::First, &[0], Device::Cpu).is_ok());
        let normalizer = Normalizer::new(&[(1.0, 0.0); 3], Device::Cpu).unwrap();
        for (pixels, labels) in [(11, 1), (12, 2)] {
            let labels = vec![0; labels];
            let as_f32 =
                minibatch(&vec![0.0; pixels], [1, 3, 2, 2], ChannelOrder::First, &labels, Device::Cpu);
            let as_bytes = normalizer.minibatch(&vec![0; pixels], [1, 3, 2, 2], ChannelOrder::First, &labels);
            for error in [as_f32.unwrap_err(), as_bytes.unwrap_err()] {
                assert!(error.to_string().contains("needs 12 pixels"), "{error}");
            }
        }
    }

    #[test]
    fn every_byte_of_every_channel_is_scaled_and_shifted_as_in_f32() {
        let channels = [(0.016, -1.98), (0.0161, -1.9803), (0.015, -1.7)];
        for num_channels in 1..=3 {
            let normalizer = Normalizer::new(&channels[..num_channels], Device::Cpu).unwrap();
            let bytes: Vec<u8> = (0..num_channels).flat_map(|_| 0..=255).collect();
            let (images, labels) =
                normalizer.minibatch(&bytes, [1, num_channels, 16, 16], ChannelOrder::First, &[7]).unwrap();
            assert_eq!(
                (images.size4().unwrap(), images.kind()),
                ((1, num_channels as i64, 16, 16), Kind::Float)
            );
            assert_eq!(Vec::<i64>::try_from(labels).unwrap(), [7]);
            let values = Vec::<f32>::try_from(images.flatten(0, 3)).unwrap();
            for ((byte, value), index) in bytes.iter().zip(&values).zip(0..) {
                let (scale, shift) = channels[index / 256];
                assert_eq!(
                    *value,
                    f32::from(*byte) * scale + shift,
                    "byte {byte} of channel {}",
                    index / 256
                );
            }
        }
    }

    #[test]
    fn channels_last_are_the_same_images_in_another_place() {
        let planes: Vec<u8> = (0..24).collect();
        let pixels: Vec<u8> = (0..2)
            .flat_map(|n| (0..4).flat_map(move |hw| (0..3).map(move |c| n * 12 + c * 4 + hw)))
            .collect();
        let normalizer = Normalizer::new(&[(0.5, 1.0), (0.25, 0.0), (2.0, -1.0)], Device::Cpu).unwrap();
        let of = |bytes: &[u8], order| normalizer.minibatch(bytes, [2, 3, 2, 2], order, &[0, 1]).unwrap().0;
        let (first, last) = (of(&planes, ChannelOrder::First), of(&pixels, ChannelOrder::Last));
        assert_eq!((first.size(), first.stride()), (last.size(), vec![12, 4, 2, 1]));
        assert_eq!((last.stride(), first.equal(&last)), (vec![12, 1, 6, 3], true));
        let floats = |bytes: &[u8]| bytes.iter().map(|&byte| f32::from(byte)).collect::<Vec<_>>();
        let of =
            |values: &[f32], order| minibatch(values, [2, 3, 2, 2], order, &[0, 1], Device::Cpu).unwrap().0;
        let first = of(&floats(&planes), ChannelOrder::First);
        assert!(first.equal(&of(&floats(&pixels), ChannelOrder::Last)));
    }

    #[test]
    fn images_of_another_number_of_channels_are_refused() {
        let normalizer = Normalizer::new(&[(1.0, 0.0); 2], Device::Cpu).unwrap();
        assert!(normalizer.minibatch(&[0; 12], [1, 3, 2, 2], ChannelOrder::First, &[0]).is_err());
    }
}
