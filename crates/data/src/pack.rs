//! A folder of images becomes one packed file.

pub(crate) mod decode;

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use self::decode::{decode, planar_bytes};
use crate::dataset::packed::{PackedHeader, checksum, header_bytes, label_bytes};
use crate::loader::sampler::{Order, epoch_order};
use crate::{DataError, ImageShape, Normalization};

/// What [`pack`] does to every image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackOptions {
    /// Height and width to resize to; `None` keeps the size, which must then be the same for all.
    pub size: Option<(usize, usize)>,
    /// 1 (gray) or 3 (red, green, blue).
    pub channels: usize,
}

impl Default for PackOptions {
    /// Size kept, 3 channels.
    fn default() -> Self {
        PackOptions { size: None, channels: 3 }
    }
}

/// What [`pack`] wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct PackReport {
    /// What the file says about itself.
    pub header: PackedHeader,
    /// Number of images of each class.
    pub class_counts: Vec<usize>,
    /// Files that are not PNG or JPEG by their names, and were left out.
    pub skipped: Vec<PathBuf>,
    /// Length of the file in bytes.
    pub num_bytes: u64,
}

/// Packs the images of `dir`, one class per subfolder, into the file `out`, to be opened by
/// [`open_packed`](crate::open_packed).
///
/// Classes are the subfolders in the order of their names, which they keep; images are the PNG and JPEG files directly
/// in them (by extension; names that begin with a dot are left out). The images are written in an order that is a
/// fixed shuffle of their sorted names: the same folder gives the same bytes, and every prefix is a fair sample of the
/// classes. Resizing does not keep the aspect ratio; each output pixel is the mean of its source region under a
/// triangle filter (bilinear, widened by the ratio when it shrinks). Transparency is dropped, 16-bit values are
/// rounded to 8, and a camera's note of its orientation is not applied.
///
/// `progress` is called with the number of images done and the number in all. `out` appears complete or not at all.
///
/// # Errors
/// [`DataError::Config`] for other numbers of channels or a size of 0; [`DataError::ImageFolder`] if there are no
/// classes, or a class has no image or no UTF-8 name; [`DataError::Image`] naming a file that does not decode;
/// [`DataError::ImageTooLarge`] naming one that claims more than 16,384 pixels a side or 256 MiB, before it is decoded;
/// [`DataError::ImageSize`] naming two images of different size if none is asked for; [`DataError::Io`].
pub fn pack(
    dir: &Path,
    out: &Path,
    options: &PackOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PackReport, DataError> {
    validate(options)?;
    let folder = ImageFolder::list(dir)?;
    let mut partial = out.as_os_str().to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = PathBuf::from(partial);
    let written = write(&folder, &partial, options, progress).and_then(|header| {
        fs::rename(&partial, out).map_err(DataError::io("create", out))?;
        Ok(header)
    });
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&partial);
    }
    let header = written?;
    let mut class_counts = vec![0; folder.class_names.len()];
    for (_, class) in &folder.images {
        class_counts[usize::from(*class)] += 1;
    }
    let num_bytes = out.metadata().map_err(DataError::io("read", out))?.len();
    Ok(PackReport { header, class_counts, skipped: folder.skipped, num_bytes })
}

fn validate(options: &PackOptions) -> Result<(), DataError> {
    if ![1, 3].contains(&options.channels) {
        let (found, expected) = (options.channels.to_string(), "1 (gray) or 3 (color)".to_owned());
        return Err(DataError::Config { field: "number of channels", found, expected });
    }
    match options.size {
        Some((height, width)) if !(1..=4096).contains(&height) || !(1..=4096).contains(&width) => {
            let (found, expected) = (format!("{height}x{width}"), "1x1 to 4096x4096 pixels".to_owned());
            Err(DataError::Config { field: "size", found, expected })
        }
        _ => Ok(()),
    }
}

/// The images of a folder in the order in which they are written, each with its class.
struct ImageFolder {
    class_names: Vec<String>,
    images: Vec<(PathBuf, u16)>,
    skipped: Vec<PathBuf>,
}

