//! The IDX format of MNIST and of the data sets made in its image.
//!
//! A file begins with the bytes 0, 0, 8 (the element type: unsigned bytes) and the number of dimensions, then each
//! dimension as a big-endian u32, then the elements. Images have three dimensions (N, H, W), labels one (N).
//! Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

use std::path::Path;

use crate::dataset::record_map::RecordMap;
use crate::{DataError, DatasetKind, ImageShape, MappedDataset, Split};

const IMAGES_MAGIC: u32 = 0x0000_0803;
const LABELS_MAGIC: u32 = 0x0000_0801;
const IMAGES_HEADER: usize = 16;
const LABELS_HEADER: usize = 8;
/// Larger images than this are taken for damage.
const MAX_SIDE: usize = 65_536;
const DAMAGED: &str = "it is damaged, or not an IDX file";

/// Opens a pair of IDX files: gray images, one byte a pixel, and their labels, one byte each.
///
/// The images are mapped, not read. No number of a header is believed before the file's length agrees with it.
///
/// # Errors
/// [`DataError::Io`] and [`DataError::NotAFile`] if a file cannot be opened; [`DataError::Header`] if a header has
/// another magic number, dimensions of 0 or above 65,536, or if the two files differ in their number of images;
/// [`DataError::Length`] if a file is shorter or longer than its header says; [`DataError::Label`] if a label is not
/// below `num_classes`; [`DataError::Config`] if `num_classes` is not in 1..=256.
pub fn open_idx(images: &Path, labels: &Path, num_classes: usize) -> Result<MappedDataset, DataError> {
    if !(1..=256).contains(&num_classes) {
        return Err(DataError::Config {
            field: "number of classes",
            found: num_classes.to_string(),
            expected: "1 to 256: a label is one byte".to_owned(),
        });
    }
    open_pair(images, labels, num_classes, &|| DAMAGED.to_owned())
}

/// Opens one split of a data set that is published as IDX files, and holds it to the published numbers.
pub(crate) fn open_official(
    kind: DatasetKind,
    split: Split,
    folder: &Path,
) -> Result<MappedDataset, DataError> {
    let stem = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images = folder.join(format!("{stem}-images-idx3-ubyte"));
    let labels = folder.join(format!("{stem}-labels-idx1-ubyte"));
    let remedy = || kind.fetch_to_replace();
    let num_images = kind.num_images(split);
    // The length says more than a header can: whoever has cut the file off has left its header alone.
    let ImageShape { height, width, .. } = kind.shape();
    let map = RecordMap::open(&images)?.expect_records(IMAGES_HEADER, num_images, height * width, remedy)?;
    for (offset, field, expected) in
        [(4, "number of images", num_images), (8, "height", height), (12, "width", width)]
    {
        expect(&map, field, offset, u32_at(&map, offset) as usize, expected, &remedy)?;
    }
    drop(map);
    open_pair(&images, &labels, kind.num_classes(), &remedy)
}

fn open_pair(
    images: &Path,
    labels: &Path,
    num_classes: usize,
    remedy: &dyn Fn() -> String,
) -> Result<MappedDataset, DataError> {
    let (images, shape, num_images) = open_images(images, remedy)?;
    let labels = read_labels(labels, &images, num_images, num_classes, remedy)?;
    Ok(MappedDataset::new(vec![images], num_images, 0, shape, num_classes, labels))
}

fn open_images(
    path: &Path,
    remedy: &dyn Fn() -> String,
) -> Result<(RecordMap, ImageShape, usize), DataError> {
    let map = open_with_magic(path, IMAGES_MAGIC, IMAGES_HEADER, remedy)?;
    let [num_images, height, width] = [4, 8, 12].map(|offset| u32_at(&map, offset) as usize);
    if num_images == 0 {
        return Err(header(&map, "number of images", 4, "0", "at least 1", remedy));
    }
    for (field, offset, side) in [("height", 8, height), ("width", 12, width)] {
        if !(1..=MAX_SIDE).contains(&side) {
            let expected = format!("1 to {MAX_SIDE} pixels");
            return Err(header(&map, field, offset, &side.to_string(), &expected, remedy));
        }
    }
    let map = map.expect_records(IMAGES_HEADER, num_images, height * width, remedy)?;
    Ok((map, ImageShape { channels: 1, height, width }, num_images))
}

fn read_labels(
    path: &Path,
    images: &RecordMap,
    num_images: usize,
    num_classes: usize,
    remedy: &dyn Fn() -> String,
) -> Result<Vec<u16>, DataError> {
    let map = open_with_magic(path, LABELS_MAGIC, LABELS_HEADER, remedy)?;
    let count = u32_at(&map, 4) as usize;
    if count != num_images {
        let expected = format!("{num_images}, as many as `{}` has images", images.path().display());
        return Err(header(&map, "number of labels", 4, &count.to_string(), &expected, remedy));
    }
    let map = map.expect_records(LABELS_HEADER, count, 1, remedy)?;
    let labels = &map.bytes()[LABELS_HEADER..];
    if let Some(index) = labels.iter().position(|&label| usize::from(label) >= num_classes) {
        return Err(DataError::Label {
            path: path.to_owned(),
            offset: (LABELS_HEADER + index) as u64,
            label: "class",
            found: labels[index].into(),
            num_classes,
            remedy: remedy(),
        });
    }
    Ok(labels.iter().map(|&label| label.into()).collect())
}

/// Maps a file that is long enough for its header and begins with `magic`.
fn open_with_magic(
    path: &Path,
    magic: u32,
    header_len: usize,
    remedy: &dyn Fn() -> String,
) -> Result<RecordMap, DataError> {
    let map = RecordMap::open(path)?;
    if map.bytes().len() < header_len {
        return Err(map.length_error(header_len, 0, 0, remedy()));
    }
    let found = u32_at(&map, 0);
    if found != magic {
        let (found, expected) = (format!("{found:#010x}"), format!("{magic:#010x}"));
        return Err(header(&map, "magic number", 0, &found, &expected, remedy));
    }
    Ok(map)
}

/// The big-endian u32 at `offset` of a header that is known to be there.
fn u32_at(map: &RecordMap, offset: usize) -> u32 {
    let bytes = &map.bytes()[offset..offset + 4];
    bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

fn expect(
    map: &RecordMap,
    field: &'static str,
    offset: usize,
    found: usize,
    expected: usize,
    remedy: &dyn Fn() -> String,
) -> Result<(), DataError> {
    if found == expected {
        return Ok(());
    }
    Err(header(map, field, offset, &found.to_string(), &expected.to_string(), remedy))
}

fn header(
    map: &RecordMap,
    field: &'static str,
    offset: usize,
    found: &str,
    expected: &str,
    remedy: &dyn Fn() -> String,
) -> DataError {
    DataError::Header {
        path: map.path().to_owned(),
        field,
        offset: offset as u64,
        found: found.to_owned(),
        expected: expected.to_owned(),
        remedy: remedy(),
    }
}
