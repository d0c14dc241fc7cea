//! Which of the two is the bottleneck, by how much, and how sure that is: a function of measurements alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::measurement::{Round, Spread};

/// Differences below this are not told apart, however well the rounds agree: timers, clock rates and the place of
/// buffers in memory vary by as much from one start of the program to the next.
const LEAST_NOISE: f64 = 0.03;

/// Rounds that disagree by more than this are called noisy.
const NOISY: f64 = 0.15;

/// What bounds the speed of both together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The consumer waits for the loader.
    Input,
    /// The loader waits for the consumer.
    Compute,
    /// Neither can be said to wait for the other.
    Balanced,
}

/// The bottleneck, with the numbers that show it. All are medians over the rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub bound: Bound,
    /// Images per second of the consumer alone over those of the loader alone.
    pub consumer_over_loader: f64,
    /// What part of the time of both together the consumer waited, 0 to 1.
    pub waited: f64,
    /// By what factor both together would be faster if minibatches cost nothing: consumer alone over both together.
    pub gain_of_free_input: f64,
    /// How far both together stay below the slower of the two alone, 0 to 1: above the noise they share something,
    /// cores or memory, or copying between them takes time.
    pub shortfall: f64,
    /// Relative differences up to this mean nothing.
    pub noise: f64,
    /// The rounds disagree so much that they should be repeated.
    pub noisy: bool,
    /// What the consumer is called.
    pub consumer: String,
}

impl Verdict {
    /// The verdict on `rounds` with a consumer called `consumer`.
    pub fn of(rounds: &[Round], consumer: &str) -> Self {
        let over = |quantity: fn(&Round) -> f64| Spread::of(rounds.iter().map(quantity));
        let ratio = over(|round| round.consumer / round.loader);
        let gain = over(|round| round.consumer / round.together);
        let shortfall = over(|round| 1.0 - round.together / round.loader.min(round.consumer)).median.max(0.0);
        let waited = over(|round| round.waited).median;
        let disagreement = ratio.relative_uncertainty().max(gain.relative_uncertainty());
        let noise = disagreement.max(LEAST_NOISE);
        let equal = (1.0 - noise..=1.0 + noise).contains(&ratio.median);
        let bound = if waited <= noise {
            if equal { Bound::Balanced } else { Bound::Compute }
        } else if equal && waited <= 2.0 * noise {
            // Two equally fast stages wait for each other whenever one of them is late.
            Bound::Balanced
        } else {
            Bound::Input
        };
        Self {
            bound,
            consumer_over_loader: ratio.median,
            waited,
            gain_of_free_input: gain.median,
            shortfall,
            noise,
            noisy: disagreement > NOISY,
            consumer: consumer.to_owned(),
        }
    }

    /// Together they are slower than the slower one alone.
    pub fn shares(&self) -> bool {
        self.shortfall > self.noise
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { consumer, consumer_over_loader: ratio, .. } = self;
        let waited = format!("the consumer waited {} of the time", percent(self.waited));
        match self.bound {
            Bound::Input if *ratio > 1.0 + self.noise => {
                write!(
                    f,
                    "input-bound: {consumer} could process {} what the loader delivers; {waited}",
                    times(*ratio)
                )?;
            }
            Bound::Input => write!(
                f,
                "input-bound together: alone, the loader delivers {} what {consumer} needs, but together they share cores \
                 or memory; {waited}, and would be {} as fast without waiting",
                times(1.0 / ratio),
                times(self.gain_of_free_input)
            )?,
            Bound::Compute if *ratio < 1.0 - self.noise => {
                let ratio = times(1.0 / ratio);
                write!(
                    f,
                    "compute-bound: the loader could deliver {ratio} what {consumer} processes; {waited}"
                )?;
                if self.shares() {
                    let shortfall = percent(self.shortfall);
                    write!(f, "; together with the loader it is {shortfall} slower than alone")?;
                }
            }
            Bound::Compute => write!(
                f,
                "compute-bound together: alone, {consumer} could process {} what the loader delivers, but together it is so \
                 much slower that {waited}",
                times(*ratio)
            )?,
            Bound::Balanced => {
                let noise = percent(self.noise);
                write!(
                    f,
                    "balanced: {consumer} and the loader are equally fast, within the noise of {noise}; {waited}"
                )?;
            }
        }
        if self.noisy {
            let noise = percent(self.noise);
            write!(
                f,
                ". The rounds disagree by {noise}: repeat with longer --seconds, or on a quieter machine"
            )?;
        }
        Ok(())
    }
}

