//! Parameters and multiply-accumulates, counted layer by layer.

use crate::architecture::Architecture;
use crate::error::ArchitectureError;
use crate::pyramid_net::pyramid_net_widths;
use crate::resnet::ResNetDepth;
use crate::wide_resnet::{STEM_CHANNELS, UnitShape};

impl Architecture {
    /// Number of trainable parameters.
    pub fn num_parameters(self, num_classes: usize) -> u64 {
        // No parameter depends on the size of the images.
        self.count([1, 1], num_classes).parameters
    }

    /// Multiply-accumulates of the forward pass of one image of shape C, H, W: those of convolutions and linear layers.
    ///
    /// A training step takes about three times as many per image, one with SAM about six. Borders are counted like the
    /// inside, as is usual.
    ///
    /// # Errors
    /// [`ArchitectureError::Images`] if the network does not take such images.
    pub fn macs(self, num_classes: usize, images: [usize; 3]) -> Result<u64, ArchitectureError> {
        self.check_images(images)?;
        Ok(self.count([images[1], images[2]], num_classes).macs)
    }

    fn count(self, image: [usize; 2], num_classes: usize) -> Count {
        let mut count = Count::default();
        let classes = num_classes as u64;
        match self {
            Self::ResNet(depth) => count.resnet(depth, image, classes),
            Self::WideResNet { depth, widening } => {
                count.wide_resnet((depth - 4) / 6, widening, image, classes, true);
            }
            Self::WideResNet28x10Released => count.wide_resnet(5, 10, image, classes, true),
            Self::WideResNetSkipInit { depth, widening } => {
                count.wide_resnet((depth - 4) / 6, widening, image, classes, false);
            }
            Self::PyramidNet { depth, alpha } => count.pyramid_net((depth - 2) / 9, alpha, image, classes),
            Self::Mlp { inputs, width, hidden_layers } => {
                let mut features = u64::from(inputs);
                for _ in 0..hidden_layers {
                    count.linear(features, width.into());
                    features = width.into();
                }
                count.linear(features, classes);
            }
        }
        count
    }
}

/// A running count.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    parameters: u64,
    macs: u64,
}

impl Count {
    /// A convolution without bias over a plane of `size`; returns the size of its output.
    fn conv(
        &mut self,
        channels_in: u64,
        channels_out: u64,
        kernel: u64,
        stride: usize,
        size: [usize; 2],
    ) -> [usize; 2] {
        let out = size.map(|extent| extent.div_ceil(stride));
        let weights = channels_in * channels_out * kernel * kernel;
        self.parameters += weights;
        self.macs += weights * (out[0] * out[1]) as u64;
        out
    }

    /// Scale and shift.
    fn batch_norm(&mut self, channels: u64) {
        self.parameters += 2 * channels;
    }

    fn linear(&mut self, features_in: u64, features_out: u64) {
        self.parameters += (features_in + 1) * features_out;
        self.macs += features_in * features_out;
    }

    fn resnet(&mut self, depth: ResNetDepth, image: [usize; 2], classes: u64) {
        let expansion = depth.expansion() as u64;
        let mut size = self.conv(3, 64, 3, 1, image);
        self.batch_norm(64);
        let mut channels = 64;
        for (group, (num_blocks, width)) in depth.blocks().into_iter().zip([64, 128, 256, 512]).enumerate() {
            for block in 0..num_blocks {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                let channels_out = width * expansion;
                let before = size;
                if expansion == 1 {
                    size = self.conv(channels, width, 3, stride, size);
                    self.conv(width, width, 3, 1, size);
                } else {
                    self.conv(channels, width, 1, 1, size);
                    size = self.conv(width, width, 3, stride, size);
                    self.conv(width, channels_out, 1, 1, size);
                    self.batch_norm(width);
                }
                self.batch_norm(width);
                self.batch_norm(channels_out);
                if stride != 1 || channels != channels_out {
                    self.conv(channels, channels_out, 1, stride, before);
                    self.batch_norm(channels_out);
                }
                channels = channels_out;
            }
        }
        self.linear(channels, classes);
    }

    fn wide_resnet(
        &mut self,
        units_per_group: u32,
        widening: u32,
        image: [usize; 2],
        classes: u64,
        has_bn: bool,
    ) {
        let mut size = self.conv(3, STEM_CHANNELS as u64, 3, 1, image);
        let mut channels = STEM_CHANNELS as u64;
        for shape in UnitShape::all(units_per_group, widening.into()) {
            let (channels_in, channels_out) = (shape.channels_in as u64, shape.channels_out as u64);
            let before = size;
            size = self.conv(channels_in, channels_out, 3, shape.stride as usize, size);
            self.conv(channels_out, channels_out, 3, 1, size);
            if shape.projects() {
                self.conv(channels_in, channels_out, 1, shape.stride as usize, before);
            }
            if has_bn {
                self.batch_norm(channels_in);
                self.batch_norm(channels_out);
            } else {
                // The learned scalar of the residual branch.
                self.parameters += 1;
            }
            channels = channels_out;
        }
        if has_bn {
            self.batch_norm(channels);
        }
        self.linear(channels, classes);
    }

    fn pyramid_net(&mut self, blocks_per_stage: u32, alpha: u32, image: [usize; 2], classes: u64) {
        const EXPANSION: u64 = 4;
        let mut size = self.conv(3, STEM_CHANNELS as u64, 3, 1, image);
        self.batch_norm(STEM_CHANNELS as u64);
        let mut channels = STEM_CHANNELS as u64;
        for (position, width) in (0..).zip(pyramid_net_widths(blocks_per_stage, alpha)) {
            let width = width as u64;
            let stride = if position > 0 && position % blocks_per_stage == 0 { 2 } else { 1 };
            self.conv(channels, width, 1, 1, size);
            size = self.conv(width, width, 3, stride, size);
            self.conv(width, width * EXPANSION, 1, 1, size);
            for norm in [channels, width, width, width * EXPANSION] {
                self.batch_norm(norm);
            }
            channels = width * EXPANSION;
        }
        self.batch_norm(channels);
        self.linear(channels, classes);
    }
}

#[cfg(test)]
mod tests {
    use crate::architecture::Architecture;

    /// Counts of PyTorch's modules, `golden/network_sizes.py`; `polder-models` compares all of them with the networks it builds.
    #[test]
    fn sizes_are_those_of_the_published_networks() {
        for (name, images, parameters, macs) in [
            ("resnet-18", [3, 32, 32], 11_173_962, 555_422_720),
            ("resnet-152", [3, 32, 32], 58_156_618, 3_722_137_600),
            ("wrn-28-10", [3, 32, 32], 36_479_194, 5_243_328_768),
            ("wrn28-10-released", [3, 32, 32], 46_160_474, 6_658_906_368),
            ("wrn-16-4-skipinit", [3, 32, 32], 2_745_280, 392_612_352),
            ("pyramidnet-272-200", [3, 32, 32], 26_210_842, 4_488_778_176),
            ("mlp-784-1000x2", [1, 28, 28], 1_796_010, 1_794_000),
        ] {
            let architecture: Architecture = name.parse().unwrap();
            assert_eq!(architecture.num_parameters(10), parameters, "{name}");
            assert_eq!(architecture.macs(10, images).unwrap(), macs, "{name}");
        }
    }
}
