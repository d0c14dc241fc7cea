//! Training through the real binary, on generated data: what is recorded, and how it ends.

mod training;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use resvg::tiny_skia::{Color, Pixmap};
use serde_json::Value;

use training::{assert_equal_bytes, finish, kill, polder, records, spawn, stderr, success, wait_for};

#[test]
fn a_run_learns_records_every_epoch_and_is_not_repeated() {
    let runs = tempfile::tempdir().unwrap();
    let settings = ["training.epochs=4", "data.image_size=32"];
    let dir = success(&mut polder(runs.path(), &settings));
    let lines = records(&dir);
    assert_eq!(lines.len(), 6, "run, four epochs, end");
    assert_eq!(
        (&lines[0]["record"], &lines[0]["num_parameters"]),
        (&Value::from("run"), &Value::from(77_850))
    );
    assert_eq!(lines[5]["outcome"], "finished");
    let loss = |line: &Value| line["train_loss"].as_f64().unwrap();
    assert!(loss(&lines[4]) < 0.8 * loss(&lines[1]), "{} to {}", loss(&lines[1]), loss(&lines[4]));
    let names = |line: &Value| line["evaluations"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&lines[1]), ["ema", "iterate"], "the tail has not begun");
    assert_eq!(names(&lines[4]), ["ema", "iterate", "iterate-refreshed", "tail"]);
    let timings = std::fs::read_to_string(dir.join("timings.jsonl")).unwrap();
    let ends = timings
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["ended_at"].as_f64().unwrap());
    let ends: Vec<f64> = ends.collect();
    assert!(ends.len() == 4 && ends.is_sorted() && ends[0] > 1.6e9, "seconds since 1970: {ends:?}");

    let before = std::fs::metadata(dir.join("record.jsonl")).unwrap().modified().unwrap();
    assert_eq!(success(&mut polder(runs.path(), &settings)), dir);
    assert_eq!(std::fs::metadata(dir.join("record.jsonl")).unwrap().modified().unwrap(), before);
}

#[test]
fn records_and_weights_do_not_depend_on_the_number_of_workers() {
    let (one, three) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sam = ["optimizer.method=sam", "optimizer.rho=0.05"];
    let one = success(polder(one.path(), &sam).args(["--workers", "1"]));
    let three = success(polder(three.path(), &sam).args(["--workers", "3", "--checkpoint-every", "0"]));
    assert_equal_bytes(&one, &three);
    let ascent = records(&one)[1]["ascent_norm"].as_f64().unwrap();
    assert!((ascent - 0.05).abs() < 1e-3, "in f32 the ascent arrives whole: {ascent}");
}

#[test]
fn divergence_is_a_recorded_outcome() {
    let runs = tempfile::tempdir().unwrap();
    let (output, dir) = finish(&mut polder(runs.path(), &["schedule={kind='constant', learning_rate=1e20}"]));
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let end = records(&dir).pop().unwrap();
    assert_eq!((&end["outcome"], &end["epoch"]), (&Value::from("diverged"), &Value::from(1)));
    let (again, _) = finish(&mut polder(runs.path(), &["schedule={kind='constant', learning_rate=1e20}"]));
    assert_eq!(again.status.code(), Some(4), "it is not tried again");
}

#[test]
fn two_processes_do_not_share_a_run() {
    let runs = tempfile::tempdir().unwrap();
    let long = ["training.epochs=500"];
    let mut first = spawn(&mut polder(runs.path(), &long));
    let any_record = || {
        let mut dirs = std::fs::read_dir(runs.path()).unwrap().filter_map(Result::ok);
        dirs.any(|dir| dir.path().join("record.jsonl").exists())
    };
    wait_for(&mut first, any_record);
    let (second, _) = finish(&mut polder(runs.path(), &long));
    kill(first);
    let message = stderr(&second);
    assert_eq!(second.status.code(), Some(1));
    assert!(message.contains("another process is in the run directory"), "{message}");
}

