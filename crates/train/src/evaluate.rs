//! Loss and error of a network's weights on a split.

use anyhow::ensure;
use polder_models::{BatchNormMode, FlatParameters, MinibatchLoss, Network, SwappedWeights};
use tch::{Kind, Tensor};

use crate::feed::Feed;
use crate::interrupt::{self, Interrupted};
use polder_experiment::config::{BnRefresh, EvaluationConfig};
use polder_experiment::run::record::Evaluation;

/// Where an image has its columns, in N,C,H,W.
const WIDTH: i64 = 3;

/// The network as it is, BN with its running statistics.
///
/// # Errors
/// [`Interrupted`] if a stop or a checkpoint was asked for first; if libtorch fails.
pub fn evaluate(network: &Network, test: &Feed, config: &EvaluationConfig) -> anyhow::Result<Evaluation> {
    let mut sums = LossSums::new(network);
    for minibatch in test.epoch(0)? {
        ensure!(!interrupt::pending(), Interrupted);
        let minibatch = minibatch?;
        let loss = tch::no_grad(|| {
            let mut logits = network.forward(&minibatch.images, BatchNormMode::Evaluate)?;
            if config.flips {
                logits += network.forward(&minibatch.images.f_flip([WIDTH])?, BatchNormMode::Evaluate)?;
                logits /= 2.0;
            }
            MinibatchLoss::of(&logits, &minibatch.labels)
        })?;
        sums.add(&loss, minibatch.num_images() as u64);
    }
    Ok(Evaluation { loss: sums.mean_loss(), error: sums.error() })
}

/// `weights`, those of an average or the network's own, after a BN refresh over one epoch of `train`; the network is put back.
///
/// `epoch` chooses the order and the augmentation of that epoch.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_refreshed(
    network: &Network,
    weights: &FlatParameters,
    train: &Feed,
    epoch: u64,
    test: &Feed,
    config: &EvaluationConfig,
) -> anyhow::Result<Evaluation> {
    let _put_back_when_dropped = refreshed(network, weights, train, epoch, config, |_| {})?;
    evaluate(network, test, config)
}

/// `weights` in the network's place, after a BN refresh over one epoch of `train`; dropping what is returned puts the network
/// back.
///
/// `epoch` chooses the order and the augmentation of that epoch, `seen` is told how many images each minibatch has.
///
/// # Errors
/// As [`evaluate`].
pub fn refreshed<'a>(
    network: &'a Network,
    weights: &FlatParameters,
    train: &Feed,
    epoch: u64,
    config: &EvaluationConfig,
    mut seen: impl FnMut(u64),
) -> anyhow::Result<SwappedWeights<'a>> {
    let swapped = SwappedWeights::new(network, weights)?;
    let minibatches = train.epoch(epoch)?;
    let images = minibatches.map(|minibatch| {
        ensure!(!interrupt::pending(), Interrupted);
        let images = minibatch?.images;
        seen(images.size()[0] as u64);
        Ok(images)
    });
    match config.bn_refresh {
        BnRefresh::PerBatch => swapped.refresh(images)?,
        BnRefresh::PerImage => swapped.refresh_per_image(images)?,
    };
    Ok(swapped)
}

/// Running sums over minibatches of unequal size, kept on the device in f64 and read rarely.
pub struct LossSums {
    pub loss: Tensor,
    pub wrong: Tensor,
    pub images: u64,
}

impl LossSums {
    pub fn new(network: &Network) -> Self {
        let zero = |kind| Tensor::zeros([0_i64; 0], (kind, network.device()));
        Self { loss: zero(Kind::Double), wrong: zero(Kind::Int64), images: 0 }
    }

    /// Sums that continue where a checkpoint left them.
    pub fn restored(network: &Network, loss: f64, wrong: i64, images: u64) -> Self {
        let mut sums = Self::new(network);
        let _ = sums.loss.fill_(loss);
        let _ = sums.wrong.fill_(wrong);
        sums.images = images;
        sums
    }

    pub fn add(&mut self, loss: &MinibatchLoss, images: u64) {
        self.loss += loss.mean_loss.to_kind(Kind::Double) * images as f64;
        self.wrong += &loss.num_wrong;
        self.images += images;
    }

    pub fn loss_sum(&self) -> f64 {
        self.loss.double_value(&[])
    }

    pub fn num_wrong(&self) -> i64 {
        self.wrong.int64_value(&[])
    }

    /// Mean loss per image; `None` if it is not finite.
    pub fn mean_loss(&self) -> Option<f64> {
        Some(self.loss_sum() / self.images as f64).filter(|loss| loss.is_finite())
    }

    /// Fraction of images classified wrongly.
    pub fn error(&self) -> f64 {
        self.num_wrong() as f64 / self.images as f64
    }
}
