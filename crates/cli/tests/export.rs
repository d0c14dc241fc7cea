//! `polder export` through the real binary, on a run of a few steps.

mod training;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use polder_data::{
    Augmentation, Generated, GeneratedConfig, ImageShape, Loader, Normalization, Order, Split,
};
use polder_models::{BatchNormMode, Checkpoint, MinibatchLoss, Network, Precision, input};
use tch::Device;
use training::{checkpoint_steps, finish, newest, polder, records, signal, spawn, stderr, success, wait_for};

/// A finished run that has kept all of its checkpoints: the average `tail` begins with the second of three epochs.
fn run(runs: &Path) -> PathBuf {
    success(polder(runs, &[]).args(["--keep-checkpoints", "all"]))
}

fn export(run: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.arg("export").arg(run).args(arguments).env_remove("POLDER_DATA");
    command
}

/// What `polder export --output` wrote.
fn exported(run: &Path, arguments: &[&str]) -> Checkpoint {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.safetensors");
    assert_eq!(success(export(run, arguments).arg("--output").arg(&file)), file);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing lies beside it");
    Checkpoint::read(&file).unwrap()
}

fn failure(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    stderr(&output)
}

fn is_statistic(name: &str) -> bool {
    name.ends_with("running_mean") || name.ends_with("running_var")
}

/// Loss and error of exported weights on the test images of the run, computed without the trainer.
fn evaluation(weights: &Checkpoint) -> (f64, f64) {
    let network = Network::new("wrn-10-1".parse().unwrap(), 10, 99, Precision::F32, Device::Cpu).unwrap();
    weights.load_network(&network).unwrap();
    let default = GeneratedConfig::default();
    let shape = ImageShape { height: 16, width: 16, ..default.shape };
    let images = GeneratedConfig { num_images: 100, shape, split: Split::Test, seed: 0, ..default };
    let loader = Loader::builder(Generated::new(images).unwrap())
        .batch_size(100)
        .order(Order::Sequential)
        .augmentation(Augmentation::none(Normalization::GENERATED))
        .build()
        .unwrap();
    let minibatch = loader.epoch(0).unwrap().next().unwrap().unwrap();
    let (n, c, h, w) = minibatch.images().dim();
    let (images, labels) = input::minibatch(
        minibatch.values(),
        [n, c, h, w],
        input::ChannelOrder::First,
        minibatch.labels(),
        Device::Cpu,
    )
    .unwrap();
    let logits = tch::no_grad(|| network.forward(&images, BatchNormMode::Evaluate)).unwrap();
    let loss = MinibatchLoss::of(&logits, &labels).unwrap();
    (loss.mean_loss.double_value(&[]), loss.num_wrong.int64_value(&[]) as f64 / 100.0)
}

#[test]
fn exported_weights_have_the_evaluation_that_was_recorded() {
    let runs = tempfile::tempdir().unwrap();
    let run = run(runs.path());
    let recorded = &records(&run)[3]["evaluations"];
    for weights in ["iterate", "iterate-refreshed", "tail", "ema"] {
        let exported = exported(&run, &["--weights", weights]);
        let (loss, error) = evaluation(&exported);
        let recorded = |name: &str| recorded[weights][name].as_f64().unwrap();
        assert_eq!(error, recorded("error"), "{weights}");
        // Another size of minibatch, and so another order of summation in f32.
        assert!((loss - recorded("loss")).abs() < 1e-5, "{weights}: {loss}, not {}", recorded("loss"));
        let text = |name: &str| exported.metadata[name].as_str();
        assert_eq!((text("weights"), text("seed"), text("epoch"), text("steps")), (weights, "0", "3", "15"));
        assert_eq!((text("model"), text("num_classes")), ("wrn-10-1", "10"));
        assert_eq!((text("dataset"), text("data_verification")), ("generated", "generated"));
        assert_eq!(text("run"), run.file_name().unwrap().to_str().unwrap());
        assert_eq!(text("pixel_mean"), "[0.5, 0.5, 0.5]");
        assert!(text("config").contains("batch_size = 64") && text("exported_by").starts_with("polder "));
    }
}

