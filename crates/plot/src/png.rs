//! Pixels of an SVG file, with a font of its own: the same bytes on every machine.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, PremultipliedColorU8, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::svg::without_dark_theme;

/// Pixels of a PNG per CSS pixel.
const SCALE: f32 = 2.0;

/// Why an SVG cannot be drawn.
#[derive(Debug)]
#[non_exhaustive]
pub enum PngError {
    /// The text is no picture.
    Svg(String),
    /// The picture has no size, or one that is too large.
    Size,
    /// The pixels cannot be written.
    Encode(String),
}

impl std::fmt::Display for PngError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Svg(error) => write!(f, "the picture cannot be drawn as PNG: {error}"),
            Self::Size => f.write_str("the picture has no size, or is too large for PNG"),
            Self::Encode(error) => write!(f, "the picture cannot be written as PNG: {error}"),
        }
    }
}

impl std::error::Error for PngError {}

/// Pixels that can be drawn over.
pub struct Picture(Pixmap);

impl Picture {
    /// The light picture of an SVG file, with `scale` pixels per CSS pixel.
    ///
    /// # Errors
    /// If `svg` is not SVG, or has no size.
    pub fn of(svg: &str, scale: f32) -> Result<Self, PngError> {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.load_font_data(dejavu::sans::bold().to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        let options =
            Options { fontdb: Arc::new(fonts), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
        let tree = Tree::from_str(&without_dark_theme(svg), &options)
            .map_err(|error| PngError::Svg(error.to_string()))?;
        let size = tree.size().to_int_size().scale_by(scale).ok_or(PngError::Size)?;
        let mut pixels = Pixmap::new(size.width(), size.height()).ok_or(PngError::Size)?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        Ok(Self(pixels))
    }

    /// Paints one pixel red, green and blue; outside of the picture nothing happens.
    pub fn paint(&mut self, (x, y): (usize, usize), [red, green, blue]: [u8; 3]) {
        let width = self.0.width() as usize;
        let color = PremultipliedColorU8::from_rgba(red, green, blue, u8::MAX);
        let pixel = self.0.pixels_mut().get_mut(y * width + x).filter(|_| x < width);
        if let (Some(pixel), Some(color)) = (pixel, color) {
            *pixel = color;
        }
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// If the pixels cannot be compressed.
    pub fn encode(&self) -> Result<Vec<u8>, PngError> {
        self.0.encode_png().map_err(|error| PngError::Encode(error.to_string()))
    }
}

/// The light picture of an SVG file as the bytes of a PNG file.
///
/// # Errors
/// If `svg` is not SVG, or has no size.
pub fn png(svg: &str) -> Result<Vec<u8>, PngError> {
    Picture::of(svg, SCALE)?.encode()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::svg::{example, file};

    #[test]
    fn a_png_is_the_same_every_time_and_is_not_blank() {
        let svg = file(&[example()]);
        let bytes = png(&svg).unwrap();
        assert_eq!(bytes, png(&svg).unwrap());
        let picture = Pixmap::decode_png(&bytes).unwrap();
        let ochre =
            |pixel: &&PremultipliedColorU8| (pixel.red(), pixel.green(), pixel.blue()) == (0x9A, 0x6B, 0x00);
        let seen = picture.pixels().iter().filter(ochre).count();
        assert!(seen > 500, "{seen} pixels of the line");
    }

    #[test]
    fn pixels_are_painted_inside_and_what_is_no_picture_is_refused() {
        let mut picture =
            Picture::of("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"3\" height=\"2\"/>", 1.0).unwrap();
        for place in [(2, 1), (3, 0), (0, 2)] {
            picture.paint(place, [1, 2, 3]);
        }
        let painted: Vec<bool> = picture.0.pixels().iter().map(|pixel| pixel.alpha() > 0).collect();
        assert_eq!(painted, [false, false, false, false, false, true]);
        assert!(matches!(png("no picture"), Err(PngError::Svg(_))));
    }
}
