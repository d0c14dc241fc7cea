//! The pipeline and its pool under thousands of schedules of their threads.
//!
//! The same code that runs on the system's threads runs here on threads that a scheduler stops and resumes at every
//! lock, channel and flag. It reports a deadlock as soon as no thread can go on. Random schedules and those of Burckhardt
//! et al. (2010), "A randomized scheduler with probabilistic guarantees of finding bugs", come from fixed seeds; the
//! pool alone is run under every schedule there is.

mod controlled;

use std::collections::VecDeque;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

use self::controlled::Controlled;
use super::{Next, Pipeline, Work};
use crate::loader::pool::Pool;
use crate::loader::runtime::{Native, Runtime};

/// What a run of the pipeline does.
#[derive(Clone, Copy, Debug)]
struct Scenario {
    workers: usize,
    in_flight: usize,
    steps: u64,
    /// Results that are asked for before the pipeline is dropped; one more than there are steps sees the end.
    asked: u64,
    /// Results that the consumer has in its hands at a time, the one just taken included.
    held: usize,
    /// The step whose worker leaves without a result.
    lost: Option<u64>,
}

const FIRST: u64 = 5;

impl Scenario {
    const fn new(workers: usize, in_flight: usize, steps: u64, asked: u64) -> Self {
        Scenario { workers, in_flight, steps, asked, held: 1, lost: None }
    }

    const fn held(self, held: usize) -> Self {
        Scenario { held, ..self }
    }

    const fn lost(self, step: u64) -> Self {
        Scenario { lost: Some(step), ..self }
    }

    /// Steps in flight, and what the consumer holds; never more than there are steps.
    fn most_buffers(&self) -> usize {
        let steps = self.steps as usize;
        (self.in_flight.min(steps) + self.held).min(steps)
    }

    /// Runs it, checks what every schedule has in common, and says how many buffers were made.
    fn run<R: Runtime>(self) -> usize {
        let pool = Arc::new(Pool::<R, Buffer>::new(|| Buffer));
        let stop = Arc::new(R::flag());
        let make_work = || Fill {
            pool: Arc::clone(&pool),
            stop: Arc::clone(&stop),
            lost: self.lost.map(|step| FIRST + step),
        };
        let (steps, workers) = (FIRST..FIRST + self.steps, self.workers);
        let mut pipeline =
            Pipeline::<R, _>::start(steps, workers, self.in_flight, Arc::clone(&stop), make_work).unwrap();
        let mut in_hands = VecDeque::new();
        for step in 0..self.asked {
            if in_hands.len() == self.held {
                in_hands.pop_front();
            }
            match pipeline.next(Duration::ZERO, |wait| wait()) {
                Next::Result(filled) => {
                    assert_eq!(filled.step, FIRST + step);
                    in_hands.push_back(filled);
                }
                Next::End => assert_eq!(step, self.steps),
                Next::Lost(lost) => {
                    assert_eq!((lost, Some(step)), (FIRST + step, self.lost));
                    break;
                }
            }
        }
        drop(pipeline);
        drop(in_hands);
        let made = pool.made();
        assert!(made <= self.most_buffers(), "{made} buffers under {self:?}");
        let rested: Vec<Buffer> = (0..made).map(|_| pool.take()).collect();
        assert_eq!(pool.made(), rested.len(), "every buffer came back");
        made
    }

    /// Runs it under the schedules of `scheduler`; how many there were, and the most buffers that any of them made.
    fn explore<const NARROW: bool>(self, scheduler: impl Scheduler + 'static) -> (usize, usize) {
        let most = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&most);
        let mut config = Config::new();
        // Seeds are fixed: a schedule that fails is found again by running the test again.
        config.failure_persistence = FailurePersistence::None;
        let schedules = Runner::new(scheduler, config).run(move || {
            seen.fetch_max(self.run::<Controlled<NARROW>>(), Ordering::Relaxed);
        });
        (schedules, most.load(Ordering::Relaxed))
    }

    fn explore_at_random(self, schedules: usize) -> usize {
        let (_, random) = self.explore::<false>(RandomScheduler::new_from_seed(1, schedules));
        let (_, few_preemptions) = self.explore::<false>(PctScheduler::new_from_seed(2, 3, schedules));
        random.max(few_preemptions)
    }
}

#[derive(Debug)]
struct Buffer;

/// Work like that of the loader: it takes a buffer, looks at the stop flag and gives the buffer away in its result.
struct Fill<R: Runtime> {
    pool: Arc<Pool<R, Buffer>>,
    stop: Arc<R::Flag>,
    lost: Option<u64>,
}

