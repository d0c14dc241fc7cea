//! Folders of images, packed and opened again.
#![cfg(feature = "image")]

use std::fs;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma, Rgb, RgbImage};
use polder_data::{
    DataError, Dataset, ImageShape, PackOptions, PackReport, PackedDataset, open_packed, pack,
};
use tempfile::TempDir;

/// An image that knows its class and number: constant but for its corner, so that JPEG hardly changes it.
fn color_image(class: u8, number: u8, height: u32, width: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb([40 * class + 20, 10 * number + 5, 100]))
}

/// Two classes of 5 and 3 images of 6 x 8 pixels, as PNG, the last of each as JPEG; and files that are no images.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    for (class, (name, count)) in [("ant", 5), ("bee", 3)].into_iter().enumerate() {
        let class_dir = dir.path().join("in").join(name);
        fs::create_dir_all(&class_dir).unwrap();
        for number in 0..count {
            let extension = if number + 1 == count { "JPEG" } else { "png" };
            let image = color_image(class as u8, number, 6, 8);
            let format = if number + 1 == count { image::ImageFormat::Jpeg } else { image::ImageFormat::Png };
            image.save_with_format(class_dir.join(format!("{number}.{extension}")), format).unwrap();
        }
    }
    fs::write(dir.path().join("in/ant/notes.txt"), "no image").unwrap();
    fs::write(dir.path().join("in/README"), "no class").unwrap();
    fs::create_dir(dir.path().join("in/.thumbnails")).unwrap();
    dir
}

fn pack_folder(dir: &TempDir, options: &PackOptions) -> Result<(PathBuf, PackReport), DataError> {
    let out = dir.path().join("out.packed");
    let report = pack(&dir.path().join("in"), &out, options, &mut |_, _| ())?;
    Ok((out, report))
}

fn message(error: &DataError, dir: &TempDir) -> String {
    error.to_string().replace(&dir.path().display().to_string(), "DIR")
}

fn left_behind(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != "in").collect()
}

#[test]
fn a_folder_comes_back_image_by_image_with_its_classes() {
    let dir = folder();
    let mut seen = Vec::new();
    let out = dir.path().join("out.packed");
    let report =
        pack(&dir.path().join("in"), &out, &PackOptions::default(), &mut |done, all| seen.push((done, all)))
            .unwrap();
    assert_eq!((report.class_counts.clone(), seen[0], seen[8]), (vec![5, 3], (0, 8), (8, 8)));
    let skipped: Vec<_> = report.skipped.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert_eq!(skipped, ["README", "notes.txt"].map(|name| name).to_vec());

    let images = open_packed(&out).unwrap();
    images.verify().unwrap();
    assert_eq!(images.header(), &report.header);
    assert_eq!(images.header().class_names, ["ant", "bee"]);
    assert_eq!((images.len(), images.shape()), (8, ImageShape { channels: 3, height: 6, width: 8 }));
    let mut greens = [Vec::new(), Vec::new()];
    for index in 0..images.len() {
        let (label, pixels) = (images.label(index), images.pixels(index));
        assert!(pixels[0].abs_diff(40 * label as u8 + 20) <= 3, "red of image {index}");
        assert!(pixels[2 * 48 + 47].abs_diff(100) <= 3, "blue of image {index}");
        greens[label].push((pixels[48] + 2) / 10);
    }
    for (green, count) in greens.iter_mut().zip([5, 3]) {
        green.sort_unstable();
        assert_eq!(*green, (0..count).collect::<Vec<u8>>());
    }
}

#[test]
fn the_same_folder_gives_the_same_bytes_in_an_order_that_mixes_the_classes() {
    let (first, second) = (folder(), folder());
    let bytes = |dir| fs::read(pack_folder(dir, &PackOptions::default()).unwrap().0).unwrap();
    assert_eq!(bytes(&first), bytes(&second));
    let images = open_packed(&first.path().join("out.packed")).unwrap();
    let labels: Vec<usize> = (0..8).map(|index| images.label(index)).collect();
    assert!(!labels.is_sorted(), "{labels:?}");
}

#[test]
fn mean_and_standard_deviation_are_those_of_the_pixels() {
    let dir = folder();
    let (out, report) = pack_folder(&dir, &PackOptions::default()).unwrap();
    let images = open_packed(&out).unwrap();
    for channel in 0..3 {
        let values: Vec<f64> = (0..images.len())
            .flat_map(|index| images.pixels(index)[channel * 48..][..48].to_vec())
            .map(|byte| f64::from(byte) / 255.0)
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        let found = report.header.normalization;
        assert!((f64::from(found.mean[channel]) - mean).abs() < 1e-6);
        let expected = variance.sqrt().max(1.0 / 255.0);
        assert!((f64::from(found.std[channel]) - expected).abs() < 1e-6, "channel {channel}");
    }
}