impl ImageFolder {
    fn list(dir: &Path) -> Result<Self, DataError> {
        let refuse = |path: &Path, found: &str, expected: &str| {
            let (path, found, expected) = (path.to_owned(), found.to_owned(), expected.to_owned());
            Err(DataError::ImageFolder { path, found, expected })
        };
        let (mut class_names, mut sorted, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        for class_dir in entries(dir)? {
            if !class_dir.is_dir() {
                skipped.push(class_dir);
                continue;
            }
            let name = class_dir.file_name().and_then(|name| name.to_str());
            let Some(name) = name.filter(|name| u16::try_from(name.len()).is_ok()) else {
                return refuse(&class_dir, "a name that is not UTF-8", "a class name in UTF-8");
            };
            let Ok(class) = u16::try_from(class_names.len()) else {
                return refuse(dir, "more than 65536 folders", "one folder per class, 65536 at most");
            };
            let (images, others): (Vec<_>, Vec<_>) =
                entries(&class_dir)?.into_iter().partition(|path| path.is_file() && has_image_name(path));
            if images.is_empty() {
                return refuse(&class_dir, "no image", "at least one PNG or JPEG file per class");
            }
            class_names.push(name.to_owned());
            sorted.extend(images.into_iter().map(|path| (path, class)));
            skipped.extend(others);
        }
        if class_names.is_empty() {
            return refuse(dir, "no folder", "one folder of images per class");
        }
        let order = epoch_order(Order::Shuffled, 0, 0, sorted.len());
        let images = order.into_iter().map(|index| sorted[index].clone()).collect();
        Ok(ImageFolder { class_names, images, skipped })
    }
}

/// What lies in `dir`, sorted by name, without hidden entries.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let list = || -> io::Result<Vec<PathBuf>> { fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect() };
    let mut paths = list().map_err(DataError::io("list", dir))?;
    paths.retain(|path| path.file_name().is_none_or(|name| !name.as_encoded_bytes().starts_with(b".")));
    paths.sort();
    Ok(paths)
}

fn has_image_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["png", "jpg", "jpeg"].iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Writes the whole file to `path` and waits until the disk has it.
fn write(
    folder: &ImageFolder,
    path: &Path,
    options: &PackOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PackedHeader, DataError> {
    let create = DataError::io("create", path);
    let file = File::options().write(true).create_new(true).open(path).map_err(create)?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let write_error = || DataError::io("write", path);
    let num_images = folder.images.len();
    let mut header = PackedHeader {
        num_images,
        shape: ImageShape { channels: options.channels, height: 0, width: 0 },
        class_names: folder.class_names.clone(),
        normalization: Normalization { mean: [0.0; 3], std: [1.0; 3] },
        checksum: 0,
    };
    // Sizes do not depend on what is filled in at the end.
    let mut rest = crc32fast::Hasher::new();
    let labels = label_bytes(folder.images.iter().map(|(_, class)| *class));
    rest.update(&labels);
    file.write_all(&header_bytes(&header)).and_then(|()| file.write_all(&labels)).map_err(write_error())?;

    let mut sums = ChannelSums::default();
    let mut first: Option<(&Path, (usize, usize))> = options.size.map(|size| (path, size));
    let mut planar = Vec::new();
    for (done, (image_path, _)) in folder.images.iter().enumerate() {
        progress(done, num_images);
        let image = decode(image_path)?;
        let found = (image.height() as usize, image.width() as usize);
        let (first_path, expected) = *first.get_or_insert((image_path, found));
        if options.size.is_none() && found != expected {
            return Err(DataError::ImageSize {
                path: image_path.clone(),
                found,
                first: first_path.to_owned(),
                expected,
            });
        }
        planar_bytes(image, expected, options.channels, &mut planar);
        sums.add(&planar, options.channels);
        rest.update(&planar);
        file.write_all(&planar).map_err(write_error())?;
    }
    progress(num_images, num_images);

    if let Some((_, (height, width))) = first {
        header.shape = ImageShape { height, width, ..header.shape };
    }
    header.normalization = sums.normalization();
    header.checksum = checksum(&header_bytes(&header), &rest);
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.write_all(&header_bytes(&header)))
        .and_then(|()| file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all())
        .map_err(write_error())?;
    Ok(header)
}

/// Exact sums of the bytes of each channel and of their squares.
#[derive(Default)]
struct ChannelSums {
    count: u64,
    channels: Vec<(u64, u64)>,
}

impl ChannelSums {
    fn add(&mut self, planar: &[u8], channels: usize) {
        self.channels.resize(channels, (0, 0));
        let plane = planar.len() / channels;
        self.count += plane as u64;
        for ((sum, squares), bytes) in self.channels.iter_mut().zip(planar.chunks_exact(plane)) {
            *sum += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
            *squares += bytes.iter().map(|&byte| u64::from(byte).pow(2)).sum::<u64>();
        }
    }

    /// Over all pixels, in units of 255; a channel that never varies counts as varying by one of its 255 steps.
    fn normalization(&self) -> Normalization {
        let (mut mean, mut std) = ([0.0; 3], [1.0; 3]);
        for channel in 0..3 {
            let Some(&(sum, squares)) = self.channels.get(channel).or(self.channels.last()) else { continue };
            let average = sum as f64 / self.count as f64;
            let variance = squares as f64 / self.count as f64 - average * average;
            mean[channel] = (average / 255.0) as f32;
            std[channel] = (variance.max(1.0).sqrt() / 255.0) as f32;
        }
        Normalization { mean, std }
    }
}
