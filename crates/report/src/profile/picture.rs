//! A profile as a picture: throughput, and the queue over time. Computed from the record alone.

use super::text::{grouped, headline, rates};
use crate::panel::{Axis, Ink, SIZE, panel};
use crate::svg_file::{self, MARGIN};
use polder_experiment::profile::record::ProfileRecord;
use polder_experiment::profile::verdict::Bound;

/// Parts of the time over which the queue is averaged.
const COLUMNS: usize = 120;

/// The two panels, each an `svg` element for a page, with its title.
pub fn panels(profile: &ProfileRecord) -> anyhow::Result<[(&'static str, String); 2]> {
    Ok([("Throughput", throughput(profile)?), ("Minibatches ready, over time", queue(profile)?)])
}

fn throughput(profile: &ProfileRecord) -> anyhow::Result<String> {
    let bars: Vec<(&str, f64, Ink)> = rates(profile)
        .iter()
        .zip([Ink::Average, Ink::Iterate, Ink::Training, Ink::Smoothed])
        .map(|((what, rate), ink)| (short(what), rate.median, ink))
        .collect();
    let highest = bars.iter().map(|(_, rate, _)| *rate).fold(1.0, f64::max);
    let (unit, title) =
        if highest >= 20_000.0 { (1000.0, "thousand images per second") } else { (1.0, "images per second") };
    let y = Axis::over(title, 0.0..1.15 * highest / unit);
    let ticks = bars.iter().enumerate().map(|(at, (what, ..))| (at as f64, (*what).to_owned())).collect();
    let x = Axis::with_ticks("", -0.6..bars.len() as f64 - 0.4, ticks);
    let said: Vec<String> =
        bars.iter().map(|(what, rate, _)| format!("{what} {} images per second", grouped(*rate))).collect();
    panel(&said.join(", "), &x, &y, |plot| {
        for (at, (_, rate, ink)) in bars.iter().enumerate() {
            plot.bar(at as f64 - 0.3..at as f64 + 0.3, rate / unit, *ink, 1.0)?;
            plot.label((at as f64, rate / unit), &grouped(*rate), Ink::Text)?;
        }
        Ok(())
    })
}

/// What a bar is called under the axis.
fn short(what: &str) -> &str {
    match what {
        "loader alone" => "loader",
        "consumer alone" => "consumer",
        "both together" => "together",
        _ => "advised",
    }
}

fn queue(profile: &ProfileRecord) -> anyhow::Result<String> {
    let queue = &profile.queue;
    let end = queue.samples.last().map_or(1.0, |(seconds, _)| *seconds).max(1e-3);
    let columns = COLUMNS.min(queue.samples.len()).max(1);
    let width = end / columns as f64;
    let capacity = queue.capacity as f64;
    let x = Axis::over("seconds", 0.0..end);
    let y = Axis::with_ticks(
        "minibatches ready when one is asked for",
        0.0..1.08 * capacity,
        depth_ticks(queue.capacity),
    );
    let means: Vec<(f64, f64)> = queue
        .means(columns)
        .into_iter()
        .enumerate()
        .map(|(column, mean)| ((column as f64 + 0.5) * width, mean))
        .collect();
    let description = format!("the queue between loader and consumer, of {} at most", queue.capacity);
    panel(&description, &x, &y, |plot| {
        for (at, mean) in &means {
            plot.bar(at - 0.5 * width..at + 0.5 * width, *mean, Ink::Average, 0.25)?;
        }
        plot.dashed((0.0, capacity), (end, capacity), Ink::Muted)?;
        plot.line(&means, Ink::Average, 2.0, 1.0)
    })
}

/// Whole numbers, at most seven of them, from 0 to `capacity`.
fn depth_ticks(capacity: usize) -> Vec<(f64, String)> {
    let step = capacity.div_ceil(6).max(1);
    (0..=capacity).step_by(step).map(|depth| (depth as f64, depth.to_string())).collect()
}

/// Height of the lines above the panels.
const HEAD: u32 = 122;

/// A file of its own that needs nothing else, light or dark as its reader's system is.
pub fn file(profile: &ProfileRecord) -> anyhow::Result<String> {
    let (width, height) = (2 * SIZE.0 + 3 * MARGIN, SIZE.1 + HEAD + MARGIN);
    let mut svg = svg_file::opening(width, height);
    let mut line = |y: u32, size: u32, weight: u32, ink: Ink, text: &str| {
        svg_file::line(&mut svg, (MARGIN, y), (size, weight), ink, text);
    };
    let bound = match profile.verdict.bound {
        Bound::Input => "Input-bound",
        Bound::Compute => "Compute-bound",
        Bound::Balanced => "Balanced",
    };
    let waited = polder_experiment::profile::verdict::percent(profile.waited.median);
    line(38, 20, 700, Ink::Text, &format!("{bound}: the consumer waited {waited} of the time"));
    let headline = headline(profile);
    let (images, consumer) = headline.split_once("; consumer: ").unwrap_or((&headline, ""));
    line(60, 12, 400, Ink::Muted, images);
    line(77, 12, 400, Ink::Muted, &format!("consumer: {consumer}"));
    for (place, (title, drawn)) in panels(profile)?.into_iter().enumerate() {
        let x = MARGIN + place as u32 * (SIZE.0 + MARGIN);
        svg_file::place(&mut svg, (x, HEAD), title, &drawn);
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::profile::record::example;

    #[test]
    fn the_picture_holds_every_rate_and_is_legible_in_the_dark() {
        let svg = file(&example()).unwrap();
        for part in [
            "1,000",
            "2,300",
            "995",
            "1,900",
            "Input-bound",
            "prefers-color-scheme: dark",
            "advised",
            "</svg>",
        ] {
            assert!(svg.contains(part), "`{part}` is missing");
        }
        assert_eq!(svg.matches("<svg ").count(), svg.matches("</svg>").count());
    }

    #[test]
    fn an_empty_queue_is_still_a_picture() {
        let mut profile = example();
        profile.queue.samples.clear();
        profile.queue.capacity = 100;
        assert!(file(&profile).unwrap().contains("</svg>"));
        assert_eq!(depth_ticks(100).len(), 6);
    }
}
