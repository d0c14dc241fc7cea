//! Keys that do not exist, or not where they stand.

use anyhow::{anyhow, bail};

use super::{KIND, Keys, NAME, stands_for};
use crate::config::nearest::{letters_apart, nearest_of};

impl Keys {
    /// The key that was probably meant by `path`: spelt much like it, or like it without its table.
    pub fn nearest(&self, path: &str) -> Option<String> {
        if let Some((inner, like, rest)) = self.as_outer(path) {
            let nearest = self.nearest(&format!("{like}{rest}"))?;
            return Some(format!("{inner}{}", nearest.strip_prefix(like)?));
        }
        let paths = || self.0.iter().map(|key| key.path.as_str());
        let alike = paths().filter_map(|known| Some((slips(known, path)?, known)));
        let without_table = || {
            let near = nearest_of(last(path), paths().map(last))?;
            paths().find(|known| last(known) == near)
        };
        alike
            .min_by_key(|(slips, _)| *slips)
            .map(|(_, known)| known)
            .or_else(without_table)
            .map(str::to_owned)
    }

    /// Checks that every key of `table`, which may be a part of a configuration, exists.
    ///
    /// # Errors
    /// If one does not: it is named with its tables, and with the nearest one or those of its table.
    pub fn check(&self, table: &toml::Table) -> anyhow::Result<()> {
        self.check_below("", table)
    }

    fn check_below(&self, prefix: &str, table: &toml::Table) -> anyhow::Result<()> {
        for (name, value) in table {
            let path = format!("{prefix}{name}");
            let found = self.find(&path);
            if found.is_empty() {
                return Err(self.unknown(&path));
            }
            let kinds: Vec<&str> = found.iter().flat_map(|key| key.kinds()).collect();
            let kind =
                table.get(KIND).and_then(toml::Value::as_str).filter(|kind| self.is_kind(prefix, kind));
            if let Some(kind) = kind.filter(|kind| !kinds.is_empty() && !kinds.contains(kind)) {
                bail!(
                    "`{path}` belongs to `{prefix}{KIND} = \"{}\"`, and the kind is \"{kind}\"; give the whole table at once, \
                     as `polder config explain {}` shows",
                    kinds.join("\" or \""),
                    prefix.trim_end_matches('.')
                );
            }
            if let toml::Value::Table(inner) = value {
                self.check_below(&format!("{path}."), inner)?;
            }
        }
        Ok(())
    }

    /// Whether the table that `prefix` leads into has this kind.
    fn is_kind(&self, prefix: &str, kind: &str) -> bool {
        self.find(&format!("{prefix}{KIND}"))
            .iter()
            .any(|tag| tag.allowed.iter().any(|allowed| allowed.value == *kind))
    }

    /// That there is no key `path`, and which there is.
    pub fn unknown(&self, path: &str) -> anyhow::Error {
        if let Some(nearest) = self.nearest(path) {
            return anyhow!("there is no key `{path}`; did you mean `{nearest}`?");
        }
        let table = path.rsplit_once('.').map_or("", |(table, _)| table);
        let beside = self.0.iter().map(|key| key.path.as_str());
        let beside: Vec<&str> = beside.filter(|key| is_beside(key, table)).collect();
        anyhow!("there is no key `{path}`; there are {}", beside.join(", "))
    }
}

/// How many letters `path` has wrong if it means `known`; nothing if a part of it is something else.
fn slips(known: &str, path: &str) -> Option<usize> {
    let pairs = known.split('.').zip(path.split('.'));
    let slips = pairs.map(|(known, part)| {
        if known == NAME {
            Some(0)
        } else {
            nearest_of(part, [known].into_iter()).map(|_| letters_apart(known, part))
        }
    });
    let total = slips.sum::<Option<usize>>()?;
    (known.split('.').count() == path.split('.').count()).then_some(total)
}

/// A key without its tables.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Whether `key` lies in `table`, and in no table within it.
fn is_beside(key: &str, table: &str) -> bool {
    let (parent, _) = key.rsplit_once('.').unwrap_or(("", key));
    stands_for(parent, table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> &'static Keys {
        Keys::of_a_run()
    }

    #[test]
    fn the_nearest_key_is_offered_with_its_table() {
        let keys = keys();
        for (path, nearest) in [
            ("optimizer.roh", Some("optimizer.rho")),
            ("rho", Some("optimizer.rho")),
            ("trainng.epochs", Some("training.epochs")),
            ("lables.label_smothing", Some("training.label_smoothing")),
            ("optimizer.xyz", None),
            ("xyzzyx", None),
        ] {
            assert_eq!(keys.nearest(path).as_deref(), nearest, "{path}");
        }
        let error = keys.unknown("optimizer.xyzzyx").to_string();
        assert!(error.contains("optimizer.momentum") && !error.contains("data."), "{error}");
        let error = keys.unknown("xyzzyx").to_string();
        assert!(error.contains("there are averages, data") && !error.contains("optimizer.rho"), "{error}");
    }

    #[test]
    fn a_part_of_a_configuration_is_checked_key_by_key() {
        let check = |text: &str| keys().check(&text.parse().unwrap()).map_err(|error| error.to_string());
        assert_eq!(check("schedule.factor = 0.8\naverages.x.start = 0.5\noptimizer.method = 'sam'"), Ok(()));
        let error = check("optimizer = { method = 'sam', momentun = 0.5 }").unwrap_err();
        assert_eq!(error, "there is no key `optimizer.momentun`; did you mean `optimizer.momentum`?");
        let error = check("schedule = { kind = 'cosine', factor = 0.5 }").unwrap_err();
        assert!(
            error.starts_with("`schedule.factor` belongs to `schedule.kind = \"multi-step\" or \"warm-up\"`"),
            "{error}"
        );
        assert!(check("schedule.then.strat = 0.5").unwrap_err().contains("`schedule.then.start`"));
    }
}
