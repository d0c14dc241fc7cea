//! One framed plot as SVG: axes with titles and ticks, and the few marks that the report's figures are made of.
//!
//! Colours are those of the light theme; the page's style sheet maps each to a variable, so that the same picture
//! is legible in the dark. Legends are the page's business: there they wrap and never cover a curve.

use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width and height of a panel in CSS pixels; all panels are equal, so that they align in rows.
pub const SIZE: (u32, u32) = (340, 250);

/// The backend rounds to whole units, so units are a quarter of a CSS pixel.
const UNITS: u32 = 4;

/// Room right of the plotting area and below it, in CSS pixels.
const RIGHT: u32 = 12;
const BOTTOM: u32 = 44;

/// Text height in CSS pixels.
const TEXT: f64 = 12.0;

/// Names of rows that are longer than this many characters are broken into lines of smaller text.
const LONGEST_NAME: usize = 22;
const SMALL_TEXT: f64 = 10.0;

/// A generous guess of the width of a character, in text heights.
const CHARACTER: f64 = 0.58;

/// The SVG backend divides the size of a font by this.
const FONT_FACTOR: f64 = 1.24;

/// A colour of the page; `page/page.html.j2` knows each by its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Text,
    Muted,
    Grid,
    Iterate,
    Average,
    Training,
    Smoothed,
    Purple,
    Ochre,
}

/// An axis: what it shows, from where to where, labelled at which values.
pub struct Axis {
    title: String,
    range: Range<f64>,
    ticks: Vec<(f64, String)>,
}

/// A plotting area with its frame drawn.
pub struct Plot<'a, 'b> {
    chart: &'a mut ChartContext<'b, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    x: Range<f64>,
    y: Range<f64>,
}

impl Ink {
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Muted,
        Self::Grid,
        Self::Iterate,
        Self::Average,
        Self::Training,
        Self::Smoothed,
        Self::Purple,
        Self::Ochre,
    ];

    /// As it is written in the picture.
    pub fn hex(self) -> String {
        let RGBColor(red, green, blue) = self.rgb();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }

    /// Vermilion and blue stay apart for every kind of colour vision, and in grey.
    fn rgb(self) -> RGBColor {
        match self {
            Self::Text => RGBColor(0x1C, 0x21, 0x28),
            Self::Muted => RGBColor(0x5F, 0x69, 0x76),
            Self::Grid => RGBColor(0xE6, 0xE9, 0xED),
            Self::Iterate => RGBColor(0xC8, 0x55, 0x10),
            Self::Average => RGBColor(0x0B, 0x64, 0xA8),
            Self::Training => RGBColor(0x8B, 0x94, 0x9F),
            Self::Smoothed => RGBColor(0x0E, 0x83, 0x60),
            Self::Purple => RGBColor(0x86, 0x4B, 0xB8),
            Self::Ochre => RGBColor(0x9A, 0x6B, 0x00),
        }
    }

    /// As it is on dark ground.
    pub fn dark(self) -> &'static str {
        match self {
            Self::Text => "#e7ebf0",
            Self::Muted => "#9ba6b3",
            Self::Grid => "#29313a",
            Self::Iterate => "#f5925a",
            Self::Average => "#62b3f4",
            Self::Training => "#77828e",
            Self::Smoothed => "#4fc79a",
            Self::Purple => "#c39bea",
            Self::Ochre => "#dcb044",
        }
    }

    /// The variable of the page's style sheet that holds it.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Text => "--ink",
            Self::Muted => "--muted",
            Self::Grid => "--grid",
            Self::Iterate => "--iterate",
            Self::Average => "--average",
            Self::Training => "--training",
            Self::Smoothed => "--smoothed",
            Self::Purple => "--purple",
            Self::Ochre => "--ochre",
        }
    }
}

impl Axis {
    /// An axis with ticks at round numbers; the range grows to hold all `values` and some air.
    pub fn around(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let air = if high > low { 0.06 * (high - low) } else { 0.5_f64.max(0.01 * high.abs()) };
        Self::over(title, low - air..high + air)
    }

    /// An axis over a given range with ticks at round numbers.
    pub fn over(title: &str, range: Range<f64>) -> Self {
        let step = round_step((range.end - range.start) / 5.0);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let (first, last) = ((range.start / step).ceil() as i64, (range.end / step + 1e-9).floor() as i64);
        let ticks = (first..=last)
            .map(|index| index as f64 * step)
            .map(|value| (value, number(value, decimals)))
            .collect();
        Self { title: title.to_owned(), range, ticks }
    }