#[test]
fn names_and_bytes_are_those_of_the_checkpoint_and_no_state_of_training_comes_along() {
    let runs = tempfile::tempdir().unwrap();
    let run = run(runs.path());
    let iterate = exported(&run, &[]);
    let mut checkpoint = newest(&run).checkpoint;
    checkpoint.tensors.retain(|name, _| !name.starts_with("polder."));
    assert_eq!(iterate.tensors, checkpoint.tensors);
    assert_eq!(iterate.tensors["f.0_convolution.weight"].shape, [16, 3, 3, 3]);

    let (refreshed, kept) =
        (exported(&run, &["--weights", "tail"]), exported(&run, &["--weights", "tail", "--no-bn-refresh"]));
    let iterate_refreshed = exported(&run, &["--weights", "iterate-refreshed"]);
    let part = |checkpoint: &Checkpoint, statistics: bool| -> BTreeMap<_, _> {
        let tensors = checkpoint.tensors.clone().into_iter();
        tensors.filter(|(name, _)| is_statistic(name) == statistics).collect()
    };
    assert_eq!(part(&kept, true), part(&iterate, true), "statistics of the iterate");
    assert_eq!(part(&iterate_refreshed, false), part(&iterate, false), "parameters of the iterate");
    assert!(part(&iterate_refreshed, true) != part(&iterate, true));
    assert_eq!(part(&kept, false), part(&refreshed, false), "parameters of the average");
    assert!(part(&refreshed, true) != part(&kept, true) && part(&refreshed, false) != part(&iterate, false));
    let statistics = |checkpoint: &Checkpoint| checkpoint.metadata["bn_statistics"].clone();
    assert_eq!(
        [&iterate, &refreshed, &kept].map(statistics),
        ["of the training", "refreshed over the training images", "of the iterate"]
    );
}

#[test]
fn an_earlier_checkpoint_is_chosen_by_its_step_or_its_file() {
    let runs = tempfile::tempdir().unwrap();
    let run = run(runs.path());
    assert_eq!(checkpoint_steps(&run), [5, 10, 15]);
    let by_step = exported(&run, &["--weights", "ema", "--step", "10"]);
    let by_file = exported(&run.join("checkpoint-0000000010.safetensors"), &["--weights", "ema"]);
    assert_eq!(by_step, by_file);
    assert_eq!((by_step.metadata["epoch"].as_str(), by_step.metadata["steps"].as_str()), ("2", "10"));

    let not_begun = failure(&mut export(&run, &["--weights", "tail", "--step", "5"]));
    assert!(not_begun.contains("`tail` has not begun after 1 epochs (5 steps)"), "{not_begun}");
    assert!(not_begun.contains("`iterate`, `iterate-refreshed`, `ema`"), "{not_begun}");
    let no_such_step = failure(&mut export(&run, &["--step", "7"]));
    assert!(no_such_step.contains("5, 10, 15"), "{no_such_step}");
    let as_it_is = failure(&mut export(&run, &["--weights", "iterate-refreshed", "--no-bn-refresh"]));
    assert!(as_it_is.contains("is `iterate`"), "{as_it_is}");
    let unknown = failure(&mut export(&run, &["--weights", "swa"]));
    assert!(
        unknown.contains("`swa`") && unknown.contains("`iterate`, `iterate-refreshed`, `ema`, `tail`"),
        "{unknown}"
    );
    let several = failure(&mut export(&run, &["--weights", "average"]));
    assert!(several.contains("several averages") && several.contains("`ema`, `tail`"), "{several}");
    let a_folder = failure(export(&run, &["--output"]).arg(runs.path()));
    assert!(a_folder.contains("is a folder"), "{a_folder}");
    let no_folder = failure(export(&run, &["--output"]).arg(runs.path().join("none/weights.safetensors")));
    assert!(no_folder.contains("there is no folder"), "{no_folder}");
}

