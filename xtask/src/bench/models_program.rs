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

    /// The name in the tables, and Polder's flags.
    fn spec(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::PolderF32 => ("Polder, f32", &["--precision", "f32"]),
            Self::PolderBf16 => ("Polder, bf16", &["--precision", "bf16"]),
            Self::PolderSam => ("Polder, bf16, SAM", &["--precision", "bf16", "--sam"]),
            Self::PolderGraphs => ("Polder, bf16, CUDA graphs", &["--precision", "bf16", "--cuda-graphs"]),
            Self::PytorchF32 => ("PyTorch, f32 (its default)", &[]),
            Self::PytorchF32ChannelsLast => ("PyTorch, f32, channels-last", &[]),
            Self::PytorchBf16 => ("PyTorch, bf16", &[]),
            Self::PytorchBf16ChannelsLast => ("PyTorch, bf16, channels-last", &[]),
            Self::PytorchCompiled => ("PyTorch, bf16, channels-last, compiled", &[]),
            Self::PytorchCompiledGraphs => ("PyTorch, bf16, channels-last, compiled, CUDA graphs", &[]),
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.spec().0
    }

    /// The mode in which `benches/peers.py` runs PyTorch, or `None` for Polder.
    pub(super) fn pytorch_mode(self) -> Option<&'static str> {
        Some(self.name().strip_prefix("PyTorch, ")?.trim_end_matches(" (its default)"))
    }

    pub(super) fn polder_flags(self) -> &'static [&'static str] {
        self.spec().1
    }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn the_mode_of_pytorch_is_what_the_script_calls_it() {
        let script = include_str!("../../../crates/models/benches/peers.py");
        for program in Program::ON_CPU.iter().chain(&Program::ON_CUDA) {
            let is_known = |mode: &str| script.contains(&format!("\"{mode}\""));
            assert!(program.pytorch_mode().is_none_or(is_known), "{program:?}");
        }
    }
}
