//! Optimizers on a vector type of one's own: the parameters of a model as named blocks of f32, each of its own length.
//!
//! Fits a line to noisy data with adaptive SAM, averages the iterates, stops in the middle, continues from bytes, and checks that the
//! interrupted run ends where an uninterrupted one does, bit for bit. Run it with
//! `cargo run -p polder-optim --example own_vector`.

use polder_optim::Optimizer as _;
use polder_optim::Resumable as _;
use std::collections::BTreeMap;
use std::ops::Range;

use polder_optim::{
    Ascent, AverageConfig, Averages, Entries, Momentum, Objective, OptimError, Point, Sam, SamConfig,
    SavedState, SgdConfig, State, Vector, VectorBytes, WeightDecay, keyed,
};

/// Parameters, or a gradient, an average, a velocity: named blocks, whose entries count through from the first block to the last.
#[derive(Debug)]
struct Blocks(Vec<(&'static str, Vec<f32>)>);

impl Blocks {
    /// Room for a model of the form `weight . x + bias`.
    fn line(num_features: usize) -> Self {
        Self(vec![("weight", vec![0.0; num_features]), ("bias", vec![0.0])])
    }

    fn block(&mut self, name: &str) -> &mut [f32] {
        let found = self.0.iter_mut().find(|(other, _)| *other == name);
        found.map(|(_, values)| &mut values[..]).unwrap_or_default()
    }

    /// Where a block's entries lie among all of them.
    fn range_of(&self, name: &str) -> Range<usize> {
        let before = self.0.iter().take_while(|(other, _)| *other != name);
        let start: usize = before.map(|(_, values)| values.len()).sum();
        let len = self.0.iter().find(|(other, _)| *other == name).map_or(0, |(_, values)| values.len());
        start..start + len
    }

    fn entries(&self) -> impl Iterator<Item = f32> {
        self.0.iter().flat_map(|(_, values)| values).copied()
    }

    fn entries_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.0.iter_mut().flat_map(|(_, values)| values)
    }

    /// Replaces every entry `y` whose index is in `range` by `f(y, x)`, computed in f64 and rounded once.
    fn update(&mut self, x: &Self, range: Range<usize>, f: impl Fn(f64, f64) -> f64) {
        assert_eq!(self.dim(), x.dim(), "vectors of different dimensions");
        for (y, x) in self.entries_mut().zip(x.entries()).skip(range.start).take(range.len()) {
            *y = f(f64::from(*y), f64::from(x)) as f32;
        }
    }
}

/// The seven operations that an optimizer asks of a vector. None of them knows what a model is.
impl Vector for Blocks {
    fn dim(&self) -> usize {
        self.0.iter().map(|(_, values)| values.len()).sum()
    }

    fn zeros_like(&self) -> Self {
        Self(self.0.iter().map(|(name, values)| (*name, vec![0.0; values.len()])).collect())
    }

    fn copy_from(&mut self, x: &Self) {
        for (y, x) in self.entries_mut().zip(x.entries()) {
            *y = x;
        }
    }

    fn axpby_range(&mut self, a: f64, x: &Self, b: f64, range: Range<usize>) {
        self.update(x, range, |y, x| a * x + b * y);
    }

    fn mul(&mut self, x: &Self) {
        self.update(x, 0..x.dim(), |y, x| y * x);
    }

    fn abs_range(&mut self, x: &Self, shift: f64, range: Range<usize>) {
        self.update(x, range, |_, x| x.abs() + shift);
    }

    fn dot_range(&self, x: &Self, range: Range<usize>) -> f64 {
        let pairs = self.entries().zip(x.entries()).skip(range.start).take(range.len());
        pairs.map(|(y, x)| f64::from(y) * f64::from(x)).sum()
    }
}

/// What a checkpoint asks of a vector.
impl VectorBytes for Blocks {
    fn to_bytes(&self) -> Vec<u8> {
        self.entries().flat_map(f32::to_le_bytes).collect()
    }

    fn copy_from_bytes(&mut self, bytes: &[u8]) -> Result<(), OptimError> {
        let expected = size_of::<f32>() * self.dim();
        if bytes.len() != expected {
            return Err(OptimError::ByteLength { expected, found: bytes.len() });
        }
        for (y, bytes) in self.entries_mut().zip(bytes.as_chunks().0) {
            *y = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }
}

const TRUE_WEIGHT: [f32; 3] = [2.0, -1.0, 0.5];
const TRUE_BIAS: f32 = 0.25;
const BATCH_SIZE: usize = 16;

/// The mean squared error of a line on one minibatch, drawn by its number.
struct Minibatch {
    examples: Vec<([f32; 3], f32)>,
}

impl Minibatch {
    fn draw(step: u64) -> Self {
        let mut draws = keyed::normals(step).map(|value| value as f32);
        let mut draw = || draws.next().unwrap_or_default();
        let examples = (0..BATCH_SIZE).map(|_| {
            let x = [draw(), draw(), draw()];
            (x, dot(&x, &TRUE_WEIGHT) + TRUE_BIAS + 0.1 * draw())
        });
        Self { examples: examples.collect() }
    }
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

impl Objective<Blocks> for Minibatch {
    type Loss = f32;

    fn gradient(
        &mut self,
        parameters: &Blocks,
        _at: Point,
        gradient: &mut Blocks,
    ) -> Result<f32, OptimError> {
        let [(_, weight), (_, bias)] = &parameters.0[..] else {
            return Err(OptimError::objective("a line has a weight and a bias"));
        };
        gradient.fill(0.0);
        let mut loss = 0.0;
        for (x, target) in &self.examples {
            let error = (dot(x, weight) + bias[0] - target) / BATCH_SIZE as f32;
            loss += error * error * BATCH_SIZE as f32;
            gradient.block("weight").iter_mut().zip(x).for_each(|(g, x)| *g += 2.0 * error * x);
            gradient.block("bias")[0] += 2.0 * error;
        }
        Ok(loss)
    }
}

/// A run with all that it needs to continue.
struct Run {
    parameters: Blocks,
    optimizer: Sam<Blocks>,
    averages: Averages<Blocks>,
}

impl Run {
    fn new() -> Result<Self, OptimError> {
        let parameters = Blocks::line(3);
        let weights = Entries::Ranges(vec![parameters.range_of("weight")]); // The bias neither decays nor scales its own ascent.
        let base = SgdConfig {
            momentum: Momentum::HeavyBall { coefficient: 0.9, dampening: 0.0 },
            weight_decay: WeightDecay { coefficient: 1e-4, on: weights.clone() },
            clip_norm: Some(10.0),
        };
        let ascent = Ascent::Adaptive { eta: 0.01, on: weights };
        let averages = vec![
            ("tail".to_owned(), AverageConfig::Tail { start: 200 }),
            ("ema".to_owned(), AverageConfig::CorrectedEma { start: 0, decay: 0.98 }),
        ];
        Ok(Self {
            parameters,
            optimizer: Sam::new(SamConfig { ascent, ..SamConfig::new(0.05, base) })?,
            averages: Averages::new(averages)?,
        })
    }

    fn train(&mut self, steps: Range<u64>) -> Result<(), OptimError> {
        let mut gradient = self.parameters.zeros_like();
        for step in steps {
            let mut objective = Minibatch::draw(step);
            self.optimizer.step(&mut objective, &mut self.parameters, &mut gradient, 0.02)?;
            self.averages.update(step, &self.parameters);
        }
        Ok(())
    }

    /// Another run, made of the bytes of this one.
    fn reread(&self) -> Result<Self, OptimError> {
        let mut other = Self::new()?;
        other.parameters.copy_from_bytes(&self.parameters.to_bytes())?;
        other.optimizer.restore(reread(&self.optimizer.state())?)?;
        other.averages.restore(reread(&self.averages.state())?)?;
        Ok(other)
    }
}

/// What a checkpoint does with a state: names and bytes out, vectors of the same shape in.
fn reread(state: &State<'_, Blocks>) -> Result<SavedState<Blocks>, OptimError> {
    let mut vectors = BTreeMap::new();
    for (name, vector) in &state.vectors {
        let mut read = vector.zeros_like();
        read.copy_from_bytes(&vector.to_bytes())?;
        vectors.insert(name.clone(), read);
    }
    Ok(SavedState { vectors, counters: state.counters.clone() })
}

fn main() -> Result<(), OptimError> {
    let (mut whole, mut interrupted) = (Run::new()?, Run::new()?);
    whole.train(0..1000)?;
    interrupted.train(0..437)?;
    let mut continued = interrupted.reread()?;
    continued.train(437..1000)?;
    assert_eq!(continued.parameters.to_bytes(), whole.parameters.to_bytes());

    let mut truth = Blocks::line(3);
    truth.block("weight").copy_from_slice(&TRUE_WEIGHT);
    truth.block("bias")[0] = TRUE_BIAS;
    let distance = |point: &Blocks| {
        let mut difference = truth.zeros_like();
        difference.copy_from(point);
        difference.axpy(-1.0, &truth);
        difference.norm()
    };
    println!("iterate: {:.4} from the truth, {:?}", distance(&whole.parameters), whole.parameters.0);
    for (name, average) in whole.averages.iter() {
        assert_eq!(Some(average.to_bytes()), continued.averages.get(name).map(VectorBytes::to_bytes));
        println!("{name}: {:.4} from the truth, {:?}", distance(average), average.0);
        assert!(distance(average) < 0.05);
    }
    Ok(())
}

#[test]
fn the_example_runs() {
    main().unwrap();
}
