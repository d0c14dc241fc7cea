//! How far the loss rises at a distance: in the worst direction, in random ones, and in the worst one for each micro-batch.

use polder_models::Arena;
use polder_optim::sharpness::{
    AscentConfig, AverageRise, AverageRiseConfig, AverageRiseState, MSharpness, Rescaled, worst_case_rise,
};
use polder_stats::Moments;

use super::bench::{Bench, Keeper, ended, scales_and_origin};
use super::curvature::samples_left;
use super::watched::Watched;
use polder_experiment::sharpness::answer::Found;
use polder_experiment::sharpness::plan::LOSS;
use polder_experiment::sharpness::question::Coordinates;

pub(super) fn worst(
    coordinates: Coordinates,
    config: AscentConfig,
    bench: &mut Bench<'_>,
    at: &Arena,
) -> anyhow::Result<(Found, bool)> {
    let mut oracle = bench.at(at)?;
    let rise = match coordinates {
        Coordinates::Raw => worst_case_rise(&mut oracle, at, config),
        Coordinates::ScaleInvariant => {
            let (scales, origin) = scales_and_origin(at)?;
            worst_case_rise(&mut Rescaled::new(&mut oracle, at, &scales)?, &origin, config)
        }
    };
    match rise {
        Ok(rise) => Ok((Found::WorstRise(Some(rise)), true)),
        Err(error) => ended(Err(error.into()), Found::WorstRise(None)),
    }
}

pub(super) fn average(
    coordinates: Coordinates,
    config: &AverageRiseConfig,
    state: AverageRiseState,
    bench: &mut Bench<'_>,
    at: &Arena,
    keeper: &mut Keeper<'_>,
) -> anyhow::Result<(Found, bool)> {
    let scaled = match coordinates {
        Coordinates::Raw => None,
        Coordinates::ScaleInvariant => Some(scales_and_origin(at)?),
    };
    let mut rise = AverageRise::new(scaled.as_ref().map_or(at, |(_, origin)| origin), *config)?;
    rise.restore(state);
    let mut oracle = bench.at(at)?;
    let mut sample = || -> anyhow::Result<()> {
        while !rise.is_finished() {
            match &scaled {
                None => rise.step(&mut oracle)?,
                Some((scales, _)) => rise.step(&mut Rescaled::new(&mut oracle, at, scales)?)?,
            }
            let state = rise.state();
            oracle.progress.expect(2.0 * LOSS * samples_left(&config.stopping, &state.rises));
            keeper.note(|| Found::AverageRise(state))?;
        }
        Ok(())
    };
    let result = sample();
    ended(result, Found::AverageRise(rise.state()))
}

/// Over all whole micro-batches, in the order of the images.
pub(super) fn m_sharpness(
    coordinates: Coordinates,
    rho: f64,
    micro_batch: usize,
    state: Moments,
    bench: &mut Bench<'_>,
    at: &Arena,
    keeper: &mut Keeper<'_>,
) -> anyhow::Result<(Found, bool)> {
    let mut sharpness = MSharpness::new(rho)?;
    sharpness.restore(state);
    let scaled = match coordinates {
        Coordinates::Raw => None,
        Coordinates::ScaleInvariant => Some(scales_and_origin(at)?),
    };
    let whole = bench.at(at)?;
    let num_images = whole.surface.num_images();
    let mut sample = || -> anyhow::Result<()> {
        for index in state.count as usize..num_images / micro_batch {
            let mut part = whole.surface.part(index * micro_batch..(index + 1) * micro_batch)?;
            let share = micro_batch as f64 / num_images as f64;
            let mut oracle = Watched { surface: &mut part, at, progress: whole.progress, share };
            match &scaled {
                None => sharpness.add(&mut oracle, at)?,
                Some((scales, origin)) => {
                    sharpness.add(&mut Rescaled::new(&mut oracle, at, scales)?, origin)?
                }
            };
            keeper.note(|| Found::MSharpness(sharpness.state()))?;
        }
        Ok(())
    };
    let result = sample();
    ended(result, Found::MSharpness(sharpness.state()))
}