    /// An axis with ticks where the caller wants them.
    pub fn with_ticks(title: &str, range: Range<f64>, ticks: Vec<(f64, String)>) -> Self {
        Self { title: title.to_owned(), range, ticks }
    }

    pub fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// Draws the frame, then whatever `marks` draws; the result is an `svg` element for a page.
pub fn panel(
    description: &str,
    x: &Axis,
    y: &Axis,
    marks: impl FnOnce(&mut Plot<'_, '_>) -> anyhow::Result<()>,
) -> anyhow::Result<String> {
    let mut svg = String::new();
    let size = (SIZE.0 * UNITS, SIZE.1 * UNITS);
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let names: Vec<Vec<String>> = y.ticks.iter().map(|(_, label)| lines(label)).collect();
        let names_size = if names.iter().any(|lines| lines.len() > 1) { SMALL_TEXT } else { TEXT };
        let longest = names.iter().flatten().map(|line| line.chars().count()).max().unwrap_or(0);
        // However long a word is, most of the picture is left for what it shows.
        let left = (12 + (CHARACTER * names_size * longest as f64).ceil() as u32).min(SIZE.0 / 2) * UNITS;
        let top = if y.title.is_empty() { 8 } else { 32 } * UNITS;
        let (right, bottom) = (RIGHT * UNITS, BOTTOM * UNITS);
        let mut chart = ChartBuilder::on(&root)
            .margin_top(top)
            .margin_right(right)
            .margin_bottom(bottom)
            .margin_left(left)
            .build_cartesian_2d(x.range(), y.range())?;
        let grid = stroke(Ink::Grid, 1.0, 1.0);
        for (value, _) in &x.ticks {
            let line = [(*value, y.range.start), (*value, y.range.end)];
            chart.draw_series([PathElement::new(line, grid)])?;
        }
        for (value, _) in &y.ticks {
            let line = [(x.range.start, *value), (x.range.end, *value)];
            chart.draw_series([PathElement::new(line, grid)])?;
        }
        marks(&mut Plot { chart: &mut chart, x: x.range(), y: y.range() })?;
        let unit = UNITS as i32;
        let bottom_at = (size.1 - bottom) as i32;
        for (value, label) in &x.ticks {
            let at = chart.backend_coord(&(*value, y.range.start)).0;
            let style = text(Ink::Muted, TEXT, HPos::Center, VPos::Top);
            root.draw(&Text::new(label.clone(), (at, bottom_at + 6 * unit), style))?;
        }
        for ((value, _), lines) in y.ticks.iter().zip(names) {
            let at = chart.backend_coord(&(x.range.start, *value)).1;
            let pitch = (1.1 * names_size) as i32 * unit;
            let first = at - pitch * (lines.len() as i32 - 1) / 2;
            for (index, line) in lines.into_iter().enumerate() {
                let style = text(Ink::Muted, names_size, HPos::Right, VPos::Center);
                let place = (left as i32 - 7 * unit, first + pitch * index as i32);
                root.draw(&Text::new(line, place, style))?;
            }
        }
        let middle = (left + (size.0 - left - right) / 2) as i32;
        let style = text(Ink::Text, TEXT, HPos::Center, VPos::Bottom);
        root.draw(&Text::new(x.title.clone(), (middle, size.1 as i32 - 4 * unit), style))?;
        let style = text(Ink::Text, TEXT, HPos::Left, VPos::Top);
        root.draw(&Text::new(y.title.clone(), (2 * unit, 4 * unit), style))?;
        root.present()?;
    }
    // The page sets the width; a description makes the picture readable aloud.
    let (width, height) = size;
    let start = svg.find('>').map_or(0, |end| end + 1);
    Ok(format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">{}",
        escape(description),
        &svg[start..]
    ))
}

impl Plot<'_, '_> {
    /// A curve through points; `width` in CSS pixels. Points that are not finite are left out.
    pub fn line(&mut self, points: &[(f64, f64)], ink: Ink, width: f64, opacity: f64) -> anyhow::Result<()> {
        let points: Vec<(f64, f64)> = points
            .iter()
            .copied()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .map(|at| self.clamp(at))
            .collect();
        // A path within one unit of the picture has no direction, and some programs refuse to stroke it.
        let mut places = points.iter().map(|at| self.chart.backend_coord(at));
        let first = places.next();
        if places.all(|place| Some(place) == first) {
            return Ok(());
        }
        self.chart.draw_series([PathElement::new(points, stroke(ink, width, opacity))])?;
        Ok(())
    }

