//! Networks by name, with the nearest names for one that does not exist.

use anyhow::bail;
use polder_architecture::Architecture;

use super::custom;

/// What one may have meant: the published networks and small ones of each family.
const KNOWN: [&str; 21] = [
    "resnet-18",
    "resnet-34",
    "resnet-50",
    "resnet-101",
    "resnet-152",
    "wrn-10-1",
    "wrn-10-2",
    "wrn-16-1",
    "wrn-16-2",
    "wrn-16-4",
    "wrn-16-8",
    "wrn-22-2",
    "wrn-28-2",
    "wrn-28-10",
    "wrn-40-2",
    "wrn28-10-released",
    "wrn-16-4-skipinit",
    "wrn-28-10-skipinit",
    "pyramidnet-20-9",
    "pyramidnet-272-200",
    "mlp-3072-1000x2",
];

/// More differences than this are another name.
const FAR: usize = 4;

/// Checks that a network is called `name`.
///
/// # Errors
/// If none is; the names that differ least are given.
pub fn check(name: &str) -> anyhow::Result<()> {
    if custom::network(name).is_some() {
        return Ok(());
    }
    let Err(error) = name.parse::<Architecture>() else { return Ok(()) };
    let nearest = nearest(name);
    if nearest.is_empty() {
        return Err(error.into());
    }
    bail!("{error}; nearest to it: {}", nearest.join(", "))
}

/// The known names that differ least, up to three.
fn nearest(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase();
    let mut near: Vec<(usize, &str)> = KNOWN
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&name, known), *known))
        .filter(|(distance, known)| *distance <= FAR && *distance < known.len() / 2)
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    let least = near.first().map_or(0, |(distance, _)| *distance);
    near.into_iter().filter(|(distance, _)| *distance <= least).take(3).map(|(_, known)| known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_answered_with_what_was_meant() {
        for (slip, meant) in [
            ("resnet18", "resnet-18"),
            ("ResNet-50", "resnet-50"),
            ("wrn28-10", "wrn-28-10"),
            ("wrn-27-10", "wrn-28-10"),
            ("wnr-16-4", "wrn-16-4"),
        ] {
            assert_eq!(nearest(slip).first(), Some(&meant), "{slip}");
            assert!(check(slip).unwrap_err().to_string().contains(meant));
        }
        assert!(check("transformer").unwrap_err().to_string().contains("wrn-<depth>-<widening>"));
        assert_eq!(nearest("transformer"), [""; 0]);
    }

    #[test]
    fn every_known_name_is_one() {
        assert!(KNOWN.iter().all(|name| check(name).is_ok()));
    }
}
