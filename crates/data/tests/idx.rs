//! IDX files, the official ones and those of one's own.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use polder_data::{DataError, Dataset, DatasetKind, ImageShape, Split, class_names, open, open_idx};
use proptest::prelude::*;
use tempfile::TempDir;

fn images_header(dims: [u32; 3]) -> Vec<u8> {
    [0x0803].into_iter().chain(dims).flat_map(u32::to_be_bytes).collect()
}

fn labels_header(count: u32) -> Vec<u8> {
    [0x0801, count].into_iter().flat_map(u32::to_be_bytes).collect()
}

/// Writes a pair of files with these headers and bodies, and opens them for three classes.
fn open_pair(dir: &Path, images: &[u8], labels: &[u8]) -> Result<Box<dyn Dataset>, DataError> {
    let paths = [dir.join("images"), dir.join("labels")];
    fs::write(&paths[0], images).unwrap();
    fs::write(&paths[1], labels).unwrap();
    Ok(Box::new(open_idx(&paths[0], &paths[1], 3)?))
}

fn error(dir: &TempDir, images: &[u8], labels: &[u8]) -> String {
    let error = open_pair(dir.path(), images, labels).err().expect("bad files are refused");
    error.to_string().replace(&dir.path().display().to_string(), "DIR")
}

fn good() -> (Vec<u8>, Vec<u8>) {
    let pixels = 0..12;
    let images = images_header([3, 2, 2]).into_iter().chain(pixels).collect();
    let labels = labels_header(3).into_iter().chain([2, 0, 1]).collect();
    (images, labels)
}

#[test]
fn images_and_labels_are_read_where_the_format_has_them() {
    let dir = TempDir::new().unwrap();
    let (images, labels) = good();
    let dataset = open_pair(dir.path(), &images, &labels).unwrap();
    assert_eq!((dataset.len(), dataset.num_classes()), (3, 3));
    assert_eq!(dataset.shape(), ImageShape { channels: 1, height: 2, width: 2 });
    for (index, label) in [2, 0, 1].into_iter().enumerate() {
        let first = 4 * index as u8;
        assert_eq!(dataset.pixels(index), [first, first + 1, first + 2, first + 3]);
        assert_eq!(dataset.label(index), label);
        dataset.prefetch(index);
    }
    dataset.check().unwrap();
}

#[test]
fn headers_that_cannot_be_are_refused_with_field_and_offset() {
    let dir = TempDir::new().unwrap();
    let (images, labels) = good();
    let damaged = "it is damaged, or not an IDX file";
    let cases = [
        (b"\x1f\x8b\x08\x00".to_vec(), 0, "magic number 0x1f8b0800 at byte 0, expected 0x00000803"),
        (0_u32.to_be_bytes().to_vec(), 4, "number of images 0 at byte 4, expected at least 1"),
        (0_u32.to_be_bytes().to_vec(), 8, "height 0 at byte 8, expected 1 to 65536 pixels"),
        (u32::MAX.to_be_bytes().to_vec(), 12, "width 4294967295 at byte 12, expected 1 to 65536 pixels"),
    ];
    for (bytes, offset, expected) in cases {
        let mut bad = images.clone();
        bad[offset..offset + 4].copy_from_slice(&bytes);
        assert_eq!(error(&dir, &bad, &labels), format!("`DIR/images` has {expected}; {damaged}"));
    }
    let swapped = error(&dir, &labels, &images);
    assert!(
        swapped.starts_with("`DIR/images` is truncated: 11 bytes, expected 16 (16 of header,"),
        "{swapped}"
    );
}

#[test]
fn what_a_header_merely_claims_is_compared_with_the_length_first() {
    let dir = TempDir::new().unwrap();
    let (images, labels) = good();
    let mut claims = images.clone();
    claims[4..16].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 1, 0, 0]);
    // 2^32 - 1 images of 65,536 x 65,536 pixels: two to the power of 64 bytes, nearly.
    let message = error(&dir, &claims, &labels);
    assert!(
        message.starts_with("`DIR/images` is truncated: 28 bytes, expected 1844674406941458"),
        "{message}"
    );
    assert!(message.contains("4294967295 records of 4294967296 bytes"), "{message}");
}

