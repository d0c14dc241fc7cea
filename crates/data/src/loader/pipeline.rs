//! Steps handed out to threads, results taken back in order.
//!
//! The consumer hands out steps and takes back results. At most `in_flight` steps are on their way; another one is
//! handed out only when a result is taken. Both channels have room for all of them, so a worker never waits to send,
//! and dropping the pipeline at any point, whatever its consumer still holds, ends every thread as soon as its work
//! notices the stop flag.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::loader::reorder::ReorderWindow;
use crate::loader::runtime::Runtime;

/// What a worker does with a step; `None` if it left half-way because of the stop flag.
pub(crate) trait Work<T>: Send + 'static {
    fn run(&mut self, step: u64) -> Option<T>;

    /// Called around each wait for a step, with what the wait returned.
    fn idle<R>(&mut self, wait: impl FnOnce() -> R) -> R {
        wait()
    }
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// The result of the next step.
    Result(T),
    /// Every step was given back.
    End,
    /// The worker that had this step ended before it was done.
    Lost(u64),
}

/// A step in a worker's hands. However the worker leaves it, by a panic too, the consumer hears of it; or it would wait
/// for a result that nobody makes, while the other workers wait for steps.
struct InHand<'a, R: Runtime, T: Send + 'static> {
    step: u64,
    result: Option<T>,
    finished: &'a R::Sender<Outcome<T>>,
}

impl<R: Runtime, T: Send + 'static> Drop for InHand<'_, R, T> {
    fn drop(&mut self) {
        // The receiver outlives the threads, and there is room for every step in flight.
        R::send(self.finished, (self.step, self.result.take()));
    }
}

/// A step and its result; `None` if its worker left without one.
type Outcome<T> = (u64, Option<T>);

/// Threads at work on a range of steps.
pub(crate) struct Pipeline<R: Runtime, T: Send + 'static> {
    /// Steps not handed out yet.
    to_hand_out: Range<u64>,
    /// The end of the range.
    end: u64,
    /// Closed when there is nothing more to hand out.
    steps: Option<R::Sender<u64>>,
    finished: R::Receiver<Outcome<T>>,
    window: ReorderWindow<Option<T>>,
    stop: Arc<R::Flag>,
    threads: Vec<R::Thread>,
}

/// A thread that the system did not give.
#[derive(Debug)]
pub(crate) struct SpawnError {
    pub(crate) worker: usize,
    pub(crate) source: io::Error,
}

impl<R: Runtime, T: Send + 'static> Pipeline<R, T> {
    /// Starts `workers` threads on the steps of `range`, each with the work that `make_work` makes for it.
    pub(crate) fn start<W: Work<T>>(
        range: Range<u64>,
        workers: usize,
        in_flight: usize,
        stop: Arc<R::Flag>,
        make_work: impl Fn() -> W,
    ) -> Result<Self, SpawnError> {
        let num_steps = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let in_flight = in_flight.min(num_steps);
        let (steps, steps_of_workers) = R::bounded(in_flight);
        let (finished_of_workers, finished) = R::bounded(in_flight);
        let mut pipeline = Pipeline {
            window: ReorderWindow::new(range.start, in_flight),
            end: range.end,
            to_hand_out: range,
            steps: Some(steps),
            finished,
            stop,
            threads: Vec::with_capacity(workers.min(num_steps)),
        };
        for _ in 0..in_flight {
            pipeline.hand_out_step();
        }
        for worker in 0..workers.min(num_steps) {
            let (steps, finished) =
                (R::Receiver::clone(&steps_of_workers), R::Sender::clone(&finished_of_workers));
            let mut work = make_work();
            let run = move || {
                while let Some(step) = work.idle(|| R::receive(&steps)) {
                    let mut in_hand = InHand::<R, T> { step, result: None, finished: &finished };
                    in_hand.result = work.run(step);
                    if in_hand.result.is_none() {
                        return;
                    }
                }
            };
            let thread = R::spawn(format!("polder-data-{worker}"), run)
                .map_err(|source| SpawnError { worker, source })?;
            pipeline.threads.push(thread);
        }
        Ok(pipeline)
    }

    /// The next result in the order of steps; `wait` is called around the wait for it, if there is one. `per_step` is
    /// how long a worker takes for a step, as far as that is known: it decides how to wait, and nothing else.
    pub(crate) fn next(&mut self, per_step: Duration, mut wait: impl FnMut(&mut dyn FnMut())) -> Next<T> {
        if self.window.next() == self.end {
            return Next::End;
        }
        loop {
            let step = self.window.next();
            if let Some(result) = self.window.pop() {
                self.hand_out_step();
                return result.map_or(Next::Lost(step), Next::Result);
            }
            let mut received = R::try_receive(&self.finished);
            if received.is_none() {
                // Twice the time of a step, in case one takes longer than the last.
                wait(&mut || received = R::receive_unhurried(&self.finished, per_step.saturating_mul(2)));
            }
            let Some((step, result)) = received else {
                return Next::Lost(step);
            };
            self.window.insert(step, result);
        }
    }

    /// Asks the threads to leave, without waiting for them.
    pub(crate) fn stop(&mut self) {
        self.steps = None;
        R::set(&self.stop);
    }

    /// Steps not given back yet.
    pub(crate) fn steps_left(&self) -> u64 {
        self.end - self.window.next()
    }

    /// The step that comes next.
    pub(crate) fn next_step(&self) -> u64 {
        self.window.next()
    }

    /// Results that are there but not given back yet.
    pub(crate) fn ready(&self) -> usize {
        R::waiting(&self.finished) + self.window.waiting()
    }

    fn hand_out_step(&mut self) {
        match (self.to_hand_out.next(), &self.steps) {
            // There is room: one step is handed out per result taken. If the workers are gone, receiving says so.
            (Some(step), Some(steps)) => drop(R::send(steps, step)),
            _ => self.steps = None,
        }
    }
}

impl<R: Runtime, T: Send + 'static> Drop for Pipeline<R, T> {
    fn drop(&mut self) {
        self.stop();
        self.threads.drain(..).for_each(R::join);
    }
}

#[cfg(test)]
mod tests;
