//! The interpreter that runs the peers.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::args::PeerArgs;
use crate::python_environment::{self, Python, Wanted};
use crate::workspace::Workspace;

/// FFCV is compiled against OpenCV and libjpeg-turbo.
const PACKAGES: Wanted = Wanted {
    module: "torch",
    required: &["torch==2.11.0", "torchvision==0.26.0", "numpy", "pillow"],
    required_time: Duration::from_mins(30),
    optional: &[("tensorflow-cpu", "tf.data"), ("ffcv", "FFCV")],
    optional_time: Duration::from_mins(6),
};

/// If peers are asked for: the interpreter that the user names, which has what it has, or that of an environment in the target
/// folder, made now (about 6 GB on disk) unless it is there and complete.
///
/// # Errors
/// If there is no `python3`, it makes no environments, or a required package does not install.
pub(crate) fn provide(workspace: &Workspace, args: &PeerArgs) -> Result<Option<Python>> {
    if !args.peers {
        return Ok(None);
    }
    if let Some(named) = &args.python {
        return Ok(Some(Python { interpreter: workspace.typed_path(named), missing: Vec::new() }));
    }
    let python = python_environment::provide(&workspace.target_dir()?.join("peers"), &PACKAGES);
    python.map(Some).context(
        "the peers run in Python, which takes 6 GB; `--python` names an interpreter that has torch and torchvision",
    )
}
