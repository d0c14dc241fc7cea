//! The flags that choose where a network computes, and how.

use std::ffi::OsString;

use anyhow::ensure;
use clap::ValueEnum;
use polder_models::CudaChoices;
use polder_train::device::Placement;
use tch::Device;

/// Device of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceChoice {
    Cpu,
    Cuda,
}

impl DeviceChoice {
    /// With what is chosen on CUDA unless something else is asked for.
    pub(crate) fn placement(self) -> Placement {
        match self {
            Self::Cpu => Placement::Cpu,
            Self::Cuda => Placement::Cuda(CudaChoices::default()),
        }
    }

    /// Its [`placement`](Self::placement), made usable.
    pub(crate) fn open(self) -> anyhow::Result<Device> {
        self.placement().open()
    }
}

/// The flags of a command that trains.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeviceFlags {
    /// Device of the network
    #[arg(long, value_enum, default_value_t = DeviceChoice::Cpu)]
    device: DeviceChoice,
    /// Computes f32 products in TF32 on CUDA: faster, 10-bit mantissa. A run keeps the setting it started with
    #[arg(long)]
    tf32: bool,
    /// Uses only bit-reproducible algorithms on CUDA: slower. A run keeps the setting it started with
    #[arg(long)]
    deterministic: bool,
}

impl DeviceFlags {
    /// The same flags for another process.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        if self.device == DeviceChoice::Cuda {
            arguments.extend(["--device".into(), "cuda".into()]);
        }
        for (flag, given) in [("--tf32", self.tf32), ("--deterministic", self.deterministic)] {
            if given {
                arguments.push(flag.into());
            }
        }
        arguments
    }

    /// # Errors
    /// If something is chosen for CUDA on another device.
    pub(crate) fn placement(&self) -> anyhow::Result<Placement> {
        let Self { device, tf32, deterministic } = *self;
        for (flag, given) in [("--tf32", tf32), ("--deterministic", deterministic)] {
            ensure!(
                !given || device == DeviceChoice::Cuda,
                "{flag} belongs to --device cuda: the processor has no TF32, and repeats itself to the bit anyway"
            );
        }
        Ok(match device {
            DeviceChoice::Cpu => Placement::Cpu,
            DeviceChoice::Cuda => Placement::Cuda(CudaChoices { tf32, deterministic }),
        })
    }
}

/// The flag of a command that may replay gradients.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GraphFlag {
    /// Replays the gradients of full minibatches as CUDA graphs: one launch instead of hundreds, same results
    #[arg(long)]
    cuda_graphs: bool,
}

impl GraphFlag {
    /// Whether graphs are asked for.
    ///
    /// # Errors
    /// If they are on another device than CUDA.
    pub(crate) fn given(&self, placement: Placement) -> anyhow::Result<bool> {
        ensure!(!self.cuda_graphs || placement.cuda().is_some(), "--cuda-graphs belongs to --device cuda");
        Ok(self.cuda_graphs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_for_cuda_is_refused_on_the_processor() {
        let flags = |device, tf32, deterministic| DeviceFlags { device, tf32, deterministic }.placement();
        assert_eq!(flags(DeviceChoice::Cpu, false, false).unwrap(), Placement::Cpu);
        let choices = CudaChoices { tf32: true, deterministic: true };
        assert_eq!(flags(DeviceChoice::Cuda, true, true).unwrap(), Placement::Cuda(choices));
        for (tf32, deterministic, named) in [(true, false, "--tf32"), (false, true, "--deterministic")] {
            let error = flags(DeviceChoice::Cpu, tf32, deterministic).unwrap_err().to_string();
            assert!(error.contains(named) && error.contains("--device cuda"), "{error}");
        }
        let graphs = GraphFlag { cuda_graphs: true };
        assert!(graphs.given(Placement::Cuda(choices)).unwrap());
        let error = graphs.given(Placement::Cpu).unwrap_err().to_string();
        assert!(error.contains("--cuda-graphs") && error.contains("--device cuda"), "{error}");
    }
}
