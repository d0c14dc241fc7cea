//! Official files, good and bad. Fixtures have the official length and, except where a test says so, only zeros, so
//! they take no space on disk.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use polder_data::{
    DataError, Dataset, DatasetKind, ImageShape, Split, Verification, class_names, open, verify,
};
use tempfile::TempDir;

const CIFAR10_RECORD: u64 = 3073;
const CIFAR100_RECORD: u64 = 3074;
const TRAIN: [&str; 5] =
    ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"];

fn write_zeros(path: &Path, len: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().set_len(len).unwrap();
}

fn write_at(path: &Path, offset: u64, bytes: &[u8]) {
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(bytes).unwrap();
}

fn cifar10() -> TempDir {
    let dir = TempDir::new().unwrap();
    for name in TRAIN.into_iter().chain(["test_batch.bin"]) {
        write_zeros(&dir.path().join("cifar-10-batches-bin").join(name), 10_000 * CIFAR10_RECORD);
    }
    dir
}

fn message(error: &DataError, dir: &TempDir) -> String {
    error.to_string().replace(&dir.path().display().to_string(), "DIR")
}

#[test]
fn training_files_are_one_data_set_in_official_order() {
    let dir = cifar10();
    let folder = dir.path().join("cifar-10-batches-bin");
    for (number, name) in TRAIN.into_iter().enumerate() {
        // The last record of each file: its label, its first and its last pixel.
        write_at(&folder.join(name), 9_999 * CIFAR10_RECORD, &[number as u8 + 1, 100 + number as u8]);
        write_at(&folder.join(name), 10_000 * CIFAR10_RECORD - 1, &[200 + number as u8]);
    }
    let train = open(DatasetKind::Cifar10, Split::Train, dir.path()).unwrap();
    assert_eq!((train.len(), train.num_classes(), train.shape()), (50_000, 10, ImageShape::CIFAR));
    for number in 0..5 {
        let index = number * 10_000 + 9_999;
        let pixels = train.pixels(index);
        assert_eq!((train.label(index), pixels.len()), (number + 1, 3072));
        assert_eq!((pixels[0], pixels[3071]), (100 + number as u8, 200 + number as u8));
        train.prefetch(index);
    }
    assert_eq!(open(DatasetKind::Cifar10, Split::Test, dir.path()).unwrap().len(), 10_000);
}

#[test]
fn cifar100_is_labelled_by_the_fine_label_or_the_coarse_one() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("cifar-100-binary/test.bin");
    write_zeros(&path, 10_000 * CIFAR100_RECORD);
    write_at(&path, 7 * CIFAR100_RECORD, &[19, 99, 42]);
    let test = open(DatasetKind::Cifar100, Split::Test, dir.path()).unwrap();
    assert_eq!((test.num_classes(), test.label(7), test.pixels(7)[0]), (100, 99, 42));
    let coarse = open(DatasetKind::Cifar100Coarse, Split::Test, dir.path()).unwrap();
    assert_eq!((coarse.num_classes(), coarse.label(7), coarse.pixels(7)[0]), (20, 19, 42));

    write_at(&path, 8 * CIFAR100_RECORD, &[20]);
    let error = open(DatasetKind::Cifar100, Split::Test, dir.path()).unwrap_err();
    assert_eq!(
        message(&error, &dir),
        "`DIR/cifar-100-binary/test.bin` has label 20 at byte 24592, expected a coarse label below 20; the file is \
         damaged: run `polder data fetch cifar100` to replace it"
    );
}

#[test]
fn a_missing_folder_says_how_to_get_it() {
    let dir = TempDir::new().unwrap();
    let error = open(DatasetKind::Cifar10, Split::Train, dir.path()).unwrap_err();
    assert_eq!(
        message(&error, &dir),
        "no folder `DIR/cifar-10-batches-bin`: run `polder data fetch cifar10`, or name the folder that holds \
         `cifar-10-batches-bin/` with --data-dir or POLDER_DATA"
    );
}