impl<R: Runtime> Work<Filled<R>> for Fill<R> {
    fn run(&mut self, step: u64) -> Option<Filled<R>> {
        let filled = Filled { step, buffer: Some(self.pool.take()), pool: Arc::clone(&self.pool) };
        let leaves = R::is_set(&self.stop) || self.lost == Some(step);
        (!leaves).then_some(filled)
    }
}

#[derive(Debug)]
struct Filled<R: Runtime> {
    step: u64,
    buffer: Option<Buffer>,
    pool: Arc<Pool<R, Buffer>>,
}

impl<R: Runtime> Drop for Filled<R> {
    fn drop(&mut self) {
        // A schedule that was given up on has no locks any more.
        if let Some(buffer) = self.buffer.take()
            && !thread::panicking()
        {
            self.pool.put(buffer);
        }
    }
}

#[test]
fn every_result_comes_in_order_and_every_buffer_comes_back() {
    for (workers, in_flight, steps) in
        [(1, 1, 4), (1, 3, 7), (2, 2, 5), (2, 6, 9), (3, 3, 8), (3, 9, 7), (4, 4, 4)]
    {
        for held in [1, 2] {
            Scenario::new(workers, in_flight, steps, steps + 1).held(held).explore_at_random(150);
        }
    }
}

#[test]
fn a_consumer_may_leave_after_any_number_of_results() {
    for asked in 0..=6 {
        for held in [1, 3] {
            Scenario::new(2, 4, 6, asked).held(held).explore_at_random(150);
            Scenario::new(3, 3, 6, asked).held(held).explore_at_random(150);
        }
    }
}

#[test]
fn a_worker_that_leaves_without_a_result_is_reported_in_its_turn() {
    for lost in 0..5 {
        for (workers, in_flight) in [(1, 2), (2, 2), (2, 4), (3, 6)] {
            Scenario::new(workers, in_flight, 5, 6).lost(lost).explore_at_random(150);
            Scenario::new(workers, in_flight, 5, lost).lost(lost).explore_at_random(50);
        }
    }
}

#[test]
fn there_are_as_many_buffers_as_steps_in_flight_and_in_the_consumers_hands() {
    for scenario in [Scenario::new(2, 2, 8, 8), Scenario::new(2, 4, 9, 9), Scenario::new(3, 3, 9, 9).held(2)]
    {
        // Some schedule needs them all, so the bound is the best there is.
        assert_eq!(scenario.explore_at_random(500), scenario.most_buffers(), "{scenario:?}");
    }
}

#[test]
fn threads_that_share_a_pool_make_no_more_than_they_hold_under_every_schedule() {
    const LIMIT: usize = 200_000;
    let config = Config::new();
    let schedules = Runner::new(DfsScheduler::new(Some(LIMIT), false), config).run(|| {
        let pool = Arc::new(Pool::<Controlled, Buffer>::new(|| Buffer));
        let other = Arc::clone(&pool);
        let thread = shuttle::thread::spawn(move || other.put(other.take()));
        pool.put(pool.take());
        thread.join().unwrap();
        let made = pool.made();
        let rested: Vec<Buffer> = (0..made).map(|_| pool.take()).collect();
        assert!(made <= 2 && pool.made() == rested.len(), "{made} buffers");
    });
    assert!(schedules < LIMIT, "the search came to its end");
}

#[test]
fn a_channel_that_is_too_small_is_found() {
    let scenario = Scenario::new(2, 3, 6, 2);
    let found =
        catch_unwind(|| scenario.explore::<true>(RandomScheduler::new_from_seed(1, 1000))).unwrap_err();
    let message = found.downcast_ref::<String>().map_or("", String::as_str);
    assert!(message.contains("deadlock"), "{message}");
}

/// Panics at one step.
struct PanicsAt(u64);

impl Work<u64> for PanicsAt {
    fn run(&mut self, step: u64) -> Option<u64> {
        assert!(step != self.0, "this step panics");
        Some(step)
    }
}

#[test]
fn a_thread_that_panics_is_reported_while_others_live() {
    for workers in [1, 3] {
        let (done, result) = mpsc::channel();
        thread::spawn(move || {
            let stop = Arc::new(Native::flag());
            let mut pipeline = Pipeline::<Native, _>::start(0..9, workers, 4, stop, || PanicsAt(5)).unwrap();
            let results: Vec<_> = (0..6).map(|_| pipeline.next(Duration::ZERO, |wait| wait())).collect();
            drop(pipeline);
            done.send(results)
        });
        let results = result.recv_timeout(Duration::from_mins(1)).expect("it ends, and without a panic");
        let expected: Vec<_> = (0..5).map(Next::Result).chain([Next::Lost(5)]).collect();
        assert_eq!(results, expected);
    }
}
