//! The scale of each weight, by which a network is measured without regard to how its layers are scaled.

use tch::Kind;

use crate::error::ModelError;
use crate::flat_parameters::FlatParameters;

/// For every weight the scale of its group: the norm of the filter that it belongs to, a filter being all weights that
/// lead into one channel of a convolution or one output of a linear layer. A weight in no filter (scales and shifts of
/// BN, biases) is a group of its own, with its absolute value.
///
/// In coordinates `u` with `w = w0 + s * u` curvature and distances are relative: what batch normalization follows may be
/// scaled by any factor without changing them, if its statistics are recomputed. The squares of the scales weigh the
/// scale-invariant trace.
///
/// # Errors
/// If libtorch cannot allocate.
///
/// # Source
/// The normalisation operator of Kwon et al. (2021), arXiv:2102.11600, section 4, which takes linear layers weight by
/// weight; outputs of a linear layer as filters are those of Li et al. (2018), arXiv:1712.09913, section 4.
pub fn filter_scales(parameters: &FlatParameters) -> Result<FlatParameters, ModelError> {
    use polder_optim::Vector as _;

    let scales = parameters.zeros_like();
    for ((_, weights), (_, mut scale)) in parameters.named()?.into_iter().zip(scales.named()?) {
        tch::no_grad(|| {
            let rank = weights.size().len() as i64;
            let values = if rank < 2 {
                weights.f_abs()?
            } else {
                let within: Vec<i64> = (1..rank).collect();
                weights.f_norm_scalaropt_dim_dtype(2.0, within, true, Kind::Double)?
            };
            scale.f_copy_(&values.f_expand_as(&weights)?).map_err(ModelError::from)
        })?;
    }
    Ok(scales)
}
