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

    /// What the tables call it; the mode in which `benches/peers.py` runs PyTorch, or `None` for Polder; Polder's flags.
    fn spec(self) -> (&'static str, Option<&'static str>, &'static [&'static str]) {
        let pytorch = |name, mode| (name, Some(mode), &[][..]);
        match self {
            Self::PolderF32 => ("Polder, f32", None, &["--precision", "f32"]),
            Self::PolderBf16 => ("Polder, bf16", None, &["--precision", "bf16"]),
            Self::PolderSam => ("Polder, bf16, SAM", None, &["--precision", "bf16", "--sam"]),
            Self::PolderGraphs => {
                ("Polder, bf16, CUDA graphs", None, &["--precision", "bf16", "--cuda-graphs"])
            }
            Self::PytorchF32 => pytorch("PyTorch, f32 (its default)", "f32"),
            Self::PytorchF32ChannelsLast => pytorch("PyTorch, f32, channels-last", "f32, channels-last"),
            Self::PytorchBf16 => pytorch("PyTorch, bf16", "bf16"),
            Self::PytorchBf16ChannelsLast => pytorch("PyTorch, bf16, channels-last", "bf16, channels-last"),
            Self::PytorchCompiled => {
                pytorch("PyTorch, bf16, channels-last, compiled", "bf16, channels-last, compiled")
            }
            Self::PytorchCompiledGraphs => pytorch(
                "PyTorch, bf16, channels-last, compiled, CUDA graphs",
                "bf16, channels-last, compiled, CUDA graphs",
            ),
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.spec().0
    }

    pub(super) fn pytorch_mode(self) -> Option<&'static str> {
        self.spec().1
    }

    pub(super) fn polder_flags(self) -> &'static [&'static str] {
        self.spec().2
    }
}
