//! One panel as an `svg` element: a frame of axes with titles and ticks, and the marks in it.
//!
//! Colours are those of the light theme; a page or a file replaces each by a style. Legends stand outside: there they wrap and
//! never cover a curve.

use std::fmt::Write as _;

use super::marks::Canvas;
use super::text::{escape, length, lines};
use crate::extent::ranges;
use crate::ticks::ticks;
use crate::{Ink, Panel, Shape};

/// Width and height of a panel in CSS pixels; all panels are equal, so that they align in rows.
pub const SIZE: (u32, u32) = (340, 250);

/// Room right of the plotting area and below it, in CSS pixels.
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 44.0;

/// Text height in CSS pixels.
const TEXT: f64 = 12.0;

/// Names of rows that are longer than this many characters are broken into lines of smaller text.
const LONGEST_NAME: usize = 22;
const SMALL_TEXT: f64 = 10.0;

/// A generous guess of the width of a character, in text heights.
const CHARACTER: f64 = 0.58;

/// From the middle of a line of digits to its base line, in text heights.
const HALF_DIGIT: f64 = 0.36;

/// An `svg` element for a page, which sets its width.
pub fn panel(of: &Panel) -> String {
    let (x, y) = ranges(of);
    let (x_ticks, y_ticks) = (ticks(&of.x, &x), ticks(&of.y, &y));
    let names: Vec<Vec<String>> = y_ticks.iter().map(|(_, label)| name_lines(label)).collect();
    let names_size = if names.iter().any(|lines| lines.len() > 1) { SMALL_TEXT } else { TEXT };
    let longest = names.iter().flatten().map(|line| line.chars().count()).max().unwrap_or(0);
    let (width, height) = (f64::from(SIZE.0), f64::from(SIZE.1));
    // However long a word is, most of the picture is left for what it shows.
    let left = (12.0 + (CHARACTER * names_size * longest as f64).ceil()).min(width / 2.0);
    let top = if of.y.label.is_empty() { 8.0 } else { 32.0 };
    let (right, bottom) = (width - RIGHT, height - BOTTOM);
    let canvas = Canvas { panel: of, x, y, left, right, top, bottom };

    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\" \
         font-size=\"{TEXT}\">\n",
        escape(&description(of))
    );
    let mut grid = String::new();
    for (value, _) in &x_ticks {
        let _ = write!(grid, "M{} {}V{}", length(canvas.across(*value)), length(top), length(bottom));
    }
    for (value, _) in &y_ticks {
        let _ = write!(grid, "M{} {}H{}", length(left), length(canvas.up(*value)), length(right));
    }
    let _ = writeln!(svg, "<path d=\"{grid}\" stroke=\"{}\"/>", Ink::Grid.light());
    for series in &of.series {
        canvas.draw(&mut svg, series);
    }
    let _ = writeln!(svg, "<g fill=\"{}\" text-anchor=\"middle\">", Ink::Muted.light());
    for (value, label) in &x_ticks {
        text(&mut svg, (canvas.across(*value), bottom + 6.0 + 0.76 * TEXT), label);
    }
    let _ = writeln!(
        svg,
        "</g>\n<g fill=\"{}\" text-anchor=\"end\" font-size=\"{names_size}\">",
        Ink::Muted.light()
    );
    for ((value, _), lines) in y_ticks.iter().zip(&names) {
        let pitch = (1.1 * names_size).floor();
        let first = canvas.up(*value) - pitch * (lines.len() as f64 - 1.0) / 2.0 + HALF_DIGIT * names_size;
        for (index, line) in lines.iter().enumerate() {
            text(&mut svg, (left - 7.0, first + pitch * index as f64), line);
        }
    }
    let _ = writeln!(svg, "</g>\n<g fill=\"{}\">", Ink::Text.light());
    text(&mut svg, (2.0, 4.0 + 0.76 * TEXT), &of.y.label);
    svg += "<g text-anchor=\"middle\">";
    text(&mut svg, (f64::midpoint(left, right), height - 7.0), &of.x.label);
    svg + "</g>\n</g>\n</svg>\n"
}

/// Makes the picture readable aloud.
fn description(of: &Panel) -> String {
    let axes: Vec<&str> =
        [of.y.label.as_str(), of.x.label.as_str()].into_iter().filter(|label| !label.is_empty()).collect();
    let mut text = format!("{}: {}", of.title, axes.join(" against "));
    for series in &of.series {
        let Shape::Words(words) = &series.shape else { continue };
        for (x, _, word) in words {
            let name = of.x.names.get(x.round() as usize).map_or("", String::as_str);
            let _ = write!(text, ", {name} {word}");
        }
    }
    text
}

fn text(svg: &mut String, (x, y): (f64, f64), words: &str) {
    if !words.is_empty() {
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\">{}</text>", length(x), length(y), escape(words));
    }
}

/// The lines of a name, broken between words.
fn name_lines(name: &str) -> Vec<String> {
    lines(name, |line, word| line.chars().count() + 1 + word.chars().count() <= LONGEST_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, Series};

    #[test]
    fn rows_with_long_names_leave_room_for_what_they_show() {
        let name = "n updates, euler steps 1, learning rate 0.03125";
        assert_eq!(name_lines(name), ["n updates, euler steps", "1, learning rate", "0.03125"]);
        assert_eq!(name_lines("-0.25"), ["-0.25"]);
        for name in [name, &"long".repeat(50)] {
            let svg = panel(&Panel {
                title: "rows".to_owned(),
                x: Axis::linear("x").over(0.0, 1.0),
                y: Axis::named(vec![name.to_owned()]),
                series: vec![Series::unnamed(Ink::Blue, Shape::Line(vec![(0.0, 0.0), (1.0, 0.0)]))],
            });
            let line = svg.split("<path d=\"M").nth(2).and_then(|rest| rest.split('"').next()).unwrap();
            let numbers: Vec<f64> = line.split(['L', ' ']).map(|number| number.parse().unwrap()).collect();
            let width = numbers[2] - numbers[0];
            assert!(width > 0.4 * f64::from(SIZE.0), "{name}: {width} of {}", SIZE.0);
        }
    }

    #[test]
    fn a_panel_without_finite_values_is_still_a_picture() {
        let svg = panel(&Panel {
            title: "a < b".to_owned(),
            x: Axis::linear("x < y & \"z\"").around([f64::NAN]),
            y: Axis::linear(""),
            series: vec![Series::unnamed(Ink::Blue, Shape::Line(vec![(f64::NAN, 0.0)]))],
        });
        assert!(svg.contains("aria-label=\"a &lt; b: x &lt; y") && svg.contains(">x &lt; y"), "{svg}");
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{svg}");
    }
}
