//! A profile as a picture: throughput, and the queue over time. Computed from the record alone.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape, Weight, svg};

use super::text::{grouped, headline, rates};
use polder_experiment::profile::record::ProfileRecord;
use polder_experiment::profile::verdict::{Bound, percent};

/// Parts of the time over which the queue is averaged.
const COLUMNS: usize = 120;

/// Throughput and queue side by side.
pub fn figure(profile: &ProfileRecord) -> Figure {
    let bound = match profile.verdict.bound {
        Bound::Input => "Input-bound",
        Bound::Compute => "Compute-bound",
        Bound::Balanced => "Balanced",
    };
    Figure {
        title: format!("{bound}: the consumer waited {} of the time", percent(profile.waited.median)),
        caption: headline(profile),
        panels: vec![throughput(profile), queue(profile)],
    }
}

/// A file of its own that needs nothing else, light or dark as its reader's system is.
pub fn file(profile: &ProfileRecord) -> String {
    svg::file(&[figure(profile)])
}

fn throughput(profile: &ProfileRecord) -> Panel {
    let rates = rates(profile);
    let highest = rates.iter().map(|(_, rate)| rate.median).fold(1.0, f64::max);
    let (unit, label) =
        if highest >= 20_000.0 { (1000.0, "thousand images per second") } else { (1.0, "images per second") };
    let inks = [Ink::Blue, Ink::Orange, Ink::Gray, Ink::Green];
    let mut series = Vec::new();
    for (at, ((_, rate), ink)) in rates.iter().zip(inks).enumerate() {
        let (at, height) = (at as f64, rate.median / unit);
        let bar = Shape::Bars(vec![(at - 0.3, at + 0.3, height)]);
        series.push(Series::unnamed(ink, bar).weighing(Weight::Strong));
        series.push(Series::unnamed(Ink::Text, Shape::Words(vec![(at, height, grouped(rate.median))])));
    }
    Panel {
        title: "Throughput".to_owned(),
        x: Axis::named(rates.iter().map(|(what, _)| short(what).to_owned()).collect()),
        y: Axis::linear(label).over(0.0, 1.15 * highest / unit),
        series,
    }
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

fn queue(profile: &ProfileRecord) -> Panel {
    let queue = &profile.queue;
    let end = queue.samples.last().map_or(1.0, |(seconds, _)| *seconds).max(1e-3);
    let columns = COLUMNS.min(queue.samples.len()).max(1);
    let width = end / columns as f64;
    let capacity = queue.capacity as f64;
    let means: Vec<(f64, f64)> = queue
        .means(columns)
        .into_iter()
        .enumerate()
        .map(|(column, mean)| ((column as f64 + 0.5) * width, mean))
        .collect();
    let bars = means.iter().map(|(at, mean)| (at - 0.5 * width, at + 0.5 * width, *mean)).collect();
    Panel {
        title: "Minibatches ready, over time".to_owned(),
        x: Axis::linear("seconds").over(0.0, end),
        y: Axis::whole("minibatches ready when one is asked for").over(0.0, 1.08 * capacity),
        series: vec![
            Series::unnamed(Ink::Blue, Shape::Bars(bars)).weighing(Weight::Faint),
            Series::unnamed(Ink::Muted, Shape::Horizontal(capacity)),
            Series::unnamed(Ink::Blue, Shape::Line(means)),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::profile::record::example;

    #[test]
    fn the_picture_holds_every_rate_and_is_legible_in_the_dark() {
        let svg = file(&example());
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
        assert!(file(&profile).contains("</svg>"));
    }
}
