//! Packed files: a folder of images as one file that is mapped like any other.
//!
//! All numbers are little-endian.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 8 | magic, `POLDERIM` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | CRC-32 (IEEE 802.3) of everything from byte 16 to the end of the file |
//! | 16 | 4 | length of the header, a multiple of 64 |
//! | 20 | 4 | C, 1 to 3 |
//! | 24 | 4 | H |
//! | 28 | 4 | W |
//! | 32 | 8 | N, number of images |
//! | 40 | 4 | K, number of classes, 1 to 65,536 |
//! | 44 | 12 | mean of each channel over all pixels in 0..=1, f32 |
//! | 56 | 12 | standard deviation, likewise |
//! | 68 | | K class names, each its length in bytes (u16) and as many bytes of UTF-8; then zeros up to the header's length |
//! | header | 2 N | the labels (u16), then zeros up to a multiple of 64 |
//! | | N C H W | the images, planar |

use std::path::Path;

use crate::dataset::record_map::RecordMap;
use crate::{DataError, Dataset, ImageShape, MappedDataset, Normalization};

const MAGIC: &[u8; 8] = b"POLDERIM";
const VERSION: u32 = 1;
/// Where the header's fields end and the class names begin.
const NAMES_AT: usize = 68;
/// What the checksum covers begins here.
#[cfg(any(feature = "verify", feature = "image"))]
const CHECKED_FROM: usize = 16;
const ALIGNMENT: usize = 64;
const MAX_CLASSES: usize = 1 << 16;
const MAX_SIDE: usize = 1 << 16;

/// What the header of a packed file says.
#[derive(Clone, Debug, PartialEq)]
pub struct PackedHeader {
    /// N.
    pub num_images: usize,
    /// C, H, W of every image.
    pub shape: ImageShape,
    /// The name of each class, K of them.
    pub class_names: Vec<String>,
    /// Mean and standard deviation of the images in the file; entries beyond C repeat the last channel's.
    pub normalization: Normalization,
    /// CRC-32 of the file from byte 16 on.
    pub checksum: u32,
}

/// A packed file, mapped read-only.
#[derive(Debug)]
pub struct PackedDataset {
    images: MappedDataset,
    header: PackedHeader,
}

/// Opens a file that [`pack`](crate::pack) has written.
///
/// Header, length and labels are checked here; the content by [`PackedDataset::verify`], which reads every byte.
///
/// # Errors
/// [`DataError::Io`] or [`DataError::NotAFile`] if it cannot be opened; [`DataError::Header`] if a field of the header
/// has a value that cannot be; [`DataError::Length`] if the file is shorter or longer than its header says;
/// [`DataError::Label`] if a label is not a class.
pub fn open_packed(path: &Path) -> Result<PackedDataset, DataError> {
    let map = RecordMap::open(path)?;
    let (header, header_len) = read_header(&map)?;
    let num_images = header.num_images;
    let (num_classes, image_len) = (header.class_names.len(), header.shape.num_values());
    let images_at = num_images.checked_mul(2).and_then(|bytes| aligned(bytes.checked_add(header_len)?));
    let Some(images_at) = images_at.filter(|&images_at| images_at <= map.bytes().len()) else {
        return Err(map.length_error(header_len, num_images, image_len + 2, remedy()));
    };
    let map = map.expect_records(images_at, num_images, image_len, remedy)?;
    let mut labels = Vec::with_capacity(num_images);
    for (index, bytes) in map.bytes()[header_len..][..2 * num_images].chunks_exact(2).enumerate() {
        let label = u16::from_le_bytes([bytes[0], bytes[1]]);
        if usize::from(label) >= num_classes {
            return Err(DataError::Label {
                path: path.to_owned(),
                offset: (header_len + 2 * index) as u64,
                label: "class",
                found: label.into(),
                num_classes,
                remedy: remedy(),
            });
        }
        labels.push(label);
    }
    let images = MappedDataset::new(vec![map], num_images, 0, header.shape, num_classes, labels);
    Ok(PackedDataset { images, header })
}

impl PackedDataset {
    /// What the file says about itself.
    pub fn header(&self) -> &PackedHeader {
        &self.header
    }

    /// Reads the whole file and compares its checksum with the one in the header: about a second for a gigabyte that
    /// lies in memory. It finds damage, not forgery.
    ///
    /// # Errors
    /// [`DataError::PackedChecksum`] if they differ; [`DataError::Changed`] if the file was shortened since it was
    /// opened.
    #[cfg(any(feature = "verify", feature = "image"))]
    pub fn verify(&self) -> Result<(), DataError> {
        self.images.check()?;
        let map = self.images.only_file();
        let (found, expected) = (crc32fast::hash(&map.bytes()[CHECKED_FROM..]), self.header.checksum);
        if found == expected {
            return Ok(());
        }
        Err(DataError::PackedChecksum { path: map.path().to_owned(), found, expected })
    }
}

impl Dataset for PackedDataset {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    fn num_classes(&self) -> usize {
        self.images.num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        self.images.pixels(index)
    }

    fn label(&self, index: usize) -> usize {
        self.images.label(index)
    }

    fn prefetch(&self, index: usize) {
        self.images.prefetch(index);
    }

    fn check(&self) -> Result<(), DataError> {
        self.images.check()
    }
}

