//! The parsers as functions of bytes, for the fuzz targets and the tests that replay their seeds.
//!
//! It is `polder_data::fuzzing` under `cfg(fuzzing)`, which `cargo fuzz` sets, and in the crate's own tests: it uses private parsers.
//! None touches the network, and none writes what it unpacks.

#[cfg(feature = "image")]
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

use crate::dataset::cifar::{self, CIFAR10, CIFAR100, CifarLayout};
use crate::official::archive::{self, Destination, Source};
use crate::official::checksums::{Digest, Distribution, Member};
#[cfg(feature = "image")]
use crate::open_packed;
#[cfg(feature = "image")]
use crate::pack::decode::{DecodeLimits, decode_from, planar_bytes};
use crate::{DataError, Dataset, DatasetKind, open_idx};

/// A small data set, whose archive is the folder `toy` with these files.
const TOY: Distribution = Distribution {
    dataset: "toy",
    folder: "toy",
    archives: &[],
    members: &[member("train.bin", 3073), member("test.bin", 25)],
};

const fn member(name: &'static str, len: u64) -> Member {
    Member { name, len, digest: Digest::Published("") }
}

/// Reads `bytes` as the `.tar.gz` of a data set with the folder `toy` and the records `train.bin` of 3073 bytes and
/// `test.bin` of 25, and drops the files.
///
/// # Errors
/// As in a download.
///
/// # Panics
/// If more would have been written than the known lengths allow, or under a name that leaves the folder.
pub fn unpack(bytes: &[u8]) -> Result<(), DataError> {
    archive::unpack(source(bytes, &mut |_| ()), &TOY, &mut Nowhere { left: TOY.max_archive_len() })
}

/// Reads `bytes` as the `.gz` of a file of 3073 bytes, and drops it.
///
/// # Errors
/// As in a download.
///
/// # Panics
/// If more would have been written than the known length.
pub fn gunzip(bytes: &[u8]) -> Result<(), DataError> {
    let member = &TOY.members[0];
    archive::gunzip(source(bytes, &mut |_| ()), member, &mut Nowhere { left: member.len })
}

fn source<'a>(bytes: &'a [u8], progress: &'a mut dyn FnMut(u64)) -> Source<'a, &'a [u8]> {
    Source { path: Path::new("memory"), bytes, progress }
}

/// Opens `bytes` as a file of two records of CIFAR-10 and reads every image.
///
/// # Errors
/// As in opening the data set.
pub fn cifar10_file(bytes: &[u8]) -> Result<(), DataError> {
    cifar_file(&CIFAR10, DatasetKind::Cifar10, bytes)
}

/// Opens `bytes` as a file of two records of CIFAR-100 and reads every image.
///
/// # Errors
/// As in opening the data set.
pub fn cifar100_file(bytes: &[u8]) -> Result<(), DataError> {
    cifar_file(&CIFAR100, DatasetKind::Cifar100, bytes)
}

fn cifar_file(layout: &CifarLayout, kind: DatasetKind, bytes: &[u8]) -> Result<(), DataError> {
    let file = Scratch::new(bytes)?;
    read_all(&cifar::open_files(layout, kind, std::slice::from_ref(&file.path), 2)?);
    Ok(())
}

/// Opens `bytes` as IDX images beside labels for three images, and reads every image.
///
/// # Errors
/// As in opening the pair.
pub fn idx_images(bytes: &[u8]) -> Result<(), DataError> {
    idx_pair(bytes, &[0, 0, 8, 1, 0, 0, 0, 3, 1, 0, 9])
}

/// Opens `bytes` as IDX labels beside three images of 2 x 1 pixels, and reads every image.
///
/// # Errors
/// As in opening the pair.
pub fn idx_labels(bytes: &[u8]) -> Result<(), DataError> {
    idx_pair(&[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 10, 20, 30, 40, 50, 60], bytes)
}

fn idx_pair(images: &[u8], labels: &[u8]) -> Result<(), DataError> {
    let (images, labels) = (Scratch::new(images)?, Scratch::new(labels)?);
    read_all(&open_idx(&images.path, &labels.path, 10)?);
    Ok(())
}

/// Opens `bytes` as a packed file, reads every image and compares the checksum.
///
/// # Errors
/// As in opening and verifying the file.
///
/// # Panics
/// If what the header says is not what the images are.
#[cfg(feature = "image")]
pub fn packed_file(bytes: &[u8]) -> Result<(), DataError> {
    let file = Scratch::new(bytes)?;
    let images = open_packed(&file.path)?;
    let header = images.header();
    assert_eq!((images.len(), images.shape()), (header.num_images, header.shape));
    assert_eq!(images.num_classes(), header.class_names.len());
    read_all(&images);
    images.verify()
}

