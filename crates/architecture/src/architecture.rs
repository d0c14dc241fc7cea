//! The networks by name.

use std::fmt;
use std::str::FromStr;

use crate::error::ArchitectureError;
use crate::resnet::ResNetDepth;

/// A network up to its number of classes; parses from and displays as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// `resnet-18` to `resnet-152`.
    ResNet(ResNetDepth),
    /// `wrn-<depth>-<widening>`.
    WideResNet {
        /// 6 n + 4 with n units per group.
        depth: u32,
        /// Multiplies the widths 16, 32 and 64.
        widening: u32,
    },
    /// `wrn28-10-released`: what the code of Nitanda et al. calls WRN28_10, with 5 units per group instead of 4.
    WideResNet28x10Released,
    /// `wrn-<depth>-<widening>-skipinit`: without BN, every residual branch scaled by a learned number.
    WideResNetSkipInit {
        /// 6 n + 4 with n units per group.
        depth: u32,
        /// Multiplies the widths 16, 32 and 64.
        widening: u32,
    },
    /// `pyramidnet-<depth>-<alpha>`, of bottlenecks.
    PyramidNet {
        /// 9 n + 2 with n blocks per stage.
        depth: u32,
        /// By how much the width of the inner convolutions grows, from 16 on.
        alpha: u32,
    },
    /// `mlp-<inputs>-<width>x<hidden layers>`.
    Mlp {
        /// Values of an image: channels times height times width.
        inputs: u32,
        /// Of each hidden layer.
        width: u32,
        /// At least 1.
        hidden_layers: u32,
    },
}

impl Architecture {
    /// Whether it has batch normalisation, whose statistics do not fit averaged weights.
    pub fn has_bn(self) -> bool {
        !matches!(self, Self::WideResNetSkipInit { .. } | Self::Mlp { .. })
    }

    /// Whether it reads images with channels last (N,H,W,C in memory), as convolutions do. A perceptron reads N,C,H,W.
    pub fn reads_channels_last(self) -> bool {
        !matches!(self, Self::Mlp { .. })
    }

    /// Checks that the network takes images of `shape` C, H, W.
    ///
    /// # Errors
    /// [`ArchitectureError::Images`]: convolutional networks take 3 channels of any size, a perceptron as many values as its
    /// name says.
    pub fn check_images(self, shape: [usize; 3]) -> Result<(), ArchitectureError> {
        let (fits, expected) = match self {
            Self::Mlp { inputs, .. } => {
                (shape.iter().product::<usize>() == inputs as usize, format!("{inputs} values"))
            }
            _ => (shape[0] == 3, "3 channels".to_owned()),
        };
        if fits {
            Ok(())
        } else {
            Err(ArchitectureError::Images { architecture: self, expected, found: shape })
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResNet(depth) => write!(f, "resnet-{}", depth.layers()),
            Self::WideResNet { depth, widening } => write!(f, "wrn-{depth}-{widening}"),
            Self::WideResNet28x10Released => f.write_str("wrn28-10-released"),
            Self::WideResNetSkipInit { depth, widening } => write!(f, "wrn-{depth}-{widening}-skipinit"),
            Self::PyramidNet { depth, alpha } => write!(f, "pyramidnet-{depth}-{alpha}"),
            Self::Mlp { inputs, width, hidden_layers } => write!(f, "mlp-{inputs}-{width}x{hidden_layers}"),
        }
    }
}

impl FromStr for Architecture {
    type Err = ArchitectureError;

    fn from_str(name: &str) -> Result<Self, ArchitectureError> {
        let fixed = ResNetDepth::ALL.into_iter().map(Self::ResNet).chain([Self::WideResNet28x10Released]);
        let families = [wide_resnet(name), pyramid_net(name), mlp(name)].into_iter().flatten();
        fixed
            .chain(families)
            // One name per network: `wrn-+16-04` is none.
            .find(|known| known.to_string() == name)
            .ok_or_else(|| ArchitectureError::UnknownName { name: name.to_owned() })
    }
}

// The bounds of what is parsed lie far beyond every published network; more is a slip of the keyboard.

fn wide_resnet(name: &str) -> Option<Architecture> {
    let name = name.strip_prefix("wrn-")?;
    let (size, skipinit) = match name.strip_suffix("-skipinit") {
        Some(size) => (size, true),
        None => (name, false),
    };
    let (depth, widening) = pair(size, '-')?;
    let sound = (10..=1000).contains(&depth) && (depth - 4) % 6 == 0 && (1..=160).contains(&widening);
    sound.then_some(if skipinit {
        Architecture::WideResNetSkipInit { depth, widening }
    } else {
        Architecture::WideResNet { depth, widening }
    })
}

fn pyramid_net(name: &str) -> Option<Architecture> {
    let (depth, alpha) = pair(name.strip_prefix("pyramidnet-")?, '-')?;
    let sound = (11..=1000).contains(&depth) && (depth - 2) % 9 == 0 && (1..=2000).contains(&alpha);
    sound.then_some(Architecture::PyramidNet { depth, alpha })
}

fn mlp(name: &str) -> Option<Architecture> {
    let (inputs, hidden) = name.strip_prefix("mlp-")?.split_once('-')?;
    let (inputs, (width, hidden_layers)) = (inputs.parse().ok()?, pair(hidden, 'x')?);
    let sound = (1..=1 << 20).contains(&inputs)
        && (1..=1 << 14).contains(&width)
        && (1..=100).contains(&hidden_layers);
    sound.then_some(Architecture::Mlp { inputs, width, hidden_layers })
}

fn pair(text: &str, separator: char) -> Option<(u32, u32)> {
    let (first, second) = text.split_once(separator)?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_parsing_and_others_are_refused() {
        for name in [
            "resnet-18",
            "resnet-152",
            "wrn-10-1",
            "wrn-28-10",
            "wrn28-10-released",
            "wrn-10-1-skipinit",
            "pyramidnet-272-200",
            "pyramidnet-11-1",
            "mlp-784-1000x2",
        ] {
            assert_eq!(name.parse::<Architecture>().unwrap().to_string(), name);
        }
        for name in [
            "resnet-20",
            "wrn-11-1",
            "wrn-10-0",
            "wrn-4-1",
            "wrn-10",
            "wrn-+16-04",
            "wrn-28--10",
            "wrn-10-1-skipinit-skipinit",
            "pyramidnet-270-200",
            "pyramidnet-2-200",
            "pyramidnet-272",
            "mlp-784-1000",
            "mlp-784-1000x0",
            "mlp-0-1000x2",
            "vgg",
            "",
        ] {
            assert!(name.parse::<Architecture>().is_err(), "{name}");
        }
    }

    #[test]
    fn images_that_do_not_fit_are_refused_with_what_would() {
        let check = |name: &str, shape| name.parse::<Architecture>().unwrap().check_images(shape);
        assert!(check("mlp-784-1000x2", [1, 28, 28]).is_ok());
        assert!(check("wrn-10-1", [3, 24, 40]).is_ok());
        let error = check("mlp-784-1000x2", [3, 32, 32]).unwrap_err().to_string();
        assert!(error.contains("784 values") && error.contains("3 x 32 x 32"), "{error}");
        let error = check("pyramidnet-272-200", [1, 28, 28]).unwrap_err().to_string();
        assert!(error.contains("3 channels") && error.contains("1 x 28 x 28"), "{error}");
    }
}
