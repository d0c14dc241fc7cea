//! A step of SGD on the CPU in one pass over memory.
//!
//! Composed of vector operations, a step of SGD reads and writes weights, gradient and velocity two to four times, and
//! all it does with them is worth a fraction of the time that moving them takes.

use std::ops::Range;

use polder_optim::{Entries, Momentum, SgdStep, WeightDecay};
use tch::{Device, Kind, Tensor};

/// Below so many entries a second thread costs more than it saves.
const ENTRIES_PER_THREAD: usize = 1 << 17;

/// Threads work on multiples of so many entries, so that none writes to another's cache line.
const ALIGNMENT: usize = 16;

/// Moves `weights` as [`polder_optim::Sgd`] describes; every thread count gives the same bits. False, with nothing done,
/// where the vectors are not f32 in the memory of the processor, each in its own.
pub(crate) fn descend(
    weights: &mut Tensor,
    gradient: &Tensor,
    velocity: Option<&mut Tensor>,
    step: &SgdStep<'_>,
) -> bool {
    let here = |tensor: &Tensor| {
        tensor.device() == Device::Cpu && tensor.kind() == Kind::Float && tensor.is_contiguous()
    };
    let vectors = [Some(&*weights), Some(gradient), velocity.as_deref()];
    let mut places: Vec<usize> = vectors.iter().flatten().map(|vector| vector.data_ptr() as usize).collect();
    places.sort_unstable();
    places.dedup();
    if !vectors.iter().flatten().all(|vector| here(vector)) || places.len() < vectors.iter().flatten().count()
    {
        return false;
    }
    let rule = Rule::of(step);
    let stretches = stretches(step.weight_decay, weights.numel());
    let (weights, gradient) = (entries_mut(weights), entries(gradient));
    assert_eq!(weights.len(), gradient.len(), "weights and gradient have the same length");
    let threads = (weights.len() / ENTRIES_PER_THREAD).clamp(1, tch::get_num_threads().max(1) as usize);
    let share = weights.len().div_ceil(threads).next_multiple_of(ALIGNMENT);
    let mut velocity = velocity.map(|velocity| entries_mut(velocity).chunks_mut(share));
    std::thread::scope(|scope| {
        let parts = weights.chunks_mut(share).zip(gradient.chunks(share)).enumerate();
        let mut parts = parts.map(|(index, (weights, gradient))| {
            let velocity = velocity.as_mut().and_then(Iterator::next);
            Part { start: index * share, weights, gradient, velocity }
        });
        let first = parts.next();
        let (rule, stretches) = (&rule, &stretches);
        for part in parts {
            scope.spawn(move || part.descend(rule, stretches));
        }
        if let Some(part) = first {
            part.descend(rule, stretches);
        }
    });
    true
}

/// The factors of a step, in the precision of the weights.
struct Rule {
    learning_rate: f32,
    momentum: f32,
    /// What of a gradient enters the velocity.
    keep: f32,
    nesterov: bool,
    first: bool,
}

impl Rule {
    fn of(step: &SgdStep<'_>) -> Self {
        Self {
            learning_rate: step.learning_rate as f32,
            momentum: step.momentum.coefficient() as f32,
            keep: (1.0 - step.momentum.dampening()) as f32,
            nesterov: matches!(step.momentum, Momentum::Nesterov { .. }),
            first: step.first,
        }
    }
}

/// Stretches of entries that together are all of them, each with its weight decay.
fn stretches(decay: &WeightDecay, len: usize) -> Vec<(Range<usize>, f32)> {
    let coefficient = decay.coefficient as f32;
    let Entries::Ranges(ranges) = &decay.on else { return vec![(0..len, coefficient)] };
    let mut stretches = Vec::with_capacity(2 * ranges.len() + 1);
    let mut end = 0;
    for range in ranges {
        stretches.push((end..range.start, 0.0));
        stretches.push((range.clone(), coefficient));
        end = range.end;
    }
    stretches.push((end..len, 0.0));
    stretches
}

/// What one thread works on: entries from `start` on.
struct Part<'a> {
    start: usize,
    weights: &'a mut [f32],
    gradient: &'a [f32],
    velocity: Option<&'a mut [f32]>,
}

impl Part<'_> {
    fn descend(mut self, rule: &Rule, stretches: &[(Range<usize>, f32)]) {
        let end = self.start + self.weights.len();
        for (stretch, decay) in stretches {
            let within = stretch.start.max(self.start)..stretch.end.min(end);
            if within.is_empty() {
                continue;
            }
            let within = within.start - self.start..within.end - self.start;
            let velocity = self.velocity.as_mut().map(|velocity| &mut velocity[within.clone()]);
            rule.apply(&mut self.weights[within.clone()], &self.gradient[within], velocity, *decay);
        }
    }
}

