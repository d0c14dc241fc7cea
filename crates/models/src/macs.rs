//! Sizes of a network without the network: parameters, multiply-accumulates, the tensors of its checkpoint.

use std::cell::Cell;
use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use crate::architecture::Architecture;
use crate::error::ModelError;
use crate::layers::Builder;
use crate::network::{BatchNormMode, Pass};

impl Architecture {
    /// Number of trainable parameters.
    pub fn num_parameters(self, num_classes: usize) -> u64 {
        let mut builder = Builder::default();
        self.build(&mut builder, num_classes as i64);
        builder.parameters.iter().map(|declaration| declaration.shape.iter().product::<i64>() as u64).sum()
    }

    /// Multiply-accumulates of the forward pass of one image of shape C, H, W: those of convolutions and linear layers.
    ///
    /// A training step takes about three times as many per image, one with SAM about six. Borders are counted like the
    /// inside, as is usual.
    ///
    /// # Errors
    /// [`ModelError::Images`] if the network does not take such images.
    ///
    /// # Example
    /// ```
    /// let resnet: polder_models::Architecture = "resnet-50".parse()?;
    /// assert_eq!(resnet.macs(10, [3, 32, 32])? / 1_000_000, 1_297);
    /// # Ok::<(), polder_models::ModelError>(())
    /// ```
    pub fn macs(self, num_classes: usize, images: [usize; 3]) -> Result<u64, ModelError> {
        let [c, h, w] = images.map(|extent| extent as i64);
        self.check_images([c, h, w])?;
        let mut builder = Builder::default();
        let module = self.build(&mut builder, num_classes as i64);
        // A pass over no images, with weights that are one value read many times: only shapes are computed.
        let number = Tensor::f_zeros([1_i64; 0], (Kind::Float, Device::Cpu))?;
        let of_shape = |shape: &[i64]| number.f_expand(shape, false);
        let leaves = builder
            .parameters
            .iter()
            .map(|declaration| of_shape(&declaration.shape))
            .collect::<Result<Vec<_>, _>>()?;
        let running = builder
            .batch_norms
            .iter()
            .map(|&(_, channels)| Ok((of_shape(&[channels])?, of_shape(&[channels])?)))
            .collect::<Result<Vec<_>, tch::TchError>>()?;
        let macs = Cell::new(0);
        let pass = Pass::new(&leaves, &running, BatchNormMode::Evaluate).counting(&macs);
        let no_images = Tensor::f_zeros([0, c, h, w], (Kind::Float, Device::Cpu))?;
        tch::no_grad(|| module.forward(&pass, &no_images)).map(drop)?;
        Ok(macs.get())
    }

    /// Names and shapes of what a checkpoint holds of the network: parameters and BN statistics.
    pub fn tensor_shapes(self, num_classes: usize) -> BTreeMap<String, Vec<i64>> {
        let mut builder = Builder::default();
        self.build(&mut builder, num_classes as i64);
        let statistics = builder.batch_norms.iter().flat_map(|(name, channels)| {
            ["running_mean", "running_var"].map(|part| (format!("{name}.{part}"), vec![*channels]))
        });
        builder.parameters.iter().map(|d| (d.name.clone(), d.shape.clone())).chain(statistics).collect()
    }
}