fn remedy() -> String {
    "it is damaged, or not a packed file: make it again with `polder data pack`".to_owned()
}

/// The next multiple of 64.
fn aligned(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(ALIGNMENT)
}

/// Reads and checks the header; nothing is allocated on its word beyond the bytes that are there.
fn read_header(map: &RecordMap) -> Result<(PackedHeader, usize), DataError> {
    let bytes = map.bytes();
    if bytes.len() < NAMES_AT {
        return Err(map.length_error(NAMES_AT, 0, 0, remedy()));
    }
    let refuse = |field, offset: usize, found: String, expected: &str| {
        let (path, expected) = (map.path().to_owned(), expected.to_owned());
        Err(DataError::Header { path, field, offset: offset as u64, found, expected, remedy: remedy() })
    };
    let word = |offset: usize| u32::from_le_bytes(std::array::from_fn(|at| bytes[offset + at]));
    let number = |offset: usize| word(offset) as usize;
    if &bytes[..8] != MAGIC {
        return refuse("magic", 0, format!("{:?}", String::from_utf8_lossy(&bytes[..8])), "\"POLDERIM\"");
    }
    if word(8) != VERSION {
        return refuse("version", 8, word(8).to_string(), "1, the version that this program reads");
    }
    let header_len = number(16);
    if header_len < NAMES_AT || !header_len.is_multiple_of(ALIGNMENT) {
        return refuse("header length", 16, header_len.to_string(), "a multiple of 64, at least 128");
    }
    if header_len > bytes.len() {
        return Err(map.length_error(header_len, 0, 0, remedy()));
    }
    let shape = ImageShape { channels: number(20), height: number(24), width: number(28) };
    if !(1..=3).contains(&shape.channels) {
        return refuse("number of channels", 20, shape.channels.to_string(), "1 to 3");
    }
    for (field, offset, side) in [("height", 24, shape.height), ("width", 28, shape.width)] {
        if !(1..=MAX_SIDE).contains(&side) {
            return refuse(field, offset, side.to_string(), "1 to 65536 pixels");
        }
    }
    let num_images = u64::from(word(32)) | u64::from(word(36)) << 32;
    let num_images = match usize::try_from(num_images) {
        Ok(number) if number > 0 => number,
        _ => return refuse("number of images", 32, num_images.to_string(), "at least 1"),
    };
    let num_classes = number(40);
    if !(1..=MAX_CLASSES).contains(&num_classes) {
        return refuse("number of classes", 40, num_classes.to_string(), "1 to 65536");
    }
    let float = |offset: usize| f32::from_bits(word(offset));
    let normalization = Normalization { mean: [44, 48, 52].map(float), std: [56, 60, 64].map(float) };
    if normalization.validate().is_err() {
        let found = format!("{:?}, {:?}", normalization.mean, normalization.std);
        return refuse("mean and standard deviation", 44, found, "finite numbers, the latter positive");
    }
    let mut class_names = Vec::new();
    let mut rest = &bytes[NAMES_AT..header_len];
    for class in 0..num_classes {
        let offset = header_len - rest.len();
        let name = rest.split_at_checked(2).and_then(|(len, after)| {
            let (name, after) = after.split_at_checked(usize::from(u16::from_le_bytes([len[0], len[1]])))?;
            Some((std::str::from_utf8(name).ok()?, after))
        });
        let Some((name, after)) = name else {
            let found = format!("of class {class} that does not fit the header");
            return refuse("a name", offset, found, "a length and as many bytes of UTF-8");
        };
        class_names.push(name.to_owned());
        rest = after;
    }
    let header = PackedHeader { num_images, shape, class_names, normalization, checksum: word(12) };
    Ok((header, header_len))
}

/// The bytes before the first label, their checksum field included.
#[cfg(feature = "image")]
pub(crate) fn header_bytes(header: &PackedHeader) -> Vec<u8> {
    let ImageShape { channels, height, width } = header.shape;
    let Normalization { mean, std } = header.normalization;
    let names_len: usize = header.class_names.iter().map(|name| 2 + name.len()).sum();
    let header_len = (NAMES_AT + names_len).next_multiple_of(ALIGNMENT);
    let mut bytes = Vec::with_capacity(header_len);
    bytes.extend(MAGIC);
    for word in [VERSION, header.checksum, header_len as u32, channels as u32, height as u32, width as u32] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend((header.num_images as u64).to_le_bytes());
    bytes.extend((header.class_names.len() as u32).to_le_bytes());
    bytes.extend(mean.iter().chain(&std).flat_map(|number| number.to_le_bytes()));
    for name in &header.class_names {
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend(name.as_bytes());
    }
    bytes.resize(header_len, 0);
    bytes
}

/// The labels and the zeros behind them, as they follow a header of `header_len` bytes.
#[cfg(feature = "image")]
pub(crate) fn label_bytes(labels: impl Iterator<Item = u16>) -> Vec<u8> {
    let mut bytes: Vec<u8> = labels.flat_map(u16::to_le_bytes).collect();
    // The header's length is a multiple of the alignment itself.
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}

/// The checksum of a file with this header (its own checksum field is not covered) and `rest` of that CRC-32 behind it.
#[cfg(feature = "image")]
pub(crate) fn checksum(header: &[u8], rest: &crc32fast::Hasher) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[CHECKED_FROM..]);
    hasher.combine(rest);
    hasher.finalize()
}