impl Rule {
    fn apply(&self, weights: &mut [f32], gradient: &[f32], velocity: Option<&mut [f32]>, decay: f32) {
        let &Self { learning_rate, momentum, keep, nesterov, first } = self;
        let Some(velocity) = velocity else {
            for (weight, gradient) in weights.iter_mut().zip(gradient) {
                *weight -= learning_rate * (gradient + decay * *weight);
            }
            return;
        };
        let entries = weights.iter_mut().zip(gradient).zip(velocity);
        // Two loops without a branch each, which is what becomes vector code.
        if nesterov {
            for ((weight, gradient), velocity) in entries {
                let gradient = gradient + decay * *weight;
                *velocity = if first { gradient } else { momentum * *velocity + keep * gradient };
                *weight -= learning_rate * (gradient + momentum * *velocity);
            }
        } else {
            for ((weight, gradient), velocity) in entries {
                let gradient = gradient + decay * *weight;
                *velocity = if first { gradient } else { momentum * *velocity + keep * gradient };
                *weight -= learning_rate * *velocity;
            }
        }
    }
}

#[expect(unsafe_code, reason = "libtorch hands out addresses")]
fn entries(tensor: &Tensor) -> &[f32] {
    // SAFETY: the caller has checked that the tensor is contiguous f32 in the memory of the processor, so numel entries
    // lie there; they are initialised, live as long as the tensor, and no other code runs that could write to them.
    unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>().cast_const(), tensor.numel()) }
}

#[expect(unsafe_code, reason = "libtorch hands out addresses")]
fn entries_mut(tensor: &mut Tensor) -> &mut [f32] {
    // SAFETY: as above; the caller has checked that weights, gradient and velocity begin at different addresses, and each
    // is the whole of an allocation.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) }
}

#[cfg(test)]
mod tests {

    use polder_optim::RandomVector as _;

    use super::*;

    /// Long enough for two threads.
    const LEN: usize = 2 * ENTRIES_PER_THREAD + 24;

    fn vector(seed: u64) -> Vec<f64> {
        let mut vector = vec![0.0; LEN];
        vector.fill_normal(seed);
        vector.into_iter().map(|value| f64::from(value as f32)).collect()
    }

    fn tensor(values: &[f64]) -> Tensor {
        Tensor::from_slice(values).to_kind(Kind::Float)
    }

    #[test]
    fn one_pass_equals_the_composed_step() {
        let ranges = Entries::Ranges(vec![5..40, 1000..LEN - 7]);
        let momenta = [
            Momentum::None,
            Momentum::HeavyBall { coefficient: 0.9, dampening: 0.25 },
            Momentum::Nesterov { coefficient: 0.8 },
        ];
        for on in [Entries::All, ranges] {
            let decay = WeightDecay { coefficient: 0.03, on };
            for momentum in momenta {
                let (mut weights, mut velocity) = (vector(1), vec![f64::NAN; LEN]);
                let (mut fast_weights, mut fast_velocity) = (tensor(&weights), tensor(&velocity));
                for number in 0..3 {
                    let mut gradient = vector(10 + number);
                    let fast_gradient = tensor(&gradient);
                    let moves = momentum.coefficient() != 0.0;
                    let step =
                        SgdStep { learning_rate: 0.1, momentum, weight_decay: &decay, first: number == 0 };
                    let done = descend(
                        &mut fast_weights,
                        &fast_gradient,
                        moves.then_some(&mut fast_velocity),
                        &step,
                    );
                    assert!(done);
                    step.apply_unfused(&mut weights, &mut gradient, moves.then_some(&mut velocity));
                }
                let difference =
                    (fast_weights.to_kind(Kind::Double) - Tensor::from_slice(&weights)).abs().max();
                assert!(difference.double_value(&[]) < 3e-6, "{momentum:?}: {difference:?}");
            }
        }
    }

    #[test]
    fn vectors_that_share_memory_are_left_to_the_composed_step() {
        let mut weights = tensor(&[1.0, 2.0]);
        let same = weights.shallow_clone();
        let decay = WeightDecay::default();
        let step =
            SgdStep { learning_rate: 0.1, momentum: Momentum::None, weight_decay: &decay, first: true };
        assert!(!descend(&mut weights, &same, None, &step));
        assert_eq!(Vec::<f32>::try_from(&weights).unwrap(), [1.0, 2.0]);
    }
}
