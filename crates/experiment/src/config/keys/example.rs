//! Examples as one would type them: lines of a file, and arguments of `--set`.

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Key, Keys};

impl Keys {
    /// The settings that an example of `key` consists of, in the order in which they are written: what the key has an
    /// effect with, itself, and what it needs.
    ///
    /// # Errors
    /// If the schema gives no example, or names a key that does not exist.
    pub fn example(&self, key: &Key) -> anyhow::Result<Vec<(String, Value)>> {
        if let Some((table, example)) = &key.whole {
            return Ok(vec![(table.clone(), example.clone())]);
        }
        let mut settings = Vec::new();
        let Some(value) = &key.example else { bail!("the schema gives no example of `{}`", key.path) };
        self.add(key, value, &mut settings)?;
        Ok(settings)
    }

    /// The settings of `--set` that are an example of `key`.
    ///
    /// # Errors
    /// As of [`Self::example`].
    pub fn flags(&self, key: &Key) -> anyhow::Result<Vec<String>> {
        let settings = match (&key.alone, &key.example) {
            (Some(path), Some(value)) => vec![(path.clone(), value.clone())],
            _ => self.example(key)?,
        };
        Ok(settings.iter().map(|(path, value)| flag(path, value)).collect())
    }

    /// The lines of a file that are an example of `key`, one per table.
    ///
    /// # Errors
    /// As of [`Self::example`].
    pub fn lines(&self, key: &Key) -> anyhow::Result<Vec<String>> {
        Ok(lines(&self.example(key)?))
    }

    fn add(&self, key: &Key, value: &Value, settings: &mut Vec<(String, Value)>) -> anyhow::Result<()> {
        for (other, values) in &key.only_with {
            let value = values.first().with_context(|| format!("`{}` names no value", key.path))?;
            if settings.iter().all(|(path, _)| path != other) {
                self.add(self.known(other)?, value, settings)?;
            }
        }
        self.add_needed(&key.needs, settings)?;
        if settings.iter().any(|(path, _)| *path == key.path) {
            return Ok(());
        }
        settings.push((key.path.clone(), value.clone()));
        let mut of_value = key.allowed.iter().filter(|allowed| allowed.value == *value);
        of_value.try_for_each(|allowed| self.add_needed(&allowed.needs, settings))
    }

    fn add_needed(&self, needed: &[String], settings: &mut Vec<(String, Value)>) -> anyhow::Result<()> {
        for needed in needed {
            let needed = self.known(needed)?;
            let value =
                needed.example.as_ref().with_context(|| format!("no example of `{}`", needed.path))?;
            self.add(needed, value, settings)?;
        }
        Ok(())
    }

    /// The key called `path`, which must be there once at least.
    fn known(&self, path: &str) -> anyhow::Result<&Key> {
        self.find(path).into_iter().next().with_context(|| format!("no key is called `{path}`"))
    }
}

/// A value as TOML on one line; the kind of a table comes first.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let kind = table.iter().filter(|(key, _)| *key == "kind");
            let others = table.iter().filter(|(key, _)| *key != "kind");
            let entries = kind.chain(others).map(|(key, value)| format!("{key} = {}", inline(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        // Strings, numbers and booleans of a configuration are written alike in JSON and TOML.
        plain => plain.to_string(),
    }
}

/// A value as one reads it; nothing is written as `none`.
pub fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "none".to_owned(), inline)
}

/// One `key=value`, quoted for a shell if it must be.
fn flag(path: &str, value: &Value) -> String {
    let word = match value {
        Value::String(text) => text.clone(),
        other => inline(other),
    };
    let setting = format!("{path}={word}");
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.=,/:+".contains(letter);
    if setting.chars().all(is_plain) { setting } else { format!("'{setting}'") }
}

/// Settings as lines of a file: one per table, so that what belongs together is in one line.
fn lines(settings: &[(String, Value)]) -> Vec<String> {
    let mut tables: Vec<(&str, Vec<(&str, &Value)>)> = Vec::new();
    for (path, value) in settings {
        let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
        match tables.iter_mut().find(|(known, _)| *known == table) {
            Some((_, entries)) => entries.push((name, value)),
            None => tables.push((table, vec![(name, value)])),
        }
    }
    let line = |(table, entries): (&str, Vec<(&str, &Value)>)| match (table, entries.as_slice()) {
        ("", [(name, value)]) => format!("{name} = {}", inline(value)),
        (table, [(name, value)]) => format!("{table}.{name} = {}", inline(value)),
        (table, entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{name} = {}", inline(value))).collect();
            format!("{table} = {{ {} }}", entries.join(", "))
        }
    };
    tables.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_are_one_line_with_their_kind_in_front() {
        let value = json!({ "decay": 0.9, "kind": "ema", "then": { "kind": "x", "at": [0.5, 1] } });
        assert_eq!(inline(&value), r#"{ kind = "ema", decay = 0.9, then = { kind = "x", at = [0.5, 1] } }"#);
    }

    #[test]
    fn words_that_a_shell_would_take_apart_are_quoted() {
        assert_eq!(flag("optimizer.rho", &json!(0.05)), "optimizer.rho=0.05");
        assert_eq!(flag("optimizer.method", &json!("sam")), "optimizer.method=sam");
        assert_eq!(flag("a", &json!({ "kind": "tail" })), r#"'a={ kind = "tail" }'"#);
    }

    #[test]
    fn settings_of_one_table_are_one_line() {
        let settings = [("a.b", json!(1)), ("c", json!(true)), ("a.d", json!("x"))];
        let settings = settings.map(|(path, value)| (path.to_owned(), value));
        assert_eq!(lines(&settings), [r#"a = { b = 1, d = "x" }"#, "c = true"]);
        assert_eq!(lines(&settings[..1]), ["a.b = 1"]);
    }

    #[test]
    fn what_a_key_belongs_to_and_needs_is_part_of_its_example() {
        let keys = Keys::of_a_run();
        let lines = |path: &str| keys.lines(keys.find(path)[0]).unwrap();
        assert_eq!(lines("optimizer.rho"), [r#"optimizer = { method = "sam", rho = 0.05 }"#]);
        assert_eq!(
            lines("optimizer.eta"),
            [r#"optimizer = { method = "sam", rho = 0.05, ascent = "adaptive", eta = 0.1 }"#]
        );
        assert_eq!(
            lines("averages.NAME.length"),
            [r#"averages.window = { kind = "window", length = 5, start = 0.0 }"#]
        );
        assert_eq!(keys.flags(keys.find("averages.NAME.start")[0]).unwrap(), ["averages.tail.start=0.75"]);
    }
}