#[test]
fn labels_are_as_many_as_images_and_classes() {
    let dir = TempDir::new().unwrap();
    let (images, mut labels) = good();
    labels[10] = 3;
    assert_eq!(
        error(&dir, &images, &labels),
        "`DIR/labels` has label 3 at byte 10, expected a class label below 3; the file is damaged: it is damaged, or not \
         an IDX file"
    );
    let two: Vec<u8> = labels_header(2).into_iter().chain([0, 1]).collect();
    assert_eq!(
        error(&dir, &images, &two),
        "`DIR/labels` has number of labels 2 at byte 4, expected 3, as many as `DIR/images` has images; it is damaged, \
         or not an IDX file"
    );
    let (_, good_labels) = good();
    let short = &good_labels[..10];
    assert!(
        error(&dir, &images, short)
            .contains("`DIR/labels` is truncated: 10 bytes, expected 11 (8 of header,")
    );
    fs::write(dir.path().join("images"), &images).unwrap();
    assert!(matches!(
        open_idx(&dir.path().join("images"), &dir.path().join("labels"), 257),
        Err(DataError::Config { .. })
    ));
}

/// The four official files, all zeros behind their headers; they take no space on disk.
fn fashion_mnist() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("fashion-mnist");
    fs::create_dir(&folder).unwrap();
    for (stem, count) in [("train", 60_000), ("t10k", 10_000)] {
        let write = |name: String, header: Vec<u8>, len: u64| {
            let mut file = File::create(folder.join(name)).unwrap();
            file.write_all(&header).unwrap();
            file.set_len(header.len() as u64 + len).unwrap();
        };
        let pixels = u64::from(count) * 784;
        write(format!("{stem}-images-idx3-ubyte"), images_header([count, 28, 28]), pixels);
        write(format!("{stem}-labels-idx1-ubyte"), labels_header(count), count.into());
    }
    (dir, folder)
}

#[test]
fn the_official_files_are_opened_and_held_to_the_published_numbers() {
    let (dir, folder) = fashion_mnist();
    let train = open(DatasetKind::FashionMnist, Split::Train, dir.path()).unwrap();
    assert_eq!((train.len(), train.num_classes(), train.shape()), (60_000, 10, ImageShape::MNIST));
    assert_eq!(open(DatasetKind::FashionMnist, Split::Test, dir.path()).unwrap().len(), 10_000);
    assert_eq!(class_names(DatasetKind::FashionMnist, dir.path())[9], "Ankle boot");

    let path = folder.join("t10k-images-idx3-ubyte");
    let mut file = File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(8)).unwrap();
    file.write_all(&images_header([10_000, 14, 56])[8..]).unwrap();
    let error = open(DatasetKind::FashionMnist, Split::Test, dir.path()).unwrap_err().to_string();
    let expected =
        "has height 14 at byte 8, expected 28; run `polder data fetch fashion-mnist` to replace it";
    assert!(error.ends_with(expected), "{error}");

    fs::remove_file(folder.join("train-labels-idx1-ubyte")).unwrap();
    let error = open(DatasetKind::FashionMnist, Split::Train, dir.path()).unwrap_err();
    assert!(
        matches!(&error, DataError::MissingFile { path, .. } if path.ends_with("train-labels-idx1-ubyte")),
        "{error}"
    );
    assert!(matches!(
        open(DatasetKind::Mnist, Split::Train, dir.path()),
        Err(DataError::MissingFolder { dataset: "mnist", .. })
    ));
}

proptest! {
    #[test]
    fn any_bytes_are_opened_or_refused(
        images in prop::collection::vec(any::<u8>(), 0..64),
        labels in prop::collection::vec(any::<u8>(), 0..32),
        magic in any::<bool>(),
    ) {
        let dir = TempDir::new().unwrap();
        let (mut images, mut labels) = (images, labels);
        if magic {
            images.splice(0..images.len().min(4), [0, 0, 8, 3]);
            labels.splice(0..labels.len().min(4), [0, 0, 8, 1]);
        }
        if let Ok(dataset) = open_pair(dir.path(), &images, &labels) {
            for index in 0..dataset.len() {
                prop_assert!(dataset.label(index) < dataset.num_classes());
                prop_assert_eq!(dataset.pixels(index).len(), dataset.shape().num_values());
            }
        }
    }
}
