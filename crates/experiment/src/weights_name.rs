//! What the weights of a run are called: the last iterate, and the averages by their own names.

/// The name under which the last iterate is evaluated; averages have names of their own.
pub const ITERATE: &str = "iterate";

/// The name under which the last iterate is evaluated a second time, after the BN refresh that averages get: at the end of a
/// run, of a network with BN. Where steps are large the running statistics lag behind the weights, and what that costs is
/// otherwise taken for what averaging gains.
pub const REFRESHED: &str = "iterate-refreshed";

/// Whether weights of this name are those of an average.
pub fn is_average(name: &str) -> bool {
    name != ITERATE && name != REFRESHED
}
