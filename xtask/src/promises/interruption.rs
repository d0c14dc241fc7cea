//! Stops a command repeatedly, at pseudo-random moments that are the same in every measurement.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::command::shown;

/// The longest wait for progress.
const PATIENCE: Duration = Duration::from_mins(10);

/// A command that can be stopped and continued, and when to stop it.
pub(super) struct Interruption<'a> {
    pub(super) command: &'a dyn Fn() -> Command,
    /// How far it is, read from the disk: a number that grows.
    pub(super) progress: &'a dyn Fn() -> u64,
    /// The signals that stop it, in turn.
    pub(super) signals: &'a [&'a str],
    /// The command is stopped after 1 to this many steps of progress.
    pub(super) most_advances: u64,
    /// The longest delay after that progress; `None`: as long as the last progress took.
    pub(super) latest: Option<Duration>,
}

impl Interruption<'_> {
    /// Starts and stops the command `times` times.
    pub(super) fn repeat(&self, times: u64) -> Result<()> {
        ensure!(times > 0, "the number of stops is 0, expected at least 1");
        let shown = shown(&(self.command)());
        eprintln!("$ {shown}   (stopped {times} times)");
        let mut draws = Draws(1);
        for (turn, signal) in (1..=times).zip(self.signals.iter().cycle()) {
            self.stop(signal, &mut draws).with_context(|| format!("`{shown}`"))?;
            eprintln!("stop {turn} of {times}, by SIG{signal}, at progress {}", (self.progress)());
        }
        Ok(())
    }

    fn stop(&self, signal: &str, draws: &mut Draws) -> Result<()> {
        let (mut reached, mut since, mut took) = ((self.progress)(), Instant::now(), Duration::ZERO);
        let mut command = (self.command)();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().context("it cannot be started")?;
        for advance in 0..=draws.below(self.most_advances) {
            while (self.progress)() == reached {
                expect_running(&mut child)?;
                if since.elapsed() > PATIENCE {
                    child.kill()?;
                    child.wait()?;
                    bail!("nothing new was recorded within {} minutes", PATIENCE.as_secs() / 60);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // The time before the first progress includes the start of the process.
            took = if advance > 0 { since.elapsed() } else { Duration::ZERO };
            (reached, since) = ((self.progress)(), Instant::now());
        }
        std::thread::sleep(self.latest.unwrap_or(took).mul_f64(draws.below(1000) as f64 / 1000.0));
        expect_running(&mut child)?;
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status()?;
        ensure!(sent.success(), "the signal {signal} could not be sent");
        child.wait()?;
        Ok(())
    }
}

fn expect_running(child: &mut Child) -> Result<()> {
    let ended = child.try_wait()?;
    ensure!(ended.is_none(), "it ended before it was stopped: it is too short");
    Ok(())
}

/// Numbers that are the same in every measurement: SplitMix64, see Steele, Lea and Flood (2014).
struct Draws(u64);

impl Draws {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_below_their_end_and_differ() {
        let mut draws = Draws(1);
        let drawn: Vec<u64> = (0..100).map(|_| draws.below(3)).collect();
        assert!((0..3).all(|value| drawn.contains(&value)) && drawn.iter().all(|value| *value < 3));
    }

    #[test]
    fn a_command_that_ends_too_soon_is_refused() {
        let interruption = Interruption {
            command: &|| Command::new("true"),
            progress: &|| 0,
            signals: &["INT"],
            most_advances: 1,
            latest: Some(Duration::ZERO),
        };
        let error = format!("{:#}", interruption.repeat(1).unwrap_err());
        assert!(error.contains("`true`") && error.contains("too short"), "{error}");
    }
}
