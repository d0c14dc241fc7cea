//! Figures as files of their own: SVG that follows the reader's light or dark theme, and PNG.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context;
use resvg::{tiny_skia, usvg};

use super::figures::{Figure, LegendEntry, Mark, Panel};
use super::panel::{Ink, SIZE, escape};

/// Space around and between the panels, in CSS pixels.
pub const MARGIN: u32 = 24;

/// Panels in a row.
const COLUMNS: usize = 3;

const PAGE: (&str, &str) = ("#ffffff", "#181d23");

/// What stands where a panel will be.
const HOLE: &str = "<svg class=\"panel\"></svg>";

/// Pixels of a PNG per CSS pixel.
const PNG_SCALE: f32 = 2.0;

/// What is written before the content: the theme, and the ground.
pub fn opening(width: u32, height: u32) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <style>text {{ font-family: system-ui, -apple-system, \"Segoe UI\", Roboto, \"Noto Sans\", Arial, sans-serif; \
         font-variant-numeric: tabular-nums; }}\n.page {{ fill: {}; }}\n{}</style>\n\
         <rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"12\"/>\n",
        PAGE.0,
        dark_theme()
    )
}

/// The rules that replace every colour where the reader's system is dark.
fn dark_theme() -> String {
    let mut rules = format!("@media (prefers-color-scheme: dark) {{\n.page {{ fill: {}; }}\n", PAGE.1);
    for ink in Ink::ALL {
        let (light, dark) = (ink.hex(), ink.dark());
        let _ = writeln!(
            rules,
            "[fill=\"{light}\"] {{ fill: {dark}; }} [stroke=\"{light}\"] {{ stroke: {dark}; }}"
        );
    }
    rules + "}\n"
}

/// A line of text with its left end at `x` and its base line at `y`.
pub fn line(svg: &mut String, (x, y): (u32, u32), (size, weight): (u32, u32), ink: Ink, text: &str) {
    let (ink, text) = (ink.hex(), escape(text));
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{ink}\">{text}</text>"
    );
}

/// A panel with its title above it.
pub fn place(svg: &mut String, (x, y): (u32, u32), title: &str, panel: &str) {
    line(svg, (x, y - 10), (14, 600), Ink::Text, title);
    let (width, height) = SIZE;
    let placed = format!("<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" ");
    svg.push_str(&panel.replacen("<svg ", &placed, 1));
}

/// One file with all figures, one below the other.
pub fn file(figures: &[Figure]) -> String {
    let columns =
        figures.iter().map(|figure| figure.panels.len().min(COLUMNS)).max().unwrap_or(1).max(2) as u32;
    let width = columns * SIZE.0 + (columns + 1) * MARGIN;
    let (mut body, mut y) = (String::new(), 0);
    for figure in figures {
        y = draw(&mut body, figure, width, y + MARGIN);
    }
    opening(width, y + MARGIN) + &body + "</svg>\n"
}

/// The file of one figure with a hole for each panel, in their order: a page that shows the panels anyway need not hold
/// them twice.
pub fn frame(figure: &Figure) -> String {
    let hole = |panel: &Panel| Panel { svg: HOLE.to_owned(), ..panel.clone() };
    file(&[Figure { panels: figure.panels.iter().map(hole).collect(), ..figure.clone() }])
}

/// Rows are as equal as can be: four panels are two rows of two.
fn in_a_row(panels: usize) -> usize {
    panels.div_ceil(panels.div_ceil(COLUMNS).max(1)).max(1)
}

/// Draws from `top` on; returns where the figure ends.
fn draw(svg: &mut String, figure: &Figure, width: u32, top: u32) -> u32 {
    let mut y = top + 16;
    line(svg, (MARGIN, y), (18, 700), Ink::Text, &figure.title);
    y = legend(svg, &figure.legend, width, y + 24);
    for row in figure.panels.chunks(in_a_row(figure.panels.len())) {
        y += 34;
        for (place_in_row, panel) in row.iter().enumerate() {
            let x = MARGIN + place_in_row as u32 * (SIZE.0 + MARGIN);
            place(svg, (x, y), &panel.title, &panel.svg);
        }
        y += SIZE.1;
    }
    y += 8;
    for words in wrapped(&figure.caption, width - 2 * MARGIN, 12) {
        y += 18;
        line(svg, (MARGIN, y), (12, 400), Ink::Muted, &words);
    }
    y
}

fn legend(svg: &mut String, entries: &[LegendEntry], width: u32, top: u32) -> u32 {
    let (mut x, mut y) = (MARGIN, top);
    for entry in entries {
        let needed = 30 + text_width(&entry.label, 13) + 20;
        if x > MARGIN && x + needed > width {
            (x, y) = (MARGIN, y + 20);
        }
        let (ink, middle) = (entry.ink.hex(), y - 4);
        let _ = match entry.mark {
            Mark::Line => writeln!(svg, "<path d=\"M{x} {middle}h22\" stroke=\"{ink}\" stroke-width=\"3\"/>"),
            Mark::Dashed => writeln!(
                svg,
                "<path d=\"M{x} {middle}h22\" stroke=\"{ink}\" stroke-width=\"2\" stroke-dasharray=\"4 3\"/>"
            ),
            Mark::Dot => writeln!(svg, "<circle cx=\"{}\" cy=\"{middle}\" r=\"5\" fill=\"{ink}\"/>", x + 11),
            Mark::Area => writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{}\" width=\"22\" height=\"11\" fill=\"{ink}\" fill-opacity=\"0.5\"/>",
                middle - 6
            ),
        };
        line(svg, (x + 30, y), (13, 400), Ink::Text, &entry.label);
        x += needed;
    }
    y
}

