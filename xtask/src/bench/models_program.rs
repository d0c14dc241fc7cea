//! The programs whose training steps `cargo xtask bench models` measures.

/// A program that trains a network: Polder, or PyTorch in one of its modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Program {
    PolderF32,
    PolderBf16,
    PolderSam,
    PytorchF32,
    PytorchF32ChannelsLast,
    PytorchBf16,
    PytorchBf16ChannelsLast,
    PytorchCompiled,
    PolderGraphs,
    PytorchCompiledGraphs,
}

impl Program {
    pub(super) const ON_CPU: [Self; 8] = [
        Self::PolderF32,
        Self::PolderBf16,
        Self::PolderSam,
        Self::PytorchF32,
        Self::PytorchF32ChannelsLast,
        Self::PytorchBf16,
        Self::PytorchBf16ChannelsLast,
        Self::PytorchCompiled,
    ];

    /// In bf16 alone, as networks are trained there.
    pub(super) const ON_CUDA: [Self; 6] = [
        Self::PolderBf16,
        Self::PolderGraphs,
        Self::PytorchBf16,
        Self::PytorchBf16ChannelsLast,
        Self::PytorchCompiled,
        Self::PytorchCompiledGraphs,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PolderF32 => "Polder, f32",
            Self::PolderBf16 => "Polder, bf16",
            Self::PolderSam => "Polder, bf16, SAM",
            Self::PytorchF32 => "PyTorch, f32 (its default)",
            Self::PytorchF32ChannelsLast => "PyTorch, f32, channels-last",
            Self::PytorchBf16 => "PyTorch, bf16",
            Self::PytorchBf16ChannelsLast => "PyTorch, bf16, channels-last",
            Self::PytorchCompiled => "PyTorch, bf16, channels-last, compiled",
            Self::PolderGraphs => "Polder, bf16, CUDA graphs",
            Self::PytorchCompiledGraphs => "PyTorch, bf16, channels-last, compiled, CUDA graphs",
        }
    }

    /// As `benches/peers.py` calls it; `None` for Polder.
    pub(super) fn pytorch_mode(self) -> Option<&'static str> {
        match self {
            Self::PolderF32 | Self::PolderBf16 | Self::PolderSam | Self::PolderGraphs => None,
            Self::PytorchF32 => Some("f32"),
            Self::PytorchF32ChannelsLast => Some("f32, channels-last"),
            Self::PytorchBf16 => Some("bf16"),
            Self::PytorchBf16ChannelsLast => Some("bf16, channels-last"),
            Self::PytorchCompiled => Some("bf16, channels-last, compiled"),
            Self::PytorchCompiledGraphs => Some("bf16, channels-last, compiled, CUDA graphs"),
        }
    }

    pub(super) fn polder_flags(self) -> &'static [&'static str] {
        match self {
            Self::PolderBf16 => &["--precision", "bf16"],
            Self::PolderSam => &["--precision", "bf16", "--sam"],
            Self::PolderGraphs => &["--precision", "bf16", "--cuda-graphs"],
            _ => &["--precision", "f32"],
        }
    }
}