#[test]
fn images_are_resized_and_made_gray_on_request() {
    let dir = folder();
    let odd = GrayImage::from_fn(4, 4, |x, _| Luma([if x < 2 { 0 } else { 200 }]));
    odd.save(dir.path().join("in/ant/odd.png")).unwrap();
    let options = PackOptions { size: Some((2, 2)), channels: 1 };
    let images = open_packed(&pack_folder(&dir, &options).unwrap().0).unwrap();
    assert_eq!((images.len(), images.shape()), (9, ImageShape { channels: 1, height: 2, width: 2 }));
    // Only the odd image has edges: dark to the left, bright to the right, in both rows.
    let edges: Vec<&[u8]> = (0..9)
        .map(|index| images.pixels(index))
        .filter(|pixels| pixels[0].abs_diff(pixels[1]) > 50)
        .collect();
    assert_eq!(edges.len(), 1);
    assert!(edges[0][0] < 60 && edges[0][1] > 140 && edges[0][..2] == edges[0][2..], "{edges:?}");
}

#[test]
fn images_of_different_size_are_both_named_unless_resized() {
    let dir = folder();
    let options = PackOptions::default();
    color_image(0, 9, 7, 8).save(dir.path().join("in/bee/tall.png")).unwrap();
    let error = pack_folder(&dir, &options).unwrap_err();
    let text = message(&error, &dir);
    let DataError::ImageSize { path, first, .. } = &error else { panic!("{text}") };
    assert!(path.ends_with("bee/tall.png") || first.ends_with("bee/tall.png"), "{text}");
    assert!(text.contains("7x8") && text.contains("6x8") && text.contains("--size HxW"), "{text}");
    assert_eq!(left_behind(dir.path()), [""; 0]);
    pack_folder(&dir, &PackOptions { size: Some((6, 8)), ..options }).unwrap();
}

#[test]
fn a_broken_image_is_named_and_nothing_is_left_behind() {
    for (name, keep) in
        [("in/ant/4.JPEG", 200), ("in/ant/4.JPEG", 2), ("in/ant/1.png", 40), ("in/ant/1.png", 0)]
    {
        let dir = folder();
        let path = dir.path().join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..keep]).unwrap();
        let error = pack_folder(&dir, &PackOptions::default()).unwrap_err();
        let expected = format!(
            "`DIR/{name}` is broken, expected a PNG or JPEG image; replace it or take it out of the folder"
        );
        assert_eq!(message(&error, &dir), expected);
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(left_behind(dir.path()), [""; 0]);
    }
}

/// A JPEG file that claims `height` x `width` pixels of one channel, in a frame whose content is missing.
fn jpeg_claiming(height: u16, width: u16) -> Vec<u8> {
    let ([h1, h0], [w1, w0]) = (height.to_be_bytes(), width.to_be_bytes());
    let frame = [0xff, 0xc0, 0, 11, 8, h1, h0, w1, w0, 1, 1, 0x11, 0];
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    [&[0xff, 0xd8][..], &frame, &scan, &[0xff, 0xd9]].concat()
}

/// A PNG file that claims `height` x `width` gray pixels of `depth` bits, with a right checksum and one empty data chunk.
fn png_claiming(height: u32, width: u32, depth: u8) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        let body = [&kind[..], content].concat();
        let (len, sum) = ((content.len() as u32).to_be_bytes(), crc32(&body).to_be_bytes());
        [&len[..], &body, &sum].concat()
    };
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, 0, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &[]), &chunk(b"IEND", &[])].concat()
}

/// CRC-32 (IEEE 802.3), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[test]
fn an_image_that_claims_to_be_enormous_is_refused_before_it_is_decoded() {
    let huge = [
        ("png", png_claiming(1 << 30, 1, 8)),
        ("png", png_claiming(1, (1 << 14) + 1, 8)),
        ("png", png_claiming(1 << 14, 1 << 14, 16)),
        ("png", png_claiming(1 << 14, 1 << 14, 8)),
        ("jpg", jpeg_claiming(65_535, 65_535)),
        ("jpg", jpeg_claiming(1, (1 << 14) + 1)),
    ];
    for (case, (extension, bytes)) in huge.into_iter().enumerate() {
        // 16,384 x 16,384 gray pixels are 256 MiB to the byte: within the limit, and broken off.
        let allowed = case == 3;
        let dir = folder();
        let name = format!("in/bee/huge.{extension}");
        fs::write(dir.path().join(&name), bytes).unwrap();
        let error = pack_folder(&dir, &PackOptions { size: Some((6, 8)), channels: 3 }).unwrap_err();
        assert_eq!(matches!(error, DataError::Image { .. }), allowed, "case {case}: {error:?}");
        assert_eq!(matches!(error, DataError::ImageTooLarge { .. }), !allowed, "case {case}: {error:?}");
        if !allowed {
            let expected = format!(
                "`DIR/{name}` is too large, expected at most 16384 pixels a side and 256 MiB without compression; \
                 make it smaller or take it out of the folder"
            );
            assert_eq!(message(&error, &dir), expected);
        }
        assert_eq!(left_behind(dir.path()), [""; 0]);
    }
}

