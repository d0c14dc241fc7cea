//! Figures as files of their own: SVG that follows the reader's light or dark theme.

use std::fmt::Write as _;

use super::legend::{Mark, legend};
use super::panel::{SIZE, panel};
use super::text::{escape, lines, width};
use crate::{Figure, Ink, Panel};

/// Space around and between the panels, in CSS pixels.
const MARGIN: u32 = 24;

/// Panels in a row.
const COLUMNS: usize = 3;

/// The ground, light and dark.
const PAGE: (&str, &str) = ("#ffffff", "#181d23");

/// What stands where a panel will be.
const HOLE: &str = "<svg class=\"panel\"></svg>";

/// One file with all figures, one below the other.
pub fn file(figures: &[Figure]) -> String {
    whole(figures, panel)
}

/// The file of one figure with a hole for each panel, in their order: a page that shows the panels anyway need not hold
/// them twice.
pub fn frame(figure: &Figure) -> String {
    whole(std::slice::from_ref(figure), |_| HOLE.to_owned())
}

/// The light picture alone, for what has no reader to ask for a theme.
pub fn without_dark_theme(file: &str) -> String {
    file.replacen(&dark_theme(), "", 1)
}

fn whole(figures: &[Figure], panel: fn(&Panel) -> String) -> String {
    let columns =
        figures.iter().map(|figure| figure.panels.len().min(COLUMNS)).max().unwrap_or(1).max(2) as u32;
    let width = columns * SIZE.0 + (columns + 1) * MARGIN;
    let (mut body, mut y) = (String::new(), 0);
    for figure in figures {
        y = draw(&mut body, figure, width, y + MARGIN, panel);
    }
    opening(width, y + MARGIN) + &body + "</svg>\n"
}

/// What is written before the content: the theme, and the ground.
fn opening(width: u32, height: u32) -> String {
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
        let (light, dark) = (ink.light(), ink.dark());
        let _ = writeln!(
            rules,
            "[fill=\"{light}\"] {{ fill: {dark}; }} [stroke=\"{light}\"] {{ stroke: {dark}; }}"
        );
    }
    rules + "}\n"
}

/// A line of text with its left end at `x` and its base line at `y`.
fn line(svg: &mut String, (x, y): (u32, u32), (size, weight): (u32, u32), ink: Ink, text: &str) {
    let (ink, text) = (ink.light(), escape(text));
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" font-weight=\"{weight}\" fill=\"{ink}\">{text}</text>"
    );
}

/// Rows are as equal as can be: four panels are two rows of two.
fn in_a_row(panels: usize) -> usize {
    panels.div_ceil(panels.div_ceil(COLUMNS).max(1)).max(1)
}

/// Draws from `top` on; returns where the figure ends.
fn draw(svg: &mut String, figure: &Figure, width: u32, top: u32, panel: fn(&Panel) -> String) -> u32 {
    let mut y = top + 16;
    line(svg, (MARGIN, y), (18, 700), Ink::Text, &figure.title);
    y = draw_legend(svg, figure, width, y);
    for row in figure.panels.chunks(in_a_row(figure.panels.len())) {
        y += 34;
        for (place_in_row, of) in row.iter().enumerate() {
            let x = MARGIN + place_in_row as u32 * (SIZE.0 + MARGIN);
            line(svg, (x, y - 10), (14, 600), Ink::Text, &of.title);
            let placed = format!("<svg x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" ", SIZE.0, SIZE.1);
            svg.push_str(&panel(of).replacen("<svg ", &placed, 1));
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

/// Draws below `top`; returns where the legend ends, which is `top` if there is none.
fn draw_legend(svg: &mut String, figure: &Figure, width: u32, top: u32) -> u32 {
    let entries = legend(figure);
    let (mut x, mut y) = (MARGIN, if entries.is_empty() { top } else { top + 24 });
    for entry in entries {
        let needed = 30 + super::text::width(&entry.label, 13) + 20;
        if x > MARGIN && x + needed > width {
            (x, y) = (MARGIN, y + 20);
        }
        let (ink, middle) = (entry.ink.light(), y - 4);
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

fn wrapped(text: &str, room: u32, size: u32) -> Vec<String> {
    lines(text, |line, word| width(line, size) + width(word, size) <= room)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{Axis, Series, Shape};

    pub(crate) fn example() -> Figure {
        let label = "a rather long label of a series";
        let axis = Axis::linear("η").over(0.0, 1.0);
        let shapes = [
            Shape::Line(vec![(0.0, 0.0), (1.0, 1.0)]),
            Shape::Horizontal(0.5),
            Shape::Dots(vec![(0.5, 0.5)]),
            Shape::Bars(vec![(0.0, 0.1, 0.1)]),
        ];
        let panel = Panel {
            title: "left".to_owned(),
            x: axis.clone(),
            y: axis,
            series: shapes.map(|shape| Series::new(label, Ink::Ochre, shape)).into(),
        };
        Figure { title: "x < y".to_owned(), caption: "word ".repeat(100), panels: vec![panel] }
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
        assert!(!without_dark_theme(&svg).contains("prefers-color-scheme"));
    }

    #[test]
    fn a_frame_is_the_file_without_its_panels() {
        let (whole, frame) = (file(&[example()]), frame(&example()));
        let from = frame.find("<svg x=").unwrap();
        let to = frame.find("</svg>").unwrap() + "</svg>".len();
        assert!(frame[from..to].ends_with("width=\"340\" height=\"250\" class=\"panel\"></svg>"), "{frame}");
        assert!(whole.starts_with(&frame[..from]), "{frame}");
        assert!(whole.ends_with(frame[to..].trim_start()), "{frame}");
        assert!(whole.len() > frame.len() + 1000);
    }

    #[test]
    fn rows_are_balanced() {
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 8].map(in_a_row), [1, 2, 3, 2, 3, 3, 3, 3]);
    }
}
