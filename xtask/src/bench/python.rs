//! The interpreter that runs the peers.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::args::PeerArgs;
use crate::bench::peer::{self, Peer};
use crate::command;
use crate::python_environment::{self, Environment, Wanted};
use crate::workspace::Workspace;

/// FFCV is compiled against OpenCV and libjpeg-turbo.
const PACKAGES: Wanted = Wanted {
    module: "torch",
    required: &["torch==2.11.0", "torchvision==0.26.0", "numpy", "pillow"],
    required_time: Duration::from_mins(30),
    optional: &[("tensorflow-cpu", "tf.data"), ("ffcv", "FFCV")],
    optional_time: Duration::from_mins(6),
};

/// An interpreter and what is known to be missing from it.
#[derive(Debug)]
pub(crate) struct Python {
    path: PathBuf,
    missing: Vec<(String, String)>,
}

impl Python {
    /// If peers are asked for: the interpreter that the user names, which has what it has, or that of an environment in the target
    /// folder, made now (about 6 GB on disk) unless it is there and complete.
    ///
    /// # Errors
    /// If there is no `python3`, it makes no environments, or a required package does not install.
    pub(crate) fn of(workspace: &Workspace, args: &PeerArgs) -> Result<Option<Self>> {
        if !args.peers {
            return Ok(None);
        }
        if let Some(named) = &args.python {
            return Ok(Some(Self { path: workspace.typed_path(named), missing: Vec::new() }));
        }
        let folder = workspace.target_dir()?.join("peers");
        let Environment { interpreter, missing } = python_environment::provide(&folder, &PACKAGES).context(
            "the peers run in Python, which takes 6 GB; `--python` names an interpreter that has torch and torchvision",
        )?;
        Ok(Some(Self { path: interpreter, missing }))
    }

    /// Measures the peers on the same images; on random bytes without `data_dir`.
    pub(crate) fn run(&self, script: &Path, data_dir: Option<&Path>) -> Result<Vec<Peer>> {
        let arguments = data_dir.map(|dir| [OsStr::new("--data-dir"), dir.as_os_str()]);
        let mut peers = peer::parse(&self.output(script, arguments.as_ref().map_or(&[], |pair| &pair[..]))?)?;
        for peer in &mut peers {
            // Why it did not install says more than that it cannot be imported.
            if let Peer::Missing { name, missing } = peer
                && let Some((_, reason)) = self.missing.iter().find(|(known, _)| known == name)
            {
                missing.clone_from(reason);
            }
        }
        Ok(peers)
    }

    /// A command of the interpreter.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.path)
    }

    /// What `script` prints.
    pub(crate) fn output(&self, script: &Path, arguments: &[impl AsRef<OsStr>]) -> Result<String> {
        let mut python = self.command();
        python.arg(script).args(arguments);
        command::output(&mut python).with_context(|| {
            format!(
                "the interpreter `{}`; `--python` or POLDER_PEERS_PYTHON names another",
                self.path.display()
            )
        })
    }
}
