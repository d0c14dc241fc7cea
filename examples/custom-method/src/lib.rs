//! A network and an optimizer of your own, each one file, and the names under which a configuration finds them.

pub mod lookahead;
pub mod plain_net;

use polder_experiment::config::custom::CustomNetwork;
use polder_train::custom::{register_network, register_optimizer};

use crate::lookahead::Lookahead;
use crate::plain_net::PlainNet;

/// From now on a configuration may say `model.name = "plain-8"` and `optimizer.method = "lookahead"`.
///
/// # Errors
/// If it was called before.
pub fn register() -> anyhow::Result<()> {
    let traits = CustomNetwork { has_bn: true, reads_channels_last: true };
    register_network("plain-8", traits, |builder, num_classes| {
        Box::new(PlainNet::new(builder, 8, num_classes))
    })?;
    register_optimizer("lookahead", |config, entries| {
        // Momentum, weight decay and clipping, as the configuration has them.
        Ok(Box::new(Lookahead::new(config.sgd(entries), 5, 0.5)?))
    })
}
