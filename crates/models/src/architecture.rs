//! The networks by name.

use std::fmt;
use std::str::FromStr;

use crate::error::ModelError;
use crate::layers::Builder;
use crate::network::Module;
use crate::resnet::{ResNet, ResNetDepth};
use crate::wide_resnet::WideResNet;

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
}

impl Architecture {
    pub(crate) fn build(self, builder: &mut Builder, num_classes: i64) -> Box<dyn Module> {
        match self {
            Self::ResNet(depth) => Box::new(ResNet::new(builder, depth, num_classes)),
            Self::WideResNet { depth, widening } => {
                Box::new(WideResNet::new(builder, (depth - 4) / 6, i64::from(widening), num_classes))
            }
            Self::WideResNet28x10Released => Box::new(WideResNet::new(builder, 5, 10, num_classes)),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResNet(depth) => write!(f, "resnet-{}", depth.layers()),
            Self::WideResNet { depth, widening } => write!(f, "wrn-{depth}-{widening}"),
            Self::WideResNet28x10Released => f.write_str("wrn28-10-released"),
        }
    }
}

impl FromStr for Architecture {
    type Err = ModelError;

    fn from_str(name: &str) -> Result<Self, ModelError> {
        let resnet = ResNetDepth::ALL.into_iter().map(Self::ResNet);
        if let Some(known) =
            resnet.chain([Self::WideResNet28x10Released]).find(|known| known.to_string() == name)
        {
            return Ok(known);
        }
        let wide = || {
            let (depth, widening) = name.strip_prefix("wrn-")?.split_once('-')?;
            let (depth, widening) = (depth.parse().ok()?, widening.parse().ok()?);
            // Up to 16 times the widest published network; more is a slip of the keyboard.
            let sound = depth >= 10 && (depth - 4) % 6 == 0 && depth <= 1000 && (1..=160).contains(&widening);
            sound.then_some(Self::WideResNet { depth, widening })
        };
        wide().ok_or_else(|| ModelError::UnknownArchitecture { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_parsing_and_others_are_refused() {
        for name in ["resnet-18", "resnet-152", "wrn-10-1", "wrn-28-10", "wrn28-10-released"] {
            assert_eq!(name.parse::<Architecture>().unwrap().to_string(), name);
        }
        for name in ["resnet-20", "wrn-11-1", "wrn-10-0", "wrn-4-1", "wrn-10", "vgg", "", "wrn-28--10"] {
            assert!(name.parse::<Architecture>().is_err(), "{name}");
        }
    }
}
