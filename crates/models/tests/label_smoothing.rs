//! Smoothed losses and their gradients against PyTorch in f64; the values are made by golden/models.py.

mod hashed;

use std::path::Path;

use polder_models::{
    Architecture, BatchNormMode, LabelSmoothing, MinibatchLoss, MinibatchObjective, Network, Precision,
};
use polder_optim::{Objective, Point};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use hashed::{hashed, hashed_images};

#[derive(Deserialize)]
struct Golden {
    share: f64,
    over_all_classes: Smoothed,
    divergence_over_other_classes: Smoothed,
}

#[derive(Deserialize)]
struct Smoothed {
    loss: f64,
    gradient: Vec<f64>,
}

fn labels() -> Tensor {
    Tensor::from_slice(&[3_i64, 0, 7, 9])
}

/// The same in f64 but for the values of the logits, which are f32: 1e-12 is rounding.
#[test]
fn both_conventions_agree_with_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/label-smoothing.json");
    let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let values: Vec<f64> =
        hashed("logits", 40).into_iter().map(|value| f64::from((3.0 * value) as f32)).collect();
    let over_others = LabelSmoothing::OverOtherClasses(golden.share);
    let cases = [
        (LabelSmoothing::OverAllClasses(golden.share), 0.0, golden.over_all_classes),
        // There the loss is a divergence: cross entropy less the entropy of the targets.
        (over_others, over_others.target_entropy(10).unwrap(), golden.divergence_over_other_classes),
    ];
    for (smoothing, entropy, expected) in cases {
        let logits = Tensor::from_slice(&values).view([4, 10]).set_requires_grad(true);
        let loss = MinibatchLoss::smoothed(&logits, &labels(), smoothing).unwrap().mean_loss;
        loss.backward();
        let difference = loss.double_value(&[]) - entropy - expected.loss;
        assert!(difference.abs() < 1e-12, "{smoothing:?}: {difference:e}");
        let gradient: Vec<f64> = Vec::try_from(&logits.grad().view(-1)).unwrap();
        for (found, expected) in gradient.iter().zip(&expected.gradient) {
            assert!((found - expected).abs() < 1e-12, "{smoothing:?}: {found} {expected}");
        }
    }
}

#[test]
fn without_smoothing_the_loss_is_plain_cross_entropy() {
    let logits = Tensor::from_slice(&hashed("logits", 40)).view([4, 10]);
    let plain = MinibatchLoss::of(&logits, &labels()).unwrap();
    let by_hand =
        -logits.log_softmax(1, Kind::Double).gather(1, &labels().view([4, 1]), false).mean(Kind::Double);
    assert!((plain.mean_loss.double_value(&[]) - by_hand.double_value(&[])).abs() < 1e-14);
}

#[test]
fn an_objective_steps_down_the_loss_that_it_reports() {
    let architecture: Architecture = "mlp-48-16x2".parse().unwrap();
    let network = Network::new(architecture, 10, 0, Precision::F32, Device::Cpu).unwrap();
    let images = hashed_images([4, 3, 4, 4]);
    let smoothing = LabelSmoothing::OverOtherClasses(0.2);
    let mut objective =
        MinibatchObjective::new(&network, images.shallow_clone(), labels()).with_label_smoothing(smoothing);
    let (parameters, mut gradient) = (network.parameters(), network.gradient());
    let found = objective.gradient(&parameters, Point::Iterate, &mut gradient).unwrap();
    let of_objective = gradient.flat().copy();

    let logits = network.forward(&images, BatchNormMode::Train).unwrap();
    let expected = MinibatchLoss::smoothed(&logits, &labels(), smoothing).unwrap();
    assert_eq!(found.mean_loss, expected.mean_loss.detach());
    assert_eq!(found.num_wrong, MinibatchLoss::of(&logits, &labels()).unwrap().num_wrong);
    network.backward(&expected.mean_loss).unwrap();
    assert_eq!(of_objective, *network.gradient().flat());
    network
        .backward(
            &MinibatchLoss::of(&network.forward(&images, BatchNormMode::Train).unwrap(), &labels())
                .unwrap()
                .mean_loss,
        )
        .unwrap();
    assert_ne!(of_objective, *network.gradient().flat());
}

#[test]
fn a_share_out_of_range_is_an_error_of_the_step() {
    let logits = Tensor::zeros([4, 10], (Kind::Float, Device::Cpu));
    let error =
        MinibatchLoss::smoothed(&logits, &labels(), LabelSmoothing::OverOtherClasses(0.95)).unwrap_err();
    assert!(error.to_string().contains("less than 0.9 for 10 classes"), "{error}");
}
