//! What every mapped format does with files that are not what they should be: a typed error that names the file, what
//! was expected and what was found, and never more memory than the file is long.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use polder_data::{DataError, Dataset, DatasetKind, Loader, Split, open, open_idx};
#[cfg(feature = "image")]
use polder_data::{PackOptions, open_packed, pack};
use tempfile::TempDir;

type Opened = Result<Box<dyn Dataset>, DataError>;

/// A format: how to make good files in a folder, which of them to damage, and how to open them.
struct Format {
    name: &'static str,
    make: fn(&Path) -> PathBuf,
    open: fn(&Path) -> Opened,
}

const FORMATS: &[Format] = &[
    Format { name: "CIFAR-10", make: make_cifar10, open: open_cifar10 },
    Format { name: "CIFAR-100, coarse", make: make_cifar100, open: open_cifar100_coarse },
    Format { name: "IDX images", make: make_idx, open: open_own_idx },
    Format { name: "IDX labels", make: make_idx_labels, open: open_own_idx },
    Format { name: "MNIST", make: make_mnist, open: open_mnist },
    #[cfg(feature = "image")]
    Format { name: "packed", make: make_packed, open: open_own_packed },
];

/// A file of zeros behind `head`, without taking space on disk.
fn zeros(path: &Path, head: &[u8], len: u64) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(head).unwrap();
    file.set_len(len).unwrap();
    path.to_owned()
}

fn make_cifar10(dir: &Path) -> PathBuf {
    zeros(&dir.join("cifar-10-batches-bin/test_batch.bin"), &[], 30_730_000)
}

fn open_cifar10(dir: &Path) -> Opened {
    Ok(Box::new(open(DatasetKind::Cifar10, Split::Test, dir)?))
}

fn make_cifar100(dir: &Path) -> PathBuf {
    zeros(&dir.join("cifar-100-binary/test.bin"), &[], 30_740_000)
}

fn open_cifar100_coarse(dir: &Path) -> Opened {
    Ok(Box::new(open(DatasetKind::Cifar100Coarse, Split::Test, dir)?))
}

fn make_idx(dir: &Path) -> PathBuf {
    zeros(&dir.join("labels"), &[0, 0, 8, 1, 0, 0, 0, 3], 8 + 3);
    zeros(&dir.join("images"), &[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 5], 16 + 75)
}

fn make_idx_labels(dir: &Path) -> PathBuf {
    make_idx(dir);
    dir.join("labels")
}

fn open_own_idx(dir: &Path) -> Opened {
    Ok(Box::new(open_idx(&dir.join("images"), &dir.join("labels"), 10)?))
}

