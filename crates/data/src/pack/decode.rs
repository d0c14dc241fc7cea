//! One image file becomes planar bytes, and a file that claims to be enormous becomes an error first.

use std::io::{BufRead, Seek};
use std::path::Path;

use image::error::ImageError;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageReader, Limits};

use crate::DataError;

/// What an image may claim to be before anything is allocated for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodeLimits {
    /// Longest side in pixels.
    pub(crate) max_side: u32,
    /// Most bytes of the decoded image, in its own channels and depth.
    pub(crate) max_bytes: u64,
}

impl DecodeLimits {
    /// 16,384 pixels a side, and 256 MiB: 89 million pixels of 8-bit color.
    pub(crate) const PACK: DecodeLimits = DecodeLimits { max_side: 1 << 14, max_bytes: 1 << 28 };
}

/// Decodes the file at `path`.
///
/// # Errors
/// [`DataError::Io`] if it cannot be opened, otherwise as in [`decode_from`].
pub(crate) fn decode(path: &Path) -> Result<DynamicImage, DataError> {
    let reader = ImageReader::open(path).map_err(DataError::io("open", path))?;
    decode_from(reader, path, DecodeLimits::PACK)
}

/// Decodes a PNG or JPEG image, recognised by its content, or else by the format that `reader` knows.
///
/// # Errors
/// [`DataError::ImageTooLarge`] if it claims more than `limits`; [`DataError::Image`] if it does not decode;
/// [`DataError::Io`] if its first bytes cannot be read. All name `path`.
pub(crate) fn decode_from<R: BufRead + Seek>(
    reader: ImageReader<R>,
    path: &Path,
    limits: DecodeLimits,
) -> Result<DynamicImage, DataError> {
    let DecodeLimits { max_side, max_bytes } = limits;
    let mut reader = reader.with_guessed_format().map_err(DataError::io("read", path))?;
    let mut strict = Limits::default();
    strict.max_image_width = Some(max_side);
    strict.max_image_height = Some(max_side);
    strict.max_alloc = Some(max_bytes);
    reader.limits(strict);
    reader.decode().map_err(|source| match source {
        ImageError::Limits(source) => {
            let (path, source) = (path.to_owned(), source.into());
            DataError::ImageTooLarge { path, max_side, max_bytes, source }
        }
        source => DataError::Image { path: path.to_owned(), source: source.into() },
    })
}

/// Turns an image into `channels` planes of `height` x `width` bytes, in place of what `planar` held.
pub(crate) fn planar_bytes(
    image: DynamicImage,
    (height, width): (usize, usize),
    channels: usize,
    planar: &mut Vec<u8>,
) {
    let same = (image.height() as usize, image.width() as usize) == (height, width);
    let (width, height) = (width as u32, height as u32);
    planar.clear();
    if channels == 1 {
        let gray = image.into_luma8();
        let gray = if same { gray } else { imageops::resize(&gray, width, height, FilterType::Triangle) };
        planar.extend_from_slice(gray.as_raw());
        return;
    }
    let color = image.into_rgb8();
    let color = if same { color } else { imageops::resize(&color, width, height, FilterType::Triangle) };
    for channel in 0..channels {
        planar.extend(color.as_raw().iter().skip(channel).step_by(channels));
    }
}