/// What is recorded can be computed again from the checkpoint.
#[test]
fn evaluation_of_a_finished_run_gives_its_recorded_numbers() {
    let runs = tempfile::tempdir().unwrap();
    let dir = success(&mut polder(runs.path(), &["model.precision=bf16"]));
    let evaluate = |weights: &[&str]| {
        let mut polder = Command::new(env!("CARGO_BIN_EXE_polder"));
        polder.arg("evaluate").arg(&dir).arg("--json").args(weights).output().unwrap()
    };
    let output = evaluate(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let evaluated: Value = serde_json::from_slice(&output.stdout).unwrap();
    let recorded = &records(&dir)[3]["evaluations"];
    assert_eq!(evaluated, *recorded);
    let refreshed: Value =
        serde_json::from_slice(&evaluate(&["--weights", "iterate-refreshed"]).stdout).unwrap();
    assert_eq!(refreshed, serde_json::json!({ "iterate-refreshed": recorded["iterate-refreshed"] }));
    let unknown = evaluate(&["--weights", "iterate,swa"]);
    let error = stderr(&unknown);
    assert!(
        !unknown.status.success() && error.contains("`swa`") && error.contains("`iterate-refreshed`"),
        "{error}"
    );
}

/// The official files of Fashion-MNIST but for their contents: black, and all of class 0.
fn fashion_mnist(data: &Path) {
    let folder = data.join("fashion-mnist");
    fs::create_dir(&folder).unwrap();
    for (stem, count) in [("train", 60_000_u32), ("t10k", 10_000)] {
        let write = |name: &str, header: &[u32], len: u64| {
            let mut file = File::create(folder.join(format!("{stem}-{name}-ubyte"))).unwrap();
            for number in header {
                file.write_all(&number.to_be_bytes()).unwrap();
            }
            file.set_len(4 * header.len() as u64 + len).unwrap();
        };
        write("images-idx3", &[2051, count, 28, 28], u64::from(count) * 784);
        write("labels-idx1", &[2049, count], count.into());
    }
}

#[test]
fn a_perceptron_trains_on_fashion_mnist_and_a_convolutional_network_does_not() {
    let folder = tempfile::tempdir().unwrap();
    fashion_mnist(folder.path());
    let train = |network: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
        command.args(["train", "--allow-unverified", "--threads", "1", "--data-dir"]).arg(folder.path());
        command.arg("--runs").arg(folder.path().join("runs"));
        for setting in [
            "data.dataset=fashion-mnist",
            "data.train_images=256",
            "data.test_images=100",
            "training.epochs=1",
        ] {
            command.args(["--set", setting]);
        }
        command.args(["--set", &format!("model.name={network}")]);
        command
    };
    let records = records(&success(&mut train("mlp-784-16x2")));
    assert!(records.iter().any(|record| record.to_string().contains("train_error")), "{records:?}");
    let refused = train("wrn-10-1").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = stderr(&refused);
    assert!(
        text.contains("model.name") && text.contains("3 channels") && text.contains("1 x 28 x 28"),
        "{text}"
    );
}

/// Four images of one gray in each of two classes, packed as `photos.polder` in `folder`.
fn pack_grays(folder: &Path, grays: [u8; 2]) {
    let photos = folder.join("photos");
    for (class, gray) in ["first", "second"].iter().zip(grays) {
        fs::create_dir_all(photos.join(class)).unwrap();
        let mut image = Pixmap::new(16, 16).unwrap();
        image.fill(Color::from_rgba8(gray, gray, gray, 255));
        for index in 0..4 {
            image.save_png(photos.join(class).join(format!("{index}.png"))).unwrap();
        }
    }
    let packed = folder.join("photos.polder");
    let _ = fs::remove_file(&packed);
    let mut pack = Command::new(env!("CARGO_BIN_EXE_polder"));
    let output = pack.args(["data", "pack"]).arg(&photos).arg(&packed).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn a_packed_file_that_was_made_anew_is_not_taken_for_the_one_that_a_run_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let train = || {
        let mut train = Command::new(env!("CARGO_BIN_EXE_polder"));
        train.arg("train").arg("--runs").arg(folder.path().join("runs")).args(["--threads", "1"]);
        let settings = [
            "data.dataset=packed",
            "data.path=photos.polder",
            "data.test_path=photos.polder",
            "training.batch_size=4",
            "training.epochs=1",
        ];
        train.args(settings.map(|setting| format!("--set={setting}"))).arg("--data-dir").arg(folder.path());
        train
    };
    let missing = stderr(&train().output().unwrap());
    assert!(missing.contains("--data-dir") && missing.contains("polder data pack"), "{missing}");

    pack_grays(folder.path(), [0, 255]);
    let dir = success(&mut train());
    let recorded = records(&dir)[0]["data"]["packed_checksums"][0].as_str().unwrap().to_owned();
    assert_eq!(success(&mut train()), dir);

    pack_grays(folder.path(), [255, 0]);
    let mut evaluate = Command::new(env!("CARGO_BIN_EXE_polder"));
    evaluate.arg("evaluate").arg(&dir).arg("--data-dir").arg(folder.path());
    for command in [&mut train(), &mut evaluate] {
        let output = command.output().unwrap();
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(&recorded) && message.contains("another name"), "{message}");
    }

    fs::remove_file(folder.path().join("photos.polder")).unwrap();
    assert_eq!(success(&mut train()), dir, "a run that has ended needs no images");
    fs::write(folder.path().join("photos.polder"), "damaged").unwrap();
    assert_eq!(success(&mut train()), dir);
    pack_grays(folder.path(), [0, 255]);
    assert!(evaluate.output().unwrap().status.success());

    // An earlier version recorded no checksum: a run of its that continues does not get that of another file.
    let mut lines = records(&dir);
    assert_eq!(lines.pop().unwrap()["outcome"], "finished");
    lines[0]["data"].as_object_mut().unwrap().remove("packed_checksums").unwrap();
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(dir.join("record.jsonl"), lines.join("\n") + "\n").unwrap();
    pack_grays(folder.path(), [255, 0]);
    assert_eq!(success(&mut train()), dir);
    let lines = records(&dir);
    assert_eq!(lines[2]["outcome"], "finished");
    assert_eq!(lines[0]["data"].get("packed_checksums"), None);
}