fn make_mnist(dir: &Path) -> PathBuf {
    let folder = dir.join("mnist");
    zeros(&folder.join("t10k-labels-idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0x27, 0x10], 10_008);
    let head = [0, 0, 8, 3, 0, 0, 0x27, 0x10, 0, 0, 0, 28, 0, 0, 0, 28];
    zeros(&folder.join("t10k-images-idx3-ubyte"), &head, 7_840_016)
}

fn open_mnist(dir: &Path) -> Opened {
    Ok(Box::new(open(DatasetKind::Mnist, Split::Test, dir)?))
}

#[cfg(feature = "image")]
fn make_packed(dir: &Path) -> PathBuf {
    let folder = dir.join("in/only");
    fs::create_dir_all(&folder).unwrap();
    image::RgbImage::new(4, 4).save(folder.join("black.png")).unwrap();
    let out = dir.join("out.packed");
    pack(&dir.join("in"), &out, &PackOptions::default(), &mut |_, _| ()).unwrap();
    out
}

#[cfg(feature = "image")]
fn open_own_packed(dir: &Path) -> Opened {
    Ok(Box::new(open_packed(&dir.join("out.packed"))?))
}

/// Makes good files, lets `damage` do its work on one of them, and returns the error with the file's path.
fn refused(format: &Format, damage: impl Fn(&Path)) -> (PathBuf, DataError, TempDir) {
    let dir = TempDir::new().unwrap();
    let path = (format.make)(dir.path());
    damage(&path);
    let error = (format.open)(dir.path()).err().unwrap_or_else(|| panic!("{} is refused", format.name));
    assert!(error.to_string().contains(&path.display().to_string()), "{}: {error}", format.name);
    (path, error, dir)
}

fn set_len(path: &Path, len: u64) {
    File::options().write(true).open(path).unwrap().set_len(len).unwrap();
}

#[test]
fn good_files_are_opened() {
    for format in FORMATS {
        let dir = TempDir::new().unwrap();
        (format.make)(dir.path());
        let dataset = (format.open)(dir.path()).unwrap();
        let last = dataset.len() - 1;
        assert_eq!(dataset.pixels(last).len(), dataset.shape().num_values(), "{}", format.name);
        assert_eq!(dataset.label(last), 0, "{}", format.name);
        dataset.check().unwrap();
    }
}

#[test]
fn empty_files_and_files_one_byte_short_or_long_are_refused_with_both_lengths() {
    for format in FORMATS {
        let dir = TempDir::new().unwrap();
        let good = (format.make)(dir.path()).metadata().unwrap().len();
        for len in [0, good - 1, good + 1] {
            let (_, error, _dir) = refused(format, |path| set_len(path, len));
            let DataError::Length { found, expected, .. } = error else { panic!("{}: {error}", format.name) };
            assert_eq!(found, len, "{}", format.name);
            assert_ne!(expected, len, "{}", format.name);
            assert!(len == 0 || expected == good, "{}: {expected}", format.name);
        }
    }
}

#[test]
fn a_folder_in_place_of_a_file_is_called_one() {
    for format in FORMATS {
        let (_, error, _dir) = refused(format, |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        });
        assert!(matches!(error, DataError::NotAFile { found: "a folder", .. }), "{}: {error}", format.name);
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    for format in FORMATS {
        let (_, error, _dir) = refused(format, |path| fs::remove_file(path).unwrap());
        assert!(
            matches!(error, DataError::MissingFile { .. } | DataError::Io { act: "open", .. }),
            "{}: {error}",
            format.name
        );
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named_with_the_reason() {
    use std::os::unix::fs::PermissionsExt;
    let forbid = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    let dir = TempDir::new().unwrap();
    let probe = dir.path().join("probe");
    fs::write(&probe, "x").unwrap();
    forbid(&probe);
    if File::open(&probe).is_ok() {
        eprintln!("skipped: this user may read everything");
        return;
    }
    for format in FORMATS {
        let (_, error, _dir) = refused(format, forbid);
        let DataError::Io { act: "open", source, .. } = &error else { panic!("{}: {error}", format.name) };
        assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied, "{}", format.name);
    }
}

/// The map would kill the process where the file has no page any more; a look at the length before an epoch does not.
#[test]
fn a_file_that_changes_its_length_after_opening_is_found_by_the_next_check() {
    for format in FORMATS {
        let dir = TempDir::new().unwrap();
        let path = (format.make)(dir.path());
        let good = path.metadata().unwrap().len();
        let dataset = (format.open)(dir.path()).unwrap();
        if format.name == "IDX labels" {
            // Labels are read when the file is opened; what becomes of it later does no harm.
            set_len(&path, 0);
            dataset.check().unwrap();
            assert_eq!(dataset.label(2), 0);
            continue;
        }
        for len in [good - 1, 0, good + 1] {
            set_len(&path, len);
            let error = dataset.check().unwrap_err();
            assert!(
                matches!(&error, DataError::Changed { path: named, found, expected }
                    if (named, *found, *expected) == (&path, len, good)),
                "{}: {error}",
                format.name
            );
        }
        set_len(&path, good);
        dataset.check().unwrap();
    }
}

/// Replaced by renaming, as Polder itself replaces files, the old file lives on for whoever has it open.
#[test]
fn a_file_that_is_replaced_by_renaming_does_no_harm() {
    let dir = TempDir::new().unwrap();
    let path = make_idx(dir.path());
    let dataset = open_own_idx(dir.path()).unwrap();
    let new = dir.path().join("new");
    fs::write(&new, "something else").unwrap();
    fs::rename(&new, &path).unwrap();
    dataset.check().unwrap();
    assert_eq!(dataset.pixels(2), [0; 25]);
}

#[test]
fn a_loader_asks_before_every_epoch_whether_the_files_are_what_they_were() {
    let dir = TempDir::new().unwrap();
    let path = make_idx(dir.path());
    let loader = Loader::builder(Arc::<dyn Dataset>::from(open_own_idx(dir.path()).unwrap()))
        .batch_size(1)
        .build::<u8>()
        .unwrap();
    assert!(loader.epoch(0).is_ok());
    set_len(&path, 0);
    let error = loader.epoch(1).err().unwrap();
    assert!(matches!(error, DataError::Changed { found: 0, .. }), "{error}");
}
