//! The depths of ResNet: He et al. (2015), arXiv:1512.03385.

/// The depths of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResNetDepth {
    /// Basic blocks 2, 2, 2, 2.
    D18,
    /// Basic blocks 3, 4, 6, 3.
    D34,
    /// Bottlenecks 3, 4, 6, 3.
    D50,
    /// Bottlenecks 3, 4, 23, 3.
    D101,
    /// Bottlenecks 3, 8, 36, 3.
    D152,
}

impl ResNetDepth {
    /// All of them, ascending.
    pub const ALL: [Self; 5] = [Self::D18, Self::D34, Self::D50, Self::D101, Self::D152];

    /// The number in the network's name.
    pub fn layers(self) -> u32 {
        match self {
            Self::D18 => 18,
            Self::D34 => 34,
            Self::D50 => 50,
            Self::D101 => 101,
            Self::D152 => 152,
        }
    }

    /// Blocks of each of the four groups.
    pub fn blocks(self) -> [usize; 4] {
        match self {
            Self::D18 => [2, 2, 2, 2],
            Self::D34 | Self::D50 => [3, 4, 6, 3],
            Self::D101 => [3, 4, 23, 3],
            Self::D152 => [3, 8, 36, 3],
        }
    }

    /// Width of a block's output over the width of its inner convolutions.
    pub fn expansion(self) -> i64 {
        if matches!(self, Self::D18 | Self::D34) { 1 } else { 4 }
    }
}
