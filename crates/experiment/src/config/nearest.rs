//! The name that was probably meant by one that does not exist.

use anyhow::Error;

/// A slip of the pen for so many letters, at least one, is taken for granted.
const LETTERS_PER_SLIP: usize = 3;

/// `error` with the nearest of the names that it lists, if it is about a name that is not among them.
pub fn with_nearest(error: toml::de::Error) -> Error {
    match nearest(error.message()) {
        Some((unknown, near)) => {
            let hint = format!("there is no `{unknown}`; did you mean `{near}`?");
            Error::new(error).context(hint)
        }
        None => Error::new(error),
    }
}

/// The unknown name and the nearest known one in a message such as "unknown field `a`, expected one of `b`, `c`".
fn nearest(message: &str) -> Option<(&str, &str)> {
    let (what, known) = message.split_once(", expected ")?;
    if !what.starts_with("unknown ") {
        return None;
    }
    let unknown = what.split('`').nth(1)?;
    Some((unknown, nearest_of(unknown, known.split('`').skip(1).step_by(2))?))
}

/// The one of the `known` names that `unknown` is a slip of, if it is one.
pub fn nearest_of<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips = |name: &&str| letters_apart(name, unknown);
    let best = known.min_by_key(slips)?;
    (slips(&best) <= (unknown.len() / LETTERS_PER_SLIP).max(1)).then_some(best)
}

/// How many letters are missing, added, exchanged or wrong.
pub fn letters_apart(known: &str, typed: &str) -> usize {
    strsim::damerau_levenshtein(known, typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_no_far_one() {
        for (message, expected) in [
            ("unknown field `epoch`, expected one of `batch_size`, `epochs`", Some(("epoch", "epochs"))),
            ("unknown variant `sma`, expected `sgd` or `sam`", Some(("sma", "sam"))),
            ("unknown field `x`, expected one of `batch_size`, `epochs`", None),
            ("unknown field `x`, there are no fields", None),
            ("invalid type: string `a`, expected f64", None),
        ] {
            assert_eq!(nearest(message), expected, "{message}");
        }
    }
}