/// A fraction as a percentage, with a decimal where it matters.
pub fn percent(fraction: f64) -> String {
    let percent = 100.0 * fraction;
    if percent.abs() < 9.95 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// A factor, as in `2.3x`.
pub fn times(factor: f64) -> String {
    if factor < 9.95 { format!("{factor:.2}x") } else { format!("{factor:.0}x") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five rounds whose rates differ by `jitter` from one to the next.
    fn rounds(loader: f64, consumer: f64, together: f64, waited: f64, jitter: f64) -> Vec<Round> {
        let one = |sign: f64| Round {
            loader: loader * (1.0 + sign * jitter),
            consumer: consumer * (1.0 - sign * jitter),
            together,
            waited,
            copied: 0.0,
        };
        [-1.0, 0.5, 0.0, -0.5, 1.0].map(one).to_vec()
    }

    fn verdict(loader: f64, consumer: f64, together: f64, waited: f64) -> Verdict {
        Verdict::of(&rounds(loader, consumer, together, waited, 0.002), "the model")
    }

    #[test]
    fn a_loader_that_is_too_slow_is_named_with_the_factor() {
        let verdict = verdict(1000.0, 2300.0, 1000.0, 0.56);
        assert_eq!(verdict.bound, Bound::Input);
        assert_eq!(
            verdict.to_string(),
            "input-bound: the model could process 2.30x what the loader delivers; the consumer waited 56 % of the time"
        );
        assert!((verdict.gain_of_free_input - 2.3).abs() < 1e-9 && !verdict.shares());
    }

    #[test]
    fn a_loader_that_is_fast_enough_is_compute_bound_even_if_the_first_batch_is_waited_for() {
        for waited in [0.0, 0.004, 0.02] {
            let verdict = verdict(120_000.0, 10_000.0, 9_900.0, waited);
            assert_eq!(verdict.bound, Bound::Compute);
            assert!(
                verdict.to_string().starts_with("compute-bound: the loader could deliver 12x"),
                "{verdict}"
            );
        }
    }

    #[test]
    fn cores_that_are_shared_are_seen_in_what_both_together_lose() {
        let compute = verdict(4000.0, 1000.0, 800.0, 0.01);
        assert_eq!(compute.bound, Bound::Compute);
        assert!(compute.shares() && compute.to_string().contains("20 % slower than alone"), "{compute}");
        let input = verdict(1400.0, 1000.0, 600.0, 0.35);
        assert_eq!(input.bound, Bound::Input);
        assert!(input.to_string().contains("1.40x what the model needs"), "{input}");
        // Beside the loader the model is so slow that nobody waits for input, although alone it was faster.
        let starved = verdict(1000.0, 1500.0, 700.0, 0.01);
        assert_eq!(starved.bound, Bound::Compute);
        assert!(starved.to_string().contains("bound together"), "{starved}");
    }

    #[test]
    fn equal_rates_are_balanced_whoever_waits_a_little() {
        for waited in [0.0, 0.03, 0.055] {
            assert_eq!(verdict(1000.0, 1010.0, 980.0, waited).bound, Bound::Balanced, "{waited}");
        }
        assert_eq!(verdict(1000.0, 1010.0, 500.0, 0.5).bound, Bound::Input, "half the time is not a little");
    }

    #[test]
    fn noise_turns_a_close_call_into_a_balance_and_says_so() {
        let quiet = Verdict::of(&rounds(1000.0, 1150.0, 1000.0, 0.13, 0.002), "the model");
        assert_eq!((quiet.bound, quiet.noisy), (Bound::Input, false));
        let noisy = Verdict::of(&rounds(1000.0, 1150.0, 1000.0, 0.13, 0.3), "the model");
        assert_eq!((noisy.bound, noisy.noisy), (Bound::Balanced, true));
        assert!(noisy.to_string().contains("--seconds"), "{noisy}");
        // What is far from close survives the same noise.
        let clear = Verdict::of(&rounds(1000.0, 9000.0, 1000.0, 0.89, 0.3), "the model");
        assert_eq!(clear.bound, Bound::Input);
    }
}
