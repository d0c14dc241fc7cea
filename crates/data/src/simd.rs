//! Code compiled several times, for wider and wider vectors, and chosen when the program runs.
//!
//! The crate is compiled for the oldest x86-64, whose vectors hold four numbers; the processors it runs on have
//! vectors of eight or sixteen. What runs inside [`Simd::run`] is compiled once for each of them, from the same
//! source. Results are the same bits: no instruction set changes what a multiplication and an addition round to, and
//! Rust never contracts the two into one.

/// The widest vectors that this processor has and this crate was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Simd(Level);

/// Private, so that a level above `Baseline` comes from [`Simd::detect`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Work that is worth compiling for wide vectors. `run` and all that it calls in its loops must be
/// `#[inline(always)]`, or the calls fall back to the narrow version.
pub(crate) trait Vectorized {
    /// What the work returns.
    type Output;

    fn run(self) -> Self::Output;
}

impl Simd {
    /// Asks the processor.
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl");
            if avx512 {
                return Simd(Level::Avx512);
            }
            if is_x86_feature_detected!("avx2") {
                return Simd(Level::Avx2);
            }
        }
        Simd(Level::Baseline)
    }

    /// Every level that this processor has, the narrowest first.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        let widest = Self::detect();
        let mut levels = vec![Simd(Level::Baseline)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Simd(Level::Avx2));
            }
            if widest == Simd(Level::Avx512) {
                levels.push(widest);
            }
        }
        assert!(levels.contains(&widest));
        levels
    }

    /// Runs `work` as compiled for these vectors.
    #[inline]
    pub(crate) fn run<V: Vectorized>(self, work: V) -> V::Output {
        match self.0 {
            Level::Baseline => work.run(),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calling code compiled for more than the oldest x86-64")]
            // SAFETY: the level says so only after `detect` found avx2 on this processor.
            Level::Avx2 => unsafe { avx2(work) },
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calling code compiled for more than the oldest x86-64")]
            // SAFETY: the level says so only after `detect` found avx512f, avx512bw and avx512vl on this processor.
            Level::Avx512 => unsafe { avx512(work) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<V: Vectorized>(work: V) -> V::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn avx512<V: Vectorized>(work: V) -> V::Output {
    work.run()
}
