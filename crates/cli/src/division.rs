//! How the machine is divided among runs.

/// How the machine is divided among runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division {
    /// Runs at a time.
    pub(crate) jobs: usize,
    /// Of libtorch, for each.
    pub(crate) threads: usize,
    /// Whether each has a GPU of its own.
    pub(crate) on_gpus: bool,
}