#[test]
fn a_missing_file_is_named() {
    let dir = cifar10();
    fs::remove_file(dir.path().join("cifar-10-batches-bin/data_batch_4.bin")).unwrap();
    let error = open(DatasetKind::Cifar10, Split::Train, dir.path()).unwrap_err();
    assert!(
        matches!(&error, DataError::MissingFile { path, .. } if path.ends_with("data_batch_4.bin")),
        "{error}"
    );
    let error = verify(DatasetKind::Cifar10, dir.path()).unwrap_err();
    assert!(
        matches!(&error, DataError::MissingFile { path, .. } if path.ends_with("data_batch_4.bin")),
        "{error}"
    );
}

#[test]
fn a_file_of_the_wrong_length_is_named_with_both_lengths() {
    let cases = [
        (30_729_999, "is truncated: 30729999 bytes"),
        (9_999 * CIFAR10_RECORD, "is truncated: 30726927 bytes"),
        (0, "is truncated: 0 bytes"),
        (30_730_001, "is too long: 30730001 bytes"),
    ];
    for (len, found) in cases {
        let dir = cifar10();
        write_zeros(&dir.path().join("cifar-10-batches-bin/data_batch_3.bin"), len);
        let error = open(DatasetKind::Cifar10, Split::Train, dir.path()).unwrap_err();
        assert_eq!(
            message(&error, &dir),
            format!(
                "`DIR/cifar-10-batches-bin/data_batch_3.bin` {found}, expected 30730000 (10000 records of 3073 bytes); \
                 run `polder data fetch cifar10` to replace it"
            )
        );
    }
}

#[test]
fn a_label_out_of_range_is_named_with_its_offset() {
    let dir = cifar10();
    write_at(&dir.path().join("cifar-10-batches-bin/data_batch_1.bin"), 2 * CIFAR10_RECORD, &[10]);
    let error = open(DatasetKind::Cifar10, Split::Train, dir.path()).unwrap_err();
    assert_eq!(
        message(&error, &dir),
        "`DIR/cifar-10-batches-bin/data_batch_1.bin` has label 10 at byte 6146, expected a class label below 10; the \
         file is damaged: run `polder data fetch cifar10` to replace it"
    );
}

#[test]
fn files_that_are_not_the_official_ones_are_unverified() {
    let dir = TempDir::new().unwrap();
    for name in ["train.bin", "test.bin"] {
        write_zeros(&dir.path().join("cifar-100-binary").join(name), 3);
    }
    let report = verify(DatasetKind::Cifar100, dir.path()).unwrap();
    assert_eq!(report.state(), Verification::Unverified);
    assert_eq!(report.files.len(), 2);
    // MD5 of three zero bytes.
    assert_eq!(report.files[0].found, "693e9af84d3dfcc71e640e005bdc5e2e");
    let text = report.to_string();
    assert!(text.contains("expected 6172c7755cfe09b2fe270c85cebc1b15"), "{text}");
    assert!(text.ends_with("polder data fetch cifar100` to replace the files that differ"), "{text}");
}

#[test]
fn data_set_names_are_those_of_the_command_line() {
    assert_eq!("cifar100".parse::<DatasetKind>().unwrap(), DatasetKind::Cifar100);
    let error = "cifar".parse::<DatasetKind>().unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown data set `cifar`, expected one of cifar10, cifar100, cifar100-coarse, mnist, fashion-mnist"
    );
}

#[test]
fn classes_are_called_as_the_file_beside_the_records_says() {
    let dir = cifar10();
    assert_eq!(class_names(DatasetKind::Cifar10, dir.path())[3], "3");
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
    fs::write(dir.path().join("cifar-10-batches-bin/batches.meta.txt"), names).unwrap();
    assert_eq!(class_names(DatasetKind::Cifar10, dir.path())[3], "cat");
}