    /// A dashed straight line.
    pub fn dashed(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink) -> anyhow::Result<()> {
        self.dashes(&[from, to], ink, 1.0)
    }

    /// A dashed curve through points, which have to be finite; `width` in CSS pixels.
    pub fn dashes(&mut self, points: &[(f64, f64)], ink: Ink, width: f64) -> anyhow::Result<()> {
        let unit = UNITS as i32;
        let points: Vec<(f64, f64)> = points.iter().map(|at| self.clamp(*at)).collect();
        self.chart.draw_series(DashedLineSeries::new(points, 4 * unit, 3 * unit, stroke(ink, width, 1.0)))?;
        Ok(())
    }

    /// The area between two curves: x, low, high.
    pub fn band(&mut self, band: &[(f64, f64, f64)], ink: Ink, opacity: f64) -> anyhow::Result<()> {
        let finite =
            band.iter().filter(|(x, low, high)| [x, low, high].iter().all(|value| value.is_finite()));
        let (lower, upper): (Vec<_>, Vec<_>) =
            finite.map(|(x, low, high)| (self.clamp((*x, *low)), self.clamp((*x, *high)))).unzip();
        let outline: Vec<(f64, f64)> = lower.into_iter().chain(upper.into_iter().rev()).collect();
        self.chart.draw_series([Polygon::new(outline, ink.rgb().mix(opacity).filled())])?;
        Ok(())
    }

    /// Dots; hollow ones for single seeds, filled ones for means.
    pub fn dots(&mut self, points: &[(f64, f64)], ink: Ink, radius: f64, filled: bool) -> anyhow::Result<()> {
        let size = (radius * f64::from(UNITS)).round() as i32;
        let style = if filled { ink.rgb().filled() } else { stroke(ink, 1.2, 0.8) };
        let points: Vec<(f64, f64)> = points.iter().map(|at| self.clamp(*at)).collect();
        self.chart.draw_series(points.into_iter().map(|at| Circle::new(at, size, style)))?;
        Ok(())
    }

    /// A bar of a histogram.
    pub fn bar(&mut self, x: Range<f64>, height: f64, ink: Ink, opacity: f64) -> anyhow::Result<()> {
        let corners = [self.clamp((x.start, 0.0)), self.clamp((x.end, height))];
        let [from, to] = corners.map(|corner| self.chart.backend_coord(&corner));
        if from.0 == to.0 || from.1 == to.1 {
            return Ok(());
        }
        self.chart.draw_series([Rectangle::new(corners, ink.rgb().mix(opacity).filled())])?;
        Ok(())
    }

    /// Words centred just above a point.
    pub fn label(&mut self, at: (f64, f64), words: &str, ink: Ink) -> anyhow::Result<()> {
        let style = text(ink, TEXT, HPos::Center, VPos::Bottom);
        let above = (0, -3 * UNITS as i32);
        let words = words.to_owned();
        let place = self.clamp(at);
        self.chart.draw_series([EmptyElement::at(place) + Text::new(words, above, style)])?;
        Ok(())
    }

    fn clamp(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (x.clamp(self.x.start, self.x.end), y.clamp(self.y.start, self.y.end))
    }
}

fn stroke(ink: Ink, width: f64, opacity: f64) -> ShapeStyle {
    ink.rgb().mix(opacity).stroke_width((width * f64::from(UNITS)).round() as u32)
}

/// The lines of a name, broken between words.
fn lines(name: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in name.split(' ') {
        let last = lines.last_mut().expect("begun with one");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() > LONGEST_NAME {
            lines.push(word.to_owned());
        } else {
            last.push(' ');
            last.push_str(word);
        }
    }
    lines
}

fn text(ink: Ink, height: f64, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let size = height * f64::from(UNITS) * FONT_FACTOR;
    ("sans-serif", size).into_font().color(&ink.rgb()).pos(Pos::new(horizontal, vertical))
}