/// Decodes `bytes` as an image file of a folder to be packed, of at most 1024 pixels a side and 1 MiB so that trying is
/// cheap, and turns it into planes: three at its own size and one at 5 x 4 pixels.
///
/// # Errors
/// As in packing the folder.
///
/// # Panics
/// If the planes do not have the bytes that belong to their size, or a side is larger than allowed.
#[cfg(feature = "image")]
pub fn image_folder(bytes: &[u8]) -> Result<(), DataError> {
    let limits = DecodeLimits { max_side: 1 << 10, max_bytes: 1 << 20 };
    let image = decode_from(image::ImageReader::new(Cursor::new(bytes)), Path::new("memory"), limits)?;
    let (height, width) = (image.height() as usize, image.width() as usize);
    assert!((1..=1 << 10).contains(&height) && (1..=1 << 10).contains(&width), "{height}x{width}");
    let mut planar = Vec::new();
    planar_bytes(image.clone(), (height, width), 3, &mut planar);
    assert_eq!(planar.len(), 3 * height * width);
    planar_bytes(image, (5, 4), 1, &mut planar);
    assert_eq!(planar.len(), 5 * 4);
    Ok(())
}

/// # Panics
/// If the data set breaks its own promises.
fn read_all(dataset: &dyn Dataset) {
    for index in 0..dataset.len() {
        assert_eq!(dataset.pixels(index).len(), dataset.shape().num_values());
        assert!(dataset.label(index) < dataset.num_classes());
        dataset.prefetch(index);
    }
}

/// Counts what is unpacked and drops it.
struct Nowhere {
    /// How many more bytes may come.
    left: u64,
}

impl Destination for Nowhere {
    fn create(&mut self, name: &str) -> Result<(), DataError> {
        assert!(!name.is_empty() && name != "." && name != ".." && !name.contains('/'), "{name:?}");
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.expect("no more is written than the known lengths");
        Ok(())
    }

    fn finish(&mut self) -> Result<(), DataError> {
        Ok(())
    }
}

/// A file with the bytes to parse, in memory where the system has a folder for that; removed at the end.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(bytes: &[u8]) -> Result<Self, DataError> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("polder-data-{}-{number}", process::id()));
        fs::write(&path, bytes).map_err(DataError::io("write", &path))?;
        Ok(Scratch { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A leftover in a temporary folder is an untidiness, not an error.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::DataError;

    /// Gives every seed of `target` to `parse`: those named `valid*` are taken, all others are refused.
    fn replay(target: &str, parse: fn(&[u8]) -> Result<(), DataError>) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let mut seeds: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        assert!(seeds.len() >= 2, "too few seeds in {}", folder.display());
        for seed in seeds {
            let valid = seed.file_name().unwrap().to_str().unwrap().starts_with("valid");
            match parse(&fs::read(&seed).unwrap()) {
                Ok(()) => assert!(valid, "{} is taken", seed.display()),
                Err(error) => assert!(!valid, "{} is refused: {error}", seed.display()),
            }
        }
    }

    #[test]
    fn archives_are_taken_or_refused_as_named() {
        replay("archive", super::unpack);
    }

    #[test]
    fn gzip_files_are_taken_or_refused_as_named() {
        replay("gunzip", super::gunzip);
    }

    #[test]
    fn cifar10_files_are_taken_or_refused_as_named() {
        replay("cifar10_file", super::cifar10_file);
    }

    #[test]
    fn cifar100_files_are_taken_or_refused_as_named() {
        replay("cifar100_file", super::cifar100_file);
    }

    #[test]
    fn idx_images_are_taken_or_refused_as_named() {
        replay("idx_images", super::idx_images);
    }

    #[test]
    fn idx_labels_are_taken_or_refused_as_named() {
        replay("idx_labels", super::idx_labels);
    }

    #[test]
    #[cfg(feature = "image")]
    fn packed_files_are_taken_or_refused_as_named() {
        replay("packed_file", super::packed_file);
    }

    #[test]
    #[cfg(feature = "image")]
    fn images_of_a_folder_are_taken_or_refused_as_named() {
        replay("image_folder", super::image_folder);
    }
}
