//! Every kind of optimizer, average, schedule and evaluation that a configuration can ask for reaches the training.

mod training;

use std::path::Path;

use polder_models::Checkpoint;
use serde_json::Value;

use training::{finish, newest, polder, records, stderr, success};

/// The final checkpoint and the records of a run of one epoch.
fn train(settings: &[&str]) -> (Checkpoint, Vec<Value>) {
    let runs = tempfile::tempdir().unwrap();
    let settings: Vec<&str> = settings.iter().copied().chain(["training.epochs=1"]).collect();
    let dir = success(&mut polder(runs.path(), &settings));
    (newest(&dir).checkpoint, records(&dir))
}

fn values(checkpoint: &Checkpoint, name: &str) -> Vec<f32> {
    let (values, rest) = checkpoint.tensors[name].bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// The weight of a convolution: the first tensor of a network with four extents.
fn convolution(checkpoint: &Checkpoint) -> Vec<f32> {
    let mut names = checkpoint.tensors.iter().filter(|(_, saved)| saved.shape.len() == 4);
    values(checkpoint, names.next().unwrap().0)
}

/// What a BN layer scales by: the first that has a running mean beside it.
fn batch_norm(checkpoint: &Checkpoint) -> Vec<f32> {
    let layer = checkpoint.tensors.keys().find_map(|name| name.strip_suffix("running_mean")).unwrap();
    values(checkpoint, &format!("{layer}weight"))
}

/// Each of these settings changes the weights, and the loss stays a number.
#[test]
fn every_method_trains_in_its_own_way() {
    let plain = train(&["averages={}"]).0;
    let sam = "optimizer={method='sam', rho=0.1, momentum=0.9, ";
    for optimizer in [
        "optimizer={momentum=0.9, nesterov=true}".to_owned(),
        "optimizer={momentum=0.9, dampening=0.5}".to_owned(),
        "optimizer={method='gradient-penalty', lambda=0.1, momentum=0.9}".to_owned(),
        "optimizer={method='euler-steps', euler_steps=2, momentum=0.9}".to_owned(),
        format!("{sam} ascent='unnormalized', ascent_decay='inside'}}"),
        format!("{sam} ascent='adaptive', micro_batches=4, ascend_every=2}}"),
    ] {
        let (checkpoint, records) = train(&["averages={}", &optimizer]);
        assert_ne!(convolution(&checkpoint), convolution(&plain), "{optimizer}");
        assert!(records[1]["train_loss"].as_f64().is_some_and(|loss| loss < 3.0), "{optimizer}: {records:?}");
        assert_eq!(records[1].get("ascent_norm").is_some(), optimizer.contains("sam"), "{optimizer}");
    }
}

#[test]
fn methods_at_rest_are_sgd_bit_by_bit() {
    let plain = train(&["averages={}"]).0;
    for optimizer in [
        "optimizer={method='gradient-penalty', lambda=0.0, momentum=0.9}",
        "optimizer={method='euler-steps', euler_steps=1, momentum=0.9}",
        "optimizer={method='sam', rho=0.0, momentum=0.9}",
    ] {
        assert_eq!(train(&["averages={}", optimizer]).0.tensors, plain.tensors, "{optimizer}");
    }
}

/// Gradients clipped to nothing leave the decay alone: `(1 - 0.1 * 2)^5` after five steps, and BN at 1 where it is spared.
#[test]
fn decay_spares_what_it_is_told_to_and_clipping_comes_before_it() {
    let settings = ["averages={}", "schedule={kind='constant', learning_rate=0.1}"];
    let scale = |decay_on: &str| {
        let optimizer = format!("optimizer={{weight_decay=2.0, clip_norm=1e-12, decay_on='{decay_on}'}}");
        let checkpoint = train(&[&settings[..], &[&optimizer]].concat()).0;
        (batch_norm(&checkpoint)[0], convolution(&checkpoint).iter().map(|w| w * w).sum::<f32>())
    };
    let (all, spared) = (scale("all"), scale("no-bias-no-bn"));
    assert!((all.0 - 0.32768).abs() < 1e-4, "{all:?}");
    assert_eq!(spared.0, 1.0);
    assert!((spared.1 / all.1 - 1.0).abs() < 1e-4, "convolutions decay either way: {all:?}, {spared:?}");
}

#[test]
fn all_kinds_of_averages_are_kept_side_by_side() {
    let averages = "averages={a={kind='tail', start=0.0}, b={kind='ema', start=0.0, decay=0.5}, \
                    c={kind='corrected-ema', start=0.0, decay=0.5}, d={kind='swa', start=0.0}, \
                    e={kind='window', start=0.0, length=2}}";
    let (checkpoint, records) = train(&[averages, "data.train_images=128"]);
    let evaluated = records[1]["evaluations"].as_object().unwrap();
    assert_eq!(
        evaluated.keys().collect::<Vec<_>>(),
        ["a", "b", "c", "d", "e", "iterate", "iterate-refreshed"]
    );
    let average = |name: &str| values(&checkpoint, &format!("polder.averages.{name}.average"));
    // Two steps: the mean is (w1 + w2) / 2, the corrected EMA (w1 + 2 w2) / 3; SWA and window hold w2 alone.
    assert_eq!(average("d"), average("e"));
    assert_eq!(average("a"), average("b"));
    let expected = average("a").into_iter().zip(average("d")).map(|(mean, last)| (2.0 * mean + last) / 3.0);
    assert!(average("c").iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6));
}

#[test]
fn how_weights_are_judged_does_not_reach_the_training() {
    let (checkpoint, plain) = train(&[]);
    for (setting, others_too) in [("evaluation.flips=true", true), ("evaluation.bn_refresh=per-image", false)]
    {
        let (other, records) = train(&[setting]);
        assert_eq!(other.tensors, checkpoint.tensors, "{setting}");
        assert_eq!(records[1]["train_loss"], plain[1]["train_loss"]);
        let loss = |records: &[Value], name: &str| records[1]["evaluations"][name]["loss"].clone();
        assert_eq!(loss(&records, "iterate") != loss(&plain, "iterate"), others_too, "{setting}");
        assert_ne!(loss(&records, "ema"), loss(&plain, "ema"), "{setting}");
    }
}

#[test]
fn micro_batches_that_do_not_fit_are_refused_before_the_first_step() {
    let settings = ["optimizer={method='sam', rho=0.1, micro_batches=50}"];
    let runs = tempfile::tempdir().unwrap();
    let (output, dir) = finish(&mut polder(runs.path(), &settings));
    assert_eq!((output.status.code(), dir.as_path()), (Some(1), Path::new("")));
    assert!(stderr(&output).contains("the last minibatch of an epoch has 44"), "{}", stderr(&output));
}
