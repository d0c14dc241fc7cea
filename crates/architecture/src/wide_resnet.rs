//! The units of a WideResNet: Zagoruyko and Komodakis (2016), arXiv:1605.07146.

/// Channels of the first convolution.
pub(crate) const STEM_CHANNELS: i64 = 16;

/// Position and sizes of a unit.
#[derive(Clone, Copy, Debug)]
pub struct UnitShape {
    /// From 1.
    pub group: usize,
    /// Within the group, from 0.
    pub index: u32,
    /// Of the input.
    pub channels_in: i64,
    /// Of the output.
    pub channels_out: i64,
    /// Of the first convolution.
    pub stride: i64,
}

impl UnitShape {
    /// Channels of the first convolution.
    pub const STEM_CHANNELS: i64 = STEM_CHANNELS;

    /// All units of a network, in order.
    pub fn all(units_per_group: u32, widening: i64) -> Vec<Self> {
        let mut channels_in = STEM_CHANNELS;
        let mut shapes = Vec::new();
        for (group, width) in (1..).zip([16, 32, 64]) {
            for index in 0..units_per_group {
                let stride = if group > 1 && index == 0 { 2 } else { 1 };
                let channels_out = width * widening;
                shapes.push(Self { group, index, channels_in, channels_out, stride });
                channels_in = channels_out;
            }
        }
        shapes
    }

    /// Whether the shortcut is a convolution.
    pub fn projects(self) -> bool {
        self.channels_in != self.channels_out || self.stride != 1
    }
}
