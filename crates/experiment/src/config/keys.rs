//! The keys of a configuration, as its schema describes them.

mod example;
mod mistake;
mod walk;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

use super::schema::schema;

pub use self::example::{inline, shown};

/// Stands in a path for a name of the user's own.
pub const NAME: &str = "NAME";

/// The tag of a table whose keys depend on its kind.
const KIND: &str = "kind";

/// One key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    /// With dots into tables.
    #[serde(rename = "key")]
    pub path: String,
    /// In words.
    #[serde(rename = "type")]
    pub kind: String,
    pub description: String,
    /// Absent where a key is left out or must be given.
    pub default: Option<Value>,
    /// Whether its table is refused without it.
    pub required: bool,
    /// All its values, if they can be listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Allowed>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// Other keys and the values of them with which this one exists or has an effect.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub only_with: BTreeMap<String, Vec<Value>>,
    /// Keys that must be given as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The key that is a table of the same keys as this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    #[serde(skip)]
    example: Option<Value>,
    /// For a key of a table that is read as a whole: the table, and an example of it.
    #[serde(skip)]
    whole: Option<(String, Value)>,
    /// Likewise a key that can be set by itself in the default configuration.
    #[serde(skip)]
    alone: Option<String>,
}

/// A value that a key can have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Allowed {
    pub value: Value,
    pub description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}

/// All keys of a configuration.
#[derive(Debug)]
pub struct Keys(Vec<Key>);

impl Key {
    /// The kinds of its table that have the key; none if it does not depend on them.
    pub fn kinds(&self) -> Vec<&str> {
        let tag = self.path.rsplit_once('.').map(|(table, _)| format!("{table}.{KIND}"));
        let kinds = tag.and_then(|tag| self.only_with.get(&tag));
        kinds.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether the schema gives an example.
    pub fn has_example(&self) -> bool {
        self.whole.is_some() || self.example.is_some()
    }
}

impl Keys {
    /// The keys of a run's configuration.
    pub fn of_a_run() -> &'static Self {
        static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::of(&schema()));
        &KEYS
    }

    /// The keys that `schema` describes.
    pub fn of(schema: &Value) -> Self {
        Self(walk::keys(schema))
    }

    /// In the order of their names; a key whose meaning depends on the kind of its table is there once per meaning.
    pub fn all(&self) -> &[Key] {
        &self.0
    }

    /// The key at `path`, once per meaning; none if there is no such key.
    pub fn find(&self, path: &str) -> Vec<&Key> {
        let found: Vec<&Key> = self.0.iter().filter(|key| stands_for(&key.path, path)).collect();
        if !found.is_empty() {
            return found;
        }
        self.as_outer(path).map_or_else(Vec::new, |(_, like, rest)| self.find(&format!("{like}{rest}")))
    }

    /// A path into a table that holds one of its own kind: the path of the inner one, the key that it is like, the rest.
    fn as_outer<'a>(&'a self, path: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        self.0.iter().find_map(|key| {
            let depth = key.path.split('.').count();
            let (at, _) = path.match_indices('.').nth(depth - 1)?;
            let (inner, rest) = path.split_at(at);
            let like = key.like.as_ref().filter(|_| stands_for(&key.path, inner))?;
            Some((inner, like.as_str(), rest))
        })
    }

    /// The keys of the table `path`, not those of tables within it.
    pub fn directly_in<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a str> {
        let mut last = "";
        self.0.iter().map(|key| key.path.as_str()).filter(move |key| {
            let is_new = key.rsplit_once('.').is_some_and(|(table, _)| table == path) && *key != last;
            last = if is_new { key } else { last };
            is_new
        })
    }
}

/// Whether `path` is the key `known`, in which [`NAME`] stands for any name.
fn stands_for(known: &str, path: &str) -> bool {
    let (mut known, mut path) = (known.split('.'), path.split('.'));
    loop {
        match (known.next(), path.next()) {
            (None, None) => return true,
            (Some(known), Some(path)) if known == path || known == NAME => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_under_names_of_the_users_own_and_in_tables_within_tables() {
        let keys = Keys::of_a_run();
        for (path, found) in [
            ("optimizer.rho", Some("optimizer.rho")),
            ("averages.my-own.start", Some("averages.NAME.start")),
            ("schedule.then", Some("schedule.then")),
            ("schedule.then.learning_rate", Some("schedule.learning_rate")),
            ("schedule.then.before.then.factor", Some("schedule.factor")),
            ("optimizer.rhho", None),
            ("optimizer.rho.x", None),
            ("schedule.then.facto", None),
            ("", None),
        ] {
            assert_eq!(keys.find(path).first().map(|key| key.path.as_str()), found, "{path}");
        }
    }
}
