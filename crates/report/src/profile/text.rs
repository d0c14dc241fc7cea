//! A profile in words, for a terminal.

use std::fmt::Write as _;

use polder_experiment::profile::measurement::Spread;
use polder_experiment::profile::record::{ProfileRecord, QueueRecord, StageRecord};
use polder_experiment::profile::verdict::{Bound, percent};

/// Columns of the sparkline.
const COLUMNS: usize = 60;

/// Eight heights; an empty queue is the lowest.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The whole profile.
pub fn page(profile: &ProfileRecord) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", headline(profile));
    let _ = writeln!(text, "{}\n", machine(profile));
    let _ = writeln!(text, "{:<22} {:>12}  {:<28} per minibatch", "medians of rounds", "images/s", "from to");
    for (what, rate) in rates(profile) {
        let range = range(&rate);
        let minibatch = duration(profile.setting.batch_size as f64 / rate.median);
        let _ = writeln!(text, "{what:<22} {:>12}  {range:<28} {minibatch}", grouped(rate.median));
    }
    let _ = write!(text, "\nThe consumer waited {} of the time", percent(profile.waited.median));
    if profile.copied.median > 0.0 {
        let _ = write!(text, ", and spent {} on making tensors", percent(profile.copied.median));
    }
    let _ = writeln!(text, ".\n");
    stages(&mut text, profile);
    queue(&mut text, &profile.queue);
    let _ = writeln!(text, "\nVerdict: {}.", profile.verdict_text);
    for line in conclusions(profile) {
        let _ = writeln!(text, "Advice: {line}");
    }
    text
}

/// What was profiled.
pub fn headline(profile: &ProfileRecord) -> String {
    let images = &profile.images;
    let [c, h, w] = images.shape;
    format!(
        "{}, {} images of {c} x {h} x {w}; {}; consumer: {}",
        images.dataset,
        grouped(images.num_images as f64),
        profile.setting,
        profile.consumer
    )
}

/// Where it was profiled.
pub fn machine(profile: &ProfileRecord) -> String {
    let machine = &profile.environment;
    let plural = if machine.cores == 1 { "" } else { "s" };
    format!("{}, {} core{plural}", machine.processor, machine.cores)
}

/// What is compared, in the order in which it is told.
pub fn rates(profile: &ProfileRecord) -> Vec<(&'static str, Spread)> {
    let mut rates = vec![
        ("loader alone", profile.loader),
        ("consumer alone", profile.consumer_alone),
        ("both together", profile.together),
    ];
    if let Some(trial) = profile.trials.iter().rev().find(|trial| trial.helps) {
        rates.push(("both, advice followed", trial.together_after));
    }
    rates
}

fn stages(text: &mut String, profile: &ProfileRecord) {
    let _ = writeln!(
        text,
        "{:<34} {:>8} {:>10} {:>10}  {:>10} {:>10}",
        "stage, per minibatch", "count", "p50", "p99", "p50 alone", "p99 alone"
    );
    for (stage, alone) in profile.stages_together.iter().zip(&profile.stages_alone) {
        let [p50, p99, p50_alone, p99_alone] =
            [stage.p50_seconds, stage.p99_seconds, alone.p50_seconds, alone.p99_seconds].map(duration);
        let _ = writeln!(
            text,
            "{:<34} {:>8} {p50:>10} {p99:>10}  {p50_alone:>10} {p99_alone:>10}",
            format!("{:<5} {}", stage.stage, meaning(stage)),
            grouped(stage.count as f64),
        );
    }
}

/// What a stage is, in a few words.
fn meaning(stage: &StageRecord) -> &'static str {
    match stage.stage.as_str() {
        "plan" => "an epoch's start",
        "idle" => "a worker without work",
        "fill" => "a worker at work",
        "wait" => "the consumer without input",
        _ => "",
    }
}

