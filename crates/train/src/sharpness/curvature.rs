//! What the Hessian is like: its trace, the ends of its spectrum, the density in between.

use polder_models::{Arena, filter_scales};
use polder_optim::Vector as _;
use polder_optim::sharpness::{
    Eigenpair, Hutchinson, HutchinsonConfig, HutchinsonState, Lanczos, LanczosConfig, Rescaled,
    SpectralDensity, SpectralDensityConfig, SpectralDensityState, StoppingRule,
};
use polder_stats::Moments;

use super::bench::{Bench, Keeper, ended, scales_and_origin};
use polder_experiment::sharpness::answer::{Eigenvalue, Eigenvalues, Found};
use polder_experiment::sharpness::plan::PRODUCT;
use polder_experiment::sharpness::question::Coordinates;

/// Raw and weighted by the squares of the scales, from the same probes.
pub(super) fn trace(
    config: &HutchinsonConfig,
    state: HutchinsonState,
    bench: &mut Bench<'_>,
    at: &Arena,
    keeper: &mut Keeper<'_>,
) -> anyhow::Result<(Found, bool)> {
    let scales = filter_scales(at)?;
    let mut squares = at.zeros_like();
    squares.copy_from(&scales);
    squares.mul(&scales);
    let mut trace = Hutchinson::new(at, *config)?.with_weights(squares)?;
    trace.restore(state)?;
    let mut oracle = bench.at(at)?;
    let mut sample = || -> anyhow::Result<()> {
        while !trace.is_finished() {
            trace.step(&mut oracle)?;
            let state = trace.state();
            let left = [state.trace, state.weighted].map(|sample| samples_left(&config.stopping, &sample));
            oracle.progress.expect(PRODUCT * left[0].max(left[1]));
            keeper.note(|| Found::Trace(state))?;
        }
        Ok(())
    };
    let result = sample();
    ended(result, Found::Trace(trace.state()))
}

/// How many more samples the rule will ask for, the interval shrinking as the square root of their number.
pub(super) fn samples_left(rule: &StoppingRule, sample: &Moments) -> f64 {
    if rule.is_finished(sample) {
        return 0.0;
    }
    let (least, most) = (rule.min_samples as f64, rule.max_samples as f64);
    let count = sample.count as f64;
    let excess =
        sample.estimate(rule.confidence).half_width() / (rule.relative_half_width * sample.mean.abs());
    let needed = if excess.is_finite() { count * excess * excess } else { most };
    (needed.clamp(least, most) - count).max(1.0)
}

pub(super) fn eigenvalues(
    coordinates: Coordinates,
    config: LanczosConfig,
    bench: &mut Bench<'_>,
    at: &Arena,
) -> anyhow::Result<(Found, bool)> {
    let lanczos = Lanczos::new(at, config)?;
    let mut oracle = bench.at(at)?;
    let spectrum = match coordinates {
        Coordinates::Raw => lanczos.run(&mut oracle),
        Coordinates::ScaleInvariant => {
            let (scales, origin) = scales_and_origin(at)?;
            lanczos.run(&mut Rescaled::new(&mut oracle, &origin, &scales)?)
        }
    };
    let values = |pairs: &[Eigenpair<Arena>]| {
        let value = |pair: &Eigenpair<Arena>| Eigenvalue {
            value: pair.value,
            residual: pair.residual,
            converged: pair.converged,
        };
        pairs.iter().map(value).collect()
    };
    match spectrum {
        Ok(spectrum) => {
            let (largest, smallest) = (values(&spectrum.largest), values(&spectrum.smallest));
            let num_products = spectrum.num_products;
            Ok((Found::Eigenvalues(Some(Eigenvalues { largest, smallest, num_products })), true))
        }
        Err(error) => ended(Err(error.into()), Found::Eigenvalues(None)),
    }
}

pub(super) fn density(
    coordinates: Coordinates,
    config: SpectralDensityConfig,
    state: SpectralDensityState,
    bench: &mut Bench<'_>,
    at: &Arena,
    keeper: &mut Keeper<'_>,
) -> anyhow::Result<(Found, bool)> {
    let mut density = SpectralDensity::new(at, config)?;
    density.restore(state);
    let mut oracle = bench.at(at)?;
    let scaled = match coordinates {
        Coordinates::Raw => None,
        Coordinates::ScaleInvariant => Some(scales_and_origin(at)?),
    };
    let mut sample = || -> anyhow::Result<()> {
        while !density.is_finished() {
            match &scaled {
                None => density.step(&mut oracle)?,
                Some((scales, origin)) => density.step(&mut Rescaled::new(&mut oracle, origin, scales)?)?,
            }
            keeper.note(|| Found::Density(density.state().clone()))?;
        }
        Ok(())
    };
    let result = sample();
    ended(result, Found::Density(density.state().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_samples_are_left_the_narrower_the_interval() {
        let rule = StoppingRule { min_samples: 4, max_samples: 100, ..StoppingRule::default() };
        let sample = |spread: f64, count: u32| {
            let mut moments = Moments::default();
            for i in 0..count {
                moments.push(1.0 + if i % 2 == 0 { spread } else { -spread });
            }
            moments
        };
        assert_eq!(samples_left(&rule, &sample(0.0, 4)), 0.0);
        assert_eq!(samples_left(&rule, &sample(0.0, 2)), 2.0);
        let (near, far) = (samples_left(&rule, &sample(0.1, 8)), samples_left(&rule, &sample(0.2, 8)));
        assert!(near > 0.0 && near < far && far < 93.0, "{near} {far}");
    }
}
