//! What may happen to a run beside a kill: signals, damaged files, a full disk, a folder that goes away.

mod training;

use std::path::Path;
use std::process::Command;

use training::{
    assert_equal_bytes, checkpoint_steps, finish, keep_lines, newest, polder, records, signal, spawn, stderr,
    success, wait_for,
};

#[test]
fn a_signal_writes_a_checkpoint_and_the_same_command_continues() {
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = success(&mut polder(whole.path(), &[]));
    let dir = stopped.path().join(whole.file_name().unwrap());
    for name in ["INT", "TERM"] {
        let before = checkpoint_steps(&dir);
        let mut child = spawn(&mut polder(stopped.path(), &[]));
        // The records are written again when training begins; no checkpoint is due for a minute.
        let begun = || std::fs::metadata(dir.join("record.jsonl")).and_then(|file| file.modified()).ok();
        let earlier = begun();
        wait_for(&mut child, || begun() != earlier);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_ne!(checkpoint_steps(&dir), before);
    }
    success(&mut polder(stopped.path(), &[]));
    assert_equal_bytes(&dir, &whole);
}

#[test]
fn sigusr2_writes_a_checkpoint_and_training_goes_on() {
    let long = ["data.train_images=3000", "training.epochs=1"];
    let (whole, asked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = success(&mut polder(whole.path(), &long));
    let dir = asked.path().join(whole.file_name().unwrap());
    let mut child = spawn(polder(asked.path(), &long).args(["--checkpoint-every", "1h"]));
    wait_for(&mut child, || dir.join("record.jsonl").exists());
    signal(&child, "USR2");
    wait_for(&mut child, || !checkpoint_steps(&dir).is_empty());
    let in_epoch = checkpoint_steps(&dir)[0];
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let at_its_end = newest(&dir).step;
    assert!(in_epoch < at_its_end, "the checkpoint after {in_epoch} of {at_its_end} steps");
    assert_equal_bytes(&dir, &whole);
}

/// One step, then an evaluation that is asked to make room for a checkpoint, time and again.
#[test]
fn sigusr2_is_answered_during_an_evaluation_which_then_begins_again() {
    let settings = ["data.train_images=64", "data.test_images=4000", "training.epochs=1", "averages={}"];
    let (whole, asked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = success(&mut polder(whole.path(), &settings));
    let dir = asked.path().join(whole.file_name().unwrap());
    let mut child = spawn(&mut polder(asked.path(), &settings));
    let written = || {
        let path = dir.join("checkpoint-0000000001.safetensors");
        std::fs::metadata(path).and_then(|file| file.modified()).ok()
    };
    wait_for(&mut child, || dir.join("record.jsonl").exists());
    for _ in 0..3 {
        let before = written();
        signal(&child, "USR2");
        wait_for(&mut child, || written() != before);
    }
    assert!(child.try_wait().unwrap().is_none(), "three answers before the evaluation was over");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_equal_bytes(&dir, &whole);
}

#[test]
fn a_damaged_newest_checkpoint_falls_back_to_the_one_before_and_the_records_with_it() {
    let runs = tempfile::tempdir().unwrap();
    let train = || {
        let mut command = polder(runs.path(), &[]);
        command.args(["--checkpoint-every", "4steps", "--keep-checkpoints", "all"]);
        command
    };
    let dir = success(&mut train());
    assert_eq!(checkpoint_steps(&dir), [4, 5, 8, 10, 12, 15]);
    let whole = tempfile::tempdir().unwrap();
    for file in ["record.jsonl", "checkpoint-0000000015.safetensors"] {
        std::fs::copy(dir.join(file), whole.path().join(file)).unwrap();
    }
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let flip = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
    };
    for (damage, cause) in [(&cut as &dyn Fn(&mut Vec<u8>), "cut short"), (&flip, "checksum")] {
        // As if the process had been killed behind its last epoch; back to 8 steps, in the second epoch.
        keep_lines(&dir, 4);
        for step in [10, 12, 15] {
            let path = dir.join(format!("checkpoint-{step:010}.safetensors"));
            let mut bytes = std::fs::read(&path).unwrap();
            damage(&mut bytes);
            std::fs::write(&path, bytes).unwrap();
        }
        let (output, _) = finish(&mut train());
        let message = stderr(&output);
        assert!(output.status.success(), "{message}");
        for part in ["checkpoint-0000000015.safetensors", cause, "after 1 epochs (8 steps)"] {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
        assert!(dir.join("checkpoint-0000000015.damaged").exists());
        assert_equal_bytes(&dir, whole.path());
    }
}

#[test]
fn a_run_whose_checkpoints_are_all_damaged_is_refused_with_what_to_do() {
    let runs = tempfile::tempdir().unwrap();
    let dir = success(&mut polder(runs.path(), &[]));
    assert_eq!(checkpoint_steps(&dir), [10, 15], "two are kept unless told otherwise");
    for step in checkpoint_steps(&dir) {
        std::fs::write(dir.join(format!("checkpoint-{step:010}.safetensors")), "nothing").unwrap();
    }
    keep_lines(&dir, 2);
    let before = records(&dir);
    let (output, _) = finish(&mut polder(runs.path(), &[]));
    assert_eq!(output.status.code(), Some(1));
    for part in ["checkpoint-0000000015.safetensors", "checkpoint-0000000010.safetensors", "remove"] {
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    assert_eq!(records(&dir), before, "nothing is lost");
}

/// The shell's limit on the size of a file stands for a full disk: a write that fails half-way.
#[test]
fn a_checkpoint_that_does_not_fit_stops_the_run_and_leaves_the_one_before() {
    let (whole, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = success(&mut polder(whole.path(), &[]));
    let dir = full.path().join(whole.file_name().unwrap());
    let mut child = spawn(&mut polder(full.path(), &[]));
    wait_for(&mut child, || !checkpoint_steps(&dir).is_empty());
    signal(&child, "INT");
    child.wait().unwrap();
    let before = newest(&dir);
    assert!(before.step < 15, "stopped in time");

    let command = polder(full.path(), &[]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\""]);
    limited.arg(command.get_program()).args(command.get_args());
    let (output, _) = finish(&mut limited);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{message}");
    for part in ["no checkpoint could be written", "those before are intact", "cannot write `"] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
    assert_eq!(newest(&dir).checkpoint, before.checkpoint);
    assert!(!names(&dir).iter().any(|name| name.contains("partial")), "{:?}", names(&dir));

    success(&mut polder(full.path(), &[]));
    assert_equal_bytes(&dir, &whole);
}

#[test]
fn a_run_directory_that_goes_away_stops_the_run_with_its_name() {
    let (runs, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = polder(runs.path(), &["training.epochs=500"]);
    command.args(["--checkpoint-every", "1step"]).stdout(std::process::Stdio::null());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let first_run = || names(runs.path()).pop().map(|name| runs.path().join(name));
    wait_for(&mut child, || first_run().is_some_and(|dir| checkpoint_steps(&dir).len() == 2));
    let (dir, moved) = (first_run().unwrap(), elsewhere.path().join("run"));
    std::fs::rename(&dir, &moved).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&dir.display().to_string()), "{}", stderr(&output));
    assert!(newest(&moved).step >= 2);
}

fn names(dir: &Path) -> Vec<String> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
