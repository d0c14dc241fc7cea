//! `polder data pack`: a folder of images becomes one file.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use polder_data::{PackOptions, PackReport, pack};

use crate::stderr::say;
use crate::stdout;

/// What `polder data pack` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct PackArgs {
    /// Folder with one folder of PNG or JPEG images per class
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The file to write
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Resizes all images to this size; without it, all images must have the same size
    #[arg(long, value_name = "HxW", value_parser = parse_size)]
    size: Option<(usize, usize)>,
    /// 1 for gray, 3 for color
    #[arg(long, value_name = "1|3", default_value_t = 3)]
    channels: usize,
}

/// Packs, and says what came of it.
pub(crate) fn run(args: &PackArgs) -> anyhow::Result<()> {
    let bar = ProgressBar::no_length();
    bar.set_style(
        ProgressStyle::with_template("packing {wide_bar} {pos} of {len} images  {eta} left")
            .context("the progress bar")?,
    );
    let options = PackOptions { size: args.size, channels: args.channels };
    let report = pack(&args.dir, &args.out, &options, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let report = report?;
    for path in &report.skipped {
        say(&format!("left out, not a PNG or JPEG file in a folder of a class: {}", path.display()));
    }
    let out = args.out.display();
    stdout::print(&format!("{}{out} ({:.1} MB)\n", text(&report), report.num_bytes as f64 / 1e6))
}

fn text(report: &PackReport) -> String {
    let header = &report.header;
    let shape = header.shape;
    let mut text =
        format!("{} images of {} x {} x {}\n", header.num_images, shape.channels, shape.height, shape.width);
    for (name, count) in header.class_names.iter().zip(&report.class_counts) {
        let _ = writeln!(text, "{count:>8}  {name}");
    }
    let channels = shape.channels;
    let _ = writeln!(
        text,
        "mean {:.4?}, standard deviation {:.4?}, pixels in 0..=1",
        &header.normalization.mean[..channels],
        &header.normalization.std[..channels]
    );
    let _ = writeln!(text, "CRC-32 {:08x}", header.checksum);
    text
}

fn parse_size(text: &str) -> anyhow::Result<(usize, usize)> {
    let sides =
        text.split_once('x').and_then(|(height, width)| Some((height.parse().ok()?, width.parse().ok()?)));
    sides.ok_or_else(|| anyhow!("expected height and width in pixels, 32x32 say"))
}