#[test]
fn folders_that_hold_no_classes_or_empty_ones_are_refused() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    let error = pack_folder(&dir, &PackOptions::default()).unwrap_err();
    assert_eq!(message(&error, &dir), "`DIR/in` has no folder, expected one folder of images per class");
    fs::create_dir(dir.path().join("in/cat")).unwrap();
    let error = pack_folder(&dir, &PackOptions::default()).unwrap_err();
    assert_eq!(
        message(&error, &dir),
        "`DIR/in/cat` has no image, expected at least one PNG or JPEG file per class"
    );
    for options in [
        PackOptions { channels: 2, ..PackOptions::default() },
        PackOptions { size: Some((0, 5)), ..PackOptions::default() },
    ] {
        assert!(matches!(pack_folder(&dir, &options), Err(DataError::Config { .. })));
    }
}

fn damaged(bytes: &[u8], offset: usize, new: &[u8]) -> (TempDir, Result<PackedDataset, DataError>) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("bad.packed");
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + new.len()].copy_from_slice(new);
    fs::write(&path, bytes).unwrap();
    let opened = open_packed(&path);
    (dir, opened)
}

#[test]
fn headers_that_cannot_be_are_refused_with_field_and_offset() {
    let dir = folder();
    let bytes = fs::read(pack_folder(&dir, &PackOptions::default()).unwrap().0).unwrap();
    let max = &u32::MAX.to_le_bytes();
    let cases: [(usize, &[u8], &str); 11] = [
        (0, b"\x89PNG", "magic \"\u{fffd}PNGERIM\" at byte 0, expected \"POLDERIM\""),
        (8, &[2, 0, 0, 0], "version 2 at byte 8, expected 1"),
        (16, &[1, 0, 0, 0], "header length 1 at byte 16, expected a multiple of 64"),
        (20, &[4], "number of channels 4 at byte 20, expected 1 to 3"),
        (24, max, "height 4294967295 at byte 24, expected 1 to 65536 pixels"),
        (28, &[0], "width 0 at byte 28, expected 1 to 65536 pixels"),
        (32, &[0], "number of images 0 at byte 32, expected at least 1"),
        (40, max, "number of classes 4294967295 at byte 40, expected 1 to 65536"),
        (44, &f32::NAN.to_le_bytes(), "mean and standard deviation"),
        (68, &[0xff, 0xff], "a name of class 0 that does not fit the header at byte 68"),
        (73, &[0xff, 0xff], "a name of class 1 that does not fit the header at byte 73"),
    ];
    for (offset, new, expected) in cases {
        let (bad, opened) = damaged(&bytes, offset, new);
        let error = opened.unwrap_err();
        assert!(matches!(error, DataError::Header { .. }), "{error}");
        assert!(message(&error, &bad).starts_with(&format!("`DIR/bad.packed` has {expected}")), "{error}");
    }
    for (offset, new) in [(16, &(1_u32 << 31).to_le_bytes()[..]), (32, &[0xff; 7]), (32, &[9])] {
        let error = damaged(&bytes, offset, new).1.unwrap_err();
        assert!(matches!(error, DataError::Length { .. }), "{error}");
    }
    let error = damaged(&bytes, 130, &[2, 0]).1.unwrap_err();
    assert!(matches!(error, DataError::Label { offset: 130, found: 2, num_classes: 2, .. }), "{error}");
}

#[test]
fn damage_to_any_byte_is_found_by_the_checksum() {
    let dir = folder();
    let bytes = fs::read(pack_folder(&dir, &PackOptions::default()).unwrap().0).unwrap();
    for offset in [12, 46, 70, 140, 192, bytes.len() - 1] {
        let changed = bytes[offset] ^ 1;
        let (_dir, opened) = damaged(&bytes, offset, &[changed]);
        let error = opened.unwrap().verify().unwrap_err();
        assert!(matches!(error, DataError::PackedChecksum { .. }), "byte {offset}: {error}");
    }
}