/// An axis whose coordinates are decimal logarithms, labelled with the values themselves.
pub fn log_axis(title: &str, range: Range<f64>) -> Axis {
    let decades = range.end - range.start;
    let factors: &[f64] = match decades {
        ..1.3 => &[1.0, 2.0, 5.0],
        ..2.6 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let every = (decades / 5.0).ceil().max(1.0) as i32;
    let ticks = (range.start.floor() as i32..=range.end.ceil() as i32)
        .filter(|power| factors.len() > 1 || power.rem_euclid(every) == 0)
        .flat_map(|power| {
            factors.iter().map(move |factor| (factor.log10() + f64::from(power), *factor, power))
        })
        .filter(|(at, ..)| range.contains(at))
        .map(|(at, factor, power)| (at, power_label(factor, power)))
        .collect::<Vec<_>>();
    if ticks.len() < 2 {
        // Much less than a decade: round numbers, which are then almost evenly spaced.
        let values = Axis::over(title, 10_f64.powf(range.start)..10_f64.powf(range.end));
        let ticks = values.ticks.into_iter().filter(|(value, _)| *value > 0.0);
        return Axis::with_ticks(title, range, ticks.map(|(value, label)| (value.log10(), label)).collect());
    }
    Axis::with_ticks(title, range, ticks)
}

/// `factor * 10^power` as one would write it.
fn power_label(factor: f64, power: i32) -> String {
    if (-3..=4).contains(&power) {
        return number(factor * 10_f64.powi(power), usize::try_from(-power).unwrap_or(0));
    }
    let raised: String = power
        .to_string()
        .chars()
        .map(|c| c.to_digit(10).map_or('⁻', |digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit as usize).unwrap_or(c)))
        .collect();
    if factor == 1.0 { format!("10{raised}") } else { format!("{factor}·10{raised}") }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power)
}

/// A number with a true minus sign and no negative zero.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| c == '0' || c == '.') => zero.to_owned(),
        Some(positive) => format!("\u{2212}{positive}"),
        None => text,
    }
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_inside_the_range() {
        let labels = |low: f64, high: f64| -> Vec<String> {
            Axis::over("", low..high).ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(-3.1, 12.3), ["0", "5", "10"]);
        assert_eq!(labels(-0.021, 0.02), ["\u{2212}0.02", "\u{2212}0.01", "0.00", "0.01", "0.02"]);
    }

    #[test]
    fn logarithmic_axes_are_labelled_with_values() {
        let labels = |low: f64, high: f64| -> Vec<String> {
            log_axis("", low..high).ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(-2.1, -0.9), ["0.01", "0.02", "0.05", "0.1"]);
        assert_eq!(labels(-0.1, 2.1), ["1", "3", "10", "30", "100"]);
        assert_eq!(labels(-6.1, 0.1), ["10⁻⁶", "10⁻⁴", "0.01", "1"]);
        assert_eq!(labels(-0.65, -0.35), ["0.25", "0.30", "0.35", "0.40"].map(str::to_owned));
    }

    #[test]
    fn rows_with_long_names_leave_room_for_what_they_show() {
        let name = "n updates, euler steps 1, learning rate 0.03125";
        assert_eq!(lines(name), ["n updates, euler steps", "1, learning rate", "0.03125"]);
        assert_eq!(lines("-0.25"), ["-0.25"]);
        for name in [name, &"long".repeat(50)] {
            let rows = Axis::with_ticks("", -0.5..0.5, vec![(0.0, name.to_owned())]);
            let svg = panel("rows", &Axis::over("x", 0.0..1.0), &rows, |plot| {
                plot.line(&[(0.0, 0.0), (1.0, 0.0)], Ink::Average, 2.0, 1.0)
            });
            let svg = svg.unwrap();
            let line = svg.split("#0B64A8").nth(1).and_then(|rest| rest.split("points=\"").nth(1)).unwrap();
            let (from, rest) = line.split_once(',').unwrap();
            let to = rest.split_once(' ').and_then(|(_, to)| to.split_once(',')).unwrap().0;
            let width: f64 = to.parse::<f64>().unwrap() - from.parse::<f64>().unwrap();
            assert!(width > 0.4 * f64::from(SIZE.0 * UNITS), "{name}: {width} of {}", SIZE.0 * UNITS);
        }
    }

    #[test]
    fn a_panel_without_finite_values_is_still_a_picture() {
        let axis = Axis::around("x < y & \"z\"", [f64::NAN]);
        let svg = panel("a < b", &axis, &axis, |plot| plot.line(&[(f64::NAN, 0.0)], Ink::Average, 1.0, 1.0))
            .unwrap();
        assert!(svg.contains("aria-label=\"a &lt; b\"") && svg.contains("x &lt; y"), "{svg}");
        assert!(svg.ends_with("</svg>\n") || svg.ends_with("</svg>"));
    }
}
