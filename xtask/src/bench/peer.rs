//! What `benches/peers.py` says of each peer.

use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::command;
use crate::python_environment::Python;
use crate::workspace::Workspace;

const SCRIPT: &str = "crates/data/benches/peers.py";

/// Another input pipeline: how fast it is, or why that is not known.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Peer {
    Measured(Measured),
    Missing { name: String, missing: String },
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) name: String,
    /// Median over the rounds.
    pub(crate) images_per_second: f64,
    /// Processes beside the one that consumes, or threads; the peer's own notion.
    pub(crate) workers: usize,
    pub(crate) rounds: usize,
    /// Images per round.
    pub(crate) images: usize,
    /// Where it does something else than Polder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
}

/// Measures the peers on the same images; on random bytes without `data_dir`.
pub(crate) fn measure(workspace: &Workspace, python: &Python, data_dir: Option<&Path>) -> Result<Vec<Peer>> {
    let mut script = python.script(workspace, SCRIPT);
    if let Some(data_dir) = data_dir {
        script.arg("--data-dir").arg(data_dir);
    }
    let mut peers = parse(&command::output(&mut script).with_context(|| python.remedy())?)?;
    for peer in &mut peers {
        // The reason why it did not install is more useful than "cannot be imported".
        if let Peer::Missing { name, missing } = peer
            && let Some((_, reason)) = python.missing.iter().find(|(known, _)| known == name)
        {
            missing.clone_from(reason);
        }
    }
    Ok(peers)
}

/// The peers in the lines that the script printed, measured ones first.
pub(super) fn parse(lines: &str) -> Result<Vec<Peer>> {
    let mut peers = lines
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).with_context(|| format!("a peer says `{line}`")))
        .collect::<Result<Vec<Peer>>>()?;
    peers.sort_by_key(|peer| matches!(peer, Peer::Missing { .. }));
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::{Peer, parse};

    #[test]
    fn a_peer_is_measured_or_missing() {
        let lines = "some library greets\n\
                     {\"name\": \"b\", \"missing\": \"no such module\"}\n\
                     {\"name\": \"a\", \"images_per_second\": 10.5, \"workers\": 0, \"rounds\": 5, \"images\": 100}\n";
        let peers = parse(lines).unwrap();
        assert!(matches!(&peers[0], Peer::Measured(peer) if peer.images_per_second == 10.5));
        assert!(matches!(&peers[1], Peer::Missing { missing, .. } if missing == "no such module"));
        assert!(parse("{\"name\": \"c\"}").is_err());
    }
}