#[test]
fn the_only_average_needs_no_name_and_a_network_without_bn_no_refresh() {
    let runs = tempfile::tempdir().unwrap();
    let one = ["averages={late={kind='tail', start=0.4}}", "model.name=wrn-10-1-skipinit"];
    let run = success(&mut polder(runs.path(), &one));
    let (named, meant) = (exported(&run, &["--weights", "late"]), exported(&run, &["--weights", "average"]));
    assert_eq!(named, meant);
    assert_eq!(
        (meant.metadata["weights"].as_str(), meant.metadata["bn_statistics"].as_str()),
        ("late", "none")
    );
    let folder = tempfile::tempdir().unwrap();
    let (output, path) =
        finish(export(&run.canonicalize().unwrap(), &["--weights", "average"]).current_dir(&folder));
    assert!(output.status.success(), "{}", stderr(&output));
    let name = format!("{}-late.safetensors", run.file_name().unwrap().to_str().unwrap());
    assert_eq!(path, Path::new(&name));
    assert!(folder.path().join(name).exists());
}

#[test]
fn what_is_no_run_or_has_no_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = failure(&mut export(&folder.path().join("none"), &[]));
    assert!(nothing.contains("there is no") && nothing.contains("polder train"), "{nothing}");
    let no_run = failure(&mut export(folder.path(), &[]));
    assert!(no_run.contains("not a run directory"), "{no_run}");

    // Stopped within its first epoch, and its only checkpoint removed.
    let runs = folder.path().join("runs");
    let mut child = spawn(&mut polder(&runs, &["training.epochs=500"]));
    let run = || fs::read_dir(&runs).ok()?.next()?.ok().map(|entry| entry.path());
    wait_for(&mut child, || run().is_some_and(|run| run.join("record.jsonl").exists()));
    signal(&child, "INT");
    child.wait().unwrap();
    let run = run().unwrap();
    for step in checkpoint_steps(&run) {
        fs::remove_file(run.join(format!("checkpoint-{step:010}.safetensors"))).unwrap();
    }
    for arguments in [&[][..], &["--step", "5"]] {
        let no_checkpoint = failure(&mut export(&run, arguments));
        assert!(no_checkpoint.contains("has no checkpoint yet"), "{no_checkpoint}");
    }
}

/// The files of CIFAR-10 but for their contents: black, and all of class 0.
fn black_cifar10(data: &Path) -> PathBuf {
    const FILE_BYTES: u64 = 10_000 * (1 + 3 * 32 * 32);
    let folder = data.join("cifar-10-batches-bin");
    fs::create_dir(&folder).unwrap();
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
    {
        File::create(folder.join(format!("{name}.bin"))).unwrap().set_len(FILE_BYTES).unwrap();
    }
    folder
}

#[test]
fn images_are_needed_for_the_refresh_of_an_average_alone() {
    let data = tempfile::tempdir().unwrap();
    let images = black_cifar10(data.path());
    let mut train = Command::new(env!("CARGO_BIN_EXE_polder"));
    train.args(["train", "--allow-unverified", "--threads", "1", "--data-dir"]).arg(data.path());
    train.arg("--runs").arg(data.path().join("runs"));
    for setting in [
        "data.train_images=64",
        "data.test_images=10",
        "training.epochs=1",
        "averages={tail={kind='tail', start=0.0}}",
    ] {
        train.args(["--set", setting]);
    }
    let run = success(&mut train);
    fs::remove_dir_all(images).unwrap();
    let at = ["--data-dir", data.path().to_str().unwrap(), "--weights"];
    let missing = failure(&mut export(&run, &[&at[..], &["tail"]].concat()));
    assert!(
        missing.contains("polder data fetch cifar10") && missing.contains("--no-bn-refresh"),
        "{missing}"
    );
    let kept = exported(&run, &[&at[..], &["tail", "--no-bn-refresh"]].concat());
    assert_eq!(kept.metadata["pixel_mean"], "[0.4914, 0.4822, 0.4465]");
    assert_eq!(kept.metadata["data_verification"], "unverified");
    exported(&run, &[&at[..], &["iterate"]].concat());
}