/// A generous guess: browsers choose the font.
fn text_width(text: &str, size: u32) -> u32 {
    (text.chars().count() as u32 * size * 6).div_ceil(10)
}

fn wrapped(text: &str, width: u32, size: u32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("begun with one");
        if !last.is_empty() && text_width(last, size) + text_width(word, size) > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// The light picture as PNG, with a font of its own: the same bytes on every machine.
pub fn png(svg: &str) -> anyhow::Result<Vec<u8>> {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    let options = usvg::Options {
        fontdb: Arc::new(fonts),
        font_family: "DejaVu Sans".to_owned(),
        ..usvg::Options::default()
    };
    // A PNG has no reader to ask for a theme.
    let light = svg.replacen(&dark_theme(), "", 1);
    let tree = usvg::Tree::from_str(&light, &options).context("the picture cannot be drawn as PNG")?;
    let size = tree.size().to_int_size().scale_by(PNG_SCALE).context("the picture has no size")?;
    let mut pixels =
        tiny_skia::Pixmap::new(size.width(), size.height()).context("the picture is too large for PNG")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(PNG_SCALE, PNG_SCALE), &mut pixels.as_mut());
    pixels.encode_png().context("the picture cannot be written as PNG")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{Axis, panel};

    fn example() -> Figure {
        let axis = Axis::over("η", 0.0..1.0);
        let svg =
            panel("a line", &axis, &axis, |plot| plot.line(&[(0.0, 0.0), (1.0, 1.0)], Ink::Ochre, 2.0, 1.0));
        let legend = [Mark::Line, Mark::Dashed, Mark::Dot, Mark::Area].map(|mark| LegendEntry {
            label: "a rather long label of a series".to_owned(),
            ink: Ink::Ochre,
            mark,
        });
        Figure {
            title: "x < y".to_owned(),
            caption: "word ".repeat(100),
            legend: legend.into(),
            panels: vec![Panel {
                title: "left".to_owned(),
                svg: svg.unwrap(),
                x: "η".to_owned(),
                y: "η".to_owned(),
                samples: Vec::new(),
            }],
        }
    }

    #[test]
    fn a_file_holds_title_legend_panels_and_caption_and_has_a_dark_theme() {
        let svg = file(&[example(), example()]);
        for (part, count) in
            [("x &lt; y", 2), (">left<", 2), ("a rather long label", 8), ("prefers-color-scheme", 1)]
        {
            assert_eq!(svg.matches(part).count(), count, "{part}");
        }
        assert_eq!(svg.matches("<svg ").count(), svg.matches("</svg>").count());
        assert!(wrapped(&"word ".repeat(100), 700, 12).len() > 3);
    }

    #[test]
    fn a_frame_is_the_file_without_its_panels() {
        let (whole, frame) = (file(&[example()]), frame(&example()));
        let from = frame.find("<svg x=").unwrap();
        let to = frame.find("</svg>").unwrap() + "</svg>".len();
        assert!(frame[from..to].ends_with("width=\"340\" height=\"250\" class=\"panel\"></svg>"), "{frame}");
        assert!(whole.starts_with(&frame[..from]) && whole.ends_with(&frame[to..]), "{frame}");
        assert!(whole.len() > frame.len() + 1000);
    }

    #[test]
    fn rows_are_balanced() {
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8].map(in_a_row), [1, 2, 3, 2, 3, 3, 3, 3]);
    }

    #[test]
    fn a_png_is_the_same_every_time_and_is_not_blank() {
        let svg = file(&[example()]);
        let bytes = png(&svg).unwrap();
        assert_eq!(bytes, png(&svg).unwrap());
        let picture = tiny_skia::Pixmap::decode_png(&bytes).unwrap();
        let ochre = |pixel: &tiny_skia::PremultipliedColorU8| {
            (pixel.red(), pixel.green(), pixel.blue()) == (0x9A, 0x6B, 0x00)
        };
        let seen = picture.pixels().iter().filter(|pixel| ochre(pixel)).count();
        assert!(seen > 500, "{seen} pixels of the line");
    }
}