fn queue(text: &mut String, queue: &QueueRecord) {
    let _ = writeln!(text, "\nqueue, 0 to {}: {}  over the last round", queue.capacity, sparkline(queue));
    let _ = writeln!(
        text,
        "stalls: {} of {} minibatches were not ready when asked for",
        grouped(queue.stalls as f64),
        grouped(queue.minibatches as f64)
    );
}

fn sparkline(queue: &QueueRecord) -> String {
    let columns = COLUMNS.min(queue.samples.len()).max(1);
    let height = |mean: f64| {
        let level = (mean / queue.capacity.max(1) as f64 * 7.0).round() as usize;
        HEIGHTS[level.min(7)]
    };
    queue.means(columns).into_iter().map(height).collect()
}

/// The advice, each with its measured effect, then what remains.
pub fn conclusions(profile: &ProfileRecord) -> Vec<String> {
    let mut lines: Vec<String> =
        profile.trials.iter().map(|trial| format!("{trial}: {}", trial.effect())).collect();
    if profile.trials.is_empty() {
        lines.push(match profile.verdict.bound {
            Bound::Compute | Bound::Balanced => "nothing to gain from the loader's settings".to_owned(),
            Bound::Input => format!(
                "no setting of the loader is left to try: it has {} of {} cores",
                profile.setting.workers, profile.environment.cores
            ),
        });
    } else if profile.recommended == profile.setting {
        lines.push("keep the setting: nothing that was tried helps".to_owned());
    } else {
        lines.push(format!("use {}", profile.recommended.flags()));
        if let Some(verdict) = &profile.recommended_verdict {
            lines.push(format!("with it, {verdict}"));
        }
    }
    lines
}

/// Over the rounds, from the lowest to the highest.
pub fn range(rate: &Spread) -> String {
    format!("{} to {}", grouped(rate.low), grouped(rate.high))
}

/// A whole number in groups of three digits.
pub fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A time to three digits, in the unit that suits it.
pub fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s <= 0.0 || !s.is_finite() => return "\u{2013}".to_owned(),
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let decimals = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::profile::record::example;

    #[test]
    fn the_page_says_what_bounds_by_how_much_and_what_helped() {
        let page = page(&example());
        for said in [
            "loader alone                  1,000",
            "both, advice followed         1,900",
            "The consumer waited 56 % of the time, and spent 1.0 % on making tensors.",
            "stalls: 35 of 40 minibatches",
            "Verdict: input-bound: the model could process 2.30x what the loader delivers",
            "Advice: 2 workers instead of 1: 1.91x (rounds 1.91x to 1.91x): helps",
            "Advice: prefetch 4 instead of 2: 0.99x (rounds 0.99x to 0.99x): does not help here, advice withdrawn",
            "Advice: use --workers 2 --prefetch 2",
        ] {
            assert!(page.contains(said), "`{said}` is missing in\n{page}");
        }
    }

    #[test]
    fn a_profile_without_advice_says_that_nothing_is_to_gain() {
        let mut profile = example();
        profile.trials.clear();
        profile.verdict.bound = Bound::Compute;
        assert_eq!(conclusions(&profile), ["nothing to gain from the loader's settings"]);
    }

    #[test]
    fn numbers_are_readable_at_every_size() {
        assert_eq!(["0", "999", "1,000", "1,234,568"], [0.0, 999.4, 999.6, 1_234_567.9].map(grouped)[..]);
        let times = [0.0, 4.2e-7, 1.5e-5, 2.5e-4, 0.012_34, 2.0].map(duration);
        assert_eq!(times, ["\u{2013}", "420 ns", "15.0 µs", "250 µs", "12.3 ms", "2.00 s"]);
    }

    #[test]
    fn the_sparkline_is_low_when_the_queue_is_empty_and_high_when_it_is_full() {
        let mut queue = example().queue;
        queue.samples = vec![(0.0, 0), (1.0, 3)];
        assert_eq!(sparkline(&queue), "▁█");
        queue.samples.clear();
        assert_eq!(sparkline(&queue), "");
    }
}
